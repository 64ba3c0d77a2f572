"""Runs one workload of the lab on any Python from 3.11 on and prints what it measured.

    driver.py NAME arm=threads|processes workers=N warmups=N iterations=N [start_method=fork]
              [hold=1] [PARAMETER=INTEGER ...]

The workload is the module `workload_NAME` beside this file. It has

    setup(**parameters)                       -> state      the input, made once, not timed
    work(state, shared, worker, n_workers)    -> part       one worker's share of the work
    combine(state, parts)                     -> integer    the checksum, the same in every arm

and, where it needs them,

    prepare(state, n_workers, tools)          -> shared     locks and queues, made before the workers
    drive(state, n_workers, tools)            -> parts      starts its workers itself (pools)

Timed is everything from the start of the workers to the last result at hand, so both arms pay for
starting their workers and for bringing results back. `hold=1` prints `lab ready` and waits for a
line on standard input, so that several processes can begin at once.
"""
import sys
import time


def load(name):
    return __import__("workload_" + name)


class Threads:
    """Workers are threads; locks and queues are those of `threading` and `queue`."""

    kind = "threads"

    def __init__(self):
        import queue
        import threading

        self.Lock = threading.Lock
        self.Queue = queue.Queue
        self.Thread = threading.Thread

    def run(self, name, workload, state, shared, n_workers):
        parts = [None] * n_workers
        errors = []

        def body(worker):
            try:
                parts[worker] = workload.work(state, shared, worker, n_workers)
            except BaseException as error:
                errors.append(error)

        workers = [self.Thread(target=body, args=(i,)) for i in range(n_workers)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if errors:
            raise errors[0]
        return parts

    def pool(self, n_workers):
        from concurrent.futures import ThreadPoolExecutor

        return ThreadPoolExecutor(n_workers)


def process_body(name, state, shared, worker, n_workers, results):
    results.send(load(name).work(state, shared, worker, n_workers))
    results.close()


class Processes:
    """Workers are processes of `multiprocessing`, started by the named method."""

    kind = "processes"

    def __init__(self, start_method):
        import multiprocessing

        self.context = multiprocessing.get_context(start_method)
        self.Lock = self.context.Lock
        self.Queue = self.context.Queue

    def run(self, name, workload, state, shared, n_workers):
        workers = []
        for i in range(n_workers):
            receive, send = self.context.Pipe(False)
            process = self.context.Process(
                target=process_body, args=(name, state, shared, i, n_workers, send)
            )
            process.start()
            # Only the child may hold the sending end: its death then ends `recv` with EOFError.
            send.close()
            workers.append((process, receive))
        parts = [receive.recv() for _, receive in workers]
        for process, receive in workers:
            receive.close()
            process.join()
        return parts

    def pool(self, n_workers):
        from concurrent.futures import ProcessPoolExecutor

        return ProcessPoolExecutor(n_workers, mp_context=self.context)


def one_iteration(name, workload, state, tools, n_workers):
    if hasattr(workload, "drive"):
        return workload.drive(state, n_workers, tools)
    shared = workload.prepare(state, n_workers, tools) if hasattr(workload, "prepare") else None
    return tools.run(name, workload, state, shared, n_workers)


def report_interpreter():
    version = ".".join(str(part) for part in sys.version_info[:3])
    gil = "unknown"
    if hasattr(sys, "_is_gil_enabled"):
        gil = "1" if sys._is_gil_enabled() else "0"
    print("lab interpreter=%s version=%s gil=%s" % (sys.implementation.name, version, gil))


def refcount_stats():
    """Operations on reference counts so far, by kind, where the interpreter counts them."""
    return getattr(sys, "_refcount_stats", dict)() or {}


def main(arguments):
    name = arguments[0]
    settings = {}
    for argument in arguments[1:]:
        key, _, value = argument.partition("=")
        settings[key] = value
    arm = settings.pop("arm")
    n_workers = int(settings.pop("workers"))
    n_warmups = int(settings.pop("warmups"))
    n_iterations = int(settings.pop("iterations"))
    start_method = settings.pop("start_method", "fork")
    hold = settings.pop("hold", "0") == "1"
    tools = Threads() if arm == "threads" else Processes(start_method)
    workload = load(name)
    state = workload.setup(**{key: int(value) for key, value in settings.items()})
    report_interpreter()
    if hold:
        print("lab ready")
        sys.stdout.flush()
        sys.stdin.readline()
    before = refcount_stats()
    for i in range(n_warmups + n_iterations):
        cpu = time.process_time_ns()
        wall = time.perf_counter_ns()
        parts = one_iteration(name, workload, state, tools, n_workers)
        wall = time.perf_counter_ns() - wall
        cpu = time.process_time_ns() - cpu
        checksum = workload.combine(state, parts)
        kind = "warmup" if i < n_warmups else "iteration"
        print("lab %s=%d wall_ns=%d cpu_ns=%d checksum=%d" % (kind, i, wall, cpu, checksum))
        sys.stdout.flush()
    counts = refcount_stats()
    if counts:
        print("lab counts " + " ".join("%s=%d" % (k, counts[k] - before[k]) for k in sorted(counts)))


if __name__ == "__main__":
    main(sys.argv[1:])
