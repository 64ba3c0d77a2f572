use super::*;
use crate::buf::StrBuf;
use crate::error::ErrorKind;
use crate::int::{Int, IntRef};

fn text(result: Result<StrBuf, TextError>) -> String {
    match result {
        Ok(buf) => buf.data().to_string_lossy(),
        Err(e) => {
            let class = match e.kind {
                ErrorKind::Overflow => "OverflowError",
                ErrorKind::Memory => "MemoryError",
                _ => "ValueError",
            };
            format!("{class} {}", e.message)
        }
    }
}

fn int(v: i64, spec: &str) -> String {
    text(format_int(IntRef::Small(v), StrBuf::from(spec).data(), "int", 4300))
}

fn float(v: f64, spec: &str) -> String {
    text(format_float(v, StrBuf::from(spec).data(), "float"))
}

fn string(v: &str, spec: &str) -> String {
    text(format_str(StrBuf::from(v).data(), StrBuf::from(spec).data(), "str"))
}

fn complex(re: f64, im: f64, spec: &str) -> String {
    text(format_complex(re, im, StrBuf::from(spec).data(), "complex"))
}

#[test]
fn integers() {
    for (v, spec, expected) in [
        (12345, "010,", "00,012,345"),
        (12345, "012,", "0,000,012,345"),
        (0, "010,", "00,000,000"),
        (0xabcdef12, "_x", "abcd_ef12"),
        (0xff, "#012_x", "0x0_0000_00ff"),
        (-255, "#010x", "-0x00000ff"),
        (123456789, "_b", "111_0101_1011_1100_1101_0001_0101"),
        (5, "#b", "0b101"),
        (5, "+o", "+5"),
        (5, " X", " 5"),
        (255, "#X", "0XFF"),
        (-5, "=+5", "-   5"),
        (1, "05n", "00001"),
        (1, "<05", "10000"),
        (1, "^05", "00100"),
        (1, "*<05", "1****"),
        (3, "%", "300.000000%"),
        (65, "5c", "    A"),
        (65, "05c", "0000A"),
        (7, "", "7"),
        (7, ">5", "    7"),
        (7, "é^4", "é7éé"),
        (1234567, ",", "1,234,567"),
        (-1234, ",d", "-1,234"),
        (1000, "_", "1_000"),
        (100, ",", "100"),
        (1, "0=5", "00001"),
        (1234, "x=9,", "xxxx1,234"),
        (1, ".2f", "1.00"),
        (1, "xx", "ValueError Invalid format specifier 'xx' for object of type 'int'"),
        (1, ".3d", "ValueError Precision not allowed in integer format specifier"),
        (1, ",x", "ValueError Cannot specify ',' with 'x'."),
        (1, ",_d", "ValueError Cannot specify both ',' and '_'."),
        (1, "_,d", "ValueError Cannot specify both ',' and '_'."),
        (1, ",n", "ValueError Cannot specify ',' with 'n'."),
        (1, "._n", "ValueError Cannot specify '_' with 'n'."),
        (1, "s", "ValueError Unknown format code 's' for object of type 'int'"),
        (1, "é", "ValueError Unknown format code '\\xe9' for object of type 'int'"),
        (1, "\x01", "ValueError Unknown format code '\\x1' for object of type 'int'"),
        (1, "\0", "ValueError Unknown format code '\\x0' for object of type 'int'"),
        (-1, "c", "OverflowError %c arg not in range(0x110000)"),
        (0x110000, "c", "OverflowError %c arg not in range(0x110000)"),
        (1, "+c", "ValueError Sign not allowed with integer format specifier 'c'"),
        (1, "#c", "ValueError Alternate form (#) not allowed with integer format specifier 'c'"),
        (1, "z", "ValueError Negative zero coercion (z) not allowed in integer format specifier"),
        (1, ",,", "ValueError Cannot specify ',' with ','."),
        (1, "__", "ValueError Cannot specify '_' with '_'."),
        (1, ".", "ValueError Format specifier missing precision"),
        (1, "d ", "ValueError Invalid format specifier 'd ' for object of type 'int'"),
        (1, "99999999999999999999", "ValueError Too many decimal digits in format string"),
        (1, "9223372036854775807", "MemoryError "),
        (1, "٣", "  1"),
    ] {
        assert_eq!(int(v, spec), expected, "format({v}, {spec:?})");
    }
    let Int::Big(big) = crate::int::parse(&[b'9'; 400], 10, 0).unwrap() else { panic!() };
    assert_eq!(
        text(format_int(IntRef::Big(&big), StrBuf::from("f").data(), "int", 0)),
        "OverflowError int too large to convert to float"
    );
    assert!(
        text(format_int(IntRef::Big(&big), StrBuf::from("d").data(), "int", 300))
            .contains("Exceeds the limit")
    );
}

#[test]
fn floats() {
    for (v, spec, expected) in [
        (-0.001, "z.1f", "0.0"),
        (-0.001, ".1f", "-0.0"),
        (1234567.891, ",.2f", "1,234,567.89"),
        (1.0, "n", "1"),
        (f64::NAN, "010", "0000000nan"),
        (f64::NEG_INFINITY, "010,", "-000000inf"),
        (1e100, "", "1e+100"),
        (1.0, ".0", "1e+00"),
        (12345.6, ".3", "1.23e+04"),
        (12345.6, "#.3", "1.23e+04"),
        (1.0, "e", "1.000000e+00"),
        (1.0, "_%", "100.000000%"),
        (1.5, ",e", "1.500000e+00"),
        (1e10, "n", "1e+10"),
        (1.5, "^08.2f", "001.5000"),
        (3.14159, "+.2f", "+3.14"),
        (3.14159, "08.2f", "00003.14"),
        (-3.14159, "08.2f", "-0003.14"),
        (0.5, ".0%", "50%"),
        (2.0, "", "2.0"),
        (1e16, ",", "1e+16"),
        (123456.0, ",", "123,456.0"),
        (1234.5, "012,.1f", "00,001,234.5"),
        (f64::INFINITY, "F", "INF"),
        (1.0, "#.0f", "1."),
        (1.0, "g", "1"),
        (123456.123456, "_._f", "123_456.123_456"),
        (123456.123456, "._f", "123456.123_456"),
        (123456.123456, ".4_f", "123456.123_5"),
        (123456789.123456789, ".,", "123456789.123,456,79"),
        (123456789.123456789, ",._", "123,456,789.123_456_79"),
        (1.23456789, "020._f", "000000000001.234_568"),
        (1.5, "d", "ValueError Unknown format code 'd' for object of type 'float'"),
        (1.0, ".2147483648f", "ValueError precision too big"),
        (1.0, ".,_f", "ValueError Cannot specify both ',' and '_'."),
        (1.0, ".f", "ValueError Format specifier missing precision"),
        (-1e-300, "z.2e", "-1.00e-300"),
        (-0.0, "z", "0.0"),
        (-0.0, "z.2e", "0.00e+00"),
        (-1.0, "z", "-1.0"),
        (f64::NEG_INFINITY, "z", "-inf"),
    ] {
        assert_eq!(float(v, spec), expected, "format({v}, {spec:?})");
    }
}

#[test]
fn strings() {
    for (v, spec, expected) in [
        ("a", "05", "a0000"),
        ("a", ".0", ""),
        ("abc", "5.2", "ab   "),
        ("abc", "^7", "  abc  "),
        ("abc", "^6", " abc  "),
        ("a", "<<5", "a<<<<"),
        ("a", "é<5", "aéééé"),
        ("x", "0<5", "x0000"),
        ("x", "^05", "00x00"),
        ("x", "05s", "x0000"),
        ("é€", ">4", "  é€"),
        ("a", "=5", "ValueError '=' alignment not allowed in string format specifier"),
        ("a", "+", "ValueError Sign not allowed in string format specifier"),
        ("a", " ", "ValueError Space not allowed in string format specifier"),
        ("a", ",", "ValueError Cannot specify ',' with 's'."),
        ("a", "_", "ValueError Cannot specify '_' with 's'."),
        ("a", "d", "ValueError Unknown format code 'd' for object of type 'str'"),
        ("a", "#", "ValueError Alternate form (#) not allowed in string format specifier"),
        ("a", "z", "ValueError Negative zero coercion (z) not allowed in string format specifier"),
        ("a", "s ", "ValueError Invalid format specifier 's ' for object of type 'str'"),
    ] {
        assert_eq!(string(v, spec), expected, "format({v:?}, {spec:?})");
    }
}

#[test]
fn complexes() {
    for (re, im, spec, expected) in [
        (1.0, 2.0, ">20.2f", "          1.00+2.00j"),
        (1.0, 2.0, "", "(1+2j)"),
        (1.0, 2.0, ".3", "(1+2j)"),
        (0.0, 1.0, ",f", "0.000000+1.000000j"),
        (0.0, 1.0, "#", "1.j"),
        (0.0, 1.0, ".1e", "0.0e+00+1.0e+00j"),
        (-0.0, 1.0, "", "(-0+1j)"),
        (1.0, f64::NAN, "", "(1+nanj)"),
        (1.0, 1.0, "g", "1+1j"),
        (1.0, -1.0, "n", "1-1j"),
        (0.0, -0.0, "", "-0j"),
        (1.0, 2.0, "*^12", "***(1+2j)***"),
        (1.0, 2.0, "+", "(+1+2j)"),
        (0.0, 2.0, "+", "+2j"),
        (1.0, 1.0, "05", "ValueError Zero padding is not allowed in complex format specifier"),
        (1.0, 1.0, "=5", "ValueError '=' alignment flag is not allowed in complex format specifier"),
        (1.0, 1.0, "%", "ValueError Unknown format code '%' for object of type 'complex'"),
    ] {
        assert_eq!(complex(re, im, spec), expected, "format({re}+{im}j, {spec:?})");
    }
}
