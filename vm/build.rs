//! Packs the standard library: source and compiled code of every module in one blob.
//!
//! The layout of the blob is described in `typhon_modules::library`, which reads it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, io};

use typhon_compile::{Mode, Options};

/// Folders and files of the crate that are not packed: graphical tools, bundles, what needs natives that
/// Typhon does not have, and what we write ourselves.
const LEFT_OUT: &[&str] = &[
    "README.md",
    "PSF-LICENSE",
    "idlelib",
    "tkinter",
    "turtledemo",
    "turtle.py",
    "ensurepip/_bundled",
    "ctypes/macholib",
    "_dummy_os.py",
    "_dummy_thread.py",
    "dummy_threading.py",
    "_opcode_metadata.py",
    "tomllib/mypy.ini",
    "_aix_support.py",
    "_android_support.py",
    "_apple_support.py",
    "_ios_support.py",
    "_osx_support.py",
];

/// Small changes to files of the crate: name, old text, new text. Text that is no longer there stops the
/// build, so that an update of the crate cannot drop a change silently.
const CHANGES: &[(&str, &str, &str)] = &[
    // There are no cache units in the code.
    ("opcode.py", "for (name, value) in _cache_format.items()", "for (name, value) in ()"),
    ("site.py", "return 'RustPython' # \u{58}XX: RUSTPYTHON; for site-packages", "return 'Typhon'"),
    // The loops of `list` and `set` of a generator expression.
    ("opcode.py", "builtins.all, builtins.any]", "builtins.all, builtins.any, builtins.list, builtins.set]"),
    (
        "site.py",
        "    # \u{58}XX: RUSTPYTHON\n    return f'{userbase}/lib/rustpython",
        "    return f'{userbase}/lib/typhon",
    ),
    (
        "queue.py",
        "        if timeout is not None and timeout < 0:",
        "        timeout = timeout if block else None\n        if timeout is not None and timeout < 0:",
    ),
    // Powers of ten for the largest precision do not fit in memory, and mostly the exponents decide.
    (
        "_pydecimal.py",
        "            if q < 10**context.prec:",
        "            if expdiff < context.prec or q < 10**context.prec:",
    ),
    (
        "_pydecimal.py",
        "        if q >= 10**context.prec:",
        "        if expdiff + 1 >= context.prec and q >= 10**context.prec:",
    ),
    // The lock refuses NaN.
    (
        "threading.py",
        "if timeout > 0:\n                    gotit =",
        "if not timeout <= 0:\n                    gotit =",
    ),
    (
        "sysconfig/__init__.py",
        "return 'RustPython'  # \u{58}XX: RUSTPYTHON; For site-packages",
        "return 'Typhon'",
    ),
];

/// One packed file.
struct Packed {
    path: String,
    source: Vec<u8>,
    code: Vec<u8>,
}

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let overlay = manifest.join("stdlib");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", overlay.display());
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("stdlib.blob");

    let mut sources = BTreeMap::new();
    collect(Path::new(rustpython_pylib::LIB_PATH), "", &mut sources)?;
    for &(name, old, new) in CHANGES {
        let text = sources.get_mut(name).unwrap_or_else(|| panic!("{name} is not in the library"));
        let changed = String::from_utf8(std::mem::take(text)).expect("source is UTF-8").replacen(old, new, 1);
        assert!(changed.contains(new), "{name} no longer contains {old:?}");
        *text = changed.into_bytes();
    }
    collect(&overlay, "", &mut sources)?;
    sources.insert("_opcode_metadata.py".into(), typhon_compile::opcode_metadata_py().into_bytes());
    let (name, text) = sysconfig_data();
    sources.insert(name, text.into_bytes());

    let files = compile_all(sources);
    fs::write(&out, blob(&files))
}

/// Name and source of the module that `sysconfig` reads variables of the build from. There is no C compiler, no
/// Makefile and no ABI for C extensions, so only what describes the platform has a value.
fn sysconfig_data() -> (String, String) {
    let target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    let (arch, system) = (target("ARCH"), target("OS"));
    let pointer = target("POINTER_WIDTH").parse().unwrap_or(64) / 8;
    let multiarch = format!("{arch}-{system}-gnu");
    let text = format!(
        "\"\"\"Variables of the build, for sysconfig.\"\"\"\n\n\
         build_time_vars = {{\n    'CC': '',\n    'CFLAGS': '',\n    'CONFIG_ARGS': '',\n    'EXT_SUFFIX': '',\n    \
         'HAVE_FORK': 1,\n    'LDFLAGS': '',\n    'MULTIARCH': '{multiarch}',\n    'PY_CFLAGS': '',\n    \
         'Py_DEBUG': 0,\n    'Py_ENABLE_SHARED': 0,\n    'Py_GIL_DISABLED': 1,\n    'SIZEOF_LONG': {pointer},\n    \
         'SIZEOF_SIZE_T': {pointer},\n    'SIZEOF_VOID_P': {pointer},\n    'SOABI': '',\n    \
         'WITH_DOC_STRINGS': 1,\n}}\n"
    );
    (format!("_sysconfigdata_{}_{system}_{multiarch}.py", typhon_compile::ABI_FLAGS), text)
}

/// Reads the files below `dir` under their relative names.
fn collect(dir: &Path, prefix: &str, into: &mut BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    if !dir.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = format!("{prefix}{name}");
        if LEFT_OUT.contains(&path.as_str()) || name == "__pycache__" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{path}/"), into)?;
        } else {
            into.insert(path, fs::read(entry.path())?);
        }
    }
    Ok(())
}

/// Compiles every module on all processors.
fn compile_all(sources: BTreeMap<String, Vec<u8>>) -> Vec<Packed> {
    let jobs: Vec<(String, Vec<u8>)> = sources.into_iter().collect();
    let done = Mutex::new(Vec::with_capacity(jobs.len()));
    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    let Some((path, source)) = jobs.get(i) else { return };
                    let code = compile(path, source);
                    let packed = Packed { path: path.clone(), source: source.clone(), code };
                    done.lock().expect("no worker panics under the lock").push(packed);
                }
            });
        }
    });
    let mut files = done.into_inner().expect("as above");
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The marshalled code of a module; empty for data files. The file name inside is the relative path: the
/// reader puts the folder before it.
fn compile(path: &str, source: &[u8]) -> Vec<u8> {
    if !path.ends_with(".py") {
        return Vec::new();
    }
    let text = std::str::from_utf8(source).unwrap_or_else(|e| panic!("{path}: {e}"));
    match typhon_compile::compile(text, path, Mode::Exec, Options::default()) {
        Ok((code, _warnings)) => typhon_compile::marshal::dump_code(&code),
        Err(e) => panic!("{path}:{}:{}: {}", e.lineno, e.offset, e.msg),
    }
}

fn blob(files: &[Packed]) -> Vec<u8> {
    const ENTRY: usize = 6 * 4;
    let mut index = Vec::new();
    let mut body: Vec<u8> = Vec::new();
    let start = 4 + files.len() * ENTRY;
    let mut place = |index: &mut Vec<u8>, bytes: &[u8]| {
        let at = u32::try_from(start + body.len()).expect("the library is below 4 GiB");
        index.extend_from_slice(&at.to_le_bytes());
        index.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        body.extend_from_slice(bytes);
    };
    for f in files {
        place(&mut index, f.path.as_bytes());
        place(&mut index, &f.source);
        place(&mut index, &f.code);
    }
    let mut out = (files.len() as u32).to_le_bytes().to_vec();
    out.extend_from_slice(&index);
    out.extend_from_slice(&body);
    out
}
