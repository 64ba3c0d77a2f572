//! Syntax errors say what CPython 3.14 says, where it says it.

use typhon_compile::{ErrorKind, Mode, Options, compile, is_incomplete};

/// The error of a source: kind, message, line, column.
fn error(source: &str) -> (ErrorKind, String, u32, u32) {
    match compile(source, "f.py", Mode::Exec, Options::default()) {
        Ok(_) => panic!("{source:?} compiles"),
        Err(error) => (error.kind, error.msg, error.lineno, error.offset),
    }
}

#[track_caller]
fn check(cases: &[(&str, ErrorKind, &str, u32, u32)]) {
    for &(source, kind, msg, line, column) in cases {
        assert_eq!(error(source), (kind, msg.to_owned(), line, column), "for {source:?}");
    }
}

use ErrorKind::{Indentation, Syntax, Tab};

#[test]
fn tokens() {
    check(&[
        ("x = (1,", Syntax, "'(' was never closed", 1, 5),
        ("foo(a, b\nbar(c)", Syntax, "'(' was never closed", 1, 4),
        ("x = )", Syntax, "unmatched ')'", 1, 5),
        ("x = (]", Syntax, "closing parenthesis ']' does not match opening parenthesis '('", 1, 6),
        (
            "x = (\n]",
            Syntax,
            "closing parenthesis ']' does not match opening parenthesis '(' on line 1",
            2,
            1,
        ),
        ("x = 'abc", Syntax, "unterminated string literal (detected at line 1)", 1, 5),
        ("x = '''abc\n", Syntax, "unterminated triple-quoted string literal (detected at line 1)", 1, 5),
        ("x = f'abc", Syntax, "unterminated f-string literal (detected at line 1)", 1, 5),
        ("1a", Syntax, "invalid decimal literal", 1, 1),
        ("0b2", Syntax, "invalid digit '2' in binary literal", 1, 3),
        ("€ = 1", Syntax, "invalid character '€' (U+20AC)", 1, 1),
        ("a\\ b", Syntax, "unexpected character after line continuation character", 1, 3),
        ("x = b'é'", Syntax, "bytes can only contain ASCII literal characters", 1, 5),
        (
            "'\\x1'",
            Syntax,
            "(unicode error) 'unicodeescape' codec can't decode bytes in position 0-2: truncated \\xXX escape",
            1,
            1,
        ),
    ]);
}

#[test]
fn indentation() {
    check(&[
        ("x = 1\n  y = 2", Indentation, "unexpected indent", 2, 2),
        ("if x:\npass", Indentation, "expected an indented block after 'if' statement on line 1", 2, 1),
        (
            "def f():\npass",
            Indentation,
            "expected an indented block after function definition on line 1",
            2,
            1,
        ),
        ("if x:\n  pass\n pass", Indentation, "unindent does not match any outer indentation level", 3, 6),
        ("if 1:\n\tx\n        y", Tab, "inconsistent use of tabs and spaces in indentation", 3, 10),
    ]);
}

#[test]
fn grammar() {
    check(&[
        ("if x", Syntax, "expected ':'", 1, 5),
        ("x y", Syntax, "invalid syntax", 1, 3),
        ("f(a b)", Syntax, "invalid syntax. Perhaps you forgot a comma?", 1, 3),
        ("if x = 1: pass", Syntax, "invalid syntax. Maybe you meant '==' or ':=' instead of '='?", 1, 4),
        ("print x", Syntax, "Missing parentheses in call to 'print'. Did you mean print(...)?", 1, 1),
        ("1 = x", Syntax, "cannot assign to literal here. Maybe you meant '==' instead of '='?", 1, 1),
        ("(a, 1) = x", Syntax, "cannot assign to literal", 1, 5),
        ("f() += 1", Syntax, "'function call' is an illegal expression for augmented assignment", 1, 1),
        ("del f()", Syntax, "cannot delete function call", 1, 5),
        ("None = 1", Syntax, "cannot assign to None", 1, 1),
        ("f(1=2)", Syntax, "expression cannot contain assignment, perhaps you meant \"==\"?", 1, 3),
        ("f(a=1, 2)", Syntax, "positional argument follows keyword argument", 1, 9),
        (
            "def f(a=1, b): pass",
            Syntax,
            "parameter without a default follows parameter with a default",
            1,
            12,
        ),
        ("x = 5 if y", Syntax, "expected 'else' after 'if' expression", 1, 5),
        ("try: pass\nx = 1", Syntax, "expected 'except' or 'finally' block", 2, 1),
        ("f'{}'", Syntax, "f-string: valid expression required before '}'", 1, 4),
        ("f'{a!x}'", Syntax, "f-string: invalid conversion character 'x': expected 's', 'r', or 'a'", 1, 6),
        ("f'}'", Syntax, "f-string: single '}' is not allowed", 1, 3),
    ]);
}

#[test]
fn scopes() {
    check(&[
        ("def f(a, a): pass", Syntax, "duplicate parameter 'a' in function definition", 1, 10),
        ("def f():\n print(x)\n global x", Syntax, "name 'x' is used prior to global declaration", 3, 2),
        ("def f():\n x = 1\n global x", Syntax, "name 'x' is assigned to before global declaration", 3, 2),
        ("def f(a):\n global a", Syntax, "name 'a' is parameter and global", 2, 2),
        ("nonlocal x", Syntax, "nonlocal declaration not allowed at module level", 1, 1),
        ("def f():\n nonlocal x", Syntax, "no binding for nonlocal 'x' found", 2, 2),
        (
            "[x := 1 for x in y]",
            Syntax,
            "assignment expression cannot rebind comprehension iteration variable 'x'",
            1,
            2,
        ),
        (
            "class A: [x := 1 for y in z]",
            Syntax,
            "assignment expression within a comprehension cannot be used in a class body",
            1,
            11,
        ),
        ("def f():\n from a import *", Syntax, "import * only allowed at module level", 2, 16),
        ("del __debug__", Syntax, "cannot delete __debug__", 1, 5),
        ("x.__debug__ = 1", Syntax, "cannot assign to __debug__", 1, 1),
        ("f(__debug__=1)", Syntax, "cannot assign to __debug__", 1, 3),
    ]);
}

#[test]
fn code() {
    check(&[
        ("return", Syntax, "'return' outside function", 1, 1),
        ("break", Syntax, "'break' outside loop", 1, 1),
        ("def f():\n continue", Syntax, "'continue' not properly in loop", 2, 2),
        ("yield x", Syntax, "'yield' outside function", 1, 1),
        ("[(yield) for x in y]", Syntax, "'yield' inside list comprehension", 1, 3),
        ("def f():\n await x", Syntax, "'await' outside async function", 2, 2),
        (
            "def f():\n [x async for x in y]",
            Syntax,
            "asynchronous comprehension outside of an asynchronous function",
            2,
            2,
        ),
        ("async def f():\n yield\n return 1", Syntax, "'return' with value in async generator", 3, 2),
        ("*a = 1", Syntax, "starred assignment target must be in a list or tuple", 1, 1),
        ("a, *b, *c = d", Syntax, "multiple starred expressions in assignment", 1, 1),
        ("try: pass\nexcept: pass\nexcept A: pass", Syntax, "default 'except:' must be last", 2, 1),
        ("try: pass\nexcept* A: return", Syntax, "'return' outside function", 2, 12),
        (
            "while 1:\n try: pass\n except* A: break",
            Syntax,
            "'break', 'continue' and 'return' cannot appear in an except* block",
            3,
            13,
        ),
        (
            "match x:\n case a: pass\n case b: pass",
            Syntax,
            "name capture 'a' makes remaining patterns unreachable",
            2,
            7,
        ),
        ("match x:\n case [a, a]: pass", Syntax, "multiple assignments to name 'a' in pattern", 2, 11),
        ("match x:\n case [a] | [b]: pass", Syntax, "alternative patterns bind different names", 2, 7),
        ("from __future__ import braces", Syntax, "not a chance", 1, 24),
        (
            "x = 1\nfrom __future__ import division",
            Syntax,
            "from __future__ imports must occur at the beginning of the file",
            2,
            1,
        ),
    ]);
}

#[test]
fn warnings() {
    let warnings = |source| -> Vec<String> {
        let (_, warnings) = compile(source, "f.py", Mode::Exec, Options::default()).unwrap();
        warnings.into_iter().map(|warning| format!("{}: {}", warning.lineno, warning.msg)).collect()
    };
    assert_eq!(warnings("x is 1"), ["1: \"is\" with 'int' literal. Did you mean \"==\"?"]);
    assert_eq!(
        warnings("\nassert (x, 'message')"),
        ["2: assertion is always true, perhaps remove parentheses?"]
    );
    assert_eq!(
        warnings("'\\d'"),
        [
            "1: \"\\d\" is an invalid escape sequence. Such sequences will not work in the future. Did you mean \
             \"\\\\d\"? A raw string is also an option."
        ]
    );
    assert_eq!(warnings("def f():\n try: pass\n finally:\n  return 1"), ["4: 'return' in a 'finally' block"]);
    assert_eq!(
        warnings("def f():\n for x in y:\n  try: pass\n  finally:\n   for z in y: break\n   continue"),
        ["6: 'continue' in a 'finally' block"]
    );
    assert!(warnings("r'\\d' == x; x is None; f'{x:\\n}'").is_empty());
}

#[test]
fn incomplete_input() {
    for source in
        ["(", "x = [1,", "'''", "def f():\n", "if x:", "@a\n", "try: pass", "class A:\n  def f(self):\n"]
    {
        assert!(is_incomplete(source), "{source:?}");
    }
    for source in ["x = 1", "x =\n", "if x\n", "x = )", "'abc\n", "def f(): pass"] {
        assert!(!is_incomplete(source), "{source:?}");
    }
}

#[test]
fn interactive_statements() {
    let single =
        |source| compile(source, "f.py", Mode::Single, Options::default()).map(|_| ()).map_err(|e| e.msg);
    assert_eq!(single("x = 1; y = 2"), Ok(()));
    assert_eq!(single("if 1: pass\n"), Ok(()));
    assert_eq!(single("if 1: pass"), Err("invalid syntax".to_owned()));
    assert_eq!(
        single("x = 1\ny = 2"),
        Err("multiple statements found while compiling a single statement".to_owned())
    );
}

/// Nothing overflows the machine stack or panics.
#[test]
fn deep_nesting() {
    let depth = 20_000;
    for source in [
        format!("x = {}1", "-".repeat(depth)),
        format!("x = {}1", "1 + ".repeat(depth)),
        format!("x = a{}", ".b".repeat(depth)),
        format!("x = {}1", "not ".repeat(depth)),
        format!("x = {}1", "lambda: ".repeat(200)),
    ] {
        assert!(compile(&source, "f.py", Mode::Exec, Options::default()).is_ok());
    }
    let nested = format!("x = {}{}", "(".repeat(201), ")".repeat(201));
    assert_eq!(error(&nested).1, "too many nested parentheses");
    let mut blocks = String::new();
    for level in 0..21 {
        blocks += &format!("{}for x in y:\n", " ".repeat(level));
    }
    blocks += &format!("{}pass\n", " ".repeat(21));
    assert_eq!(error(&blocks).1, "too many statically nested blocks");
}

/// Every prefix of a program that uses much of the grammar is compiled or refused, without a panic.
#[test]
fn prefixes_never_panic() {
    let source = include_str!("sample.py");
    for end in (0..source.len()).filter(|&end| source.is_char_boundary(end)) {
        let _ = compile(&source[..end], "f.py", Mode::Exec, Options::default());
        let _ = compile(&source[end..], "f.py", Mode::Single, Options::default());
    }
}

/// Damaged programs are compiled to sound code or refused, without a panic.
#[test]
fn mutations_never_panic() {
    let source: Vec<char> = include_str!("sample.py").chars().collect();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    compile(include_str!("sample.py"), "f.py", Mode::Exec, Options::default()).unwrap();
    let mut compiled = 0;
    for _ in 0..1200 {
        let mut text = source.clone();
        for _ in 0..=random(2) {
            let at = random(text.len());
            let len = random(12).min(text.len() - at);
            match random(3) {
                0 => {
                    text.drain(at..at + len);
                }
                1 => {
                    let piece: Vec<char> = text[at..at + len].to_vec();
                    let to = random(text.len());
                    text.splice(to..to, piece);
                }
                _ => text[at] = ['(', ')', '\'', '\n', ' ', '{', ':', '=', '\\', '\t', 'é'][random(11)],
            }
        }
        let text: String = text.into_iter().collect();
        if let Ok((code, _)) = compile(&text, "f.py", Mode::Exec, Options::default()) {
            typhon_compile::verify_all(&code).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
            compiled += 1;
        }
    }
    assert!(compiled > 30, "only {compiled} programs compiled");
}
