# Integers: arithmetic across the word size, conversion, methods.

from checks import raises

edges = [0, 1, -1, 2, -2, 3, 7, -7, 10, 255, 256, -256, 2**31, 2**32 - 1, -2**31, 2**53 + 1,
         2**61, 2**62 - 1, 2**62, -2**62, -2**62 - 1, 2**63 - 1, 2**63, -2**63, -2**63 - 1, 2**64, 2**64 + 1,
         10**18, 10**19, 10**40, -10**40, 2**200 + 12345, -(2**200) - 1]

for a in edges:
    assert -(-a) == a and +a == a and ~a == -a - 1
    assert abs(a) == (a if a >= 0 else -a)
    assert int(str(a)) == a and int(hex(a), 16) == a and int(bin(a), 0) == a and int(oct(a), 8) == a
    assert bool(a) == (a != 0)
    assert hash(a) == hash(int(str(a)))
    assert a.bit_length() == len(bin(abs(a))) - 2 if a else a.bit_length() == 0
    assert a.bit_count() == bin(a).count("1")
    n = (a.bit_length() + 8) // 8
    for order in ("big", "little"):
        assert int.from_bytes(a.to_bytes(n, order, signed=True), order, signed=True) == a
        if a >= 0:
            assert int.from_bytes(a.to_bytes(n, order), order) == a
    for b in edges:
        s = a + b
        assert s - b == a and s - a == b and b + a == s
        assert (a - b) + b == a
        p = a * b
        assert b * a == p
        if b:
            q, r = divmod(a, b)
            assert q == a // b and r == a % b and q * b + r == a
            assert (0 <= r < b) if b > 0 else (b < r <= 0)
            assert p // b == a and p % b == 0
        assert (a & b) + (a | b) == a + b
        assert (a ^ b) == (a | b) - (a & b)
        assert (a < b) == (a - b < 0) and (a == b) == (a - b == 0) and (a <= b) == (not a > b)
        assert (a != b) == (not a == b)
    for k in (0, 1, 5, 31, 62, 63, 64, 65, 200):
        assert a << k == a * 2**k
        assert a >> k == a // 2**k

assert 3**40 == 12157665459056928801 and (-3)**3 == -27 and 2**0 == 1 and 0**0 == 1
assert 2**-1 == 0.5 and (-2)**-3 == -0.125
assert 7**77 == int("1" + "".join([])) * 7**38 * 7**39
assert pow(3, 200, 13) == 9 and pow(3, 200, -13) == -4 and pow(-3, 5, 7) == 2
assert pow(38, -1, 97) == 23 and pow(5, 0, 1) == 0 and pow(2, 10**20, 10**19 + 51) == pow(2, 10**20, 10**19 + 51)
assert pow(3, 2**100, 10**30 + 57) * 1 % 1 == 0
raises(ValueError, pow, 2, 2, 0, part="pow() 3rd argument cannot be 0")
raises(ValueError, pow, 2, -1, 4, part="base is not invertible")
raises(ZeroDivisionError, lambda: 1 // 0)
raises(ZeroDivisionError, lambda: 1 % 0)
raises(ZeroDivisionError, lambda: 1 / 0)
raises(ZeroDivisionError, lambda: 10**30 // 0)
raises(ZeroDivisionError, lambda: 0**-1)
raises(ValueError, lambda: 1 << -1, part="negative shift count")
raises(TypeError, lambda: 1 + "a", part="unsupported operand type(s) for +: 'int' and 'str'")
raises(TypeError, lambda: 1 @ 2, part="unsupported operand type(s) for @: 'int' and 'int'")
raises(TypeError, lambda: pow(2, "a"), part="unsupported operand type(s) for ** or pow(): 'int' and 'str'")

assert 1 / 3 == 0.3333333333333333 and 10**400 / 10**399 == 10.0
assert (2**53 + 1) / 1 == 9007199254740992.0 and (2**60 + 1) / 2**60 == 1.0
assert 1 / 2**1074 == 5e-324 and 1 / 2**1075 == 0.0 and 3 / 2**1076 == 5e-324
raises(OverflowError, lambda: 10**400 / 3, part="integer division result too large for a float")
raises(OverflowError, float, 10**400, part="int too large to convert to float")

# Exact comparison with floats.
assert 2**53 + 1 != float(2**53) and 2**53 + 1 > float(2**53)
assert 2**63 == 9.223372036854775808e18 and 2**63 - 1 < 9.223372036854775808e18
assert 10**400 > 1e308 and -10**400 < -1e308 and 10**400 < float("inf") and -10**400 > float("-inf")
assert not (1 < float("nan")) and 1 != float("nan") and not (10**30 == float("nan"))
assert 1 == 1.0 and hash(1) == hash(1.0) and hash(2**70) == hash(2.0**70)
assert (1 << 60) + 1 > 0.5 and -1 < -0.5 < 0

# Text.
assert int() == 0 and int("  42\n") == 42 and int("-0x1F", 16) == -31 and int("0b101", 0) == 5
assert int("1_000_000") == 1000000 and int("z", 36) == 35 and int(b"12") == 12 and int(bytearray(b"7")) == 7
assert int("٣٤") == 34 and int(12.9) == 12 and int(-12.9) == -12 and int(1e20) == 10**20 and int(True) == 1
raises(ValueError, int, "x", part="invalid literal for int() with base 10: 'x'")
raises(ValueError, int, "12", 1, part="int() base must be >= 2 and <= 36, or 0")
raises(ValueError, int, "08", 0)
raises(ValueError, int, "")
raises(TypeError, int, 1, 10, part="int() can't convert non-string with explicit base")
raises(TypeError, int, [], part="int() argument must be a string, a bytes-like object or a real number, not 'list'")
raises(OverflowError, int, float("inf"), part="cannot convert float infinity to integer")
raises(ValueError, int, float("nan"), part="cannot convert float NaN to integer")
raises(ValueError, int, "9" * 5000, part="Exceeds the limit (4300 digits)")
raises(ValueError, str, 10**5000, part="Exceeds the limit (4300 digits)")
assert len(str(10**4299)) == 4300

class Index:
    def __index__(self):
        return 5
class Int:
    def __int__(self):
        return 6
class Bad:
    def __int__(self):
        return "x"
    __index__ = __int__
assert int(Index()) == 5 and int(Int()) == 6 and hex(Index()) == "0x5" and [1, 2, 3, 4, 5, 6][Index()] == 6
raises(TypeError, int, Bad())
raises(TypeError, lambda: [1][Bad()])

# Methods.
assert (5).as_integer_ratio() == (5, 1) and (5).is_integer() and (5).conjugate() == 5
assert (7).real == 7 and (7).imag == 0 and (7).numerator == 7 and (7).denominator == 1
assert (1234).to_bytes(2, "big") == b"\x04\xd2" and (5).to_bytes() == b"\x05" and (0).to_bytes(0) == b""
assert (-1).to_bytes(3, "little", signed=True) == b"\xff\xff\xff"
assert (2**63).to_bytes(8, "big") == b"\x80" + b"\0" * 7
raises(OverflowError, (300).to_bytes, 1, part="int too big to convert")
raises(OverflowError, (-1).to_bytes, 2, part="can't convert negative int to unsigned")
raises(OverflowError, lambda: (128).to_bytes(1, signed=True))
raises(ValueError, lambda: (1).to_bytes(1, "x"), part="byteorder must be either 'little' or 'big'")
assert int.from_bytes([1, 2]) == 258 and int.from_bytes(b"") == 0 and int.from_bytes(b"\xff" * 20, signed=True) == -1
assert int.from_bytes(b"\xff" * 9) == 2**72 - 1 and int.from_bytes(b"\xff" * 8) == 2**64 - 1
assert round(1234, -2) == 1200 and round(1250, -2) == 1200 and round(1350, -2) == 1400 and round(-1250, -2) == -1200
assert round(5, 3) == 5 and round(5, -5) == 0 and round(10**30 + 5 * 10**9, -10) == 10**30
assert (3).__round__() == 3 and (3).__trunc__() == 3 and (3).__floor__() == 3 and (3).__ceil__() == 3

# Subclasses keep their type for construction and lose it in arithmetic.
class MyInt(int):
    def __new__(cls, v=0, **kw):
        self = super().__new__(cls, v)
        self.extra = kw
        return self
m = MyInt(41, a=1)
assert m + 1 == 42 and type(m + 1) is int and m.extra == {"a": 1} and type(m) is MyInt
assert MyInt("17") == 17 and hash(MyInt(5)) == 5 and type(int(m)) is int and type(+m) is int
assert isinstance(MyInt.from_bytes(b"\x01"), MyInt) and MyInt(2**100) - 1 == 2**100 - 1
assert {MyInt(3): "x"}[3] == "x" and sorted([MyInt(2), 1]) == [1, 2]

class Sub(int):
    def __add__(self, o):
        return "sub add"
    def __radd__(self, o):
        return "sub radd"
assert Sub(1) + 1 == "sub add" and 1 + Sub(1) == "sub radd"

# bool.
assert True + True == 2 and (True & False) is False and (True | 2) == 3 and (True ^ True) is False
assert repr(True) == "True" and str(False) == "False" and int(True) == 1 and bool("") is False and bool() is False
assert f"{True}" == "True" and f"{True:d}" == "1" and f"{True:>6}" == "     1"
raises(TypeError, lambda: bool(1, 2))

# Formatting.
assert f"{1234567:,}" == "1,234,567" and f"{255:#x}" == "0xff" and f"{255:08b}" == "11111111" and f"{-5:+}" == "-5"
assert f"{5:<4}|{5:^4}|{5:>4}|{5:=+5}" == "5   | 5  |   5|+   5" and f"{65:c}" == "A" and f"{10**20:_}" == "100_000_000_000_000_000_000"
assert f"{3:.2f}" == "3.00" and f"{3:e}" == "3.000000e+00" and f"{1:%}" == "100.000000%"
raises(ValueError, format, 1, "s", part="Unknown format code 's' for object of type 'int'")
print("ok")
