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
