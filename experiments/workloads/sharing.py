"""One row of the sharing ladder: threads that read what the main thread made, and write nothing.

    sharing.py ROW workers=N reads=N repeats=N [hold=1] [count=1]

Each worker makes `reads` reads. Prints the time until all are done, by the clock on the wall, per read of one worker; the
first repeat is not reported. `hold=1` prints `lab ready` and waits for a line, so that several processes can begin at
once. `count=1` prints how many references were counted in words that threads share, where the interpreter says that
(Typhon under -X sync-stats).
"""
import sys
import threading
import time


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


def timed(body, reads, n_workers):
    """Time from the start of the first worker to the end of the last, and what they all return."""
    barrier = threading.Barrier(n_workers)
    results, began, ended = [0] * n_workers, [0] * n_workers, [0] * n_workers

    def run(worker):
        barrier.wait()
        began[worker] = time.perf_counter_ns()
        results[worker] = body(reads)
        ended[worker] = time.perf_counter_ns()

    workers = [threading.Thread(target=run, args=(i,)) for i in range(n_workers)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return max(ended) - min(began), results[0] if len(set(results)) == 1 else -1


def shared_counts():
    return sys._sync_stats()["shared_count_operations"]


def main(arguments):
    body = ROWS[arguments[0]]
    settings = dict(argument.split("=") for argument in arguments[1:])
    n_workers, reads, repeats = (int(settings[name]) for name in ("workers", "reads", "repeats"))
    timed(body, reads, n_workers)
    if settings.get("hold") == "1":
        print("lab ready", flush=True)
        sys.stdin.readline()
    before = shared_counts() if settings.get("count") == "1" else None
    for i in range(repeats):
        ns, checksum = timed(body, reads, n_workers)
        print("lab ns=%.3f checksum=%d" % (ns / reads, checksum), flush=True)
    if before is not None:
        print("lab counts shared=%d reads=%d" % (shared_counts() - before, reads * n_workers * repeats))


if __name__ == "__main__":
    main(sys.argv[1:])
