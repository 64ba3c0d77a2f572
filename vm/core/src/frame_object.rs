//! Frame objects: running or finished frames as Python sees them.
//!
//! A frame object is made when somebody asks for it (a traceback, `sys._getframe`). While the frame
//! runs it looks at the frame's record; when the frame ends with the object still alive, the locals
//! move into it.

use typhon_sync::prim::{AtomicPtr, AtomicU32, Ordering};

use typhon_compile::code::kind;

use crate::builtins::dict::Dict;
use crate::builtins::str::Str;
use crate::cell::Cell;
use crate::code::CodeObject;
use crate::function::Function;
use crate::generator::Generator;
use crate::held::Held;
use crate::interp::frame::CallRecord;
use crate::object::{Borrowed, Data, Owned, PyResult, Slot};
use crate::slots::Slots;
use crate::thread::{Thread, unborn};
use crate::typedef::{GetSetDef, NativeDef, TypeDef, type_flags};
use crate::word::Word;

crate::payload! {
    /// A frame object.
    pub struct Frame: DEF {
        func: Held,
        /// Namespace of a module or class body.
        pub namespace: Slot,
        pub back: Slot,
        /// Locals of a finished frame: a list in order of `co_localsplusnames`, unbound ones empty.
        kept: crate::Locked<Vec<Option<Owned>>>,
        /// What `f_locals` overwrote while the frame ran: its code may have borrowed the old values.
        overwritten: crate::Locked<Vec<Owned>>,
        /// Extra names set through `f_locals`.
        extra: Slot,
        pub trace: Slot,
        /// The running frame; null when it is finished or suspended.
        record: Data<AtomicPtr<CallRecord>>,
        /// Suspended generator frames: the generator holds the words.
        generator: Data<AtomicPtr<Generator>>,
        offset: AtomicU32,
        pub trace_lines: typhon_sync::prim::AtomicBool,
        pub trace_opcodes: typhon_sync::prim::AtomicBool,
    }
}

/// The frame object of a running frame.
pub(crate) fn of_record(th: &mut Thread, ci: *mut CallRecord) -> Owned {
    // SAFETY: the record of a running frame of this thread.
    unsafe {
        if (*ci).frame != Word::ZERO {
            return Borrowed::from_raw((*ci).frame.uncounted()).to_owned();
        }
        let namespace = if (*ci).locals == Word::ZERO {
            None
        } else {
            Some(Borrowed::from_raw((*ci).locals.uncounted()).to_owned())
        };
        let f = th.alloc(Frame {
            header: unborn(),
            func: Held::new(Borrowed::from_raw((*ci).func)),
            namespace: Slot::from_option(namespace),
            back: Slot::empty(),
            kept: crate::Locked::new(Vec::new()),
            overwritten: crate::Locked::new(Vec::new()),
            extra: Slot::empty(),
            trace: Slot::empty(),
            record: Data(AtomicPtr::new(ci)),
            generator: Data(AtomicPtr::new((*ci).generator.cast_mut())),
            offset: AtomicU32::new(0),
            trace_lines: typhon_sync::prim::AtomicBool::new(true),
            trace_opcodes: typhon_sync::prim::AtomicBool::new(false),
        });
        (*ci).frame = f.clone().into_raw();
        if !(*ci).generator.is_null() {
            drop((*(*ci).generator).frame.swap(f.clone()));
        }
        f
    }
}

/// The frame object of the innermost Python frame (which exists).
pub fn current(th: &mut Thread) -> Owned {
    let ci = th.ci;
    of_record(th, ci)
}

/// The frame object `n` Python frames up, 0 = innermost.
pub fn nth(th: &mut Thread, n: usize) -> Option<Owned> {
    let r = crate::interp::eval::nth_record(th, n)? as *const CallRecord as *mut CallRecord;
    Some(of_record(th, r))
}

/// The record of the Python frame below `ci`.
fn caller_record(th: &Thread, ci: *mut CallRecord) -> Option<*mut CallRecord> {
    let mut p = ci;
    // SAFETY: records from the first on are valid.
    unsafe {
        while p > th.stack.first_record() {
            p = p.sub(1);
            if !(*p).code.is_null() {
                return Some(p);
            }
        }
    }
    None
}

/// The frame of record `ci` ends: the object, if somebody else holds it, takes the locals.
///
/// # Safety
/// `ci` is current, its evaluation stack empty.
pub unsafe fn detach(th: &mut Thread, ci: *mut CallRecord) {
    // SAFETY: the record owned the count.
    unsafe {
        let w = core::mem::replace(&mut (*ci).frame, Word::ZERO);
        let v = Owned::from_raw(w);
        let f = v.payload::<Frame>();
        let code = &*(*ci).code;
        let at = code.linked_now().map_or(0, |l| l.offset_of((*ci).pc.sub(1)));
        // ORDERING Release: readers that see no record find the rest in place.
        f.offset.store(at, Ordering::Release);
        if f.header.refcount() > 1 {
            let mut kept = Vec::with_capacity(code.n_names as usize);
            for i in 0..code.n_names as usize {
                let w = *(*ci).fp.add(i);
                kept.push(if w == Word::UNBOUND {
                    None
                } else {
                    Some(Borrowed::from_raw(w.uncounted()).to_owned())
                });
            }
            // Who resumed a generator last is nobody's caller.
            if (*ci).generator.is_null()
                && let Some(back) = caller_record(th, ci)
            {
                let b = of_record(th, back);
                drop(f.back.swap(b));
            }
            *f.kept.lock(&f.header, th) = kept;
        }
        f.record.0.store(core::ptr::null_mut(), Ordering::Release);
        f.generator.0.store(core::ptr::null_mut(), Ordering::Release);
    }
}

/// A generator's frame is on the stack again: its object looks at the record.
pub fn resumed(g: &Generator, ci: *mut CallRecord) -> Word {
    match g.frame.get(&g.header) {
        Some(f) => {
            f.payload::<Frame>().record.0.store(ci, Ordering::Release);
            f.into_raw()
        }
        None => Word::ZERO,
    }
}

/// A generator's frame leaves the stack.
///
/// # Safety
/// `ci` is its record.
pub unsafe fn suspended(g: &Generator, ci: *mut CallRecord) {
    // SAFETY: the record owned the count.
    unsafe {
        let v = Owned::from_raw(core::mem::replace(&mut (*ci).frame, Word::ZERO));
        let f = v.payload::<Frame>();
        // ORDERING Release: as in `detach`.
        f.record.0.store(core::ptr::null_mut(), Ordering::Release);
        f.generator.0.store((g as *const Generator).cast_mut(), Ordering::Release);
    }
}

impl Frame {
    fn function(&self) -> &Function {
        self.func.get().downcast().expect("a frame has a function")
    }

    pub fn code(&self) -> &CodeObject {
        self.function().code()
    }

    fn record(&self) -> Option<&CallRecord> {
        // ORDERING Acquire: pairs with the Release of `detach`.
        let p = self.record.0.load(Ordering::Acquire);
        // SAFETY: set while the frame runs.
        if p.is_null() { None } else { Some(unsafe { &*p }) }
    }

    fn generator(&self) -> Option<&Generator> {
        // ORDERING Acquire: as above.
        let p = self.generator.0.load(Ordering::Acquire);
        // SAFETY: a generator detaches its frame object when it ends or dies.
        if p.is_null() { None } else { Some(unsafe { &*p }) }
    }

    /// The generator that backs this frame is about to die: takes over its locals.
    pub fn outlive_generator(&self, th: &mut Thread, g: &Generator) {
        let kept = (0..self.code().n_names as usize).map(|i| g.local(i)).collect();
        *self.kept.lock(&self.header, th) = kept;
        // ORDERING Release: as in `detach`.
        self.offset.store(g.offset(), Ordering::Release);
        self.generator.0.store(core::ptr::null_mut(), Ordering::Release);
    }

    /// Where the frame stands, in 16-bit units.
    pub fn offset(&self) -> u32 {
        if let Some(r) = self.record() {
            // SAFETY: `pc` is behind a unit.
            return self.code().linked_now().map_or(0, |l| l.offset_of(unsafe { r.pc.sub(1) }));
        }
        if let Some(g) = self.generator() {
            return g.offset();
        }
        // ORDERING Relaxed: set before the record was taken away.
        self.offset.load(Ordering::Relaxed)
    }

    pub fn line(&self) -> Option<u32> {
        self.code().line_of(self.offset())
    }

    /// Local `i` now; cells are looked through.
    pub fn local(&self, th: &mut Thread, i: usize) -> Option<Owned> {
        let raw = if let Some(r) = self.record() {
            // SAFETY: a local of the running frame, on this thread.
            let w = unsafe { *r.fp.add(i) };
            if w == Word::UNBOUND {
                None
            } else {
                // SAFETY: held by the frame.
                Some(unsafe { Borrowed::from_raw(w.uncounted()) }.to_owned())
            }
        } else if let Some(g) = self.generator() {
            g.local(i)
        } else {
            self.kept.lock(&self.header, th).get(i).cloned().flatten()
        }?;
        let is_cell = self.code().data.0.localspluskinds[i] & (kind::CELL | kind::FREE) != 0;
        match raw.downcast::<Cell>() {
            Some(c) if is_cell => c.contents.get(&c.header),
            _ => Some(raw),
        }
    }

    /// Sets local `i` of a running or finished frame.
    pub fn set_local(&self, th: &mut Thread, i: usize, v: Option<Owned>) {
        let is_cell = self.code().data.0.localspluskinds[i] & (kind::CELL | kind::FREE) != 0;
        if let Some(r) = self.record() {
            // SAFETY: a local of a frame of this thread that is not at its own safepoint now.
            unsafe {
                let p = r.fp.add(i);
                if is_cell
                    && (*p).is_ptr()
                    && let Some(c) = Borrowed::from_raw((*p).uncounted()).downcast::<Cell>()
                {
                    match v {
                        Some(v) => c.contents.set(&c.header, v),
                        None => drop(c.contents.clear(&c.header)),
                    }
                    return;
                }
                let old = core::mem::replace(&mut *p, v.map_or(Word::UNBOUND, |v| v.into_raw()));
                if old.is_ptr() && old.is_counted() {
                    self.overwritten.lock(&self.header, th).push(Owned::from_raw(old));
                }
            }
            return;
        }
        if let Some(g) = self.generator() {
            g.set_local(th, i, v, is_cell);
            return;
        }
        let mut kept = self.kept.lock(&self.header, th);
        if let Some(slot) = kept.get_mut(i) {
            let old = core::mem::replace(slot, v);
            drop(kept);
            drop(old);
        }
    }

    /// Names and values of the bound locals.
    pub fn locals(&self, th: &mut Thread) -> Vec<(Owned, Owned)> {
        let code = self.code();
        let mut out = Vec::new();
        for i in 0..code.n_names as usize {
            if code.data.0.localspluskinds[i] & kind::HIDDEN != 0 {
                continue;
            }
            if let Some(v) = self.local(th, i) {
                out.push((code.locals_tuple().get(i).to_owned(), v));
            }
        }
        out
    }
}

/// `locals()` of the innermost frame: its namespace, or a fresh dict of a function's locals.
pub fn locals_snapshot(th: &mut Thread) -> PyResult {
    let f = nth(th, 0).ok_or_else(|| th.system_error("no frame"))?;
    locals_of(th, f.borrow())
}

fn locals_of(th: &mut Thread, frame: Borrowed<'_>) -> PyResult {
    let f = this(frame);
    if let Some(ns) = f.namespace.fixed() {
        return Ok(ns.to_owned());
    }
    let d = th.new_dict();
    for (k, v) in f.locals(th) {
        d.payload::<Dict>().set(th, k.borrow(), v)?;
    }
    if let Some(extra) = f.extra.get(&f.header)
        && let Some(e) = extra.downcast::<Dict>()
    {
        for (k, v) in e.entries() {
            d.payload::<Dict>().set(th, k.borrow(), v)?;
        }
    }
    Ok(d)
}

fn this(o: Borrowed<'_>) -> &Frame {
    o.downcast::<Frame>().expect("a frame")
}

fn get_back(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let f = this(o);
    if let Some(r) = f.record() {
        let ci = r as *const CallRecord as *mut CallRecord;
        return Ok(match caller_record(th, ci) {
            Some(b) => of_record(th, b),
            None => Owned::none(),
        });
    }
    Ok(f.back.get(&f.header).unwrap_or_else(Owned::none))
}

fn get_code(_: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(Borrowed::from_payload(this(o).code()).to_owned())
}

fn get_globals(_: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(Borrowed::from_payload(this(o).function().globals()).to_owned())
}

fn get_builtins(_: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(Borrowed::from_payload(this(o).function().builtins()).to_owned())
}

fn get_locals(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let f = this(o);
    if let Some(ns) = f.namespace.fixed() {
        return Ok(ns.to_owned());
    }
    Ok(th.alloc(LocalsProxy { header: unborn(), frame: Slot::new(o.to_owned()) }))
}

fn get_lineno(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(match this(o).line() {
        Some(n) => th.new_int(i64::from(n)),
        None => Owned::none(),
    })
}

fn get_lasti(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let v = i64::from(this(o).offset()) * 2;
    Ok(th.new_int(v))
}

fn get_trace(_: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let f = this(o);
    Ok(f.trace.get(&f.header).unwrap_or_else(Owned::none))
}

fn set_trace(_: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let f = this(o);
    match v.filter(|v| !v.is_none()) {
        Some(v) => f.trace.set(&f.header, v.to_owned()),
        None => drop(f.trace.clear(&f.header)),
    }
    Ok(())
}

fn get_trace_lines(_: &mut Thread, o: Borrowed<'_>) -> PyResult {
    // ORDERING Relaxed: a plain setting.
    Ok(Owned::bool(this(o).trace_lines.load(Ordering::Relaxed)))
}

fn set_trace_lines(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let v = v.is_some_and(|v| v.truth(th).unwrap_or(false));
    // ORDERING Relaxed: a plain setting.
    this(o).trace_lines.store(v, Ordering::Relaxed);
    Ok(())
}

fn get_trace_opcodes(_: &mut Thread, o: Borrowed<'_>) -> PyResult {
    // ORDERING Relaxed: a plain setting.
    Ok(Owned::bool(this(o).trace_opcodes.load(Ordering::Relaxed)))
}

fn set_trace_opcodes(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let v = v.is_some_and(|v| v.truth(th).unwrap_or(false));
    // ORDERING Relaxed: a plain setting.
    this(o).trace_opcodes.store(v, Ordering::Relaxed);
    if v {
        crate::monitoring::legacy::trace_opcodes(th, this(o).code(), true);
    }
    Ok(())
}

fn clear(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let f = this(a[0]);
    if f.record().is_some() {
        return Err(th.runtime_error("cannot clear an executing frame"));
    }
    if let Some(g) = f.generator() {
        let g = Borrowed::from_header(&g.header).to_owned();
        let name = th.rt.names.close.get();
        g.borrow().call_method(th, name, &[])?;
        return Ok(Owned::none());
    }
    let old = core::mem::take(&mut *f.kept.lock(&f.header, th));
    drop(old);
    Ok(Owned::none())
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let f = this(o);
    let code = f.code();
    let file = code.filename.fixed().expect("set").repr_text(th)?;
    let name = code.name.fixed().and_then(|n| n.downcast::<Str>()).map(|s| s.to_text()).unwrap_or_default();
    let text = format!(
        "<frame at {:#x}, file {file}, line {}, code {name}>",
        o.word().identity(),
        f.line().map_or(String::from("None"), |n| n.to_string())
    );
    Ok(th.new_str(&text))
}

pub static DEF: TypeDef = TypeDef {
    flags: type_flags::GC,
    slots: Slots { repr: Some(repr), ..Slots::NONE },
    methods: &[NativeDef::new("clear", "($self, /)", clear, "Clear all references held by the frame.")],
    getset: &[
        GetSetDef::get("f_back", get_back),
        GetSetDef::get("f_code", get_code),
        GetSetDef::get("f_globals", get_globals),
        GetSetDef::get("f_builtins", get_builtins),
        GetSetDef::get("f_locals", get_locals),
        GetSetDef::get("f_lineno", get_lineno),
        GetSetDef::get("f_lasti", get_lasti),
        GetSetDef::get("f_trace", get_trace).set(set_trace),
        GetSetDef::get("f_trace_lines", get_trace_lines).set(set_trace_lines),
        GetSetDef::get("f_trace_opcodes", get_trace_opcodes).set(set_trace_opcodes),
    ],
    ..TypeDef::of::<Frame>("frame")
};

crate::payload! {
    /// `f_locals` of a function's frame: reads and writes the variables themselves (PEP 667).
    pub struct LocalsProxy: PROXY_DEF {
        frame: Slot,
    }
}

fn proxied(o: Borrowed<'_>) -> Borrowed<'_> {
    o.downcast::<LocalsProxy>().and_then(|p| p.frame.fixed()).expect("a frame locals proxy")
}

fn index_of(f: &Frame, key: Borrowed<'_>) -> Option<usize> {
    let key = key.downcast::<Str>()?;
    let code = f.code();
    let names = code.locals_tuple();
    (0..code.n_names as usize).find(|&i| {
        code.data.0.localspluskinds[i] & kind::HIDDEN == 0
            && names.get(i).downcast::<Str>().is_some_and(|n| n.same_text(key))
    })
}

fn proxy_get(th: &mut Thread, o: Borrowed<'_>, key: Borrowed<'_>) -> PyResult {
    let f = this(proxied(o));
    if let Some(i) = index_of(f, key) {
        if let Some(v) = f.local(th, i) {
            return Ok(v);
        }
    } else if let Some(e) = f.extra.get(&f.header)
        && let Some(v) = e.payload::<Dict>().get(th, key)?
    {
        return Ok(v);
    }
    Err(th.key_error(key))
}

fn proxy_set(th: &mut Thread, o: Borrowed<'_>, key: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let f = this(proxied(o));
    let Some(v) = v else {
        if index_of(f, key).is_some() {
            return Err(th.value_error("cannot remove local variables from FrameLocalsProxy"));
        }
        return match f.extra.get(&f.header) {
            Some(e) => match e.payload::<Dict>().remove(th, key)? {
                Some(_) => Ok(()),
                None => Err(th.key_error(key)),
            },
            None => Err(th.key_error(key)),
        };
    };
    if let Some(i) = index_of(f, key) {
        f.set_local(th, i, Some(v.to_owned()));
        return Ok(());
    }
    let extra = match f.extra.get(&f.header) {
        Some(e) => e,
        None => {
            let d = th.new_dict();
            f.extra.set(&f.header, d.clone());
            d
        }
    };
    extra.payload::<Dict>().set(th, key, v.to_owned())
}

fn proxy_dict(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    locals_of(th, proxied(o))
}

fn proxy_len(th: &mut Thread, o: Borrowed<'_>) -> PyResult<usize> {
    Ok(proxy_dict(th, o)?.payload::<Dict>().len())
}

fn proxy_iter(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let d = proxy_dict(th, o)?;
    d.borrow().iter(th)
}

fn proxy_contains(th: &mut Thread, o: Borrowed<'_>, key: Borrowed<'_>) -> PyResult<bool> {
    let d = proxy_dict(th, o)?;
    d.borrow().contains(th, key)
}

fn proxy_repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let d = proxy_dict(th, o)?;
    d.borrow().repr(th)
}

fn proxy_compare(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: crate::CompareOp) -> PyResult {
    let x = proxy_dict(th, a)?;
    let y = if b.downcast::<LocalsProxy>().is_some() { proxy_dict(th, b)? } else { b.to_owned() };
    x.borrow().compare(th, y.borrow(), op)
}

/// A method of dict, run on a snapshot.
fn forward(th: &mut Thread, a: &[Borrowed<'_>], name: &str) -> PyResult {
    let d = proxy_dict(th, a[0])?;
    let rest: Vec<Borrowed<'_>> = a[1..].iter().copied().filter(|v| !v.is_null()).collect();
    d.borrow().call_method_str(th, name, &rest)
}

fn proxy_keys(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    forward(th, a, "keys")
}
fn proxy_values(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    forward(th, a, "values")
}
fn proxy_items(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    forward(th, a, "items")
}
fn proxy_copy(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    proxy_dict(th, a[0])
}
fn proxy_get_default(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    forward(th, a, "get")
}

fn proxy_update(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let d = th.new_dict();
    d.payload::<Dict>().update(th, a[1])?;
    for (k, v) in d.payload::<Dict>().entries() {
        proxy_set(th, a[0], k.borrow(), Some(v.borrow()))?;
    }
    Ok(Owned::none())
}

pub static PROXY_DEF: TypeDef = TypeDef {
    flags: type_flags::GC | type_flags::MAPPING,
    slots: Slots {
        getitem: Some(proxy_get),
        setitem: Some(proxy_set),
        len: Some(proxy_len),
        iter: Some(proxy_iter),
        contains: Some(proxy_contains),
        repr: Some(proxy_repr),
        compare: Some(proxy_compare),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new("keys", "($self, /)", proxy_keys, ""),
        NativeDef::new("values", "($self, /)", proxy_values, ""),
        NativeDef::new("items", "($self, /)", proxy_items, ""),
        NativeDef::new("copy", "($self, /)", proxy_copy, ""),
        NativeDef::new("get", "($self, key, default=None, /)", proxy_get_default, ""),
        NativeDef::new("update", "($self, other, /)", proxy_update, ""),
    ],
    ..TypeDef::of::<LocalsProxy>("FrameLocalsProxy")
};

/// The frame object of a generator that is not finished.
pub fn of_generator(th: &mut Thread, g: &Generator) -> Owned {
    if let Some(f) = g.frame.get(&g.header) {
        return f;
    }
    let f = th.alloc(Frame {
        header: unborn(),
        func: Held::new(Borrowed::from_payload(g.function())),
        namespace: Slot::empty(),
        back: Slot::empty(),
        kept: crate::Locked::new(Vec::new()),
        overwritten: crate::Locked::new(Vec::new()),
        extra: Slot::empty(),
        trace: Slot::empty(),
        record: Data(AtomicPtr::new(core::ptr::null_mut())),
        generator: Data(AtomicPtr::new((g as *const Generator).cast_mut())),
        offset: AtomicU32::new(0),
        trace_lines: typhon_sync::prim::AtomicBool::new(true),
        trace_opcodes: typhon_sync::prim::AtomicBool::new(false),
    });
    g.frame.set(&g.header, f.clone());
    f
}
