//! Tracebacks: which frames an exception came through, and which exception is being handled.

use crate::builtins::exceptions::BaseException;
use crate::object::{Borrowed, Owned, PyResult, Raised, Slot};
use crate::slots::{Args, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{GetSetDef, NativeDef, TypeDef, type_flags};
use crate::types::Type;
use crate::word::Word;

crate::payload! {
    /// One line of a traceback.
    pub struct Traceback: DEF {
        pub next: Slot,
        pub frame: Slot,
        /// Byte offset of the instruction in `co_code`.
        pub lasti: u32,
        /// The line, or [`LINE_OF_LASTI`].
        pub(crate) lineno: u32,
    }
}

/// The line is looked up when somebody asks: most exceptions are caught unseen.
const LINE_OF_LASTI: u32 = u32::MAX;

impl Traceback {
    /// The line; 0 if the instruction has none.
    pub fn line(&self) -> u32 {
        if self.lineno != LINE_OF_LASTI {
            return self.lineno;
        }
        let frame = self.frame.fixed();
        let frame = frame.as_ref().and_then(|f| f.downcast::<crate::frame_object::Frame>());
        frame.and_then(|f| f.code().line_of(self.lasti / 2)).unwrap_or(0)
    }
}

/// Puts the current frame in front of the traceback of the exception on its way.
pub fn add_frame(th: &mut Thread, offset: u32) {
    let Some(exc) = th.take_exc() else { return };
    let frame = crate::frame_object::current(th);
    if let Some(e) = exc.downcast::<BaseException>() {
        push(th, e, frame, offset);
    }
    let _ = th.set_exc(exc);
}

/// Puts `frame`, which stands at `offset` (in 16-bit units), in front of the traceback of `e`.
pub fn push(th: &mut Thread, e: &BaseException, frame: Owned, offset: u32) {
    let next = e.traceback.get(&e.header).filter(|t| !t.is_none());
    let tb = th.alloc(Traceback {
        header: unborn(),
        next: Slot::from_option(next),
        frame: Slot::new(frame),
        lasti: offset * 2,
        lineno: LINE_OF_LASTI,
    });
    e.traceback.set(&e.header, tb);
}

/// Takes the frames of the import system out of the traceback of the exception on its way: all of them
/// for an ImportError, else those down to `_call_with_frames_removed`, behind which user code runs.
#[cold]
pub fn without_import_frames(th: &mut Thread, raised: Raised) -> Raised {
    let exc = th.catch(raised);
    let all = exc.borrow().ty().is_subtype_of(crate::builtins::exceptions::IMPORT_ERROR.ty());
    if let Some(e) = exc.downcast::<BaseException>() {
        let mut lines = Vec::new();
        let mut at = e.traceback.get(&e.header);
        while let Some(tb) = at.filter(|t| t.downcast::<Traceback>().is_some()) {
            let t = tb.payload::<Traceback>();
            at = t.next.get(&t.header);
            lines.push(tb);
        }
        let mut keep = vec![true; lines.len()];
        let mut chunk = None;
        for (i, tb) in lines.iter().enumerate() {
            match import_function(tb.payload::<Traceback>()) {
                None => chunk = None,
                Some(name) => {
                    let from = *chunk.get_or_insert(i);
                    if all || name == "_call_with_frames_removed" {
                        keep[from..=i].fill(false);
                        chunk = Some(i + 1);
                    }
                }
            }
        }
        let mut next = None;
        for (tb, keep) in lines.into_iter().zip(keep).rev() {
            if keep {
                let t = tb.payload::<Traceback>();
                match next.take() {
                    Some(n) => t.next.set(&t.header, n),
                    None => drop(t.next.clear(&t.header)),
                }
                next = Some(tb);
            }
        }
        match next {
            Some(first) => e.traceback.set(&e.header, first),
            None => drop(e.traceback.clear(&e.header)),
        }
    }
    th.set_exc(exc)
}

/// The name of the function of a line that belongs to the import system.
fn import_function(t: &Traceback) -> Option<String> {
    let frame = t.frame.fixed()?;
    let code = frame.downcast::<crate::frame_object::Frame>()?.code();
    let file = code.filename.fixed()?.downcast::<crate::builtins::str::Str>()?.to_text();
    let ours =
        file.ends_with("importlib/_bootstrap.py") || file.ends_with("importlib/_bootstrap_external.py");
    ours.then(|| code.name_text())
}

/// The exception being handled: the first of the thread's chain.
pub fn handled(th: &Thread) -> Option<Borrowed<'_>> {
    let mut item = th.handled;
    while !item.is_null() {
        // SAFETY: items live in the thread and in running generators.
        let w = unsafe { (*item).value };
        if w != Word::NONE {
            // SAFETY: held by the item.
            return Some(unsafe { Borrowed::from_raw(w.uncounted()) });
        }
        // SAFETY: as above.
        item = unsafe { (*item).previous };
    }
    None
}

/// Makes `exc` the exception being handled.
pub fn set_handled(th: &mut Thread, exc: &Owned) {
    // SAFETY: the innermost item is valid.
    let item = unsafe { &mut *th.handled };
    let old = core::mem::replace(&mut item.value, exc.clone().into_raw());
    // SAFETY: the item owned it.
    unsafe { crate::dealloc::drop_word(old) };
}

/// Sets `__context__` of a new exception to the one being handled.
pub fn set_context(th: &mut Thread, exc: &Owned) {
    if let Some(h) = handled(th) {
        chain(exc, h);
    }
}

/// Sets `__context__` of `exc` to `h`, breaking cycles.
pub fn chain(exc: &Owned, h: Borrowed<'_>) {
    if h.is(exc.word()) {
        return;
    }
    let h = h.to_owned();
    let Some(e) = exc.downcast::<BaseException>() else { return };
    // If `exc` is already in the chain of contexts, cut it there.
    let mut at = h.clone();
    while let Some(a) = at.downcast::<BaseException>() {
        let Some(next) = a.context.get(&a.header).filter(|n| !n.is_none()) else { break };
        if next.is(exc.word()) {
            drop(a.context.clear(&a.header));
            break;
        }
        at = next;
    }
    e.context.set(&e.header, h);
}

/// `raise` without operands: sets the handled exception again. False: there is none, and a RuntimeError
/// is set instead.
pub fn reraise_handled(th: &mut Thread) -> bool {
    match handled(th).map(|h| h.to_owned()) {
        Some(h) => {
            let _ = th.set_exc(h);
            true
        }
        None => {
            let _ = crate::interp::calls::nothing_to_reraise(th);
            false
        }
    }
}

/// `exc.__traceback__`, or None.
pub fn of_exception(_th: &mut Thread, exc: Borrowed<'_>) -> Owned {
    exc.downcast::<BaseException>().and_then(|e| e.traceback.get(&e.header)).unwrap_or_else(Owned::none)
}

/// Where coroutines are made, if `sys.set_coroutine_origin_tracking_depth` asked for it.
pub fn coroutine_origin(th: &mut Thread) -> Option<Owned> {
    let depth = th.origin_depth as usize;
    if depth == 0 {
        return None;
    }
    let mut out = Vec::new();
    for n in 1..=depth {
        let Some(r) = crate::interp::eval::nth_record(th, n) else { break };
        // SAFETY: the record of a running frame.
        let code = unsafe { &*r.code };
        let (file, name) =
            (code.filename.fixed().expect("set").to_owned(), code.name.fixed().expect("set").to_owned());
        let line =
            code.linked_now().and_then(|l| code.line_of(l.offset_of(r.pc.wrapping_sub(1)))).unwrap_or(0);
        let line = th.new_int(i64::from(line));
        out.push(th.new_tuple(vec![file, line, name]));
    }
    Some(th.new_tuple(out))
}

fn this(o: Borrowed<'_>) -> &Traceback {
    o.downcast::<Traceback>().expect("a traceback")
}

fn get_next(_: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let t = this(o);
    Ok(t.next.get(&t.header).unwrap_or_else(Owned::none))
}

fn set_next(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let t = this(o);
    let Some(v) = v else { return Err(th.type_error("can't delete tb_next attribute")) };
    if v.is_none() {
        drop(t.next.clear(&t.header));
        return Ok(());
    }
    if v.downcast::<Traceback>().is_none() {
        let msg = format!("expected traceback object, got '{}'", v.type_name(th));
        return Err(th.type_error(&msg));
    }
    let mut at = v.to_owned();
    loop {
        if at.is(o.word()) {
            return Err(th.value_error("traceback loop detected"));
        }
        let a = at.payload::<Traceback>();
        match a.next.get(&a.header) {
            Some(n) => at = n,
            None => break,
        }
    }
    t.next.set(&t.header, v.to_owned());
    Ok(())
}

fn get_frame(_: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(this(o).frame.fixed().map_or_else(Owned::none, |f| f.to_owned()))
}

fn get_lasti(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(th.new_int(i64::from(this(o).lasti)))
}

fn get_lineno(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let n = this(o).line();
    Ok(if n == 0 { Owned::none() } else { th.new_int(i64::from(n)) })
}

fn new(th: &mut Thread, _: &Type, args: Args<'_>) -> PyResult {
    let a = crate::signature::bind(th, "traceback", "(tb_next, tb_frame, tb_lasti, tb_lineno)", args)?;
    if a[1].downcast::<crate::frame_object::Frame>().is_none() {
        let msg = format!("argument 'tb_frame' must be frame, not {}", a[1].type_name(th));
        return Err(th.type_error(&msg));
    }
    let lasti = a[2].to_i64(th)? as u32;
    let line = a[3].to_i64(th)? as u32;
    let tb = th.alloc(Traceback {
        header: unborn(),
        next: Slot::empty(),
        frame: Slot::new(a[1].to_owned()),
        lasti,
        lineno: line,
    });
    set_next(th, tb.borrow(), Some(a[0]))?;
    Ok(tb)
}

fn dir(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    let names = ["tb_frame", "tb_next", "tb_lasti", "tb_lineno"].map(|n| th.intern(n));
    Ok(th.new_list(names.into()))
}

pub static DEF: TypeDef = TypeDef {
    flags: type_flags::GC,
    slots: Slots { new: Some(new), ..Slots::NONE },
    methods: &[NativeDef::new("__dir__", "($self, /)", dir, "")],
    getset: &[
        GetSetDef::get("tb_next", get_next).set(set_next),
        GetSetDef::get("tb_frame", get_frame),
        GetSetDef::get("tb_lasti", get_lasti),
        GetSetDef::get("tb_lineno", get_lineno),
    ],
    ..TypeDef::of::<Traceback>("traceback")
};
