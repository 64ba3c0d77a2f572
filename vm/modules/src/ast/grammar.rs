//! The abstract grammar of Python 3.14, in the notation of the documentation of the module `ast`.

/// One sum or product type per entry: its name, its constructors and its attributes (positions).
pub struct Rule {
    /// Name of the base class, or of the class itself for a product.
    pub name: &'static str,
    /// `Name(fields)` for each constructor; a single `(fields)` for a product.
    pub forms: &'static [&'static str],
    /// Do nodes have a position? And is its end optional?
    pub position: Position,
}

/// The attributes of nodes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Position {
    None,
    /// `lineno, col_offset`, and optionally the end.
    OptionalEnd,
    /// All four.
    Full,
}

impl Position {
    /// Names of the attributes.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Position::None => &[],
            _ => &["lineno", "col_offset", "end_lineno", "end_col_offset"],
        }
    }
}

const fn rule(name: &'static str, forms: &'static [&'static str], position: Position) -> Rule {
    Rule { name, forms, position }
}

use Position::{Full, None, OptionalEnd};

/// The whole grammar.
pub static GRAMMAR: &[Rule] = &[
    rule(
        "mod",
        &[
            "Module(stmt* body, type_ignore* type_ignores)",
            "Interactive(stmt* body)",
            "Expression(expr body)",
            "FunctionType(expr* argtypes, expr returns)",
        ],
        None,
    ),
    rule(
        "stmt",
        &[
            "FunctionDef(identifier name, arguments args, stmt* body, expr* decorator_list, expr? returns, string? type_comment, type_param* type_params)",
            "AsyncFunctionDef(identifier name, arguments args, stmt* body, expr* decorator_list, expr? returns, string? type_comment, type_param* type_params)",
            "ClassDef(identifier name, expr* bases, keyword* keywords, stmt* body, expr* decorator_list, type_param* type_params)",
            "Return(expr? value)",
            "Delete(expr* targets)",
            "Assign(expr* targets, expr value, string? type_comment)",
            "TypeAlias(expr name, type_param* type_params, expr value)",
            "AugAssign(expr target, operator op, expr value)",
            "AnnAssign(expr target, expr annotation, expr? value, int simple)",
            "For(expr target, expr iter, stmt* body, stmt* orelse, string? type_comment)",
            "AsyncFor(expr target, expr iter, stmt* body, stmt* orelse, string? type_comment)",
            "While(expr test, stmt* body, stmt* orelse)",
            "If(expr test, stmt* body, stmt* orelse)",
            "With(withitem* items, stmt* body, string? type_comment)",
            "AsyncWith(withitem* items, stmt* body, string? type_comment)",
            "Match(expr subject, match_case* cases)",
            "Raise(expr? exc, expr? cause)",
            "Try(stmt* body, excepthandler* handlers, stmt* orelse, stmt* finalbody)",
            "TryStar(stmt* body, excepthandler* handlers, stmt* orelse, stmt* finalbody)",
            "Assert(expr test, expr? msg)",
            "Import(alias* names)",
            "ImportFrom(identifier? module, alias* names, int? level)",
            "Global(identifier* names)",
            "Nonlocal(identifier* names)",
            "Expr(expr value)",
            "Pass",
            "Break",
            "Continue",
        ],
        OptionalEnd,
    ),
    rule(
        "expr",
        &[
            "BoolOp(boolop op, expr* values)",
            "NamedExpr(expr target, expr value)",
            "BinOp(expr left, operator op, expr right)",
            "UnaryOp(unaryop op, expr operand)",
            "Lambda(arguments args, expr body)",
            "IfExp(expr test, expr body, expr orelse)",
            "Dict(expr?* keys, expr* values)",
            "Set(expr* elts)",
            "ListComp(expr elt, comprehension* generators)",
            "SetComp(expr elt, comprehension* generators)",
            "DictComp(expr key, expr value, comprehension* generators)",
            "GeneratorExp(expr elt, comprehension* generators)",
            "Await(expr value)",
            "Yield(expr? value)",
            "YieldFrom(expr value)",
            "Compare(expr left, cmpop* ops, expr* comparators)",
            "Call(expr func, expr* args, keyword* keywords)",
            "FormattedValue(expr value, int conversion, expr? format_spec)",
            "Interpolation(expr value, constant str, int conversion, expr? format_spec)",
            "JoinedStr(expr* values)",
            "TemplateStr(expr* values)",
            "Constant(constant value, string? kind)",
            "Attribute(expr value, identifier attr, expr_context ctx)",
            "Subscript(expr value, expr slice, expr_context ctx)",
            "Starred(expr value, expr_context ctx)",
            "Name(identifier id, expr_context ctx)",
            "List(expr* elts, expr_context ctx)",
            "Tuple(expr* elts, expr_context ctx)",
            "Slice(expr? lower, expr? upper, expr? step)",
        ],
        OptionalEnd,
    ),
    rule("expr_context", &["Load", "Store", "Del"], None),
    rule("boolop", &["And", "Or"], None),
    rule(
        "operator",
        &[
            "Add", "Sub", "Mult", "MatMult", "Div", "Mod", "Pow", "LShift", "RShift", "BitOr", "BitXor",
            "BitAnd", "FloorDiv",
        ],
        None,
    ),
    rule("unaryop", &["Invert", "Not", "UAdd", "USub"], None),
    rule("cmpop", &["Eq", "NotEq", "Lt", "LtE", "Gt", "GtE", "Is", "IsNot", "In", "NotIn"], None),
    rule("comprehension", &["(expr target, expr iter, expr* ifs, int is_async)"], None),
    rule("excepthandler", &["ExceptHandler(expr? type, identifier? name, stmt* body)"], OptionalEnd),
    rule(
        "arguments",
        &[
            "(arg* posonlyargs, arg* args, arg? vararg, arg* kwonlyargs, expr?* kw_defaults, arg? kwarg, expr* defaults)",
        ],
        None,
    ),
    rule("arg", &["(identifier arg, expr? annotation, string? type_comment)"], OptionalEnd),
    rule("keyword", &["(identifier? arg, expr value)"], OptionalEnd),
    rule("alias", &["(identifier name, identifier? asname)"], OptionalEnd),
    rule("withitem", &["(expr context_expr, expr? optional_vars)"], None),
    rule("match_case", &["(pattern pattern, expr? guard, stmt* body)"], None),
    rule(
        "pattern",
        &[
            "MatchValue(expr value)",
            "MatchSingleton(constant value)",
            "MatchSequence(pattern* patterns)",
            "MatchMapping(expr* keys, pattern* patterns, identifier? rest)",
            "MatchClass(expr cls, pattern* patterns, identifier* kwd_attrs, pattern* kwd_patterns)",
            "MatchStar(identifier? name)",
            "MatchAs(pattern? pattern, identifier? name)",
            "MatchOr(pattern* patterns)",
        ],
        Full,
    ),
    rule("type_ignore", &["TypeIgnore(int lineno, string tag)"], None),
    rule(
        "type_param",
        &[
            "TypeVar(identifier name, expr? bound, expr? default_value)",
            "ParamSpec(identifier name, expr? default_value)",
            "TypeVarTuple(identifier name, expr? default_value)",
        ],
        Full,
    ),
];

/// How often a field's value occurs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Many {
    One,
    Optional,
    List,
    /// A list whose items may be `None`.
    OptionalList,
}

/// One field of a constructor.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub ty: &'static str,
    pub many: Many,
    pub name: &'static str,
}

/// Splits `Name(type? field, …)` into the name (empty for products) and its fields.
pub fn form(text: &'static str) -> (&'static str, Vec<Field>) {
    let (name, rest) = text.split_once('(').unwrap_or((text, ""));
    let fields = rest
        .trim_end_matches(')')
        .split(", ")
        .filter_map(|f| f.split_once(' '))
        .map(|(ty, name)| {
            let (ty, many) = if let Some(t) = ty.strip_suffix("?*") {
                (t, Many::OptionalList)
            } else if let Some(t) = ty.strip_suffix('*') {
                (t, Many::List)
            } else if let Some(t) = ty.strip_suffix('?') {
                (t, Many::Optional)
            } else {
                (ty, Many::One)
            };
            Field { ty, many, name }
        })
        .collect();
    (name, fields)
}
