"""-X refcount=deferred: objects that several threads read often are borrowed instead of counted."""

import gc
import sys
import threading
import time
import weakref

from checks import REFCOUNT

DEFERRED = REFCOUNT == "deferred"
ZEAL = "zeal" in sys._xoptions
# A thread makes about every 250th object that it counts for a stranger shared.
ENOUGH = 300 if ZEAL else 6000


def totals():
    return sys._gc_stats()["deferred"]


def in_threads(work, n=3):
    """Runs `work` in threads at once; what it raises is raised here."""
    errors = []
    barrier = threading.Barrier(n)

    def run():
        try:
            barrier.wait()
            work()
        except BaseException as e:
            errors.append(e)

    threads = [threading.Thread(target=run) for _ in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise errors[0]


class Thing:
    of_class = None

    def __init__(self, name="", *held):
        self.name = name
        self.held = held

    def method(self):
        return self.held

    def __del__(self):
        # At the end of the program there is no list any more.
        if died is not None:
            died.append(self.name)


died = []
Thing.of_class = Thing("of class")
shared = Thing("global")


def until(condition, what):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.001)


# Every way to load an object leads to the same one, whether it is borrowed or counted.
def every_way():
    holder = Thing("holder", Thing("a"), Thing("b"))
    holder.attribute = Thing("attribute")
    holder.function = lambda x: x
    in_list, in_dict, in_tuple = [Thing("in list")], {"k": Thing("in dict"), 5: Thing("by int")}, (Thing("in tuple"),)
    cell = Thing("cell")
    method = holder.method
    constants = [7, None, "text", 1.5]

    def reads():
        names = set()
        for _ in range(ENOUGH):
            x = holder.attribute
            y = in_list[0]
            z = in_list[-1]
            assert y is z and holder.function(y) is y
            d, i, t = in_dict["k"], in_dict[5], in_tuple[0]
            assert Thing.of_class is holder.of_class
            for item in in_list:
                assert item is y
            for item in in_tuple:
                assert item is t
            a, b = method()
            assert shared.name == "global" and cell.name == "cell"
            assert constants[0] == 7 and constants[1] is None and constants[-1] == 1.5
            names.update(o.name for o in (x, y, d, i, t, a, b, shared))
        assert names == {"attribute", "in list", "in dict", "by int", "in tuple", "a", "b", "global"}, names

    before = totals()["shared"]
    in_threads(reads)
    assert (totals()["shared"] > before + 5) == DEFERRED, (before, totals())


every_way()
gc.collect()
assert sorted(died) == sorted(["holder", "a", "b", "attribute", "in list", "in dict", "by int", "in tuple", "cell"]), died
died.clear()


# What was read often dies, at once without sharing, and soon or with gc.collect() with it.
def read_often(holder, name):
    def reads():
        for _ in range(ENOUGH):
            getattr(holder, name)
            holder.thing
    in_threads(reads)


def ends(how):
    holder = Thing("holder of thing")
    holder.thing = Thing("thing", Thing("child of thing"))
    w = weakref.ref(holder.thing)
    read_often(holder, "name")
    kept = holder.thing if how == "kept" else None
    del holder.thing
    if not DEFERRED:
        assert died == ([] if kept else ["thing", "child of thing"]), died
    if how == "waited":
        until(lambda: len(died) == 2, died)
    elif how == "revived":
        strong = w()
        gc.collect()
        if DEFERRED and strong:
            assert strong.name == "thing" and strong.held[0].name == "child of thing" and died == []
        del strong
    gc.collect()
    if kept:
        assert w() is kept and died == []
        kept = None
        gc.collect()
    assert w() is None and died == ["thing", "child of thing"], died
    died.clear()
    del holder
    gc.collect()
    died.clear()


for how in ("collected", "waited", "revived", "kept"):
    ends(how)


# A local, an argument, a value that a generator holds: all keep alive what they borrowed.
def outlives():
    holder = Thing("holder of outlives")
    holder.thing = Thing("outlived")
    read_often(holder, "thing")
    arrived, emptied = threading.Barrier(4), threading.Event()

    def of_generator():
        thing = holder.thing
        yield
        yield thing.name

    def through(thing, *rest):
        arrived.wait()
        emptied.wait()
        gc.collect()
        return thing.name

    def of_local():
        thing = holder.thing
        arrived.wait()
        emptied.wait()
        gc.collect()
        return thing.name

    def of_generator_run():
        g = of_generator()
        next(g)
        arrived.wait()
        emptied.wait()
        gc.collect()
        return next(g)

    results = []
    threads = [threading.Thread(target=lambda f=f: results.append(f()))
               for f in (of_local, of_generator_run, lambda: through(holder.thing))]
    for t in threads:
        t.start()
    arrived.wait()
    del holder.thing
    assert died == []
    emptied.set()
    for t in threads:
        t.join()
    assert results == ["outlived"] * 3, results
    gc.collect()
    assert died == ["outlived"], died
    died.clear()


for _ in range(3):
    outlives()
    gc.collect()
    died.clear()


# A chain does not take a stop for each of its links.
def chain():
    class Link:
        __slots__ = ("next",)

        def __init__(self, next):
            self.next = next

    head = None
    for _ in range(300 if ZEAL else 3000):
        head = Link(head)

    def walk():
        for _ in range(2 if ZEAL else 300):
            link = head
            while link:
                link = link.next

    in_threads(walk, 2)
    before = totals()
    link = None
    head = None
    gc.collect()
    after = totals()
    assert after["waiting"] == 0, after
    if DEFERRED and not ZEAL:
        assert after["shared"] > 1000, after
        assert after["stops"] - before["stops"] < 100, (before, after)


chain()


# Garbage in cycles whose members are shared, and their class with them.
def cycles():
    class Node:
        def __init__(self):
            self.me = self

    node = Node()

    def reads():
        for _ in range(ENOUGH):
            node.me.me.me

    in_threads(reads, 2)
    ws = weakref.ref(node), weakref.ref(Node)
    node = Node = None
    reads = None
    gc.collect()
    gc.collect()
    return ws


for _ in range(3):
    assert [w() for w in cycles()] == [None, None]


# Replacing what others read: each reader sees a whole object, old or new, never one that was not there.
def replaced():
    class Box:
        pass

    box = Box()
    box.value = (0, "0")
    box.items = [(0, "0")] * 4
    box.table = {"k": (0, "0")}
    stop = threading.Event()

    def write():
        i = 0
        try:
            while not stop.is_set():
                i += 1
                v = (i, str(i))
                box.value = v
                box.items[i & 3] = v
                box.table["k"] = v
                if i % 64 == 0:
                    box.items = [v] * 4
                    box.table = {"k": v}
        finally:
            stop.set()

    def read():
        try:
            for _ in range(ENOUGH * 4):
                for n, s in (box.value, box.items[1], box.table["k"]):
                    assert s == str(n), (n, s)
                for n, s in box.items:
                    assert s == str(n), (n, s)
        finally:
            stop.set()

    writer = threading.Thread(target=write)
    writer.start()
    in_threads(read, 2)
    writer.join()


replaced()
gc.collect()
assert sys._gc_verify() == [], sys._gc_verify()
