//! Binding the arguments of a call to the parameters of a Python function.

use typhon_sync::prim::Ordering;

use typhon_compile::code::flags as co;
use typhon_sync::header::{OwnerId, gc_bits};

use crate::builtins::dict::Dict;
use crate::builtins::str::Str;
use crate::code::CodeObject;
use crate::function::Function;
use crate::object::{Borrowed, Owned, PyResult, Raised};
use crate::sharing::copy_for_stack;
use crate::slots::Args;
use crate::thread::Thread;
use crate::word::Word;

/// Writes all locals of a call at `dest`: parameters bound as the language says, everything else
/// unbound. Arguments are written as borrows: their holders stay below on the stack. After an error
/// nothing at `dest` needs to be dropped.
///
/// # Safety
/// `dest` has room for the locals, and the arguments stay alive as long as the frame.
///
/// Errors: TypeError, with CPython's words.
pub unsafe fn bind_arguments(th: &mut Thread, f: &Function, args: Args<'_>, dest: *mut Word) -> PyResult<()> {
    let code = f.code();
    // SAFETY: passed on.
    if unsafe { bind_simple(th.owner, f, code, args, dest) } {
        return Ok(());
    }
    for i in 0..code.n_locals as usize {
        // SAFETY: inside the frame.
        unsafe { *dest.add(i) = Word::UNBOUND }
    }
    // SAFETY: the first `n_locals` words are ours.
    let locals = unsafe { core::slice::from_raw_parts_mut(dest, code.n_locals as usize) };
    match fill(th, f, code, args, locals) {
        Ok(()) => Ok(()),
        Err(raised) => {
            for w in locals {
                // SAFETY: what is counted was put there by `fill`.
                unsafe { crate::dealloc::drop_word(*w) };
                *w = Word::UNBOUND;
            }
            Err(raised)
        }
    }
}

/// [`bind_arguments`] of a function without `*args` and `**kwargs` in its parameters, where each argument has its place:
/// keywords are the very names, and the rest has defaults. False: nothing at `dest` needs to be dropped.
///
/// # Safety
/// As there; the calling thread counts as `me`.
#[inline(always)]
unsafe fn bind_simple(me: OwnerId, f: &Function, code: &CodeObject, args: Args<'_>, dest: *mut Word) -> bool {
    let (pos, data) = (args.pos(), &code.data.0);
    let n = data.argcount as usize;
    let n_all = n + data.kwonlyargcount as usize;
    let is_plain = code.flags & (co::VARARGS | co::VARKEYWORDS | co::OPTIMIZED) == co::OPTIMIZED;
    if !is_plain || pos.len() > n {
        return false;
    }
    let names = code.locals_tuple().items();
    let first_named = pos.len().max(data.posonlyargcount as usize);
    // SAFETY: by contract; there is a name for each local.
    unsafe {
        for (i, a) in pos.iter().enumerate() {
            *dest.add(i) = a.word().uncounted();
        }
        for i in pos.len()..code.n_locals as usize {
            *dest.add(i) = Word::UNBOUND;
        }
        let mut n_open = n_all - pos.len();
        for (name, value) in args.keywords() {
            let name = name.word().identity();
            let Some(i) = (first_named..n_all).find(|&i| names.get_unchecked(i).peek().identity() == name)
            else {
                return false;
            };
            if *dest.add(i) != Word::UNBOUND {
                return false;
            }
            *dest.add(i) = value.word().uncounted();
            n_open -= 1;
        }
        if n_open == 0 {
            return true;
        }
        let defaults = f.defaults().map_or(&[][..], |d| d.items());
        let required = n.saturating_sub(defaults.len());
        if (pos.len()..required).any(|i| *dest.add(i) == Word::UNBOUND) {
            return false;
        }
        for i in required.max(pos.len())..n {
            if *dest.add(i) == Word::UNBOUND {
                // There may be more defaults than parameters: the last ones count.
                let slot = defaults.get_unchecked(defaults.len() - (n - i));
                *dest.add(i) = local_default(me, slot.peek());
            }
        }
        for i in n..n_all {
            if *dest.add(i) != Word::UNBOUND {
                continue;
            }
            let Some(v) = f.kwdefault(Borrowed::from_raw(names.get_unchecked(i).peek().uncounted())) else {
                (0..n_all).for_each(|i| crate::dealloc::drop_word(*dest.add(i)));
                return false;
            };
            *dest.add(i) = v.into_raw();
        }
        true
    }
}

fn fill(
    th: &mut Thread,
    f: &Function,
    code: &CodeObject,
    args: Args<'_>,
    locals: &mut [Word],
) -> PyResult<()> {
    let data = &code.data.0;
    let n_pos = data.argcount as usize;
    let n_all = n_pos + data.kwonlyargcount as usize;
    let pos = args.pos();
    let has_var = code.flags & co::VARARGS != 0;
    let has_kw = code.flags & co::VARKEYWORDS != 0;

    let given = pos.len().min(n_pos);
    for (l, a) in locals.iter_mut().zip(&pos[..given]) {
        *l = a.word().uncounted();
    }
    if has_var {
        let rest = &pos[given..];
        locals[n_all] = th.new_tuple_with(rest.len(), |i| rest[i].to_owned()).into_raw();
    }
    let kwargs = if has_kw {
        let d = th.new_dict_sized(args.all.len() - pos.len());
        let w = d.word().uncounted();
        locals[n_all + has_var as usize] = d.into_raw();
        // SAFETY: the local holds it.
        Some(unsafe { Borrowed::from_raw(w) })
    } else {
        None
    };
    if args.has_keywords() {
        bind_keywords(th, f, code, args, locals, kwargs)?;
    }
    if pos.len() > n_pos && !has_var {
        return Err(too_many(th, f, code, pos.len(), locals));
    }
    if given < n_pos {
        let d = f.defaults();
        let n_defaults = d.map_or(0, |d| d.len());
        let required = n_pos - n_defaults.min(n_pos);
        let mut missing = Vec::new();
        for i in given..n_pos {
            if locals[i] != Word::UNBOUND {
                continue;
            }
            if i >= required {
                locals[i] = own_default(d.expect("there are defaults").get(n_defaults - (n_pos - i)));
            } else {
                missing.push(i);
            }
        }
        if !missing.is_empty() {
            return Err(missing_arguments(th, f, code, &missing, "positional"));
        }
    }
    if n_all > n_pos {
        let mut missing = Vec::new();
        for i in n_pos..n_all {
            if locals[i] != Word::UNBOUND {
                continue;
            }
            let name = code.locals_tuple().get(i);
            match f.kwdefault(name) {
                Some(v) => locals[i] = v.into_raw(),
                None => missing.push(i),
            }
        }
        if !missing.is_empty() {
            return Err(missing_arguments(th, f, code, &missing, "keyword-only"));
        }
    }
    Ok(())
}

/// Writes the defaults of the parameters that `n` positional arguments leave open to `dest`, behind the arguments, for
/// the thread that counts as `me`. False: the call needs something else, and nothing was written.
///
/// # Safety
/// `dest` has room for the locals.
#[inline(always)]
pub unsafe fn push_defaults(me: OwnerId, f: &Function, n: usize, dest: *mut Word) -> bool {
    let n_open = (f.code().simple_argc as usize).wrapping_sub(n);
    let Some(defaults) = f.defaults() else { return false };
    let Some(first) = defaults.len().checked_sub(n_open) else { return false };
    let mut to = dest;
    for slot in &defaults.items()[first..] {
        // SAFETY: by contract; the tuple holds what it has.
        unsafe {
            *to = local_default(me, slot.peek());
            to = to.add(1);
        }
    }
    true
}

/// [`own_default`] of a value in the tuple of defaults, for the thread that counts as `me`.
///
/// # Safety
/// The word is live.
#[inline(always)]
unsafe fn local_default(me: OwnerId, w: Word) -> Word {
    // ORDERING Relaxed: DEFERRED is set at birth.
    // SAFETY: by contract.
    unsafe {
        if !w.is_ptr() {
            w
        } else if (*w.ptr()).gc.load(Ordering::Relaxed) & gc_bits::DEFERRED == 0 && (*w.ptr()).is_owned_by(me)
        {
            (*w.ptr()).incref(me);
            Word(w.ptr() as u64)
        } else {
            own_default(Borrowed::from_raw(w.uncounted()))
        }
    }
}

/// A default value as a local: counted, since somebody may assign `__defaults__` while the call runs, unless
/// it needs no count on a stack.
#[inline(never)]
fn own_default(v: Borrowed<'_>) -> Word {
    // SAFETY: the caller's borrow is live.
    unsafe { copy_for_stack(v.word()) }
}

fn bind_keywords(
    th: &mut Thread,
    f: &Function,
    code: &CodeObject,
    args: Args<'_>,
    locals: &mut [Word],
    kwargs: Option<Borrowed<'_>>,
) -> PyResult<()> {
    let data = &code.data.0;
    let n_all = (data.argcount + data.kwonlyargcount) as usize;
    let n_posonly = data.posonlyargcount as usize;
    let names = code.locals_tuple();
    for (name, value) in args.keywords() {
        let Some(text) = name.downcast::<Str>() else {
            let msg = format!("{}() keywords must be strings", qualname(f));
            return Err(th.type_error(&msg));
        };
        let at = (n_posonly..n_all).find(|&i| names.get(i).is(name.word())).or_else(|| {
            (n_posonly..n_all).find(|&i| names.get(i).downcast::<Str>().is_some_and(|n| n.same_text(text)))
        });
        match at {
            Some(i) if locals[i] == Word::UNBOUND => locals[i] = value.word().uncounted(),
            Some(_) => {
                let msg = format!("{}() got multiple values for argument '{}'", qualname(f), text.to_text());
                return Err(th.type_error(&msg));
            }
            None => match kwargs {
                Some(d) => {
                    let d = d.downcast::<Dict>().expect("made above");
                    d.set(th, name, value.to_owned())?;
                }
                None => return Err(unexpected_keyword(th, f, code, args, text)),
            },
        }
    }
    Ok(())
}

fn qualname(f: &Function) -> String {
    f.qualname.get(&f.header).and_then(|q| q.downcast::<Str>().map(|s| s.to_text())).unwrap_or_default()
}

#[cold]
fn unexpected_keyword(
    th: &mut Thread,
    f: &Function,
    code: &CodeObject,
    args: Args<'_>,
    name: &Str,
) -> Raised {
    let n_posonly = code.data.0.posonlyargcount as usize;
    let names = code.locals_tuple();
    let wrong: Vec<String> = args
        .keywords()
        .filter_map(|(k, _)| k.downcast::<Str>())
        .filter(|k| (0..n_posonly).any(|i| names.get(i).downcast::<Str>().is_some_and(|n| n.same_text(k))))
        .map(|k| k.to_text())
        .collect();
    let msg = if wrong.is_empty() {
        format!("{}() got an unexpected keyword argument '{}'", qualname(f), name.to_text())
    } else {
        format!(
            "{}() got some positional-only arguments passed as keyword arguments: '{}'",
            qualname(f),
            wrong.join(", ")
        )
    };
    th.type_error(&msg)
}

#[cold]
fn too_many(th: &mut Thread, f: &Function, code: &CodeObject, given: usize, locals: &[Word]) -> Raised {
    let data = &code.data.0;
    let n_pos = data.argcount as usize;
    let n_defaults = f.defaults().map_or(0, |d| d.len());
    let kwonly =
        (n_pos..n_pos + data.kwonlyargcount as usize).filter(|&i| locals[i] != Word::UNBOUND).count();
    let plural = n_defaults > 0 || n_pos != 1;
    // Below 0, if there are more defaults than parameters.
    let least = n_pos as isize - n_defaults as isize;
    let takes = if n_defaults > 0 { format!("from {least} to {n_pos}") } else { n_pos.to_string() };
    let kw = if kwonly > 0 {
        format!(
            " positional argument{} (and {kwonly} keyword-only argument{})",
            if given != 1 { "s" } else { "" },
            if kwonly != 1 { "s" } else { "" }
        )
    } else {
        String::new()
    };
    let msg = format!(
        "{}() takes {takes} positional argument{} but {given}{kw} {} given",
        qualname(f),
        if plural { "s" } else { "" },
        if given == 1 && kwonly == 0 { "was" } else { "were" }
    );
    th.type_error(&msg)
}

#[cold]
fn missing_arguments(
    th: &mut Thread,
    f: &Function,
    code: &CodeObject,
    missing: &[usize],
    kind: &str,
) -> Raised {
    let names: Vec<String> = missing
        .iter()
        .map(|&i| {
            format!(
                "'{}'",
                code.locals_tuple().get(i).downcast::<Str>().map_or(String::new(), |s| s.to_text())
            )
        })
        .collect();
    let list = match names.as_slice() {
        [one] => one.clone(),
        [a, b] => format!("{a} and {b}"),
        many => format!("{}, and {}", many[..many.len() - 1].join(", "), many[many.len() - 1]),
    };
    let msg = format!(
        "{}() missing {} required {kind} argument{}: {list}",
        qualname(f),
        missing.len(),
        if missing.len() == 1 { "" } else { "s" }
    );
    th.type_error(&msg)
}

/// Keeps an owned value alive for the rest of the call by leaving it on the stack.
///
/// # Safety
/// `sp` is the next free word of the calling frame.
pub unsafe fn park(sp: *mut Word, v: Owned) -> Word {
    let w = v.into_raw();
    // SAFETY: by contract.
    unsafe { *sp = w };
    w.uncounted()
}
