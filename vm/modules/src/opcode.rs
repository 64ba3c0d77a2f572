//! `_opcode`: what `dis` and `opcode` know of the machine's instructions.

use typhon_compile::opcode::{ArgKind, BinaryOp, Intrinsic1, Intrinsic2, Opcode, SpecialMethod};
use typhon_core::{ArgsExt, Borrowed, ModuleDef, NativeDef, Owned, PyResult, Thread};

use crate::support::{ModuleExt, c_int};

const HAS: &str = "($module, opcode)";

pub static MODULE: ModuleDef = ModuleDef {
    name: "_opcode",
    doc: "Opcode support module.",
    functions: &[
        NativeDef::new(
            "stack_effect",
            "($module, opcode, oparg=None, /, *, jump=None)",
            stack_effect,
            "Compute the stack effect of the opcode.",
        ),
        NativeDef::new("is_valid", HAS, is_valid, "Return True if opcode is valid, False otherwise."),
        NativeDef::new("has_arg", HAS, has_arg, "Return True if the opcode uses its oparg, False otherwise."),
        NativeDef::new(
            "has_const",
            HAS,
            has_const,
            "Return True if the opcode accesses a constant, False otherwise.",
        ),
        NativeDef::new(
            "has_name",
            HAS,
            has_name,
            "Return True if the opcode accesses an attribute by name, False otherwise.",
        ),
        NativeDef::new(
            "has_jump",
            HAS,
            has_jump,
            "Return True if the opcode has a jump target, False otherwise.",
        ),
        NativeDef::new(
            "has_free",
            HAS,
            has_free,
            "Return True if the opcode accesses a free variable, False otherwise.",
        ),
        NativeDef::new(
            "has_local",
            HAS,
            has_local,
            "Return True if the opcode accesses a local variable, False otherwise.",
        ),
        NativeDef::new(
            "has_exc",
            HAS,
            has_exc,
            "Return True if the opcode sets an exception handler, False otherwise.",
        ),
        NativeDef::new("get_nb_ops", "($module, /)", nb_ops, "Return array of symbols of binary ops."),
        NativeDef::new(
            "get_intrinsic1_descs",
            "($module, /)",
            intrinsic1,
            "Return a list of names of the unary intrinsics.",
        ),
        NativeDef::new(
            "get_intrinsic2_descs",
            "($module, /)",
            intrinsic2,
            "Return a list of names of the binary intrinsics.",
        ),
        NativeDef::new(
            "get_special_method_names",
            "($module, /)",
            special_methods,
            "Return a list of special method names.",
        ),
        NativeDef::new(
            "get_executor",
            "($module, /, code, offset)",
            nothing,
            "Return the executor object at offset in code if exists, None otherwise.",
        ),
        NativeDef::new(
            "get_specialization_stats",
            "($module, /)",
            nothing,
            "Return the specialization stats, None if they are not kept.",
        ),
    ],
    types: &[],
    setup: Some(|th, module| {
        // Instructions specialise themselves in a copy that programs do not see.
        for name in ["ENABLE_SPECIALIZATION", "ENABLE_SPECIALIZATION_FT"] {
            module.add(th, name, Owned::bool(false))?;
        }
        Ok(())
    }),
};

fn opcode(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Opcode>> {
    let n = c_int(th, o)?;
    Ok(u8::try_from(n).ok().and_then(Opcode::from_u8))
}

fn stack_effect(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let arg = match a.some(1) {
        Some(v) => Some(c_int(th, v)?),
        None => None,
    };
    if let Some(jump) = a.some(2)
        && !jump.is(Owned::bool(true).word())
        && !jump.is(Owned::bool(false).word())
    {
        return Err(th.value_error("stack_effect: jump must be False, True or None"));
    }
    let Some(op) = opcode(th, a[0])? else {
        return Err(th.value_error("invalid opcode or oparg"));
    };
    // The depth behind an instruction is the same whether it jumps or not.
    Ok(th.new_int(op.stack_effect(arg.unwrap_or(0) as u32)))
}

fn is_valid(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    Ok(Owned::bool(opcode(th, a[0])?.is_some()))
}

fn test(th: &mut Thread, o: Borrowed<'_>, f: impl Fn(Opcode) -> bool) -> PyResult {
    Ok(Owned::bool(opcode(th, o)?.is_some_and(f)))
}

fn has_arg(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    test(th, a[0], Opcode::has_arg)
}

fn has_const(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    test(th, a[0], |op| op.arg_kind() == ArgKind::Const)
}

fn has_name(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    test(th, a[0], |op| {
        matches!(
            op.arg_kind(),
            ArgKind::Name | ArgKind::NameGlobal | ArgKind::NameMethod | ArgKind::NameSuper
        )
    })
}

fn has_jump(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    test(th, a[0], Opcode::is_jump)
}

fn has_free(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    test(th, a[0], |op| op.arg_kind() == ArgKind::Deref || op.name() == "MAKE_CELL")
}

fn has_local(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    test(th, a[0], |op| {
        matches!(op.arg_kind(), ArgKind::Local | ArgKind::LocalPair) && op.name() != "MAKE_CELL"
    })
}

/// Handlers are found by tables: no instruction sets one.
fn has_exc(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    test(th, a[0], |_| false)
}

/// `FloorDivide` as `NB_FLOOR_DIVIDE`.
fn nb_name(op: BinaryOp) -> String {
    let mut name = String::from("NB");
    for c in format!("{op:?}").chars() {
        if c.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(c.to_ascii_uppercase());
    }
    name
}

fn nb_ops(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    let mut list = Vec::new();
    for op in BinaryOp::ALL {
        let (name, text) = (th.new_str(&nb_name(*op)), th.new_str(op.text()));
        list.push(th.new_pair(name, text));
    }
    Ok(th.new_list(list))
}

fn texts(th: &mut Thread, texts: impl Iterator<Item = &'static str>) -> Owned {
    let list = texts.map(|t| th.new_str(t)).collect();
    th.new_list(list)
}

fn intrinsic1(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    Ok(texts(th, Intrinsic1::ALL.iter().map(|i| i.text())))
}

fn intrinsic2(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    Ok(texts(th, Intrinsic2::ALL.iter().map(|i| i.text())))
}

fn special_methods(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    Ok(texts(th, SpecialMethod::ALL.iter().map(|i| i.text())))
}

fn nothing(_: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    Ok(Owned::none())
}
