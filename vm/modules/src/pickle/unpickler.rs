//! `Unpickler`, and the mapping that its memo is seen as.

use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::exceptions as ex;
use typhon_core::builtins::str::Str;
use typhon_core::{
    Args, ArgsExt, Borrowed, GetSetDef, Locked, NativeDef, Owned, PyResult, Raised, Slot, Slots, Thread,
    Type, TypeDef, attributes, buffer, payload, signature, traced, type_flags, unborn,
};

use super::input::Source;
use super::machine::{self, Machine, Settings};
use crate::args::{made, this};

traced! {
    /// What an unpickler's lock protects.
    pub struct State {
        /// Methods of the file; `None`: `__init__` did not run.
        read: Option<Owned>,
        readline: Option<Owned>,
        buffers: Option<Owned>,
        encoding: Option<Owned>,
        errors: Option<Owned>,
        memo: Vec<Option<Owned>>,
        /// Set as an attribute.
        persistent_load: Option<Owned>,
        /// Of the last pickle.
        protocol: u8,
        fix_imports: bool,
        busy: bool,
    }
}

payload! {
    /// `pickle.Unpickler`.
    pub struct Unpickler: UNPICKLER {
        state: Locked<State>,
    }
}

pub static UNPICKLER: TypeDef = TypeDef {
    module: "_pickle",
    flags: type_flags::GC | type_flags::BASE,
    doc: "This takes a binary file for reading a pickle data stream.",
    slots: Slots {
        new: Some(new),
        init: Some(init),
        getattr: Some(getattr),
        setattr: Some(setattr),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new("load", "($self, /)", load, "Load a pickle."),
        NativeDef::new(
            "persistent_load",
            "($self, pid, /)",
            |th, _| Err(machine::no_persistent_load(th)),
            "",
        ),
        NativeDef::new(
            "find_class",
            "($self, module_name, global_name, /)",
            |th, a| {
                let state = this::<Unpickler>(a[0]).lock(th);
                let (protocol, fix_imports) = (state.protocol, state.fix_imports);
                drop(state);
                machine::find_class(th, a[1], a[2], protocol, fix_imports)
            },
            "Return an object from a specified module.",
        ),
    ],
    getset: &[GetSetDef {
        name: "memo",
        get: |th, o| Ok(MemoProxy::of(th, o)),
        set: Some(set_memo),
        doc: "what was loaded",
    }],
    ..TypeDef::of::<Unpickler>("Unpickler")
};

impl Unpickler {
    fn lock<'g>(&'g self, th: &'g mut Thread) -> typhon_core::object::LockedGuard<'g, State> {
        self.state.lock(&self.header, th)
    }
}

fn new(th: &mut Thread, ty: &Type, _: Args<'_>) -> PyResult {
    let state = State {
        read: None,
        readline: None,
        buffers: None,
        encoding: None,
        errors: None,
        memo: Vec::new(),
        persistent_load: None,
        protocol: 0,
        fix_imports: true,
        busy: false,
    };
    made(th, ty, Unpickler { header: unborn(), state: Locked::new(state) })
}

/// The methods `read` and `readline` of a file. Errors: TypeError.
fn methods(th: &mut Thread, file: Borrowed<'_>) -> PyResult<(Owned, Owned)> {
    let (read, readline) = (super::attribute(th, file, "read")?, super::attribute(th, file, "readline")?);
    match (read, readline) {
        (Some(read), Some(readline)) => Ok((read, readline)),
        _ => Err(th.type_error("file must have 'read' and 'readline' attributes")),
    }
}

/// The iterator over buffers that are given.
fn iterator(th: &mut Thread, buffers: Option<Borrowed<'_>>) -> PyResult<Option<Owned>> {
    match buffers {
        Some(buffers) => Ok(Some(buffers.iter(th)?)),
        None => Ok(None),
    }
}

fn init(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult<()> {
    const SIGNATURE: &str = "(file, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=None)";
    let a = signature::bind(th, "Unpickler", SIGNATURE, args)?;
    let (read, readline) = methods(th, a[0])?;
    let fix_imports = super::flag(th, &a, 1, true)?;
    let buffers = iterator(th, a.some(4))?;
    let (encoding, errors) = (a.some(2).map(Borrowed::to_owned), a.some(3).map(Borrowed::to_owned));
    let mut state = this::<Unpickler>(o).lock(th);
    if state.busy {
        drop(state);
        return Err(in_use(th));
    }
    let memo = core::mem::take(&mut state.memo);
    let before = (
        state.read.replace(read),
        state.readline.replace(readline),
        core::mem::replace(&mut state.encoding, encoding),
        core::mem::replace(&mut state.errors, errors),
        core::mem::replace(&mut state.buffers, buffers),
    );
    state.fix_imports = fix_imports;
    state.protocol = 0;
    drop(state);
    drop((memo, before));
    Ok(())
}

#[cold]
fn in_use(th: &mut Thread) -> Raised {
    th.runtime_error("Unpickler object is already used")
}

/// Attributes; `persistent_load` may be set on an unpickler, and comes before the method of its class.
fn getattr(th: &mut Thread, o: Borrowed<'_>, name: Borrowed<'_>) -> PyResult {
    if name.downcast::<Str>().is_some_and(|n| n.is_text("persistent_load")) {
        let own = this::<Unpickler>(o).lock(th).persistent_load.clone();
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
    if !name.downcast::<Str>().is_some_and(|n| n.is_text("persistent_load")) {
        return attributes::generic_setattr(th, o, name, value);
    }
    let value = value.map(Borrowed::to_owned);
    let (deletes, mut state) = (value.is_none(), this::<Unpickler>(o).lock(th));
    let old = core::mem::replace(&mut state.persistent_load, value);
    drop(state);
    if deletes && old.is_none() {
        return Err(th.raise(&ex::ATTRIBUTE_ERROR, "persistent_load"));
    }
    drop(old);
    Ok(())
}

/// A str argument, or what it is without one.
fn text(th: &mut Thread, given: Option<Borrowed<'_>>, default: &str) -> PyResult<String> {
    match given {
        Some(text) => text.str_text(th),
        None => Ok(default.to_owned()),
    }
}

/// Settings from the arguments of `load` and `loads`.
fn settings(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult<Settings> {
    Ok(Settings {
        fix_imports: super::flag(th, a, 1, true)?,
        encoding: text(th, a.some(2), "ASCII")?,
        errors: text(th, a.some(3), "strict")?,
        find_class: None,
        persistent_load: None,
        buffers: iterator(th, a.some(4))?,
    })
}

/// `pickle.loads`
pub(super) fn loads(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let bytes = buffer::get(th, a[0])?.as_slice().to_vec();
    let settings = settings(th, a)?;
    Machine::new(settings, Source::Bytes(bytes), Vec::new()).load(th)
}

/// `pickle.load`
pub(super) fn load_from(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (read, readline) = methods(th, a[0])?;
    let settings = settings(th, a)?;
    Machine::new(settings, Source::File { read, readline }, Vec::new()).load(th)
}

/// The method of a subclass, or of an instance of one, if it has one of its own.
fn overridden(th: &mut Thread, o: Borrowed<'_>, name: &str) -> PyResult<Option<Owned>> {
    if o.downcast_exact::<Unpickler>().is_some() {
        return Ok(None);
    }
    let name = th.intern(name);
    let (own, found) = (UNPICKLER.ty().lookup(name.borrow()), o.ty().lookup(name.borrow()));
    match (own, found) {
        (Some(own), Some(found)) if own.word().is(found.word()) => {
            match super::attribute(th, o, "__dict__")? {
                Some(dict) if dict.downcast::<Dict>().is_some() => {
                    dict.payload::<Dict>().get(th, name.borrow())
                }
                _ => Ok(None),
            }
        }
        _ => o.getattr_opt(th, name.borrow()),
    }
}

fn load(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let unpickler: &Unpickler = this(a[0]);
    let find_class = overridden(th, a[0], "find_class")?;
    let persistent_load = overridden(th, a[0], "persistent_load")?;
    let taken = {
        let mut state = unpickler.lock(th);
        let methods = state.read.clone().zip(state.readline.clone());
        if state.busy {
            Err(true)
        } else if let Some((read, readline)) = methods {
            state.busy = true;
            let source = Source::File { read, readline };
            let memo = core::mem::take(&mut state.memo);
            let own = state.persistent_load.clone();
            let rest =
                (state.encoding.clone(), state.errors.clone(), state.buffers.clone(), state.fix_imports, own);
            Ok((source, memo, rest))
        } else {
            Err(false)
        }
    };
    let (source, memo, (encoding, errors, buffers, fix_imports, own_load)) = match taken {
        Ok(taken) => taken,
        Err(true) => return Err(in_use(th)),
        Err(false) => {
            let msg =
                format!("Unpickler.__init__() was not called by {}.__init__()", super::class_name(th, a[0]));
            return Err(super::unpickling_error(th, &msg));
        }
    };
    let encoding = text(th, encoding.as_ref().map(Owned::borrow), "ASCII")?;
    let errors = text(th, errors.as_ref().map(Owned::borrow), "strict")?;
    let persistent_load = own_load.or(persistent_load);
    let settings = Settings { fix_imports, encoding, errors, find_class, persistent_load, buffers };
    let mut machine = Machine::new(settings, source, memo);
    machine.on_protocol = Some(a[0].to_owned());
    let result = machine.load(th);
    let mut state = unpickler.lock(th);
    let cleared = core::mem::replace(&mut state.memo, core::mem::take(&mut machine.memo));
    state.busy = false;
    drop(state);
    drop(cleared);
    result
}

/// What PROTO says is what `find_class` goes by.
pub(super) fn set_protocol(th: &mut Thread, unpickler: Borrowed<'_>, protocol: u8) {
    this::<Unpickler>(unpickler).lock(th).protocol = protocol;
}

fn set_memo(th: &mut Thread, o: Borrowed<'_>, value: Option<Borrowed<'_>>) -> PyResult<()> {
    let Some(value) = value else {
        return Err(th.type_error("attribute deletion is not supported"));
    };
    let memo = if value.downcast::<MemoProxy>().is_some() {
        MemoProxy::unpickler(value).lock(th).memo.clone()
    } else if let Some(dict) = value.downcast::<Dict>() {
        let mut memo: Vec<Option<Owned>> = Vec::new();
        for (key, object) in dict.entries() {
            if key.borrow().as_int().is_none() {
                return Err(th.type_error("memo key must be integers"));
            }
            let index = key.borrow().to_i64(th)?;
            let Ok(index) = usize::try_from(index) else {
                return Err(th.value_error("memo key must be positive integers."));
            };
            if index > memo.len() + (1 << 24) {
                return Err(th.memory_error("pickle memo index is too large"));
            }
            if memo.len() <= index {
                memo.resize_with(index + 1, || None);
            }
            memo[index] = Some(object);
        }
        memo
    } else {
        let msg = format!(
            "'memo' attribute must be an UnpicklerMemoProxy object or dict, not {}",
            value.type_name(th)
        );
        return Err(th.type_error(&msg));
    };
    let old = core::mem::replace(&mut this::<Unpickler>(o).lock(th).memo, memo);
    drop(old);
    Ok(())
}

payload! {
    /// The memo of an unpickler as Python code sees it.
    pub struct MemoProxy: MEMO_PROXY {
        unpickler: Slot,
    }
}

pub static MEMO_PROXY: TypeDef = TypeDef {
    module: "_pickle",
    flags: type_flags::GC | type_flags::NO_NEW,
    slots: Slots {
        hash: Some(|th, _| Err(th.type_error("unhashable type: 'UnpicklerMemoProxy'"))),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new(
            "clear",
            "($self, /)",
            |th, a| {
                let old = core::mem::take(&mut MemoProxy::unpickler(a[0]).lock(th).memo);
                drop(old);
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
    ..TypeDef::of::<MemoProxy>("UnpicklerMemoProxy")
};

impl MemoProxy {
    fn of(th: &mut Thread, unpickler: Borrowed<'_>) -> Owned {
        th.alloc(MemoProxy { header: unborn(), unpickler: Slot::new(unpickler.to_owned()) })
    }

    fn unpickler(o: Borrowed<'_>) -> &Unpickler {
        this(this::<MemoProxy>(o).unpickler.fixed().expect("set at birth"))
    }

    /// Objects by number.
    fn to_dict(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
        let memo = MemoProxy::unpickler(o).lock(th).memo.clone();
        let dict = th.new_dict();
        for (i, object) in memo.into_iter().enumerate() {
            let Some(object) = object else { continue };
            let key = th.new_int(i as i64);
            dict.payload::<Dict>().set(th, key.borrow(), object)?;
        }
        Ok(dict)
    }
}
