# Floats and complex numbers.
import math

from checks import raises

inf, nan = float("inf"), float("nan")
values = [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, -2.25, 0.1, 1e16, 123456789012345678.0, 1e22, 1e100, 1e300, 1e-300,
          5e-324, 1.7976931348623157e308, 3.141592653589793, 1e-5, 0.0001]
for v in values:
    assert float(repr(v)) == v and float(str(v)) == v and float.fromhex(v.hex()) == v
    n, d = v.as_integer_ratio()
    assert n / d == v
    assert -(-v) == v and abs(-v) == abs(v) and +v == v
    if abs(v) < 1e300:
        assert v * 2 / 2 == v and v + 0 == v and v - 0 == v
assert repr(0.1) == "0.1" and repr(1e16) == "1e+16" and repr(1e15) == "1000000000000000.0" and repr(-0.0) == "-0.0"
assert repr(1e-5) == "1e-05" and repr(0.0001) == "0.0001" and repr(inf) == "inf" and repr(-inf) == "-inf" and repr(nan) == "nan"
assert str(1.0) == "1.0" and str(123456789.125) == "123456789.125" and repr(5e-324) == "5e-324"

assert 7.0 // 2 == 3.0 and -7.0 // 2 == -4.0 and 7.0 % -2 == -1.0 and -7 % 2.0 == 1.0
assert divmod(7.5, 2) == (3.0, 1.5) and divmod(-7.5, 2) == (-4.0, 0.5) and 1.0 // 0.1 == 9.0
assert math.copysign(1, -0.0 % 1.0) == 1.0 and math.copysign(1, 0.0 % -1.0) == -1.0
assert 2.0**3 == 8.0 and 2**0.5 == math.sqrt(2) and (-8.0)**3 == -512.0 and 4**-0.5 == 0.5 and nan**0 == 1.0 and 1**nan == 1.0
assert inf + 1 == inf and inf - inf != inf - inf and inf > 1e308 and -inf < 0 and not (nan == nan) and nan != nan
r = (-8.0)**(1 / 3)
assert type(r) is complex and abs(r - (1 + 1.7320508075688772j)) < 1e-15
for bad in (lambda: 1.0 / 0, lambda: 1.0 // 0, lambda: 1.0 % 0, lambda: divmod(1.0, 0), lambda: 0.0**-1):
    raises(ZeroDivisionError, bad)
raises(OverflowError, lambda: 2.0**10000)
raises(OverflowError, lambda: 10**400 * 1.0, part="int too large to convert to float")
raises(TypeError, lambda: pow(2.0, 2, 3), part="pow() 3rd argument not allowed unless all arguments are integers")
raises(TypeError, lambda: 1.0 + "a", part="unsupported operand type(s) for +: 'float' and 'str'")

assert float() == 0.0 and float("  1_0.5e1 ") == 105.0 and float("-inf") == -inf and float("nan") != 0 and float(b"2.5") == 2.5
assert float("١٫".replace("٫", ".5")) == 1.5 and float(True) == 1.0 and float(10**22) == 1e22
raises(ValueError, float, "x", part="could not convert string to float: 'x'")
raises(ValueError, float, "1__0")
raises(TypeError, float, [], part="float() argument must be a string or a real number, not 'list'")
class F:
    def __float__(self):
        return 2.5
class I:
    def __index__(self):
        return 3
assert float(F()) == 2.5 and float(I()) == 3.0 and math.sqrt(I()) == math.sqrt(3)
assert float.from_number(3) == 3.0
raises(TypeError, float.from_number, "3")

assert round(2.5) == 2 and round(3.5) == 4 and round(-2.5) == -2 and type(round(2.5)) is int
assert round(2.675, 2) == 2.67 and round(1234.5678, -2) == 1200.0 and round(1e300, 2) == 1e300 and round(0.5, 400) == 0.5
assert round(5e15 + 0.5, 1) == 5e15 + 0.5 and round(1.5, -400) == 0.0 and type(round(2.5, 0)) is float
raises(ValueError, round, nan)
raises(OverflowError, round, inf)
raises(OverflowError, round, 1.7976931348623157e308, -308)
assert (2.7).__trunc__() == 2 and (-2.7).__floor__() == -3 and (-2.7).__ceil__() == -2 and math.floor(1e20) == 10**20
assert (2.0).is_integer() and not (2.5).is_integer() and not inf.is_integer()
assert (0.5).hex() == "0x1.0000000000000p-1" and (-0.0).hex() == "-0x0.0p+0" and float.fromhex("0x.8p1") == 1.0
raises(ValueError, float.fromhex, "zz")
raises(OverflowError, float.fromhex, "0x1p5000")
raises(OverflowError, inf.as_integer_ratio)
raises(ValueError, nan.as_integer_ratio)
assert (1.5).real == 1.5 and (1.5).imag == 0.0 and (1.5).conjugate() == 1.5
assert hash(1.5) == 1152921504606846977 and hash(inf) == 314159 and hash(-0.0) == 0 and hash(2.0**100) == hash(2**100)

assert f"{3.14159:.2f}|{3.14159:10.3}|{1e10:g}|{12345.678:,.1f}|{0.5:%}|{-0.0:z.1f}|{1e100:.3e}" == \
    "3.14|      3.14|1e+10|12,345.7|50.000000%|0.0|1.000e+100"
assert f"{1.0}" == "1.0" and f"{1.0:}" == "1.0" and f"{2.5:+08.2f}" == "+0002.50" and f"{nan:5}" == "  nan" and f"{1e6:n}" == "1e+06"
raises(ValueError, format, 1.0, "d", part="Unknown format code 'd' for object of type 'float'")

class MyFloat(float):
    pass
x = MyFloat(2.5)
x.note = "n"
assert x + 1 == 3.5 and type(x + 1) is float and type(x) is MyFloat and x.note == "n" and type(float(x)) is float
assert repr(MyFloat(1)) == "1.0" and isinstance(MyFloat.fromhex("0x1p1"), MyFloat)

# complex
c = 3 + 4j
assert abs(c) == 5.0 and c.real == 3.0 and c.imag == 4.0 and c.conjugate() == 3 - 4j and -c == -3 - 4j and +c == c
assert (1 + 2j) * (3 - 1j) == 5 + 5j and (5 + 5j) / (1 + 2j) == 3 - 1j and c - 1 == 2 + 4j and 1 - c == -2 - 4j
assert 2 * c == 6 + 8j and c / 2 == 1.5 + 2j and 1 / 1j == -1j and (1j)**2 == -1 and (2 + 0j)**-1 == 0.5
assert abs((1 + 1j)**0.5 - (1.09868411346781 + 0.4550898605622274j)) < 1e-14 and (0j)**0 == 1
assert repr(c) == "(3+4j)" and repr(1j) == "1j" and repr(-1j) == "(-0-1j)" and repr(complex(0, -0.0)) == "-0j" and repr(complex(nan, inf)) == "(nan+infj)"
assert complex("1+2j") == 1 + 2j and complex(" (1e3-j) ") == 1000 - 1j and complex("j") == 1j and complex("-3.5") == -3.5
assert complex(1, 2) == 1 + 2j and complex(real=1, imag=2) == 1 + 2j and complex() == 0 and complex(imag=3) == 3j
assert c == 3 + 4j and c != 3 and complex(3) == 3 and hash(complex(3)) == 3 and complex(2**53 + 1) != 2**53 + 1
for bad in (lambda: 1j / 0, lambda: 0j**-1, lambda: 0j**1j):
    raises(ZeroDivisionError, bad)
raises(ValueError, complex, "1 + 2j", part="complex() arg is a malformed string")
raises(TypeError, lambda: 1j < 2, part="'<' not supported between instances of 'complex' and 'int'")
raises(TypeError, lambda: 1j // 1, part="unsupported operand type(s) for //: 'complex' and 'int'")
raises(TypeError, complex, [])
raises(TypeError, int, 1j)
raises(TypeError, float, 1j)
assert f"{c:.1f}" == "3.0+4.0j" and f"{c:>12}" == "      (3+4j)" and f"{1j:g}" == "0+1j"
class C:
    def __complex__(self):
        return 1 + 1j
assert complex(C()) == 1 + 1j and complex.from_number(C()) == 1 + 1j
assert complex(inf, 1) * 1 == complex(inf, 1) and complex(1, inf) * 2.0 == complex(2, inf)
print("ok")
