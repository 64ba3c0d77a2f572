//! Filling text to a width: `center`, `ljust`, `rjust`, `zfill`, `expandtabs`. Bytes go through one-byte text and
//! come back by [`StrBuf::into_latin1_bytes`].

use crate::buf::StrBuf;
use crate::data::StrData;

/// Text between `left` and `right` copies of `fill`.
pub fn pad(text: StrData<'_>, left: usize, right: usize, fill: u32) -> StrBuf {
    let mut out = StrBuf::with_capacity(text.len() + left + right);
    out.push_repeated(fill, left);
    out.push_data(text);
    out.push_repeated(fill, right);
    out
}

/// Padding of `str.center` on either side: an odd rest goes left when the width is odd.
pub fn center_padding(len: usize, width: usize) -> (usize, usize) {
    let padding = width.saturating_sub(len);
    let left = padding / 2 + (padding & width & 1);
    (left, padding - left)
}

/// `str.expandtabs`.
pub fn expand_tabs(text: StrData<'_>, tab_size: usize) -> StrBuf {
    let mut out = StrBuf::with_capacity(text.len());
    let mut column = 0;
    for point in text {
        match point {
            0x09 => {
                let blanks = if tab_size == 0 { 0 } else { tab_size - column % tab_size };
                out.push_repeated(b' '.into(), blanks);
                column += blanks;
            }
            _ => {
                out.push(point);
                column = if matches!(point, 0x0A | 0x0D) { 0 } else { column + 1 };
            }
        }
    }
    out
}

/// `str.zfill`: zeros between the sign and the rest. `None` when wide enough already.
pub fn zero_fill(text: StrData<'_>, width: usize) -> Option<StrBuf> {
    let zeros = width.checked_sub(text.len()).filter(|&n| n > 0)?;
    let signed = usize::from(!text.is_empty() && matches!(text.get(0), 0x2B | 0x2D));
    let mut out = StrBuf::with_capacity(width);
    out.push_data(text.slice(0, signed));
    out.push_repeated(b'0'.into(), zeros);
    out.push_data(text.slice(signed, text.len()));
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_like_python() {
        assert_eq!(center_padding(2, 5), (2, 1));
        assert_eq!(center_padding(1, 4), (1, 2));
        assert_eq!(center_padding(3, 2), (0, 0));
        assert_eq!(pad(StrData::One(b"ab"), 2, 1, 0x20AC), "€€ab€");
        assert_eq!(expand_tabs(StrData::One(b"a\tbc\td\n\te"), 4), "a   bc  d\n    e");
        assert_eq!(expand_tabs(StrData::One(b"a\tb"), 0), "ab");
        assert_eq!(zero_fill(StrData::One(b"-5"), 4).unwrap(), "-005");
        assert_eq!(zero_fill(StrData::One(b"+"), 3).unwrap(), "+00");
        assert!(zero_fill(StrData::One(b"123"), 3).is_none());
        assert_eq!(pad(StrData::One(b"\xff"), 1, 0, 0x20).into_latin1_bytes().unwrap(), b" \xff");
    }
}
