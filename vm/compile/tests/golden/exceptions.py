def f(a):
    for i in a:
        try:
            a.x()
        except (A, B) as e:
            return e
        finally:
            a.y()
    with a as b, c:
        return b
    try:
        a
    except* E as e:
        b
