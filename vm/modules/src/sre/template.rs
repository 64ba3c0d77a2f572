//! Replacement templates: literal text and groups in turn.

use typhon_core::builtins::list::List;
use typhon_core::{Borrowed, Data, Owned, PyResult, Slot, Thread, TypeDef, payload, type_flags, unborn};

payload! {
    /// A parsed template.
    pub struct Template: TEMPLATE {
        /// Text before the first group.
        pub literal: Slot,
        /// Text behind each group.
        pub literals: Vec<Slot>,
        pub groups: Data<Box<[usize]>>,
    }
}

pub static TEMPLATE: TypeDef = TypeDef {
    module: "_sre",
    flags: type_flags::GC | type_flags::NO_NEW | type_flags::IMMUTABLE,
    ..TypeDef::of::<Template>("SRE_Template")
};

/// `_sre.template(pattern, parts)`
pub fn make(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let parts: Vec<Owned> = match a[1].downcast::<List>() {
        Some(l) => l.to_vec(),
        None => return Err(th.type_error("template() argument 2 must be list")),
    };
    if parts.len() % 2 == 0 {
        return Err(th.type_error("invalid template"));
    }
    let mut parts = parts.into_iter();
    let literal = Slot::from_option(parts.next());
    let (mut literals, mut groups) = (Vec::new(), Vec::new());
    while let (Some(group), Some(text)) = (parts.next(), parts.next()) {
        let g = group.borrow().to_isize(th)?;
        match usize::try_from(g) {
            Ok(g) => groups.push(g),
            Err(_) => return Err(th.type_error("invalid template")),
        }
        literals.push(Slot::new(text));
    }
    Ok(th.alloc(Template { header: unborn(), literal, literals, groups: Data(groups.into()) }))
}
