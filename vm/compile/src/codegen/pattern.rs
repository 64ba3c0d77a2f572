//! `match` statements (PEP 634).

use ruff_python_ast::{self as ast, Expr, Pattern};
use ruff_text_size::Ranged;

use super::Compiler;
use crate::{
    code::Const,
    fail::{Fail, Res},
    ir::{BlockId, NONE, Op},
    location::Loc,
    names::Sym,
    opcode::{BinaryOp, COMPARE_TO_BOOL, Compare, Opcode},
};

/// State while a pattern is compiled. A pattern takes the subject from the top of the stack. Captured values are kept
/// below everything the match still needs, so that a failure only has to pop.
#[derive(Default)]
struct Context {
    /// Captured names, nearest to the top first.
    stores: Vec<Sym>,
    /// Whether a pattern that always matches is allowed here.
    allow_irrefutable: bool,
    /// Where a failure goes that has to pop so many values first.
    fail_pop: Vec<BlockId>,
    /// Values on the stack above the captured ones, besides the subject.
    on_top: usize,
}

fn is_wildcard(pattern: &Pattern) -> bool {
    matches!(pattern, Pattern::MatchAs(ast::PatternMatchAs { pattern: None, name: None, .. }))
}

fn is_star_wildcard(pattern: &Pattern) -> bool {
    matches!(pattern, Pattern::MatchStar(ast::PatternMatchStar { name: None, .. }))
}

impl<'a> Compiler<'a> {
    pub(crate) fn match_stmt(&mut self, stmt: &'a ast::StmtMatch) -> Res {
        self.expr(&stmt.subject)?;
        let end = self.new_block();
        let count = stmt.cases.len();
        let default = count > 1 && stmt.cases.last().is_some_and(|case| is_wildcard(&case.pattern));
        let tested = count - usize::from(default);
        for (at, case) in stmt.cases[..tested].iter().enumerate() {
            let loc = self.loc(&case.pattern);
            let last = at + 1 == tested;
            if !last {
                self.op_arg(Opcode::COPY, 1, loc);
            }
            let mut context =
                Context { allow_irrefutable: case.guard.is_some() || at + 1 == count, ..Context::default() };
            self.pattern(&case.pattern, &mut context)?;
            for &name in &context.stores {
                self.store_name(name, loc);
            }
            context.stores.clear();
            if let Some(guard) = &case.guard {
                let failed = self.fail_block(&mut context, 0);
                self.jump_if(guard, failed, false)?;
            }
            if !last {
                self.op(Opcode::POP_TOP, loc);
            }
            self.body(&case.body)?;
            self.jump(end, Loc::NONE);
            self.place_failures(&mut context, loc);
        }
        if let Some(case) = stmt.cases.last().filter(|_| default) {
            let loc = self.loc(&case.pattern);
            self.nop(loc);
            if let Some(guard) = &case.guard {
                self.jump_if(guard, end, false)?;
            }
            self.body(&case.body)?;
        }
        self.use_block(end);
        Ok(())
    }

    fn fail_block(&mut self, context: &mut Context, pops: usize) -> BlockId {
        while context.fail_pop.len() <= pops {
            let block = self.new_block();
            context.fail_pop.push(block);
        }
        context.fail_pop[pops]
    }

    /// Jumps to where the pattern has failed, with all its values popped.
    fn fail(&mut self, context: &mut Context, op: Op, loc: Loc) {
        let pops = context.on_top + context.stores.len();
        let target = self.fail_block(context, pops);
        self.instr(op, 0, target, loc);
    }

    fn fail_unless(&mut self, context: &mut Context, loc: Loc) {
        self.fail(context, Op::Code(Opcode::POP_JUMP_IF_FALSE), loc);
    }

    fn place_failures(&mut self, context: &mut Context, loc: Loc) {
        for (pops, block) in std::mem::take(&mut context.fail_pop).into_iter().enumerate().rev() {
            self.use_block(block);
            if pops > 0 {
                self.op(Opcode::POP_TOP, loc);
            }
        }
    }

    /// Moves the top value below `count - 1` others.
    fn rotate(&mut self, count: usize, loc: Loc) {
        for depth in (2..=count).rev() {
            self.op_arg(Opcode::SWAP, depth as u32, loc);
        }
    }

    fn compare_length(&mut self, op: Compare, size: usize, context: &mut Context, loc: Loc) {
        self.op(Opcode::GET_LEN, loc);
        self.constant(Const::Int(size as i64), loc);
        self.op_arg(Opcode::COMPARE_OP, op.arg() | COMPARE_TO_BOOL, loc);
        self.fail_unless(context, loc);
    }

    fn pattern(&mut self, pattern: &'a Pattern, context: &mut Context) -> Res {
        crate::symtable::grow(|| self.pattern_inner(pattern, context))
    }

    fn pattern_inner(&mut self, pattern: &'a Pattern, context: &mut Context) -> Res {
        let loc = self.loc(pattern);
        match pattern {
            Pattern::MatchValue(value) => {
                if !is_value(&value.value) {
                    return Fail::err("patterns may only match literals and attribute lookups", pattern);
                }
                self.expr(&value.value)?;
                self.op_arg(Opcode::COMPARE_OP, Compare::Eq.arg() | COMPARE_TO_BOOL, loc);
                self.fail_unless(context, loc);
                Ok(())
            }
            Pattern::MatchSingleton(singleton) => {
                let value = match singleton.value {
                    ast::Singleton::None => Const::None,
                    ast::Singleton::True => Const::True,
                    ast::Singleton::False => Const::False,
                };
                self.constant(value, loc);
                self.op_arg(Opcode::IS_OP, 0, loc);
                self.fail_unless(context, loc);
                Ok(())
            }
            Pattern::MatchSequence(sequence) => self.sequence_pattern(sequence, context, loc),
            Pattern::MatchMapping(mapping) => self.mapping_pattern(mapping, context, loc),
            Pattern::MatchClass(class) => self.class_pattern(class, context, loc),
            Pattern::MatchStar(star) => self.capture(star.name.as_ref(), context, pattern),
            Pattern::MatchAs(binding) => match &binding.pattern {
                None => {
                    if !context.allow_irrefutable {
                        let msg = match &binding.name {
                            Some(name) => {
                                format!("name capture '{}' makes remaining patterns unreachable", name.id)
                            }
                            None => "wildcard makes remaining patterns unreachable".to_owned(),
                        };
                        return Fail::err(msg, pattern);
                    }
                    self.capture(binding.name.as_ref(), context, pattern)
                }
                Some(inner) => {
                    context.on_top += 1;
                    self.op_arg(Opcode::COPY, 1, loc);
                    self.pattern(inner, context)?;
                    context.on_top -= 1;
                    self.capture(binding.name.as_ref(), context, pattern)
                }
            },
            Pattern::MatchOr(or) => self.or_pattern(or, context, loc),
        }
    }

    /// Keeps the top value for a name, below all that is still needed.
    fn capture(&mut self, name: Option<&ast::Identifier>, context: &mut Context, at: &impl Ranged) -> Res {
        let loc = self.lines.range(at.range());
        let Some(name) = name else {
            self.op(Opcode::POP_TOP, loc);
            return Ok(());
        };
        let sym = self.names.sym(&name.id);
        self.check_capture(sym, context, at)?;
        self.rotate(context.on_top + context.stores.len() + 1, loc);
        context.stores.push(sym);
        Ok(())
    }

    fn check_capture(&self, name: Sym, context: &Context, at: &impl Ranged) -> Res {
        if context.stores.contains(&name) {
            let msg = format!("multiple assignments to name '{}' in pattern", self.names.text(name));
            return Fail::err(msg, at);
        }
        Ok(())
    }

    /// A pattern inside another one may always match.
    fn subpattern(&mut self, pattern: &'a Pattern, context: &mut Context) -> Res {
        let saved = std::mem::replace(&mut context.allow_irrefutable, true);
        let result = self.pattern(pattern, context);
        context.allow_irrefutable = saved;
        result
    }

    fn sequence_pattern(
        &mut self,
        sequence: &'a ast::PatternMatchSequence,
        context: &mut Context,
        loc: Loc,
    ) -> Res {
        let patterns = &sequence.patterns;
        let size = patterns.len();
        let mut stars = patterns.iter().enumerate().filter(|(_, pattern)| pattern.is_match_star());
        let star = stars.next().map(|(at, _)| at);
        if stars.next().is_some() {
            return Fail::err("multiple starred names in sequence pattern", sequence);
        }
        let only_wildcards = patterns.iter().all(|pattern| is_wildcard(pattern) || is_star_wildcard(pattern));
        context.on_top += 1;
        self.op(Opcode::MATCH_SEQUENCE, loc);
        self.fail_unless(context, loc);
        match star {
            None => self.compare_length(Compare::Eq, size, context, loc),
            Some(_) if size > 1 => self.compare_length(Compare::Ge, size - 1, context, loc),
            Some(_) => {}
        }
        context.on_top -= 1;
        if only_wildcards {
            self.op(Opcode::POP_TOP, loc);
            return Ok(());
        }
        match star {
            Some(star) if is_star_wildcard(&patterns[star]) => {
                self.items_by_index(patterns, star, context, loc)
            }
            _ => self.items_unpacked(patterns, star, context, loc),
        }
    }

    /// With `*_` only the items asked for are fetched.
    fn items_by_index(
        &mut self,
        patterns: &'a [Pattern],
        star: usize,
        context: &mut Context,
        loc: Loc,
    ) -> Res {
        context.on_top += 1;
        for (at, pattern) in patterns.iter().enumerate() {
            if is_wildcard(pattern) || at == star {
                continue;
            }
            self.op_arg(Opcode::COPY, 1, loc);
            if at < star {
                self.constant(Const::Int(at as i64), loc);
            } else {
                // The subject need not know negative indices.
                self.op(Opcode::GET_LEN, loc);
                self.constant(Const::Int((patterns.len() - at) as i64), loc);
                self.op_arg(Opcode::BINARY_OP, BinaryOp::Subtract as u32, loc);
            }
            self.op_arg(Opcode::BINARY_OP, BinaryOp::Subscr as u32, loc);
            self.subpattern(pattern, context)?;
        }
        context.on_top -= 1;
        self.op(Opcode::POP_TOP, loc);
        Ok(())
    }

    fn items_unpacked(
        &mut self,
        patterns: &'a [Pattern],
        star: Option<usize>,
        context: &mut Context,
        loc: Loc,
    ) -> Res {
        let size = patterns.len();
        match star {
            None => self.op_arg(Opcode::UNPACK_SEQUENCE, size as u32, loc),
            Some(star) => {
                let after = size - star - 1;
                if star > 255 || after > 0x7F_FFFF {
                    return Fail::err(
                        "too many expressions in star-unpacking sequence pattern",
                        &patterns[star],
                    );
                }
                self.op_arg(Opcode::UNPACK_EX, star as u32 | (after as u32) << 8, loc);
            }
        }
        context.on_top += size;
        for pattern in patterns {
            context.on_top -= 1;
            self.subpattern(pattern, context)?;
        }
        Ok(())
    }

    fn mapping_pattern(
        &mut self,
        mapping: &'a ast::PatternMatchMapping,
        context: &mut Context,
        loc: Loc,
    ) -> Res {
        let size = mapping.keys.len();
        context.on_top += 1;
        self.op(Opcode::MATCH_MAPPING, loc);
        self.fail_unless(context, loc);
        if size == 0 && mapping.rest.is_none() {
            context.on_top -= 1;
            self.op(Opcode::POP_TOP, loc);
            return Ok(());
        }
        if size > 0 {
            self.compare_length(Compare::Ge, size, context, loc);
        }
        self.mapping_keys(mapping)?;
        self.build_tuple(size, loc);
        self.op(Opcode::MATCH_KEYS, loc);
        // Keys and values lie above the subject now.
        context.on_top += 2;
        self.op_arg(Opcode::COPY, 1, loc);
        self.fail(context, Op::Code(Opcode::POP_JUMP_IF_NONE), loc);
        self.op_arg(Opcode::UNPACK_SEQUENCE, size as u32, loc);
        context.on_top = context.on_top + size - 1;
        for pattern in &mapping.patterns {
            context.on_top -= 1;
            self.subpattern(pattern, context)?;
        }
        context.on_top -= 2;
        match &mapping.rest {
            Some(rest) => {
                // A copy without the keys. Stack: subject, keys.
                self.op_arg(Opcode::BUILD_MAP, 0, loc);
                self.op_arg(Opcode::SWAP, 3, loc);
                self.op_arg(Opcode::DICT_UPDATE, 2, loc);
                self.op_arg(Opcode::UNPACK_SEQUENCE, size as u32, loc);
                for left in (1..=size).rev() {
                    self.op_arg(Opcode::COPY, left as u32 + 1, loc);
                    self.op_arg(Opcode::SWAP, 2, loc);
                    self.op(Opcode::DELETE_SUBSCR, loc);
                }
                self.capture(Some(rest), context, mapping)
            }
            None => {
                self.op(Opcode::POP_TOP, loc);
                self.op(Opcode::POP_TOP, loc);
                Ok(())
            }
        }
    }

    fn mapping_keys(&mut self, mapping: &'a ast::PatternMatchMapping) -> Res {
        let mut seen: Vec<Const> = Vec::new();
        for key in &mapping.keys {
            if !is_value(key) && !key.is_literal_expr() {
                return Fail::err(
                    "mapping pattern keys may only match literals and attribute lookups",
                    mapping,
                );
            }
            self.expr(key)?;
            if let Some(value) = self.last_constant() {
                if seen.iter().any(|other| equal(other, &value)) {
                    let msg = format!("mapping pattern checks duplicate key ({})", repr(&value));
                    return Fail::err(msg, mapping);
                }
                seen.push(value);
            }
        }
        Ok(())
    }

    fn class_pattern(&mut self, class: &'a ast::PatternMatchClass, context: &mut Context, loc: Loc) -> Res {
        let positional = &class.arguments.patterns;
        let keywords = &class.arguments.keywords;
        for (at, keyword) in keywords.iter().enumerate() {
            if keywords[..at].iter().any(|other| other.attr.id == keyword.attr.id) {
                let msg = format!("attribute name repeated in class pattern: {}", keyword.attr.id);
                return Fail::err(msg, keyword);
            }
        }
        self.expr(&class.cls)?;
        let names = Self::strings(keywords.iter().map(|keyword| keyword.attr.id.to_string()));
        self.constant(names, loc);
        self.op_arg(Opcode::MATCH_CLASS, positional.len() as u32, loc);
        self.op_arg(Opcode::COPY, 1, loc);
        // The tuple of attributes, or None.
        context.on_top += 1;
        self.fail(context, Op::Code(Opcode::POP_JUMP_IF_NONE), loc);
        let size = positional.len() + keywords.len();
        self.op_arg(Opcode::UNPACK_SEQUENCE, size as u32, loc);
        context.on_top = context.on_top + size - 1;
        for pattern in positional.iter().chain(keywords.iter().map(|keyword| &keyword.pattern)) {
            context.on_top -= 1;
            if is_wildcard(pattern) {
                self.op(Opcode::POP_TOP, loc);
            } else {
                self.subpattern(pattern, context)?;
            }
        }
        Ok(())
    }

    fn or_pattern(&mut self, or: &'a ast::PatternMatchOr, context: &mut Context, loc: Loc) -> Res {
        let end = self.new_block();
        // Names of the first alternative, in the order the others must leave theirs.
        let mut control: Vec<Sym> = Vec::new();
        for (at, alternative) in or.patterns.iter().enumerate() {
            let loc = self.loc(alternative);
            let mut inner = Context {
                allow_irrefutable: at + 1 == or.patterns.len() && context.allow_irrefutable,
                ..Context::default()
            };
            self.op_arg(Opcode::COPY, 1, loc);
            self.pattern(alternative, &mut inner)?;
            if at == 0 {
                control.clone_from(&inner.stores);
            } else {
                self.reorder(&control, &mut inner.stores, or, loc)?;
            }
            inner.stores.clear();
            self.jump(end, loc);
            self.place_failures(&mut inner, loc);
        }
        self.op(Opcode::POP_TOP, loc);
        self.fail(context, Op::Jump, loc);
        self.use_block(end);
        let rotation = control.len() + 1 + context.on_top + context.stores.len();
        for &name in &control {
            self.rotate(rotation, loc);
            self.check_capture(name, context, or)?;
            context.stores.push(name);
        }
        // The copy of the subject.
        self.op(Opcode::POP_TOP, loc);
        debug_assert_ne!(end, NONE);
        Ok(())
    }

    /// Brings captured values into the order of the first alternative.
    fn reorder(&mut self, control: &[Sym], stores: &mut Vec<Sym>, at: &impl Ranged, loc: Loc) -> Res {
        let differ = || Fail::err("alternative patterns bind different names", at);
        if stores.len() != control.len() {
            return differ();
        }
        for wanted in (0..control.len()).rev() {
            let Some(found) = stores.iter().position(|&name| name == control[wanted]) else {
                return differ();
            };
            if found == wanted {
                continue;
            }
            let count = found + 1;
            let moved: Vec<Sym> = stores.drain(..count).collect();
            let to = wanted - found;
            stores.splice(to..to, moved);
            (0..count).for_each(|_| self.rotate(wanted + 1, loc));
        }
        Ok(())
    }
}

/// Literals, signed and complex numbers, dotted names.
fn is_value(expr: &Expr) -> bool {
    match expr {
        Expr::Attribute(_) => true,
        Expr::UnaryOp(op) => op.op == ast::UnaryOp::USub && op.operand.is_number_literal_expr(),
        Expr::BinOp(op) => is_value(&op.left) && op.right.is_number_literal_expr(),
        Expr::FString(_) | Expr::TString(_) => false,
        _ => expr.is_literal_expr(),
    }
}

/// Python's equality of keys.
fn equal(a: &Const, b: &Const) -> bool {
    let number = |value: &Const| match value {
        Const::Int(n) => Some(*n as f64),
        Const::Float(x) => Some(*x),
        Const::True => Some(1.0),
        Const::False => Some(0.0),
        _ => None,
    };
    match (a, b) {
        (Const::Int(a), Const::Int(b)) => a == b,
        _ => a == b || number(a).is_some_and(|n| number(b) == Some(n)),
    }
}

fn repr(value: &Const) -> String {
    match value {
        Const::Str(text) => format!("{text:?}"),
        Const::Int(n) => n.to_string(),
        Const::Float(x) => format!("{x:?}"),
        Const::True => "True".to_owned(),
        Const::False => "False".to_owned(),
        Const::None => "None".to_owned(),
        Const::Bytes(bytes) => format!("b'{}'", bytes.escape_ascii()),
        _ => "...".to_owned(),
    }
}
