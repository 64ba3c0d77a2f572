# Containers that several threads change and read at once: nothing may be lost that no thread removed,
# no reader may see what was never stored, nothing may crash.

import threading
import time

from checks import run

N = 4
ROUNDS = 3000


def each(f):
    return [lambda i=i: f(i) for i in range(N)]


# appends of all threads arrive, those of one thread in order
shared = []


def append(i):
    for k in range(ROUNDS):
        shared.append((i, k))


run(*each(append))
assert len(shared) == N * ROUNDS
for i in range(N):
    assert [k for j, k in shared if j == i] == list(range(ROUNDS))

# pops give every item out once
taken = [[] for _ in range(N)]


def pop(i):
    out = taken[i]
    while True:
        try:
            out.append(shared.pop())
        except IndexError:
            return


run(*each(pop))
assert not shared and sorted(x for out in taken for x in out) == sorted((i, k) for i in range(N) for k in range(ROUNDS))

# reading while the list is rebuilt
shared = [str(i) for i in range(100)]
allowed = {str(i) for i in range(200)}
done = False


def rebuild():
    global done
    for k in range(ROUNDS):
        op = k % 6
        if op == 0:
            shared[:] = [str(i) for i in range(k % 200)]
        elif op == 1:
            shared.extend(str(i) for i in range(k % 20))
        elif op == 2:
            shared.clear()
        elif op == 3:
            shared.insert(0, str(k % 200))
        elif op == 4 and shared:
            del shared[0]
        elif op == 5:
            shared.reverse()
            shared.sort()
    done = True


def read():
    while not done:
        for v in shared:
            assert v in allowed, v
        for i in range(len(shared) + 2):
            try:
                assert shared[i] in allowed
            except IndexError:
                pass
        assert all(v in allowed for v in shared[::2])
        assert "nothing" not in shared


run(rebuild, read, read)

# reading a list that is empty every now and then, as its owner and as a stranger
letters = [chr(ord("a") + i) for i in range(26)]
shared = []
done = False


def refill():
    global done
    for _ in range(20 * ROUNDS):
        shared[:] = letters
        shared.clear()
        shared.clear()
    done = True


def read_letter():
    while not done:
        try:
            assert shared[20] == "u"
        except IndexError:
            pass


fillers = [threading.Thread(target=refill), threading.Thread(target=read_letter)]
for t in fillers:
    t.start()
read_letter()
for t in fillers:
    t.join()

# a list that several threads have used is sorted like any other; a change meanwhile is noticed
shared.extend(letters)
shared.sort(key=lambda v: -ord(v))
assert shared == letters[::-1]
try:
    shared.sort(key=lambda v: shared.append(v) or shared.pop())
    assert False
except ValueError as e:
    assert str(e) == "list modified during sort" and sorted(shared) == letters

# a dict with own keys per thread
d = {}


def own_keys(i):
    for k in range(ROUNDS):
        d[(i, k)] = k
        d["%d-%d" % (i, k)] = [k]
        if k % 3 == 0:
            del d[(i, k)]
        assert d["%d-%d" % (i, k)] == [k]


run(*each(own_keys))
assert len(d) == N * (2 * ROUNDS - ROUNDS // 3)
for i in range(N):
    for k in range(ROUNDS):
        assert ((i, k) in d) == (k % 3 != 0)

# setdefault: one winner for each key
d = {}
winners = [[] for _ in range(N)]


def set_default(i):
    for k in range(ROUNDS):
        if d.setdefault("k%d" % k, i) == i:
            winners[i].append(k)


run(*each(set_default))
assert sum(map(len, winners)) == ROUNDS == len(d)

# readers of a dict that grows, shrinks and is cleared
d = {}
done = False


def change():
    global done
    for k in range(ROUNDS * 3):
        key = "key%d" % (k % 300)
        op = k % 7
        if op < 4:
            d[key] = [key]
        elif op < 6:
            d.pop(key, None)
        elif k % 70 == 6:
            d.clear()
        elif d:
            d.popitem()
    done = True


def look():
    while not done:
        for k in range(0, 300, 7):
            key = "key%d" % k
            v = d.get(key)
            assert v is None or v == [key], v
        try:
            for k, v in d.items():
                assert v == [k]
        except RuntimeError:
            pass
        for k, v in list(d.copy().items()):
            assert v == [k]


run(change, look, look)

# sets
s = set()


def members(i):
    for k in range(ROUNDS):
        s.add(i * ROUNDS + k)
        assert i * ROUNDS + k in s
        if k % 2:
            s.discard(i * ROUNDS + k)


run(*each(members))
assert s == {i * ROUNDS + k for i in range(N) for k in range(0, ROUNDS, 2)}

# one iterator for all: every item at least once, no item that is not there, the end for everybody
items = [object() for _ in range(ROUNDS)]
for source in (items, tuple(items), dict.fromkeys(items), set(items)):
    it = iter(source)
    got = [[] for _ in range(N)]

    def drain(i):
        try:
            for v in it:
                got[i].append(v)
        except RuntimeError:
            pass

    run(*each(drain))
    assert {id(v) for out in got for v in out} <= {id(v) for v in items}
    assert next(it, None) is None

# who made a list reads it without a lock, while a stranger changes its length and its buffer


def look_as_owner():
    made = items[:8]
    known = {id(v) for v in made}
    until = time.monotonic() + 1.5

    def stranger():
        while time.monotonic() < until:
            for _ in range(500):
                made.pop()
                made.append(items[7])
                made.clear()
                made.extend(items[:8])

    t = threading.Thread(target=stranger)
    t.start()
    while time.monotonic() < until:
        for _ in range(500):
            try:
                v = made[7]
                assert id(v) in known, v
                v = made[-1]
                assert id(v) in known, v
                a, b, c, d, e, f, g, h = made
            except (IndexError, ValueError):
                continue
            for v in (a, b, c, d, e, f, g, h):
                assert id(v) in known, v
    t.join()


look_as_owner()

print("ok")
