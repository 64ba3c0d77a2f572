//! Programs without a library: the machine, frames, classes, exceptions, generators.
//!
//! One process, one runtime: everything runs in one test.

use typhon_core::builtins::dict::Dict;
use typhon_core::runtime::{Config, Runtime};
use typhon_core::{Owned, Thread};

/// Runs a program as a module; gives its namespace.
fn run(th: &mut Thread, source: &str) -> Owned {
    let (code, _) = typhon_compile::compile(source, "<test>", typhon_compile::Mode::Exec, Default::default())
        .unwrap_or_else(|e| panic!("{source}\n{e:?}"));
    let code = th.new_code(code).expect("constants");
    let globals = th.new_dict();
    globals.payload::<Dict>().set_namespace();
    let r = typhon_core::interp::eval_code(th, code.borrow(), globals.borrow(), globals.borrow());
    if r.is_err() {
        let e = th.take_exc().expect("an exception is set");
        let text = e.borrow().repr_text(th).unwrap_or_default();
        panic!("{source}\nraised {text}");
    }
    th.drain_drops();
    globals
}

fn check(th: &mut Thread, source: &str, name: &str, want: &str) {
    let g = run(th, source);
    let key = th.intern(name);
    let v =
        g.payload::<Dict>().get(th, key.borrow()).unwrap().unwrap_or_else(|| panic!("{source}\nno {name}"));
    assert_eq!(v.borrow().repr_text(th).unwrap(), want, "{source}");
}

#[test]
fn programs() {
    let th = Runtime::start(Config::default(), &[]).unwrap();
    for (source, name, want) in PROGRAMS {
        eprintln!("--- {source}");
        check(th, source, name, want);
    }
}

const PROGRAMS: &[(&str, &str, &str)] = &[
    ("x = 1 + 2 * 3", "x", "7"),
    ("x = 2 ** 100", "x", "1267650600228229401496703205376"),
    ("x = 1.5 * 2 - 0.25", "x", "2.75"),
    ("x = 'a' + 'bc'", "x", "'abc'"),
    ("x = [1, 2, (3, 'a')]\nx[0] = 5", "x", "[5, 2, (3, 'a')]"),
    ("def f(n):\n  if n < 2: return n\n  return f(n-1) + f(n-2)\nx = f(20)", "x", "6765"),
    (
        "def f(a, b=2, *c, d=4, **e): return (a, b, c, d, e)\nx = f(1), f(1, 3, 5, d=6, z=7)",
        "x",
        "((1, 2, (), 4, {}), (1, 3, (5,), 6, {'z': 7}))",
    ),
    ("s = 0\ni = 0\nwhile i < 100:\n  if i % 3 == 0: s += i\n  i += 1", "s", "1683"),
];
