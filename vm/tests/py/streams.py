# Streams: raw, buffered, text, in memory.
import io
import os
import sys

from checks import raises

folder = "/tmp/typhon-streams-%d" % os.getpid()
os.mkdir(folder)
path = folder + "/f"


# Text files: lines, universal newlines, encodings.
with open(path, "w") as f:
    assert f.write("one\ntwo\n") == 8
    assert f.tell() == 8
    f.writelines(["three\n", "four"])
assert f.closed
raises(ValueError, f.write, "x", part="closed file")
with open(path) as f:
    assert f.readline() == "one\n"
    assert f.tell() == 4
    assert f.read(2) == "tw"
    assert f.read() == "o\nthree\nfour"
    assert f.read() == ""
    f.seek(4)
    assert list(f) == ["two\n", "three\n", "four"]
    assert f.name == path and f.mode == "r" and f.encoding.lower() == "utf-8"
with open(path) as f:
    assert [line for line in f] == ["one\n", "two\n", "three\n", "four"]
with open(path, "rb") as f:
    assert f.readlines() == [b"one\n", b"two\n", b"three\n", b"four"]
    assert f.seek(-4, 2) == 14 and f.read() == b"four"
    assert f.read(5) == b"" and f.readline() == b""
    f.seek(1)
    assert f.peek(2)[:2] == b"ne" and f.read1(2) == b"ne"
    buffer = bytearray(4)
    assert f.readinto(buffer) == 4 and buffer == b"\ntwo"

with open(path, "wb") as f:
    f.write(b"a\r\nb\rc\nd")
with open(path) as f:
    assert f.readlines() == ["a\n", "b\n", "c\n", "d"]
    assert f.newlines == ("\r", "\n", "\r\n"), f.newlines
with open(path, newline="") as f:
    assert f.readlines() == ["a\r\n", "b\r", "c\n", "d"]
with open(path, newline="\r") as f:
    assert f.readlines() == ["a\r", "\nb\r", "c\nd"]
with open(path, newline="\r\n") as f:
    assert f.readlines() == ["a\r\n", "b\rc\nd"]
with open(path, "w", newline="\r\n") as f:
    f.write("x\ny\n")
assert open(path, "rb").read() == b"x\r\ny\r\n"

text = "äöü €uro 𝄞 " * 3000
for encoding in ["utf-8", "utf-16", "utf-32-le", "utf-8-sig"]:
    with open(path, "w", encoding=encoding) as f:
        f.write(text)
        f.write("end")
    with open(path, encoding=encoding) as f:
        assert f.read() == text + "end", encoding
    with open(path, encoding=encoding) as f:
        assert f.read(7) == text[:7]
        at = f.tell()
        assert f.read(100) == text[7:107]
        f.seek(at)
        assert f.read() == text[7:] + "end", encoding
    with open(path, "a", encoding=encoding) as f:
        f.write("!")
    with open(path, encoding=encoding) as f:
        assert f.read() == text + "end!", encoding
with open(path, "w", encoding="latin-1") as f:
    raises(UnicodeEncodeError, f.write, "€")
    f.write("é")
assert open(path, "rb").read() == b"\xe9"
e = raises(UnicodeDecodeError, open(path, encoding="utf-8").read)
assert e.start == 0 and e.object == b"\xe9"
assert open(path, encoding="utf-8", errors="replace").read() == "\ufffd"
assert open(path, encoding="utf-8", errors="surrogateescape").read() == "\udce9"
raises(LookupError, open, path, "r", -1, "no-such-codec")

# Modes and arguments.
raises(ValueError, open, path, "rw", part="must have exactly one of create/read/write/append mode")
raises(ValueError, open, path, "rbt", part="text and binary")
raises(ValueError, open, path, "z", part="invalid mode: 'z'")
raises(ValueError, open, path, "rb", -1, "utf-8", part="encoding")
raises(ValueError, open, path, "w", 0, part="unbuffered text")
raises(FileNotFoundError, open, folder + "/none", part="No such file")
raises(IsADirectoryError, open, folder)
raises(FileExistsError, open, path, "x")
raises(io.UnsupportedOperation, open(path).write, "x", part="not writable")
raises(io.UnsupportedOperation, open(path, "a").read, part="not readable")
raises(TypeError, open(path, "w").write, b"x", part="must be str, not bytes")
raises(TypeError, open(path, "wb").write, "x", part="bytes-like")

# Raw and unbuffered.
with open(path, "wb", 0) as f:
    assert type(f) is io.FileIO and f.mode == "wb"
    assert f.write(b"0123456789") == 10
    raises(io.UnsupportedOperation, f.read)
with io.FileIO(path, "r+") as f:
    assert f.read(3) == b"012" and f.tell() == 3
    f.seek(5)
    f.write(b"X")
    assert f.truncate(8) == 8
    f.seek(0)
    assert f.readall() == b"01234X67"
    assert repr(f) == "<_io.FileIO name=%r mode='rb+' closefd=True>" % path, repr(f)
fd = os.open(path, os.O_RDONLY)
with open(fd, closefd=False) as f:
    assert f.name == fd
os.close(fd)
raises(OSError, open, fd, part="Bad file descriptor")

# Random access through one buffer.
with open(path, "w+b") as f:
    assert type(f) is io.BufferedRandom
    f.write(b"hello world")
    f.seek(0)
    assert f.read(5) == b"hello"
    f.write(b"_")
    assert f.tell() == 6
    f.seek(0)
    assert f.read() == b"hello_world"
with open(path, "r+") as f:
    f.readline()
    f.write("more\n")
    f.seek(0)
    assert f.read() == "hello_worldmore\n"

# Large transfers.
big = os.urandom(1 << 20)
with open(path, "wb") as f:
    for i in range(0, len(big), 7001):
        f.write(big[i:i + 7001])
with open(path, "rb") as f:
    got = bytearray()
    while part := f.read(12345):
        got += part
    assert got == big
with open(path, "rb", buffering=16) as f:
    assert f.read(100) == big[:100] and f.tell() == 100
    assert f.read() == big[100:]

# In memory.
b = io.BytesIO(b"one\ntwo")
assert b.readline() == b"one\n" and b.read() == b"two" and b.read() == b""
b.seek(0)
assert list(b) == [b"one\n", b"two"]
b.seek(10)
b.write(b"!")
assert b.getvalue() == b"one\ntwo\0\0\0!"
view = b.getbuffer()
view[0] = ord("O")
raises(BufferError, b.write, b"more and more")
view.release()
assert b.getvalue()[:3] == b"One"
b.truncate(3)
assert b.getvalue() == b"One"
b.close()
raises(ValueError, b.read)

s = io.StringIO("a\nb")
assert s.readline() == "a\n" and s.read() == "b"
s.seek(0)
s.write("Z")
assert s.getvalue() == "Z\nb"
s.seek(0, 2)
s.write("é€")
assert s.getvalue() == "Z\nbé€" and s.tell() == 5
s = io.StringIO("a\r\nb\rc", newline=None)
assert s.getvalue() == "a\nb\nc"
s = io.StringIO(newline="\r\n")
s.write("x\ny")
assert s.getvalue() == "x\r\ny"
s = io.StringIO("x\ry\r\nz", newline="")
assert list(s) == ["x\r", "y\r\n", "z"]
print("to memory", 1, file=s)
assert s.getvalue().endswith("to memory 1\n")

# Streams in Python on top of the base classes.
class Raw(io.RawIOBase):
    def __init__(self, data):
        self.data, self.written = data, []
    def readable(self):
        return True
    def writable(self):
        return True
    def readinto(self, b):
        n = min(len(b), 3, len(self.data))
        b[:n], self.data = self.data[:n], self.data[n:]
        return n
    def write(self, b):
        self.written.append(bytes(b))
        return len(b)


r = Raw(b"abcdefgh")
assert r.read(2) == b"ab" and r.readall() == b"cdefgh"
reader = io.BufferedReader(Raw(b"line 1\nline 2\n"))
assert reader.read(4) == b"line" and reader.readline() == b" 1\n" and list(reader) == [b"line 2\n"]
raw = Raw(b"")
writer = io.BufferedWriter(raw, 8)
writer.write(b"12345")
assert raw.written == []
writer.write(b"6789012345")
writer.flush()
assert b"".join(raw.written) == b"123456789012345"
t = io.TextIOWrapper(Raw("é\r\nü".encode()), encoding="utf-8")
assert t.read() == "é\nü"
pair = io.BufferedRWPair(Raw(b"in"), raw)
assert pair.read() == b"in" and pair.write(b"x") == 1
pair.flush()
assert raw.written[-1] == b"x"

d = io.IncrementalNewlineDecoder(None, True)
assert d.decode("a\r") == "a" and d.decode("\nb\r", final=True) == "\nb\n"
assert d.newlines == ("\r", "\r\n"), d.newlines

# Class tree.
assert io.FileIO.__mro__[1:3] == (io._io._RawIOBase, io._io._IOBase)
assert isinstance(open(path), io.TextIOBase) and isinstance(open(path, "rb"), io.BufferedIOBase)
assert issubclass(io.UnsupportedOperation, (OSError, ValueError))
raises(io.UnsupportedOperation, io.IOBase().seek, 0)

# Files close when the last reference goes.
f = open(path, "wb")
f.write(b"dropped")
fd = f.fileno()
del f
raises(OSError, os.fstat, fd)
assert open(path, "rb").read() == b"dropped"

# Standard streams.
assert sys.stdout.fileno() == 1 and sys.stderr.errors == "backslashreplace"
assert sys.stdin.name == "<stdin>" and sys.stdout.mode == "w"

os.unlink(path)
os.rmdir(folder)
