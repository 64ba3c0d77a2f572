# /// lab
# about = "Rings of objects that only the cycle collector can free"
# stresses = "the cycle collector beside working threads"
# processes = "each process collects its own heap"
# [quick]
# rings = 4800
# checksum = 18908480
# [full]
# rings = 48000
# checksum = 197637248
# ///
class Link:
    def __init__(self, value):
        self.value = value
        self.next = None
        self.seen = []


def ring(size, seed):
    first = last = Link(seed)
    for i in range(1, size):
        link = Link(seed + i)
        last.next = link
        link.seen.append(last)
        last = link
    last.next = first
    return first


def setup(rings):
    return rings


def work(rings, shared, worker, n_workers):
    total = 0
    for i in range(worker, rings, n_workers):
        link = first = ring(8, i & 1023)
        while True:
            total += link.value + len(link.seen)
            link = link.next
            if link is first:
                break
    return total


def combine(rings, parts):
    return sum(parts)
