"""mmap: maps of files and of nothing, their views, and what threads do to one map at once."""
import mmap
import os
import random
import tempfile
import weakref

from checks import raises, run

PAGE = mmap.PAGESIZE
fd, path = tempfile.mkstemp()
os.write(fd, b"0123456789" * 1000)

# A file and its map are the same bytes.
with mmap.mmap(fd, 0) as m:
    assert len(m) == m.size() == 10_000 and m[:3] == b"012" and m[-1] == ord("9") and m[9:0:-4] == b"951"
    m[0], m[1:3] = 65, b"BC"
    m[3:9:2] = b"xyz"
    m.flush()
    assert os.pread(fd, 10, 0) == b"ABCx4y6z89"
    assert (m.read(2), m.tell(), m.read_byte(), m.seek(-1, os.SEEK_END), m.read(), m.read(5)) == (b"AB", 2, 67, 9999, b"9", b"")
    assert (m.seek(0), m.write(b"\n12\n"), m.write_byte(55), m.seek(1), m.readline(), m.readline()[:2]) == (0, 4, None, 1, b"12\n", b"7y")
    m.seek(5)
    assert (m.find(b"789"), m.find(b"\n", 0, 1), m.find(b"\n", 1, 3), m.rfind(b"012", 0), m.find(b"6", -4, -3)) == (17, 0, -1, 9990, 9996)
    m.move(100, 0, 5)
    assert m[100:105] == b"\n12\n7"
    m.resize(PAGE)
    assert len(m) == os.fstat(fd).st_size == PAGE
    assert list(m)[:2] == [b"\n", b"1"] and b"y" in m and 65 not in m
    assert m.madvise(mmap.MADV_NORMAL) is None and m.seekable()
    with memoryview(m) as view:
        assert bytes(view[:3]) == b"\n12" and not view.readonly
        view[0] = 48
        raises(BufferError, m.close)
        raises(BufferError, m.resize, 5)
    assert m[0] == 48 and repr(m) == f"<mmap.mmap closed=False, access=ACCESS_DEFAULT, length={PAGE}, pos=5, offset=0>"
assert m.closed and repr(m) == "<mmap.mmap closed=True>" and m.close() is None
for f in (m.read, m.tell, m.size, m.flush, m.__enter__, m.read_byte, m.readline, lambda: len(m), lambda: m[0], lambda: memoryview(m),
          lambda: m.seek(0), lambda: m.find(b"a"), lambda: m.resize(5), lambda: list(m)):
    raises(ValueError, f, text="mmap closed or invalid")

# What may be done.
with mmap.mmap(fd, 10, access=mmap.ACCESS_READ) as m:
    for f in (lambda: m.write(b"a"), lambda: m.write_byte(1), lambda: m.__setitem__(0, 1), lambda: m.move(0, 1, 1), lambda: m.resize(5)):
        raises(TypeError, f)
    assert memoryview(m).readonly
with mmap.mmap(fd, 10, access=mmap.ACCESS_COPY) as m:
    m[:] = b"x" * 10
    m.flush()
    assert os.pread(fd, 1, 0) == b"0"
    raises(TypeError, m.resize, 5)
with mmap.mmap(fd, 10, prot=mmap.PROT_READ) as m:
    raises(TypeError, m.write, b"a")
with mmap.mmap(fd, 5, trackfd=False) as m:
    raises(OSError, m.size)
    raises(ValueError, m.resize, 3)

# What is refused.
for kind, args, params in (
        (ValueError, (fd, 1 << 30), {}), (ValueError, (fd, 0), {"offset": 1 << 20}), (OverflowError, (-1, -1), {}), (OverflowError, (-1, 5), {"offset": -1}),
        (ValueError, (-1, 5), {"access": 4}), (ValueError, (-1, 5), {"access": 1, "prot": 1}), (OSError, (-2, 5), {}), (OSError, (-1, 0), {}),
        (TypeError, (-1,), {}), (TypeError, ("a", 5), {}), (OSError, (fd, 5), {"offset": 1})):
    raises(kind, mmap.mmap, *args, **params)
m = mmap.mmap(-1, 20)
for kind, f, *args in (
        (IndexError, m.__getitem__, 20), (IndexError, m.__getitem__, -21), (TypeError, m.__getitem__, "a"), (ValueError, m.__setitem__, 0, 256),
        (TypeError, m.__setitem__, 0, b"a"), (IndexError, m.__setitem__, slice(0, 2), b"abc"), (TypeError, m.__delitem__, 0), (ValueError, m.seek, 21),
        (ValueError, m.seek, 0, 5), (ValueError, m.write, b"a" * 21), (OverflowError, m.write_byte, 256), (OverflowError, m.write_byte, -1),
        (ValueError, m.move, 0, 0, 21), (ValueError, m.move, -1, 0, 1), (ValueError, m.resize, -1), (ValueError, m.resize, 21), (OSError, m.resize, 0),
        (ValueError, m.flush, 0, 21), (ValueError, m.madvise, 0, 20), (OSError, m.madvise, 9999), (TypeError, m.find, "a"), (TypeError, m.read, "a"),
        (ValueError, m.__getitem__, slice(0, 1, 0)), (IndexError, m.__getitem__, 1 << 70)):
    raises(kind, f, *args)


class Closing:
    """Closes or shortens the map when it is asked for its number."""

    def __init__(self, m, act):
        self.m, self.act = m, act

    def __index__(self):
        self.act(self.m)
        return 3


def close(m):
    m.close()


def shorten(m):
    m.resize(2)


for act, kind in (close, ValueError), (shorten, IndexError):
    for f in (lambda m, n: m[n], lambda m, n: m.__setitem__(3, n), lambda m, n: m.__setitem__(slice(0, n), b"abc")):
        m = mmap.mmap(-1, 20)
        raises(kind, f, m, Closing(m, act))
m = mmap.mmap(-1, 20)
m.read(10)
shorten(m)
assert (m.read(5), m.readline(), m.tell()) in ((b"", b"", 2), (b"", b"", 10))
raises(ValueError, m.read_byte)

# It ends when nobody has it.
dead = weakref.ref(m)
del m
import gc
gc.collect()
assert dead() is None


# A slice is written as a whole and read as a whole.
m = mmap.mmap(-1, PAGE)


def fill(letter):
    def work():
        for _ in range(300):
            m[:] = letter * PAGE
            assert len(set(m[:])) == 1
    return work


run(*[fill(bytes([65 + i])) for i in range(4)])

# Lines are read once each, as wholes.
m = mmap.mmap(-1, 4000)
m.write(b"".join(b"%03d\n" % i for i in range(1000)))
m.seek(0)
lines = []


def read_lines():
    while line := m.readline():
        lines.append(line)


run(*[read_lines] * 4)
assert sorted(lines) == [b"%03d\n" % i for i in range(1000)]

# Shortened, flushed, viewed and closed at once: an exception at worst.
for seed in range(30):
    m = mmap.mmap(fd, PAGE)

    def use(seed=[seed * 10]):
        seed[0] += 1
        rng = random.Random(seed[0])
        for _ in range(40):
            try:
                rng.choice([lambda: m[:], lambda: m.flush(), lambda: m.resize(rng.choice([10, PAGE])), lambda: bytes(memoryview(m)),
                            lambda: m.__setitem__(5, 5), lambda: m.find(b"\0"), lambda: m.madvise(mmap.MADV_WILLNEED),
                            lambda: rng.random() < .1 and m.close()])()
            except (ValueError, IndexError, BufferError):
                pass

    run(*[use] * 3)
    m.close()
    os.ftruncate(fd, PAGE)
os.close(fd)
os.unlink(path)
