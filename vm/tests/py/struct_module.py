"""struct: round trips through the cache of formats."""
import struct

for fmt, values in (("<I", (3,)), (">hq", (-2, 1 << 40)), ("=d?", (1.5, True)), ("3s2x", (b"abc",)), ("5p", (b"abc",))):
    for _ in range(3):
        data = struct.pack(fmt, *values)
        assert struct.unpack(fmt, data) == values
        assert struct.calcsize(fmt) == len(data)
for i in range(100):
    assert struct.unpack(f"{i}s", b"x" * i) == (b"x" * i,)
assert list(struct.iter_unpack("<H", b"\1\0\2\0")) == [(1,), (2,)]
for call in (lambda: struct.pack("<B", 256), lambda: struct.unpack("<I", b"abc"), lambda: struct.pack("z", 1)):
    try:
        call()
    except struct.error:
        pass
    else:
        raise AssertionError
