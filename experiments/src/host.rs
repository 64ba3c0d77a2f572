//! Which machine, which software: recorded with every run, so that numbers can be judged later.

use crate::process::{self, Launch};
use serde::Serialize;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The machine and the software that measured.
#[derive(Clone, Debug, Serialize)]
pub struct Host {
    /// Hash of the hardware and kernel fields; equal fingerprints may be compared.
    pub fingerprint: String,
    /// As the processor names itself.
    pub cpu: String,
    /// Processors that the operating system offers to this process.
    pub n_logical: usize,
    /// Cores of their own; equal to `n_logical` where it cannot be told.
    pub n_physical: usize,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Operating system and its version.
    pub kernel: String,
    /// How the processor chooses its frequency, where the system says so.
    pub governor: Option<String>,
    /// Whether this is a virtual machine, as far as it shows.
    pub virtualised: bool,
    /// Runnable processes per processor over the last minute, when the run began.
    pub load_before: Option<f64>,
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn cpuinfo_field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find(|line| line.starts_with(name))?.split_once(':').map(|(_, value)| value.trim())
}

/// Pairs of (package, core) in `/proc/cpuinfo` text, each counted once.
fn physical_cores(cpuinfo: &str) -> usize {
    let mut seen = std::collections::BTreeSet::new();
    for processor in cpuinfo.split("\n\n") {
        if let (Some(package), Some(core)) =
            (cpuinfo_field(processor, "physical id"), cpuinfo_field(processor, "core id"))
        {
            seen.insert((package.to_string(), core.to_string()));
        }
    }
    seen.len()
}

fn first_line(program: &str, arguments: &[&str], folder: Option<&Path>) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null());
    if let Some(folder) = folder {
        command.current_dir(folder);
    }
    let output = command.output().ok().filter(|output| output.status.success())?;
    String::from_utf8_lossy(&output.stdout).lines().next().map(str::to_string)
}

/// FNV-1a, enough to tell machines apart.
pub fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

impl Host {
    /// Looks at this machine.
    pub fn here() -> Host {
        let cpuinfo = read("/proc/cpuinfo");
        let n_logical = std::thread::available_parallelism().map_or(1, usize::from);
        let cpu = cpuinfo_field(&cpuinfo, "model name")
            .map(str::to_string)
            .or_else(|| first_line("sysctl", &["-n", "machdep.cpu.brand_string"], None))
            .unwrap_or_else(|| std::env::consts::ARCH.to_string());
        let n_physical = match physical_cores(&cpuinfo) {
            0 => n_logical,
            n => n.min(n_logical),
        };
        let memory_mib = cpuinfo_field(&read("/proc/meminfo"), "MemTotal")
            .and_then(|text| text.trim_end_matches("kB").trim().parse::<u64>().ok())
            .unwrap_or(0)
            / 1024;
        let kernel = first_line("uname", &["-srm"], None).unwrap_or_else(|| std::env::consts::OS.to_string());
        let governor = read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").trim().to_string();
        let virtualised = cpuinfo_field(&cpuinfo, "flags")
            .is_some_and(|flags| flags.split_whitespace().any(|flag| flag == "hypervisor"));
        let load_before = read("/proc/loadavg")
            .split_whitespace()
            .next()
            .and_then(|text| text.parse::<f64>().ok())
            .map(|load| load / n_logical as f64);
        let fingerprint = format!(
            "{:016x}",
            hash(&format!("{cpu}|{n_logical}|{n_physical}|{memory_mib}|{kernel}|{governor}"))
        );
        Host {
            fingerprint,
            cpu,
            n_logical,
            n_physical,
            memory_mib,
            kernel,
            governor: Some(governor).filter(|text| !text.is_empty()),
            virtualised,
            load_before,
        }
    }
}

/// The commit of the repository, with `+` when files differ from it.
pub fn commit(root: &Path) -> Option<String> {
    let commit = first_line("git", &["rev-parse", "HEAD"], Some(root))?;
    let changed = first_line("git", &["status", "--porcelain", "--untracked-files=no"], Some(root)).is_some();
    Some(format!("{commit}{}", if changed { "+" } else { "" }))
}

/// What `COMMAND -V` says of an interpreter, or of `rustc`. `None` if it does not within ten seconds.
pub fn version(command: &[String]) -> Option<String> {
    let mut command = command.to_vec();
    command.push("-V".to_string());
    let launch = Launch { command, env: Vec::new(), folder: std::env::temp_dir() };
    let finished = process::run(&launch, Duration::from_secs(10)).ok()?;
    let said = if finished.stdout.is_empty() { &finished.stderr } else { &finished.stdout };
    said.lines().next().filter(|_| finished.succeeded()).map(str::to_string)
}

/// Processor time used by everybody since the start, in nanoseconds; idle and waiting do not count.
/// Zero where the system does not say.
pub fn busy_ns() -> u64 {
    busy_of(&read("/proc/stat"))
}

fn busy_of(stat: &str) -> u64 {
    let Some(line) = stat.lines().next().filter(|line| line.starts_with("cpu ")) else { return 0 };
    let ticks: Vec<u64> = line.split_whitespace().skip(1).filter_map(|word| word.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal; a tick is 1/100 s on every Linux.
    let busy: u64 = [0, 1, 2, 5, 6, 7].iter().filter_map(|at| ticks.get(*at)).sum();
    busy * 10_000_000
}

/// Seconds since 1970 as `2026-11-20T23:50:00Z`.
pub fn utc(seconds: u64) -> String {
    let (days, rest) = (seconds / 86400, seconds % 86400);
    // Civil date from days, era by era (Hinnant, "chrono-compatible low-level date algorithms").
    let z = days + 719_468;
    let era = z / 146_097;
    let doe = z % 146_097;
    let yoe = (doe - doe / 1460 + doe / 36524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Now, in seconds since 1970.
pub fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(utc(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(utc(1_795_218_600), "2026-11-20T23:50:00Z");
    }

    #[test]
    fn siblings_are_one_core() {
        let processor = |id: u32, core: u32| format!("processor: {id}\nphysical id : 0\ncore id : {core}\n");
        let text = [processor(0, 0), processor(1, 0), processor(2, 1)].join("\n");
        assert_eq!(physical_cores(&text), 2);
        assert_eq!(physical_cores("no such fields"), 0);
    }

    #[test]
    fn busy_time_leaves_idle_out() {
        assert_eq!(busy_of("cpu  1 2 3 400 500 6 7 8 9 10\ncpu0 1\n"), 27 * 10_000_000);
        assert_eq!(busy_of("intr 1"), 0);
    }

    #[test]
    fn this_machine_can_be_described() {
        let host = Host::here();
        assert!(host.n_physical >= 1 && host.n_physical <= host.n_logical);
        assert_eq!(host.fingerprint.len(), 16);
    }
}
