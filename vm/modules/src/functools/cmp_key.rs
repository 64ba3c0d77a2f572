//! `cmp_to_key`.

use typhon_core::{
    Args, Borrowed, CompareOp, GetSetDef, PyResult, Slot, Slots, Thread, TypeDef, Word, payload, signature,
    type_flags, unborn,
};

use crate::args::this;

payload! {
    /// What `cmp_to_key` returns (without an object), and the keys that it makes (with one).
    pub struct Key: KEY {
        compare: Slot,
        object: Slot,
    }
}

pub static KEY: TypeDef = TypeDef {
    name: "KeyWrapper",
    module: "functools",
    flags: type_flags::GC | type_flags::NO_NEW,
    slots: Slots { call: Some(call), compare: Some(compare), hash: Some(hash), ..Slots::NONE },
    getset: &[GetSetDef {
        name: "obj",
        get: |_, o| {
            let k: &Key = this(o);
            Ok(k.object.get(&k.header).unwrap_or_else(typhon_core::Owned::none))
        },
        set: Some(|_, o, v| {
            let k: &Key = this(o);
            match v {
                Some(v) => k.object.set(&k.header, v.to_owned()),
                None => drop(k.object.clear(&k.header)),
            }
            Ok(())
        }),
        doc: "Value wrapped by a key function.",
    }],
    ..TypeDef::of::<Key>("KeyWrapper")
};

/// `functools.cmp_to_key(mycmp)`
pub fn cmp_to_key(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    Ok(th.alloc(Key { header: unborn(), compare: Slot::new(a[0].to_owned()), object: Slot::empty() }))
}

fn call(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult {
    let a = signature::bind(th, "K", "(obj)", args)?;
    let k: &Key = this(o);
    let compare = k.compare.fixed().unwrap_or(Borrowed::none()).to_owned();
    Ok(th.alloc(Key { header: unborn(), compare: Slot::new(compare), object: Slot::new(a[0].to_owned()) }))
}

fn compare(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    let (x, y): (&Key, &Key) = (
        this(a),
        match b.downcast::<Key>() {
            Some(y) => y,
            None => return Err(th.type_error("other argument must be K instance")),
        },
    );
    let (Some(p), Some(q)) = (x.object.get(&x.header), y.object.get(&y.header)) else {
        return Err(th.raise(&typhon_core::builtins::exceptions::ATTRIBUTE_ERROR, "object"));
    };
    let f = x.compare.fixed().unwrap_or(Borrowed::none());
    let r = f.call(th, &[p.borrow(), q.borrow()])?;
    r.borrow().compare(th, Borrowed::from_const(Word::small_int(0)), op)
}

fn hash(th: &mut Thread, _: Borrowed<'_>) -> PyResult<i64> {
    Err(th.type_error("unhashable type: 'functools.KeyWrapper'"))
}
