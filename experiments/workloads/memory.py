"""Resident memory of many objects of one kind.

    memory.py KIND PERCENT REPEATS

Prints `lab kind=KIND bytes=BYTES_PER_OBJECT checksum=NUMBER`: what the process grew by while the objects were made, as
the system sees it, and so with all that the allocator keeps for them. REPEATS is not used: memory that is used again
does not show.
"""
import os
import sys


class Instance:
    def __init__(self, a, b, c):
        self.a = a
        self.b = b
        self.c = c


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a, b):
        self.a = a
        self.b = b


KINDS = {
    "instances": (1_000_000, lambda n: [Instance(i, None, None) for i in range(n)]),
    "slotted": (1_000_000, lambda n: [Slotted(i, None) for i in range(n)]),
    "ints": (1_000_000, lambda n: list(range(n))),
    "bigints": (1_000_000, lambda n: [1 << 70 | i for i in range(n)]),
    "floats": (1_000_000, lambda n: [i * 1.5 for i in range(n)]),
    "strings": (1_000_000, lambda n: ["value %d" % i for i in range(n)]),
    "tuples": (1_000_000, lambda n: [(i, None) for i in range(n)]),
    "lists": (1_000_000, lambda n: [[i] for i in range(n)]),
    "dicts": (100_000, lambda n: [{"a": i, "b": None} for i in range(n)]),
    "sets": (100_000, lambda n: [{i} for i in range(n)]),
    "dict_of_strings": (100_000, lambda n: {"key %d" % i: "value %d" % i for i in range(n)}),
}


def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main(kind, percent):
    if kind not in KINDS:
        raise SystemExit("unknown kind: " + kind)
    n, make = KINDS[kind]
    n = n * percent // 100
    make(10)
    before = resident()
    objects = make(n)
    grown = resident() - before
    print("lab kind=%s bytes=%.1f checksum=%d" % (kind, grown / n, len(objects)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
