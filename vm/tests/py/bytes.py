# bytes and bytearray.

from checks import raises

for T in (bytes, bytearray):
    b = T(b"hello world")
    assert len(b) == 11 and b[0] == 104 and b[-1] == 100 and b[1:4] == b"ell" and b[::-1] == b"dlrow olleh" and type(b[1:4]) is T
    assert b"wor" in b and 104 in b and 200 not in b and b"" in b and b == b"hello world" and b != b"x" and b < b"hi" and b >= b"hello"
    assert b + b"!" == b"hello world!" and type(b + b"!") is T and b * 2 == b"hello worldhello world" and 2 * T(b"a") == b"aa" and b * -1 == b""
    assert list(T(b"abc")) == [97, 98, 99] and T([1, 2]) == b"\1\2" and T(3) == b"\0\0\0" and T("é", "utf-8") == b"\xc3\xa9" and T() == b"" and T(range(3)) == b"\0\1\2"
    assert b.find(b"o") == 4 and b.find(111, 5) == 7 and b.rfind(b"o") == 7 and b.find(b"zz") == -1 and b.index(b"w") == 6 and b.count(b"o") == 2 and b.count(108) == 3 and b.count(b"o", 5) == 1 and b.count(b"l", 3, 4) == 1
    assert b.startswith(b"he") and b.endswith((b"x", b"ld")) and b.startswith(b"w", 6) and not b.startswith(b"", 20)
    assert b.split() == [b"hello", b"world"] and T(b"a,b,,c").split(b",") == [b"a", b"b", b"", b"c"] and T(b"a,b,c").rsplit(b",", 1) == [b"a,b", b"c"] and type(b.split()[0]) is T
    assert T(b"a\nb\r\nc").splitlines() == [b"a", b"b", b"c"] and T(b"a\nb").splitlines(True) == [b"a\n", b"b"] and T(b"a=b=c").partition(b"=") == (b"a", b"=", b"b=c") and T(b"a=b=c").rpartition(b"=") == (b"a=b", b"=", b"c")
    assert T(b"  x ").strip() == b"x" and T(b"xxaxx").strip(b"x") == b"a" and T(b"  x ").lstrip() == b"x " and T(b"aab").rstrip(b"b") == b"aa"
    assert T(b"aXa").replace(b"a", b"bb") == b"bbXbb" and T(b"aaa").replace(b"a", b"", 2) == b"a" and T(b"ab").join([b"1", bytearray(b"2"), memoryview(b"3")]) == b"1ab2ab3" and type(T(b"").join([])) is T
    assert T(b"aBc").upper() == b"ABC" and T(b"aBc").lower() == b"abc" and T(b"aBc").swapcase() == b"AbC" and T(b"hello w").title() == b"Hello W" and T(b"hELLO").capitalize() == b"Hello"
    assert T(b"ab").center(5) == b"  ab " and T(b"ab").ljust(4, b"*") == b"ab**" and T(b"ab").rjust(3) == b" ab" and T(b"-5").zfill(4) == b"-005" and T(b"a\tb").expandtabs(4) == b"a   b"
    assert T(b"abc").isalpha() and T(b"12").isdigit() and T(b"a1").isalnum() and T(b" ").isspace() and T(b"ab").islower() and T(b"AB").isupper() and T(b"Ab Cd").istitle() and T(b"\xff").isascii() is False
    assert T(b"pre-x").removeprefix(b"pre-") == b"x" and T(b"x.y").removesuffix(b".y") == b"x" and T(b"abc").translate(bytes.maketrans(b"ab", b"xy")) == b"xyc" and T(b"abc").translate(None, b"b") == b"ac"
    assert T(b"\x00\xff\x10").hex() == "00ff10" and T(b"\x01\x02\x03\x04").hex(":") == "01:02:03:04" and T(b"\1\2\3\4\5").hex("-", 2) == "01-0203-0405" and T(b"\1\2\3\4\5").hex("-", -2) == "0102-0304-05"
    assert T.fromhex(" 01 fF\n10 ") == b"\x01\xff\x10" and type(T.fromhex("")) is T and T(b"\xc3\xa9").decode() == "é" and T(b"abc").decode("ascii") == "abc" and T(b"a\xff").decode("ascii", "replace") == "a\ufffd"
    assert T(b"%s-%d-%b-%c-%x-%r") % (b"a", 5, b"b", 67, 255, "é") == b"a-5-b-C-ff-'\\xe9'" and T(b"%(k)s") % {b"k": b"v"} == b"v" and type(T(b"%d") % 1) is T
    raises(IndexError, lambda: b[50])
    raises(TypeError, lambda: b["a"])
    raises(TypeError, lambda: b + "a")
    raises(TypeError, lambda: "a" in b, part="a bytes-like object is required, not 'str'")
    raises(ValueError, lambda: 300 in b, part="byte must be in range(0, 256)")
    raises(ValueError, b.index, b"zz", part="subsection not found")
    raises(ValueError, T, [300])
    raises(ValueError, T, -1, part="negative count")
    raises(TypeError, T, "a", part="string argument without an encoding")
    raises(TypeError, T, ["a"], part="'str' object cannot be interpreted as an integer")
    raises(TypeError, T, 1.5)
    raises(ValueError, T.fromhex, "xz", part="non-hexadecimal number found in fromhex() arg at position 0")
    raises(TypeError, T(b"a").join, [1], part="sequence item 0: expected a bytes-like object, int found")
    raises(TypeError, lambda: T(b"%s") % "a")
    raises(TypeError, lambda: T(b"abc") % 1, part="not all arguments converted during bytes formatting")
    raises(ValueError, T(b"a").split, b"", part="empty separator")

assert repr(b"a'\n\xff") == 'b"a\'\\n\\xff"' and repr(bytearray(b"x")) == "bytearray(b'x')" and str(b"a") == "b'a'"
assert hash(b"abc") == hash(b"abc") and {b"k": 1}[b"k"] == 1 and b"abc" == bytearray(b"abc") and bytearray(b"abc") == b"abc" and b"a" != "a" and bytes(b"x") is not None
raises(TypeError, hash, bytearray())
x = b"immutable"
assert bytes(x) is x and x[:] is x and b"" + x is x
class HasBytes:
    def __bytes__(self):
        return b"made"
assert bytes(HasBytes()) == b"made" and b"%b" % HasBytes() == b"made"
class B(bytes):
    def __new__(cls, v, tag):
        self = super().__new__(cls, v)
        self.tag = tag
        return self
b = B(b"xyz", 9)
assert b == b"xyz" and b.tag == 9 and type(b) is B and b[1] == 121 and type(b[:]) is bytes and hash(b) == hash(b"xyz") and b.upper() == b"XYZ" and type(bytes(b)) is bytes
it = iter(b"ab")
assert next(it) == 97 and it.__length_hint__() == 1 and list(it) == [98] and next(it, None) is None

# Mutation.
a = bytearray(b"abc")
a.append(100); a.extend(b"ef"); a.extend([103, 104]); a += b"!"; a.insert(0, 64)
assert a == b"@abcdefgh!" and a.pop() == 33 and a.pop(0) == 64 and a == b"abcdefgh"
a[0] = 65; a[-1] = 72; a[1:3] = b"XYZ"; del a[3]; a.remove(72)
assert a == b"AXYdefg", a
a[::2] = b"...."
assert a == b".X.d.f.", a
del a[::2]
assert a == b"Xdf"
a.reverse(); a *= 2
assert a == b"fdXfdX" and a.copy() == a and a.copy() is not a
a[1:1] = [1, 2]; a[:2] = b""
assert a == b"\x02dXfdX", a
a.clear()
assert a == b"" and len(a) == 0
a[:] = b"xyz"; a[len(a):] = b"w"
assert a == b"xyzw"
a.resize(6)
assert a == b"xyzw\0\0"
a.resize(2)
assert a == b"xy"
a += bytes(a)
assert a == b"xyxy"
raises(IndexError, bytearray().pop, part="pop from empty bytearray")
raises(IndexError, bytearray(b"a").pop, 5, part="pop index out of range")
raises(ValueError, bytearray(b"a").remove, 98, part="value not found in bytearray")
raises(ValueError, bytearray(b"a").append, 256)
raises(TypeError, bytearray(b"a").append, "a")
def bad_slice():
    bytearray(b"abcd")[::2] = b"xyz"
raises(ValueError, bad_slice, part="attempt to assign bytes of size 3 to extended slice of size 2")
a = bytearray(b"abc")
m = memoryview(a)
for f in (lambda: a.append(1), a.clear, a.pop, lambda: a.__iadd__(b"x"), lambda: a.__delitem__(0), lambda: a.resize(9)):
    raises(BufferError, f, part="Existing exports of data: object cannot be re-sized")
a[0] = 120; a[0:2] = b"zz"
assert bytes(m) == b"zzc"
m.release()
a.append(1)
assert a == b"zzc\x01"
class BA(bytearray):
    def __init__(self, *args, tag=None):
        super().__init__(*args)
        self.tag = tag
b = BA(b"q", tag=3)
assert b == b"q" and b.tag == 3 and type(b + b"x") is bytearray and repr(b) == "BA(b'q')"
for v in bytearray(b"ab"):
    assert v in (97, 98)
import copy
assert copy.copy(a) == a and copy.deepcopy(b"x") == b"x" and copy.deepcopy(a) == a
print("ok")
