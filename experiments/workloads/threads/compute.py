# /// lab
# about = "Mandelbrot rows: float arithmetic on private numbers"
# stresses = "nothing shared; the upper bound of any speed-up"
# processes = "rows divided, one number per worker sent back"
# [quick]
# size = 112
# checksum = 892921015
# [full]
# size = 320
# checksum = 58359887812
# ///
def setup(size):
    return size


def row(y, size):
    total = 0
    ci = 2.0 * y / size - 1.0
    for x in range(size):
        cr = 3.0 * x / size - 2.0
        zr = zi = 0.0
        steps = 0
        while steps < 60:
            rr = zr * zr
            ii = zi * zi
            if rr + ii > 4.0:
                break
            zi = 2.0 * zr * zi + ci
            zr = rr - ii + cr
            steps += 1
        total += steps * (x + 1)
    return total


def work(size, shared, worker, n_workers):
    total = 0
    for y in range(worker, size, n_workers):
        total += row(y, size) * (y + 1)
    return total


def combine(size, parts):
    return sum(parts)
