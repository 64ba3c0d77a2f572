"""What broke other collectors and free-threaded runtimes, as programs; `papers/failure-modes.md` lists all of it.

A function is named after what goes wrong, its docstring says where that was seen.
"""
import collections
import gc
import itertools
import os
import subprocess
import sys
import threading
import time
import weakref

from checks import ring, run


class Node:
    pass


def cycle():
    a = Node()
    a.me = a
    return a


def eventually(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(.001)


def blocked_owner_keeps_what_others_drop():
    """gh-157838: the queue of a thread that sleeps is held for ever."""
    died = []

    class Buffer:
        def __init__(self):
            self.data = bytearray(10_000)

        def __del__(self):
            died.append(1)

    made = []
    ready, go = threading.Event(), threading.Event()
    merged = sys._gc_stats()["merges"]["on_behalf"]

    def owner():
        made.extend(Buffer() for _ in range(1000))
        ready.set()
        go.wait()

    t = threading.Thread(target=owner)
    t.start()
    ready.wait()
    time.sleep(.05)
    made.clear()
    eventually(lambda: len(died) == 1000)
    assert t.is_alive()
    merges = sys._gc_stats()["merges"]
    if not sys._is_gil_enabled() and sys._xoptions.get("refcount") != "atomic":
        assert merges["on_behalf"] >= merged + 1000, (merges, merged)
    assert merges["queued"] == 0, merges
    go.set()
    t.join()


def resurrection_runs_the_finaliser_twice():
    """gh-113750, gh-127582: one thread brings back what another one drops."""
    ran = []
    shelf = []

    class Phoenix:
        def __del__(self):
            ran.append(1)
            shelf.append(self)

    n = 500

    def make():
        for _ in range(n):
            Phoenix()

    def take():
        while len(ran) < n or shelf:
            try:
                x = shelf.pop()
            except IndexError:
                continue
            x.seen = True
            del x

    run(make, take)
    gc.collect()
    assert len(ran) == n, len(ran)


def short_lived_threads_lose_memory():
    """gh-130794: retired buffers of threads that have ended."""
    shared = []

    def grow():
        for i in range(100):
            shared.append(i)

    def resident_kib():
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * 4

    for round_ in range(600):
        run(grow)
        if len(shared) > 2000:
            shared.clear()
        if round_ == 300:
            before = resident_kib()
    assert resident_kib() < before + 32_000, (before, resident_kib())


def many_threads_start_while_the_collector_runs():
    """gh-148953: the registry of threads grows under a lock and in a stop."""
    stop = False

    def collect():
        while not stop:
            gc.collect()

    collector = threading.Thread(target=collect)
    collector.start()
    done = []
    run(*[lambda: done.append(cycle().me is not None) for _ in range(64)])
    stop = True
    collector.join()
    assert len(done) == 64


def lock_handed_over_in_a_stop_deadlocks():
    """gh-118332, gh-133130, gh-144513: a contended lock, and a stop every millisecond."""
    lock = threading.Lock()
    counts = []
    until = time.monotonic() + .5

    def contend():
        n = 0
        while time.monotonic() < until:
            with lock:
                n += 1
                time.sleep(.001)
        counts.append(n)

    def stops():
        while time.monotonic() < until:
            gc.collect(0)
            time.sleep(.001)

    run(contend, contend, contend, stops)
    assert len(counts) == 3


def daemon_threads_collect_during_exit():
    """gh-137433: threads that are still at it while the interpreter ends."""
    program = (
        "import gc, threading, time\n"
        "class N: pass\n"
        "def work():\n"
        "    while True:\n"
        "        a = N(); a.me = a\n"
        "        gc.collect()\n"
        "for _ in range(4):\n"
        "    threading.Thread(target=work, daemon=True).start()\n"
        "time.sleep(.1)\n"
    )
    options = [f"-X{key}={value}" for key, value in sys._xoptions.items() if key in ("gil", "refcount", "gc")]
    for _ in range(3):
        subprocess.run([sys.executable, *options, "-c", program], check=True, timeout=120)


def suspended_frames_are_not_traced():
    """greenlet #511: a suspended generator is the only holder of its function."""
    namespace = {}
    exec("def g():\n    yield 1\n    yield 2\n", namespace)
    g = namespace.pop("g")()
    assert next(g) == 1
    del namespace
    gc.collect()
    assert next(g) == 2 and g.gi_code.co_name == "g"


def fields_of_a_cleared_generator_are_read():
    """gh-124068: a finaliser brings back a closed generator."""
    kept = []

    class Holder:
        def __del__(self):
            kept.append(self.g)

    def g(holder):
        yield holder

    h = Holder()
    h.g = g(h)
    next(h.g)
    del h
    gc.collect()
    assert kept[0].gi_code.co_name == "g"
    assert list(kept[0]) == [] and kept[0].gi_frame is None
    kept.clear()
    gc.collect()


def one_generator_is_resumed_by_two_threads():
    """gh-120321, gh-156351: the frame is torn; one of them has to get ValueError."""
    for _ in range(10):
        numbers = (i for i in range(2000))
        seen = []

        def take():
            while True:
                try:
                    for i in numbers:
                        seen.append(i)
                    return
                except ValueError as e:
                    assert str(e) == "generator already executing"

        run(take, take)
        assert sorted(seen) == list(range(2000))


def shared_iterators_drop_their_source_twice():
    """gh-154130, gh-154043, gh-153062: several threads come to the end of one iterator at once."""
    class Sequence:
        def __getitem__(self, i):
            if i > 50:
                raise IndexError
            return i

    sources = [list(range(50)), tuple(range(50)), dict.fromkeys(range(50)), set(range(50)), "x" * 50, "é€" * 25,
               b"x" * 50, bytearray(50), range(50), collections.deque(range(50)), Sequence(), memoryview(b"x" * 50)]
    makers = [lambda s=s: iter(s) for s in sources]
    makers += [lambda: reversed([1] * 50), lambda: enumerate([1] * 50), lambda: zip([1] * 50, "x" * 50),
               lambda: map(str, [1] * 50), lambda: filter(None, [1] * 50), lambda: itertools.chain([1] * 50, (2,)),
               lambda: itertools.islice([1] * 50, 40), lambda: {1: 2}.items().__iter__(),
               lambda: reversed({1: 2, 3: 4}), lambda: iter(lambda: 1, 1)]
    for make in makers:
        for _ in range(5):
            iterator = make()

            def exhaust():
                for _ in iterator:
                    pass

            run(*[exhaust] * 8)
            assert next(iterator, None) is None
    assert not sys._gc_verify()


def dead_objects_wait_in_a_queue_when_a_collection_begins():
    """gh-117370: the collector meets objects whose count is zero."""
    made = []
    ready, go = threading.Event(), threading.Event()

    def owner():
        made.extend((i, [i]) for i in range(2000))
        ready.set()
        go.wait()

    t = threading.Thread(target=owner)
    t.start()
    ready.wait()
    made.clear()
    gc.collect()
    go.set()
    t.join()
    assert not sys._gc_verify()


def garbage_of_threads_that_ended_is_forgotten():
    """gh-115188: heaps of threads that have exited are not enumerated."""
    references = []

    def make():
        for _ in range(50):
            references.append(weakref.ref(cycle()))

    gc.collect()
    gc.disable()
    run(make)
    assert gc.collect() >= 50
    gc.enable()
    assert all(r() is None for r in references)


def finalisers_change_what_is_being_collected():
    """gh-126365, gh-101975: appending, listing all objects, collecting, in the middle of a collection."""
    log = []

    class Busy:
        def __del__(self):
            self.friends.append(cycle())
            log.append(len(gc.get_objects()) > 0)
            gc.collect()

    for _ in range(20):
        a, b = Busy(), Busy()
        a.friends, b.friends = [b], [a]
    del a, b
    gc.collect()
    gc.collect()
    assert log == [True] * 40, len(log)


def freezing_in_a_loop():
    """gh-142975: freeze and unfreeze while threads make objects."""
    until = time.monotonic() + .3

    def freeze():
        while time.monotonic() < until:
            gc.freeze()
            gc.unfreeze()

    def make():
        while time.monotonic() < until:
            for _ in range(100):
                cycle()

    run(freeze, make, make)
    gc.collect()
    assert gc.get_freeze_count() == 0 and not sys._gc_verify()


def weak_references_of_a_dying_object_are_listed():
    """gh-151223: getweakrefs() while the last reference goes."""
    until = time.monotonic() + .3
    box = [Node()]

    def look():
        while time.monotonic() < until:
            try:
                x = box[0]
            except IndexError:
                continue
            r = weakref.ref(x)
            del x
            for found in weakref.getweakrefs(r() or box):
                found()

    def replace():
        while time.monotonic() < until:
            box[0] = Node()

    run(look, look, replace, replace)


def objects_made_by_finalisers_leak():
    """dumpster #48, #50: a cycle that is made inside a finaliser."""
    born = []

    class Maker:
        def __del__(self):
            born.append(weakref.ref(cycle()))

    for _ in range(10):
        m = Maker()
        m.me = m
    del m
    gc.collect()
    gc.collect()
    assert len(born) == 10 and all(r() is None for r in born)


def graph_walks_recurse():
    """dumpster: a chain of many nodes in a cycle overflows the stack."""
    gone = weakref.ref(ring(Node, 100_000))
    gc.collect()
    assert gone() is None


def collector_is_slower_than_allocation():
    """scheme-rs #328: several threads make cycles for as long as they like."""
    until = time.monotonic() + 1

    def make():
        while time.monotonic() < until:
            for _ in range(100):
                a, b = Node(), Node()
                a.data = bytearray(1000)
                a.other, b.other = b, a

    run(*[make] * 8)
    gc.collect()
    alive = sum(type(o) is Node for o in gc.get_objects())
    assert alive < 100, alive


def slots_are_reused_by_other_types():
    """A search reads a slot that has become an object of another type."""
    until = time.monotonic() + .5
    shared = []

    def churn(kind):
        while time.monotonic() < until:
            for _ in range(50):
                x = kind()
                shared.append(x)
            while shared:
                try:
                    shared.pop()
                except IndexError:
                    break

    class Slots:
        __slots__ = ("a", "b", "c")

    run(lambda: churn(Slots), lambda: churn(list), lambda: churn(cycle), lambda: churn(lambda: {1: []}))
    assert not sys._gc_verify()


def owners_attach_and_detach_while_others_merge():
    """A merge on behalf of a thread that comes back at that moment."""
    until = time.monotonic() + .5
    made = []

    def owner():
        while time.monotonic() < until:
            made.extend([[]] for _ in range(20))
            time.sleep(0)
            os.stat(".")

    def drop():
        while time.monotonic() < until:
            while made:
                try:
                    made.pop()
                except IndexError:
                    break

    run(owner, owner, drop, drop)
    made.clear()
    gc.collect()
    assert not sys._gc_verify()


if __name__ == "__main__":
    modes = [
        blocked_owner_keeps_what_others_drop,
        resurrection_runs_the_finaliser_twice,
        short_lived_threads_lose_memory,
        many_threads_start_while_the_collector_runs,
        lock_handed_over_in_a_stop_deadlocks,
        daemon_threads_collect_during_exit,
        suspended_frames_are_not_traced,
        fields_of_a_cleared_generator_are_read,
        one_generator_is_resumed_by_two_threads,
        shared_iterators_drop_their_source_twice,
        dead_objects_wait_in_a_queue_when_a_collection_begins,
        garbage_of_threads_that_ended_is_forgotten,
        finalisers_change_what_is_being_collected,
        freezing_in_a_loop,
        weak_references_of_a_dying_object_are_listed,
        objects_made_by_finalisers_leak,
        graph_walks_recurse,
        collector_is_slower_than_allocation,
        slots_are_reused_by_other_types,
        owners_attach_and_detach_while_others_merge,
    ]
    wanted = sys.argv[1:]
    for mode in modes:
        if not wanted or mode.__name__ in wanted:
            print(mode.__name__, flush=True)
            mode()
