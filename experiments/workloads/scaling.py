"""One row of the scaling experiment: the same body in every thread, and work that is split among threads.

`rows.py` says how it is called. Rows take very different times: `ops=N` means N of the cheapest, and fewer of others.

Bodies are what CPython's free threads were slow at when its users looked (its Tools/ftscalingbench, gh-123619, gh-134761,
gh-139103, gh-145779, gh-146041), and a container that injects dependencies, part by part.
"""
import copy
import operator
import threading
import typing
from queue import SimpleQueue

import rows
from rows import expect
from shared_collections import RANGE, SIZE, Append, Counter, Deque, DictWrite

# Own work on what all share: classes, functions, constants, the modules and tables of the interpreter.


class Shape:
    def __init__(self, side):
        self.side = side
        self.name = "shape"

    def area(self):
        return self.side * self.side

    @classmethod
    def corners(cls):
        return 4

    @staticmethod
    def edges():
        return 4


class Settings:
    def __init__(self):
        self.limit = 3
        self.names = ["a", "b"]
        self.parent = Shape(2)


class Corner(typing.NamedTuple):
    x: int
    y: int
    label: str = "corner"


SETTINGS = Settings()
SHAPE = Shape(3)
LOCK = threading.Lock()


def classmethod_call(n):
    total = 0
    for _ in range(n):
        total += Shape.corners()
    return total


def staticmethod_call(n):
    total = 0
    for _ in range(n):
        total += Shape.edges()
    return total


def shared_object_method(n):
    total = 0
    for _ in range(n):
        total += SHAPE.area()
    return total


def shared_instance_attribute(n):
    """As programs read what they were configured with: by a global name, each time."""
    total = 0
    for _ in range(n):
        total += SETTINGS.limit + len(SETTINGS.names) + SETTINGS.parent.side
    return total


# As native code calls a method by its name (PyObject_CallMethod). The caller is shared, its argument is not.
AREA, CORNERS = operator.methodcaller("area"), operator.methodcaller("corners")
GET = operator.methodcaller("get", "side")


def method_by_name(n):
    mine = Shape(2)
    total = 0
    for _ in range(n):
        total += AREA(mine)
    return total


def classmethod_by_name(n):
    mine = Shape(2)
    total = 0
    for _ in range(n):
        total += CORNERS(mine)
    return total


def dict_get_by_name(n):
    mine = {"side": 2, "name": 3}
    total = 0
    for _ in range(n):
        total += GET(mine)
    return total


def setattr_non_interned(n):
    """Attributes whose names are put together each time, as those of columns or fields are."""
    total = 0
    for first in range(n // 32):
        mine = Shape(first)
        for i in range(32):
            setattr(mine, "column_" + str(i), i)
        total += len(mine.__dict__)
    return total


def lock_locked(n, lock):
    free = 0
    for _ in range(n):
        if not lock.locked():
            free += 1
    return free


def lock_locked_private(n):
    return lock_locked(n, threading.Lock())


def lock_locked_shared(n):
    return lock_locked(n, LOCK)


def count_to(n):
    i = 0
    while i < n:
        yield i
        i += 1


def generator(n):
    """Generators of one thread each, short ones, so that making them counts, too."""
    total = 0
    for _ in range(n // 8):
        for i in count_to(8):
            total += i
    return total


def typing_namedtuple(n):
    total = 0
    for i in range(n):
        total += Corner(i, 1).x
    return total


def shallow_copy(n):
    items, table, members, shape = [1, 2, 3], {"a": 1, "b": 2}, {1, 2}, Shape(4)
    total = 0
    for _ in range(n // 4):
        total += len(copy.copy(items)) + len(copy.copy(table)) + len(copy.copy(members)) + copy.copy(shape).side
    return total


def deepcopy(n):
    mine = {"items": [1, 2.5, "three"], "pair": (4, [5]), "shape": Shape(6)}
    total = 0
    for _ in range(n):
        total += copy.deepcopy(mine)["shape"].side
    return total


# A container that injects dependencies, one more part of it shared in each row.

class Provider:
    """Makes objects of a kind; or one, which it gives each time."""

    def __init__(self, kind, single):
        self.kind = kind
        self.made = kind(1) if single else None

    def resolve(self, container):
        return self.made if self.made is not None else self.kind(container.side)


class Container:
    def __init__(self, provider):
        self.providers = {provider.kind: provider}
        self.side = 1

    def resolve(self, kind):
        return self.providers[kind].resolve(self)


PROVIDER = Provider(Shape, single=False)
CONTAINER, CONTAINER_OF_ONE = Container(PROVIDER), Container(Provider(Shape, single=True))
TABLE = {"shape": SHAPE}


def resolve(n, container):
    total = 0
    for _ in range(n):
        total += container.resolve(Shape).side
    return total


def inject_globals(n):
    return resolve(n, Container(Provider(Shape, single=False)))


def inject_provider(n):
    return resolve(n, Container(PROVIDER))


def inject_container(n):
    return resolve(n, CONTAINER)


def inject_singleton(n):
    return resolve(n, CONTAINER_OF_ONE)


def dict_get(n):
    """What the rows above come down to: a shared value out of a shared dict."""
    get = TABLE.get
    for _ in range(n):
        x = get("shape")
    return x.side * n


# Beside each body what one of its operations takes, in operations of the cheapest.
BODIES = {
    "classmethod_call": (classmethod_call, 1), "staticmethod_call": (staticmethod_call, 1),
    "shared_object_method": (shared_object_method, 1), "shared_instance_attribute": (shared_instance_attribute, 1),
    "method_by_name": (method_by_name, 2), "classmethod_by_name": (classmethod_by_name, 3),
    "dict_get_by_name": (dict_get_by_name, 3), "setattr_non_interned": (setattr_non_interned, 8),
    "lock_locked_private": (lock_locked_private, 1), "lock_locked_shared": (lock_locked_shared, 1),
    "generator": (generator, 2), "typing_namedtuple": (typing_namedtuple, 8), "shallow_copy": (shallow_copy, 30),
    "deepcopy": (deepcopy, 300), "inject_globals": (inject_globals, 4), "inject_provider": (inject_provider, 4),
    "inject_container": (inject_container, 4), "inject_singleton": (inject_singleton, 3), "dict_get": (dict_get, 1),
}


# Work on one object, to which all write.

class DictIntWrite(DictWrite):
    def keys(self, worker):
        return list(range(worker * SIZE, (worker + 1) * SIZE))


class ListItem:
    """Each worker writes to an element of its own, beside those of the others."""

    def prepare(self, n_workers):
        return [None] * n_workers

    def work(self, items, worker, ops):
        for i in range(ops):
            items[worker] = i

    def check(self, items, parts, ops):
        expect(items, [ops - 1] * len(parts), "items")


class Attribute:
    """All write to one attribute: the last one wins."""

    def prepare(self, n_workers):
        return Shape(None)

    def work(self, shape, worker, ops):
        for i in range(ops):
            shape.side = i

    def check(self, shape, parts, ops):
        expect(shape.side, ops - 1, "attribute")


class SetAdd:
    """Each worker adds numbers of its own."""

    def prepare(self, n_workers):
        return set()

    def work(self, members, worker, ops):
        for i in range(worker * ops, (worker + 1) * ops):
            members.add(i)

    def check(self, members, parts, ops):
        n = ops * len(parts)
        expect((len(members), sum(members)), (n, n * (n - 1) // 2), "members and their sum")


class Queue:
    """Each worker puts and takes in turn, so that nobody waits for an item."""

    def prepare(self, n_workers):
        queue = SimpleQueue()
        for i in RANGE:
            queue.put(i)
        return queue

    def work(self, queue, worker, ops):
        balance = 0
        for i in range(ops // 2):
            queue.put(i)
            balance += i - queue.get()
        return balance

    def check(self, queue, parts, ops):
        expect(queue.qsize(), SIZE, "length")
        expect(sum(queue.get() for _ in RANGE) - sum(RANGE), sum(parts), "sum")


WRITES = {
    "locked_counter": (Counter, 4), "dict_str_keys": (DictWrite, 3), "dict_int_keys": (DictIntWrite, 2),
    "list_append": (Append, 4), "list_item": (ListItem, 1), "attribute": (Attribute, 1), "deque": (Deque, 3),
    "set_add": (SetAdd, 6), "simple_queue": (Queue, 4),
}


def measure(name, ops, n_workers):
    # Bodies have inner loops of fixed lengths, of which the operations are a multiple.
    if name in BODIES:
        body, cost = BODIES[name]
        ops = max(ops // cost // 64, 1) * 64
        ns, checksum = rows.same_body(body, ops, n_workers)
    else:
        row, cost = WRITES[name]
        ops = max(ops // cost // (2 * SIZE), 1) * 2 * SIZE
        ns, checksum = rows.same_object(row(), ops, n_workers)
    return ns, ops, checksum


if __name__ == "__main__":
    rows.main(measure)
