//! Disassembly of small programs. `UPDATE_GOLDEN=1 cargo test -p typhon-compile --test golden` writes what is produced
//! now; look at the difference before you keep it.

use std::path::Path;

use typhon_compile::{Code, Mode, Opcode, Options, compile, decode, dis, verify, verify_all};

fn code(source: &str) -> Code {
    compile(source, "golden.py", Mode::Exec, Options::default()).unwrap().0
}

#[test]
fn listings() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut seen = 0;
    let mut changed = Vec::new();
    for entry in std::fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "py") {
            continue;
        }
        seen += 1;
        let code = code(&std::fs::read_to_string(&path).unwrap());
        verify_all(&code).unwrap();
        let listing = dis(&code);
        let golden = path.with_extension("dis");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&golden, &listing).unwrap();
        } else if std::fs::read_to_string(&golden).unwrap_or_default() != listing {
            changed.push(format!("{}:\n{listing}", path.display()));
        }
    }
    assert!(seen >= 10, "only {seen} programs");
    assert!(changed.is_empty(), "{}", changed.join("\n"));
}

/// The function `f` of a source.
fn function(source: &str) -> Code {
    let module = code(source);
    let inner = module.consts.into_iter().find_map(|value| match value {
        typhon_compile::Const::Code(code) => Some(*code),
        _ => None,
    });
    inner.unwrap()
}

fn opcodes(code: &Code) -> Vec<Opcode> {
    decode(&code.code).unwrap().into_iter().map(|instr| instr.op).collect()
}

#[test]
fn loads_borrow_only_what_stays() {
    let borrows =
        |source: &str| opcodes(&function(source)).iter().filter(|op| op.name().contains("BORROW")).count();
    assert_eq!(borrows("def f(x): x.a"), 1);
    assert_eq!(borrows("def f(x): g(x)"), 1);
    assert_eq!(borrows("def f(x): return x"), 0);
    assert_eq!(borrows("def f(x): y = x"), 0);
    assert_eq!(borrows("def f(x): yield x"), 0);
    // `x` changes while its old value waits on the stack.
    assert_eq!(borrows("def f(x): x + (x := 1)"), 0);
    // The value waits over a jump.
    assert_eq!(borrows("def f(x): g(x, 1 if a else 2)"), 0);
    // The frame may be suspended.
    assert_eq!(borrows("def f(x): g(x, (yield))"), 0);
}

/// The verifier refuses code that breaks the rules it is there for.
#[test]
fn verifier_finds_faults() {
    let change = |source: &str, from: Opcode, to: Opcode| {
        let mut code = function(source);
        assert_eq!(verify(&code), Ok(()));
        let at = code.code.chunks_exact(2).position(|unit| unit[0] == from as u8).unwrap();
        code.code[2 * at] = to as u8;
        verify(&code).unwrap_err()
    };
    let (load, borrow) = (Opcode::LOAD_FAST, Opcode::LOAD_FAST_BORROW);
    assert!(change("def f(x): return x", load, borrow).contains("return"));
    assert!(change("def f(x): y = x", load, borrow).contains("stored"));
    assert!(change("def f(x): x + (x := 1)", load, borrow).contains("changes"));
    assert!(change("def f(x): x.a", Opcode::POP_TOP, Opcode::NOP).contains("stacksize"));
    let mut code = function("def f(x): g(x, x, x)");
    code.stacksize -= 1;
    assert!(verify(&code).unwrap_err().contains("stacksize"));
}

#[test]
fn unbound_locals_are_checked() {
    let checks =
        |source: &str| opcodes(&function(source)).iter().filter(|op| **op == Opcode::LOAD_FAST_CHECK).count();
    assert_eq!(checks("def f(x): y = 1; y.a"), 0);
    assert_eq!(checks("def f(x):\n if x: y = 1\n y.a\n y.b"), 1);
    assert_eq!(checks("def f(x): del x; x.a"), 1);
    assert_eq!(checks("def f():\n try: x = g()\n except E: pass\n x.a"), 1);
    assert_eq!(checks("def f():\n for i in g(): pass\n i.a"), 1);
    assert_eq!(checks("def f(a):\n while a: y = 1\n else: y = 2\n y.a"), 0);
}

#[test]
fn metadata_lists_every_opcode() {
    let text = typhon_compile::opcode_metadata_py();
    for op in Opcode::ALL {
        assert!(text.contains(&format!("'{}': {},", op.name(), *op as u8)), "{}", op.name());
        assert_eq!(Opcode::from_u8(*op as u8), Some(*op));
    }
}
