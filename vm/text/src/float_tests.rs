use super::*;

fn repr(x: f64) -> String {
    String::from_utf8(ReprBuffer::new().format(x).to_vec()).unwrap()
}

fn fmt(x: f64, code: char, precision: usize, alternate: bool, dot_zero: bool) -> String {
    let mut out = Vec::new();
    write_format(x, FloatStyle { code: code as u8, precision, alternate, dot_zero }, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn repr_like_python() {
    for (x, text) in [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (0.1, "0.1"),
        (1e16, "1e+16"),
        (1e15, "1000000000000000.0"),
        (9999999999999998.0, "9999999999999998.0"),
        (1.5e16, "1.5e+16"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (0.00012345, "0.00012345"),
        (0.000012345, "1.2345e-05"),
        (1e100, "1e+100"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (123456789.123, "123456789.123"),
        (-2.2250738585072014e-308, "-2.2250738585072014e-308"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (f64::NAN, "nan"),
        (-f64::NAN, "nan"),
        (1e22, "1e+22"),
        (1e-7, "1e-07"),
        (12345678901234567.0, "1.2345678901234568e+16"),
        (100.0, "100.0"),
    ] {
        assert_eq!(repr(x), text);
        assert_eq!(fmt(x, 'r', 0, false, true), text);
    }
    assert_eq!(fmt(1.0, 'r', 0, false, false), "1");
}

#[test]
fn conversions_like_python() {
    assert_eq!(fmt(2.5, 'f', 0, false, false), "2");
    assert_eq!(fmt(3.5, 'f', 0, true, false), "4.");
    assert_eq!(fmt(0.5, 'f', 0, false, false), "0");
    assert_eq!(fmt(2.675, 'f', 2, false, false), "2.67");
    assert_eq!(fmt(1e22, 'f', 1, false, false), "10000000000000000000000.0");
    assert_eq!(fmt(-0.0, 'f', 1, false, false), "-0.0");
    assert_eq!(fmt(2.5, 'e', 0, false, false), "2e+00");
    assert_eq!(fmt(2.5, 'E', 0, true, false), "2.E+00");
    assert_eq!(fmt(0.0, 'e', 3, false, false), "0.000e+00");
    assert_eq!(fmt(123456.789, 'e', 3, false, false), "1.235e+05");
    assert_eq!(fmt(1e-100, 'e', 2, false, false), "1.00e-100");
    assert_eq!(fmt(100000.0, 'g', 6, false, false), "100000");
    assert_eq!(fmt(1000000.0, 'g', 6, false, false), "1e+06");
    assert_eq!(fmt(1000000.0, 'G', 6, true, false), "1.00000E+06");
    assert_eq!(fmt(100000.0, 'g', 6, true, false), "100000.");
    assert_eq!(fmt(1.0, 'g', 6, true, false), "1.00000");
    assert_eq!(fmt(0.0, 'g', 6, true, false), "0.00000");
    assert_eq!(fmt(0.0001, 'g', 6, false, false), "0.0001");
    assert_eq!(fmt(0.00001, 'g', 6, false, false), "1e-05");
    assert_eq!(fmt(0.00012, 'g', 6, true, false), "0.000120000");
    assert_eq!(fmt(99999.95, 'g', 6, false, false), "99999.9");
    assert_eq!(fmt(999999.5, 'g', 6, false, false), "1e+06");
    assert_eq!(fmt(12.0, 'g', 2, false, true), "1.2e+01");
    assert_eq!(fmt(12.0, 'g', 3, false, true), "12.0");
    assert_eq!(fmt(5e-324, 'g', 0, false, false), "5e-324");
    assert_eq!(fmt(f64::INFINITY, 'F', 2, true, false), "INF");
    let long = fmt(0.1, 'f', 1100, false, false);
    assert!(long.starts_with("0.1000000000000000055511151231257827021181583404541015625000"));
    assert_eq!(long.len(), 1102);
    let long = fmt(0.1, 'e', 2000, false, false);
    assert_eq!(long.len(), 2002 + 4);
    assert_eq!(fmt(1.0 / 3.0, 'g', 900, false, false).len(), 2 + 54);
}

#[test]
fn parses_like_float() {
    for (text, x) in [
        ("1", 1.0),
        (" 1.5\n", 1.5),
        ("1_000.5", 1000.5),
        ("1e1_0", 1e10),
        (".5", 0.5),
        ("5.", 5.0),
        ("+1e-3", 0.001),
        ("inf", f64::INFINITY),
        ("-InFinity", f64::NEG_INFINITY),
        ("1e400", f64::INFINITY),
        ("1e-400", 0.0),
    ] {
        assert_eq!(parse(text.as_bytes()), Some(x), "{text}");
    }
    assert!(parse(b"nan").unwrap().is_nan());
    for text in
        ["", " ", "1_", "_1", "1__0", "1_.5", "1._5", "1e_5", "e5", ".", "1e", "0x10", "1 2", "infi", "+-1"]
    {
        assert_eq!(parse(text.as_bytes()), None, "{text}");
    }
    assert_eq!(parse_prefix(b"1.5e3j"), Some((1500.0, 5)));
    assert_eq!(parse_prefix(b"-.5e+j"), Some((-0.5, 3)));
    assert_eq!(parse_prefix(b"infj"), Some((f64::INFINITY, 3)));
    assert_eq!(parse_prefix(b"j"), None);
    assert_eq!(parse_prefix(b"."), None);
    assert_eq!(parse_prefix(b"1e"), Some((1.0, 1)));
}

#[test]
fn rounds_like_python() {
    for (x, n, y) in [
        (2.675, 2, 2.67),
        (2.5, 0, 2.0),
        (3.5, 0, 4.0),
        (1234.5, -2, 1200.0),
        (1250.0, -2, 1200.0),
        (1350.0, -2, 1400.0),
        (50.0, -2, 0.0),
        (50.1, -2, 100.0),
        (51.0, -2, 100.0),
        (49.0, -3, 0.0),
        (-50.1, -2, -100.0),
        (1e300, 5, 1e300),
        (0.1, 400, 0.1),
        (5.015, 2, 5.01),
        (-0.4, 0, -0.0),
        (1.0e22, -22, 1e22),
        (250.0, -2, 200.0),
        (4503599627370495.5, 0, 4503599627370496.0),
    ] {
        assert_eq!(round(x, n), Ok(y), "round({x}, {n})");
    }
    assert!(round(-0.4, 0).unwrap().is_sign_negative());
    assert_eq!(round(1.7976931348623157e308, -308), Err(RoundOverflow));
    assert_eq!(round_to_integer(2.5), 2.0);
}

#[test]
fn ratios() {
    assert_eq!(integer_ratio(0.75), (IBig::from(3), UBig::from(4u8)));
    assert_eq!(integer_ratio(-10.0), (IBig::from(-10), UBig::ONE));
    assert_eq!(mantissa_exponent(5e-324), (1, -1074));
    assert_eq!(to_integer(-2.9), crate::int::Int::Small(-2));
    assert_eq!(to_integer(1e30), crate::int::Int::Big(IBig::from(1000000000000000019884624838656i128)));
    assert_eq!(to_integer(-9223372036854775808.0), crate::int::Int::Small(i64::MIN));
}
