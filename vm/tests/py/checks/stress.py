"""Runs operations on one shared object in several threads at once, and judges what comes out.

A `Subject` is a type with a recipe for each of its operations. Every operation is the theme of rounds of its own: the
threads run it against itself and against the others of its subject, on an object that is new in each round. What is
looked at:

* results: each value is one of the objects that were put in, each number is one that can be;
* exceptions: those that the recipe names, no others;
* memory: afterwards the objects that were put in have the references they had before, and the shared ones are gone;
* time: a round that does not end is reported with the stacks of all threads.
"""
import gc
import itertools
import operator
import os
import random
import sys
import threading
import time
import traceback

from checks import REFCOUNT

N_THREADS = 3
CALLS = 24
LIMIT_SECONDS = 200


class Thing:
    """An element whose comparisons and hash run Python code, and now and then let another thread run."""
    __slots__ = ("n", "__weakref__")

    def __init__(self, n):
        self.n = n

    def __eq__(self, other):
        if not isinstance(other, Thing):
            return NotImplemented
        if self.n & 3 == 0:
            time.sleep(0)
        return self.n == other.n

    def __lt__(self, other):
        if not isinstance(other, Thing):
            return NotImplemented
        return self.n < other.n

    def __gt__(self, other):
        if not isinstance(other, Thing):
            return NotImplemented
        return self.n > other.n

    def __hash__(self):
        return self.n >> 1

    def __repr__(self):
        return f"<{self.n}>"


class Plain:
    """An element that is equal to itself only."""
    __slots__ = ("n", "__weakref__")

    def __init__(self, n):
        self.n = n

    def __lt__(self, other):
        return self.n < other.n

    def __gt__(self, other):
        return self.n > other.n


N_ITEMS = 16
FLAVOURS = {
    "ints": lambda n: n,
    "strs": lambda n: f"item {n}",
    "long ints": lambda n: (1 << 70) + n,
    "floats": lambda n: n / 4 + 1e300,
    "tuples": lambda n: (n, f"item {n}"),
    "plain": Plain,
    "things": Thing,
}
# Comparing these runs Python code.
SLOW = {"things", "plain"}


class Pool:
    """The objects that are put into what is shared."""

    def __init__(self, flavour):
        self.flavour = flavour
        self.items = [FLAVOURS[flavour](n) for n in range(N_ITEMS)]
        self.ids = {id(v) for v in self.items}
        self.runs_code = flavour in SLOW
        self.counts = self.references()

    def references(self):
        counts = []
        for i in range(N_ITEMS):
            counts.append(sys.getrefcount(self.items[i]))
        return counts

    def has(self, v):
        if type(v) in (int, float):
            return v in self.items
        return id(v) in self.ids


class Context:
    """What the recipes of one thread draw from."""

    def __init__(self, subject, pool, rng):
        self.subject, self.pool, self.rng = subject, pool, rng
        self.shared = ()

    def item(self):
        return self.rng.choice(self.pool.items)

    def items(self, most=6):
        return self.rng.choices(self.pool.items, k=self.rng.randrange(most + 1))

    def index(self):
        return self.rng.randrange(-6, 7)

    def span(self):
        r = self.rng
        return slice(r.randrange(-6, 7), r.choice([None, 0, 3, 5, 100]), r.choice([None, 1, 1, 2, -1]))

    def plain_span(self):
        return slice(self.rng.randrange(6), self.rng.choice([None, 0, 3, 5, 100]))

    def small(self):
        return self.rng.randrange(3)

    def flag(self):
        return self.rng.random() < .5

    def other(self):
        """An object of the same kind: the shared one itself, another shared one, or a new one."""
        n = self.rng.randrange(4)
        return self.shared[n] if n < len(self.shared) else self.subject.make(self)

    def iterable(self):
        """Something with items of the pool in it: private or shared, of a type that is known or not."""
        n = self.rng.randrange(8)
        if n < 2:
            return self.other()
        items = self.items()
        return (items, tuple(items), iter(items), dict.fromkeys(items), set(items), (v for v in items))[n - 2]


# What results are allowed to be.

def anything(c, o, v):
    return True


def nothing(c, o, v):
    return v is None


def item(c, o, v):
    return c.pool.has(v)


def item_or_none(c, o, v):
    return v is None or c.pool.has(v)


def items(c, o, v):
    """A container or an iterator with objects of the pool in it. One that is shared may change while it is looked at."""
    try:
        for x in v:
            if not c.pool.has(x):
                return False
    except RuntimeError:
        return True
    return True


def pair(c, o, v):
    return type(v) is tuple and len(v) == 2 and c.pool.has(v[0]) and c.pool.has(v[1])


def pairs(c, o, v):
    try:
        for x in v:
            if not pair(c, o, x):
                return False
    except RuntimeError:
        pass
    return True


def count(c, o, v):
    return type(v) is int and 0 <= v < 1_000_000


def truth(c, o, v):
    return v is True or v is False


def answer(c, o, v):
    return truth(c, o, v) or v is NotImplemented


def itself(c, o, v):
    return v is o


def text(c, o, v):
    return type(v) is str


def of_type(*types):
    return lambda c, o, v: type(v) in types


class Op:
    """An operation: `act(o, c)`."""

    def __init__(self, act, gives, raises, in_code):
        self.act, self.gives, self.raises, self.in_code = act, gives, raises, in_code


def A(*makers, gives=anything, raises=(), in_code=(), **named):
    """The method under whose name this stands, with arguments that the makers make. `in_code`: what may be raised if
    comparisons run Python code, beside `raises`."""
    return lambda name: Op(
        lambda o, c: getattr(o, name)(*[m(c) for m in makers], **{k: m(c) for k, m in named.items()}),
        gives, as_tuple(raises), as_tuple(in_code))


def F(act, gives=anything, raises=(), in_code=()):
    """A function `act(o, c)`."""
    return lambda name: Op(act, gives, as_tuple(raises), as_tuple(in_code))


def G(gives=anything, raises=()):
    """An attribute that is read."""
    return F(lambda o, c: None, gives, raises) if gives is None else \
        lambda name: Op(lambda o, c: getattr(o, name), gives, as_tuple(raises), ())


def as_tuple(kinds):
    return kinds if isinstance(kinds, tuple) else (kinds,)


def const(v):
    return lambda c: v


def one_of(*values):
    return lambda c: c.rng.choice(values)


item_arg, index_arg = Context.item, Context.index
small_arg, flag_arg, other_arg, iterable_arg = Context.small, Context.flag, Context.other, Context.iterable

# What every object has. A subject may have a recipe of its own for these.
COMMON = {
    "__class__": G(), "__doc__": G(), "__module__": G(),
    "__dir__": A(), "__sizeof__": A(gives=count), "__repr__": A(gives=text, raises=RuntimeError),
    "__str__": A(gives=text, raises=RuntimeError), "__format__": A(const(""), gives=text, raises=RuntimeError),
    "__hash__": F(lambda o, c: hash(o), raises=TypeError),
    "__eq__": A(other_arg, gives=answer), "__ne__": A(other_arg, gives=answer),
    "__lt__": A(other_arg, gives=answer, raises=TypeError), "__le__": A(other_arg, gives=answer, raises=TypeError),
    "__gt__": A(other_arg, gives=answer, raises=TypeError), "__ge__": A(other_arg, gives=answer, raises=TypeError),
    "__getattribute__": A(const("__class__"), gives=lambda c, o, v: v is type(o)),
    "__setattr__": A(const("unknown"), const(1), raises=(AttributeError, TypeError)),
    "__delattr__": A(const("unknown"), raises=(AttributeError, TypeError)),
    "__getstate__": A(raises=TypeError), "__reduce__": A(raises=TypeError), "__reduce_ex__": A(const(4), raises=TypeError),
    "__init__": F(lambda o, c: None),
}
SKIPPED = {
    "__new__": "makes another object",
    "__init_subclass__": "of the class alone",
    "__subclasshook__": "of the class alone",
    "__class_getitem__": "of the class alone",
    "__getnewargs__": "as __reduce__",
    "__getnewargs_ex__": "as __reduce__",
    "__slots__": "of the class alone",
    "__firstlineno__": "of the class alone",
    "__static_attributes__": "of the class alone",
    "__abstractmethods__": "of the class alone",
    "_abc_impl": "of the class alone",
    "__weakref__": "weak references have a subject",
    "__annotate_func__": "of the class alone",
    "__annotations_cache__": "of the class alone",
    "__dict__": "dicts have a subject",
    "__annotations__": "dicts have a subject",
    "__annotate__": "of the class alone",
    "__del__": "run when the object dies",
}


class Subject:
    """A type with recipes.

    `make(c)` gives a new object; `kind`: its type, whose attributes the recipes must cover (None: there is only
    `ops`); `own`: recipes beside those for attributes, under any name; `without`: attributes with no recipe, and why;
    `raises`: exceptions that any operation may raise; `flavours`: of the items; `finish(o, c)` is called with each
    shared object when the threads are done with it; `stay`: how many objects of the type may stay in caches.
    """

    def __init__(self, name, make, kind, ops, own={}, without={}, raises=(), flavours=FLAVOURS, finish=None, counts=True,
                 stay=0):
        self.name, self.make, self.kind, self.raises, self.finish = name, make, kind, as_tuple(raises), finish
        self.flavours = list(flavours)
        self.counts, self.stay = counts, stay
        self.ops = {}
        names = set(dir(kind)) if kind is not None else set()
        for n, recipe in {**{n: r for n, r in COMMON.items() if n in names}, **ops, **own}.items():
            self.ops[n] = recipe(n)
        known = set(self.ops) | set(without) | set(SKIPPED)
        assert names <= known, f"{name}: no recipe for {sorted(names - known)}"
        if kind is not None:
            stale = (set(ops) | set(without)) - names
            assert not stale, f"{name}: recipes for what there is not: {sorted(stale)}"
        assert not set(ops) & set(without), name


class Crew:
    """The threads."""

    def __init__(self, n):
        self.start, self.end = threading.Barrier(n + 1), threading.Barrier(n + 1)
        self.jobs, self.failures = [None] * n, []
        self.threads = [threading.Thread(target=self.work, args=(i,), daemon=True) for i in range(n)]
        for t in self.threads:
            t.start()

    def work(self, i):
        while True:
            self.start.wait()
            job = self.jobs[i]
            if job is None:
                return
            self.jobs[i] = None
            try:
                job()
            except BaseException as e:
                self.failures.append("".join(traceback.format_exception(e)))
                e.__traceback__ = None
            job = None
            self.end.wait()

    def run(self, jobs, what):
        self.jobs[:] = jobs
        del jobs
        self.start.wait()
        try:
            self.end.wait(LIMIT_SECONDS)
        except threading.BrokenBarrierError:
            print(f"{what}: no end after {LIMIT_SECONDS} s", file=sys.stderr, flush=True)
            for ident, frame in sys._current_frames().items():
                print("thread", ident, file=sys.stderr)
                traceback.print_stack(frame)
            sys.stderr.flush()
            os._exit(3)
        if self.failures:
            raise SystemExit(f"{what}:\n" + "\n".join(self.failures))

    def make(self, f, rng):
        """What `f` makes, as an object of this thread or of the first of the crew: threads do more without locks with
        what they made themselves."""
        if rng.random() < .3:
            return f()
        made = []
        self.run([lambda: made.append(f()), *[int] * (len(self.threads) - 1)], "making")
        return made.pop()

    def dismiss(self):
        self.jobs[:] = [None] * len(self.jobs)
        self.start.wait()
        for t in self.threads:
            t.join()


def perform(name, op, o, c):
    subject = c.subject
    try:
        v = op.act(o, c)
    except (*subject.raises, *op.raises):
        return
    except Exception as e:
        if c.pool.runs_code and isinstance(e, op.in_code):
            return
        raise AssertionError(f"{name} raised {e!r}, with {c.pool.flavour}") from e
    if not op.gives(c, o, v):
        raise AssertionError(f"{name} gave {v!r:.300}")


def job(subject, theme, c, calls, busy):
    """What one thread does in a round: the theme, with other operations between. A thread that is not `busy` with the
    theme runs others only."""
    names = list(subject.ops)
    plan = [theme if busy and c.rng.random() < .6 else c.rng.choice(names) for _ in range(calls)]

    def run():
        for name in plan:
            o = c.shared[0] if c.rng.random() < .8 else c.shared[-1]
            perform(name, subject.ops[name], o, c)
        c.shared = ()
    return run


def how_many(kind):
    gc.collect()
    return sum(1 for o in gc.get_objects() if type(o) is kind)


def eventually(f, holds, expected, what):
    """What other threads dropped may wait for its owner a moment."""
    for attempt in range(40):
        gc.collect()
        seen = f()
        if holds(seen, expected):
            return
        time.sleep(.002 * attempt)
    raise SystemExit(f"{what}: {expected} before, {seen} after")


# An object that is shared is not counted on stacks, not even as an argument.
ON_STACKS = REFCOUNT == "deferred"


def same_references(seen, expected):
    return seen == expected or ON_STACKS and all(a in (b, b - 1) for a, b in zip(seen, expected))


def rounds(subject, seed, rng, themes, calls, until=None):
    """A round for every theme, with items of several flavours. How many there were."""
    themes = list(themes)
    rng.shuffle(themes)
    n_flavours = min(len(subject.flavours), max(1, (len(themes) + 7) // 8))
    flavours = rng.sample(subject.flavours, n_flavours)
    count = subject.counts and subject.kind is not None
    before = how_many(subject.kind) if count else 0
    n_rounds = 0
    # New threads for each subject: what a thread retired is freed at the latest when it has ended.
    crew = Crew(N_THREADS)
    pools = [crew.make(lambda: Pool(flavour), rng) for flavour in flavours]
    for pool, theme in zip(itertools.cycle(pools), themes):
        if until is not None and time.monotonic() > until:
            break
        make = Context(subject, pool, rng)
        shared = crew.make(lambda: (subject.make(make), subject.make(make)), rng)
        contexts = [Context(subject, pool, random.Random(rng.random())) for _ in crew.threads]
        for c in contexts:
            c.shared = shared
        jobs = [job(subject, theme, c, calls, i < 2) for i, c in enumerate(contexts)]
        crew.run(jobs, f"{subject.name}.{theme}, {pool.flavour}, seed {seed}")
        if subject.finish is not None:
            for o in shared:
                subject.finish(o, make)
        make = contexts = shared = jobs = c = o = None
        n_rounds += 1
    crew.dismiss()
    crew = None
    if subject.counts:
        for pool in pools:
            what = f"{subject.name}, {pool.flavour}, seed {seed}: references to items"
            eventually(pool.references, same_references, pool.counts, what)
    pools = pool = None
    if count:
        eventually(lambda: how_many(subject.kind), operator.le, before + subject.stay, f"{subject.name}, seed {seed}: objects of the type")
    return n_rounds


def main(subjects, arguments):
    """`[SECONDS SEED [SUBJECT [THEME]]]`; without arguments one round for every operation."""
    seconds = float(arguments[0]) if arguments else None
    seed = int(arguments[1]) if len(arguments) > 1 else random.SystemRandom().randrange(1 << 32)
    if len(arguments) > 2:
        subjects = [s for s in subjects if s.name == arguments[2]]
        assert subjects, "no such subject"
    print("seed", seed, flush=True)
    rng = random.Random(seed)
    begun = time.monotonic()
    until = None if seconds is None else begun + seconds
    n_rounds = passes = 0
    while True:
        for subject in subjects:
            themes = arguments[3:4] or subject.ops
            calls = CALLS if until is None else CALLS * rng.choice([1, 2, 10])
            print(subject.name, end=" ", flush=True)
            n_rounds += rounds(subject, seed, rng, themes, calls, until)
        passes += 1
        if until is None or time.monotonic() > until:
            break
    n_ops = sum(len(s.ops) for s in subjects)
    print(f"\n{len(subjects)} subjects with {n_ops} operations: {n_rounds} rounds in {time.monotonic() - begun:.1f} s, {passes} passes")
