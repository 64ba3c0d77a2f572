"""Calls: defaults, natives with optional parameters, natives bound to an object."""
import gc
import sys
import weakref

from checks import raises


class Thing:
    pass


# Defaults fill what positional arguments leave open, each call anew from the function.
def three(a, b=2, c=None):
    d = (a, b, c)
    return d


for _ in range(50):
    assert three(1) == (1, 2, None) and three(1, 5) == (1, 5, None) and three(1, 5, 6) == (1, 5, 6)
    assert three(1, c=3) == (1, 2, 3) and three(c=1, a=0) == (0, 2, 1)
    raises(TypeError, three, text="three() missing 1 required positional argument: 'a'")
    raises(TypeError, three, 1, 2, 3, 4, text="three() takes from 1 to 3 positional arguments but 4 were given")
thing = Thing()
gone = weakref.ref(thing)
three.__defaults__ = (thing,)
raises(TypeError, three, 1, text="three() missing 1 required positional argument: 'b'")
for _ in range(50):
    assert three(1, 2)[2] is thing
before = sys.getrefcount(thing)
assert [three(1, 2) for _ in range(20)][-1][2] is thing
assert sys.getrefcount(thing) == before
three.__defaults__ = None
del thing
# Without the lock, calls that are under way elsewhere may still be reading the old ones.
gc.collect()
assert gone() is None
raises(TypeError, three, 1, 2)


def replacing(a, b=[1]):
    replacing.__defaults__ = ([2],)
    gc.collect()
    return b


assert replacing(0) == [1] and replacing(0) == [2]


class WithDefaults:
    def method(self, x, y="y"):
        return self, x, y

    def deep(self, n=0):
        return self.deep(n + 1) if n < 100 else n

    def endless(self, _=None):
        return self.endless()


w = WithDefaults()
for _ in range(50):
    assert w.method(1) == (w, 1, "y") and w.method(1, 2) == (w, 1, 2)
    bound = w.method
    assert bound(3) == (w, 3, "y") and w.deep() == 100
raises(RecursionError, w.endless)
before = sys.getrefcount(w)
raises(RecursionError, w.endless)
assert sys.getrefcount(w) == before


# A call that is too deep gives back what was bound for it.
thing = Thing()


def with_default(x=thing):
    with_default()


def with_rest(*rest):
    with_rest(thing)


def with_keyword_default(*, x=thing):
    with_keyword_default()


def from_native(*rest):
    list(map(from_native, [thing]))


for endless in with_default, with_rest, with_keyword_default, from_native:
    before = sys.getrefcount(thing)
    for _ in range(5):
        raises(RecursionError, endless)
    assert sys.getrefcount(thing) == before, endless

# Natives: what is left out is filled, what is too much is refused.
d = {1: "one"}
get = d.get
for _ in range(50):
    assert d.get(1) == "one" and d.get(2) is None and d.get(2, 0) == 0
    assert get(1) == "one" and get(2) is None and get(2, 0) == 0
    assert sorted([2, 1]) == [1, 2] and "a-b".split("-") == ["a", "b"] and " a ".strip() == "a"
    assert int("7") == 7 and max(1, 2) == 2 and "x".join(["a", "b"]) == "axb"
    raises(TypeError, d.get)
    raises(TypeError, d.get, 1, 2, 3)
    raises(TypeError, get)
    raises(TypeError, get, 1, 2, 3)
    raises(TypeError, dict.get, [], 1)
    raises(TypeError, dict.get)
items = []
append = items.append
for i in range(100):
    append(i)
assert items == list(range(100))
raises(TypeError, append)
raises(TypeError, append, 1, 2)
length = (5).bit_length
assert [length() for _ in range(3)] == [3] * 3


class Class:
    append = items.append
    count = dict.fromkeys


# A bound native in a class stays bound; a class method of a native goes with its class.
for _ in range(20):
    Class().append(1)
    assert Class().count("ab") == {"a": None, "b": None} and Class.count("a", 1) == {"a": 1}
assert len(items) == 120
before = sys.getrefcount(items)
for _ in range(20):
    append(2)
    items.pop()
    raises(IndexError, items.pop, 1000)
assert sys.getrefcount(items) == before

# A part of a list takes on other items, as many as there were or not; the old ones die then.
for n in range(5):
    values = [Thing() for _ in range(6)]
    parts = [weakref.ref(v) for v in values]
    values[1:4] = [n] * n
    assert values[1:1 + n] == [n] * n and len(values) == 3 + n
    assert [part() is None for part in parts] == [False, True, True, True, False, False]
values = list(range(6))
values[:] = values
values[2:4] = values[:2]
assert values == [0, 1, 0, 1, 4, 5]
values[1:3] = "ab"
values[:2], values[4:] = values[4:], values[:2]
assert values == [4, 5, "b", 1, 0, "a"]
values[::2] = (7, 8, 9)
assert values == [7, 5, 8, 1, 9, "a"]
raises(ValueError, values.__setitem__, slice(None, None, 2), [1])


def assign(value):
    values[1:2] = value


raises(TypeError, assign, 5)


# Keyword arguments of functions without `*`, at one call each: the places, the defaults, and what is wrong.
def three(a, b=2, c=3):
    return a, b, c


def positional(a, /, b=2):
    return a, b


for _ in range(3):
    assert three(1, c=5) == (1, 2, 5) and three(a=1) == (1, 2, 3) and three(c=1, a=2) == (2, 2, 1)
    assert three(1, 2, c=3) == three(1, **{"".join(["b"]): 2}) == (1, 2, 3) and positional(1, b=3) == (1, 3)
    raises(TypeError, lambda: three(1, a=2), text="three() got multiple values for argument 'a'")
    raises(TypeError, lambda: three(b=1), text="three() missing 1 required positional argument: 'a'")
    raises(TypeError, lambda: three(1, d=2), text="three() got an unexpected keyword argument 'd'")
    raises(TypeError, lambda: three(1, 2, 3, 4, c=5), text="three() got multiple values for argument 'c'")
    raises(TypeError, lambda: positional(a=1),
           text="positional() got some positional-only arguments passed as keyword arguments: 'a'")


def collect_in(into=[]):
    into.append(Thing())
    return into


mine = []
assert collect_in() is collect_in() and collect_in(into=mine) is mine and len(collect_in()) == 3
gone = weakref.ref(mine[0])
three.__defaults__ = (mine.pop(),)
assert type(three(1, b=2)[2]) is Thing
three.__defaults__ = None
gc.collect()
assert gone() is None
raises(TypeError, lambda: three(1, b=2), text="three() missing 1 required positional argument: 'c'")


def two(a, b, *, k=0):
    return a, b


# More defaults than parameters: the last ones count.
two.__defaults__ = (1, 2, 3)
assert (two(), two(0), two(a=9), two(b=9), two(**{"a": 7}), two(k=1)) == ((2, 3), (0, 3), (9, 3), (2, 9), (7, 3), (2, 3))
raises(TypeError, lambda: two(1, 2, 3), text="two() takes from -1 to 2 positional arguments but 3 were given")


# A site that has met a native function does what that does, and anything else as if it had not met it.
class Sized:
    def __len__(self):
        return 7


class Recorder(list):
    def append(self, item):
        super().append(("seen", item))


class Defaulted(dict):
    def get(self, key, default=None):
        return "mine"


class Meta(type):
    def __instancecheck__(cls, o):
        return o == 3


class Three(metaclass=Meta):
    pass


def call(f, *args):
    match len(args):
        case 0:
            return f()
        case 1:
            return f(args[0])
        case 2:
            return f(args[0], args[1])


def lengths(o):
    return len(o)


def is_a(o, c):
    return isinstance(o, c)


def push(to, item):
    return to.append(item)


def look_up(d, k):
    return d.get(k), d.get(k, 0)


for _ in range(3):
    assert [lengths(o) for o in ([1], (1, 2), "abc", {1: 2}, {1, 2}, b"ab", Sized(), range(9))] == [1, 2, 3, 1, 2, 2, 7, 9]
    raises(TypeError, lengths, 3, text="object of type 'int' has no len()")
    assert is_a(1, int) and is_a(True, int) and not is_a(1, str) and is_a("a", (int, str)) and is_a(3, Three)
    assert not is_a(4, Three) and is_a(Sized(), Sized) and is_a(Recorder(), list)
    raises(TypeError, is_a, 1, 2)
    plain, recorder = [], Recorder()
    for i in range(40):
        assert push(plain, i) is None and push(recorder, i) is None
    assert plain == list(range(40)) and recorder == [("seen", i) for i in range(40)]
    raises(AttributeError, push, (), 1)
    assert look_up({1: 2}, 1) == (2, 2) and look_up({}, 1) == (None, 0) and look_up(Defaulted(), 1) == ("mine", "mine")
    raises(TypeError, look_up, {}, [])
    # One site for all.
    assert call(len, [1]) == 1 and call(abs, -2) == 2 and call(str) == "" and call(Thing).__class__ is Thing
    assert call(isinstance, 1, int) and call([].append, 1) is None and call("a".join, "xy") == "xay"
    assert call(list.append, plain, 5) is None and plain[-1] == 5 and call(dict.get, {1: 2}, 1) == 2
    assert call(str.upper, "a") == "A" and call(int, "12") == 12 and call(max, 1, 2) == 2 and call(lambda x: x, 4) == 4
    raises(TypeError, call, str.upper, 1)
    raises(TypeError, call, list.append, (), 1)
    raises(TypeError, call, dict.get, [], 1)
    raises(TypeError, call, len)
    raises(TypeError, call, abs, 1, 2)


# Rebinding the name is seen at once.
def shadowed():
    return len("abc")


assert shadowed() == 3
len = lambda o: "other"
assert shadowed() == "other" and lengths("abc") == "other"
del len
assert shadowed() == 3
