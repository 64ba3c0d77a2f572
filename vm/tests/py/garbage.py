"""The module gc and the collection of cycles."""
import gc
import subprocess
import sys
import threading

from checks import raises


class Node:
    def __init__(self):
        self.link = self


gc.collect()
assert gc.isenabled()
gc.disable()
assert not gc.isenabled()
for _ in range(10):
    Node()
n = gc.collect()
assert n >= 10, n
assert gc.collect() == 0
gc.enable()

# Kinds of cycles.
def cycles():
    l = []
    l.append(l)
    d = {}
    d["self"] = d
    t = ([],)
    t[0].append(t)
    s = {1}
    def f():
        return f
    class K:
        pass
    K.me = K()
    def g():
        yield gen
    gen = g()
    next(gen)
    e = ValueError()
    e.me = e
    try:
        raise e
    except ValueError:
        pass


gc.disable()
cycles()
assert gc.collect() >= 8
gc.enable()
before = len(gc.get_objects())
for _ in range(20):
    cycles()
gc.collect()
after = len(gc.get_objects())
assert after - before < 20, (before, after)

# Automatic collections.
gc.set_threshold(100, 5, 5)
assert gc.get_threshold()[0] == 100
count = gc.get_stats()[0]["collections"] + gc.get_stats()[2]["collections"]
for _ in range(5000):
    Node()
assert gc.get_stats()[0]["collections"] + gc.get_stats()[2]["collections"] > count
gc.set_threshold(2000, 10, 0)
assert len(gc.get_count()) == 3 and all(isinstance(x, int) for x in gc.get_count())

# Finalisers run once, also when they bring the object back.
log = []


class Phoenix:
    def __init__(self):
        self.me = self

    def __del__(self):
        log.append(1)
        log.append(self)


Phoenix()
gc.collect()
assert len(log) == 2 and log[0] == 1
assert gc.is_finalized(log[1])
log.clear()
gc.collect()
assert log == []


class Plain:
    def __init__(self):
        self.me = self

    def __del__(self):
        log.append("del")


Plain()
gc.collect()
assert log == ["del"]

# Questions.
assert gc.is_tracked([]) and gc.is_tracked({}) and not gc.is_tracked(1) and not gc.is_tracked("a")
x = []
holder = [x]
assert any(r is holder for r in gc.get_referrers(x))
assert any(r is x for r in gc.get_referents(holder))
assert any(o is holder for o in gc.get_objects())

calls = []
def callback(phase, info):
    calls.append((phase, info["generation"]))
gc.callbacks.append(callback)
gc.collect(0)
gc.callbacks.remove(callback)
assert calls == [("start", 0), ("stop", 0)], calls
try:
    gc.collect(3)
except ValueError as e:
    assert str(e) == "invalid generation"
else:
    raise AssertionError

gc.freeze()
assert gc.get_freeze_count() > 0
gc.unfreeze()
assert gc.get_freeze_count() == 0
gc.set_debug(gc.DEBUG_SAVEALL)
assert gc.get_debug() == gc.DEBUG_SAVEALL
Node()
gc.collect()
assert any(isinstance(o, Node) for o in gc.garbage)
gc.set_debug(0)
gc.garbage.clear()
gc.collect()

# Classes go as well.
import weakref
def make():
    class Temporary:
        def method(self):
            return Temporary
    return weakref.ref(Temporary), weakref.ref(Temporary().method.__func__)
c, f = make()
gc.collect()
assert c() is None and f() is None

# An instance keeps its class, whatever it is an instance of.
for base in (float, int, str, bytes, complex, object, frozenset, tuple):
    C = type("C", (base,), {"__slots__": (), "f": lambda self: 42})
    instance = C()
    assert gc.is_tracked(instance)
    del C
    gc.collect()
    others = [type(f"C{i}", (), {}) for i in range(50)]
    assert instance.f() == 42 and type(instance).__name__ == "C"
del instance, others

# Destroying what is deeply nested needs no deep stack.
l = []
for _ in range(100_000):
    l = [l]
del l
d = {}
for _ in range(100_000):
    d = {"d": d}
    d["me"] = d
del d
gc.collect()

# What objects refer to: numbers, too.
assert gc.get_referents([1, 2.5, "x"]) == [1, 2.5, "x"]
assert gc.get_referents({1: 2}) == [1, 2] and gc.get_referents((None,)) == [None]

# gc.collect() finds what was garbage before it, while other threads call it, too, and while garbage that a
# search found is being taken apart.
import os, time


class Node:
    pass


def collect_exactly(until, kept):
    while time.monotonic() < until:
        node = Node()
        node.me = node
        gone = weakref.ref(node)
        del node
        gc.collect()
        if gone() is not None:
            kept.append(gone)


def litter(until):
    while time.monotonic() < until:
        for _ in range(100):
            a, b = Node(), Node()
            a.other, b.other = b, a


def start(*jobs):
    threads = [threading.Thread(target=job, args=args) for job, *args in jobs]
    for t in threads:
        t.start()
    return threads


kept = []
old = [[i] for i in range(10_000)]
until = time.monotonic() + .5
for t in start(*[(collect_exactly, until, kept)] * 3, *[(litter, until)] * 2):
    t.join()
assert not kept, kept

# Nor does a fork in the middle of all that leave the child without a collector.
until = time.monotonic() + .5
threads = start(*[(collect_exactly, until, kept)] * 2, (litter, until))
while time.monotonic() < until:
    pid = os.fork()
    if pid == 0:
        collect_exactly(time.monotonic() + .005, kept)
        litter(time.monotonic() + .005)
        os._exit(len(kept))
    assert os.waitpid(pid, 0)[1] == 0
for t in threads:
    t.join()
assert not kept, kept
del old, kept

# The threads that help with a large heap are not a child's.
large = [[] for _ in range(600_000)]
gc.collect()
pid = os.fork()
if pid == 0:
    gc.collect()
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
del large

# Callbacks are for the program; when it ends, what they use may be gone.
program = "import gc, time\ngc.callbacks.append(lambda phase, info: time.monotonic())\ngc.collect()"
ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=120)
assert ended.returncode == 0 and not ended.stderr, ended

# Headers and references agree.
assert sys._gc_verify() == [], sys._gc_verify()

# What makes no sense is refused.
raises(TypeError, gc.set_threshold)
raises(TypeError, gc.set_threshold, "many")
raises(TypeError, gc.set_threshold, 1, 2, 3, 4)
raises(OverflowError, gc.set_threshold, 1 << 40)
raises(ValueError, gc.collect, 7, text="invalid generation")
raises(ValueError, gc.collect, -1, text="invalid generation")
raises(OverflowError, gc.collect, 1 << 40)
raises(ValueError, gc.get_objects, 5)
raises(TypeError, gc.set_debug, "all")
assert gc.get_threshold() == (2000, 10, 0)


# A finaliser may do what it likes.
class Busy:
    def __init__(self, job):
        self.me = self
        self.job = job

    def __del__(self):
        self.job()


def fail():
    raise ValueError("in a finaliser")


def allocate():
    for _ in range(3000):
        a = Plain()
        a.me = a


def use_thread():
    t = threading.Thread(target=lambda: told.append("thread"))
    t.start()
    t.join()


told = []
hook, sys.unraisablehook = sys.unraisablehook, lambda u: told.append(str(u.exc_value))
Plain = type("Plain", (), {})
for job in fail, allocate, use_thread, lambda: told.append(gc.collect()):
    Busy(job)
    assert gc.collect() >= 1
    gc.collect()
sys.unraisablehook = hook
assert told == ["in a finaliser", "thread", 0], told


def collect_while_others_wait(last_words):
    """Python code that runs for one of several objects that died together, and collects: what it finds is destroyed whole,
    instances before their classes, and the classes of those that wait are not garbage."""
    seen = []

    def collect(*_):
        class Value:
            pass

        class Holder:
            x = Value()

        ref = weakref.ref(Holder.x)
        del Value, Holder
        gc.collect()
        seen.append(ref())

    class Late:
        pass

    class Last:
        if last_words == "finaliser":
            __del__ = collect

    late = weakref.ref(Late)
    items = [Late(), Last(), Late()]
    if last_words == "callback":
        last = weakref.ref(items[1], collect)
    del Late
    items.clear()
    assert seen == [None], seen
    gc.collect()
    assert late() is None


collect_while_others_wait("callback")
collect_while_others_wait("finaliser")
