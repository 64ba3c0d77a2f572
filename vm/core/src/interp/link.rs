//! Linking: from the compact 16-bit form to the units that run.
//!
//! A unit is 64 bits: handler and 16-bit argument. Names, constants and caches follow as whole words.
//! Instructions that do nothing at run time disappear, some pairs become one instruction; a pair is
//! joined only where no jump lands between its halves. Every word carries the offset of the 16-bit
//! unit it came from, for tracebacks and tables.

use typhon_compile::Opcode;
use typhon_compile::code::flags as co;
use typhon_sync::prim::{AtomicPtr, Ordering};

use super::handlers::{attr, names};
use super::in_place::{self, POSITION_BITS};
use super::machine::{ARG_BITS, fetch};
use super::opcodes::{Op, encode};
use crate::code::CodeObject;
use crate::monitoring::plan::Plan;
use crate::monitoring::variants;
use crate::thread::Thread;
use crate::word::Word;

/// Linked code: units, and for each word its 16-bit offset.
pub struct Linked {
    units: Box<[u64]>,
    offsets: Box<[u32]>,
    /// For each 16-bit offset the index of its first word.
    places: Box<[u32]>,
    /// The next of the code's linked forms: a ring. Written under the lock of [`variants`] and with whole pointers;
    /// readers meet every form that was there when they began.
    next: AtomicPtr<Linked>,
    /// What it reports, if it does; `None`: the form that runs while nobody watches.
    pub(crate) instrumented: Option<Box<variants::Instrumented>>,
    /// Trampolines of the code, if it has any.
    #[cfg(tail_calls)]
    spans: crate::perf::Spans,
}

impl Linked {
    /// Offset (in 16-bit units) of the instruction that the word at `p` belongs to.
    pub(crate) fn offset_of(&self, p: *const u64) -> u32 {
        match self.form_with(p) {
            Some((form, i)) => form.offsets[i],
            None => 0,
        }
    }

    /// The form of the code that has the word at `p`, and the word's index there.
    pub(crate) fn form_with(&self, p: *const u64) -> Option<(&Linked, usize)> {
        let mut form = self;
        loop {
            let i = (p as usize).wrapping_sub(form.units.as_ptr() as usize) / size_of::<u64>();
            if i < form.units.len() {
                return Some((form, i));
            }
            // ORDERING Acquire: pairs with `insert_behind`.
            let next = form.next.load(Ordering::Acquire);
            if next.is_null() || core::ptr::eq(next, self) {
                return None;
            }
            // SAFETY: forms live as long as the code object.
            form = unsafe { &*next };
        }
    }

    /// The form behind this one in the ring; null if there is no other.
    pub(crate) fn next_form(&self) -> *mut Linked {
        // ORDERING Acquire: pairs with `insert_behind`.
        self.next.load(Ordering::Acquire)
    }

    /// All forms of the code, this one first.
    pub(crate) fn forms(&self) -> Vec<&Linked> {
        let mut all = vec![self];
        let mut form = self.next_form();
        while !form.is_null() && !core::ptr::eq(form, self) {
            // SAFETY: forms live as long as the code object.
            let next = unsafe { &*form };
            all.push(next);
            form = next.next_form();
        }
        all
    }

    /// Puts another form of the same code into the ring. Under the lock of [`variants`].
    pub(crate) fn insert_behind(&self, new: &Linked) {
        // ORDERING Relaxed: changed under the lock only.
        let next = self.next.load(Ordering::Relaxed);
        let next = if next.is_null() { (self as *const Linked).cast_mut() } else { next };
        // ORDERING Relaxed: published by the next store.
        new.next.store(next, Ordering::Relaxed);
        // ORDERING Release: whoever finds the form finds its words.
        self.next.store((new as *const Linked).cast_mut(), Ordering::Release);
    }

    /// For each 16-bit offset the index of its first word; the last entry is the end.
    pub(crate) fn places(&self) -> &[u32] {
        &self.places
    }

    /// The unit of the instruction at a 16-bit offset.
    pub fn unit_at(&self, offset: u32) -> *const u64 {
        let i = self.places[offset as usize] as usize;
        // SAFETY: places are indices of words.
        unsafe { self.units.as_ptr().add(i) }
    }

    /// For each word the 16-bit offset of its instruction.
    pub(crate) fn offsets(&self) -> &[u32] {
        &self.offsets
    }

    /// Trampolines of the code, if it has any.
    #[cfg(tail_calls)]
    pub(crate) fn spans(&self) -> &crate::perf::Spans {
        &self.spans
    }

    /// The words, for inspection.
    pub fn units(&self) -> &[u64] {
        &self.units
    }
}

/// The argument of the unit in front of `pc`, whether wide or not.
///
/// # Safety
/// `pc` is behind a unit without further words.
pub unsafe fn arg_of(pc: *const u64) -> u64 {
    // SAFETY: the unit in front; a wide one has its prefix two words further.
    unsafe {
        let arg = fetch(pc.sub(1)) & 0xffff;
        if arg == WIDE_MARK { fetch(pc.sub(2)) } else { arg }
    }
}

/// Argument of a unit whose real argument stands in the word in front of it.
const WIDE_MARK: u64 = 0xffff;

/// One 16-bit instruction with its prefixes resolved.
#[derive(Clone, Copy)]
pub(crate) struct Instr {
    /// Offset of the opcode unit, and of the first prefix.
    pub offset: u32,
    pub start: u32,
    pub op: Opcode,
    pub arg: u32,
}

/// What an instruction becomes.
struct Piece {
    op: Op,
    arg: u64,
    /// Words behind the unit.
    words: Vec<u64>,
    /// 16-bit offset of the jump's target.
    target: Option<u32>,
    /// Bits below the distance in a jump's argument, and what they say.
    shift: u32,
    low: u64,
    /// Words between the unit and the point that the jump counts from.
    skip: usize,
    backward: bool,
    offset: u32,
    start: u32,
}

impl Piece {
    fn plain(op: Op, arg: u64, offset: u32, start: u32) -> Piece {
        Piece {
            op,
            arg,
            words: Vec::new(),
            target: None,
            shift: 0,
            low: 0,
            skip: 0,
            backward: false,
            offset,
            start,
        }
    }
}

pub(crate) fn decode(code: &[u8]) -> Vec<Instr> {
    let mut out = Vec::with_capacity(code.len() / 2);
    let (mut arg, mut start) = (0u32, None);
    for (i, unit) in code.chunks_exact(2).enumerate() {
        let op = Opcode::from_u8(unit[0]).unwrap_or(Opcode::NOP);
        arg = arg << 8 | u32::from(unit[1]);
        let first = *start.get_or_insert(i as u32);
        if op == Opcode::EXTENDED_ARG {
            continue;
        }
        out.push(Instr { offset: i as u32, start: first, op, arg });
        arg = 0;
        start = None;
    }
    out
}

pub(crate) fn jump_target(i: &Instr) -> Option<(u32, bool)> {
    use Opcode::*;
    match i.op {
        JUMP_FORWARD | POP_JUMP_IF_FALSE | POP_JUMP_IF_TRUE | POP_JUMP_IF_NONE | POP_JUMP_IF_NOT_NONE
        | SEND => Some((i.offset + 1 + i.arg, false)),
        // The END_FOR at the target is skipped.
        FOR_ITER => Some((i.offset + 2 + i.arg, false)),
        JUMP_BACKWARD | JUMP_BACKWARD_NO_INTERRUPT => Some(((i.offset + 1).saturating_sub(i.arg), true)),
        _ => None,
    }
}

/// The linked form of `code`, made once.
pub fn link<'c>(th: &mut Thread, code: &'c CodeObject) -> &'c Linked {
    let mut registry = variants::lock(th);
    if let Some(l) = code.linked_now() {
        return variants::refresh(&mut registry, code, l);
    }
    let linked = Box::into_raw(Box::new(make(code, None)));
    if crate::contention::is_on() {
        // SAFETY: made above.
        crate::contention::places::enter(code, unsafe { &*linked });
    }
    // ORDERING Release: pairs with the Acquire of `CodeObject::{linked_now, entry}`.
    code.linked.0.store(linked, Ordering::Release);
    // SAFETY: lives as long as the code object.
    let l = unsafe { &*linked };
    // ORDERING Release: whoever reads the entry sees the units.
    code.entry.store(l.units.as_ptr().cast_mut(), Ordering::Release);
    registry.enter(code);
    variants::refresh(&mut registry, code, l)
}

/// A linked form of `code`. With `events`, one that reports them.
pub(crate) fn make(code: &CodeObject, events: Option<variants::Masks>) -> Linked {
    let data = &code.data.0;
    let instrs = decode(&data.code);
    let n16 = data.code.len() / 2;
    let mut is_target = vec![false; n16 + 1];
    for i in &instrs {
        if let Some((t, _)) = jump_target(i) {
            is_target[(t as usize).min(n16)] = true;
        }
    }
    let plan = events.map(|events| Plan::new(code, &instrs, events));
    let pieces = translate(code, &instrs, &is_target, plan.as_ref());
    let mut units = Vec::new();
    let mut linked = lay_out(pieces, n16, &mut units);
    linked.instrumented = events.map(|masks| Box::new(variants::Instrumented { masks, units }));
    #[cfg(tail_calls)]
    let linked = Linked { spans: crate::perf::spans(code, &linked.units, &linked.offsets), ..linked };
    linked
}

fn name_word(code: &CodeObject, i: u32) -> u64 {
    code.names_tuple().items()[i as usize].peek().uncounted().0
}

fn translate(code: &CodeObject, instrs: &[Instr], is_target: &[bool], plan: Option<&Plan>) -> Vec<Piece> {
    let generator = code.flags & (co::GENERATOR | co::COROUTINE | co::ASYNC_GENERATOR) != 0;
    let mut out = Vec::with_capacity(instrs.len());
    let positions = code.n_locals - code.n_names;
    let mut at = 0;
    while at < instrs.len() {
        let i = instrs[at];
        // The next instruction, if a pair may be made with it.
        let next =
            instrs.get(at + 1).filter(|n| !is_target[n.start as usize] && !is_target[n.offset as usize]);
        // Each instruction of a form that reports events stands for itself.
        let next = next.filter(|_| plan.is_none());
        for event in plan.map_or(&[][..], |plan| plan.before(at)) {
            let words = event.word.into_iter().collect();
            out.push(Piece { words, ..Piece::plain(event.op, event.arg, i.offset, i.start) });
        }
        let mut p = Piece::plain(Op::Nop, u64::from(i.arg), i.offset, i.start);
        if let Some((t, backward)) = jump_target(&i) {
            p.target = Some(t);
            p.backward = backward;
        }
        let second = expand(&i);
        if one(code, generator, &i, if second.is_some() { None } else { next }, &mut p) {
            if positions != 0 && in_place::is_loop(instrs, at) {
                (p.op, p.arg) = (Op::GetIterInPlace, u64::from(code.n_locals << POSITION_BITS | positions));
            }
            if i.op == Opcode::FOR_ITER {
                p.shift = POSITION_BITS;
            }
            if positions != 0 && at > 0 && in_place::is_loop(instrs, at - 1) {
                let is_pair = next.is_some_and(|n| n.op == Opcode::UNPACK_SEQUENCE && n.arg == 2);
                let op = if is_pair { Op::ForIterPair } else { Op::ForIterInPlace };
                (p.op, p.low) = (op, u64::from(positions));
            }
            if let Some(plan) = plan {
                plan.replace(&mut p.op, &mut p.words);
            }
            out.push(p);
            if let Some((op, arg)) = second {
                out.push(Piece::plain(op, arg, i.offset, i.offset));
            }
        } else {
            // Nothing to run, but jumps may land here.
            p.words.clear();
            p.op = Op::Nop;
            if is_target[i.offset as usize] || is_target[i.start as usize] {
                p.arg = 0;
                out.push(p);
            }
        }
        at += 1;
    }
    out
}

/// Translates one instruction. False: it needs no unit.
fn one(code: &CodeObject, generator: bool, i: &Instr, next: Option<&Instr>, p: &mut Piece) -> bool {
    use Opcode as O;
    p.op = match i.op {
        O::NOP | O::RESUME | O::NOT_TAKEN | O::CACHE => return false,
        O::LOAD_FAST => Op::LoadFast,
        O::LOAD_FAST_BORROW => Op::LoadFastBorrow,
        O::LOAD_FAST_CHECK => Op::LoadFastCheck,
        O::LOAD_FAST_AND_CLEAR => Op::LoadFastAndClear,
        O::STORE_FAST => Op::StoreFast,
        O::DELETE_FAST => Op::DeleteFast,
        O::LOAD_FAST_BORROW_LOAD_FAST_BORROW => {
            p.arg = u64::from(i.arg >> 4) << 8 | u64::from(i.arg & 15);
            Op::LoadFastBorrow2
        }
        O::LOAD_FAST_LOAD_FAST => {
            p.arg = u64::from(i.arg >> 4);
            Op::LoadFast
        }
        O::STORE_FAST_STORE_FAST => {
            p.arg = u64::from(i.arg >> 4);
            Op::StoreFast
        }
        O::STORE_FAST_LOAD_FAST => {
            p.arg = u64::from(i.arg >> 4) << 8 | u64::from(i.arg & 15);
            Op::StoreFastLoadFast
        }
        O::LOAD_CONST => constant(p, code.const_word(i.arg as usize)),
        O::LOAD_COMMON_CONSTANT => constant(p, super::intrinsics::common_constant(i.arg)),
        O::LOAD_SMALL_INT => Op::LoadSmallInt,
        O::PUSH_NULL => Op::PushNull,
        O::POP_TOP | O::POP_ITER => Op::PopTop,
        O::END_FOR => Op::EndFor,
        O::COPY => Op::Copy,
        O::SWAP => Op::Swap,
        O::END_SEND => Op::EndSend,
        O::MAKE_CELL => Op::MakeCell,
        O::COPY_FREE_VARS => Op::CopyFreeVars,
        O::LOAD_DEREF => Op::LoadDeref,
        O::STORE_DEREF => Op::StoreDeref,
        O::DELETE_DEREF => Op::DeleteDeref,
        O::BINARY_OP => binary(i.arg),
        O::COMPARE_OP => compare(i, next, p),
        O::UNARY_NOT => Op::UnaryNot,
        O::UNARY_NEGATIVE => Op::UnaryNegative,
        O::UNARY_INVERT => Op::UnaryInvert,
        O::TO_BOOL => match next.map(|n| (n.op, jump_target(n))) {
            Some((O::POP_JUMP_IF_TRUE, Some((t, false)))) => fuse(p, t, Op::JumpIfTruthy),
            Some((O::POP_JUMP_IF_FALSE, Some((t, false)))) => fuse(p, t, Op::JumpIfFalsy),
            _ => Op::ToBool,
        },
        O::IS_OP => Op::IsOp,
        O::CONTAINS_OP => Op::ContainsOp,
        O::JUMP_FORWARD => Op::JumpForward,
        O::JUMP_BACKWARD => Op::JumpBackward,
        O::JUMP_BACKWARD_NO_INTERRUPT => Op::JumpBackwardNoInterrupt,
        O::POP_JUMP_IF_TRUE => Op::PopJumpIfTrue,
        O::POP_JUMP_IF_FALSE => Op::PopJumpIfFalse,
        O::POP_JUMP_IF_NONE => Op::PopJumpIfNone,
        O::POP_JUMP_IF_NOT_NONE => Op::PopJumpIfNotNone,
        O::LOAD_ATTR => {
            p.words = vec![name_word(code, i.arg >> 1), 0, 0, 0];
            debug_assert_eq!(p.words.len(), attr::LOAD_ATTR_WORDS);
            p.arg = 0;
            if i.arg & 1 != 0 { Op::LoadMethod } else { Op::LoadAttr }
        }
        O::STORE_ATTR => {
            p.words = vec![name_word(code, i.arg), 0, 0, 0];
            debug_assert_eq!(p.words.len(), attr::STORE_ATTR_WORDS);
            p.arg = 0;
            Op::StoreAttr
        }
        O::DELETE_ATTR => named(code, p, i.arg, Op::DeleteAttr),
        O::LOAD_SUPER_ATTR => {
            p.words.push(name_word(code, i.arg >> 2));
            p.arg = u64::from(i.arg & 3);
            Op::LoadSuperAttr
        }
        O::LOAD_GLOBAL => {
            p.words = vec![name_word(code, i.arg >> 1), 0, 0];
            debug_assert_eq!(p.words.len(), names::LOAD_GLOBAL_WORDS);
            p.arg = 0;
            Op::LoadGlobal
        }
        O::LOAD_NAME => named(code, p, i.arg, Op::LoadName),
        O::STORE_NAME => named(code, p, i.arg, Op::StoreName),
        O::DELETE_NAME => named(code, p, i.arg, Op::DeleteName),
        O::STORE_GLOBAL => named(code, p, i.arg, Op::StoreGlobal),
        O::DELETE_GLOBAL => named(code, p, i.arg, Op::DeleteGlobal),
        O::LOAD_FROM_DICT_OR_GLOBALS => named(code, p, i.arg, Op::LoadFromDictOrGlobals),
        O::IMPORT_NAME => named(code, p, i.arg, Op::ImportName),
        O::IMPORT_FROM => named(code, p, i.arg, Op::ImportFrom),
        O::LOAD_FROM_DICT_OR_DEREF => Op::LoadFromDictOrDeref,
        O::LOAD_LOCALS => Op::LoadLocals,
        O::LOAD_BUILD_CLASS => Op::LoadBuildClass,
        O::SETUP_ANNOTATIONS => Op::SetupAnnotations,
        O::STORE_SUBSCR => Op::StoreSubscr,
        O::DELETE_SUBSCR => Op::DeleteSubscr,
        O::BINARY_SLICE => Op::BinarySlice,
        O::STORE_SLICE => Op::StoreSlice,
        O::CALL => padded(p, Op::Call),
        O::CALL_KW => padded(p, Op::CallKw),
        O::CALL_FUNCTION_EX => padded(p, Op::CallFunctionEx),
        O::RETURN_VALUE => {
            // What lies behind them owns nothing.
            p.arg = u64::from(code.n_names);
            if generator { Op::ReturnGeneratorValue } else { Op::ReturnValue }
        }
        O::GET_ITER => Op::GetIter,
        O::FOR_ITER => Op::ForIter,
        O::RETURN_GENERATOR => Op::ReturnGenerator,
        O::YIELD_VALUE => Op::YieldValue,
        O::SEND => Op::SendValue,
        O::GET_YIELD_FROM_ITER => Op::GetYieldFromIter,
        O::GET_AWAITABLE => Op::GetAwaitable,
        O::GET_AITER => Op::GetAiter,
        O::GET_ANEXT => Op::GetAnext,
        O::END_ASYNC_FOR => Op::EndAsyncFor,
        O::CLEANUP_THROW => Op::CleanupThrow,
        O::BUILD_TUPLE => Op::BuildTuple,
        O::BUILD_LIST => Op::BuildList,
        O::BUILD_SET => Op::BuildSet,
        O::BUILD_MAP => Op::BuildMap,
        O::BUILD_STRING => Op::BuildString,
        O::BUILD_SLICE => Op::BuildSlice,
        O::BUILD_TEMPLATE => Op::BuildTemplate,
        O::BUILD_INTERPOLATION => Op::BuildInterpolation,
        O::LIST_APPEND => Op::ListAppend,
        O::SET_ADD => Op::SetAdd,
        O::MAP_ADD => Op::MapAdd,
        O::LIST_EXTEND => Op::ListExtend,
        O::SET_UPDATE => Op::SetUpdate,
        O::DICT_UPDATE => Op::DictUpdate,
        O::DICT_MERGE => Op::DictMerge,
        O::UNPACK_SEQUENCE => Op::UnpackSequence,
        O::UNPACK_EX => Op::UnpackEx,
        O::FORMAT_SIMPLE => Op::FormatSimple,
        O::FORMAT_WITH_SPEC => Op::FormatWithSpec,
        O::CONVERT_VALUE => Op::ConvertValue,
        O::MAKE_FUNCTION => Op::MakeFunction,
        O::SET_FUNCTION_ATTRIBUTE => Op::SetFunctionAttribute,
        O::CALL_INTRINSIC_1 => Op::CallIntrinsic1,
        O::CALL_INTRINSIC_2 => Op::CallIntrinsic2,
        O::LOAD_SPECIAL => Op::LoadSpecial,
        O::GET_LEN => Op::GetLen,
        O::MATCH_MAPPING => Op::MatchMapping,
        O::MATCH_SEQUENCE => Op::MatchSequence,
        O::MATCH_KEYS => Op::MatchKeys,
        O::MATCH_CLASS => Op::MatchClass,
        O::RAISE_VARARGS => Op::RaiseVarargs,
        O::RERAISE => Op::Reraise,
        O::PUSH_EXC_INFO => Op::PushExcInfo,
        O::POP_EXCEPT => Op::PopExcept,
        O::CHECK_EXC_MATCH => Op::CheckExcMatch,
        O::CHECK_EG_MATCH => Op::CheckEgMatch,
        O::WITH_EXCEPT_START => Op::WithExceptStart,
        other => unreachable!("the compiler does not emit {other:?}"),
    };
    true
}

/// Some instructions stand for two: LOAD_GLOBAL and LOAD_FAST pairs that push twice.
fn expand(i: &Instr) -> Option<(Op, u64)> {
    match i.op {
        Opcode::LOAD_GLOBAL if i.arg & 1 != 0 => Some((Op::PushNull, 0)),
        Opcode::LOAD_FAST_LOAD_FAST => Some((Op::LoadFast, u64::from(i.arg & 15))),
        Opcode::STORE_FAST_STORE_FAST => Some((Op::StoreFast, u64::from(i.arg & 15))),
        _ => None,
    }
}

fn named(code: &CodeObject, p: &mut Piece, name: u32, op: Op) -> Op {
    p.words.push(name_word(code, name));
    p.arg = 0;
    op
}

fn constant(p: &mut Piece, word: Word) -> Op {
    p.words.push(word.0);
    p.arg = 0;
    Op::LoadConst
}

/// A call is followed by the pad that `__init__` frames return to.
fn padded(p: &mut Piece, op: Op) -> Op {
    p.words.push(super::eval::unit(Op::InitPad, 0));
    op
}

/// Joins a test with the jump behind it, which stays as the slow way's next instruction.
fn fuse(p: &mut Piece, target: u32, op: Op) -> Op {
    p.target = Some(target);
    p.skip = 1;
    op
}

fn compare(i: &Instr, next: Option<&Instr>, p: &mut Piece) -> Op {
    let op = (i.arg >> 5) as usize;
    p.arg = 0;
    if i.arg & 16 != 0 {
        let jumps = [
            (Op::JumpLt, Op::JumpNotLt),
            (Op::JumpLe, Op::JumpNotLe),
            (Op::JumpEq, Op::JumpNotEq),
            (Op::JumpNe, Op::JumpNotNe),
            (Op::JumpGt, Op::JumpNotGt),
            (Op::JumpGe, Op::JumpNotGe),
        ];
        match next.map(|n| (n.op, jump_target(n))) {
            Some((Opcode::POP_JUMP_IF_TRUE, Some((t, false)))) => return fuse(p, t, jumps[op].0),
            Some((Opcode::POP_JUMP_IF_FALSE, Some((t, false)))) => return fuse(p, t, jumps[op].1),
            _ => {}
        }
        return [Op::TruthLt, Op::TruthLe, Op::TruthEq, Op::TruthNe, Op::TruthGt, Op::TruthGe][op];
    }
    [Op::CompareLt, Op::CompareLe, Op::CompareEq, Op::CompareNe, Op::CompareGt, Op::CompareGe][op]
}

fn binary(arg: u32) -> Op {
    use Op::*;
    const OPS: [Op; 27] = [
        BinaryAdd,
        BinaryAnd,
        BinaryFloorDivide,
        BinaryLshift,
        BinaryMatmul,
        BinaryMultiply,
        BinaryRemainder,
        BinaryOr,
        BinaryPower,
        BinaryRshift,
        BinarySubtract,
        BinaryTrueDivide,
        BinaryXor,
        InplaceAdd,
        InplaceAnd,
        InplaceFloorDivide,
        InplaceLshift,
        InplaceMatmul,
        InplaceMultiply,
        InplaceRemainder,
        InplaceOr,
        InplacePower,
        InplaceRshift,
        InplaceSubtract,
        InplaceTrueDivide,
        InplaceXor,
        BinarySubscr,
    ];
    OPS[arg as usize]
}

/// Gives every piece its place, resolves jumps, and writes the words.
/// `reporting` gets the places of the units
/// that report events, and their arguments.
fn lay_out(pieces: Vec<Piece>, n16: usize, reporting: &mut Vec<(u32, u16)>) -> Linked {
    let mut all = pieces;
    let mut wide = vec![false; all.len()];
    let mut places;
    let mut starts;
    loop {
        places = vec![u32::MAX; n16 + 1];
        starts = Vec::with_capacity(all.len());
        let mut at = 0u32;
        for (p, &w) in all.iter().zip(&wide) {
            starts.push(at);
            for o in p.start..=p.offset {
                if places[o as usize] == u32::MAX {
                    places[o as usize] = at;
                }
            }
            at += 1 + p.words.len() as u32 + if w { 2 } else { 0 };
        }
        places[n16] = at;
        // Offsets without a piece of their own go to the next one.
        let mut next = at;
        for o in (0..n16).rev() {
            if places[o] == u32::MAX {
                places[o] = next;
            }
            next = places[o];
        }
        let mut changed = false;
        for (k, p) in all.iter_mut().enumerate() {
            if let Some(t) = p.target {
                let end = starts[k] + 1 + if wide[k] { 2 } else { 0 } + p.skip as u32;
                let to = places[t as usize];
                let distance = if p.backward { end - to } else { to.wrapping_sub(end) };
                p.arg = u64::from(distance) << p.shift | p.low;
                if p.skip != 0 && p.arg >= 1 << 15 {
                    // Too far for the joined form: only the test stays.
                    p.op = unfused(p.op);
                    p.target = None;
                    p.arg = 0;
                    p.skip = 0;
                }
            }
            if !wide[k] && p.arg >= WIDE_MARK {
                wide[k] = true;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    let total = places[n16] as usize;
    let mut units = Vec::with_capacity(total);
    let mut offsets = Vec::with_capacity(total);
    for (p, &w) in all.iter().zip(&wide) {
        if w {
            units.push(super::eval::unit(Op::Wide, 0));
            units.push(p.arg);
            units.push(encode(p.op) << ARG_BITS | WIDE_MARK);
        } else {
            units.push(encode(p.op) << ARG_BITS | p.arg);
        }
        if matches!(p.op, Op::Event | Op::EventLine) {
            reporting.push((units.len() as u32 - 1, p.arg as u16));
        }
        units.extend_from_slice(&p.words);
        if matches!(p.op, Op::CallMonitored | Op::CallKwMonitored | Op::CallFunctionExMonitored) {
            reporting.push((units.len() as u32 - 1, p.words[1] as u16));
        }
        offsets.resize(units.len(), p.offset);
    }
    Linked {
        units: units.into(),
        offsets: offsets.into(),
        places: places.into(),
        next: AtomicPtr::new(core::ptr::null_mut()),
        instrumented: None,
        #[cfg(tail_calls)]
        spans: Default::default(),
    }
}

fn unfused(op: Op) -> Op {
    use Op::*;
    match op {
        JumpLt | JumpNotLt => TruthLt,
        JumpLe | JumpNotLe => TruthLe,
        JumpEq | JumpNotEq => TruthEq,
        JumpNe | JumpNotNe => TruthNe,
        JumpGt | JumpNotGt => TruthGt,
        JumpGe | JumpNotGe => TruthGe,
        JumpIfTruthy | JumpIfFalsy => ToBool,
        other => other,
    }
}
