//! Fresh processes: started, timed, limited, and never left behind.
//!
//! Every process leads a process group of its own, which is killed when the leader ends, when time
//! is up and when the user stops the lab; so a workload's children cannot outlive it.

use crate::failure::{Failure, Result};
use crate::interrupt;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What to start.
#[derive(Clone, Debug)]
pub struct Launch {
    /// Program and arguments.
    pub command: Vec<String>,
    /// Variables beside the lab's own.
    pub env: Vec<(String, String)>,
    /// Where it runs.
    pub folder: PathBuf,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It exited with this code.
    Code(i32),
    /// A signal killed it.
    Signal(i32),
    /// It took longer than allowed and was killed.
    Timeout,
}

/// What a process left.
#[derive(Clone, Debug)]
pub struct Finished {
    /// How it ended.
    pub ending: Ending,
    /// All it wrote to standard output.
    pub stdout: String,
    /// All it wrote to standard error.
    pub stderr: String,
    /// From before the start to the end, in nanoseconds.
    pub wall_ns: u64,
    /// User and system time of it and of its children that it waited for, in nanoseconds.
    pub cpu_ns: u64,
    /// Largest resident set of it or of one of its children, in KiB.
    pub max_rss_kib: u64,
}

impl Finished {
    /// A process that took no time.
    #[cfg(test)]
    pub(crate) fn at_once(stdout: String, ending: Ending) -> Finished {
        Finished { ending, stdout, stderr: String::new(), wall_ns: 1, cpu_ns: 1, max_rss_kib: 1 }
    }

    /// Whether it exited with code 0.
    pub fn succeeded(&self) -> bool {
        self.ending == Ending::Code(0)
    }
}

enum Event {
    Ready,
    Ended(usize, i32, libc::rusage, Instant),
}

struct Running {
    group: libc::pid_t,
    /// Set under the lock when the leader is reaped: from then on `group` may be another's.
    reaped: Arc<Mutex<bool>>,
    started: Instant,
    stdin: Option<ChildStdin>,
    stdout: Option<thread::JoinHandle<String>>,
    stderr: Option<thread::JoinHandle<String>>,
    ended: Option<(i32, libc::rusage, Instant)>,
}

impl Running {
    fn kill(&self) {
        let reaped = self.reaped.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if !*reaped {
            // SAFETY: no memory is involved; the leader is not reaped, and cannot be while the lock
            // is held, so the group is ours.
            unsafe { libc::killpg(self.group, libc::SIGKILL) };
        }
    }
}

/// Starts all of `launches` together and waits for all of them. With `hold`, each prints `lab ready`
/// when it is set up, and all are let go at once.
///
/// Errors: a program that cannot be started, or the user's wish to stop; nothing is left running.
pub fn run_together(launches: &[Launch], hold: bool, limit: Duration) -> Result<Vec<Finished>> {
    let (events, reports) = channel();
    let mut all: Vec<Running> = Vec::new();
    for launch in launches {
        match start(launch, hold, all.len(), &events) {
            Ok(running) => all.push(running),
            Err(failure) => {
                all.iter().for_each(Running::kill);
                return Err(failure);
            }
        }
    }
    drop(events);
    let timed_out = wait(&mut all, &reports, hold, limit)?;
    Ok(all.into_iter().map(|running| finish(running, timed_out)).collect())
}

/// Starts one process and waits for it.
///
/// Errors: as `run_together`.
pub fn run(launch: &Launch, limit: Duration) -> Result<Finished> {
    let mut all = run_together(std::slice::from_ref(launch), false, limit)?;
    all.pop().ok_or_else(|| Failure::Broken("a process vanished".into()))
}

fn start(launch: &Launch, hold: bool, index: usize, events: &Sender<Event>) -> Result<Running> {
    let mut command = Command::new(&launch.command[0]);
    command
        .args(&launch.command[1..])
        .envs(launch.env.iter().map(|(key, value)| (key, value)))
        .current_dir(&launch.folder)
        .process_group(0)
        .stdin(if hold { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let started = Instant::now();
    let mut child = command
        .spawn()
        .map_err(|error| Failure::Usage(format!("cannot start {}: {error}", launch.command[0])))?;
    let stdout = child.stdout.take().map(|pipe| {
        let events = events.clone();
        thread::spawn(move || read_output(BufReader::new(pipe), &events))
    });
    let stderr = child.stderr.take().map(|pipe| thread::spawn(move || read_all(pipe)));
    let stdin = child.stdin.take();
    let group = child.id() as libc::pid_t;
    let events = events.clone();
    let reaped = Arc::new(Mutex::new(false));
    let shared = reaped.clone();
    thread::spawn(move || reap(child, index, &shared, &events));
    Ok(Running { group, reaped, started, stdin, stdout, stderr, ended: None })
}

fn read_output(mut pipe: impl BufRead, events: &Sender<Event>) -> String {
    let mut all = Vec::new();
    loop {
        let from = all.len();
        match pipe.read_until(b'\n', &mut all) {
            Ok(0) | Err(_) => return String::from_utf8_lossy(&all).into_owned(),
            Ok(_) if all[from..].trim_ascii_end() == b"lab ready" => {
                let _ = events.send(Event::Ready);
            }
            Ok(_) => {}
        }
    }
}

fn read_all(mut pipe: impl Read) -> String {
    let mut all = Vec::new();
    let _ = pipe.read_to_end(&mut all);
    String::from_utf8_lossy(&all).into_owned()
}

/// Waits for the end of a child, ends what it left in its group, then reaps it, in this order: until
/// it is reaped the kernel gives its id to nobody else.
fn reap(child: Child, index: usize, reaped: &Mutex<bool>, events: &Sender<Event>) {
    let pid = child.id() as libc::pid_t;
    // SAFETY: `siginfo_t` is plain data, for which all zeroes is a value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: `info` outlives the call; WNOWAIT leaves the child to be reaped below.
    while unsafe { libc::waitid(libc::P_PID, pid as libc::id_t, &mut info, libc::WEXITED | libc::WNOWAIT) }
        != 0
        && std::io::Error::last_os_error().kind() == std::io::ErrorKind::Interrupted
    {}
    let ended = Instant::now();
    // SAFETY: no memory is involved; the leader is a zombie, so the group id is still its own.
    unsafe { libc::killpg(pid, libc::SIGKILL) };
    let mut reaped = reaped.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut status = 0;
    // SAFETY: `rusage` is plain data, for which all zeroes is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both out-pointers are to locals; nobody else waits for this child.
    while unsafe { libc::wait4(pid, &mut status, 0, &mut usage) } < 0
        && std::io::Error::last_os_error().kind() == std::io::ErrorKind::Interrupted
    {}
    *reaped = true;
    drop(reaped);
    let _ = events.send(Event::Ended(index, status, usage, ended));
}

/// Returns whether time was up. On the user's wish to stop everything is killed first.
fn wait(all: &mut [Running], reports: &Receiver<Event>, hold: bool, limit: Duration) -> Result<bool> {
    let begun = Instant::now();
    let mut n_ready = 0;
    let (mut timed_out, mut stopping) = (false, false);
    while all.iter().any(|running| running.ended.is_none()) {
        match reports.recv_timeout(Duration::from_millis(50)) {
            Ok(Event::Ready) => {
                n_ready += 1;
                if hold && n_ready == all.len() {
                    for running in all.iter_mut() {
                        if let Some(mut pipe) = running.stdin.take() {
                            let _ = pipe.write_all(b"go\n");
                        }
                    }
                }
            }
            Ok(Event::Ended(index, status, usage, when)) => {
                all[index].ended = Some((status, usage, when));
                // One that ends before it was let go would leave the others waiting for ever.
                if hold && n_ready < all.len() {
                    all.iter().for_each(Running::kill);
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                if interrupt::requested() && !stopping {
                    stopping = true;
                    all.iter().for_each(Running::kill);
                }
                if !timed_out && begun.elapsed() > limit {
                    timed_out = true;
                    all.iter().for_each(Running::kill);
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    if interrupt::requested() { Err(Failure::Interrupted) } else { Ok(timed_out) }
}

fn finish(running: Running, timed_out: bool) -> Finished {
    let text = |handle: Option<thread::JoinHandle<String>>| {
        handle.and_then(|handle| handle.join().ok()).unwrap_or_default()
    };
    let (stdout, stderr) = (text(running.stdout), text(running.stderr));
    let Some((status, usage, ended)) = running.ended else {
        return Finished { ending: Ending::Timeout, stdout, stderr, wall_ns: 0, cpu_ns: 0, max_rss_kib: 0 };
    };
    let ending = if libc::WIFEXITED(status) {
        Ending::Code(libc::WEXITSTATUS(status))
    } else if timed_out && libc::WTERMSIG(status) == libc::SIGKILL {
        Ending::Timeout
    } else {
        Ending::Signal(libc::WTERMSIG(status))
    };
    let ns = |time: libc::timeval| time.tv_sec as u64 * 1_000_000_000 + time.tv_usec as u64 * 1000;
    // Linux counts in KiB, macOS in bytes.
    let max_rss_kib = usage.ru_maxrss as u64 / if cfg!(target_os = "macos") { 1024 } else { 1 };
    Finished {
        ending,
        stdout,
        stderr,
        wall_ns: ended.duration_since(running.started).as_nanos() as u64,
        cpu_ns: ns(usage.ru_utime) + ns(usage.ru_stime),
        max_rss_kib,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Launch {
        Launch {
            command: vec!["sh".into(), "-c".into(), script.into()],
            env: vec![("LAB_TEST".into(), "here".into())],
            folder: std::env::temp_dir(),
        }
    }

    #[test]
    fn output_code_and_variables() {
        let done =
            run(&shell("echo $LAB_TEST; echo bad >&2; exit 7"), Duration::from_secs(20)).expect("runs");
        assert_eq!(done.ending, Ending::Code(7));
        assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("here\n", "bad\n"));
        assert!(done.wall_ns > 0 && done.max_rss_kib > 0);
    }

    #[test]
    fn a_signal_is_told_apart_from_a_code() {
        let done = run(&shell("kill -SEGV $$"), Duration::from_secs(20)).expect("runs");
        assert_eq!(done.ending, Ending::Signal(libc::SIGSEGV));
    }

    #[test]
    fn too_long_is_a_timeout_and_leaves_no_child() {
        // The grandchild holds the pipe: without the group kill this would last a minute.
        let begun = Instant::now();
        let done = run(&shell("sleep 60 & echo started; wait"), Duration::from_millis(200)).expect("runs");
        assert_eq!(done.ending, Ending::Timeout);
        assert_eq!(done.stdout, "started\n");
        assert!(begun.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn held_processes_start_together() {
        let script = "echo lab ready; read line; echo $line";
        let done = run_together(&[shell(script), shell(script)], true, Duration::from_secs(20)).expect("run");
        assert!(done.iter().all(|one| one.stdout == "lab ready\ngo\n"), "{done:?}");
    }

    #[test]
    fn one_that_dies_before_the_start_does_not_block_the_others() {
        let others = [shell("exit 3"), shell("echo lab ready; read line")];
        let done = run_together(&others, true, Duration::from_secs(20)).expect("run");
        assert_eq!(done[0].ending, Ending::Code(3));
        assert!(matches!(done[1].ending, Ending::Signal(_)));
    }

    #[test]
    fn a_missing_program_is_wrong_usage() {
        let launch = Launch { command: vec!["/no/such/program".into()], ..shell("") };
        assert_eq!(run(&launch, Duration::from_secs(1)).expect_err("missing").exit_code(), 2);
    }
}
