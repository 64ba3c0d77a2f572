//! From blocks to a code object.

mod tables;

pub use tables::{Position, Region, decode_exceptiontable, decode_linetable};

use crate::{
    code::{Code, Const, kind},
    codegen::Compiler,
    fail::Res,
    flow,
    ir::{Graph, Instr, NONE, Op},
    location::Loc,
    names::{Sym, known},
    opcode::{ArgKind, Opcode},
    pystr::PyStr,
};

/// Finishes the current unit of a compiler.
pub(crate) fn assemble(c: &mut Compiler<'_>) -> Res<Code> {
    let flags = c.code_flags();
    let mut graph = std::mem::take(&mut c.unit.graph);
    let slots = Slots::of(c);
    slots.number(&mut graph);
    let generator = flags
        & (crate::code::flags::GENERATOR
            | crate::code::flags::COROUTINE
            | crate::code::flags::ASYNC_GENERATOR)
        != 0;
    prefix(&mut graph, &slots, generator, c.unit.firstlineno);
    let parameters =
        c.unit.argcount + c.unit.kwonlyargcount + u32::from(c.unit.varargs) + u32::from(c.unit.varkeywords);
    flow::optimize(&mut graph, parameters, slots.names.len() as u32);
    let consts = std::mem::take(&mut c.unit.consts).into_vec();
    let consts = drop_unused(&mut graph, consts, c.unit.has_docstring);
    let stacksize = flow::depth::annotate(&mut graph);
    flow::borrow::borrow(&mut graph);

    let text = |sym: &Sym| PyStr::from(c.names.text(*sym));
    let localsplusnames = slots.names.iter().map(|&name| match name {
        // Inspection shows `format`; inside, the name cannot clash with one in an annotation.
        name if name == known::FORMAT && c.unit.name == known::ANNOTATE => "format".into(),
        name => text(&name),
    });
    let mut code = Code {
        argcount: c.unit.argcount,
        posonlyargcount: c.unit.posonlyargcount,
        kwonlyargcount: c.unit.kwonlyargcount,
        flags,
        stacksize: stacksize.max(1),
        firstlineno: c.unit.firstlineno,
        name: text(&c.unit.name),
        qualname: c.unit.qualname.as_str().into(),
        filename: c.filename.clone(),
        code: Vec::new(),
        consts,
        names: c.unit.names.list.iter().map(text).collect(),
        localsplusnames: localsplusnames.collect(),
        localspluskinds: slots.kinds.clone(),
        linetable: Vec::new(),
        exceptiontable: Vec::new(),
    };
    emit(&graph, &mut code);
    #[cfg(debug_assertions)]
    if let Err(problem) = crate::verify::verify(&code) {
        let listing = crate::dis::dis(&code);
        return crate::fail::Fail::err(
            format!("internal: {problem} in {}\n{listing}", code.qualname),
            &ruff_text_size::TextRange::default(),
        );
    }
    Ok(code)
}

/// The slots of a frame: parameters and locals, then cells that are neither, then free variables.
struct Slots {
    names: Vec<Sym>,
    kinds: Vec<u8>,
    /// Slot of each cell or free variable, cells first.
    derefs: Vec<u32>,
    cells: usize,
}

impl Slots {
    fn of(c: &Compiler<'_>) -> Slots {
        let unit = &c.unit;
        let mut names = unit.varnames.list.clone();
        let mut kinds: Vec<u8> = names
            .iter()
            .enumerate()
            .map(|(at, name)| {
                let hidden = if unit.hidden.contains(name) { kind::HIDDEN } else { 0 };
                kind::LOCAL | hidden | parameter_kind(c, at as u32)
            })
            .collect();
        let mut derefs = Vec::new();
        for &name in &unit.cellvars.list {
            match unit.varnames.find(name) {
                Some(at) if !unit.hidden.contains(&name) => {
                    kinds[at as usize] |= kind::CELL;
                    derefs.push(at);
                }
                _ => {
                    derefs.push(names.len() as u32);
                    names.push(name);
                    kinds.push(kind::CELL);
                }
            }
        }
        for &name in &unit.freevars.list {
            derefs.push(names.len() as u32);
            names.push(name);
            kinds.push(kind::FREE);
        }
        Slots { names, kinds, derefs, cells: unit.cellvars.list.len() }
    }

    /// Replaces numbers of cells by those of slots.
    fn number(&self, graph: &mut Graph) {
        for block in &mut graph.blocks {
            for instr in &mut block.instrs {
                let deref = match instr.op {
                    Op::Code(op) => op.arg_kind() == ArgKind::Deref,
                    Op::LoadClosure => true,
                    _ => false,
                };
                if deref {
                    instr.arg = self.derefs.get(instr.arg as usize).copied().unwrap_or(instr.arg);
                }
            }
        }
    }
}

fn parameter_kind(c: &Compiler<'_>, at: u32) -> u8 {
    let unit = &c.unit;
    let named = unit.argcount + unit.kwonlyargcount;
    if at < unit.posonlyargcount {
        kind::ARG_POS
    } else if at < unit.argcount {
        kind::ARG_POS | kind::ARG_KW
    } else if at < named {
        kind::ARG_KW
    } else if at < named + u32::from(unit.varargs) {
        kind::ARG_POS | kind::ARG_VAR
    } else if at < named + u32::from(unit.varargs) + u32::from(unit.varkeywords) {
        kind::ARG_KW | kind::ARG_VAR
    } else {
        0
    }
}

/// What every call starts with: cells, and for generators the object that is returned in place of running.
fn prefix(graph: &mut Graph, slots: &Slots, generator: bool, line: u32) {
    let instr = |op, arg, loc| Instr { op: Op::Code(op), arg, target: NONE, handler: NONE, loc };
    let mut start = Vec::new();
    let free = slots.derefs.len() - slots.cells;
    if free > 0 {
        start.push(instr(Opcode::COPY_FREE_VARS, free as u32, Loc::NONE));
    }
    let mut cells = slots.derefs[..slots.cells].to_vec();
    cells.sort_unstable();
    start.extend(cells.into_iter().map(|slot| instr(Opcode::MAKE_CELL, slot, Loc::NONE)));
    if generator {
        let loc = Loc::line_start(line);
        start.push(instr(Opcode::RETURN_GENERATOR, 0, loc));
        start.push(instr(Opcode::POP_TOP, 0, loc));
    }
    let entry = graph.order[0];
    graph.block(entry).instrs.splice(0..0, start);
}

/// Removes constants that folding left unused, and numbers the others anew.
fn drop_unused(graph: &mut Graph, consts: Vec<Const>, docstring: bool) -> Vec<Const> {
    let mut used = vec![false; consts.len()];
    if let (true, Some(first)) = (docstring, used.first_mut()) {
        *first = true;
    }
    let loads = |instr: &Instr| instr.is(Opcode::LOAD_CONST);
    for &block in &graph.order {
        graph.instrs(block).iter().filter(|i| loads(i)).for_each(|i| used[i.arg as usize] = true);
    }
    let mut numbers = vec![0; consts.len()];
    let mut kept = Vec::new();
    for (at, (value, used)) in consts.into_iter().zip(used).enumerate() {
        if used {
            numbers[at] = kept.len() as u32;
            kept.push(value);
        }
    }
    for at in 0..graph.order.len() {
        let block = graph.order[at];
        for instr in graph.block(block).instrs.iter_mut().filter(|i| loads(i)) {
            instr.arg = numbers[instr.arg as usize];
        }
    }
    kept
}

/// Units an instruction takes with its EXTENDED_ARG prefixes.
fn width(arg: u32) -> u32 {
    match arg {
        0..=0xFF => 1,
        0x100..=0xFFFF => 2,
        0x1_0000..=0xFF_FFFF => 3,
        _ => 4,
    }
}

/// An instruction with its place.
struct Placed {
    op: Opcode,
    arg: u32,
    /// Index of the target instruction, or NONE.
    target: usize,
    loc: Loc,
    handler: u32,
    width: u32,
}

fn emit(graph: &Graph, code: &mut Code) {
    let mut starts = vec![usize::MAX; graph.blocks.len()];
    let mut placed: Vec<Placed> = Vec::new();
    let mut targets: Vec<u32> = Vec::new();
    for &block in &graph.order {
        starts[block as usize] = placed.len();
        for instr in graph.instrs(block) {
            let op = match instr.op {
                Op::Code(op) => op,
                // The direction is decided below.
                Op::Jump => Opcode::JUMP_FORWARD,
                Op::JumpNoInterrupt => Opcode::JUMP_BACKWARD_NO_INTERRUPT,
                Op::LoadClosure => Opcode::LOAD_FAST,
                Op::StoreMaybeNull => Opcode::STORE_FAST,
                Op::Setup => continue,
            };
            placed.push(Placed {
                op,
                arg: instr.arg,
                target: usize::MAX,
                loc: instr.loc,
                handler: instr.handler,
                width: width(instr.arg),
            });
            targets.push(instr.target);
        }
    }
    for (instr, &target) in placed.iter_mut().zip(&targets) {
        if target != NONE {
            instr.target = starts[target as usize];
        }
    }
    for (at, instr) in placed.iter_mut().enumerate().filter(|(_, instr)| instr.target != usize::MAX) {
        instr.op = match instr.op {
            Opcode::JUMP_FORWARD if instr.target <= at => Opcode::JUMP_BACKWARD,
            Opcode::JUMP_BACKWARD_NO_INTERRUPT if instr.target > at => Opcode::JUMP_FORWARD,
            op => op,
        };
    }
    let offsets = settle(&mut placed);
    for instr in &placed {
        for shift in (1..instr.width).rev() {
            code.code.extend([Opcode::EXTENDED_ARG as u8, (instr.arg >> (8 * shift)) as u8]);
        }
        code.code.extend([instr.op as u8, instr.arg as u8]);
    }
    let locations = placed.iter().map(|instr| (instr.loc, instr.width));
    code.linetable = tables::linetable(locations, code.firstlineno);
    let regions = placed.iter().enumerate().map(|(at, instr)| (offsets[at], instr.width, instr.handler));
    code.exceptiontable = tables::exceptiontable(regions, |handler| {
        let handler = &graph.handlers[handler as usize];
        let start = starts[handler.block as usize];
        (offsets.get(start).copied().unwrap_or(0), handler.depth.unwrap_or(0), handler.lasti)
    });
}

/// Gives jumps their distances; a longer distance may make an instruction wider, and so others longer.
fn settle(placed: &mut [Placed]) -> Vec<u32> {
    loop {
        let mut offsets = Vec::with_capacity(placed.len() + 1);
        let mut offset = 0;
        for instr in placed.iter() {
            offsets.push(offset);
            offset += instr.width;
        }
        offsets.push(offset);
        let mut changed = false;
        for at in 0..placed.len() {
            let target = placed[at].target;
            if target == usize::MAX {
                continue;
            }
            let behind = offsets[at + 1];
            let distance = match placed[at].op.arg_kind() {
                ArgKind::Backward => behind.saturating_sub(offsets[target]),
                _ => offsets[target].saturating_sub(behind),
            };
            placed[at].arg = distance;
            if width(distance) > placed[at].width {
                placed[at].width = width(distance);
                changed = true;
            }
        }
        if !changed {
            return offsets;
        }
    }
}
