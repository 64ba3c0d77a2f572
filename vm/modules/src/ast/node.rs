//! The class `AST` and the making of its subclasses.

use typhon_core::attributes::{generic_setattr, instance_dict};
use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::exceptions as ex;
use typhon_core::builtins::list::List;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::number::{BinaryOp, binary_op};
use typhon_core::{
    Args, Borrowed, NativeDef, Owned, PyResult, Slots, Thread, Type, TypeDef, payload, type_flags, unborn,
};

use super::grammar::{Field, GRAMMAR, Many, Position, Rule, form};
use crate::args::this;
use crate::support::{ModuleExt, builtin};

payload! {
    /// A node of a syntax tree: nothing but attributes.
    pub struct Node: AST {}
}

pub static AST: TypeDef = TypeDef {
    module: "ast",
    flags: type_flags::GC | type_flags::BASE | type_flags::DICT,
    slots: Slots { new: Some(new), init: Some(init), repr: Some(repr), ..Slots::NONE },
    methods: &[
        NativeDef::new("__reduce__", "($self, /)", reduce, "Return state information for pickling"),
        NativeDef::raw(
            "__replace__",
            "($self, /, **fields)",
            replace,
            "Return a copy of the AST node with new values for the specified fields.",
        ),
    ],
    setup: Some(class_setup),
    ..TypeDef::of::<Node>("AST")
};

fn class_setup(th: &mut Thread, ty: &Type) -> PyResult<()> {
    for name in ["_fields", "_attributes", "__match_args__"] {
        let name = th.intern(name);
        let empty = th.new_tuple(Vec::new());
        ty.namespace().set(th, name.borrow(), empty)?;
    }
    let name = th.intern("_field_types");
    let empty = th.new_dict();
    ty.namespace().set(th, name.borrow(), empty)
}

/// A node without attributes.
pub fn bare(th: &mut Thread, class: &Type) -> Owned {
    th.alloc_as(Node { header: unborn() }, class)
}

fn new(th: &mut Thread, ty: &Type, _: Args<'_>) -> PyResult {
    Ok(bare(th, ty))
}

/// The names in a class attribute such as `_fields`.
fn names(th: &mut Thread, class: Borrowed<'_>, attribute: &str) -> PyResult<Vec<Owned>> {
    let name = th.intern(attribute);
    match class.getattr_opt(th, name.borrow())? {
        Some(v) => v.borrow().to_vec(th),
        None => Ok(Vec::new()),
    }
}

fn position_of(th: &mut Thread, names: &[Owned], name: Borrowed<'_>) -> PyResult<Option<usize>> {
    for (i, n) in names.iter().enumerate() {
        if n.borrow().equals(th, name)? {
            return Ok(Some(i));
        }
    }
    Ok(None)
}

fn init(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult<()> {
    let class = o.ty().as_value();
    let fields = names(th, class, "_fields")?;
    let pos = args.pos();
    let class_name = o.type_name(th);
    if pos.len() > fields.len() {
        let msg = format!(
            "{class_name} constructor takes at most {} positional argument{}",
            fields.len(),
            if fields.len() == 1 { "" } else { "s" }
        );
        return Err(th.type_error(&msg));
    }
    let mut given = vec![false; fields.len()];
    for (i, v) in pos.iter().enumerate() {
        o.setattr(th, fields[i].borrow(), Some(*v))?;
        given[i] = true;
    }
    let mut attributes = None;
    for (k, v) in args.keywords() {
        match position_of(th, &fields, k)? {
            Some(i) if given[i] => {
                let k = k.repr_text(th)?;
                return Err(th.type_error(&format!("{class_name} got multiple values for argument {k}")));
            }
            Some(i) => given[i] = true,
            None => {
                if attributes.is_none() {
                    attributes = Some(names(th, class, "_attributes")?);
                }
                let known = attributes.as_deref().unwrap_or_default();
                if position_of(th, known, k)?.is_none() {
                    let k = k.repr_text(th)?;
                    let msg = format!(
                        "{class_name}.__init__ got an unexpected keyword argument {k}. Support for arbitrary \
                         keyword arguments is deprecated and will be removed in Python 3.15."
                    );
                    typhon_core::warnings::warn(th, &ex::DEPRECATION_WARNING, &msg, 1)?;
                }
            }
        }
        o.setattr(th, k, Some(v))?;
    }
    if given.iter().all(|g| *g) {
        return Ok(());
    }
    let types = class.getattr_str(th, "_field_types")?;
    for (field, given) in fields.iter().zip(given) {
        if !given {
            default(th, o, &class_name, field.borrow(), types.borrow())?;
        }
    }
    Ok(())
}

/// Fills a field that was not given, by its type.
fn default(
    th: &mut Thread,
    o: Borrowed<'_>,
    class_name: &str,
    field: Borrowed<'_>,
    types: Borrowed<'_>,
) -> PyResult<()> {
    let ty = match types.downcast::<Dict>() {
        Some(d) => d.get(th, field)?,
        None => None,
    };
    let Some(ty) = ty else {
        let field = field.repr_text(th)?;
        let msg = format!(
            "Field {field} is missing from {class_name}._field_types. This will become an error in Python 3.15."
        );
        return typhon_core::warnings::warn(th, &ex::DEPRECATION_WARNING, &msg, 1);
    };
    match ty.borrow().type_name(th).as_str() {
        // Optional: the class has the default.
        "Union" | "typing.Union" => Ok(()),
        "GenericAlias" | "types.GenericAlias" => {
            let empty = th.new_list(Vec::new());
            o.setattr(th, field, Some(empty.borrow()))
        }
        _ => {
            let is_context = match ty.downcast::<Type>() {
                Some(t) => t.short_name() == "expr_context",
                None => false,
            };
            if is_context {
                let load = crate::support::import_attr(th, "_ast", "Load")?;
                let load = load.borrow().call(th, &[])?;
                return o.setattr(th, field, Some(load.borrow()));
            }
            let field = field.repr_text(th)?;
            let msg = format!(
                "{class_name}.__init__ missing 1 required positional argument: {field}. This will become an \
                 error in Python 3.15."
            );
            typhon_core::warnings::warn(th, &ex::DEPRECATION_WARNING, &msg, 1)
        }
    }
}

fn dict_of(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    instance_dict(th, &this::<Node>(o).header)
}

/// `(class, leading fields, {everything else})`: positional fields keep the constructor quiet.
fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let o = a[0];
    let class = o.ty().as_value();
    let state = dict_of(th, o)?;
    let rest = state.payload::<Dict>().copy(th);
    let mut positional = Vec::new();
    for field in names(th, class, "_fields")? {
        match rest.payload::<Dict>().remove(th, field.borrow())? {
            Some(v) => positional.push(v),
            None => break,
        }
    }
    let positional = th.new_tuple(positional);
    Ok(th.new_tuple(vec![class.to_owned(), positional, rest]))
}

fn replace(th: &mut Thread, args: Args<'_>) -> PyResult {
    let o = args.all[0];
    if args.n_positional > 1 {
        let msg = format!("__replace__() takes no positional arguments ({} given)", args.n_positional - 1);
        return Err(th.type_error(&msg));
    }
    let class = o.ty().as_value();
    let mut known = names(th, class, "_fields")?;
    known.extend(names(th, class, "_attributes")?);
    let new = bare(th, o.ty());
    let old = dict_of(th, o)?;
    for (k, v) in old.payload::<Dict>().entries() {
        new.borrow().setattr(th, k.borrow(), Some(v.borrow()))?;
    }
    for (k, v) in args.keywords() {
        if position_of(th, &known, k)?.is_none() {
            let msg = format!(
                "{}.__replace__ got an unexpected keyword argument {}.",
                o.type_name(th),
                k.repr_text(th)?
            );
            return Err(th.type_error(&msg));
        }
        new.borrow().setattr(th, k, Some(v))?;
    }
    Ok(new)
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let mut text = String::new();
    write_node(th, o, 3, &mut text)?;
    Ok(th.new_str(&text))
}

/// Nodes deeper than `depth`, and the middles of long lists, are shown as dots.
fn write_node(th: &mut Thread, o: Borrowed<'_>, depth: u32, out: &mut String) -> PyResult<()> {
    out.push_str(&o.ty().short_name());
    let fields = names(th, o.ty().as_value(), "_fields")?;
    out.push('(');
    if depth == 0 {
        out.push_str("...)");
        return Ok(());
    }
    let mut first = true;
    for field in fields {
        let Some(v) = o.getattr_opt(th, field.borrow())? else { continue };
        if !first {
            out.push_str(", ");
        }
        first = false;
        out.push_str(&field.borrow().str_text(th)?);
        out.push('=');
        write_value(th, v.borrow(), depth, out)?;
    }
    out.push(')');
    Ok(())
}

fn write_value(th: &mut Thread, v: Borrowed<'_>, depth: u32, out: &mut String) -> PyResult<()> {
    if v.downcast::<Node>().is_some() {
        return write_node(th, v, depth - 1, out);
    }
    let (open, close) = if v.downcast::<List>().is_some() {
        ('[', ']')
    } else if v.downcast::<Tuple>().is_some() {
        ('(', ')')
    } else {
        out.push_str(&v.repr_text(th)?);
        return Ok(());
    };
    let items = v.to_vec(th)?;
    out.push(open);
    for (i, item) in items.iter().enumerate() {
        let dots = items.len() > 2 && i != 0 && i != items.len() - 1;
        if i > 0 && !(dots && i > 1) {
            out.push_str(", ");
        }
        if !dots {
            write_value(th, item.borrow(), depth, out)?;
        } else if i == 1 {
            out.push_str("...");
        }
    }
    out.push(close);
    Ok(())
}

/// The Python type that stands for a type of the grammar in `_field_types`.
fn field_type(th: &mut Thread, module: Borrowed<'_>, field: &Field) -> PyResult {
    let one = match field.ty {
        "identifier" | "string" => builtin(th, "str"),
        "int" => builtin(th, "int"),
        "constant" => builtin(th, "object"),
        other => module.getattr_str(th, other)?,
    };
    match field.many {
        Many::One => Ok(one),
        Many::Optional => binary_op(th, BinaryOp::Or, one.borrow(), Borrowed::none()),
        Many::List | Many::OptionalList => {
            let list = builtin(th, "list");
            list.borrow().getitem(th, one.borrow())
        }
    }
}

fn str_tuple(th: &mut Thread, names: &[&str]) -> Owned {
    let names = names.iter().map(|n| th.intern(n)).collect();
    th.new_tuple(names)
}

/// Makes a class of the module and binds it.
fn make(
    th: &mut Thread,
    module: Borrowed<'_>,
    name: &str,
    base: Borrowed<'_>,
    doc: &str,
    entries: Vec<(&str, Owned)>,
) -> PyResult {
    let ns = th.new_dict();
    let module_name = th.intern("ast");
    let doc = th.new_str(doc);
    for (k, v) in [("__module__", module_name), ("__doc__", doc)].into_iter().chain(entries) {
        let k = th.intern(k);
        ns.payload::<Dict>().set(th, k.borrow(), v)?;
    }
    let class_name = th.intern(name);
    let bases = th.new_tuple(vec![base.to_owned()]);
    let meta = builtin(th, "type");
    let class = meta.borrow().call(th, &[class_name.borrow(), bases.borrow(), ns.borrow()])?;
    module.add(th, name, class.clone())?;
    Ok(class)
}

fn attributes(th: &mut Thread, rule: &Rule, entries: &mut Vec<(&'static str, Owned)>) {
    entries.push(("_attributes", str_tuple(th, rule.position.names())));
    if rule.position == Position::OptionalEnd {
        entries.push(("end_lineno", Owned::none()));
        entries.push(("end_col_offset", Owned::none()));
    }
}

fn field_entries(th: &mut Thread, fields: &[Field], entries: &mut Vec<(&'static str, Owned)>) {
    let names: Vec<&str> = fields.iter().map(|f| f.name).collect();
    let tuple = str_tuple(th, &names);
    entries.push(("_fields", tuple.clone()));
    entries.push(("__match_args__", tuple));
    for f in fields.iter().filter(|f| f.many == Many::Optional) {
        entries.push((f.name, Owned::none()));
    }
}

/// Shown form of a grammar text: the documentation does not tell that items of lists can be missing.
fn shown(text: &str) -> String {
    text.replace("?*", "*")
}

/// Makes all classes.
pub fn make_classes(th: &mut Thread, module: Borrowed<'_>) -> PyResult<()> {
    let ast = AST.ty().as_value();
    for rule in GRAMMAR {
        let product = rule.forms[0].starts_with('(');
        let mut entries = Vec::new();
        attributes(th, rule, &mut entries);
        let base_doc = if product {
            let (_, fields) = form(rule.forms[0]);
            field_entries(th, &fields, &mut entries);
            format!("{}{}", rule.name, shown(rule.forms[0]))
        } else {
            let pad = " ".repeat(rule.name.len());
            let plain = rule.forms.iter().all(|f| !f.contains('('));
            let sep = if plain { String::from(" | ") } else { format!("\n{pad} | ") };
            let forms: Vec<String> = rule.forms.iter().map(|f| shown(f)).collect();
            format!("{} = {}", rule.name, forms.join(&sep))
        };
        let base = make(th, module, rule.name, ast, &base_doc, entries)?;
        if !product {
            for text in rule.forms {
                let (name, fields) = form(text);
                let mut entries = Vec::new();
                field_entries(th, &fields, &mut entries);
                make(th, module, name, base.borrow(), &shown(text), entries)?;
            }
        }
    }
    // Field types need all the classes.
    for rule in GRAMMAR {
        for text in rule.forms {
            let (name, fields) = form(text);
            let class = module.getattr_str(th, if name.is_empty() { rule.name } else { name })?;
            let types = th.new_dict();
            for field in &fields {
                let ty = field_type(th, module, field)?;
                let key = th.intern(field.name);
                types.payload::<Dict>().set(th, key.borrow(), ty)?;
            }
            let key = th.intern("_field_types");
            class.borrow().setattr(th, key.borrow(), Some(types.borrow()))?;
        }
    }
    Ok(())
}

/// Sets an attribute of a fresh node.
pub fn set(th: &mut Thread, node: &Owned, name: &'static str, v: Owned) -> PyResult<()> {
    let name = th.intern(name);
    generic_setattr(th, node.borrow(), name.borrow(), Some(v.borrow()))
}
