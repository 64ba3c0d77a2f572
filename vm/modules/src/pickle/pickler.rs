//! `Pickler`, and the mapping that its memo is seen as.

use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::exceptions as ex;
use typhon_core::builtins::int::IntRef;
use typhon_core::builtins::str::Str;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::{
    Args, ArgsExt, Borrowed, GetSetDef, Locked, NativeDef, Owned, PyResult, Raised, Slot, Slots, Thread,
    Type, TypeDef, attributes, payload, signature, traced, type_flags, unborn,
};

use super::memo::Memo;
use super::save::{Saver, Settings};
use super::writer::Writer;
use crate::args::{made, this};

traced! {
    /// What a pickler's lock protects.
    pub struct State {
        /// `write` of the file; `None`: `__init__` did not run.
        write: Option<Owned>,
        buffer_callback: Option<Owned>,
        /// Set as attributes.
        persistent_id: Option<Owned>,
        dispatch_table: Option<Owned>,
        /// Objects saved, in the order of their numbers.
        saved: Vec<Owned>,
        protocol: i64,
        bin: i32,
        fast: i32,
        fix_imports: bool,
        busy: bool,
    }
}

payload! {
    /// `pickle.Pickler`.
    pub struct Pickler: PICKLER {
        state: Locked<State>,
    }
}

pub static PICKLER: TypeDef = TypeDef {
    module: "_pickle",
    flags: type_flags::GC | type_flags::BASE,
    doc: "This takes a binary file for writing a pickle data stream.",
    slots: Slots {
        new: Some(new),
        init: Some(init),
        getattr: Some(getattr),
        setattr: Some(setattr),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new(
            "dump",
            "($self, obj, /)",
            dump,
            "Write a pickled representation of the given object to the open file.",
        ),
        NativeDef::new(
            "clear_memo",
            "($self, /)",
            |th, a| {
                let saved = core::mem::take(&mut this::<Pickler>(a[0]).lock(th).saved);
                drop(saved);
                Ok(Owned::none())
            },
            "Clears the pickler's \"memo\".",
        ),
        NativeDef::new("persistent_id", "($self, obj, /)", |_, _| Ok(Owned::none()), ""),
    ],
    getset: &[
        GetSetDef {
            name: "memo",
            get: |th, o| Ok(MemoProxy::of(th, o)),
            set: Some(set_memo),
            doc: "what was saved",
        },
        GetSetDef {
            name: "dispatch_table",
            get: |th, o| {
                let table = this::<Pickler>(o).lock(th).dispatch_table.clone();
                match table {
                    Some(table) => Ok(table),
                    None => Err(th.raise(&ex::ATTRIBUTE_ERROR, "dispatch_table")),
                }
            },
            set: Some(|th, o, v| {
                let old = core::mem::replace(
                    &mut this::<Pickler>(o).lock(th).dispatch_table,
                    v.map(Borrowed::to_owned),
                );
                drop(old);
                Ok(())
            }),
            doc: "",
        },
        GetSetDef {
            name: "bin",
            get: |th, o| {
                let bin = this::<Pickler>(o).lock(th).bin;
                Ok(th.new_int(bin.into()))
            },
            set: Some(|th, o, v| {
                let bin = number(th, v)?;
                this::<Pickler>(o).lock(th).bin = bin;
                Ok(())
            }),
            doc: "",
        },
        GetSetDef {
            name: "fast",
            get: |th, o| {
                let fast = this::<Pickler>(o).lock(th).fast;
                Ok(th.new_int(fast.into()))
            },
            set: Some(|th, o, v| {
                let fast = number(th, v)?;
                this::<Pickler>(o).lock(th).fast = fast;
                Ok(())
            }),
            doc: "",
        },
    ],
    ..TypeDef::of::<Pickler>("Pickler")
};

impl Pickler {
    fn lock<'g>(&'g self, th: &'g mut Thread) -> typhon_core::object::LockedGuard<'g, State> {
        self.state.lock(&self.header, th)
    }
}

fn new(th: &mut Thread, ty: &Type, _: Args<'_>) -> PyResult {
    let state = State {
        write: None,
        buffer_callback: None,
        persistent_id: None,
        dispatch_table: None,
        saved: Vec::new(),
        protocol: super::opcode::DEFAULT_PROTOCOL,
        bin: 1,
        fast: 0,
        fix_imports: true,
        busy: false,
    };
    made(th, ty, Pickler { header: unborn(), state: Locked::new(state) })
}

fn init(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult<()> {
    let a = signature::bind(
        th,
        "Pickler",
        "(file, protocol=None, fix_imports=True, buffer_callback=None)",
        args,
    )?;
    let protocol = super::protocol(th, a.opt(1))?;
    let fix_imports = super::flag(th, &a, 2, true)?;
    let buffer_callback = callback(th, a.some(3), protocol)?;
    let name = th.intern("write");
    let Some(write) = a[0].getattr_opt(th, name.borrow())? else {
        return Err(th.type_error("file must have a 'write' attribute"));
    };
    let mut state = this::<Pickler>(o).lock(th);
    if state.busy {
        drop(state);
        return Err(in_use(th));
    }
    let saved = core::mem::take(&mut state.saved);
    let before =
        (state.write.replace(write), core::mem::replace(&mut state.buffer_callback, buffer_callback));
    state.protocol = protocol;
    state.fix_imports = fix_imports && protocol < 3;
    state.bin = (protocol > 0).into();
    state.fast = 0;
    drop(state);
    drop((saved, before));
    Ok(())
}

#[cold]
fn in_use(th: &mut Thread) -> Raised {
    th.runtime_error("Pickler object is already used")
}

/// A value for a member that is a number. Errors: TypeError, OverflowError.
fn number(th: &mut Thread, value: Option<Borrowed<'_>>) -> PyResult<i32> {
    let Some(value) = value else { return Err(th.type_error("can't delete numeric/char attribute")) };
    match i32::try_from(value.to_i64(th)?) {
        Ok(n) => Ok(n),
        Err(_) => Err(th.overflow_error("signed integer is greater than maximum")),
    }
}

/// Attributes; `persistent_id` may be set on a pickler, and comes before the method of its class.
fn getattr(th: &mut Thread, o: Borrowed<'_>, name: Borrowed<'_>) -> PyResult {
    if name.downcast::<Str>().is_some_and(|n| n.is_text("persistent_id")) {
        let own = this::<Pickler>(o).lock(th).persistent_id.clone();
        if let Some(own) = own {
            return Ok(own);
        }
    }
    attributes::generic_getattr(th, o, name)
}

fn setattr(
    th: &mut Thread,
    o: Borrowed<'_>,
    name: Borrowed<'_>,
    value: Option<Borrowed<'_>>,
) -> PyResult<()> {
    if !name.downcast::<Str>().is_some_and(|n| n.is_text("persistent_id")) {
        return attributes::generic_setattr(th, o, name, value);
    }
    let value = value.map(Borrowed::to_owned);
    let (deletes, mut state) = (value.is_none(), this::<Pickler>(o).lock(th));
    let old = core::mem::replace(&mut state.persistent_id, value);
    drop(state);
    if deletes && old.is_none() {
        return Err(th.raise(&ex::ATTRIBUTE_ERROR, "persistent_id"));
    }
    drop(old);
    Ok(())
}

/// The callback for buffers beside the pickle. Errors: ValueError below protocol 5.
fn callback(th: &mut Thread, given: Option<Borrowed<'_>>, protocol: i64) -> PyResult<Option<Owned>> {
    if given.is_some() && protocol < 5 {
        return Err(th.value_error("buffer_callback needs protocol >= 5"));
    }
    Ok(given.map(Borrowed::to_owned))
}

/// `pickle.dumps`
pub(super) fn dumps(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fix_imports = super::flag(th, a, 2, true)?;
    let out = pickled(th, a[0], a.opt(1), fix_imports, a.some(3))?;
    Ok(th.new_bytes(&out.bytes))
}

/// `pickle.dump`
pub(super) fn dump_to(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let name = th.intern("write");
    let Some(write) = a[1].getattr_opt(th, name.borrow())? else {
        return Err(th.type_error("file must have a 'write' attribute"));
    };
    let fix_imports = super::flag(th, a, 3, true)?;
    let out = pickled(th, a[0], a.opt(2), fix_imports, a.some(4))?;
    write_out(th, write.borrow(), &out)
}

/// Gives a file what was written.
fn write_out(th: &mut Thread, write: Borrowed<'_>, out: &Writer) -> PyResult {
    for part in out.parts() {
        let bytes = th.new_bytes(part);
        write.call(th, &[bytes.borrow()])?;
    }
    Ok(Owned::none())
}

fn pickled(
    th: &mut Thread,
    o: Borrowed<'_>,
    protocol: Option<Borrowed<'_>>,
    fix_imports: bool,
    buffer_callback: Option<Borrowed<'_>>,
) -> PyResult<Writer> {
    let protocol = super::protocol(th, protocol)?;
    let buffer_callback = callback(th, buffer_callback, protocol)?;
    let settings = Settings {
        protocol,
        binary: protocol > 0,
        fast: false,
        fix_imports: fix_imports && protocol < 3,
        persistent_id: None,
        reducer_override: None,
        dispatch_table: None,
        buffer_callback,
    };
    let mut saver = Saver::new(settings, Memo::default());
    saver.dump(th, o)?;
    Ok(saver.out)
}

fn dump(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let pickler: &Pickler = this(a[0]);
    let exact = a[0].downcast_exact::<Pickler>().is_some();
    let reducer_override = if exact { None } else { super::attribute(th, a[0], "reducer_override")? };
    let overridden = if exact { None } else { overridden_persistent_id(th, a[0])? };
    let table = if exact { None } else { super::attribute(th, a[0], "dispatch_table")? };
    let (settings, write, saved) = {
        let mut state = pickler.lock(th);
        if state.busy {
            drop(state);
            return Err(in_use(th));
        }
        let Some(write) = state.write.clone() else {
            drop(state);
            let msg =
                format!("Pickler.__init__() was not called by {}.__init__()", super::class_name(th, a[0]));
            return Err(super::pickling_error(th, &msg));
        };
        state.busy = true;
        let settings = Settings {
            protocol: state.protocol,
            binary: state.bin != 0,
            fast: state.fast != 0,
            fix_imports: state.fix_imports,
            persistent_id: state.persistent_id.clone().or(overridden),
            reducer_override,
            dispatch_table: table.or_else(|| state.dispatch_table.clone()),
            buffer_callback: state.buffer_callback.clone(),
        };
        (settings, write, state.saved.clone())
    };
    let mut saver = Saver::new(settings, Memo::of(saved));
    let result = saver.dump(th, a[1]);
    let saved = core::mem::take(&mut saver.memo).into_saved();
    {
        let mut state = pickler.lock(th);
        state.busy = false;
        let old = core::mem::replace(&mut state.saved, saved);
        drop(state);
        drop(old);
    }
    result?;
    write_out(th, write.borrow(), &saver.out)
}

/// The method `persistent_id` of a subclass, if it is not the one that does nothing.
fn overridden_persistent_id(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let name = th.intern("persistent_id");
    let own = PICKLER.ty().lookup(name.borrow());
    let found = o.ty().lookup(name.borrow());
    match (own, found) {
        (Some(own), Some(found)) if own.word().is(found.word()) => Ok(None),
        _ => o.getattr_opt(th, name.borrow()),
    }
}

fn set_memo(th: &mut Thread, o: Borrowed<'_>, value: Option<Borrowed<'_>>) -> PyResult<()> {
    let Some(value) = value else {
        return Err(th.type_error("attribute deletion is not supported"));
    };
    let mut saved: Vec<(i64, Owned)> = Vec::new();
    if let Some(proxy) = value.downcast::<MemoProxy>() {
        let of: Owned = proxy.pickler.fixed().expect("set at birth").to_owned();
        let all = this::<Pickler>(of.borrow()).lock(th).saved.clone();
        saved.extend(all.into_iter().enumerate().map(|(i, o)| (i as i64, o)));
    } else if let Some(dict) = value.downcast::<Dict>() {
        for (_, pair) in dict.entries() {
            let parts = pair.downcast::<Tuple>().filter(|t| t.len() == 2);
            match parts.map(|t| (t.get(0).as_int(), t.get(1))) {
                Some((Some(IntRef::Small(index)), object)) => saved.push((index, object.to_owned())),
                _ => return Err(th.type_error("'memo' values must be 2-item tuples")),
            }
        }
    } else {
        let msg = format!(
            "'memo' attribute must be a PicklerMemoProxy object or dict, not {}",
            value.type_name(th)
        );
        return Err(th.type_error(&msg));
    }
    saved.sort_by_key(|&(index, _)| index);
    let saved = saved.into_iter().map(|(_, o)| o).collect();
    let old = core::mem::replace(&mut this::<Pickler>(o).lock(th).saved, saved);
    drop(old);
    Ok(())
}

payload! {
    /// The memo of a pickler as Python code sees it.
    pub struct MemoProxy: MEMO_PROXY {
        pickler: Slot,
    }
}

pub static MEMO_PROXY: TypeDef = TypeDef {
    module: "_pickle",
    flags: type_flags::GC | type_flags::NO_NEW,
    slots: Slots {
        hash: Some(|th, _| Err(th.type_error("unhashable type: 'PicklerMemoProxy'"))),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new(
            "clear",
            "($self, /)",
            |th, a| {
                let saved = core::mem::take(&mut MemoProxy::pickler(a[0]).lock(th).saved);
                drop(saved);
                Ok(Owned::none())
            },
            "Remove all items from memo.",
        ),
        NativeDef::new(
            "copy",
            "($self, /)",
            |th, a| MemoProxy::to_dict(th, a[0]),
            "Copy the memo to a new object.",
        ),
        NativeDef::new(
            "__reduce__",
            "($self, /)",
            |th, a| {
                let dict = MemoProxy::to_dict(th, a[0])?;
                let class = crate::support::builtin(th, "dict");
                let args = th.new_tuple(vec![dict]);
                Ok(th.new_pair(class, args))
            },
            "",
        ),
    ],
    ..TypeDef::of::<MemoProxy>("PicklerMemoProxy")
};

impl MemoProxy {
    fn of(th: &mut Thread, pickler: Borrowed<'_>) -> Owned {
        th.alloc(MemoProxy { header: unborn(), pickler: Slot::new(pickler.to_owned()) })
    }

    fn pickler(o: Borrowed<'_>) -> &Pickler {
        this(this::<MemoProxy>(o).pickler.fixed().expect("set at birth"))
    }

    /// Number and object by identity.
    fn to_dict(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
        let saved = MemoProxy::pickler(o).lock(th).saved.clone();
        let dict = th.new_dict();
        for (i, object) in saved.into_iter().enumerate() {
            let key = th.new_int(object.word().identity() as i64);
            let index = th.new_int(i as i64);
            let pair = th.new_pair(index, object);
            dict.payload::<Dict>().set(th, key.borrow(), pair)?;
        }
        Ok(dict)
    }
}
