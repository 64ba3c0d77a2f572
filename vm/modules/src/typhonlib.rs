//! `_typhonlib`: importing from the packed library.
//!
//! The library appears as a folder, `<sys.executable>/lib`. A path hook serves that folder and those below it
//! in the manner of `zipimport`; `__file__`, `linecache`, `inspect` and `pkgutil` work as with files.

use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::str::Str;
use typhon_core::code::CodeObject;
use typhon_core::thread::unborn;
use typhon_core::typedef::type_flags;
use typhon_core::{
    Args, ArgsExt, Borrowed, GetSetDef, ModuleDef, NativeDef, Owned, PyResult, Raised, Slot, Slots, Thread,
    TypeDef,
};

use crate::library::{self, File};
use crate::{imp, marshal, support};

typhon_core::payload! {
    /// Finder and loader for one folder of the library.
    pub struct Finder: FINDER {
        /// Folder below the root, `""` or ending in `/`: str.
        prefix: Slot,
    }
}

pub static FINDER: TypeDef = TypeDef {
    module: "_typhonlib",
    flags: type_flags::GC | type_flags::NO_NEW | type_flags::WEAKREF,
    doc: "Finds and loads modules of the library inside the command.",
    slots: Slots { repr: Some(repr), ..Slots::NONE },
    methods: &[
        NativeDef::new(
            "find_spec",
            "($self, fullname, target=None)",
            find_spec,
            "The spec of a module, or None.",
        ),
        NativeDef::new("create_module", "($self, spec)", |_, _| Ok(Owned::none()), "Use default semantics."),
        NativeDef::new("exec_module", "($self, module)", exec_module, "Execute the module."),
        NativeDef::new("get_code", "($self, fullname)", get_code, "The code object of a module."),
        NativeDef::new("get_source", "($self, fullname)", get_source, "The source text of a module."),
        NativeDef::new("get_data", "($self, path)", get_data, "The bytes of a file."),
        NativeDef::new("get_filename", "($self, fullname)", get_filename, "What __file__ of the module is."),
        NativeDef::new("is_package", "($self, fullname)", is_package, "Whether a module is a package."),
        NativeDef::new("iter_modules", "($self, prefix='')", iter_modules, "Names and kinds of the modules."),
        NativeDef::new(
            "get_resource_reader",
            "($self, fullname)",
            get_resource_reader,
            "Files beside a package.",
        ),
        NativeDef::new("invalidate_caches", "($self)", |_, _| Ok(Owned::none()), "Does nothing."),
    ],
    getset: &[
        GetSetDef::get("archive", |th, _| Ok(root_str(th))),
        GetSetDef::get("prefix", |_, o| Ok(of(o).prefix.fixed().map_or_else(Owned::none, |p| p.to_owned()))),
        GetSetDef::get("path", |th, o| {
            let path = join(th, prefix(o).trim_end_matches('/'));
            Ok(th.new_str(&path))
        }),
    ],
    ..TypeDef::of::<Finder>("LibraryFinder")
};

pub static MODULE: ModuleDef = ModuleDef {
    name: "_typhonlib",
    doc: "The standard library inside the command.",
    functions: &[
        NativeDef::new(
            "path_hook",
            "($module, path, /)",
            path_hook,
            "The finder for a folder of the library. Raises ImportError for other paths.",
        ),
        NativeDef::new(
            "zip_hook",
            "($module, path, /)",
            zip_hook,
            "As zipimport.zipimporter, which is imported only for paths that are files.",
        ),
        NativeDef::new(
            "files",
            "($module, folder='', /)",
            files,
            "Paths of the files below a folder of the library.",
        ),
    ],
    types: &[&FINDER],
    setup: None,
};

fn of(o: Borrowed<'_>) -> &Finder {
    o.downcast::<Finder>().expect("a method of LibraryFinder")
}

fn prefix(o: Borrowed<'_>) -> &str {
    of(o).prefix.fixed().and_then(|p| p.downcast::<Str>()).and_then(|s| s.as_ascii()).unwrap_or("")
}

/// The folder as which the library appears.
pub fn root(th: &Thread) -> String {
    th.rt.config.embedded_library()
}

fn root_str(th: &mut Thread) -> Owned {
    let s = root(th);
    th.new_str(&s)
}

/// The full path of a file of the library.
fn join(th: &Thread, relative: &str) -> String {
    if relative.is_empty() { root(th) } else { format!("{}/{relative}", root(th)) }
}

/// The part of a path below the root, if it is below it.
fn below(th: &Thread, path: &str) -> Option<String> {
    let rest = path.strip_prefix(&root(th))?;
    if rest.is_empty() {
        return Some(String::new());
    }
    rest.strip_prefix('/').map(|r| r.trim_end_matches('/').to_owned())
}

#[cold]
fn import_error(
    th: &mut Thread,
    msg: &str,
    name: Option<Borrowed<'_>>,
    path: Option<Borrowed<'_>>,
) -> Raised {
    typhon_core::import::import_error(th, msg, name, path, None)
}

fn path_hook(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(path) = a[0].downcast::<Str>() else {
        return Err(import_error(th, "not a path of the library", None, Some(a[0])));
    };
    let relative = path.as_ascii().map(str::to_owned).or_else(|| Some(path.to_text()));
    if let Some(relative) = relative.and_then(|p| below(th, &p)) {
        let prefix = if relative.is_empty() { relative } else { relative + "/" };
        if library::get().is_some_and(|l| l.below(&prefix).next().is_some()) {
            let prefix = th.new_str(&prefix);
            return Ok(th.alloc(Finder { header: unborn(), prefix: Slot::new(prefix) }));
        }
    }
    Err(import_error(th, "not a path of the library", None, Some(a[0])))
}

fn zip_hook(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    // Most entries of `sys.path` are folders, for which `zipimport` need not be loaded. An entry may also
    // lie inside an archive, so the parents are tried.
    let is_file = match a[0].downcast::<Str>() {
        Some(s) => {
            let text = s.to_text();
            let mut path = Some(std::path::Path::new(&text));
            loop {
                match path {
                    Some(p) if !p.as_os_str().is_empty() => match std::fs::metadata(p) {
                        Ok(m) => break m.is_file(),
                        Err(_) => path = p.parent(),
                    },
                    _ => break false,
                }
            }
        }
        None => false,
    };
    if !is_file {
        return Err(import_error(th, "not a Zip file", None, Some(a[0])));
    }
    let class = support::import_attr(th, "zipimport", "zipimporter")?;
    class.borrow().call(th, a)
}

fn files(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let folder = match a.opt(0) {
        Some(f) => f.expect_str(th, "files() argument")?.to_text(),
        None => String::new(),
    };
    let Some(library) = library::get() else { return Ok(th.new_list(Vec::new())) };
    let names = library.below(&folder).map(|f| th.new_str(f.path)).collect();
    Ok(th.new_list(names))
}

/// The file of a module in the finder's folder, and whether it is a package.
fn find(o: Borrowed<'_>, fullname: &str) -> Option<(File, bool)> {
    let library = library::get()?;
    let tail = fullname.rsplit('.').next()?;
    let base = format!("{}{tail}", prefix(o));
    if let Some(f) = library.find(&format!("{base}/__init__.py")) {
        return Some((f, true));
    }
    library.find(&format!("{base}.py")).map(|f| (f, false))
}

fn found(th: &mut Thread, o: Borrowed<'_>, fullname: Borrowed<'_>) -> PyResult<(File, bool)> {
    let name = fullname.expect_str(th, "fullname")?.to_text();
    match find(o, &name) {
        Some(f) => Ok(f),
        None => {
            let shown = fullname.repr_text(th)?;
            Err(import_error(th, &format!("can't find module {shown}"), Some(fullname), None))
        }
    }
}

fn find_spec(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let name = a[1].expect_str(th, "fullname")?.to_text();
    let Some((file, package)) = find(a[0], &name) else { return Ok(Owned::none()) };
    let bootstrap = support::import(th, "_frozen_importlib")?;
    let class = bootstrap.borrow().getattr_str(th, "ModuleSpec")?;
    let origin = join(th, file.path);
    let origin = th.new_str(&origin);
    let flag = Owned::bool(package);
    let keys = vec![th.intern("origin"), th.intern("is_package")];
    let keys = th.new_tuple(keys);
    let all = [a[1], a[0], origin.borrow(), flag.borrow()];
    let spec = class.borrow().call_args(th, Args { all: &all, n_positional: 2, names: keys.borrow() })?;
    let yes = Owned::bool(true);
    let key = th.intern("_set_fileattr");
    spec.borrow().setattr(th, key.borrow(), Some(yes.borrow()))?;
    if package {
        let folder = join(th, file.path.trim_end_matches("/__init__.py"));
        let folder = th.new_str(&folder);
        let list = th.new_list(vec![folder]);
        let key = th.intern("submodule_search_locations");
        spec.borrow().setattr(th, key.borrow(), Some(list.borrow()))?;
    }
    Ok(spec)
}

/// The code of a file: precompiled, or compiled from source when asserts or docstrings are to be dropped.
fn code_of(th: &mut Thread, file: File) -> PyResult {
    if th.rt.config.optimize > 0 || file.code.is_empty() {
        let (source, path, mode) = (th.new_bytes(file.source), join(th, file.path), th.intern("exec"));
        let path = th.new_str(&path);
        let compile = support::builtin(th, "compile");
        let (zero, yes) = (th.new_int(0), Owned::bool(true));
        let args = [source.borrow(), path.borrow(), mode.borrow(), zero.borrow(), yes.borrow()];
        return compile.borrow().call(th, &args);
    }
    let root = root(th);
    marshal::load_packed(th, file.code, &root)
}

fn exec_module(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let name = th.rt.names.__name__.get();
    let name = a[1].getattr(th, name)?;
    let (file, _) = found(th, a[0], name.borrow())?;
    let code = code_of(th, file)?;
    imp::run_in(th, code.borrow(), a[1])?;
    Ok(Owned::none())
}

fn get_code(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (file, _) = found(th, a[0], a[1])?;
    let code = code_of(th, file)?;
    debug_assert!(code.downcast::<CodeObject>().is_some());
    Ok(code)
}

fn get_source(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (file, _) = found(th, a[0], a[1])?;
    Ok(th.new_str(&String::from_utf8_lossy(file.source)))
}

fn get_data(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = a[1].expect_str(th, "path")?.to_text();
    let file = below(th, &path).and_then(|p| library::get().and_then(|l| l.find(&p)));
    match file {
        Some(f) => Ok(th.new_bytes(f.source)),
        None => Err(support::os_error_path(th, libc::ENOENT, a[1])),
    }
}

fn get_filename(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (file, _) = found(th, a[0], a[1])?;
    let path = join(th, file.path);
    Ok(th.new_str(&path))
}

fn is_package(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    found(th, a[0], a[1]).map(|(_, package)| Owned::bool(package))
}

fn iter_modules(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let before = match a.opt(1) {
        Some(p) => p.str_text(th)?,
        None => String::new(),
    };
    let folder = prefix(a[0]).to_owned();
    let Some(library) = library::get() else { return Ok(th.new_list(Vec::new())) };
    let mut out: Vec<(String, bool)> = Vec::new();
    for f in library.below(&folder) {
        let rest = &f.path[folder.len()..];
        match rest.split_once('/') {
            Some((package, "__init__.py")) => out.push((package.to_owned(), true)),
            Some(_) => {}
            None => {
                if let Some(module) = rest.strip_suffix(".py").filter(|m| *m != "__init__") {
                    out.push((module.to_owned(), false));
                }
            }
        }
    }
    out.sort();
    let mut items = Vec::with_capacity(out.len());
    for (name, package) in out {
        let name = th.new_str(&format!("{before}{name}"));
        items.push(th.new_tuple(vec![name, Owned::bool(package)]));
    }
    Ok(th.new_list(items))
}

/// Reads the files beside a package through `get_data`, as a traversable folder.
fn get_resource_reader(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (file, package) = found(th, a[0], a[1])?;
    if !package {
        return Ok(Owned::none());
    }
    let class = support::import_attr(th, "_typhonlib_resources", "LibraryReader")?;
    let folder = th.new_str(file.path.trim_end_matches("__init__.py"));
    class.borrow().call(th, &[a[0], folder.borrow()])
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let path = join(th, prefix(o).trim_end_matches('/'));
    Ok(th.new_str(&format!("<LibraryFinder object \"{path}\">")))
}

/// Puts the library into the import system: the hooks first, the folder last.
pub fn install(th: &mut Thread) -> PyResult<()> {
    let module = imp::native_module(th, &MODULE)?;
    let key = th.intern("_typhonlib");
    if let Some(modules) = th.rt.modules.fixed().and_then(|m| m.downcast::<Dict>()) {
        modules.set(th, key.borrow(), module.clone())?;
    }
    let hooks = th.sys_get("path_hooks").unwrap_or_else(Owned::none);
    let mut at = 0;
    let use_packed = th.rt.config.stdlib_dir.is_none();
    for (name, wanted) in [("path_hook", use_packed), ("zip_hook", true)] {
        if wanted {
            let hook = module.borrow().getattr_str(th, name)?;
            let i = th.new_int(at);
            hooks.borrow().call_method_str(th, "insert", &[i.borrow(), hook.borrow()])?;
            at += 1;
        }
    }
    Ok(())
}
