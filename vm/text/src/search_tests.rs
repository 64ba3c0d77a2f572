use super::*;

/// The text at every width that can hold it.
fn widths(text: &str, test: impl Fn(StrData<'_>)) {
    let points: Vec<u32> = text.chars().map(u32::from).collect();
    let max = points.iter().copied().max().unwrap_or(0);
    if max <= 0xFF {
        test(StrData::One(&points.iter().map(|&p| p as u8).collect::<Vec<_>>()));
    }
    if max <= 0xFFFF {
        test(StrData::Two(&points.iter().map(|&p| p as u16).collect::<Vec<_>>()));
    }
    test(StrData::Four(&points));
}

fn naive_find(h: &[char], n: &[char]) -> Option<usize> {
    (0..=h.len().checked_sub(n.len())?).find(|&i| h[i..].starts_with(n))
}

fn naive_rfind(h: &[char], n: &[char]) -> Option<usize> {
    (0..=h.len().checked_sub(n.len())?).rev().find(|&i| h[i..].starts_with(n))
}

#[test]
fn find_agrees_with_a_naive_search_at_all_widths() {
    let haystacks =
        ["", "a", "ab", "aab", "abababb", "aaaaab", "xayaz", "ééaé", "€a€€b", "a😀b😀😀", "mississippi"];
    let needles = [
        "",
        "a",
        "b",
        "ab",
        "aab",
        "abb",
        "aa",
        "é",
        "éa",
        "€",
        "€€",
        "😀",
        "😀b",
        "ssi",
        "issip",
        "zzzzzzzzzzzzzz",
    ];
    for h in haystacks {
        for n in needles {
            let (hc, nc): (Vec<char>, Vec<char>) = (h.chars().collect(), n.chars().collect());
            widths(h, |hd| {
                widths(n, |nd| {
                    assert_eq!(find(hd, nd), naive_find(&hc, &nc), "{h:?} find {n:?}");
                    assert_eq!(rfind(hd, nd), naive_rfind(&hc, &nc), "{h:?} rfind {n:?}");
                    assert_eq!(starts_with(hd, nd), h.starts_with(n));
                    assert_eq!(ends_with(hd, nd), h.ends_with(n));
                    let expected = if n.is_empty() { hc.len() + 1 } else { h.matches(n).count() };
                    assert_eq!(count(hd, nd), expected, "{h:?} count {n:?}");
                    let replaced = replace(hd, nd, StrData::Two(&[0x20AC]), usize::MAX);
                    let expected = h.replace(n, "€");
                    match replaced {
                        Some(buf) => assert_eq!(buf, expected.as_str(), "{h:?} replace {n:?}"),
                        None => assert_eq!(h, expected, "{h:?} replace {n:?}"),
                    }
                });
            });
        }
    }
}

#[test]
fn periodic_needles_are_found() {
    let mut rng = 12345u64;
    for _ in 0..2000 {
        let mut next = |n: u64| {
            rng = rng.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (rng >> 33) % n
        };
        let (hl, nl) = (next(40), 1 + next(6));
        let h: Vec<u16> = (0..hl).map(|_| 0x400 + next(2) as u16).collect();
        let n: Vec<u16> = (0..nl).map(|_| 0x400 + next(2) as u16).collect();
        let expected = h.windows(n.len()).position(|w| w == n);
        assert_eq!(find(StrData::Two(&h), StrData::Two(&n)), expected);
        let expected = h.windows(n.len()).rposition(|w| w == n);
        assert_eq!(rfind(StrData::Two(&h), StrData::Two(&n)), expected);
    }
}

fn parts(text: &str, ranges: Vec<Range<usize>>) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    ranges.into_iter().map(|r| chars[r].iter().collect()).collect()
}

fn collect(run: impl FnOnce(&mut dyn FnMut(Range<usize>))) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    run(&mut |r| out.push(r));
    out
}

#[test]
fn splits_like_python() {
    let split_on = |t: &str, sep: &str, max| {
        let (t2, sep) = (StrBuf::from(t), StrBuf::from(sep));
        let forward = collect(|v| split(t2.data(), sep.data(), max, v));
        (parts(t, forward), parts(t, rsplit(t2.data(), sep.data(), max)))
    };
    assert_eq!(split_on("a,b,c", ",", usize::MAX).0, ["a", "b", "c"]);
    assert_eq!(split_on("a,b,c", ",", 1), (vec!["a".into(), "b,c".into()], vec!["a,b".into(), "c".into()]));
    assert_eq!(split_on(",", ",", 9).0, ["", ""]);
    assert_eq!(split_on("", ",", 9).0, [""]);
    assert_eq!(split_on("aaa", "aa", 9), (vec!["".into(), "a".into()], vec!["a".into(), "".into()]));

    let spaces = |t: &str, max| {
        let b = StrBuf::from(t);
        let forward = collect(|v| split_whitespace(b.data(), max, v));
        (parts(t, forward), parts(t, rsplit_whitespace(b.data(), max)))
    };
    assert_eq!(spaces("  a  b  ", 1), (vec!["a".into(), "b  ".into()], vec!["  a".into(), "b".into()]));
    assert_eq!(spaces("  a b ", 0), (vec!["a b ".into()], vec!["  a b".into()]));
    assert_eq!(spaces("a\u{3000}€\u{1c}b", usize::MAX).0, ["a", "€", "b"]);
    assert_eq!(spaces(" ", 0), (vec![], vec![]));
    assert_eq!(collect(|v| split_whitespace_bytes(b"a\x1cb c", usize::MAX, v)), [0..3, 4..5]);
    assert_eq!(rsplit_whitespace_bytes(b" a b", 9), [1..2, 3..4]);
}

#[test]
fn lines_like_python() {
    let text = "a\r\nb\n\rc\u{85}d\u{2028}";
    let b = StrBuf::from(text);
    let lines = |keep| parts(text, collect(|v| split_lines(b.data(), keep, v)));
    assert_eq!(lines(false), ["a", "b", "", "c", "d"]);
    assert_eq!(lines(true), ["a\r\n", "b\n", "\r", "c\u{85}", "d\u{2028}"]);
    assert_eq!(collect(|v| split_lines_bytes(b"a\x0bb\r\n", false, v)), [Range { start: 0, end: 3 }]);
    assert!(collect(|v| split_lines(StrData::EMPTY, true, v)).is_empty());
}

#[test]
fn strips_and_partitions() {
    let b = StrBuf::from("\u{3000} xax \n");
    assert_eq!(strip_whitespace(b.data(), Sides::Both), 2..5);
    assert_eq!(strip_whitespace(b.data(), Sides::Left), 2..7);
    assert_eq!(strip(StrData::One(b"xyaxy"), StrData::Four(&[0x78, 0x79]), Sides::Both), 2..3);
    assert_eq!(strip(StrData::One(b"xx"), StrData::One(b"x"), Sides::Right), 0..0);
    assert_eq!(strip_bytes(b" \x1c ", None, Sides::Both), 1..2);
    assert_eq!(strip_bytes(b"abca", Some(b"a"), Sides::Right), 0..3);
    assert_eq!(partition(StrData::One(b"a--b--c"), StrData::One(b"--")), Some((0..1, 3..7)));
    assert_eq!(rpartition(StrData::One(b"a--b--c"), StrData::One(b"--")), Some((0..4, 6..7)));
    assert_eq!(partition(StrData::One(b"abc"), StrData::Two(&[0x400])), None);
}

#[test]
fn replace_honours_its_limit() {
    let r = |t: &str, o: &str, n: &str, max| {
        let (t, o, n) = (StrBuf::from(t), StrBuf::from(o), StrBuf::from(n));
        replace(t.data(), o.data(), n.data(), max).map(|b| b.data().to_string_lossy())
    };
    assert_eq!(r("ab", "", "-", usize::MAX).as_deref(), Some("-a-b-"));
    assert_eq!(r("ab", "", "-", 2).as_deref(), Some("-a-b"));
    assert_eq!(r("", "", "-", 9).as_deref(), Some("-"));
    assert_eq!(r("aaaa", "aa", "b", 1).as_deref(), Some("baa"));
    assert_eq!(r("€a€", "€", "x", 9).as_deref(), Some("xax"));
    assert_eq!(r("abc", "x", "y", 9), None);
    assert_eq!(replace_bytes(b"\xffa\xff", b"\xff", b"--", 1), Some(b"--a\xff".to_vec()));
}
