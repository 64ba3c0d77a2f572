//! `string.templatelib.Template` and `Interpolation`: what a t-string evaluates to (PEP 750).

use typhon_sync::prim::{AtomicUsize, Ordering};

use typhon_text::StrBuf;

use crate::builtins::str::Str;
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{Args, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{GetSetDef, NativeDef, TypeDef, type_flags};
use crate::types::Type;

crate::payload! {
    /// The literal parts of a template and the interpolations between them.
    pub struct Template: DEF {
        /// Tuple of strs, one more than there are interpolations.
        strings: Slot,
        /// Tuple of interpolations.
        interpolations: Slot,
    }
}

crate::payload! {
    /// One replacement field of a template, evaluated but not formatted.
    pub struct Interpolation: INTERPOLATION {
        value: Slot,
        /// Source text of the expression: str.
        expression: Slot,
        /// `'s'`, `'r'`, `'a'` or None.
        conversion: Slot,
        /// str
        format_spec: Slot,
    }
}

pub static DEF: TypeDef = TypeDef {
    module: "string.templatelib",
    doc: "Template object",
    slots: Slots {
        repr: Some(template_repr),
        iter: Some(template_iter),
        new: Some(template_new),
        concat: Some(template_concat),
        ..Slots::NONE
    },
    methods: &[NativeDef::new("__reduce__", "($self, /)", template_reduce, "")],
    getset: &[
        GetSetDef {
            name: "strings",
            get: |_, o| Ok(field(&template(o).strings).to_owned()),
            set: None,
            doc: "Strings",
        },
        GetSetDef {
            name: "interpolations",
            get: |_, o| Ok(field(&template(o).interpolations).to_owned()),
            set: None,
            doc: "Interpolations",
        },
        GetSetDef { name: "values", get: values, set: None, doc: "Values of interpolations" },
    ],
    ..TypeDef::of::<Template>("Template")
};

pub static INTERPOLATION: TypeDef = TypeDef {
    module: "string.templatelib",
    doc: "Interpolation object",
    slots: Slots { repr: Some(interpolation_repr), new: Some(interpolation_new), ..Slots::NONE },
    methods: &[
        NativeDef::new("__reduce__", "($self, /)", interpolation_reduce, ""),
        super::generic_alias::CLASS_GETITEM,
    ],
    getset: &[
        GetSetDef {
            name: "value",
            get: |_, o| Ok(field(&interpolation(o).value).to_owned()),
            set: None,
            doc: "Value",
        },
        GetSetDef {
            name: "expression",
            get: |_, o| Ok(field(&interpolation(o).expression).to_owned()),
            set: None,
            doc: "Expression",
        },
        GetSetDef {
            name: "conversion",
            get: |_, o| Ok(field(&interpolation(o).conversion).to_owned()),
            set: None,
            doc: "Conversion",
        },
        GetSetDef {
            name: "format_spec",
            get: |_, o| Ok(field(&interpolation(o).format_spec).to_owned()),
            set: None,
            doc: "Format specification",
        },
    ],
    setup: Some(interpolation_setup),
    ..TypeDef::of::<Interpolation>("Interpolation")
};

/// The iterator over the parts of a template.
pub static ITERATOR: TypeDef = TypeDef {
    module: "string.templatelib",
    flags: type_flags::GC | type_flags::NO_NEW,
    slots: Slots { iter: Some(|_, o| Ok(o.to_owned())), next: Some(iterator_next), ..Slots::NONE },
    ..TypeDef::of::<TemplateIterator>("TemplateIter")
};

crate::payload! {
    /// Goes through strings and interpolations in order and leaves empty strings out.
    pub struct TemplateIterator: ITERATOR {
        of: Slot,
        /// Twice the number of the part, plus one for interpolations.
        next: AtomicUsize,
    }
}

fn template(o: Borrowed<'_>) -> &Template {
    o.downcast::<Template>().expect("self is a template")
}

fn interpolation(o: Borrowed<'_>) -> &Interpolation {
    o.downcast::<Interpolation>().expect("self is an interpolation")
}

fn field(s: &Slot) -> Borrowed<'_> {
    s.fixed().unwrap_or(Borrowed::none())
}

impl Template {
    fn strings(&self) -> &Tuple {
        field(&self.strings).downcast::<Tuple>().expect("strings are a tuple")
    }
    fn interpolations(&self) -> &Tuple {
        field(&self.interpolations).downcast::<Tuple>().expect("interpolations are a tuple")
    }
}

/// BUILD_TEMPLATE: `strings` is a tuple of strs, `interpolations` one of interpolations, one item shorter.
pub fn new_template(th: &mut Thread, strings: Borrowed<'_>, interpolations: Borrowed<'_>) -> PyResult {
    Ok(th.alloc(Template {
        header: unborn(),
        strings: Slot::new(strings.to_owned()),
        interpolations: Slot::new(interpolations.to_owned()),
    }))
}

/// BUILD_INTERPOLATION. `conversion` is 0 for none, or 1, 2, 3 for `!s`, `!r`, `!a`.
pub fn new_interpolation(
    th: &mut Thread,
    value: Borrowed<'_>,
    expression: Borrowed<'_>,
    conversion: u32,
    format_spec: Option<Borrowed<'_>>,
) -> PyResult {
    let conversion = match conversion {
        1 => th.char_str('s'.into()),
        2 => th.char_str('r'.into()),
        3 => th.char_str('a'.into()),
        _ => Owned::none(),
    };
    let format_spec = match format_spec {
        Some(s) => s.to_owned(),
        None => th.empty_str(),
    };
    Ok(build(th, value.to_owned(), expression.to_owned(), conversion, format_spec))
}

fn build(th: &mut Thread, value: Owned, expression: Owned, conversion: Owned, format_spec: Owned) -> Owned {
    th.alloc(Interpolation {
        header: unborn(),
        value: Slot::new(value),
        expression: Slot::new(expression),
        conversion: Slot::new(conversion),
        format_spec: Slot::new(format_spec),
    })
}

fn template_new(th: &mut Thread, _ty: &Type, args: Args<'_>) -> PyResult {
    if args.has_keywords() {
        return Err(th.type_error("Template.__new__ only accepts *args arguments"));
    }
    let (mut strings, mut interpolations) = (Vec::new(), Vec::new());
    let mut text = StrBuf::new();
    for part in args.pos().iter().copied() {
        if let Some(s) = part.downcast::<Str>() {
            text.push_data(s.data());
        } else if part.downcast::<Interpolation>().is_some() {
            strings.push(th.new_str_buf(core::mem::take(&mut text)));
            interpolations.push(part.to_owned());
        } else {
            let msg = format!(
                "Template.__new__ *args need to be of type 'str' or 'Interpolation', got {}",
                part.type_name(th)
            );
            return Err(th.type_error(&msg));
        }
    }
    strings.push(th.new_str_buf(text));
    let (strings, interpolations) = (th.new_tuple(strings), th.new_tuple(interpolations));
    new_template(th, strings.borrow(), interpolations.borrow())
}

fn template_repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    super::sequence::guarded_repr(th, o, "...", |th| {
        let t = template(o);
        let mut out = StrBuf::from("Template(strings=");
        super::sequence::push_repr(th, &mut out, field(&t.strings))?;
        out.push_str(", interpolations=");
        super::sequence::push_repr(th, &mut out, field(&t.interpolations))?;
        out.push_str(")");
        Ok(th.new_str_buf(out))
    })
}

fn template_iter(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(th.alloc(TemplateIterator {
        header: unborn(),
        of: Slot::new(o.to_owned()),
        next: AtomicUsize::new(0),
    }))
}

fn iterator_next(_th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let it = o.downcast::<TemplateIterator>().expect("self is a template iterator");
    let t = template(field(&it.of));
    loop {
        // ORDERING Relaxed: a position; threads that share an iterator may see a part twice.
        let i = it.next.load(Ordering::Relaxed);
        let parts = if i & 1 == 0 { t.strings() } else { t.interpolations() };
        if i / 2 >= parts.len() {
            return Ok(None);
        }
        // ORDERING Relaxed: as above.
        it.next.store(i + 1, Ordering::Relaxed);
        let part = parts.get(i / 2);
        if part.downcast::<Str>().is_none_or(|s| !s.is_empty()) || i & 1 == 1 {
            return Ok(Some(part.to_owned()));
        }
    }
}

fn values(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let items =
        template(o).interpolations().iter().map(|i| field(&interpolation(i).value).to_owned()).collect();
    Ok(th.new_tuple(items))
}

fn template_concat(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    let x = template(a);
    let Some(y) = b.downcast::<Template>() else {
        let msg = format!(
            "can only concatenate string.templatelib.Template (not \"{}\") to string.templatelib.Template",
            b.type_name(th)
        );
        return Err(th.type_error(&msg));
    };
    let (left, right) = (x.strings(), y.strings());
    let seam = joined(th, left.get(left.len() - 1), right.get(0))?;
    let mut strings: Vec<Owned> = left.iter().take(left.len() - 1).map(Borrowed::to_owned).collect();
    strings.push(seam);
    strings.extend(right.iter().skip(1).map(Borrowed::to_owned));
    let both = x.interpolations().iter().chain(y.interpolations().iter());
    let interpolations: Vec<Owned> = both.map(|i| i.to_owned()).collect();
    let (strings, interpolations) = (th.new_tuple(strings), th.new_tuple(interpolations));
    new_template(th, strings.borrow(), interpolations.borrow())
}

fn joined(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    super::str::concat_many(th, &[a, b])
}

/// The function of `string.templatelib` that puts a template together again.
fn template_reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let module = crate::import::import_module(th, "string.templatelib")?;
    let function = module.borrow().getattr_str(th, "_template_unpickle")?;
    let t = template(a[0]);
    let args = th.new_tuple(vec![field(&t.strings).to_owned(), field(&t.interpolations).to_owned()]);
    Ok(th.new_tuple(vec![function, args]))
}

fn interpolation_new(th: &mut Thread, _ty: &Type, args: Args<'_>) -> PyResult {
    const NAMES: [&str; 4] = ["value", "expression", "conversion", "format_spec"];
    if args.all.len() > 4 {
        let msg = format!("Interpolation() takes at most 4 arguments ({} given)", args.all.len());
        return Err(th.type_error(&msg));
    }
    let mut given: [Option<Borrowed<'_>>; 4] = core::array::from_fn(|i| args.pos().get(i).copied());
    for (name, value) in args.keywords() {
        match name.downcast::<Str>().and_then(|n| NAMES.iter().position(|k| n.is_text(k))) {
            Some(i) if given[i].is_none() => given[i] = Some(value),
            _ => {
                let msg =
                    format!("Interpolation() got an unexpected keyword argument '{}'", name.str_text(th)?);
                return Err(th.type_error(&msg));
            }
        }
    }
    let Some(value) = given[0] else {
        return Err(th.type_error("Interpolation() missing required argument 'value' (pos 1)"));
    };
    let mut text = |i: usize| -> PyResult<Owned> {
        match given[i] {
            None => Ok(th.empty_str()),
            Some(v) if v.downcast::<Str>().is_some() => Ok(v.to_owned()),
            Some(v) => {
                let msg =
                    format!("Interpolation() argument '{}' must be str, not {}", NAMES[i], v.type_name(th));
                Err(th.type_error(&msg))
            }
        }
    };
    let expression = text(1)?;
    let format_spec = text(3)?;
    let conversion = match given[2] {
        None => Owned::none(),
        Some(c) if c.is_none() => Owned::none(),
        Some(c) => match c.downcast::<Str>() {
            Some(s) if ["s", "a", "r"].iter().any(|k| s.is_text(k)) => c.to_owned(),
            Some(_) => {
                return Err(
                    th.value_error("Interpolation() argument 'conversion' must be one of 's', 'a' or 'r'")
                );
            }
            None => {
                let msg =
                    format!("Interpolation() argument 'conversion' must be str, not {}", c.type_name(th));
                return Err(th.type_error(&msg));
            }
        },
    };
    Ok(build(th, value.to_owned(), expression, conversion, format_spec))
}

fn fields(i: &Interpolation) -> [&Slot; 4] {
    [&i.value, &i.expression, &i.conversion, &i.format_spec]
}

fn interpolation_repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    super::sequence::guarded_repr(th, o, "...", |th| {
        let mut out = StrBuf::from("Interpolation(");
        for (i, f) in fields(interpolation(o)).into_iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            super::sequence::push_repr(th, &mut out, field(f))?;
        }
        out.push_str(")");
        Ok(th.new_str_buf(out))
    })
}

fn interpolation_reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let args = fields(interpolation(a[0])).into_iter().map(|f| field(f).to_owned()).collect();
    let args = th.new_tuple(args);
    let ty = INTERPOLATION.ty().as_value().to_owned();
    Ok(th.new_tuple(vec![ty, args]))
}

fn interpolation_setup(th: &mut Thread, ty: &Type) -> PyResult<()> {
    let names = ["value", "expression", "conversion", "format_spec"].map(|n| th.intern(n));
    let names = th.new_tuple(names.into());
    let key = th.rt.names.__match_args__.get();
    ty.namespace().set(th, key, names)
}
