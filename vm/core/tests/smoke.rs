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
    ("x = [i * i for i in (1, 2, 3)]", "x", "[1, 4, 9]"),
    ("def g():\n  yield 1\n  y = yield 2\n  yield y\nx = [*g()]", "x", "[1, 2, None]"),
    ("def g(n):\n  i = 0\n  while i < n:\n    yield i\n    i += 1\ns = 0\nfor v in g(10): s += v", "s", "45"),
    (
        "def f():\n  c = 0\n  def g():\n    nonlocal c\n    c += 1\n    return c\n  return g\nh = f()\nx = h(), h()",
        "x",
        "(1, 2)",
    ),
    ("def f():\n  raise KeyError\ntry:\n  f()\nexcept IndexError: x = 1\nexcept: x = 2", "x", "2"),
    ("try:\n  x = 1\n  y\nexcept:\n  x = 3\nfinally:\n  x += 1", "x", "4"),
    (
        "d = {'a': 1, **{'b': 2}}\nd['c'] = d['a'] + 2\nx = d, {1, 2} == {2, 1}",
        "x",
        "({'a': 1, 'b': 2, 'c': 3}, True)",
    ),
    ("a, *b, c = 1, 2, 3, 4\nx = a, b, c", "x", "(1, [2, 3], 4)"),
    ("x = f'{1 + 1:03d} {\"é\"!r}'", "x", "\"002 'é'\""),
    (
        "match (1, {'k': [2, 3]}):\n  case (a, {'k': [b, *c]}): x = a, b, c\n  case _: x = 0",
        "x",
        "(1, 2, [3])",
    ),
    (
        "x = [a for a in [1, 2, 3, 4] if a % 2 == 0], {a: a for a in (1, 2)}, 3 < 4 < 5, not 1, -2 // 3",
        "x",
        "([2, 4], {1: 1, 2: 2}, True, False, -1)",
    ),
];
