//! `_thread._local`: attributes that each thread has for itself.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use typhon_sync::prim::{AtomicU64, Ordering};

use parking_lot::Mutex;
use typhon_core::attributes::{attribute_error, generic_getattr, generic_getattr_opt, generic_setattr};
use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::struct_sequence::{self, StructSequence};
use typhon_core::{
    Args, Beside, Borrowed, Locked, Owned, PyResult, Slot, Slots, Thread, Trace, Type, TypeDef, Word,
    payload, type_flags, unborn,
};

/// Numbers of `_local` objects; never reused.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// One thread's dict of one `_local`. The object holds it, so that a cycle through it can be found; the
/// thread knows it, so that it finds it without a look at what others share, and empties it when it ends.
type Place = Arc<Mutex<Option<Owned>>>;

thread_local! {
    /// The calling thread's dicts, by the number of their object.
    static MINE: RefCell<HashMap<u64, Place>> = RefCell::default();
}

/// All threads' dicts of one `_local`.
#[derive(Default)]
struct Dicts(Vec<Place>);

impl Trace for Dicts {
    const BESIDE: Beside = Beside::Locked;

    fn trace(&self, visit: &mut dyn FnMut(Word)) {
        for place in &self.0 {
            // A thread holds it for the time of a copy, and not in a stop.
            if let Some(dict) = place.try_lock().as_ref().and_then(|place| place.as_ref()) {
                dict.trace(visit);
            }
        }
    }

    fn clear(&mut self, drop: &mut dyn FnMut(Word)) {
        for place in core::mem::take(&mut self.0) {
            if let Some(dict) = place.lock().take() {
                drop(dict.into_raw());
            }
        }
    }
}

impl Drop for Dicts {
    fn drop(&mut self) {
        // The threads know the places longer than the object lives.
        for place in &self.0 {
            drop(place.lock().take());
        }
    }
}

payload! {
    /// A `_local`.
    pub struct Local: LOCAL {
        number: u64,
        dicts: Locked<Dicts>,
        /// Arguments for `__init__`, which runs once in each thread that uses the object.
        args: Slot,
        kwargs: Slot,
    }
}

fn this(o: Borrowed<'_>) -> &Local {
    o.downcast::<Local>().expect("checked by the slot's type")
}

/// Makes the calling thread's dict of the object.
fn new_dict(th: &mut Thread, l: &Local) -> Owned {
    let d = th.new_dict();
    let place: Place = Arc::new(Mutex::new(Some(d.clone())));
    {
        let mut dicts = l.dicts.lock(&l.header, th);
        // Places of threads that ended are empty.
        dicts.0.retain(|place| place.lock().is_some());
        dicts.0.push(place.clone());
    }
    MINE.with_borrow_mut(|mine| {
        if mine.len() == mine.capacity() {
            // Places of objects that are gone are known to us alone.
            mine.retain(|_, place| Arc::strong_count(place) > 1);
        }
        mine.insert(l.number, place);
    });
    d
}

/// The thread's dict of the object; the first use runs `__init__`.
fn dict_of(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let l = this(o);
    let found = MINE.with_borrow(|mine| mine.get(&l.number).and_then(|place| place.lock().clone()));
    if let Some(d) = found {
        return Ok(d);
    }
    let d = new_dict(th, l);
    if let (Some(a), Some(init)) = (l.args.get(&l.header), o.ty().slots.init()) {
        let args = a.borrow().to_vec(th)?;
        let kwargs = l.kwargs.get(&l.header);
        let entries =
            kwargs.as_ref().and_then(|k| k.downcast::<Dict>()).map_or_else(Vec::new, |k| k.entries());
        let (names, values): (Vec<Owned>, Vec<Owned>) = entries.into_iter().unzip();
        let names = th.new_tuple(names);
        let mut all: Vec<Borrowed<'_>> = args.iter().map(|v| v.borrow()).collect();
        let n_positional = all.len();
        all.extend(values.iter().map(|v| v.borrow()));
        init(th, o, Args { all: &all, n_positional, names: names.borrow() })?;
    }
    Ok(d)
}

fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    if !args.all.is_empty() && core::ptr::eq(ty, LOCAL.ty()) {
        return Err(th.type_error("Initialization arguments are not supported"));
    }
    let positional = args.pos().iter().map(|v| Borrowed::to_owned(*v)).collect();
    let positional = th.new_tuple(positional);
    let kwargs = th.new_dict();
    for (k, v) in args.keywords() {
        kwargs.payload::<Dict>().set(th, k, v.to_owned())?;
    }
    // ORDERING Relaxed: only uniqueness counts.
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let dicts = Locked::new(Dicts::default());
    let l = Local { header: unborn(), number, dicts, args: Slot::new(positional), kwargs: Slot::new(kwargs) };
    let o = th.alloc_as(l, ty);
    // The making thread's `__init__` is run by the call of the class.
    new_dict(th, this(o.borrow()));
    Ok(o)
}

fn getattr(th: &mut Thread, o: Borrowed<'_>, name: Borrowed<'_>) -> PyResult {
    let d = dict_of(th, o)?;
    if name.is(th.rt.names.__dict__.word()) {
        return Ok(d);
    }
    // A data descriptor of the class goes first, as for any object.
    let of_class = o.ty().lookup(name);
    if of_class.as_ref().is_some_and(|v| v.borrow().ty().slots.descr_set().is_some()) {
        return generic_getattr(th, o, name);
    }
    if let Some(v) = d.payload::<Dict>().get(th, name)? {
        return Ok(v);
    }
    match generic_getattr_opt(th, o, name)? {
        Some(v) => Ok(v),
        None => Err(th.no_attribute(o, name)),
    }
}

fn setattr(th: &mut Thread, o: Borrowed<'_>, name: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    if name.is(th.rt.names.__dict__.word()) {
        let msg = format!("'{}' object attribute '__dict__' is read-only", o.type_name(th));
        return Err(attribute_error(th, &msg, o, name));
    }
    if o.ty().lookup(name).is_some_and(|d| d.borrow().ty().slots.descr_set().is_some()) {
        return generic_setattr(th, o, name, v);
    }
    let d = dict_of(th, o)?;
    let dict = d.payload::<Dict>();
    match v {
        Some(v) => dict.set(th, name, v.to_owned()),
        None => match dict.remove(th, name)? {
            Some(_) => Ok(()),
            None => Err(th.no_attribute(o, name)),
        },
    }
}

/// Drops what the ending thread holds.
pub fn forget(th: &mut Thread) {
    let all = (std::mem::take(&mut th.locals), th.context.take(), std::mem::take(&mut th.running));
    drop(all);
    th.drain_drops();
    // A destructor may use a `_local` again.
    loop {
        let places = MINE.take();
        if places.is_empty() {
            break;
        }
        for place in places.into_values() {
            let dict = place.lock().take();
            drop(dict);
        }
        th.drain_drops();
    }
    th.drain_drops();
}

pub static LOCAL: TypeDef = TypeDef {
    module: "_thread",
    flags: type_flags::GC | type_flags::BASE | type_flags::WEAKREF,
    slots: Slots { new: Some(new), getattr: Some(getattr), setattr: Some(setattr), ..Slots::NONE },
    ..TypeDef::of::<Local>("_local")
};

static HOOK_ARGS: StructSequence = StructSequence {
    name: "_thread._ExceptHookArgs",
    doc: "Type used to pass arguments to threading.excepthook.",
    fields: &["exc_type", "exc_value", "exc_traceback", "thread"],
    n_visible: 4,
    constructible: true,
};

/// The class of `threading.excepthook`'s argument.
pub fn hook_args_class(th: &mut Thread) -> PyResult {
    Ok(struct_sequence::register(th, &HOOK_ARGS)?.as_value().to_owned())
}
