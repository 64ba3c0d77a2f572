def f(x):
    a = (1 + 2 * 3, -1, "ab"[0], 1 << 70, not 0)
    if x in [1, 2] or x in {3, 4}: a = [1, 2, 3]
    if False: unreachable()
    a, b = b, a
    return x[1:2], x[a:b], -x if x is not None else 1 + 2j
