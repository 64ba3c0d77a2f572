//! Results on disk: JSON lines, one per iteration, append-only, each line whole.
//!
//! The first line describes the host and the run, the last one how it ended; a file without a last
//! line of kind `end` was cut off. Tables are always rebuilt from iterations, never stored.

use crate::failure::{Result, while_doing};
use crate::host::{self, Host};
use serde::Serialize;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Version of the form of the lines. It changes when a field changes its meaning.
pub const SCHEMA: u32 = 1;

/// What became of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It ended well and its result is right.
    Ok,
    /// A signal, a code other than 0, or no results.
    Crash,
    /// Too slow; killed.
    Timeout,
    /// It ended well with a wrong result.
    Badsum,
}

/// One iteration, or one process that has none because it failed.
#[derive(Clone, Debug, Serialize)]
pub struct Line<'a> {
    /// `iteration`, `warmup` or `failure`.
    pub kind: &'a str,
    /// [`SCHEMA`].
    pub schema: u32,
    /// Unique per process in a run: block, place in its order, copy.
    pub job_id: String,
    /// Round and workload: what ran together in random order.
    pub block_id: String,
    /// The program.
    pub workload: &'a str,
    /// `quick`, `full`, or empty where it does not apply.
    pub size: &'a str,
    /// The name of the arm.
    pub arm: &'a str,
    /// Number of workers.
    pub workers: usize,
    /// `measure`, `again` (the A/A twin) or `ceiling` (independent processes at once).
    pub role: &'a str,
    /// The round; each has one fresh process per arm.
    pub invocation: usize,
    /// Counted from 0, warm-ups included.
    pub iteration: usize,
    /// Seed of the whole run: order of blocks, order inside blocks, layout seeds.
    pub seed: u64,
    /// What the environment's size and the hash seed were derived from in this block.
    pub layout_seed: u64,
    /// Wall time, in nanoseconds.
    pub t_wall_ns: Option<f64>,
    /// Processor time, in nanoseconds; of the process's own threads only.
    pub t_cpu_ns: Option<u64>,
    /// Largest resident set of the whole process, in KiB.
    pub max_rss_kib: u64,
    /// The result.
    pub checksum: Option<&'a str>,
    /// What became of the process.
    pub status: Status,
    /// Why the numbers may be worth less: `other_load`, `gil_on`.
    pub taint: &'a [&'static str],
    /// The end of standard error, for failures.
    pub detail: &'a str,
    /// [`Host::fingerprint`].
    pub host_fp: &'a str,
    /// Commit of the repository.
    pub vm_commit: &'a str,
    /// Hash of the settings line.
    pub config_hash: &'a str,
    /// When the process was started.
    pub started_utc: String,
}

#[derive(Serialize)]
struct Opening<'a> {
    kind: &'a str,
    schema: u32,
    started_utc: String,
    host: &'a Host,
    host_fp: &'a str,
    vm_commit: &'a str,
    config_hash: &'a str,
    lab_version: &'a str,
    rustc: Option<String>,
    settings: &'a serde_json::Value,
}

#[derive(Serialize)]
struct Closing<'a> {
    kind: &'a str,
    ended_utc: String,
    how: &'a str,
    lines: u64,
}

/// The file of one run.
pub struct Recorder {
    file: File,
    path: PathBuf,
    n_lines: u64,
    /// The machine, as described when the run began.
    pub host: Host,
    /// Commit of the repository, or `unknown`.
    pub commit: String,
    /// Hash of the settings.
    pub config_hash: String,
}

impl Recorder {
    /// Opens the file and writes its first line. Without `out` the file is
    /// `target/lab/NAME-TIME-SEED.jsonl`. An existing file is appended to.
    ///
    /// Errors: when it cannot be written.
    pub fn open(name: &str, out: Option<&Path>, seed: u64, settings: &serde_json::Value) -> Result<Recorder> {
        let root = crate::arms::workspace();
        let path = match (out, &root) {
            (Some(path), _) => path.to_path_buf(),
            (None, Ok(root)) => {
                let time = host::utc(host::now()).replace(['-', ':'], "");
                root.join("target/lab").join(format!("{name}-{time}-{seed}.jsonl"))
            }
            (None, Err(_)) => PathBuf::from(format!("{name}-{seed}.jsonl")),
        };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)
                .map_err(while_doing(format!("cannot make {}", folder.display())))?;
        }
        let file = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(while_doing(format!("cannot write {}", path.display())))?;
        let host = Host::here();
        let commit = root.ok().and_then(|root| host::commit(&root)).unwrap_or_else(|| "unknown".into());
        let config_hash = format!("{:016x}", host::hash(&settings.to_string()));
        let mut recorder = Recorder { file, path, n_lines: 0, host, commit, config_hash };
        let opening = serde_json::to_string(&Opening {
            kind: "run",
            schema: SCHEMA,
            started_utc: host::utc(host::now()),
            host: &recorder.host,
            host_fp: &recorder.host.fingerprint,
            vm_commit: &recorder.commit,
            config_hash: &recorder.config_hash,
            lab_version: env!("CARGO_PKG_VERSION"),
            rustc: host::version(&["rustc".to_string()]),
            settings,
        });
        recorder.append(opening.map_err(while_doing("cannot describe the run"))?)?;
        Ok(recorder)
    }

    /// Writes one line.
    ///
    /// Errors: when it cannot be written.
    pub fn line(&mut self, line: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string(line).map_err(while_doing("cannot write a result"))?;
        self.append(text)
    }

    /// Writes the last line.
    ///
    /// Errors: when it cannot be written.
    pub fn close(&mut self, how: &str) -> Result<()> {
        let closing = Closing { kind: "end", ended_utc: host::utc(host::now()), how, lines: self.n_lines };
        self.line(&closing)
    }

    /// Where the results are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// One call per line: a whole line or nothing, also when the lab is killed.
    fn append(&mut self, mut text: String) -> Result<()> {
        text.push('\n');
        self.n_lines += 1;
        self.file
            .write_all(text.as_bytes())
            .map_err(while_doing(format!("cannot write {}", self.path.display())))
    }
}
