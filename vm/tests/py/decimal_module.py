"""Decimals of the largest precision, and with more digits than ints may be shown with."""
import decimal
import sys
from decimal import Decimal

from checks import raises

with decimal.localcontext(prec=decimal.MAX_PREC, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN):
    seven = Decimal(10) ** 40 + 7
    assert divmod(seven, 10) == (Decimal(10) ** 39, 7) and seven // 1000 == Decimal(10) ** 37 and seven % 1000 == 7
    assert seven.remainder_near(1000) == 7 and Decimal(998).remainder_near(1000) == -2

    # Products with more digits than the limit, which is of ints alone.
    big = Decimal(3) ** 12_000
    assert len(big.as_tuple().digits) == 5726 > sys.get_int_max_str_digits()
    assert big * big // big == big and big // 3 * 3 == big and str(big) == str(+big)
    assert int(big) == 3 ** 12_000 and Decimal(3 ** 12_000) == big and hash(big) == hash(3 ** 12_000)
raises(ValueError, str, 3 ** 12_000)
raises(ValueError, int, "3" * 5726)

with decimal.localcontext(prec=3):
    for x, y in (999, 1), (1000, 1), (9995, 10), (9994, 10):
        try:
            got = Decimal(x) // Decimal(y), Decimal(x) % Decimal(y)
        except decimal.InvalidOperation:
            got = None
        assert got == (divmod(x, y) if x // y < 1000 else None), (x, y, got)
    assert Decimal("9994").remainder_near(10) == 4
    raises(decimal.InvalidOperation, Decimal("9995.1").remainder_near, 10)
    raises(decimal.InvalidOperation, Decimal(1000).remainder_near, 1)

# ---- the module is native, and its types work as documented ----

import copy
import fractions
import math
import pickle
import threading
from decimal import (
    ROUND_CEILING, ROUND_HALF_UP, BasicContext, Context, DefaultContext, ExtendedContext, FloatOperation, Inexact,
    InvalidOperation, Overflow, getcontext, localcontext, setcontext,
)

assert decimal.Decimal.__module__ == "decimal" and "_decimal" in sys.modules
D = Decimal
assert str(D("1.10") + D("2.205")) == "3.305" and str(D(1) / 3) == "0.3333333333333333333333333333"
assert str(D(2).sqrt()) == "1.414213562373095048801688724" and str(D("0.5").exp()) == "1.648721270700128146848650788"
assert str(D(2).ln()) == "0.6931471805599453094172321215" and D(1000).log10() == 3 and str(D(2) ** -3) == "0.125"
assert str(D(2) ** D("0.5")) == "1.414213562373095048801688724" and str(D(4) ** D("0.5")) == "2." + "0" * 27
assert str(D("1.00000000000000000001").ln()) == "9.999999999999999999950000000E-21"
assert str(D("7e-50").exp()) == "1." + "0" * 27 and str(D(10**40).log10()) == "40"
assert pow(D(3), 1000, 7) == pow(3, 1000, 7) and divmod(D(-7), 3) == (-2, -1) and D(-7) % 3 == -1 and D(-7) // 3 == -2
assert [str(x) for x in (D("1E+3"), D("123E-9"), D("0E-7"), D("-0"), D("NaN12"), D("-Infinity"), D("1e-6"))] == [
    "1E+3", "1.23E-7", "0E-7", "-0", "NaN12", "-Infinity", "0.000001"]
assert D("1E+3").to_eng_string() == "1E+3" and D("123E-9").to_eng_string() == "123E-9" and D("0E+4").to_eng_string() == "0.00E+6"
assert [D(t) for t in (" 1_0.5\n", "\u0661\u0662", "+.5", "5.", "inf")] == [D("10.5"), 12, D("0.5"), 5, math.inf]
for bad in "", " ", ".", "1e", "e5", "1.2.3", "0x1", "nanx", "1 0":
    raises(InvalidOperation, D, bad)
raises(TypeError, D, b"1")
raises(ValueError, D, (0, (1,)))
assert D((1, (1, 2, 5), -2)) == D("-1.25") and D(0.1) == 0.1 and str(D(0.1))[:22] == "0.10000000000000000555"
assert D("3.14").as_tuple() == (0, (3, 1, 4), -2) and D("-3.140").as_integer_ratio() == (-157, 50)

# Equal numbers of all kinds have one hash.
for x in D("1.5"), D("-2.25"), D(10**30), D("1e-3"), D("1e300"), D(0), D(-1):
    f = fractions.Fraction(x)
    assert hash(x) == hash(f) and x == f and not x != f and (x < f + 1) and x > f - 1
assert D("1.5") == 1.5 == D("1.50") and D("NaN") != D("NaN") and hash(D("Infinity")) == hash(math.inf)
raises(TypeError, hash, D("sNaN"))
raises(InvalidOperation, lambda: D("NaN") < 1)
raises(TypeError, lambda: D(1) + 1.5)
assert D(1) + True == 2 and 1 - D("0.5") == D("0.5") and D(3).__add__("x") is NotImplemented

# Rounding.
assert [str(D("2.5").quantize(D(1), rounding=mode)) for mode in (
    "ROUND_UP", "ROUND_DOWN", "ROUND_CEILING", "ROUND_FLOOR", "ROUND_HALF_UP", "ROUND_HALF_DOWN", "ROUND_HALF_EVEN",
    "ROUND_05UP")] == ["3", "2", "3", "2", "3", "2", "2", "2"]
assert round(D("2.675"), 2) == D("2.68") and round(D("-2.5")) == -2 and math.floor(D("-2.5")) == -3 and math.ceil(D("2.1")) == 3
assert int(D("-2.9")) == -2 and float(D("1e-400")) == 0.0 and complex(D(2)) == 2 and math.trunc(D("9.9")) == 9
assert str(D("1234.5678").quantize(D("0.01"))) == "1234.57" and str(D("1e5").normalize()) == "1E+5"
assert format(D("1234567.891"), ",.2f") == "1,234,567.89" and f"{D('0.00001234'):e}" == "1.234e-5" and f"{D('1.5'):>6}|" == "   1.5|"
assert f"{D('-1.5'):+08.2f}" == "-0001.50" and f"{D('0.25'):.0%}" == "25%" and f"{D('NaN'):010}" == "       NaN"
raises(ValueError, format, D(1), "d")

# Contexts: signals raise or are noted; every thread has its own.
with localcontext(prec=5, rounding=ROUND_CEILING) as c:
    assert str(D(1) / 7) == "0.14286" and c.flags[Inexact] and c.prec == 5 and getcontext() is c
    c.traps[Inexact] = True
    try:
        D(1) / 3
    except Inexact as e:
        assert e.args == ([Inexact],)
    else:
        assert False
    c.clear_flags()
    assert not any(c.flags.values()) and len(c.flags) == 9 and sorted(c.flags.copy().values()) == [False] * 9
with localcontext(Context(traps=[FloatOperation])):
    raises(FloatOperation, D, 0.5)
    raises(FloatOperation, lambda: D(1) < 0.5)
    assert D(1) == 1.0 and D.from_float(0.5) == D("0.5")
for attribute, wrong in ("prec", 0), ("prec", 10**18), ("Emin", 1), ("capitals", 2), ("clamp", -1):
    raises(ValueError, setattr, getcontext(), attribute, wrong)
raises(TypeError, setattr, getcontext(), "rounding", "up")
raises(AttributeError, delattr, getcontext(), "prec")
try:
    D(1) / 0
except decimal.DivisionByZero as e:
    assert isinstance(e, ZeroDivisionError) and isinstance(e, ArithmeticError)
raises(Overflow, lambda: D(10) ** 10**7)
found = []
getcontext().prec = 7
thread = threading.Thread(target=lambda: found.append(getcontext().prec))
thread.start()
thread.join()
assert found == [7 if getattr(sys.flags, "thread_inherit_context", 0) else DefaultContext.prec]
assert DefaultContext.prec == 28 and BasicContext.rounding == ROUND_HALF_UP and ExtendedContext.prec == 9
setcontext(DefaultContext)
assert getcontext() is not DefaultContext and getcontext().prec == 28

# Copies, subclasses, pickles.
class Money(D):
    pass


m = Money("1.10")
assert type(m + 1) is D and type(Money.from_float(0.5)) is Money and copy.deepcopy(m) is m and repr(m) == "Decimal('1.10')"
for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
    back = pickle.loads(pickle.dumps(m, protocol))
    assert type(back) is Money and str(back) == "1.10"
    context = pickle.loads(pickle.dumps(Context(prec=3, traps=[Inexact]), protocol))
    assert context.prec == 3 and context.traps[Inexact] and not context.traps[InvalidOperation]

# Too many digits are refused, not computed.
with localcontext(prec=decimal.MAX_PREC, Emax=decimal.MAX_EMAX):
    raises(MemoryError, lambda: D("1e999999999999") + 1)
raises(MemoryError, int, D("1e999999999999", Context(Emax=decimal.MAX_EMAX)))
assert decimal.IEEEContext(64).prec == 16 and decimal.IEEEContext(128).Emax == 6144

# One context that several threads use and change: every operation takes it as it is at some moment.
shared, wrong = Context(prec=9, traps=[]), []


def compute(n):
    for i in range(n):
        third = shared.divide(1, 3)
        if str(third) not in ("0.333333333", "0.3333"):
            wrong.append(third)
        shared.prec = 4 if i % 2 else 9
        shared.flags[Inexact] = i % 3 == 0
        if i % 5 == 0:
            shared.clear_flags()
        if set(shared.flags.copy()) != set(shared.traps) or shared.copy().prec not in (4, 9):
            wrong.append(shared)


threads = [threading.Thread(target=compute, args=(300,)) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not wrong, wrong[:3]
