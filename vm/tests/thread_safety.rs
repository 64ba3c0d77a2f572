//! `THREAD_SAFETY.md` is what the types declare (`TypeDef::shared`). After a change of a declaration:
//!
//! ```sh
//! BLESS=1 cargo test -p typhon --test thread_safety
//! ```

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use typhon_core::{Safety, Shared, TypeDef};

const HEAD: &str = "\
# What threads that share an object can count on

Made of the declarations of the types (`shared` in their `TypeDef`) by `vm/tests/thread_safety.rs`; a test says so if they
differ. Without a GIL, all operations on all objects are to be safe for memory, whatever other threads do; this page says
what threads see of each other. Types that are not here say nothing. `collections.OrderedDict` is written in Python, on a dict
and a linked list: threads that change one need a lock of their own.

Operators stand under the names of their methods. *Atomic* holds as long as comparing and hashing run no Python code: with
numbers, strs and tuples of them. Where they do, the locks are given back for each comparison
([decision 0024](../papers/decisions/0024-two-locks.md)). What is dropped is dropped without a lock. With a GIL, whatever runs
no Python code is atomic. `vm/tests/py/every_method.py` runs all operations of these types against each other, and
`atomic_operations.py` checks the atomic ones for what is lost, doubled or seen in part.

";

/// The types that declare something, by name.
fn declared() -> Vec<(&'static TypeDef, Shared)> {
    let built_in = typhon_core::builtins::TYPE_LISTS.iter().flat_map(|list| list.iter());
    let modules = typhon_modules::MODULES.iter().flat_map(|m| m.types.iter());
    let mut types: Vec<_> = built_in.chain(modules).filter_map(|def| Some((*def, def.shared?))).collect();
    types.sort_by_key(|(def, _)| (def.module != "builtins", def.module, def.name));
    types.dedup_by_key(|(def, _)| (def.module, def.name));
    types
}

fn page() -> String {
    let mut text = HEAD.to_owned();
    text.push_str("| word | meaning |\n|---|---|\n");
    for safety in Safety::ALL {
        let (word, meaning) = safety.described();
        writeln!(text, "| {word} | {meaning} |").expect("a String");
    }
    for (def, shared) in declared() {
        writeln!(text, "\n## {}.{}\n\n| operations | |\n|---|---|", def.module, def.name).expect("a String");
        for safety in Safety::ALL {
            let names: BTreeSet<&str> = shared
                .but
                .iter()
                .filter(|(s, _)| *s == safety)
                .flat_map(|(_, names)| names.split(' '))
                .collect();
            let mut names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            if shared.rest == safety {
                names.push(if shared.but.is_empty() { "all" } else { "all others" }.to_owned());
            }
            if !names.is_empty() {
                writeln!(text, "| {} | {} |", names.join(", "), safety.described().0).expect("a String");
            }
        }
        if !shared.note.is_empty() {
            writeln!(text, "\n{}", shared.note).expect("a String");
        }
    }
    text
}

#[test]
fn the_page_is_what_the_types_declare() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("THREAD_SAFETY.md");
    let page = page();
    if env::var_os("BLESS").is_some() {
        fs::write(&path, &page).expect("writable");
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == page,
        "run BLESS=1 cargo test -p typhon --test thread_safety, and look at the difference"
    );
}

#[test]
fn no_operation_is_declared_twice() {
    for (def, shared) in declared() {
        let mut seen = BTreeSet::new();
        for name in shared.but.iter().flat_map(|(_, names)| names.split(' ')) {
            assert!(!name.is_empty() && seen.insert(name), "{}: {name:?}", def.name);
        }
        assert!(
            shared.but.iter().all(|(safety, _)| *safety != shared.rest),
            "{}: what is alike needs no name",
            def.name
        );
    }
}
