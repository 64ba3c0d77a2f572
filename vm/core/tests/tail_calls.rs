//! The disassembly guard: every handler hands over by a jump.
//!
//! A handler that keeps a value with Drop or an out-pointer alive at its end loses its tail call without
//! a word from the compiler: it calls the next handler, comes back and returns, and the machine stack
//! grows with every instruction that runs. So no code that is reached from the handlers by jumps may
//! contain a `ret`, but that of `exit`, which ends the machine, that of `raised`, which ends it when an exception
//! leaves, and that of `perf::cross`, which leaves a nested one.
#![cfg(tail_calls)]

use std::collections::{BTreeMap, BTreeSet};

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, OpKind};
use object::{Object, ObjectSymbol, SymbolKind};
use typhon_core::interp::opcodes::Op;
use typhon_core::interp::unwind::raised;
use typhon_core::perf::cross;

/// Start and size of every function of this program, where it is loaded.
fn functions() -> BTreeMap<u64, u64> {
    let path = std::env::current_exe().expect("this program");
    let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux");
    let first = maps.lines().find(|l| l.ends_with(&*path.to_string_lossy())).expect("this program is mapped");
    let base = first.split('-').next().and_then(|n| u64::from_str_radix(n, 16).ok()).expect("an address");
    let data = std::fs::read(path).expect("this program");
    let file = object::File::parse(&*data).expect("an object file");
    file.symbols()
        .filter(|s| s.kind() == SymbolKind::Text && s.size() > 0)
        .map(|s| (base + s.address(), s.size()))
        .collect()
}

/// What one function does.
#[derive(Default)]
struct Found {
    returns: bool,
    /// Functions it jumps to.
    jumps: Vec<u64>,
}

/// Reads the function of `size` bytes at `start`.
fn read(start: u64, size: u64) -> Found {
    // SAFETY: a function of this very program.
    let code = unsafe { std::slice::from_raw_parts(start as *const u8, size as usize) };
    let mut found = Found::default();
    for i in &mut Decoder::with_ip(64, code, start, DecoderOptions::NONE) {
        match i.flow_control() {
            FlowControl::Return => found.returns = true,
            FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch if is_near(&i) => {
                let target = i.near_branch_target();
                if !(start..start + size).contains(&target) {
                    found.jumps.push(target);
                }
            }
            FlowControl::IndirectBranch if i.is_ip_rel_memory_operand() => {
                // Through a table that the loader filled: another function of the program.
                // SAFETY: a word of the program's own data.
                found.jumps.push(unsafe { *(i.ip_rel_memory_address() as *const u64) });
            }
            _ => {}
        }
    }
    found
}

fn is_near(i: &Instruction) -> bool {
    matches!(i.op0_kind(), OpKind::NearBranch16 | OpKind::NearBranch32 | OpKind::NearBranch64)
}

#[test]
fn handlers_end_in_jumps() {
    let functions = functions();
    let ends = [
        Op::Exit.handler() as usize as u64,
        raised as *const () as usize as u64,
        cross as *const () as usize as u64,
    ];
    let mut from: BTreeMap<u64, &str> = Op::ALL
        .iter()
        .flat_map(|op| [op.handler(), op.noting_handler()].map(|f| (f as usize as u64, op.name())))
        .collect();
    let mut todo: Vec<u64> = from.keys().copied().collect();
    let mut seen = BTreeSet::new();
    let mut returning = Vec::new();
    while let Some(start) = todo.pop() {
        if ends.contains(&start) || !seen.insert(start) {
            continue;
        }
        let name = from[&start];
        let size =
            *functions.get(&start).unwrap_or_else(|| panic!("{name} jumps to {start:#x}, no function"));
        let found = read(start, size);
        if found.returns {
            returning.push(format!("{name}: {size} bytes at {start:#x}"));
        }
        for target in found.jumps {
            from.entry(target).or_insert(name);
            todo.push(target);
        }
    }
    assert!(seen.len() > Op::ALL.len() / 2, "only {} functions were read", seen.len());
    assert!(
        returning.is_empty(),
        "handlers (or what they jump to) that return instead of going on: {returning:#?}"
    );
}

/// The guard sees a return where there is one.
#[test]
fn a_function_that_returns_is_seen() {
    let exit = Op::Exit.handler() as usize as u64;
    assert!(read(exit, functions()[&exit]).returns);
}
