//! Units of code that somebody watches ([`crate::monitoring`]).

use super::cold;
use crate::handlers;
use crate::interp::machine::{fetch, save};
use crate::interp::unwind::raised;
use crate::monitoring::{calls, fire, variants};
use crate::{next, tail};

/// A call of so many words, reported; `$python` does it if it needs a frame.
macro_rules! call_reported {
    ($pc:ident, $sp:ident, $fp:ident, $th:ident, $tos:ident, $arg:ident; $words:expr, $kind:expr, $python:path) => {{
        *$sp = $tos;
        $sp = $sp.add(1);
        save($th, $pc.add(1), $sp);
        let base = $sp.sub($words);
        match calls::start(&mut *$th, base, $sp, $kind, fetch($pc.add(1))) {
            calls::PYTHON => tail!($python, $pc, $sp, $fp, $th, $tos, $arg),
            calls::DONE => tail!(go_on, $pc.add(1), base, $fp, $th, (*$th).victim, $arg),
            _ => tail!(raised, $pc.add(1), $sp, $fp, $th, $tos, 0),
        }
    }};
}

handlers! {
    /// The frame goes on in another form of its code.
    #[cold]
    fn moved(pc, sp, fp, th, tos, arg) {
        let pc = variants::place_now(&mut *th, pc.sub(1));
        next!(pc, sp, fp, th, tos)
    }

    /// `arg`: event and tools.
    fn event(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        save(th, pc, sp.add(1));
        if !fire::at_unit(&mut *th, arg) {
            tail!(raised, pc, sp.add(1), fp, th, tos, 0)
        }
        crate::after_native!(pc, sp, fp, th, tos)
    }

    /// As [`event`]; the line follows. Nothing is reported if the frame was in it.
    fn event_line(pc, sp, fp, th, tos, arg) {
        let line = fetch(pc) as u32;
        pc = pc.add(1);
        let before = (*(*th).ci).line;
        (*(*th).ci).line = line;
        if before == line || fire::is_silent(arg) || (*th).tracing != 0 {
            next!(pc, sp, fp, th, tos)
        }
        *sp = tos;
        save(th, pc, sp.add(1));
        if !fire::at_line(&mut *th, arg, line) {
            tail!(raised, pc, sp.add(1), fp, th, tos, 0)
        }
        tail!(go_on, pc, sp, fp, th, tos, arg)
    }

    fn call_monitored(pc, sp, fp, th, tos, arg) {
        call_reported!(pc, sp, fp, th, tos, arg; arg as usize + 2, calls::POSITIONAL, cold::call)
    }

    fn call_kw_monitored(pc, sp, fp, th, tos, arg) {
        call_reported!(pc, sp, fp, th, tos, arg; arg as usize + 3, calls::KEYWORDS, cold::call_kw)
    }

    fn call_function_ex_monitored(pc, sp, fp, th, tos, arg) {
        call_reported!(pc, sp, fp, th, tos, arg; 4, calls::STARRED, cold::call_ex)
    }

    /// Goes on with `tos`, perhaps at another place: a callback may have moved the frame.
    fn go_on(pc, sp, fp, th, tos, arg) {
        crate::after_native!(pc, sp, fp, th, tos)
    }
}
