//! The interactive loop: history, lines that go on, `sys.ps1` and `sys.ps2`.

use std::io::{BufRead, Write};

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Config, Editor};
use typhon_compile::Mode;
use typhon_core::builtins::exceptions as ex;
use typhon_core::compile::CompileOptions;
use typhon_core::report::{self, End};
use typhon_core::{Borrowed, Owned, PyResult, Thread};
use typhon_modules::{imp, support};

use crate::run::register_source;

/// Where lines come from.
enum Input {
    Terminal(Box<Editor<(), FileHistory>>, Option<std::path::PathBuf>),
    /// Standard input that is no terminal (`-i`): prompts go to standard error.
    Pipe,
}

/// What reading a line gave.
enum Line {
    Text(String),
    Interrupt,
    End,
}

impl Input {
    fn new() -> Input {
        // SAFETY: plain system calls.
        let terminal = unsafe { libc::isatty(0) == 1 && libc::isatty(1) == 1 };
        let config = Config::builder().auto_add_history(false).build();
        match Editor::<(), FileHistory>::with_config(config) {
            Ok(mut editor) if terminal => {
                let file = history_file();
                if let Some(f) = &file {
                    // A first session has no history yet.
                    let _ = editor.load_history(f);
                }
                Input::Terminal(Box::new(editor), file)
            }
            _ => Input::Pipe,
        }
    }

    fn line(&mut self, th: &mut Thread, prompt: &str) -> Line {
        match self {
            Input::Terminal(editor, _) => match support::blocking(th, || editor.readline(prompt)) {
                Ok(line) => Line::Text(line),
                Err(ReadlineError::Interrupted) => Line::Interrupt,
                Err(_) => Line::End,
            },
            Input::Pipe => {
                let mut line = String::new();
                let r = support::blocking(th, || {
                    let mut err = std::io::stderr();
                    let _ = err.write_all(prompt.as_bytes()).and_then(|()| err.flush());
                    std::io::stdin().lock().read_line(&mut line)
                });
                match r {
                    Ok(0) | Err(_) => Line::End,
                    Ok(_) => {
                        while line.ends_with(['\n', '\r']) {
                            line.pop();
                        }
                        Line::Text(line)
                    }
                }
            }
        }
    }

    fn remember(&mut self, entry: &str) {
        if let Input::Terminal(editor, _) = self {
            let _ = editor.add_history_entry(entry.trim_end());
        }
    }

    fn close(&mut self) {
        if let Input::Terminal(editor, Some(file)) = self {
            // A history that cannot be written is no reason to fail.
            let _ = editor.save_history(file);
        }
    }
}

/// `$PYTHON_HISTORY`, or `~/.python_history`.
fn history_file() -> Option<std::path::PathBuf> {
    if let Some(f) = std::env::var_os("PYTHON_HISTORY").filter(|f| !f.is_empty()) {
        return Some(f.into());
    }
    let home = std::env::var_os("HOME").filter(|h| !h.is_empty())?;
    Some(std::path::Path::new(&home).join(".python_history"))
}

/// What became of the text so far.
enum Attempt {
    /// More lines are needed.
    More,
    Code(Owned),
}

/// Runs the loop in a module until the end of input or SystemExit.
pub fn run(th: &mut Thread, main: Borrowed<'_>) -> End {
    banner(th);
    for (name, prompt) in [("ps1", ">>> "), ("ps2", "... ")] {
        if th.sys_get(name).is_none() {
            let prompt = th.new_str(prompt);
            if let Err(raised) = th.sys_set(name, prompt) {
                drop(th.catch(raised));
            }
        }
    }
    if let Some(end) = interactive_hook(th) {
        return end;
    }
    let mut input = Input::new();
    let mut count = 0;
    let end = loop {
        let name = format!("<python-input-{count}>");
        match read_statement(th, &mut input, &name) {
            Ok(None) => {
                println!();
                break End::Exit(0);
            }
            Ok(Some((code, text))) => {
                count += 1;
                if let Some(end) = execute(th, main, code, &text, &name) {
                    break end;
                }
            }
            Err(raised) => {
                let exc = th.catch(raised);
                report_in_loop(th, exc);
            }
        }
    };
    input.close();
    end
}

fn banner(th: &mut Thread) {
    if th.rt.config.quiet || th.rt.config.inspect && !th.rt.config.interactive {
        return;
    }
    let text = typhon_core::sysmod::info::version_text();
    eprintln!(
        "Python {text} on linux\nType \"help\", \"copyright\", \"credits\" or \"license\" for more information."
    );
}

/// `sys.__interactivehook__()` and the file that `PYTHONSTARTUP` names.
fn interactive_hook(th: &mut Thread) -> Option<End> {
    if let Some(hook) = th.sys_get("__interactivehook__").filter(|_| !th.rt.config.isolated)
        && let Err(raised) = hook.borrow().call(th, &[])
    {
        drop(th.catch(raised));
    }
    let file =
        std::env::var_os("PYTHONSTARTUP").filter(|f| !f.is_empty() && !th.rt.config.ignore_environment)?;
    let result = (|| {
        let source = match std::fs::read(&file) {
            Ok(s) => s,
            Err(_) => {
                eprintln!("Could not open PYTHONSTARTUP");
                return Ok(());
            }
        };
        let options = CompileOptions::new(Mode::Exec, th.rt.config.optimize);
        let code = typhon_core::compile::compile_bytes(th, &source, &file.to_string_lossy(), &options)?;
        let main = support::import(th, "__main__")?;
        imp::run_in(th, code.borrow(), main.borrow())
    })();
    match result {
        Ok(()) => None,
        Err(raised) => {
            let exc = th.catch(raised);
            report_in_loop(th, exc)
        }
    }
}

/// `str(sys.<name>)`; a prompt that raises is shown as nothing.
fn prompt(th: &mut Thread, name: &str) -> String {
    let Some(p) = th.sys_get(name) else { return String::new() };
    match p.borrow().str_text(th) {
        Ok(t) => t,
        Err(raised) => {
            drop(th.catch(raised));
            String::new()
        }
    }
}

/// Reads lines until they make a statement. `None` at the end of input.
fn read_statement(th: &mut Thread, input: &mut Input, name: &str) -> PyResult<Option<(Owned, String)>> {
    let mut text = String::new();
    loop {
        let p = prompt(th, if text.is_empty() { "ps1" } else { "ps2" });
        let line = match input.line(th, &p) {
            Line::Text(l) => l,
            Line::Interrupt => {
                eprintln!("KeyboardInterrupt");
                text.clear();
                continue;
            }
            Line::End if text.is_empty() => return Ok(None),
            Line::End => String::new(),
        };
        let ended = line.is_empty();
        if ended && text.is_empty() {
            continue;
        }
        text.push_str(&line);
        text.push('\n');
        match attempt(th, &text, name, ended) {
            Ok(Attempt::More) => {}
            Ok(Attempt::Code(code)) => {
                input.remember(&text);
                return Ok(Some((code, text)));
            }
            Err(raised) => {
                input.remember(&text);
                return Err(raised);
            }
        }
    }
}

/// Compiles what there is. A block goes on until an empty line.
fn attempt(th: &mut Thread, text: &str, name: &str, ended: bool) -> PyResult<Attempt> {
    if text.trim().is_empty() {
        return Ok(Attempt::More);
    }
    let mut options = CompileOptions::new(Mode::Single, th.rt.config.optimize);
    options.allow_incomplete_input = true;
    options.dont_imply_dedent = !ended;
    match typhon_core::compile::compile_text(th, text, name, &options) {
        Ok(code) => Ok(Attempt::Code(code)),
        Err(raised) if th.exc_is(&ex::INCOMPLETE_INPUT_ERROR) => {
            drop(th.catch(raised));
            Ok(Attempt::More)
        }
        Err(raised) => Err(raised),
    }
}

fn execute(th: &mut Thread, main: Borrowed<'_>, code: Owned, text: &str, name: &str) -> Option<End> {
    let result = match register_source(th, code.borrow(), text, name) {
        Ok(()) => imp::run_in(th, code.borrow(), main),
        Err(raised) => Err(raised),
    };
    drop(code);
    let end = match result {
        Ok(()) => None,
        Err(raised) => {
            let exc = th.catch(raised);
            report_in_loop(th, exc)
        }
    };
    typhon_modules::io::stdio::flush(th);
    th.drain_drops();
    end
}

/// Shows an exception; only SystemExit ends the loop.
fn report_in_loop(th: &mut Thread, exc: Owned) -> Option<End> {
    let exits = exc.borrow().ty().is_subtype_of(ex::SYSTEM_EXIT.ty());
    if exits && !th.rt.config.inspect || exits && th.rt.config.interactive {
        return Some(report::uncaught(th, exc));
    }
    if exits {
        return Some(End::Exit(report::exit_status(th, exc.borrow())));
    }
    let _ = report::uncaught(th, exc);
    None
}
