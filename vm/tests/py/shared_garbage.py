"""Cycles that several threads have known: handed on, picked up and lost, shuffled, polled through weak references."""
import collections
import gc
import json
import queue
import random
import subprocess
import sys
import threading
import time
import weakref


class Node:
    __slots__ = ("next", "bag", "__weakref__")

    def __init__(self):
        self.next = None
        self.bag = []


def ring(n):
    first = node = Node()
    for _ in range(n - 1):
        new = Node()
        new.next = node
        node = new
    first.next = node
    return node


def hand_on(until, q):
    while time.monotonic() < until:
        batch = []
        for _ in range(50):
            a = Node()
            a.next = a
            a.bag.append(a)
            batch.append(a)
        q.put(batch)
    q.put(None)


def take(q):
    while (batch := q.get()) is not None:
        for a in batch:
            assert a.next is a and a.bag[0] is a
            if random.random() < .3:
                b = Node()
                b.next = a
                a.bag.append(b)


def walk(until, node):
    while time.monotonic() < until:
        for _ in range(1000):
            node = node.next
            assert node is not None


def shuffle(until, a, b):
    while time.monotonic() < until:
        for _ in range(100):
            for here, there in ((a, b), (b, a)):
                try:
                    there.append(here.pop())
                except IndexError:
                    pass


def put_up(until, board):
    rng = random.Random(1)
    while time.monotonic() < until:
        board[rng.randrange(len(board))] = ring(20)


def pick_up(until, board):
    rng = random.Random(2)
    while time.monotonic() < until:
        node = board[rng.randrange(len(board))]
        for _ in range(rng.randrange(200)):
            node = node.next
            assert type(node) is Node
        if rng.random() < .2:
            node.bag.append(node)


def poll(until, pool):
    while time.monotonic() < until:
        for key in list(pool.keys()):
            value = pool.get(key)
            assert value is None or value.next is value
        value = None
        for key in range(20):
            a = Node()
            a.next = a
            pool[key] = a


def run(seconds):
    until = time.monotonic() + seconds
    q = queue.Queue(50)
    pool = weakref.WeakValueDictionary()
    board = [ring(20) for _ in range(4)]
    left, right = [], []
    for _ in range(10):
        node = Node()
        node.next = (left, right)
        left.append(node)
    del node
    jobs = [(hand_on, until, q), (take, q), (walk, until, ring(1000)), (shuffle, until, left, right),
            (shuffle, until, left, right), (put_up, until, board), (pick_up, until, board),
            (pick_up, until, board), (poll, until, pool), (poll, until, pool)]
    failed = []
    threading.excepthook = failed.append
    threads = [threading.Thread(target=job, args=args) for job, *args in jobs]
    del jobs
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failed, failed
    assert len(left) + len(right) == 10, (len(left), len(right))


run(float(sys.argv[1]) if len(sys.argv) > 1 else .5)
searches = sys._gc_stats()["searches"]
gc.collect()
gc.collect()
counts = collections.Counter(type(o).__name__ for o in gc.get_objects())
assert counts["Node"] == 0, counts["Node"]
findings = sys._gc_verify()
assert not findings, findings[:5]
# With -X zeal, what was proved dead by watching is looked at again in a stop.
assert searches["disagreements"] == 0, searches
if "gc" in sys._xoptions:
    print(json.dumps(searches))
elif not sys._is_gil_enabled():
    options = [f"-X{key}={value}" for key, value in sys._xoptions.items() if key in ("gil", "refcount")]
    command = [sys.executable, *options, "-Xgc=concurrent", "-Xzeal=500", __file__, "2"]
    done = subprocess.run(command, check=True, timeout=120, capture_output=True, text=True)
    searches = json.loads(done.stdout)
    assert searches["doubted"] > 0, searches
