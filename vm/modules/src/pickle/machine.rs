//! Loading: a stack machine that runs a pickle's instructions.

use dashu_int::IBig;
use typhon_core::buffer;
use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::list::List;
use typhon_core::builtins::set::Set;
use typhon_core::builtins::str::Str;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::{Borrowed, Owned, PyResult, Raised, Thread, Type, attributes};
use typhon_text::codecs::{Codec, ErrorMode};

use super::input::{Input, Source, bytes_of, truncated};
use super::opcode as op;
use super::{names, unpickler, unpickling_error};
use crate::support::import_attr;

/// Settings of an unpickler, and what its methods are.
pub struct Settings {
    pub fix_imports: bool,
    pub encoding: String,
    pub errors: String,
    pub find_class: Option<Owned>,
    pub persistent_load: Option<Owned>,
    /// Iterator over the buffers beside the pickle.
    pub buffers: Option<Owned>,
}

/// One run of an unpickler.
pub struct Machine {
    pub settings: Settings,
    input: Input,
    stack: Vec<Owned>,
    /// Heights of the stack at the marks.
    marks: Vec<usize>,
    pub memo: Vec<Option<Owned>>,
    protocol: u8,
    /// The unpickler that is told what PROTO says.
    pub(super) on_protocol: Option<Owned>,
}

impl Machine {
    pub fn new(settings: Settings, source: Source, memo: Vec<Option<Owned>>) -> Machine {
        Machine {
            settings,
            input: Input::new(source),
            stack: Vec::new(),
            marks: Vec::new(),
            memo,
            protocol: 0,
            on_protocol: None,
        }
    }

    /// Runs until STOP.
    pub fn load(&mut self, th: &mut Thread) -> PyResult {
        loop {
            let instruction = self.input.instruction(th)?;
            if instruction == op::STOP {
                return self.pop(th);
            }
            self.run(th, instruction)?;
        }
    }

    /// Lowest height that instructions may take from.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self, th: &mut Thread) -> PyResult {
        if self.stack.len() <= self.floor() {
            return Err(self.underflow(th));
        }
        match self.stack.pop() {
            Some(v) => Ok(v),
            None => Err(self.underflow(th)),
        }
    }

    #[cold]
    fn underflow(&self, th: &mut Thread) -> Raised {
        let msg = if self.marks.is_empty() { "unpickling stack underflow" } else { "unexpected MARK found" };
        unpickling_error(th, msg)
    }

    fn top(&mut self, th: &mut Thread) -> PyResult {
        match self.stack.last() {
            Some(v) if self.stack.len() > self.floor() => Ok(v.clone()),
            _ => Err(self.underflow(th)),
        }
    }

    /// What lies above the last mark, which goes.
    fn pop_mark(&mut self, th: &mut Thread) -> PyResult<Vec<Owned>> {
        match self.marks.pop() {
            Some(mark) => Ok(self.stack.split_off(mark)),
            None => Err(unpickling_error(th, "could not find MARK")),
        }
    }

    fn push(&mut self, v: Owned) {
        self.stack.push(v);
    }

    fn run(&mut self, th: &mut Thread, instruction: u8) -> PyResult<()> {
        let made = match instruction {
            op::NONE => Owned::none(),
            op::NEWTRUE => Owned::bool(true),
            op::NEWFALSE => Owned::bool(false),
            op::BININT1 => {
                let n = self.input.number::<1>(th)?;
                th.new_int(n as i64)
            }
            op::BININT2 => {
                let n = self.input.number::<2>(th)?;
                th.new_int(n as i64)
            }
            op::BININT => {
                let n = self.input.number::<4>(th)? as i32;
                th.new_int(n.into())
            }
            op::LONG1 => {
                let n = self.input.size::<1>(th, "LONG1")?;
                self.long(th, n)?
            }
            op::LONG4 => {
                let n = self.input.number::<4>(th)? as i32;
                match usize::try_from(n) {
                    Ok(n) => self.long(th, n)?,
                    Err(_) => return Err(unpickling_error(th, "LONG pickle has negative byte count")),
                }
            }
            op::BINFLOAT => {
                let bytes = self.input.number::<8>(th)?;
                th.new_float(f64::from_bits(bytes.swap_bytes()))
            }
            op::SHORT_BINUNICODE => self.unicode::<1>(th)?,
            op::BINUNICODE => self.unicode::<4>(th)?,
            op::BINUNICODE8 => self.unicode::<8>(th)?,
            op::SHORT_BINBYTES => self.bytes::<1>(th)?,
            op::BINBYTES => self.bytes::<4>(th)?,
            op::BINBYTES8 => self.bytes::<8>(th)?,
            op::BYTEARRAY8 => {
                let n = self.input.size::<8>(th, "BYTEARRAY8")?;
                let range = self.input.take(th, n)?;
                th.new_bytearray(self.input.bytes(range).to_vec())
            }
            op::EMPTY_TUPLE => th.new_tuple(Vec::new()),
            op::EMPTY_LIST => th.new_list(Vec::new()),
            op::EMPTY_DICT => th.new_dict(),
            op::EMPTY_SET => th.new_set(),
            op::TUPLE1 | op::TUPLE2 | op::TUPLE3 => {
                let n = usize::from(instruction - op::TUPLE1) + 1;
                if self.stack.len() < self.floor() + n {
                    return Err(self.underflow(th));
                }
                let items = self.stack.split_off(self.stack.len() - n);
                th.new_tuple(items)
            }
            op::TUPLE => {
                let items = self.pop_mark(th)?;
                th.new_tuple(items)
            }
            op::LIST => {
                let items = self.pop_mark(th)?;
                th.new_list(items)
            }
            op::FROZENSET => {
                let items = self.pop_mark(th)?;
                let items: Vec<Borrowed<'_>> = items.iter().map(Owned::borrow).collect();
                th.new_frozenset_of(&items)?
            }
            op::DICT => {
                let items = self.pop_mark(th)?;
                let dict = th.new_dict();
                set_items(th, dict.borrow(), items)?;
                dict
            }
            op::BINGET => {
                let i = self.input.number::<1>(th)?;
                self.get(th, i)?
            }
            op::LONG_BINGET => {
                let i = self.input.number::<4>(th)?;
                self.get(th, i)?
            }
            op::GET => {
                let i = self.index_line(th)?;
                self.get(th, i)?
            }
            op::DUP => self.top(th)?,
            op::STACK_GLOBAL => {
                let (name, module) = (self.pop(th)?, self.pop(th)?);
                if name.downcast::<Str>().is_none() || module.downcast::<Str>().is_none() {
                    return Err(unpickling_error(th, "STACK_GLOBAL requires str"));
                }
                self.find_class(th, module.borrow(), name.borrow())?
            }
            op::GLOBAL => {
                let (module, name) = self.global_lines(th)?;
                self.find_class(th, module.borrow(), name.borrow())?
            }
            op::EXT1 | op::EXT2 | op::EXT4 => {
                let code = match instruction {
                    op::EXT1 => self.input.number::<1>(th)?,
                    op::EXT2 => self.input.number::<2>(th)?,
                    _ => self.input.number::<4>(th)?,
                } as u32 as i32;
                self.extension(th, code.into())?
            }
            op::REDUCE => {
                let (args, callable) = (self.pop(th)?, self.pop(th)?);
                let Some(args) = args.downcast::<Tuple>() else {
                    return Err(th.type_error("argument list must be a tuple"));
                };
                let args: Vec<Borrowed<'_>> = args.iter().collect();
                callable.borrow().call(th, &args)?
            }
            op::NEWOBJ => {
                let (args, class) = (self.pop(th)?, self.pop(th)?);
                self.new_object(th, class, args, None, "NEWOBJ")?
            }
            op::NEWOBJ_EX => {
                let (keywords, args, class) = (self.pop(th)?, self.pop(th)?, self.pop(th)?);
                self.new_object(th, class, args, Some(keywords), "NEWOBJ_EX")?
            }
            op::INST => {
                let (module, name) = self.global_lines(th)?;
                let class = self.find_class(th, module.borrow(), name.borrow())?;
                let args = self.pop_mark(th)?;
                instantiate(th, class, &args)?
            }
            op::OBJ => {
                let mut args = self.pop_mark(th)?;
                if args.is_empty() {
                    return Err(self.underflow(th));
                }
                let class = args.remove(0);
                instantiate(th, class, &args)?
            }
            op::BINPERSID => {
                let id = self.pop(th)?;
                self.persistent(th, id)?
            }
            op::PERSID => {
                let line = self.input.line(th)?;
                match core::str::from_utf8(&line).ok().filter(|t| t.is_ascii()) {
                    Some(text) => {
                        let id = th.new_str(text);
                        self.persistent(th, id)?
                    }
                    None => {
                        return Err(unpickling_error(
                            th,
                            "persistent IDs in protocol 0 must be ASCII strings",
                        ));
                    }
                }
            }
            op::INT => self.int_line(th)?,
            op::LONG => self.long_line(th)?,
            op::FLOAT => self.float_line(th)?,
            op::UNICODE => {
                let line = self.input.line(th)?;
                decoded(th, &line, "raw-unicode-escape", "strict")?
            }
            op::STRING => self.string_line(th)?,
            op::SHORT_BINSTRING | op::BINSTRING => {
                let n = if instruction == op::BINSTRING {
                    let n = self.input.number::<4>(th)? as i32;
                    match usize::try_from(n) {
                        Ok(n) => n,
                        Err(_) => {
                            return Err(unpickling_error(th, "BINSTRING pickle has negative byte count"));
                        }
                    }
                } else {
                    self.input.size::<1>(th, "SHORT_BINSTRING")?
                };
                let range = self.input.take(th, n)?;
                let bytes = self.input.bytes(range).to_vec();
                self.old_string(th, &bytes)?
            }
            op::NEXT_BUFFER => self.next_buffer(th)?,
            op::READONLY_BUFFER => {
                let view = self.pop(th)?;
                read_only(th, view)?
            }
            _ => return self.act(th, instruction),
        };
        self.push(made);
        Ok(())
    }

    /// Instructions that push nothing.
    fn act(&mut self, th: &mut Thread, instruction: u8) -> PyResult<()> {
        match instruction {
            op::MARK => self.marks.push(self.stack.len()),
            op::POP => {
                if self.marks.last() == Some(&self.stack.len()) {
                    self.marks.pop();
                } else {
                    drop(self.pop(th)?);
                }
            }
            op::POP_MARK => drop(self.pop_mark(th)?),
            op::MEMOIZE => {
                let v = self.top(th)?;
                self.memo.push(Some(v));
            }
            op::BINPUT | op::LONG_BINPUT | op::PUT => {
                let i = match instruction {
                    op::BINPUT => self.input.number::<1>(th)?,
                    op::LONG_BINPUT => self.input.number::<4>(th)?,
                    _ => self.index_line(th)?,
                };
                let v = self.top(th)?;
                self.put(th, i, v)?;
            }
            op::APPEND => {
                let item = self.pop(th)?;
                let list = self.top(th)?;
                if let Some(list) = list.borrow().downcast_exact::<List>() {
                    list.push(item);
                    return Ok(());
                }
                append(th, list.borrow(), vec![item])?;
            }
            op::APPENDS => {
                let items = self.pop_mark(th)?;
                let list = self.top(th)?;
                append(th, list.borrow(), items)?;
            }
            op::SETITEM => {
                let (value, key) = (self.pop(th)?, self.pop(th)?);
                let dict = self.top(th)?;
                set_items(th, dict.borrow(), vec![key, value])?;
            }
            op::SETITEMS => {
                let items = self.pop_mark(th)?;
                let dict = self.top(th)?;
                set_items(th, dict.borrow(), items)?;
            }
            op::ADDITEMS => {
                let items = self.pop_mark(th)?;
                let set = self.top(th)?;
                add_items(th, set.borrow(), items)?;
            }
            op::BUILD => {
                let state = self.pop(th)?;
                let object = self.top(th)?;
                build(th, object.borrow(), state)?;
            }
            op::PROTO => {
                self.protocol = self.input.byte(th)?;
                if i64::from(self.protocol) > op::HIGHEST_PROTOCOL {
                    let msg = format!("unsupported pickle protocol: {}", self.protocol);
                    return Err(th.value_error(&msg));
                }
                if let Some(unpickler) = &self.on_protocol {
                    unpickler::set_protocol(th, unpickler.borrow(), self.protocol);
                }
            }
            op::FRAME => self.input.frame(th)?,
            other => {
                let shown = match other {
                    b' '..=b'~' => char::from(other).to_string(),
                    _ => format!("\\x{other:02x}"),
                };
                return Err(unpickling_error(th, &format!("invalid load key, '{shown}'.")));
            }
        }
        Ok(())
    }

    fn long(&mut self, th: &mut Thread, n: usize) -> PyResult {
        let range = self.input.take(th, n)?;
        let bytes = self.input.bytes(range);
        Ok(if bytes.is_empty() { th.new_int(0) } else { th.new_big(IBig::from_le_bytes(bytes)) })
    }

    fn unicode<const N: usize>(&mut self, th: &mut Thread) -> PyResult {
        let n = self.input.size::<N>(th, "BINUNICODE")?;
        let range = self.input.take(th, n)?;
        let bytes = self.input.bytes(range);
        if bytes.is_ascii() {
            return Ok(th.new_ascii(bytes));
        }
        match Codec::Utf8.decode(bytes, &mut ErrorMode::SurrogatePass) {
            Ok(text) => Ok(th.new_str_buf(text)),
            // The method raises the UnicodeDecodeError with all its fields.
            Err(_) => {
                let bytes = bytes.to_vec();
                decoded(th, &bytes, "utf-8", "surrogatepass")
            }
        }
    }

    fn bytes<const N: usize>(&mut self, th: &mut Thread) -> PyResult {
        let n = self.input.size::<N>(th, "BINBYTES")?;
        let range = self.input.take(th, n)?;
        Ok(th.new_bytes(self.input.bytes(range)))
    }

    fn get(&mut self, th: &mut Thread, i: u64) -> PyResult {
        match self.memo.get(i as usize) {
            Some(Some(v)) => Ok(v.clone()),
            _ => Err(unpickling_error(th, &format!("Memo value not found at index {i}"))),
        }
    }

    fn put(&mut self, th: &mut Thread, i: u64, v: Owned) -> PyResult<()> {
        // A number far beyond what there is would be memory for nothing.
        if i > self.memo.len() as u64 + (1 << 24) {
            return Err(th.memory_error("pickle memo index is too large"));
        }
        let i = i as usize;
        if self.memo.len() <= i {
            self.memo.resize_with(i + 1, || None);
        }
        self.memo[i] = Some(v);
        Ok(())
    }

    fn index_line(&mut self, th: &mut Thread) -> PyResult<u64> {
        let line = self.input.line(th)?;
        let text = String::from_utf8_lossy(&line).into_owned();
        match text.trim().parse::<i64>() {
            Ok(i) => u64::try_from(i).map_err(|_| th.value_error("negative PUT argument")),
            Err(_) => Err(th.value_error(&format!("invalid literal for int() with base 10: {text:?}"))),
        }
    }

    /// The names of a module and of something in it. Errors: UnpicklingError if one is empty.
    fn global_lines(&mut self, th: &mut Thread) -> PyResult<(Owned, Owned)> {
        let mut name = || {
            let line = self.input.line(th)?;
            if line.is_empty() { Err(truncated(th)) } else { decoded(th, &line, "utf-8", "strict") }
        };
        Ok((name()?, name()?))
    }

    fn int_line(&mut self, th: &mut Thread) -> PyResult {
        let line = self.input.line(th)?;
        match line.as_slice() {
            b"00" => Ok(Owned::bool(false)),
            b"01" => Ok(Owned::bool(true)),
            digits => to_int(th, digits),
        }
    }

    fn long_line(&mut self, th: &mut Thread) -> PyResult {
        let line = self.input.line(th)?;
        to_int(th, line.strip_suffix(b"L").unwrap_or(&line))
    }

    fn float_line(&mut self, th: &mut Thread) -> PyResult {
        let line = self.input.line(th)?;
        let text = th.new_str(&String::from_utf8_lossy(&line));
        let class = crate::support::builtin(th, "float");
        class.borrow().call(th, &[text.borrow()])
    }

    fn string_line(&mut self, th: &mut Thread) -> PyResult {
        let line = self.input.line(th)?;
        let quoted = line.len() >= 2 && line[0] == line[line.len() - 1] && matches!(line[0], b'"' | b'\'');
        if !quoted {
            return Err(unpickling_error(th, "the STRING opcode argument must be quoted"));
        }
        let inner = th.new_bytes(&line[1..line.len() - 1]);
        let decode = import_attr(th, "_codecs", "escape_decode")?;
        let pair = decode.borrow().call(th, &[inner.borrow()])?;
        let bytes = pair.payload::<Tuple>().get(0).to_owned();
        let bytes = bytes_of(th, bytes.borrow(), "bytes expected")?;
        self.old_string(th, &bytes)
    }

    /// A str of Python 2.
    fn old_string(&mut self, th: &mut Thread, bytes: &[u8]) -> PyResult {
        if self.settings.encoding == "bytes" {
            return Ok(th.new_bytes(bytes));
        }
        decoded(th, bytes, &self.settings.encoding, &self.settings.errors)
    }

    fn find_class(&mut self, th: &mut Thread, module: Borrowed<'_>, name: Borrowed<'_>) -> PyResult {
        match self.settings.find_class.clone() {
            Some(find) => find.borrow().call(th, &[module, name]),
            None => find_class(th, module, name, self.protocol, self.settings.fix_imports),
        }
    }

    fn extension(&mut self, th: &mut Thread, code: i64) -> PyResult {
        if code <= 0 {
            return Err(unpickling_error(th, "EXT specifies code <= 0"));
        }
        let key = th.new_int(code);
        let cache = import_attr(th, "copyreg", "_extension_cache")?;
        if let Some(found) = cache.payload::<Dict>().get(th, key.borrow())? {
            return Ok(found);
        }
        let inverted = import_attr(th, "copyreg", "_inverted_registry")?;
        let Some(pair) = inverted.payload::<Dict>().get(th, key.borrow())? else {
            return Err(th.value_error(&format!("unregistered extension code {code}")));
        };
        let Some(pair) = pair.downcast::<Tuple>().filter(|t| t.len() == 2) else {
            let msg = format!("_inverted_registry[{code}] isn't a 2-tuple of strings");
            return Err(th.value_error(&msg));
        };
        let found = self.find_class(th, pair.get(0), pair.get(1))?;
        cache.payload::<Dict>().set(th, key.borrow(), found.clone())?;
        Ok(found)
    }

    fn persistent(&mut self, th: &mut Thread, id: Owned) -> PyResult {
        match self.settings.persistent_load.clone() {
            Some(load) => load.borrow().call(th, &[id.borrow()]),
            None => Err(no_persistent_load(th)),
        }
    }

    fn new_object(
        &mut self,
        th: &mut Thread,
        class: Owned,
        args: Owned,
        keywords: Option<Owned>,
        what: &str,
    ) -> PyResult {
        if class.downcast::<Type>().is_none() {
            let msg = format!("{what} class argument must be a type, not {}", class.borrow().type_name(th));
            return Err(unpickling_error(th, &msg));
        }
        let Some(args) = args.downcast::<Tuple>() else {
            let msg = format!("{what} args argument must be a tuple, not {}", args.borrow().type_name(th));
            return Err(unpickling_error(th, &msg));
        };
        let new = class.borrow().getattr(th, th.rt.names.__new__.get())?;
        let mut all = vec![class.borrow()];
        all.extend(args.iter());
        match keywords {
            None => new.borrow().call(th, &all),
            Some(keywords) if keywords.downcast::<Dict>().is_some() => {
                super::call_with(th, new.borrow(), &all, keywords.borrow())
            }
            Some(keywords) => {
                let msg =
                    format!("{what} kwargs argument must be a dict, not {}", keywords.borrow().type_name(th));
                Err(unpickling_error(th, &msg))
            }
        }
    }

    fn next_buffer(&mut self, th: &mut Thread) -> PyResult {
        let Some(buffers) = self.settings.buffers.clone() else {
            return Err(unpickling_error(
                th,
                "pickle stream refers to out-of-band data but no *buffers* argument was given",
            ));
        };
        match buffers.borrow().next(th)? {
            Some(buffer) => Ok(buffer),
            None => Err(unpickling_error(th, "not enough out-of-band buffers")),
        }
    }
}

#[cold]
pub(super) fn no_persistent_load(th: &mut Thread) -> Raised {
    let msg =
        "A load persistent id instruction was encountered, but no persistent_load function was specified.";
    unpickling_error(th, msg)
}

fn to_int(th: &mut Thread, digits: &[u8]) -> PyResult {
    let text = th.new_str(&String::from_utf8_lossy(digits));
    let class = crate::support::builtin(th, "int");
    class.borrow().call(th, &[text.borrow()])
}

fn decoded(th: &mut Thread, bytes: &[u8], encoding: &str, errors: &str) -> PyResult {
    let (bytes, encoding, errors) = (th.new_bytes(bytes), th.new_str(encoding), th.new_str(errors));
    bytes.borrow().call_method_str(th, "decode", &[encoding.borrow(), errors.borrow()])
}

/// `Unpickler.find_class`
pub fn find_class(
    th: &mut Thread,
    module: Borrowed<'_>,
    name: Borrowed<'_>,
    protocol: u8,
    fix_imports: bool,
) -> PyResult {
    let audit = import_attr(th, "sys", "audit")?;
    let event = th.new_str("pickle.find_class");
    audit.borrow().call(th, &[event.borrow(), module, name])?;
    let (module, name) = if protocol < 3 && fix_imports {
        names::from_python_2(th, module, name)?
    } else {
        (module.to_owned(), name.to_owned())
    };
    names::resolve(th, module.borrow(), name.borrow(), protocol >= 4)
}

/// An object of an old-style class.
fn instantiate(th: &mut Thread, class: Owned, args: &[Owned]) -> PyResult {
    if args.is_empty()
        && class.downcast::<Type>().is_some()
        && super::attribute(th, class.borrow(), "__getinitargs__")?.is_none()
    {
        return class.borrow().call_method_str(th, "__new__", &[class.borrow()]);
    }
    let args: Vec<Borrowed<'_>> = args.iter().map(Owned::borrow).collect();
    class.borrow().call(th, &args)
}

fn append(th: &mut Thread, list: Borrowed<'_>, items: Vec<Owned>) -> PyResult<()> {
    if let Some(list) = list.downcast_exact::<List>() {
        return list.lock().extend(items).map_err(|_| th.memory_error(""));
    }
    if let Some(extend) = super::attribute(th, list, "extend")? {
        let items = th.new_list(items);
        extend.borrow().call(th, &[items.borrow()])?;
        return Ok(());
    }
    let append = list.getattr_str(th, "append")?;
    for item in items {
        append.borrow().call(th, &[item.borrow()])?;
    }
    Ok(())
}

fn set_items(th: &mut Thread, dict: Borrowed<'_>, items: Vec<Owned>) -> PyResult<()> {
    if !items.len().is_multiple_of(2) {
        return Err(unpickling_error(th, "odd number of items for SETITEMS"));
    }
    for pair in items.chunks_exact(2) {
        let (key, value) = (pair[0].borrow(), &pair[1]);
        match dict.downcast_exact::<Dict>() {
            Some(d) => d.set(th, key, value.clone())?,
            None => dict.setitem(th, key, value.borrow())?,
        }
    }
    Ok(())
}

fn add_items(th: &mut Thread, set: Borrowed<'_>, items: Vec<Owned>) -> PyResult<()> {
    if set.downcast::<Set>().is_some() {
        let items = th.new_tuple(items);
        set.call_method_str(th, "update", &[items.borrow()])?;
        return Ok(());
    }
    let add = set.getattr_str(th, "add")?;
    for item in items {
        add.borrow().call(th, &[item.borrow()])?;
    }
    Ok(())
}

/// Gives an object its state: by `__setstate__`, or as attributes.
fn build(th: &mut Thread, object: Borrowed<'_>, state: Owned) -> PyResult<()> {
    let name = th.rt.names.__setstate__.get();
    if let Some(set) = object.getattr_opt(th, name)? {
        set.borrow().call(th, &[state.borrow()])?;
        return Ok(());
    }
    let (attributes, slots) = match state.downcast::<Tuple>().filter(|t| t.len() == 2) {
        Some(pair) => (pair.get(0).to_owned(), Some(pair.get(1).to_owned())),
        None => (state, None),
    };
    if !attributes.is_none() {
        let Some(dict) = attributes.downcast::<Dict>() else {
            return Err(unpickling_error(th, "state is not a dictionary"));
        };
        let mut own = None;
        // An instance without a dict object stays one: its attributes are in the places that its shape has for them.
        let plain = attributes::has_plain_dict(th, object);
        for (key, value) in dict.entries() {
            let is_name = key.borrow().downcast_exact::<Str>().is_some();
            let key = if is_name { th.intern_str(key.borrow()) } else { key };
            if plain && is_name {
                attributes::set_own_name(th, object, key.borrow(), value)?;
                continue;
            }
            if own.is_none() {
                own = Some(object.getattr(th, th.rt.names.__dict__.get())?);
            }
            if let Some(own) = &own {
                own.borrow().setitem(th, key.borrow(), value.borrow())?;
            }
        }
    }
    if let Some(slots) = slots.filter(|s| !s.is_none()) {
        let Some(dict) = slots.downcast::<Dict>() else {
            return Err(unpickling_error(th, "slot state is not a dictionary"));
        };
        for (key, value) in dict.entries() {
            names::check_name(th, key.borrow())?;
            object.setattr(th, key.borrow(), Some(value.borrow()))?;
        }
    }
    Ok(())
}

/// A view that cannot be written to.
fn read_only(th: &mut Thread, o: Owned) -> PyResult {
    if buffer::get(th, o.borrow())?.readonly {
        return Ok(o);
    }
    let class = crate::support::builtin(th, "memoryview");
    let view = class.borrow().call(th, &[o.borrow()])?;
    view.borrow().call_method_str(th, "toreadonly", &[])
}
