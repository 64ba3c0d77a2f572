"""Recipes for iterators that threads share, generators, and what `itertools` has."""
import array
import collections
import itertools
import types

from .stress import (
    A, F, G, FLAVOURS, Subject, const, count, item, item_arg, items, itself, nothing, of_type, one_of, pair, pairs,
    text, truth,
)

one_flavour = ("ints",)


def taken(o, c):
    """The rest, but not without end."""
    return list(itertools.islice(o, 50))


def iterator(name, make, gives=item, many=items, more={}, raises=(), flavours=FLAVOURS, kind=None, own={}):
    """An iterator: `__next__` gives items or ends; so do loops."""
    ops = {
        "__iter__": A(gives=itself), "__next__": A(gives=gives, raises=StopIteration),
    }
    kind = kind or type(make(Example()))
    if hasattr(kind, "__length_hint__"):
        ops["__length_hint__"] = A(gives=count)
    if hasattr(kind, "__setstate__"):
        ops["__setstate__"] = A(one_of(0, 1, 3), gives=nothing)
    for n in ("__copy__",):
        if hasattr(kind, n):
            ops[n] = A()
    if kind.__reduce_ex__ is not object.__reduce_ex__ or "__reduce__" in vars(kind):
        ops["__reduce__"] = A()
    own = {
        "next(it, None)": F(lambda o, c: next(o, None), lambda c, o, v: v is None or gives(c, o, v)), "list()": F(taken, many),
        "for": F(lambda o, c: [v for v, _ in zip(o, range(5))], many), "next": F(lambda o, c: next(o), gives, StopIteration), **own,
    }
    return Subject(name, make, kind, {**ops, **more}, own, raises=raises, flavours=flavours)


class Example:
    """A context to find out types with."""

    def items(self, most=6):
        return [1, 2]

    def item(self):
        return 1

    def small(self):
        return 1

    def flag(self):
        return False


class Sequence:
    """Iterated by index."""

    def __init__(self, c):
        self.items = c.items(20)

    def __getitem__(self, i):
        return self.items[i]

    def __len__(self):
        return len(self.items)


def letter(c, o, v):
    return v in ("a", "b", "é", 97, 98)


def letters(c, o, v):
    return all(letter(c, o, x) for x in v)


BUILT_IN = [
    iterator("list_iterator", lambda c: iter(c.items(20))),
    iterator("list_reverseiterator", lambda c: reversed(c.items(20))),
    iterator("tuple_iterator", lambda c: iter(tuple(c.items(20)))),
    iterator("dict_keyiterator", lambda c: iter(dict.fromkeys(c.items(20)))),
    iterator("dict_valueiterator", lambda c: iter(dict(zip(c.items(20), c.items(20))).values())),
    iterator("dict_itemiterator", lambda c: iter(dict(zip(c.items(20), c.items(20))).items()), pair, pairs),
    iterator("dict_reversekeyiterator", lambda c: reversed(dict.fromkeys(c.items(20)))),
    iterator("dict_reversevalueiterator", lambda c: reversed(dict(zip(c.items(20), c.items(20))).values())),
    iterator("dict_reverseitemiterator", lambda c: reversed(dict(zip(c.items(20), c.items(20))).items()), pair, pairs),
    iterator("set_iterator", lambda c: iter(set(c.items(20)))),
    iterator("range_iterator", lambda c: iter(range(16)), flavours=one_flavour),
    iterator("longrange_iterator", lambda c: iter(range(1 << 70, (1 << 70) + 16)), flavours=("long ints",),
             gives=lambda c, o, v: v in c.pool.items, many=lambda c, o, v: all(x in c.pool.items for x in v)),
    iterator("str_iterator", lambda c: iter("abé" * 4), letter, letters, flavours=one_flavour),
    iterator("bytes_iterator", lambda c: iter(b"ab" * 6), letter, letters, flavours=one_flavour),
    iterator("bytearray_iterator", lambda c: iter(bytearray(b"ab" * 6)), letter, letters, flavours=one_flavour),
    iterator("arrayiterator", lambda c: iter(array.array("b", b"ab" * 6)), letter, letters, flavours=one_flavour),
    iterator("memory_iterator", lambda c: iter(memoryview(b"ab" * 6)), letter, letters, flavours=one_flavour),
    iterator("_deque_iterator", lambda c: iter(collections.deque(c.items(20)))),
    iterator("_deque_reverse_iterator", lambda c: reversed(collections.deque(c.items(20)))),
    iterator("reversed", lambda c: reversed(Sequence(c))),
    iterator("iterator", lambda c: iter(Sequence(c))),
    iterator("callable_iterator", lambda c: iter(c.items(20).pop, None) if c.flag() else iter(iter(c.items(20)).__next__, None),
             raises=(IndexError,)),
    # Its state says whether the lengths must be the same.
    iterator("zip", lambda c: zip(c.items(20), c.items(20)), pair, pairs, raises=ValueError),
    iterator("map", lambda c: map(lambda v: v, c.items(20))),
    iterator("filter", lambda c: filter(lambda v: True, c.items(20))),
    iterator("enumerate", lambda c: enumerate(c.items(20)), lambda c, o, v: count(c, o, v[0]) and item(c, o, v[1]),
             lambda c, o, v: all(count(c, o, i) and item(c, o, x) for i, x in v)),
]


# Iterators of containers that change meanwhile.

def changing(name, make, look, change, raises=(RuntimeError,)):
    """`make` gives a container; the shared object is it with an iterator of it."""
    class Pair:
        __slots__ = ("source", "it", "__weakref__")

        def __init__(self, c):
            self.source = make(c)
            self.it = look(self.source)

    def renew(o, c):
        o.it = look(o.source)
    return Subject(
        f"{name} while it changes", Pair, None, {},
        {
            "next": F(lambda o, c: next(o.it, None)), "list": F(lambda o, c: list(o.it)), "new": F(renew, nothing),
            "change": F(change), "change again": F(change), "hint": F(lambda o, c: getattr(o.it, "__length_hint__", int)()),
            "reduce": F(lambda o, c: o.it.__reduce__(), raises=TypeError), "clear": F(lambda o, c: c.small() == 0 and o.source.clear(), raises=BufferError),
            "unpack": F(lambda o, c: (lambda a, *b: None)(*o.it), raises=TypeError),
        }, raises=raises)


def change_list(o, c):
    o.source.extend(c.items()) if len(o.source) < 50 else o.source.clear()


def change_dict(o, c):
    o.source[c.item()] = c.item() if c.flag() else o.source.pop(c.item(), c.item())


def change_set(o, c):
    (o.source.add if c.flag() else o.source.discard)(c.item())


def change_bytes(o, c):
    o.source.extend(b"ab") if len(o.source) < 50 else o.source.clear()


CHANGING = [
    changing("list_iterator", lambda c: c.items(20), iter, change_list),
    changing("list_reverseiterator", lambda c: c.items(20), reversed, change_list),
    *[changing(f"dict iterator {i}", lambda c: dict(zip(c.items(20), c.items(20))), f, change_dict) for i, f in enumerate([
        iter, lambda d: iter(d.values()), lambda d: iter(d.items()), reversed, lambda d: reversed(d.values()),
        lambda d: reversed(d.items())])],
    changing("set_iterator", lambda c: set(c.items(20)), iter, change_set),
    changing("_deque_iterator", lambda c: collections.deque(c.items(20)), iter, change_list),
    changing("_deque_reverse_iterator", lambda c: collections.deque(c.items(20)), reversed, change_list),
    changing("bytearray_iterator", lambda c: bytearray(b"abab"), iter, change_bytes),
    changing("arrayiterator", lambda c: array.array("b", b"abab"), iter, lambda o, c: o.source.append(97) if len(o.source) < 50 else o.source.clear()),
]

# Generators and coroutines: who finds one running is told so.

BUSY = ValueError


def thrown(c):
    return KeyError("thrown")


def generate(c):
    vs = c.items(30)

    def g():
        for v in vs:
            try:
                got = yield v
            except KeyError:
                got = yield v
            del got
    return g()


class Await:
    __slots__ = ("v",)

    def __init__(self, v):
        self.v = v

    def __await__(self):
        yield self.v


def coroutine(c):
    vs = c.items(30)

    async def f():
        for v in vs:
            await Await(v)
    o = f()
    o.send(None) if vs else o.close()
    return o


async def agen_of(vs):
    for v in vs:
        yield v


def step(a):
    """Runs an awaitable that never waits; its value."""
    try:
        a.send(None)
    except StopIteration as e:
        return e.value


ENDED = (StopIteration, KeyError, BUSY)
GENERATOR = Subject(
    "generator", generate, types.GeneratorType,
    {
        "__iter__": A(gives=itself), "__name__": G(text), "__next__": A(gives=item, raises=(StopIteration, BUSY)), "__qualname__": G(text),
        "close": F(lambda o, c: o.close() if c.rng.random() < .1 else None, nothing, BUSY),
        "gi_code": G(of_type(types.CodeType)), "gi_frame": G(of_type(types.FrameType, type(None))), "gi_running": G(truth),
        "gi_suspended": G(truth), "gi_yieldfrom": G(nothing),
        # TypeError: just started.
        "send": A(item_arg, gives=item, raises=(StopIteration, BUSY, TypeError)),
        "throw": A(thrown, gives=item, raises=(StopIteration, BUSY, KeyError)),
    },
    {
        "for": F(lambda o, c: [v for v, _ in zip(o, range(5))], items, BUSY), "list": F(lambda o, c: list(o), items, BUSY),
        "frame": F(lambda o, c: o.gi_frame is not None and (o.gi_frame.f_lineno, o.gi_frame.f_locals, o.gi_frame.f_back), raises=AttributeError),
        "yield from": F(lambda o, c: next(delegating(o)), item, (StopIteration, BUSY)),
    })


def delegating(o):
    try:
        yield from o
    except ValueError:
        # Another thread is in it: also when this one is closed.
        return


COROUTINE = Subject(
    "coroutine", coroutine, types.CoroutineType,
    {
        "__await__": A(), "__name__": G(text), "__qualname__": G(text), "close": F(lambda o, c: o.close() if c.rng.random() < .1 else None, nothing, BUSY),
        "cr_await": G(), "cr_code": G(of_type(types.CodeType)), "cr_frame": G(of_type(types.FrameType, type(None))), "cr_origin": G(),
        "cr_running": G(truth), "cr_suspended": G(truth),
        # RuntimeError: cannot reuse already awaited coroutine.
        "send": A(const(None), gives=item, raises=(StopIteration, BUSY, RuntimeError)),
        "throw": A(thrown, raises=(StopIteration, BUSY, KeyError, RuntimeError)),
    }, finish=lambda o, c: o.close())
AGEN = Subject(
    "async_generator", lambda c: agen_of(c.items(30)), types.AsyncGeneratorType,
    {
        "__aiter__": A(gives=itself), "__anext__": F(lambda o, c: step(o.__anext__()), item), "__name__": G(text), "__qualname__": G(text),
        "aclose": F(lambda o, c: step(o.aclose()) if c.rng.random() < .1 else None, nothing), "ag_await": G(nothing),
        "ag_code": G(), "ag_frame": G(), "ag_running": G(truth), "ag_suspended": G(truth),
        "asend": F(lambda o, c: step(o.asend(c.item())), item, TypeError), "athrow": F(lambda o, c: step(o.athrow(KeyError("thrown"))), raises=KeyError),
    }, raises=(StopAsyncIteration, RuntimeError, ValueError))

# itertools.


def tuples_of(n=None):
    return lambda c, o, v: type(v) is tuple and (n is None or len(v) == n) and all(item(c, o, x) for x in v)


def many(gives):
    return lambda c, o, v: all(gives(c, o, x) for x in v)


def some(c):
    return c.items(8)


def groups(c, o, v):
    return item(c, o, v[0]) and items(c, o, v[1])


ITERTOOLS = {
    "accumulate": (lambda c: itertools.accumulate(some(c), lambda a, b: b), item),
    "batched": (lambda c: itertools.batched(c.items(20), 3), tuples_of()),
    "chain": (lambda c: itertools.chain(some(c), some(c)), item),
    "chain.from_iterable": (lambda c: itertools.chain.from_iterable([some(c), some(c)]), item),
    "combinations": (lambda c: itertools.combinations(some(c), 2), tuples_of(2)),
    "combinations_with_replacement": (lambda c: itertools.combinations_with_replacement(some(c), 2), tuples_of(2)),
    "compress": (lambda c: itertools.compress(c.items(20), [1] * 30), item),
    "count": (lambda c: itertools.count(3), count),
    "cycle": (lambda c: itertools.cycle([*some(c), c.item()]), item),
    "dropwhile": (lambda c: itertools.dropwhile(lambda v: False, c.items(20)), item),
    "filterfalse": (lambda c: itertools.filterfalse(lambda v: False, c.items(20)), item),
    "groupby": (lambda c: itertools.groupby(sorted(c.items(20), key=id), key=lambda v: v), groups),
    "islice": (lambda c: itertools.islice(c.items(20), 1, None, 2), item),
    "pairwise": (lambda c: itertools.pairwise(c.items(20)), tuples_of(2)),
    "permutations": (lambda c: itertools.permutations(some(c), 2), tuples_of(2)),
    "product": (lambda c: itertools.product(some(c), some(c)), tuples_of(2)),
    "repeat": (lambda c: itertools.repeat(c.item(), 20), item),
    "starmap": (lambda c: itertools.starmap(lambda a, b: a, zip(c.items(20), c.items(20))), item),
    "takewhile": (lambda c: itertools.takewhile(lambda v: True, c.items(20)), item),
    "_tee": (lambda c: itertools.tee(c.items(20))[0], item),
    "zip_longest": (lambda c: itertools.zip_longest(some(c), some(c), fillvalue=c.item()), tuples_of(2)),
}
MORE = {
    "chain": {"from_iterable": F(lambda o, c: list(o.from_iterable([c.items()])), items)},
    "chain.from_iterable": {"from_iterable": F(lambda o, c: list(o.from_iterable([c.items()])), items)},
}
NOT_ITERATORS = {"tee": "makes _tee objects", "_grouper": "comes from groupby", "_tee_dataobject": "inside of _tee objects"}


def tools():
    names = {n for n, v in vars(itertools).items() if isinstance(v, type) and not n.startswith("__")}
    have = set(ITERTOOLS) | set(NOT_ITERATORS)
    assert names <= have, f"itertools: no recipe for {sorted(names - have)}"
    for name, (make, gives) in ITERTOOLS.items():
        # tee says that it was used by two threads at once.
        yield iterator(f"itertools.{name}", make, gives, many(gives), MORE.get(name, {}), raises=RuntimeError if name == "_tee" else ())


class Tees:
    """Both ends of a tee."""
    __slots__ = ("ends", "__weakref__")

    def __init__(self, c):
        self.ends = itertools.tee(iter(c.items(30)), 3)


TEES = Subject(
    "ends of a tee", Tees, None, {},
    {
        "next": F(lambda o, c: next(o.ends[c.small()], c.item()), item), "list": F(lambda o, c: list(o.ends[c.small()]), items),
        "copy": F(lambda o, c: list(o.ends[c.small()].__copy__()), items), "tee": F(lambda o, c: [list(e) for e in itertools.tee(o.ends[0])][0], items),
    }, raises=RuntimeError)


class Groups:
    __slots__ = ("by", "last", "__weakref__")

    def __init__(self, c):
        self.by = itertools.groupby(c.items(30), key=id)
        self.last = iter(())


def next_group(o, c):
    _, o.last = next(o.by, (None, iter(())))


GROUPS = Subject(
    "groups of a groupby", Groups, None, {},
    {"next": F(next_group, nothing), "in group": F(lambda o, c: list(o.last), items), "one": F(lambda o, c: next(o.last, c.item()), item)})

SUBJECTS = [*BUILT_IN, *CHANGING, GENERATOR, COROUTINE, AGEN, *tools(), TEES, GROUPS]
