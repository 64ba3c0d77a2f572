# Loops over operations that end in native code: none of them may use up the machine stack.

class A:
    def __str__(self):
        return "x"
    def __add__(self, other):
        return 1

a = A()
N = 200000
for i in range(N): abs(i)
for i in range(N): str(i)
for i in range(N): int()
for i in range(N): [].append(i)
for i in range(N): [i]
for i in range(N): (i, i)
for i in range(N): {i: i}
for i in range(N): {i}
for i in range(N): "a".upper()
for i in range(N): "abc".split("b", maxsplit=1)
for i in range(N): f"{i:>5}{i!r}"
for i in range(N): "a" + "b"
for i in range(N): 2**70 + i
for i in range(N): 1.5 % (i + 1)
for i in range(N): object()
for i in range(N): len("a")
for i in range(N): "abc"[1:2]
for i in range(N): (1).real
for i in range(N): a + 1
for i in range(N): str(a)
for i in range(N): isinstance(a, A)
for i in range(N): getattr(a, "missing", None)
for i in range(N): sorted([2, 1], key=lambda v: -v)
for i in range(N): [*(1, 2)]
for i in range(N): dict(a=1)
for i in range(N):
    try:
        1 + "a"
    except TypeError as e:
        str(e)
for i in range(N):
    try:
        raise ValueError("x")
    except ValueError:
        pass
{i: i for i in range(N)}
{i for i in range(N)}
[i for i in range(N)]
for i in range(N): f"{i}{i}"
for i in range(N): "%s" % i
def store(i):
    global stored
    stored = i
for i in range(N): store(i)
def gen():
    for i in range(N):
        yield i
for i in gen():
    pass
x, *y = (1, 2, 3)
for i in range(N): x, *y = (1, 2, 3)
for i in range(N):
    del y[:1]
    y.append(1)
print("ok")
