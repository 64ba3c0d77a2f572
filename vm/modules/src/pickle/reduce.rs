//! Saving by reduction: a global name, or a callable with its arguments and a state (PEP 307).

use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::int::IntRef;
use typhon_core::builtins::str::Str;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::builtins::type_;
use typhon_core::function::Function;
use typhon_core::{Borrowed, Owned, PyResult, Thread, Type};

use super::opcode as op;
use super::save::Saver;
use super::{noted, pickling_error};
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
            None => import_attr(th, "copyreg", "dispatch_table")?,
        };
        if let Some(reduce) = lookup(th, table.borrow(), o.ty().as_value())? {
            let reduced = reduce.borrow().call(th, &[o])?;
            return self.save_reduced(th, o, reduced.borrow());
        }
        if o.downcast::<Type>().is_some() {
            return self.save_global(th, o, None);
        }
        let name = th.intern("__reduce_ex__");
        let reduced = match o.getattr_opt(th, name.borrow())? {
            Some(reduce) => {
                let protocol = th.new_int(self.settings.protocol);
                reduce.borrow().call(th, &[protocol.borrow()])?
            }
            None => {
                let name = th.intern("__reduce__");
                match o.getattr_opt(th, name.borrow())? {
                    Some(reduce) => reduce.borrow().call(th, &[])?,
                    None => {
                        let msg = format!("Can't pickle {} object", o.type_name(th));
                        return Err(pickling_error(th, &msg));
                    }
                }
            }
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
        let Some(parts) = reduced.downcast::<Tuple>() else {
            let msg = format!("__reduce__ must return a string or tuple, not {}", reduced.type_name(th));
            return Err(self.in_object(th, o, &msg));
        };
        if !(2..=6).contains(&parts.len()) {
            return Err(self.in_object(
                th,
                o,
                "tuple returned by __reduce__ must contain 2 through 6 elements",
            ));
        }
        let parts: Vec<Owned> = parts.iter().map(|p| p.to_owned()).collect();
        self.save_parts(th, o, &parts).map_err(|raised| {
            let text = format!("when serializing {} object", o.ty().display_name());
            noted(th, raised, |_| text)
        })
    }

    fn in_object(&self, th: &mut Thread, o: Borrowed<'_>, msg: &str) -> typhon_core::Raised {
        let raised = pickling_error(th, msg);
        let text = format!("when serializing {} object", o.ty().display_name());
        noted(th, raised, |_| text)
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
        if !callable.is_callable() {
            let msg = format!(
                "first item of the tuple returned by __reduce__ must be callable, not {}",
                callable.type_name(th)
            );
            return Err(pickling_error(th, &msg));
        }
        let Some(tuple) = args.downcast::<Tuple>() else {
            let msg = format!(
                "second item of the tuple returned by __reduce__ must be a tuple, not {}",
                args.type_name(th)
            );
            return Err(pickling_error(th, &msg));
        };
        let checks = [(3, "fourth", "an iterator"), (4, "fifth", "an iterator"), (5, "sixth", "callable")];
        for (i, which, what) in checks {
            let Some(p) = part(i) else { continue };
            let fits = if i == 5 { p.is_callable() } else { p.ty().slots.next().is_some() };
            if !fits {
                let msg = format!(
                    "{which} item of the tuple returned by __reduce__ must be {what}, not {}",
                    p.type_name(th)
                );
                return Err(pickling_error(th, &msg));
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
            self.save_iterated(th, items)?;
        }
        if let Some(items) = part(4) {
            let mut entries = Vec::new();
            for pair in items.to_vec(th)? {
                match pair.downcast::<Tuple>().filter(|p| p.len() == 2) {
                    Some(p) => entries.push((p.get(0).to_owned(), p.get(1).to_owned())),
                    None => return Err(th.type_error("dict items iterator must return 2-tuples")),
                }
            }
            self.save_entries(th, &entries)?;
        }
        let Some(state) = part(2) else { return Ok(()) };
        let text = format!("when serializing {} state", o.ty().display_name());
        if let Some(setter) = part(5) {
            self.save(th, setter, true)?;
            self.save(th, o, true)?;
            self.save(th, state, true).map_err(|raised| noted(th, raised, |_| text))?;
            self.out.put(&[op::TUPLE2, op::REDUCE, op::POP]);
            return Ok(());
        }
        self.save(th, state, true).map_err(|raised| noted(th, raised, |_| text))?;
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
        self.save(th, callable, true)?;
        self.save(th, args, true)?;
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
        self.save(th, class, true)?;
        self.save(th, rest.borrow(), true)?;
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
                positional.type_name(th)
            );
            return Err(pickling_error(th, &msg));
        }
        if keywords.downcast::<Dict>().is_none() {
            let msg =
                format!("third argument to __newobj_ex__() must be a dict, not {}", keywords.type_name(th));
            return Err(pickling_error(th, &msg));
        }
        if self.settings.protocol >= 4 {
            self.save(th, class, true)?;
            self.save(th, positional, true)?;
            self.save(th, keywords, true)?;
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
        self.save(th, bound.borrow(), true)?;
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
        let name = th.intern("__new__");
        if class.getattr_opt(th, name.borrow())?.is_none() {
            let msg = format!("first argument to {what}() must be a class, not {}", class.type_name(th));
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
        let dotted = name.borrow().str_text(th)?;
        let module = super::names::module_of(th, o, &dotted)?;
        let shown = module.borrow().str_text(th)?;
        super::names::check_found(th, o, &shown, &dotted)?;
        if self.settings.protocol >= 2
            && let Some(code) = super::names::extension(th, module.borrow(), name.borrow())?
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
        } else if dotted.contains('.') {
            // The object that has it, then `getattr`.
            let parts: Vec<&str> = dotted.split('.').collect();
            let (last, path) = parts.split_last().expect("a split gives one part at least");
            let parent = super::names::resolve(th, &shown, path)?;
            let getattr = crate::support::builtin(th, "getattr");
            let last = th.new_str(last);
            let args = th.new_pair(parent, last);
            return self.save_call(th, o, getattr.borrow(), args.borrow());
        } else {
            let (module, name) = if self.settings.fix_imports && self.settings.protocol < 3 {
                super::names::for_python_2(th, &shown, &dotted)?
            } else {
                (shown, dotted)
            };
            let line = format!("c{module}\n{name}\n");
            if self.settings.protocol < 3 && !line.is_ascii() {
                let msg = format!(
                    "can't pickle global identifier {module:?}.{name:?} using pickle protocol {}",
                    self.settings.protocol
                );
                return Err(pickling_error(th, &msg));
            }
            self.out.put(line.as_bytes());
        }
        self.memoize(o);
        Ok(())
    }
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
