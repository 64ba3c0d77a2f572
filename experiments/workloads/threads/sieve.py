# /// lab
# about = "Segmented prime sieve: stores into private lists"
# stresses = "list item stores and memory bandwidth"
# processes = "segments divided, one number per worker sent back"
# [quick]
# limit = 480000
# checksum = 9162979210
# [full]
# limit = 3600000
# checksum = 444128260163
# ///
SEGMENTS = 24


def setup(limit):
    return limit, small_primes(int(limit**0.5) + 1)


def small_primes(limit):
    flags = [True] * (limit + 1)
    primes = []
    for i in range(2, limit + 1):
        if flags[i]:
            primes.append(i)
            for j in range(i * i, limit + 1, i):
                flags[j] = False
    return primes


def work(state, shared, worker, n_workers):
    limit, primes = state
    total = 0
    size = limit // SEGMENTS
    for segment in range(worker, SEGMENTS, n_workers):
        low = segment * size
        flags = [True] * size
        for prime in primes:
            first = max(prime * prime, (low + prime - 1) // prime * prime)
            j = first - low
            while j < size:
                flags[j] = False
                j += prime
        for i in range(size):
            if flags[i] and low + i > 1:
                total += low + i
    return total


def combine(state, parts):
    return sum(parts)
