"""The functions of builtins."""
import builtins
import sys

from checks import raises


assert abs(-3) == 3 and abs(-2.5) == 2.5 and abs(3 + 4j) == 5.0
assert bin(10) == "0b1010" and oct(-8) == "-0o10" and hex(255) == "0xff" and hex(-(1 << 70)) == "-0x400000000000000000"
assert chr(97) == "a" and chr(0x1f600) == "\U0001f600" and ord("é") == 233 and ord(b"a") == 97
raises(ValueError, chr, -1, text="chr() arg not in range(0x110000)")
raises(ValueError, chr, 1 << 80)
raises(TypeError, ord, "ab", text="ord() expected a character, but string of length 2 found")
raises(TypeError, ord, 1, text="ord() expected string of length 1, but int found")
assert callable(len) and not callable(3)
assert divmod(-7, 2) == (-4, 1) and pow(2, 10) == 1024 and pow(3, -1, 7) == 5
assert pow(base=2, exp=3, mod=5) == 3
assert round(2.5) == 2 and round(-1.25, 1) == -1.2 and round(1234, -2) == 1200
assert format(3.14159, ".2f") == "3.14" and format(5) == "5" and format("a", ">3") == "  a"
assert repr("é") == "'é'" and ascii("é\u20ac") == "'\\xe9\\u20ac'"
assert hash(1) == hash(1.0) == hash(True) and hash(-1) == -2
assert len("abc") == 3
raises(TypeError, len, 3, text="object of type 'int' has no len()")

# Attributes.
class A:
    x = 1
a = A()
assert getattr(a, "x") == 1 and getattr(a, "y", 5) == 5 and hasattr(a, "x") and not hasattr(a, "y")
setattr(a, "y", 7)
assert a.y == 7 and vars(a) == {"y": 7}
delattr(a, "y")
assert not hasattr(a, "y")
raises(TypeError, getattr, a, 1, text="attribute name must be string, not 'int'")
raises(AttributeError, getattr, a, "nope", text="'A' object has no attribute 'nope'")
assert isinstance(1, (str, int)) and issubclass(bool, int) and isinstance(1, int | str)
raises(TypeError, isinstance, 1, 1, text="isinstance() arg 2 must be a type, a tuple of types, or a union")
assert "x" in dir(a) and dir() == sorted(dir())
raises(TypeError, vars, 1, text="vars() argument must have __dict__ attribute")

# Iteration.
assert next(iter([1])) == 1 and next(iter([]), None) is None
raises(StopIteration, next, iter([]))
raises(TypeError, next, [], text="'list' object is not an iterator")
n = [0]
def count():
    n[0] += 1
    return n[0]
assert list(iter(count, 4)) == [1, 2, 3]
raises(TypeError, iter, 1, 2, text="iter(v, w): v must be callable")
raises(TypeError, iter, 1, text="'int' object is not iterable")
it = iter(count, 100)
assert next(it) == 5

# Sums.
assert sum([]) == 0 and sum([1, 2, 3]) == 6 and sum([1, 2], start=10) == 13
assert sum([2 ** 62, 2 ** 62, 2 ** 62]) == 3 * 2 ** 62 and sum([True, True]) == 2
assert sum([0.1] * 10) == 1.0 and sum([1e100, 1.0, -1e100]) == 1.0
assert sum([1, 2.5, 3]) == 6.5 and sum([[1], [2]], []) == [1, 2] and sum([1j, 1, 2.0]) == 3 + 1j
assert sum(iter(range(1000))) == 499500 and sum(x * x for x in range(10)) == 285
raises(TypeError, sum, ["a"], "", text="sum() can't sum strings [use ''.join(seq) instead]")
raises(TypeError, sum, ["a"])

# min, max.
assert min(3, 1, 2) == 1 and max([3, 1, 2]) == 3 and max("abc", key=ord) == "c"
assert max(2, 2.0) is not None and type(max(2, 2.0)) is int and min([], default=7) == 7
assert min([(1, "b"), (0, "z")], key=lambda p: p[1]) == (1, "b") and max(1, 3, key=lambda v: -v) == 1
assert max(1.5, 2.5, 0.5) == 2.5
raises(ValueError, max, [], text="max() iterable argument is empty")
raises(TypeError, min, text="min expected at least 1 argument, got 0")
raises(TypeError, max, 1, 2, default=3,
       text="Cannot specify a default for max() with multiple positional arguments")
raises(TypeError, max, 1, text="'int' object is not iterable")
assert any([0, 1]) and not any([]) and all([]) and not all([1, 0])


# Of generator expressions these are loops, as long as the names mean the built-in functions.
def consume(y):
    return all(x for x in y), any(x for x in y), tuple(x for x in y), list(x for x in y), set(x for x in y)


assert consume([1, 2]) == (True, True, (1, 2), [1, 2], {1, 2}) and consume([]) == (True, False, (), [], set())
raises(TypeError, consume, [[]], part="unhashable type: 'list'")
for name in "all", "any", "tuple", "list", "set":
    place = "all any tuple list set".split().index(name)
    original = getattr(builtins, name)
    setattr(builtins, name, lambda items: ("mine", *items))
    try:
        results = consume([1])
    finally:
        setattr(builtins, name, original)
    assert results[place] == ("mine", 1) and consume([1])[place] == (True, True, (1,), [1], {1})[place]
assert sorted([3, 1, 2]) == [1, 2, 3] and sorted("bca", reverse=True) == ["c", "b", "a"]
assert sorted([1, -2, 3], key=abs, reverse=True) == [3, -2, 1]

# print.
class Out:
    def __init__(self):
        self.parts = []
        self.flushed = 0
    def write(self, s):
        self.parts.append(s)
    def flush(self):
        self.flushed += 1
o = Out()
print(1, "a", None, sep="-", end="!", file=o, flush=True)
assert o.parts == ["1", "-", "a", "-", "None", "!"] and o.flushed == 1
o = Out()
print(file=o)
assert o.parts == ["\n"]
raises(TypeError, print, 1, sep=3, text="sep must be None or a string, not int")
raises(TypeError, print, 1, nope=3, text="print() got an unexpected keyword argument 'nope'")
saved = sys.stdout
sys.stdout = o = Out()
print("x", 2)
sys.stdout = None
print("nothing")
sys.stdout = saved
assert "".join(o.parts) == "x 2\n"

# Code.
assert eval("1 + 2") == 3 and eval("  x", {"x": 4}) == 4 and eval("x + y", {"x": 1}, {"y": 2}) == 3
ns = {}
exec("a = 1\nb = a + 1", ns)
assert ns["b"] == 2 and "__builtins__" in ns
code = compile("p * 2", "<t>", "eval")
p = 21
assert eval(code) == 42 and code.co_filename == "<t>"
raises(TypeError, eval, 1, text="eval() arg 1 must be a string, bytes or code object")
raises(TypeError, exec, "1", 5, text="exec() globals must be a dict, not int")
raises(ValueError, compile, "1", "f", "nope", text="compile() mode must be 'exec', 'eval' or 'single'")
raises(ValueError, compile, "1", "f", "exec", 1 << 29)
assert eval(b"'\xc3\xa9'") == "é" and eval(b"# coding: latin-1\n'\xe9'") == "é"
def local_eval():
    z = 5
    return eval("z"), locals()["z"], sorted(locals())
assert local_eval() == (5, 5, ["z"])
def closure():
    v = 1
    def inner():
        nonlocal v
        v += 1
        return v
    exec(inner.__code__, {}, closure=inner.__closure__)
    return v
assert closure() == 2
raises(TypeError, exec, (lambda: p).__code__, closure=())
assert globals() is sys.modules["__main__"].__dict__ if __name__ == "__main__" else True
assert __import__("sys") is sys
assert builtins.__debug__ in (True, False)
assert id(a) == id(a) and id(a) != id(A())
assert type(breakpoint).__name__ == "builtin_function_or_method"


class Async:
    def __init__(self):
        self.n = 0
    def __aiter__(self):
        return self
    async def __anext__(self):
        self.n += 1
        if self.n > 2:
            raise StopAsyncIteration
        return self.n


def run(coro):
    try:
        coro.send(None)
    except StopIteration as e:
        return e.value


async def walk():
    it = aiter(Async())
    return [await anext(it), await anext(it), await anext(it, "end")]


assert run(walk()) == [1, 2, "end"]
