"""Cycles of many kinds, made, moved, walked and dropped by several threads beside the collector.

    beside.py                  two seconds with each collector
    beside.py SECONDS SEED     with the collector of the command line; -X zeal=2000 has every proof made by watching
                               made again in a stop, and counts them: `doubted`, `disagreements`
"""
import collections
import gc
import queue
import random
import subprocess
import sys
import threading
import time
import weakref

from checks import ring


class Node:
    def __init__(self):
        self.next = None
        self.bag = []


class Finalized(Node):
    ran = collections.deque()

    def __del__(self):
        Finalized.ran.append(1)


class Escaping(Node):
    kept = collections.deque(maxlen=50)

    def __del__(self):
        Escaping.kept.append(self)


def pair(rng):
    a = Node()
    a.next = Node()
    a.next.next = a


def finalized(rng):
    a = Finalized()
    a.next = a
    return 1


def escaping(rng):
    a = Escaping()
    a.next = [a]


def containers(rng):
    d = {}
    d["d"] = d
    d["l"] = [d]
    s = Node()
    s.bag = {s}
    s.next = (s, [s])
    q = collections.deque()
    q.append(q)
    q.append([q])


def generator(rng):
    box = []

    def g():
        me = box[0]
        while True:
            yield me

    box.append(g())
    next(box[0])


def called_back(rng):
    a = Node()
    a.next = a
    a.bag = weakref.ref(a, lambda r: None)


def closure(rng):
    def f():
        return f


def class_and_instance(rng):
    class C:
        pass

    C.me = C()


def exception(rng):
    try:
        raise ValueError
    except ValueError as e:
        a = Node()
        a.next = e
        a.bag = a


def long_ring(rng):
    prev = first = Node()
    for _ in range(rng.randrange(200)):
        n = Node()
        n.next = prev
        prev.bag.append(n)
        prev = n
    first.next = prev


KINDS = [pair, pair, pair, finalized, escaping, containers, containers, generator, called_back, closure,
         class_and_instance, exception, long_ring]


def churn(seed, until, made):
    rng = random.Random(seed)
    n = 0
    while time.monotonic() < until:
        for _ in range(50):
            n += rng.choice(KINDS)(rng) or 0
    made.append(n)


def hand_off(q, until):
    while time.monotonic() < until:
        for _ in range(20):
            a = Node()
            a.next = a
            a.bag = [a]
            q.put(a)
    q.put(None)


def take(q):
    while (a := q.get()) is not None:
        assert a.next is a and a.bag[0] is a
        if random.random() < .5:
            a.next = None


def walk(node, until):
    while time.monotonic() < until:
        for _ in range(1000):
            node = node.next
            assert node is not None


def shuffle(a, b, until):
    while time.monotonic() < until:
        for _ in range(100):
            for here, there in ((a, b), (b, a)):
                try:
                    there.append(here.pop())
                except IndexError:
                    pass


def outlived(until):
    # Cycles of threads that have ended, touched by another one.
    def make():
        for _ in range(200):
            a = Node()
            a.next = a
            box.append(a)

    while time.monotonic() < until:
        box = []
        maker = threading.Thread(target=make)
        maker.start()
        while maker.is_alive():
            if box:
                box[-1].bag.append(box[-1])
        maker.join()


def chain(q, until):
    while time.monotonic() < until:
        q.put(ring(Node, 300))
    q.put(None)


def take_chain(q):
    while (a := q.get()) is not None:
        a.bag.append(a)


def poll(pool, until):
    while time.monotonic() < until:
        for k in list(pool.keys()):
            v = pool.get(k)
            assert v is None or v.next is v
        for k in range(20):
            a = Node()
            a.next = a
            pool[k] = a
        time.sleep(0)


def collect_exactly(until):
    """gc.collect() finds what was garbage before, whatever other threads do."""
    while time.monotonic() < until:
        a = Node()
        a.next = a
        gone = weakref.ref(a)
        del a
        gc.collect()
        assert gone() is None


def run(seconds, seed):
    gc.collect()
    live = [[i] for i in range(30000)]
    until = time.monotonic() + seconds
    made = []
    q = queue.Queue(100)
    chains = queue.Queue(20)
    pool = weakref.WeakValueDictionary()
    walked = ring(Node, 1000)
    left, right = [], []
    for i in range(10):
        n = Node()
        n.next = (left, right)
        left.append(n)
    jobs = [(churn, seed, until, made), (churn, seed + 1, until, made), (hand_off, q, until), (take, q),
            (walk, walked, until), (poll, pool, until), (collect_exactly, until), (shuffle, left, right, until),
            (shuffle, left, right, until), (outlived, until), (chain, chains, until), (take_chain, chains)]
    failed = []
    threading.excepthook = failed.append
    threads = [threading.Thread(target=f, args=args) for f, *args in jobs]
    for t in threads:
        t.start()
    while any(t.is_alive() for t in threads):
        time.sleep(.2)
        if random.random() < .3:
            gc.collect(random.randrange(3))
    for t in threads:
        t.join()
    assert not failed, failed
    assert len(left) + len(right) == 10, (len(left), len(right))
    for i in range(4):
        gc.collect()
        Escaping.kept.clear()
    pool.clear()
    gc.collect()
    gc.collect()
    assert sum(made) == len(Finalized.ran), (sum(made), len(Finalized.ran))
    assert [x[0] for x in live] == list(range(30000))
    findings = sys._gc_verify()
    assert not findings, findings[:5]
    counts = collections.Counter(type(o).__name__ for o in gc.get_objects())
    assert 1010 <= counts["Node"] <= 1015, counts["Node"]
    assert counts["Finalized"] == 0, counts["Finalized"]
    searches = sys._gc_stats()["searches"]
    assert searches["members"] > 0, "nothing was searched beside the threads"
    assert searches["disagreements"] == 0
    print(searches)


def command(*more):
    """Starts the running program anew, with threads that count as here."""
    options = [f"-X{key}={value}" for key, value in sys._xoptions.items() if key in ("gil", "refcount")]
    return [sys.executable, *options, *more]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        run(float(sys.argv[1]), int(sys.argv[2]))
    else:
        for strategy in ("rendezvous", "concurrent"):
            subprocess.run(command(f"-Xgc={strategy}", __file__, "2", "1"), check=True, timeout=120)
    print("ok")
