//! The runtime: everything that belongs to the process and not to one thread.

use std::collections::HashMap;
use typhon_sync::prim::{AtomicPtr, AtomicUsize, Ordering};

use parking_lot::Mutex;
use typhon_gc::Strategy;
use typhon_gc::heap::Heap;
use typhon_sync::header::Header;

use crate::names::Names;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::thread::Thread;
use crate::word::{UNCOUNTED, Word};

pub use crate::threads::{SyncThread, enqueue, lock, unlock};
pub use typhon_sync::header::FOLDED;

/// How reference counts work without a GIL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refcount {
    /// Biased towards the thread that made the object (PEP 703).
    Biased,
    /// Every count is atomic.
    Atomic,
    /// Biased; objects that several threads read often are borrowed instead of counted ([`crate::reaper`]).
    #[default]
    Deferred,
}

/// Where a report at the end of the process goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To standard error, for people.
    Stderr,
    /// To a file, as one JSON object.
    File(std::path::PathBuf),
}

/// What `perf` is told of Python frames ([`crate::perf`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Perf {
    #[default]
    Off,
    /// Their functions.
    Functions,
    /// Their functions and lines.
    Lines,
}

/// How the process was started.
#[derive(Clone, Debug)]
pub struct Config {
    pub gil: bool,
    pub refcount: Refcount,
    pub gc: Strategy,
    /// Births between two unneeded collections ([`crate::collect`]); 0: none.
    pub zeal: u32,
    pub hash_seed: Option<u64>,
    pub optimize: u8,
    pub verbose: u8,
    pub quiet: bool,
    pub interactive: bool,
    pub inspect: bool,
    pub no_site: bool,
    pub isolated: bool,
    pub ignore_environment: bool,
    pub no_user_site: bool,
    pub dont_write_bytecode: bool,
    pub unbuffered: bool,
    pub utf8_mode: bool,
    pub dev_mode: bool,
    /// At the end, say how many references and objects are left.
    pub show_refcount: bool,
    /// Keep statistics of what threads wait for and share, and report them at the end.
    pub sync_stats: Option<Output>,
    /// Count the instructions that run, and report them at the end.
    pub opcode_stats: Option<Output>,
    /// What `perf` is told of Python frames.
    pub perf: Perf,
    pub safe_path: bool,
    pub bytes_warning: u8,
    pub int_max_str_digits: i64,
    pub argv: Vec<std::ffi::OsString>,
    pub orig_argv: Vec<std::ffi::OsString>,
    pub executable: std::path::PathBuf,
    pub warn_options: Vec<String>,
    /// `-X key[=value]`, in order.
    pub x_options: Vec<(String, Option<String>)>,
    pub stdlib_dir: Option<std::path::PathBuf>,
    /// Gives the system back what the allocator has free: called on the collector's thread now and then, so that
    /// no thread of the program has to stand for it.
    pub return_memory: fn(),
}

impl Default for Config {
    fn default() -> Config {
        Config {
            gil: FOLDED,
            refcount: Refcount::default(),
            gc: Strategy::Concurrent,
            zeal: 0,
            hash_seed: None,
            optimize: 0,
            verbose: 0,
            quiet: false,
            interactive: false,
            inspect: false,
            no_site: false,
            isolated: false,
            ignore_environment: false,
            no_user_site: false,
            dont_write_bytecode: false,
            unbuffered: false,
            utf8_mode: true,
            dev_mode: false,
            show_refcount: false,
            sync_stats: None,
            opcode_stats: None,
            perf: Perf::Off,
            safe_path: false,
            bytes_warning: 0,
            int_max_str_digits: 4300,
            argv: Vec::new(),
            orig_argv: Vec::new(),
            executable: std::path::PathBuf::new(),
            warn_options: Vec::new(),
            x_options: Vec::new(),
            stdlib_dir: None,
            return_memory: || {},
        }
    }
}

impl Config {
    /// The folder as which the library inside the command appears.
    pub fn embedded_library(&self) -> String {
        let mut folder = self.executable.to_string_lossy().into_owned();
        folder.push_str("/lib");
        folder
    }
}

/// The runtime. One per process.
pub struct Runtime {
    pub config: Config,
    pub heap: &'static Heap,
    /// Native modules, by name made when first imported.
    pub native_modules: &'static [&'static crate::ModuleDef],
    pub threads: crate::threads::Threads,
    pub collecting: crate::collect::Collecting,
    pub reaper: crate::reaper::Reaper,
    pub names: Names,
    pub strings: crate::intern::Interned,
    /// SipHash key of this process.
    pub hash_key: typhon_text::hash::HashKey,
    /// `sys.modules`: dict.
    pub modules: Slot,
    /// Namespace of `builtins`: dict.
    pub builtins: Slot,
    /// Namespace of `sys`: dict.
    pub sys: Slot,
    /// The empty tuple.
    pub empty_tuple: Slot,
    /// Held while a code object is linked.
    pub(crate) link_lock: Mutex<crate::monitoring::variants::Registry>,
    recursion_limit: AtomicUsize,
    /// Objects that native modules keep for themselves, by a name of their choice.
    registry: Mutex<HashMap<&'static str, Owned>>,
}

// SAFETY: every field is a lock, an atomic, immutable after start, or a `Slot`.
unsafe impl Sync for Runtime {}
// SAFETY: as above.
unsafe impl Send for Runtime {}

static RUNTIME: AtomicPtr<Runtime> = AtomicPtr::new(core::ptr::null_mut());

/// The runtime of this process. Panics before [`Runtime::start`].
#[inline(always)]
pub fn rt() -> &'static Runtime {
    // ORDERING Relaxed: set before any other thread exists.
    let p = RUNTIME.load(Ordering::Relaxed);
    debug_assert!(!p.is_null());
    // SAFETY: set once to a leaked box.
    unsafe { &*p }
}

impl Runtime {
    pub fn recursion_limit(&self) -> usize {
        // ORDERING Relaxed: a plain setting.
        self.recursion_limit.load(Ordering::Relaxed)
    }

    pub fn set_recursion_limit(&self, n: usize) {
        // ORDERING Relaxed: as above.
        self.recursion_limit.store(n, Ordering::Relaxed)
    }

    /// An object kept under `key` by a native module.
    pub fn stored(&self, key: &'static str) -> Option<Owned> {
        self.registry.lock().get(key).cloned()
    }

    /// Keeps an object under `key`; returns the old one.
    pub fn store(&self, key: &'static str, v: Owned) -> Option<Owned> {
        self.registry.lock().insert(key, v)
    }

    /// Starts the runtime on the calling thread: heap, built-in types, `builtins` and `sys`.
    /// Native modules are given by `modules`; they are made when first imported.
    ///
    /// Errors: the system refuses address space, with its reason.
    pub fn start(
        config: Config,
        modules: &'static [&'static crate::ModuleDef],
    ) -> Result<&'static mut Thread, String> {
        crate::bootstrap::start(config, modules)
    }

    pub(crate) fn publish(rt: Box<Runtime>) -> &'static Runtime {
        let rt = Box::leak(rt);
        // ORDERING Release: other threads are created later.
        RUNTIME.store(rt, Ordering::Release);
        rt
    }

    pub(crate) fn new(
        config: Config,
        heap: &'static Heap,
        hash_key: typhon_text::hash::HashKey,
        native_modules: &'static [&'static crate::ModuleDef],
    ) -> Runtime {
        Runtime {
            threads: crate::threads::Threads::new(&config),
            collecting: crate::collect::Collecting::new(heap, &config),
            reaper: Default::default(),
            config,
            heap,
            native_modules,
            names: Names::unset(),
            strings: crate::intern::Interned::new(),
            hash_key,
            modules: Slot::empty(),
            builtins: Slot::empty(),
            sys: Slot::empty(),
            empty_tuple: Slot::empty(),
            link_lock: Mutex::new(Default::default()),
            recursion_limit: AtomicUsize::new(1000),
            registry: Mutex::new(HashMap::new()),
        }
    }
}

/// Makes an object immortal and returns its uncounted word.
pub fn immortal(v: Owned) -> Word {
    let w = v.into_raw();
    if w.is_ptr() {
        // SAFETY: owned, hence alive; its last count is never given back.
        let h: &Header = unsafe { &*w.ptr() };
        h.immortalise();
        // ORDERING Relaxed: an immortal object needs no tracking; nobody relies on when it stops.
        h.gc.fetch_and(!typhon_sync::header::gc_bits::TRACKED, Ordering::Relaxed);
        Word(w.ptr() as u64 | UNCOUNTED)
    } else {
        w
    }
}

impl Thread {
    /// The dict of the module `builtins`.
    pub fn builtins_dict(&self) -> Borrowed<'static> {
        self.rt.builtins.fixed().expect("the runtime has started")
    }

    /// An attribute of `sys`, if it is set.
    pub fn sys_get(&mut self, name: &str) -> Option<Owned> {
        let key = self.intern(name);
        let d = self.rt.sys.fixed()?.downcast::<crate::builtins::dict::Dict>()?;
        d.get_interned(key.word())
    }

    /// Sets an attribute of `sys`.
    pub fn sys_set(&mut self, name: &str, v: Owned) -> PyResult<()> {
        let key = self.intern(name);
        let d = self.rt.sys.fixed().expect("the runtime has started");
        d.downcast::<crate::builtins::dict::Dict>().expect("sys has a dict").set(self, key.borrow(), v)
    }
}
