# range, enumerate, zip, map, filter, reversed, iter().

from checks import raises


# range
assert list(range(5)) == [0, 1, 2, 3, 4] and list(range(2, 8, 3)) == [2, 5] and list(range(5, 0, -2)) == [5, 3, 1]
assert list(range(3, 3)) == [] and len(range(0, 10, 3)) == 4 and not range(0) and range(1)
r = range(0, 20, 2)
assert r[3] == 6 and r[-1] == 18 and r[1:4] == range(2, 8, 2) and r[::-1] == range(18, -2, -2)
assert 6 in r and 7 not in r and 6.0 in r and "a" not in r and r.index(8) == 4 and r.count(8) == 1 and r.count(9) == 0
assert (r.start, r.stop, r.step) == (0, 20, 2) and repr(range(3)) == "range(0, 3)" and repr(r) == "range(0, 20, 2)"
assert range(0, 3, 2) == range(0, 4, 2) and hash(range(0, 3, 2)) == hash(range(0, 4, 2)) and range(0) == range(5, 1)
assert hash(range(0)) == hash(range(9, 3)) and range(2) != range(3)
assert list(reversed(range(4))) == [3, 2, 1, 0] and list(reversed(range(0))) == []
raises(TypeError, lambda: range(), text="range expected at least 1 argument, got 0")
raises(ValueError, lambda: range(1, 2, 0), text="range() arg 3 must not be zero")
raises(TypeError, lambda: range("a"), text="'str' object cannot be interpreted as an integer")
raises(TypeError, lambda: range(1.0), text="'float' object cannot be interpreted as an integer")
raises(IndexError, lambda: r[10], text="range object index out of range")
raises(ValueError, lambda: r.index(3), text="range.index(x): x not in range")
raises(TypeError, lambda: r["a"], text="range indices must be integers or slices, not str")
big = 10**30
r = range(big, big + 10, 3)
assert list(r) == [big, big + 3, big + 6, big + 9] and len(r) == 4 and r[2] == big + 6 and big + 3 in r
assert r.index(big + 9) == 3 and list(reversed(r)) == [big + 9, big + 6, big + 3, big] and r[1:3] == range(big + 3, big + 9, 3)
assert repr(range(big)) == "range(0, 1000000000000000000000000000000)" and range(big)[-1] == big - 1
raises(OverflowError, lambda: len(range(big)))
top = (1 << 62) - 2
assert list(range(top, top + 4)) == [top, top + 1, top + 2, top + 3]
assert list(reversed(range(top, top + 4))) == [top + 3, top + 2, top + 1, top]
it = iter(range(5))
assert next(it) == 0 and it.__length_hint__() == 4 and it.__reduce__() == (iter, (range(1, 5),), None)
it.__setstate__(2)
assert list(it) == [3, 4] and list(it) == []
it = iter(range(big, big + 3))
assert type(it).__name__ == "longrange_iterator" and it.__length_hint__() == 3 and next(it) == big
assert list(it) == [big + 1, big + 2]
assert r.__reduce__() == (range, (big, big + 10, 3))
raises(TypeError, lambda: type("R", (range,), {}))

# enumerate
assert list(enumerate("ab")) == [(0, "a"), (1, "b")] and list(enumerate("ab", 5)) == [(5, "a"), (6, "b")]
assert list(enumerate("ab", start=(1 << 62) - 1)) == [((1 << 62) - 1, "a"), (1 << 62, "b")]
assert list(enumerate(iterable="a", start=10**30)) == [(10**30, "a")]
raises(TypeError, lambda: enumerate())
raises(TypeError, lambda: enumerate([], "a"), text="'str' object cannot be interpreted as an integer")
raises(TypeError, lambda: enumerate([], x=1))
kept = [p for p in enumerate("xyz")]
assert kept == [(0, "x"), (1, "y"), (2, "z")]
e = enumerate([1, 2])
next(e)
cls, args = e.__reduce__()
assert cls is enumerate and args[1] == 1

# zip
assert list(zip()) == [] and list(zip("ab")) == [("a",), ("b",)] and list(zip("abc", [1, 2])) == [("a", 1), ("b", 2)]
assert list(zip("ab", [1, 2], (3, 4))) == [("a", 1, 3), ("b", 2, 4)]
raises(ValueError, lambda: list(zip([1], [1, 2], strict=True)), text="zip() argument 2 is longer than argument 1")
raises(ValueError, lambda: list(zip([1, 2], [1], strict=True)), text="zip() argument 2 is shorter than argument 1")
raises(ValueError, lambda: list(zip([1], [1], [], strict=True)), text="zip() argument 3 is shorter than arguments 1-2")
raises(TypeError, lambda: zip(1), text="'int' object is not iterable")
raises(TypeError, lambda: zip(x=1), text="zip() got an unexpected keyword argument 'x'")
kept = list(zip("ab", "cd"))
assert kept == [("a", "c"), ("b", "d")] and kept[0] is not kept[1]
total = 0
for a, b in zip(range(1000), range(1000)):
    total += a * b
assert total == 332833500

# map, filter
assert list(map(abs, [-1, 2])) == [1, 2] and list(map(lambda a, b: a + b, [1, 2], [10, 20, 30])) == [11, 22]
raises(ValueError, lambda: list(map(lambda a, b: a, [1], [1, 2], strict=True)), text="map() argument 2 is longer than argument 1")
raises(TypeError, lambda: map(abs), text="map() must have at least two arguments.")
assert list(filter(None, [0, 1, "", "a"])) == [1, "a"] and list(filter(bool, [0, 2])) == [2]
assert list(filter(lambda x: x > 1, [1, 2, 3])) == [2, 3]
raises(TypeError, lambda: filter(None, 1), text="'int' object is not iterable")

# reversed
class Seq:
    def __len__(self):
        return 3

    def __getitem__(self, i):
        if i > 2:
            raise IndexError
        return i * 10


assert list(reversed(Seq())) == [20, 10, 0] and list(Seq()) == [0, 10, 20] and 20 in Seq() and 5 not in Seq()
assert list(reversed("abc")) == ["c", "b", "a"] and list(reversed((1, 2))) == [2, 1]
assert type(reversed((1,))).__name__ == "reversed"
raises(TypeError, lambda: reversed(1), text="'int' object is not reversible")
raises(TypeError, lambda: reversed({1}), text="'set' object is not reversible")
r = reversed((1, 2, 3))
assert next(r) == 3 and r.__length_hint__() == 2 and r.__reduce__() == (reversed, ((1, 2, 3),), 1)

# iter
it = iter(Seq())
assert next(it) == 0 and it.__length_hint__() == 2 and list(it) == [10, 20] and list(it) == []
n = [0]


def count():
    n[0] += 1
    return n[0]


assert list(iter(count, 4)) == [1, 2, 3]
it = iter(count, 6)
assert list(it) == [5] and list(it) == []
raises(TypeError, lambda: iter(1), text="'int' object is not iterable")


class Stop:
    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration


assert list(Stop()) == [] and next(Stop(), "default") == "default"


class Bad:
    def __iter__(self):
        return 5


raises(TypeError, lambda: iter(Bad()))
a, *b = range(4)
assert (a, b) == (0, [1, 2, 3])
