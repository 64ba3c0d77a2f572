def f(a, b):
    a.m(b, 1)
    g(a)(b, k=b)
    g(*a)
    g(a, *b, k=1, **a)
    a.m(x for x in b)
    return any(x for x in a)
