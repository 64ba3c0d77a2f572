# /// lab
# about = "Exceptions raised through three frames, caught by class, with cleanup on the way"
# stresses = "raising, tracebacks, handlers and finally blocks"
# processes = "raises divided, one number per worker sent back"
# [quick]
# raises = 48000
# checksum = 520000
# [full]
# raises = 360000
# checksum = 3900000
# ///
class Refused(Exception):
    def __init__(self, code):
        self.code = code


class Busy(Refused):
    pass


def check(i):
    if i % 3 == 0:
        raise Busy(i & 15)
    if i % 3 == 1:
        raise Refused(i & 31)
    return i & 7


def guarded(i, log):
    try:
        return check(i)
    finally:
        log[0] += 1


def attempt(i, log):
    try:
        return guarded(i, log)
    except Busy as error:
        return error.code + 1
    except Refused as error:
        return error.code + 2


def setup(raises):
    return raises


def work(raises, shared, worker, n_workers):
    log = [0]
    total = 0
    for i in range(worker, raises, n_workers):
        total += attempt(i, log)
    return total + log[0]


def combine(raises, parts):
    return sum(parts)
