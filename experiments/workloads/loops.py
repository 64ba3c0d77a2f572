"""Thirteen small loops, one per kind of work an interpreter does most.

    loops.py NAME PERCENT REPEATS

Prints `lab loop=NAME ns=NANOSECONDS_PER_ITERATION checksum=RESULT`, the best of REPEATS, with the
usual number of iterations scaled to PERCENT. Every loop has a result, so that a wrong answer shows.
"""
import sys
import time


class Counter:
    def __init__(self, n=0):
        self.n = n

    def inc(self):
        self.n = self.n + 1


class Pair:
    def __init__(self, value, link):
        self.value = value
        self.link = link


class Body:
    def __init__(self, at, mass):
        self.x = at
        self.y = at * 0.5 + 1.0
        self.z = 1.0 - at
        self.vx = 0.25
        self.vy = at * 0.125
        self.vz = -0.5
        self.mass = mass


def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)


def loop(n):
    i = 0
    total = 0
    while i < n:
        if i % 3 == 0:
            total = total + i
        i = i + 1
    return total


def nbody(n, a, b, dt):
    i = 0
    while i < n:
        dx = a.x - b.x
        dy = a.y - b.y
        dz = a.z - b.z
        pull = dt / (dx * dx + dy * dy + dz * dz)
        a.vx = a.vx - dx * b.mass * pull
        b.vx = b.vx + dx * a.mass * pull
        a.vy = a.vy - dy * b.mass * pull
        b.vy = b.vy + dy * a.mass * pull
        a.vz = a.vz - dz * b.mass * pull
        b.vz = b.vz + dz * a.mass * pull
        a.x = a.x + dt * a.vx
        a.y = a.y + dt * a.vy
        a.z = a.z + dt * a.vz
        b.x = b.x + dt * b.vx
        b.y = b.y + dt * b.vy
        b.z = b.z + dt * b.vz
        i = i + 1
    return int(a.x * 1000000.0) + int(b.z * 1000000.0)


def method(n, counter):
    i = 0
    while i < n:
        counter.inc()
        i = i + 1
    return counter.n


def sieve(n, flags):
    i = 2
    count = 0
    while i <= n:
        if flags[i]:
            count = count + 1
            j = i + i
            while j <= n:
                flags[j] = False
                j = j + i
        i = i + 1
    return count


def listread(n, values):
    i = 0
    total = 0
    while i < n:
        total = total + values[i & 1023]
        i = i + 1
    return total


def listobj(n, counters):
    i = 0
    total = 0
    while i < n:
        total = total + counters[i & 1023].n
        i = i + 1
    return total


def dictstr(n, table):
    i = 0
    while i < n:
        table["alpha"] = table["beta"] + 1
        table["gamma"] = table["delta"]
        i = i + 1
    return table["alpha"] + table["gamma"]


def dictint(n, table):
    i = 0
    while i < n:
        key = i & 1023
        table[key] = table[key] + 1
        i = i + 1
    return table[5] + table[1000]


def alloc(n):
    i = 0
    while i < n:
        Pair(i, i)
        i = i + 1
    return i


def linked(n):
    head = None
    i = 0
    while i < n:
        head = Pair(i, head)
        if i & 1023 == 0:
            head = None
        i = i + 1
    return i


def count_up(n):
    i = 0
    while i < n:
        yield i
        i = i + 1


def gen(values):
    total = 0
    for value in values:
        total = total + value
    return total


def native(n):
    i = 0
    last = 0
    while i < n:
        last = abs(i)
        i = i + 1
    return last


def calls_of(n):
    """How many calls `fib(n)` makes, itself included, but not those with n < 2 that end it."""
    before, now = 1, 1
    for _ in range(1, n):
        before, now = now, before + now + 1
    return now


def prepare(name, percent):
    """The function, its arguments, and how many iterations a call stands for."""
    millions = percent * 20000
    if name == "fib":
        n = 27 if percent >= 100 else 23
        return fib, (n,), calls_of(n)
    if name == "loop":
        return loop, (millions,), millions
    if name == "nbody":
        n = millions // 10
        return nbody, (n, Body(1.5, 0.75), Body(-2.5, 0.5), 0.001), n
    if name == "method":
        return method, (millions, Counter()), millions
    if name == "sieve":
        n = millions // 2
        return sieve, (n, [True] * (n + 1)), n
    if name == "listread":
        return listread, (millions, [3] * 1024), millions
    if name == "listobj":
        return listobj, (millions, [Counter(1)] * 1024), millions
    if name == "dictstr":
        n = millions * 3 // 4
        return dictstr, (n, {"alpha": 1, "beta": 1, "gamma": 1, "delta": 1}), n
    if name == "dictint":
        n = millions * 3 // 4
        return dictint, (n, {key: 1 for key in range(1024)}), n
    if name == "alloc":
        n = millions * 3 // 4
        return alloc, (n,), n
    if name == "linked":
        n = millions * 3 // 4
        return linked, (n,), n
    if name == "gen":
        return gen, (count_up(millions),), millions
    if name == "native":
        return native, (millions,), millions
    raise SystemExit("unknown loop: " + name)


def main(name, percent, repeats):
    best = None
    for _ in range(repeats):
        function, arguments, iterations = prepare(name, percent)
        start = time.perf_counter()
        result = function(*arguments)
        taken = (time.perf_counter() - start) * 1e9 / iterations
        if best is None or taken < best:
            best = taken
    print("lab loop=%s ns=%.4f checksum=%d" % (name, best, result))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
