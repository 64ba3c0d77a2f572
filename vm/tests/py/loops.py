# Loops over lists, tuples and ranges, which need no iterator: nesting, depth, changes meanwhile, threads.

import gc
import sys
import weakref

from checks import meanwhile, raises, run


def nested(rows):
    found = []
    with memoryview(b""):
        for row in rows:
            for i in range(2):
                for sign in (1, -1):
                    found.append((row, i, sign, [x * y for x in range(2) for y in [row, i]], {x for x in (sign,)}))
                    if sign < 0:
                        continue
                else:
                    found.append(len([c for c in {x: [x] for x in [1, 2]}]))
    return found


got = nested([5, 6])
assert len(got) == 12 and got[0] == (5, 0, 1, [0, 0, 5, 0], {1}) and got[-1] == 2


# As deep in an expression as one likes: those have iterators.
def deep(xs):
    return max(1, 2, 3, *(4, 5), *[x for x in (6, 7)], min(9, 8, 7, 6, *[y + 1 for y in [z for z in xs]]))


assert deep([7, 8]) == deep([]) == 7 and deep([0]) == 7
assert (lambda a: (a, a, a, a, a, a, a, a, [b for b in a]))([1])[-1] == [1]


# Pairs that are taken apart at once.
def pairs(iterable):
    seen = []
    for one, two in iterable:
        seen.append((one, two))
    return seen


def fails(n):
    yield from range(n)
    raise KeyError(n)


class Long:
    def __len__(self):
        return 3

    def __getitem__(self, i):
        return str(i) * 3 if i < 3 else [][0]


xs, unlike = [1, 2.5, "three"], (x * 2 for x in "abc")
assert pairs(zip(xs, range(9))) == [(1, 0), (2.5, 1), ("three", 2)] == pairs([(1, 0), (2.5, 1), ("three", 2)])
assert pairs(zip(xs, unlike)) == [(1, "aa"), (2.5, "bb"), ("three", "cc")] == pairs(zip(xs, ["aa", "bb", "cc"], strict=True))
assert pairs(enumerate(Long(), 7)) == [(7, "000"), (8, "111"), (9, "222")] == pairs(zip((7, 8, 9), Long()))
assert pairs(enumerate("ab", 2**60 - 1)) == [(2**60 - 1, "a"), (2**60, "b")] and pairs(enumerate(())) == pairs(zip()) == []
assert pairs({"a": 1, None: [2]}.items()) == [("a", 1), (None, [2])] and pairs({}.items()) == []
assert [b - a for a, b in enumerate(xs[:2])] == [1, 1.5] and {k: v for v, k in zip("ab", xs)} == {1: "a", 2.5: "b"}
raises(KeyError, pairs, zip(xs, fails(1)))
raises(KeyError, pairs, zip(fails(0), xs))
raises(KeyError, pairs, enumerate(fails(2)))
raises(ValueError, pairs, zip(xs))
raises(ValueError, pairs, zip(xs, xs, xs))
raises(ValueError, pairs, zip(xs, [1], strict=True))

# An iterator that ends second costs the first an item, as if there were a tuple.
first = iter(xs)
assert pairs(zip(first, [0])) == [(1, 0)] and next(first) == "three"

# The one that goes on is dropped in time, and so is the item that has no other.
class Item:
    pass


items = [Item(), Item()]
gone = [weakref.ref(item) for item in items]
for one, two in zip((items.pop() for _ in range(2)), [0]):
    assert type(one) is Item
del one
gc.collect()
assert [ref() for ref in gone] == [None, None]


def resized():
    d = {1: 2, 3: 4}
    for k, v in d.items():
        d[k + 10] = v


raises(RuntimeError, resized)


# What the loop is over can change meanwhile.
def grow(items):
    for item in items:
        if len(items) < 6:
            items.append(item)
    return items


def shrink(items):
    seen = []
    for item in items:
        seen.append(item)
        items.pop()
    return seen


def replaced(items):
    seen = []
    for item in items:
        seen.append(item)
        items = ["other"]
    return seen


def emptied(items):
    for item in items:
        items.clear()
        items.extend("ab")
        if item == "b":
            return True


assert grow([1, 2, 3]) == [1, 2, 3, 1, 2, 3] and shrink([1, 2, 3, 4]) == [1, 2] and replaced([1, 2]) == [1, 2]
assert emptied([0])


# The variable may be what is looped over.
def same(x):
    for x in x:
        for x in x:
            pass
    return x


assert same([[1, 2], (3, 4), range(5, 7)]) == 6


# It lives as long as the loop, and counts as one reference.
class List(list):
    pass


def alive():
    items = [1, 2]
    seen = []
    for item in items:
        seen.append(sys.getrefcount(items))
    it = iter(items)
    assert seen == [sys.getrefcount(items)] * 2
    del it
    held = List([1, 2])
    watch = weakref.ref(held)
    for item in held:
        held = None
        seen.append(watch() is not None)
    return seen[2:], watch()


assert alive() == ([True, True], None)


# Subclasses that say how they are iterated over are asked.
class Backwards(list):
    def __iter__(self):
        return reversed(self)


def listed(xs):
    out = []
    for x in xs:
        out.append(x)
    return out


assert listed(Backwards([1, 2])) == [2, 1] and listed(List([1, 2])) == [1, 2]
assert listed(range(sys.maxsize - 1, sys.maxsize + 1)) == [sys.maxsize - 1, sys.maxsize]
assert listed(range(10**30, 10**30 + 2)) == [10**30, 10**30 + 1]
assert listed(range(5, 0, -2)) == [5, 3, 1] and listed(range(3, 3)) == listed(()) == listed([]) == []
raises(TypeError, listed, 5, text="'int' object is not iterable")
raises(TypeError, listed, Backwards, text="'type' object is not iterable")


# Exceptions leave loops, and handlers lie in them.
def caught(xs):
    out = []
    for x in xs:
        try:
            for y in (1, 0):
                out.append(x // y)
        except ZeroDivisionError:
            out.append("zero")
        finally:
            out.append(x)
    return out


assert caught([4, 6]) == [4, "zero", 4, 6, "zero", 6]


# Generators stop in the middle, are closed there, and die there.
class Node:
    pass


def pairs(xs):
    for x in xs:
        for i in range(2):
            yield x, i


assert list(pairs(["a", "b"])) == [("a", 0), ("a", 1), ("b", 0), ("b", 1)]
g = pairs([Node(), Node()])
watch = weakref.ref(next(g)[0])
assert next(g)[1] == 1 and watch() is not None and set(g.gi_frame.f_locals) == {"xs", "x", "i"}
g.close()
assert watch() is None
g = pairs([Node()])
watch = weakref.ref(next(g)[0])
del g
assert watch() is None

ring = [pairs([Node(), "x"])]
watch = weakref.ref(next(ring[0])[0])
ring[0].send(None)
ring.append(ring)
del ring
gc.collect()
assert watch() is None


async def waits(xs):
    return [x for x in xs for _ in (1, 2)]


try:
    waits([1, 2]).send(None)
except StopIteration as e:
    assert e.value == [1, 1, 2, 2]


# A frame shows its variables and nothing else; so does the code.
def frame(xs):
    for x in xs:
        for y in range(1):
            return sys._getframe()


f = frame([7])
assert f.f_locals == {"xs": [7], "x": 7, "y": 0} and f.f_code.co_nlocals == 3
assert f.f_code.co_varnames == ("xs", "x", "y")


# Cells and free variables stand where they did.
def cells(xs):
    made = []
    for x in xs:
        def get(add):
            for y in range(2):
                add += x
            return add

        made.append(get(x))
    return made, [lambda: z for z in xs][-1]()


assert cells([1, 2]) == ([3, 6], 2)


class Base:
    def name(self):
        return "base"


class Derived(Base):
    def name(self):
        for _ in [1]:
            return super().name()


assert Derived().name() == "base"


# Threads go over one list while others change it: each sees items that were there.
shared = [str(i) * 3 for i in range(50)]
seen, wrong = [0], []


def read():
    for item in shared:
        if type(item) is not str or item != item[: len(item) // 3] * 3:
            wrong.append(item)
    seen[0] += 1


def change(k):
    for i in range(3000):
        shared.append(str(i + k) * 3)
        shared.pop(0)
        if i % 100 == 0:
            shared[:] = [str(j) * 3 for j in range(50)]


meanwhile(lambda: run(lambda: change(0), lambda: change(10_000)), read, read)
assert not wrong and seen[0] > 0, wrong[:3]
