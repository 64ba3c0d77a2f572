//! Disassembly for people and tests.

use std::fmt::Write;

use crate::{
    assemble::{Region, decode_exceptiontable, decode_linetable},
    code::{Code, Const},
    opcode::{
        ArgKind, BinaryOp, COMPARE_TO_BOOL, CommonConstant, Compare, Intrinsic1, Intrinsic2, Opcode,
        SpecialMethod,
    },
};

/// One decoded instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Unit of its first EXTENDED_ARG, or of itself.
    pub start: u32,
    /// Unit of the opcode.
    pub offset: u32,
    /// Opcode.
    pub op: Opcode,
    /// Whole argument.
    pub arg: u32,
}

impl Decoded {
    /// The unit a jump goes to.
    pub fn target(&self) -> Option<u32> {
        match self.op.arg_kind() {
            ArgKind::Forward => (self.offset + 1).checked_add(self.arg),
            ArgKind::Backward => (self.offset + 1).checked_sub(self.arg),
            _ => None,
        }
    }
}

/// Decodes the units of a code object; None if an opcode is unknown.
pub fn decode(code: &[u8]) -> Option<Vec<Decoded>> {
    let mut instrs = Vec::with_capacity(code.len() / 2);
    let (mut arg, mut start) = (0_u32, 0);
    for (offset, unit) in code.chunks_exact(2).enumerate() {
        let op = Opcode::from_u8(unit[0])?;
        arg = arg << 8 | u32::from(unit[1]);
        if op == Opcode::EXTENDED_ARG {
            continue;
        }
        let offset = offset as u32;
        instrs.push(Decoded { start, offset, op, arg });
        arg = 0;
        start = offset + 1;
    }
    Some(instrs)
}

/// Listing of a code object and those inside it.
pub fn dis(code: &Code) -> String {
    let mut out = String::new();
    list(code, &mut out);
    out
}

fn list(code: &Code, out: &mut String) {
    let Some(instrs) = decode(&code.code) else {
        let _ = writeln!(out, "damaged code");
        return;
    };
    let mut lines = Vec::new();
    for (units, position) in decode_linetable(&code.linetable, code.firstlineno) {
        lines.extend(std::iter::repeat_n(position.line, units as usize));
    }
    let regions = decode_exceptiontable(&code.exceptiontable);
    let mut labels: Vec<u32> = instrs.iter().filter_map(Decoded::target).collect();
    labels.extend(regions.iter().flat_map(|region| [region.start, region.end, region.target]));
    labels.sort_unstable();
    labels.dedup();
    let label =
        |at: u32| labels.binary_search(&at).map_or_else(|_| "?".to_owned(), |n| format!("L{}", n + 1));
    let mut shown = None;
    for instr in &instrs {
        let line = lines.get(instr.offset as usize).copied().flatten();
        let line_text = match line {
            Some(line) if shown != Some(line) => line.to_string(),
            _ => String::new(),
        };
        shown = line.or(shown);
        let label_text = match labels.binary_search(&instr.start) {
            Ok(n) => format!("L{}:", n + 1),
            Err(_) => String::new(),
        };
        let text = argument(code, instr, &label);
        let row = format!("{line_text:>4} {label_text:>5} {:<26}{text}", instr.op.name());
        let _ = writeln!(out, "{}", row.trim_end());
    }
    if !regions.is_empty() {
        let _ = writeln!(out, "ExceptionTable:");
        for Region { start, end, target, depth, lasti } in regions {
            let lasti = if lasti { " lasti" } else { "" };
            let (start, end, target) = (label(start), label(end), label(target));
            let _ = writeln!(out, "  {start} to {end} -> {target} [{depth}]{lasti}");
        }
    }
    for value in &code.consts {
        if let Const::Code(inner) = value {
            let _ = writeln!(out, "\n{}:", inner.qualname);
            list(inner, out);
        }
    }
}

fn argument(code: &Code, instr: &Decoded, label: &dyn Fn(u32) -> String) -> String {
    let arg = instr.arg;
    let name = |at: u32| code.names.get(at as usize).map_or_else(|| "?".to_owned(), ToString::to_string);
    let slot =
        |at: u32| code.localsplusnames.get(at as usize).map_or_else(|| "?".to_owned(), ToString::to_string);
    let text = match instr.op.arg_kind() {
        ArgKind::None => return String::new(),
        ArgKind::Const => code.consts.get(arg as usize).map_or_else(|| "?".to_owned(), constant),
        ArgKind::Name => name(arg),
        ArgKind::NameGlobal => name(arg >> 1) + if arg & 1 != 0 { " + NULL" } else { "" },
        ArgKind::NameMethod => name(arg >> 1) + if arg & 1 != 0 { " + NULL|self" } else { "" },
        ArgKind::NameSuper => name(arg >> 2) + if arg & 1 != 0 { " + NULL|self" } else { "" },
        ArgKind::Local | ArgKind::Deref => slot(arg),
        ArgKind::LocalPair => format!("{}, {}", slot(arg >> 4), slot(arg & 15)),
        ArgKind::Compare => {
            let op = Compare::from_u32(arg >> 5).map_or("?", Compare::text);
            if arg & COMPARE_TO_BOOL != 0 { format!("bool({op})") } else { op.to_owned() }
        }
        ArgKind::BinaryOp => BinaryOp::from_u32(arg).map_or("?", BinaryOp::text).to_owned(),
        ArgKind::Forward | ArgKind::Backward => {
            return instr.target().map_or_else(|| "?".to_owned(), |at| format!("to {}", label(at)));
        }
        ArgKind::Raw => match instr.op {
            Opcode::CALL_INTRINSIC_1 => Intrinsic1::from_u32(arg).map_or("?", Intrinsic1::text).to_owned(),
            Opcode::CALL_INTRINSIC_2 => Intrinsic2::from_u32(arg).map_or("?", Intrinsic2::text).to_owned(),
            Opcode::LOAD_SPECIAL => SpecialMethod::from_u32(arg).map_or("?", SpecialMethod::text).to_owned(),
            Opcode::LOAD_COMMON_CONSTANT => {
                CommonConstant::from_u32(arg).map_or("?", CommonConstant::text).to_owned()
            }
            _ => return arg.to_string(),
        },
    };
    format!("{arg} ({text})")
}

fn constant(value: &Const) -> String {
    let items = |items: &[Const]| items.iter().map(constant).collect::<Vec<_>>().join(", ");
    match value {
        Const::None => "None".to_owned(),
        Const::True => "True".to_owned(),
        Const::False => "False".to_owned(),
        Const::Ellipsis => "Ellipsis".to_owned(),
        Const::Int(n) => n.to_string(),
        Const::BigInt(digits) => match digits.strip_prefix('-') {
            Some(digits) => format!("-0x{digits}"),
            None => format!("0x{digits}"),
        },
        Const::Float(x) => format!("{x:?}"),
        Const::Complex(re, im) => format!("({re:?}+{im:?}j)"),
        Const::Str(text) => format!("{text:?}"),
        Const::Bytes(bytes) => format!("b'{}'", bytes.escape_ascii()),
        Const::Tuple(list) if list.len() == 1 => format!("({},)", items(list)),
        Const::Tuple(list) => format!("({})", items(list)),
        Const::FrozenSet(list) => format!("frozenset({{{}}})", items(list)),
        Const::Slice(parts) => format!("slice({})", items(&parts[..])),
        Const::Code(code) => format!("<code {}>", code.qualname),
    }
}
