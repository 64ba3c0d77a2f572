"""Exceptions: classes, attributes, chaining, groups."""
import errno
import sys

from checks import raises


# Arguments, repr and str.
e = BaseException()
assert e.args == () and str(e) == "" and repr(e) == "BaseException()"
e = ValueError("a")
assert repr(e) == "ValueError('a')" and str(e) == "a"
e = ValueError("a", 2)
assert repr(e) == "ValueError('a', 2)" and str(e) == "('a', 2)"
e.args = [1]
assert e.args == (1,)
raises(TypeError, lambda: ValueError(x=1), text="ValueError() takes no keyword arguments")
raises(TypeError, lambda: setattr(e, "__cause__", 1))
raises(TypeError, lambda: setattr(e, "__traceback__", 1), text="__traceback__ must be a traceback or None")


class Sub(ValueError):
    def __init__(self, a, b):
        self.b = b


s = Sub(1, 2)
assert s.args == (1, 2) and s.b == 2
assert str(KeyError("x")) == "'x'" and str(KeyError()) == "" and str(KeyError(1, 2)) == "(1, 2)"

# The hierarchy.
for sub, sup in [
    (FileNotFoundError, OSError), (BrokenPipeError, ConnectionError), (TabError, IndentationError),
    (UnicodeDecodeError, UnicodeError), (UnicodeError, ValueError), (RecursionError, RuntimeError),
    (PythonFinalizationError, RuntimeError), (ModuleNotFoundError, ImportError),
    (ExceptionGroup, Exception), (ExceptionGroup, BaseExceptionGroup), (EncodingWarning, Warning),
    (ZeroDivisionError, ArithmeticError), (UnboundLocalError, NameError),
]:
    assert issubclass(sub, sup), (sub, sup)
assert not issubclass(KeyboardInterrupt, Exception)
assert not issubclass(GeneratorExit, Exception) and not issubclass(SystemExit, Exception)
assert IOError is OSError and EnvironmentError is OSError

# OSError.
e = OSError(errno.ENOENT, "gone", "name")
assert type(e) is FileNotFoundError and e.errno == errno.ENOENT and e.strerror == "gone"
assert e.filename == "name" and e.filename2 is None and e.args == (errno.ENOENT, "gone")
assert str(e) == "[Errno 2] gone: 'name'"
e = OSError(errno.EXDEV, "x", "a", None, "b")
assert type(e) is OSError and str(e) == "[Errno 18] x: 'a' -> 'b'" and e.filename2 == "b"
assert e.__reduce__() == (OSError, (18, "x", "a", None, "b"))
assert OSError("just text").errno is None and str(OSError("just text")) == "just text"
assert str(OSError(1, "t")) == "[Errno 1] t" and type(OSError(1, "t")) is PermissionError
assert type(OSError(errno.EAGAIN, "")) is BlockingIOError
b = BlockingIOError(11, "again", 7)
assert b.characters_written == 7
raises(AttributeError, lambda: BlockingIOError(11, "again").characters_written)


class MyOS(OSError):
    def __init__(self, extra):
        super().__init__(2, "msg", extra)


assert MyOS("f").filename == "f" and type(MyOS("f")) is MyOS
e = raises(FileNotFoundError, open, "/nonexistent/file")
assert e.filename == "/nonexistent/file" and e.errno == 2

# Attributes of other classes.
assert StopIteration(3).value == 3 and StopIteration().value is None
assert SystemExit().code is None and SystemExit(3).code == 3 and SystemExit(1, 2).code == (1, 2)
e = ImportError("m", name="n", path="p")
assert (e.msg, e.name, e.path, e.name_from, str(e)) == ("m", "n", "p", None, "m")
raises(TypeError, lambda: ImportError("m", bad=1))
e = AttributeError("m", name="n", obj=[])
assert e.name == "n" and e.obj == []
assert NameError("m", name="n").name == "n"
e = raises(AttributeError, lambda: (1).nope)
assert e.name == "nope" and e.obj == 1, (e.name, e.obj)
assert str(e) == "'int' object has no attribute 'nope'"
e = raises(NameError, lambda: undefined_name)
assert e.name == "undefined_name" and str(e) == "name 'undefined_name' is not defined"

# Syntax errors.
e = SyntaxError("bad", ("f.py", 3, 4, "text", 3, 6))
assert (e.msg, e.filename, e.lineno, e.offset, e.text, e.end_lineno, e.end_offset) == (
    "bad", "f.py", 3, 4, "text", 3, 6)
assert str(e) == "bad (f.py, line 3)"
assert str(SyntaxError("bad", ("/a/b/f.py", None, 4, "text"))) == "bad (f.py)"
raises(TypeError, lambda: SyntaxError("bad", (1, 2)))
e = raises(SyntaxError, compile, "a = (\n", "file", "exec")
assert e.lineno == 1 and e.filename == "file"
e = raises(IndentationError, compile, "if 1:\npass", "file", "exec")
assert e.lineno == 2

# Unicode errors.
e = UnicodeDecodeError("utf-8", b"a\xff", 1, 2, "why")
assert str(e) == "'utf-8' codec can't decode byte 0xff in position 1: why"
assert (e.encoding, e.object, e.start, e.end, e.reason) == ("utf-8", b"a\xff", 1, 2, "why")
e = UnicodeDecodeError("utf-8", bytearray(b"abcd"), 1, 3, "why")
assert str(e) == "'utf-8' codec can't decode bytes in position 1-2: why" and e.object == b"abcd"
e = UnicodeEncodeError("ascii", "a\u20ac", 1, 2, "why")
assert str(e) == "'ascii' codec can't encode character '\\u20ac' in position 1: why"
assert str(UnicodeEncodeError("x", "\xe9\U0001f600", 0, 1, "y")).startswith("'x' codec can't encode character '\\xe9'")
e = UnicodeTranslateError("abc", 0, 2, "why")
assert str(e) == "can't translate characters in position 0-1: why"
raises(UnicodeDecodeError, b"\xff".decode, "utf-8")
raises(UnicodeEncodeError, "\u20ac".encode, "latin-1")


# Context, cause.
def chained():
    try:
        1 / 0
    except ZeroDivisionError as first:
        try:
            raise KeyError("k")
        except KeyError as second:
            assert second.__context__ is first
            raise ValueError("v") from first


try:
    chained()
except ValueError as v:
    assert type(v.__cause__) is ZeroDivisionError
    assert type(v.__context__) is KeyError and v.__suppress_context__
    assert v.__traceback__ is not None and v.__traceback__.tb_frame is not None
assert sys.exception() is None and sys.exc_info() == (None, None, None)

try:
    try:
        raise ValueError
    except ValueError:
        raise TypeError from None
except TypeError as t:
    assert t.__cause__ is None and t.__suppress_context__ and type(t.__context__) is ValueError

try:
    try:
        raise ValueError
    except ValueError:
        [][1]
except IndexError as i:
    assert type(i.__context__) is ValueError, i.__context__


def bad_raise(x):
    raise x


raises(TypeError, bad_raise, 1, text="exceptions must derive from BaseException")
raises(TypeError, bad_raise, int, text="exceptions must derive from BaseException")


def bad_except():
    try:
        raise ValueError
    except int:
        pass


raises(TypeError, bad_except, text="catching classes that do not inherit from BaseException is not allowed")


def reraise_nothing():
    raise


raises(RuntimeError, reraise_nothing, text="No active exception to reraise")

# Notes.
e = ValueError("x")
e.add_note("n1")
e.add_note("n2")
assert e.__notes__ == ["n1", "n2"]
raises(TypeError, e.add_note, 1, text="add_note() argument must be str, not int")

# with_traceback, state.
assert e.with_traceback(None) is e
e.__setstate__({"extra": 5})
assert e.extra == 5
assert ValueError(1).__reduce__() == (ValueError, (1,))
raises(TypeError, e.__setstate__, 1, text="state is not a dictionary")

# Groups.
eg = ExceptionGroup("g", [ValueError(1), ExceptionGroup("h", [TypeError(2), ValueError(3)])])
assert eg.message == "g" and len(eg.exceptions) == 2
assert str(eg) == "g (2 sub-exceptions)" and str(ExceptionGroup("g", [ValueError()])) == "g (1 sub-exception)"
m, r = eg.split(ValueError)
assert str(m) == "g (2 sub-exceptions)" and str(r) == "g (1 sub-exception)"
assert [type(x) for x in r.exceptions[0].exceptions] == [TypeError]
assert eg.subgroup(OSError) is None
assert eg.subgroup(lambda x: x is eg) is eg
assert eg.split(BaseException) == (eg, None)
assert type(BaseExceptionGroup("b", [ValueError()])) is ExceptionGroup
assert type(BaseExceptionGroup("b", [KeyboardInterrupt()])) is BaseExceptionGroup
raises(TypeError, ExceptionGroup, "b", [KeyboardInterrupt()], text="Cannot nest BaseExceptions in an ExceptionGroup")
raises(ValueError, ExceptionGroup, "b", [], text="second argument (exceptions) must be a non-empty sequence")
raises(ValueError, ExceptionGroup, "b", [1], text="Item 0 of second argument (exceptions) is not an exception")


class MyGroup(ExceptionGroup):
    def derive(self, excs):
        return MyGroup(self.message, excs)


eg = MyGroup("m", [ValueError(1), TypeError(2)])
eg.add_note("note")
m = eg.subgroup(ValueError)
assert type(m) is MyGroup and m.__notes__ == ["note"] and m.__notes__ is not eg.__notes__

caught = []
try:
    try:
        raise ExceptionGroup("g", [ValueError(1), TypeError(2), OSError(3)])
    except* ValueError as g:
        caught.append(g.exceptions)
    except* TypeError as g:
        raise KeyError("new")
except BaseException as g:
    assert len(caught) == 1 and caught[0][0].args == (1,)
    kinds = sorted(type(x).__name__ for x in g.exceptions)
    assert kinds == ["ExceptionGroup", "KeyError"], kinds
try:
    raise ValueError("naked")
except* ValueError as g:
    assert type(g) is ExceptionGroup and g.exceptions[0].args == ("naked",)


def star_group():
    try:
        raise ValueError
    except* ExceptionGroup:
        pass


raises(TypeError, star_group,
       text="catching ExceptionGroup with except* is not allowed. Use except instead.")


# Deep recursion ends with RecursionError, again and again.
def deep():
    return deep() + 1


for _ in range(3):
    raises(RecursionError, deep)
