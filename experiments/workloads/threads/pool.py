# /// lab
# about = "concurrent.futures: many small tasks on one pool of N workers"
# stresses = "submit, futures, wake-ups; the price of a task"
# processes = "ProcessPoolExecutor: every task and result is pickled"
# [quick]
# tasks = 1200
# checksum = 1546343204711008
# [full]
# tasks = 8000
# checksum = 68737164486114944
# ///
def setup(tasks):
    return tasks


def task(first):
    value = first
    for _ in range(150):
        value = (value * 69069 + 1) & 0xFFFFFFFF
    return value


def drive(tasks, n_workers, tools):
    with tools.pool(n_workers) as pool:
        futures = [pool.submit(task, i) for i in range(tasks)]
        return [future.result() for future in futures]


def combine(tasks, parts):
    total = 0
    for i, part in enumerate(parts):
        total += part * (i + 1)
    return total
