"""What the programs have in common that are lists of rows, each a body that several threads run at once.

    PROGRAM ROW workers=N ops=N repeats=N [hold=1] [count=1]

Each worker makes `ops` operations. Prints the time until all are done, by the clock on the wall, per operation of one
worker; the first repeat is not reported. A wrong result ends the program with a message. `hold=1` prints `lab ready` and
waits for a line, so that several processes can begin at once. `count=1` prints how many references were counted in words
that threads share, where the interpreter says that (Typhon under -X sync-stats).
"""
import sys
import threading
import time


def wrong(what):
    raise SystemExit("wrong result: %s" % what)


def expect(found, expected, what):
    if found != expected:
        wrong("%s: %r, expected %r" % (what, found, expected))


def timed(work, n_workers):
    """Time from the start of the first worker to the end of the last, and what `work(worker)` gave in each."""
    barrier = threading.Barrier(n_workers)
    parts, began, ended = [None] * n_workers, [0] * n_workers, [0] * n_workers
    errors = []

    def run(worker):
        try:
            barrier.wait()
            began[worker] = time.perf_counter_ns()
            parts[worker] = work(worker)
            ended[worker] = time.perf_counter_ns()
        except BaseException as error:
            errors.append(error)
            barrier.abort()

    workers = [threading.Thread(target=run, args=(i,)) for i in range(n_workers)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if errors:
        raise errors[0]
    return max(ended) - min(began), parts


def same_body(body, ops, n_workers):
    """The time of `body(ops)` in all workers, and its result, which must be the same in all."""
    ns, results = timed(lambda worker: body(ops), n_workers)
    expect(results, results[:1] * n_workers, "results of the workers")
    return ns, results[0]


def same_object(row, ops, n_workers):
    """The time of workers that share what `row.prepare(n_workers)` makes.

    `row.work(shared, worker, ops)` is one worker's part, and `row.check(shared, parts, ops)` looks at what is left: all
    operations must be accounted for, so their number is the result.
    """
    shared = row.prepare(n_workers)
    ns, parts = timed(lambda worker: row.work(shared, worker, ops), n_workers)
    row.check(shared, parts, ops)
    return ns, ops


def shared_counts():
    return sys._sync_stats()["shared_count_operations"]


def main(measure):
    """`measure(row, ops, n_workers)` does it once: the time, the operations of each worker, the checksum."""
    name = sys.argv[1]
    settings = dict(argument.split("=") for argument in sys.argv[2:])
    n_workers, ops, repeats = (int(settings[key]) for key in ("workers", "ops", "repeats"))
    measure(name, ops, n_workers)
    if settings.get("hold") == "1":
        print("lab ready", flush=True)
        sys.stdin.readline()
    before = shared_counts() if settings.get("count") == "1" else None
    for _ in range(repeats):
        ns, made, checksum = measure(name, ops, n_workers)
        print("lab ns=%.3f checksum=%d" % (ns / made, checksum), flush=True)
    if before is not None:
        print("lab counts shared=%d ops=%d" % (shared_counts() - before, made * n_workers * repeats))
