//! Units of code that somebody watches ([`crate::monitoring`]).

use super::cold;
use crate::handlers;
use crate::interp::machine::{fetch, save};
use crate::interp::unwind::raised;
use crate::monitoring::{calls, fire, variants};
use crate::{next, tail};

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
        tail!(event_line_done, pc, sp, fp, th, tos, arg)
    }

    /// The callback may have moved the frame to another line.
    fn event_line_done(pc, sp, fp, th, tos, arg) {
        crate::after_native!(pc, sp, fp, th, tos)
    }

    fn call_monitored(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        save(th, pc.add(1), sp);
        let base = sp.sub(arg as usize + 2);
        match calls::start(&mut *th, base, sp, calls::POSITIONAL, fetch(pc.add(1))) {
            calls::PYTHON => tail!(cold::call, pc, sp, fp, th, tos, arg),
            calls::DONE => tail!(finish_call, pc.add(1), base, fp, th, (*th).victim, arg),
            _ => tail!(raised, pc.add(1), sp, fp, th, tos, 0),
        }
    }

    fn call_kw_monitored(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        save(th, pc.add(1), sp);
        let base = sp.sub(arg as usize + 3);
        match calls::start(&mut *th, base, sp, calls::KEYWORDS, fetch(pc.add(1))) {
            calls::PYTHON => tail!(cold::call_kw, pc, sp, fp, th, tos, arg),
            calls::DONE => tail!(finish_call, pc.add(1), base, fp, th, (*th).victim, arg),
            _ => tail!(raised, pc.add(1), sp, fp, th, tos, 0),
        }
    }

    fn call_function_ex_monitored(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        save(th, pc.add(1), sp);
        let base = sp.sub(4);
        match calls::start(&mut *th, base, sp, calls::STARRED, fetch(pc.add(1))) {
            calls::PYTHON => tail!(cold::call_ex, pc, sp, fp, th, tos, arg),
            calls::DONE => tail!(finish_call, pc.add(1), base, fp, th, (*th).victim, arg),
            _ => tail!(raised, pc.add(1), sp, fp, th, tos, 0),
        }
    }

    /// Goes on with the result in `tos`.
    fn finish_call(pc, sp, fp, th, tos, arg) {
        crate::after_native!(pc, sp, fp, th, tos)
    }
}
