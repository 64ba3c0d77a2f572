# set and frozenset.

import gc
import threading
import weakref

from checks import raises


assert set() == frozenset() and {1, 2} == {2, 1} and set("aab") == {"a", "b"} and set([1, 1.0, True]) == {1}
assert set(range(3)) == {0, 1, 2} and frozenset([1]) == {1} and len({1, 2, 1}) == 2
raises(TypeError, lambda: set(1), text="'int' object is not iterable")
raises(TypeError, lambda: set(1, 2), text="set expected at most 1 argument, got 2")
raises(TypeError, lambda: set(x=1), text="set() takes no keyword arguments")
raises(TypeError, lambda: {[]}, text="cannot use 'list' as a set element (unhashable type: 'list')")
raises(TypeError, lambda: hash(set()), text="unhashable type: 'set'")
f = frozenset([1, 2])
assert frozenset(f) is f and f.copy() is f and hash(f) == hash(frozenset([2, 1])) and hash(frozenset()) == 133146708735736
assert hash(frozenset([3, 1, 2])) == -272375401224217160
assert [i for i in {1, 30, 5, 8, 16, -1, -2, 100}] == [1, 100, 5, 8, 16, -1, -2, 30]

# changing
s = set()
s.add(1)
s.add(1)
s.update([2, 3], (4,), {5: 0})
assert s == {1, 2, 3, 4, 5}
s.discard(5)
s.discard(50)
s.remove(4)
raises(KeyError, lambda: s.remove(4), text="4")
raises(TypeError, lambda: s.remove([]), text="cannot use 'list' as a set element (unhashable type: 'list')")
got = {s.pop(), s.pop(), s.pop()}
assert got == {1, 2, 3} and not s
raises(KeyError, s.pop, text="'pop from an empty set'")
s = {1, 2}
c = s.copy()
s.clear()
assert not s and c == {1, 2}

# operators
a, b = {1, 2, 3}, {3, 4}
assert a | b == {1, 2, 3, 4} and a & b == {3} and a - b == {1, 2} and a ^ b == {1, 2, 4}
assert type(a | frozenset(b)) is set and type(frozenset(b) | a) is frozenset
assert a.union([9], "x") == {1, 2, 3, 9, "x"} and a.intersection([1, 7], [1]) == {1} and a.difference([1], [2]) == {3}
assert a.symmetric_difference([3, 3, 5]) == {1, 2, 5} and a.union() == a and a.union() is not a
raises(TypeError, lambda: {1} | [1], text="unsupported operand type(s) for |: 'set' and 'list'")
raises(TypeError, lambda: {1} - [1], text="unsupported operand type(s) for -: 'set' and 'list'")
x = y = {1, 2}
x |= {3}
x &= {2, 3, 4}
x -= {2}
x ^= {3, 7}
assert x is y and x == {7}
x -= x
assert x == set()
x = {1, 2, 3}
x.intersection_update([2, 3], {3})
x.symmetric_difference_update([4])
x.difference_update([3], [])
assert x == {4}
assert {1} < {1, 2} and {1, 2} <= {1, 2} and not {1} < {1} and {1, 2} > {2} and {1} >= set() and {1} != {2}
raises(TypeError, lambda: {1} < [1], text="'<' not supported between instances of 'set' and 'list'")
assert {1}.issubset([1, 2]) and {1, 2}.issuperset([1]) and {1}.isdisjoint([2]) and not {1}.isdisjoint({1})
assert ({1} == [1]) is False

# sets in sets
inner = frozenset([1])
outer = {inner}
assert {1} in outer and frozenset([1]) in outer
outer.discard({1})
assert not outer
outer = {inner}
outer.remove({1})

# repr
assert repr(set()) == "set()" and repr({1}) == "{1}" and repr(frozenset()) == "frozenset()"
assert repr(frozenset([1])) == "frozenset({1})"


class S(set):
    pass


class F(frozenset):
    pass


s = S([1])
s.a = 5
assert repr(s) == "S({1})" and s.a == 5 and type(s | s) is set and type(s.copy()) is set and repr(F([1])) == "F({1})"
assert type(F([1]) & F([1])) is frozenset and s == {1}
assert s.__reduce__() == (S, ([1],), {"a": 5})

# iteration
it = iter({1, 2, 3})
assert it.__length_hint__() == 3 and next(it) == 1 and it.__reduce__() == (iter, ([2, 3],))
s = {1, 2}


def grow():
    for v in s:
        s.add(v + 10)


raises(RuntimeError, grow, text="Set changed size during iteration")


class Key:
    def __init__(self, v):
        self.v = v

    def __hash__(self):
        return 1

    def __eq__(self, other):
        return self.v == other.v


s = {Key(i % 5) for i in range(50)}
assert len(s) == 5 and Key(3) in s and Key(9) not in s
s.remove(Key(3))
assert len(s) == 4


class Evil:
    def __init__(self, s):
        self.s = s

    def __hash__(self):
        return 1

    def __eq__(self, other):
        self.s.clear()
        return False


s = set()
s.add(Evil(s))
s.add(Evil(s))
assert len(s) == 1

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


rng = Random(5)
s, model = set(), {}
for step in range(20000):
    k = rng.choice([rng.randrange(50), str(rng.randrange(50)), (rng.randrange(50),)])
    if rng.randrange(3):
        s.add(k)
        model[k] = 1
    else:
        s.discard(k)
        model.pop(k, None)
    if step % 1000 == 0:
        assert s == set(model) and len(s) == len(model)
for k in list(s):
    assert s.pop() in model


# Comprehensions add ints and strs by themselves, and ask about everything else.
class Same:
    def __hash__(self):
        return 1

    def __eq__(self, other):
        return True


assert {x for x in [1, "a", 2.0, 1, (1, 2), None, True, "a", "aa"[:1], frozenset([1])]} == {1, "a", 2.0, (1, 2), None, frozenset([1])}
assert {x % 7 for x in range(1000)} == set(range(7)) and len({str(x) for x in range(1000)}) == 1000
assert len({Same() for _ in range(5)}) == 1 and len({x for x in [1, Same(), 2, Same()]}) == 2
raises(TypeError, lambda: {[] for _ in range(1)})


# A comprehension that begins in one thread and goes on in another lets go of everything.
class Item:
    pass


class Pause:
    def __await__(self):
        yield


gone = []


async def collected():
    return {x for x in (Item() for _ in range(3)) if [gone.append(weakref.ref(x)), await Pause()]}


def finish():
    try:
        while True:
            begun.send(None)
    except StopIteration as end:
        assert len(end.value) == 3


begun = collected()
begun.send(None)
other = threading.Thread(target=finish)
other.start()
other.join()
del begun, other
gc.collect()
assert [ref() for ref in gone] == [None, None, None]
