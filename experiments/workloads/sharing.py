"""One row of the sharing ladder: threads that read what the main thread made, and write nothing.

`rows.py` says how it is called; an operation is a read.
"""
import rows


class Node:
    def __init__(self, value):
        self.value = value
        self.next = None

    def method(self):
        return 1


ITEMS = [Node(i) for i in range(64)]
TABLE = {"key-%d" % i: Node(i) for i in range(64)}
KEYS = list(TABLE)
FIRST, SECOND = Node(1), [Node(2)]
HOLDER = Node(Node(3))
METHOD = HOLDER.method
RESULT = (Node(4), [5])
for i, node in enumerate(ITEMS):
    node.next = ITEMS[(i + 1) % len(ITEMS)]


def nothing(n):
    mine = [Node(1), Node(2)]
    for i in range(n):
        x = mine[i & 1]
    return x.value and n


def global_(n):
    for _ in range(n // 2):
        x = FIRST
        x = SECOND
    return len(x) * n


def attribute(n):
    holder = HOLDER
    for _ in range(n):
        x = holder.value
    return x.value * n


def dict_(n):
    table, keys = TABLE, KEYS[:]
    total = 0
    for i in range(n):
        total += table[keys[i & 63]].value
    return total


def method(n):
    total = 0
    for _ in range(n):
        total += METHOD()
    return total


def list_(n):
    items = ITEMS
    total = 0
    for _ in range(n // 64):
        for item in items:
            total += item.value
    return total


def ring(n):
    node = ITEMS[0]
    for _ in range(n):
        node = node.next
    return node.value + n


def get_result():
    return RESULT


def result(n):
    for _ in range(n):
        x = get_result()
    return len(x) * n


ROWS = {
    "nothing": nothing, "global": global_, "attribute": attribute, "dict": dict_, "method": method, "list": list_,
    "ring": ring, "result": result,
}


def measure(name, reads, n_workers):
    ns, checksum = rows.same_body(ROWS[name], reads, n_workers)
    return ns, reads, checksum


if __name__ == "__main__":
    rows.main(measure)
