"""-X perf: every Python frame runs below a trampoline with its name, in all ways that frames begin and end."""
import os
import shutil
import subprocess
import sys
import tempfile

MODE = ["-X", "gil=1" if sys._is_gil_enabled() else "gil=0"]
for option in ("refcount", "zeal"):
    if option in sys._xoptions:
        MODE += ["-X", f"{option}={sys._xoptions[option]}"]

perhaps = subprocess.run([sys.executable, *MODE, "-X", "perf", "-c", "pass"], capture_output=True, text=True)
if "-X perf needs handlers that call each other" in perhaps.stderr:
    sys.exit()

PROGRAM = '''
import os, sys, threading

def together(n, work):
    failed = []
    def guarded():
        try:
            work()
        except BaseException as e:
            failed.append(e)
    threads = [threading.Thread(target=guarded) for _ in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failed, failed

class Thing:
    def __init__(self, n):
        self.n = n
    @property
    def double(self):
        return self.n * 2
    def __eq__(self, other):
        return self.n == other.n
    def __hash__(self):
        return hash(self.n)
    def __enter__(self):
        return self
    def __exit__(self, *exc):
        return exc[0] is KeyError

class Dying:
    died = []
    def __del__(self):
        def count():
            Dying.died.append(1)
        count()
        try:
            raise ValueError
        except ValueError:
            pass

def numbers(n):
    try:
        for i in range(n):
            yield i
    finally:
        n = None

def delegating(n):
    got = yield from numbers(n)
    return got

def fails(depth):
    dying = Dying()
    if depth == 0:
        raise KeyError(depth)
    fails(depth - 1)

def deep(n):
    return 0 if n == 0 else 1 + deep(n - 1)

def too_deep():
    return too_deep()

async def nothing():
    return 1

async def several(n):
    return sum([await nothing() for _ in range(n)])

def everything():
    total = 0
    for i in range(300):
        thing = Thing(i)
        total += thing.double + sum(delegating(3)) + len({thing: 1, Thing(i): 2})
        with thing:
            fails(6)
        total += sorted([3, 1, 2], key=lambda n: -n)[0] + sum(map(lambda n: n, numbers(3)))
        for n in numbers(100):
            if n == 3:
                break
        try:
            several(4).send(None)
        except StopIteration as stop:
            total += stop.value
        thrown = numbers(2)
        next(thrown)
        try:
            thrown.throw(IndexError)
        except IndexError:
            total += 1
    assert deep(500) == 500
    for _ in range(3):
        try:
            too_deep()
        except RecursionError as e:
            names = set()
            trace = e.__traceback__
            while trace:
                names.add(trace.tb_frame.f_code.co_name)
                trace = trace.tb_next
            assert names == {"everything", "too_deep"}, names
        else:
            assert False
    assert total == sum(i * 2 for i in range(300)) + 300 * (3 + 1 + 3 + 3 + 4 + 1), total

def calls(n):
    # A trampoline that does not give its stack back would run out of it.
    def one():
        pass
    for i in range(n):
        one()

def own_map(pid):
    with open(f"/tmp/perf-{pid}.map") as f:
        return f.read()

def work():
    everything()
    together(3, everything)
    calls(300_000)
    assert len(Dying.died) == 4 * 300 * 7, len(Dying.died)
    def inside():
        return sys._getframe().f_back.f_lineno
    line = inside()
    assert line == sys._getframe().f_lineno - 1

def small_stacks():
    threading.stack_size(128 << 10)
    together(2, lambda: (deep(400), calls(1000)))

def switching():
    assert sys.is_stack_trampoline_active()
    sys.deactivate_stack_trampoline()
    assert not sys.is_stack_trampoline_active()
    everything()
    def again():
        sys.activate_stack_trampoline("perf")
        everything()
        sys.deactivate_stack_trampoline()
        everything()
        sys.activate_stack_trampoline("perf")
    again()
    assert sys.is_stack_trampoline_active()
    everything()

def forked():
    def before(): pass
    before()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        def only_child(): return 1
        only_child()
        text = own_map(os.getpid())
        assert "py::forked.<locals>.before:" in text and "py::forked.<locals>.only_child:" in text
        everything()
        os.unlink(f"/tmp/perf-{os.getpid()}.map")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert "only_child" not in own_map(os.getpid())
    calls(10)

def memory():
    # Nothing is ever both.
    work()
    with open("/proc/self/maps") as f:
        assert not [line for line in f if line.split()[1].startswith("rwx")]

name = sys.argv[1]
try:
    globals()[name]()
    print(own_map(os.getpid()), end="")
finally:
    try:
        os.unlink(f"/tmp/perf-{os.getpid()}.map")
    except FileNotFoundError:
        pass
'''
FOLDER = tempfile.TemporaryDirectory()
PATH = os.path.join(FOLDER.name, "program.py")
with open(PATH, "w") as f:
    f.write(PROGRAM)


def line(text):
    return next(n for n, at in enumerate(PROGRAM.splitlines(), 1) if at.strip() == text)


def run(*args, code=0, **env):
    done = subprocess.run([sys.executable, *MODE, *args], capture_output=True, timeout=280, text=True,
                          env={**os.environ, **env})
    assert done.returncode == code, (args, done)
    return done


def names(name, how="perf", **env):
    """The names that the program's function led to, each with the number of its trampolines."""
    done = run("-X", how, PATH, name, **env)
    assert done.stderr == "", done
    found, ends = {}, []
    for entry in done.stdout.splitlines():
        start, size, text = entry.split(" ", 2)
        assert text.startswith("py::") and int(size, 16) > 0, entry
        ends.append((int(start, 16), int(start, 16) + int(size, 16)))
        found[text] = found.get(text, 0) + 1
    ends.sort()
    assert all(a[1] <= b[0] for a, b in zip(ends, ends[1:])), "two names for one address"
    return found


# Off.
assert sys.is_stack_trampoline_active() is ("perf" in sys._xoptions)
SHOW = "import os, sys; print(sys.is_stack_trampoline_active(), os.path.exists(f'/tmp/perf-{os.getpid()}.map'))"
TIDY = "; os.unlink(f'/tmp/perf-{os.getpid()}.map')"
assert run("-c", SHOW).stdout == "False False\n"
assert run("-X", "perf=0", "-c", SHOW).stdout == "False False\n"
assert run("-c", SHOW, PYTHONPERFSUPPORT="0").stdout == "False False\n"
assert run("-X", "perf=0", "-c", SHOW, PYTHONPERFSUPPORT="1").stdout == "False False\n"
assert run("-c", SHOW + TIDY, PYTHONPERFSUPPORT="1").stdout == "True True\n"
assert run("-X", "perf=1", "-c", SHOW + TIDY).stdout == "True True\n"
for backend, text in (("perf", "perf trampoline not available"), ("x", "invalid backend: x")):
    done = run("-c", f"import sys; sys.activate_stack_trampoline({backend!r})", code=1)
    assert f"ValueError: {text}" in done.stderr, done

# Refused.
for wrong in ("", "2", "line"):
    assert f"-X perf={wrong}" in run("-X", f"perf={wrong}", "-c", "1", code=1).stderr

# Functions, once each.
found = names("work")
for function in ("everything", "Thing.double", "Dying.__del__.<locals>.count", "numbers", "delegating", "several",
                 "everything.<locals>.<lambda>", "<module>"):
    n = found[f"py::{function}:{PATH}"]
    assert n == (2 if "<lambda>" in function else 1), (function, n)
assert any(name.startswith("py::Thread.start:") and name.endswith("/threading.py") for name in found), found
# Code that did not run has no name.
assert f"py::switching:{PATH}" not in found

# Lines.
found = names("work", "perf=lines")
for text in ("total += stop.value", "fails(depth - 1)", "return self.n * 2"):
    ends = f":{PATH}:{line(text)}"
    assert [name for name in found if name.endswith(ends)], (text, found)
assert f"py::fails:{PATH}:{line('raise KeyError(depth)')}" in found

for how in ("perf", "perf=lines"):
    for name in ("small_stacks", "switching", "forked", "memory"):
        assert names(name, how), name


# What perf makes of it, where there is one that may sample.
LOOPS = '''
def inner(n):
    total = 0
    for i in range(n):
        total += i % 7  # HOT
    return total

def middle(n):
    return sum(map(inner, [n] * 4))  # MIDDLE

def outer(n):
    return middle(n)  # OUTER

outer(1_000_000)
'''
perf = shutil.which("perf")
for how in ("perf", "perf=lines") if perf and "zeal" not in sys._xoptions else ():
    script, data = os.path.join(FOLDER.name, "loops.py"), os.path.join(FOLDER.name, "perf.data")
    with open(script, "w") as f:
        f.write(LOOPS)
    recorded = subprocess.run([perf, "record", "-e", "cpu-clock", "-F", "499", "-g", "-o", data, sys.executable, *MODE,
                               "-X", how, script], capture_output=True, text=True, timeout=280)
    shown = subprocess.run([perf, "script", "-i", data, "-F", "comm,pid,ip,sym"], capture_output=True, text=True,
                           timeout=280)
    if recorded.returncode or shown.returncode:
        # The machine may forbid it.
        break
    pid = None
    stacks = []
    for sample in shown.stdout.split("\n\n"):
        head, *frames = sample.strip().splitlines() or [""]
        pid = pid or (head.split()[1] if head else None)
        stacks.append([frame.split()[1] for frame in frames if frame.split()[1].startswith("py::")])

    def named(function, text):
        name = f"py::{function}:{script}"
        if how == "perf":
            return name
        return f"{name}:{next(n for n, at in enumerate(LOOPS.splitlines(), 1) if text in at)}"

    assert pid, shown
    callers = [named("middle", "# MIDDLE"), named("outer", "# OUTER"), named("<module>", "outer(1")]
    whole = [stack for stack in stacks if stack[1:] == callers and stack[0].startswith("py::inner:")]
    hot = [stack for stack in whole if stack[0] == named("inner", "# HOT")]
    try:
        assert len(whole) >= len(stacks) / 8, (how, len(whole), len(stacks), stacks[len(stacks) // 2])
        assert len(hot) >= len(whole) / 4, (how, len(hot), len(whole))
    finally:
        os.unlink(f"/tmp/perf-{pid}.map")
