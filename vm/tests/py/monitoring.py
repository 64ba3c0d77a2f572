# Events of sys.monitoring (PEP 669): what is reported, where, and what changes while code runs.
import sys

from checks import meanwhile

M = sys.monitoring
E = M.events
TOOL = 3


class Recording:
    def __init__(self, *names, code=None):
        self.names, self.code, self.log = names, code, []

    def __enter__(self):
        M.use_tool_id(TOOL, "test")
        events = 0
        for name in self.names:
            event = getattr(E, name)
            events |= event
            M.register_callback(TOOL, event, lambda code, *rest, name=name: self.note(name, code, rest))
        if self.code:
            M.set_local_events(TOOL, self.code, events)
        else:
            M.set_events(TOOL, events)
        return self.log

    def note(self, name, code, rest):
        if code.co_filename == __file__ and code.co_name not in ("__enter__", "__exit__"):
            self.log.append((name, code.co_name) + rest)

    def __exit__(self, *_):
        M.set_events(TOOL, 0)
        M.free_tool_id(TOOL)


def add(a, b):
    return a + b


def loop(n):
    total = 0
    for i in range(n):
        total = add(total, i)
    return total


def numbers():
    yield 1
    yield 2
    return 3


def failing():
    raise ValueError("no")


def catching():
    try:
        failing()
    except ValueError:
        return 1


def first_line(f):
    return f.__code__.co_firstlineno


# Starts and returns.
with Recording("PY_START", "PY_RETURN") as log:
    loop(2)
kinds = [entry[:2] for entry in log if entry[1] != "<module>"]
assert kinds == [
    ("PY_START", "loop"),
    ("PY_START", "add"), ("PY_RETURN", "add"),
    ("PY_START", "add"), ("PY_RETURN", "add"),
    ("PY_RETURN", "loop"),
], kinds
assert [entry[3] for entry in log if entry[0] == "PY_RETURN"] == [0, 1, 1]

# Generators.
with Recording("PY_START", "PY_RESUME", "PY_YIELD", "PY_RETURN") as log:
    assert list(numbers()) == [1, 2]
kinds = [(entry[0], *entry[3:]) for entry in log if entry[1] == "numbers"]
assert kinds == [
    ("PY_START",), ("PY_YIELD", 1), ("PY_RESUME",), ("PY_YIELD", 2), ("PY_RESUME",), ("PY_RETURN", 3),
], kinds

# A generator that was suspended before anybody watched.
g = numbers()
next(g)
with Recording("PY_RESUME", "PY_YIELD") as log:
    next(g)
assert [entry[0] for entry in log if entry[1] == "numbers"] == ["PY_RESUME", "PY_YIELD"], log
assert next(g, "end") == "end"

# Lines.
with Recording("LINE") as log:
    loop(2)
start = first_line(loop)
lines = [entry[2] - start for entry in log if entry[1] == "loop"]
assert lines == [1, 2, 3, 2, 3, 2, 4], lines

# Exceptions.
with Recording("RAISE", "PY_UNWIND", "EXCEPTION_HANDLED") as log:
    catching()
assert [entry[:2] for entry in log] == [
    ("RAISE", "failing"), ("PY_UNWIND", "failing"), ("RAISE", "catching"), ("EXCEPTION_HANDLED", "catching"),
], log

# Calls.
def calling():
    len("abc")
    add(1, 2)


with Recording("CALL", "C_RETURN", "C_RAISE") as log:
    calling()
calls = [(entry[0], entry[3], entry[4]) for entry in log if entry[1] == "calling"]
assert calls == [("CALL", len, "abc"), ("C_RETURN", len, "abc"), ("CALL", add, 1)], calls

# Local events, and a loop that is watched from its middle on.
def switches():
    seen = []
    M.use_tool_id(TOOL, "test")
    M.register_callback(TOOL, E.LINE, lambda code, line: seen.append(line))
    for i in range(4):
        if i == 2:
            M.set_local_events(TOOL, switches.__code__, E.LINE)
    M.set_local_events(TOOL, switches.__code__, 0)
    M.free_tool_id(TOOL)
    return [line - first_line(switches) for line in seen]


assert switches() == [4, 5, 4, 7], switches()

# DISABLE, and starting again.
def disabling():
    seen = []

    def once(code, offset):
        if code is add.__code__:
            seen.append(offset)
        return M.DISABLE

    M.use_tool_id(TOOL, "test")
    M.register_callback(TOOL, E.PY_START, once)
    M.set_events(TOOL, E.PY_START)
    for _ in range(3):
        add(1, 2)
    M.restart_events()
    for _ in range(3):
        add(1, 2)
    M.set_events(TOOL, 0)
    M.free_tool_id(TOOL)
    return len(seen)


assert disabling() == 2

# What a callback raises comes out of the code.
def broken(code, offset):
    if code is add.__code__:
        raise KeyError("from the callback")


M.use_tool_id(TOOL, "test")
M.restart_events()
M.register_callback(TOOL, E.PY_START, broken)
M.set_events(TOOL, E.PY_START)
try:
    add(1, 2)
except KeyError:
    pass
else:
    raise AssertionError("the callback's exception is lost")
finally:
    M.set_events(TOOL, 0)
    M.free_tool_id(TOOL)

# Bad arguments.
for wrong in (
    lambda: M.set_events(TOOL, E.LINE),
    lambda: M.get_events(17),
    lambda: M.register_callback(TOOL, E.LINE | E.CALL, None),
    lambda: M.set_events(TOOL, 1 << 30),
):
    try:
        wrong()
    except ValueError:
        pass
    else:
        raise AssertionError("no ValueError")


# Threads run while another one switches events on and off.
def threads():
    wrong = []

    def work():
        if loop(20) != 190 or list(numbers()) != [1, 2] or catching() != 1:
            wrong.append(True)

    def switch():
        M.use_tool_id(TOOL, "test")
        seen = set()
        for name in ("LINE", "PY_START", "PY_RETURN", "CALL", "INSTRUCTION", "RAISE"):
            M.register_callback(TOOL, getattr(E, name), lambda code, *_: seen.add(code.co_name))
        for _ in range(10):
            for events in (E.LINE, E.PY_START | E.PY_RETURN, 0, E.CALL, E.INSTRUCTION, E.RAISE):
                M.set_events(TOOL, events)
        M.set_events(TOOL, 0)
        M.free_tool_id(TOOL)

    meanwhile(switch, work, work, work)
    assert not wrong


threads()
