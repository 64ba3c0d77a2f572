//! Saving by reduction: a global name, or a callable with its arguments and a state (PEP 307).

use typhon_core::builtins::bytes::Bytes;
use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::int::IntRef;
use typhon_core::builtins::str::Str;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::builtins::type_;
use typhon_core::function::Function;
use typhon_core::{Borrowed, Owned, PyResult, Raised, Thread, Type};

use super::opcode as op;
use super::save::Saver;
use super::{class_name, names, noted, pickling_error};
use crate::support::import_attr;

impl Saver {
    /// Saves what has no instruction of its own.
    pub(super) fn save_reducible(&mut self, th: &mut Thread, o: Borrowed<'_>) -> PyResult<()> {
        if let Some(hook) = self.settings.reducer_override.clone() {
            let reduced = hook.borrow().call(th, &[o])?;
            if !reduced.is_not_implemented() {
                return self.save_reduced(th, o, reduced.borrow());
            }
        }
        if o.downcast_exact::<Function>().is_some() {
            return self.save_global(th, o, None);
        }
        if core::ptr::eq(o.ty(), type_::DEF.ty()) {
            return self.save_class(th, o);
        }
        let table = match &self.settings.dispatch_table {
            Some(table) => table.clone(),
            None => {
                let table = import_attr(th, "copyreg", "dispatch_table")?;
                self.settings.dispatch_table.insert(table).clone()
            }
        };
        if let Some(reduce) = lookup(th, table.borrow(), o.ty().as_value())? {
            let reduced = reduce.borrow().call(th, &[o])?;
            return self.save_reduced(th, o, reduced.borrow());
        }
        if o.downcast::<Type>().is_some() {
            return self.save_global(th, o, None);
        }
        let reduced = match o.getattr_opt(th, th.rt.names.__reduce_ex__.get())? {
            Some(reduce) => {
                let protocol = th.new_int(self.settings.protocol);
                reduce.borrow().call(th, &[protocol.borrow()])?
            }
            None => match o.getattr_opt(th, th.rt.names.__reduce__.get())? {
                Some(reduce) => reduce.borrow().call(th, &[])?,
                None => {
                    let msg = format!("Can't pickle {} object", class_name(th, o));
                    return Err(pickling_error(th, &msg));
                }
            },
        };
        self.save_reduced(th, o, reduced.borrow())
    }

    /// A class; those of the singletons have no name to be found under.
    fn save_class(&mut self, th: &mut Thread, o: Borrowed<'_>) -> PyResult<()> {
        let ellipsis = crate::support::builtin(th, "Ellipsis");
        let singletons = [Owned::none(), Owned::not_implemented(), ellipsis];
        for singleton in singletons {
            if singleton.borrow().ty().as_value().word().is(o.word()) {
                let args = th.new_tuple(vec![singleton]);
                return self.save_call(th, o, type_::DEF.ty().as_value(), args.borrow());
            }
        }
        self.save_global(th, o, None)
    }

    /// What a reduction gave: a name, or a tuple of two to six.
    fn save_reduced(&mut self, th: &mut Thread, o: Borrowed<'_>, reduced: Borrowed<'_>) -> PyResult<()> {
        if reduced.downcast::<Str>().is_some() {
            return self.save_global(th, o, Some(reduced));
        }
        let saved = match reduced.downcast::<Tuple>() {
            Some(parts) if (2..=6).contains(&parts.len()) => {
                let parts: Vec<Owned> = parts.iter().map(|p| p.to_owned()).collect();
                self.save_parts(th, o, &parts)
            }
            Some(_) => {
                Err(pickling_error(th, "tuple returned by __reduce__ must contain 2 through 6 elements"))
            }
            None => {
                let class = class_name(th, reduced);
                Err(pickling_error(th, &format!("__reduce__ must return a string or tuple, not {class}")))
            }
        };
        saved.map_err(|raised| in_part(th, raised, o, "object"))
    }

    /// A callable and its arguments, that make the object.
    pub(super) fn save_call(
        &mut self,
        th: &mut Thread,
        o: Borrowed<'_>,
        callable: Borrowed<'_>,
        args: Borrowed<'_>,
    ) -> PyResult<()> {
        self.save_parts(th, o, &[callable.to_owned(), args.to_owned()])
    }

    /// `callable, args, state, list items, dict items, state setter`
    fn save_parts(&mut self, th: &mut Thread, o: Borrowed<'_>, parts: &[Owned]) -> PyResult<()> {
        let part = |i: usize| parts.get(i).map(Owned::borrow).filter(|p| !p.is_none());
        let (callable, args) = (parts[0].borrow(), parts[1].borrow());
        let Some(tuple) = args.downcast::<Tuple>().filter(|_| callable.is_callable()) else {
            let fits = callable.is_callable();
            let (which, what, is) =
                if fits { ("second", "a tuple", args) } else { ("first", "callable", callable) };
            return Err(unfit(th, which, what, is));
        };
        let checks = [(3, "fourth", "an iterator"), (4, "fifth", "an iterator"), (5, "sixth", "callable")];
        for (i, which, what) in checks {
            let Some(p) = part(i) else { continue };
            let fits = if i == 5 { p.is_callable() } else { p.ty().slots.next().is_some() };
            if !fits {
                return Err(unfit(th, which, what, p));
            }
        }
        self.save_constructor(th, o, callable, args, tuple)?;
        // An object that its own arguments lead to was saved inside.
        if self.is_known(o) {
            self.out.put(&[op::POP]);
            self.fetch(o);
            return Ok(());
        }
        self.memoize(o);
        if let Some(items) = part(3) {
            self.save_iterated(th, o, items)?;
        }
        if let Some(items) = part(4) {
            let mut entries = Vec::new();
            for pair in items.to_vec(th)? {
                match pair.downcast::<Tuple>().filter(|p| p.len() == 2) {
                    Some(p) => entries.push((p.get(0).to_owned(), p.get(1).to_owned())),
                    None => return Err(th.type_error("dict items iterator must return 2-tuples")),
                }
            }
            self.save_entries(th, o, &entries)?;
        }
        let Some(state) = part(2) else { return Ok(()) };
        if let Some(setter) = part(5) {
            self.save(th, setter, true).map_err(|raised| in_part(th, raised, o, "state setter"))?;
            self.save(th, o, true)?;
            self.save(th, state, true).map_err(|raised| in_part(th, raised, o, "state"))?;
            self.out.put(&[op::TUPLE2, op::REDUCE, op::POP]);
            return Ok(());
        }
        self.save(th, state, true).map_err(|raised| in_part(th, raised, o, "state"))?;
        self.out.put(&[op::BUILD]);
        Ok(())
    }

    /// The instructions that call `callable(*args)`; `copyreg.__newobj__` has shorter ones.
    fn save_constructor(
        &mut self,
        th: &mut Thread,
        o: Borrowed<'_>,
        callable: Borrowed<'_>,
        args: Borrowed<'_>,
        tuple: &Tuple,
    ) -> PyResult<()> {
        let name = th.rt.names.__name__.get();
        let name = if self.settings.protocol >= 2 { callable.getattr_opt(th, name)? } else { None };
        let name = name.as_ref().and_then(|n| n.downcast::<Str>()).map(Str::to_text);
        match name.as_deref() {
            Some("__newobj_ex__") => return self.save_new_with_keywords(th, o, tuple),
            Some("__newobj__") => return self.save_new(th, o, tuple),
            _ => {}
        }
        self.save(th, callable, true).map_err(|raised| in_part(th, raised, o, "reconstructor"))?;
        self.save(th, args, true).map_err(|raised| in_part(th, raised, o, "reconstructor arguments"))?;
        self.out.put(&[op::REDUCE]);
        Ok(())
    }

    fn save_new(&mut self, th: &mut Thread, o: Borrowed<'_>, args: &Tuple) -> PyResult<()> {
        let Some(class) = args.iter().next() else {
            return Err(pickling_error(th, "__newobj__ expected at least 1 argument, got 0"));
        };
        self.check_class(th, o, class, "__newobj__")?;
        let rest = args.iter().skip(1).map(|a| a.to_owned()).collect();
        let rest = th.new_tuple(rest);
        self.save(th, class, true).map_err(|raised| in_part(th, raised, o, "class"))?;
        self.save(th, rest.borrow(), true).map_err(|raised| in_part(th, raised, o, "__new__ arguments"))?;
        self.out.put(&[op::NEWOBJ]);
        Ok(())
    }

    fn save_new_with_keywords(&mut self, th: &mut Thread, o: Borrowed<'_>, args: &Tuple) -> PyResult<()> {
        if args.len() != 3 {
            let msg = format!("__newobj_ex__ expected 3 arguments, got {}", args.len());
            return Err(pickling_error(th, &msg));
        }
        let (class, positional, keywords) = (args.get(0), args.get(1), args.get(2));
        self.check_class(th, o, class, "__newobj_ex__")?;
        if positional.downcast::<Tuple>().is_none() {
            let msg = format!(
                "second argument to __newobj_ex__() must be a tuple, not {}",
                class_name(th, positional)
            );
            return Err(pickling_error(th, &msg));
        }
        if keywords.downcast::<Dict>().is_none() {
            let msg =
                format!("third argument to __newobj_ex__() must be a dict, not {}", class_name(th, keywords));
            return Err(pickling_error(th, &msg));
        }
        if self.settings.protocol >= 4 {
            self.save(th, class, true).map_err(|raised| in_part(th, raised, o, "class"))?;
            for part in [positional, keywords] {
                self.save(th, part, true).map_err(|raised| in_part(th, raised, o, "__new__ arguments"))?;
            }
            self.out.put(&[op::NEWOBJ_EX]);
            return Ok(());
        }
        // functools.partial(class.__new__, class, *args, **kwargs)
        let partial = import_attr(th, "functools", "partial")?;
        let name = th.intern("__new__");
        let new = class.getattr(th, name.borrow())?;
        let mut all = vec![new, class.to_owned()];
        all.extend(positional.to_vec(th)?);
        let words: Vec<Borrowed<'_>> = all.iter().map(Owned::borrow).collect();
        let bound = super::call_with(th, partial.borrow(), &words, keywords)?;
        let empty = th.new_tuple(Vec::new());
        self.save(th, bound.borrow(), true).map_err(|raised| in_part(th, raised, o, "reconstructor"))?;
        self.save(th, empty.borrow(), true)?;
        self.out.put(&[op::REDUCE]);
        Ok(())
    }

    fn check_class(
        &mut self,
        th: &mut Thread,
        o: Borrowed<'_>,
        class: Borrowed<'_>,
        what: &str,
    ) -> PyResult<()> {
        if class.getattr_opt(th, th.rt.names.__new__.get())?.is_none() {
            let msg = format!("first argument to {what}() must be a class, not {}", class_name(th, class));
            return Err(pickling_error(th, &msg));
        }
        let name = th.rt.names.__class__.get();
        let own = o.getattr(th, name)?;
        if !own.word().is(class.word()) {
            let (own, class) = (own.borrow().repr_text(th)?, class.repr_text(th)?);
            let msg = format!("first argument to {what}() must be {own}, not {class}");
            return Err(pickling_error(th, &msg));
        }
        Ok(())
    }

    /// An object by the name under which its module has it.
    fn save_global(&mut self, th: &mut Thread, o: Borrowed<'_>, name: Option<Borrowed<'_>>) -> PyResult<()> {
        let name = match name {
            Some(name) => name.to_owned(),
            None => {
                let qualname = th.rt.names.__qualname__.get();
                match o.getattr_opt(th, qualname)? {
                    Some(name) => name,
                    None => {
                        let name = th.rt.names.__name__.get();
                        o.getattr(th, name)?
                    }
                }
            }
        };
        let path = names::path_of(th, name.borrow())?;
        let module = names::module_of(th, o, name.borrow(), &path)?;
        if self.settings.protocol >= 2
            && let Some(code) = names::extension(th, module.borrow(), name.borrow())?
        {
            match code {
                1..=0xff => self.out.put(&[op::EXT1, code as u8]),
                0x100..=0xffff => self.put_with(op::EXT2, &(code as u16).to_le_bytes()),
                _ => self.put_with(op::EXT4, &(code as u32).to_le_bytes()),
            }
            return Ok(());
        }
        if self.settings.protocol >= 4 {
            self.save(th, module.borrow(), true)?;
            self.save(th, name.borrow(), true)?;
            self.out.put(&[op::STACK_GLOBAL]);
        } else {
            self.save_path(th, module.borrow(), &path)?;
        }
        self.memoize(o);
        Ok(())
    }

    /// Older protocols have instructions for the names of a module only: the rest is `getattr` of what they find.
    fn save_path(&mut self, th: &mut Thread, module: Borrowed<'_>, path: &[Owned]) -> PyResult<()> {
        let (first, rest) = path.split_first().expect("a split gives one part at least");
        let getattr = crate::support::builtin(th, "getattr");
        for _ in rest {
            self.save(th, getattr.borrow(), true)?;
            if self.settings.protocol < 2 {
                self.out.put(&[op::MARK]);
            }
        }
        self.put_global(th, module, first.borrow())?;
        for part in rest {
            self.save(th, part.borrow(), true)?;
            self.out.put(&[if self.settings.protocol < 2 { op::TUPLE } else { op::TUPLE2 }, op::REDUCE]);
        }
        Ok(())
    }

    fn put_global(&mut self, th: &mut Thread, module: Borrowed<'_>, name: Borrowed<'_>) -> PyResult<()> {
        let (module, name) = if self.settings.fix_imports && self.settings.protocol < 3 {
            names::for_python_2(th, module, name)?
        } else {
            (module.to_owned(), name.to_owned())
        };
        self.out.put(&[op::GLOBAL]);
        for (what, text) in [("module", module), ("global", name)] {
            let codec = th.intern(if self.settings.protocol < 3 { "ascii" } else { "utf-8" });
            match text.borrow().call_method_str(th, "encode", &[codec.borrow()]) {
                Ok(bytes) => {
                    let bytes = bytes.downcast::<Bytes>().map(|b| b.as_bytes().to_vec());
                    self.out.put(&bytes.unwrap_or_default());
                    self.out.put(b"\n");
                }
                Err(raised) => {
                    let exc = th.catch(raised);
                    let msg = format!(
                        "can't pickle {what} identifier {} using pickle protocol {}",
                        text.borrow().repr_text(th)?,
                        self.settings.protocol
                    );
                    let raised = pickling_error(th, &msg);
                    return Err(super::in_context(th, raised, exc));
                }
            }
        }
        Ok(())
    }
}

/// The note of an exception that came while a part of an object was saved.
#[cold]
pub(super) fn in_part(th: &mut Thread, raised: Raised, o: Borrowed<'_>, what: &str) -> Raised {
    noted(th, raised, |th| format!("when serializing {} {what}", class_name(th, o)))
}

/// An item of a reduction is not what it must be.
#[cold]
fn unfit(th: &mut Thread, which: &str, what: &str, is: Borrowed<'_>) -> Raised {
    let class = class_name(th, is);
    pickling_error(
        th,
        &format!("{which} item of the tuple returned by __reduce__ must be {what}, not {class}"),
    )
}

/// `table.get(key)`
fn lookup(th: &mut Thread, table: Borrowed<'_>, key: Borrowed<'_>) -> PyResult<Option<Owned>> {
    if let Some(dict) = table.downcast_exact::<Dict>() {
        return dict.get(th, key);
    }
    match table.getitem(th, key) {
        Ok(v) => Ok(Some(v)),
        Err(raised) => {
            let exc = th.catch(raised);
            let class = typhon_core::builtins::exceptions::KEY_ERROR.ty();
            if exc.borrow().ty().is_subtype_of(class) { Ok(None) } else { Err(th.set_exc(exc)) }
        }
    }
}

/// The code of an extension in the range that there is.
pub(super) fn as_code(n: Borrowed<'_>) -> Option<i64> {
    match n.as_int() {
        Some(IntRef::Small(n @ 1..=0x7fff_ffff)) => Some(n),
        _ => None,
    }
}
