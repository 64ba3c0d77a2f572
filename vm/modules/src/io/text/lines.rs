//! Where lines end.

use typhon_text::StrData;

/// What ends a line in a text stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// `\n`, also where universal newlines were translated.
    Lf,
    Cr,
    CrLf,
    /// Any of the three, left as it is.
    Universal,
}

/// Index behind the first line end at or after `from`. A `\r` at the very end counts as a line end: whoever
/// expects more text holds it back.
///
/// Cost: `memchr` for one-byte text.
pub fn find_line(text: StrData<'_>, from: usize, end: LineEnd) -> Option<usize> {
    match end {
        LineEnd::Lf => find(text, from, 10).map(|i| i + 1),
        LineEnd::Cr => find(text, from, 13).map(|i| i + 1),
        LineEnd::CrLf => {
            let mut at = from;
            loop {
                let cr = find(text, at, 13)?;
                if cr + 1 < text.len() && text.get(cr + 1) == 10 {
                    return Some(cr + 2);
                }
                at = cr + 1;
            }
        }
        LineEnd::Universal => {
            let i = match text {
                StrData::One(b) => from + memchr::memchr2(10, 13, b.get(from..)?)?,
                wide => (from..wide.len()).find(|&i| matches!(wide.get(i), 10 | 13))?,
            };
            let two = text.get(i) == 13 && i + 1 < text.len() && text.get(i + 1) == 10;
            Some(i + 1 + usize::from(two))
        }
    }
}

fn find(text: StrData<'_>, from: usize, c: u8) -> Option<usize> {
    match text {
        StrData::One(b) => memchr::memchr(c, b.get(from..)?).map(|i| from + i),
        StrData::Two(b) => b.get(from..)?.iter().position(|&u| u == u16::from(c)).map(|i| from + i),
        StrData::Four(b) => b.get(from..)?.iter().position(|&u| u == u32::from(c)).map(|i| from + i),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_found_behind_the_line() {
        let text = StrData::One(b"a\r\nb\rc\nd");
        assert_eq!(find_line(text, 0, LineEnd::Lf), Some(3));
        assert_eq!(find_line(text, 3, LineEnd::Lf), Some(7));
        assert_eq!(find_line(text, 7, LineEnd::Lf), None);
        assert_eq!(find_line(text, 0, LineEnd::Cr), Some(2));
        assert_eq!(find_line(text, 3, LineEnd::CrLf), None);
        assert_eq!(find_line(text, 0, LineEnd::CrLf), Some(3));
        assert_eq!(find_line(text, 3, LineEnd::Universal), Some(5));
        assert_eq!(find_line(StrData::Two(&[0x400, 13]), 0, LineEnd::Universal), Some(2));
    }
}
