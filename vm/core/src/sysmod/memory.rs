//! `sys`: counts, sizes, interned strings.

use typhon_sync::prim::Ordering;

use typhon_gc::pauses::{Histogram, Pause};

use crate::builtins::dict::Dict;
use crate::builtins::exceptions as ex;
use crate::builtins::str::Str;
use crate::builtins::type_::{self, attributes};
use crate::collect;
use crate::flags;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::ArgsExt;
use crate::thread::Thread;
use crate::typedef::NativeDef;

pub(super) const FUNCTIONS: &[NativeDef] = &[
    NativeDef::new(
        "getrefcount",
        "(object, /)",
        getrefcount,
        "Return the reference count of object.\n\n\
         The count returned is generally one higher than you might expect,\n\
         because it includes the (temporary) reference as an argument to\n\
         getrefcount().",
    ),
    NativeDef::new(
        "getsizeof",
        "(object, default=<unrepresentable>)",
        getsizeof,
        "getsizeof(object [, default]) -> int\n\nReturn the size of object in bytes.",
    ),
    NativeDef::new(
        "intern",
        "(string, /)",
        intern,
        "``Intern'' the given string.\n\n\
         This enters the string in the (global) table of interned strings whose\n\
         purpose is to speed up dictionary lookups. Return the string itself or\n\
         the previously interned string object with the same value.",
    ),
    NativeDef::new(
        "_clear_type_descriptors",
        "(type, /)",
        clear_type_descriptors,
        "Private function for clearing certain descriptors from a type's dictionary.\n\n\
         See gh-135228 for context.",
    ),
    NativeDef::new(
        "_is_interned",
        "(string, /)",
        is_interned,
        "Return True if the given string is \"interned\".",
    ),
    NativeDef::new(
        "_is_immortal",
        "(op, /)",
        |_, a| Ok(Owned::bool(a[0].header().is_none_or(|h| h.is_immortal()))),
        "Return True if the given object is \"immortal\" per PEP 683.",
    ),
    NativeDef::new(
        "getunicodeinternedsize",
        "(*, _only_immortal=False)",
        |th, _| {
            let n = th.rt.strings.len();
            Ok(th.new_int(n as i64))
        },
        "Return the number of elements of the unicode interned dictionary",
    ),
    NativeDef::new(
        "getallocatedblocks",
        "()",
        |th, _| {
            let census = collect::census(th);
            Ok(th.new_int((census.mortal + census.immortal) as i64))
        },
        "Return the number of memory blocks currently allocated.",
    ),
    NativeDef::new(
        "_refcount_stats",
        "()",
        refcount_stats,
        "Return how many operations on reference counts took which path, as a dict:\n\n\
         'local' by the owner of the object, 'shared' by read-modify-writes.\n\
         None in builds without the feature refcount-stats.",
    ),
    NativeDef::new(
        "_gc_stats",
        "()",
        gc_stats,
        "Return what the cycle collector did, as a dict.\n\n\
         'generations': what gc.get_stats() returns, with the objects looked at, and times in seconds: of the\n\
         collections, of the stops of the world in them, and of the longest stop.\n\
         'searches': objects looked at beside running threads, and what became of the suspects.\n\
         'pauses': by kind, how often and how long threads stood, by the clock on the 'wall' and by 'processor'\n\
         time, with histograms: pairs of the seconds at which a bucket begins and the pauses in it.\n\
         'handshakes': likewise, how long it took until all threads had answered; none stands for it.\n\
         'retired_bytes': memory that was freed beside a search and kept until nobody could be reading it; an\n\
         object counts for 64 bytes.\n\
         'merges': references that wait for the owner of their object, and merges done for a sleeping owner.\n\
         'deferred': objects that threads borrow instead of counting them (-X refcount=deferred): made 'shared',\n\
         'waiting' with a count of zero, 'reaped', and 'stops' of the world for that.",
    ),
    NativeDef::new(
        "_gc_verify",
        "()",
        gc_verify,
        "Compare what the headers of all objects say with what references say.\n\n\
         Return a list of findings; empty is good.",
    ),
    NativeDef::new(
        "_clear_type_cache",
        "()",
        |_, _| Ok(Owned::none()),
        "Clear the internal type lookup cache.",
    ),
    NativeDef::new(
        "_clear_internal_caches",
        "()",
        |_, _| Ok(Owned::none()),
        "Clear all internal performance-related caches.",
    ),
];

/// What `getrefcount` says of objects that are not counted: numbers, constants, immortals.
const IMMORTAL_COUNT: i64 = 3 << 30;

/// Takes `__dict__` and `__weakref__` out of a class that another one replaces (`@dataclass(slots=True)`).
fn clear_type_descriptors(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(ty) = a[0].downcast::<crate::Type>() else {
        let msg = format!("argument must be a type, not {}", a[0].type_name(th));
        return Err(th.type_error(&msg));
    };
    for name in ["__dict__", "__weakref__"] {
        let name = th.intern(name);
        type_::check_mutable(th, ty, name.borrow())?;
        attributes::set_entry(th, ty, name.borrow(), None)?;
    }
    Ok(Owned::none())
}

fn refcount_stats(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    let Some(totals) = typhon_sync::stats::totals() else { return Ok(Owned::none()) };
    let d = th.new_dict();
    for (kind, n) in [("local", totals.local), ("shared", totals.shared)] {
        let (kind, n) = (th.intern(kind), th.new_int(n as i64));
        d.payload::<Dict>().set(th, kind.borrow(), n)?;
    }
    Ok(d)
}

fn gc_stats(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    let collecting = &th.rt.collecting;
    let policy = &collecting.collector.policy;
    let mut generations = Vec::new();
    for stats in policy.stats() {
        let entries = [
            ("collections", th.new_int(stats.collections as i64)),
            ("collected", th.new_int(stats.collected as i64)),
            ("uncollectable", th.new_int(stats.uncollectable as i64)),
            ("candidates", th.new_int(stats.candidates as i64)),
            ("duration", th.new_float(stats.duration.as_secs_f64())),
            ("stopped", th.new_float(stats.stopped.as_secs_f64())),
            ("longest_stop", th.new_float(stats.longest_stop.as_secs_f64())),
        ];
        generations.push(dict_of(th, entries)?);
    }
    let generations = th.new_list(generations);
    let searched = collecting.background.searched();
    let searches = [
        ("members", searched.members),
        ("candidates", searched.candidates),
        ("private", searched.private),
        ("watched", searched.watched),
        ("undecided", searched.undecided),
        ("doubted", searched.doubted),
        ("disagreements", searched.disagreements),
        ("seized", searched.seized),
        ("stops", searched.stops),
        ("misses", searched.misses),
        ("abandoned", searched.abandoned),
    ];
    let searches = searches.map(|(key, n)| (key, th.new_int(n as i64)));
    let searches = dict_of(th, searches)?;
    let mut pauses = Vec::new();
    for kind in Pause::ALL {
        let wall = histogram(th, policy.pauses.of(kind))?;
        let processor = histogram(th, policy.pauses.processor(kind))?;
        pauses.push((kind.name(), dict_of(th, [("wall", wall), ("processor", processor)])?));
    }
    let pauses = dict_of(th, pauses)?;
    let handshakes = histogram(th, &policy.pauses.handshakes)?;
    let retired = th.new_int(crate::quarantine::retired_bytes() as i64);
    let queued = th.rt.threads.world.registry().threads().map(|thread| thread.queue_len()).sum::<usize>();
    let merges = [
        ("on_behalf", th.new_int(typhon_sync::stats::merged_on_behalf() as i64)),
        ("queued", th.new_int(queued as i64)),
    ];
    let merges = dict_of(th, merges)?;
    let totals = th.rt.reaper.totals();
    let deferred = [
        ("shared", totals.shared),
        ("waiting", totals.waiting),
        ("reaped", totals.reaped),
        ("stops", totals.stops),
    ];
    let deferred = deferred.map(|(key, n)| (key, th.new_int(n as i64)));
    let deferred = dict_of(th, deferred)?;
    let entries = [
        ("generations", generations),
        ("searches", searches),
        ("pauses", pauses),
        ("handshakes", handshakes),
        ("retired_bytes", retired),
        ("merges", merges),
        ("deferred", deferred),
    ];
    dict_of(th, entries)
}

fn histogram(th: &mut Thread, histogram: &Histogram) -> PyResult {
    let mut buckets = Vec::new();
    for (begin, n) in histogram.counts() {
        let (begin, n) = (th.new_float(begin.as_secs_f64()), th.new_int(n as i64));
        buckets.push(th.new_pair(begin, n));
    }
    let entries = [
        ("count", th.new_int(histogram.count() as i64)),
        ("total", th.new_float(histogram.total().as_secs_f64())),
        ("longest", th.new_float(histogram.longest().as_secs_f64())),
        ("histogram", th.new_list(buckets)),
    ];
    dict_of(th, entries)
}

/// A dict with these entries.
pub(super) fn dict_of(th: &mut Thread, entries: impl IntoIterator<Item = (&'static str, Owned)>) -> PyResult {
    let d = th.new_dict();
    for (key, v) in entries {
        let key = th.intern(key);
        d.payload::<Dict>().set(th, key.borrow(), v)?;
    }
    Ok(d)
}

fn gc_verify(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    let found: Vec<Owned> =
        collect::verify(th).iter().map(|finding| th.new_str(&finding.to_string())).collect();
    Ok(th.new_list(found))
}

fn getrefcount(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = match a[0].header() {
        Some(h) if !h.is_immortal() => h.refcount(),
        _ => IMMORTAL_COUNT,
    };
    Ok(th.new_int(n))
}

/// Bytes that an object takes: what `__sizeof__` says.
pub fn size_of_object(th: &mut Thread, o: Borrowed<'_>) -> PyResult<i64> {
    let name = th.intern("__sizeof__");
    let Some(r) = o.call_special(th, name.borrow(), &[])? else {
        let msg = format!("Type {} doesn't define __sizeof__", o.type_name(th));
        return Err(th.type_error(&msg));
    };
    let n = r.borrow().to_i64(th)?;
    if n < 0 {
        return Err(th.value_error("__sizeof__() should return >= 0"));
    }
    Ok(n)
}

fn getsizeof(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let r = size_of_object(th, a[0]);
    match a.opt(1) {
        None => {
            let n = r?;
            Ok(th.new_int(n))
        }
        Some(default) => match th.absorb(r, &ex::TYPE_ERROR)? {
            Some(n) => Ok(th.new_int(n)),
            None => Ok(default.to_owned()),
        },
    }
}

fn intern(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if a[0].downcast_exact::<Str>().is_some() {
        return Ok(th.intern_str(a[0]));
    }
    let msg = if a[0].downcast::<Str>().is_some() {
        format!("can't intern {}", a[0].type_name(th))
    } else {
        format!("intern() argument must be str, not {}", a[0].type_name(th))
    };
    Err(th.type_error(&msg))
}

fn is_interned(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let s = a[0].expect_str(th, "_is_interned() argument")?;
    // ORDERING Relaxed: set once, and this thread set or received it with the object.
    Ok(Owned::bool(s.header.flags.load(Ordering::Relaxed) & flags::STR_INTERNED != 0))
}
