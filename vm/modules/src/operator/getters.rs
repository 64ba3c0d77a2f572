//! `itemgetter`, `attrgetter`, `methodcaller`.

use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::str::Str;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::{
    Args, Borrowed, NativeDef, Owned, PyResult, Slot, Slots, Thread, Type, TypeDef, payload, type_flags,
    unborn,
};

use crate::args::{Items, made, this};

/// Checks that a getter is called with one object.
fn subject<'a>(th: &mut Thread, name: &str, args: Args<'a>) -> PyResult<Borrowed<'a>> {
    if args.has_keywords() {
        return Err(th.type_error(&format!("{name}() takes no keyword arguments")));
    }
    match args.pos() {
        [one] => Ok(*one),
        other => Err(th.type_error(&format!("{name} expected 1 argument, got {}", other.len()))),
    }
}

fn some_arguments(th: &mut Thread, name: &str, args: Args<'_>) -> PyResult<()> {
    if args.has_keywords() {
        return Err(th.type_error(&format!("{name}() takes no keyword arguments")));
    }
    if args.pos().is_empty() {
        return Err(th.type_error(&format!("{name} expected at least 1 argument, got 0")));
    }
    Ok(())
}

fn tuple_of(th: &mut Thread, items: &[Borrowed<'_>]) -> Owned {
    th.new_tuple_with(items.len(), |i| items[i].to_owned())
}

fn tuple(slot: &Slot) -> &Tuple {
    slot.fixed().and_then(|t| t.downcast::<Tuple>()).expect("a getter holds a tuple")
}

/// `(type(self), args)`
fn reduced(th: &mut Thread, o: Borrowed<'_>, args: Owned) -> PyResult {
    let ty = o.ty().as_value().to_owned();
    Ok(th.new_pair(ty, args))
}

fn class_name(o: Borrowed<'_>, exact: &str) -> String {
    let name = o.ty().display_name();
    if name == exact { format!("operator.{exact}") } else { name }
}

/// `[r0, r1, ...]` without brackets.
fn repr_list<'a>(th: &mut Thread, items: impl Iterator<Item = Borrowed<'a>>) -> PyResult<String> {
    let mut out = String::new();
    for item in items {
        if !out.is_empty() {
            out.push_str(", ");
        }
        out.push_str(&item.repr_text(th)?);
    }
    Ok(out)
}

payload! {
    /// `operator.itemgetter`.
    pub struct ItemGetter: ITEM {
        /// The keys: a tuple.
        items: Slot,
    }
}

pub static ITEM: TypeDef = TypeDef {
    module: "operator",
    flags: type_flags::GC,
    doc: "Return a callable object that fetches the given item(s) from its operand.\n\nAfter f = itemgetter(2), the call \
          f(r) returns r[2].\nAfter g = itemgetter(2, 5, 3), the call g(r) returns (r[2], r[5], r[3])",
    slots: Slots { new: Some(item_new), call: Some(item_call), repr: Some(item_repr), ..Slots::NONE },
    methods: &[NativeDef::new(
        "__reduce__",
        "($self, /)",
        item_reduce,
        "Return state information for pickling",
    )],
    ..TypeDef::of::<ItemGetter>("itemgetter")
};

fn item_new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    some_arguments(th, "itemgetter", args)?;
    let items = Slot::new(tuple_of(th, args.pos()));
    made(th, ty, ItemGetter { header: unborn(), items })
}

fn item_call(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult {
    let subject = subject(th, "itemgetter", args)?;
    let items = tuple(&this::<ItemGetter>(o).items);
    if items.len() == 1 {
        let key = items.get(0);
        if key.word().is_int()
            && let Some(t) = subject.downcast_exact::<Tuple>()
            && let Some(v) = usize::try_from(key.word().int()).ok().filter(|i| *i < t.len())
        {
            return Ok(t.get(v).to_owned());
        }
        return subject.getitem(th, key);
    }
    let mut out = Items::new();
    for key in items.iter() {
        out.push(subject.getitem(th, key)?);
    }
    Ok(out.into_tuple(th))
}

fn item_repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let items = repr_list(th, tuple(&this::<ItemGetter>(o).items).iter())?;
    Ok(th.new_str(&format!("{}({items})", class_name(o, "itemgetter"))))
}

fn item_reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let items = this::<ItemGetter>(a[0]).items.fixed().unwrap_or(Borrowed::none()).to_owned();
    reduced(th, a[0], items)
}

payload! {
    /// `operator.attrgetter`.
    pub struct AttrGetter: ATTR {
        /// One interned str per plain name, a tuple of them per dotted name.
        paths: Slot,
        /// The names as given.
        names: Slot,
    }
}

pub static ATTR: TypeDef = TypeDef {
    module: "operator",
    flags: type_flags::GC,
    doc: "Return a callable object that fetches the given attribute(s) from its operand.\n\nAfter f = attrgetter('name'), \
          the call f(r) returns r.name.\nAfter g = attrgetter('name', 'date'), the call g(r) returns (r.name, \
          r.date).\nAfter h = attrgetter('name.first', 'name.last'), the call h(r) returns\n(r.name.first, \
          r.name.last).",
    slots: Slots { new: Some(attr_new), call: Some(attr_call), repr: Some(attr_repr), ..Slots::NONE },
    methods: &[NativeDef::new(
        "__reduce__",
        "($self, /)",
        attr_reduce,
        "Return state information for pickling",
    )],
    ..TypeDef::of::<AttrGetter>("attrgetter")
};

fn attr_new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    some_arguments(th, "attrgetter", args)?;
    let mut paths = Vec::with_capacity(args.pos().len());
    for name in args.pos() {
        let Some(text) = name.downcast::<Str>() else {
            return Err(th.type_error("attribute name must be a string"));
        };
        if typhon_text::search::find_point(text.data(), u32::from(b'.')).is_none() {
            paths.push(th.intern_str(*name));
            continue;
        }
        let mut parts = Vec::new();
        let data = text.data();
        let mut ranges = Vec::new();
        typhon_text::search::split(data, typhon_text::StrData::One(b"."), usize::MAX, |r| ranges.push(r));
        for r in ranges {
            let part = th.new_str_data(data.slice(r.start, r.end));
            parts.push(th.intern_str(part.borrow()));
        }
        paths.push(th.new_tuple(parts));
    }
    let paths = Slot::new(th.new_tuple(paths));
    let names = Slot::new(tuple_of(th, args.pos()));
    made(th, ty, AttrGetter { header: unborn(), paths, names })
}

fn follow(th: &mut Thread, subject: Borrowed<'_>, path: Borrowed<'_>) -> PyResult {
    let Some(parts) = path.downcast_exact::<Tuple>() else { return subject.getattr(th, path) };
    let mut v = subject.to_owned();
    for name in parts.iter() {
        v = v.borrow().getattr(th, name)?;
    }
    Ok(v)
}

fn attr_call(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult {
    let subject = subject(th, "attrgetter", args)?;
    let paths = tuple(&this::<AttrGetter>(o).paths);
    if paths.len() == 1 {
        return follow(th, subject, paths.get(0));
    }
    let mut out = Items::new();
    for path in paths.iter() {
        out.push(follow(th, subject, path)?);
    }
    Ok(out.into_tuple(th))
}

fn attr_repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let names = repr_list(th, tuple(&this::<AttrGetter>(o).names).iter())?;
    Ok(th.new_str(&format!("{}({names})", class_name(o, "attrgetter"))))
}

fn attr_reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let names = this::<AttrGetter>(a[0]).names.fixed().unwrap_or(Borrowed::none()).to_owned();
    reduced(th, a[0], names)
}

payload! {
    /// `operator.methodcaller`.
    pub struct MethodCaller: METHOD {
        name: Slot,
        /// Positional arguments, then values of keywords: a tuple.
        values: Slot,
        /// Names of the keywords: a tuple.
        keywords: Slot,
    }
}

pub static METHOD: TypeDef = TypeDef {
    module: "operator",
    flags: type_flags::GC,
    doc: "Return a callable object that calls the given method on its operand.\n\nAfter f = methodcaller('name'), the call \
          f(r) returns r.name().\nAfter g = methodcaller('name', 'date', foo=1), the call g(r) returns\nr.name('date', \
          foo=1).",
    slots: Slots { new: Some(method_new), call: Some(method_call), repr: Some(method_repr), ..Slots::NONE },
    methods: &[NativeDef::new(
        "__reduce__",
        "($self, /)",
        method_reduce,
        "Return state information for pickling",
    )],
    ..TypeDef::of::<MethodCaller>("methodcaller")
};

fn method_new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let Some(name) = args.pos().first() else {
        return Err(th.type_error("methodcaller needs at least one argument, the method name"));
    };
    if name.downcast::<Str>().is_none() {
        return Err(th.type_error("method name must be a string"));
    }
    let name = Slot::new(th.intern_str(*name));
    let values = Slot::new(tuple_of(th, &args.all[1..]));
    let names: Vec<Owned> = args.keywords().map(|(n, _)| n.to_owned()).collect();
    let keywords = Slot::new(th.new_tuple(names));
    made(th, ty, MethodCaller { header: unborn(), name, values, keywords })
}

fn method_call(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult {
    let subject = subject(th, "methodcaller", args)?;
    let m: &MethodCaller = this(o);
    let name = m.name.fixed().unwrap_or(Borrowed::none());
    let (values, keywords) = (tuple(&m.values), tuple(&m.keywords));
    if keywords.is_empty() {
        return match values.len() {
            0 => subject.call_method(th, name, &[]),
            1 => subject.call_method(th, name, &[values.get(0)]),
            2 => subject.call_method(th, name, &[values.get(0), values.get(1)]),
            _ => {
                let view: Vec<Borrowed<'_>> = values.iter().collect();
                subject.call_method(th, name, &view)
            }
        };
    }
    let f = subject.getattr(th, name)?;
    let view: Vec<Borrowed<'_>> = values.iter().collect();
    let names = Borrowed::from_payload(keywords);
    f.borrow().call_args(th, Args { all: &view, n_positional: view.len() - keywords.len(), names })
}

fn method_repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let m: &MethodCaller = this(o);
    let mut out = m.name.fixed().unwrap_or(Borrowed::none()).repr_text(th)?;
    let (values, keywords) = (tuple(&m.values), tuple(&m.keywords));
    let n = values.len() - keywords.len();
    for (i, v) in values.iter().enumerate() {
        out.push_str(", ");
        if i >= n {
            out.push_str(&keywords.get(i - n).str_text(th)?);
            out.push('=');
        }
        out.push_str(&v.repr_text(th)?);
    }
    Ok(th.new_str(&format!("{}({out})", class_name(o, "methodcaller"))))
}

fn method_reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let m: &MethodCaller = this(a[0]);
    let name = m.name.fixed().unwrap_or(Borrowed::none());
    let (values, keywords) = (tuple(&m.values), tuple(&m.keywords));
    let n = values.len() - keywords.len();
    if keywords.is_empty() {
        let args = th.new_tuple_with(n + 1, |i| if i == 0 { name } else { values.get(i - 1) }.to_owned());
        return reduced(th, a[0], args);
    }
    // The keywords travel in a partial object of the class.
    let partial = crate::support::import_attr(th, "functools", "partial")?;
    let options = th.new_dict();
    for (i, k) in keywords.iter().enumerate() {
        options.payload::<Dict>().set(th, k, values.get(n + i).to_owned())?;
    }
    let mut all = vec![a[0].ty().as_value(), name];
    all.extend((n..values.len()).map(|i| values.get(i)));
    let names = Borrowed::from_payload(keywords);
    let constructor = partial.borrow().call_args(th, Args { all: &all, n_positional: 2, names })?;
    let args = th.new_tuple_with(n, |i| values.get(i).to_owned());
    Ok(th.new_pair(constructor, args))
}
