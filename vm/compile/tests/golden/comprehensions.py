def f(a, x):
    y = [x + i for i in a if i for j in [i]]
    z = [lambda: i for i in a]
    return {k: v for k, v in a}, {x := i for i in a}, (i for i in a)
class C:
    w = 1
    v = [w for q in range(w)]
