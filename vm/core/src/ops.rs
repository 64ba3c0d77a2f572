//! The operations of the language on values: what `a.b`, `a[b]`, `a()`, `a == b`, `for` and friends mean.
//! Thin: each finds the slot and calls it. Number operators are in [`crate::number`].

use crate::builtins::dict::{Dict, view};
use crate::builtins::exceptions as ex;
use crate::builtins::set::{FrozenSet, Set};
use crate::builtins::{list::List, str::Str, tuple::Tuple};
use crate::object::{Borrowed, Owned, PyResult, Raised};
use crate::slots::{Args, CompareOp};
use crate::thread::Thread;
use crate::word::Word;

impl<'a> Borrowed<'a> {
    /// `type(self).__name__` for messages.
    pub fn type_name(self, _th: &Thread) -> String {
        self.ty().display_name()
    }

    /// `self.name`; `name` is an interned str.
    #[inline]
    pub fn getattr(self, th: &mut Thread, name: Borrowed<'_>) -> PyResult {
        match self.ty().slots.getattr() {
            Some(f) => f(th, self, name),
            None => Err(th.no_attribute(self, name)),
        }
    }

    /// `self.name`, or `None` when that raises AttributeError.
    pub fn getattr_opt(self, th: &mut Thread, name: Borrowed<'_>) -> PyResult<Option<Owned>> {
        // The generic lookup, and that of classes, answer without making an exception.
        if let Some(f) = self.ty().slots.getattr() {
            if f as usize == crate::attributes::generic_getattr as *const () as usize {
                return crate::attributes::generic_getattr_opt(th, self, name);
            }
            if f as usize == crate::builtins::type_::attributes::getattr as *const () as usize {
                let found = crate::builtins::type_::attributes::lookup(th, self, name);
                return th.absorb(found, &ex::ATTRIBUTE_ERROR).map(Option::flatten);
            }
        }
        let r = self.getattr(th, name);
        th.absorb(r, &ex::ATTRIBUTE_ERROR)
    }

    /// `self.name` for a name that is not interned yet.
    pub fn getattr_str(self, th: &mut Thread, name: &str) -> PyResult {
        let name = th.intern(name);
        self.getattr(th, name.borrow())
    }

    /// `self.name = value`, or `del self.name`.
    pub fn setattr(self, th: &mut Thread, name: Borrowed<'_>, value: Option<Borrowed<'_>>) -> PyResult<()> {
        match self.ty().slots.setattr() {
            Some(f) => f(th, self, name, value),
            None => Err(th.no_attribute(self, name)),
        }
    }

    /// `self(*args)`
    pub fn call(self, th: &mut Thread, args: &[Borrowed<'_>]) -> PyResult {
        crate::call::call(th, self, Args::positional(args))
    }

    /// `self(...)` with keywords.
    pub fn call_args(self, th: &mut Thread, args: Args<'_>) -> PyResult {
        crate::call::call(th, self, args)
    }

    /// `self.name(*args)`, without making a bound method where the class has a plain function.
    pub fn call_method(self, th: &mut Thread, name: Borrowed<'_>, args: &[Borrowed<'_>]) -> PyResult {
        crate::call::call_method(th, self, name, args)
    }

    pub fn call_method_str(self, th: &mut Thread, name: &str, args: &[Borrowed<'_>]) -> PyResult {
        let name = th.intern(name);
        crate::call::call_method(th, self, name.borrow(), args)
    }

    /// Looks `name` up on the type and binds it to self, as the language does for `__enter__` and
    /// other special methods. `None`: the type has no such method.
    pub fn special(self, th: &mut Thread, name: Borrowed<'_>) -> PyResult<Option<Owned>> {
        let Some(m) = self.ty().lookup(name) else { return Ok(None) };
        match m.borrow().ty().slots.descr_get() {
            Some(get) => get(th, m.borrow(), Some(self), self.ty().as_value()).map(Some),
            None => Ok(Some(m)),
        }
    }

    /// Calls the special method `name` of the type; `None`: there is none.
    pub fn call_special(
        self,
        th: &mut Thread,
        name: Borrowed<'_>,
        args: &[Borrowed<'_>],
    ) -> PyResult<Option<Owned>> {
        crate::call::special(th, self, name, args)
    }

    /// `repr(self)`: a str.
    pub fn repr(self, th: &mut Thread) -> PyResult {
        th.check_native_stack(" while getting the repr of an object")?;
        let r = match self.ty().slots.repr() {
            Some(f) => f(th, self)?,
            None => crate::builtins::object::default_repr(th, self)?,
        };
        if r.downcast::<Str>().is_none() {
            let msg = format!("__repr__ returned non-string (type {})", r.borrow().type_name(th));
            return Err(th.type_error(&msg));
        }
        Ok(r)
    }

    /// `str(self)`: a str.
    pub fn str(self, th: &mut Thread) -> PyResult {
        if self.downcast_exact::<Str>().is_some() {
            return Ok(self.to_owned());
        }
        th.check_native_stack(" while getting the str of an object")?;
        let r = match self.ty().slots.str() {
            Some(f) => f(th, self)?,
            None => return self.repr(th),
        };
        if r.downcast::<Str>().is_none() {
            let msg = format!("__str__ returned non-string (type {})", r.borrow().type_name(th));
            return Err(th.type_error(&msg));
        }
        Ok(r)
    }

    /// `repr(self)` as Rust text (lone surrogates become `\udcXX` escapes).
    pub fn repr_text(self, th: &mut Thread) -> PyResult<String> {
        let r = self.repr(th)?;
        Ok(r.payload::<Str>().to_text())
    }

    /// `str(self)` as Rust text.
    pub fn str_text(self, th: &mut Thread) -> PyResult<String> {
        let r = self.str(th)?;
        Ok(r.payload::<Str>().to_text())
    }

    /// `hash(self)`
    #[inline]
    pub fn hash(self, th: &mut Thread) -> PyResult<i64> {
        match self.ty().slots.hash() {
            Some(f) => f(th, self),
            None => {
                let msg = format!("unhashable type: '{}'", self.type_name(th));
                Err(th.type_error(&msg))
            }
        }
    }

    /// `bool(self)`
    #[inline]
    pub fn truth(self, th: &mut Thread) -> PyResult<bool> {
        let w = self.word();
        if w.is_bool() {
            return Ok(w == Word::TRUE);
        }
        if w.is_none() {
            return Ok(false);
        }
        if w.is_int() {
            return Ok(w.int() != 0);
        }
        let slots = &self.ty().slots;
        if let Some(f) = slots.bool() {
            f(th, self)
        } else if let Some(f) = slots.len() {
            Ok(f(th, self)? != 0)
        } else {
            Ok(true)
        }
    }

    /// `len(self)`
    pub fn len(self, th: &mut Thread) -> PyResult<usize> {
        match self.ty().slots.len() {
            Some(f) => f(th, self),
            None => {
                let msg = format!("object of type '{}' has no len()", self.type_name(th));
                Err(th.type_error(&msg))
            }
        }
    }

    /// `operator.length_hint(self, default)`
    pub fn length_hint(self, th: &mut Thread, default: usize) -> PyResult<usize> {
        if self.ty().slots.len().is_some() {
            let r = self.len(th);
            if let Some(n) = th.absorb(r, &ex::TYPE_ERROR)? {
                return Ok(n);
            }
        }
        let names = &th.rt.names;
        let r = self.call_special(th, names.__length_hint__.get(), &[]);
        match th.absorb(r, &ex::TYPE_ERROR)?.flatten() {
            Some(v) if !v.is_not_implemented() => {
                if !v.borrow().is_instance_of(&crate::builtins::int::DEF) {
                    let msg = format!("__length_hint__ must be an integer, not {}", v.borrow().type_name(th));
                    return Err(th.type_error(&msg));
                }
                let n = v.borrow().to_isize(th)?;
                if n < 0 {
                    Err(th.value_error("__length_hint__() should return >= 0"))
                } else {
                    Ok(n as usize)
                }
            }
            _ => Ok(default),
        }
    }

    /// `self[key]`
    #[inline]
    pub fn getitem(self, th: &mut Thread, key: Borrowed<'_>) -> PyResult {
        match self.ty().slots.getitem() {
            Some(f) => f(th, self, key),
            None => crate::builtins::type_::class_getitem(th, self, key),
        }
    }

    /// `self[key] = value`
    pub fn setitem(self, th: &mut Thread, key: Borrowed<'_>, value: Borrowed<'_>) -> PyResult<()> {
        match self.ty().slots.setitem() {
            Some(f) => f(th, self, key, Some(value)),
            None => {
                let msg = format!("'{}' object does not support item assignment", self.type_name(th));
                Err(th.type_error(&msg))
            }
        }
    }

    /// `del self[key]`
    pub fn delitem(self, th: &mut Thread, key: Borrowed<'_>) -> PyResult<()> {
        match self.ty().slots.setitem() {
            Some(f) => f(th, self, key, None),
            None => {
                let msg = format!("'{}' object does not support item deletion", self.type_name(th));
                Err(th.type_error(&msg))
            }
        }
    }

    /// `item in self`
    pub fn contains(self, th: &mut Thread, item: Borrowed<'_>) -> PyResult<bool> {
        if let Some(f) = self.ty().slots.contains() {
            return f(th, self, item);
        }
        let it = match self.iter(th) {
            Ok(it) => it,
            Err(raised) if th.exc_is(&ex::TYPE_ERROR) && self.ty().slots.iter().is_none() => {
                drop(th.catch(raised));
                let msg = format!("argument of type '{}' is not a container or iterable", self.type_name(th));
                return Err(th.type_error(&msg));
            }
            Err(raised) => return Err(raised),
        };
        while let Some(v) = it.borrow().next(th)? {
            if v.borrow().equals(th, item)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `iter(self)`
    pub fn iter(self, th: &mut Thread) -> PyResult {
        let slots = &self.ty().slots;
        if let Some(f) = slots.iter() {
            let it = f(th, self)?;
            if it.borrow().ty().slots.next().is_none() {
                let msg = format!("iter() returned non-iterator of type '{}'", it.borrow().type_name(th));
                return Err(th.type_error(&msg));
            }
            return Ok(it);
        }
        if slots.getitem().is_some() && self.downcast::<Dict>().is_none() {
            return Ok(crate::builtins::iterators::sequence_iterator(th, self));
        }
        let msg = format!("'{}' object is not iterable", self.type_name(th));
        Err(th.type_error(&msg))
    }

    /// One step of an iterator; `None` at its end, whatever the value of its StopIteration.
    #[inline]
    pub fn next(self, th: &mut Thread) -> PyResult<Option<Owned>> {
        match self.step(th) {
            Err(raised) => stopped(th, raised),
            stepped => stepped,
        }
    }

    /// One step of an iterator, for whoever needs the value of its end: that is `None`, or a StopIteration.
    #[inline]
    pub fn step(self, th: &mut Thread) -> PyResult<Option<Owned>> {
        match self.ty().slots.next() {
            Some(f) => f(th, self),
            None => {
                let msg = format!("'{}' object is not an iterator", self.type_name(th));
                Err(th.type_error(&msg))
            }
        }
    }

    /// The items of a container of a built-in type as they are at one moment, whatever other threads do; `None`: it
    /// is something else.
    pub fn snapshot(self, th: &mut Thread) -> Option<Vec<Owned>> {
        if let Some(t) = self.downcast_exact::<Tuple>() {
            return Some(t.items().iter().filter_map(|s| s.fixed()).map(|b| b.to_owned()).collect());
        }
        if let Some(l) = self.downcast_exact::<List>() {
            return Some(l.to_vec());
        }
        if let Some(d) = self.downcast_exact::<Dict>() {
            return Some(d.keys());
        }
        if self.downcast_exact::<Set>().is_some() || self.downcast_exact::<FrozenSet>().is_some() {
            return self.downcast::<Set>().map(Set::to_vec);
        }
        view::snapshot(th, self)
    }

    /// All items of an iterable. Fast for those that have a [`Borrowed::snapshot`].
    pub fn to_vec(self, th: &mut Thread) -> PyResult<Vec<Owned>> {
        if let Some(items) = self.snapshot(th) {
            return Ok(items);
        }
        let it = self.iter(th)?;
        let hint = self.length_hint(th, 8)?;
        let mut out = Vec::with_capacity(hint.min(1 << 20));
        while let Some(v) = it.borrow().next(th)? {
            out.push(v);
        }
        Ok(out)
    }

    /// `self op other` as an object (rich comparison, both reflections, identity for == and !=).
    pub fn compare(self, th: &mut Thread, other: Borrowed<'_>, op: CompareOp) -> PyResult {
        let (ta, tb) = (self.ty(), other.ty());
        let mut tried = false;
        if !core::ptr::eq(ta, tb)
            && tb.is_subtype_of(ta)
            && let Some(f) = tb.slots.compare()
        {
            tried = true;
            let r = f(th, other, self, op.swapped())?;
            if !r.is_not_implemented() {
                return Ok(r);
            }
        }
        if let Some(f) = ta.slots.compare() {
            let r = f(th, self, other, op)?;
            if !r.is_not_implemented() {
                return Ok(r);
            }
        }
        if !tried && let Some(f) = tb.slots.compare() {
            let r = f(th, other, self, op.swapped())?;
            if !r.is_not_implemented() {
                return Ok(r);
            }
        }
        match op {
            CompareOp::Eq => Ok(Owned::bool(self.is(other.word()))),
            CompareOp::Ne => Ok(Owned::bool(!self.is(other.word()))),
            _ => {
                let msg = format!(
                    "'{}' not supported between instances of '{}' and '{}'",
                    op.symbol(),
                    self.type_name(th),
                    other.type_name(th)
                );
                Err(th.type_error(&msg))
            }
        }
    }

    /// Truth of `self op other`.
    #[inline]
    pub fn compare_bool(self, th: &mut Thread, other: Borrowed<'_>, op: CompareOp) -> PyResult<bool> {
        let (a, b) = (self.word(), other.word());
        if a.both_int(b) {
            return Ok(op.matches((a.0 as i64).cmp(&(b.0 as i64))));
        }
        let r = self.compare(th, other, op)?;
        r.borrow().truth(th)
    }

    /// `self is other or self == other`, as containers compare.
    #[inline]
    pub fn equals(self, th: &mut Thread, other: Borrowed<'_>) -> PyResult<bool> {
        match crate::equality::quick(self, other) {
            Some(answer) => Ok(answer),
            None => self.compare_bool(th, other, CompareOp::Eq),
        }
    }

    /// `isinstance(self, class_or_tuple)`
    pub fn isinstance(self, th: &mut Thread, class: Borrowed<'_>) -> PyResult<bool> {
        crate::builtins::type_::isinstance(th, self, class)
    }

    /// `issubclass(self, class_or_tuple)`
    pub fn issubclass(self, th: &mut Thread, class: Borrowed<'_>) -> PyResult<bool> {
        crate::builtins::type_::issubclass(th, self, class)
    }

    pub fn is_callable(self) -> bool {
        self.ty().slots.call().is_some()
    }

    /// The text of a str argument. Raises TypeError with `what` otherwise.
    pub fn expect_str(self, th: &mut Thread, what: &str) -> PyResult<&'a Str> {
        match self.downcast::<Str>() {
            Some(s) => Ok(s),
            None => {
                let msg = format!("{what} must be str, not {}", self.type_name(th));
                Err(th.type_error(&msg))
            }
        }
    }
}

impl Word {
    #[inline(always)]
    pub const fn is_none(self) -> bool {
        self.0 == Word::NONE.0
    }
}

impl Thread {
    /// `AttributeError: 'T' object has no attribute 'name'`, with `name` and `obj` set.
    #[cold]
    pub fn no_attribute(&mut self, obj: Borrowed<'_>, name: Borrowed<'_>) -> crate::Raised {
        crate::attributes::no_attribute(self, obj, name)
    }
}

/// What a step raised, unless it is the iterator's end.
#[cold]
fn stopped(th: &mut Thread, raised: Raised) -> PyResult<Option<Owned>> {
    th.absorb(Err(raised), &ex::STOP_ITERATION).map(Option::flatten)
}
