"""cmath: values, special values, and what is outside a function's domain."""
import cmath
import math

from checks import raises

INF, NAN = math.inf, math.nan
SAMPLES = [complex(x, y) for x in (-2.3, -.5, 0.0, .7, 3.1) for y in (-1.9, -.2, 0.0, .4, 2.2)]


def near(a, b):
    return abs(a - b) <= 1e-13 * max(1, abs(a), abs(b))


for z in SAMPLES:
    assert near(cmath.exp(1j * z), cmath.cos(z) + 1j * cmath.sin(z)), z
    assert near(cmath.cosh(z) ** 2 - cmath.sinh(z) ** 2, 1), z
    assert near(cmath.tan(z) * cmath.cos(z), cmath.sin(z)) and near(cmath.tanh(z) * cmath.cosh(z), cmath.sinh(z)), z
    assert near(cmath.sqrt(z) ** 2, z) and cmath.sqrt(z).real >= 0, z
    for f, inverse in ((cmath.sin, cmath.asin), (cmath.cos, cmath.acos), (cmath.tan, cmath.atan), (cmath.sinh, cmath.asinh),
                       (cmath.cosh, cmath.acosh), (cmath.tanh, cmath.atanh)):
        assert near(f(inverse(z)), z), (f, z)
    assert near(cmath.rect(*cmath.polar(z)), z) and cmath.polar(z)[1] == cmath.phase(z) == math.atan2(z.imag, z.real)
    if z:
        assert near(cmath.exp(cmath.log(z)), z) and near(10 ** cmath.log10(z), z) and near(3 ** cmath.log(z, 3), z)

# The sides of the branch cuts, and infinity.
for f, z, expected in (
        (cmath.sqrt, complex(-4, 0.0), 2j), (cmath.sqrt, complex(-4, -0.0), -2j), (cmath.log, complex(-1, -0.0), complex(0, -math.pi)),
        (cmath.exp, complex(-INF, 2), 0), (cmath.sqrt, complex(3, INF), complex(INF, INF)), (cmath.tanh, complex(INF, 2), 1),
        (cmath.acos, complex(0, INF), complex(math.pi / 2, -INF)), (cmath.phase, complex(-1, -0.0), -math.pi), (cmath.polar, complex(-INF, 0), (INF, math.pi))):
    assert f(z) == expected, (f, z, f(z))
assert repr(cmath.rect(0.0, INF)) == "0j" and repr(cmath.rect(-INF, 0.0)) == "(-inf-0j)" and repr(cmath.sqrt(-0.0)) == "0j"
for v, r in ((cmath.inf, "inf"), (cmath.nan, "nan"), (cmath.infj, "infj"), (cmath.nanj, "nanj")):
    assert repr(v) == r
assert (cmath.pi, cmath.e, cmath.tau) == (math.pi, math.e, math.tau)
assert cmath.isnan(complex(1, NAN)) and cmath.isinf(complex(NAN, INF)) and not cmath.isfinite(complex(INF, 1)) and cmath.isfinite(1j)
assert cmath.isclose(1 + 1j, 1 + 1.0000000001j) and not cmath.isclose(1, 1.001) and cmath.isclose(1, 2, abs_tol=1) and not cmath.isclose(INF, -INF)

for f, *args in (
        (cmath.log, 0), (cmath.log10, 0j), (cmath.log, 2, 1), (cmath.log, 2, 0), (cmath.atanh, 1), (cmath.atan, -1j), (cmath.exp, complex(2, INF)),
        (cmath.cos, complex(INF, 0)), (cmath.sinh, complex(1, INF)), (cmath.tan, complex(-INF, 2)), (cmath.rect, 1, INF)):
    raises(ValueError, f, *args, text="math domain error")
raises(ValueError, cmath.isclose, 1, 1, rel_tol=-1)
for f, z in ((cmath.exp, 1000), (cmath.cosh, complex(1000, 1)), (cmath.sin, 1000j), (cmath.polar, complex(1.4e308, 1.4e308)), (cmath.sqrt, 1 << 5000)):
    raises(OverflowError, f, z)


class Number:
    def __init__(self, v):
        self.v = v

    def __complex__(self):
        return self.v


assert cmath.sqrt(Number(-1 + 0j)) == 1j
for bad in ("1", None, [], Number(1), Number("1j")):
    raises(TypeError, cmath.sqrt, bad)
raises(TypeError, cmath.rect, 1j, 0)
