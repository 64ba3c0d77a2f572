//! Code survives being written and read; damaged data is refused without a panic.

use typhon_compile::{
    Code, Const, Mode, Options, PyStr, compile,
    marshal::{MarshalError, dump, dump_code, load, load_code},
};

fn sample() -> Code {
    let source = "
import os
class A[T]:
    'doc'
    def f(self, x, /, y: T = 'é\\ud800', *a, k=1.5, **kw):
        try:
            return [i for i in x if i in {1, 2, b'3', 4j}], 1 << 70, -(1 << 65), x[1:2]
        except* OSError as e:
            async def g(): await e
";
    compile(source, "s.py", Mode::Exec, Options::default()).unwrap().0
}

#[test]
fn round_trip() {
    let code = sample();
    assert_eq!(load_code(&dump_code(&code)).unwrap(), code);
}

#[test]
fn constants_round_trip() {
    let values = [
        Const::None,
        Const::Ellipsis,
        Const::Int(i64::MIN),
        Const::Int(i64::MAX),
        Const::Int(-1),
        Const::BigInt("8000000000000000".to_owned()),
        Const::BigInt("-1234567890abcdef01234567".to_owned()),
        Const::Float(-0.0),
        Const::Complex(1.0, f64::INFINITY),
        Const::Str(PyStr::from_iter([0xD800, 0x41, 0xDC00])),
        Const::Bytes(vec![0, 255]),
        Const::Tuple((0..300).map(Const::Int).collect()),
        Const::FrozenSet(vec![Const::True, Const::Str("a".into()), Const::Str("a".into())]),
        Const::Slice(Box::new([Const::None, Const::Int(2), Const::None])),
    ];
    for value in values {
        let read = load(&dump(&value)).unwrap();
        assert!(read.same(&value), "{value:?} became {read:?}");
    }
}

#[test]
fn every_truncation_is_an_error() {
    let data = dump_code(&sample());
    for len in 0..data.len() {
        assert!(load_code(&data[..len]).is_err(), "{len} bytes of {} were accepted", data.len());
    }
}

#[test]
fn damage_never_panics() {
    let data = dump_code(&sample());
    for at in 0..data.len() {
        for bit in [0x01, 0x08, 0x80, 0xFF] {
            let mut damaged = data.clone();
            damaged[at] ^= bit;
            if let Ok(code) = load_code(&damaged) {
                let _ = typhon_compile::verify_all(&code);
                let _ = typhon_compile::dis(&code);
            }
        }
    }
}

#[test]
fn depth_is_limited() {
    let data = [b")\x01".repeat(100_000), b"N".to_vec()].concat();
    assert_eq!(load(&data), Err(MarshalError::TooDeep));
}
