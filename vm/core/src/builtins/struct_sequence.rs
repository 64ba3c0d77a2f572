//! Struct sequences: tuples whose items also have names (`sys.version_info`, `os.stat_result`, …).
//!
//! A [`StructSequence`] names the fields. The first `n_visible` are the items of the tuple; further ones
//! are reached by name only and lie between the tuple's head and its items.

use parking_lot::Mutex;
use typhon_sync::header::Header;

use crate::builtins::dict::Dict;
use crate::builtins::str::Str;
use crate::builtins::tuple::{self, Tuple};
use crate::builtins::type_::builtin::register_type;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{Args, Slots};
use crate::thread::Thread;
use crate::typedef::{GetSetDef, Layout, NativeDef, References, TypeDef, type_flags};
use crate::types::Type;
use crate::word::Word;

/// Names of a struct sequence.
pub struct StructSequence {
    /// `module.name`
    pub name: &'static str,
    pub doc: &'static str,
    /// Field names; `""` for an item without a name.
    pub fields: &'static [&'static str],
    /// How many leading fields are items.
    pub n_visible: usize,
    /// May Python code make instances?
    pub constructible: bool,
}

/// Most fields that a struct sequence can have.
pub const MAX_FIELDS: usize = 32;

/// Definitions by the address of the type's `TypeDef`.
static REGISTERED: Mutex<Vec<(usize, &'static StructSequence)>> = Mutex::new(Vec::new());

fn spec_of(ty: &Type) -> &'static StructSequence {
    let def = ty.def.0.map_or(0, |d| d as *const TypeDef as usize);
    let found = REGISTERED.lock().iter().find(|(d, _)| *d == def).map(|(_, s)| *s);
    found.expect("struct sequence types are registered")
}

/// The type of a definition: made by the first call. Keep the result.
pub fn register(th: &mut Thread, spec: &'static StructSequence) -> PyResult<&'static Type> {
    let found = REGISTERED
        .lock()
        .iter()
        .find(|(_, s)| core::ptr::eq(*s, spec))
        // SAFETY: addresses in the table are those of leaked definitions.
        .map(|(d, _)| unsafe { &*(*d as *const TypeDef) });
    if let Some(def) = found
        && def.id.shape() != 0
    {
        return Ok(def.ty());
    }
    assert!(spec.fields.len() <= MAX_FIELDS);
    let (module, name) = spec.name.rsplit_once('.').unwrap_or(("builtins", spec.name));
    let getset: Vec<GetSetDef> = spec
        .fields
        .iter()
        .zip(GETTERS)
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, get)| GetSetDef::get(name, get))
        .collect();
    let hidden = spec.fields.len() - spec.n_visible;
    let def: &'static TypeDef = Box::leak(Box::new(TypeDef {
        module,
        doc: spec.doc,
        base: Some(&tuple::DEF),
        flags: tuple::DEF.flags & !type_flags::BASE & !type_flags::MATCH_SELF
            | if spec.constructible { 0 } else { type_flags::NO_NEW },
        layout: Layout {
            size: size_of::<Tuple>() + 8 * hidden,
            references: References::Visited(trace),
            clear,
            drop: drop_fields,
            ..Layout::of::<Tuple>()
        },
        slots: Slots {
            new: if spec.constructible { Some(new) } else { None },
            repr: Some(repr),
            ..Slots::NONE
        },
        methods: METHODS,
        getset: getset.leak(),
        setup: Some(setup),
        ..TypeDef::of::<Tuple>(name)
    }));
    REGISTERED.lock().push((def as *const TypeDef as usize, spec));
    register_type(th, def)?;
    Ok(def.ty())
}

const METHODS: &[NativeDef] = &[
    NativeDef::new("__reduce__", "($self, /)", reduce, ""),
    NativeDef::new(
        "__replace__",
        "($self, /, **changes)",
        replace,
        "Return a copy of the structure with new values for the specified fields.",
    ),
];

fn setup(th: &mut Thread, ty: &Type) -> PyResult<()> {
    let spec = spec_of(ty);
    let unnamed = spec.fields.iter().filter(|f| f.is_empty()).count();
    for (name, n) in [
        ("n_sequence_fields", spec.n_visible),
        ("n_fields", spec.fields.len()),
        ("n_unnamed_fields", unnamed),
    ] {
        ty.set_builtin(th, name, Owned::from_const(Word::small_int(n as i64)))?;
    }
    let names: Vec<Owned> =
        spec.fields[..spec.n_visible].iter().filter(|f| !f.is_empty()).map(|f| th.intern(f)).collect();
    let names = th.new_tuple(names);
    ty.set_builtin(th, "__match_args__", names)
}

/// Fields that are not items.
fn hidden(t: &Tuple) -> &[Slot] {
    let n = (Borrowed::from_payload(t).ty().basic_size() as usize - size_of::<Tuple>()) / 8;
    // SAFETY: the type's instances have that many slots behind the head, initialised at birth.
    unsafe { core::slice::from_raw_parts((t as *const Tuple).add(1) as *const Slot, n) }
}

/// The field at index `i`.
pub fn get(t: &Tuple, i: usize) -> Option<Borrowed<'_>> {
    match i.checked_sub(t.len()) {
        None => t.items()[i].fixed(),
        Some(i) => hidden(t).get(i).and_then(Slot::fixed),
    }
}

unsafe fn trace(o: *const Header, visit: &mut dyn FnMut(Word)) {
    // SAFETY: used for struct sequences only.
    let t = unsafe { &*(o as *const Tuple) };
    hidden(t).iter().chain(t.items()).for_each(|s| crate::Trace::trace(s, visit));
}

unsafe fn clear(_: *mut Header, _: &mut dyn FnMut(Word)) {
    // Like a tuple: a cycle through it is broken at its mutable members.
}

unsafe fn drop_fields(o: *mut Header) {
    // SAFETY: used for struct sequences only, once.
    let t = unsafe { &*(o as *const Tuple) };
    for s in hidden(t).iter().chain(t.items()) {
        drop(s.take());
    }
}

/// An instance with these values for all fields, in order; missing ones at the end read as None.
pub fn new_instance(th: &mut Thread, ty: &Type, mut fields: Vec<Owned>) -> Owned {
    let n_visible = spec_of(ty).n_visible;
    let rest = fields.split_off(n_visible.min(fields.len()));
    let v = th.new_tuple_as(ty, fields);
    for (slot, value) in hidden(v.payload::<Tuple>()).iter().zip(rest) {
        drop(slot.swap(value));
    }
    v
}

fn field<const N: usize>(_th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let t = o.downcast::<Tuple>().expect("self");
    Ok(get(t, N).map_or_else(Owned::none, |v| v.to_owned()))
}

macro_rules! getters {
    ($($n:literal)*) => { [$(field::<$n>),*] };
}

static GETTERS: [fn(&mut Thread, Borrowed<'_>) -> PyResult; MAX_FIELDS] =
    getters!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);

/// `T(sequence[, dict of hidden fields])`
fn new(th: &mut Thread, ty: &Type, a: Args<'_>) -> PyResult {
    let spec = spec_of(ty);
    let bound = crate::signature::bind(th, "structseq", "(sequence, dict={})", a)?;
    let mut items = bound[0].to_vec(th)?;
    let (min, max) = (spec.n_visible, spec.fields.len());
    if items.len() < min || items.len() > max {
        let n = if min == max {
            format!("a {min}-sequence")
        } else if items.len() < min {
            format!("an at least {min}-sequence")
        } else {
            format!("an at most {max}-sequence")
        };
        let msg = format!("{}() takes {n} ({}-sequence given)", spec.name, items.len());
        return Err(th.type_error(&msg));
    }
    let extra = if bound[1].is_null() { None } else { Some(bound[1]) };
    let dict = extra.and_then(|d| d.downcast::<Dict>());
    if extra.is_some() && dict.is_none() {
        let msg = format!("{}() takes a dict as second arg, if any", spec.name);
        return Err(th.type_error(&msg));
    }
    for name in &spec.fields[items.len()..] {
        let key = th.intern(name);
        let v = match dict {
            Some(d) => d.get(th, key.borrow())?,
            None => None,
        };
        items.push(v.unwrap_or_else(Owned::none));
    }
    Ok(new_instance(th, ty, items))
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let spec = spec_of(o.ty());
    let t = o.downcast::<Tuple>().expect("self");
    let mut out = typhon_text::StrBuf::with_capacity(64);
    out.push_str(spec.name);
    out.push_str("(");
    for (i, (v, name)) in t.iter().zip(spec.fields).enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        if !name.is_empty() {
            out.push_str(name);
            out.push_str("=");
        }
        let r = v.repr(th)?;
        out.push_data(r.payload::<Str>().data());
    }
    out.push_str(")");
    Ok(th.new_str_buf(out))
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let spec = spec_of(a[0].ty());
    let t = a[0].downcast::<Tuple>().expect("self");
    let items = th.new_tuple(t.iter().map(|v| v.to_owned()).collect());
    let rest = th.new_dict();
    for (i, name) in spec.fields.iter().enumerate().skip(spec.n_visible) {
        if let Some(v) = get(t, i) {
            let key = th.intern(name);
            rest.payload::<Dict>().set(th, key.borrow(), v.to_owned())?;
        }
    }
    let args = th.new_tuple(vec![items, rest]);
    let class = a[0].ty().as_value().to_owned();
    Ok(th.new_tuple(vec![class, args]))
}

fn replace(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let ty = a[0].ty();
    let spec = spec_of(ty);
    let t = a[0].downcast::<Tuple>().expect("self");
    let mut fields: Vec<Owned> =
        (0..spec.fields.len()).map(|i| get(t, i).map_or_else(Owned::none, |v| v.to_owned())).collect();
    let changes = if a[1].is_null() { None } else { a[1].downcast::<Dict>() };
    for (key, value) in changes.map_or_else(Vec::new, |d| d.entries()) {
        let name = key.borrow().str_text(th)?;
        match spec.fields.iter().position(|f| *f == name) {
            Some(i) => fields[i] = value,
            None => {
                let msg = format!("Got unexpected field name(s): ['{name}']");
                return Err(th.type_error(&msg));
            }
        }
    }
    Ok(new_instance(th, ty, fields))
}
