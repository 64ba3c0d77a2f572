//! `atexit`: functions that run when the program ends.

use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::exceptions as ex;
use typhon_core::builtins::list::List;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::{Args, Borrowed, ModuleDef, NativeDef, Owned, PyResult, Thread, report};

pub static MODULE: ModuleDef = ModuleDef {
    name: "atexit",
    doc: "allow programmer to define multiple exit functions to be executed\nupon normal program termination.\n\nTwo \
          public functions, register and unregister, are defined.",
    functions: &[
        NativeDef::raw(
            "register",
            "($module, func, /, *args, **kwargs)",
            register,
            "Register a function to be executed upon normal program termination\n\n    func - function to be called at \
             exit\n    args - optional arguments to pass to func\n    kwargs - optional keyword arguments to pass to \
             func\n\n    func is returned to facilitate usage as a decorator.",
        ),
        NativeDef::new(
            "unregister",
            "($module, func, /)",
            unregister,
            "Unregister an exit function which was previously registered using\natexit.register\n\n    func - function \
             to be unregistered",
        ),
        NativeDef::new(
            "_clear",
            "($module, /)",
            |th, _| {
                let old = callbacks(th).payload::<List>().lock().take_all();
                drop(old);
                Ok(Owned::none())
            },
            "Clear the list of previously registered exit functions.",
        ),
        NativeDef::new(
            "_run_exitfuncs",
            "($module, /)",
            |th, _| {
                run(th);
                Ok(Owned::none())
            },
            "Run all registered exit functions.\n\nIf a callback raises an exception, it is logged with \
             sys.unraisablehook.",
        ),
        NativeDef::new(
            "_ncallbacks",
            "($module, /)",
            |th, _| {
                let n = callbacks(th).payload::<List>().len();
                Ok(th.new_int(n as i64))
            },
            "Return the number of registered exit functions.",
        ),
    ],
    types: &[],
    setup: None,
};

/// Rows `(function, args, kwargs)`, oldest first.
fn callbacks(th: &mut Thread) -> Owned {
    const KEY: &str = "atexit.callbacks";
    if let Some(l) = th.rt.stored(KEY) {
        return l;
    }
    let l = th.new_list(vec![]);
    th.rt.store(KEY, l.clone());
    l
}

fn register(th: &mut Thread, args: Args<'_>) -> PyResult {
    let Some(f) = args.pos().first().copied() else {
        return Err(th.type_error("register() takes at least 1 argument (0 given)"));
    };
    if !f.is_callable() {
        return Err(th.type_error("the first argument must be callable"));
    }
    let rest: Vec<Owned> = args.pos()[1..].iter().map(|a| Borrowed::to_owned(*a)).collect();
    let rest = th.new_tuple(rest);
    let options = th.new_dict();
    for (k, v) in args.keywords() {
        options.payload::<Dict>().set(th, k, v.to_owned())?;
    }
    let row = th.new_tuple(vec![f.to_owned(), rest, options]);
    callbacks(th).payload::<List>().push(row);
    Ok(f.to_owned())
}

fn unregister(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let list = callbacks(th);
    let list = list.payload::<List>();
    let mut i = 0;
    while let Some(row) = list.get(i) {
        if row.payload::<Tuple>().get(0).equals(th, a[0])? {
            drop(list.lock().remove(i));
        } else {
            i += 1;
        }
    }
    Ok(Owned::none())
}

/// Runs and forgets the registered functions, newest first. Exceptions are reported, not raised.
pub fn run(th: &mut Thread) {
    let list = callbacks(th);
    while let Some(row) = list.payload::<List>().pop() {
        let row = row.payload::<Tuple>();
        let r = call_row(th, row);
        if let Err(raised) = r {
            let exc = th.catch(raised);
            if exc.borrow().is_instance_of(&ex::SYSTEM_EXIT) {
                continue;
            }
            let text = row.get(0).repr_text(th);
            let text = match text {
                Ok(t) => t,
                Err(raised) => {
                    drop(th.catch(raised));
                    String::from("<unprintable>")
                }
            };
            report::unraisable(th, exc, Some(&format!("Exception ignored in atexit callback {text}")), None);
        }
        th.drain_drops();
    }
}

fn call_row(th: &mut Thread, row: &Tuple) -> PyResult {
    let args = row.get(1).to_vec(th)?;
    let entries = match row.get(2).downcast::<Dict>() {
        Some(d) => d.entries(),
        None => Vec::new(),
    };
    let mut all: Vec<Borrowed<'_>> = args.iter().map(|a| a.borrow()).collect();
    let n_positional = all.len();
    all.extend(entries.iter().map(|(_, v)| v.borrow()));
    let names: Vec<Owned> = entries.iter().map(|(k, _)| k.clone()).collect();
    let names = th.new_tuple(names);
    row.get(0).call_args(th, Args { all: &all, n_positional, names: names.borrow() })
}
