//! `parking`, on one loom mutex and condition variable: the same promises as the shipped file.

use super::rules;
use loom::sync::{Condvar, Mutex};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code)]
pub enum Woken {
    Handed,
    Unparked,
    Invalid,
    TimedOut,
}

pub struct Sleepers {
    pub found: bool,
    pub more: bool,
    pub overdue: bool,
}

#[derive(Default)]
struct Table {
    last_ticket: u32,
    asleep: Vec<(usize, u32)>,
    woken: Vec<(u32, bool)>,
}

loom::lazy_static! {
    static ref TABLE: Mutex<Table> = Mutex::new(Table::default());
    static ref CHANGED: Condvar = Condvar::new();
}

pub fn now_us() -> usize {
    0
}

pub fn park(
    address: usize,
    _since: usize,
    limit: Option<Duration>,
    validate: impl FnOnce() -> bool,
    before_sleep: impl FnOnce(),
) -> Woken {
    assert!(limit.is_none(), "in a model nobody relies on time");
    let mut table = TABLE.lock().unwrap();
    if !validate() {
        return Woken::Invalid;
    }
    table.last_ticket += 1;
    let ticket = table.last_ticket;
    table.asleep.push((address, ticket));
    drop(table);
    before_sleep();
    let mut table = TABLE.lock().unwrap();
    loop {
        if let Some(place) = table.woken.iter().position(|(woken, _)| *woken == ticket) {
            let (_, handed) = table.woken.swap_remove(place);
            return if handed { Woken::Handed } else { Woken::Unparked };
        }
        table = CHANGED.wait(table).unwrap();
    }
}

pub fn unpark_one(address: usize, decide: impl FnOnce(Sleepers) -> bool) {
    let mut table = TABLE.lock().unwrap();
    let first = table.asleep.iter().position(|(at, _)| *at == address);
    let ticket = first.map(|place| table.asleep.remove(place).1);
    let more = table.asleep.iter().any(|(at, _)| *at == address);
    let handed = decide(Sleepers { found: ticket.is_some(), more, overdue: rules::OVERDUE });
    if let Some(ticket) = ticket {
        table.woken.push((ticket, handed));
        CHANGED.notify_all();
    }
}
