# memoryview.

from checks import raises

data = bytearray(b"abcdefgh")
m = memoryview(data)
assert len(m) == 8 and m[0] == 97 and m[-1] == 104 and m[2:5] == b"cde" and m[::2].tobytes() == b"aceg" and m[::-1].tobytes() == b"hgfedcba"
assert m.format == "B" and m.itemsize == 1 and m.ndim == 1 and m.shape == (8,) and m.strides == (1,) and not m.readonly and m.nbytes == 8 and m.obj is data and m.contiguous
assert m.tolist() == list(data) and bytes(m) == data and m.hex() == data.hex() and 97 in m and list(m) == list(data) and m.count(97) == 1 and m.index(99) == 2
m[0] = 65; m[1:3] = b"BC"
assert data == b"ABCdefgh"
s = m[2:6]
s[0] = 67; s[::2] = b"xy"
assert data == b"ABxdyfgh" and s.tobytes() == b"xdyf" and m[::2][1] == ord("x")
m[4:] = m[:4]
assert data == b"ABxdABxd"
raises(ValueError, lambda: m.__setitem__(slice(0, 2), b"abc"), part="memoryview assignment: lvalue and rvalue have different structures")
raises(IndexError, lambda: m[8], part="index out of bounds on dimension 1")
raises(TypeError, lambda: m["a"], part="memoryview: invalid slice key")
raises(ValueError, lambda: m.__setitem__(0, 256), part="memoryview: invalid value for format 'B'")
raises(TypeError, lambda: m.__setitem__(0, "a"), part="memoryview: invalid type for format 'B'")
raises(TypeError, memoryview, "a", part="memoryview: a bytes-like object is required, not 'str'")
raises(TypeError, lambda: memoryview(b"a").__setitem__(0, 1), part="cannot modify read-only memory")

r = memoryview(b"abc")
assert r.readonly and hash(r) == hash(b"abc") and r == b"abc" and r != b"abd" and r == bytearray(b"abc") and r[1:] == memoryview(b"bc") and not r == "abc"
raises(ValueError, hash, memoryview(bytearray(1)), part="cannot hash writable memoryview object")
assert m.toreadonly().readonly and m.toreadonly() == m

# Casts.
raw = bytearray(range(16))
m = memoryview(raw)
i = m.cast("I")
assert i.format == "I" and i.itemsize == 4 and len(i) == 4 and i.nbytes == 16 and i[0] == int.from_bytes(raw[:4], __import__("sys").byteorder)
i[1] = 0xDEADBEEF
assert i.tolist()[1] == 0xDEADBEEF and i.cast("B")[4:8] == raw[4:8]
q = m.cast("q")
q[0] = -5
assert q[0] == -5 and m.cast("b")[0] in (-5, -1)
d = m.cast("d")
d[0] = 1.5
assert d[0] == 1.5 and m.cast("f").format == "f" and m.cast("?")[15] is True and m.cast("c")[15] == b"\x0f"
g = m.cast("B", [4, 4])
assert g.shape == (4, 4) and g.strides == (4, 1) and g[1, 2] == raw[6] and g.tolist()[3] == list(raw[12:]) and g.ndim == 2 and len(g) == 4
g[0, 0] = 99
assert raw[0] == 99
assert g.cast("B").shape == (16,)
raises(NotImplementedError, lambda: g[0], part="multi-dimensional sub-views are not implemented")
raises(TypeError, lambda: m.cast("I").cast("H"), part="memoryview: cannot cast between two non-byte formats")
raises(TypeError, lambda: memoryview(b"abc").cast("I"), part="memoryview: length is not a multiple of itemsize")
raises(ValueError, lambda: m.cast("xx"))
raises(TypeError, lambda: m[::2].cast("I"), part="memoryview: casts are restricted to C-contiguous views")
assert memoryview(b"\1\0\2\0").cast("H") == memoryview(b"\1\0\2\0").cast("h") and memoryview(b"\1\2") != memoryview(b"\1\2\3\4").cast("H")

# Release.
m = memoryview(raw)
n = memoryview(m)
part = m[3:]
m.release()
raises(ValueError, lambda: m[0], part="operation forbidden on released memoryview object")
raises(ValueError, len, m)
assert part[0] == raw[3] and n[0] == raw[0] and "released" in repr(m)
raises(BufferError, raw.append, 1)
part.release(); n.release(); q.release(); i.release(); d.release(); g.release()
with memoryview(raw) as v:
    assert v[1] == raw[1]
raises(ValueError, v.tolist)
del v, n, part
import gc
gc.collect()
assert b"".join([memoryview(b"ab"), b"c"]) == b"abc" and bytes(memoryview(b"abcd")[::2]) == b"ac" and int(memoryview(b"12")) == 12 and str(memoryview(b"hi"), "ascii") == "hi"
print("ok")
