# What the interpreter does without asking the types: equality of tuples, `in`, type(), isinstance(), bound methods,
# defaults, slices; and where it must ask them.

import abc
import itertools
import sys
import types
from collections import namedtuple

from checks import meanwhile, raises, run

# ---- equality of tuples, and tuples as keys ----

P = namedtuple("P", "x y")


class Never(tuple):
    def __eq__(self, other):
        return False

    __hash__ = tuple.__hash__


class Plain(tuple):
    pass


nan = float("nan")
assert (1, (2, "a")) == (1, (2, "a")) and P(1, (2,)) == (1, (2,)) == Plain((1, (2,)))
assert not Never((1,)) == Never((1,)) and not (1,) == Never((1,)) and (Never((1,)),) != (Never((1,)),)
assert (nan,) == (nan,) and (nan,) != (float("nan"),) and (1, nan) in [(1, nan)]
assert (1, 0.0, True, 10**30) == (1.0, -0.0, 1, 10**30) and (1.5,) != (2.5,) and (None,) != (0,) and ("a",) != (1,)
assert (1, 2) != (1, 2, 3) and (1, (2, 3)) != (1, (2, 4)) and ("ab" * 3,) == ("".join(["ab"] * 3),)
assert (1, 2) < (1, 3) and ("a", (1, 2)) < ("a", (1, 3)) and P(1, "b") > P(1, "a") and (1,) < (1, 0)


def deep(n, end):
    for _ in range(n):
        end = (end,)
    return end


assert deep(50, 1) == deep(50, 1.0) and deep(50, 1) != deep(50, 2) and {deep(20, "q"): 5}[deep(20, "q")] == 5

d = {(i, ("k%d" % i, P(i, i + 1))): i for i in range(100)}
s = set(d)
for i in range(100):
    key = (i, ("k" + str(i), (i, i + 1)))
    assert d[key] == d.get(key) == i and key in d and key in s and key in frozenset(s) and (i, "k") not in s
    d[key] = -i
assert len(d) == 100 and d[5, ("k5", (5, 6))] == -5 and d.pop((7, ("k7", (7, 8)))) == -7
s.discard((7, ("k7", (7, 8))))
assert len(s) == 99 and s == set(d) and s <= set(d) and not s - set(d)


class Odd:
    """Equal to everything, and changes the dict when asked."""

    def __init__(self, of=None):
        self.of = of

    def __hash__(self):
        return hash((1, "a"))

    def __eq__(self, other):
        if self.of is not None:
            self.of.clear()
            self.of[1, "a"] = "new"
        return True


d = {Odd(): 1}
assert d[1, "a"] == 1 and (1, "a") in d and (1, "a") in {Odd()}
d = {}
d[Odd(d)] = 1
assert d[(1, "a")] in (1, "new")


class Faulty:
    def __hash__(self):
        return hash((2, "b"))

    def __eq__(self, other):
        raise ZeroDivisionError


for box in ({Faulty(): 1}, {Faulty()}, frozenset([Faulty()])):
    raises(ZeroDivisionError, lambda: (2, "b") in box)
    raises(ZeroDivisionError, lambda: (Faulty(), 1) == (Faulty(), 1))
    assert (2, "c") not in box

# ---- in, not in ----

for box in ({1, "a", int, None, 2.5, (1, 2)}, frozenset([1, "a", int, None, 2.5, (1, 2)]),
            dict.fromkeys([1, "a", int, None, 2.5, (1, 2)])):
    assert 1 in box and 1.0 in box and True in box and "a" in box and "".join("a") in box and int in box
    assert None in box and 2.5 in box and (1, 2) in box and (1.0, 2) in box
    assert 2 not in box and "b" not in box and str not in box and (2, 1) not in box and 0 not in box
    assert (2 not in box) is True and (1 not in box) is False and object() not in box
    raises(TypeError, lambda: [] in box)
    raises(TypeError, lambda: ([],) in box)


class Asked(set):
    def __contains__(self, item):
        return item == "asked"


class Hashed(str):
    def __hash__(self):
        return 1


assert "asked" in Asked() and 1 not in Asked([1]) and Hashed("a") not in {"a"} and "a" not in {Hashed("a")}


class Number(int):
    pass


class Fraudulent(int):
    def __hash__(self):
        return 77


assert Number(5) in {5, 6} and Number(7) not in {5, 6} and Number(5) in {Number(5): 1} and 5 in {Number(5)}
assert True in {1} and False not in {1} and 10**30 in {10**30, 1} and 10**30 + 1 not in {10**30: 1}
assert Fraudulent(5) not in {5} and 5 not in {Fraudulent(5)} and Fraudulent(5) in {Fraudulent(5)}
words = {"".join(["w", str(i)]) for i in range(300)}
assert all("w%d" % i in words for i in range(300)) and "w300" not in words

# ---- type(), isinstance() ----


class Meta(type):
    def __instancecheck__(cls, o):
        return o == "yes"


class Posing:
    @property
    def __class__(self):
        return int


class Base:
    pass


class Derived(Base):
    pass


class Checked(metaclass=Meta):
    pass


class Abstract(abc.ABC):
    pass


Abstract.register(Derived)
assert type(1) is int and type(None) is type(None) and type(Derived()) is Derived and type(Posing()) is Posing
assert type(type) is type and type(Checked) is Meta and type(Meta) is type and type(Abstract) is abc.ABCMeta
assert type("X", (), {})().__class__.__name__ == "X" and type(type("Y", (), {})()).__name__ == "Y"
raises(TypeError, lambda: type())
raises(TypeError, lambda: type(1, 2))
assert isinstance(1, int) and isinstance(True, int) and not isinstance(1, str) and isinstance(1, (str, (bytes, int)))
assert isinstance(Derived(), Base) and not isinstance(Base(), Derived) and isinstance(Derived(), (int, Base))
assert isinstance(Posing(), int) and isinstance(Posing(), Posing) and not isinstance(Posing(), str)
assert isinstance("yes", Checked) and not isinstance("no", Checked) and isinstance("yes", (int, Checked))
assert isinstance(Derived(), Abstract) and not isinstance(Base(), Abstract) and isinstance(None, int | None)
assert not isinstance(3, ()) and isinstance(Checked, type) and isinstance(int, object)
raises(TypeError, lambda: isinstance(1, 5))
raises(TypeError, lambda: isinstance(1, (str, 5)))
assert isinstance(1, (int, 5))

died = []


class Dies:
    def __del__(self):
        died.append(1)


assert type(Dies()) is Dies and died == [1] and isinstance(Dies(), Dies) and died == [1, 1]

# ---- defaults ----


def two(a, b=[], c="c"):
    return a, b, c


def counted(a, b=Base()):
    two.__defaults__ = (None, "changed")
    counted.__defaults__ = (7,)
    return a, b


assert two(1) == (1, [], "c") and two(1, 2) == (1, 2, "c") and two(1)[1] is two(2)[1]
got = counted(1)
assert got[0] == 1 and type(got[1]) is Base and counted(2) == (2, 7) and two(1) == (1, None, "changed")
raises(TypeError, two)
raises(TypeError, lambda: two(1, 2, 3, 4))


def gen(a, b=5):
    yield a
    yield b


def rebinds(a, b=None, c=()):
    if b is None:
        b = [a]
    del c
    return b


def deeper(n, by=1):
    return n if n == 0 else deeper(n - by)


def endless(a=None, b=1):
    return endless()


assert list(gen(1)) == [1, 5] and rebinds(3) == [3] and deeper(200) == 0 and (lambda a=(), b=1: a)() == ()
raises(RecursionError, endless)
assert deeper(100) == 0
before = sys.getrefcount(two.__defaults__)
for _ in range(100):
    two(1)
assert sys.getrefcount(two.__defaults__) == before

# ---- bound methods ----


class Counter:
    def __init__(self):
        self.n = 0
        self.hold = self.step

    def step(self, by, more=0):
        self.n += by + more
        return self

    def one(self, by):
        self.n += by
        return self

    def forget(self, name):
        setattr(self, name, None)
        me = self
        del self
        return me.n

    def each(self, n):
        for i in range(n):
            yield self, i

    def fail(self, x):
        return x / 0

    def endless(self, x):
        f = self.endless
        return f(x)


c = Counter()
f = c.one
assert f(1) is c and f(2).n == 3 and c.hold(1).n == 4 and c.hold(1, 1).n == 6
c.mine = c.forget
assert c.mine("mine") == 6 and c.mine is None
g = Counter().each
it = g(3)
del g
assert [i for _, i in it] == [0, 1, 2]
f = Counter().one
assert f(5).n == 5 and f(5).n == 10
f = c.fail
raises(ZeroDivisionError, lambda: f(1))
f = c.endless
raises(RecursionError, lambda: f(1))
f = types.MethodType(lambda me, x: (me, x), 5)
assert f(1) == (5, 1)
f = types.MethodType(Counter, c)
raises(TypeError, lambda: f(1))
f = types.MethodType(types.MethodType(lambda a, b, c: (a, b, c), 1), 2)
assert f(3) == (1, 2, 3)
f = c.one
raises(TypeError, lambda: f())
raises(TypeError, lambda: f(1, 2))
died.clear()


class Mortal(Dies):
    def last(self, f):
        f.pop()
        assert not died
        return self


holder = [Mortal().last]
assert type(holder[0](holder)) is Mortal and died == [1] and not holder
f = None
before = sys.getrefcount(c)
f = c.one
for _ in range(100):
    f(1)
del f
assert sys.getrefcount(c) == before

# ---- results that are borrowed or immortal ----


def same(x, y):
    del y
    return x


assert same("interned", [1]) == "interned" and same(int, [1]) is int and same((), 1) == () and same(c, c) is c

# ---- slices, copies ----

values = list(range(6)) + ["x"]
assert values[:] == values and values[:] is not values and values[-2:] == [5, "x"] and values[3:1] == [] == values[9:]
assert values[1:-1:2] == [1, 3, 5] and values[::-1][0] == "x" and values[None:None] == values and values[True:3] == [1, 2]
assert values + values == values * 2 and [] + values == values and values + [] == values and tuple(values) == (*values,)
assert tuple([]) == () and tuple([[1]])[0] == [1]
raises(TypeError, lambda: values["a":])
raises(TypeError, lambda: values + (1,))


class Sub(list):
    def __iter__(self):
        return iter("sub")


assert tuple(Sub([1, 2])) == ("s", "u", "b") and type(Sub([1, 2])[:1]) is list and type(Sub([1]) + [2]) is list

box = set(range(20))


def grows():
    for v in box:
        box.add(v + 100)


raises(RuntimeError, grows)
assert sorted(v for v in frozenset("abc")) == ["a", "b", "c"] and [v for v in set()] == []

# ---- append ----


class Loud(list):
    def append(self, item):
        super().append((item, "loud"))


class Quiet(list):
    pass


for make in (list, Quiet):
    values = make()
    for i in range(100):
        assert values.append(i) is None
        values.append("".join(["s", str(i)]))
        values.append(None)
        values.append(int)
        list.append(values, values)
    assert len(values) == 500 and values[4] is values and values[:4] == [0, "s0", None, int] and values[-2] is int
loud = Loud()
loud.append(1)
assert loud == [(1, "loud")]
raises(TypeError, lambda: [].append())
raises(TypeError, lambda: [].append(1, 2))
raises(TypeError, lambda: list.append((), 1))
assert [i for i in range(40)] == list(range(40)) and [[j for j in "ab"] for _ in range(2)] == [["a", "b"]] * 2
values = []
add = values.append
for i in range(50):
    assert add(i) is None
    add("".join(["t", str(i)]))
assert len(values) == 100 and values[-2:] == [49, "t49"]
raises(TypeError, lambda: add())
add = [].append
add(add)
box = bytearray(4)
box[0], box[-1], box[True] = 255, 7, 9
assert box == b"\xff\x09\x00\x07"
for i, v, error in (4, 1, IndexError), (-5, 1, IndexError), (0, 256, ValueError), (0, -1, ValueError), (0, "a", TypeError):
    raises(error, lambda: box.__setitem__(i, v))
    raises(error, exec, "box[i] = v", {"box": box, "i": i, "v": v})
box[Number(1)] = Number(3)
assert box == b"\xff\x03\x00\x07"
item = object()
before = sys.getrefcount(item)
values = [item for _ in range(30)]
values.append(item)
assert sys.getrefcount(item) == before + 31
del values
assert sys.getrefcount(item) == before
died.clear()
[].append(Dies())
assert died == [1]
shared = []


def appends():
    for i in range(2000):
        shared.append(i)
        shared.append((i, "own"))


run(*[appends] * 5)
assert len(shared) == 20000 and sum(v for v in shared if type(v) is int) == 5 * sum(range(2000))

# ---- while other threads change the same objects ----

keys = [(i, ("k%d" % i, i)) for i in range(64)]
table, members, items = dict.fromkeys(keys, 0), set(keys), list(keys)
wrong = []
numbers = itertools.count()


def changes():
    n = next(numbers)
    i = n % 64
    key = (i, ("k%d" % i, i))
    table.pop(key, None)
    members.discard(key)
    items[i] = key
    table[key] = n
    members.add((i, ("k%d" % i, i)))


def looks():
    for n in range(300):
        for i in range(0, 64, 7):
            key = (i, ("k%d" % i, i))
            v = table.get(key)
            if v is not None and type(v) is not int:
                wrong.append(v)
            if (i, ("no", i)) in table or (i, ("no", i)) in members:
                wrong.append(i)
            key in members, key in table
        if tuple(items) != tuple(keys) or items[3:9] != keys[3:9] or len(items + keys) != 128:
            wrong.append(n)


meanwhile(lambda: run(looks, looks, looks), changes)
assert not wrong, wrong[:5]

print("ok")
