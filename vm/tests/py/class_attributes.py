"""Attributes that classes hold: every kind of value, read through instances and classes, and changed meanwhile."""
import enum
import sys
import types

from checks import run as run_threads


class Base:
    INT = 7
    NEGATIVE = -5
    LARGE = 1 << 33
    HUGE = 1 << 80
    NONE = None
    FLAG = True
    FLOAT = 2.5
    TEXT = "text"
    MADE = "".join(["ma", "de"])
    LIST = [1, 2]
    PAIR = (1, [2])

    def __init__(self):
        self.own = 1

    @property
    def twice(self):
        return self.own * 2

    @property
    def raises(self):
        raise KeyError(self.own)

    @classmethod
    def made(cls, *args):
        return cls, args

    @staticmethod
    def plain(x):
        return x


class Derived(Base):
    INT = 8


class Color(enum.Enum):
    RED = 1
    BLUE = 2


NAMES = ["INT", "NEGATIVE", "LARGE", "HUGE", "NONE", "FLAG", "FLOAT", "TEXT", "MADE", "LIST", "PAIR"]


def read(o):
    return [o.INT, o.NEGATIVE, o.LARGE, o.HUGE, o.NONE, o.FLAG, o.FLOAT, o.TEXT, o.MADE, o.LIST, o.PAIR]


def expected(o):
    return [getattr(o, name) for name in NAMES]


for _ in range(20):
    for o in (Base(), Derived(), Base, Derived):
        assert read(o) == expected(o), (o, read(o))
before = sys.getrefcount(Base.LIST), sys.getrefcount(Base.MADE)
for _ in range(100):
    read(Base()), read(Base)
assert (sys.getrefcount(Base.LIST), sys.getrefcount(Base.MADE)) == before


def change():
    class C:
        X = 1

    def through_instance(o):
        return o.X

    def through_class():
        return C.X

    o = C()
    for value in (1, 2, None, "a" * 3, [1], 1 << 70, -1, 2.5, (), C, len, Color.RED):
        C.X = value
        for _ in range(5):
            assert through_instance(o) is C.__dict__["X"] is through_class(), value
    o.X = "own"
    assert through_instance(o) == "own" and through_instance(C()) is Color.RED
    del o.X
    C.X = property(lambda self: 5)
    assert [through_instance(o) for _ in range(5)] == [5] * 5 and type(through_class()) is property
    del C.X
    try:
        through_instance(o)
    except AttributeError:
        pass
    else:
        raise AssertionError


change()


def properties():
    o = Base()
    for i in range(20):
        o.own = i
        assert o.twice == 2 * i
        try:
            o.raises
        except KeyError as e:
            assert e.args == (i,)
        else:
            raise AssertionError

    class P:
        def __init__(self, n):
            self.n = n

        @property
        def deep(self):
            return P(self.n - 1).deep if self.n else 0

    assert P(50).deep == 0
    try:
        P(10 ** 9).deep
    except RecursionError:
        pass
    else:
        raise AssertionError

    class Again:
        x = property(lambda self: 1)

    def get(o):
        return o.x

    o = Again()
    assert [get(o) for _ in range(5)] == [1] * 5
    vars(Again)["x"].__init__(lambda self: 2)
    # Code that knows the property may go on calling the getter that it had.
    assert get(o) in (1, 2)
    import gc
    gc.collect()
    assert get(o) in (1, 2)


properties()


def becomes_a_descriptor():
    class Value:
        pass

    class C:
        X = Value()

    def get(o):
        return o.X

    for _ in range(5):
        assert type(get(C())) is Value and type(C.X) is Value
    Value.__get__ = lambda self, o, cls: "bound"
    for _ in range(5):
        assert get(C()) == "bound" == C.X


becomes_a_descriptor()


class Frames:
    """Getters of every kind of frame."""
    @property
    def generator(self):
        yield 1
        yield 2

    @property
    async def coroutine(self):
        return 3

    @property
    def closure(self):
        def inner():
            return self
        return inner

    @property
    def fails_deep(self):
        return [x for x in (1, 0) if 1 // x]


for _ in range(5):
    f = Frames()
    assert list(f.generator) == [1, 2]
    try:
        f.coroutine.send(None)
    except StopIteration as e:
        assert e.value == 3
    assert f.closure() is f
    try:
        f.fails_deep
    except ZeroDivisionError as e:
        tb, names = e.__traceback__, []
        while tb:
            names.append(tb.tb_frame.f_code.co_name)
            tb = tb.tb_next
        assert names == ["<module>", "fails_deep"], names

for _ in range(10):
    assert Base.made(1) == (Base, (1,)) and Derived.made() == (Derived, ()) and Derived().made() == (Derived, ())
    assert Base.plain(3) == 3 == Base().plain(3)
    assert Color.RED is Color(1) and Color.BLUE.value == 2 and Color.RED is not Color.BLUE


def swap(rounds):
    """Threads that read a class attribute while one replaces it: each value is whole and was there."""
    class C:
        X = ["first", 0]

    done = []

    def writer():
        for i in range(rounds):
            C.X = [str(i), i]
        done.append(1)

    def reader():
        o = C()
        last = -1
        while not done:
            for x in (o.X, C.X):
                assert x[0] in ("first", str(x[1])), x
        assert o.X is C.X

    run_threads(reader, reader, writer)


swap(3000)


def share_a_site(batch):
    """Threads with classes of their own read through the same new instructions, whose caches change hands."""
    def fresh(f):
        return types.FunctionType(f.__code__.replace(co_name=f"{f.__name__}_{batch}"), globals())

    look = fresh(lambda o: o.X)
    call = fresh(lambda o: o.X())

    def work(kind):
        for i in range(12):
            class C:
                X = [i, None, [i], str(i), 2.5, -i, property(lambda self: self)][(i + kind) % 7]
            o = C()
            for _ in range(3):
                want, got = C.__dict__["X"], look(o)
                assert look(C) is want or look(C) == want, want
                assert (got is o) if type(want) is property else got == want and type(got) is type(want), (got, want)
            C.X = [lambda *a: len(a), classmethod(lambda cls: cls), staticmethod(lambda: 5)][(i + kind) % 3]
            for _ in range(3):
                want = [(1, 0), (C, C), (5, 5)][(i + kind) % 3]
                assert (call(o), call(C)) == want, want

    run_threads(*(lambda kind=kind: work(kind) for kind in range(4)))


for batch in range(100):
    share_a_site(batch)
