//! The cache behind `functools.lru_cache`.
//!
//! A dict maps keys to ids; nodes with results lie in a slab, linked by time of use. An id is a slab index
//! and a generation, so a node that was recycled between lookup and use is noticed. The dict may run Python
//! (`__hash__`, `__eq__`) and is used without the lock; the slab is used under the lock only.

use typhon_sync::prim::{AtomicU64, Ordering};

use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::str::Str;
use typhon_core::{
    Args, Beside, Borrowed, Locked, NativeDef, Owned, PyResult, Safety, Shared, Slot, Slots, Thread, Trace,
    Type, TypeDef, Word, payload, signature, type_flags, unborn,
};

use crate::args::{made, this};

const NIL: u32 = u32::MAX;

struct Node {
    key: Owned,
    value: Owned,
    id: i64,
    newer: u32,
    older: u32,
}

struct Slab {
    nodes: Vec<Node>,
    newest: u32,
    oldest: u32,
    generation: i64,
}

impl Trace for Slab {
    const BESIDE: Beside = Beside::Locked;

    fn trace(&self, visit: &mut dyn FnMut(Word)) {
        for n in &self.nodes {
            n.key.trace(visit);
            n.value.trace(visit);
        }
    }
    fn clear(&mut self, drop: &mut dyn FnMut(Word)) {
        for n in core::mem::take(&mut self.nodes) {
            drop(n.key.into_raw());
            drop(n.value.into_raw());
        }
        (self.newest, self.oldest) = (NIL, NIL);
    }
}

impl Slab {
    fn new() -> Slab {
        Slab { nodes: Vec::new(), newest: NIL, oldest: NIL, generation: 0 }
    }

    fn index(id: i64) -> usize {
        (id & 0xffff_ffff) as usize
    }

    fn unlink(&mut self, i: u32) {
        let (newer, older) = (self.nodes[i as usize].newer, self.nodes[i as usize].older);
        match newer {
            NIL => self.newest = older,
            n => self.nodes[n as usize].older = older,
        }
        match older {
            NIL => self.oldest = newer,
            n => self.nodes[n as usize].newer = newer,
        }
    }

    fn link_newest(&mut self, i: u32) {
        let before = self.newest;
        self.nodes[i as usize].newer = NIL;
        self.nodes[i as usize].older = before;
        match before {
            NIL => self.oldest = i,
            n => self.nodes[n as usize].newer = i,
        }
        self.newest = i;
    }

    /// The result under an id, which becomes the newest; `None` if the node was recycled.
    fn hit(&mut self, id: i64) -> Option<Owned> {
        let i = Self::index(id);
        let node = self.nodes.get(i).filter(|n| n.id == id)?;
        let value = node.value.clone();
        if self.newest != i as u32 {
            self.unlink(i as u32);
            self.link_newest(i as u32);
        }
        Some(value)
    }

    /// Stores a result; returns its id, and key and id of what it replaced. (What is dropped waits until
    /// the lock is free.)
    fn insert(&mut self, key: Owned, value: Owned, max: usize) -> (i64, Option<(Owned, i64)>) {
        // Ids fit a word: 30 bits of generation above 32 of index.
        self.generation = (self.generation + 1) & 0x1fff_ffff;
        if self.nodes.len() < max {
            let i = self.nodes.len() as u32;
            let id = self.generation << 32 | i64::from(i);
            self.nodes.push(Node { key, value, id, newer: NIL, older: NIL });
            self.link_newest(i);
            return (id, None);
        }
        let i = self.oldest;
        let id = self.generation << 32 | i64::from(i);
        self.unlink(i);
        let node = &mut self.nodes[i as usize];
        let old_id = core::mem::replace(&mut node.id, id);
        let old_key = core::mem::replace(&mut node.key, key);
        node.value = value;
        self.link_newest(i);
        (id, Some((old_key, old_id)))
    }
}

/// How many results are kept.
#[derive(Clone, Copy)]
enum Limit {
    None,
    Zero,
    Some(usize),
}
typhon_core::holds_no_references!(Limit);

payload! {
    /// `functools._lru_cache_wrapper`.
    pub struct LruCache: LRU_CACHE {
        function: Slot,
        info_type: Slot,
        /// Results (without limit) or ids (with one) by key.
        results: Slot,
        slab: Locked<Slab>,
        hits: AtomicU64,
        misses: AtomicU64,
        limit: Limit,
        typed: bool,
    }
}

pub static LRU_CACHE: TypeDef = TypeDef {
    module: "functools",
    flags: type_flags::BASE | type_flags::GC | type_flags::DICT | type_flags::WEAKREF,
    doc: "Create a cached callable that wraps another function.\n\nuser_function:      the function being \
          cached\n\nmaxsize:  0         for no caching\n          None      for unlimited cache size\n          n         \
          for a bounded cache\n\ntyped:    False     cache f(3) and f(3.0) as identical calls\n          True      cache \
          f(3) and f(3.0) as distinct calls\n\ncache_info_type:    namedtuple class with the fields:\n                        \
          hits misses currsize maxsize",
    slots: Slots { new: Some(new), call: Some(call), descr_get: Some(bind), ..Slots::NONE },
    methods: &[
        NativeDef::new("cache_info", "($self, /)", cache_info, "Report cache statistics"),
        NativeDef::new("cache_clear", "($self, /)", cache_clear, "Clear the cache and cache statistics"),
        NativeDef::new("__reduce__", "($self, /)", reduce, ""),
        NativeDef::new("__copy__", "($self, /)", |_, a| Ok(a[0].to_owned()), ""),
        NativeDef::new("__deepcopy__", "($self, memo, /)", |_, a| Ok(a[0].to_owned()), ""),
    ],
    shared: Some(
        Shared::but(Safety::Locked, &[(Safety::Steps, "__call__")])
            .note("Threads that ask for the same key at once may all call the function."),
    ),
    ..TypeDef::of::<LruCache>("_lru_cache_wrapper")
};

fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = signature::bind(th, "lru_cache", "(user_function, maxsize, typed, cache_info_type)", args)?;
    if !a[0].is_callable() {
        return Err(th.type_error("the first argument must be callable"));
    }
    let limit = if a[1].is_none() {
        Limit::None
    } else if a[1].as_int().is_some() {
        match a[1].to_isize(th)? {
            n if n <= 0 => Limit::Zero,
            n => Limit::Some((n as usize).min(NIL as usize - 1)),
        }
    } else {
        return Err(th.type_error("maxsize should be integer or None"));
    };
    let payload = LruCache {
        header: unborn(),
        function: Slot::new(a[0].to_owned()),
        info_type: Slot::new(a[3].to_owned()),
        results: Slot::new(th.new_dict()),
        slab: Locked::new(Slab::new()),
        hits: AtomicU64::new(0),
        misses: AtomicU64::new(0),
        limit,
        typed: a[2].truth(th)?,
    };
    made(th, ty, payload)
}

/// The key of a call: the argument itself for one int or str, else a tuple.
fn key(th: &mut Thread, c: &LruCache, args: Args<'_>) -> Owned {
    if !c.typed
        && !args.has_keywords()
        && let [one] = args.pos()
        && (one.word().is_int() || one.downcast_exact::<Str>().is_some())
    {
        return Borrowed::to_owned(*one);
    }
    let mut items: Vec<Owned> = Vec::with_capacity(args.all.len() * 3 + 1);
    items.extend(args.pos().iter().map(|a| Borrowed::to_owned(*a)));
    if args.has_keywords() {
        // A value that no caller can pass by accident parts positional arguments from keywords.
        items.push(LRU_CACHE.ty().as_value().to_owned());
        for (k, v) in args.keywords() {
            items.push(k.to_owned());
            items.push(v.to_owned());
        }
    }
    if c.typed {
        items.extend(args.all.iter().map(|a| a.ty().as_value().to_owned()));
    }
    th.new_tuple(items)
}

fn results(c: &LruCache) -> &Dict {
    c.results.fixed().and_then(|d| d.downcast::<Dict>()).expect("set at birth")
}

fn count(n: &AtomicU64) {
    // ORDERING Relaxed: statistics.
    n.fetch_add(1, Ordering::Relaxed);
}

fn call(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult {
    let c: &LruCache = this(o);
    let function = c.function.fixed().unwrap_or(Borrowed::none());
    let limit = match c.limit {
        Limit::Zero => {
            count(&c.misses);
            return function.call_args(th, args);
        }
        Limit::None => {
            let key = key(th, c, args);
            if let Some(v) = results(c).get(th, key.borrow())? {
                count(&c.hits);
                return Ok(v);
            }
            count(&c.misses);
            let v = function.call_args(th, args)?;
            results(c).set(th, key.borrow(), v.clone())?;
            return Ok(v);
        }
        Limit::Some(n) => n,
    };
    let key = key(th, c, args);
    if let Some(id) = results(c).get(th, key.borrow())?
        && let Some(v) = c.slab.lock(&c.header, th).hit(id.word().int())
    {
        count(&c.hits);
        return Ok(v);
    }
    count(&c.misses);
    let v = function.call_args(th, args)?;
    // The call may have stored the same key (recursion, another thread): the first result stays.
    if let Some(id) = results(c).get(th, key.borrow())?
        && c.slab.lock(&c.header, th).hit(id.word().int()).is_some()
    {
        return Ok(v);
    }
    let (id, replaced) = c.slab.lock(&c.header, th).insert(key.clone(), v.clone(), limit);
    if let Some((old_key, old_id)) = replaced {
        let now = results(c).get(th, old_key.borrow())?;
        if now.is_some_and(|n| n.is(Word::small_int(old_id))) {
            results(c).remove(th, old_key.borrow())?;
        }
    }
    results(c).set(th, key.borrow(), Owned::from_const(Word::small_int(id)))?;
    Ok(v)
}

fn bind(th: &mut Thread, o: Borrowed<'_>, instance: Option<Borrowed<'_>>, cls: Borrowed<'_>) -> PyResult {
    typhon_core::builtins::method::bind_function(th, o, instance, cls)
}

fn cache_info(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let c: &LruCache = this(a[0]);
    // ORDERING Relaxed: statistics.
    let (hits, misses) = (c.hits.load(Ordering::Relaxed), c.misses.load(Ordering::Relaxed));
    let (hits, misses) = (th.new_int(hits as i64), th.new_int(misses as i64));
    let max = match c.limit {
        Limit::None => Owned::none(),
        Limit::Zero => th.new_int(0),
        Limit::Some(n) => th.new_int(n as i64),
    };
    let len = results(c).len();
    let len = th.new_int(len as i64);
    let ty = c.info_type.fixed().unwrap_or(Borrowed::none());
    ty.call(th, &[hits.borrow(), misses.borrow(), max.borrow(), len.borrow()])
}

fn cache_clear(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let c: &LruCache = this(a[0]);
    let old = {
        let mut slab = c.slab.lock(&c.header, th);
        (slab.newest, slab.oldest) = (NIL, NIL);
        core::mem::take(&mut slab.nodes)
    };
    results(c).clear();
    for n in old {
        drop((n.key, n.value));
    }
    // ORDERING Relaxed: statistics.
    c.hits.store(0, Ordering::Relaxed);
    c.misses.store(0, Ordering::Relaxed);
    Ok(Owned::none())
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    a[0].getattr_str(th, "__qualname__")
}
