# Comprehensions and annotations inside class bodies, and delegations that are closed early.


class Cell:
    functions = [lambda: __class__ for _ in (1,)]
    supers = [lambda: super for _ in (1,)]

    def method(self):
        return [__class__ for _ in (1,)]


assert Cell.functions[0]() is Cell and Cell.supers[0]() is super and Cell().method() == [Cell]

try:
    class Unknown:
        x = [__class__ for _ in (1,)]
except NameError as e:
    assert e.name == "__class__"
else:
    raise AssertionError("__class__ is no name of a class body")


class Annotated:
    __classdict__: int


assert Annotated.__annotations__ == {"__classdict__": int}


def closed(kept):
    def delegating():
        kept.append(1)
        yield from range(3)
    return delegating()


def outer():
    kept = []
    for _ in range(50):
        others = [(i for i in range(2)) for _ in range(4)]
        for g in others:
            next(g)
        gi = closed(kept)
        assert next(gi) == 0
        gi.close()
        gi = closed(kept)
        next(gi)
        try:
            gi.throw(KeyError("k"))
        except KeyError:
            pass
        assert [list(g) for g in others] == [[1]] * 4
    assert len(kept) == 100


outer()


class Long:
    def __len__(self):
        return 2**63 - 1


assert len(Long()) == 2**63 - 1 and len(range(2**62)) == 2**62
match range(0):
    case []:
        pass
# Either a hash or an error, but no end of the process.
deep = ()
for _ in range(100_000):
    deep = (deep,)
try:
    assert isinstance(hash(deep), int)
except RecursionError:
    pass


def sequence(x):
    match x:
        case [*_]:
            return True
        case _:
            return False


def mapping(x):
    match x:
        case {**_rest}:
            return True
        case _:
            return False


import array
import collections
import collections.abc
import types
import typing

for value in ("ab", b"ab", bytearray(b"ab"), {}, {1}, 5):
    assert not sequence(value), value
for value in ([], (), range(2), memoryview(b"a"), array.array("b"), collections.deque(),
              collections.UserList()):
    assert sequence(value), value
for value in ({}, types.MappingProxyType({}), collections.OrderedDict(), collections.defaultdict(),
              collections.Counter(), collections.ChainMap(), collections.UserDict()):
    assert mapping(value), value


class Mine(collections.abc.Sequence):
    def __len__(self):
        return 0

    def __getitem__(self, i):
        raise IndexError


class Generic(typing.Generic[typing.TypeVar("T")]):
    def __init__(self, x):
        self.x = x


assert sequence(Mine()) and not mapping(Mine()) and Generic(1).x == 1


class Meta(type):
    def mro(cls):
        return [cls, dict, object]


for wrong in (lambda: Meta("Odd", (), {}), lambda: list.__new__(object)):
    try:
        wrong()
    except TypeError:
        pass
    else:
        raise AssertionError("native code ran on a foreign object")

import sys


def overwritten(value):
    frame = sys._getframe()
    for n in range(20):
        pair = (value, [frame.f_locals.update({"value": [n]}), value][1], value)
        assert pair[1] == [n] and pair[2] == [n]
    return True


assert overwritten([])


class Calls:
    pass


Calls.__call__ = Calls()
try:
    Calls()()
except RecursionError:
    pass
else:
    raise AssertionError("an endless chain of __call__")
