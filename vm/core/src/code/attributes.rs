//! Code objects as Python sees them: `co_*`, `co_lines`, `co_positions`, `replace`, `types.CodeType`.

use typhon_compile::PyStr;
use typhon_compile::code::{Code, kind};

use super::CodeObject;
use crate::builtins::str::Str;
use crate::builtins::tuple::Tuple;
use crate::interp::tables::Positions;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::{Args, ArgsExt, CompareOp};
use crate::thread::Thread;
use crate::typedef::{GetSetDef, NativeDef};
use crate::types::Type;

fn this(o: Borrowed<'_>) -> &CodeObject {
    o.downcast::<CodeObject>().expect("a code object")
}

macro_rules! numbers {
    ($($name:ident => $field:ident),* $(,)?) => { $(
        fn $name(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
            let n = i64::from(this(o).data.0.$field);
            Ok(th.new_int(n))
        }
    )* };
}
numbers! {
    argcount => argcount, posonly => posonlyargcount, kwonly => kwonlyargcount, flags => flags,
    stacksize => stacksize, firstlineno => firstlineno,
}

macro_rules! slots {
    ($($name:ident => $field:ident),* $(,)?) => { $(
        fn $name(_: &mut Thread, o: Borrowed<'_>) -> PyResult {
            Ok(this(o).$field.fixed().expect("set at birth").to_owned())
        }
    )* };
}
slots! { consts => consts, names => names, name => name, qualname => qualname, filename => filename }

macro_rules! tables {
    ($($name:ident => $field:ident),* $(,)?) => { $(
        fn $name(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
            Ok(th.new_bytes(&this(o).data.0.$field))
        }
    )* };
}
tables! { code => code, linetable => linetable, exceptiontable => exceptiontable }

fn by_kind(th: &mut Thread, o: Borrowed<'_>, wanted: impl Fn(u8) -> bool) -> PyResult {
    let c = this(o);
    let kinds = &c.data.0.localspluskinds;
    let items =
        c.locals_tuple().iter().zip(kinds).filter(|(_, k)| wanted(**k)).map(|(n, _)| n.to_owned()).collect();
    Ok(th.new_tuple(items))
}

fn varnames(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    by_kind(th, o, |k| k & kind::LOCAL != 0)
}

fn cellvars(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    by_kind(th, o, |k| k & kind::CELL != 0)
}

fn freevars(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    by_kind(th, o, |k| k & kind::FREE != 0)
}

fn nlocals(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let n = this(o).data.0.localspluskinds.iter().filter(|k| **k & kind::LOCAL != 0).count();
    Ok(th.new_int(n as i64))
}

fn optional(th: &mut Thread, n: Option<u32>) -> Owned {
    n.map_or_else(Owned::none, |n| th.new_int(i64::from(n)))
}

fn lines(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let data = &this(a[0]).data.0;
    let mut merged: Vec<(u32, u32, Option<u32>)> = Vec::new();
    for (at, n, p) in Positions::new(&data.linetable, data.firstlineno) {
        match merged.last_mut() {
            Some(last) if last.2 == p.line => last.1 = at + n,
            _ => merged.push((at, at + n, p.line)),
        }
    }
    let mut out = Vec::with_capacity(merged.len());
    for (from, to, line) in merged {
        let parts = vec![th.new_int(i64::from(from) * 2), th.new_int(i64::from(to) * 2), optional(th, line)];
        out.push(th.new_tuple(parts));
    }
    let l = th.new_list(out);
    l.borrow().iter(th)
}

fn positions(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let data = &this(a[0]).data.0;
    let mut out = Vec::new();
    for (_, n, p) in Positions::new(&data.linetable, data.firstlineno) {
        for _ in 0..n {
            let parts = vec![
                optional(th, p.line),
                optional(th, p.end_line),
                optional(th, p.column),
                optional(th, p.end_column),
            ];
            out.push(th.new_tuple(parts));
        }
    }
    let l = th.new_list(out);
    l.borrow().iter(th)
}

fn branches(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let code = a[0].downcast::<CodeObject>().expect("a code object");
    let mut all = Vec::new();
    for (from, left, right) in crate::monitoring::plan::branches(code) {
        let items = [from, left, right].map(|offset| th.new_int(i64::from(offset) * 2));
        all.push(th.new_tuple(items.into()));
    }
    let l = th.new_list(all);
    l.borrow().iter(th)
}

fn pystr(th: &mut Thread, v: Borrowed<'_>) -> PyResult<PyStr> {
    let s = v.expect_str(th, "argument")?;
    let bytes = s.intern_key();
    PyStr::from_wtf8(&bytes).ok_or_else(|| th.value_error("damaged string"))
}

fn pystrs(th: &mut Thread, v: Borrowed<'_>) -> PyResult<Vec<PyStr>> {
    match v.downcast::<Tuple>() {
        Some(t) => t.iter().map(|s| pystr(th, s)).collect(),
        None => Err(th.type_error("name tuples must contain only strings")),
    }
}

fn bytes_of(th: &mut Thread, v: Borrowed<'_>) -> PyResult<Vec<u8>> {
    match v.downcast::<crate::builtins::bytes::Bytes>() {
        Some(b) => Ok(b.as_bytes().to_vec()),
        None => {
            let msg = format!("a bytes-like object is required, not '{}'", v.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

fn number(th: &mut Thread, v: Borrowed<'_>) -> PyResult<u32> {
    let n = v.to_i64(th)?;
    match u32::try_from(n) {
        Ok(n) => Ok(n),
        Err(_) => Err(th.value_error("code: argument must not be negative")),
    }
}

/// Splits names of locals back into the one list that the machine uses.
fn set_locals(code: &mut Code, varnames: Vec<PyStr>, cellvars: Vec<PyStr>, freevars: Vec<PyStr>) {
    let n_args = (code.argcount + code.kwonlyargcount) as usize;
    let (mut names, mut kinds) = (Vec::new(), Vec::new());
    for (i, n) in varnames.into_iter().enumerate() {
        let mut k = kind::LOCAL;
        if cellvars.contains(&n) {
            k |= kind::CELL;
        }
        if i < n_args {
            k |= kind::ARG_POS | kind::ARG_KW;
        }
        names.push(n);
        kinds.push(k);
    }
    for n in cellvars {
        if !names.contains(&n) {
            names.push(n);
            kinds.push(kind::CELL);
        }
    }
    for n in freevars {
        names.push(n);
        kinds.push(kind::FREE);
    }
    code.localsplusnames = names;
    code.localspluskinds = kinds;
}

fn replace(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let c = this(a[0]);
    let mut data = c.data.0.clone();
    if let Some(v) = a.opt(1) {
        data.argcount = number(th, v)?
    }
    if let Some(v) = a.opt(2) {
        data.posonlyargcount = number(th, v)?
    }
    if let Some(v) = a.opt(3) {
        data.kwonlyargcount = number(th, v)?
    }
    if let Some(v) = a.opt(5) {
        data.stacksize = number(th, v)?
    }
    if let Some(v) = a.opt(6) {
        data.flags = number(th, v)?
    }
    if let Some(v) = a.opt(7) {
        data.firstlineno = number(th, v)?
    }
    if let Some(v) = a.opt(8) {
        data.code = bytes_of(th, v)?
    }
    let consts = a.opt(9).map_or_else(|| c.consts.fixed().expect("set").to_owned(), |v| v.to_owned());
    if let Some(v) = a.opt(10) {
        data.names = pystrs(th, v)?
    }
    if a.opt(11).is_some() || a.opt(12).is_some() || a.opt(13).is_some() {
        let own = |th: &mut Thread, i: usize, f: fn(&mut Thread, Borrowed<'_>) -> PyResult| match a.opt(i) {
            Some(v) => pystrs(th, v),
            None => {
                let t = f(th, a[0])?;
                pystrs(th, t.borrow())
            }
        };
        let v = own(th, 11, varnames)?;
        let f = own(th, 12, freevars)?;
        let ce = own(th, 13, cellvars)?;
        set_locals(&mut data, v, ce, f);
    }
    if let Some(v) = a.opt(14) {
        data.filename = pystr(th, v)?
    }
    if let Some(v) = a.opt(15) {
        data.name = pystr(th, v)?
    }
    if let Some(v) = a.opt(16) {
        data.qualname = pystr(th, v)?
    }
    if let Some(v) = a.opt(17) {
        data.linetable = bytes_of(th, v)?
    }
    if let Some(v) = a.opt(18) {
        data.exceptiontable = bytes_of(th, v)?
    }
    th.new_code_with(data, consts)
}

/// `types.CodeType(...)`
pub(super) fn new(th: &mut Thread, _: &Type, args: Args<'_>) -> PyResult {
    let sig = "(argcount, posonlyargcount, kwonlyargcount, nlocals, stacksize, flags, codestring, constants, names, varnames, filename, name, qualname, firstlineno, linetable, exceptiontable, freevars=(), cellvars=(), /)";
    let a = crate::signature::bind(th, "code", sig, args)?;
    let mut data = Code {
        argcount: number(th, a[0])?,
        posonlyargcount: number(th, a[1])?,
        kwonlyargcount: number(th, a[2])?,
        stacksize: number(th, a[4])?,
        flags: number(th, a[5])?,
        code: bytes_of(th, a[6])?,
        consts: Vec::new(),
        names: pystrs(th, a[8])?,
        filename: pystr(th, a[10])?,
        name: pystr(th, a[11])?,
        qualname: pystr(th, a[12])?,
        firstlineno: number(th, a[13])?,
        linetable: bytes_of(th, a[14])?,
        exceptiontable: bytes_of(th, a[15])?,
        localsplusnames: Vec::new(),
        localspluskinds: Vec::new(),
    };
    let vars = pystrs(th, a[9])?;
    let free = a.opt(16).map_or(Ok(Vec::new()), |v| pystrs(th, v))?;
    let cells = a.opt(17).map_or(Ok(Vec::new()), |v| pystrs(th, v))?;
    set_locals(&mut data, vars, cells, free);
    th.new_code_with(data, a[7].to_owned())
}

fn varname_from_oparg(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let i = a[1].to_i64(th)?;
    let names = this(a[0]).locals_tuple();
    match usize::try_from(i).ok().filter(|i| *i < names.len()) {
        Some(i) => Ok(names.get(i).to_owned()),
        None => Err(th.index_error("tuple index out of range")),
    }
}

pub(super) fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let c = this(o);
    let file = c.filename.fixed().and_then(|f| f.downcast::<Str>()).map(|s| s.to_text()).unwrap_or_default();
    let text = format!(
        "<code object {} at {:#x}, file \"{file}\", line {}>",
        c.name_text(),
        o.word().identity(),
        c.data.0.firstlineno
    );
    Ok(th.new_str(&text))
}

pub(super) fn compare(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    let (Some(x), Some(y)) = (a.downcast::<CodeObject>(), b.downcast::<CodeObject>()) else {
        return Ok(Owned::not_implemented());
    };
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(Owned::not_implemented());
    }
    let (dx, dy) = (&x.data.0, &y.data.0);
    let same = dx.code == dy.code
        && dx.name == dy.name
        && dx.firstlineno == dy.firstlineno
        && dx.linetable == dy.linetable
        && dx.exceptiontable == dy.exceptiontable
        && (dx.argcount, dx.posonlyargcount, dx.kwonlyargcount, dx.flags)
            == (dy.argcount, dy.posonlyargcount, dy.kwonlyargcount, dy.flags)
        && dx.names == dy.names
        && dx.localsplusnames == dy.localsplusnames
        && dx.localspluskinds == dy.localspluskinds
        && x.consts.fixed().expect("set").equals(th, y.consts.fixed().expect("set"))?;
    Ok(Owned::bool(same == (op == CompareOp::Eq)))
}

pub(super) fn hash(_: &mut Thread, o: Borrowed<'_>) -> PyResult<i64> {
    use std::hash::{Hash, Hasher};
    let d = &this(o).data.0;
    let mut h = crate::intern::Fnv::default();
    (d.name.as_bytes(), &d.code, d.firstlineno, d.argcount, d.flags).hash(&mut h);
    let v = h.finish() as i64;
    Ok(if v == -1 { -2 } else { v })
}

pub(super) const METHODS: &[NativeDef] = &[
    NativeDef::new("co_lines", "($self, /)", lines, "Line ranges: (start, end, line) with byte offsets."),
    NativeDef::new(
        "co_positions",
        "($self, /)",
        positions,
        "(line, end_line, column, end_column) of each unit.",
    ),
    NativeDef::new("co_branches", "($self, /)", branches, "Branches, for coverage tools."),
    NativeDef::new("_varname_from_oparg", "($self, /, oparg)", varname_from_oparg, ""),
    NativeDef::new(
        "replace",
        "($self, /, *, co_argcount=None, co_posonlyargcount=None, co_kwonlyargcount=None, co_nlocals=None, co_stacksize=None, co_flags=None, co_firstlineno=None, co_code=None, co_consts=None, co_names=None, co_varnames=None, co_freevars=None, co_cellvars=None, co_filename=None, co_name=None, co_qualname=None, co_linetable=None, co_exceptiontable=None)",
        replace,
        "A copy with other values for some attributes.",
    ),
    NativeDef::new(
        "__replace__",
        "($self, /, *, co_argcount=None, co_posonlyargcount=None, co_kwonlyargcount=None, co_nlocals=None, co_stacksize=None, co_flags=None, co_firstlineno=None, co_code=None, co_consts=None, co_names=None, co_varnames=None, co_freevars=None, co_cellvars=None, co_filename=None, co_name=None, co_qualname=None, co_linetable=None, co_exceptiontable=None)",
        replace,
        "The same as replace().",
    ),
];

pub(super) const GETSET: &[GetSetDef] = &[
    GetSetDef::get("co_argcount", argcount),
    GetSetDef::get("co_posonlyargcount", posonly),
    GetSetDef::get("co_kwonlyargcount", kwonly),
    GetSetDef::get("co_nlocals", nlocals),
    GetSetDef::get("co_stacksize", stacksize),
    GetSetDef::get("co_flags", flags),
    GetSetDef::get("co_firstlineno", firstlineno),
    GetSetDef::get("co_code", code),
    GetSetDef::get("_co_code_adaptive", code),
    GetSetDef::get("co_consts", consts),
    GetSetDef::get("co_names", names),
    GetSetDef::get("co_varnames", varnames),
    GetSetDef::get("co_cellvars", cellvars),
    GetSetDef::get("co_freevars", freevars),
    GetSetDef::get("co_filename", filename),
    GetSetDef::get("co_name", name),
    GetSetDef::get("co_qualname", qualname),
    GetSetDef::get("co_linetable", linetable),
    GetSetDef::get("co_exceptiontable", exceptiontable),
];
