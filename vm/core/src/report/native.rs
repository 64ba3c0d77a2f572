//! The text of an exception without the library: traceback, source lines, causes, notes, groups.

use typhon_sync::prim::Ordering;

use crate::builtins::exceptions::{self as ex, ExceptionGroup};
use crate::builtins::str::Str;
use crate::builtins::tuple::Tuple;
use crate::frame_object::Frame;
use crate::object::{Borrowed, Owned, Slot};
use crate::thread::Thread;
use crate::traceback::Traceback;

const CAUSE: &str = "\nThe above exception was the direct cause of the following exception:\n\n";
const CONTEXT: &str = "\nDuring handling of the above exception, another exception occurred:\n\n";
const HEADER: &str = "Traceback (most recent call last):\n";
/// Equal lines of a traceback that are shown before the rest is counted.
const SHOWN_REPEATS: usize = 3;
/// Levels and members of exception groups that are shown.
const MAX_GROUP_DEPTH: usize = 10;
const MAX_GROUP_WIDTH: usize = 15;

/// The text that CPython prints for an uncaught exception, with its chain. Never raises.
pub fn format(th: &mut Thread, exc: Borrowed<'_>) -> String {
    let mut out = String::new();
    let mut seen = Vec::new();
    chain(th, exc, 0, &mut seen, &mut out);
    out
}

fn chain(th: &mut Thread, exc: Borrowed<'_>, depth: usize, seen: &mut Vec<u64>, out: &mut String) {
    let mut links: Vec<(Owned, &str)> = Vec::new();
    let mut at = exc.to_owned();
    loop {
        seen.push(at.word().identity());
        let e = ex::base_of(at.borrow());
        let cause = e.cause.get(&e.header).filter(|c| !c.is_none());
        // ORDERING Relaxed: a plain flag.
        let suppressed = e.suppress_context.load(Ordering::Relaxed);
        let context = e.context.get(&e.header).filter(|c| !c.is_none() && !suppressed);
        let (next, text) = match (cause, context) {
            (Some(c), _) => (c, CAUSE),
            (None, Some(c)) => (c, CONTEXT),
            (None, None) => break,
        };
        if seen.contains(&next.word().identity()) {
            break;
        }
        links.push((at, text));
        at = next;
    }
    one(th, at.borrow(), depth, seen, out);
    while let Some((exc, text)) = links.pop() {
        push_indented(out, depth, text);
        one(th, exc.borrow(), depth, seen, out);
    }
}

/// Prefix of lines inside an exception group.
fn margin(depth: usize) -> String {
    if depth == 0 { String::new() } else { format!("{}| ", "  ".repeat(depth)) }
}

fn push_indented(out: &mut String, depth: usize, text: &str) {
    let margin = margin(depth);
    for line in text.split_inclusive('\n') {
        if line == "\n" {
            out.push_str(margin.trim_end());
        } else {
            out.push_str(&margin);
        }
        out.push_str(line);
    }
}

fn one(th: &mut Thread, exc: Borrowed<'_>, depth: usize, seen: &mut Vec<u64>, out: &mut String) {
    let e = ex::base_of(exc);
    let group = exc.downcast::<ExceptionGroup>();
    let mut text = String::new();
    if let Some(tb) = e.traceback.get(&e.header).filter(|t| !t.is_none()) {
        text.push_str(if group.is_some() { "Exception Group " } else { "" });
        text.push_str(HEADER);
        frames(tb.borrow(), &mut text);
    }
    if let Some(s) = exc.downcast::<ex::SyntaxErrorPayload>() {
        syntax_location(s, &mut text);
    }
    text.push_str(&title(th, exc));
    text.push_str(&notes(th, exc));
    match group {
        None => push_indented(out, depth, &text),
        Some(group) => members(th, group, &text, depth, seen, out),
    }
}

fn members(
    th: &mut Thread,
    group: &ExceptionGroup,
    text: &str,
    depth: usize,
    seen: &mut Vec<u64>,
    out: &mut String,
) {
    let depth = depth.max(1);
    if depth == 1 {
        // The outermost group opens the frame.
        let mut lines = text.split_inclusive('\n');
        if let Some(first) = lines.next() {
            out.push_str("  + ");
            out.push_str(first);
        }
        push_indented(out, depth, &lines.collect::<String>());
    } else {
        push_indented(out, depth, text);
    }
    if depth > MAX_GROUP_DEPTH {
        push_indented(out, depth, &format!("... (max_group_depth is {MAX_GROUP_DEPTH})\n"));
        return;
    }
    let list = group.exceptions.get(&group.header);
    let members: Vec<Owned> = list
        .as_ref()
        .and_then(|t| t.downcast::<Tuple>())
        .map_or_else(Vec::new, |t| t.iter().map(|m| m.to_owned()).collect());
    let n = members.len();
    let shown = n.min(MAX_GROUP_WIDTH);
    let pad = "  ".repeat(depth);
    for (i, member) in members.iter().take(shown).enumerate() {
        let lead = if i == 0 { "+-" } else { "  " };
        out.push_str(&format!("{pad}{lead}+---------------- {} ----------------\n", i + 1));
        chain(th, member.borrow(), depth + 1, seen, out);
    }
    if n > shown {
        out.push_str(&format!("{pad}  +---------------- ... ----------------\n"));
        let s = if n - shown == 1 { "" } else { "s" };
        push_indented(out, depth + 1, &format!("and {} more exception{s}\n", n - shown));
    }
    out.push_str(&format!("{pad}  +------------------------------------\n"));
}

/// `module.Class: text`
fn title(th: &mut Thread, exc: Borrowed<'_>) -> String {
    let ty = exc.ty();
    let mut name = crate::builtins::type_::qualname_text(ty);
    let key = th.rt.names.__module__.get();
    if let Ok(Some(module)) = ty.as_value().getattr_opt(th, key)
        && let Some(m) = module.downcast::<Str>()
    {
        let m = m.to_text();
        if m != "builtins" && m != "__main__" {
            name = format!("{m}.{name}");
        }
    } else {
        drop(th.take_exc());
    }
    let text = if let Some(s) = exc.downcast::<ex::SyntaxErrorPayload>() {
        s.msg
            .get(&s.header)
            .map_or_else(|| String::from("<no detail available>"), |m| text_of(th, m.borrow()))
    } else {
        text_of(th, exc)
    };
    if text.is_empty() { format!("{name}\n") } else { format!("{name}: {text}\n") }
}

fn text_of(th: &mut Thread, v: Borrowed<'_>) -> String {
    match v.str_text(th) {
        Ok(text) => text,
        Err(raised) => {
            drop(th.catch(raised));
            format!("<{} str() failed>", if ex::is_exception(v) { "exception" } else { "object" })
        }
    }
}

fn notes(th: &mut Thread, exc: Borrowed<'_>) -> String {
    let key = th.rt.names.__notes__.get();
    let found = match exc.getattr_opt(th, key) {
        Ok(Some(list)) => list.borrow().to_vec(th),
        Ok(None) => return String::new(),
        Err(raised) => Err(raised),
    };
    match found {
        Ok(notes) => {
            let mut out = String::new();
            for note in notes {
                out.push_str(&text_of(th, note.borrow()));
                out.push('\n');
            }
            out
        }
        Err(raised) => {
            drop(th.catch(raised));
            String::new()
        }
    }
}

/// The lines of a traceback, outermost frame first.
fn frames(tb: Borrowed<'_>, out: &mut String) {
    let mut at = Some(tb.to_owned());
    let mut last: Option<(String, u32, String)> = None;
    let mut repeats = 0;
    while let Some(v) = at {
        let Some(t) = v.downcast::<Traceback>() else { break };
        let frame = t.frame.fixed();
        let code = frame.and_then(|f| f.downcast::<Frame>()).map(|f| f.code());
        let line = t.line();
        let name =
            |s: &Slot| s.fixed().and_then(|s| s.downcast::<Str>()).map_or_else(String::new, |s| s.to_text());
        let (file, function) = code.map_or_else(Default::default, |c| (name(&c.filename), name(&c.name)));
        let here = (file, line, function);
        if last.as_ref() == Some(&here) {
            repeats += 1;
        } else {
            push_repeats(repeats, out);
            repeats = 1;
        }
        if repeats <= SHOWN_REPEATS {
            let (file, line, function) = &here;
            out.push_str(&format!("  File \"{file}\", line {line}, in {function}\n"));
            if let Some(text) = source_line(file, line.saturating_sub(1) as usize) {
                out.push_str(&format!("    {}\n", text.trim()));
                if let Some(code) = code {
                    out.push_str(&carets(code, t.lasti / 2, *line, &text));
                }
            }
        }
        last = Some(here);
        let next = t.next.get(&t.header).filter(|n| !n.is_none());
        at = next;
    }
    push_repeats(repeats, out);
}

fn push_repeats(repeats: usize, out: &mut String) {
    if repeats > SHOWN_REPEATS {
        let n = repeats - SHOWN_REPEATS;
        let s = if n == 1 { "" } else { "s" };
        out.push_str(&format!("  [Previous line repeated {n} more time{s}]\n"));
    }
}

/// A line of a source file, counted from 0.
fn source_line(file: &str, index: usize) -> Option<String> {
    let bytes = std::fs::read(file).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    text.lines().nth(index).map(str::to_owned).filter(|l| !l.trim().is_empty())
}

/// The line of carets under what failed; empty if that is the whole line or lies on several lines.
fn carets(code: &crate::code::CodeObject, instruction: u32, line: u32, text: &str) -> String {
    let p = crate::interp::tables::position(&code.data.0.linetable, code.data.0.firstlineno, instruction);
    let (Some(start), Some(end)) = (p.column, p.end_column) else { return String::new() };
    let (start, end) = (start as usize, end as usize);
    if p.line != Some(line) || p.end_line != p.line || end <= start || end > text.len() {
        return String::new();
    }
    let indent = text.len() - text.trim_start().len();
    if start <= indent && end >= text.trim_end().len() {
        return String::new();
    }
    // Columns are bytes; carets stand under characters.
    let chars = |to: usize| text.get(indent..to.max(indent)).map_or(0, |s| s.chars().count());
    let (before, upto) = (chars(start), chars(end));
    format!("    {}{}\n", " ".repeat(before), "^".repeat(upto - before))
}

/// File, line and caret of a syntax error.
fn syntax_location(s: &ex::SyntaxErrorPayload, out: &mut String) {
    let int = |slot: &Slot| slot.get(&s.header).filter(|v| v.word().is_int()).map(|v| v.word().int());
    let file = s.filename.get(&s.header);
    let file = file
        .as_ref()
        .and_then(|f| f.downcast::<Str>())
        .map_or_else(|| String::from("<string>"), |f| f.to_text());
    let Some(line) = int(&s.lineno) else { return };
    out.push_str(&format!("  File \"{file}\", line {line}\n"));
    let text = s.text.get(&s.header);
    let Some(text) = text.as_ref().and_then(|t| t.downcast::<Str>()).map(|t| t.to_text()) else { return };
    let text = text.trim_end_matches(['\n', '\r']);
    let stripped = text.trim_start_matches([' ', '\t', '\x0c']);
    out.push_str(&format!("    {stripped}\n"));
    let indent = (text.len() - stripped.len()) as i64;
    if let Some(offset) = int(&s.offset).filter(|o| *o >= 1) {
        let n_chars = stripped.chars().count() as i64;
        let start = (offset - 1 - indent).clamp(0, n_chars);
        let end = match (int(&s.end_lineno), int(&s.end_offset)) {
            (Some(l), Some(end)) if l == line && end > offset => end - 1 - indent,
            (Some(l), _) if l > line => n_chars,
            _ => start + 1,
        };
        let width = (end.min(n_chars.max(start + 1)) - start).max(1);
        out.push_str(&format!("    {}{}\n", " ".repeat(start as usize), "^".repeat(width as usize)));
    }
}
