//! Helpers of handlers: star-calls, functions, special methods, containers.

use typhon_sync::prim::Ordering;

use crate::builtins::dict::Dict;
use crate::builtins::exceptions as ex;
use crate::builtins::list::List;
use crate::builtins::str::Str;
use crate::builtins::tuple::Tuple;
use crate::builtins::type_::Found;
use crate::function::Function;
use crate::object::{Borrowed, Owned, PyResult, Raised};
use crate::slots::Args;
use crate::thread::Thread;
use crate::word::Word;

/// How a callee is named in messages: `f()`.
pub fn callee_text(th: &mut Thread, callee: Borrowed<'_>) -> String {
    let name = callee.getattr_opt(th, th.rt.names.__qualname__.get());
    match name {
        Ok(Some(q)) if q.downcast::<Str>().is_some() => {
            let q = q.payload::<Str>().to_text();
            let m = callee.getattr_opt(th, th.rt.names.__module__.get());
            match m {
                Ok(Some(m)) => match m.downcast::<Str>().map(|m| m.to_text()) {
                    Some(m) if m != "builtins" => format!("{m}.{q}()"),
                    _ => format!("{q}()"),
                },
                _ => format!("{q}()"),
            }
        }
        _ => {
            drop(th.take_exc());
            callee.str_text(th).unwrap_or_default()
        }
    }
}

/// `callee(*args, **kwargs)`; `kwargs` is null or a mapping.
pub fn call_ex(th: &mut Thread, callee: Borrowed<'_>, args: Borrowed<'_>, kwargs: Borrowed<'_>) -> PyResult {
    let made;
    let args = match args.downcast::<Tuple>() {
        Some(t) => t,
        None => {
            if args.ty().slots.iter().is_none() && args.ty().slots.getitem().is_none() {
                let f = callee_text(th, callee);
                let msg = format!("{f} argument after * must be an iterable, not {}", args.type_name(th));
                return Err(th.type_error(&msg));
            }
            let items = args.to_vec(th)?;
            made = th.new_tuple(items);
            made.payload::<Tuple>()
        }
    };
    let mut all: Vec<Borrowed<'_>> = args.iter().collect();
    let n_positional = all.len();
    if kwargs.is_null() {
        return crate::call::call(th, callee, Args::positional(&all));
    }
    let merged;
    let entries = match kwargs.downcast::<Dict>() {
        Some(d) => d.entries(),
        None => {
            merged = th.new_dict();
            dict_merge(th, merged.borrow(), kwargs, callee)?;
            merged.payload::<Dict>().entries()
        }
    };
    for (k, _) in &entries {
        if k.downcast::<Str>().is_none() {
            return Err(th.type_error("keywords must be strings"));
        }
    }
    if entries.is_empty() {
        return crate::call::call(th, callee, Args::positional(&all));
    }
    let (names, values): (Vec<Owned>, Vec<Owned>) = entries.into_iter().unzip();
    let names = names.iter().map(|n| th.intern_str(n.borrow())).collect();
    let names = th.new_tuple(names);
    all.extend(values.iter().map(|v| v.borrow()));
    crate::call::call(th, callee, Args { all: &all, n_positional, names: names.borrow() })
}

/// BUILD_MAP over keys and values in turn.
pub fn build_map(th: &mut Thread, items: &[Borrowed<'_>]) -> PyResult {
    if items.is_empty() {
        return Ok(th.new_dict());
    }
    let d = th.new_dict_of(items);
    let dict = d.payload::<Dict>();
    // Those that are left: a key of another sort, and what stands behind it.
    for pair in items.chunks_exact(2).skip(dict.len()) {
        dict.set(th, pair[0], pair[1].to_owned())?;
    }
    Ok(d)
}

pub fn list_extend(th: &mut Thread, list: Borrowed<'_>, items: Borrowed<'_>) -> PyResult<()> {
    let l = list.downcast::<List>().expect("LIST_EXTEND has a list");
    if items.ty().slots.iter().is_none() && items.ty().slots.getitem().is_none() {
        let msg = format!("Value after * must be an iterable, not {}", items.type_name(th));
        return Err(th.type_error(&msg));
    }
    crate::builtins::list::methods::extend(th, l, items)
}

/// DICT_UPDATE: `{**mapping}`.
pub fn dict_update(th: &mut Thread, dict: Borrowed<'_>, mapping: Borrowed<'_>) -> PyResult<()> {
    let d = dict.downcast::<Dict>().expect("DICT_UPDATE has a dict");
    if mapping.downcast::<Dict>().is_none() && mapping.getattr_opt(th, th.rt.names.keys.get())?.is_none() {
        let msg = format!("'{}' object is not a mapping", mapping.type_name(th));
        return Err(th.type_error(&msg));
    }
    d.update(th, mapping)
}

/// DICT_MERGE: `f(**mapping)`.
pub fn dict_merge(
    th: &mut Thread,
    dict: Borrowed<'_>,
    mapping: Borrowed<'_>,
    callee: Borrowed<'_>,
) -> PyResult<()> {
    let d = dict.downcast::<Dict>().expect("DICT_MERGE has a dict");
    let entries = match mapping.downcast::<Dict>() {
        Some(m) => m.entries(),
        None => {
            let Some(keys) = mapping.getattr_opt(th, th.rt.names.keys.get())? else {
                let f = callee_text(th, callee);
                let msg = format!("{f} argument after ** must be a mapping, not {}", mapping.type_name(th));
                return Err(th.type_error(&msg));
            };
            let keys = keys.borrow().call(th, &[])?;
            let mut out = Vec::new();
            for k in keys.borrow().to_vec(th)? {
                let v = mapping.getitem(th, k.borrow())?;
                out.push((k, v));
            }
            out
        }
    };
    for (k, v) in entries {
        if d.get(th, k.borrow())?.is_some() {
            let f = callee_text(th, callee);
            let msg = match k.downcast::<Str>() {
                Some(s) => format!("{f} got multiple values for keyword argument '{}'", s.to_text()),
                None => format!("{f} keywords must be strings"),
            };
            return Err(th.type_error(&msg));
        }
        d.set(th, k.borrow(), v)?;
    }
    Ok(())
}

/// CONVERT_VALUE: 1 str, 2 repr, 3 ascii.
pub fn convert(th: &mut Thread, v: Borrowed<'_>, how: u32) -> PyResult {
    match how {
        1 => v.str(th),
        2 => v.repr(th),
        _ => crate::builtins::str::format::ascii(th, v),
    }
}

/// MAKE_FUNCTION: deferred when made by a module or class body.
pub fn make_function(th: &mut Thread, code: Borrowed<'_>) -> PyResult {
    // SAFETY: a Python frame is running; it holds its function, and with it the globals.
    unsafe {
        let r = &*th.ci;
        if (*r.code).flags & typhon_compile::code::flags::OPTIMIZED == 0 {
            let globals = Borrowed::from_payload(&*r.globals).extend();
            return Ok(th.new_function(code, globals, true));
        }
        let maker = &*(r.func.ptr() as *const Function);
        Ok(th.new_nested_function(code, maker))
    }
}

/// SET_FUNCTION_ATTRIBUTE, on a function nobody else has seen yet.
pub fn set_function_attribute(th: &mut Thread, f: Borrowed<'_>, which: u32, v: Owned) {
    let f = f.downcast::<Function>().expect("SET_FUNCTION_ATTRIBUTE has a function");
    let slot = match which {
        1 => &f.defaults,
        2 => &f.kwdefaults,
        4 => {
            // `__annotations__` as a tuple of names and values becomes a dict when asked for.
            &f.annotations
        }
        8 => &f.closure,
        _ => &f.annotate,
    };
    let _ = th;
    drop(slot.swap(v));
}

/// Is this the built-in `super`?
#[inline(always)]
pub fn is_super(sup: Borrowed<'_>) -> bool {
    sup.is(crate::builtins::super_::DEF.ty().as_value().word())
}

/// `super().name` without making a super object when that is the built-in one. True: the value is a
/// function to call with `me` as its first argument.
pub fn load_super(
    th: &mut Thread,
    sup: Borrowed<'_>,
    class: Borrowed<'_>,
    me: Borrowed<'_>,
    name: Borrowed<'_>,
    arg: u64,
) -> PyResult<(Owned, bool)> {
    if is_super(sup) {
        return crate::builtins::super_::super_lookup(th, class, me, name, arg & 1 != 0);
    }
    let s = if arg & 2 != 0 { sup.call(th, &[class, me])? } else { sup.call(th, &[])? };
    Ok((s.borrow().getattr(th, name)?, false))
}

/// LOAD_SPECIAL: `__enter__`, `__exit__`, `__aenter__`, `__aexit__`. True: an unbound method.
pub fn load_special(th: &mut Thread, o: Borrowed<'_>, which: u32) -> PyResult<(Found, bool)> {
    let n = &th.rt.names;
    let name = match which {
        0 => &n.__enter__,
        1 => &n.__exit__,
        2 => &n.__aenter__,
        _ => &n.__aexit__,
    };
    if let Some(m) = o.ty().find(name.get()) {
        if crate::call::is_method_like(m.borrow()) {
            return Ok((m, true));
        }
        return match m.borrow().ty().slots.descr_get() {
            Some(get) => Ok((Found::of(get(th, m.borrow(), Some(o), o.ty().as_value())?), false)),
            None => Ok((m, false)),
        };
    }
    let t = o.type_name(th);
    let is_async = which >= 2;
    let (kind, missed) = match which {
        0 => ("the context manager", "__enter__"),
        1 => ("the context manager", "__exit__"),
        2 => ("the asynchronous context manager", "__aenter__"),
        _ => ("the asynchronous context manager", "__aexit__"),
    };
    let mut msg = format!("'{t}' object does not support {kind} protocol (missed {missed} method)");
    let other = if is_async { &n.__enter__ } else { &n.__aenter__ };
    if o.ty().lookup(other.get()).is_some() {
        let hint = if is_async { "with" } else { "async with" };
        let kind = if is_async { "context manager" } else { "asynchronous context manager" };
        msg.push_str(&format!(" but it supports the {kind} protocol. Did you mean to use '{hint}'?"));
    }
    Err(th.type_error(&msg))
}

/// Calls a function object from native code; the `call` slot of `function`.
pub fn function_call(th: &mut Thread, f: Borrowed<'_>, args: Args<'_>) -> PyResult {
    match f.downcast::<Function>() {
        Some(f) => super::eval::call_function(th, f, args, None),
        None => Err(th.type_error("a function is required")),
    }
}

/// The `__init__` that a plain call of the class runs as a Python frame: the word of a function, if
/// the class has `object.__new__`, nothing abstract, and a Python `__init__`.
#[inline]
pub fn plain_init(th: &Thread, ty: &crate::Type) -> Option<Word> {
    if ty.has_flag(crate::type_flags::ABSTRACT) || ty.as_value().shape_id() != crate::builtins::ids::TYPE {
        return None;
    }
    // ORDERING Acquire: what the class held when the version was set is visible.
    let version = ty.version.load(Ordering::Acquire);
    // ORDERING Acquire: whoever sees the version sees the word that was stored before it.
    if version != 0 && ty.plain_init_version.load(Ordering::Acquire) == version {
        // ORDERING Relaxed: as above; a word of a later version is as good, it is of a later moment.
        let w = Word(ty.plain_init.load(Ordering::Relaxed));
        return (w != Word::ZERO).then_some(w);
    }
    find_plain_init(th, ty)
}

#[cold]
#[inline(never)]
fn find_plain_init(th: &Thread, ty: &crate::Type) -> Option<Word> {
    let version = ty.version_tag();
    let is_plain =
        ty.slots.new().is_some_and(|new| new as usize == crate::builtins::object::new as *const () as usize);
    let init = if is_plain { ty.lookup_uncounted(th.rt.names.__init__.get()) } else { None };
    // SAFETY: uncounted: it does not die before the next safepoint, and then a record holds it.
    let init =
        init.filter(|w| unsafe { Borrowed::from_raw(*w) }.shape_id() == crate::builtins::ids::FUNCTION);
    let _lock = crate::builtins::type_::lock_types();
    // ORDERING Relaxed: versions change under the lock.
    if version != 0 && ty.version.load(Ordering::Relaxed) == version {
        // ORDERING Relaxed: published by the next store.
        ty.plain_init.store(init.map_or(0, |w| w.0), Ordering::Relaxed);
        // ORDERING Release: pairs with `plain_init`.
        ty.plain_init_version.store(version, Ordering::Release);
    }
    init
}

/// The exception for a `raise` without anything to raise.
pub fn nothing_to_reraise(th: &mut Thread) -> Raised {
    th.raise(&ex::RUNTIME_ERROR, "No active exception to reraise")
}

/// LOAD_ATTR for a call: true = an unbound method, to be called with `o` in front.
pub fn load_method(th: &mut Thread, o: Borrowed<'_>, name: Borrowed<'_>) -> PyResult<(Owned, bool)> {
    let ty = o.ty();
    let generic = crate::attributes::generic_getattr as *const () as usize;
    if ty.slots.getattr().is_some_and(|f| f as usize == generic)
        && let Some(m) = ty.find(name)
        && crate::call::is_method_like(m.borrow())
        && !crate::attributes::has_own(o, name)
    {
        return Ok((m.into_owned(), true));
    }
    Ok((o.getattr(th, name)?, false))
}

/// Class and first argument of the running function, for `super()` without arguments.
///
/// Errors: RuntimeError where there is no `__class__` cell or no argument.
pub fn super_arguments(th: &mut Thread) -> PyResult<(Owned, Owned)> {
    use typhon_compile::code::kind;
    let Some(r) = super::eval::current_record(th) else {
        return Err(th.runtime_error("super(): no current frame"));
    };
    // SAFETY: the record of a running frame.
    let (code, fp) = unsafe { (&*r.code, r.fp) };
    let data = &code.data.0;
    if data.argcount == 0 {
        return Err(th.runtime_error("super(): no arguments"));
    }
    // SAFETY: locals of the running frame.
    let local = |i: usize| unsafe { *fp.add(i) };
    // SAFETY: held by the frame.
    let own = |w: Word| unsafe { Borrowed::from_raw(w.uncounted()) }.to_owned();
    let mut first = local(0);
    if first.is_ptr()
        && data.localspluskinds[0] & kind::CELL != 0
        && let Some(c) = own(first).downcast::<crate::cell::Cell>()
    {
        first = c.contents.peek();
    }
    if first == Word::UNBOUND {
        return Err(th.runtime_error("super(): arg[0] deleted"));
    }
    let names = code.locals_tuple();
    let class_name = th.rt.names.__class__.word();
    for i in 0..code.n_names as usize {
        if data.localspluskinds[i] & kind::FREE != 0 && names.get(i).is(class_name) {
            let cell = own(local(i));
            let Some(class) = cell.downcast::<crate::cell::Cell>().and_then(|c| c.contents.get(&c.header))
            else {
                return Err(th.runtime_error("super(): empty __class__ cell"));
            };
            return Ok((class, own(first)));
        }
    }
    Err(th.runtime_error("super(): __class__ cell not found"))
}

/// Calls a native function or a method descriptor (whose self is `args[0]`) with positional arguments.
#[inline]
pub fn call_native(th: &mut Thread, callee: Borrowed<'_>, args: &[Borrowed<'_>]) -> PyResult {
    use crate::builtins::descriptors::MethodDescriptor;
    use crate::builtins::native_function::NativeFunction;
    let (def, params, direct) = if let Some(f) = callee.downcast_exact::<NativeFunction>() {
        if f.bound_self().is_some() {
            return crate::call::call(th, callee, Args::positional(args));
        }
        (f.def(), f.params(), &f.direct)
    } else if let Some(m) = callee.downcast_exact::<MethodDescriptor>() {
        // A self of another class is the descriptor's own error.
        if !args.first().is_some_and(|s| s.ty().is_subtype_of(m.objclass())) {
            return crate::call::call(th, callee, Args::positional(args));
        }
        (m.def(), m.params(), &m.direct)
    } else {
        return crate::call::call(th, callee, Args::positional(args));
    };
    direct.learn(params);
    crate::signature::call_native(th, def, params, Args::positional(args))
}

/// TypeError: `__init__` returned something.
#[cold]
#[inline(never)]
pub fn init_returned(th: &mut Thread, v: Borrowed<'_>) {
    let msg = format!("__init__() should return None, not '{}'", v.type_name(th));
    let _ = th.type_error(&msg);
}

/// Has each of the top `n` words own a count; the first of them.
///
/// # Safety
/// The words are live, and in memory below `sp`.
#[inline(always)]
unsafe fn own_top(sp: *mut Word, n: usize) -> *const Word {
    // SAFETY: by contract.
    unsafe {
        let base = sp.sub(n);
        for i in 0..n {
            let w = base.add(i);
            if (*w).0 & 15 == crate::word::UNCOUNTED {
                *w = owned_copy(*w);
            }
        }
        base
    }
}

/// A word that owns a count, made of one that does not. Out of line, for short callers.
///
/// # Safety
/// The word is live.
#[cold]
#[inline(never)]
unsafe fn owned_copy(w: Word) -> Word {
    // SAFETY: by contract.
    unsafe { super::handlers::cold::own_word(w).into_raw() }
}

/// BUILD_TUPLE.
///
/// # Safety
/// The top `n` words are live, and in memory below `sp`; the caller forgets them.
#[inline(never)]
pub unsafe fn build_tuple(th: *mut Thread, sp: *mut Word, n: usize) -> Word {
    // SAFETY: by contract.
    unsafe { (*th).new_tuple_from_words(own_top(sp, n), n).into_raw() }
}

/// BUILD_LIST.
///
/// # Safety
/// As [`build_tuple`].
#[inline(never)]
pub unsafe fn build_list(th: *mut Thread, sp: *mut Word, n: usize) -> Word {
    // SAFETY: by contract.
    unsafe { (*th).new_list_from_words(own_top(sp, n), n).into_raw() }
}

/// UNPACK_SEQUENCE and UNPACK_EX: replaces the word at `sp` by its items, the first one on top; gives the
/// next free place, or null when it raised.
///
/// # Safety
/// The word at `sp` is live and in memory.
#[inline(never)]
pub unsafe fn unpack(th: *mut Thread, sp: *mut Word, before: usize, after: Option<usize>) -> *mut Word {
    // SAFETY: by contract.
    unsafe {
        let v = *sp;
        if after.is_none()
            && let Some(l) = super::handlers::cold::look(v).downcast_exact::<crate::builtins::list::List>()
            && let Some(end) = unpack_list(l, sp.add(1), before)
        {
            // The list goes; its items move down over it.
            crate::dealloc::drop_word(v);
            core::ptr::copy(sp.add(1), sp, before);
            return end.sub(1);
        }
        if let Some(after) = after
            && let Some(end) =
                super::unpack::starred_row(&mut *th, super::handlers::cold::look(v), sp, before, after)
        {
            crate::dealloc::drop_word(v);
            return end;
        }
        let r = match after {
            None => super::unpack::sequence(&mut *th, super::handlers::cold::look(v), before),
            Some(after) => super::unpack::starred(&mut *th, super::handlers::cold::look(v), before, after),
        };
        match r {
            Ok(items) => {
                crate::dealloc::drop_word(v);
                let mut p = sp;
                for v in items.into_iter().rev() {
                    *p = v.into_raw();
                    p = p.add(1);
                }
                p
            }
            Err(Raised(())) => core::ptr::null_mut(),
        }
    }
}

/// Writes the `n` items of a list, the last one first. `None`: it has another number of items.
///
/// # Safety
/// There is room at `to`.
unsafe fn unpack_list(l: &crate::builtins::list::List, to: *mut Word, n: usize) -> Option<*mut Word> {
    let items = l.lock();
    if items.len() != n {
        return None;
    }
    let mut p = to;
    for s in items.slots().iter().rev() {
        // SAFETY: the lock pins the items; room says the caller.
        unsafe {
            *p = crate::sharing::own_pinned(s.peek()).into_raw();
            p = p.add(1);
        }
    }
    Some(p)
}

/// WITH_EXCEPT_START: calls the exit function below the exception's words.
///
/// # Safety
/// `exit, self, lasti, previous, exc` lie below `sp`.
#[inline(never)]
pub unsafe fn with_except_start(th: *mut Thread, sp: *mut Word) -> PyResult {
    use super::handlers::cold::look;
    // SAFETY: by contract.
    unsafe {
        let exit = look(*sp.sub(5));
        let me = *sp.sub(4);
        let exc = look(*sp.sub(1));
        let tb = crate::traceback::of_exception(&mut *th, exc);
        let ty = exc.ty().as_value();
        if me == Word::NULL {
            exit.call(&mut *th, &[ty, exc, tb.borrow()])
        } else {
            exit.call(&mut *th, &[look(me), ty, exc, tb.borrow()])
        }
    }
}

/// `slice(a, b, c)` of stack words.
///
/// # Safety
/// The words are live.
#[inline(never)]
pub unsafe fn slice_of(th: *mut Thread, a: Word, b: Word, c: Word) -> PyResult {
    use super::handlers::cold::look;
    // SAFETY: by contract.
    unsafe { Ok((*th).new_slice(look(a).to_owned(), look(b).to_owned(), look(c).to_owned())) }
}

/// `container[a:b]`, or `container[a:b] = value`.
///
/// # Safety
/// The words are live.
#[inline(never)]
pub unsafe fn get_slice(th: *mut Thread, container: Word, a: Word, b: Word) -> PyResult {
    // SAFETY: by contract.
    unsafe {
        use super::handlers::cold::look;
        if let Some(l) = look(container).downcast_exact::<crate::builtins::list::List>() {
            let bounds = crate::builtins::slice::bounds(&mut *th, look(a), look(b), Borrowed::none())?;
            return Ok(crate::builtins::list::methods::sliced(&mut *th, l, bounds));
        }
        let s = slice_of(th, a, b, Word::NONE)?;
        super::handlers::cold::look(container).getitem(&mut *th, s.borrow())
    }
}

/// GET_LEN. Apart from its handler, whose tail call a result in memory would cost.
#[inline(never)]
pub fn length(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let n = o.len(th)?;
    Ok(th.new_int(n as i64))
}

/// See [`get_slice`].
///
/// # Safety
/// The words are live.
#[inline(never)]
pub unsafe fn set_slice(th: *mut Thread, container: Word, a: Word, b: Word, value: Word) -> PyResult<()> {
    use super::handlers::cold::look;
    // SAFETY: by contract.
    unsafe {
        if let Some(l) = look(container).downcast_exact::<crate::builtins::list::List>() {
            let bounds = crate::builtins::slice::bounds(&mut *th, look(a), look(b), Borrowed::none())?;
            return crate::builtins::list::methods::set_slice(&mut *th, l, bounds, look(value));
        }
        let s = slice_of(th, a, b, Word::NONE)?;
        look(container).setitem(&mut *th, s.borrow(), look(value))
    }
}
