//! What a workload is: a Python file that declares its question and its sizes in its head.
//!
//! ```text
//! # /// lab
//! # about = "what it does"
//! # stresses = "what of the machine or the interpreter it puts to the test"
//! # processes = "what the process arm does instead of sharing"
//! # [quick]
//! # n = 1000            a parameter of `setup`
//! # checksum = 4711     the right result at this size
//! # [full]
//! # …
//! # ///
//! ```
//! The form is that of inline script metadata (PEP 723). All values are integers.

use crate::failure::{Failure, Result};
use serde::Deserialize;
use std::collections::BTreeMap;

/// How much work one iteration does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Size {
    /// Tens of milliseconds: shows that everything works; not for publication.
    Quick,
    /// Hundreds of milliseconds.
    Full,
}

impl Size {
    /// As in the head of a workload and in records.
    pub fn name(self) -> &'static str {
        match self {
            Size::Quick => "quick",
            Size::Full => "full",
        }
    }
}

/// The parameters of one size and the result they must give.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Scale {
    /// What every arm must print as its checksum.
    pub checksum: u64,
    /// The arguments of `setup`.
    #[serde(flatten)]
    pub parameters: BTreeMap<String, i64>,
}

/// The declared part of a workload.
#[derive(Clone, Debug, Deserialize)]
pub struct Head {
    /// What it does.
    pub about: String,
    /// What it puts to the test.
    pub stresses: String,
    /// What the process arm does instead of sharing memory.
    pub processes: String,
    /// The small size.
    pub quick: Scale,
    /// The size for results that are meant to be quoted.
    pub full: Scale,
}

/// A workload with its source.
#[derive(Clone, Debug)]
pub struct Workload {
    /// The name of its file.
    pub name: String,
    /// What its head declares.
    pub head: Head,
    /// The whole file.
    pub source: String,
}

impl Workload {
    /// Reads the head of a workload.
    ///
    /// Errors: names the workload and what its head lacks.
    pub fn parse(name: &str, source: &str) -> Result<Workload> {
        let wrong = |what: String| Failure::Broken(format!("workload {name}: {what}"));
        let mut inside = false;
        let mut text = String::new();
        for line in source.lines() {
            match (inside, line.trim_end()) {
                (false, "# /// lab") => inside = true,
                (true, "# ///") => {
                    let head = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
                    return Ok(Workload { name: name.to_string(), head, source: source.to_string() });
                }
                (true, line) => {
                    text.push_str(line.strip_prefix('#').unwrap_or(line).trim_start());
                    text.push('\n');
                }
                (false, _) => {}
            }
        }
        Err(wrong("no `# /// lab` head".to_string()))
    }

    /// Parameters and checksum at `size`.
    pub fn scale(&self, size: Size) -> &Scale {
        match size {
            Size::Quick => &self.head.quick,
            Size::Full => &self.head.full,
        }
    }

    /// The name of the module that the driver imports.
    pub fn module(&self) -> String {
        format!("workload_{}.py", self.name)
    }
}

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../workloads/threads/", $name, ".py")))),*]
    };
}

/// The threaded workloads in the order of tables. A new one is a file in `workloads/threads` and
/// its name here.
pub const THREADED: &[(&str, &str)] = embedded![
    "compute",
    "allocation",
    "methods",
    "shared_reads",
    "locked_writes",
    "private_dicts",
    "pipeline",
    "pool",
    "cycles",
    "trees",
    "exceptions",
    "strings",
    "sorting",
    "generators",
    "sieve",
    "documents",
];

/// The program that runs a workload in one arm.
pub const DRIVER: &str = include_str!("../workloads/driver.py");

/// The program that `lab run gc` measures collectors with.
pub const COLLECTOR: &str = include_str!("../workloads/collector.py");

/// The thirteen small loops.
pub const LOOPS: &str = include_str!("../workloads/loops.py");

/// The names of the loops, in the order of the table.
pub const LOOP_NAMES: &[&str] = &[
    "fib", "loop", "nbody", "method", "sieve", "listread", "listobj", "dictstr", "dictint", "alloc",
    "linked", "gen", "native",
];

/// Files by name: a program, then those that it imports.
pub type Files = &'static [(&'static str, &'static str)];

/// What the programs with rows have in common.
const ROWS: (&str, &str) = ("rows.py", include_str!("../workloads/rows.py"));

const SHARED_COLLECTIONS: (&str, &str) =
    ("shared_collections.py", include_str!("../workloads/shared_collections.py"));

/// Threads that read the same objects.
pub const SHARING: Files = &[("sharing.py", include_str!("../workloads/sharing.py")), ROWS];

/// The rows of [`SHARING`], in the order of the table.
pub const SHARING_ROWS: &[&str] =
    &["nothing", "global", "attribute", "dict", "method", "list", "ring", "result"];

/// Threads that do the same at once.
pub const SCALING: Files =
    &[("scaling.py", include_str!("../workloads/scaling.py")), SHARED_COLLECTIONS, ROWS];

/// The rows of [`SCALING`] in which each thread works on what is its own, in the order of the table.
pub const SCALING_BODIES: &[&str] = &[
    "classmethod_call",
    "staticmethod_call",
    "shared_object_method",
    "shared_instance_attribute",
    "method_by_name",
    "classmethod_by_name",
    "dict_get_by_name",
    "setattr_non_interned",
    "lock_locked_private",
    "lock_locked_shared",
    "generator",
    "typing_namedtuple",
    "shallow_copy",
    "deepcopy",
    "inject_globals",
    "inject_provider",
    "inject_container",
    "inject_singleton",
    "dict_get",
];

/// The rows of [`SCALING`] in which all threads write to one object, in the order of the table.
pub const SCALING_WRITES: &[&str] = &[
    "locked_counter",
    "dict_str_keys",
    "dict_int_keys",
    "list_append",
    "list_item",
    "attribute",
    "deque",
    "set_add",
    "simple_queue",
];

/// Collections that one thread knows, and collections that threads share.
pub const COLLECTIONS: Files = &[SHARED_COLLECTIONS, ROWS];

/// The rows of [`COLLECTIONS`] for one thread, in the order of the table.
pub const OWN_COLLECTION_ROWS: &[&str] = &[
    "list.read",
    "list.write",
    "list.append",
    "list.resize",
    "list.iterate",
    "dict.read",
    "dict.write",
    "dict.append",
    "dict.resize",
    "dict.iterate",
    "set.read",
    "set.write",
    "set.append",
    "set.resize",
    "set.iterate",
];

/// The rows of [`COLLECTIONS`] for several threads, in the order of the table.
pub const SHARED_COLLECTION_ROWS: &[&str] = &[
    "own",
    "read",
    "write",
    "mixed",
    "dict_read",
    "dict_write",
    "dict_resize",
    "append",
    "append_locked",
    "resize",
    "deque",
    "counter",
    "wordcount",
    "bank",
];

/// Operations of the built-in types, one at a time.
pub const OPS: &str = include_str!("../workloads/ops.py");

/// The types whose operations [`OPS`] has, in the order of the table.
pub const OP_TYPES: &[&str] =
    &["int", "float", "str", "bytes", "list", "tuple", "dict", "set", "object", "function"];

/// Resident memory of many objects of one kind.
pub const MEMORY: &str = include_str!("../workloads/memory.py");

/// The kinds of objects that [`MEMORY`] makes, in the order of the table.
pub const MEMORY_KINDS: &[&str] = &[
    "instances",
    "slotted",
    "ints",
    "bigints",
    "floats",
    "strings",
    "tuples",
    "lists",
    "dicts",
    "sets",
    "dict_of_strings",
];

/// Our stand-in for the module `pyperf`.
pub const PYPERF: &str = include_str!("../workloads/pyperf_standin/pyperf.py");

/// All embedded threaded workloads.
///
/// Errors: when a head is wrong, which a unit test rules out.
pub fn threaded() -> Result<Vec<Workload>> {
    THREADED.iter().map(|(name, source)| Workload::parse(name, source)).collect()
}

/// The workloads named in `only`, in that order; all of them if `only` is empty.
///
/// Errors: an unknown name is refused together with the names there are.
pub fn selected(only: &[String]) -> Result<Vec<Workload>> {
    let all = threaded()?;
    if only.is_empty() {
        return Ok(all);
    }
    only.iter()
        .map(|name| {
            all.iter().find(|workload| workload.name == *name).cloned().ok_or_else(|| {
                Failure::Usage(format!(
                    "no workload is called {name:?}; there are: {}",
                    all.iter().map(|w| w.name.as_str()).collect::<Vec<_>>().join(", ")
                ))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_head_is_whole() {
        let all = threaded().unwrap_or_else(|failure| panic!("{:?}", failure.message()));
        assert!(all.len() >= 12);
        for workload in all {
            for size in [Size::Quick, Size::Full] {
                let scale = workload.scale(size);
                assert!(!scale.parameters.is_empty(), "{}", workload.name);
                assert!(!scale.parameters.contains_key("checksum"), "{}", workload.name);
            }
            assert_ne!(workload.head.quick, workload.head.full, "{}", workload.name);
        }
    }

    #[test]
    fn a_head_without_checksum_is_refused() {
        let source = "# /// lab\n# about=\"a\"\n# stresses=\"b\"\n# processes=\"c\"\n# [quick]\n# n=1\n# [full]\n# n=2\n# checksum=3\n# ///\n";
        let failure = Workload::parse("broken", source).expect_err("no checksum in quick");
        assert!(failure.message().is_some_and(|text| text.contains("broken") && text.contains("checksum")));
    }

    #[test]
    fn an_unknown_name_is_refused_by_name() {
        let failure = selected(&["compute".into(), "nonsense".into()]).expect_err("unknown");
        assert_eq!(failure.exit_code(), 2);
        assert!(failure.message().is_some_and(|text| text.contains("nonsense") && text.contains("sieve")));
    }
}
