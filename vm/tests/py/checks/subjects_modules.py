"""Recipes for types of native modules that threads can share: rows of text, mapped memory, compressed streams."""
import csv
import mmap
import zlib
import _csv

from .stress import A, F, G, Subject, const, count, itself, nothing, of_type, one_of

one_flavour = ("ints",)

# Rows of two lines: a reader that lost one would show.


def lines():
    for i in range(100):
        yield f'"{i}\n'
        yield f'{i}",{i}'


def whole_row(c, o, v):
    return v is None or len(v) == 2 and v[0] == f"{v[1]}\n{v[1]}"


READER = Subject(
    "csv.reader", lambda c: csv.reader(lines()), _csv.Reader,
    {"__iter__": A(gives=itself), "__next__": A(gives=whole_row, raises=StopIteration), "dialect": G(of_type(_csv.Dialect)), "line_num": G(count)},
    {"next": F(lambda o, c: next(o, None), whole_row), "list": F(lambda o, c: all(whole_row(c, o, v) for v in o), lambda c, o, v: v)},
    flavours=one_flavour)


class Sink:
    """Takes only whole lines."""

    def write(self, line):
        a, b = line.removesuffix("\r\n").split(",")
        assert a == b, line
        return len(line)


twins = one_of((1, 1), ["a", "a"], ("", ""), (None, None))
WRITER = Subject(
    "csv.writer", lambda c: csv.writer(Sink()), _csv.Writer,
    {"dialect": G(of_type(_csv.Dialect)), "writerow": A(twins, gives=count), "writerows": A(const([(1, 1), ("b", "b")]), gives=nothing)},
    flavours=one_flavour)

# Memory: whole slices are of one letter, whoever writes them.

SIZE = 64
letter = one_of(*[bytes([n]) for n in b"abcdefgh"])


def new_map(c):
    m = mmap.mmap(-1, SIZE)
    m[:] = b"a" * SIZE
    return m


def letters(most=SIZE):
    return lambda c, o, v: type(v) is bytes and len(v) <= most and set(v) <= set(b"abcdefgh")


MAP = Subject(
    "mmap", new_map, mmap.mmap,
    {
        "__buffer__": F(lambda o, c: bytes(memoryview(o)), letters()), "__delitem__": F(lambda o, c: o.__delitem__(0), raises=TypeError),
        "__enter__": A(gives=itself), "__exit__": F(lambda o, c: None), "__getitem__": F(lambda o, c: o[:], lambda c, o, v: len(set(v)) == 1),
        "__iter__": F(lambda o, c: b"".join(o), letters()), "__len__": A(gives=lambda c, o, v: v == SIZE),
        "__setitem__": F(lambda o, c: o.__setitem__(slice(None), letter(c) * SIZE), nothing), "close": F(lambda o, c: mmap.mmap(-1, 5).close(), nothing),
        "closed": G(lambda c, o, v: v is False), "find": A(letter, gives=of_type(int)), "rfind": A(letter, gives=of_type(int)), "flush": A(gives=nothing),
        "madvise": A(const(mmap.MADV_WILLNEED), gives=nothing), "move": A(const(0), const(20), const(40), gives=nothing),
        "read": A(one_of(None, 5), gives=letters()), "read_byte": A(gives=of_type(int), raises=ValueError), "readline": A(gives=letters()),
        "resize": A(const(SIZE), gives=nothing, raises=BufferError), "seek": A(one_of(0, 1, SIZE), gives=count), "seekable": A(gives=lambda c, o, v: v),
        "size": A(gives=lambda c, o, v: v == SIZE), "tell": A(gives=count), "write": F(lambda o, c: o.write(b""), count, ValueError),
        "write_byte": F(lambda o, c: o.seek(0) and o.write_byte(97)),
    }, flavours=one_flavour)
CLOSING = Subject(
    "mmap, closing", new_map, None, {},
    {
        "close": F(lambda o, c: o.close(), nothing, BufferError), "view": F(lambda o, c: bytes(memoryview(o)), letters()),
        "resize": F(lambda o, c: o.resize(c.rng.choice([1, 40])), nothing, BufferError), "flush": F(lambda o, c: o.flush(), nothing),
        "read": F(lambda o, c: o.read(), letters()), "list": F(lambda o, c: b"".join(o), letters()), "len": F(lambda o, c: len(o), count),
        "[]": F(lambda o, c: o[0], of_type(int)), "[:]": F(lambda o, c: o[:], letters()), "=": F(lambda o, c: o.__setitem__(0, 97), nothing),
        "closed": F(lambda o, c: o.closed), "repr": F(lambda o, c: repr(o), of_type(str)),
    }, raises=ValueError, flavours=one_flavour)

# Streams.

PACKED = zlib.compress(b"x" * 3000, 0)
only_x = lambda c, o, v: type(v) is bytes and set(v) <= {ord("x")}
packed = of_type(bytes)


def half_read(o):
    o.decompress(PACKED, 100)
    return o


COMPRESS = Subject(
    "zlib.Compress", lambda c: zlib.compressobj(), type(zlib.compressobj()),
    {"compress": A(const(b"abc" * 100), gives=packed, raises=zlib.error), "flush": A(one_of(0, 1, 2, 3, 2, 3, 4), gives=packed, raises=zlib.error)},
    flavours=one_flavour)
# zlib.error: a portion that is fed twice is no stream.
DECOMPRESS = Subject(
    "zlib.Decompress", lambda c: half_read(zlib.decompressobj()), type(zlib.decompressobj()),
    {
        "decompress": F(lambda o, c: o.decompress(o.unconsumed_tail, 50), packed, zlib.error), "eof": G(of_type(bool)),
        "flush": A(gives=packed, raises=zlib.error), "unconsumed_tail": G(packed), "unused_data": G(packed),
    }, flavours=one_flavour)
DECOMPRESSOR = Subject(
    "_ZlibDecompressor", lambda c: half_read(zlib._ZlibDecompressor()), zlib._ZlibDecompressor,
    {"decompress": A(const(b""), const(50), gives=only_x, raises=EOFError), "eof": G(of_type(bool)), "needs_input": G(of_type(bool)), "unused_data": G(packed)},
    flavours=one_flavour)

SUBJECTS = [READER, WRITER, MAP, CLOSING, COMPRESS, DECOMPRESS, DECOMPRESSOR]
