//! Prints the code of a Python file: `cargo run -p typhon-compile --example dis -- FILE [exec|eval|single]`.

use typhon_compile::{Mode, Options, compile_bytes, dis};

fn main() {
    let mut args = std::env::args().skip(1);
    let Some(path) = args.next() else {
        eprintln!("usage: dis FILE [exec|eval|single]");
        std::process::exit(2);
    };
    let mode = match args.next().as_deref() {
        Some("eval") => Mode::Eval,
        Some("single") => Mode::Single,
        _ => Mode::Exec,
    };
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) => {
            eprintln!("{path}: {error}");
            std::process::exit(1);
        }
    };
    match compile_bytes(&bytes, &path, mode, Options::default(), &|_, _| None) {
        Ok((code, warnings)) => {
            for warning in warnings {
                println!("{path}:{}: SyntaxWarning: {}", warning.lineno, warning.msg);
            }
            print!("{}", dis(&code));
        }
        Err(error) => {
            println!("{path}:{}:{}: {:?}: {}", error.lineno, error.offset, error.kind, error.msg);
            std::process::exit(1);
        }
    }
}
