"""The module sys."""
import site
import sys
import sysconfig

from checks import raises


v = sys.version_info
assert v[:2] == (3, 14) and v.major == 3 and v.releaselevel == "final" and v >= (3, 14)
assert repr(v).startswith("sys.version_info(major=3, minor=14, micro=")
assert sys.version.startswith("3.14") and sys.hexversion >> 16 == 0x030E
assert sys.implementation.name == "typhon" and sys.implementation.cache_tag == "typhon-314"
assert sys.maxsize == 2 ** 63 - 1 and sys.maxunicode == 0x10FFFF and sys.byteorder in ("little", "big")
assert sys.float_info.max == 1.7976931348623157e308 and sys.float_info.epsilon == 2.220446049250313e-16
assert sys.float_info.dig == 15 and len(sys.float_info) == 11 and sys.float_info.rounds == 1
assert sys.hash_info.modulus == 2 ** 61 - 1 and sys.int_info.default_max_str_digits == 4300
assert sys.flags.optimize in (0, 1, 2) and isinstance(sys.flags.dev_mode, bool)
assert sys.flags.gil == int(sys._is_gil_enabled()) and len(sys.flags) == 18
raises(TypeError, type(sys.flags), ())
assert sys.getdefaultencoding() == "utf-8" and sys.getfilesystemencoding() == "utf-8"
assert "os" in sys.stdlib_module_names and "sys" in sys.builtin_module_names
assert sys.modules["sys"] is sys and isinstance(sys.path, list) and isinstance(sys.argv, list)
assert sys.platform == "linux" and sys.executable
# A build that can run without the lock says so, whether it does or not.
assert sysconfig.get_config_var("Py_GIL_DISABLED") == 1 and sys.abiflags == "t"
assert sysconfig.get_path("purelib") in site.getsitepackages()

# Counts as CPython gives them.
x = []
assert sys.getrefcount(x) == 2, sys.getrefcount(x)
y = x
assert sys.getrefcount(x) == 3, sys.getrefcount(x)
z = x
assert sys.getrefcount(x) == 4, sys.getrefcount(x)
del y, z
assert sys.getrefcount(x) == 2
assert sys.getrefcount(None) > 1 << 30 and sys.getrefcount(5) > 1 << 30
held = [x, x]
assert sys.getrefcount(x) == 4
del held
assert sys.getrefcount(x) == 2

assert sys.getsizeof([]) > 0 and sys.getsizeof([0] * 1000) > 8000 and sys.getsizeof(1) > 0


class Sized:
    def __sizeof__(self):
        return -1


raises(ValueError, sys.getsizeof, Sized(), text="__sizeof__() should return >= 0")
s = sys.intern("".join(["ab", "cd", " e"]))
assert s is sys.intern("abcd" + " " + "e") and sys._is_interned(s)
raises(TypeError, sys.intern, 1)

old = sys.getrecursionlimit()
sys.setrecursionlimit(500)
assert sys.getrecursionlimit() == 500
sys.setrecursionlimit(old)
raises(ValueError, sys.setrecursionlimit, 0)
old = sys.getswitchinterval()
sys.setswitchinterval(0.02)
assert abs(sys.getswitchinterval() - 0.02) < 1e-9
sys.setswitchinterval(old)
raises(ValueError, sys.setswitchinterval, 0, text="switch interval must be strictly positive")
old = sys.get_int_max_str_digits()
sys.set_int_max_str_digits(1000)
raises(ValueError, str, 10 ** 2000)
sys.set_int_max_str_digits(old)
raises(ValueError, sys.set_int_max_str_digits, 5)


def frames():
    f = sys._getframe()
    assert f.f_code.co_name == "frames" and f.f_back is sys._getframe(1)
    assert sys._getframemodulename() == __name__
    return f


assert frames().f_lineno > 0
raises(ValueError, sys._getframe, 10 ** 6, text="call stack is not deep enough")

assert len(sys._current_frames()) >= 1

try:
    raise KeyError(1)
except KeyError as e:
    assert sys.exception() is e and sys.exc_info()[0] is KeyError and sys.exc_info()[1] is e
    assert sys.exc_info()[2] is e.__traceback__
raises(SystemExit, sys.exit, 3)
try:
    sys.exit("msg")
except SystemExit as e:
    assert e.code == "msg"

events = []
sys.addaudithook(lambda event, args: events.append((event, args)) if event.startswith("test.") else None)
sys.audit("test.one", 1, 2)
assert events == [("test.one", (1, 2))]
assert not sys.is_finalizing()
assert sys.call_tracing(lambda a, b: a + b, (1, 2)) == 3
assert sys.get_asyncgen_hooks() == (None, None)
sys.set_asyncgen_hooks(firstiter=print)
assert sys.get_asyncgen_hooks().firstiter is print
sys.set_asyncgen_hooks(None, None)
raises(TypeError, sys.set_asyncgen_hooks, 1)
assert sys.get_coroutine_origin_tracking_depth() == 0


class Stream:
    def __init__(self):
        self.text = ""
    def write(self, s):
        self.text += s
    def flush(self):
        pass


# Hooks.
out, saved = Stream(), sys.stdout
sys.stdout = out
sys.displayhook(None)
sys.displayhook([1])
sys.stdout = saved
assert out.text == "[1]\n"
import builtins
assert builtins._ == [1]

err, saved = Stream(), sys.stderr
sys.stderr = err
try:
    1 / 0
except ZeroDivisionError as e:
    sys.excepthook(type(e), e, e.__traceback__)
sys.stderr = saved
assert err.text.startswith("Traceback (most recent call last):\n"), err.text
assert err.text.endswith("ZeroDivisionError: division by zero\n"), err.text

seen = []
sys.unraisablehook, saved = seen.append, sys.unraisablehook


class Bad:
    def __del__(self):
        raise ValueError("in del")


Bad()
sys.unraisablehook = saved
assert len(seen) == 1 and seen[0].exc_type is ValueError and str(seen[0].exc_value) == "in del"
seen.clear()
err, saved = Stream(), sys.stderr
sys.stderr = err
Bad()
sys.stderr = saved
assert "Exception ignored while calling deallocator <function Bad.__del__" in err.text, err.text
assert err.text.endswith("ValueError: in del\n")
