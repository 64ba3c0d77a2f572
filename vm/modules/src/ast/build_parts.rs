//! From the parser's tree to nodes: parameters, patterns and other parts.

use typhon_compile::TextRange;
use typhon_compile::ast::{self as tree, Pattern, TypeParam};
use typhon_core::{Owned, PyResult, Thread};

use super::build::{Builder, Class};

impl Builder<'_> {
    pub fn arguments(&self, parameters: Option<&tree::Parameters>, th: &mut Thread) -> PyResult {
        let empty = tree::Parameters::default();
        let p = parameters.unwrap_or(&empty);
        let defaults = p.posonlyargs.iter().chain(&p.args).filter_map(|a| a.default.as_deref());
        let fields = vec![
            ("posonlyargs", self.list(&p.posonlyargs, th, |b, a, th| b.arg(&a.parameter, th))?),
            ("args", self.list(&p.args, th, |b, a, th| b.arg(&a.parameter, th))?),
            ("vararg", self.opt_arg(p.vararg.as_deref(), th)?),
            ("kwonlyargs", self.list(&p.kwonlyargs, th, |b, a, th| b.arg(&a.parameter, th))?),
            ("kw_defaults", self.list(&p.kwonlyargs, th, |b, a, th| b.opt(a.default.as_deref(), th))?),
            ("kwarg", self.opt_arg(p.kwarg.as_deref(), th)?),
            ("defaults", self.list(defaults, th, |b, e, th| b.expr(e, th))?),
        ];
        self.plain(Class::arguments, fields, th)
    }

    fn opt_arg(&self, p: Option<&tree::Parameter>, th: &mut Thread) -> PyResult {
        p.map_or_else(|| Ok(Owned::none()), |p| self.arg(p, th))
    }

    fn arg(&self, p: &tree::Parameter, th: &mut Thread) -> PyResult {
        let fields = vec![
            ("arg", self.ident(p.name.id.as_str(), th)),
            ("annotation", self.opt(p.annotation.as_deref(), th)?),
            ("type_comment", Owned::none()),
        ];
        // Without the stars.
        self.node(Class::arg, TextRange::new(p.name.range.start(), p.range.end()), fields, th)
    }

    pub fn keyword(&self, k: &tree::Keyword, th: &mut Thread) -> PyResult {
        let fields = vec![("arg", self.opt_ident(k.arg.as_ref(), th)), ("value", self.expr(&k.value, th)?)];
        self.node(Class::keyword, k.range, fields, th)
    }

    pub fn alias(&self, a: &tree::Alias, th: &mut Thread) -> PyResult {
        let fields = vec![
            ("name", self.ident(a.name.id.as_str(), th)),
            ("asname", self.opt_ident(a.asname.as_ref(), th)),
        ];
        self.node(Class::alias, a.range, fields, th)
    }

    pub fn with_item(&self, w: &tree::WithItem, th: &mut Thread) -> PyResult {
        let fields = vec![
            ("context_expr", self.expr(&w.context_expr, th)?),
            ("optional_vars", self.opt(w.optional_vars.as_deref(), th)?),
        ];
        self.plain(Class::withitem, fields, th)
    }

    pub fn comprehension(&self, c: &tree::Comprehension, th: &mut Thread) -> PyResult {
        let fields = vec![
            ("target", self.expr(&c.target, th)?),
            ("iter", self.expr(&c.iter, th)?),
            ("ifs", self.exprs(&c.ifs, th)?),
            ("is_async", th.new_int(i64::from(c.is_async))),
        ];
        self.plain(Class::comprehension, fields, th)
    }

    pub fn handler(&self, h: &tree::ExceptHandler, th: &mut Thread) -> PyResult {
        let tree::ExceptHandler::ExceptHandler(h) = h;
        let fields = vec![
            ("type", self.opt(h.type_.as_deref(), th)?),
            ("name", self.opt_ident(h.name.as_ref(), th)),
            ("body", self.stmts(&h.body, th)?),
        ];
        self.node(Class::ExceptHandler, h.range, fields, th)
    }

    pub fn match_case(&self, c: &tree::MatchCase, th: &mut Thread) -> PyResult {
        let fields = vec![
            ("pattern", self.pattern(&c.pattern, th)?),
            ("guard", self.opt(c.guard.as_deref(), th)?),
            ("body", self.stmts(&c.body, th)?),
        ];
        self.plain(Class::match_case, fields, th)
    }

    pub fn type_param(&self, p: &TypeParam, th: &mut Thread) -> PyResult {
        match p {
            TypeParam::TypeVar(p) => {
                let fields = vec![
                    ("name", self.ident(p.name.id.as_str(), th)),
                    ("bound", self.opt(p.bound.as_deref(), th)?),
                    ("default_value", self.opt(p.default.as_deref(), th)?),
                ];
                self.node(Class::TypeVar, p.range, fields, th)
            }
            TypeParam::ParamSpec(p) => {
                let fields = vec![
                    ("name", self.ident(p.name.id.as_str(), th)),
                    ("default_value", self.opt(p.default.as_deref(), th)?),
                ];
                self.node(Class::ParamSpec, p.range, fields, th)
            }
            TypeParam::TypeVarTuple(p) => {
                let fields = vec![
                    ("name", self.ident(p.name.id.as_str(), th)),
                    ("default_value", self.opt(p.default.as_deref(), th)?),
                ];
                self.node(Class::TypeVarTuple, p.range, fields, th)
            }
        }
    }

    fn patterns(&self, patterns: &[Pattern], th: &mut Thread) -> PyResult {
        self.list(patterns, th, |b, p, th| b.pattern(p, th))
    }

    fn pattern(&self, p: &Pattern, th: &mut Thread) -> PyResult {
        th.check_native_stack(" during ast construction")?;
        match p {
            Pattern::MatchValue(p) => {
                let fields = vec![("value", self.expr(&p.value, th)?)];
                self.node(Class::MatchValue, p.range, fields, th)
            }
            Pattern::MatchSingleton(p) => {
                let value = match p.value {
                    tree::Singleton::None => Owned::none(),
                    tree::Singleton::True => Owned::bool(true),
                    tree::Singleton::False => Owned::bool(false),
                };
                self.node(Class::MatchSingleton, p.range, vec![("value", value)], th)
            }
            Pattern::MatchSequence(p) => {
                let fields = vec![("patterns", self.patterns(&p.patterns, th)?)];
                self.node(Class::MatchSequence, p.range, fields, th)
            }
            Pattern::MatchMapping(p) => {
                let fields = vec![
                    ("keys", self.exprs(&p.keys, th)?),
                    ("patterns", self.patterns(&p.patterns, th)?),
                    ("rest", self.opt_ident(p.rest.as_ref(), th)),
                ];
                self.node(Class::MatchMapping, p.range, fields, th)
            }
            Pattern::MatchClass(p) => {
                let keywords = &p.arguments.keywords;
                let names = keywords.iter().map(|k| th.intern(k.attr.id.as_str())).collect();
                let fields = vec![
                    ("cls", self.expr(&p.cls, th)?),
                    ("patterns", self.patterns(&p.arguments.patterns, th)?),
                    ("kwd_attrs", th.new_list(names)),
                    ("kwd_patterns", self.list(keywords, th, |b, k, th| b.pattern(&k.pattern, th))?),
                ];
                self.node(Class::MatchClass, p.range, fields, th)
            }
            Pattern::MatchStar(p) => {
                let fields = vec![("name", self.opt_ident(p.name.as_ref(), th))];
                self.node(Class::MatchStar, p.range, fields, th)
            }
            Pattern::MatchAs(p) => {
                let inner = match &p.pattern {
                    Some(inner) => self.pattern(inner, th)?,
                    None => Owned::none(),
                };
                let fields = vec![("pattern", inner), ("name", self.opt_ident(p.name.as_ref(), th))];
                self.node(Class::MatchAs, p.range, fields, th)
            }
            Pattern::MatchOr(p) => {
                let fields = vec![("patterns", self.patterns(&p.patterns, th)?)];
                self.node(Class::MatchOr, p.range, fields, th)
            }
        }
    }
}
