//! `sys`: constants that describe the interpreter, the machine and how the process was started.

use crate::builtins::dict::Dict;
use crate::builtins::struct_sequence::{StructSequence, new_instance, register};
use crate::object::{Owned, PyResult};
use crate::thread::Thread;

/// The version of the language and library that this is: `sys.version_info`.
pub const VERSION: (u8, u8, u8) = (3, 14, 7);
/// `sys.hexversion`, for a final release.
pub const HEXVERSION: i64 =
    (VERSION.0 as i64) << 24 | (VERSION.1 as i64) << 16 | (VERSION.2 as i64) << 8 | 0xf0;
/// `sys.implementation.cache_tag`: part of the names of cached bytecode files.
pub const CACHE_TAG: &str = "typhon-314";

const COPYRIGHT: &str = "Copyright (c) the Typhon contributors.\n\
    Python and the Python standard library: Copyright (c) 2001 Python Software Foundation.\n\
    All Rights Reserved.";

static VERSION_INFO: StructSequence = StructSequence {
    name: "sys.version_info",
    doc: "sys.version_info\n\nVersion information as a named tuple.",
    fields: &["major", "minor", "micro", "releaselevel", "serial"],
    n_visible: 5,
    constructible: false,
};
static FLAGS: StructSequence = StructSequence {
    name: "sys.flags",
    doc: "sys.flags\n\nFlags provided through command line arguments or environment vars.",
    fields: &[
        "debug",
        "inspect",
        "interactive",
        "optimize",
        "dont_write_bytecode",
        "no_user_site",
        "no_site",
        "ignore_environment",
        "verbose",
        "bytes_warning",
        "quiet",
        "hash_randomization",
        "isolated",
        "dev_mode",
        "utf8_mode",
        "warn_default_encoding",
        "safe_path",
        "int_max_str_digits",
        "gil",
        "thread_inherit_context",
        "context_aware_warnings",
    ],
    n_visible: 18,
    constructible: false,
};
static FLOAT_INFO: StructSequence = StructSequence {
    name: "sys.float_info",
    doc: "sys.float_info\n\nA named tuple holding information about the float type.",
    fields: &[
        "max",
        "max_exp",
        "max_10_exp",
        "min",
        "min_exp",
        "min_10_exp",
        "dig",
        "mant_dig",
        "epsilon",
        "radix",
        "rounds",
    ],
    n_visible: 11,
    constructible: false,
};
static INT_INFO: StructSequence = StructSequence {
    name: "sys.int_info",
    doc: "sys.int_info\n\nA named tuple that holds information about Python's internal representation of integers.",
    fields: &["bits_per_digit", "sizeof_digit", "default_max_str_digits", "str_digits_check_threshold"],
    n_visible: 4,
    constructible: false,
};
static HASH_INFO: StructSequence = StructSequence {
    name: "sys.hash_info",
    doc: "hash_info\n\nA named tuple providing parameters used for computing hashes.",
    fields: &["width", "modulus", "inf", "nan", "imag", "algorithm", "hash_bits", "seed_bits", "cutoff"],
    n_visible: 9,
    constructible: false,
};
static THREAD_INFO: StructSequence = StructSequence {
    name: "sys.thread_info",
    doc: "sys.thread_info\n\nA named tuple holding information about the thread implementation.",
    fields: &["name", "lock", "version"],
    n_visible: 3,
    constructible: false,
};

pub(super) fn setup(th: &mut Thread) -> PyResult<()> {
    versions(th)?;
    numbers(th)?;
    flags(th)?;
    process(th)?;
    paths(th)
}

fn set_struct(th: &mut Thread, name: &str, spec: &'static StructSequence, fields: Vec<Owned>) -> PyResult {
    let ty = register(th, spec)?;
    let v = new_instance(th, ty, fields);
    th.sys_set(name, v.clone())?;
    Ok(v)
}

fn set_str(th: &mut Thread, name: &str, text: &str) -> PyResult<()> {
    let v = th.new_str(text);
    th.sys_set(name, v)
}

fn set_int(th: &mut Thread, name: &str, n: i64) -> PyResult<()> {
    let v = th.new_int(n);
    th.sys_set(name, v)
}

/// `sys.version`: `3.14.7 (typhon 0.1.0) [Rust]`
pub fn version_text() -> String {
    let (major, minor, micro) = VERSION;
    format!("{major}.{minor}.{micro} (typhon {}) [Rust]", env!("CARGO_PKG_VERSION"))
}

fn version_info(th: &mut Thread, of: [i64; 3]) -> PyResult<Vec<Owned>> {
    let mut fields: Vec<Owned> = of.iter().map(|n| th.new_int(*n)).collect();
    fields.push(th.intern("final"));
    fields.push(th.new_int(0));
    Ok(fields)
}

fn versions(th: &mut Thread) -> PyResult<()> {
    let (major, minor, micro) = VERSION;
    set_str(th, "version", &version_text())?;
    set_int(th, "hexversion", HEXVERSION)?;
    set_int(th, "api_version", 1013)?;
    set_str(th, "copyright", COPYRIGHT)?;
    set_str(th, "platform", "linux")?;
    set_str(th, "platlibdir", "lib")?;
    set_str(th, "abiflags", typhon_compile::ABI_FLAGS)?;
    set_str(th, "byteorder", if cfg!(target_endian = "little") { "little" } else { "big" })?;
    set_str(th, "float_repr_style", "short")?;
    set_str(th, "_framework", "")?;
    let fields = version_info(th, [major.into(), minor.into(), micro.into()])?;
    set_struct(th, "version_info", &VERSION_INFO, fields)?;
    let git = ["Typhon", "", ""].map(|s| th.intern(s));
    let git = th.new_tuple(git.into());
    th.sys_set("_git", git)?;

    let own: Vec<i64> = env!("CARGO_PKG_VERSION").split('.').map(|n| n.parse().unwrap_or(0)).collect();
    let fields = version_info(th, [own[0], own[1], own[2]])?;
    let ty = register(th, &VERSION_INFO)?;
    let own_version = new_instance(th, ty, fields);
    let own_hex = th.new_int(own[0] << 24 | own[1] << 16 | own[2] << 8 | 0xf0);
    let multiarch = format!("{}-linux-gnu", std::env::consts::ARCH);
    let (name, tag, multiarch) = (th.intern("typhon"), th.intern(CACHE_TAG), th.new_str(&multiarch));
    let implementation = th.new_namespace(vec![
        ("name", name),
        ("cache_tag", tag),
        ("version", own_version),
        ("hexversion", own_hex),
        ("_multiarch", multiarch),
        ("supports_isolated_interpreters", Owned::bool(false)),
    ])?;
    th.sys_set("implementation", implementation)
}

fn numbers(th: &mut Thread) -> PyResult<()> {
    set_int(th, "maxsize", i64::MAX)?;
    set_int(th, "maxunicode", 0x10ffff)?;
    let fields = vec![
        th.new_float(f64::MAX),
        th.new_int(f64::MAX_EXP.into()),
        th.new_int(f64::MAX_10_EXP.into()),
        th.new_float(f64::MIN_POSITIVE),
        th.new_int(f64::MIN_EXP.into()),
        th.new_int(f64::MIN_10_EXP.into()),
        th.new_int(f64::DIGITS.into()),
        th.new_int(f64::MANTISSA_DIGITS.into()),
        th.new_float(f64::EPSILON),
        th.new_int(f64::RADIX.into()),
        th.new_int(1),
    ];
    set_struct(th, "float_info", &FLOAT_INFO, fields)?;
    let fields = [30, 4, 4300, 640].map(|n| th.new_int(n));
    set_struct(th, "int_info", &INT_INFO, fields.into())?;
    let algorithm = th.intern("siphash13");
    let mut fields: Vec<Owned> = [64, (1 << 61) - 1, 314159, 0, 1000003].map(|n| th.new_int(n)).into();
    fields.push(algorithm);
    fields.extend([64, 128, 0].map(|n| th.new_int(n)));
    set_struct(th, "hash_info", &HASH_INFO, fields)?;
    let fields = ["pthread", "futex"].map(|s| th.intern(s));
    let [name, lock] = fields;
    set_struct(th, "thread_info", &THREAD_INFO, vec![name, lock, Owned::none()])?;
    Ok(())
}

fn flags(th: &mut Thread) -> PyResult<()> {
    let c = &th.rt.config;
    let x = |key: &str| c.x_options.iter().any(|(k, _)| k == key);
    let x_on = |key: &str, default: bool| match c.x_options.iter().rev().find(|(k, _)| k == key) {
        Some((_, v)) => v.as_deref() != Some("0"),
        None => default,
    };
    let numbers = [
        0,
        i64::from(c.inspect),
        i64::from(c.interactive),
        i64::from(c.optimize),
        i64::from(c.dont_write_bytecode),
        i64::from(c.no_user_site),
        i64::from(c.no_site),
        i64::from(c.ignore_environment),
        i64::from(c.verbose),
        i64::from(c.bytes_warning),
        i64::from(c.quiet),
        i64::from(c.hash_seed != Some(0)),
        i64::from(c.isolated),
    ];
    let (dev_mode, safe_path) = (Owned::bool(c.dev_mode), Owned::bool(c.safe_path));
    let (utf8, encoding_warning) = (i64::from(c.utf8_mode), i64::from(x("warn_default_encoding")));
    let max_digits = c.int_max_str_digits;
    let free = !c.gil;
    let last = [
        i64::from(c.gil),
        i64::from(x_on("thread_inherit_context", free)),
        i64::from(x_on("context_aware_warnings", free)),
    ];
    let mut fields: Vec<Owned> = numbers.iter().map(|n| th.new_int(*n)).collect();
    fields.push(dev_mode);
    fields.extend([utf8, encoding_warning].map(|n| th.new_int(n)));
    fields.push(safe_path);
    fields.push(th.new_int(max_digits));
    fields.extend(last.map(|n| th.new_int(n)));
    set_struct(th, "flags", &FLAGS, fields)?;
    Ok(())
}

fn process(th: &mut Thread) -> PyResult<()> {
    let config = &th.rt.config;
    let text = |a: &std::ffi::OsString| a.to_string_lossy().into_owned();
    let argv = super::str_list(th, config.argv.iter().map(text));
    th.sys_set("argv", argv)?;
    let argv = super::str_list(th, config.orig_argv.iter().map(text));
    th.sys_set("orig_argv", argv)?;
    let warn = super::str_list(th, config.warn_options.iter().cloned());
    th.sys_set("warnoptions", warn)?;
    th.sys_set("dont_write_bytecode", Owned::bool(config.dont_write_bytecode))?;
    let options = th.new_dict();
    for (key, value) in &config.x_options {
        let key = th.new_str(key);
        let value = match value {
            Some(v) => th.new_str(v),
            None => Owned::bool(true),
        };
        options.payload::<Dict>().set(th, key.borrow(), value)?;
    }
    th.sys_set("_xoptions", options)?;
    let names: Vec<Owned> = super::stdlib_names::STDLIB_MODULES.iter().map(|n| th.intern(n)).collect();
    let tuple = th.new_tuple(names);
    let frozenset = th.intern("frozenset");
    if let Some(f) = th.builtins_dict().downcast::<Dict>().and_then(|d| d.get_interned(frozenset.word())) {
        let set = f.borrow().call(th, &[tuple.borrow()])?;
        th.sys_set("stdlib_module_names", set)?;
    }
    let mut native = vec!["builtins", "sys"];
    native.extend(th.rt.native_modules.iter().map(|m| m.name));
    native.sort_unstable();
    let native = native.into_iter().map(|n| th.intern(n)).collect();
    let native = th.new_tuple(native);
    th.sys_set("builtin_module_names", native)?;
    if let Some(modules) = th.rt.modules.fixed() {
        th.sys_set("modules", modules.to_owned())?;
    }
    Ok(())
}

fn paths(th: &mut Thread) -> PyResult<()> {
    let executable = th.rt.config.executable.clone();
    set_str(th, "executable", &executable.to_string_lossy())?;
    set_str(th, "_base_executable", &executable.to_string_lossy())?;
    // `bin/typhon` lies in the prefix.
    let prefix =
        executable.parent().and_then(|bin| bin.parent()).unwrap_or(std::path::Path::new("/usr/local"));
    let prefix = prefix.to_string_lossy().into_owned();
    for name in ["prefix", "base_prefix", "exec_prefix", "base_exec_prefix"] {
        set_str(th, name, &prefix)?;
    }
    match th.rt.config.stdlib_dir.clone() {
        Some(dir) => set_str(th, "_stdlib_dir", &dir.to_string_lossy())?,
        None => th.sys_set("_stdlib_dir", Owned::none())?,
    }
    th.sys_set("_home", Owned::none())?;
    let cache =
        if th.rt.config.ignore_environment { None } else { std::env::var("PYTHONPYCACHEPREFIX").ok() };
    let cache = th
        .rt
        .config
        .x_options
        .iter()
        .rev()
        .find(|(k, _)| k == "pycache_prefix")
        .map_or(cache, |(_, v)| v.clone());
    match cache.filter(|c| !c.is_empty()) {
        Some(dir) => set_str(th, "pycache_prefix", &dir)?,
        None => th.sys_set("pycache_prefix", Owned::none())?,
    }
    for name in ["path", "meta_path", "path_hooks"] {
        let list = th.new_list(Vec::new());
        th.sys_set(name, list)?;
    }
    let cache = th.new_dict();
    th.sys_set("path_importer_cache", cache)
}
