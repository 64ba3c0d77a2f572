"""What is atomic, seen from other threads: nothing is lost or doubled, and who looks sees one moment.

    typhon atomic_operations.py [SECONDS]

Without an argument each law is tried for a moment. In the end, every operation that `vm/THREAD_SAFETY.md` calls atomic must
have had its turn, for the types of `KINDS`.
"""
import collections
import heapq
import itertools
import pathlib
import random
import sys
import time
from _queue import Empty, SimpleQueue

from checks import run

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else .03
N = 300

# The operations of each type that a law was tried with.
TRIED = collections.defaultdict(set)


def keep_on(f):
    until = time.monotonic() + SECONDS
    f()
    while time.monotonic() < until:
        f()


# What is put in comes out, once.

def conserve(kind, puts, takes, rest=list, make=None, n_threads=3):
    """Each thread puts in numbers of its own, by one way of `puts`, and takes out what comes, by one of `takes`: these
    raise LookupError or give None if there is nothing. Nothing is lost or doubled. Ways are named after operations."""
    for (p, put), (t, take) in itertools.product(puts.items(), takes.items()):
        TRIED[kind].update(p.split(), t.split())

        def once():
            o = (make or kind)()
            taken = [[] for _ in range(n_threads)]

            def work(i):
                out = taken[i]
                for k in range(N):
                    put(o, i * N + k)
                    if k % 3 == 0:
                        try:
                            v = take(o)
                        except (LookupError, Empty):
                            continue
                        if v is not None:
                            out.append(v)
            run(*[lambda i=i: work(i) for i in range(n_threads)])
            seen = sorted(itertools.chain(*taken, rest(o)))
            what = f"{kind.__name__}: {p}, {t}: {len(seen)} of {n_threads * N}, {len(set(seen))} different"
            assert seen == list(range(n_threads * N)), what
        keep_on(once)


def remove_known(o):
    v = o[len(o) // 2]
    try:
        o.remove(v)
    except ValueError:
        return None
    return v


def every(n, f):
    """A way to put something in, and to do something else to the container every `n` times."""
    def put(o, v):
        o.append(v)
        if v % n == 0:
            f(o)
    return put


LIST_TAKES = {"pop": list.pop, "pop __delitem__": lambda o: o.pop(0), "__getitem__ __len__ remove": remove_known, "heappop": heapq.heappop}


def lists():
    conserve(list, {
        "append": list.append, "extend": lambda o, v: o.extend([v]), "insert": lambda o, v: o.insert(len(o) // 2, v),
        "__iadd__": lambda o, v: o.__iadd__((v,)), "__setitem__": lambda o, v: o.__setitem__(slice(1, 1), [v]),
        "extend set": lambda o, v: o.extend({v}), "extend dict": lambda o, v: o.extend({v: 0}.keys()), "heappush": heapq.heappush,
    }, LIST_TAKES)


def sorting():
    """What others append while a list is sorted or reversed stays."""
    conserve(list, {
        "sort": every(16, list.sort), "sort reverse": every(16, lambda o: o.sort(reverse=True)), "reverse": every(16, list.reverse),
        "heapify": every(16, heapq.heapify), "heapify_max": every(16, heapq.heapify_max),
    }, {"pop": list.pop})


def heaps():
    for push, pop, replace, pushpop, ordered in (
        (heapq.heappush, heapq.heappop, heapq.heapreplace, heapq.heappushpop, lambda a, b: a <= b),
        (heapq.heappush_max, heapq.heappop_max, heapq.heapreplace_max, heapq.heappushpop_max, lambda a, b: a >= b),
    ):
        for make in (int, float, str, lambda v: (v % 7, str(v)), lambda v: v + (1 << 70)):
            def once():
                heap = []
                out = [[], [], []]

                def work(i):
                    for k in range(N):
                        v = make(i * N + k)
                        how = k % 4
                        if how == 3:
                            out[i].append(pushpop(heap, v))
                        elif how == 2:
                            try:
                                out[i].append(replace(heap, v))
                            except IndexError:
                                push(heap, v)
                        else:
                            push(heap, v)
                            if how == 1:
                                out[i].append(pop(heap))
                run(*[lambda i=i: work(i) for i in range(3)])
                assert all(ordered(heap[(i - 1) // 2], heap[i]) for i in range(1, len(heap))), push
                assert sorted(itertools.chain(*out, heap)) == sorted(map(make, range(3 * N)))
            keep_on(once)


def deques():
    deque = collections.deque
    conserve(deque, {
        "append": deque.append, "appendleft": deque.appendleft, "extend": lambda o, v: o.extend([v]),
        "insert": lambda o, v: o.insert(3, v), "rotate": every(1, lambda o: o.rotate(5)), "reverse": every(1, deque.reverse),
    }, {"pop": deque.pop, "popleft": deque.popleft, "__getitem__ __len__ remove": remove_known})

    def change(o, k):
        """Replaces an item; the length stays."""
        o[2] = k
        o.rotate(1)

    def double_and_halve(o, k):
        o *= 2
        o.clear()
        o.extend((k, k))
    moments(deque, lambda: deque([0] * 10), change, {
        "copy": lambda o: len(o.copy()), "__copy__": lambda o: len(o.__copy__()), "__len__ __setitem__": len,
    }, lambda n: n == 10)
    moments(deque, lambda: deque([0, 0]), double_and_halve, {"__imul__ clear": lambda o: len(o.copy())}, lambda n: n in (0, 1, 2, 4))

    o = deque([7] * 90)
    run(*[lambda: [o.__delitem__(0) for _ in range(30)]] * 3)
    assert not o
    TRIED[deque].add("__delitem__")


def searches():
    """What is there all the time is found, whatever others add: no error about changes."""
    for kind in (collections.deque, list):
        TRIED[kind].update(["index", "__contains__", "count"])
        o = kind(range(40))

        def change():
            for k in range(4 * N):
                o.append(100 + k)
                if k % 50 == 49:
                    while len(o) > 60:
                        o.pop()

        def search():
            for _ in range(N):
                assert o.index(30) == 30 and 17 in o and o.count(7) == 1
        run(change, search)
    for key in (int, str, float, lambda k: (k, "x")):
        d = {key(k): k for k in range(40)}
        s = set(d)
        TRIED[dict].update(["__getitem__", "__contains__", "get"])
        TRIED[set].update(["__contains__"])

        def change():
            for k in range(100, 100 + 4 * N):
                d[key(k)] = k
                s.add(key(k))
                if k % 50 == 49:
                    for j in range(100, k + 1):
                        d.pop(key(j), None)
                        s.discard(key(j))

        def search():
            for i in range(4 * N):
                k = i % 40
                assert d[key(k)] == k and key(k) in d and d.get(key(k)) == k and key(k) in s
        run(change, search)


def queues():
    conserve(SimpleQueue, {"put": SimpleQueue.put, "put_nowait": SimpleQueue.put_nowait},
             {"get_nowait": SimpleQueue.get_nowait, "get empty qsize": lambda q: None if q.empty() else q.get(timeout=.001)},
             rest=lambda q: [q.get() for _ in range(q.qsize())])


def removed(o, v):
    try:
        o.remove(v)
    except KeyError:
        return False
    return True


def beside(f):
    def put(o, v):
        o.add(v)
        f(o)
    return put


def sets():
    all_ = set(range(3 * N))
    none = {-1, -2}
    conserve(set, {
        "add": set.add, "update": lambda o, v: o.update([v]), "__ior__": lambda o, v: o.__ior__({v}),
        "update dict": lambda o, v: o.update({v: 0}), "__ixor__": lambda o, v: o.__ixor__({v}),
        "symmetric_difference_update": lambda o, v: o.symmetric_difference_update({v}),
    }, {"pop": set.pop, "remove": lambda o: next((v for v in list(o)[:3] if removed(o, v)), None)})
    # What others add meanwhile stays.
    conserve(set, {
        "__iand__": beside(lambda o: o.__iand__(all_)), "intersection_update": beside(lambda o: o.intersection_update(all_)),
        "__isub__": beside(lambda o: o.__isub__(none)), "difference_update": beside(lambda o: o.difference_update(none)),
    }, {"pop": set.pop})


def dicts():
    def pop_key(o):
        for k in list(o.keys())[:3]:
            if o.pop(k, None) is not None:
                return k

    def delete_key(o):
        for k in list(o.keys())[:3]:
            try:
                del o[k]
            except KeyError:
                continue
            return k
    for make in (dict, lambda: collections.defaultdict(int)):
        conserve(dict, {
            "__setitem__": lambda o, v: o.__setitem__(v, v + 1), "setdefault": lambda o, v: o.setdefault(v, v + 1),
            "update": lambda o, v: o.update({v: v + 1}), "__ior__": lambda o, v: o.__ior__({v: v + 1}),
        }, {"pop": pop_key, "popitem": lambda o: o.popitem()[0], "__delitem__": delete_key}, make=make)


def counters():
    numbers = itertools.count()
    got = [[] for _ in range(3)]
    run(*[lambda out=out: out.extend(next(numbers) for _ in range(N)) for out in got])
    assert sorted(itertools.chain(*got)) == list(range(3 * N))


def random_numbers():
    """Every number of the sequence is given out once."""
    for draw in (lambda r: r.getrandbits(32), lambda r: r.random()):
        shared, alone = random.Random(5), random.Random(5)
        got = [[] for _ in range(3)]
        run(*[lambda out=out: out.extend(draw(shared) for _ in range(N)) for out in got])
        assert sorted(itertools.chain(*got)) == sorted(draw(alone) for _ in range(3 * N))


# Who looks at a container sees it as it was at one moment.

def moments(kind, start, write, looks, check):
    """`write(o, k)` changes the object in steps; what a look sees between must hold `check`. Looks are named after
    operations."""
    for name, look in looks.items():
        TRIED[kind].update(name.split())

        def once():
            o = start()
            done = []

            def writer():
                for k in range(1, N):
                    write(o, k)
                done.append(1)

            def reader():
                while not done:
                    seen = look(o)
                    assert check(seen), f"{kind.__name__}, {name}: {seen}"
            run(writer, reader, reader)
        keep_on(once)


def write_pair(o, k):
    """The first number is never behind the last, and at most one ahead of it."""
    o[0] = k
    o[-1] = k


def write_pair_of_dict(o, k):
    o["a"] = k
    o["z"] = k


def ahead(seen):
    seen = [v for v in seen if v is not None]
    return 0 <= seen[0] - seen[-1] <= 1


def extended_with(v):
    out = []
    out.extend(v)
    return out


def spliced_with(v):
    out = [None]
    out[0:0] = v
    return out


def updated_with(d):
    out = {"x": None}
    out.update(d)
    return out.values()


def joined_with(d):
    out = {"x": None}
    out |= d
    return out.values()


def lists_of_one_moment():
    moments(list, lambda: [0] * 30, write_pair, {
        "copy": list.copy, "list()": list, "tuple()": tuple, "__getitem__": lambda o: o[:], "__add__": lambda o: o + [],
        "__add__ right": lambda o: [] + o, "__mul__": lambda o: o * 1, "__rmul__": lambda o: 1 * o, "extend": extended_with,
        "__setitem__": spliced_with, "[*]": lambda o: [*o], "__iadd__": lambda o: [].__iadd__(o), "o[::1]": lambda o: o[::1],
    }, ahead)


def dicts_of_one_moment():
    start = {"a": 0, **dict.fromkeys("bcdefghijklmnopqrstuvwxy"), "z": 0}
    moments(dict, lambda: dict(start), write_pair_of_dict, {
        "copy": lambda d: d.copy().values(), "dict()": lambda d: dict(d).values(), "__or__": lambda d: (d | {}).values(),
        "__ror__": lambda d: ({} | d).values(), "list(values)": lambda d: list(d.values()), "tuple(values)": lambda d: tuple(d.values()),
        "list(items)": lambda d: [v for _, v in list(d.items())], "update": updated_with, "__ior__": joined_with,
        "{**}": lambda d: {**d}.values(), "extend(values)": lambda d: extended_with(d.values()), "[*values]": lambda d: [*d.values()],
    }, ahead)


def step(s, k):
    s.add(k)
    s.discard(k - 1)


def one_or_two(s):
    s = {v for v in s if type(v) is int}
    return len(s) in (1, 2) and max(s) - min(s) == len(s) - 1


def unite(s):
    out = {"x"}
    out |= s
    return out


def toggled(s):
    out = {"x"}
    out ^= s
    return out


def sets_of_one_moment():
    all_ = set(range(N))
    moments(set, lambda: {0, *map(str, range(20))}, step, {
        "copy discard": set.copy, "set()": set, "frozenset()": frozenset, "list()": list, "tuple()": tuple, "__or__": lambda s: s | set(),
        "__and__": lambda s: s & all_, "__rand__": lambda s: all_ & s, "__sub__": lambda s: s - {"x"}, "__xor__": lambda s: s ^ {"x"},
        "__ior__": unite, "__ixor__": toggled, "extend()": extended_with, "[*]": lambda s: [*s], "intersection": lambda s: s.intersection(all_),
        "difference": lambda s: s.difference({"x"}),
    }, one_or_two)
    moments(set, lambda: {0}, step, {
        "__le__ __ge__": lambda s: s <= all_, "isdisjoint": lambda s: not s.isdisjoint(all_), "issuperset": lambda s: all_.issuperset(s),
        "issubset": lambda s: s.issubset(all_), "__lt__ __gt__": lambda s: s < all_, "__rsub__": lambda s: len(all_ - s) in (N - 1, N - 2),
        "__len__": lambda s: len(s) in (1, 2),
    }, bool)


def all_or_nothing():
    """Who changes a container by another one does it at once."""
    more = {k: k for k in range(40)}
    keys = set(more)

    def no_part(seen):
        return seen in (0, 40)

    def length_of_copy(o):
        return len(o.copy())

    def update_and_clear(o, k):
        o.update(more)
        o.clear()

    for kind in (dict, set):
        moments(kind, kind, update_and_clear, {"update clear": length_of_copy}, no_part)
    moments(dict, dict, update_and_clear, {"__len__": lambda d: d.copy() in ({}, more)}, bool)

    def extend_and_clear(o, k):
        o.extend(more)
        o.clear()
    moments(list, list, extend_and_clear, {"extend clear": length_of_copy}, no_part)

    def repeat_and_cut(o, k):
        o *= 10
        del o[4:]
    moments(list, lambda: [1] * 4, repeat_and_cut, {"__imul__ __delitem__": length_of_copy}, lambda n: n in (4, 40))

    def unite_and_subtract(o, k):
        o |= keys
        o -= keys
    moments(set, set, unite_and_subtract, {"__ior__ __isub__": length_of_copy}, no_part)

    def toggle(o, k):
        o ^= keys
    moments(set, set, toggle, {"__ixor__": length_of_copy}, no_part)


def equality():
    """What never was equal is never found to be equal."""
    def add_the_other(pair, k):
        pair[1].add(1)
        pair[1].discard(1)
    moments(set, lambda: ({1}, {2}), add_the_other, {
        "__eq__": lambda p: p[0] == p[1], "__eq__ right": lambda p: p[1] == p[0], "__ne__": lambda p: not p[0] != p[1],
        "__le__": lambda p: p[1] <= p[0],
    }, lambda same: not same)

    def one_differs(pair, k):
        d = pair[0]
        d["a"] = 1
        d["z"] = 0
        d["z"] = 1
        d["a"] = 0
    between = dict.fromkeys("bcdefghijklmnopq", 0)
    moments(dict, lambda: ({"a": 0, **between, "z": 1}, {"a": 0, **between, "z": 0}), one_differs, {
        "__eq__": lambda p: p[0] == p[1], "__eq__ right": lambda p: p[1] == p[0], "__ne__": lambda p: not p[0] != p[1],
    }, lambda same: not same)


def both_ways():
    """Two containers that threads put into each other: no deadlock, and nothing strange in them."""
    for a, b, f in (
        ([1], [2], lambda x, y: (x.extend(y), x.__delitem__(slice(20, None)))), ({1: 1}, {2: 2}, dict.update), ({1}, {2}, set.update),
        ({1, 2}, {2, 3}, set.intersection_update), ({1, 2}, {2, 3}, set.symmetric_difference_update), ({1}, {2}, set.__eq__),
        ({1: 1}, {2: 2}, dict.__eq__), ([1], [2], lambda x, y: x + y), ({1}, {2}, set.difference_update),
    ):
        def work(x, y):
            for _ in range(N):
                f(x, y)
        run(lambda: work(a, b), lambda: work(b, a), lambda: work(a, a))
        assert set(a) | set(b) <= {1, 2, 3}


KINDS = {
    "builtins.list": list, "builtins.dict": dict, "builtins.set": set, "collections.deque": collections.deque, "_queue.SimpleQueue": SimpleQueue,
}
# What tells nothing about others.
NOT_TRIED = {"__class_getitem__", "__module__"}


def atomic_operations():
    """What the page calls atomic, by type."""
    page = pathlib.Path(__file__).resolve().parents[2] / "THREAD_SAFETY.md"
    for part in page.read_text().split("\n## ")[1:]:
        name, _, rows = part.partition("\n")
        if name not in KINDS:
            continue
        kind = KINDS[name]
        named, atomic = set(), set()
        for row in rows.splitlines():
            if row.startswith("| `") or row.startswith("| all"):
                operations, word = row.strip("| ").rsplit(" | ", 1)
                names = {o.strip("`") for o in operations.split(", ")}
                named |= names
                if word.startswith("atomic"):
                    atomic |= names
        if atomic & {"all", "all others"}:
            atomic |= set(dir(kind)) - set(dir(object)) - named
        atomic -= {"all", "all others"}
        assert named - {"all", "all others"} <= set(dir(kind)), f"{name} has no {named - set(dir(kind))}"
        yield kind, atomic - NOT_TRIED


for law in (
    lists, sorting, heaps, deques, searches, queues, sets, dicts, counters, random_numbers, lists_of_one_moment, dicts_of_one_moment,
    sets_of_one_moment, all_or_nothing, equality, both_ways,
):
    print(law.__name__, flush=True)
    law()
kinds = 0
for kind, atomic in atomic_operations():
    kinds += 1
    assert atomic <= TRIED[kind], f"{kind.__name__}: no law for {sorted(atomic - TRIED[kind])}"
assert kinds == len(KINDS)
