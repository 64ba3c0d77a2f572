"""Recipes for containers of objects."""
import collections
import types

from .stress import (
    A, F, G, Subject, answer, count, index_arg, item, item_arg, item_or_none,
    items, iterable_arg, itself, nothing, of_type, one_of, other_arg, pair, pairs, small_arg, truth,
)


def short(o):
    """Keeps a container from growing without bound."""
    if len(o) > 200:
        o.clear()


def extended(f):
    def act(o, c):
        short(o)
        return f(o, c)
    return act


def unpacked(o, c):
    a, *b = o
    return [a, *b]


def looped(o, c):
    out = []
    for v in o:
        out.append(v)
        if len(out) > 300:
            break
    return out


# Operations of everything that can be iterated, in the forms that have instructions or loops of their own.
ITERATION = {
    "for": F(looped, items), "list()": F(lambda o, c: list(o), items), "tuple()": F(lambda o, c: tuple(o), items),
    "set()": F(lambda o, c: set(o), items), "frozenset()": F(lambda o, c: frozenset(o), items),
    "a, *b =": F(unpacked, items, ValueError), "[*]": F(lambda o, c: [*o], items), "f(*)": F(lambda o, c: (lambda *a: a)(*o), items),
    "sorted()": F(lambda o, c: sorted(o), items), "max()": F(lambda o, c: max(o), item, ValueError),
    "any()": F(lambda o, c: any(o), truth), "all()": F(lambda o, c: all(o), truth),
    "dict.fromkeys()": F(lambda o, c: dict.fromkeys(o), items),
    "zip()": F(lambda o, c: zip(o, o), pairs), "map()": F(lambda o, c: map(lambda v: v, o), items),
    "[for]": F(lambda o, c: [v for v in o], items), "{for}": F(lambda o, c: {v for v in o}, items),
    "list.extend()": F(lambda o, c: [].extend(o), nothing), "set.update()": F(lambda o, c: set().update(o), nothing),
    "in": F(lambda o, c: c.item() in o, truth), "len()": F(lambda o, c: len(o), count), "bool()": F(lambda o, c: bool(o), truth),
    "list[:] =": F(lambda o, c: [].__setitem__(slice(None), o), nothing),
    "deque()": F(lambda o, c: collections.deque(o, 20), items),
}

LIST = Subject(
    "list", lambda c: list(c.items(20)), list,
    {
        "__init__": A(iterable_arg, gives=nothing),
        "__add__": A(other_arg, gives=items), "__contains__": A(item_arg, gives=truth),
        "__delitem__": A(one_of(0, -1, 3, slice(0, 2), slice(None, None, 2)), gives=nothing, raises=IndexError),
        "__getitem__": F(lambda o, c: o[c.index()], item, IndexError),
        "__iadd__": F(extended(lambda o, c: o.__iadd__(c.iterable())), itself),
        "__imul__": F(extended(lambda o, c: o.__imul__(c.small())), itself),
        "__iter__": A(gives=items), "__len__": A(gives=count), "__mul__": A(small_arg, gives=items),
        "__reversed__": A(gives=items), "__rmul__": A(small_arg, gives=items),
        "__setitem__": A(index_arg, item_arg, gives=nothing, raises=IndexError),
        "append": A(item_arg, gives=nothing), "clear": A(gives=nothing), "copy": A(gives=items),
        "count": A(item_arg, gives=count), "extend": F(extended(lambda o, c: o.extend(c.iterable())), nothing),
        "index": A(item_arg, gives=count, raises=ValueError), "insert": A(index_arg, item_arg, gives=nothing),
        "pop": A(one_of(0, -1, 2), gives=item, raises=IndexError), "remove": A(item_arg, gives=nothing, raises=ValueError),
        "reverse": A(gives=nothing),
        # ValueError: changed during the sort.
        "sort": F(lambda o, c: o.sort(reverse=c.flag(), key=c.rng.choice([None, None, lambda v: v])), nothing, ValueError),
        "__eq__": A(other_arg, gives=answer), "__lt__": A(other_arg, gives=answer),
    },
    own={
        **ITERATION,
        "o[i:j]": F(lambda o, c: o[c.span()], items), "o[i:j] =": F(extended(lambda o, c: o.__setitem__(c.plain_span(), c.iterable())), nothing),
        "o[i:j:2] =": F(lambda o, c: o.__setitem__(slice(0, 4, 2), [c.item(), c.item()]), nothing, ValueError),
        "del o[i:j]": F(lambda o, c: o.__delitem__(c.span()), nothing),
        "pop()": F(lambda o, c: o.pop(), item, IndexError), "o[0]": F(lambda o, c: o[0], item, IndexError),
        "o + o": F(lambda o, c: o + c.other(), items), "o == o": F(lambda o, c: o == c.other(), truth),
        "o < o": F(lambda o, c: o < c.other(), truth),
        "reversed()": F(lambda o, c: list(reversed(o)), items),
        "sum()": F(lambda o, c: sum([[v] for v in o], []), items),
    },
)


DICT_OPS = {
    "__contains__": A(item_arg, gives=truth), "__delitem__": A(item_arg, gives=nothing, raises=KeyError),
    "__getitem__": F(lambda o, c: o[c.item()], item, KeyError),
    "__ior__": A(other_arg, gives=itself, in_code=RuntimeError),
    "__iter__": A(gives=items), "__len__": A(gives=count), "__or__": A(other_arg, gives=items, in_code=RuntimeError),
    "__reversed__": A(gives=items), "__ror__": A(other_arg, gives=items, in_code=RuntimeError),
    "__setitem__": A(item_arg, item_arg, gives=nothing),
    "clear": A(gives=nothing), "copy": A(gives=items), "fromkeys": A(iterable_arg, gives=items, raises=RuntimeError),
    "get": A(item_arg, gives=item_or_none), "items": A(gives=pairs), "keys": A(gives=items),
    "pop": A(item_arg, gives=item, raises=KeyError), "popitem": A(gives=pair, raises=KeyError),
    "setdefault": A(item_arg, item_arg, gives=item), "values": A(gives=items),
    "update": A(other_arg, gives=nothing, in_code=RuntimeError),
    "__init__": A(other_arg, gives=nothing, in_code=RuntimeError),
}


def pairs_of(c):
    return [(c.item(), c.item()) for _ in range(c.small())]


DICT_OWN = {
    **ITERATION,
    "dict()": F(lambda o, c: dict(o), items), "{**}": F(lambda o, c: {**o}, items),
    "o | o": F(lambda o, c: o | c.other(), items, in_code=RuntimeError), "o == o": F(lambda o, c: o == c.other(), truth),
    "update(pairs)": F(lambda o, c: o.update(pairs_of(c)), nothing), "update(**)": F(lambda o, c: o.update(**{}), nothing),
    "pop(k, d)": F(lambda o, c: o.pop(c.item(), None), item_or_none), "get(k, d)": F(lambda o, c: o.get(c.item(), c.item()), item),
    "list(items)": F(lambda o, c: list(o.items()), pairs), "list(values)": F(lambda o, c: list(o.values()), items),
    "for items": F(lambda o, c: [p for p in o.items()], pairs), "del": F(lambda o, c: o.__delitem__(c.item()), nothing, KeyError),
}
DICT = Subject("dict", lambda c: dict(zip(c.items(), c.items())), dict, DICT_OPS, DICT_OWN, raises=RuntimeError)

DEFAULTDICT = Subject(
    "defaultdict", lambda c: collections.defaultdict(c.item, zip(c.items(), c.items())), collections.defaultdict,
    {
        **DICT_OPS, "__missing__": A(item_arg, gives=item), "__copy__": A(gives=items),
        "default_factory": F(lambda o, c: o.default_factory is None or item(c, o, o.default_factory()), truth),
        "__init__": F(lambda o, c: o.__init__(c.item, c.other()), nothing),
    },
    {**DICT_OWN, "o[k]": F(lambda o, c: o[c.item()], item)}, raises=RuntimeError)

SET_VIEW = {
    "__and__": A(iterable_arg), "__or__": A(iterable_arg), "__rand__": A(iterable_arg), "__ror__": A(iterable_arg),
    "__rsub__": A(iterable_arg), "__rxor__": A(iterable_arg), "__sub__": A(iterable_arg), "__xor__": A(iterable_arg),
    "isdisjoint": A(iterable_arg, gives=truth), "__contains__": A(item_arg, gives=truth),
}


def views(name, gives, more):
    dicts = {}

    def make(c):
        d = dict(zip(c.items(), c.items()))
        v = getattr(d, name)()
        dicts[id(v)] = d
        return v

    def finish(o, c):
        dicts.clear()

    def change(o, c):
        d = dicts.get(id(o))
        if d is None:
            return
        i = c.rng.randrange(5)
        if i == 0:
            d.pop(c.item(), None)
        elif i == 1 and len(d) > 10:
            d.clear()
        elif i == 2:
            d.update(zip(c.items(), c.items()))
        else:
            d[c.item()] = c.item()

    own = {n: r for n, r in ITERATION.items() if n not in ("max()", "sorted()")}
    if gives is pairs:
        own = {n: F(r(n).act, raises=(ValueError, TypeError)) for n, r in own.items()}
        own["[*]"] = F(lambda o, c: [*o], pairs)
        own["for"] = F(looped, pairs)
    own["change the dict"] = change_op = F(change, nothing)
    own["change it more"] = change_op
    return Subject(
        f"dict_{name}", make, type(getattr({}, name)()),
        {"__iter__": A(gives=gives), "__len__": A(gives=count), "__reversed__": A(gives=gives),
         "mapping": G(of_type(types.MappingProxyType)), **more},
        own, raises=RuntimeError, finish=finish)


KEYS = views("keys", items, SET_VIEW)
VALUES = views("values", items, {})
ITEMS = views("items", pairs, SET_VIEW)

SET_READS = {
    "__and__": A(other_arg, gives=items), "__contains__": A(item_arg, gives=truth), "__iter__": A(gives=items),
    "__len__": A(gives=count), "__or__": A(other_arg, gives=items), "__rand__": A(other_arg, gives=items),
    "__ror__": A(other_arg, gives=items), "__rsub__": A(other_arg, gives=items), "__rxor__": A(other_arg, gives=items),
    "__sub__": A(other_arg, gives=items), "__xor__": A(other_arg, gives=items), "copy": A(gives=items),
    "difference": A(iterable_arg, gives=items), "intersection": A(iterable_arg, gives=items),
    "isdisjoint": A(iterable_arg, gives=truth), "issubset": A(iterable_arg, gives=truth),
    "issuperset": A(iterable_arg, gives=truth), "symmetric_difference": A(iterable_arg, gives=items),
    "union": A(iterable_arg, gives=items),
}
SET_OWN = {
    **ITERATION,
    "o == o": F(lambda o, c: o == c.other(), truth), "o <= o": F(lambda o, c: o <= c.other(), truth),
    "o | o": F(lambda o, c: o | c.other(), items), "o & o": F(lambda o, c: o & c.other(), items),
    "{o}": F(lambda o, c: o in {frozenset(o)}, truth),
}
SET = Subject(
    "set", lambda c: set(c.items(12)), set,
    {
        **SET_READS,
        "__init__": A(iterable_arg, gives=nothing),
        "__iand__": A(other_arg, gives=itself), "__ior__": A(other_arg, gives=itself), "__isub__": A(other_arg, gives=itself),
        "__ixor__": A(other_arg, gives=itself), "add": A(item_arg, gives=nothing), "clear": A(gives=nothing),
        "difference_update": A(iterable_arg, gives=nothing), "discard": A(item_arg, gives=nothing),
        "intersection_update": A(iterable_arg, gives=nothing), "pop": A(gives=item, raises=KeyError),
        "remove": A(item_arg, gives=nothing, raises=KeyError), "symmetric_difference_update": A(iterable_arg, gives=nothing),
        "update": A(iterable_arg, gives=nothing),
    },
    SET_OWN, raises=RuntimeError)
FROZENSET = Subject("frozenset", lambda c: frozenset(c.items(12)), frozenset, SET_READS, SET_OWN)

DEQUE = Subject(
    "deque", lambda c: collections.deque(c.items(12), c.rng.choice([None, None, 8])), collections.deque,
    {
        "__init__": A(iterable_arg, gives=nothing),
        "__add__": A(other_arg, gives=items), "__contains__": A(item_arg, gives=truth), "__copy__": A(gives=items),
        "__delitem__": A(one_of(0, -1, 3), gives=nothing, raises=IndexError),
        "__getitem__": A(index_arg, gives=item, raises=IndexError),
        "__iadd__": F(extended(lambda o, c: o.__iadd__(c.iterable())), itself),
        "__imul__": F(extended(lambda o, c: o.__imul__(c.small())), itself), "__iter__": A(gives=items),
        "__len__": A(gives=count), "__mul__": A(small_arg, gives=items), "__reversed__": A(gives=items),
        "__rmul__": A(small_arg, gives=items), "__setitem__": A(index_arg, item_arg, gives=nothing, raises=IndexError),
        "append": A(item_arg, gives=nothing), "appendleft": A(item_arg, gives=nothing), "clear": A(gives=nothing),
        "copy": A(gives=items), "count": A(item_arg, gives=count),
        "extend": F(extended(lambda o, c: o.extend(c.iterable())), nothing),
        "extendleft": F(extended(lambda o, c: o.extendleft(c.iterable())), nothing),
        "index": A(item_arg, gives=count, raises=ValueError), "insert": A(index_arg, item_arg, gives=nothing, raises=IndexError),
        "maxlen": G(lambda c, o, v: v in (None, 8)), "pop": A(gives=item, raises=IndexError),
        "popleft": A(gives=item, raises=IndexError), "remove": A(item_arg, gives=nothing, raises=(ValueError, IndexError)),
        "reverse": A(gives=nothing), "rotate": A(index_arg, gives=nothing),
    },
    {**ITERATION, "o == o": F(lambda o, c: o == c.other(), truth), "o < o": F(lambda o, c: o < c.other(), truth)},
    raises=RuntimeError)

PROXY = Subject(
    "mappingproxy", lambda c: types.MappingProxyType(dict(zip(c.items(), c.items()))), types.MappingProxyType,
    {**{n: DICT_OPS[n] for n in ("__contains__", "__getitem__", "__iter__", "__len__", "__reversed__", "copy", "get",
                                 "items", "keys", "values")},
     "__or__": A(other_arg, gives=items), "__ror__": A(other_arg, gives=items), "__ior__": A(other_arg, raises=TypeError)},
    raises=RuntimeError)

SUBJECTS = [LIST, DICT, DEFAULTDICT, KEYS, VALUES, ITEMS, SET, FROZENSET, DEQUE, PROXY]
