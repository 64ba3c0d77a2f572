"""Threads that make garbage beside a graph that stays, and note when they were held up.

    collector.py live=N workers=N seconds=S garbage=cyclic|acyclic|none handed=no|yes

Each worker makes pairs of objects, 40 at a time, and drops them: `cyclic` pairs refer to each other, so
only a cycle collector frees them; `acyclic` ones are of the same number and size, made by the same
operations, and die at once; with `none` it makes none and only counts, which shows by how much the
machine holds threads up. With `handed=yes` it gives them to another worker, who changes them and drops
them: two threads knew each. A batch that takes 50 µs longer than usual is a hold. Printed are, in
nanoseconds from the start of the workers:

    lab worker=0 pairs=N usual_ns=N          usual: the median of the first batches
    lab worker=0 at_ns=N wall_ns=N cpu_ns=N  a hold: what it took beyond the usual
    lab at_ns=N rss_kib=N                    memory of the process, every 20 ms
    lab pause=KIND clock=wall|processor from_ns=N count=N    where the interpreter tells: its own pauses
                                                             while the workers ran, by length
"""
import functools
import gc
import sys
import threading
import time

BATCH = 40
HOLD_NS = 50_000
FIRST = 400
AHEAD = 100


class Node:
    __slots__ = ("next", "other", "data")

    def __init__(self):
        self.next = self.other = None
        self.data = [1]


def graph(live):
    """A binary tree with references to parents, made of `live` nodes."""
    nodes = [Node() for _ in range(live)]
    for i in range(1, live):
        parent = nodes[(i - 1) // 2]
        nodes[i].other = parent
        if i % 2:
            parent.next = nodes[i]
        else:
            parent.data.append(nodes[i])
    return nodes


def batch(cyclic):
    for _ in range(BATCH):
        a = Node()
        b = Node()
        a.next = b
        b.next = a if cyclic else None


def counting():
    for _ in range(BATCH):
        for _ in range(30):
            pass


def handing(cyclic, out, into):
    """A batch that takes as many pairs out of `into` as it puts into `out`, if there are any."""
    made = []
    for _ in range(BATCH):
        a = Node()
        b = Node()
        a.next = b
        b.next = a if cyclic else None
        made.append(a)
    out.append(made)
    # Workers are not equally fast: one that is far ahead drops its own.
    source = into or out
    if source is into or len(out) > AHEAD:
        try:
            taken = source.pop()
        except IndexError:
            return
        for a in taken:
            a.other = None


def work(worker, batch, began, seconds, results):
    wall_clock, cpu_clock = time.perf_counter_ns, time.thread_time_ns
    holds = []
    first = []
    n_batches = 0
    usual_wall = usual_cpu = 1 << 60
    end = began + int(seconds * 1e9)
    wall, cpu = wall_clock(), cpu_clock()
    while wall < end:
        batch()
        now_wall, now_cpu = wall_clock(), cpu_clock()
        if now_wall - wall > usual_wall + HOLD_NS:
            holds.append((wall - began, now_wall - wall - usual_wall, max(0, now_cpu - cpu - usual_cpu)))
        if n_batches < FIRST:
            first.append((now_wall - wall, now_cpu - cpu))
        elif n_batches == FIRST:
            usual_wall = sorted(wall for wall, _ in first)[FIRST // 2]
            usual_cpu = sorted(cpu for _, cpu in first)[FIRST // 2]
        wall, cpu = now_wall, now_cpu
        n_batches += 1
    results[worker] = (n_batches * BATCH, usual_wall, holds)


def resident_kib():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4


def own_pauses():
    """What the interpreter says of its pauses so far: how many of each kind, from each length on."""
    if not hasattr(sys, "_gc_stats"):
        return {}
    return {
        (kind, clock, int(low * 1e9)): count
        for kind, clocks in sys._gc_stats()["pauses"].items()
        for clock, pauses in clocks.items()
        for low, count in pauses["histogram"]
    }


def main(live, workers, seconds, garbage, handed):
    kept = graph(live)
    gc.collect()
    before = own_pauses()
    results = [None] * workers
    memory = []
    cyclic = garbage == "cyclic"
    batches = [functools.partial(batch, cyclic)] * workers
    if garbage == "none":
        batches = [counting] * workers
    elif handed:
        boxes = [[] for _ in range(workers)]
        batches = [functools.partial(handing, cyclic, boxes[i - 1], boxes[i]) for i in range(workers)]
    began = time.perf_counter_ns()
    threads = [
        threading.Thread(target=work, args=(worker, batches[worker], began, seconds, results))
        for worker in range(workers)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        memory.append((time.perf_counter_ns() - began, resident_kib()))
        time.sleep(0.02)
    after = own_pauses()
    for worker, (pairs, usual, holds) in enumerate(results):
        print(f"lab worker={worker} pairs={pairs} usual_ns={usual}")
        for at, wall, cpu in holds:
            print(f"lab worker={worker} at_ns={at} wall_ns={wall} cpu_ns={cpu}")
    for at, kib in memory:
        print(f"lab at_ns={at} rss_kib={kib}")
    for (kind, clock, low), count in after.items():
        count -= before.get((kind, clock, low), 0)
        print(f"lab pause={kind} clock={clock} from_ns={low} count={count}")
    assert len(kept) == live


if __name__ == "__main__":
    given = dict(word.split("=", 1) for word in sys.argv[1:])
    main(
        int(given["live"]), int(given["workers"]), float(given["seconds"]), given["garbage"], given["handed"] == "yes"
    )
