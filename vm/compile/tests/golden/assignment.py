def f(o):
    global g
    o.a, *o.b = g = o[0]
    o.c += 1
    o[1:2] *= 2
    o[g] -= 3
    del o.a, o[0], g
    if o: u = 1
    print(u)
    del u
