# Containers that are made whole: starred targets, repetition, copies, dict displays, unions, slices, calls of built-in
# classes; loops over the keys of dicts; and what dies with nothing left to do.

import itertools
import sys
import weakref

from checks import meanwhile, raises, run


class Thing:
    def __init__(self, name=None):
        self.name = name


# ---- starred targets ----

a, *b = [1, 2, 3]
assert (a, b) == (1, [2, 3])
*a, b = (1, 2, 3)
assert (a, b) == ([1, 2], 3)
a, b, *c, d, e = [Thing(i) for i in range(7)]
assert [t.name for t in (a, b, *c, d, e)] == list(range(7)) and type(c) is list and len(c) == 3
a, *b, c = (1, 2)
assert (a, b, c) == (1, [], 2)
(*a,) = []
assert a == []
a = [1, 2]
a, *b = a
assert (a, b) == (1, [2])
gone = weakref.ref(thing := Thing())
a, *b = [thing, 1]
del thing
assert gone() is a
del a
assert gone() is None


def unpack(values):
    a, b, *c, d = values
    return a, b, c, d


assert unpack("abcde") == ("a", "b", ["c", "d"], "e") and unpack(iter((1, 2, 3))) == (1, 2, [], 3)
assert unpack({1: 0, 2: 0, 3: 0, 4: 0}) == (1, 2, [3], 4)
for short in ([1, 2], (1, 2), "ab", iter([1])):
    raises(ValueError, unpack, short)
try:
    unpack([1, 2])
except ValueError as e:
    assert str(e) == "not enough values to unpack (expected at least 3, got 2)", e
raises(TypeError, unpack, 5)


class Backwards(list):
    def __iter__(self):
        return reversed(list(super().__iter__()))


class Pair(tuple):
    def __iter__(self):
        return iter("xyz")


assert unpack(Backwards([1, 2, 3, 4])) == (4, 3, [2], 1) and unpack(Pair((1, 2))) == ("x", "y", [], "z")

# ---- repetition ----

thing = Thing()
before = sys.getrefcount(thing)
many = [thing, 1] * 5
assert many == [thing, 1, thing, 1, thing, 1, thing, 1, thing, 1] and sys.getrefcount(thing) >= before
del many
assert sys.getrefcount(thing) == before
assert [1, 2, 3] * 2 == 2 * [1, 2, 3] == [1, 2, 3, 1, 2, 3] and [0] * 4 == [0, 0, 0, 0] and [None] * 2 == [None, None]
assert [1, 2] * 0 == [1, 2] * -3 == [] * 5 == [] and [thing] * 1 == [thing] and [[]] * 2 == [[], []]
rows = [[]] * 3
rows[0].append(1)
assert rows == [[1], [1], [1]]
raises(MemoryError, lambda: [1, 2] * sys.maxsize)
raises(MemoryError, lambda: [1, 2] * (sys.maxsize // 4))
raises(TypeError, lambda: [1] * 1.5)
raises(OverflowError, lambda: [1] * 10**30)
assert type(Backwards([1]) * 2) is list and [1.5, "a"] * True == [1.5, "a"]


class Index:
    def __init__(self, change):
        self.change = change

    def __index__(self):
        self.change()
        return 2


items = [1, 2, 3]
assert items * Index(items.clear) == []
items = [1, 2, 3, 4]
assert items[Index(items.pop) :] == [3] and items[: Index(lambda: items.append(9))] == [1, 2]
assert items[::-1] == [9, 3, 2, 1] and items[5:] == [] and items[-2:] == [3, 9] and items[3:1] == []
raises(ValueError, lambda: items[::0])
raises(TypeError, lambda: items["a":])
raises(TypeError, lambda: items["a"])
raises(TypeError, lambda: items[None])
assert items[True] == 2 and items[Index(lambda: None)] == 3
raises(IndexError, lambda: items[10**30])

# ---- copies ----

items = [thing, 1, "a"]
before = sys.getrefcount(thing)
copies = [items.copy(), list(items), list(tuple(items)), items[:], [*items], [*tuple(items)]]
assert all(c == items and c is not items and type(c) is list for c in copies)
assert sys.getrefcount(thing) >= before
del copies
assert sys.getrefcount(thing) == before
assert [].copy() == [] and list(()) == [] and type(Backwards([1]).copy()) is list
items.extend(items)
items.extend((4, 5))
items.extend(())
assert items == [thing, 1, "a", thing, 1, "a", 4, 5]
items.extend(Pair((1, 2)))
assert items[8:] == ["x", "y", "z"] and list(Pair((1, 2))) == ["x", "y", "z"] and list(Backwards([1, 2])) == [2, 1]

# ---- loops over the keys of dicts ----

d = {"a": 1, 2: 2, (3, 4): 3, thing: 4, 10**30: 5, None: 6}
assert [k for k in d] == ["a", 2, (3, 4), thing, 10**30, None] == list(d) == list(d.keys())
before = sys.getrefcount(thing)
for _ in range(5):
    for k in d:
        d[k] = 0
assert sys.getrefcount(thing) == before + (k is thing) and set(d.values()) == {0}
del d[2], d["a"], d[None]
seen = []
for k in d:
    seen.append(k)
assert seen == [(3, 4), thing, 10**30]


def grows(d):
    for k in d:
        d[k, 1] = 1


def swaps(d):
    for k in d:
        del d[k]
        d[k + 100] = 1


assert str(raises(RuntimeError, grows, {1: 1, 2: 2})) == "dictionary changed size during iteration"
assert str(raises(RuntimeError, swaps, {1: 1})) == "dictionary keys changed during iteration"
it = iter(d := {1: 1, 2: 2})
for k in it:
    break
assert k == 1 and it.__length_hint__() == 1
d[3] = 3
raises(RuntimeError, next, it)
raises(RuntimeError, lambda: [k for k in it])
del d[3]
raises(RuntimeError, next, it)
it = iter({1: 1})
assert [k for k in it] == [1] and [k for k in it] == []
for i, k in enumerate({"x": 0, "y": 0}):
    assert k == "xy"[i]
for k, n in zip({"x": 0, "y": 0}, {5: 0, 6: 0}):
    assert n == 5 + (k == "y")

# ---- dict displays ----


class Key:
    def __init__(self, n, log):
        self.n = n
        self.log = log

    def __hash__(self):
        self.log.append(self.n)
        return 1

    def __eq__(self, other):
        return isinstance(other, Key) and self.n == other.n


def display(a, b, c):
    return {a: 1, b: 2, c: 3}


assert list(display("a", "b", "c").items()) == [("a", 1), ("b", 2), ("c", 3)]
assert display("a", "b", "a") == {"a": 3, "b": 2} and list(display("a", "b", "a")) == ["a", "b"]
assert display("a", "a", "a") == {"a": 3} and display(1, True, 1.0) == {1: 3} and list(display(1, True, 1.0)) == [1]
assert display("ab", "".join(["a", "b"]), 1) == {"ab": 2, 1: 3} and display(10**30, 5, "x")[10**30] == 1
log = []
d = display("a", Key(1, log), Key(2, log))
assert log == [1, 2] and len(d) == 3 and [k if type(k) is str else k.n for k in d] == ["a", 1, 2]
log.clear()
assert len(display(Key(1, log), "a", Key(1, log))) == 2 and log == [1, 1]
for bad in (("a", [], "c"), ([], "b", "c"), ("a", "b", {})):
    raises(TypeError, display, *bad)
d = {"k%d" % 0: 0, "b": 1, "c": 2, "d": 3, "e": 4, "f": 5, "g": 6, "h": 7, "i": 8, "j": 9, "l": 10, "m": 11, "n": 12}
assert len(d) == 13 and list(d.values()) == list(range(13))
d["more"] = 1
del d["b"]
assert len(d) == 13 and "b" not in d and d["n"] == 12
gone = weakref.ref(thing := Thing())
d = {"x": thing, "y": [], "x": 5}
del thing
assert gone() is None and d == {"x": 5, "y": []}


def keywords(*args, k=1, **more):
    return args, k, more


assert keywords(1, 2, k=3, z=4, y=5) == ((1, 2), 3, {"z": 4, "y": 5}) and keywords(k=2) == ((), 2, {})
assert list(keywords(**{"k%d" % i: i for i in range(40)})[2]) == ["k%d" % i for i in range(40)]
made = keywords(a=1)[2]
made["b"] = 2
assert keywords(a=1)[2] == {"a": 1}

# ---- unions ----


class Equal:
    """Equal to all others, after a look around."""

    def __init__(self, look=None):
        self.look = look

    def __hash__(self):
        return 7

    def __eq__(self, other):
        if self.look:
            self.look()
        return isinstance(other, Equal)


assert {1, 2} | {2, 3} == {1, 2, 3} and {1, 2} | set() == set() | {1, 2} == {1, 2} and set() | set() == set()
assert {"ab"} | {"".join("ab")} == {"ab"} and {(1, 2)} | {(1, 2), 3} == {(1, 2), 3} and {1} | {1.0, True} == {1}
assert len(set(range(1000)) | set(range(500, 1500))) == 1500 and len({0} | set(range(300))) == 300
assert type(frozenset({1}) | {2}) is frozenset and type({1} | frozenset({2})) is set and {1, 2} | {1: 0}.keys() == {1, 2}


class Sub(set):
    pass


assert type(Sub({1}) | {2}) is set and Sub({1}) | Sub({2}) == {1, 2}
raises(TypeError, lambda: {1} | [2])
s = {1, 2, 3, 4}
s -= {2, 3}
assert s | {9} == {1, 4, 9}
first, second = Equal(), Equal()
assert next(iter({first} | {second})) is first and len({first} | {second, 7}) == 2
looked = {1}
looked.add(Equal(looked.clear))
assert len(looked | {Equal()}) in (1, 2) and looked == set()


def fault():
    raise ZeroDivisionError


raises(ZeroDivisionError, lambda: {Equal(fault)} | {Equal(fault)})
thing = Thing()
before = sys.getrefcount(thing)
for _ in range(10):
    {thing, 1} | {thing, 2}
assert sys.getrefcount(thing) == before

# ---- classes that native code makes instances of ----

assert tuple([1, 2]) == (1, 2) and list((1, 2)) == [1, 2] and set([1, 1]) == {1} and str(5) == "5" and int("7") == 7
assert tuple() == () and list() == [] and dict() == {} and str() == "" and float("1.5") == 1.5 and bool([]) is False
raises(TypeError, tuple, 1, 2)
raises(TypeError, tuple, 1)
raises(TypeError, lambda: tuple(sequence=1))
raises(TypeError, object, 1)
raises(TypeError, lambda: type(None)(1))
raises(TypeError, type(iter([])))


class NewOnly:
    def __new__(cls, *args):
        return super().__new__(cls)


class InitOnly(tuple):
    def __init__(self, *args):
        self.args = args


class Neither:
    pass


class NewTuple(tuple):
    def __new__(cls, *args):
        return super().__new__(cls, args)


class Other:
    def __new__(cls, n):
        return [n]


assert type(NewOnly(1, 2)) is NewOnly and InitOnly([1]).args == ([1],) and NewTuple(1, 2) == (1, 2) and Other(3) == [3]
raises(TypeError, Neither, 1)
raises(TypeError, InitOnly, 1)
n = NewTuple()
raises(TypeError, lambda: object.__init__(Neither(), 1))
n.__init__(1, 2)


class Meta(type):
    def __call__(cls, *args):
        return "meta", args

    def __instancecheck__(cls, o):
        return o == 1


class Made(tuple, metaclass=Meta):
    pass


assert Made([1]) == ("meta", ([1],))

# ---- isinstance ----

assert isinstance(1, Made) and not isinstance(2, Made) and isinstance(tuple.__new__(Made, ()), Made)
assert isinstance(True, int) and isinstance(True, bool) and not isinstance(1, bool) and isinstance(None, type(None))
assert isinstance(int, type) and isinstance(type, type) and not isinstance(int, int) and isinstance([], (str, list))
assert isinstance(thing, Thing) and not isinstance(thing, Key) and isinstance(1.5, float | int)
raises(TypeError, isinstance, thing, thing)
raises(TypeError, isinstance, 1, 1)


class Poser:
    __class__ = list


assert isinstance(Poser(), list) and isinstance(Poser(), Poser)

# ---- generators that came to their end ----


def numbers(end):
    try:
        for i in range(end):
            yield i
    finally:
        log.append("finally")


log.clear()
g = numbers(3)
gone = weakref.ref(g)
assert list(g) == [0, 1, 2] and log == ["finally"]
del g
assert gone() is None and log == ["finally"]
g = numbers(3)
assert next(g) == 0
del g
assert log == ["finally"] * 2
g = numbers(3)
frame = g.gi_frame
assert sum(g) == 3 and g.gi_frame is None
del g
assert frame.f_code is numbers.__code__
frame.clear()
g = numbers(2)
frame = g.gi_frame
next(g)
del g
assert log == ["finally"] * 4 and frame.f_locals["end"] == 2


class Death:
    def __del__(self):
        log.append("dead")


def holds():
    it = Death()
    yield it


log.clear()
assert sum(1 for _ in holds()) == 1 and log == ["dead"]

# ---- beside others ----

wrong = []
items = list(range(10))
left, right = set(range(20)), set(range(10, 30))
table = {}
numbers = itertools.count(1)


def changes():
    n = next(numbers)
    items.append(n)
    items.pop()
    items[3:5] = [3, 4]
    left.add(100)
    left.discard(100)
    right.discard(15)
    right.add(15)
    table["k%d" % n] = n
    if n > 50:
        del table["k%d" % (n - 50)]


def looks():
    for _ in range(300):
        first, *rest = items
        if first != 0 or rest[:8] != list(range(1, 9)) or len(rest) not in (9, 10):
            wrong.append(rest)
        if (twice := items * 2)[:10] != list(range(10)) or len(twice) not in (20, 22):
            wrong.append(twice)
        if not set(range(30)) >= (left | right) - {100, 15} >= set(range(30)) - {15}:
            wrong.append(left | right)
        try:
            for k in table:
                if type(k) is not str:
                    wrong.append(k)
        except RuntimeError as e:
            if "during iteration" not in str(e):
                wrong.append(e)
        if items[2:8] != [2, 3, 4, 5, 6, 7] or tuple(items)[:10] != tuple(range(10)):
            wrong.append(items[2:8])


meanwhile(lambda: run(looks, looks, looks), changes)
assert not wrong, wrong[:3]

print("ok")
