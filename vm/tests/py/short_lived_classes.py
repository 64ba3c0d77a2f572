"""Classes that die soon after their instances: what a collector may still find of an instance refers to no class."""
from checks import run


def work():
    for _ in range(300):
        class C:
            pass

        o = C()
        o.x = 1
        o.y = [o.x]
        del o
        C.X = lambda *a: a
        C = None
        [[] for _ in range(50)]


for _ in range(12):
    run(*[work] * 4)
