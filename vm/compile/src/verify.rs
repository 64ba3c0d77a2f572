//! Checks finished code by running it on an abstract stack.
//!
//! Written against the bytes alone and not against the passes that made them: every path must reach each instruction
//! with the same depth, within `stacksize`, and no borrowed value may be on the stack when its local changes, when the
//! frame can be suspended, or in a handler.

use crate::{
    assemble::{Region, decode_exceptiontable},
    code::{Code, Const, kind},
    dis::{Decoded, decode},
    opcode::{ArgKind, Flow, Opcode},
};

/// A value: the slot it is borrowed from, or None if it is owned.
type Value = Option<u32>;

/// Checks a code object and those inside it; the error says what is wrong.
pub fn verify_all(code: &Code) -> Result<(), String> {
    verify(code)?;
    for value in &code.consts {
        if let Const::Code(inner) = value {
            verify_all(inner)?;
        }
    }
    Ok(())
}

/// Checks one code object.
pub fn verify(code: &Code) -> Result<(), String> {
    let instrs = decode(&code.code).ok_or("unknown opcode")?;
    if !code.code.len().is_multiple_of(2) || instrs.is_empty() {
        return Err("no whole instructions".to_owned());
    }
    let mut index = vec![usize::MAX; code.code.len() / 2 + 1];
    for (at, instr) in instrs.iter().enumerate() {
        index[instr.start as usize] = at;
    }
    let regions = decode_exceptiontable(&code.exceptiontable);
    let mut verifier =
        Verifier { code, entry: vec![None; instrs.len()], work: Vec::new(), instrs, index, regions };
    verifier.reach(0, Vec::new())?;
    while let Some(at) = verifier.work.pop() {
        verifier.step(at).map_err(|problem| {
            let instr = verifier.instrs[at];
            format!("{problem} at unit {} ({} {})", instr.offset, instr.op.name(), instr.arg)
        })?;
    }
    Ok(())
}

struct Verifier<'c> {
    code: &'c Code,
    instrs: Vec<Decoded>,
    /// Instruction that starts at a unit.
    index: Vec<usize>,
    regions: Vec<Region>,
    entry: Vec<Option<Vec<Value>>>,
    work: Vec<usize>,
}

impl Verifier<'_> {
    fn reach(&mut self, unit: u32, stack: Vec<Value>) -> Result<(), String> {
        let at = self.index.get(unit as usize).copied().unwrap_or(usize::MAX);
        if at == usize::MAX {
            return Err(format!("jump into the middle of nowhere: unit {unit}"));
        }
        if stack.len() > self.code.stacksize as usize {
            return Err(format!("depth {} above stacksize {}", stack.len(), self.code.stacksize));
        }
        match &self.entry[at] {
            None => {
                self.entry[at] = Some(stack);
                self.work.push(at);
                Ok(())
            }
            Some(known) if known.len() != stack.len() => {
                Err(format!("depth {} or {} at unit {unit}", known.len(), stack.len()))
            }
            Some(known) if *known != stack => Err(format!("borrowed on one way only, at unit {unit}")),
            Some(_) => Ok(()),
        }
    }

    fn step(&mut self, at: usize) -> Result<(), String> {
        let instr = self.instrs[at];
        let mut stack = self.entry[at].clone().unwrap_or_default();
        self.check_argument(&instr)?;
        let pops = instr.op.pops(instr.arg) as usize;
        if stack.len() < pops {
            return Err(format!("pops {pops} of {}", stack.len()));
        }
        let region = self.regions.iter().find(|r| (r.start..r.end).contains(&instr.offset)).copied();
        if let Some(region) = region {
            let depth = region.depth as usize;
            // NOPs and jumps forward cannot raise.
            let raises = !matches!(instr.op, Opcode::NOP | Opcode::JUMP_FORWARD);
            if raises {
                let kept = stack.get(..depth).ok_or("handler keeps more than there is")?;
                if kept.iter().any(Option::is_some) {
                    return Err("handler keeps a borrowed value".to_owned());
                }
                let extra = 1 + usize::from(region.lasti);
                self.reach(region.target, vec![None; depth + extra])?;
            }
        }
        self.apply(&instr, &mut stack)?;
        if stack.len() > self.code.stacksize as usize {
            return Err(format!("depth {} above stacksize {}", stack.len(), self.code.stacksize));
        }
        if let Some(target) = instr.target() {
            self.reach(target, stack.clone())?;
            if instr.op == Opcode::FOR_ITER {
                // The END_FOR at the target is skipped, with the iterator on the stack.
                let skipped = self.index[target as usize];
                if self.instrs[skipped].op != Opcode::END_FOR {
                    return Err("FOR_ITER without END_FOR".to_owned());
                }
            }
        }
        if instr.op.flow() == Flow::Next {
            self.reach(instr.offset + 1, stack)?;
        }
        Ok(())
    }

    fn check_argument(&self, instr: &Decoded) -> Result<(), String> {
        let arg = instr.arg as usize;
        self.check_number(instr)?;
        let (value, limit) = match instr.op.arg_kind() {
            ArgKind::Const => (arg, self.code.consts.len()),
            ArgKind::Name => (arg, self.code.names.len()),
            ArgKind::NameGlobal | ArgKind::NameMethod => (arg >> 1, self.code.names.len()),
            ArgKind::NameSuper => (arg >> 2, self.code.names.len()),
            ArgKind::Local => (arg, self.code.localsplusnames.len()),
            ArgKind::LocalPair => ((arg >> 4).max(arg & 15), self.code.localsplusnames.len()),
            ArgKind::Deref => {
                let kinds = self.code.localspluskinds.get(arg).copied().unwrap_or(0);
                if kinds & (kind::CELL | kind::FREE) == 0 {
                    return Err("not a cell".to_owned());
                }
                (arg, self.code.localsplusnames.len())
            }
            _ => return Ok(()),
        };
        if value >= limit { Err(format!("argument {value} of {limit}")) } else { Ok(()) }
    }

    /// Arguments that are neither jumps nor places in a table.
    fn check_number(&self, instr: &Decoded) -> Result<(), String> {
        use crate::opcode::{BinaryOp, CommonConstant, Compare, Intrinsic1, Intrinsic2, SpecialMethod};
        let arg = instr.arg;
        let good = match instr.op {
            Opcode::CACHE | Opcode::RESERVED | Opcode::INTERPRETER_EXIT | Opcode::EXIT_INIT_CHECK => false,
            Opcode::COPY => arg >= 1,
            Opcode::SWAP => arg >= 2,
            Opcode::BINARY_OP => BinaryOp::from_u32(arg).is_some(),
            Opcode::COMPARE_OP => Compare::from_u32(arg >> 5).is_some(),
            Opcode::CALL_INTRINSIC_1 => Intrinsic1::from_u32(arg).is_some(),
            Opcode::CALL_INTRINSIC_2 => Intrinsic2::from_u32(arg).is_some(),
            Opcode::LOAD_COMMON_CONSTANT => CommonConstant::from_u32(arg).is_some(),
            Opcode::LOAD_SPECIAL => SpecialMethod::from_u32(arg).is_some(),
            Opcode::CONVERT_VALUE => (1..=3).contains(&arg),
            Opcode::BUILD_SLICE => (2..=3).contains(&arg),
            Opcode::RAISE_VARARGS => arg <= 2,
            Opcode::LIST_APPEND
            | Opcode::LIST_EXTEND
            | Opcode::SET_ADD
            | Opcode::SET_UPDATE
            | Opcode::MAP_ADD
            | Opcode::DICT_UPDATE
            | Opcode::DICT_MERGE => arg >= 1,
            Opcode::COPY_FREE_VARS => {
                let free = self.code.localspluskinds.iter().filter(|&&k| k & kind::FREE != 0).count();
                arg as usize == free
            }
            _ => true,
        };
        // What is pushed must fit, before anything is.
        let grown = instr.op.pushes(arg) as usize <= self.code.stacksize as usize
            || instr.op.pushes(arg) <= instr.op.pops(arg);
        if good && grown { Ok(()) } else { Err("argument out of range".to_owned()) }
    }

    fn kill(stack: &[Value], slot: u32) -> Result<(), String> {
        if stack.contains(&Some(slot)) {
            return Err(format!("slot {slot} changes while it is borrowed"));
        }
        Ok(())
    }

    fn apply(&self, instr: &Decoded, stack: &mut Vec<Value>) -> Result<(), String> {
        let arg = instr.arg;
        let top = stack.len();
        let store = |stack: &mut Vec<Value>, slot: u32| {
            if stack.pop().flatten().is_some() {
                return Err("borrowed value stored into a local".to_owned());
            }
            Self::kill(stack, slot)
        };
        match instr.op {
            Opcode::LOAD_FAST_BORROW => stack.push(Some(arg)),
            Opcode::LOAD_FAST_BORROW_LOAD_FAST_BORROW => stack.extend([Some(arg >> 4), Some(arg & 15)]),
            Opcode::STORE_FAST => store(stack, arg)?,
            Opcode::STORE_FAST_STORE_FAST => {
                store(stack, arg >> 4)?;
                store(stack, arg & 15)?;
            }
            Opcode::STORE_FAST_LOAD_FAST => {
                store(stack, arg >> 4)?;
                stack.push(None);
            }
            Opcode::DELETE_FAST | Opcode::MAKE_CELL => Self::kill(stack, arg)?,
            Opcode::LOAD_FAST_AND_CLEAR => {
                Self::kill(stack, arg)?;
                stack.push(None);
            }
            Opcode::COPY => {
                let value = stack[top - arg as usize];
                stack.push(value);
            }
            Opcode::SWAP => stack.swap(top - 1, top - arg as usize),
            Opcode::RETURN_VALUE | Opcode::YIELD_VALUE if stack.iter().any(Option::is_some) => {
                return Err("borrowed value over a suspension or return".to_owned());
            }
            Opcode::LOAD_ATTR if arg & 1 != 0 => stack.insert(top - 1, None),
            Opcode::LOAD_SPECIAL => stack.insert(top - 1, None),
            Opcode::LOAD_SUPER_ATTR if arg & 1 != 0 => {
                let object = stack[top - 1];
                stack.truncate(top - 3);
                stack.extend([None, object]);
            }
            Opcode::END_SEND | Opcode::SET_FUNCTION_ATTRIBUTE => {
                stack.remove(top - 2);
            }
            Opcode::PUSH_EXC_INFO => stack.insert(top - 1, None),
            Opcode::CHECK_EXC_MATCH => stack[top - 1] = None,
            Opcode::GET_LEN
            | Opcode::MATCH_MAPPING
            | Opcode::MATCH_SEQUENCE
            | Opcode::MATCH_KEYS
            | Opcode::IMPORT_FROM
            | Opcode::GET_ANEXT
            | Opcode::FOR_ITER
            | Opcode::WITH_EXCEPT_START => stack.push(None),
            Opcode::LIST_APPEND
            | Opcode::LIST_EXTEND
            | Opcode::SET_ADD
            | Opcode::SET_UPDATE
            | Opcode::DICT_UPDATE
            | Opcode::DICT_MERGE => stack.truncate(top - 1),
            Opcode::MAP_ADD => stack.truncate(top - 2),
            op => {
                stack.truncate(top - op.pops(arg) as usize);
                stack.extend((0..op.pushes(arg)).map(|_| None));
            }
        }
        Ok(())
    }
}
