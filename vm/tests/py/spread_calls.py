"""Calls with `*` and `**`, keyword-only parameters, and classes called with keywords."""
import gc
import sys
import threading
import traceback
import weakref

from checks import raises


class Thing:
    pass


def plain(a, b=2, c=3):
    return a, b, c


def kwonly(a, *, k=1, m):
    return a, k, m


def everything(a, /, b, *rest, k=0, **named):
    return a, b, rest, k, named


# ---- functions ----

for _ in range(50):
    assert plain(*(1,)) == (1, 2, 3) and plain(*[1, 5]) == (1, 5, 3) and plain(*"xyz") == ("x", "y", "z")
    assert plain(*(1,), **{"c": 5}) == (1, 2, 5) and plain(**{"b": 1, "a": 0}) == (0, 1, 3)
    assert plain(*(), **{}, a=4) == (4, 2, 3) and plain(1, *(2,), **{"c": 4}) == (1, 2, 4)
    assert everything(*(1, 2, 3), **{"k": 4, "z": 5}) == (1, 2, (3,), 4, {"z": 5})
    assert everything(1, *(2,), **{"a": 3}) == (1, 2, (), 0, {"a": 3})
    assert kwonly(1, m=2) == (1, 1, 2) and kwonly(*(1,), **{"k": 3, "m": 4}) == (1, 3, 4)
    raises(TypeError, plain, text="plain() missing 1 required positional argument: 'a'")
    raises(TypeError, lambda: plain(*(1, 2, 3, 4)), text="plain() takes from 1 to 3 positional arguments but 4 were given")
    raises(TypeError, lambda: plain(*(1,), **{"a": 2}), text="plain() got multiple values for argument 'a'")
    raises(TypeError, lambda: plain(*(1,), **{"z": 2}), text="plain() got an unexpected keyword argument 'z'")
    raises(TypeError, lambda: plain(**{1: 2}), text="keywords must be strings")
    raises(TypeError, lambda: plain(*1))
    raises(TypeError, lambda: kwonly(*(1,)), text="kwonly() missing 1 required keyword-only argument: 'm'")
    raises(TypeError, lambda: kwonly(1, k=2), text="kwonly() missing 1 required keyword-only argument: 'm'")
    raises(TypeError, lambda: kwonly(1, 2, m=3), text="kwonly() takes 1 positional argument but 2 positional arguments (and 1 keyword-only argument) were given")


class Name(str):
    pass


assert plain(**{Name("a"): 1, "".join("bb")[:1]: 5}) == (1, 5, 3)


# ---- what holds the arguments ----

def keep(thing, again=None, *, more=None):
    args.clear()
    named.clear()
    gc.collect()
    return [thing.tag, again.tag, more.tag]


def tagged(tag):
    thing = Thing()
    thing.tag = tag
    return thing


for _ in range(20):
    args, named = [tagged(1), tagged(2)], {"more": tagged(3)}
    assert keep(*args, **named) == [1, 2, 3]
    args, named = [tagged(1)], {"more": tagged(3), "again": tagged(2)}
    assert keep(*args, **named) == [1, 2, 3]

thing = Thing()
before = sys.getrefcount(thing)
for call in (
    lambda: plain(*(thing, thing, thing, thing)),
    lambda: plain(*(thing,), **{"z": thing}),
    lambda: plain(*(thing,), **{"b": thing, "a": thing}),
    lambda: plain(**{"a": thing, 1: thing}),
    lambda: kwonly(thing, k=thing),
    lambda: kwonly(*(thing,), **{"k": thing}),
    lambda: plain(*(thing,), **{"b": thing})[5],
):
    for _ in range(10):
        raises((TypeError, IndexError), call)
assert plain(*(thing,), **{"b": thing}) == (thing, thing, 3)
assert sys.getrefcount(thing) == before


# ---- methods, generators, coroutines, frames ----

class Base:
    def method(self, *args, **named):
        return self, args, named

    def two(self, a, b=2):
        return self, a, b


base = Base()
bound = base.two
for _ in range(50):
    assert base.method(*(1, 2), **{"k": 3}) == (base, (1, 2), {"k": 3})
    assert bound(*(1,)) == (base, 1, 2) and bound(**{"a": 0}) == (base, 0, 2) and Base.two(*(base, 4)) == (base, 4, 2)
    assert Base().two(*(1,))[1:] == (1, 2)
    raises(TypeError, lambda: bound(*(1, 2, 3)), text="Base.two() takes from 2 to 3 positional arguments but 4 were given")
    assert print.__self__ is not None and max(*(1, 2), **{"key": lambda n: -n}) == 1


def numbers(*items, by=1):
    for item in items:
        yield item * by


assert list(numbers(*(1, 2), **{"by": 3})) == [3, 6]
gone = Thing()
running = numbers(*(gone,))
gone = weakref.ref(gone)
gc.collect()
assert gone() is not None
del running
gc.collect()
assert gone() is None


def outer(*args, **named):
    return inner(*args, **named)


def inner(a, b):
    return sys._getframe().f_back.f_code.co_name, a / b


assert outer(*(4, 2)) == ("outer", 2.0) and outer(4, b=2) == ("outer", 2.0)
try:
    outer(1, b=0)
except ZeroDivisionError as e:
    frames = traceback.extract_tb(e.__traceback__)
    assert [f.name for f in frames] == ["<module>", "outer", "inner"]
    assert frames[1].line == "return inner(*args, **named)"


def deep(n, *rest, **named):
    return n if n == 0 else deep(*(n - 1, *rest), **named)


assert deep(200, 1, 2, k=3) == 0
raises(RecursionError, deep, 10**6)
raises(RecursionError, deep, 10**6, k=1)
raises((RecursionError, TypeError), lambda: plain(*range(10**6)))


# ---- keyword-only defaults ----

def wants(*, k=[]):
    return k


assert wants() is wants() and wants(k=1) == 1
wants.__kwdefaults__ = {"k": thing}
assert wants() is thing
wants.__kwdefaults__["k"] = 5
assert wants() == 5
wants.__kwdefaults__ = None
raises(TypeError, wants, text="wants() missing 1 required keyword-only argument: 'k'")
assert sys.getrefcount(thing) == before


# ---- classes ----

class Point:
    def __init__(self, x, y=0, *, z=0):
        self.at = x, y, z


class Wrong:
    def __init__(self, x=1):
        return x


for _ in range(50):
    assert Point(x=1).at == (1, 0, 0) and Point(1, z=2).at == (1, 0, 2) and Point(*(1,), **{"y": 5}).at == (1, 5, 0)
    assert Wrong(x=None).__class__ is Wrong
    raises(TypeError, lambda: Wrong(x=1), text="__init__() should return None, not 'int'")
    raises(TypeError, lambda: Point(w=1), text="Point.__init__() got an unexpected keyword argument 'w'")
    raises(TypeError, lambda: Point(1, x=1), text="Point.__init__() got multiple values for argument 'x'")
    raises(TypeError, lambda: Point(y=1), text="Point.__init__() missing 1 required positional argument: 'x'")
for _ in range(10):
    raises(TypeError, lambda: Point(thing, x=thing))
assert sys.getrefcount(thing) == before


# ---- threads ----

shared = [tagged(n) for n in range(4)]
table = {"again": tagged(1), "more": tagged(2)}


def work():
    for n in range(300):
        assert plain(*tuple(shared))[0] is not None if len(shared) <= 3 else len(everything(*shared, **table)[2]) >= 0
        assert everything(0, 0, **table)[4].keys() <= {"again", "more"}
        table["more"] = tagged(n)
        shared[n % 4] = tagged(n)


threads = [threading.Thread(target=work) for _ in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
