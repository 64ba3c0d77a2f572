"""queue.SimpleQueue: order, waiting, time limits, many threads, signals, cycles."""
import _queue
import gc
import os
import queue
import signal
import threading
import time
import weakref

from checks import raises

assert queue.SimpleQueue is _queue.SimpleQueue and queue.Empty is _queue.Empty
q = queue.SimpleQueue()
assert q.empty() and q.qsize() == 0
for i in range(5):
    q.put(i, False, 3)
q.put_nowait(item=5)
assert not q.empty() and q.qsize() == 6
assert [q.get() for _ in range(3)] + [q.get(block=False), q.get_nowait(), q.get(timeout=1)] == list(range(6))


raises(queue.Empty, q.get_nowait)
raises(queue.Empty, q.get, False)
raises(queue.Empty, q.get, block=False, timeout=-1)
raises(queue.Empty, q.get, timeout=0)
began = time.monotonic()
raises(queue.Empty, q.get, timeout=.05)
assert time.monotonic() - began >= .05
assert str(raises(ValueError, q.get, timeout=-1)) == "'timeout' must be a non-negative number"
raises(ValueError, q.get, timeout=float("nan"))
raises(OverflowError, q.get, timeout=1e300)
raises(TypeError, q.get, timeout="1")
raises(TypeError, q.put)
raises(TypeError, queue.SimpleQueue, 1)
assert queue.SimpleQueue[int].__origin__ is queue.SimpleQueue

# Everything that is put in comes out once; readers with a limit and without.
N, WRITERS = 2000, 3
q = queue.SimpleQueue()
found = []


def write(first):
    for i in range(first, first + N):
        q.put(i)


def read(timeout):
    mine = []
    while True:
        try:
            item = q.get(timeout=timeout)
        except queue.Empty:
            continue
        if item is None:
            break
        mine.append(item)
    found.append(mine)


readers = [threading.Thread(target=read, args=(t,)) for t in (None, .0001, None, .001)]
writers = [threading.Thread(target=write, args=(i * N,)) for i in range(WRITERS)]
for thread in readers + writers:
    thread.start()
for thread in writers:
    thread.join()
for _ in readers:
    q.put(None)
for thread in readers:
    thread.join()
assert sorted(sum(found, [])) == list(range(N * WRITERS))
for mine in found:
    for i in range(WRITERS):
        part = [item for item in mine if item // N == i]
        assert part == sorted(part), "one reader sees one writer's items in order"

# A handler that raises ends the wait, one that returns does not.
handled = []


def handler(*_):
    handled.append(1)
    if len(handled) > 1:
        raise KeyError


signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, .05, .05)
raises(KeyError, q.get)
signal.setitimer(signal.ITIMER_REAL, 0)
assert len(handled) == 2
q.put(1)
assert q.get() == 1

# A forked child calls its own readers, not those that wait in the parent.
waiting = threading.Thread(target=q.get)
waiting.start()
time.sleep(.05)
child = os.fork()
if child == 0:
    reader = threading.Thread(target=q.get, daemon=True)
    reader.start()
    time.sleep(.05)
    q.put(1)
    reader.join(60)
    os._exit(reader.is_alive())
assert os.waitpid(child, 0)[1] == 0
q.put(1)
waiting.join()


class Item:
    pass


item = Item()
item.queue = queue.SimpleQueue()
item.queue.put(item)
gone = weakref.ref(item)
del item
gc.collect()
assert gone() is None
print("ok")
