# /// lab
# about = "Chains of generators, generator expressions and yield from"
# stresses = "generator frames: create, resume, delegate, finish"
# processes = "chains divided, one number per worker sent back"
# [quick]
# chains = 1200
# checksum = 184536000
# [full]
# chains = 9600
# checksum = 10346688000
# ///
LENGTH = 200


def numbers(first):
    for i in range(LENGTH):
        yield first + i


def odd(values):
    for value in values:
        if value & 1:
            yield value


def both(first):
    yield from odd(numbers(first))
    yield from (value * 3 for value in numbers(first) if value % 5 == 0)


def setup(chains):
    return chains


def work(chains, shared, worker, n_workers):
    total = 0
    for chain in range(worker, chains, n_workers):
        for value in both(chain):
            total += value
    return total


def combine(chains, parts):
    return sum(parts)
