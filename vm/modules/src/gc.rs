//! `gc`: the cycle collector as programs see it.

use typhon_sync::prim::Ordering;

use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::list::List;
use typhon_core::builtins::set::Set;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::collect::{self, debug};
use typhon_core::runtime::rt;
use typhon_core::typedef::type_flags;
use typhon_core::{ArgsExt, Borrowed, ModuleDef, NativeDef, Owned, PyResult, Thread, Type};
use typhon_gc::{Generation, Policy};
use typhon_sync::header::gc_bits;

use crate::support::c_int;

pub static MODULE: ModuleDef = ModuleDef {
    name: "gc",
    doc: "This module provides access to the garbage collector for reference cycles.\n\n\
          enable() -- Enable automatic garbage collection.\n\
          disable() -- Disable automatic garbage collection.\n\
          isenabled() -- Returns true if automatic collection is enabled.\n\
          collect() -- Do a full collection right now.\n\
          get_count() -- Return the current collection counts.\n\
          get_stats() -- Return list of dictionaries containing per-generation stats.\n\
          set_debug() -- Set debugging flags.\n\
          get_debug() -- Get debugging flags.\n\
          set_threshold() -- Set the collection thresholds.\n\
          get_threshold() -- Return the current collection thresholds.\n\
          get_objects() -- Return a list of all objects tracked by the collector.\n\
          is_tracked() -- Returns true if a given object is tracked.\n\
          is_finalized() -- Returns true if a given object has been already finalized.\n\
          get_referrers() -- Return the list of objects that refer to an object.\n\
          get_referents() -- Return the list of objects that an object refers to.\n\
          freeze() -- Freeze all tracked objects and ignore them for future collections.\n\
          unfreeze() -- Unfreeze all objects in the permanent generation.\n\
          get_freeze_count() -- Return the number of objects in the permanent generation.\n",
    functions: &[
        NativeDef::new("enable", "()", |_, _| set_enabled(true), "Enable automatic garbage collection."),
        NativeDef::new("disable", "()", |_, _| set_enabled(false), "Disable automatic garbage collection."),
        NativeDef::new(
            "isenabled",
            "()",
            |_, _| Ok(Owned::bool(policy().is_enabled())),
            "Returns true if automatic garbage collection is enabled.",
        ),
        NativeDef::new(
            "collect",
            "(generation=2)",
            collect,
            "Run the garbage collector.\n\n\
             With no arguments, run a full collection.  The optional argument\n\
             may be an integer specifying which generation to collect.  A ValueError\n\
             is raised if the generation number is invalid.\n\n\
             The number of unreachable objects is returned.",
        ),
        NativeDef::new(
            "get_count",
            "()",
            get_count,
            "Return a three-tuple of the current collection counts.",
        ),
        NativeDef::new(
            "get_stats",
            "()",
            get_stats,
            "Return a list of dictionaries containing per-generation statistics.",
        ),
        NativeDef::new("get_threshold", "()", get_threshold, "Return the current collection thresholds."),
        NativeDef::new(
            "set_threshold",
            "(threshold0, threshold1=<unrepresentable>, threshold2=<unrepresentable>, /)",
            set_threshold,
            "set_threshold(threshold0, [threshold1, [threshold2]])\n\
             Set the collection thresholds (the collection frequency).\n\n\
             Setting 'threshold0' to zero disables collection.",
        ),
        NativeDef::new(
            "set_debug",
            "(flags, /)",
            set_debug,
            "Set the garbage collection debugging flags.\n\n\
             flags\n\
             \x20 An integer that can have the following bits turned on:\n\
             \x20   DEBUG_STATS - Print statistics during collection.\n\
             \x20   DEBUG_COLLECTABLE - Print collectable objects found.\n\
             \x20   DEBUG_UNCOLLECTABLE - Print unreachable but uncollectable objects found.\n\
             \x20   DEBUG_SAVEALL - Save objects to gc.garbage rather than freeing them.\n\
             \x20   DEBUG_LEAK - Debug leaking programs (everything but STATS).\n\n\
             Debugging information is written to sys.stderr.",
        ),
        NativeDef::new(
            "get_debug",
            "()",
            // ORDERING Relaxed: a plain setting.
            |th, _| Ok(th.new_int(i64::from(rt().collecting.debug.load(Ordering::Relaxed)))),
            "Get the garbage collection debugging flags.",
        ),
        NativeDef::new(
            "get_objects",
            "(generation=None)",
            get_objects,
            "Return a list of objects tracked by the collector (excluding the list returned).\n\n\
             generation\n  Generation to extract the objects from.\n\n\
             If generation is not None, return only the objects tracked by the collector\n\
             that are in that generation.",
        ),
        NativeDef::new(
            "is_tracked",
            "(obj, /)",
            is_tracked,
            "Returns true if the object is tracked by the garbage collector.",
        ),
        NativeDef::new(
            "is_finalized",
            "(obj, /)",
            is_finalized,
            "Returns true if the object has been already finalized by the GC.",
        ),
        NativeDef::new(
            "get_referrers",
            "(*objs)",
            get_referrers,
            "Return the list of objects that directly refer to any of 'objs'.",
        ),
        NativeDef::new(
            "get_referents",
            "(*objs)",
            get_referents,
            "Return the list of objects that are directly referred to by 'objs'.",
        ),
        NativeDef::new(
            "freeze",
            "()",
            |th, _| {
                collect::freeze(th);
                Ok(Owned::none())
            },
            "Freeze all current tracked objects and ignore them for future collections.\n\n\
             This can be used before a POSIX fork() call to make the gc copy-on-write friendly.",
        ),
        NativeDef::new(
            "unfreeze",
            "()",
            |th, _| {
                collect::unfreeze(th);
                Ok(Owned::none())
            },
            "Unfreeze all objects in the permanent generation.",
        ),
        NativeDef::new(
            "get_freeze_count",
            "()",
            |th, _| {
                let n = collect::frozen_count(th);
                Ok(th.new_int(n as i64))
            },
            "Return the number of objects in the permanent generation.",
        ),
    ],
    types: &[],
    setup: Some(setup),
};

fn setup(th: &mut Thread, module: Borrowed<'_>) -> PyResult<()> {
    let mut entries = vec![("callbacks", collect::callbacks(th)), ("garbage", collect::garbage(th))];
    for (name, bit) in [
        ("DEBUG_STATS", debug::STATS),
        ("DEBUG_COLLECTABLE", debug::COLLECTABLE),
        ("DEBUG_UNCOLLECTABLE", debug::UNCOLLECTABLE),
        ("DEBUG_SAVEALL", debug::SAVEALL),
        ("DEBUG_LEAK", debug::LEAK),
    ] {
        entries.push((name, th.new_int(i64::from(bit))));
    }
    for (name, v) in entries {
        let name = th.intern(name);
        module.setattr(th, name.borrow(), Some(v.borrow()))?;
    }
    Ok(())
}

fn policy() -> &'static Policy {
    &rt().collecting.collector.policy
}

fn set_enabled(on: bool) -> PyResult {
    policy().set_enabled(on);
    Ok(Owned::none())
}

fn generation(th: &mut Thread, v: Borrowed<'_>) -> PyResult<Generation> {
    let n = c_int(th, v)?;
    match usize::try_from(n).ok().and_then(Generation::from_index) {
        Some(g) => Ok(g),
        None => Err(th.value_error("invalid generation")),
    }
}

fn collect(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let generation = match a.opt(0) {
        Some(v) => generation(th, v)?,
        None => Generation::Full,
    };
    typhon_core::interp::eval::forget_stale_word(th);
    let outcome = collect::collect(th, generation);
    Ok(th.new_int(outcome.unreachable() as i64))
}

fn int_tuple(th: &mut Thread, items: [i64; 3]) -> Owned {
    let items = items.map(|n| th.new_int(n));
    th.new_tuple(items.into())
}

fn get_count(th: &mut Thread, _a: &[Borrowed<'_>]) -> PyResult {
    // The thread's own births since it last published count as well.
    th.heap.publish();
    let counts = policy().counts(th.rt.heap);
    Ok(int_tuple(th, counts))
}

fn get_threshold(th: &mut Thread, _a: &[Borrowed<'_>]) -> PyResult {
    let thresholds = policy().thresholds().map(i64::from);
    Ok(int_tuple(th, thresholds))
}

fn set_threshold(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let mut thresholds = policy().thresholds();
    for (i, place) in thresholds.iter_mut().enumerate() {
        if let Some(v) = a.opt(i) {
            // A negative threshold is never reached, like none.
            *place = u32::try_from(c_int(th, v)?).unwrap_or(0);
        }
    }
    policy().set_thresholds(th.rt.heap, thresholds);
    Ok(Owned::none())
}

fn get_stats(th: &mut Thread, _a: &[Borrowed<'_>]) -> PyResult {
    let mut out = Vec::new();
    for stats in policy().stats() {
        let d = th.new_dict();
        for (key, n) in [
            ("collections", stats.collections),
            ("collected", stats.collected),
            ("uncollectable", stats.uncollectable),
        ] {
            let (key, n) = (th.intern(key), th.new_uint(n));
            d.borrow().setitem(th, key.borrow(), n.borrow())?;
        }
        out.push(d);
    }
    Ok(th.new_list(out))
}

fn set_debug(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let flags = a[0].to_i64(th)?;
    // ORDERING Relaxed: a plain setting.
    rt().collecting.debug.store(flags as u32, Ordering::Relaxed);
    Ok(Owned::none())
}

fn get_objects(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let wanted = match a.some(0) {
        Some(v) => {
            let n = v.to_i64(th)?;
            match usize::try_from(n).ok().and_then(Generation::from_index) {
                Some(g) => Some(g),
                None if n >= 0 => {
                    return Err(th.value_error(
                        "generation parameter must be less than the number of available generations (3)",
                    ));
                }
                None => return Err(th.value_error("generation parameter cannot be negative")),
            }
        }
        None => None,
    };
    let found = collect::objects(th, wanted);
    Ok(th.new_list(found))
}

fn has_bit(o: Borrowed<'_>, bit: u8) -> bool {
    // ORDERING Relaxed: the caller holds the object; these bits only answer a question.
    o.header().is_some_and(|h| h.gc.load(Ordering::Relaxed) & bit != 0)
}

fn is_tracked(_th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    // Built-in types live for ever, so nobody need look at them.
    let forever = a[0].downcast::<Type>().is_some_and(|ty| ty.flags() & type_flags::HEAP == 0);
    Ok(Owned::bool(has_bit(a[0], gc_bits::TRACKED) && !forever))
}

fn is_finalized(_th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    Ok(Owned::bool(has_bit(a[0], gc_bits::FINALIZED)))
}

/// The items of a `*args` tuple.
fn items(args: Borrowed<'_>) -> Vec<Borrowed<'_>> {
    args.downcast::<Tuple>().map_or_else(Vec::new, |t| t.iter().collect())
}

fn get_referrers(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let found = collect::referrers(th, &items(a[0]));
    // The tuple of the arguments refers to them, too, and is nobody's business.
    let found = found.into_iter().filter(|v| !v.is(a[0].word())).collect();
    Ok(th.new_list(found))
}

fn get_referents(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let mut found = Vec::new();
    for o in items(a[0]) {
        // Numbers and constants are no objects of the heap, but a container refers to them all the same.
        let is_sequence = o.downcast_exact::<List>().is_some() || o.downcast_exact::<Tuple>().is_some();
        if is_sequence || o.downcast_exact::<Set>().is_some() {
            found.extend(o.to_vec(th)?);
        } else if let Some(d) = o.downcast_exact::<Dict>() {
            found.extend(d.entries().into_iter().flat_map(|(k, v)| [k, v]));
        } else {
            found.extend(collect::referents(th, &[o]));
        }
    }
    Ok(th.new_list(found))
}
