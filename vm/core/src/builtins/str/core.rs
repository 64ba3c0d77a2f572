//! What `str` does as a value and as a sequence.

use typhon_sync::prim::{AtomicUsize, Ordering};

use typhon_text::StrData;

use super::{Class, Str, fill};
use crate::builtins::list::List;
use crate::builtins::subscript::{self, Subscript};
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{CompareOp, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{NativeDef, TypeDef, TypeId, type_flags};

/// The text of a str that is known to be one.
#[inline(always)]
pub(crate) fn of(o: Borrowed<'_>) -> &Str {
    o.downcast::<Str>().expect("self is a str")
}

pub(super) fn slot_repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let s = of(o);
    if let Some(text) = s.as_ascii() {
        let b = text.as_bytes();
        let plain = |b: &u8| matches!(*b, 0x20..=0x7e) && *b != b'\\' && *b != b'\'';
        if b.iter().all(plain) {
            let (v, p) = th.alloc_str(b.len() + 2, Class::Ascii);
            // SAFETY: room for the quotes and the text was asked for.
            unsafe {
                *p = b'\'';
                core::ptr::copy_nonoverlapping(b.as_ptr(), p.add(1), b.len());
                *p.add(b.len() + 1) = b'\'';
            }
            return Ok(v);
        }
    }
    Ok(th.new_str_buf(typhon_text::repr::str_repr(s.data())))
}

/// `str(s)`: an exact str.
pub(super) fn slot_str(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    if o.downcast_exact::<Str>().is_some() {
        return Ok(o.to_owned());
    }
    Ok(of(o).to_exact(th))
}

pub(super) fn slot_hash(_th: &mut Thread, o: Borrowed<'_>) -> PyResult<i64> {
    Ok(of(o).text_hash())
}

pub(super) fn slot_compare(_th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    let (Some(a), Some(b)) = (a.downcast::<Str>(), b.downcast::<Str>()) else {
        return Ok(Owned::not_implemented());
    };
    Ok(Owned::bool(match op {
        CompareOp::Eq => a.same_text(b),
        CompareOp::Ne => !a.same_text(b),
        _ => op.matches(a.data().compare(b.data())),
    }))
}

pub(super) fn slot_len(_th: &mut Thread, o: Borrowed<'_>) -> PyResult<usize> {
    Ok(of(o).len())
}

/// Characters `start..end` of a str as an exact str; the str itself where possible.
#[inline]
pub(crate) fn substring(th: &mut Thread, o: Borrowed<'_>, start: usize, end: usize) -> Owned {
    let s = of(o);
    if start == 0 && end == s.len() && o.downcast_exact::<Str>().is_some() {
        return o.to_owned();
    }
    piece(th, s, start, end)
}

/// Characters `start..end` as a new exact str.
#[inline]
pub(crate) fn piece(th: &mut Thread, s: &Str, start: usize, end: usize) -> Owned {
    match s.data() {
        StrData::One(b) if s.is_ascii() => th.new_ascii(&b[start..end]),
        d => th.new_str_data(d.slice(start, end)),
    }
}

/// `s[i]` for an index in range.
#[inline]
pub fn char_at(th: &mut Thread, s: &Str, i: usize) -> Owned {
    th.char_str(s.data().get(i))
}

pub(super) fn slot_getitem(th: &mut Thread, o: Borrowed<'_>, key: Borrowed<'_>) -> PyResult {
    let s = of(o);
    if key.word().is_int() {
        let i = key.word().int();
        let at = if i < 0 { i + s.len() as i64 } else { i };
        if at < 0 || at >= s.len() as i64 {
            return Err(th.index_error("string index out of range"));
        }
        return Ok(char_at(th, s, at as usize));
    }
    match subscript::of(th, key, s.len())? {
        Some(Subscript::Index(Some(i))) => Ok(char_at(th, s, i)),
        Some(Subscript::Index(None)) => Err(th.index_error("string index out of range")),
        Some(Subscript::Slice { start, step: 1, count }) => Ok(substring(th, o, start, start + count)),
        Some(Subscript::Slice { start, step, count }) => Ok(stepped(th, s, start, step, count)),
        None => {
            let msg = format!("string indices must be integers, not '{}'", key.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

fn stepped(th: &mut Thread, s: &Str, start: usize, step: isize, count: usize) -> Owned {
    fn pick<U: Copy>(units: &[U], start: usize, step: isize, count: usize) -> Vec<U> {
        subscript::positions(start, step, count).map(|i| units[i]).collect()
    }
    match s.data() {
        StrData::One(u) if s.is_ascii() => th.new_ascii(&pick(u, start, step, count)),
        StrData::One(u) => th.new_str_data(StrData::One(&pick(u, start, step, count))),
        StrData::Two(u) => th.new_str_data(StrData::Two(&pick(u, start, step, count))),
        StrData::Four(u) => th.new_str_data(StrData::Four(&pick(u, start, step, count))),
    }
}

pub(super) fn slot_contains(th: &mut Thread, o: Borrowed<'_>, item: Borrowed<'_>) -> PyResult<bool> {
    match item.downcast::<Str>() {
        Some(s) => Ok(typhon_text::search::contains(of(o).data(), s.data())),
        None => {
            let msg = format!("'in <string>' requires string as left operand, not {}", item.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

pub(super) fn slot_concat(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    let x = of(a);
    let Some(y) = b.downcast::<Str>() else {
        let msg = format!("can only concatenate str (not \"{}\") to str", b.type_name(th));
        return Err(th.type_error(&msg));
    };
    if y.is_empty() && a.downcast_exact::<Str>().is_some() {
        return Ok(a.to_owned());
    }
    if x.is_empty() && b.downcast_exact::<Str>().is_some() {
        return Ok(b.to_owned());
    }
    let n = x.len() + y.len();
    if n <= 1 {
        return Ok(th.new_str_data(if x.is_empty() { y.data() } else { x.data() }));
    }
    let class = x.class().max(y.class());
    let width = class.width();
    th.check_size(n * width)?;
    let (v, p) = th.alloc_str(n, class);
    // SAFETY: room for both was asked for; the wider class holds every character.
    unsafe {
        fill(p, x.data(), width);
        fill(p.add(x.len() * width), y.data(), width);
    }
    Ok(v)
}

pub(super) fn slot_repeat(th: &mut Thread, o: Borrowed<'_>, n: isize) -> PyResult {
    let s = of(o);
    if n <= 0 || s.is_empty() {
        return Ok(th.empty_str());
    }
    if n == 1 {
        return Ok(substring(th, o, 0, s.len()));
    }
    let (class, n) = (s.class(), n as usize);
    let width = class.width();
    let unit = s.len() * width;
    let Some(bytes) = unit.checked_mul(n).filter(|b| isize::try_from(*b).is_ok()) else {
        return Err(th.overflow_error("repeated string is too long"));
    };
    th.check_size(bytes)?;
    let (v, p) = th.alloc_str(s.len() * n, class);
    // SAFETY: `bytes` were asked for; each step copies what is already written.
    unsafe {
        fill(p, s.data(), width);
        if unit == 1 {
            core::ptr::write_bytes(p, *p, bytes);
        } else {
            let mut done = unit;
            while done < bytes {
                let step = done.min(bytes - done);
                core::ptr::copy_nonoverlapping(p, p.add(done), step);
                done += step;
            }
        }
    }
    Ok(v)
}

/// `a += b` on a str that the caller gives up: grows in place when nobody else holds it and its slot has
/// room, otherwise makes a new one with room to grow.
pub fn append(th: &mut Thread, a: Owned, b: Borrowed<'_>) -> PyResult {
    let (Some(x), Some(y)) = (a.borrow().downcast_exact::<Str>(), b.downcast::<Str>()) else {
        return crate::number::inplace_op(th, crate::number::BinaryOp::Add, a.borrow(), b);
    };
    if x.is_empty() || y.is_empty() || y.class() > x.class() {
        return slot_concat(th, a.borrow(), b);
    }
    let width = x.class().width();
    let (old, more) = (x.len() * width, y.len() * width);
    let need = Str::CHARS + old + more;
    let unique = a.word().is_counted() && x.header.is_unique(crate::thread::me()) && !x.is_interned();
    if unique && need <= th.rt.heap.slot_size(&x.header) {
        let len = x.len() + y.len();
        let p = a.word().ptr() as *mut u8;
        // SAFETY: the slot has room, and nobody else can see the object while its length changes.
        unsafe {
            fill(p.add(Str::CHARS + old), y.data(), width);
            (*(p as *mut Str)).grow_to(len);
        }
        return Ok(a);
    }
    if need < 256 {
        return slot_concat(th, a.borrow(), b);
    }
    let room = need + need / 8;
    th.check_size(room)?;
    let len = x.len() + y.len();
    let class = x.class();
    let (v, p) = th.alloc_str(room.div_ceil(width), class);
    // SAFETY: room for both was asked for; the length is corrected before anybody sees the object.
    unsafe {
        fill(p, x.data(), width);
        fill(p.add(old), y.data(), width);
        (*(v.word().ptr() as *mut Str)).grow_to(len);
    }
    Ok(v)
}

crate::payload! {
    /// An iterator over the characters of a str.
    pub struct StrIterator: ITERATOR_DEF {
        text: Slot,
        next: AtomicUsize,
    }
}

pub static ITERATOR_DEF: TypeDef = TypeDef {
    id: TypeId::fixed(crate::builtins::ids::STR_ITERATOR),
    flags: type_flags::GC | type_flags::NO_NEW,
    slots: Slots { iter: Some(iterator_self), next: Some(iterator_next), ..Slots::NONE },
    methods: &[
        NativeDef::new(
            "__length_hint__",
            "($self, /)",
            length_hint,
            "Private method returning an estimate of len(list(it)).",
        ),
        NativeDef::new("__reduce__", "($self, /)", reduce, "Return state information for pickling."),
        NativeDef::new(
            "__setstate__",
            "($self, state, /)",
            setstate,
            "Set state information for unpickling.",
        ),
    ],
    ..TypeDef::of::<StrIterator>("str_iterator")
};

pub(super) fn slot_iter(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(th.alloc(StrIterator { header: unborn(), text: Slot::new(o.to_owned()), next: AtomicUsize::new(0) }))
}

fn iterator_self(_th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(o.to_owned())
}

fn iterator(o: Borrowed<'_>) -> &StrIterator {
    o.downcast::<StrIterator>().expect("self is a str iterator")
}

impl StrIterator {
    fn text(&self) -> &Str {
        self.text.fixed().and_then(|t| t.downcast::<Str>()).expect("an iterator keeps its str")
    }
}

fn iterator_next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let it = iterator(o);
    let s = it.text();
    // ORDERING Relaxed: a position; threads that share an iterator may see a character twice.
    let i = it.next.load(Ordering::Relaxed);
    if i >= s.len() {
        return Ok(None);
    }
    // ORDERING Relaxed: as above.
    it.next.store(i + 1, Ordering::Relaxed);
    Ok(Some(char_at(th, s, i)))
}

fn length_hint(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = iterator(a[0]);
    // ORDERING Relaxed: as in `iterator_next`.
    let left = it.text().len().saturating_sub(it.next.load(Ordering::Relaxed));
    Ok(th.new_int(left as i64))
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = iterator(a[0]);
    let iter = th.intern("iter");
    let iter = th.builtins_dict().getitem(th, iter.borrow())?;
    let text = Borrowed::from_payload(it.text()).to_owned();
    let args = th.new_tuple(vec![text]);
    // ORDERING Relaxed: as in `iterator_next`.
    let at = th.new_int(it.next.load(Ordering::Relaxed) as i64);
    Ok(th.new_tuple(vec![iter, args, at]))
}

fn setstate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let i = a[1].to_isize(th)?;
    let it = iterator(a[0]);
    // ORDERING Relaxed: as in `iterator_next`.
    it.next.store((i.max(0) as usize).min(it.text().len()), Ordering::Relaxed);
    Ok(Owned::none())
}

/// The concatenation of strs (BUILD_STRING). Every value is a str.
#[inline(never)]
pub fn concat_many(th: &mut Thread, parts: &[Borrowed<'_>]) -> PyResult {
    joined(th, StrData::EMPTY, Class::Ascii, parts.len(), parts.iter().map(|p| of(*p)))
}

/// Lays `n` strs out one after the other with a separator between them.
fn joined<'a>(
    th: &mut Thread,
    separator: StrData<'_>,
    separator_class: Class,
    n: usize,
    parts: impl Iterator<Item = &'a Str> + Clone,
) -> PyResult {
    let mut class = if n > 1 && !separator.is_empty() { separator_class } else { Class::Ascii };
    let mut len = separator.len().saturating_mul(n.saturating_sub(1));
    for s in parts.clone() {
        class = class.max(s.class());
        len = len.saturating_add(s.len());
    }
    if len == 0 {
        return Ok(th.empty_str());
    }
    let width = class.width();
    if len > isize::MAX as usize / 4 {
        return Err(th.overflow_error("join() result is too long for a Python string"));
    }
    th.check_size(len * width)?;
    if len == 1 && class <= Class::Latin1 {
        for s in parts {
            if !s.is_empty() {
                return Ok(char_at(th, s, 0));
            }
        }
        return Ok(th.char_str(separator.get(0)));
    }
    let (v, mut p) = th.alloc_str(len, class);
    let mut first = true;
    for s in parts {
        // SAFETY: the sum of the lengths was asked for, in the widest class.
        unsafe {
            if !first {
                fill(p, separator, width);
                p = p.add(separator.len() * width);
            }
            fill(p, s.data(), width);
            p = p.add(s.len() * width);
        }
        first = false;
    }
    Ok(v)
}

/// `separator.join(items)`
pub fn join(th: &mut Thread, separator: Borrowed<'_>, items: Borrowed<'_>) -> PyResult {
    let sep = of(separator);
    if let Some(t) = items.downcast_exact::<Tuple>() {
        return join_items(th, sep, t.iter());
    }
    if let Some(l) = items.downcast_exact::<List>() {
        // Nothing below runs Python code, so the items may be used in place while the list is locked.
        let locked = l.lock();
        return join_items(th, sep, locked.slots().iter().map(|s| s.fixed().unwrap_or(Borrowed::none())));
    }
    match items.to_vec(th) {
        Ok(v) => join_items(th, sep, v.iter().map(|o| o.borrow())),
        Err(raised) => {
            if items.ty().slots.iter().is_none() && th.exc_is(&crate::builtins::exceptions::TYPE_ERROR) {
                drop(th.catch(raised));
                return Err(th.type_error("can only join an iterable"));
            }
            Err(raised)
        }
    }
}

fn join_items<'a>(
    th: &mut Thread,
    sep: &Str,
    items: impl ExactSizeIterator<Item = Borrowed<'a>>,
) -> PyResult {
    let mut bad = None;
    let parts = strs(items, &mut bad);
    if let Some((i, item)) = bad {
        let msg = format!("sequence item {i}: expected str instance, {} found", item.type_name(th));
        return Err(th.type_error(&msg));
    }
    if let [one] = parts[..] {
        let one = Borrowed::from_payload(one);
        return Ok(substring(th, one, 0, of(one).len()));
    }
    joined(th, sep.data(), sep.class(), parts.len(), parts.iter().copied())
}

fn strs<'a>(
    items: impl ExactSizeIterator<Item = Borrowed<'a>>,
    bad: &mut Option<(usize, Borrowed<'a>)>,
) -> Vec<&'a Str> {
    let mut out = Vec::with_capacity(items.len());
    for (i, item) in items.enumerate() {
        match item.downcast::<Str>() {
            Some(s) => out.push(s),
            None => {
                *bad = Some((i, item));
                break;
            }
        }
    }
    out
}

/// `format(v, spec)`, as an f-string does it. `spec` is a str or null; the result is a str.
pub fn format_value(th: &mut Thread, v: Borrowed<'_>, spec: Borrowed<'_>) -> PyResult {
    let text = spec.downcast::<Str>();
    let empty = text.is_none_or(Str::is_empty);
    let w = v.word();
    if v.downcast_exact::<Str>().is_some() {
        return match text {
            Some(spec) if !empty => format_str(th, v, spec),
            _ => Ok(v.to_owned()),
        };
    }
    if w.is_int() {
        return match text {
            Some(spec) if !empty => crate::builtins::int::methods::format_int(th, v, spec),
            _ => Ok(crate::builtins::int::convert::small_to_str(th, w.int())),
        };
    }
    if let Some(f) = w.unboxed_float() {
        return match text {
            Some(spec) if !empty => crate::builtins::float::methods::format_float(th, v, spec),
            _ => Ok(crate::builtins::float::convert::to_str(th, f)),
        };
    }
    let name = th.rt.names.__format__.get();
    let nothing;
    let spec = if spec.is_null() {
        nothing = th.empty_str();
        nothing.borrow()
    } else {
        spec
    };
    let Some(r) = v.call_special(th, name, &[spec])? else {
        let msg = format!("Type {} doesn't define __format__", v.type_name(th));
        return Err(th.type_error(&msg));
    };
    if r.downcast::<Str>().is_none() {
        let msg = format!("__format__ must return a str, not {}", r.borrow().type_name(th));
        return Err(th.type_error(&msg));
    }
    Ok(r)
}

/// `format(s, spec)` of a str.
pub(super) fn format_str(th: &mut Thread, o: Borrowed<'_>, spec: &Str) -> PyResult {
    if spec.is_empty() {
        return o.str(th);
    }
    let name = o.type_name(th);
    match typhon_text::format_spec::format_str(of(o).data(), spec.data(), &name) {
        Ok(b) => Ok(th.new_str_buf(b)),
        Err(e) => Err(th.text_error(&e)),
    }
}

pub(super) fn slot_remainder(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    if a.downcast::<Str>().is_none() {
        return Ok(Owned::not_implemented());
    }
    super::percent::format(th, a, b)
}
