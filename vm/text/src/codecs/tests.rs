//! Conversions compared with results recorded from CPython 3.13.

use super::*;
use crate::data::StrData;

/// Encoding, start, end and reason of the exception.
type Expected = (&'static str, usize, usize, &'static str);
/// Bytes, error mode, code points or exception.
type Decoding = (&'static [u8], &'static str, Result<&'static [u32], Expected>);
/// Codec, bytes, error mode, code points or exception.
type NamedDecoding = (&'static str, &'static [u8], &'static str, Result<&'static [u32], Expected>);
/// Codec, code points, error mode, bytes or exception.
type NamedEncoding = (&'static str, &'static [u32], &'static str, Result<&'static [u8], Expected>);

#[rustfmt::skip]
const DECODE: &[NamedDecoding] = &[
    ("utf-8", b"abc", "strict", Ok(&[0x61, 0x62, 0x63])),
    ("utf-8", b"abc", "replace", Ok(&[0x61, 0x62, 0x63])),
    ("utf-8", b"\x80", "strict", Err(("utf-8", 0, 1, "invalid start byte"))),
    ("utf-8", b"\x80", "ignore", Ok(&[])),
    ("utf-8", b"\x80", "replace", Ok(&[0xFFFD])),
    ("utf-8", b"\x80", "backslashreplace", Ok(&[0x5C, 0x78, 0x38, 0x30])),
    ("utf-8", b"\x80", "surrogateescape", Ok(&[0xDC80])),
    ("utf-8", b"\x80", "surrogatepass", Err(("utf-8", 0, 1, "invalid start byte"))),
    ("utf-8", b"\xc0\x80", "strict", Err(("utf-8", 0, 1, "invalid start byte"))),
    ("utf-8", b"\xc0\x80", "ignore", Ok(&[])),
    ("utf-8", b"\xc0\x80", "replace", Ok(&[0xFFFD, 0xFFFD])),
    ("utf-8", b"\xc0\x80", "backslashreplace", Ok(&[0x5C, 0x78, 0x63, 0x30, 0x5C, 0x78, 0x38, 0x30])),
    ("utf-8", b"\xc0\x80", "surrogateescape", Ok(&[0xDCC0, 0xDC80])),
    ("utf-8", b"\xc0\x80", "surrogatepass", Err(("utf-8", 0, 1, "invalid start byte"))),
    ("utf-8", b"\xc2", "strict", Err(("utf-8", 0, 1, "unexpected end of data"))),
    ("utf-8", b"\xc2", "ignore", Ok(&[])),
    ("utf-8", b"\xc2", "replace", Ok(&[0xFFFD])),
    ("utf-8", b"\xc2", "backslashreplace", Ok(&[0x5C, 0x78, 0x63, 0x32])),
    ("utf-8", b"\xc2", "surrogateescape", Ok(&[0xDCC2])),
    ("utf-8", b"\xc2", "surrogatepass", Err(("utf-8", 0, 1, "unexpected end of data"))),
    ("utf-8", b"\xc2a", "strict", Err(("utf-8", 0, 1, "invalid continuation byte"))),
    ("utf-8", b"\xc2a", "ignore", Ok(&[0x61])),
    ("utf-8", b"\xc2a", "replace", Ok(&[0xFFFD, 0x61])),
    ("utf-8", b"\xc2a", "backslashreplace", Ok(&[0x5C, 0x78, 0x63, 0x32, 0x61])),
    ("utf-8", b"\xc2a", "surrogateescape", Ok(&[0xDCC2, 0x61])),
    ("utf-8", b"\xc2a", "surrogatepass", Err(("utf-8", 0, 1, "invalid continuation byte"))),
    ("utf-8", b"\xe0\x80\x80", "strict", Err(("utf-8", 0, 1, "invalid continuation byte"))),
    ("utf-8", b"\xe0\x80\x80", "ignore", Ok(&[])),
    ("utf-8", b"\xe0\x80\x80", "replace", Ok(&[0xFFFD, 0xFFFD, 0xFFFD])),
    ("utf-8", b"\xe0\x80\x80", "backslashreplace", Ok(&[0x5C, 0x78, 0x65, 0x30, 0x5C, 0x78, 0x38, 0x30, 0x5C, 0x78, 0x38, 0x30])),
    ("utf-8", b"\xe0\x80\x80", "surrogateescape", Ok(&[0xDCE0, 0xDC80, 0xDC80])),
    ("utf-8", b"\xe0\x80\x80", "surrogatepass", Err(("utf-8", 0, 1, "invalid continuation byte"))),
    ("utf-8", b"\xe2\x82", "strict", Err(("utf-8", 0, 2, "unexpected end of data"))),
    ("utf-8", b"\xe2\x82", "ignore", Ok(&[])),
    ("utf-8", b"\xe2\x82", "replace", Ok(&[0xFFFD])),
    ("utf-8", b"\xe2\x82", "backslashreplace", Ok(&[0x5C, 0x78, 0x65, 0x32, 0x5C, 0x78, 0x38, 0x32])),
    ("utf-8", b"\xe2\x82", "surrogateescape", Ok(&[0xDCE2, 0xDC82])),
    ("utf-8", b"\xe2\x82", "surrogatepass", Err(("utf-8", 0, 2, "unexpected end of data"))),
    ("utf-8", b"\xe2\x82a", "strict", Err(("utf-8", 0, 2, "invalid continuation byte"))),
    ("utf-8", b"\xe2\x82a", "ignore", Ok(&[0x61])),
    ("utf-8", b"\xe2\x82a", "replace", Ok(&[0xFFFD, 0x61])),
    ("utf-8", b"\xe2\x82a", "backslashreplace", Ok(&[0x5C, 0x78, 0x65, 0x32, 0x5C, 0x78, 0x38, 0x32, 0x61])),
    ("utf-8", b"\xe2\x82a", "surrogateescape", Ok(&[0xDCE2, 0xDC82, 0x61])),
    ("utf-8", b"\xe2\x82a", "surrogatepass", Err(("utf-8", 0, 2, "invalid continuation byte"))),
    ("utf-8", b"\xe2a", "strict", Err(("utf-8", 0, 1, "invalid continuation byte"))),
    ("utf-8", b"\xe2a", "ignore", Ok(&[0x61])),
    ("utf-8", b"\xe2a", "replace", Ok(&[0xFFFD, 0x61])),
    ("utf-8", b"\xe2a", "backslashreplace", Ok(&[0x5C, 0x78, 0x65, 0x32, 0x61])),
    ("utf-8", b"\xe2a", "surrogateescape", Ok(&[0xDCE2, 0x61])),
    ("utf-8", b"\xe2a", "surrogatepass", Err(("utf-8", 0, 1, "invalid continuation byte"))),
    ("utf-8", b"\xed\xa0\x80", "strict", Err(("utf-8", 0, 1, "invalid continuation byte"))),
    ("utf-8", b"\xed\xa0\x80", "ignore", Ok(&[])),
    ("utf-8", b"\xed\xa0\x80", "replace", Ok(&[0xFFFD, 0xFFFD, 0xFFFD])),
    ("utf-8", b"\xed\xa0\x80", "backslashreplace", Ok(&[0x5C, 0x78, 0x65, 0x64, 0x5C, 0x78, 0x61, 0x30, 0x5C, 0x78, 0x38, 0x30])),
    ("utf-8", b"\xed\xa0\x80", "surrogateescape", Ok(&[0xDCED, 0xDCA0, 0xDC80])),
    ("utf-8", b"\xed\xa0\x80", "surrogatepass", Ok(&[0xD800])),
    ("utf-8", b"\xf0\x9f\x98", "strict", Err(("utf-8", 0, 3, "unexpected end of data"))),
    ("utf-8", b"\xf0\x9f\x98", "ignore", Ok(&[])),
    ("utf-8", b"\xf0\x9f\x98", "replace", Ok(&[0xFFFD])),
    ("utf-8", b"\xf0\x9f\x98", "backslashreplace", Ok(&[0x5C, 0x78, 0x66, 0x30, 0x5C, 0x78, 0x39, 0x66, 0x5C, 0x78, 0x39, 0x38])),
    ("utf-8", b"\xf0\x9f\x98", "surrogateescape", Ok(&[0xDCF0, 0xDC9F, 0xDC98])),
    ("utf-8", b"\xf0\x9f\x98", "surrogatepass", Err(("utf-8", 0, 3, "unexpected end of data"))),
    ("utf-8", b"\xf0\x9f\x98a", "strict", Err(("utf-8", 0, 3, "invalid continuation byte"))),
    ("utf-8", b"\xf0\x9f\x98a", "ignore", Ok(&[0x61])),
    ("utf-8", b"\xf0\x9f\x98a", "replace", Ok(&[0xFFFD, 0x61])),
    ("utf-8", b"\xf0\x9f\x98a", "backslashreplace", Ok(&[0x5C, 0x78, 0x66, 0x30, 0x5C, 0x78, 0x39, 0x66, 0x5C, 0x78, 0x39, 0x38, 0x61])),
    ("utf-8", b"\xf0\x9f\x98a", "surrogateescape", Ok(&[0xDCF0, 0xDC9F, 0xDC98, 0x61])),
    ("utf-8", b"\xf0\x9f\x98a", "surrogatepass", Err(("utf-8", 0, 3, "invalid continuation byte"))),
    ("utf-8", b"\xf0\x80\x80\x80", "strict", Err(("utf-8", 0, 1, "invalid continuation byte"))),
    ("utf-8", b"\xf0\x80\x80\x80", "ignore", Ok(&[])),
    ("utf-8", b"\xf0\x80\x80\x80", "replace", Ok(&[0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD])),
    ("utf-8", b"\xf0\x80\x80\x80", "backslashreplace", Ok(&[0x5C, 0x78, 0x66, 0x30, 0x5C, 0x78, 0x38, 0x30, 0x5C, 0x78, 0x38, 0x30, 0x5C, 0x78, 0x38, 0x30])),
    ("utf-8", b"\xf0\x80\x80\x80", "surrogateescape", Ok(&[0xDCF0, 0xDC80, 0xDC80, 0xDC80])),
    ("utf-8", b"\xf0\x80\x80\x80", "surrogatepass", Err(("utf-8", 0, 1, "invalid continuation byte"))),
    ("utf-8", b"\xf4\x90\x80\x80", "strict", Err(("utf-8", 0, 1, "invalid continuation byte"))),
    ("utf-8", b"\xf4\x90\x80\x80", "ignore", Ok(&[])),
    ("utf-8", b"\xf4\x90\x80\x80", "replace", Ok(&[0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD])),
    ("utf-8", b"\xf4\x90\x80\x80", "backslashreplace", Ok(&[0x5C, 0x78, 0x66, 0x34, 0x5C, 0x78, 0x39, 0x30, 0x5C, 0x78, 0x38, 0x30, 0x5C, 0x78, 0x38, 0x30])),
    ("utf-8", b"\xf4\x90\x80\x80", "surrogateescape", Ok(&[0xDCF4, 0xDC90, 0xDC80, 0xDC80])),
    ("utf-8", b"\xf4\x90\x80\x80", "surrogatepass", Err(("utf-8", 0, 1, "invalid continuation byte"))),
    ("utf-8", b"\xf5\x80", "strict", Err(("utf-8", 0, 1, "invalid start byte"))),
    ("utf-8", b"\xf5\x80", "ignore", Ok(&[])),
    ("utf-8", b"\xf5\x80", "replace", Ok(&[0xFFFD, 0xFFFD])),
    ("utf-8", b"\xf5\x80", "backslashreplace", Ok(&[0x5C, 0x78, 0x66, 0x35, 0x5C, 0x78, 0x38, 0x30])),
    ("utf-8", b"\xf5\x80", "surrogateescape", Ok(&[0xDCF5, 0xDC80])),
    ("utf-8", b"\xf5\x80", "surrogatepass", Err(("utf-8", 0, 1, "invalid start byte"))),
    ("utf-8", b"\xf0\x9fa", "strict", Err(("utf-8", 0, 2, "invalid continuation byte"))),
    ("utf-8", b"\xf0\x9fa", "ignore", Ok(&[0x61])),
    ("utf-8", b"\xf0\x9fa", "replace", Ok(&[0xFFFD, 0x61])),
    ("utf-8", b"\xf0\x9fa", "backslashreplace", Ok(&[0x5C, 0x78, 0x66, 0x30, 0x5C, 0x78, 0x39, 0x66, 0x61])),
    ("utf-8", b"\xf0\x9fa", "surrogateescape", Ok(&[0xDCF0, 0xDC9F, 0x61])),
    ("utf-8", b"\xf0\x9fa", "surrogatepass", Err(("utf-8", 0, 2, "invalid continuation byte"))),
    ("utf-8", b"\xe0\x9f", "strict", Err(("utf-8", 0, 1, "invalid continuation byte"))),
    ("utf-8", b"\xe0\x9f", "ignore", Ok(&[])),
    ("utf-8", b"\xe0\x9f", "replace", Ok(&[0xFFFD, 0xFFFD])),
    ("utf-8", b"\xe0\x9f", "backslashreplace", Ok(&[0x5C, 0x78, 0x65, 0x30, 0x5C, 0x78, 0x39, 0x66])),
    ("utf-8", b"\xe0\x9f", "surrogateescape", Ok(&[0xDCE0, 0xDC9F])),
    ("utf-8", b"\xe0\x9f", "surrogatepass", Err(("utf-8", 0, 1, "invalid continuation byte"))),
    ("utf-8", b"\xed\xa0", "strict", Err(("utf-8", 0, 1, "invalid continuation byte"))),
    ("utf-8", b"\xed\xa0", "ignore", Ok(&[])),
    ("utf-8", b"\xed\xa0", "replace", Ok(&[0xFFFD, 0xFFFD])),
    ("utf-8", b"\xed\xa0", "backslashreplace", Ok(&[0x5C, 0x78, 0x65, 0x64, 0x5C, 0x78, 0x61, 0x30])),
    ("utf-8", b"\xed\xa0", "surrogateescape", Ok(&[0xDCED, 0xDCA0])),
    ("utf-8", b"\xed\xa0", "surrogatepass", Err(("utf-8", 0, 1, "invalid continuation byte"))),
    ("utf-8", b"a\xffb\xe2\x82\xac\xf0\x9f\x98\x80", "strict", Err(("utf-8", 1, 2, "invalid start byte"))),
    ("utf-8", b"a\xffb\xe2\x82\xac\xf0\x9f\x98\x80", "ignore", Ok(&[0x61, 0x62, 0x20AC, 0x1F600])),
    ("utf-8", b"a\xffb\xe2\x82\xac\xf0\x9f\x98\x80", "replace", Ok(&[0x61, 0xFFFD, 0x62, 0x20AC, 0x1F600])),
    ("utf-8", b"a\xffb\xe2\x82\xac\xf0\x9f\x98\x80", "backslashreplace", Ok(&[0x61, 0x5C, 0x78, 0x66, 0x66, 0x62, 0x20AC, 0x1F600])),
    ("utf-8", b"a\xffb\xe2\x82\xac\xf0\x9f\x98\x80", "surrogateescape", Ok(&[0x61, 0xDCFF, 0x62, 0x20AC, 0x1F600])),
    ("utf-8", b"a\xffb\xe2\x82\xac\xf0\x9f\x98\x80", "surrogatepass", Err(("utf-8", 1, 2, "invalid start byte"))),
    ("utf-8", b"\xc3\xa9x\xc3\xbf", "strict", Ok(&[0xE9, 0x78, 0xFF])),
    ("utf-8", b"\xc3\xa9x\xc3\xbf", "replace", Ok(&[0xE9, 0x78, 0xFF])),
    ("utf-8", b"\xed\xa0\x80\xed\xb0\x80\xed", "strict", Err(("utf-8", 0, 1, "invalid continuation byte"))),
    ("utf-8", b"\xed\xa0\x80\xed\xb0\x80\xed", "ignore", Ok(&[])),
    ("utf-8", b"\xed\xa0\x80\xed\xb0\x80\xed", "replace", Ok(&[0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD])),
    ("utf-8", b"\xed\xa0\x80\xed\xb0\x80\xed", "backslashreplace", Ok(&[0x5C, 0x78, 0x65, 0x64, 0x5C, 0x78, 0x61, 0x30, 0x5C, 0x78, 0x38, 0x30, 0x5C, 0x78, 0x65, 0x64, 0x5C, 0x78, 0x62, 0x30, 0x5C, 0x78, 0x38, 0x30, 0x5C, 0x78, 0x65, 0x64])),
    ("utf-8", b"\xed\xa0\x80\xed\xb0\x80\xed", "surrogateescape", Ok(&[0xDCED, 0xDCA0, 0xDC80, 0xDCED, 0xDCB0, 0xDC80, 0xDCED])),
    ("utf-8", b"\xed\xa0\x80\xed\xb0\x80\xed", "surrogatepass", Err(("utf-8", 6, 7, "unexpected end of data"))),
    ("utf-16", b"\xff\xfea\x00", "strict", Ok(&[0x61])),
    ("utf-16", b"\xff\xfea\x00", "replace", Ok(&[0x61])),
    ("utf-16", b"\xfe\xff\x00a", "strict", Ok(&[0x61])),
    ("utf-16", b"\xfe\xff\x00a", "replace", Ok(&[0x61])),
    ("utf-16", b"\xfe\xffa", "strict", Err(("utf-16-be", 2, 3, "truncated data"))),
    ("utf-16", b"\xfe\xffa", "ignore", Ok(&[])),
    ("utf-16", b"\xfe\xffa", "replace", Ok(&[0xFFFD])),
    ("utf-16", b"\xfe\xffa", "backslashreplace", Ok(&[0x5C, 0x78, 0x36, 0x31])),
    ("utf-16", b"\xfe\xffa", "surrogateescape", Err(("utf-16-be", 2, 3, "truncated data"))),
    ("utf-16", b"\xfe\xffa", "surrogatepass", Err(("utf-16-be", 2, 3, "truncated data"))),
    ("utf-16-le", b"a", "strict", Err(("utf-16-le", 0, 1, "truncated data"))),
    ("utf-16-le", b"a", "ignore", Ok(&[])),
    ("utf-16-le", b"a", "replace", Ok(&[0xFFFD])),
    ("utf-16-le", b"a", "backslashreplace", Ok(&[0x5C, 0x78, 0x36, 0x31])),
    ("utf-16-le", b"a", "surrogateescape", Err(("utf-16-le", 0, 1, "truncated data"))),
    ("utf-16-le", b"a", "surrogatepass", Err(("utf-16-le", 0, 1, "truncated data"))),
    ("utf-16-le", b"a\x00\x00\xd8", "strict", Err(("utf-16-le", 2, 4, "unexpected end of data"))),
    ("utf-16-le", b"a\x00\x00\xd8", "ignore", Ok(&[0x61])),
    ("utf-16-le", b"a\x00\x00\xd8", "replace", Ok(&[0x61, 0xFFFD])),
    ("utf-16-le", b"a\x00\x00\xd8", "backslashreplace", Ok(&[0x61, 0x5C, 0x78, 0x30, 0x30, 0x5C, 0x78, 0x64, 0x38])),
    ("utf-16-le", b"a\x00\x00\xd8", "surrogateescape", Err(("utf-16-le", 2, 4, "unexpected end of data"))),
    ("utf-16-le", b"a\x00\x00\xd8", "surrogatepass", Ok(&[0x61, 0xD800])),
    ("utf-16-le", b"\x00\xd8a\x00", "strict", Err(("utf-16-le", 0, 2, "illegal UTF-16 surrogate"))),
    ("utf-16-le", b"\x00\xd8a\x00", "ignore", Ok(&[0x61])),
    ("utf-16-le", b"\x00\xd8a\x00", "replace", Ok(&[0xFFFD, 0x61])),
    ("utf-16-le", b"\x00\xd8a\x00", "backslashreplace", Ok(&[0x5C, 0x78, 0x30, 0x30, 0x5C, 0x78, 0x64, 0x38, 0x61])),
    ("utf-16-le", b"\x00\xd8a\x00", "surrogateescape", Err(("utf-16-le", 0, 2, "illegal UTF-16 surrogate"))),
    ("utf-16-le", b"\x00\xd8a\x00", "surrogatepass", Ok(&[0xD800, 0x61])),
    ("utf-16-le", b"\x00\xdca\x00", "strict", Err(("utf-16-le", 0, 2, "illegal encoding"))),
    ("utf-16-le", b"\x00\xdca\x00", "ignore", Ok(&[0x61])),
    ("utf-16-le", b"\x00\xdca\x00", "replace", Ok(&[0xFFFD, 0x61])),
    ("utf-16-le", b"\x00\xdca\x00", "backslashreplace", Ok(&[0x5C, 0x78, 0x30, 0x30, 0x5C, 0x78, 0x64, 0x63, 0x61])),
    ("utf-16-le", b"\x00\xdca\x00", "surrogateescape", Err(("utf-16-le", 0, 2, "illegal encoding"))),
    ("utf-16-le", b"\x00\xdca\x00", "surrogatepass", Ok(&[0xDC00, 0x61])),
    ("utf-16-le", b"=\xd8\x00\xde", "strict", Ok(&[0x1F600])),
    ("utf-16-le", b"=\xd8\x00\xde", "replace", Ok(&[0x1F600])),
    ("utf-16-be", b"\xd8=\xde", "strict", Err(("utf-16-be", 0, 3, "unexpected end of data"))),
    ("utf-16-be", b"\xd8=\xde", "ignore", Ok(&[])),
    ("utf-16-be", b"\xd8=\xde", "replace", Ok(&[0xFFFD])),
    ("utf-16-be", b"\xd8=\xde", "backslashreplace", Ok(&[0x5C, 0x78, 0x64, 0x38, 0x5C, 0x78, 0x33, 0x64, 0x5C, 0x78, 0x64, 0x65])),
    ("utf-16-be", b"\xd8=\xde", "surrogateescape", Ok(&[0xDCD8, 0x3DDE])),
    ("utf-16-be", b"\xd8=\xde", "surrogatepass", Err(("utf-16-be", 2, 3, "truncated data"))),
    ("utf-16-le", b"\x00\xd8a", "strict", Err(("utf-16-le", 0, 3, "unexpected end of data"))),
    ("utf-16-le", b"\x00\xd8a", "ignore", Ok(&[])),
    ("utf-16-le", b"\x00\xd8a", "replace", Ok(&[0xFFFD])),
    ("utf-16-le", b"\x00\xd8a", "backslashreplace", Ok(&[0x5C, 0x78, 0x30, 0x30, 0x5C, 0x78, 0x64, 0x38, 0x5C, 0x78, 0x36, 0x31])),
    ("utf-16-le", b"\x00\xd8a", "surrogateescape", Err(("utf-16-le", 0, 3, "unexpected end of data"))),
    ("utf-16-le", b"\x00\xd8a", "surrogatepass", Err(("utf-16-le", 2, 3, "truncated data"))),
    ("utf-16", b"", "strict", Ok(&[])),
    ("utf-16", b"", "replace", Ok(&[])),
    ("utf-16-le", b"\xff\xfea\x00", "strict", Ok(&[0xFEFF, 0x61])),
    ("utf-16-le", b"\xff\xfea\x00", "replace", Ok(&[0xFEFF, 0x61])),
    ("utf-16-be", b"\xd8\x00", "strict", Err(("utf-16-be", 0, 2, "unexpected end of data"))),
    ("utf-16-be", b"\xd8\x00", "ignore", Ok(&[])),
    ("utf-16-be", b"\xd8\x00", "replace", Ok(&[0xFFFD])),
    ("utf-16-be", b"\xd8\x00", "backslashreplace", Ok(&[0x5C, 0x78, 0x64, 0x38, 0x5C, 0x78, 0x30, 0x30])),
    ("utf-16-be", b"\xd8\x00", "surrogateescape", Err(("utf-16-be", 1, 2, "truncated data"))),
    ("utf-16-be", b"\xd8\x00", "surrogatepass", Ok(&[0xD800])),
    ("utf-32", b"\xff\xfe\x00\x00a\x00\x00\x00", "strict", Ok(&[0x61])),
    ("utf-32", b"\xff\xfe\x00\x00a\x00\x00\x00", "replace", Ok(&[0x61])),
    ("utf-32-le", b"a\x00\x00", "strict", Err(("utf-32-le", 0, 3, "truncated data"))),
    ("utf-32-le", b"a\x00\x00", "ignore", Ok(&[])),
    ("utf-32-le", b"a\x00\x00", "replace", Ok(&[0xFFFD])),
    ("utf-32-le", b"a\x00\x00", "backslashreplace", Ok(&[0x5C, 0x78, 0x36, 0x31, 0x5C, 0x78, 0x30, 0x30, 0x5C, 0x78, 0x30, 0x30])),
    ("utf-32-le", b"a\x00\x00", "surrogateescape", Err(("utf-32-le", 0, 3, "truncated data"))),
    ("utf-32-le", b"a\x00\x00", "surrogatepass", Err(("utf-32-le", 0, 3, "truncated data"))),
    ("utf-32-le", b"\x00\xd8\x00\x00", "strict", Err(("utf-32-le", 0, 4, "code point in surrogate code point range(0xd800, 0xe000)"))),
    ("utf-32-le", b"\x00\xd8\x00\x00", "ignore", Ok(&[])),
    ("utf-32-le", b"\x00\xd8\x00\x00", "replace", Ok(&[0xFFFD])),
    ("utf-32-le", b"\x00\xd8\x00\x00", "backslashreplace", Ok(&[0x5C, 0x78, 0x30, 0x30, 0x5C, 0x78, 0x64, 0x38, 0x5C, 0x78, 0x30, 0x30, 0x5C, 0x78, 0x30, 0x30])),
    ("utf-32-le", b"\x00\xd8\x00\x00", "surrogateescape", Err(("utf-32-le", 0, 4, "code point in surrogate code point range(0xd800, 0xe000)"))),
    ("utf-32-le", b"\x00\xd8\x00\x00", "surrogatepass", Ok(&[0xD800])),
    ("utf-32-le", b"\x00\x00\x11\x00", "strict", Err(("utf-32-le", 0, 4, "code point not in range(0x110000)"))),
    ("utf-32-le", b"\x00\x00\x11\x00", "ignore", Ok(&[])),
    ("utf-32-le", b"\x00\x00\x11\x00", "replace", Ok(&[0xFFFD])),
    ("utf-32-le", b"\x00\x00\x11\x00", "backslashreplace", Ok(&[0x5C, 0x78, 0x30, 0x30, 0x5C, 0x78, 0x30, 0x30, 0x5C, 0x78, 0x31, 0x31, 0x5C, 0x78, 0x30, 0x30])),
    ("utf-32-le", b"\x00\x00\x11\x00", "surrogateescape", Err(("utf-32-le", 0, 4, "code point not in range(0x110000)"))),
    ("utf-32-le", b"\x00\x00\x11\x00", "surrogatepass", Err(("utf-32-le", 0, 4, "code point not in range(0x110000)"))),
    ("utf-32-be", b"\x00\x00\x00a", "strict", Ok(&[0x61])),
    ("utf-32-be", b"\x00\x00\x00a", "replace", Ok(&[0x61])),
    ("utf-32-be", b"\x00\x01\xf6\x00", "strict", Ok(&[0x1F600])),
    ("utf-32-be", b"\x00\x01\xf6\x00", "replace", Ok(&[0x1F600])),
    ("ascii", b"a\x80\xff", "strict", Err(("ascii", 1, 2, "ordinal not in range(128)"))),
    ("ascii", b"a\x80\xff", "ignore", Ok(&[0x61])),
    ("ascii", b"a\x80\xff", "replace", Ok(&[0x61, 0xFFFD, 0xFFFD])),
    ("ascii", b"a\x80\xff", "backslashreplace", Ok(&[0x61, 0x5C, 0x78, 0x38, 0x30, 0x5C, 0x78, 0x66, 0x66])),
    ("ascii", b"a\x80\xff", "surrogateescape", Ok(&[0x61, 0xDC80, 0xDCFF])),
    ("ascii", b"a\x80\xff", "surrogatepass", Err(("ascii", 1, 2, "ordinal not in range(128)"))),
    ("latin-1", b"\xff", "strict", Ok(&[0xFF])),
    ("latin-1", b"\xff", "replace", Ok(&[0xFF])),
];

#[rustfmt::skip]
const DECODE_UTF7: &[Decoding] = &[
    (b"+", "strict", Ok(&[])),
    (b"+", "replace", Ok(&[])),
    (b"a+AGE-b", "strict", Ok(&[0x61, 0x61, 0x62])),
    (b"a+AGE-b", "replace", Ok(&[0x61, 0x61, 0x62])),
    (b"+-", "strict", Ok(&[0x2B])),
    (b"+-", "replace", Ok(&[0x2B])),
    (b"+AGE", "strict", Ok(&[0x61])),
    (b"+AGE", "replace", Ok(&[0x61])),
    (b"\xff", "strict", Err(("utf7", 0, 1, "unexpected special character"))),
    (b"\xff", "replace", Ok(&[0xFFFD])),
    (b"+2D3eAA-", "strict", Ok(&[0x1F600])),
    (b"+2D3eAA-", "replace", Ok(&[0x1F600])),
    (b"+2D3-", "strict", Err(("utf7", 0, 5, "non-zero padding bits in shift sequence"))),
    (b"+2D3-", "replace", Ok(&[0xFFFD])),
    (b"+2D3eAAa-", "strict", Err(("utf7", 0, 9, "partial character in shift sequence"))),
    (b"+2D3eAAa-", "replace", Ok(&[0x1F600, 0xFFFD])),
    (b"+A-", "strict", Err(("utf7", 0, 3, "partial character in shift sequence"))),
    (b"+A-", "replace", Ok(&[0xFFFD])),
    (b"+AGE,", "strict", Ok(&[0x61, 0x2C])),
    (b"+AGE,", "replace", Ok(&[0x61, 0x2C])),
    (b"+!", "strict", Err(("utf7", 0, 2, "ill-formed sequence"))),
    (b"+!", "replace", Ok(&[0xFFFD])),
    (b"+AGEAYQ", "strict", Ok(&[0x61, 0x61])),
    (b"+AGEAYQ", "replace", Ok(&[0x61, 0x61])),
    (b"+AGF-", "strict", Err(("utf7", 0, 5, "non-zero padding bits in shift sequence"))),
    (b"+AGF-", "replace", Ok(&[0x61, 0xFFFD])),
    (b"+2AA-", "strict", Ok(&[0xD800])),
    (b"+2AA-", "replace", Ok(&[0xD800])),
    (b"+2ADYAA-", "strict", Ok(&[0xD800, 0xD800])),
    (b"+2ADYAA-", "replace", Ok(&[0xD800, 0xD800])),
    (b"~\x5c", "strict", Ok(&[0x7E, 0x5C])),
    (b"~\x5c", "replace", Ok(&[0x7E, 0x5C])),
    (b"+\xff", "strict", Err(("utf7", 0, 2, "ill-formed sequence"))),
    (b"+\xff", "replace", Ok(&[0xFFFD])),
    (b"+AGE\xff", "strict", Err(("utf7", 4, 5, "unexpected special character"))),
    (b"+AGE\xff", "replace", Ok(&[0x61, 0xFFFD])),
    (b"+3AA-", "strict", Ok(&[0xDC00])),
    (b"+3AA-", "replace", Ok(&[0xDC00])),
    (b"a+AG", "strict", Err(("utf7", 1, 4, "unterminated shift sequence"))),
    (b"a+AG", "replace", Ok(&[0x61, 0xFFFD])),
    (b"+AGE--", "strict", Ok(&[0x61, 0x2D])),
    (b"+AGE--", "replace", Ok(&[0x61, 0x2D])),
    (b"+2ABhYQ", "strict", Ok(&[0xD800, 0x6161])),
    (b"+2ABhYQ", "replace", Ok(&[0xD800, 0x6161])),
    (b"+2AA", "strict", Err(("utf7", 0, 4, "unterminated shift sequence"))),
    (b"+2AA", "replace", Ok(&[0xFFFD])),
];

#[rustfmt::skip]
const DECODE_ESCAPE: &[Decoding] = &[
    (b"\x5cx4", "strict", Err(("unicodeescape", 0, 3, "truncated \\xXX escape"))),
    (b"\x5cx4", "replace", Ok(&[0xFFFD])),
    (b"\x5cx", "strict", Err(("unicodeescape", 0, 2, "truncated \\xXX escape"))),
    (b"\x5cx", "replace", Ok(&[0xFFFD])),
    (b"\x5cu12", "strict", Err(("unicodeescape", 0, 4, "truncated \\uXXXX escape"))),
    (b"\x5cu12", "replace", Ok(&[0xFFFD])),
    (b"\x5cU00110000", "strict", Err(("unicodeescape", 0, 10, "illegal Unicode character"))),
    (b"\x5cU00110000", "replace", Ok(&[0xFFFD])),
    (b"\x5c", "strict", Err(("unicodeescape", 0, 1, "\\ at end of string"))),
    (b"\x5c", "replace", Ok(&[0xFFFD])),
    (b"\x5cN{DIGIT ONE}", "strict", Ok(&[0x31])),
    (b"\x5cN{DIGIT ONE}", "replace", Ok(&[0x31])),
    (b"\x5cN{foo}", "strict", Err(("unicodeescape", 0, 7, "unknown Unicode character name"))),
    (b"\x5cN{foo}", "replace", Ok(&[0xFFFD])),
    (b"\x5cN{foo", "strict", Err(("unicodeescape", 0, 6, "malformed \\N character escape"))),
    (b"\x5cN{foo", "replace", Ok(&[0xFFFD])),
    (b"\x5cN", "strict", Err(("unicodeescape", 0, 2, "malformed \\N character escape"))),
    (b"\x5cN", "replace", Ok(&[0xFFFD])),
    (b"\x5cNx", "strict", Err(("unicodeescape", 0, 2, "malformed \\N character escape"))),
    (b"\x5cNx", "replace", Ok(&[0xFFFD, 0x78])),
    (b"\x5cN{}", "strict", Err(("unicodeescape", 0, 3, "malformed \\N character escape"))),
    (b"\x5cN{}", "replace", Ok(&[0xFFFD, 0x7D])),
    (b"\x5c777\x5c8\x5cq\x5c\x0a\x5ca\x5cb\x5cf\x5cn\x5cr\x5ct\x5cv\x5c'\x5c\x22\x5c\x5c\x5c0\x5c12", "strict", Ok(&[0x1FF, 0x5C, 0x38, 0x5C, 0x71, 0x7, 0x8, 0xC, 0xA, 0xD, 0x9, 0xB, 0x27, 0x22, 0x5C, 0x0, 0xA])),
    (b"\x5c777\x5c8\x5cq\x5c\x0a\x5ca\x5cb\x5cf\x5cn\x5cr\x5ct\x5cv\x5c'\x5c\x22\x5c\x5c\x5c0\x5c12", "replace", Ok(&[0x1FF, 0x5C, 0x38, 0x5C, 0x71, 0x7, 0x8, 0xC, 0xA, 0xD, 0x9, 0xB, 0x27, 0x22, 0x5C, 0x0, 0xA])),
    (b"\xe9\x5cud83d\x5cude00", "strict", Ok(&[0xE9, 0xD83D, 0xDE00])),
    (b"\xe9\x5cud83d\x5cude00", "replace", Ok(&[0xE9, 0xD83D, 0xDE00])),
    (b"\x5cU0001f60", "strict", Err(("unicodeescape", 0, 9, "truncated \\UXXXXXXXX escape"))),
    (b"\x5cU0001f60", "replace", Ok(&[0xFFFD])),
    (b"\x5cxg1", "strict", Err(("unicodeescape", 0, 2, "truncated \\xXX escape"))),
    (b"\x5cxg1", "replace", Ok(&[0xFFFD, 0x67, 0x31])),
    (b"\x5cx4g", "strict", Err(("unicodeescape", 0, 3, "truncated \\xXX escape"))),
    (b"\x5cx4g", "replace", Ok(&[0xFFFD, 0x67])),
    (b"a\x5cu00zz", "strict", Err(("unicodeescape", 1, 5, "truncated \\uXXXX escape"))),
    (b"a\x5cu00zz", "replace", Ok(&[0x61, 0xFFFD, 0x7A, 0x7A])),
    (b"\x5cN{EURO SIGN}\x5cU0001f600", "strict", Ok(&[0x20AC, 0x1F600])),
    (b"\x5cN{EURO SIGN}\x5cU0001f600", "replace", Ok(&[0x20AC, 0x1F600])),
];

#[rustfmt::skip]
const DECODE_RAW: &[Decoding] = &[
    (b"\x5cu12", "strict", Err(("rawunicodeescape", 0, 4, "truncated \\uXXXX escape"))),
    (b"\x5cu12", "replace", Ok(&[0xFFFD])),
    (b"\x5c\x5cu1234\x5cu1234\xe9", "strict", Ok(&[0x5C, 0x5C, 0x75, 0x31, 0x32, 0x33, 0x34, 0x1234, 0xE9])),
    (b"\x5c\x5cu1234\x5cu1234\xe9", "replace", Ok(&[0x5C, 0x5C, 0x75, 0x31, 0x32, 0x33, 0x34, 0x1234, 0xE9])),
    (b"\x5cU00110000", "strict", Err(("rawunicodeescape", 0, 10, "\\Uxxxxxxxx out of range"))),
    (b"\x5cU00110000", "replace", Ok(&[0xFFFD])),
    (b"\x5cn\x5c", "strict", Ok(&[0x5C, 0x6E, 0x5C])),
    (b"\x5cn\x5c", "replace", Ok(&[0x5C, 0x6E, 0x5C])),
    (b"\x5cU0001f600", "strict", Ok(&[0x1F600])),
    (b"\x5cU0001f600", "replace", Ok(&[0x1F600])),
    (b"\x5cu123g", "strict", Err(("rawunicodeescape", 0, 5, "truncated \\uXXXX escape"))),
    (b"\x5cu123g", "replace", Ok(&[0xFFFD, 0x67])),
    (b"\x5c", "strict", Ok(&[0x5C])),
    (b"\x5c", "replace", Ok(&[0x5C])),
];

#[rustfmt::skip]
const ENCODE: &[NamedEncoding] = &[
    ("utf-8", &[0x61, 0x62, 0x63], "strict", Ok(b"abc")),
    ("utf-8", &[0xE9, 0x20AC, 0x1F600], "strict", Ok(b"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")),
    ("utf-8", &[0x61, 0xD800, 0x62], "strict", Err(("utf-8", 1, 2, "surrogates not allowed"))),
    ("utf-8", &[0x61, 0xD800, 0x62], "ignore", Ok(b"ab")),
    ("utf-8", &[0x61, 0xD800, 0x62], "replace", Ok(b"a?b")),
    ("utf-8", &[0x61, 0xD800, 0x62], "backslashreplace", Ok(b"a\x5cud800b")),
    ("utf-8", &[0x61, 0xD800, 0x62], "xmlcharrefreplace", Ok(b"a&#55296;b")),
    ("utf-8", &[0x61, 0xD800, 0x62], "namereplace", Ok(b"a\x5cud800b")),
    ("utf-8", &[0x61, 0xD800, 0x62], "surrogateescape", Err(("utf-8", 1, 2, "surrogates not allowed"))),
    ("utf-8", &[0x61, 0xD800, 0x62], "surrogatepass", Ok(b"a\xed\xa0\x80b")),
    ("utf-8", &[0xD800, 0xDC00], "strict", Err(("utf-8", 0, 2, "surrogates not allowed"))),
    ("utf-8", &[0xD800, 0xDC00], "ignore", Ok(b"")),
    ("utf-8", &[0xD800, 0xDC00], "replace", Ok(b"??")),
    ("utf-8", &[0xD800, 0xDC00], "backslashreplace", Ok(b"\x5cud800\x5cudc00")),
    ("utf-8", &[0xD800, 0xDC00], "xmlcharrefreplace", Ok(b"&#55296;&#56320;")),
    ("utf-8", &[0xD800, 0xDC00], "namereplace", Ok(b"\x5cud800\x5cudc00")),
    ("utf-8", &[0xD800, 0xDC00], "surrogateescape", Err(("utf-8", 0, 2, "surrogates not allowed"))),
    ("utf-8", &[0xD800, 0xDC00], "surrogatepass", Ok(b"\xed\xa0\x80\xed\xb0\x80")),
    ("utf-8", &[0xDC80, 0xDCFF, 0x61, 0xD800], "strict", Err(("utf-8", 0, 2, "surrogates not allowed"))),
    ("utf-8", &[0xDC80, 0xDCFF, 0x61, 0xD800], "ignore", Ok(b"a")),
    ("utf-8", &[0xDC80, 0xDCFF, 0x61, 0xD800], "replace", Ok(b"??a?")),
    ("utf-8", &[0xDC80, 0xDCFF, 0x61, 0xD800], "backslashreplace", Ok(b"\x5cudc80\x5cudcffa\x5cud800")),
    ("utf-8", &[0xDC80, 0xDCFF, 0x61, 0xD800], "xmlcharrefreplace", Ok(b"&#56448;&#56575;a&#55296;")),
    ("utf-8", &[0xDC80, 0xDCFF, 0x61, 0xD800], "namereplace", Ok(b"\x5cudc80\x5cudcffa\x5cud800")),
    ("utf-8", &[0xDC80, 0xDCFF, 0x61, 0xD800], "surrogateescape", Err(("utf-8", 3, 4, "surrogates not allowed"))),
    ("utf-8", &[0xDC80, 0xDCFF, 0x61, 0xD800], "surrogatepass", Ok(b"\xed\xb2\x80\xed\xb3\xbfa\xed\xa0\x80")),
    ("utf-8", &[0xDC80, 0xD800], "strict", Err(("utf-8", 0, 2, "surrogates not allowed"))),
    ("utf-8", &[0xDC80, 0xD800], "ignore", Ok(b"")),
    ("utf-8", &[0xDC80, 0xD800], "replace", Ok(b"??")),
    ("utf-8", &[0xDC80, 0xD800], "backslashreplace", Ok(b"\x5cudc80\x5cud800")),
    ("utf-8", &[0xDC80, 0xD800], "xmlcharrefreplace", Ok(b"&#56448;&#55296;")),
    ("utf-8", &[0xDC80, 0xD800], "namereplace", Ok(b"\x5cudc80\x5cud800")),
    ("utf-8", &[0xDC80, 0xD800], "surrogateescape", Err(("utf-8", 1, 2, "surrogates not allowed"))),
    ("utf-8", &[0xDC80, 0xD800], "surrogatepass", Ok(b"\xed\xb2\x80\xed\xa0\x80")),
    ("ascii", &[0x61, 0xE9, 0x20AC, 0x62], "strict", Err(("ascii", 1, 3, "ordinal not in range(128)"))),
    ("ascii", &[0x61, 0xE9, 0x20AC, 0x62], "ignore", Ok(b"ab")),
    ("ascii", &[0x61, 0xE9, 0x20AC, 0x62], "replace", Ok(b"a??b")),
    ("ascii", &[0x61, 0xE9, 0x20AC, 0x62], "backslashreplace", Ok(b"a\x5cxe9\x5cu20acb")),
    ("ascii", &[0x61, 0xE9, 0x20AC, 0x62], "xmlcharrefreplace", Ok(b"a&#233;&#8364;b")),
    ("ascii", &[0x61, 0xE9, 0x20AC, 0x62], "namereplace", Ok(b"a\x5cN{LATIN SMALL LETTER E WITH ACUTE}\x5cN{EURO SIGN}b")),
    ("ascii", &[0x61, 0xE9, 0x20AC, 0x62], "surrogateescape", Err(("ascii", 1, 3, "ordinal not in range(128)"))),
    ("ascii", &[0x61, 0xE9, 0x20AC, 0x62], "surrogatepass", Err(("ascii", 1, 3, "ordinal not in range(128)"))),
    ("ascii", &[0xDC80, 0x78], "strict", Err(("ascii", 0, 1, "ordinal not in range(128)"))),
    ("ascii", &[0xDC80, 0x78], "ignore", Ok(b"x")),
    ("ascii", &[0xDC80, 0x78], "replace", Ok(b"?x")),
    ("ascii", &[0xDC80, 0x78], "backslashreplace", Ok(b"\x5cudc80x")),
    ("ascii", &[0xDC80, 0x78], "xmlcharrefreplace", Ok(b"&#56448;x")),
    ("ascii", &[0xDC80, 0x78], "namereplace", Ok(b"\x5cudc80x")),
    ("ascii", &[0xDC80, 0x78], "surrogateescape", Ok(b"\x80x")),
    ("ascii", &[0xDC80, 0x78], "surrogatepass", Err(("ascii", 0, 1, "ordinal not in range(128)"))),
    ("ascii", &[0xDC80, 0xE9], "strict", Err(("ascii", 0, 2, "ordinal not in range(128)"))),
    ("ascii", &[0xDC80, 0xE9], "ignore", Ok(b"")),
    ("ascii", &[0xDC80, 0xE9], "replace", Ok(b"??")),
    ("ascii", &[0xDC80, 0xE9], "backslashreplace", Ok(b"\x5cudc80\x5cxe9")),
    ("ascii", &[0xDC80, 0xE9], "xmlcharrefreplace", Ok(b"&#56448;&#233;")),
    ("ascii", &[0xDC80, 0xE9], "namereplace", Ok(b"\x5cudc80\x5cN{LATIN SMALL LETTER E WITH ACUTE}")),
    ("ascii", &[0xDC80, 0xE9], "surrogateescape", Err(("ascii", 1, 2, "ordinal not in range(128)"))),
    ("ascii", &[0xDC80, 0xE9], "surrogatepass", Err(("ascii", 0, 2, "ordinal not in range(128)"))),
    ("ascii", &[0x20AC, 0x20AC, 0x61, 0x20AC], "strict", Err(("ascii", 0, 2, "ordinal not in range(128)"))),
    ("ascii", &[0x20AC, 0x20AC, 0x61, 0x20AC], "ignore", Ok(b"a")),
    ("ascii", &[0x20AC, 0x20AC, 0x61, 0x20AC], "replace", Ok(b"??a?")),
    ("ascii", &[0x20AC, 0x20AC, 0x61, 0x20AC], "backslashreplace", Ok(b"\x5cu20ac\x5cu20aca\x5cu20ac")),
    ("ascii", &[0x20AC, 0x20AC, 0x61, 0x20AC], "xmlcharrefreplace", Ok(b"&#8364;&#8364;a&#8364;")),
    ("ascii", &[0x20AC, 0x20AC, 0x61, 0x20AC], "namereplace", Ok(b"\x5cN{EURO SIGN}\x5cN{EURO SIGN}a\x5cN{EURO SIGN}")),
    ("ascii", &[0x20AC, 0x20AC, 0x61, 0x20AC], "surrogateescape", Err(("ascii", 0, 2, "ordinal not in range(128)"))),
    ("ascii", &[0x20AC, 0x20AC, 0x61, 0x20AC], "surrogatepass", Err(("ascii", 0, 2, "ordinal not in range(128)"))),
    ("latin-1", &[0x61, 0xE9, 0x20AC, 0x62], "strict", Err(("latin-1", 2, 3, "ordinal not in range(256)"))),
    ("latin-1", &[0x61, 0xE9, 0x20AC, 0x62], "ignore", Ok(b"a\xe9b")),
    ("latin-1", &[0x61, 0xE9, 0x20AC, 0x62], "replace", Ok(b"a\xe9?b")),
    ("latin-1", &[0x61, 0xE9, 0x20AC, 0x62], "backslashreplace", Ok(b"a\xe9\x5cu20acb")),
    ("latin-1", &[0x61, 0xE9, 0x20AC, 0x62], "xmlcharrefreplace", Ok(b"a\xe9&#8364;b")),
    ("latin-1", &[0x61, 0xE9, 0x20AC, 0x62], "namereplace", Ok(b"a\xe9\x5cN{EURO SIGN}b")),
    ("latin-1", &[0x61, 0xE9, 0x20AC, 0x62], "surrogateescape", Err(("latin-1", 2, 3, "ordinal not in range(256)"))),
    ("latin-1", &[0x61, 0xE9, 0x20AC, 0x62], "surrogatepass", Err(("latin-1", 2, 3, "ordinal not in range(256)"))),
    ("latin-1", &[0xE9, 0xDCFF], "strict", Err(("latin-1", 1, 2, "ordinal not in range(256)"))),
    ("latin-1", &[0xE9, 0xDCFF], "ignore", Ok(b"\xe9")),
    ("latin-1", &[0xE9, 0xDCFF], "replace", Ok(b"\xe9?")),
    ("latin-1", &[0xE9, 0xDCFF], "backslashreplace", Ok(b"\xe9\x5cudcff")),
    ("latin-1", &[0xE9, 0xDCFF], "xmlcharrefreplace", Ok(b"\xe9&#56575;")),
    ("latin-1", &[0xE9, 0xDCFF], "namereplace", Ok(b"\xe9\x5cudcff")),
    ("latin-1", &[0xE9, 0xDCFF], "surrogateescape", Ok(b"\xe9\xff")),
    ("latin-1", &[0xE9, 0xDCFF], "surrogatepass", Err(("latin-1", 1, 2, "ordinal not in range(256)"))),
    ("utf-16", &[0x61, 0x1F600], "strict", Ok(b"\xff\xfea\x00=\xd8\x00\xde")),
    ("utf-16", &[0xD800], "strict", Err(("utf-16", 0, 1, "surrogates not allowed"))),
    ("utf-16", &[0xD800], "ignore", Ok(b"\xff\xfe")),
    ("utf-16", &[0xD800], "replace", Ok(b"\xff\xfe?\x00")),
    ("utf-16", &[0xD800], "backslashreplace", Ok(b"\xff\xfe\x5c\x00u\x00d\x008\x000\x000\x00")),
    ("utf-16", &[0xD800], "xmlcharrefreplace", Ok(b"\xff\xfe&\x00#\x005\x005\x002\x009\x006\x00;\x00")),
    ("utf-16", &[0xD800], "namereplace", Ok(b"\xff\xfe\x5c\x00u\x00d\x008\x000\x000\x00")),
    ("utf-16", &[0xD800], "surrogateescape", Err(("utf-16", 0, 1, "surrogates not allowed"))),
    ("utf-16", &[0xD800], "surrogatepass", Ok(b"\xff\xfe\x00\xd8")),
    ("utf-16-le", &[0xD800], "strict", Err(("utf-16-le", 0, 1, "surrogates not allowed"))),
    ("utf-16-le", &[0xD800], "ignore", Ok(b"")),
    ("utf-16-le", &[0xD800], "replace", Ok(b"?\x00")),
    ("utf-16-le", &[0xD800], "backslashreplace", Ok(b"\x5c\x00u\x00d\x008\x000\x000\x00")),
    ("utf-16-le", &[0xD800], "xmlcharrefreplace", Ok(b"&\x00#\x005\x005\x002\x009\x006\x00;\x00")),
    ("utf-16-le", &[0xD800], "namereplace", Ok(b"\x5c\x00u\x00d\x008\x000\x000\x00")),
    ("utf-16-le", &[0xD800], "surrogateescape", Err(("utf-16-le", 0, 1, "surrogates not allowed"))),
    ("utf-16-le", &[0xD800], "surrogatepass", Ok(b"\x00\xd8")),
    ("utf-16-le", &[0xDC80], "strict", Err(("utf-16-le", 0, 1, "surrogates not allowed"))),
    ("utf-16-le", &[0xDC80], "ignore", Ok(b"")),
    ("utf-16-le", &[0xDC80], "replace", Ok(b"?\x00")),
    ("utf-16-le", &[0xDC80], "backslashreplace", Ok(b"\x5c\x00u\x00d\x00c\x008\x000\x00")),
    ("utf-16-le", &[0xDC80], "xmlcharrefreplace", Ok(b"&\x00#\x005\x006\x004\x004\x008\x00;\x00")),
    ("utf-16-le", &[0xDC80], "namereplace", Ok(b"\x5c\x00u\x00d\x00c\x008\x000\x00")),
    ("utf-16-le", &[0xDC80], "surrogateescape", Err(("utf-16-le", 0, 1, "surrogates not allowed"))),
    ("utf-16-le", &[0xDC80], "surrogatepass", Ok(b"\x80\xdc")),
    ("utf-16-be", &[0xD800, 0xD801], "strict", Err(("utf-16-be", 0, 1, "surrogates not allowed"))),
    ("utf-16-be", &[0xD800, 0xD801], "ignore", Ok(b"")),
    ("utf-16-be", &[0xD800, 0xD801], "replace", Ok(b"\x00?\x00?")),
    ("utf-16-be", &[0xD800, 0xD801], "backslashreplace", Ok(b"\x00\x5c\x00u\x00d\x008\x000\x000\x00\x5c\x00u\x00d\x008\x000\x001")),
    ("utf-16-be", &[0xD800, 0xD801], "xmlcharrefreplace", Ok(b"\x00&\x00#\x005\x005\x002\x009\x006\x00;\x00&\x00#\x005\x005\x002\x009\x007\x00;")),
    ("utf-16-be", &[0xD800, 0xD801], "namereplace", Ok(b"\x00\x5c\x00u\x00d\x008\x000\x000\x00\x5c\x00u\x00d\x008\x000\x001")),
    ("utf-16-be", &[0xD800, 0xD801], "surrogateescape", Err(("utf-16-be", 0, 1, "surrogates not allowed"))),
    ("utf-16-be", &[0xD800, 0xD801], "surrogatepass", Ok(b"\xd8\x00\xd8\x01")),
    ("utf-32", &[0x61, 0x1F600], "strict", Ok(b"\xff\xfe\x00\x00a\x00\x00\x00\x00\xf6\x01\x00")),
    ("utf-32-le", &[0xDFFF], "strict", Err(("utf-32-le", 0, 1, "surrogates not allowed"))),
    ("utf-32-le", &[0xDFFF], "ignore", Ok(b"")),
    ("utf-32-le", &[0xDFFF], "replace", Ok(b"?\x00\x00\x00")),
    ("utf-32-le", &[0xDFFF], "backslashreplace", Ok(b"\x5c\x00\x00\x00u\x00\x00\x00d\x00\x00\x00f\x00\x00\x00f\x00\x00\x00f\x00\x00\x00")),
    ("utf-32-le", &[0xDFFF], "xmlcharrefreplace", Ok(b"&\x00\x00\x00#\x00\x00\x005\x00\x00\x007\x00\x00\x003\x00\x00\x004\x00\x00\x003\x00\x00\x00;\x00\x00\x00")),
    ("utf-32-le", &[0xDFFF], "namereplace", Ok(b"\x5c\x00\x00\x00u\x00\x00\x00d\x00\x00\x00f\x00\x00\x00f\x00\x00\x00f\x00\x00\x00")),
    ("utf-32-le", &[0xDFFF], "surrogateescape", Err(("utf-32-le", 0, 1, "surrogates not allowed"))),
    ("utf-32-le", &[0xDFFF], "surrogatepass", Ok(b"\xff\xdf\x00\x00")),
    ("utf-32-be", &[0x61, 0xD800], "strict", Err(("utf-32-be", 1, 2, "surrogates not allowed"))),
    ("utf-32-be", &[0x61, 0xD800], "ignore", Ok(b"\x00\x00\x00a")),
    ("utf-32-be", &[0x61, 0xD800], "replace", Ok(b"\x00\x00\x00a\x00\x00\x00?")),
    ("utf-32-be", &[0x61, 0xD800], "backslashreplace", Ok(b"\x00\x00\x00a\x00\x00\x00\x5c\x00\x00\x00u\x00\x00\x00d\x00\x00\x008\x00\x00\x000\x00\x00\x000")),
    ("utf-32-be", &[0x61, 0xD800], "xmlcharrefreplace", Ok(b"\x00\x00\x00a\x00\x00\x00&\x00\x00\x00#\x00\x00\x005\x00\x00\x005\x00\x00\x002\x00\x00\x009\x00\x00\x006\x00\x00\x00;")),
    ("utf-32-be", &[0x61, 0xD800], "namereplace", Ok(b"\x00\x00\x00a\x00\x00\x00\x5c\x00\x00\x00u\x00\x00\x00d\x00\x00\x008\x00\x00\x000\x00\x00\x000")),
    ("utf-32-be", &[0x61, 0xD800], "surrogateescape", Err(("utf-32-be", 1, 2, "surrogates not allowed"))),
    ("utf-32-be", &[0x61, 0xD800], "surrogatepass", Ok(b"\x00\x00\x00a\x00\x00\xd8\x00")),
];

#[rustfmt::skip]
const ENCODE_UTF7: &[(&[u32], &[u8])] = &[
    (&[0x61, 0x2B, 0xE9, 0x7E, 0x5C], b"a+-+AOkAfgBc-"),
    (&[0xE9], b"+AOk-"),
    (&[0xE9, 0x61], b"+AOk-a"),
    (&[0xE9, 0x2D], b"+AOk--"),
    (&[0x1F600, 0x78], b"+2D3eAA-x"),
    (&[0x61, 0xD800], b"a+2AA-"),
    (&[0xE9, 0x21, 0x78], b"+AOk!x"),
    (&[0xA, 0x9, 0x20, 0xE9, 0xA], b"\x0a\x09 +AOk\x0a"),
    (&[0xE9, 0x20, 0xE9], b"+AOk +AOk-"),
    (&[0x0], b"+AAA-"),
    (&[0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x2A, 0x3B, 0x3C, 0x3D, 0x3E, 0x40, 0x5B, 0x5D, 0x5E, 0x5F, 0x60, 0x7B, 0x7C, 0x7D, 0xE9], b"!\x22#$%&*;<=>@[]^_`{|}+AOk-"),
    (&[0xE9, 0x41, 0xE9], b"+AOk-A+AOk-"),
    (&[0xE9, 0x2B], b"+AOkAKw-"),
    (&[0x2B], b"+-"),
    (&[0xE9, 0x2F], b"+AOk-/"),
    (&[], b""),
];

#[rustfmt::skip]
const ENCODE_ESCAPE: &[(&[u32], &[u8], &[u8])] = &[
    (&[0x61, 0xA, 0xE9, 0x5C, 0x27, 0x22, 0x20AC, 0x1F600, 0x7F, 0x9, 0xD, 0x0, 0xD800], b"a\x5cn\x5cxe9\x5c\x5c'\x22\x5cu20ac\x5cU0001f600\x5cx7f\x5ct\x5cr\x5cx00\x5cud800", b"a\x0a\xe9\x5c'\x22\x5cu20ac\x5cU0001f600\x7f\x09\x0d\x00\x5cud800"),
];

fn expected<T>(result: Result<T, Failure>) -> Result<T, Expected> {
    result.map_err(|failure| match failure {
        Failure::Fault(f) => (f.encoding, f.start, f.end, f.reason),
        Failure::EncodeOnly => ("", 0, 0, "encode only"),
    })
}

fn mode(name: &str) -> ErrorMode {
    ErrorMode::by_name(name).unwrap()
}

fn points(buf: StrBuf) -> Vec<u32> {
    buf.data().iter().collect()
}

fn check_decode(
    rows: &[Decoding],
    decode: impl Fn(&[u8], &mut ErrorMode, &mut StrBuf) -> Result<(), Failure>,
) {
    for &(input, errors, want) in rows {
        let mut out = StrBuf::new();
        let got = expected(decode(input, &mut mode(errors), &mut out)).map(|()| points(out));
        assert_eq!(got, want.map(<[u32]>::to_vec), "{input:?} {errors}");
    }
}

#[test]
fn decodes_like_cpython() {
    for &(name, input, errors, want) in DECODE {
        let got = expected(Codec::by_name(name).unwrap().decode(input, &mut mode(errors))).map(points);
        assert_eq!(got, want.map(<[u32]>::to_vec), "{name} {input:?} {errors}");
    }
    check_decode(DECODE_UTF7, |i, h, out| utf7::decode(i, h, true, out).map(drop));
    check_decode(DECODE_ESCAPE, |i, h, out| unicode_escape::decode(i, h, true, out).map(drop));
    check_decode(DECODE_RAW, |i, h, out| unicode_escape::decode_raw(i, h, true, out).map(drop));
}

#[test]
fn encodes_like_cpython() {
    for &(name, text, errors, want) in ENCODE {
        let text = StrBuf::from(StrData::Four(text));
        let got = Codec::by_name(name).unwrap().encode(text.data(), &mut mode(errors));
        assert_eq!(expected(got), want.map(<[u8]>::to_vec), "{name} {text:?} {errors}");
    }
    for &(text, want) in ENCODE_UTF7 {
        let mut out = Vec::new();
        utf7::encode(StrData::Four(text), &mut out);
        assert_eq!(out, want, "{text:?}");
    }
    for &(text, escaped, raw) in ENCODE_ESCAPE {
        let mut out = Vec::new();
        unicode_escape::encode(StrData::Four(text), &mut out);
        assert_eq!(out, escaped);
        out.clear();
        unicode_escape::encode_raw(StrData::Four(text), &mut out);
        assert_eq!(out, raw);
    }
}

#[test]
fn incomplete_input_is_left_unless_last() {
    type Run = fn(&[u8], &mut StrBuf) -> usize;
    let utf8: Run = |i, out| utf8::decode(i, &mut ErrorMode::Strict, false, out).unwrap();
    let utf16: Run = |i, out| {
        utf16::decode(i, Some(ByteOrder::Little), &mut ErrorMode::Strict, false, out).unwrap().consumed
    };
    let utf32: Run = |i, out| {
        utf32::decode(i, Some(ByteOrder::Little), &mut ErrorMode::Strict, false, out).unwrap().consumed
    };
    let utf7: Run = |i, out| utf7::decode(i, &mut ErrorMode::Strict, false, out).unwrap();
    let escape: Run =
        |i, out| unicode_escape::decode(i, &mut ErrorMode::Strict, false, out).unwrap().consumed;
    let raw: Run = |i, out| unicode_escape::decode_raw(i, &mut ErrorMode::Strict, false, out).unwrap();
    for (run, input, text, consumed) in [
        (utf8, &b"a\xe2\x82"[..], "a", 1),
        (utf8, b"\xed\xa0", "", 0),
        (utf16, b"a\0\0\xd8", "a", 2),
        (utf16, b"a\0\0\xd8\0", "a", 2),
        (utf32, b"a\0\0", "", 0),
        (utf7, b"a+AG", "a", 1),
        (utf7, b"b+AGEAYQ", "b", 1),
        (utf7, b"a+AGE-", "aa", 6),
        (escape, b"a\\", "a", 1),
        (escape, b"a\\u12", "a", 1),
        (escape, b"a\\N{DIG", "a", 1),
        (escape, b"a\\7", "a\x07", 3),
        (raw, b"a\\u12", "a", 1),
        (raw, b"a\\", "a", 1),
    ] {
        let mut out = StrBuf::new();
        assert_eq!(run(input, &mut out), consumed, "{input:?}");
        assert_eq!(out, text, "{input:?}");
    }
}

#[test]
fn byte_order_marks_decide() {
    let decode = |input: &[u8]| utf16::decode(input, None, &mut ErrorMode::Strict, false, &mut StrBuf::new());
    assert_eq!(decode(b"\xff\xfea").unwrap(), utf16::Decoded { consumed: 2, order: Some(ByteOrder::Little) });
    assert_eq!(decode(b"\xfe").unwrap(), utf16::Decoded { consumed: 0, order: None });
    assert_eq!(decode(b"\xfe\xff\0a").unwrap(), utf16::Decoded { consumed: 4, order: Some(ByteOrder::Big) });
}

#[test]
fn invalid_escapes_are_reported() {
    let decode = |input: &[u8]| {
        unicode_escape::decode(input, &mut ErrorMode::Strict, true, &mut StrBuf::new())
            .unwrap()
            .invalid_escape
    };
    assert_eq!(decode(b"ab\\q\\8"), Some(2));
    assert_eq!(decode(b"\\n\\777"), Some(2));
    assert_eq!(decode(b"\\n\\377"), None);
}

#[test]
fn encode_only_handlers_refuse_decoding() {
    assert_eq!(Codec::Utf8.decode(b"\xff", &mut ErrorMode::NameReplace), Err(Failure::EncodeOnly));
}

/// A handler such as Python code registers: replaces by fixed text or bytes.
struct Fixed(Replacement);

impl EncodeHandler for Fixed {
    type Error = Fault;
    fn handle(&mut self, _: StrData<'_>, fault: &Fault) -> Result<(Replacement, usize), Fault> {
        Ok((self.0.clone(), fault.end))
    }
    fn strict(&mut self, _: StrData<'_>, fault: &Fault) -> Fault {
        fault.clone()
    }
}

#[test]
fn replacements_are_encoded_or_refused() {
    let text = StrData::Two(&[0xD800]);
    let e_acute = || Fixed(Replacement::Text(StrBuf::from("é")));
    let byte = || Fixed(Replacement::Bytes(vec![0xFF]));
    assert!(Codec::Ascii.encode(text, &mut e_acute()).is_err());
    assert!(Codec::Utf8.encode(text, &mut e_acute()).is_err());
    assert!(Codec::Utf16Le.encode(text, &mut e_acute()).is_err());
    assert_eq!(Codec::Latin1.encode(text, &mut e_acute()).unwrap(), b"\xe9");
    assert_eq!(Codec::Utf8.encode(text, &mut byte()).unwrap(), b"\xff");
    assert!(Codec::Utf16Le.encode(text, &mut byte()).is_err());
    assert!(Codec::Utf32Be.encode(text, &mut byte()).is_err());
}

#[test]
fn long_text_round_trips() {
    let text: String = "abcdefghij".repeat(20) + "é" + &"x€y".repeat(50) + "😀" + &"z".repeat(70);
    let buf = StrBuf::from(text.as_str());
    for name in ["utf-8", "utf_16", "UTF-16BE", "utf-32", "utf-32-be"] {
        let codec = Codec::by_name(name).unwrap();
        let bytes = codec.encode(buf.data(), &mut ErrorMode::Strict).unwrap();
        assert_eq!(codec.decode(&bytes, &mut ErrorMode::Strict).unwrap(), buf, "{name}");
    }
    assert_eq!(Codec::Utf8.encode(buf.data(), &mut ErrorMode::Strict).unwrap(), text.as_bytes());
    let latin: String = "é".repeat(40) + "ascii ascii ascii ascii ascii ascii" + "ÿ";
    let decoded = Codec::Utf8.decode(latin.as_bytes(), &mut ErrorMode::Strict).unwrap();
    assert!(matches!(decoded.data(), StrData::One(s) if s.len() == 76));
    assert_eq!(decoded, latin.as_str());
}

#[test]
fn messages_like_python() {
    assert_eq!(
        decode_message("utf-8", Some(0xFF), 0, 1, "invalid start byte"),
        "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"
    );
    assert_eq!(
        decode_message("utf-8", None, 0, 2, "unexpected end of data"),
        "'utf-8' codec can't decode bytes in position 0-1: unexpected end of data"
    );
    assert_eq!(
        encode_message("ascii", Some(0x1F600), 0, 1, "ordinal not in range(128)"),
        "'ascii' codec can't encode character '\\U0001f600' in position 0: ordinal not in range(128)"
    );
    assert_eq!(
        encode_message("ascii", None, 0, 2, "ordinal not in range(128)"),
        "'ascii' codec can't encode characters in position 0-1: ordinal not in range(128)"
    );
}
