"""What native classes of the library call themselves."""
import collections
import copy
import struct


class Deque(collections.deque):
    pass


point = collections.namedtuple("point", "x")
for value, text in (
    (collections.deque([1, 2], 3), "deque([1, 2], maxlen=3)"),
    (Deque("a"), "Deque(['a'])"),
    (collections.defaultdict(int, a=1), "defaultdict(<class 'int'>, {'a': 1})"),
    (collections.OrderedDict(a=1), "OrderedDict({'a': 1})"),
    (struct.Struct("<i"), "Struct('<i')"),
    (point(1), "point(x=1)"),
    (point.x, "_tuplegetter(0, 'Alias for field number 0')"),
):
    assert repr(value) == text, repr(value)


# `[]` of dicts and of what inherits it, by all sorts of keys.

class Doubling(dict):
    def __missing__(self, key):
        return key * 2


class Named(collections.defaultdict):
    def __missing__(self, key):
        return "missing"


class Hashed:
    def __init__(self, n):
        self.n = n
    def __hash__(self):
        return hash(self.n)
    def __eq__(self, other):
        return isinstance(other, Hashed) and self.n == other.n


class Broken(tuple):
    def __eq__(self, other):
        raise ValueError("compared")
    __hash__ = tuple.__hash__


keys = [1, "a", 2.5, None, (1, ("b", 2)), (), 1 << 80, Hashed(3), frozenset({1}), b"b"]
for kind in (dict, Doubling, collections.OrderedDict,
             lambda items: collections.Counter(dict(items)), lambda items: collections.defaultdict(list, items),
             lambda items: Named(list, items)):
    d = kind([(key, i + 1) for i, key in enumerate(keys)])
    for i, key in enumerate(keys):
        assert d[key] == i + 1 and d[copy.deepcopy(key)] == i + 1, (kind, key)
    for bad in ([], {}, (1, [])):
        try:
            d[bad]
        except TypeError as e:
            assert "unhashable" in str(e)
        else:
            assert False, (kind, bad)
    hash(Broken((1, ("b", 2))))
    try:
        d[Broken((1, ("b", 2)))]
    except ValueError:
        pass
    else:
        assert False, kind
assert Doubling()[(1,)] == (1, 1) and Named(int)[(1,)] == "missing" and collections.Counter()[(1,)] == 0
lists = collections.defaultdict(list)
lists[1, 2].append(3)
assert lists == {(1, 2): [3]} and "__getitem__" not in vars(collections.defaultdict)
for empty in ({}, collections.defaultdict(None), collections.OrderedDict()):
    try:
        empty[1, 2]
    except KeyError as e:
        assert e.args == ((1, 2),)
Doubling.__getitem__ = lambda self, key: "found"
assert Doubling()[(1,)] == "found" and Doubling(a=1)["a"] == "found"
del Doubling.__getitem__
assert Doubling({(1,): 2})[(1,)] == 2 and Doubling()[3] == 6


# What copies are made of.

class Base:
    __slots__ = ("a", "__private")
    def __init__(self):
        self.a, self.__private = 1, [2]
    def private(self):
        return self.__private


class Derived(Base):
    pass


for cls in (Base, Derived):
    for how in (copy.copy, copy.deepcopy):
        for _ in range(2):
            o = cls()
            c = how(o)
            assert (c.a, c.private()) == (1, [2]) and (c.private() is o.private()) == (how is copy.copy)
print("ok")
