# list, tuple, slice, sorting and their iterators.

from checks import raises


class Index:
    def __init__(self, v):
        self.v = v

    def __index__(self):
        return self.v


# construction and conversion
assert list() == [] and list("abc") == ["a", "b", "c"] and list((1, 2)) == [1, 2]
assert list({1: 2, 3: 4}) == [1, 3] and list(range(3)) == [0, 1, 2]
assert list(x * x for x in range(4)) == [0, 1, 4, 9]
raises(TypeError, lambda: list(1), text="'int' object is not iterable")
raises(TypeError, lambda: list(1, 2), text="list expected at most 1 argument, got 2")
raises(TypeError, lambda: list(x=1), text="list() takes no keyword arguments")
assert tuple() == () and tuple([1, 2]) == (1, 2)
t = (1, 2)
assert tuple(t) is t and t[:] is t and t * 1 is t and t + () is t

# indexing
a = [10, 20, 30]
assert a[0] == 10 and a[-1] == 30 and a[Index(1)] == 20 and a[True] == 20
raises(IndexError, lambda: a[3], text="list index out of range")
raises(IndexError, lambda: a[-4], text="list index out of range")
raises(TypeError, lambda: a["x"], text="list indices must be integers or slices, not str")
raises(IndexError, lambda: a[1 << 100], text="cannot fit 'int' into an index-sized integer")
raises(IndexError, lambda: (1,)[5], text="tuple index out of range")
a[1] = 21
a[-1] = 31
assert a == [10, 21, 31]


def set_bad():
    a[3] = 0


raises(IndexError, set_bad, text="list assignment index out of range")
del a[0]
assert a == [21, 31]


def del_bad():
    del a[5]


raises(IndexError, del_bad, text="list assignment index out of range")

# slices
a = list(range(10))
assert a[2:5] == [2, 3, 4] and a[::-1] == list(reversed(a)) and a[8:2:-2] == [8, 6, 4]
assert a[-3:] == [7, 8, 9] and a[5:2] == [] and a[: 1 << 100] == a and a[-(1 << 100):] == a
assert a[Index(1):Index(3)] == [1, 2]
raises(ValueError, lambda: a[::0], text="slice step cannot be zero")
raises(TypeError, lambda: a["a":])
b = a[:]
b[2:4] = [100]
assert b == [0, 1, 100, 4, 5, 6, 7, 8, 9]
b[1:1] = "xyz"
assert b[:6] == [0, "x", "y", "z", 1, 100]
b[:] = []
assert b == []
b = list(range(6))
b[::2] = [10, 12, 14]
assert b == [10, 1, 12, 3, 14, 5]
b[::-1] = b[:]
assert b == [5, 14, 3, 12, 1, 10]
b[1:3] = b
assert b == [5, 5, 14, 3, 12, 1, 10, 12, 1, 10]


def bad_extended():
    b[::2] = [1]


raises(ValueError, bad_extended, text="attempt to assign sequence of size 1 to extended slice of size 5")
del b[::2]
assert b == [5, 3, 1, 12, 10]
del b[-2:]
assert b == [5, 3, 1]
del b[::-2]
assert b == [3]
assert (1, 2, 3, 4)[::2] == (1, 3) and (1, 2, 3)[::-1] == (3, 2, 1)
b = [1, 2, 3]
b[5:1] = [9]
assert b == [1, 2, 3, 9]
b = [1, 2, 3]
b[2:1] = [9]
assert b == [1, 2, 9, 3]

# growing and shrinking
a = []
for i in range(1000):
    a.append(i)
assert len(a) == 1000 and a[999] == 999 and sum(a) == 499500
for i in range(999, -1, -1):
    assert a.pop() == i
raises(IndexError, a.pop, text="pop from empty list")
a = [1, 2, 3]
assert a.pop(0) == 1 and a.pop(-2) == 2
raises(IndexError, lambda: a.pop(7), text="pop index out of range")
a.insert(0, "a")
a.insert(100, "z")
a.insert(-1, "y")
assert a == ["a", 3, "y", "z"]
a.remove("y")
raises(ValueError, lambda: a.remove("y"), text="list.remove(x): x not in list")
assert a.index("z") == 2 and a.index(3, -2) == 1
raises(ValueError, lambda: a.index(3, 2), text="list.index(x): x not in list")
a.clear()
assert a == []
a = [1]
a.extend([2, 3])
a.extend((4,))
a.extend(x for x in "ab")
a.extend({7: 8})
a.extend(a)
assert a == [1, 2, 3, 4, "a", "b", 7] * 2
c = a.copy()
assert c == a and c is not a
assert a.count(2) == 2 and 7 in a and 8 not in a
assert [1, 1.0, True].count(1) == 3
nan = float("nan")
assert nan in [nan] and [nan] == [nan] and [nan].count(nan) == 1

# What is told without running code, and what is not, side by side.
kinds = [1, 2.5, "a", "bbb", b"x", (1, "q"), None, nan, 2**70]
for v in [1, 1.0, True, 2.5, "a", "b" * 3, bytes([120]), (1, "q"), None, nan, 2**70]:
    assert v in kinds and kinds.count(v) == 1 and kinds.index(v) >= 0, v
for v in [3, "c", b"y", (1, "r"), float("nan"), False]:
    assert v not in kinds, v
assert kinds.index("bbb", -6) == kinds.index("bbb", 3, 4) == 3 and [1, 1, 1.0, True].count(1) == 4
raises(ValueError, lambda: kinds.index("bbb", 0, 3), text="list.index(x): x not in list")
assert kinds[::-2] == [2**70, None, b"x", "a", 1] and kinds[6:0:-3] == [None, "bbb"] and kinds[2:2:-1] == []


class Empties:
    def __eq__(self, other):
        emptied.clear()
        return False


emptied = [1, 2, Empties(), 4]
assert 4 not in emptied and emptied == []

# operators
assert [1] + [2] == [1, 2] and [1, 2] * 2 == [1, 2, 1, 2] == 2 * [1, 2] and [1] * -1 == []
assert (1,) + (2,) == (1, 2) and (1, 2) * 2 == (1, 2, 1, 2)
raises(TypeError, lambda: [1] + (1,), text='can only concatenate list (not "tuple") to list')
raises(TypeError, lambda: (1,) + [1], text='can only concatenate tuple (not "list") to tuple')
raises(TypeError, lambda: [1] * "a", text="can't multiply sequence by non-int of type 'str'")
raises(MemoryError, lambda: [1, 2] * (1 << 62))
raises(MemoryError, lambda: (1, 2) * (1 << 62))
raises(OverflowError, lambda: [1] * (1 << 100))
a = b = [1]
a += (2,)
a += "x"
a *= 2
assert a is b and a == [1, 2, "x", 1, 2, "x"]
a *= 0
assert b == []
assert [1, 2] < [1, 3] and [1] < [1, 0] and not [2] < [1, 5] and [1, 2] >= [1, 2]
assert (1, 2) < (1, 3) and (1,) != (1, 2) and ("a", 1) > ("a", 0)
assert [1, 2] != (1, 2)
raises(TypeError, lambda: [1] < ["a"], text="'<' not supported between instances of 'int' and 'str'")

# repr
a = [1, "x", (), (1,), (1, 2), None]
assert repr(a) == "[1, 'x', (), (1,), (1, 2), None]"
a = []
a.append(a)
assert repr(a) == "[[...]]"
a = []
t = (a, 1)
a.append(t)
assert repr(t) == "([(...)], 1)"
assert repr(slice(1, None)) == "slice(1, None, None)"

# hashing
assert hash((1, 2, 3)) == hash((1, 2, 3)) and hash(()) == 5740354900026072187
assert hash((1, 2, 3)) == 529344067295497451
raises(TypeError, lambda: hash([]), text="unhashable type: 'list'")
raises(TypeError, lambda: hash(([],)), text="unhashable type: 'list'")
assert hash(slice(1, 2)) == hash(slice(1, 2)) and slice(1, 2) == slice(1, 2) and slice(1) < slice(2) or True

# slice objects
s = slice(1, 10, 3)
assert (s.start, s.stop, s.step) == (1, 10, 3)
assert s.indices(5) == (1, 5, 3) and slice(None, None, -1).indices(4) == (3, -1, -1)
assert slice(None, 10**30).indices(10**25) == (0, 10**25, 1)
assert slice(-(10**30), None, -1).indices(10**25) == (-1, -1, -1)
raises(ValueError, lambda: slice(1).indices(-1), text="length should not be negative")
raises(TypeError, lambda: slice())
assert s.__reduce__() == (slice, (1, 10, 3))

# sorting
class Random:
    """A small generator, so that this program needs no module."""

    def __init__(self, seed):
        self.state = seed

    def randrange(self, a, b=None):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        r = self.state >> 33
        return r % a if b is None else a + r % (b - a)

    def random(self):
        return self.randrange(1 << 30) / (1 << 30)

    def choice(self, items):
        return items[self.randrange(len(items))]


rng = Random(7)
for n in (0, 1, 2, 5, 33, 64, 100, 1000):
    ints = [rng.randrange(n + 1) for _ in range(n)]
    floats = [rng.random() for _ in range(n)]
    strs = [str(rng.randrange(1000)) for _ in range(n)]
    wide = [chr(rng.randrange(0x300, 0x3000)) * 2 for _ in range(n)]
    mixed = [rng.choice([1, 2.5, True, -3, 10**30]) for _ in range(n)]
    pairs = [(rng.randrange(5), i) for i in range(n)]
    for data in (ints, floats, strs, wide, mixed, pairs):
        out = sorted(data)
        assert len(out) == n
        assert all(not out[i + 1] < out[i] for i in range(n - 1))
        back = sorted(data, reverse=True)
        assert all(not back[i] < back[i + 1] for i in range(n - 1))
    by_key = sorted(pairs, key=lambda p: p[0])
    assert by_key == sorted(pairs)
    by_key = sorted(pairs, key=lambda p: p[0], reverse=True)
    assert [p[1] for p in by_key if p[0] == 3] == [p[1] for p in pairs if p[0] == 3]
a = [3, 1, 2]
assert a.sort() is None and a == [1, 2, 3]
a.sort(key=lambda x: -x)
assert a == [3, 2, 1]
a.sort(key=None, reverse=False)
assert a == [1, 2, 3]
raises(TypeError, lambda: a.sort(1))


class Less:
    def __init__(self, v):
        self.v = v

    def __lt__(self, other):
        return self.v < other.v


a = [Less(i) for i in (5, 2, 9, 1)]
a.sort()
assert [x.v for x in a] == [1, 2, 5, 9]

a = [3, 2, 1]


def append_key(x):
    a.append(x)
    return x


raises(ValueError, lambda: a.sort(key=append_key), text="list modified during sort")
assert sorted(a) == [1, 2, 3]
a = [3, 2, 1]
seen = []
a.sort(key=lambda x: seen.append(len(a)) or x)
assert seen == [0, 0, 0] and a == [1, 2, 3]


class Boom(Exception):
    pass


class Bad:
    def __lt__(self, other):
        raise Boom


a = [Bad(), Bad(), Bad()]
before = set(map(id, a))
raises(Boom, a.sort)
assert set(map(id, a)) == before

# iterators
it = iter([1, 2])
assert next(it) == 1 and it.__length_hint__() == 1
f, args, state = it.__reduce__()
assert list(f(*args)) == [1, 2] and state == 1
it.__setstate__(0)
assert list(it) == [1, 2] and list(it) == []
assert it.__reduce__() == (iter, ([],))
a = [1, 2, 3]
out = []
for x in a:
    out.append(x)
    if x == 2 and len(a) == 3:
        a.append(4)
assert out == [1, 2, 3, 4]
r = reversed([1, 2, 3])
assert type(r).__name__ == "list_reverseiterator" and next(r) == 3
assert r.__length_hint__() == 2 and list(r) == [2, 1] and list(r) == []
it = iter((1, 2))
assert next(it) == 1 and it.__length_hint__() == 1 and list(it) == [2]
assert it.__reduce__() == (iter, ((),))
exhausted = iter([])
assert list(exhausted) == []

# subclasses


class L(list):
    pass


class T(tuple):
    def __new__(cls, *a):
        return super().__new__(cls, a)


l = L("ab")
l.x = 1
assert l == ["a", "b"] and l.x == 1 and type(l + ["c"]) is list and type(l[:]) is list and type(l.copy()) is list
assert isinstance(l, list) and repr(l) == "['a', 'b']"
t = T(1, 2)
t.y = 5
assert t == (1, 2) and t.y == 5 and t[1] == 2 and type(t[:]) is tuple and hash(t) == hash((1, 2)) and len(t) == 2
assert t.__getnewargs__() == ((1, 2),)
assert t.index(2) == 1 and t.count(1) == 1
raises(ValueError, lambda: t.index(9), text="tuple.index(x): x not in tuple")
assert [*t, *l] == [1, 2, "a", "b"]
assert list[int] is not None and tuple[int, str] is not None

# recursion
a = []
for _ in range(100000):
    a = [a]
raises(RecursionError, lambda: repr(a))
del a
