"""One row of the programs for collections that threads share, or that only one thread knows.

`rows.py` says how it is called. Rows with a dot (`list.read`) run in the main thread, before any other thread was started.
In the others each worker makes `ops` operations, at the same time as the others.

Collections hold numbers: what is measured is the collection, not the counts of what it holds.
"""
import threading
import time
from collections import deque

import rows
from rows import expect, wrong

SIZE = 1024
KEYS = ["key-%d" % i for i in range(SIZE)]
LINES = [" ".join("word-%d" % (i * i % 509) for i in range(first, first + 512)) for first in range(0, 4096, 512)]
RANGE = range(SIZE)


# One thread. Each takes the number of operations, a multiple of SIZE.

def list_read(ops):
    items = list(RANGE)
    total = 0
    for _ in range(ops // SIZE):
        for i in RANGE:
            total += items[i]
    expect(total, ops // SIZE * sum(RANGE), "sum")


def list_write(ops):
    items = list(RANGE)
    for turn in range(ops // SIZE):
        for i in RANGE:
            items[i] = turn
    expect(items, [ops // SIZE - 1] * SIZE, "items")


def list_append(ops):
    for _ in range(ops // SIZE):
        items = []
        for i in RANGE:
            items.append(i)
    expect(items, list(RANGE), "items")


def list_resize(ops):
    items = list(RANGE)
    for i in range(ops // 2):
        items.append(i)
        items.pop()
    expect(items, list(RANGE), "items")


def list_iterate(ops):
    items = list(RANGE)
    total = 0
    for _ in range(ops // SIZE):
        for item in items:
            total += item
    expect(total, ops // SIZE * sum(RANGE), "sum")


def dict_read(ops):
    table = dict(zip(KEYS, RANGE))
    total = 0
    for _ in range(ops // SIZE):
        for key in KEYS:
            total += table[key]
    expect(total, ops // SIZE * sum(RANGE), "sum")


def dict_write(ops):
    table = dict.fromkeys(KEYS, 0)
    for turn in range(ops // SIZE):
        for key in KEYS:
            table[key] = turn
    expect(table, dict.fromkeys(KEYS, ops // SIZE - 1), "table")


def dict_append(ops):
    for _ in range(ops // SIZE):
        table = {}
        for key in KEYS:
            table[key] = 1
    expect(table, dict.fromkeys(KEYS, 1), "table")


def dict_resize(ops):
    table = dict.fromkeys(KEYS, 0)
    for _ in range(ops // (2 * SIZE)):
        for i in RANGE:
            table[i] = i
            del table[i]
    expect(table, dict.fromkeys(KEYS, 0), "table")


def dict_iterate(ops):
    table = dict(zip(KEYS, RANGE))
    total = 0
    for _ in range(ops // SIZE):
        for value in table.values():
            total += value
    expect(total, ops // SIZE * sum(RANGE), "sum")


def set_read(ops):
    members = set(KEYS)
    found = 0
    for _ in range(ops // SIZE):
        for key in KEYS:
            if key in members:
                found += 1
    expect(found, ops // SIZE * SIZE, "found")


def set_write(ops):
    members = set(KEYS)
    for _ in range(ops // SIZE):
        for key in KEYS:
            members.add(key)
    expect(len(members), SIZE, "size")


def set_append(ops):
    for _ in range(ops // SIZE):
        members = set()
        for key in KEYS:
            members.add(key)
    expect(members, set(KEYS), "members")


def set_resize(ops):
    members = set(KEYS)
    for _ in range(ops // (2 * SIZE)):
        for i in RANGE:
            members.add(i)
            members.discard(i)
    expect(members, set(KEYS), "members")


def set_iterate(ops):
    members = set(RANGE)
    total = 0
    for _ in range(ops // SIZE):
        for member in members:
            total += member
    expect(total, ops // SIZE * sum(RANGE), "sum")


SINGLE = {
    "list.read": list_read, "list.write": list_write, "list.append": list_append, "list.resize": list_resize,
    "list.iterate": list_iterate, "dict.read": dict_read, "dict.write": dict_write, "dict.append": dict_append,
    "dict.resize": dict_resize, "dict.iterate": dict_iterate, "set.read": set_read, "set.write": set_write,
    "set.append": set_append, "set.resize": set_resize, "set.iterate": set_iterate,
}


# Several threads: classes for `rows.same_object`.

class Elements:
    """A list of numbers in which each worker has a stretch of SIZE to write to; it reads everywhere."""

    def prepare(self, n_workers):
        return [0] * (SIZE * n_workers)

    def stretch(self, worker):
        return range(SIZE * worker, SIZE * (worker + 1))

    def written(self, ops):
        """What the elements are at the end."""
        return ops // SIZE - 1

    def check(self, items, parts, ops):
        expect(items, [self.written(ops)] * (SIZE * len(parts)), "items")


class Read(Elements):
    def prepare(self, n_workers):
        return list(RANGE)

    def work(self, items, worker, ops):
        total = 0
        for _ in range(ops // SIZE):
            for i in RANGE:
                total += items[i]
        return total

    def check(self, items, parts, ops):
        expect(parts, [ops // SIZE * sum(RANGE)] * len(parts), "sums")


class Write(Elements):
    def work(self, items, worker, ops):
        stretch = self.stretch(worker)
        for turn in range(ops // SIZE):
            for i in stretch:
                items[i] = turn


class Mixed(Elements):
    """Nine reads of what all write, one write to an own element."""

    def work(self, items, worker, ops):
        first, n = SIZE * worker, len(items) - 9
        at = 0
        for turn in range(ops // 10):
            items[first + (turn & 1023)] = 1
            total = items[at] + items[at + 1] + items[at + 2] + items[at + 3] + items[at + 4]
            total += items[at + 5] + items[at + 6] + items[at + 7] + items[at + 8]
            if total > 9:
                wrong("an element that nobody wrote")
            at += 9
            if at > n:
                at = 0

    def written(self, ops):
        return 1


class Own(Mixed):
    """As `Mixed`, on a list that only this worker knows: the ceiling."""

    def prepare(self, n_workers):
        return None

    def work(self, nothing, worker, ops):
        items = [0] * (SIZE * 2)
        Mixed.work(self, items, 0, ops)
        return items

    def check(self, nothing, parts, ops):
        for items in parts:
            expect(items, [1] * SIZE + [0] * SIZE, "items")


class DictRead:
    def prepare(self, n_workers):
        return dict(zip(KEYS, RANGE))

    def work(self, table, worker, ops):
        # Strings of its own, so that no worker counts the references of another's.
        keys = ["key-%d" % i for i in RANGE]
        total = 0
        for _ in range(ops // SIZE):
            for key in keys:
                total += table[key]
        return total

    def check(self, table, parts, ops):
        expect(parts, [ops // SIZE * sum(RANGE)] * len(parts), "sums")


class DictWrite:
    """Each worker writes to keys of its own, which are in the dict already."""

    def keys(self, worker):
        return ["%d-%d" % (worker, i) for i in RANGE]

    def prepare(self, n_workers):
        return {key: 0 for worker in range(n_workers) for key in self.keys(worker)}

    def work(self, table, worker, ops):
        keys = self.keys(worker)
        for turn in range(ops // SIZE):
            for key in keys:
                table[key] = turn

    def check(self, table, parts, ops):
        expect(len(table), SIZE * len(parts), "keys")
        expect(set(table.values()), {ops // SIZE - 1}, "values")


class DictResize:
    """Each worker inserts and deletes keys of its own."""

    def prepare(self, n_workers):
        return dict.fromkeys(KEYS, 0)

    def work(self, table, worker, ops):
        keys = ["%d-%d" % (worker, i) for i in RANGE]
        for turn in range(ops // (2 * SIZE)):
            for key in keys:
                table[key] = turn
                del table[key]

    def check(self, table, parts, ops):
        expect(table, dict.fromkeys(KEYS, 0), "table")


class Append:
    """All workers append to one list."""

    def prepare(self, n_workers):
        return []

    def work(self, items, worker, ops):
        first = worker * ops
        for i in range(first, first + ops):
            items.append(i)

    def check(self, items, parts, ops):
        expect(len(items), ops * len(parts), "length")
        # Nothing lost or doubled, and each worker's in the order in which it appended them.
        following = [worker * ops for worker in range(len(parts))]
        for item in items:
            worker = item // ops
            expect(item, following[worker], "order")
            following[worker] += 1


class AppendLocked(Append):
    """The same under a lock of the program: what a plain lock costs."""

    def prepare(self, n_workers):
        self.lock = threading.Lock()
        return []

    def work(self, items, worker, ops):
        lock = self.lock
        first = worker * ops
        for i in range(first, first + ops):
            with lock:
                items.append(i)


class Resize:
    """All workers append to one list and pop from it."""

    def prepare(self, n_workers):
        return [0] * SIZE

    def work(self, items, worker, ops):
        balance = 0
        for i in range(ops // 2):
            items.append(i)
            balance += i - items.pop()
        return balance

    def check(self, items, parts, ops):
        expect(len(items), SIZE, "length")
        expect(sum(items), sum(parts), "sum")


class Deque:
    """All workers append to one deque and take from its other end."""

    def prepare(self, n_workers):
        return deque([0] * SIZE)

    def work(self, items, worker, ops):
        balance = 0
        for i in range(ops // 2):
            items.append(i)
            balance += i - items.popleft()
        return balance

    check = Resize.check


class Counter:
    """One counter under one lock."""

    def prepare(self, n_workers):
        self.lock = threading.Lock()
        return [0]

    def work(self, cell, worker, ops):
        lock = self.lock
        for _ in range(ops):
            with lock:
                cell[0] += 1

    def check(self, cell, parts, ops):
        expect(cell[0], ops * len(parts), "counter")


class WordCount:
    """Counts the 512 words of a line in a dict of its own, and adds that to the shared dict under one lock of 16."""

    def prepare(self, n_workers):
        self.locks = [threading.Lock() for _ in range(16)]
        return {}

    def work(self, table, worker, ops):
        locks = self.locks
        for line in range(ops // 512):
            counts = {}
            for word in LINES[line % len(LINES)].split():
                counts[word] = counts.get(word, 0) + 1
            for word, count in counts.items():
                with locks[hash(word) & 15]:
                    table[word] = table.get(word, 0) + count

    def check(self, table, parts, ops):
        expected = {}
        for line in range(ops // 512):
            for word in LINES[line % len(LINES)].split():
                expected[word] = expected.get(word, 0) + len(parts)
        expect(table, expected, "counts")


class Bank:
    """Moves money between accounts in a shared list, under the locks of both."""

    def prepare(self, n_workers):
        self.locks = [threading.Lock() for _ in RANGE]
        self.moved = [0] * n_workers
        return [100] * SIZE

    def work(self, accounts, worker, ops):
        locks = self.locks
        value = worker + 1
        taken = 0
        for _ in range(ops):
            value = (value * 1103515245 + 12345) & 0x7FFFFFFF
            low, high = value >> 8 & 1023, value >> 18 & 1023
            if low == high:
                continue
            if low > high:
                low, high = high, low
            with locks[low]:
                with locks[high]:
                    amount = value >> 4 & 15
                    if accounts[low] >= amount:
                        accounts[low] -= amount
                        accounts[high] += amount
                        taken += 1
        return taken

    def check(self, accounts, parts, ops):
        expect(sum(accounts), 100 * SIZE, "money")
        expect(min(accounts) >= 0, True, "an overdrawn account")
        expect(all(parts), True, "a worker that moved nothing")


SHARED = {
    "own": Own, "read": Read, "write": Write, "mixed": Mixed, "dict_read": DictRead, "dict_write": DictWrite,
    "dict_resize": DictResize, "append": Append, "append_locked": AppendLocked, "resize": Resize, "deque": Deque,
    "counter": Counter, "wordcount": WordCount, "bank": Bank,
}


def measure(name, ops, n_workers):
    if name in SHARED:
        ns, checksum = rows.same_object(SHARED[name](), ops, n_workers)
        return ns, ops, checksum
    began = time.perf_counter_ns()
    SINGLE[name](ops)
    return time.perf_counter_ns() - began, ops, ops


if __name__ == "__main__":
    rows.main(measure)
