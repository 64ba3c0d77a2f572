//! `_imp`: what `importlib` needs of the VM. Native modules, the frozen bootstrap, the import lock, the magic
//! number of `.pyc` files.

use std::sync::LazyLock;
use typhon_sync::prim::{AtomicU32, Ordering};

use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::str::Str;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::code::CodeObject;
use typhon_core::{ArgsExt, Borrowed, ModuleDef, NativeDef, Owned, PyResult, Raised, Slot, Thread};
use typhon_text::hash::HashKey;

use crate::io::lock::IoLock;
use crate::support::{self, ModuleExt};
use crate::{library, marshal, typhonlib};

pub static MODULE: ModuleDef = ModuleDef {
    name: "_imp",
    doc: "(Extremely) low-level import machinery bits as used by importlib.",
    functions: &[
        NativeDef::new(
            "acquire_lock",
            "($module, /)",
            |th, _| {
                LOCK.acquire(th);
                Ok(Owned::none())
            },
            "Acquires the interpreter's import lock for the current thread.",
        ),
        NativeDef::new(
            "release_lock",
            "($module, /)",
            release_lock,
            "Release the interpreter's import lock.",
        ),
        NativeDef::new(
            "lock_held",
            "($module, /)",
            |_, _| Ok(Owned::bool(LOCK.is_held())),
            "Return True if the import lock is currently held, else False.",
        ),
        NativeDef::new(
            "is_builtin",
            "($module, name, /)",
            |th, a| {
                let known = builtin_def(a[0]);
                Ok(th.new_int(match known {
                    Known::No => 0,
                    Known::Made => -1,
                    Known::Native(_) => 1,
                }))
            },
            "Returns True if the module name corresponds to a built-in module.",
        ),
        NativeDef::new("create_builtin", "($module, spec, /)", create_builtin, "Create a built-in module."),
        NativeDef::new(
            "exec_builtin",
            "($module, mod, /)",
            |th, _| Ok(th.new_int(0)),
            "Initialize a built-in module.",
        ),
        NativeDef::new(
            "is_frozen",
            "($module, name, /)",
            |_, a| Ok(Owned::bool(frozen(a[0]).is_some())),
            "Returns True if the module name corresponds to a frozen module.",
        ),
        NativeDef::new(
            "is_frozen_package",
            "($module, name, /)",
            is_frozen_package,
            "Returns True if the module name is of a frozen package.",
        ),
        NativeDef::new(
            "find_frozen",
            "($module, name, /, *, withdata=False)",
            find_frozen,
            "Return info about the corresponding frozen module (if there is one) or None.",
        ),
        NativeDef::new(
            "get_frozen_object",
            "($module, name, data=None, /)",
            get_frozen_object,
            "Create a code object for a frozen module.",
        ),
        NativeDef::new("init_frozen", "($module, name, /)", init_frozen, "Initializes a frozen module."),
        NativeDef::new(
            "_frozen_module_names",
            "($module, /)",
            frozen_module_names,
            "Returns the list of available frozen modules.",
        ),
        NativeDef::new(
            "_override_frozen_modules_for_tests",
            "($module, override, /)",
            |_, _| Ok(Owned::none()),
            "",
        ),
        NativeDef::new(
            "_override_multi_interp_extensions_check",
            "($module, override, /)",
            |th, _| Ok(th.new_int(0)),
            "",
        ),
        NativeDef::new(
            "extension_suffixes",
            "($module, /)",
            |th, _| Ok(th.new_list(Vec::new())),
            "Returns the list of file suffixes used to identify extension modules.",
        ),
        NativeDef::new("source_hash", "($module, key, source)", source_hash, ""),
        NativeDef::new(
            "_fix_co_filename",
            "($module, code, path, /)",
            fix_co_filename,
            "Changes code.co_filename to specify the passed-in file path.",
        ),
    ],
    types: &[],
    setup: Some(setup),
};

/// Modules that start-up takes from the packed library before there is a finder.
const FROZEN: &[(&str, &str)] = &[
    ("_frozen_importlib", "importlib/_bootstrap.py"),
    ("_frozen_importlib_external", "importlib/_bootstrap_external.py"),
];

static LOCK: LazyLock<ImportLock> =
    LazyLock::new(|| ImportLock { lock: IoLock::new(), held: AtomicU32::new(0) });

/// The lock around `importlib`'s own tables.
struct ImportLock {
    lock: IoLock,
    /// How often it is held; a thread may hold it several times.
    held: AtomicU32,
}

impl ImportLock {
    fn acquire(&self, th: &mut Thread) {
        core::mem::forget(self.lock.enter_nested(th));
        // ORDERING Relaxed: changed by the holder only; others only look.
        self.held.fetch_add(1, Ordering::Relaxed);
    }

    /// Gives it back once. The calling thread holds it.
    fn release(&self) {
        // ORDERING Relaxed: as in `acquire`.
        self.held.fetch_sub(1, Ordering::Relaxed);
        self.lock.leave();
    }

    fn is_held(&self) -> bool {
        // ORDERING Relaxed: a snapshot.
        self.held.load(Ordering::Relaxed) > 0
    }
}

fn release_lock(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    if !LOCK.is_held() || !LOCK.lock.mine() {
        return Err(th.runtime_error("not holding the import lock"));
    }
    LOCK.release();
    Ok(Owned::none())
}

/// Takes the import lock for the time of a fork, so that the child finds no module half imported.
pub fn before_fork(th: &mut Thread) {
    LOCK.acquire(th);
}

/// Gives it back, in the parent and in the child; what the thread held before, it holds in both.
pub fn after_fork() {
    LOCK.release();
}

fn setup(th: &mut Thread, m: Borrowed<'_>) -> PyResult<()> {
    m.add_int(th, "pyc_magic_number_token", i64::from(magic()))?;
    let policy = th
        .rt
        .config
        .x_options
        .iter()
        .rev()
        .find(|(k, _)| k == "check_hash_based_pycs")
        .and_then(|(_, v)| v.clone())
        .unwrap_or_else(|| String::from("default"));
    let policy = th.new_str(&policy);
    m.add(th, "check_hash_based_pycs", policy)
}

/// The first four bytes of a `.pyc` file, as a little-endian number: 16 bits that follow from our opcodes,
/// so that code of another instruction set is never run, then `\r\n`.
pub fn magic() -> u32 {
    let mut hash = 0x811c_9dc5_u32;
    for op in typhon_compile::Opcode::ALL {
        for b in op.name().bytes().chain([*op as u8]) {
            hash = (hash ^ u32::from(b)).wrapping_mul(0x0100_0193);
        }
    }
    (hash >> 16 ^ hash) & 0xffff | 0x0a0d_0000
}

/// What a name is among the native modules.
enum Known {
    No,
    /// `sys` or `builtins`: made at start.
    Made,
    Native(&'static ModuleDef),
}

fn text(o: Borrowed<'_>) -> &str {
    o.downcast::<Str>().and_then(|s| s.as_ascii()).unwrap_or("")
}

fn builtin_def(name: Borrowed<'_>) -> Known {
    match text(name) {
        "sys" | "builtins" => Known::Made,
        name => crate::MODULES.iter().find(|m| m.name == name).map_or(Known::No, |m| Known::Native(m)),
    }
}

/// The native module of a definition, made on the first call.
pub fn native_module(th: &mut Thread, def: &'static ModuleDef) -> PyResult {
    if let Some(m) = th.rt.stored(def.name) {
        return Ok(m);
    }
    let m = th.new_native_module(def)?;
    drop(th.rt.store(def.name, m.clone()));
    Ok(m)
}

fn create_builtin(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let name = th.rt.names.name.get();
    let name = a[0].getattr(th, name)?;
    match builtin_def(name.borrow()) {
        Known::Native(def) => native_module(th, def),
        Known::Made => {
            let modules = th.rt.modules.fixed().and_then(|m| m.downcast::<Dict>());
            match modules.and_then(|m| m.get_str(name.borrow())) {
                Some(m) => Ok(m),
                None => th.new_made_module(text(name.borrow())),
            }
        }
        Known::No => Ok(Owned::none()),
    }
}

trait MadeModule {
    fn new_made_module(&mut self, name: &str) -> PyResult;
}

impl MadeModule for Thread {
    /// `sys` or `builtins` again, after somebody took it out of `sys.modules`.
    fn new_made_module(&mut self, name: &str) -> PyResult {
        let m = self.new_module(name)?;
        let dict = self.rt.names.__dict__.get();
        let into = m.borrow().getattr(self, dict)?;
        let from = if name == "sys" { self.rt.sys.fixed() } else { self.rt.builtins.fixed() };
        if let Some(from) = from {
            let update = self.rt.names.update.get();
            into.borrow().call_method(self, update, &[from])?;
        }
        Ok(m)
    }
}

fn frozen(name: Borrowed<'_>) -> Option<&'static str> {
    let name = text(name);
    FROZEN.iter().find(|(n, _)| *n == name).map(|(_, path)| *path)
}

#[cold]
fn not_frozen(th: &mut Thread, name: Borrowed<'_>) -> Raised {
    let shown = match name.repr_text(th) {
        Ok(s) => s,
        Err(raised) => return raised,
    };
    let msg = format!("No such frozen object named {shown}");
    typhon_core::import::import_error(th, &msg, Some(name), None, None)
}

fn is_frozen_package(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    match frozen(a[0]) {
        Some(path) => Ok(Owned::bool(path.ends_with("/__init__.py"))),
        None => Err(not_frozen(th, a[0])),
    }
}

fn find_frozen(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(path) = frozen(a[0]) else { return Ok(Owned::none()) };
    let data = if support::flag(th, a.opt(1), false)? {
        match library::get().and_then(|l| l.find(path)) {
            Some(f) => {
                let bytes = th.new_bytes(f.code);
                crate::io::memoryview(th, bytes.borrow())?
            }
            None => Owned::none(),
        }
    } else {
        Owned::none()
    };
    let origin = th.new_str(&path.trim_end_matches(".py").replace('/', "."));
    Ok(th.new_tuple(vec![data, Owned::bool(false), origin]))
}

/// The code of a frozen module.
fn frozen_code(th: &mut Thread, path: &str) -> PyResult {
    let Some(file) = library::get().and_then(|l| l.find(path)) else {
        return Err(th.runtime_error("the packed library is missing"));
    };
    let root = typhonlib::root(th);
    marshal::load_packed(th, file.code, &root)
}

fn get_frozen_object(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if let Some(data) = a.some(1) {
        let data = typhon_core::buffer::bytes_like(th, data)?.to_vec();
        return marshal::load_code(th, &data);
    }
    match frozen(a[0]) {
        Some(path) => frozen_code(th, path),
        None => Err(not_frozen(th, a[0])),
    }
}

/// Makes and runs a frozen module, and enters it in `sys.modules`.
pub fn run_frozen(th: &mut Thread, name: &str) -> PyResult {
    let Some((_, path)) = FROZEN.iter().find(|(n, _)| *n == name) else {
        let name = th.new_str(name);
        return Err(not_frozen(th, name.borrow()));
    };
    let code = frozen_code(th, path)?;
    let module = th.new_module(name)?;
    let key = th.intern(name);
    if let Some(modules) = th.rt.modules.fixed().and_then(|m| m.downcast::<Dict>()) {
        modules.set(th, key.borrow(), module.clone())?;
    }
    let origin = th.new_str(&path.trim_end_matches(".py").replace('/', "."));
    module.borrow().add(th, "__origname__", origin)?;
    run_in(th, code.borrow(), module.borrow())?;
    Ok(module)
}

/// Runs code in the namespace of a module.
pub fn run_in(th: &mut Thread, code: Borrowed<'_>, module: Borrowed<'_>) -> PyResult<()> {
    let dict = th.rt.names.__dict__.get();
    let globals = module.getattr(th, dict)?;
    if let Some(d) = globals.downcast::<Dict>() {
        let key = th.rt.names.__builtins__.get();
        if d.get_interned(key.word()).is_none() {
            let builtins = th.builtins_dict().to_owned();
            d.set(th, key, builtins)?;
        }
    }
    typhon_core::interp::eval::eval_code(th, code, globals.borrow(), globals.borrow()).map(drop)
}

fn init_frozen(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if frozen(a[0]).is_none() {
        return Ok(Owned::none());
    }
    let name = text(a[0]).to_owned();
    run_frozen(th, &name)
}

fn frozen_module_names(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    let names = FROZEN.iter().map(|(n, _)| th.intern(n)).collect();
    Ok(th.new_list(names))
}

fn source_hash(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let key = a[0].to_i64(th)?;
    let source = typhon_core::buffer::bytes_like(th, a[1])?;
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&key.to_le_bytes());
    let hash = HashKey::from_bytes(bytes).hash_bytes(&source);
    Ok(th.new_bytes(&hash.to_le_bytes()))
}

fn fix_co_filename(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(code) = a[0].downcast::<CodeObject>() else {
        return Err(th.type_error("_fix_co_filename() argument 1 must be code"));
    };
    a[1].expect_str(th, "_fix_co_filename() argument 2")?;
    let old = code.filename.get(&code.header).unwrap_or_else(Owned::none);
    if old.borrow().equals(th, a[1])? {
        return Ok(Owned::none());
    }
    let new = th.intern_str(a[1]);
    rename(code, old.borrow(), &new);
    Ok(Owned::none())
}

/// Changes the file name of a code object and of those inside it that have the same one. Nobody runs the code
/// yet.
fn rename(code: &CodeObject, old: Borrowed<'_>, new: &Owned) {
    let same = |slot: &Slot| match (slot.fixed().and_then(|s| s.downcast::<Str>()), old.downcast::<Str>()) {
        (Some(a), Some(b)) => a.same_text(b),
        _ => false,
    };
    if !same(&code.filename) {
        return;
    }
    code.filename.set(&code.header, new.clone());
    if let Some(consts) = code.consts.fixed().and_then(|c| c.downcast::<Tuple>()) {
        for inner in consts.iter().filter_map(|c| c.downcast::<CodeObject>()) {
            rename(inner, old, new);
        }
    }
}

/// Is this the bytes of a `.pyc` file of ours, as far as its magic number tells?
pub fn has_magic(data: &[u8]) -> bool {
    data.first_chunk::<4>().is_some_and(|m| u32::from_le_bytes(*m) == magic())
}
