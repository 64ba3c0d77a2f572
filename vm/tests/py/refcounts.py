"""Counts as CPython gives them; objects end at the drop of their last reference."""
import os
import sys
import tempfile

a = []
assert sys.getrefcount(a) == 2, sys.getrefcount(a)
b = a
assert sys.getrefcount(a) == 3
c = a
assert sys.getrefcount(a) == 4
del b, c
assert sys.getrefcount(a) == 2

ended = []


class Told:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        ended.append(self.name)


x = Told("rebound")
x = None
assert ended == ["rebound"]
x = Told("deleted")
del x
assert ended == ["rebound", "deleted"]


def local():
    Told("temporary")
    y = Told("local")
    assert ended[-1] == "temporary"
    return 1


local()
assert ended[-1] == "local"
box = [Told("item")]
box.clear()
assert ended[-1] == "item"
try:
    raise ValueError(Told("argument"))
except ValueError:
    pass
assert ended[-1] == "argument", ended

fd = os.dup(0)
stream = open(fd, "rb", buffering=0)
assert os.fstat(fd)
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", ResourceWarning)
    stream = None
try:
    os.fstat(fd)
except OSError:
    pass
else:
    raise AssertionError("the file is still open")

with tempfile.TemporaryDirectory() as folder:
    name = os.path.join(folder, "x")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        open(name, "w").write("text")
    assert open(name).read() == "text"


# What a finaliser gives to its object dies with it, whatever the object has become.
class Counted:
    alive = 0

    def __init__(self):
        Counted.alive += 1

    def __del__(self):
        Counted.alive -= 1


class Small:
    def __del__(self):
        for i in range(grow):
            setattr(self, f"a{i}", Counted())
        if change:
            self.__class__ = Other


class Other:
    pass


for grow in 0, 1, 5, 40:
    for change in False, True:
        for _ in range(10):
            o = Small()
            o.before = Counted()
            del o
        assert Counted.alive == 0, (grow, change, Counted.alive)
