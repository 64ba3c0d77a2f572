# /// lab
# about = "Every worker reads one shared configuration: attributes, dict items, list items"
# stresses = "counts and locks of objects that all threads read and none writes"
# processes = "each process reads its own copy"
# [quick]
# reads = 192000
# checksum = 13247964
# [full]
# reads = 1600000
# checksum = 72351708
# ///
class Limits:
    def __init__(self):
        self.low = 3
        self.high = 1 << 20
        self.name = "limits"


class Config:
    def __init__(self):
        self.limits = Limits()
        self.weights = [float(i) for i in range(64)]
        self.routes = {"route-%d" % i: ("handler", i) for i in range(64)}
        self.keys = list(self.routes)


def setup(reads):
    return Config(), reads


def work(state, shared, worker, n_workers):
    config, reads = state
    total = 0
    for i in range(worker, reads, n_workers):
        limits = config.limits
        handler = config.routes[config.keys[i & 63]]
        if limits.low < i < limits.high:
            total += handler[1] + int(config.weights[i & 63]) + len(limits.name)
    return total


def combine(state, parts):
    return sum(parts)
