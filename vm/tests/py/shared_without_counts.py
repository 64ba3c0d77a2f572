"""What threads share by running one program: constants, modules, patterns. None of it may be lost."""
import gc
import marshal
import re
import sys
import types
import weakref

from checks import meanwhile


def test_short_constants_are_immortal():
    code = compile("a = ', and more'\nb = ('x y', ('p q',))\nc = %r" % ("long " * 60), "m", "exec")
    for code in (code, marshal.loads(marshal.dumps(code))):
        names = {}
        exec(code, names)
        assert sys._is_immortal(names["a"])
        assert sys._is_immortal(names["b"][0]) and sys._is_immortal(names["b"][1][0])
        assert names["b"] == ("x y", ("p q",))
        assert not sys._is_immortal(names["c"]) and names["c"] == "long " * 60


def test_short_tuples_of_constants_are_immortal():
    def of(text):
        return eval(compile(text, "m", "eval"))

    for text in ("(1, None)", "('p', (2.5, True), ())", "((1, 2), (3, 4))"):
        assert of(text) is of(text) and sys._is_immortal(of(text)), text
    # Equal items are not the same.
    for text in ("(1, 2)", "(1.0, 2)", "(True, 2)", "(0.0,)", "(-0.0,)", "(0,)", "(False,)"):
        assert repr(of(text)) == text
    # What can die keeps its tuple from being shared for ever.
    for text in ("(1 << 70, 1)", "(b'bytes',)", f"({'long ' * 60!r}, 1)", repr(tuple(range(100)))):
        assert not sys._is_immortal(of(text)), text
        assert of(text) == eval(text)


def test_infinities():
    assert float("inf") is float("inf") and float("-inf") is -float("inf")
    assert float("inf") == 1e308 * 10 and float("-inf") < -1e308 < 1e308 < float("inf")
    nan = float("nan")
    assert nan != nan and nan is not float("nan")


class Canary:
    pass


def test_a_dead_module_is_found_with_its_functions():
    module = types.ModuleType("doomed")
    source = "def outer():\n def inner(): return canary\n return inner\ndef again(): return outer"
    exec(source, module.__dict__)
    module.canary = Canary()
    inner, dead = module.outer(), weakref.ref(module.canary)
    del module
    gc.collect()
    assert inner() is dead()
    assert inner.__globals__["canary"] is dead()
    del inner
    gc.collect()
    assert dead() is None


def test_functions_over_plain_dicts_keep_them():
    names = {"canary": Canary()}
    dead = weakref.ref(names["canary"])
    exec("def f(): return canary", names)
    f = names["f"]
    del names
    gc.collect()
    assert f() is dead()
    del f
    gc.collect()
    assert dead() is None


def test_code_replaced_while_others_run():
    def first():
        return 1

    def second():
        return 2

    codes = [first.__code__, second.__code__]
    seen = set()

    def call():
        seen.add(first())

    def change():
        for i in range(2000):
            namespace = {}
            if i % 100 == 0:
                exec("def fresh(): return %d" % (i % 7), namespace)
                codes.append(namespace["fresh"].__code__)
            first.__code__ = codes[i % len(codes)]

    meanwhile(change, call, call)
    assert seen <= set(range(7)), seen


def test_patterns_live_while_matches_do():
    match = re._compiler.compile("(?P<a>x+)y", 0).match("xxy")
    gc.collect()
    assert match.re.pattern == "(?P<a>x+)y" and match.group("a") == "xx"
    scanner = re._compiler.compile("[ab]").finditer("a.b")
    gc.collect()
    assert [found.group() for found in scanner] == ["a", "b"]
    dead = weakref.ref(re._compiler.compile("never cached"))
    gc.collect()
    assert dead() is None


def test_builtins_of_a_function():
    names = {"__builtins__": {"len": lambda x: "mine"}}
    exec("def f(): return len(())", names)
    assert names["f"]() == "mine"
    assert names["f"].__builtins__ is names["__builtins__"]
    assert test_infinities.__builtins__["len"] is len


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
