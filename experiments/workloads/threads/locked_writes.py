# /// lab
# about = "Every worker updates one shared table under one lock, with private work in between"
# stresses = "hand-over of one contended lock; writes to one shared dict"
# processes = "each process fills a table of its own under its own lock; tables are merged"
# [quick]
# updates = 24000
# checksum = 12943540156063
# [full]
# updates = 240000
# checksum = 129344839753418
# ///
def setup(updates):
    return updates


def prepare(updates, n_workers, tools):
    return {}, tools.Lock()


def work(updates, shared, worker, n_workers):
    table, lock = shared
    for i in range(worker, updates, n_workers):
        value = i
        for _ in range(8):
            value = (value * 1103515245 + 12345) & 0x7FFFFFFF
        with lock:
            key = value & 255
            table[key] = table.get(key, 0) + (value >> 8)
    return table


def combine(updates, parts):
    # Threads all return the one table, processes one each.
    tables = {id(table): table for table in parts}.values()
    total = 0
    for table in tables:
        for key, value in table.items():
            total += (key + 1) * value
    return total
