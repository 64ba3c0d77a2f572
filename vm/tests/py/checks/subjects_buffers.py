"""Recipes for buffers of bytes and numbers, and for files."""
import array
import io
import os
import struct
import tempfile

from .stress import (
    A, F, G, Subject, const, count, itself, nothing, of_type, one_of, other_arg,
    small_arg, text, truth,
)

# What the bytes of a buffer can be. Resizing fills with zero.
LETTERS = b"abAB \n1"
KNOWN = set(LETTERS + b"\0")
TEXTS = (b"", b"a", b"ab", b"A b\n1", LETTERS)
one_flavour = ("ints",)


def empty_memo(c):
    return {}


def letters(c, o, v):
    """Nothing but bytes that were put in."""
    return isinstance(v, (bytes, bytearray, memoryview)) and set(bytes(v)) <= KNOWN


def parts(c, o, v):
    return all(letters(c, o, x) for x in v)


def letter(c, o, v):
    return type(v) is int and v in KNOWN


def numbers(c, o, v):
    return all(letter(c, o, x) for x in v)


def position(c, o, v):
    return type(v) is int and -1 <= v < 1_000_000


data = one_of(*TEXTS, bytearray(b"ab"), memoryview(b"bA"))
byte = one_of(*LETTERS)
index = one_of(0, -1, 2, 5)


def short(o):
    if len(o) > 300:
        del o[20:]


def grown(f):
    def act(o, c):
        short(o)
        return f(o, c)
    return act


def found(**more):
    return A(data, gives=position, **more)


BYTE_METHODS = {
    "capitalize": A(), "center": A(const(9)), "count": found(), "decode": A(gives=text), "endswith": A(data, gives=truth),
    "expandtabs": A(), "find": found(), "hex": A(gives=text), "index": found(raises=ValueError), "isalnum": A(gives=truth),
    "isalpha": A(gives=truth), "isascii": A(gives=truth), "isdigit": A(gives=truth), "islower": A(gives=truth),
    "isspace": A(gives=truth), "istitle": A(gives=truth), "isupper": A(gives=truth),
    "join": A(const([b"a", b"b"]), gives=letters), "ljust": A(const(9), gives=letters), "lower": A(gives=letters),
    "lstrip": A(gives=letters), "partition": A(const(b"b"), gives=parts), "removeprefix": A(data, gives=letters),
    "removesuffix": A(data, gives=letters), "replace": A(const(b"a"), data, gives=letters), "rfind": found(),
    "rindex": found(raises=ValueError), "rjust": A(const(9), gives=letters), "rpartition": A(const(b"b"), gives=parts),
    "rsplit": A(gives=parts), "rstrip": A(gives=letters), "split": A(gives=parts), "splitlines": A(gives=parts),
    "startswith": A(data, gives=truth), "strip": A(gives=letters), "swapcase": A(), "title": A(),
    "translate": A(const(None), data, gives=letters), "upper": A(gives=letters), "zfill": A(const(9)),
}

BYTEARRAY = Subject(
    "bytearray", lambda c: bytearray(c.rng.choice(TEXTS) * 3), bytearray,
    {
        **BYTE_METHODS,
        "__init__": A(data, gives=nothing),
        "__add__": A(data, gives=letters), "__alloc__": A(gives=count),
        "__buffer__": F(lambda o, c: o.__buffer__(0).release(), nothing),
        "__contains__": A(byte, gives=truth), "__delitem__": A(one_of(0, -1, slice(1, 3)), gives=nothing, raises=IndexError),
        "__getitem__": A(index, gives=letter, raises=IndexError),
        "__iadd__": F(grown(lambda o, c: o.__iadd__(data(c))), itself),
        "__imul__": F(grown(lambda o, c: o.__imul__(c.small())), itself),
        "__iter__": A(gives=numbers), "__len__": A(gives=count), "__mod__": A(const(()), raises=(TypeError, ValueError)),
        "__mul__": A(small_arg, gives=letters), "__rmod__": A(const(1)), "__rmul__": A(small_arg, gives=letters),
        "__setitem__": A(index, byte, gives=nothing, raises=IndexError), "append": A(byte, gives=nothing),
        "clear": A(gives=nothing), "copy": A(gives=letters), "extend": F(grown(lambda o, c: o.extend(data(c))), nothing),
        "fromhex": A(const("6162"), gives=letters), "insert": A(index, byte, gives=nothing),
        "maketrans": A(const(b"a"), const(b"b")), "pop": A(index, gives=letter, raises=IndexError),
        "remove": A(byte, gives=nothing, raises=ValueError), "resize": A(one_of(0, 3, 20), gives=nothing),
        "reverse": A(gives=nothing),
    },
    {
        "o[i:j]": F(lambda o, c: o[c.span()], letters), "o[i:j] =": F(lambda o, c: o.__setitem__(c.plain_span(), data(c)), nothing),
        "extend(o)": F(grown(lambda o, c: o.extend(c.other())), nothing), "o + o": F(lambda o, c: o + c.other(), letters),
        "o += o": F(grown(lambda o, c: o.__iadd__(c.other())), itself),
        "o == o": F(lambda o, c: o == c.other(), truth), "o < o": F(lambda o, c: o < c.other(), truth),
        "in o": F(lambda o, c: c.other() in o, truth), "bytes()": F(lambda o, c: bytes(o), letters),
        "join(o)": F(lambda o, c: b"".join([o, c.other()]), letters), "extend(list)": F(grown(lambda o, c: o.extend(list(b"ab"))), nothing),
        "memoryview()": F(lambda o, c: memoryview(o).tobytes(), letters), "int()": F(lambda o, c: int(o), raises=ValueError),
        "find(o)": F(lambda o, c: o.find(c.other()), position), "replace(o)": F(lambda o, c: o.replace(b"a", c.other()), letters),
    },
    # While another thread has a view, the size cannot change.
    raises=BufferError, flavours=one_flavour)

ARRAY = Subject(
    "array", lambda c: array.array("b", c.rng.choice(TEXTS) * 3), array.array,
    {
        "__add__": A(other_arg, gives=numbers), "__buffer__": F(lambda o, c: o.__buffer__(0).release(), nothing),
        "__contains__": A(byte, gives=truth), "__copy__": A(gives=numbers), "__deepcopy__": A(empty_memo, gives=numbers),
        "__delitem__": A(one_of(0, -1, slice(1, 3)), gives=nothing, raises=IndexError),
        "__getitem__": A(index, gives=letter, raises=IndexError),
        "__iadd__": F(grown(lambda o, c: o.__iadd__(c.other())), itself),
        "__imul__": F(grown(lambda o, c: o.__imul__(c.small())), itself), "__iter__": A(gives=numbers), "__len__": A(gives=count),
        "__mul__": A(small_arg, gives=numbers), "__rmul__": A(small_arg, gives=numbers),
        "__setitem__": A(index, byte, gives=nothing, raises=IndexError), "append": A(byte, gives=nothing),
        "buffer_info": A(gives=of_type(tuple)), "byteswap": A(gives=nothing), "clear": A(gives=nothing),
        "count": A(byte, gives=count), "extend": F(grown(lambda o, c: o.extend(c.other())), nothing),
        "frombytes": A(data, gives=nothing), "fromfile": F(lambda o, c: o.fromfile(io.BytesIO(b"abab"), 3), nothing),
        "fromlist": A(const([97, 98]), gives=nothing), "fromunicode": A(const("a"), raises=ValueError),
        "index": A(byte, gives=count, raises=ValueError), "insert": A(index, byte, gives=nothing), "itemsize": G(count),
        "pop": A(index, gives=letter, raises=IndexError), "remove": A(byte, gives=nothing, raises=ValueError),
        "reverse": A(gives=nothing), "tobytes": A(gives=letters), "tofile": F(lambda o, c: o.tofile(io.BytesIO()), nothing),
        "tolist": A(gives=numbers), "tounicode": A(raises=ValueError), "typecode": G(of_type(str)),
    },
    {
        "o[i:j]": F(lambda o, c: o[c.span()], numbers),
        "o[i:j] =": F(grown(lambda o, c: o.__setitem__(c.plain_span(), c.other())), nothing),
        "o == o": F(lambda o, c: o == c.other(), truth), "o < o": F(lambda o, c: o < c.other(), truth),
        "extend(list)": F(grown(lambda o, c: o.extend([97, 98])), nothing), "bytes()": F(lambda o, c: bytes(memoryview(o)), letters),
    },
    raises=BufferError, flavours=one_flavour)


def view(c):
    return memoryview(bytearray(LETTERS * 2))


MEMORYVIEW = Subject(
    "memoryview", view, memoryview,
    {
        "__hash__": F(lambda o, c: hash(o), raises=ValueError),
        "__buffer__": F(lambda o, c: o.__buffer__(0).release(), nothing), "__delitem__": A(const(0), raises=TypeError),
        "__enter__": A(), "__exit__": F(lambda o, c: None),
        "__getitem__": A(index, gives=letter), "__iter__": A(gives=numbers), "__len__": A(gives=count),
        "__setitem__": A(index, byte, gives=nothing), "c_contiguous": G(truth), "cast": F(lambda o, c: o.cast("B"), letters),
        "contiguous": G(truth), "count": A(byte, gives=count), "f_contiguous": G(truth), "format": G(text), "hex": A(gives=text),
        "index": A(byte, gives=count, raises=ValueError), "itemsize": G(count), "nbytes": G(count), "ndim": G(count),
        "obj": G(of_type(bytearray)), "readonly": G(truth),
        # Others have views of it: only now and then.
        "release": F(lambda o, c: o[1:].release(), nothing),
        "shape": G(of_type(tuple)), "strides": G(of_type(tuple)), "suboffsets": G(of_type(tuple)), "tobytes": A(gives=letters),
        "tolist": A(gives=numbers), "toreadonly": A(gives=letters),
    },
    {
        "o[i:j]": F(lambda o, c: o[c.span()], letters), "o[i:j] =": F(lambda o, c: o.__setitem__(slice(1, 3), b"aB"), nothing),
        "o == o": F(lambda o, c: o == c.other(), truth),
        # What is behind it may not change its size.
        "obj.append": F(lambda o, c: o.obj.append(97), raises=BufferError),
        "obj[:] =": F(lambda o, c: o.obj.__setitem__(slice(0, 3), b"aba"), nothing),
        "obj.upper": F(lambda o, c: o.obj.upper(), letters),
    },
    flavours=one_flavour)

DYING_VIEW = Subject(
    # Views that are released while others use them.
    "memoryview, released", view, None, {},
    {
        "release": F(lambda o, c: o.release(), nothing, BufferError), "o[0]": F(lambda o, c: o[0], letter),
        "tobytes": F(lambda o, c: o.tobytes(), letters), "cast": F(lambda o, c: o.cast("B").release(), nothing, BufferError),
        "o[i:j]": F(lambda o, c: bytes(o[c.span()]), letters), "with": F(lambda o, c: o.__exit__(None, None, None), nothing, BufferError),
        "append": F(lambda o, c: o.obj.append(97), nothing, BufferError), "clear": F(lambda o, c: o.obj.clear(), nothing, BufferError),
        "tolist": F(lambda o, c: o.tolist(), numbers), "==": F(lambda o, c: o == b"ab", truth), "o[0] =": F(lambda o, c: o.__setitem__(0, 97), nothing),
        "hex": F(lambda o, c: o.hex(), text), "iter": F(lambda o, c: list(o), numbers), "bytes": F(lambda o, c: bytes(o), letters),
        "index": F(lambda o, c: o.index(97), count), "join": F(lambda o, c: b"".join([o, o]), letters),
    },
    raises=(ValueError, IndexError), flavours=one_flavour, counts=False)

STRUCT = Subject(
    "Struct", lambda c: struct.Struct("<2sh"), struct.Struct,
    {
        "__init__": A(one_of("<2sh", "<2sh")), "format": G(text), "iter_unpack": F(lambda o, c: list(o.iter_unpack(b"ab\1\0")), lambda c, o, v: v == [(b"ab", 1)]),
        "pack": A(const(b"ab"), const(1), gives=lambda c, o, v: v == b"ab\1\0"),
        "pack_into": F(lambda o, c: o.pack_into(bytearray(6), 2, b"ab", 1), nothing),
        "size": G(lambda c, o, v: v == 4), "unpack": A(const(b"ab\1\0"), gives=lambda c, o, v: v == (b"ab", 1)),
        "unpack_from": F(lambda o, c: o.unpack_from(b"xab\1\0", 1), lambda c, o, v: v == (b"ab", 1)),
    },
    flavours=one_flavour)


class Change:
    """A buffer that one `pack_into` changes while others read it."""
    __slots__ = ("data", "__weakref__")

    def __init__(self, c):
        self.data = bytearray(b"abab" * 4)


STRUCT_BUFFER = Subject(
    "struct with a shared buffer", Change, None, {},
    {
        "pack_into": F(lambda o, c: struct.pack_into("<2s2s", o.data, 4, b"ab", b"ba"), nothing, struct.error),
        "unpack_from": F(lambda o, c: struct.unpack_from("<2s2s", o.data, 4), parts, struct.error),
        "iter_unpack": F(lambda o, c: [x for (x,) in struct.iter_unpack("<2s", o.data)], parts, struct.error),
        "clear": F(lambda o, c: o.data.clear(), nothing, BufferError),
        "extend": F(lambda o, c: len(o.data) < 64 and o.data.extend(b"abab" * 4), raises=BufferError),
        "unpack": F(lambda o, c: struct.unpack(f"{len(o.data)}s", o.data), parts, struct.error),
        "readinto": F(lambda o, c: io.BytesIO(b"ab").readinto(o.data), count, BufferError),
    },
    flavours=one_flavour)

# Files and streams.

COMMON_IO = {
    "__enter__": A(gives=itself), "__exit__": F(lambda o, c: None), "__next__": A(raises=StopIteration), "__iter__": A(gives=itself),
    "_checkClosed": A(gives=nothing), "_checkReadable": A(), "_checkSeekable": A(), "_checkWritable": A(),
    "close": F(lambda o, c: None), "closed": G(truth), "detach": F(lambda o, c: None), "flush": A(gives=nothing), "isatty": A(gives=truth),
    "readable": A(gives=truth), "seekable": A(gives=truth), "writable": A(gives=truth),
    "seek": A(one_of(0, 3, 7), gives=count), "tell": A(gives=count), "truncate": F(lambda o, c: o.truncate(c.rng.choice([None, 40])), count),
}
BYTES_IO = {
    **COMMON_IO, "read": A(one_of(-1, 0, 3), gives=letters), "readline": A(gives=letters), "readlines": A(gives=parts),
    "readinto": F(lambda o, c: o.readinto(bytearray(5)), count), "write": A(data, gives=count),
    "writelines": F(lambda o, c: o.writelines([b"a", b"b\n"]), nothing), "__next__": A(gives=letters, raises=StopIteration),
    "__iter__": A(gives=itself),
}
BUFFERED_IO = {
    **BYTES_IO, "read1": A(one_of(-1, 3), gives=letters), "readinto1": F(lambda o, c: o.readinto1(bytearray(5)), count),
    "fileno": A(gives=count), "mode": G(), "name": G(), "raw": G(), "_dealloc_warn": F(lambda o, c: None),
}
PEEK = {"peek": A(gives=letters)}


def some_bytes(c):
    return c.rng.choice(TEXTS) * 8


BYTESIO = Subject(
    "BytesIO", lambda c: io.BytesIO(some_bytes(c)), io.BytesIO,
    {
        **BYTES_IO, **PEEK, "read1": A(one_of(-1, 3), gives=letters), "readinto1": F(lambda o, c: o.readinto1(bytearray(5)), count),
        "fileno": A(raises=io.UnsupportedOperation), "getbuffer": F(lambda o, c: bytes(o.getbuffer()), letters), "getvalue": A(gives=letters),
        "__setstate__": A(const((b"ab", 1, None)), gives=nothing), "__init__": F(lambda o, c: o.__init__(b"ab"), nothing),
    },
    raises=BufferError, flavours=one_flavour)


def known_text(c, o, v):
    return type(v) is str and set(v.encode()) <= KNOWN


def known_texts(c, o, v):
    return all(known_text(c, o, x) for x in v)


TEXT_IO = {
    **COMMON_IO, "encoding": G(), "errors": G(), "line_buffering": G(), "newlines": G(), "read": A(one_of(-1, 0, 3), gives=known_text),
    "readline": A(gives=known_text), "readlines": A(gives=known_texts), "write": A(one_of("a", "Ab", "\n1"), gives=count),
    "writelines": F(lambda o, c: o.writelines(["a", "b\n"]), nothing), "__next__": A(gives=known_text, raises=StopIteration),
}
STRINGIO = Subject(
    "StringIO", lambda c: io.StringIO(some_bytes(c).decode()), io.StringIO,
    {
        **TEXT_IO, "fileno": A(raises=io.UnsupportedOperation), "getvalue": A(gives=known_text),
        "__setstate__": A(const(("ab", "\n", 1, None)), gives=nothing), "__init__": F(lambda o, c: o.__init__("ab"), nothing),
    },
    flavours=one_flavour)


def new_file(c):
    """A file descriptor of a file that has no name any more."""
    f, path = tempfile.mkstemp()
    os.unlink(path)
    os.write(f, (some_bytes(c) or b"ab") * 6)
    os.lseek(f, 0, 0)
    return f


def closed(o, c):
    o.close()


def without(names, *gone):
    return {n: r for n, r in names.items() if n not in gone}


FILEIO = Subject(
    "FileIO", lambda c: io.FileIO(new_file(c), "r+"), io.FileIO,
    {
        **without(BYTES_IO, "detach"), "_blksize": G(), "_dealloc_warn": F(lambda o, c: None), "_isatty_open_only": A(gives=truth),
        "closefd": G(truth), "fileno": A(gives=count), "mode": G(text), "readall": A(gives=letters),
    },
    flavours=one_flavour, finish=closed)
READ_ONLY = {n: A(*m, raises=io.UnsupportedOperation) for n, m in {"write": [data], "truncate": [const(3)], "_checkWritable": []}.items()}
READ_ONLY["writelines"] = F(lambda o, c: o.writelines([b"a"]), raises=io.UnsupportedOperation)
WRITE_ONLY = {n: A(raises=io.UnsupportedOperation) for n in ("read", "read1", "readline", "readlines", "__next__", "_checkReadable")}
WRITE_ONLY["readinto"] = WRITE_ONLY["readinto1"] = F(lambda o, c: o.readinto(bytearray(3)), raises=io.UnsupportedOperation)

READER = Subject(
    "BufferedReader", lambda c: io.BufferedReader(io.FileIO(new_file(c), "r+"), 16), io.BufferedReader,
    {**BUFFERED_IO, **PEEK, **READ_ONLY}, flavours=one_flavour, finish=closed)
WRITER = Subject(
    "BufferedWriter", lambda c: io.BufferedWriter(io.FileIO(new_file(c), "r+"), 16), io.BufferedWriter,
    {**BUFFERED_IO, **WRITE_ONLY}, flavours=one_flavour, finish=closed)
RANDOM = Subject(
    "BufferedRandom", lambda c: io.BufferedRandom(io.FileIO(new_file(c), "r+"), 16), io.BufferedRandom,
    {**BUFFERED_IO, **PEEK}, flavours=one_flavour, finish=closed)


class Raw(io.RawIOBase):
    """A raw stream of letters without an end."""

    def readable(self):
        return True

    def writable(self):
        return True

    def readinto(self, b):
        n = min(len(b), 7)
        b[:n] = (LETTERS * 2)[:n]
        return n

    def write(self, b):
        return len(b)


PAIR = Subject(
    "BufferedRWPair", lambda c: io.BufferedRWPair(Raw(), Raw(), 16), io.BufferedRWPair,
    {
        **without(BUFFERED_IO, "mode", "name", "raw", "_dealloc_warn"), "peek": A(gives=letters), "read": A(one_of(0, 3), gives=letters),
        "readlines": F(lambda o, c: o.readlines(10), parts), "fileno": A(raises=io.UnsupportedOperation),
        "seek": A(const(0), raises=io.UnsupportedOperation), "tell": A(raises=io.UnsupportedOperation),
        "truncate": A(raises=io.UnsupportedOperation), "_checkSeekable": A(raises=io.UnsupportedOperation),
    },
    flavours=one_flavour, finish=closed)


def text_file(c):
    return io.TextIOWrapper(io.BufferedRandom(io.FileIO(new_file(c), "r+")), encoding="ascii", newline="\n")


TEXT = Subject(
    "TextIOWrapper", text_file, io.TextIOWrapper,
    {
        **TEXT_IO, "_CHUNK_SIZE": G(), "buffer": G(of_type(io.BufferedRandom)), "fileno": A(gives=count), "name": G(),
        "reconfigure": F(lambda o, c: o.reconfigure(line_buffering=c.flag()), nothing), "write_through": G(truth),
        # OSError: telling where it is while another thread is iterating.
        "tell": A(gives=lambda c, o, v: type(v) is int, raises=OSError), "seek": A(const(0), gives=count),
        "truncate": F(lambda o, c: None),
    },
    flavours=one_flavour, finish=closed)

CLOSING = Subject(
    # Files that are closed while others use them.
    "files, closed", lambda c: c.rng.choice([FILEIO, READER, WRITER, RANDOM, TEXT, BYTESIO, STRINGIO]).make(c), None, {},
    {
        "close": F(lambda o, c: o.close(), nothing), "read": F(lambda o, c: o.read(3)), "write": F(lambda o, c: o.write("a")),
        "write bytes": F(lambda o, c: o.write(b"a")), "seek": F(lambda o, c: o.seek(0), count), "tell": F(lambda o, c: o.tell()),
        "readline": F(lambda o, c: o.readline()), "flush": F(lambda o, c: o.flush(), nothing), "fileno": F(lambda o, c: o.fileno()),
        "closed": F(lambda o, c: o.closed, truth), "for": F(lambda o, c: list(o)), "readinto": F(lambda o, c: o.readinto(bytearray(3))),
        "truncate": F(lambda o, c: o.truncate(3)), "repr": F(lambda o, c: repr(o), text), "getvalue": F(lambda o, c: o.getvalue()),
        "detach": F(lambda o, c: o.detach().close() if c.rng.random() < .2 else None),
        "with": F(lambda o, c: o.__exit__(None, None, None)),
    },
    raises=(ValueError, OSError, TypeError, AttributeError), flavours=one_flavour, finish=lambda o, c: close_quietly(o), counts=False)


def close_quietly(o):
    try:
        o.close()
    except ValueError:
        pass


SUBJECTS = [
    BYTEARRAY, ARRAY, MEMORYVIEW, DYING_VIEW, STRUCT, STRUCT_BUFFER, BYTESIO, STRINGIO, FILEIO, READER, WRITER, RANDOM, PAIR,
    TEXT, CLOSING,
]
