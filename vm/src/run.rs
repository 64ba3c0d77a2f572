//! Running a program: streams, paths, `site`, then a script, a command, a module or standard input.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use typhon_compile::Mode;
use typhon_core::builtins::dict::Dict;
use typhon_core::compile::CompileOptions;
use typhon_core::report::{self, End};
use typhon_core::{Borrowed, Owned, PyResult, Thread};
use typhon_modules::{imp, io, marshal, signal, startup, support};

use crate::options::Action;
use crate::{finish, repl};

/// What to run, and the little that belongs to the call alone.
pub struct Program {
    pub action: Action,
    /// Entries of `PYTHONPATH`.
    pub path: Vec<OsString>,
    /// The command's name in messages.
    pub name: String,
    pub skip_first_line: bool,
}

/// How the main program ended.
pub enum Outcome {
    Done,
    /// An exit status was decided already (a file that cannot be opened).
    Status(i32),
}

/// Runs a program from start to end; the exit status.
pub fn program(th: &mut Thread, p: &Program) -> i32 {
    let main = match prepare(th, p) {
        Ok(m) => m,
        Err(raised) => {
            let exc = th.catch(raised);
            let end = report::uncaught(th, exc);
            return finish::finish(th, end);
        }
    };
    let end = match run_action(th, p, &main) {
        Ok(Outcome::Done) => End::Exit(0),
        Ok(Outcome::Status(s)) => End::Exit(s),
        Err(raised) => {
            let exc = th.catch(raised);
            report::uncaught(th, exc)
        }
    };
    let inspect = th.rt.config.inspect || std::env::var_os("PYTHONINSPECT").is_some_and(|v| !v.is_empty());
    if inspect && !matches!(p.action, Action::Stdin) && !th.rt.config.ignore_environment
        || th.rt.config.inspect && !matches!(p.action, Action::Stdin)
    {
        let end = repl::run(th, main.borrow());
        drop(main);
        return finish::finish(th, end);
    }
    drop(main);
    finish::finish(th, end)
}

/// Brings up imports, streams, signals and `site`; the module `__main__`.
fn prepare(th: &mut Thread, p: &Program) -> PyResult {
    let mut path = p.path.clone();
    path.push(match &th.rt.config.stdlib_dir {
        Some(dir) => dir.clone().into_os_string(),
        None => typhon_modules::typhonlib::root(th).into(),
    });
    startup::set_path(th, &path)?;
    startup::start_importing(th)?;
    io::stdio::install(th)?;
    install_open(th)?;
    signal::start(th)?;
    warn_options(th)?;
    let main = startup::new_main_module(th)?;
    if !th.rt.config.no_site {
        support::import(th, "site")?;
    }
    Ok(main)
}

/// Filters of `-W` need the Python part of `warnings`, which reads them when it is imported.
fn warn_options(th: &mut Thread) -> PyResult<()> {
    if !th.rt.config.warn_options.is_empty() {
        support::import(th, "warnings")?;
    }
    Ok(())
}

/// Puts the first entry into `sys.path`.
fn path_first(th: &mut Thread, entry: Option<&std::ffi::OsStr>) -> PyResult<()> {
    if th.rt.config.safe_path {
        return Ok(());
    }
    let Some(entry) = entry else { return Ok(()) };
    let (path, entry, zero) = (th.sys_get("path"), support::os_str(th, entry), th.new_int(0));
    if let Some(path) = path {
        path.borrow().call_method_str(th, "insert", &[zero.borrow(), entry.borrow()])?;
    }
    Ok(())
}

fn run_action(th: &mut Thread, p: &Program, main: &Owned) -> PyResult<Outcome> {
    match &p.action {
        Action::Command(text) => {
            path_first(th, Some("".as_ref()))?;
            let mut text = text.clone();
            text.push('\n');
            run_text(th, main.borrow(), &text, "<string>", true)?;
            Ok(Outcome::Done)
        }
        Action::Module(name) => {
            let here = std::env::current_dir().ok();
            path_first(th, here.as_ref().map(|d| d.as_os_str()))?;
            run_module(th, name, true)?;
            Ok(Outcome::Done)
        }
        Action::Script(script) => run_script(th, p, main.borrow(), script),
        Action::Stdin => {
            path_first(th, Some("".as_ref()))?;
            // SAFETY: a plain system call.
            let terminal = unsafe { libc::isatty(0) } == 1;
            if terminal || th.rt.config.interactive {
                return Ok(match repl::run(th, main.borrow()) {
                    End::Exit(status) => Outcome::Status(status),
                    End::Interrupted => report::die_of_interrupt(),
                });
            }
            let mut source = Vec::new();
            let read =
                support::blocking(th, || std::io::Read::read_to_end(&mut std::io::stdin(), &mut source));
            if let Err(e) = read {
                return Err(support::os_error(th, e.raw_os_error().unwrap_or(libc::EIO)));
            }
            let optimize = th.rt.config.optimize;
            let code = typhon_core::compile::compile_bytes(
                th,
                &source,
                "<stdin>",
                &CompileOptions::new(Mode::Exec, optimize),
            )?;
            register_source(th, code.borrow(), &String::from_utf8_lossy(&source), "<stdin>")?;
            imp::run_in(th, code.borrow(), main.borrow())?;
            Ok(Outcome::Done)
        }
    }
}

/// `runpy._run_module_as_main(name)`
fn run_module(th: &mut Thread, name: &str, alter_argv: bool) -> PyResult<()> {
    let f = support::import_attr(th, "runpy", "_run_module_as_main")?;
    let (name, alter) = (th.new_str(name), Owned::bool(alter_argv));
    f.borrow().call(th, &[name.borrow(), alter.borrow()]).map(drop)
}

/// Makes source text that is in no file known to tracebacks.
pub fn register_source(th: &mut Thread, code: Borrowed<'_>, text: &str, name: &str) -> PyResult<()> {
    let f = support::import_attr(th, "linecache", "_register_code")?;
    let (text, name) = (th.new_str(text), th.new_str(name));
    f.borrow().call(th, &[code, text.borrow(), name.borrow()]).map(drop)
}

/// Compiles and runs text in a module.
fn run_text(th: &mut Thread, main: Borrowed<'_>, text: &str, name: &str, register: bool) -> PyResult<()> {
    let optimize = th.rt.config.optimize;
    let code =
        typhon_core::compile::compile_text(th, text, name, &CompileOptions::new(Mode::Exec, optimize))?;
    if register {
        register_source(th, code.borrow(), text, name)?;
    }
    imp::run_in(th, code.borrow(), main)
}

/// An absolute path for messages.
fn shown(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
}

fn run_script(th: &mut Thread, p: &Program, main: Borrowed<'_>, script: &OsString) -> PyResult<Outcome> {
    let path = Path::new(script);
    let is_folder = path.is_dir();
    if is_folder || is_archive(path) {
        let entry = support::os_str(th, script);
        if is_folder && !has_main(path) {
            eprintln!("{}: can't find '__main__' module in '{}'", p.name, shown(path));
            return Ok(Outcome::Status(1));
        }
        let (list, zero) = (th.sys_get("path"), th.new_int(0));
        if let Some(list) = list {
            list.borrow().call_method_str(th, "insert", &[zero.borrow(), entry.borrow()])?;
        }
        run_module(th, "__main__", false)?;
        return Ok(Outcome::Done);
    }
    let read = support::blocking(th, || std::fs::read(path));
    let mut source = match read {
        Ok(s) => s,
        Err(e) => {
            let number = e.raw_os_error().unwrap_or(libc::EIO);
            let text = typhon_core::builtins::exceptions::strerror(number);
            eprintln!("{}: can't open file '{}': [Errno {number}] {text}", p.name, shown(path));
            return Ok(Outcome::Status(2));
        }
    };
    // The folder of the file itself, not of a link to it.
    let real = std::fs::canonicalize(path).ok();
    let folder = match (std::fs::symlink_metadata(path).map(|m| m.is_symlink()), &real) {
        (Ok(true), Some(real)) => real.parent().map(Path::to_owned),
        _ => std::path::absolute(path).ok().and_then(|p| p.parent().map(Path::to_owned)),
    };
    path_first(th, folder.as_ref().map(|f| f.as_os_str()))?;
    let name = support::os_str(th, script);
    set_global(th, main, "__file__", name.clone())?;
    set_global(th, main, "__cached__", Owned::none())?;
    let compiled = script.as_bytes().ends_with(b".pyc") || imp::has_magic(&source);
    let loader = if compiled { "SourcelessFileLoader" } else { "SourceFileLoader" };
    let class = support::import_attr(th, "_frozen_importlib_external", loader)?;
    let main_name = th.intern("__main__");
    let loader = class.borrow().call(th, &[main_name.borrow(), name.borrow()])?;
    set_global(th, main, "__loader__", loader)?;
    let code = if compiled {
        if !imp::has_magic(&source) {
            return Err(th.runtime_error("Bad magic number in .pyc file"));
        }
        let Some(body) = source.get(16..) else {
            return Err(th.eof_error("marshal data too short"));
        };
        marshal::load_code(th, body)?
    } else {
        if p.skip_first_line {
            // Line numbers stay as they are.
            let end = source.iter().position(|&b| b == b'\n').unwrap_or(source.len());
            source.drain(..end);
        }
        let optimize = th.rt.config.optimize;
        let shown = script.to_string_lossy();
        typhon_core::compile::compile_bytes(th, &source, &shown, &CompileOptions::new(Mode::Exec, optimize))?
    };
    drop(source);
    imp::run_in(th, code.borrow(), main)?;
    Ok(Outcome::Done)
}

fn has_main(folder: &Path) -> bool {
    ["__main__.py", "__main__.pyc"].iter().any(|f| folder.join(f).exists())
}

/// Does the file end like a Zip archive (the record is within the last 64 KiB)?
fn is_archive(path: &Path) -> bool {
    use std::io::{Read, Seek, SeekFrom};
    let Ok(mut f) = std::fs::File::open(path) else { return false };
    let Ok(len) = f.metadata().map(|m| if m.is_file() { m.len() } else { 0 }) else { return false };
    if len < 22 {
        return false;
    }
    let from = len.saturating_sub(22);
    let mut tail = Vec::new();
    if f.seek(SeekFrom::Start(from)).is_err() || f.read_to_end(&mut tail).is_err() {
        return false;
    }
    if tail.starts_with(b"PK\x05\x06") {
        return true;
    }
    // An archive with a comment, if the file begins like one.
    let mut head = [0; 4];
    if f.seek(SeekFrom::Start(0)).is_err() || f.read_exact(&mut head).is_err() || &head != b"PK\x03\x04" {
        return false;
    }
    let from = len.saturating_sub(22 + 65535);
    tail.clear();
    f.seek(SeekFrom::Start(from)).is_ok()
        && f.read_to_end(&mut tail).is_ok()
        && tail.windows(4).any(|w| w == b"PK\x05\x06")
}

fn set_global(th: &mut Thread, main: Borrowed<'_>, name: &str, v: Owned) -> PyResult<()> {
    let dict = th.rt.names.__dict__.get();
    let globals = main.getattr(th, dict)?;
    let key = th.intern(name);
    match globals.downcast::<Dict>() {
        Some(d) => d.set(th, key.borrow(), v),
        None => Ok(()),
    }
}

/// `builtins.open` is `io.open`.
fn install_open(th: &mut typhon_core::Thread) -> typhon_core::PyResult<()> {
    let io = typhon_core::import::import_module(th, "_io")?;
    let open = io.borrow().getattr_str(th, "open")?;
    let name = th.intern("open");
    th.builtins_dict().setitem(th, name.borrow(), open.borrow())
}
