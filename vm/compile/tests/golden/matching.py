def f(x):
    match x:
        case 1 | None: return 1
        case [a, *_, b] if a: return b
        case {"k": v, **rest}: return v, rest
        case P(0, y=c) as p: return c, p
        case _: return
