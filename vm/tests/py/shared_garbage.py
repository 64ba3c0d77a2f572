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

from beside import Node, command, hand_off, poll, shuffle, take, walk
from checks import ring


def put_up(board, until):
    rng = random.Random(1)
    while time.monotonic() < until:
        board[rng.randrange(len(board))] = ring(Node, 20)


def pick_up(board, until):
    rng = random.Random(2)
    while time.monotonic() < until:
        node = board[rng.randrange(len(board))]
        for _ in range(rng.randrange(200)):
            node = node.next
            assert type(node) is Node
        if rng.random() < .2:
            node.bag.append(node)


class Spy:
    """Looks at all nodes when it dies: on its maker's thread, between the two halves of a collection."""

    def __del__(self):
        for o in gc.get_objects():
            assert type(o) is not Node or type(o.next) in (Node, tuple, type(None)), o.next


def send_spies(spies, until):
    while time.monotonic() < until:
        ring(Node, 50)
        spies.extend(Spy() for _ in range(3))
        gc.collect()


def drop_spies(spies, until):
    while time.monotonic() < until:
        if spies:
            spies.popleft()


def run(seconds):
    until = time.monotonic() + seconds
    q = queue.Queue(1000)
    pool = weakref.WeakValueDictionary()
    board = [ring(Node, 20) for _ in range(4)]
    left, right = [], []
    spies = collections.deque()
    for _ in range(10):
        node = Node()
        node.next = (left, right)
        left.append(node)
    del node
    jobs = [(hand_off, q, until), (take, q), (walk, ring(Node, 1000), until), (shuffle, left, right, until),
            (shuffle, left, right, until), (put_up, board, until), (pick_up, board, until),
            (pick_up, board, until), (poll, pool, until), (poll, pool, until),
            (send_spies, spies, until), (drop_spies, spies, until)]
    failed = []
    threading.excepthook = sys.unraisablehook = failed.append
    threads = [threading.Thread(target=job, args=args) for job, *args in jobs]
    del jobs
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failed, failed
    assert len(left) + len(right) == 10, (len(left), len(right))


run(float(sys.argv[1]) if len(sys.argv) > 1 else .5)
stats = sys._gc_stats()
searches = stats["searches"]
# With a GIL, who searches has it. A search that goes on has shaken hands, and found nothing yet.
if sys._is_gil_enabled():
    assert stats["handshakes"]["count"] == 0, stats
elif searches["members"] > 0:
    assert stats["handshakes"]["count"] > 0, stats
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
    again = command("-Xgc=concurrent", "-Xzeal=500", __file__, "2")
    # Now and then one stop finds all the garbage of a run; on a busy machine, that of several.
    for _ in range(20):
        done = subprocess.run(again, check=True, timeout=120, capture_output=True, text=True)
        searches = json.loads(done.stdout)
        if searches["doubted"] > 0:
            break
    else:
        raise AssertionError(searches)
