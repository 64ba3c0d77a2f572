"""A bit of everything."""
from __future__ import generator_stop as _a
import os.path as p, sys
from . import (a as b, c,)
@deco(1, *x, k=2, **y)
class A[T: int, *Ts, **P = [int]](Base, metaclass=M):
    'doc'
    x: int = 3
    if x:
        y: 'str'
    def f(self, a, /, b=1, *args: T, c, d=2, **kw) -> None:
        """é"""
        super().__init__(a); self.z, *self.w = a, b
        return [i for i in x if i if not i], {j: k for j, k in y}, {*a, 1}, (q for q in z)
type X[T] = list[T]
async def g(x):
    async with a as b, c: await d
    async for i in x:
        yield [j async for j in i]
    else: pass
def h():
    global u
    try:
        for i in range(10):
            if i == 3: continue
            elif 1 < i <= 5 != 7: break
            else: raise ValueError from None
    except (A, B) as e: del e.x, e[1:2], e
    except: return -1
    else: pass
    finally:
        x = yield from f(lambda a, *b, c=1: (yield))
    with (open('a') as f, g): f"{f!r:>{w}} {x=} {{}}"; t'{a}'
    while (n := next(i, None)) is not None: n **= 2; assert n, 'msg'
    match x, y:
        case [1, -2.5j, *rest] | (A.B, {'k': rest}) if rest: pass
        case Point(x=0, y=_) as p: print(p)
        case None | True | 'a' 'b': ...
        case _: pass
    try: pass
    except* E: pass
    return a if b else c[1:2, ::3, ...], 0xFFFFFFFFFFFFFFFFFF, 1_000.5e-3j, b'\x00' rb'\d', '\N{BULLET}\ud800'
