//! `_tuplegetter`: the descriptor behind the fields of a named tuple.

use typhon_core::builtins::exceptions as ex;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::{
    Args, Borrowed, GetSetDef, NativeDef, Owned, PyResult, Slot, Slots, Thread, Type, TypeDef, payload,
    type_flags, unborn,
};

use crate::args::{constructor, made, this};

payload! {
    /// Reads one item of a tuple as an attribute.
    pub struct TupleGetter: TUPLE_GETTER {
        index: usize,
        doc: Slot,
    }
}

pub static TUPLE_GETTER: TypeDef = TypeDef {
    module: "_collections",
    flags: type_flags::GC,
    slots: Slots {
        new: Some(new),
        descr_get: Some(get),
        descr_set: Some(set),
        repr: Some(repr),
        ..Slots::NONE
    },
    methods: &[NativeDef::new("__reduce__", "($self, /)", reduce, "")],
    getset: &[GetSetDef {
        name: "__doc__",
        get: |_, o| {
            let g: &TupleGetter = this(o);
            Ok(g.doc.get(&g.header).unwrap_or_else(Owned::none))
        },
        set: Some(|_, o, v| {
            let g: &TupleGetter = this(o);
            g.doc.set(&g.header, v.map_or_else(Owned::none, Borrowed::to_owned));
            Ok(())
        }),
        doc: "",
    }],
    ..TypeDef::of::<TupleGetter>("_tuplegetter")
};

fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = constructor::<TupleGetter>(th, ty, "(index, doc, /)", args)?;
    let index = a[0].to_isize(th)?;
    let Ok(index) = usize::try_from(index) else {
        return Err(th.value_error("index must be non-negative"));
    };
    made(th, ty, TupleGetter { header: unborn(), index, doc: Slot::new(a[1].to_owned()) })
}

fn get(th: &mut Thread, o: Borrowed<'_>, instance: Option<Borrowed<'_>>, _: Borrowed<'_>) -> PyResult {
    let Some(instance) = instance else { return Ok(o.to_owned()) };
    let g: &TupleGetter = this(o);
    let Some(t) = instance.downcast::<Tuple>() else {
        let msg = format!(
            "descriptor for index '{}' for tuple subclasses doesn't apply to '{}' object",
            g.index,
            instance.type_name(th)
        );
        return Err(th.type_error(&msg));
    };
    match t.items().get(g.index).and_then(|s| s.fixed()) {
        Some(v) => Ok(v.to_owned()),
        None => Err(th.index_error("tuple index out of range")),
    }
}

fn set(th: &mut Thread, _: Borrowed<'_>, _: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let what = if v.is_some() { "can't set attribute" } else { "can't delete attribute" };
    Err(th.raise(&ex::ATTRIBUTE_ERROR, what))
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let g: &TupleGetter = this(o);
    let doc = g.doc.get(&g.header).unwrap_or_else(Owned::none).borrow().repr_text(th)?;
    let text = format!("{}({}, {doc})", o.ty().short_name(), g.index);
    Ok(th.new_str(&text))
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let g: &TupleGetter = this(a[0]);
    let index = th.new_int(g.index as i64);
    let doc = g.doc.get(&g.header).unwrap_or_else(Owned::none);
    let args = th.new_pair(index, doc);
    Ok(th.new_pair(a[0].ty().as_value().to_owned(), args))
}
