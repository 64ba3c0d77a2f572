//! The instructions of the machine: what linked code consists of. One line each.

use typhon_sync::prim::{AtomicBool, Ordering};

use super::handlers::{
    append, arith, attr, attr_many, build, call, call_known, event, exc, iter, jump, locals, names, subscr,
};
use super::machine::{Handler, Out};
use crate::thread::Thread;
use crate::word::Word;

macro_rules! machine_ops {
    ($($(#[$doc:meta])* $name:ident $(of $general:ident)? = $f:path;)*) => {
        /// An instruction of linked code. Some are CPython's, some are versions specialised at link time
        /// or by what they met.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Op { $($(#[$doc])* $name),* }

        impl Op {
            /// Every instruction, by number.
            pub const ALL: &[Op] = &[$(Op::$name),*];
            pub const fn name(self) -> &'static str {
                match self { $(Op::$name => stringify!($name)),* }
            }
            /// The handler's function.
            pub fn handler(self) -> Handler {
                match self { $(Op::$name => $f),* }
            }
            /// The instruction of which this is a version that was chosen for what that met, and remembers it.
            pub const fn general(self) -> Option<Op> {
                match self { $(Op::$name => [$(Some(Op::$general),)? None][0]),* }
            }
            /// The handler behind one that notes for the statistics what runs, and where, and that `perf` can name.
            #[cfg(tail_calls)]
            pub fn noting_handler(self) -> Handler {
                match self { $(Op::$name => {
                    /// # Safety
                    /// As for handlers.
                    unsafe extern "sysv64" fn noting(pc: *const u64, sp: *mut Word, fp: *mut Word, th: *mut Thread, tos: Word, arg: u64) -> Out {
                        // SAFETY: passed on; `th` is the running thread.
                        unsafe {
                            note(th, pc, Op::$name);
                            if (*th).perf.is_elsewhere((*th).ci, pc) {
                                return crate::perf::switch($f, pc, sp, fp, th, tos, arg);
                            }
                            $f(pc, sp, fp, th, tos, arg)
                        }
                    }
                    noting
                }),* }
            }
        }

        /// Runs one instruction by number: the portable loop.
        ///
        /// # Safety
        /// As for handlers.
        #[inline(always)]
        #[allow(clippy::too_many_arguments, reason = "the machine's registers")]
        pub unsafe fn dispatch(op: u8, pc: *const u64, sp: *mut Word, fp: *mut Word, th: *mut Thread, tos: Word, arg: u64) -> Out {
            // SAFETY: passed on.
            unsafe {
                match op {
                    $(n if n == Op::$name as u8 => $f(pc, sp, fp, th, tos, arg),)*
                    _ => core::hint::unreachable_unchecked(),
                }
            }
        }
    };
}

machine_ops! {
    Nop = locals::nop;
    Wide = locals::wide;
    LoadFast = locals::load_fast;
    LoadFastBorrow = locals::load_fast_borrow;
    LoadFastBorrow2 = locals::load_fast_borrow2;
    LoadFastCheck = locals::load_fast_check;
    LoadFastAndClear = locals::load_fast_and_clear;
    StoreFast = locals::store_fast;
    StoreFastLoadFast = locals::store_fast_load_fast;
    DeleteFast = locals::delete_fast;
    LoadConst = locals::load_const;
    LoadSmallInt = locals::load_small_int;
    PushNull = locals::push_null;
    PopTop = locals::pop_top;
    Copy = locals::copy;
    Swap = locals::swap;
    EndSend = locals::end_send;
    MakeCell = locals::make_cell;
    CopyFreeVars = locals::copy_free_vars;
    LoadDeref = locals::load_deref;
    StoreDeref = locals::store_deref;
    DeleteDeref = locals::delete_deref;
    BinaryAdd = arith::binary_add;
    BinarySubtract = arith::binary_subtract;
    BinaryMultiply = arith::binary_multiply;
    BinaryFloorDivide = arith::binary_floor_divide;
    BinaryRemainder = arith::binary_remainder;
    BinaryTrueDivide = arith::binary_true_divide;
    BinaryAnd = arith::binary_and;
    BinaryOr = arith::binary_or;
    BinaryXor = arith::binary_xor;
    BinaryLshift = arith::binary_lshift;
    BinaryRshift = arith::binary_rshift;
    BinaryPower = arith::binary_power;
    BinaryMatmul = arith::binary_matmul;
    InplaceAdd = arith::inplace_add;
    InplaceSubtract = arith::inplace_subtract;
    InplaceMultiply = arith::inplace_multiply;
    InplaceFloorDivide = arith::inplace_floor_divide;
    InplaceRemainder = arith::inplace_remainder;
    InplaceTrueDivide = arith::inplace_true_divide;
    InplaceAnd = arith::inplace_and;
    InplaceOr = arith::inplace_or;
    InplaceXor = arith::inplace_xor;
    InplaceLshift = arith::inplace_lshift;
    InplaceRshift = arith::inplace_rshift;
    InplacePower = arith::inplace_power;
    InplaceMatmul = arith::inplace_matmul;
    AddConst = arith::add_const;
    CompareLt = arith::compare_lt;
    CompareLe = arith::compare_le;
    CompareEq = arith::compare_eq;
    CompareNe = arith::compare_ne;
    CompareGt = arith::compare_gt;
    CompareGe = arith::compare_ge;
    TruthLt = arith::truth_lt;
    TruthLe = arith::truth_le;
    TruthEq = arith::truth_eq;
    TruthNe = arith::truth_ne;
    TruthGt = arith::truth_gt;
    TruthGe = arith::truth_ge;
    JumpLt = arith::jump_lt;
    JumpLe = arith::jump_le;
    JumpEq = arith::jump_eq;
    JumpNe = arith::jump_ne;
    JumpGt = arith::jump_gt;
    JumpGe = arith::jump_ge;
    JumpNotLt = arith::jump_not_lt;
    JumpNotLe = arith::jump_not_le;
    JumpNotEq = arith::jump_not_eq;
    JumpNotNe = arith::jump_not_ne;
    JumpNotGt = arith::jump_not_gt;
    JumpNotGe = arith::jump_not_ge;
    UnaryNot = arith::unary_not;
    UnaryNegative = arith::unary_negative;
    UnaryInvert = arith::unary_invert;
    ToBool = arith::to_bool;
    IsOp = arith::is_op;
    ContainsOp = subscr::contains_op;
    JumpForward = jump::jump_forward;
    JumpBackward = jump::jump_backward;
    JumpBackwardNoInterrupt = jump::jump_backward_no_interrupt;
    PopJumpIfTrue = jump::pop_jump_if_true;
    PopJumpIfFalse = jump::pop_jump_if_false;
    JumpIfTruthy = jump::jump_if_truthy;
    JumpIfFalsy = jump::jump_if_falsy;
    PopJumpIfNone = jump::pop_jump_if_none;
    PopJumpIfNotNone = jump::pop_jump_if_not_none;
    LoadAttr = attr::load_attr;
    LoadAttrGeneric = attr::load_attr_generic;
    LoadAttrMany of LoadAttr = attr_many::load_attr_many;
    LoadAttrSlot of LoadAttr = attr::load_attr_slot;
    LoadAttrSlot2 of LoadAttr = attr::load_attr_slot2;
    LoadAttrModule of LoadAttr = attr::load_attr_module;
    LoadAttrClass of LoadAttr = attr::load_attr_class;
    LoadAttrClassValue of LoadAttr = attr::load_attr_class_value;
    LoadAttrClassWord of LoadAttr = attr::load_attr_class_word;
    LoadAttrProperty of LoadAttr = attr::load_attr_property;
    LoadAttrOfClass of LoadAttr = attr::load_attr_of_class;
    LoadAttrOfClassValue of LoadAttr = attr::load_attr_of_class_value;
    LoadAttrOfClassWord of LoadAttr = attr::load_attr_of_class_word;
    LoadMethod = attr::load_method;
    LoadMethodOfClass of LoadMethod = attr::load_method_of_class;
    LoadMethodClassmethod of LoadMethod = attr::load_method_classmethod;
    LoadMethodGeneric = attr::load_method_generic;
    LoadMethodMany of LoadMethod = attr_many::load_method_many;
    LoadMethodClass of LoadMethod = attr::load_method_class;
    LoadMethodClass2 of LoadMethod = attr::load_method_class2;
    LoadMethodModule of LoadMethod = attr::load_method_module;
    LoadMethodSlot of LoadMethod = attr::load_method_slot;
    LoadSuperAttr = attr::load_super_attr;
    StoreAttr = attr::store_attr;
    StoreAttrGeneric = attr::store_attr_generic;
    StoreAttrMany of StoreAttr = attr_many::store_attr_many;
    StoreAttrSlot of StoreAttr = attr::store_attr_slot;
    StoreAttrSlot2 of StoreAttr = attr::store_attr_slot2;
    StoreAttrAdd of StoreAttr = attr::store_attr_add;
    DeleteAttr = attr::delete_attr;
    BinarySubscr = subscr::binary_subscr;
    StoreSubscr = subscr::store_subscr;
    DeleteSubscr = subscr::delete_subscr;
    BinarySlice = subscr::binary_slice;
    StoreSlice = subscr::store_slice;
    Call = call::call;
    CallLen of Call = call_known::call_len;
    CallIsinstance of Call = call_known::call_isinstance;
    CallAppend of Call = call_known::call_append;
    CallGet of Call = call_known::call_get;
    CallClass of Call = call_known::call_class;
    CallFunction of Call = call_known::call_function;
    CallMethod of Call = call_known::call_method;
    CallKw = call::call_kw;
    CallFunctionEx = call::call_function_ex;
    /// Follows every CALL.
    InitPad = call::init_pad;
    ReturnValue = call::return_value;
    /// First unit of code that was never called.
    Link = call::link;
    /// Leaves the machine.
    Exit = call::exit;
    /// Return address of an `__init__` called natively.
    InitReturn = call::exit;
    Raise = exc::raise;
    LoadGlobal = names::load_global;
    LoadGlobalGeneric = names::load_global_generic;
    LoadGlobalModule of LoadGlobal = names::load_global_module;
    LoadGlobalModuleNull of LoadGlobal = names::load_global_module_null;
    LoadGlobalBuiltin of LoadGlobal = names::load_global_builtin;
    LoadGlobalBuiltinNull of LoadGlobal = names::load_global_builtin_null;
    LoadName = names::load_name;
    StoreName = names::store_name;
    DeleteName = names::delete_name;
    StoreGlobal = names::store_global;
    DeleteGlobal = names::delete_global;
    LoadLocals = names::load_locals;
    LoadFromDictOrGlobals = names::load_from_dict_or_globals;
    LoadFromDictOrDeref = names::load_from_dict_or_deref;
    LoadBuildClass = names::load_build_class;
    ImportName = names::import_name;
    ImportFrom = names::import_from;
    SetupAnnotations = names::setup_annotations;
    GetIter = iter::get_iter;
    ForIter = iter::for_iter;
    /// GET_ITER of a loop, which can do without an iterator.
    GetIterInPlace = iter::get_iter_in_place;
    /// The FOR_ITER that belongs to it.
    ForIterInPlace = iter::for_iter_in_place;
    /// The same with UNPACK_SEQUENCE of two behind it.
    ForIterPair = iter::for_iter_pair;
    EndFor = iter::end_for;
    ReturnGenerator = iter::return_generator;
    YieldValue = iter::yield_value;
    ReturnGeneratorValue = iter::return_generator_value;
    SendValue = iter::send;
    GetYieldFromIter = iter::get_yield_from_iter;
    GetAwaitable = iter::get_awaitable;
    GetAiter = iter::get_aiter;
    GetAnext = iter::get_anext;
    EndAsyncFor = iter::end_async_for;
    CleanupThrow = iter::cleanup_throw;
    BuildTuple = build::build_tuple;
    BuildList = build::build_list;
    BuildSet = build::build_set;
    BuildMap = build::build_map;
    BuildString = build::build_string;
    BuildSlice = build::build_slice;
    BuildTemplate = build::build_template;
    BuildInterpolation = build::build_interpolation;
    ListAppend = append::list_append;
    SetAdd = build::set_add;
    MapAdd = build::map_add;
    ListExtend = build::list_extend;
    SetUpdate = build::set_update;
    DictUpdate = build::dict_update;
    DictMerge = build::dict_merge;
    UnpackSequence = build::unpack_sequence;
    UnpackEx = build::unpack_ex;
    FormatSimple = build::format_simple;
    FormatWithSpec = build::format_with_spec;
    ConvertValue = build::convert_value;
    MakeFunction = build::make_function;
    SetFunctionAttribute = build::set_function_attribute;
    CallIntrinsic1 = build::call_intrinsic_1;
    CallIntrinsic2 = build::call_intrinsic_2;
    LoadSpecial = build::load_special;
    GetLen = build::get_len;
    MatchMapping = build::match_mapping;
    MatchSequence = build::match_sequence;
    MatchKeys = build::match_keys;
    MatchClass = build::match_class;
    RaiseVarargs = exc::raise_varargs;
    Reraise = exc::reraise;
    PushExcInfo = exc::push_exc_info;
    PopExcept = exc::pop_except;
    CheckExcMatch = exc::check_exc_match;
    CheckEgMatch = exc::check_eg_match;
    WithExceptStart = exc::with_except_start;
    /// A unit of code that its frames have left for another form of it.
    Moved = event::moved;
    /// Reports an event of the instruction behind it.
    Event = event::event;
    /// Reports that a line begins.
    EventLine = event::event_line;
    /// CALL that reports what it calls.
    CallMonitored = event::call_monitored;
    CallKwMonitored = event::call_kw_monitored;
    CallFunctionExMonitored = event::call_function_ex_monitored;
}

/// Linked code notes what runs. Set before any is linked, and for good.
static NOTING: AtomicBool = AtomicBool::new(false);

/// From now on linked code consists of handlers that note what runs; before there is any.
pub(crate) fn note_instructions() {
    // ORDERING Relaxed: there is one thread.
    NOTING.store(true, Ordering::Relaxed);
}

/// Linked code consists of handlers that note what runs.
pub(crate) fn is_noting() -> bool {
    // ORDERING Relaxed: set before there are other threads.
    NOTING.load(Ordering::Relaxed)
}

/// Notes for the statistics, of whatever kind there are, that `op`, the instruction in front of `pc`, runs.
///
/// # Safety
/// `th` is the running thread.
#[inline(always)]
pub unsafe fn note(th: *mut Thread, pc: *const u64, op: Op) {
    // SAFETY: by contract.
    unsafe {
        if let Some(recorder) = &(*th).recorder {
            recorder.note(pc);
        }
        if let Some(counts) = &(*th).opcodes {
            counts.count(op);
        }
    }
}

/// The upper bits of the instruction's unit: the handler's address, or its number in the portable
/// loop.
#[inline]
pub fn encode(op: Op) -> u64 {
    #[cfg(tail_calls)]
    {
        let handler = if is_noting() { op.noting_handler() } else { op.handler() };
        handler as usize as u64
    }
    #[cfg(not(tail_calls))]
    {
        op as u64
    }
}
