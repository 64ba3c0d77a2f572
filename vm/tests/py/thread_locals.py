"""threading.local: who holds the dicts, and how long; handles of threads; the import lock over a fork."""
import _imp
import _thread
import gc
import os
import threading
import weakref

# A thread that makes many does not keep their dicts.


def n():
    gc.collect()
    return len(gc.get_objects())


for i in range(100):
    l = threading.local()
    l.x = i
before = n()
for i in range(3000):
    l = threading.local()
    l.x = [i]
assert n() - before < 100, n() - before

# What a thread stored dies with the thread; a cycle through the object is garbage.


class Mortal:
    # `+=` on a shared counter would lose deaths of threads that end together; append() loses none.
    deaths = []

    def __del__(self):
        self.deaths.append(None)


l = threading.local()


def use():
    l.x = Mortal()
    l.y = l


threads = [threading.Thread(target=use) for _ in range(100)]
for t in threads:
    t.start()
for t in threads:
    t.join()
assert len(Mortal.deaths) == 100, len(Mortal.deaths)


class Holder:
    pass


h = Holder()
h.local = threading.local()
h.local.h = h
gone = weakref.ref(h)
del h
gc.collect()
assert gone() is None

# __init__ runs once in each thread; __dict__ is the thread's, and stays.


class Local(threading.local):
    def __init__(self, a):
        self.a = a


k = Local(7)
out = []


def read():
    out.append(k.a)
    k.a = 8
    out.append(k.a)


t = threading.Thread(target=read)
t.start()
t.join()
assert out == [7, 8] and k.a == 7 and k.__dict__ == {"a": 7}
for action in (lambda: setattr(k, "__dict__", {}), lambda: delattr(k, "__dict__")):
    try:
        action()
    except AttributeError as e:
        assert "read-only" in str(e), e
    else:
        raise AssertionError("__dict__ can be replaced")

for method in ("join", "_set_done"):
    try:
        getattr(_thread._ThreadHandle(), method)()
    except RuntimeError as e:
        assert str(e) == "thread not started", e
    else:
        raise AssertionError(method)

# A fork waits for the import lock; what the forking thread held, both hold after it.
for level in range(3):
    for _ in range(level):
        _imp.acquire_lock()
    pid = os.fork()
    for _ in range(level):
        _imp.release_lock()
    held = _imp.lock_held()
    if pid == 0:
        os._exit(9 if held else 0)
    assert not held and os.waitpid(pid, 0)[1] == 0

modules = "half"
started = threading.Event()


def importer():
    global modules
    _imp.acquire_lock()
    started.set()
    threading.Event().wait(.02)
    modules = "whole"
    _imp.release_lock()


t = threading.Thread(target=importer)
t.start()
started.wait()
pid = os.fork()
if pid == 0:
    os._exit(0 if modules == "whole" else 9)
t.join()
assert os.waitpid(pid, 0)[1] == 0
print("ok")
