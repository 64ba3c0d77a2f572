//! A runtime of four kinds of object for testing collectors: nodes with four slots, classes
//! (deferred), instances (a node with an uncounted class), weak references.
#![allow(dead_code)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, RwLock, RwLockWriteGuard};

use typhon_gc::cycles::Confined;
use typhon_gc::{Collector, Heap, Host, LocalHeap, Strategy, Trace};
use typhon_sync::header::{Header, OwnerId, gc_bits};
use typhon_sync::{Birth, Fate};

pub const NODE: u32 = 1;
pub const CLASS: u32 = 2;
pub const INSTANCE: u32 = 3;
pub const WEAKREF: u32 = 4;
pub const SLOTS: usize = 4;

/// Every mock object: header, a word of its kind, four slots.
#[repr(C)]
pub struct Object {
    pub header: Header,
    /// Node: what its finaliser does. Instance: its class. Weak reference: the referent.
    pub word: AtomicU64,
    pub slots: [AtomicU64; SLOTS],
}

pub type Ref = *const Object;

pub const NO_FINALIZER: u64 = 0;
/// Counts its call.
pub const COUNTED: u64 = 1;
/// Stores itself in a root.
pub const ESCAPES: u64 = 2;
/// Makes a new garbage cycle.
pub const MAKES_CYCLE: u64 = 3;
/// Asks for a collection.
pub const COLLECTS: u64 = 4;
/// Makes a weak reference with a callback to itself.
pub const MAKES_WEAKREF: u64 = 5;

pub fn object(header: &Header) -> &Object {
    // SAFETY: every object on a mock heap is an `Object`, and the header is its first field.
    unsafe { &*std::ptr::from_ref(header).cast::<Object>() }
}

pub fn get<'a>(object: Ref) -> &'a Object {
    // SAFETY: tests hold references to what they look at.
    unsafe { &*object }
}

#[derive(Clone, Copy)]
pub struct Tracer;

impl Trace for Tracer {
    type Slot = AtomicU64;

    fn confined<'a>(&self, header: &'a Header) -> Option<Confined<'a, AtomicU64>> {
        let rows = Some([&object(header).slots[..], &[]]);
        self.is_confined(header).then(|| Confined { has_finalizer: self.has_finalizer(header), rows })
    }

    fn referent(slot: &AtomicU64) -> Option<*const Header> {
        Some(slot.load(Ordering::Acquire) as *const Header)
    }

    fn trace(&self, header: &Header, mut visit: impl FnMut(*const Header)) {
        for slot in &object(header).slots {
            visit(slot.load(Ordering::Acquire) as *const Header);
        }
    }

    fn is_confined(&self, header: &Header) -> bool {
        header.shape.load(Ordering::Relaxed) == NODE
    }

    fn has_finalizer(&self, header: &Header) -> bool {
        header.shape.load(Ordering::Relaxed) == NODE
            && object(header).word.load(Ordering::Relaxed) != NO_FINALIZER
    }

    fn trace_uncounted(&self, header: &Header, mut visit: impl FnMut(*const Header)) {
        if header.shape.load(Ordering::Relaxed) == INSTANCE {
            visit(object(header).word.load(Ordering::Relaxed) as *const Header);
        }
    }
}

pub struct Mock {
    pub collector: &'static Collector,
    pub local: LocalHeap,
    pub me: OwnerId,
    pub birth: Birth,
    /// References held by "the program".
    pub roots: Vec<Ref>,
    /// Uncounted references on "the stack".
    pub stack: Vec<Ref>,
    pub finalized: usize,
    pub callbacks: usize,
    pub destroyed: usize,
    pub stops: usize,
    pub saved: Vec<Ref>,
    /// A weak reference that callbacks try to upgrade; what they get goes to `roots`.
    pub probe: Option<Ref>,
    pub log: Vec<&'static str>,
    /// Breaths of collectors so far, and what mutators do at each.
    pub breaths: usize,
    pub at_breath: Option<Box<dyn FnMut(&mut Mock)>>,
    /// With other threads: how they are stopped, and what they have queued.
    pub world: Option<&'static World>,
    stopped: Option<RwLockWriteGuard<'static, ()>>,
    dying: Vec<Ref>,
    destroying: bool,
}

/// Threads hold `running` for reading while they touch objects. One merge queue serves all owners:
/// who stops the world works it off.
#[derive(Default)]
pub struct World {
    pub running: RwLock<()>,
    pub queue: Mutex<Vec<usize>>,
}

pub fn mock() -> Mock {
    mock_with(Strategy::Stop)
}

pub fn mock_with(strategy: Strategy) -> Mock {
    let heap = Box::leak(Box::new(Heap::with_reservation(1 << 30).expect("address space")));
    mock_on(Box::leak(Box::new(Collector::new(heap, strategy))), 3)
}

pub fn mock_on(collector: &'static Collector, me: u32) -> Mock {
    Mock {
        collector,
        local: LocalHeap::new(collector.heap),
        me: OwnerId(me),
        birth: Birth::biased(OwnerId(me)),
        roots: Vec::new(),
        stack: Vec::new(),
        finalized: 0,
        callbacks: 0,
        destroyed: 0,
        stops: 0,
        saved: Vec::new(),
        probe: None,
        log: Vec::new(),
        breaths: 0,
        at_breath: None,
        world: None,
        stopped: None,
        dying: Vec::new(),
        destroying: false,
    }
}

impl Mock {
    fn make(&mut self, shape: u32, gc: u8, word: u64) -> Ref {
        let tracked = gc & gc_bits::TRACKED != 0;
        let slot = match (shape, tracked) {
            (CLASS, _) => self.local.alloc_deferred(size_of::<Object>()),
            (_, true) => self.local.alloc(size_of::<Object>()),
            (_, false) => self.local.alloc_leaf(size_of::<Object>()),
        };
        assert!(!slot.is_null());
        let new = slot.cast::<Object>();
        // SAFETY: a fresh slot of the right size; the header is born last.
        unsafe {
            (*new).word = AtomicU64::new(word);
            (*new).slots = [const { AtomicU64::new(0) }; SLOTS];
            Header::write_birth(slot, &self.birth, shape, gc, 0);
        }
        if tracked {
            self.local.count_container(slot);
        }
        new
    }

    /// An object that refers to nothing; the caller owns one reference.
    pub fn leaf(&mut self) -> Ref {
        self.make(NODE, 0, NO_FINALIZER)
    }

    /// A node; the caller owns one reference.
    pub fn node(&mut self) -> Ref {
        self.make(NODE, gc_bits::TRACKED, NO_FINALIZER)
    }

    pub fn node_with(&mut self, finalizer: u64) -> Ref {
        self.make(NODE, gc_bits::TRACKED, finalizer)
    }

    /// A class; the caller owns one reference, the registry another.
    pub fn class(&mut self) -> Ref {
        let class = self.make(CLASS, gc_bits::TRACKED | gc_bits::DEFERRED, 0);
        self.incref(class);
        class
    }

    pub fn instance(&mut self, class: Ref) -> Ref {
        self.make(INSTANCE, gc_bits::TRACKED, class as u64)
    }

    /// A weak reference; with a callback if `callback`.
    pub fn weakref(&mut self, referent: Ref, callback: bool) -> Ref {
        let weak = self.make(WEAKREF, gc_bits::TRACKED, referent as u64);
        if callback {
            let function = self.node();
            self.give(weak, 0, function);
        }
        self.collector.weakrefs.register(&get(referent).header, &get(weak).header);
        weak
    }

    pub fn upgrade(&self, weak: Ref) -> Option<Ref> {
        let load = || get(weak).word.load(Ordering::Acquire) as *const Header;
        let give_back = |other: *const Header| {
            // SAFETY: a reference to it was taken.
            let fate = unsafe { &*other }.decref(self.me);
            assert_eq!(fate, Fate::Alive, "another object in the slot, which its owner keeps here");
        };
        self.collector.weakrefs.upgrade(load, self.me, give_back).map(<*const Header>::cast)
    }

    pub fn incref(&self, object: Ref) {
        get(object).header.incref(self.me);
    }

    /// Stores a new reference to `to` in a slot, dropping the old one.
    pub fn set(&mut self, from: Ref, slot: usize, to: Ref) {
        if !to.is_null() {
            self.incref(to);
        }
        self.give(from, slot, to);
    }

    /// As `set`, but the caller's reference moves into the slot.
    pub fn give(&mut self, from: Ref, slot: usize, to: Ref) {
        let old = get(from).slots[slot].swap(to as u64, Ordering::AcqRel) as Ref;
        self.drop_ref(old);
    }

    pub fn drop_ref(&mut self, object: Ref) {
        if object.is_null() {
            return;
        }
        match get(object).header.decref(self.me) {
            Fate::Alive => return,
            Fate::Dead => self.dying.push(object),
            Fate::Queue => {
                let world = self.world.expect("only other threads' objects are queued");
                world.queue.lock().unwrap().push(object as usize);
                return;
            }
        }
        self.destroy_dying();
    }

    fn destroy_dying(&mut self) {
        if self.destroying {
            return;
        }
        self.destroying = true;
        while let Some(object) = self.dying.pop() {
            self.destroy(object);
        }
        self.destroying = false;
    }

    fn destroy(&mut self, object: Ref) {
        self.destroyed += 1;
        let it = get(object);
        if it.header.shape.load(Ordering::Relaxed) == WEAKREF {
            let referent = it.word.load(Ordering::Acquire) as *const Header;
            if !referent.is_null() {
                // SAFETY: registered when it was made, and not yet freed.
                unsafe { self.collector.weakrefs.unregister(referent, &it.header) };
            }
        }
        for weak in self.collector.weakrefs.take_all(&it.header, self.me, |weak| {
            object_word(weak).store(0, Ordering::Release);
        }) {
            // SAFETY: we were given a reference.
            let header = unsafe { &*weak };
            if self.weakref_has_callback(header) {
                self.call_weakref(header);
            }
            self.drop_ref(weak.cast());
        }
        for slot in 0..SLOTS {
            self.give(object, slot, std::ptr::null());
        }
        // SAFETY: its count is zero and it is emptied.
        unsafe { self.local.free(object.cast_mut().cast()) };
    }

    pub fn collect(&mut self) -> usize {
        self.collect_generation(typhon_gc::Generation::Full).unreachable()
    }

    pub fn collect_generation(&mut self, generation: typhon_gc::Generation) -> typhon_gc::Outcome {
        let collector = self.collector;
        let outcome = collector.collect(self, generation, typhon_gc::cycles::Options::default());
        self.check();
        outcome
    }

    /// Searches beside (nobody, here), and takes apart what was found, until there is nothing.
    pub fn collect_beside(&mut self, generation: typhon_gc::Generation) -> usize {
        let collector = self.collector;
        let mut collected = 0;
        loop {
            let mut portions = std::collections::VecDeque::new();
            let (search, _shared) =
                collector.search(self, generation, |_, portion| portions.push_back(portion));
            assert_eq!((search.misses, search.abandoned), (0, 0));
            let options = typhon_gc::cycles::Options::default();
            let outcome = collector.take_apart(self, generation, options, || portions.pop_front());
            self.check();
            collected += outcome.collected;
            if outcome.collected == 0 {
                return collected;
            }
        }
    }

    pub fn check(&self) {
        let findings = typhon_gc::verify::verify(self.collector.heap, &Tracer);
        assert!(findings.is_empty(), "{findings:?}");
    }

    pub fn live(&self) -> usize {
        self.collector.heap.live_objects()
    }
}

fn object_word(header: &Header) -> &AtomicU64 {
    &object(header).word
}

impl Host for Mock {
    type Tracer = Tracer;

    fn tracer(&self) -> Tracer {
        Tracer
    }

    fn me(&self) -> OwnerId {
        self.me
    }

    fn breathe(&mut self) {
        self.breaths += 1;
        if let Some(mut act) = self.at_breath.take() {
            act(self);
            self.at_breath = Some(act);
        }
    }

    fn can_watch(&self) -> bool {
        true
    }

    fn disown(&mut self, object: &Header) {
        assert_eq!(object.merge(0), Fate::Alive);
    }

    fn stop_world(&mut self) {
        self.stops += 1;
        self.log.push("stop");
        if let Some(world) = self.world {
            self.stopped = Some(world.running.write().unwrap());
            for object in world.queue.lock().unwrap().drain(..) {
                let object = object as Ref;
                if get(object).header.merge(-1) == Fate::Dead {
                    self.dying.push(object);
                }
            }
        }
    }

    fn resume_world(&mut self) {
        self.log.push("resume");
        self.stopped = None;
        self.destroy_dying();
    }

    fn stack_roots(&mut self, visit: &mut dyn FnMut(*const Header)) {
        for &object in &self.stack {
            visit(object.cast());
        }
    }

    fn known_alive(&mut self, visit: &mut dyn FnMut(*const Header)) {
        for &object in self.roots.iter().step_by(2) {
            visit(object.cast());
        }
    }

    fn finalize(&mut self, header: &Header) {
        self.finalized += 1;
        self.log.push("finalize");
        let me: Ref = object(header);
        match object(header).word.load(Ordering::Relaxed) {
            ESCAPES => {
                self.incref(me);
                self.roots.push(me);
            }
            MAKES_CYCLE => {
                let new = self.node();
                self.give(new, 0, new);
            }
            COLLECTS => {
                let collector = self.collector;
                let inner = collector.collect(
                    self,
                    typhon_gc::Generation::Full,
                    typhon_gc::cycles::Options::default(),
                );
                assert!(inner.skipped);
            }
            MAKES_WEAKREF => {
                let weak = self.weakref(me, true);
                self.roots.push(weak);
            }
            _ => {}
        }
    }

    fn clear(&mut self, header: &Header) {
        self.log.push("clear");
        for slot in 0..SLOTS {
            self.give(object(header), slot, std::ptr::null());
        }
    }

    fn decref(&mut self, object: *const Header) {
        self.drop_ref(object.cast());
    }

    fn save(&mut self, header: &Header) {
        self.incref(object(header));
        self.saved.push(object(header));
    }

    fn weakref_has_callback(&self, weak: &Header) -> bool {
        object(weak).slots[0].load(Ordering::Relaxed) != 0
    }

    fn detach_weakref(&self, weak: &Header) {
        object_word(weak).store(0, Ordering::Release);
    }

    fn call_weakref(&mut self, weak: &Header) {
        assert_eq!(object_word(weak).load(Ordering::Relaxed), 0, "a dead weak reference calls back");
        self.callbacks += 1;
        self.log.push("callback");
        if let Some(strong) = self.probe.and_then(|weak| self.upgrade(weak)) {
            self.roots.push(strong);
        }
    }
}
