//! `_uuid`: universally unique identifiers of version 1, made of time and place (RFC 9562, 5.1).

use std::time::{SystemTime, UNIX_EPOCH};
use std::{fs, process};

use parking_lot::Mutex;
use typhon_core::{Borrowed, ModuleDef, NativeDef, PyResult, Thread};

use crate::support::ModuleExt;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_uuid",
    doc: "",
    functions: &[NativeDef::new(
        "generate_time_safe",
        "($module, /)",
        generate_time_safe,
        "A UUID of version 1 as 16 bytes, and -1: other processes are not asked, so only their clocks and nodes keep \
         theirs apart.",
    )],
    types: &[],
    setup: Some(|th, m| {
        m.add_int(th, "has_uuid_generate_time_safe", 1)?;
        m.add_int(th, "has_stable_extractable_node", 0)
    }),
};

/// What makes the identifiers of one process.
struct Generator {
    /// The child of a fork begins anew.
    process: u32,
    node: [u8; 6],
    /// Random, so that a clock that was set back gives no identifier twice: RFC 9562, 6.1.
    clock_seq: u16,
    /// The last one given, in units of 100 ns since 15 October 1582.
    time: u64,
}

static GENERATOR: Mutex<Option<Generator>> = Mutex::new(None);

/// From the beginning of the Gregorian calendar to that of Unix time, in units of 100 ns.
const GREGORIAN_TO_UNIX: u64 = 0x01B2_1DD2_1381_4000;

fn random() -> [u8; 8] {
    let mut bytes = [0; 8];
    // SAFETY: room for eight bytes. So few come at once, or not at all.
    let n = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    if n == bytes.len() as isize {
        return bytes;
    }
    // A kernel without the call: another source that differs between processes.
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(process::id()).to_ne_bytes()
}

/// The address of the first network interface that has one; else a random one, marked as such by the multicast bit.
fn node(random: [u8; 8]) -> [u8; 6] {
    let mut names: Vec<_> =
        fs::read_dir("/sys/class/net").into_iter().flatten().flatten().map(|e| e.path()).collect();
    names.sort();
    for name in names {
        let text = fs::read_to_string(name.join("address")).unwrap_or_default();
        let bytes: Option<Vec<u8>> =
            text.trim().split(':').map(|pair| u8::from_str_radix(pair, 16).ok()).collect();
        if let Some(Ok(node)) = bytes.map(<[u8; 6]>::try_from)
            && node != [0; 6]
        {
            return node;
        }
    }
    let [a, b, c, d, e, f, ..] = random;
    [a | 1, b, c, d, e, f]
}

impl Generator {
    fn new() -> Generator {
        let random = random();
        let clock_seq = u16::from_ne_bytes([random[6], random[7]]) & 0x3FFF;
        Generator { process: process::id(), node: node(random), clock_seq, time: 0 }
    }

    fn next(&mut self) -> [u8; 16] {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| (d.as_nanos() / 100) as u64);
        // Each time is given once: faster than the clock, or when it was set back, we run ahead of it.
        self.time = (now + GREGORIAN_TO_UNIX).max(self.time + 1);
        let time = self.time;
        let mut out = [0; 16];
        out[..4].copy_from_slice(&(time as u32).to_be_bytes());
        out[4..6].copy_from_slice(&((time >> 32) as u16).to_be_bytes());
        out[6..8].copy_from_slice(&((time >> 48) as u16 & 0x0FFF | 0x1000).to_be_bytes());
        out[8..10].copy_from_slice(&(self.clock_seq | 0x8000).to_be_bytes());
        out[10..].copy_from_slice(&self.node);
        out
    }
}

fn generate_time_safe(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    let id = {
        // Held without leaving the VM, which a fork waits for: the child never finds the lock taken.
        let mut generator = GENERATOR.lock();
        if generator.as_ref().is_some_and(|g| g.process != process::id()) {
            *generator = None;
        }
        generator.get_or_insert_with(Generator::new).next()
    };
    let (id, safety) = (th.new_bytes(&id), th.new_int(-1));
    Ok(th.new_pair(id, safety))
}
