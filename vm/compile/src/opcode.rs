//! The one declaration of every opcode.
//!
//! Names, numbers and meanings are those of CPython 3.14's unspecialised instruction set, so that `dis`, `inspect` and
//! tools that read `co_code` work. Differences: there are no inline cache entries in the code, and `NOT_TAKEN`, which
//! only serves `sys.monitoring`, is not emitted.
//!
//! A unit is 16 bits: the opcode, then an 8-bit argument, which preceding EXTENDED_ARG units widen. Jump arguments count units from the
//! next instruction.

/// Calls `$callback!` with a row for each opcode, in order of the numbers:
/// `(NAME, number, ArgKind, Flow, pops, pushes)`, where `pops` and `pushes` are closures of the argument.
#[macro_export]
macro_rules! for_each_opcode {
    ($callback:ident $($extra:tt)*) => {
        $callback! { $($extra)*
            /// Placeholder of CPython's inline caches. Never emitted.
            ///
            /// Stack: `--`.
            (CACHE, 0, None, Next, |_| 0, |_| 0)
            /// `container[start:stop]`.
            ///
            /// Stack: `container, start, stop -- result`.
            (BINARY_SLICE, 1, None, Next, |_| 3, |_| 1)
            /// Makes a `Template` of two tuples (PEP 750).
            ///
            /// Stack: `strings, interpolations -- template`.
            (BUILD_TEMPLATE, 2, None, Next, |_| 2, |_| 1)
            /// `callable(*args, **kwargs)`.
            ///
            /// Stack: `callable, null, args, kwargs_or_null -- result`.
            (CALL_FUNCTION_EX, 4, None, Next, |_| 4, |_| 1)
            /// Splits an exception group for `except*`; `match` is None if nothing matches.
            ///
            /// Stack: `exc, type -- rest, match`.
            (CHECK_EG_MATCH, 5, None, Next, |_| 2, |_| 2)
            /// Whether `exc` is an instance of `type` (a class or a tuple of classes).
            ///
            /// Stack: `exc, type -- exc, bool`.
            (CHECK_EXC_MATCH, 6, None, Next, |_| 2, |_| 2)
            /// Turns StopIteration thrown through a delegation into its value; raises anything else again.
            ///
            /// Stack: `sub_iter, last_sent, exc -- none, value`.
            (CLEANUP_THROW, 7, None, Next, |_| 3, |_| 2)
            /// `del container[sub]`.
            ///
            /// Stack: `container, sub --`.
            (DELETE_SUBSCR, 8, None, Next, |_| 2, |_| 0)
            /// Target of FOR_ITER's jump, which skips it; only a frame that ends as an iteration result runs it.
            ///
            /// Stack: `value --`.
            (END_FOR, 9, None, Next, |_| 1, |_| 0)
            /// Drops the receiver of a finished delegation.
            ///
            /// Stack: `receiver, value -- value`.
            (END_SEND, 10, None, Next, |_| 2, |_| 1)
            /// Checks that `__init__` returned None. For the interpreter's own use.
            ///
            /// Stack: `none --`.
            (EXIT_INIT_CHECK, 11, None, Next, |_| 1, |_| 0)
            /// `format(value, '')`; a str passes unchanged.
            ///
            /// Stack: `value -- str`.
            (FORMAT_SIMPLE, 12, None, Next, |_| 1, |_| 1)
            /// `format(value, spec)`.
            ///
            /// Stack: `value, spec -- str`.
            (FORMAT_WITH_SPEC, 13, None, Next, |_| 2, |_| 1)
            /// `type(obj).__aiter__(obj)`, checked to have `__anext__`.
            ///
            /// Stack: `obj -- iter`.
            (GET_AITER, 14, None, Next, |_| 1, |_| 1)
            /// Pushes the awaitable of `__anext__()`.
            ///
            /// Stack: `aiter -- aiter, awaitable`.
            (GET_ANEXT, 15, None, Next, |_| 1, |_| 2)
            /// `iter(iterable)`.
            ///
            /// Stack: `iterable -- iter`.
            (GET_ITER, 16, None, Next, |_| 1, |_| 1)
            /// Never emitted.
            ///
            /// Stack: `--`.
            (RESERVED, 17, None, Next, |_| 0, |_| 0)
            /// Pushes `len(obj)`.
            ///
            /// Stack: `obj -- obj, len`.
            (GET_LEN, 18, None, Next, |_| 1, |_| 2)
            /// `iter(iterable)`, but a coroutine or generator is taken as it is.
            ///
            /// Stack: `iterable -- iter`.
            (GET_YIELD_FROM_ITER, 19, None, Next, |_| 1, |_| 1)
            /// Leaves the interpreter loop. For the interpreter's own use.
            ///
            /// Stack: `value --`.
            (INTERPRETER_EXIT, 20, None, End, |_| 1, |_| 0)
            /// Pushes `builtins.__build_class__`.
            ///
            /// Stack: `-- build_class`.
            (LOAD_BUILD_CLASS, 21, None, Next, |_| 0, |_| 1)
            /// Pushes the frame's namespace object.
            ///
            /// Stack: `-- locals`.
            (LOAD_LOCALS, 22, None, Next, |_| 0, |_| 1)
            /// Makes a function of a code object and the frame's globals.
            ///
            /// Stack: `code -- function`.
            (MAKE_FUNCTION, 23, None, Next, |_| 1, |_| 1)
            /// Looks up a tuple of keys; a tuple of values, or None if one is missing.
            ///
            /// Stack: `subject, keys -- subject, keys, values_or_none`.
            (MATCH_KEYS, 24, None, Next, |_| 2, |_| 3)
            /// Whether the subject's type has the mapping flag.
            ///
            /// Stack: `subject -- subject, bool`.
            (MATCH_MAPPING, 25, None, Next, |_| 1, |_| 2)
            /// Whether the subject's type has the sequence flag.
            ///
            /// Stack: `subject -- subject, bool`.
            (MATCH_SEQUENCE, 26, None, Next, |_| 1, |_| 2)
            /// Does nothing; keeps a line for tracing.
            ///
            /// Stack: `--`.
            (NOP, 27, None, Next, |_| 0, |_| 0)
            /// Marker of an untaken branch for monitoring. This compiler does not emit it.
            ///
            /// Stack: `--`.
            (NOT_TAKEN, 28, None, Next, |_| 0, |_| 0)
            /// Restores the exception being handled.
            ///
            /// Stack: `prev_exc --`.
            (POP_EXCEPT, 29, None, Next, |_| 1, |_| 0)
            /// Drops the iterator of a finished loop.
            ///
            /// Stack: `iter --`.
            (POP_ITER, 30, None, Next, |_| 1, |_| 0)
            /// Drops the top of the stack.
            ///
            /// Stack: `value --`.
            (POP_TOP, 31, None, Next, |_| 1, |_| 0)
            /// Makes `exc` the exception being handled and pushes the former one under it.
            ///
            /// Stack: `exc -- prev_exc, exc`.
            (PUSH_EXC_INFO, 32, None, Next, |_| 1, |_| 2)
            /// Pushes NULL.
            ///
            /// Stack: `-- null`.
            (PUSH_NULL, 33, None, Next, |_| 0, |_| 1)
            /// Makes a generator, coroutine or async generator of the frame and returns it; the first resumption continues behind it with the value sent (None) on the stack.
            ///
            /// Stack: `-- sent`.
            (RETURN_GENERATOR, 34, None, Next, |_| 0, |_| 1)
            /// Returns to the caller.
            ///
            /// Stack: `value --`.
            (RETURN_VALUE, 35, None, End, |_| 1, |_| 0)
            /// Makes `__annotations__` in the namespace if it is not there.
            ///
            /// Stack: `--`.
            (SETUP_ANNOTATIONS, 36, None, Next, |_| 0, |_| 0)
            /// `container[start:stop] = value`.
            ///
            /// Stack: `value, container, start, stop --`.
            (STORE_SLICE, 37, None, Next, |_| 4, |_| 0)
            /// `container[sub] = value`.
            ///
            /// Stack: `value, container, sub --`.
            (STORE_SUBSCR, 38, None, Next, |_| 3, |_| 0)
            /// `bool(value)`.
            ///
            /// Stack: `value -- bool`.
            (TO_BOOL, 39, None, Next, |_| 1, |_| 1)
            /// `~value`.
            ///
            /// Stack: `value -- result`.
            (UNARY_INVERT, 40, None, Next, |_| 1, |_| 1)
            /// `-value`.
            ///
            /// Stack: `value -- result`.
            (UNARY_NEGATIVE, 41, None, Next, |_| 1, |_| 1)
            /// `not`; the operand is always a bool.
            ///
            /// Stack: `bool -- bool`.
            (UNARY_NOT, 42, None, Next, |_| 1, |_| 1)
            /// Calls the context manager's exit method with the exception's triple.
            ///
            /// Stack: `exit, exit_self, lasti, prev_exc, exc -- exit, exit_self, lasti, prev_exc, exc, result`.
            (WITH_EXCEPT_START, 43, None, Next, |_| 5, |_| 6)
            /// The operator of `BinaryOp`; 26 is subscription.
            ///
            /// Stack: `left, right -- result`.
            (BINARY_OP, 44, BinaryOp, Next, |_| 2, |_| 1)
            /// Bit 0: with a format spec; bits 2..: the conversion, as in CONVERT_VALUE, 0 for none.
            ///
            /// Stack: `value, str, [spec] -- interpolation`.
            (BUILD_INTERPOLATION, 45, Raw, Next, |a| 2 + (a & 1), |_| 1)
            /// A list of `arg` items.
            ///
            /// Stack: `items… -- list`.
            (BUILD_LIST, 46, Raw, Next, |a| a, |_| 1)
            /// A dict of `arg` pairs.
            ///
            /// Stack: `key, value, … -- dict`.
            (BUILD_MAP, 47, Raw, Next, |a| a.saturating_mul(2), |_| 1)
            /// A set of `arg` items.
            ///
            /// Stack: `items… -- set`.
            (BUILD_SET, 48, Raw, Next, |a| a, |_| 1)
            /// A slice of `arg` (2 or 3) parts.
            ///
            /// Stack: `start, stop, [step] -- slice`.
            (BUILD_SLICE, 49, Raw, Next, |a| a, |_| 1)
            /// Joins `arg` strings.
            ///
            /// Stack: `pieces… -- str`.
            (BUILD_STRING, 50, Raw, Next, |a| a, |_| 1)
            /// A tuple of `arg` items.
            ///
            /// Stack: `items… -- tuple`.
            (BUILD_TUPLE, 51, Raw, Next, |a| a, |_| 1)
            /// Calls with `arg` positional arguments, `self` not counted.
            ///
            /// Stack: `callable, self_or_null, args… -- result`.
            (CALL, 52, Raw, Next, |a| a.saturating_add(2), |_| 1)
            /// The function of `Intrinsic1`.
            ///
            /// Stack: `value -- result`.
            (CALL_INTRINSIC_1, 53, Raw, Next, |_| 1, |_| 1)
            /// The function of `Intrinsic2`; see there for the order.
            ///
            /// Stack: `second, first -- result`.
            (CALL_INTRINSIC_2, 54, Raw, Next, |_| 2, |_| 1)
            /// Calls with `arg` arguments; the last `len(names)` of them are keywords.
            ///
            /// Stack: `callable, self_or_null, args…, names -- result`.
            (CALL_KW, 55, Raw, Next, |a| a.saturating_add(3), |_| 1)
            /// Rich comparison: `op << 5`, bit 4 = convert to bool, low bits = CPython's comparison mask.
            ///
            /// Stack: `left, right -- result`.
            (COMPARE_OP, 56, Compare, Next, |_| 2, |_| 1)
            /// `value in container`; 1 = `not in`.
            ///
            /// Stack: `value, container -- bool`.
            (CONTAINS_OP, 57, Raw, Next, |_| 2, |_| 1)
            /// 1 `str`, 2 `repr`, 3 `ascii`.
            ///
            /// Stack: `value -- str`.
            (CONVERT_VALUE, 58, Raw, Next, |_| 1, |_| 1)
            /// Pushes a copy of the item at depth `arg`, 1 = top.
            ///
            /// Stack: `item, … -- item, …, item`.
            (COPY, 59, Raw, Next, |a| a, |a| a.saturating_add(1))
            /// Copies `arg` cells of the closure into the frame.
            ///
            /// Stack: `--`.
            (COPY_FREE_VARS, 60, Raw, Next, |_| 0, |_| 0)
            /// `del owner.name`.
            ///
            /// Stack: `owner --`.
            (DELETE_ATTR, 61, Name, Next, |_| 1, |_| 0)
            /// Empties a cell; an error if it is empty.
            ///
            /// Stack: `--`.
            (DELETE_DEREF, 62, Deref, Next, |_| 0, |_| 0)
            /// Unbinds a local; an error if it is unbound.
            ///
            /// Stack: `--`.
            (DELETE_FAST, 63, Local, Next, |_| 0, |_| 0)
            /// Deletes a global.
            ///
            /// Stack: `--`.
            (DELETE_GLOBAL, 64, Name, Next, |_| 0, |_| 0)
            /// Deletes a name of the namespace.
            ///
            /// Stack: `--`.
            (DELETE_NAME, 65, Name, Next, |_| 0, |_| 0)
            /// Merges keyword arguments into the dict at depth `arg` below `update`; a duplicate is an error about the callable.
            ///
            /// Stack: `callable, null, args, dict, …, update -- callable, null, args, dict, …`.
            (DICT_MERGE, 66, Raw, Next, |a| a.saturating_add(4), |a| a.saturating_add(3))
            /// `dict.update(update)`, for the dict at depth `arg` below `update`.
            ///
            /// Stack: `dict, …, update -- dict, …`.
            (DICT_UPDATE, 67, Raw, Next, |a| a.saturating_add(1), |a| a)
            /// Swallows StopAsyncIteration; raises anything else again. The argument only serves monitoring.
            ///
            /// Stack: `awaitable, exc --`.
            (END_ASYNC_FOR, 68, Raw, Next, |_| 2, |_| 0)
            /// Eight further high bits for the next instruction's argument.
            ///
            /// Stack: `--`.
            (EXTENDED_ARG, 69, Raw, Next, |_| 0, |_| 0)
            /// Pushes the next item; at the end jumps to the END_FOR at the target and skips it, with the iterator still on the stack.
            ///
            /// Stack: `iter -- iter, next`.
            (FOR_ITER, 70, Forward, Next, |_| 1, |_| 2)
            /// The iterator of an awaitable; 1, 2: it came from `__aenter__`, `__aexit__` (for the message).
            ///
            /// Stack: `obj -- iter`.
            (GET_AWAITABLE, 71, Raw, Next, |_| 1, |_| 1)
            /// Pushes an attribute or submodule of the module.
            ///
            /// Stack: `module -- module, value`.
            (IMPORT_FROM, 72, Name, Next, |_| 1, |_| 2)
            /// `__import__(name, globals, locals, fromlist, level)`.
            ///
            /// Stack: `level, fromlist -- module`.
            (IMPORT_NAME, 73, Name, Next, |_| 2, |_| 1)
            /// `left is right`; 1 = `is not`.
            ///
            /// Stack: `left, right -- bool`.
            (IS_OP, 74, Raw, Next, |_| 2, |_| 1)
            /// Jumps back; a safepoint.
            ///
            /// Stack: `--`.
            (JUMP_BACKWARD, 75, Backward, End, |_| 0, |_| 0)
            /// Jumps back inside an await or yield from, without a look at signals.
            ///
            /// Stack: `--`.
            (JUMP_BACKWARD_NO_INTERRUPT, 76, Backward, End, |_| 0, |_| 0)
            /// Jumps forward.
            ///
            /// Stack: `--`.
            (JUMP_FORWARD, 77, Forward, End, |_| 0, |_| 0)
            /// Appends to the list at depth `arg` below the value.
            ///
            /// Stack: `list, …, value -- list, …`.
            (LIST_APPEND, 78, Raw, Next, |a| a.saturating_add(1), |a| a)
            /// Extends the list at depth `arg` below the iterable.
            ///
            /// Stack: `list, …, iterable -- list, …`.
            (LIST_EXTEND, 79, Raw, Next, |a| a.saturating_add(1), |a| a)
            /// Bit 0: method call, pushes the unbound method and `self`, or the attribute and NULL. Bits 1..: name.
            ///
            /// Stack: `owner -- attr, [self_or_null]`.
            (LOAD_ATTR, 80, NameMethod, Next, |_| 1, |a| 1 + (a & 1))
            /// A constant of `CommonConstant`.
            ///
            /// Stack: `-- value`.
            (LOAD_COMMON_CONSTANT, 81, Raw, Next, |_| 0, |_| 1)
            /// A constant.
            ///
            /// Stack: `-- value`.
            (LOAD_CONST, 82, Const, Next, |_| 0, |_| 1)
            /// Content of a cell; an error if it is empty.
            ///
            /// Stack: `-- value`.
            (LOAD_DEREF, 83, Deref, Next, |_| 0, |_| 1)
            /// A local known to be bound.
            ///
            /// Stack: `-- value`.
            (LOAD_FAST, 84, Local, Next, |_| 0, |_| 1)
            /// Pushes a local or NULL and unbinds it.
            ///
            /// Stack: `-- value_or_null`.
            (LOAD_FAST_AND_CLEAR, 85, Local, Next, |_| 0, |_| 1)
            /// Like LOAD_FAST; the local outlives the value's stay on the stack.
            ///
            /// Stack: `-- value`.
            (LOAD_FAST_BORROW, 86, Local, Next, |_| 0, |_| 1)
            /// Two borrowed locals: `arg >> 4`, then `arg & 15`.
            ///
            /// Stack: `-- first, second`.
            (LOAD_FAST_BORROW_LOAD_FAST_BORROW, 87, LocalPair, Next, |_| 0, |_| 2)
            /// A local; UnboundLocalError if it is unbound.
            ///
            /// Stack: `-- value`.
            (LOAD_FAST_CHECK, 88, Local, Next, |_| 0, |_| 1)
            /// Two locals: `arg >> 4`, then `arg & 15`.
            ///
            /// Stack: `-- first, second`.
            (LOAD_FAST_LOAD_FAST, 89, LocalPair, Next, |_| 0, |_| 2)
            /// From the mapping, else from the cell.
            ///
            /// Stack: `mapping -- value`.
            (LOAD_FROM_DICT_OR_DEREF, 90, Deref, Next, |_| 1, |_| 1)
            /// From the mapping, else global or builtin.
            ///
            /// Stack: `mapping -- value`.
            (LOAD_FROM_DICT_OR_GLOBALS, 91, Name, Next, |_| 1, |_| 1)
            /// A global or builtin. Bit 0: pushes NULL after it. Bits 1..: name.
            ///
            /// Stack: `-- value, [null]`.
            (LOAD_GLOBAL, 92, NameGlobal, Next, |_| 0, |a| 1 + (a & 1))
            /// From the namespace, else global or builtin.
            ///
            /// Stack: `-- value`.
            (LOAD_NAME, 93, Name, Next, |_| 0, |_| 1)
            /// The int `arg`, 0..=255.
            ///
            /// Stack: `-- int`.
            (LOAD_SMALL_INT, 94, Raw, Next, |_| 0, |_| 1)
            /// The method of `SpecialMethod`, looked up on the type.
            ///
            /// Stack: `owner -- method, self_or_null`.
            (LOAD_SPECIAL, 95, Raw, Next, |_| 1, |_| 2)
            /// Bit 0: method call as in LOAD_ATTR; bit 1: `super` was called with two arguments; bits 2..: name.
            ///
            /// Stack: `super, class, self -- attr, [self_or_null]`.
            (LOAD_SUPER_ATTR, 96, NameSuper, Next, |_| 3, |a| 1 + (a & 1))
            /// Wraps a local (its argument value, or nothing) into a new cell.
            ///
            /// Stack: `--`.
            (MAKE_CELL, 97, Local, Next, |_| 0, |_| 0)
            /// `dict[key] = value`, for the dict at depth `arg` below the key.
            ///
            /// Stack: `dict, …, key, value -- dict, …`.
            (MAP_ADD, 98, Raw, Next, |a| a.saturating_add(2), |a| a)
            /// Class pattern with `arg` positional subpatterns: a tuple of attributes, or None.
            ///
            /// Stack: `subject, type, names -- attrs_or_none`.
            (MATCH_CLASS, 99, Raw, Next, |_| 3, |_| 1)
            /// Jumps forward if False; the operand is always a bool.
            ///
            /// Stack: `bool --`.
            (POP_JUMP_IF_FALSE, 100, Forward, Next, |_| 1, |_| 0)
            /// Jumps forward if None.
            ///
            /// Stack: `value --`.
            (POP_JUMP_IF_NONE, 101, Forward, Next, |_| 1, |_| 0)
            /// Jumps forward if not None.
            ///
            /// Stack: `value --`.
            (POP_JUMP_IF_NOT_NONE, 102, Forward, Next, |_| 1, |_| 0)
            /// Jumps forward if True; the operand is always a bool.
            ///
            /// Stack: `bool --`.
            (POP_JUMP_IF_TRUE, 103, Forward, Next, |_| 1, |_| 0)
            /// 0: raise again; 1: `raise exc`; 2: `raise exc from cause`.
            ///
            /// Stack: `[exc, [cause]] --`.
            (RAISE_VARARGS, 104, Raw, End, |a| a, |_| 0)
            /// Raises `exc` again; with `arg` 1 the position on the stack becomes the frame's.
            ///
            /// Stack: `[lasti], exc -- [lasti]`.
            (RERAISE, 105, Raw, End, |a| a.saturating_add(1), |a| a)
            /// Sends into the receiver; jumps when it is finished, with its return value.
            ///
            /// Stack: `receiver, value -- receiver, result`.
            (SEND, 106, Forward, Next, |_| 2, |_| 2)
            /// Adds to the set at depth `arg` below the value.
            ///
            /// Stack: `set, …, value -- set, …`.
            (SET_ADD, 107, Raw, Next, |a| a.saturating_add(1), |a| a)
            /// Sets the attribute of `FunctionAttribute`.
            ///
            /// Stack: `attr, function -- function`.
            (SET_FUNCTION_ATTRIBUTE, 108, Raw, Next, |_| 2, |_| 1)
            /// Updates the set at depth `arg` below the iterable.
            ///
            /// Stack: `set, …, iterable -- set, …`.
            (SET_UPDATE, 109, Raw, Next, |a| a.saturating_add(1), |a| a)
            /// `owner.name = value`.
            ///
            /// Stack: `value, owner --`.
            (STORE_ATTR, 110, Name, Next, |_| 2, |_| 0)
            /// Stores into a cell.
            ///
            /// Stack: `value --`.
            (STORE_DEREF, 111, Deref, Next, |_| 1, |_| 0)
            /// Stores a local; the value may be the NULL of LOAD_FAST_AND_CLEAR.
            ///
            /// Stack: `value --`.
            (STORE_FAST, 112, Local, Next, |_| 1, |_| 0)
            /// Stores `arg >> 4`, loads `arg & 15`.
            ///
            /// Stack: `value -- local`.
            (STORE_FAST_LOAD_FAST, 113, LocalPair, Next, |_| 1, |_| 1)
            /// Stores the top into `arg >> 4`, the next into `arg & 15`.
            ///
            /// Stack: `second, first --`.
            (STORE_FAST_STORE_FAST, 114, LocalPair, Next, |_| 2, |_| 0)
            /// Stores a global.
            ///
            /// Stack: `value --`.
            (STORE_GLOBAL, 115, Name, Next, |_| 1, |_| 0)
            /// Stores a name of the namespace.
            ///
            /// Stack: `value --`.
            (STORE_NAME, 116, Name, Next, |_| 1, |_| 0)
            /// Exchanges the top with the item at depth `arg`.
            ///
            /// Stack: `item, …, top -- top, …, item`.
            (SWAP, 117, Raw, Next, |a| a, |a| a)
            /// Unpacks with a starred target: `arg & 255` items before, `arg >> 8` after it; the first lies on top.
            ///
            /// Stack: `iterable -- items…`.
            (UNPACK_EX, 118, Raw, Next, |_| 1, |a| 1 + (a & 255) + (a >> 8))
            /// Unpacks exactly `arg` items; the first lies on top.
            ///
            /// Stack: `iterable -- items…`.
            (UNPACK_SEQUENCE, 119, Raw, Next, |_| 1, |a| a)
            /// Yields; 1 = on behalf of an await or yield from.
            ///
            /// Stack: `value -- sent`.
            (YIELD_VALUE, 120, Raw, Next, |_| 1, |_| 1)
            /// Entry: bits 0..1 = 0 start, 1 after yield, 2 after yield from, 3 after await; bit 2: only one exception block around. A safepoint.
            ///
            /// Stack: `--`.
            (RESUME, 128, Raw, Next, |_| 0, |_| 0)
        }
    };
}

/// What the argument of an instruction means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgKind {
    /// No argument; the byte is 0.
    None,
    /// A number with a meaning of its own.
    Raw,
    /// Index into `consts`.
    Const,
    /// Index into `names`.
    Name,
    /// Index into `names`, above one bit.
    NameGlobal,
    /// Index into `names`, above one bit.
    NameMethod,
    /// Index into `names`, above two bits.
    NameSuper,
    /// Index into `localsplusnames`: a local that is not a cell, or for MAKE_CELL the one to become a cell.
    Local,
    /// Two such indices of four bits.
    LocalPair,
    /// Index into `localsplusnames` of a cell or free variable.
    Deref,
    /// `Compare` operator with mask.
    Compare,
    /// `BinaryOp`.
    BinaryOp,
    /// Units forward from the next instruction.
    Forward,
    /// Units backward from the next instruction.
    Backward,
}

/// Whether control can reach the next instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It can.
    Next,
    /// Return, raise or unconditional jump.
    End,
}

macro_rules! declare_opcodes {
    ($( $(#[$doc:meta])* ($name:ident, $number:literal, $kind:ident, $flow:ident, $pops:expr, $pushes:expr) )*) => {
        /// An opcode. The discriminant is its number in `co_code`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        #[allow(non_camel_case_types)]
        pub enum Opcode {
            $( $(#[$doc])* $name = $number, )*
        }

        impl Opcode {
            /// Every opcode, in order of the numbers.
            pub const ALL: &[Opcode] = &[$( Opcode::$name ),*];

            /// The opcode with this number.
            pub const fn from_u8(number: u8) -> Option<Opcode> {
                match number {
                    $( $number => Some(Opcode::$name), )*
                    _ => None,
                }
            }

            /// The name, as in `dis.opname`.
            pub const fn name(self) -> &'static str {
                match self {
                    $( Opcode::$name => stringify!($name), )*
                }
            }

            /// What the argument means.
            pub const fn arg_kind(self) -> ArgKind {
                match self {
                    $( Opcode::$name => ArgKind::$kind, )*
                }
            }

            /// Whether control can go on behind it.
            pub const fn flow(self) -> Flow {
                match self {
                    $( Opcode::$name => Flow::$flow, )*
                }
            }

            /// How many values it takes from the stack. The same whether it jumps or not.
            pub fn pops(self, arg: u32) -> u32 {
                match self {
                    $( Opcode::$name => { let f: fn(u32) -> u32 = $pops; f(arg) } )*
                }
            }

            /// How many values it puts on the stack. The same whether it jumps or not.
            pub fn pushes(self, arg: u32) -> u32 {
                match self {
                    $( Opcode::$name => { let f: fn(u32) -> u32 = $pushes; f(arg) } )*
                }
            }
        }
    };
}
for_each_opcode!(declare_opcodes);

/// Opcodes above this number have an argument (`_opcode_metadata.HAVE_ARGUMENT`).
pub const HAVE_ARGUMENT: u8 = 43;
/// First number of CPython's instrumented opcodes, which this machine does not have.
pub const MIN_INSTRUMENTED_OPCODE: u8 = 234;
/// Bit of COMPARE_OP: convert the result to bool.
pub const COMPARE_TO_BOOL: u32 = 16;

impl Opcode {
    /// Whether it has an argument. RESUME has one by its number.
    pub const fn has_arg(self) -> bool {
        self as u8 > HAVE_ARGUMENT
    }

    /// Net effect on the stack depth, in values.
    pub fn stack_effect(self, arg: u32) -> i64 {
        i64::from(self.pushes(arg)) - i64::from(self.pops(arg))
    }

    /// Whether the argument is a jump.
    pub const fn is_jump(self) -> bool {
        matches!(self.arg_kind(), ArgKind::Forward | ArgKind::Backward)
    }
}

macro_rules! numbered {
    ($(#[$outer:meta])* $enum:ident: $( $(#[$doc:meta])* $name:ident = $number:literal $(, $text:literal)? ;)*) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $enum { $( $(#[$doc])* $name = $number, )* }

        impl $enum {
            /// All members, in order.
            pub const ALL: &[$enum] = &[$( $enum::$name ),*];

            /// The member with this number.
            pub const fn from_u32(number: u32) -> Option<Self> {
                match number {
                    $( $number => Some($enum::$name), )*
                    _ => None,
                }
            }

            /// How `dis` writes it.
            pub const fn text(self) -> &'static str {
                match self { $( $enum::$name => numbered!(@text $name $($text)?), )* }
            }
        }
    };
    (@text $name:ident) => { stringify!($name) };
    (@text $name:ident $text:literal) => { $text };
}

numbered! {
    /// Argument of BINARY_OP. The in-place form of `op` is `op + 13`.
    BinaryOp:
    /// `+`
    Add = 0, "+";
    /// `&`
    And = 1, "&";
    /// `//`
    FloorDivide = 2, "//";
    /// `<<`
    Lshift = 3, "<<";
    /// `@`
    MatrixMultiply = 4, "@";
    /// `*`
    Multiply = 5, "*";
    /// `%`
    Remainder = 6, "%";
    /// `|`
    Or = 7, "|";
    /// `**`
    Power = 8, "**";
    /// `>>`
    Rshift = 9, ">>";
    /// `-`
    Subtract = 10, "-";
    /// `/`
    TrueDivide = 11, "/";
    /// `^`
    Xor = 12, "^";
    /// `+=`
    InplaceAdd = 13, "+=";
    /// `&=`
    InplaceAnd = 14, "&=";
    /// `//=`
    InplaceFloorDivide = 15, "//=";
    /// `<<=`
    InplaceLshift = 16, "<<=";
    /// `@=`
    InplaceMatrixMultiply = 17, "@=";
    /// `*=`
    InplaceMultiply = 18, "*=";
    /// `%=`
    InplaceRemainder = 19, "%=";
    /// `|=`
    InplaceOr = 20, "|=";
    /// `**=`
    InplacePower = 21, "**=";
    /// `>>=`
    InplaceRshift = 22, ">>=";
    /// `-=`
    InplaceSubtract = 23, "-=";
    /// `/=`
    InplaceTrueDivide = 24, "/=";
    /// `^=`
    InplaceXor = 25, "^=";
    /// `left[right]`
    Subscr = 26, "[]";
}

numbered! {
    /// Operator of COMPARE_OP, in `arg >> 5`.
    Compare:
    /// `<`
    Lt = 0, "<";
    /// `<=`
    Le = 1, "<=";
    /// `==`
    Eq = 2, "==";
    /// `!=`
    Ne = 3, "!=";
    /// `>`
    Gt = 4, ">";
    /// `>=`
    Ge = 5, ">=";
}

impl Compare {
    /// The argument of COMPARE_OP without the bool bit.
    ///
    /// The mask: 1 unordered, 2 less, 4 greater, 8 equal make the comparison true.
    pub const fn arg(self) -> u32 {
        let mask = match self {
            Compare::Lt => 2,
            Compare::Le => 10,
            Compare::Eq => 8,
            Compare::Ne => 7,
            Compare::Gt => 4,
            Compare::Ge => 12,
        };
        (self as u32) << 5 | mask
    }
}

numbered! {
    /// Argument of CALL_INTRINSIC_1.
    Intrinsic1:
    /// Never emitted.
    Invalid = 0, "INTRINSIC_1_INVALID";
    /// `sys.displayhook(value)`, result None.
    Print = 1, "INTRINSIC_PRINT";
    /// `from value import *` into the namespace, result None.
    ImportStar = 2, "INTRINSIC_IMPORT_STAR";
    /// StopIteration (StopAsyncIteration in async generators) to RuntimeError, any other exception unchanged.
    StopIterationError = 3, "INTRINSIC_STOPITERATION_ERROR";
    /// Marks a value as yielded by an async generator.
    AsyncGenWrap = 4, "INTRINSIC_ASYNC_GEN_WRAP";
    /// `+value`
    UnaryPositive = 5, "INTRINSIC_UNARY_POSITIVE";
    /// `tuple(list)`
    ListToTuple = 6, "INTRINSIC_LIST_TO_TUPLE";
    /// `TypeVar(name)` with inferred variance.
    Typevar = 7, "INTRINSIC_TYPEVAR";
    /// `ParamSpec(name)`
    Paramspec = 8, "INTRINSIC_PARAMSPEC";
    /// `TypeVarTuple(name)`
    Typevartuple = 9, "INTRINSIC_TYPEVARTUPLE";
    /// `Generic[params]`, type variable tuples unpacked.
    SubscriptGeneric = 10, "INTRINSIC_SUBSCRIPT_GENERIC";
    /// `TypeAliasType` of the tuple (name, type parameters or None, evaluator).
    Typealias = 11, "INTRINSIC_TYPEALIAS";
}

numbered! {
    /// Argument of CALL_INTRINSIC_2. Operands in the order they were pushed.
    Intrinsic2:
    /// Never emitted.
    Invalid = 0, "INTRINSIC_2_INVALID";
    /// (original exception, list of raised and remaining ones) → exception to raise, or None.
    PrepReraiseStar = 1, "INTRINSIC_PREP_RERAISE_STAR";
    /// (name, evaluator) → TypeVar with a bound.
    TypevarWithBound = 2, "INTRINSIC_TYPEVAR_WITH_BOUND";
    /// (name, evaluator) → TypeVar with constraints.
    TypevarWithConstraints = 3, "INTRINSIC_TYPEVAR_WITH_CONSTRAINTS";
    /// (function, type parameters) → function, with `__type_params__` set.
    SetFunctionTypeParams = 4, "INTRINSIC_SET_FUNCTION_TYPE_PARAMS";
    /// (type parameter, evaluator) → type parameter, with its default set.
    SetTypeparamDefault = 5, "INTRINSIC_SET_TYPEPARAM_DEFAULT";
}

numbered! {
    /// Argument of LOAD_COMMON_CONSTANT.
    CommonConstant:
    /// `AssertionError`
    AssertionError = 0, "AssertionError";
    /// `NotImplementedError`
    NotImplementedError = 1, "NotImplementedError";
    /// `tuple`
    Tuple = 2, "tuple";
    /// `all`
    All = 3, "all";
    /// `any`
    Any = 4, "any";
    /// `list`
    List = 5, "list";
    /// `set`
    Set = 6, "set";
}

numbered! {
    /// Argument of LOAD_SPECIAL.
    SpecialMethod:
    /// `__enter__`
    Enter = 0, "__enter__";
    /// `__exit__`
    Exit = 1, "__exit__";
    /// `__aenter__`
    Aenter = 2, "__aenter__";
    /// `__aexit__`
    Aexit = 3, "__aexit__";
}

numbered! {
    /// Argument of SET_FUNCTION_ATTRIBUTE.
    FunctionAttribute:
    /// Tuple of positional defaults.
    Defaults = 1, "defaults";
    /// Dict of keyword defaults.
    Kwdefaults = 2, "kwdefaults";
    /// Tuple of alternating names and annotations.
    Annotations = 4, "annotations";
    /// Tuple of cells.
    Closure = 8, "closure";
    /// The `__annotate__` function.
    Annotate = 16, "annotate";
}
