//! From the parser's tree to nodes: statements.

use typhon_compile::ast::{self as tree, Stmt};
use typhon_compile::{Mode, Parsed, TextRange, TextSize};
use typhon_core::builtins::tuple::Tuple;
use typhon_core::{Borrowed, Owned, PyResult, Thread, Type};

use super::node::{bare, set};

macro_rules! classes {
    ($($name:ident),* $(,)?) => {
        /// The concrete classes. Those without fields come first: one instance of each serves all trees.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(non_camel_case_types)]
        pub enum Class { $($name),* }
        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

classes! {
    Load, Store, Del, And, Or, Add, Sub, Mult, MatMult, Div, Mod, Pow, LShift, RShift, BitOr, BitXor, BitAnd,
    FloorDiv, Invert, Not, UAdd, USub, Eq, NotEq, Lt, LtE, Gt, GtE, Is, IsNot, In, NotIn,
    Module, Interactive, Expression, FunctionType,
    FunctionDef, AsyncFunctionDef, ClassDef, Return, Delete, Assign, TypeAlias, AugAssign, AnnAssign, For,
    AsyncFor, While, If, With, AsyncWith, Match, Raise, Try, TryStar, Assert, Import, ImportFrom, Global,
    Nonlocal, Expr, Pass, Break, Continue,
    BoolOp, NamedExpr, BinOp, UnaryOp, Lambda, IfExp, Dict, Set, ListComp, SetComp, DictComp, GeneratorExp,
    Await, Yield, YieldFrom, Compare, Call, FormattedValue, Interpolation, JoinedStr, TemplateStr, Constant,
    Attribute, Subscript, Starred, Name, List, Tuple, Slice,
    comprehension, ExceptHandler, arguments, arg, keyword, alias, withitem, match_case,
    MatchValue, MatchSingleton, MatchSequence, MatchMapping, MatchClass, MatchStar, MatchAs, MatchOr,
    TypeVar, ParamSpec, TypeVarTuple,
}

/// How many classes have a shared instance.
const SHARED: usize = Class::NotIn as usize + 1;

/// The classes of the module, kept with the runtime.
pub struct Classes;

impl Classes {
    /// A pair of tuples: classes in the order of [`Class`], and shared instances.
    pub fn collect(th: &mut Thread, module: Borrowed<'_>) -> PyResult {
        let mut classes = Vec::new();
        let mut shared = Vec::new();
        for (i, name) in NAMES.iter().enumerate() {
            let class = module.getattr_str(th, name)?;
            if i < SHARED
                && let Some(ty) = class.downcast::<Type>()
            {
                shared.push(bare(th, ty));
            }
            classes.push(class);
        }
        let (classes, shared) = (th.new_tuple(classes), th.new_tuple(shared));
        Ok(th.new_pair(classes, shared))
    }
}

/// A field of a node under construction.
pub type FieldValue = (&'static str, Owned);

/// What turns a parser's tree into nodes.
pub struct Builder<'a> {
    pub source: &'a str,
    starts: Vec<u32>,
    classes: Owned,
    shared: Owned,
}

fn item(tuple: &Owned, i: usize) -> Borrowed<'_> {
    tuple.payload::<Tuple>().items()[i].fixed().expect("tuples of the module are full")
}

impl<'a> Builder<'a> {
    /// For a source text with `\n` line ends.
    pub fn new(source: &'a str, th: &mut Thread) -> PyResult<Builder<'a>> {
        let classes = match th.rt.stored("_ast.classes") {
            Some(c) => c,
            None => {
                crate::support::import(th, "_ast")?;
                th.rt.stored("_ast.classes").expect("the module stores them")
            }
        };
        let mut starts = vec![0];
        starts.extend(source.bytes().enumerate().filter(|&(_, b)| b == b'\n').map(|(at, _)| at as u32 + 1));
        let shared = item(&classes, 1).to_owned();
        let classes = item(&classes, 0).to_owned();
        Ok(Builder { source, starts, classes, shared })
    }

    /// Line from 1 and byte column from 0.
    fn position(&self, offset: TextSize) -> (u32, u32) {
        let offset = offset.to_u32();
        let line = self.starts.partition_point(|&start| start <= offset);
        (line as u32, offset - self.starts[line - 1])
    }

    /// The instance of an operator or context.
    pub fn one(&self, class: Class) -> Owned {
        item(&self.shared, class as usize).to_owned()
    }

    /// A node without a position.
    pub fn plain(&self, class: Class, fields: Vec<FieldValue>, th: &mut Thread) -> PyResult {
        let ty = item(&self.classes, class as usize).downcast::<Type>().expect("classes are types");
        let node = bare(th, ty);
        for (name, v) in fields {
            set(th, &node, name, v)?;
        }
        Ok(node)
    }

    /// A node with a position.
    pub fn node(&self, class: Class, range: TextRange, fields: Vec<FieldValue>, th: &mut Thread) -> PyResult {
        let node = self.plain(class, fields, th)?;
        let (line, col) = self.position(range.start());
        let (end_line, end_col) = self.position(range.end());
        for (name, v) in
            [("lineno", line), ("col_offset", col), ("end_lineno", end_line), ("end_col_offset", end_col)]
        {
            let v = th.new_int(i64::from(v));
            set(th, &node, name, v)?;
        }
        Ok(node)
    }

    /// A list made of each item.
    pub fn list<T>(
        &self,
        items: impl IntoIterator<Item = T>,
        th: &mut Thread,
        mut f: impl FnMut(&Self, T, &mut Thread) -> PyResult,
    ) -> PyResult {
        let mut list = Vec::new();
        for item in items {
            list.push(f(self, item, th)?);
        }
        Ok(th.new_list(list))
    }

    pub fn stmts(&self, body: &[Stmt], th: &mut Thread) -> PyResult {
        self.list(body, th, |b, s, th| b.stmt(s, th))
    }

    /// An identifier.
    pub fn ident(&self, name: &str, th: &mut Thread) -> Owned {
        th.intern(name)
    }

    pub fn opt_ident(&self, name: Option<&tree::Identifier>, th: &mut Thread) -> Owned {
        name.map_or_else(Owned::none, |n| th.intern(n.id.as_str()))
    }

    /// Where a decorated definition begins: behind its decorators.
    fn definition_start(&self, range: TextRange, decorators: &[tree::Decorator]) -> TextRange {
        let Some(last) = decorators.last() else { return range };
        let mut at = last.range.end().to_usize();
        let bytes = self.source.as_bytes();
        while let Some(&b) = bytes.get(at) {
            match b {
                b' ' | b'\t' | b'\n' | b'\x0c' | b'\\' => at += 1,
                b'#' => at += bytes[at..].iter().position(|&b| b == b'\n').unwrap_or(bytes.len() - at),
                _ => break,
            }
        }
        TextRange::new(TextSize::new(at as u32), range.end())
    }

    fn type_params(&self, params: Option<&tree::TypeParams>, th: &mut Thread) -> PyResult {
        let params = params.map_or(&[][..], |p| &p.type_params[..]);
        self.list(params, th, |b, p, th| b.type_param(p, th))
    }

    pub fn stmt(&self, stmt: &Stmt, th: &mut Thread) -> PyResult {
        th.check_native_stack(" during ast construction")?;
        match stmt {
            Stmt::FunctionDef(s) => {
                let class = if s.is_async { Class::AsyncFunctionDef } else { Class::FunctionDef };
                let fields = vec![
                    ("name", self.ident(s.name.id.as_str(), th)),
                    ("args", self.arguments(Some(&s.parameters), th)?),
                    ("body", self.stmts(&s.body, th)?),
                    (
                        "decorator_list",
                        self.list(&s.decorator_list, th, |b, d, th| b.expr(&d.expression, th))?,
                    ),
                    ("returns", self.opt(s.returns.as_deref(), th)?),
                    ("type_comment", Owned::none()),
                    ("type_params", self.type_params(s.type_params.as_deref(), th)?),
                ];
                self.node(class, self.definition_start(s.range, &s.decorator_list), fields, th)
            }
            Stmt::ClassDef(s) => {
                let (bases, keywords) = match &s.arguments {
                    Some(a) => (&a.args[..], &a.keywords[..]),
                    None => (&[][..], &[][..]),
                };
                let fields = vec![
                    ("name", self.ident(s.name.id.as_str(), th)),
                    ("bases", self.exprs(bases, th)?),
                    ("keywords", self.list(keywords, th, |b, k, th| b.keyword(k, th))?),
                    ("body", self.stmts(&s.body, th)?),
                    (
                        "decorator_list",
                        self.list(&s.decorator_list, th, |b, d, th| b.expr(&d.expression, th))?,
                    ),
                    ("type_params", self.type_params(s.type_params.as_deref(), th)?),
                ];
                self.node(Class::ClassDef, self.definition_start(s.range, &s.decorator_list), fields, th)
            }
            Stmt::Return(s) => {
                let fields = vec![("value", self.opt(s.value.as_deref(), th)?)];
                self.node(Class::Return, s.range, fields, th)
            }
            Stmt::Delete(s) => {
                let fields = vec![("targets", self.exprs(&s.targets, th)?)];
                self.node(Class::Delete, s.range, fields, th)
            }
            Stmt::TypeAlias(s) => {
                let fields = vec![
                    ("name", self.expr(&s.name, th)?),
                    ("type_params", self.type_params(s.type_params.as_deref(), th)?),
                    ("value", self.expr(&s.value, th)?),
                ];
                self.node(Class::TypeAlias, s.range, fields, th)
            }
            Stmt::Assign(s) => {
                let fields = vec![
                    ("targets", self.exprs(&s.targets, th)?),
                    ("value", self.expr(&s.value, th)?),
                    ("type_comment", Owned::none()),
                ];
                self.node(Class::Assign, s.range, fields, th)
            }
            Stmt::AugAssign(s) => {
                let fields = vec![
                    ("target", self.expr(&s.target, th)?),
                    ("op", self.one(operator(s.op))),
                    ("value", self.expr(&s.value, th)?),
                ];
                self.node(Class::AugAssign, s.range, fields, th)
            }
            Stmt::AnnAssign(s) => {
                let fields = vec![
                    ("target", self.expr(&s.target, th)?),
                    ("annotation", self.expr(&s.annotation, th)?),
                    ("value", self.opt(s.value.as_deref(), th)?),
                    ("simple", th.new_int(i64::from(s.simple))),
                ];
                self.node(Class::AnnAssign, s.range, fields, th)
            }
            Stmt::For(s) => {
                let class = if s.is_async { Class::AsyncFor } else { Class::For };
                let fields = vec![
                    ("target", self.expr(&s.target, th)?),
                    ("iter", self.expr(&s.iter, th)?),
                    ("body", self.stmts(&s.body, th)?),
                    ("orelse", self.stmts(&s.orelse, th)?),
                    ("type_comment", Owned::none()),
                ];
                self.node(class, s.range, fields, th)
            }
            Stmt::While(s) => {
                let fields = vec![
                    ("test", self.expr(&s.test, th)?),
                    ("body", self.stmts(&s.body, th)?),
                    ("orelse", self.stmts(&s.orelse, th)?),
                ];
                self.node(Class::While, s.range, fields, th)
            }
            Stmt::If(s) => self.if_statement(s, th),
            Stmt::With(s) => {
                let class = if s.is_async { Class::AsyncWith } else { Class::With };
                let fields = vec![
                    ("items", self.list(&s.items, th, |b, w, th| b.with_item(w, th))?),
                    ("body", self.stmts(&s.body, th)?),
                    ("type_comment", Owned::none()),
                ];
                self.node(class, s.range, fields, th)
            }
            Stmt::Match(s) => {
                let fields = vec![
                    ("subject", self.expr(&s.subject, th)?),
                    ("cases", self.list(&s.cases, th, |b, c, th| b.match_case(c, th))?),
                ];
                self.node(Class::Match, s.range, fields, th)
            }
            Stmt::Raise(s) => {
                let fields = vec![
                    ("exc", self.opt(s.exc.as_deref(), th)?),
                    ("cause", self.opt(s.cause.as_deref(), th)?),
                ];
                self.node(Class::Raise, s.range, fields, th)
            }
            Stmt::Try(s) => {
                let class = if s.is_star { Class::TryStar } else { Class::Try };
                let fields = vec![
                    ("body", self.stmts(&s.body, th)?),
                    ("handlers", self.list(&s.handlers, th, |b, h, th| b.handler(h, th))?),
                    ("orelse", self.stmts(&s.orelse, th)?),
                    ("finalbody", self.stmts(&s.finalbody, th)?),
                ];
                self.node(class, s.range, fields, th)
            }
            Stmt::Assert(s) => {
                let fields =
                    vec![("test", self.expr(&s.test, th)?), ("msg", self.opt(s.msg.as_deref(), th)?)];
                self.node(Class::Assert, s.range, fields, th)
            }
            Stmt::Import(s) => {
                let fields = vec![("names", self.list(&s.names, th, |b, a, th| b.alias(a, th))?)];
                self.node(Class::Import, s.range, fields, th)
            }
            Stmt::ImportFrom(s) => {
                let fields = vec![
                    ("module", self.opt_ident(s.module.as_ref(), th)),
                    ("names", self.list(&s.names, th, |b, a, th| b.alias(a, th))?),
                    ("level", th.new_int(i64::from(s.level))),
                ];
                self.node(Class::ImportFrom, s.range, fields, th)
            }
            Stmt::Global(s) => {
                let fields = vec![("names", self.idents(&s.names, th))];
                self.node(Class::Global, s.range, fields, th)
            }
            Stmt::Nonlocal(s) => {
                let fields = vec![("names", self.idents(&s.names, th))];
                self.node(Class::Nonlocal, s.range, fields, th)
            }
            Stmt::Expr(s) => {
                let fields = vec![("value", self.expr(&s.value, th)?)];
                self.node(Class::Expr, s.range, fields, th)
            }
            Stmt::Pass(s) => self.node(Class::Pass, s.range, Vec::new(), th),
            Stmt::Break(s) => self.node(Class::Break, s.range, Vec::new(), th),
            Stmt::Continue(s) => self.node(Class::Continue, s.range, Vec::new(), th),
            Stmt::IpyEscapeCommand(_) => {
                Err(th.raise(&typhon_core::builtins::exceptions::SYNTAX_ERROR, "invalid syntax"))
            }
        }
    }

    fn idents(&self, names: &[tree::Identifier], th: &mut Thread) -> Owned {
        let names = names.iter().map(|n| th.intern(n.id.as_str())).collect();
        th.new_list(names)
    }

    /// `elif` is an `If` in the `orelse` of the one before it.
    fn if_statement(&self, s: &tree::StmtIf, th: &mut Thread) -> PyResult {
        let mut orelse = th.new_list(Vec::new());
        for clause in s.elif_else_clauses.iter().rev() {
            let body = self.stmts(&clause.body, th)?;
            orelse = match &clause.test {
                None => body,
                Some(test) => {
                    let fields = vec![("test", self.expr(test, th)?), ("body", body), ("orelse", orelse)];
                    let range = TextRange::new(clause.range.start(), s.range.end());
                    let node = self.node(Class::If, range, fields, th)?;
                    th.new_list(vec![node])
                }
            };
        }
        let fields =
            vec![("test", self.expr(&s.test, th)?), ("body", self.stmts(&s.body, th)?), ("orelse", orelse)];
        self.node(Class::If, s.range, fields, th)
    }
}

/// The class of a binary operator.
pub fn operator(op: tree::Operator) -> Class {
    use tree::Operator as O;
    match op {
        O::Add => Class::Add,
        O::Sub => Class::Sub,
        O::Mult => Class::Mult,
        O::MatMult => Class::MatMult,
        O::Div => Class::Div,
        O::Mod => Class::Mod,
        O::Pow => Class::Pow,
        O::LShift => Class::LShift,
        O::RShift => Class::RShift,
        O::BitOr => Class::BitOr,
        O::BitXor => Class::BitXor,
        O::BitAnd => Class::BitAnd,
        O::FloorDiv => Class::FloorDiv,
    }
}

/// The tree of a parsed source.
pub fn tree(th: &mut Thread, parsed: &Parsed, mode: Mode) -> PyResult {
    let b = Builder::new(&parsed.source, th)?;
    match &parsed.tree {
        tree::Mod::Expression(e) => {
            let fields = vec![("body", b.expr(&e.body, th)?)];
            b.plain(Class::Expression, fields, th)
        }
        tree::Mod::Module(m) => {
            let body = b.stmts(&m.body, th)?;
            if mode == Mode::Single {
                return b.plain(Class::Interactive, vec![("body", body)], th);
            }
            let ignores = th.new_list(Vec::new());
            b.plain(Class::Module, vec![("body", body), ("type_ignores", ignores)], th)
        }
    }
}

/// `(int, str) -> bool`: the type comment of a function.
pub fn function_type(th: &mut Thread, text: &str, filename: &str) -> PyResult {
    let Some((arguments, returns)) = text.rsplit_once("->") else {
        return Err(th.raise(&typhon_core::builtins::exceptions::SYNTAX_ERROR, "invalid syntax"));
    };
    let arguments = arguments.trim();
    if !arguments.starts_with('(') || !arguments.ends_with(')') {
        return Err(th.raise(&typhon_core::builtins::exceptions::SYNTAX_ERROR, "invalid syntax"));
    }
    let call = format!("f{arguments}");
    let parse = |text: &str, th: &mut Thread| {
        typhon_compile::parse(text, Mode::Eval).map_err(|e| typhon_core::compile::raise(th, &e, filename))
    };
    let call = parse(&call, th)?;
    let returns = parse(returns.trim(), th)?;
    let b = Builder::new(&call.source, th)?;
    let mut types = Vec::new();
    if let tree::Mod::Expression(e) = &call.tree
        && let tree::Expr::Call(c) = &*e.body
    {
        for arg in &c.arguments.args {
            types.push(match arg {
                tree::Expr::Starred(s) => b.expr(&s.value, th)?,
                other => b.expr(other, th)?,
            });
        }
        for keyword in c.arguments.keywords.iter().filter(|k| k.arg.is_none()) {
            types.push(b.expr(&keyword.value, th)?);
        }
    }
    let types = th.new_list(types);
    let b = Builder::new(&returns.source, th)?;
    let returns = match &returns.tree {
        tree::Mod::Expression(e) => b.expr(&e.body, th)?,
        tree::Mod::Module(_) => {
            return Err(th.raise(&typhon_core::builtins::exceptions::SYNTAX_ERROR, "invalid syntax"));
        }
    };
    b.plain(Class::FunctionType, vec![("argtypes", types), ("returns", returns)], th)
}
