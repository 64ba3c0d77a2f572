//! The text of `Lib/_opcode_metadata.py` for this machine.

use std::fmt::Write;

use crate::opcode::{HAVE_ARGUMENT, MIN_INSTRUMENTED_OPCODE, Opcode};

/// Python source of the module `_opcode_metadata`, which `opcode` and `dis` read.
pub fn opcode_metadata_py() -> String {
    let mut text = String::from("_specializations = {}\n\n_specialized_opmap = {}\n\nopmap = {\n");
    for op in Opcode::ALL {
        let _ = writeln!(text, "    '{}': {},", op.name(), *op as u8);
    }
    // `dis` knows these; no code has them.
    for (name, number) in [("INSTRUMENTED_LINE", 254), ("ENTER_EXECUTOR", 255)] {
        let _ = writeln!(text, "    '{name}': {number},");
    }
    let _ = write!(
        text,
        "}}\n\nHAVE_ARGUMENT = {HAVE_ARGUMENT}\nMIN_INSTRUMENTED_OPCODE = {MIN_INSTRUMENTED_OPCODE}\n"
    );
    text
}
