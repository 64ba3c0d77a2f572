//! The command line and the environment: what to run and how.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use lexopt::Arg;
use typhon_core::collect::Strategy;
use typhon_core::runtime::{Config, FOLDED, Output, Perf, Refcount};

use crate::usage;

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// `-c`
    Command(String),
    /// `-m`
    Module(String),
    /// A file, a folder or an archive.
    Script(OsString),
    /// Standard input: a terminal gives the interactive loop.
    Stdin,
}

/// A command line that was understood.
#[derive(Debug)]
pub struct Invocation {
    pub config: Config,
    pub action: Action,
    /// Entries of `PYTHONPATH`.
    pub path: Vec<OsString>,
    /// The name under which the command was called, for messages.
    pub program: String,
    /// `-x`: the first line of the script is skipped.
    pub skip_first_line: bool,
}

/// Why there is nothing to run.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop {
    /// Prints to standard output and ends with status 0.
    Print(String),
    /// Prints to standard error and ends with a status.
    Fail(String, i32),
}

/// The environment as the options see it: nothing with `-E`.
struct Environment {
    ignored: bool,
}

impl Environment {
    /// A variable that is set and not empty.
    fn get(&self, name: &str) -> Option<OsString> {
        if self.ignored { None } else { std::env::var_os(name).filter(|v| !v.is_empty()) }
    }

    fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|v| v.to_string_lossy().into_owned())
    }

    fn is_set(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A level such as `PYTHONOPTIMIZE`: a number, or 1 for any other text.
    fn level(&self, name: &str) -> u8 {
        self.text(name).map_or(0, |v| v.parse().unwrap_or(1))
    }
}

/// Reads the command line (without the program's name) and the environment.
pub fn parse(program: &OsStr, args: Vec<OsString>) -> Result<Invocation, Stop> {
    let program = program.to_string_lossy().into_owned();
    let mut config =
        Config { argv: Vec::new(), return_memory: crate::allocator::return_memory, ..Config::default() };
    config.orig_argv = std::iter::once(OsString::from(&program)).chain(args.iter().cloned()).collect();
    let mut cli = Cli::default();
    let action = cli.read(&program, args, &mut config)?;
    if cli.isolated {
        cli.ignore_environment = true;
        config.isolated = true;
        config.no_user_site = true;
        config.safe_path = true;
    }
    config.ignore_environment = cli.ignore_environment;
    let env = Environment { ignored: cli.ignore_environment };
    cli.apply(&env, &mut config)?;
    let path = match env.get("PYTHONPATH") {
        Some(p) => std::env::split_paths(&p).map(PathBuf::into_os_string).collect(),
        None => Vec::new(),
    };
    config.executable = std::env::current_exe().unwrap_or_default();
    Ok(Invocation { config, action, path, program, skip_first_line: cli.skip_first_line })
}

/// What the command line said, before the environment has its say.
#[derive(Default)]
struct Cli {
    ignore_environment: bool,
    isolated: bool,
    skip_first_line: bool,
    warnings: Vec<String>,
    gil: Option<String>,
    refcount: Option<String>,
    gc: Option<String>,
}

impl Cli {
    fn read(&mut self, program: &str, args: Vec<OsString>, config: &mut Config) -> Result<Action, Stop> {
        let mut parser = lexopt::Parser::from_args(args);
        let usage = |message: String| Stop::Fail(format!("{message}\n{}", usage::short(program)), 2);
        loop {
            let arg = match parser.next() {
                Ok(Some(arg)) => arg,
                Ok(None) => {
                    config.argv = vec![OsString::new()];
                    return Ok(Action::Stdin);
                }
                Err(e) => return Err(usage(e.to_string())),
            };
            match arg {
                Arg::Short('c') => {
                    let command = value(&mut parser, 'c', &usage)?;
                    config.argv = rest("-c", &mut parser);
                    return Ok(Action::Command(command.to_string_lossy().into_owned()));
                }
                Arg::Short('m') => {
                    let module = value(&mut parser, 'm', &usage)?;
                    config.argv = rest("-m", &mut parser);
                    return Ok(Action::Module(module.to_string_lossy().into_owned()));
                }
                Arg::Value(v) if v == "-" => {
                    config.argv = rest("-", &mut parser);
                    return Ok(Action::Stdin);
                }
                Arg::Value(script) => {
                    config.argv = rest(&script, &mut parser);
                    return Ok(Action::Script(script));
                }
                Arg::Short('W') => {
                    let v = value(&mut parser, 'W', &usage)?;
                    self.warnings.push(v.to_string_lossy().into_owned());
                }
                Arg::Short('X') => {
                    let v = value(&mut parser, 'X', &usage)?;
                    self.x_option(&v, config)?;
                }
                Arg::Short('b') => config.bytes_warning += 1,
                Arg::Short('B') => config.dont_write_bytecode = true,
                Arg::Short('d' | 't' | 'R') => {}
                Arg::Short('E') => self.ignore_environment = true,
                Arg::Short('i') => {
                    config.interactive = true;
                    config.inspect = true;
                }
                Arg::Short('I') => self.isolated = true,
                Arg::Short('O') => config.optimize = (config.optimize + 1).min(2),
                Arg::Short('P') => config.safe_path = true,
                Arg::Short('q') => config.quiet = true,
                Arg::Short('s') => config.no_user_site = true,
                Arg::Short('S') => config.no_site = true,
                Arg::Short('u') => config.unbuffered = true,
                Arg::Short('v') => config.verbose += 1,
                Arg::Short('x') => self.skip_first_line = true,
                Arg::Short('h' | '?') | Arg::Long("help") => return Err(Stop::Print(usage::full(program))),
                Arg::Long("help-env") => return Err(Stop::Print(usage::ENVIRONMENT.to_owned())),
                Arg::Long("help-xoptions") => return Err(Stop::Print(usage::X_OPTIONS.to_owned())),
                Arg::Long("help-all") => {
                    let all =
                        format!("{}\n{}\n{}", usage::full(program), usage::ENVIRONMENT, usage::X_OPTIONS);
                    return Err(Stop::Print(all));
                }
                Arg::Short('V') | Arg::Long("version") => return Err(Stop::Print(usage::version())),
                Arg::Long("check-hash-based-pycs") => {
                    let v = value(&mut parser, 'X', &usage)?.to_string_lossy().into_owned();
                    if !matches!(v.as_str(), "always" | "default" | "never") {
                        return Err(usage(String::from(
                            "--check-hash-based-pycs must be one of 'default', 'always', or 'never'",
                        )));
                    }
                    config.x_options.push(("check_hash_based_pycs".into(), Some(v)));
                }
                Arg::Short(c) => return Err(usage(format!("Unknown option: -{c}"))),
                Arg::Long(name) => return Err(usage(format!("unknown option --{name}"))),
            }
        }
    }

    /// One `-X key[=value]`. Unknown keys only go to `sys._xoptions`.
    fn x_option(&mut self, v: &OsStr, config: &mut Config) -> Result<(), Stop> {
        let text = v.to_string_lossy().into_owned();
        let (key, value) = match text.split_once('=') {
            Some((k, v)) => (k.to_owned(), Some(v.to_owned())),
            None => (text, None),
        };
        match key.as_str() {
            "gil" => self.gil = Some(value.clone().unwrap_or_default()),
            "refcount" => self.refcount = Some(value.clone().unwrap_or_default()),
            "gc" => self.gc = Some(value.clone().unwrap_or_default()),
            "stdlib" => match &value {
                Some(dir) if !dir.is_empty() => {
                    let at = v.as_bytes().iter().position(|&b| b == b'=').map_or(0, |i| i + 1);
                    let dir = PathBuf::from(OsStr::from_bytes(&v.as_bytes()[at..]));
                    if !dir.is_dir() {
                        let msg = format!(
                            "-X stdlib={}: no such folder; a folder with Python modules is needed",
                            dir.display()
                        );
                        return Err(Stop::Fail(msg, 1));
                    }
                    config.stdlib_dir = Some(dir);
                }
                _ => return Err(Stop::Fail(String::from("-X stdlib needs a folder: -X stdlib=DIR"), 1)),
            },
            "utf8" => match value.as_deref() {
                None | Some("1") => config.utf8_mode = true,
                // The locale's encoding is UTF-8 on every system we run on; only the flag changes.
                Some("0") => config.utf8_mode = false,
                Some(_) => {
                    return Err(Stop::Fail(String::from("invalid -X utf8 option value: use 0 or 1"), 1));
                }
            },
            "dev" => config.dev_mode = true,
            "showrefcount" => config.show_refcount = true,
            "sync-stats" => config.sync_stats = Some(output(v)?),
            "opcode-stats" => config.opcode_stats = Some(output(v)?),
            "perf" => config.perf = perf(value.as_deref())?,
            "zeal" => match value.as_deref().and_then(|v| v.parse().ok()) {
                Some(births @ 1..=1_000_000) => config.zeal = births,
                _ => {
                    let msg = "-X zeal needs a number of births from 1 to 1000000: -X zeal=N";
                    return Err(Stop::Fail(String::from(msg), 1));
                }
            },
            "int_max_str_digits" => {
                config.int_max_str_digits = digits(value.as_deref(), "-X int_max_str_digits")?
            }
            _ => {}
        }
        config.x_options.push((key, value));
        Ok(())
    }

    /// Joins what the environment says; the command line wins.
    fn apply(&mut self, env: &Environment, config: &mut Config) -> Result<(), Stop> {
        config.optimize = config.optimize.max(env.level("PYTHONOPTIMIZE")).min(2);
        config.verbose = config.verbose.max(env.level("PYTHONVERBOSE"));
        config.dont_write_bytecode |= env.is_set("PYTHONDONTWRITEBYTECODE");
        config.unbuffered |= env.is_set("PYTHONUNBUFFERED");
        config.no_user_site |= env.is_set("PYTHONNOUSERSITE");
        config.safe_path |= env.is_set("PYTHONSAFEPATH");
        config.inspect |= env.is_set("PYTHONINSPECT");
        config.dev_mode |= env.is_set("PYTHONDEVMODE");
        if let Some(v) = env.text("PYTHONPERFSUPPORT")
            && !config.x_options.iter().any(|(k, _)| k == "perf")
        {
            config.perf = if v == "0" { Perf::Off } else { Perf::Functions };
        }
        if let Some(v) = env.text("PYTHONINTMAXSTRDIGITS")
            && !config.x_options.iter().any(|(k, _)| k == "int_max_str_digits")
        {
            config.int_max_str_digits = digits(Some(&v), "PYTHONINTMAXSTRDIGITS")?;
        }
        if let Some(v) = env.text("PYTHONHASHSEED")
            && v != "random"
        {
            match v.parse::<u32>() {
                Ok(seed) => config.hash_seed = Some(u64::from(seed)),
                Err(_) => {
                    return Err(Stop::Fail(
                        String::from(
                            "Fatal Python error: config_init_hash_seed: PYTHONHASHSEED must be \"random\" or an \
                             integer in range [0; 4294967295]\nPython runtime state: preinitialized\n",
                        ),
                        1,
                    ));
                }
            }
        }
        self.modes(env, config)?;
        let mut warnings = Vec::new();
        if config.dev_mode {
            warnings.push(String::from("default"));
        }
        if let Some(v) = env.text("PYTHONWARNINGS") {
            warnings.extend(v.split(',').map(str::to_owned));
        }
        warnings.append(&mut self.warnings);
        match config.bytes_warning {
            0 => {}
            1 => warnings.push(String::from("default::BytesWarning")),
            _ => warnings.push(String::from("error::BytesWarning")),
        }
        config.warn_options = warnings;
        Ok(())
    }

    /// The ways to live with threads: GIL, reference counts, collector.
    fn modes(&self, env: &Environment, config: &mut Config) -> Result<(), Stop> {
        let fail = |msg: String| Err(Stop::Fail(msg, 1));
        match (&self.gil, env.text("PYTHON_GIL")) {
            (Some(v), _) => match v.as_str() {
                "0" => config.gil = false,
                "1" => config.gil = true,
                _ => return fail(format!("-X gil={v}: not a mode; use -X gil=0 (no GIL) or -X gil=1")),
            },
            (None, Some(v)) => match v.as_str() {
                "0" => config.gil = false,
                "1" => config.gil = true,
                _ => return fail(format!("PYTHON_GIL={v}: not a mode; use 0 (no GIL) or 1")),
            },
            (None, None) => {}
        }
        if FOLDED && !config.gil {
            return fail(String::from(
                "this build has a GIL only (feature `folded`): leave out -X gil=0 and PYTHON_GIL=0",
            ));
        }
        if let Some(v) = &self.refcount {
            match v.as_str() {
                _ if config.gil => {
                    return fail(String::from(
                        "-X refcount names how counts work without a GIL; it cannot be combined with -X gil=1",
                    ));
                }
                "biased" => config.refcount = Refcount::Biased,
                "atomic" => config.refcount = Refcount::Atomic,
                "deferred" => config.refcount = Refcount::Deferred,
                _ => return fail(format!("-X refcount={v}: no such scheme; use biased, atomic or deferred")),
            }
        }
        if let Some(v) = &self.gc {
            match v.as_str() {
                "stop" => config.gc = Strategy::Stop,
                "rendezvous" => config.gc = Strategy::Rendezvous,
                "concurrent" => config.gc = Strategy::Concurrent,
                "off" => config.gc = Strategy::Off,
                _ => {
                    return fail(format!(
                        "-X gc={v}: no such collector; use concurrent, rendezvous, stop or off"
                    ));
                }
            }
        }
        Ok(())
    }
}

/// What `-X perf[=…]` asks for.
fn perf(value: Option<&str>) -> Result<Perf, Stop> {
    match value {
        None | Some("1") => Ok(Perf::Functions),
        Some("lines") => Ok(Perf::Lines),
        Some("0") => Ok(Perf::Off),
        Some(v) => {
            let msg =
                format!("-X perf={v}: no such names; use -X perf (functions), -X perf=lines or -X perf=0");
            Err(Stop::Fail(msg, 1))
        }
    }
}

/// Where the report that `-X name[=FILE]` asks for goes. The file is made now, so that a bad name is known early.
fn output(option: &OsStr) -> Result<Output, Stop> {
    let bytes = option.as_bytes();
    let Some(at) = bytes.iter().position(|&b| b == b'=') else { return Ok(Output::Stderr) };
    let file = OsStr::from_bytes(&bytes[at + 1..]);
    let made = std::path::absolute(file).and_then(|path| std::fs::File::create(&path).map(|_| path));
    made.map(Output::File).map_err(|e| {
        let (option, name) = (option.display(), OsStr::from_bytes(&bytes[..at]).display());
        Stop::Fail(format!("-X {option}: cannot write this file: {e}; use -X {name}=FILE"), 1)
    })
}

/// The limit on digits of ints as text: 0 (none) or at least 640.
fn digits(v: Option<&str>, what: &str) -> Result<i64, Stop> {
    match v.and_then(|v| v.parse::<i64>().ok()) {
        Some(n) if n == 0 || n >= 640 => Ok(n),
        _ => Err(Stop::Fail(
            format!(
                "Fatal Python error: config_init_int_max_str_digits: {what}: invalid limit; must be >= 640 or 0 \
                 for unlimited.\nPython runtime state: preinitialized\n"
            ),
            1,
        )),
    }
}

fn value(
    parser: &mut lexopt::Parser,
    option: char,
    usage: &dyn Fn(String) -> Stop,
) -> Result<OsString, Stop> {
    parser.value().map_err(|_| usage(format!("Argument expected for the -{option} option")))
}

/// `sys.argv`: the first entry, then everything that was not read.
fn rest(first: impl AsRef<OsStr>, parser: &mut lexopt::Parser) -> Vec<OsString> {
    let mut argv = vec![first.as_ref().to_owned()];
    if let Ok(raw) = parser.raw_args() {
        argv.extend(raw);
    }
    argv
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str]) -> Result<(Action, Config), Stop> {
        let mut config = Config::default();
        let args = args.iter().map(OsString::from).collect();
        let mut cli = Cli::default();
        let action = cli.read("typhon", args, &mut config)?;
        cli.modes(&Environment { ignored: true }, &mut config)?;
        Ok((action, config))
    }

    #[test]
    fn options_end_at_the_program() {
        let (action, config) = read(&["-Bc", "print(1)", "-x", "--y"]).unwrap();
        assert_eq!(action, Action::Command("print(1)".into()));
        assert_eq!(config.argv, ["-c", "-x", "--y"]);
        assert!(config.dont_write_bytecode);
        let (action, config) = read(&["-X", "gil=1", "a.py", "-c"]).unwrap();
        assert_eq!(action, Action::Script("a.py".into()));
        assert_eq!(config.argv, ["a.py", "-c"]);
        assert!(config.gil);
        assert_eq!(read(&["-m", "timeit", "-n", "3"]).unwrap().1.argv, ["-m", "-n", "3"]);
        assert_eq!(read(&["-", "x"]).unwrap().0, Action::Stdin);
    }

    #[test]
    fn bad_values_are_refused_by_name() {
        for (option, part) in
            [("gil=2", "gil=0"), ("refcount=lazy", "biased"), ("gc=x", "stop"), ("perf=x", "lines")]
        {
            match read(&["-X", option, "-c", ""]) {
                Err(Stop::Fail(msg, 1)) => assert!(msg.contains(part), "{option}: {msg}"),
                other => panic!("{option}: {other:?}"),
            }
        }
        assert!(matches!(read(&["-X", "gil=1", "-X", "refcount=biased", "-c", ""]), Err(Stop::Fail(_, 1))));
        for option in
            ["sync-stats=", "sync-stats=/no/such/folder/file", "opcode-stats=", "opcode-stats=/no/such/file"]
        {
            match read(&["-X", option, "-c", ""]) {
                Err(Stop::Fail(msg, 1)) => assert!(msg.contains(option), "{msg}"),
                other => panic!("{option}: {other:?}"),
            }
        }
        assert!(matches!(read(&["-Z"]), Err(Stop::Fail(_, 2))));
        assert!(matches!(read(&["-c"]), Err(Stop::Fail(_, 2))));
    }

    #[test]
    fn unknown_x_options_are_kept() {
        let (_, config) = read(&["-X", "a=1", "-X", "b", "-c", ""]).unwrap();
        assert_eq!(config.x_options, [("a".into(), Some("1".into())), ("b".into(), None)]);
    }
}
