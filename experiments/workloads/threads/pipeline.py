# /// lab
# about = "One queue of jobs, N workers, one queue of results; jobs are small lists"
# stresses = "bounded queues: wake-ups, and objects made in one thread and dropped in another"
# processes = "the same code on multiprocessing queues: every message is pickled"
# [quick]
# jobs = 2400
# checksum = 20102309888
# [full]
# jobs = 16000
# checksum = 134234857472
# ///
BOUND = 32


def setup(jobs):
    return jobs


def prepare(jobs, n_workers, tools):
    return tools.Queue(BOUND), tools.Queue()


def serve(inbox, outbox):
    while True:
        job = inbox.get()
        if job is None:
            return
        total = 0
        for value in job:
            total = (total * 33 + value) & 0xFFFFFF
        outbox.put(total)


def work(jobs, shared, worker, n_workers):
    # Worker 0 also feeds: with one worker it does so in batches that fit the bound.
    inbox, outbox = shared
    if n_workers == 1:
        return feed_alone(jobs, inbox, outbox)
    if worker > 0:
        serve(inbox, outbox)
        return 0
    total = 0
    received = 0
    for i in range(jobs):
        inbox.put([i + k for k in range(64)])
        if i - received >= BOUND:
            total += outbox.get()
            received += 1
    for _ in range(n_workers - 1):
        inbox.put(None)
    while received < jobs:
        total += outbox.get()
        received += 1
    return total


def feed_alone(jobs, inbox, outbox):
    total = 0
    for first in range(0, jobs, BOUND - 1):
        last = min(first + BOUND - 1, jobs)
        for i in range(first, last):
            inbox.put([i + k for k in range(64)])
        inbox.put(None)
        serve(inbox, outbox)
        for _ in range(first, last):
            total += outbox.get()
    return total


def combine(jobs, parts):
    return sum(parts)
