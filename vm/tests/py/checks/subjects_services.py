"""Recipes for what is neither a container of objects nor a stream: caches, weak containers, classes, modules, queues."""
import _heapq
import _queue
import contextvars
import functools
import heapq
import random
import re
import sys
import types
import warnings
import weakref

from .stress import (
    A, F, G, Subject, Thing, answer, anything, const, count, item, item_arg, item_or_none, items,
    itself, nothing, of_type, one_of, other_arg, pair, pairs, text, truth,
)

one_flavour = ("ints",)


def empty_memo(c):
    return {}


# Heaps.

def heap(c):
    h = c.items(12)
    heapq.heapify(h)
    return h


def heap_op(f, *makers, gives=item, raises=()):
    def act(o, c):
        if len(o) > 100:
            o.clear()
        return f(o, *[m(c) for m in makers])
    # Comparisons that run Python code can find that the list has changed, or is empty.
    return F(act, gives, raises, in_code=(RuntimeError, IndexError))


HEAP_OPS = {
    "heapify": heap_op(heapq.heapify, gives=nothing), "heappop": heap_op(heapq.heappop, raises=IndexError),
    "heappush": heap_op(heapq.heappush, item_arg, gives=nothing), "heappushpop": heap_op(heapq.heappushpop, item_arg),
    "heapreplace": heap_op(heapq.heapreplace, item_arg, raises=IndexError),
}
HEAP_MAX = {
    "heapify_max": heap_op(heapq.heapify_max, gives=nothing), "heappop_max": heap_op(heapq.heappop_max, raises=IndexError),
    "heappush_max": heap_op(heapq.heappush_max, item_arg, gives=nothing), "heappushpop_max": heap_op(heapq.heappushpop_max, item_arg),
    "heapreplace_max": heap_op(heapq.heapreplace_max, item_arg, raises=IndexError),
}
missing = {n for n in dir(_heapq) if n.startswith("heap")} - set(HEAP_OPS) - set(HEAP_MAX)
assert not missing, f"heapq: no recipe for {missing}"


def is_heap(o, c):
    if not c.pool.runs_code:
        assert all(not o[i] < o[(i - 1) // 2] for i in range(1, len(o))), o


def is_max_heap(o, c):
    if not c.pool.runs_code:
        assert all(not o[i] > o[(i - 1) // 2] for i in range(1, len(o))), o


HEAPS = [
    Subject("heap", heap, None, {}, HEAP_OPS, finish=is_heap),
    Subject("max heap", lambda c: sorted(c.items(12), reverse=True), None, {}, HEAP_MAX, finish=is_max_heap),
    Subject("heap and list", heap, None, {}, {
        **HEAP_OPS, **HEAP_MAX, "append": F(lambda o, c: o.append(c.item()), nothing), "pop": F(lambda o, c: o.pop(), item, IndexError),
        "del": F(lambda o, c: o.__delitem__(0), nothing, IndexError), "sort": F(lambda o, c: o.sort(), nothing, ValueError),
        "clear": F(lambda o, c: c.small() == 0 and o.clear()), "nsmallest": F(lambda o, c: heapq.nsmallest(3, o), items),
        "merge": F(lambda o, c: list(heapq.merge(o, o)), items),
    }),
]

# Queues.

QUEUE = Subject(
    "SimpleQueue", lambda c: filled(_queue.SimpleQueue(), c), _queue.SimpleQueue,
    {
        "empty": A(gives=truth), "get": F(lambda o, c: o.get(c.flag(), .0001), item, _queue.Empty),
        "get_nowait": A(gives=item, raises=_queue.Empty), "put": A(item_arg, gives=nothing), "put_nowait": A(item_arg, gives=nothing),
        "qsize": A(gives=count),
    })


def filled(q, c):
    for v in c.items(12):
        q.put(v)
    return q


# Caches.

def cached(c):
    @functools.lru_cache(maxsize=c.rng.choice([None, 0, 3, 8]))
    def f(v):
        return v
    return f


LRU = Subject(
    "lru_cache", cached, functools._lru_cache_wrapper,
    {
        "__call__": A(item_arg, gives=item), "__copy__": A(gives=itself), "__deepcopy__": A(empty_memo, gives=itself),
        "__get__": F(lambda o, c: o.__get__(1, int)), "cache_clear": A(gives=nothing), "cache_info": A(),
    },
    {"f()": F(lambda o, c: o(c.item()), item), "wrapped": F(lambda o, c: o.__wrapped__(c.item()), item)},
    finish=lambda o, c: o.cache_clear(), counts=True)


class Host:
    __slots__ = ("c", "__dict__", "__weakref__")

    def __init__(self, c):
        self.c = c.pool.items

    @functools.cached_property
    def first(self):
        return self.c[0]

    @property
    def second(self):
        return self.c[1]


CACHED_PROPERTY = Subject(
    "cached_property", Host, None, {},
    {
        "get": F(lambda o, c: o.first, item), "del": F(lambda o, c: o.__delattr__("first"), nothing, AttributeError),
        "set": F(lambda o, c: setattr(o, "first", c.item()), nothing), "vars": F(lambda o, c: list(vars(o).values()), items, RuntimeError),
        "property": F(lambda o, c: o.second, item), "__dict__": F(lambda o, c: o.__dict__.pop("first", c.item()), item),
        "clear": F(lambda o, c: o.__dict__.clear(), nothing), "__dict__ =": F(lambda o, c: setattr(o, "__dict__", {"first": c.item()}), nothing),
    })


def partial(c):
    return functools.partial(max, *c.items(2), c.item(), key=id)


PARTIAL = Subject(
    "partial", partial, functools.partial,
    {
        "__call__": A(item_arg, gives=item), "__get__": F(lambda o, c: o.__get__(1, int)), "args": G(items), "func": G(), "keywords": G(of_type(dict)),
        "__setstate__": F(lambda o, c: o.__setstate__((max, (c.item(),), {"key": id}, None)), nothing),
        "__repr__": F(lambda o, c: o.__repr__(), text, RuntimeError), "__str__": F(lambda o, c: str(o), text, RuntimeError),
        "__format__": F(lambda o, c: format(o), text, RuntimeError),
    },
    {"f()": F(lambda o, c: o(c.item()), item), "keywords[]": F(lambda o, c: o.keywords.__setitem__("key", id), nothing)})

# Random numbers.

real = of_type(float)
RANDOM = Subject(
    "Random", lambda c: random.Random(3), random.Random,
    {
        "VERSION": G(), "__setstate__": F(lambda o, c: o.__setstate__(random.Random(4).getstate()), nothing), "_randbelow": A(const(5), gives=count),
        "_randbelow_with_getrandbits": A(const(5), gives=count), "_randbelow_without_getrandbits": A(const(5), gives=count),
        "betavariate": A(const(1), const(2), gives=real), "binomialvariate": A(const(3), gives=count),
        "choice": A(const([7, 7]), gives=lambda c, o, v: v == 7), "choices": A(const([7, 7]), gives=lambda c, o, v: v == [7]),
        "expovariate": A(gives=real), "gammavariate": A(const(1), const(2), gives=real), "gauss": A(gives=real),
        "getrandbits": A(const(40), gives=lambda c, o, v: 0 <= v < 1 << 40), "getstate": A(gives=of_type(tuple)),
        "lognormvariate": A(const(1), const(2), gives=real), "normalvariate": A(gives=real), "paretovariate": A(const(2), gives=real),
        "randbytes": A(const(5), gives=lambda c, o, v: len(v) == 5), "randint": A(const(2), const(4), gives=lambda c, o, v: 2 <= v <= 4),
        "random": A(gives=lambda c, o, v: 0 <= v < 1), "randrange": A(const(5), gives=lambda c, o, v: 0 <= v < 5),
        "sample": A(const(range(9)), const(3), gives=lambda c, o, v: len(set(v)) == 3), "seed": A(const(5), gives=nothing),
        "setstate": F(lambda o, c: o.setstate(random.Random(6).getstate()), nothing),
        "shuffle": F(lambda o, c: o.shuffle([1, 2, 3]), nothing), "triangular": A(gives=real), "uniform": A(const(1), const(2), gives=real),
        "vonmisesvariate": A(const(1), const(2), gives=real), "weibullvariate": A(const(1), const(2), gives=real),
    }, flavours=one_flavour)

# Weak containers. `WeakSet` and the dictionaries are written in Python.

weak_flavours = ("plain", "things")


WEAKSET = Subject(
    "WeakSet", lambda c: weakref.WeakSet(c.items(12)), weakref.WeakSet,
    {
        **{n: A(other_arg, gives=items) for n in ("__and__", "__or__", "__sub__", "__xor__", "difference", "intersection", "symmetric_difference", "union")},
        **{n: A(other_arg) for n in ("__iand__", "__ior__", "__isub__", "__ixor__", "difference_update", "intersection_update",
                                     "symmetric_difference_update", "update", "__init__")},
        **{n: A(other_arg, gives=truth) for n in ("isdisjoint", "issubset", "issuperset")},
        "__contains__": A(item_arg, gives=truth), "__iter__": A(gives=items), "__len__": A(gives=count), "add": A(item_arg, gives=nothing),
        "clear": A(gives=nothing), "copy": A(gives=items), "discard": A(item_arg, gives=nothing), "pop": A(gives=item, raises=KeyError),
        "remove": A(item_arg, gives=nothing, raises=KeyError),
    },
    {"add what dies": F(lambda o, c: o.add(Thing(99)), nothing), "list": F(lambda o, c: len(list(o)), count)},
    raises=RuntimeError, flavours=weak_flavours)
# Things that died are not of the pool.
for n, op in WEAKSET.ops.items():
    if op.gives in (items, item):
        op.gives = anything

WEAK_DICT = {
    "__contains__": A(item_arg, gives=truth), "__copy__": A(), "__deepcopy__": A(empty_memo), "__delitem__": A(item_arg, gives=nothing, raises=KeyError),
    "__getitem__": A(item_arg, gives=item, raises=KeyError), "__ior__": A(other_arg, gives=itself), "__iter__": A(gives=anything),
    "__len__": A(gives=count), "__or__": A(other_arg), "__reversed__": F(lambda o, c: None), "__ror__": A(other_arg),
    "__setitem__": A(item_arg, item_arg, gives=nothing), "clear": A(gives=nothing), "copy": A(), "get": A(item_arg, gives=item_or_none),
    "items": A(gives=pairs), "keys": A(gives=items), "pop": A(item_arg, gives=item, raises=KeyError), "popitem": A(gives=pair, raises=KeyError),
    "setdefault": A(item_arg, item_arg, gives=item), "update": A(other_arg, gives=nothing), "values": A(gives=items),
    "__init__": F(lambda o, c: None),
}
MARKS = {"_MutableMapping__marker": "of the class alone"}
WEAKKEYS = Subject(
    "WeakKeyDictionary", lambda c: weakref.WeakKeyDictionary(zip(c.items(), c.items())), weakref.WeakKeyDictionary,
    {**WEAK_DICT, "keyrefs": A(gives=of_type(list))}, raises=RuntimeError, flavours=weak_flavours, without=MARKS)
WEAKVALUES = Subject(
    "WeakValueDictionary", lambda c: weakref.WeakValueDictionary(zip(c.items(), c.items())), weakref.WeakValueDictionary,
    {**WEAK_DICT, "valuerefs": A(gives=of_type(list)), "itervaluerefs": F(lambda o, c: list(o.itervaluerefs()))},
    raises=RuntimeError, flavours=weak_flavours, without=MARKS)


class Held:
    """An object that dies and comes again, with references and proxies of it."""
    __slots__ = ("target", "ref", "proxy", "__weakref__")

    def __init__(self, c):
        renew(self, c)


def renew(o, c):
    t = Thing(5)
    o.ref, o.proxy = weakref.ref(t, lambda r: None), weakref.proxy(t)
    o.target = t


def alive(c, o, v):
    return v is None or type(v) is Thing and v.n == 5


WEAKREF = Subject(
    "weakref", Held, None, {},
    {
        "renew": F(renew, nothing), "call": F(lambda o, c: o.ref(), alive), "proxy": F(lambda o, c: o.proxy.n, lambda c, o, v: v == 5, ReferenceError),
        "hash": F(lambda o, c: hash(o.ref), raises=TypeError), "==": F(lambda o, c: o.ref == o.ref, truth),
        "again": F(lambda o, c: weakref.ref(o.target)(), alive), "proxy again": F(lambda o, c: weakref.proxy(o.target).n, raises=ReferenceError),
        "count": F(lambda o, c: weakref.getweakrefcount(o.target), count), "list": F(lambda o, c: len(weakref.getweakrefs(o.target)), count),
        "callback": F(lambda o, c: o.ref.__callback__), "repr": F(lambda o, c: repr(o.ref), text), "kill": F(lambda o, c: setattr(o, "target", Thing(5)), nothing),
        "finalize": F(lambda o, c: weakref.finalize(o.target, int).detach()),
    }, flavours=one_flavour)

# Classes, instances, modules.


def new_class(c):
    class Base:
        pass

    class Sub(Base):
        first = c.item()
    return Sub


def own_attribute(o, c):
    i = o()
    i.own = c.item()
    return i.own


names = one_of("first", "second", "method")
CLASS = Subject(
    "class", new_class, None, {},
    {
        "set": F(lambda o, c: setattr(o, names(c), c.item()), nothing), "get": F(lambda o, c: getattr(o, names(c), c.item()), item),
        "del": F(lambda o, c: delattr(o, names(c)), nothing, AttributeError), "of instance": F(lambda o, c: getattr(o(), names(c), c.item()), item),
        "instance": F(own_attribute, item),
        "vars": F(lambda o, c: list(vars(o)), raises=RuntimeError), "dir": F(lambda o, c: dir(o)), "mro": F(lambda o, c: o.mro()),
        "base set": F(lambda o, c: setattr(o.__base__, names(c), c.item()), nothing),
        "base del": F(lambda o, c: delattr(o.__base__, names(c)), nothing, AttributeError),
        "subclass": F(lambda o, c: type("T", (o,), {}).__base__ is o, truth), "subclasses": F(lambda o, c: o.__subclasses__()),
        "isinstance": F(lambda o, c: isinstance(o(), o), lambda c, o, v: v),
        "__eq__ =": F(lambda o, c: setattr(o, "__eq__", lambda a, b: True), nothing), "__eq__ del": F(lambda o, c: delattr(o, "__eq__"), nothing, AttributeError),
        "==": F(lambda o, c: o() == o(), truth), "__class__ =": F(lambda o, c: setattr(o(), "__class__", o), nothing),
        "__name__": F(lambda o, c: setattr(o, "__name__", "Name"), nothing), "repr": F(lambda o, c: repr(o), text),
        "__slots__": F(lambda o, c: type("S", (), {"__slots__": ("x",)})().__sizeof__(), count),
    })
BASES = Subject(
    # Old MROs stay for ever: nothing is counted.
    "class, bases", new_class, None, {},
    {
        "__bases__": F(lambda o, c: setattr(o, "__bases__", o.__bases__), nothing), "get": F(lambda o, c: getattr(o, names(c), c.item()), item),
        "set": F(lambda o, c: setattr(o.__base__, names(c), c.item()), nothing), "instance": F(own_attribute, item),
        "mro": F(lambda o, c: len(o.__mro__) == 3, truth), "isinstance": F(lambda o, c: isinstance(o(), o.__base__), lambda c, o, v: v),
        "del": F(lambda o, c: delattr(o.__base__, names(c)), nothing, AttributeError), "super": F(lambda o, c: super(o, o()).__init__(), nothing),
        "subclass": F(lambda o, c: type("T", (o,), {}).__base__ is o, truth), "subclasses": F(lambda o, c: o.__base__.__subclasses__()),
    }, counts=False)


class Instance:
    """Attributes come and go in several orders: shapes, dicts, slots."""

    def __init__(self, c):
        self.first = c.item()

    def method(self):
        return self.first


attributes = one_of("first", "second", "third", "fourth")
INSTANCE = Subject(
    "instance", Instance, None, {},
    {
        "get": F(lambda o, c: getattr(o, attributes(c), c.item()), item), "set": F(lambda o, c: setattr(o, attributes(c), c.item()), nothing),
        "del": F(lambda o, c: delattr(o, attributes(c)), nothing, AttributeError), "__dict__": F(lambda o, c: list(o.__dict__.values()), items, RuntimeError),
        "vars[]": F(lambda o, c: vars(o).__setitem__(attributes(c), c.item()), nothing), "pop": F(lambda o, c: vars(o).pop(attributes(c), c.item()), item),
        "first": F(lambda o, c: o.first, item, AttributeError), "first =": F(lambda o, c: setattr(o, "first", c.item()), nothing),
        "method": F(lambda o, c: o.method(), item, AttributeError), "clear": F(lambda o, c: vars(o).clear(), nothing),
        "__dict__ =": F(lambda o, c: setattr(o, "__dict__", {"second": c.item()}), nothing), "update": F(lambda o, c: vars(o).update(third=c.item()), nothing),
        "copy": F(lambda o, c: list(vars(o).copy().values()), items), "dir": F(lambda o, c: dir(o), raises=RuntimeError),
        "hasattr": F(lambda o, c: hasattr(o, attributes(c)), truth),
        "getstate": F(lambda o, c: o.__getstate__()),
    })


def new_module(c):
    m = types.ModuleType("shared")
    m.first = c.item()
    return m


MODULE = Subject(
    "module", new_module, types.ModuleType,
    {"__dir__": A(raises=RuntimeError)},
    {
        "get": F(lambda o, c: getattr(o, attributes(c), c.item()), item), "set": F(lambda o, c: setattr(o, attributes(c), c.item()), nothing),
        "del": F(lambda o, c: delattr(o, attributes(c)), nothing, AttributeError), "clear": F(lambda o, c: vars(o).pop("second", None)),
        "exec": F(lambda o, c: exec("def f():\n    return first\nfifth = f()", vars(o)), nothing, NameError),
        "values": F(lambda o, c: list(vars(o).copy().values())), "name": F(lambda o, c: setattr(o, "__name__", "shared"), nothing),
        "function": F(lambda o, c: types.FunctionType((lambda: first).__code__, vars(o))(), item, NameError),
    })
NAMESPACE = Subject(
    "SimpleNamespace", lambda c: types.SimpleNamespace(first=c.item()), types.SimpleNamespace,
    {
        "__replace__": F(lambda o, c: o.__replace__(first=c.item())), "__repr__": A(gives=text, raises=RuntimeError),
        "__eq__": A(other_arg, gives=answer), "__reduce__": A(), "__init__": F(lambda o, c: o.__init__(second=c.item()), nothing),
    },
    {
        "get": F(lambda o, c: getattr(o, attributes(c), c.item()), item), "set": F(lambda o, c: setattr(o, attributes(c), c.item()), nothing),
        "del": F(lambda o, c: delattr(o, attributes(c)), nothing, AttributeError),
    }, raises=RuntimeError)

# What belongs to the whole process.


class Process:
    """There is only one: the recipes look at `sys`."""
    __slots__ = ("__weakref__",)

    def __init__(self, c):
        pass


small_modules = one_of("colorsys", "this_is_not_there", "sched", "stringprep")


def importing(o, c):
    name = small_modules(c)
    m = __import__(name)
    return m.__name__ == name and m.__doc__


def intern(o, c):
    s = "".join(["in", "tern", str(c.rng.randrange(50))])
    t = sys.intern(s)
    return t == s and t is sys.intern("".join([s]))


def warn(o, c):
    with warnings.catch_warnings(record=True):
        warnings.simplefilter(c.rng.choice(["ignore", "always", "default"]))
        warnings.warn(f"text {c.small()}")


PROCESS = Subject(
    "process", Process, None, {},
    {
        # KeyError: importlib takes the module out of sys.modules, where it is no more.
        "import": F(importing, raises=(ModuleNotFoundError, KeyError)), "forget": F(lambda o, c: sys.modules.pop(small_modules(c), None)),
        "modules": F(lambda o, c: list(sys.modules.copy())), "from": F(lambda o, c: __import__("xml.dom", fromlist=["Node"]).Node),
        "intern": F(intern, lambda c, o, v: v is True), "is_interned": F(lambda o, c: sys._is_interned("x"), truth), "warn": F(warn, nothing),
        "filters": F(lambda o, c: list(warnings.filters)), "getrefcount": F(lambda o, c: sys.getrefcount(o), count),
        "recursion": F(lambda o, c: sys.getrecursionlimit(), count), "frames": F(lambda o, c: len(sys._current_frames()), count),
        "exceptions": F(lambda o, c: len(sys._current_exceptions()), count), "compile": F(lambda o, c: compile("a = 1", "f", "exec")),
        "re": F(lambda o, c: re.compile(f"a{c.rng.randrange(9)}").match("a1")), "purge": F(lambda o, c: re.purge(), nothing),
        "getswitchinterval": F(lambda o, c: sys.setswitchinterval(sys.getswitchinterval())),
        "argv": F(lambda o, c: sys.path_importer_cache.copy()), "invalidate": F(lambda o, c: __import__("importlib").invalidate_caches()),
    }, flavours=one_flavour)


# Contexts.

VARIABLES = [contextvars.ContextVar(f"v{i}") for i in range(3)]


def new_context(c):
    ctx = contextvars.Context()
    for v in VARIABLES[:2]:
        ctx.run(v.set, c.item())
    return ctx


variable = one_of(*VARIABLES)
CONTEXT = Subject(
    "Context", new_context, contextvars.Context, stay=4, ops={
        "__contains__": A(variable, gives=truth), "__getitem__": A(variable, gives=item, raises=KeyError), "__iter__": A(), "__len__": A(gives=count),
        "copy": A(gives=of_type(contextvars.Context)), "get": A(variable, gives=item_or_none), "items": F(lambda o, c: list(o.items())),
        "keys": F(lambda o, c: list(o.keys())), "values": F(lambda o, c: list(o.values()), items),
        # RuntimeError: another thread is in it.
        "run": F(lambda o, c: o.run(variable(c).set, c.item()) and None, nothing, RuntimeError),
    })
CONTEXT_VAR = Subject(
    "ContextVar", lambda c: contextvars.ContextVar("v", default=c.item()), contextvars.ContextVar,
    {"get": A(gives=item), "name": G(text), "set": F(lambda o, c: contextvars.copy_context().run(o.set, c.item()) and None, nothing),
     "reset": F(lambda o, c: contextvars.copy_context().run(lambda: o.reset(o.set(c.item()))), nothing)})

# Regular expressions.

PATTERN = Subject(
    "Pattern", lambda c: re.compile("(a)(?P<n>b)?"), re.Pattern, stay=4, ops={
        **{n: A(const("xab")) for n in ("findall", "finditer", "fullmatch", "match", "scanner", "search", "split")},
        "sub": A(const("z"), const("xab"), gives=lambda c, o, v: v == "xz"), "subn": A(const(r"\1"), const("xab"), gives=lambda c, o, v: v == ("xa", 1)),
        "__copy__": A(gives=itself), "__deepcopy__": A(empty_memo, gives=itself), "flags": G(count), "groupindex": G(), "groups": G(count), "pattern": G(text),
    }, flavours=one_flavour)
MATCH = Subject(
    "Match", lambda c: re.search("(a)(?P<n>b)?", "xab"), re.Match,
    {
        "__copy__": A(gives=itself), "__deepcopy__": A(empty_memo, gives=itself), "__getitem__": A(const("n"), gives=lambda c, o, v: v == "b"),
        "end": A(gives=count), "endpos": G(count), "expand": A(const(r"\2\1"), gives=lambda c, o, v: v == "ba"), "group": A(const(1)),
        "groupdict": A(gives=lambda c, o, v: v == {"n": "b"}), "groups": A(gives=lambda c, o, v: v == ("a", "b")), "lastgroup": G(), "lastindex": G(),
        "pos": G(count), "re": G(), "regs": G(lambda c, o, v: v == ((1, 3), (1, 2), (2, 3))), "span": A(gives=lambda c, o, v: v == (1, 3)),
        "start": A(gives=count), "string": G(text),
    }, flavours=one_flavour)


def one_letter(c, o, v):
    return v is None or v.group() in "ab"


SCANNER = Subject(
    "SRE_Scanner", lambda c: re.compile("[ab]").scanner("abxab" * 4), type(re.compile("").scanner("")),
    {"match": A(gives=one_letter), "search": A(gives=one_letter), "pattern": G()} | {
        n: r for n, r in {"__iter__": A(), "__next__": A(gives=one_letter, raises=StopIteration)}.items()
        if hasattr(type(re.compile("").scanner("")), n)},
    flavours=one_flavour)
FINDITER = Subject(
    "finditer", lambda c: re.finditer("[ab]", "abxab" * 4), None, {},
    {"next": F(lambda o, c: next(o, None), one_letter), "list": F(lambda o, c: [m.group() for m in o], lambda c, o, v: set(v) <= set("ab"))},
    flavours=one_flavour)

SUBJECTS = [
    *HEAPS, QUEUE, LRU, CACHED_PROPERTY, PARTIAL, RANDOM, WEAKSET, WEAKKEYS, WEAKVALUES, WEAKREF, CLASS, BASES, INSTANCE, MODULE, NAMESPACE,
    PROCESS, CONTEXT, CONTEXT_VAR, PATTERN, MATCH, SCANNER, FINDITER,
]
