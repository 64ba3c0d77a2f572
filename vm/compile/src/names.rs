//! Interned identifiers.

use std::collections::HashMap;

/// An interned identifier of one compilation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Sym(u32);

macro_rules! well_known {
    ($($name:ident $text:literal)*) => {
        /// Identifiers the compiler itself uses.
        pub(crate) mod known {
            use super::Sym;
            #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
            enum Index { $($name),* }
            $( pub(crate) const $name: Sym = Sym(Index::$name as u32); )*
        }
        const WELL_KNOWN: &[&str] = &[$($text),*];
    };
}

well_known! {
    CLASS "__class__"
    CLASSDICT "__classdict__"
    CONDITIONAL_ANNOTATIONS "__conditional_annotations__"
    SUPER "super"
    DEBUG "__debug__"
    FORMAT ".format"
    ITERABLE ".0"
    TYPE_PARAMS ".type_params"
    GENERIC_BASE ".generic_base"
    DEFAULTS ".defaults"
    KWDEFAULTS ".kwdefaults"
    DUNDER_TYPE_PARAMS "__type_params__"
    ANNOTATE "__annotate__"
    ANNOTATE_FUNC "__annotate_func__"
    ANNOTATIONS "__annotations__"
    NAME "__name__"
    MODULE "__module__"
    QUALNAME "__qualname__"
    FIRSTLINENO "__firstlineno__"
    STATIC_ATTRIBUTES "__static_attributes__"
    CLASSDICTCELL "__classdictcell__"
    CLASSCELL "__classcell__"
    DOC "__doc__"
    LAMBDA "<lambda>"
    LISTCOMP "<listcomp>"
    SETCOMP "<setcomp>"
    DICTCOMP "<dictcomp>"
    GENEXPR "<genexpr>"
    MODULE_NAME "<module>"
}

/// The identifiers of one compilation.
pub(crate) struct Names {
    index: HashMap<Box<str>, Sym>,
    texts: Vec<Box<str>>,
}

impl Names {
    pub(crate) fn new() -> Self {
        let mut names = Names { index: HashMap::new(), texts: Vec::new() };
        for text in WELL_KNOWN {
            names.sym(text);
        }
        names
    }

    pub(crate) fn sym(&mut self, text: &str) -> Sym {
        if let Some(&sym) = self.index.get(text) {
            return sym;
        }
        let sym = Sym(self.texts.len() as u32);
        self.texts.push(text.into());
        self.index.insert(text.into(), sym);
        sym
    }

    pub(crate) fn text(&self, sym: Sym) -> &str {
        &self.texts[sym.0 as usize]
    }

    /// `__name` inside class `C` is `_C__name`.
    pub(crate) fn mangle(&mut self, class: Option<Sym>, name: Sym) -> Sym {
        let text = self.text(name);
        let Some(class) = class else { return name };
        if !text.starts_with("__") || text.ends_with("__") || text.contains('.') {
            return name;
        }
        let class = self.text(class).trim_start_matches('_');
        if class.is_empty() {
            return name;
        }
        let mangled = format!("_{class}{text}");
        self.sym(&mangled)
    }
}
