//! Starting the runtime: heap, shapes, the first thread, types, `builtins` and `sys`.

use typhon_sync::prim::Ordering;

use typhon_gc::heap::Heap;
use typhon_text::hash::HashKey;

use crate::ModuleDef;
use crate::object::PyResult;
use crate::runtime::{Config, Runtime, immortal};
use crate::thread::Thread;

/// See [`Runtime::start`].
pub fn start(config: Config, modules: &'static [&'static ModuleDef]) -> Result<&'static mut Thread, String> {
    crate::shape::init(crate::builtins::ids::FIRST_FREE)
        .map_err(|e| format!("cannot reserve shapes: {e}"))?;
    crate::contention::start(&config);
    crate::opcode_stats::start(&config);
    crate::perf::start(&config)?;
    let key = hash_key(&config).map_err(|e| format!("cannot read random bytes: {e}"))?;
    let rt = Runtime::publish(Box::new(Runtime::new(config, Heap::process(), key, modules)));
    let th = Box::leak(crate::threads::enter(rt, None));
    // ORDERING Relaxed: before any other thread exists.
    rt.threads.main_ident.store(th.ident, Ordering::Relaxed);
    if objects(th).is_err() {
        let msg = match th.take_exc() {
            Some(e) => e.borrow().repr_text(th).unwrap_or_default(),
            None => String::from("unknown error"),
        };
        return Err(format!("cannot make the built-in objects: {msg}"));
    }
    Ok(th)
}

/// The key of string hashes: random, or from `PYTHONHASHSEED`.
fn hash_key(config: &Config) -> std::io::Result<HashKey> {
    if let Some(seed) = config.hash_seed {
        return Ok(HashKey::from_seed(seed as u32));
    }
    let mut bytes = [0u8; 16];
    // SAFETY: a buffer of 16 bytes.
    let n = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    if n != 16 {
        return Err(std::io::Error::last_os_error());
    }
    Ok(HashKey::from_bytes(bytes))
}

fn objects(th: &mut Thread) -> PyResult<()> {
    let rt = th.rt;
    let empty = th.new_tuple(Vec::new());
    // SAFETY: an immortal word is what a slot may hold.
    let empty = unsafe { crate::Owned::from_slot_word(immortal(empty)) };
    drop(rt.empty_tuple.swap(empty));
    rt.names.fill(th);
    for slot in [&rt.modules, &rt.builtins, &rt.sys] {
        let d = th.new_dict();
        drop(slot.swap(d));
    }
    crate::builtins::type_::builtin::create_types(th)?;
    for (name, slot) in [("builtins", &rt.builtins), ("sys", &rt.sys)] {
        let module = th.new_module(name)?;
        let namespace = crate::builtins::module::dict_of(module.borrow()).expect("a module").to_owned();
        drop(slot.swap(namespace));
        let (key, modules) = (th.intern(name), rt.modules.fixed().expect("set above"));
        modules.setitem(th, key.borrow(), module.borrow())?;
    }
    crate::builtins::functions::setup(th)?;
    crate::sysmod::setup(th)?;
    crate::collect::start(rt);
    Ok(())
}
