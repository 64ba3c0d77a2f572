# dict, its views and iterators.

from checks import raises


# construction
assert dict() == {} and dict(a=1, b=2) == {"a": 1, "b": 2}
assert dict([(1, 2), [3, 4], "ab"]) == {1: 2, 3: 4, "a": "b"}
assert dict({1: 2}, x=3) == {1: 2, "x": 3}
raises(TypeError, lambda: dict(1), text="'int' object is not iterable")
raises(TypeError, lambda: dict(1, 2), text="dict expected at most 1 argument, got 2")
raises(ValueError, lambda: dict([(1, 2, 3)]), text="dictionary update sequence element #0 has length 3; 2 is required")


class Mapping:
    def keys(self):
        return ["p", "q"]

    def __getitem__(self, k):
        return k * 2


assert dict(Mapping()) == {"p": "pp", "q": "qq"}

# lookup
d = {"a": 1, 2: "two", (3, 4): "t", None: 0, 2.5: "f"}
assert d["a"] == 1 and d[2] == "two" and d[(3, 4)] == "t" and d[None] == 0 and d[2.5] == "f"
assert d[2.0] == "two" and d.get("zz") is None and d.get("zz", 5) == 5


def got(d, *args):
    return d.get(*args), [d.get(args[0]) for _ in range(3)][-1], dict.get(d, *args)


class Named(dict):
    pass


various = {"a": 1, 2: [3], (1, 2): "pair", int: len, 1.5: "float", None: got}
for key in various:
    assert got(various, key) == got(Named(various), key) == (various[key],) * 3
    assert various.get(key, 7) is various[key] is dict.get(various, key, 7)
default = object()
assert {}.get(1, default) is default and various.get(True, default) is default and various.get(2.0)[0] == 3
raises(TypeError, lambda: various.get([]), part="unhashable")
raises(TypeError, lambda: various.get(), part="at least 1")
raises(KeyError, lambda: d["b"], text="'b'")
raises(TypeError, lambda: d[[]], text="cannot use 'list' as a dict key (unhashable type: 'list')")
raises(TypeError, lambda: {([],): 1}, text="cannot use 'tuple' as a dict key (unhashable type: 'list')")
assert 2 in d and 2.0 in d and 3 not in d
d = {1: "a"}
d[True] = "b"
d[1.0] = "c"
assert d == {1: "c"} and list(d)[0] is not True and type(list(d)[0]) is int
key = "".join(["a", "b"])
assert {"ab": 1}[key] == 1


class S(str):
    pass


d = {S("x"): 1}
assert d["x"] == 1 and type(list(d)[0]) is S
d = {"x": 1}
assert d[S("x")] == 1

# order and growth
d = {}
for i in range(2000):
    d[i * 3] = i
assert list(d) == [i * 3 for i in range(2000)] and len(d) == 2000
for i in range(0, 2000, 2):
    del d[i * 3]
assert list(d.values()) == list(range(1, 2000, 2))
d[0] = "again"
assert list(d)[-1] == 0
d = {str(i): i for i in range(500)}
assert all(d[str(i)] == i for i in range(500))
d = {"a": 1, "b": 2, "c": 3}
d["b"] = 20
assert list(d.items()) == [("a", 1), ("b", 20), ("c", 3)]
del d["a"]
d["a"] = 5
assert list(d) == ["b", "c", "a"]


def del_missing():
    del d["nope"]


raises(KeyError, del_missing, text="'nope'")

# methods
assert d.pop("c") == 3 and d.pop("c", None) is None and d.pop("c", 9) == 9
raises(KeyError, lambda: d.pop("c"), text="'c'")
assert d.popitem() == ("a", 5) and d.popitem() == ("b", 20)
raises(KeyError, d.popitem, text="'popitem(): dictionary is empty'")
assert d.setdefault("k") is None and d.setdefault("k", 1) is None and d.setdefault("n", []) == []
d["n"].append(1)
assert d == {"k": None, "n": [1]}
c = d.copy()
assert c == d and c is not d
c["z"] = 1
assert "z" not in d
d.clear()
assert d == {} and len(d) == 0
d.update({"a": 1}, b=2)
d.update([("c", 3)])
d.update(Mapping())
d.update()
assert d == {"a": 1, "b": 2, "c": 3, "p": "pp", "q": "qq"}
raises(TypeError, lambda: d.update(1), text="'int' object is not iterable")
assert dict.fromkeys("ab") == {"a": None, "b": None} and dict.fromkeys([1], 2) == {1: 2}
for i in range(10000):
    d[i] = i
    assert d.popitem() == (i, i)

# operators
a, b = {"x": 1, "y": 2}, {"y": 3, "z": 4}
assert a | b == {"x": 1, "y": 3, "z": 4} and list(a | b) == ["x", "y", "z"]
e = a
e |= b
assert e is a and a == {"x": 1, "y": 3, "z": 4}
e |= [("w", 0)]
assert a["w"] == 0
raises(TypeError, lambda: {} | 1, text="unsupported operand type(s) for |: 'dict' and 'int'")
assert {1: 2} == {1: 2} and {1: 2} != {1: 3} and {1: 2} != {2: 2} and {1: 2} != {1: 2, 3: 4}
raises(TypeError, lambda: {} < {}, text="'<' not supported between instances of 'dict' and 'dict'")
raises(TypeError, lambda: hash({}), text="unhashable type: 'dict'")

# repr
assert repr({}) == "{}" and repr({"a": [1], 2: None}) == "{'a': [1], 2: None}"
d = {}
d[1] = d
assert repr(d) == "{1: {...}}"
assert repr({1: 2}.keys()) == "dict_keys([1])" and repr({1: 2}.items()) == "dict_items([(1, 2)])"
assert repr({1: 2}.values()) == "dict_values([2])"

# views
d = {"a": 1, "b": 2}
k, v, i = d.keys(), d.values(), d.items()
assert len(k) == len(v) == len(i) == 2 and "a" in k and ("a", 1) in i and ("a", 2) not in i and 1 in v
d["c"] = 3
assert list(k) == ["a", "b", "c"] and list(v) == [1, 2, 3] and list(i)[-1] == ("c", 3)
assert k & {"a", "q"} == {"a"} and k | ["q"] == {"a", "b", "c", "q"} and k - ["a"] == {"b", "c"}
assert k ^ {"a", "q"} == {"b", "c", "q"} and {"a", "z"} - k == {"z"} and ["a"] & k == {"a"}
assert i & [("a", 1)] == {("a", 1)} and k == {"a", "b", "c"} and k <= {"a", "b", "c", "d"} and k > {"a"}
assert k.isdisjoint(["z"]) and not k.isdisjoint("a") and d.keys() == dict(d).keys()
assert type(k & {"a"}) is set
raises(TypeError, lambda: k + 1)
assert list(reversed(d)) == ["c", "b", "a"] and list(reversed(d.items())) == [("c", 3), ("b", 2), ("a", 1)]
assert list(reversed(d.values())) == [3, 2, 1]
pairs = list(d.items())
assert pairs[0] is not pairs[1] and pairs == [("a", 1), ("b", 2), ("c", 3)]
kept = []
for pair in d.items():
    kept.append(pair)
assert kept == pairs
assert k.mapping["a"] == 1

# iteration
it = iter(d)
assert it.__length_hint__() == 3 and next(it) == "a"
assert it.__reduce__() == (iter, (["b", "c"],)) and next(it) == "b" and list(it) == ["c"] and list(it) == []
d = {1: 1, 2: 2}


def grow():
    for x in d:
        d[x + 10] = 1


raises(RuntimeError, grow, text="dictionary changed size during iteration")
d = {1: 1, 2: 2}


def swap():
    for x in d:
        del d[x]
        d[x + 10] = 1


raises(RuntimeError, swap, text="dictionary keys changed during iteration")
d = {1: 1, 2: 2}
for x in d:
    d[x] = 0
assert d == {1: 0, 2: 0}


# keys with Python methods
class Key:
    def __init__(self, v, hash=0):
        self.v, self.h = v, hash

    def __hash__(self):
        return self.h

    def __eq__(self, other):
        return isinstance(other, Key) and self.v == other.v


d = {Key(i): i for i in range(20)}
assert all(d[Key(i)] == i for i in range(20)) and Key(20) not in d
del d[Key(5)]
assert Key(5) not in d and len(d) == 19 and 0 not in d
d[0] = "int"
assert d[0] == "int" and d[False] == "int"


class Evil:
    """Changes the dict while it is compared."""

    def __init__(self, d):
        self.d = d
        self.times = 3

    def __hash__(self):
        return 7

    def __eq__(self, other):
        if self.times:
            self.times -= 1
            self.d.clear()
            self.d.update({i: i for i in range(100)})
        return self is other


d = {}
evil = Evil(d)
d[evil] = "evil"
assert d.get(Key(1, 7)) is None
assert len(d) == 100 and d[7] == 7


class Boom(Exception):
    pass


class BadEq:
    def __hash__(self):
        return 1

    def __eq__(self, other):
        raise Boom


class BadHash:
    def __hash__(self):
        raise Boom


d = {BadEq(): 1}
raises(Boom, lambda: d[BadEq()])
raises(Boom, lambda: d.get(1))
raises(Boom, lambda: {BadHash(): 1})


# subclasses
class D(dict):
    def __missing__(self, key):
        return "missing " + str(key)


d = D(a=1)
d.attr = 5
assert d["a"] == 1 and d["b"] == "missing b" and d.get("b") is None and "b" not in d and d.attr == 5
assert type(d.copy()) is dict and type(d | {}) is dict and D.fromkeys("a") == {"a": None}
assert type(D.fromkeys("a")) is D


class Get(dict):
    def __getitem__(self, k):
        return 42


assert Get()["x"] == 42 and dict(Get(a=1)) == {"a": 1}


class Set(dict):
    def __setitem__(self, k, v):
        super().__setitem__(k, v * 2)


s = Set(a=1)
s["b"] = 2
s.update(c=3)
assert s == {"a": 1, "b": 4, "c": 3}


class NoIter(dict):
    def __iter__(self):
        return iter(["only"])

    def keys(self):
        return ["only"]

    def __getitem__(self, k):
        return 1


assert dict(NoIter(a=5)) == {"only": 1}


# keyword arguments
def f(**kw):
    return kw


assert f(a=1, b=2) == {"a": 1, "b": 2}
assert f(**{"x": 1}, **{"y": 2}) == {"x": 1, "y": 2}
raises(TypeError, lambda: f(**{"x": 1}, **{"x": 2}))
assert {**{"a": 1}, "b": 2, **{"a": 3}} == {"a": 3, "b": 2}
assert {k: v for k, v in zip("abc", range(3))} == {"a": 0, "b": 1, "c": 2}

# comparison against a model
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


rng = Random(3)
d, model = {}, []
for step in range(20000):
    key = rng.choice([rng.randrange(40), str(rng.randrange(40)), (rng.randrange(40),), rng.randrange(40) + 0.5])
    at = next((i for i, (k, _) in enumerate(model) if k == key), None)
    op = rng.randrange(4)
    if op < 2:
        d[key] = step
        if at is None:
            model.append((key, step))
        else:
            model[at] = (model[at][0], step)
    elif op == 2:
        if at is None:
            assert d.pop(key, None) is None
        else:
            assert d.pop(key) == model.pop(at)[1]
    elif model and rng.randrange(4) == 0:
        assert d.popitem() == model.pop()
    if step % 500 == 0:
        assert list(d.items()) == model
assert list(d.items()) == model
