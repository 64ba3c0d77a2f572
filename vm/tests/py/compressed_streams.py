"""zlib and gzip: every container, strategy and portion; broken streams; objects that threads share."""
import gzip
import io
import random
import threading
import zlib

from checks import raises, run

rng = random.Random(7)
TEXT = b"".join(rng.choice([b"to be ", b"or not ", b"that is ", rng.randbytes(3)]) for _ in range(20_000))
SAMPLES = [b"", b"a", b"a" * 100_000, rng.randbytes(40_000), TEXT]

for data in SAMPLES:
    for level in (-1, 0, 1, 6, 9):
        assert zlib.decompress(zlib.compress(data, level)) == data
    for wbits, reading in ((9, 15), (15, 47), (-9, -15), (-15, -15), (31, 47), (25, 31), (15, 0)):
        assert zlib.decompress(zlib.compress(data, wbits=wbits), reading, bufsize=1) == data, wbits
    for strategy in range(5):
        c = zlib.compressobj(9, zlib.DEFLATED, 15, 1 + strategy, strategy)
        packed = b"".join([c.compress(data[:100]), c.flush(zlib.Z_SYNC_FLUSH), c.compress(data[100:]), c.flush()])
        assert zlib.decompress(packed) == data
    assert gzip.decompress(gzip.compress(data)) == data
assert zlib.compress(b"") == b"x\x9c\x03\x00\x00\x00\x00\x01" and zlib.compress(TEXT)[:2] == b"x\x9c"
assert len(zlib.compress(b"a" * 100_000)) < 300

# In portions, limited in and out.
packed = zlib.compress(TEXT)
d, out, at = zlib.decompressobj(), [], 0
while not d.eof:
    tail = d.unconsumed_tail or packed[at:(at := at + 100)]
    out.append(d.decompress(tail, 500))
    assert len(out[-1]) <= 500
assert b"".join(out) + d.flush() == TEXT and d.unused_data == d.unconsumed_tail == b""
d = zlib.decompressobj()
assert d.decompress(packed + b"behind") == TEXT and d.eof and d.unused_data == b"behind"
assert d.decompress(b" it") == b"" and d.unused_data == b"behind it"
d = zlib.decompressobj()
assert d.decompress(packed, max_length=10) == TEXT[:10] and len(d.unconsumed_tail) > 1000 and not d.eof
assert d.flush(1) == TEXT[10:] and d.eof and d.unconsumed_tail == b""
d = zlib.decompressobj()
assert TEXT.startswith(d.decompress(packed[:-10])) and not d.eof and d.flush() == b""

z, out = zlib._ZlibDecompressor(), b""
assert (z.eof, z.needs_input, z.unused_data) == (False, True, b"")
for i in range(0, len(packed) + 5, 100):
    part = (packed + b"rest!")[i:i + 100]
    while not z.eof:
        out += z.decompress(part, 2000)
        part = b""
        if z.needs_input:
            break
assert out == TEXT and z.eof and not z.needs_input and b"rest!".startswith(z.unused_data)
raises(EOFError, z.decompress, b"")

# Dictionaries.
c = zlib.compressobj(zdict=b"to be or not")
packed = c.compress(b"to be or not to be") + c.flush()
assert zlib.decompressobj(zdict=bytearray(b"to be or not")).decompress(packed) == b"to be or not to be"
raises(zlib.error, zlib.decompress, packed, text="Error 2 while decompressing data")
raises(zlib.error, zlib.decompressobj(zdict=b"other").decompress, packed, text="Error -3 while setting zdict: invalid input data")
c = zlib.compressobj(wbits=-15, zdict=b"to be or not")
assert zlib.decompressobj(-15, b"to be or not").decompress(c.compress(b"to be") + c.flush()) == b"to be"

# What is no stream.
packed = zlib.compress(TEXT)
for bad, text in (
        (b"", "Error -5 while decompressing data: incomplete or truncated stream"), (packed[:-1], "Error -5 while decompressing data: incomplete or truncated stream"),
        (b"abc", "Error -3 while decompressing data: incorrect header check"), (packed[:-1] + b"?", "Error -3 while decompressing data: incorrect data check")):
    raises(zlib.error, zlib.decompress, bad, text=text)
for i in range(300):
    broken = bytearray(packed)
    for _ in range(3):
        broken[rng.randrange(len(broken))] = rng.randrange(256)
    try:
        zlib.decompress(broken)
    except zlib.error:
        pass
    try:
        zlib.decompressobj(-15).decompress(broken, 1000)
    except zlib.error:
        pass
c = zlib.compressobj()
c.flush()
raises(zlib.error, c.compress, b"a", text="Error -2 while compressing data: inconsistent stream state")
raises(zlib.error, c.flush, text="Error -2 while flushing: inconsistent stream state")
assert c.flush(zlib.Z_NO_FLUSH) == b""
raises(zlib.error, zlib.compressobj().flush, 77)
for args, params in (((10,), {}), ((1,), {"wbits": 7}), ((1,), {"wbits": -8})):
    raises(zlib.error, zlib.compress, b"", *args, text="Bad compression level", **params)
for params in ({"level": 10}, {"method": 9}, {"wbits": 16}, {"memLevel": 0}, {"memLevel": 10}, {"strategy": 5}, {"strategy": -1}, {"wbits": -(1 << 31)}):
    raises(ValueError, zlib.compressobj, text="Invalid initialization option", **params)
for wbits in (1, 7, -1, -16, 48, 100, 1 << 31 - 1, -(1 << 31)):
    raises(ValueError, zlib.decompressobj, wbits)
    raises(zlib.error, zlib.decompress, packed, wbits)
raises(ValueError, zlib.compressobj, wbits=31, zdict=b"abc")
raises(ValueError, zlib.decompress, packed, bufsize=-1)
raises(ValueError, zlib.decompressobj().decompress, b"", -1)
raises(ValueError, zlib.decompressobj().flush, 0)
raises(OverflowError, zlib.decompress, packed, 1 << 40)
for f in (zlib.compress, zlib.decompress, zlib.crc32, zlib.adler32, zlib.compressobj().compress, zlib.decompressobj().decompress,
          lambda v: zlib.compressobj(zdict=v), lambda v: zlib.decompressobj(zdict=v), type(zlib.compressobj()), type(zlib.decompressobj())):
    raises(TypeError, f, "abc")

# Sums.
assert (zlib.crc32(b""), zlib.adler32(b""), zlib.crc32(b"123456789"), zlib.adler32(b"Wikipedia")) == (0, 1, 0xCBF43926, 0x11E60398)
assert zlib.crc32(TEXT[500:], zlib.crc32(TEXT[:500])) == zlib.crc32(TEXT) == gzip.zlib.crc32(memoryview(TEXT))
assert zlib.adler32(TEXT[500:], zlib.adler32(TEXT[:500])) == zlib.adler32(TEXT)
assert zlib.crc32(b"abc", -1) == zlib.crc32(b"abc", 0xFFFF_FFFF) == zlib.crc32(b"abc", (1 << 70) - 1) == 899311407

# A file, with threads that read lines of it.
with gzip.open(io.BytesIO(gzip.compress(b"".join(b"%d\n" % i for i in range(1000)))), "rt") as f:
    assert [int(line) for line in f] == list(range(1000))

# One compressor for several threads: each portion goes in as a whole.
c, parts, order = zlib.compressobj(), [], threading.Lock()


def feed(letter):
    def work():
        for _ in range(50):
            with order:
                parts.append(c.compress(letter * 1000))
            c.compress(b"")
    return work


run(*[feed(bytes([65 + i])) for i in range(4)])
whole = zlib.decompress(b"".join(parts) + c.flush())
assert len(whole) == 200_000 and all(len(set(whole[i:i + 1000])) == 1 for i in range(0, len(whole), 1000))

# One decompressor, fed by whoever comes: nothing is lost between the output and what is left over.
packed = zlib.compress(b"x" * 1_000_000, 0)
d, sizes = zlib.decompressobj(), []


def take():
    while not d.eof:
        with order:
            sizes.append(len(d.decompress(d.unconsumed_tail or (packed if not sizes else b""), 10_000)))
        assert d.unused_data == b""


run(*[take] * 4)
assert sum(sizes) == 1_000_000
d = zlib._ZlibDecompressor()
d_sizes = []
first = d.decompress(packed, 1)


def drain():
    while True:
        try:
            d_sizes.append(len(d.decompress(b"", 10_000)))
        except EOFError:
            return


run(*[drain] * 4)
assert sum(d_sizes) == 999_999
