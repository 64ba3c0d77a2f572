# sys.settrace and sys.setprofile, of one thread and of all.
import sys
import threading


def inner(x):
    y = x + 1
    return y


def outer():
    total = 0
    for i in range(2):
        total += inner(i)
    return total


def failing():
    try:
        raise KeyError(1)
    except KeyError:
        pass


def traced(function):
    log = []

    def trace(frame, event, arg):
        if frame.f_code.co_filename != __file__:
            return None
        log.append((frame.f_code.co_name, event, frame.f_lineno - frame.f_code.co_firstlineno))
        return trace

    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(None)
    return [entry for entry in log if entry[0] == function.__name__ or entry[0] == "inner"]


log = traced(outer)
inside = [("inner", "call", 0), ("inner", "line", 1), ("inner", "line", 2), ("inner", "return", 2)]
assert log == [
    ("outer", "call", 0), ("outer", "line", 1), ("outer", "line", 2),
    ("outer", "line", 3), *inside, ("outer", "line", 2),
    ("outer", "line", 3), *inside, ("outer", "line", 2),
    ("outer", "line", 4), ("outer", "return", 4),
], log

log = traced(failing)
assert log == [
    ("failing", "call", 0), ("failing", "line", 1), ("failing", "line", 2), ("failing", "exception", 2),
    ("failing", "line", 3), ("failing", "line", 4), ("failing", "return", 4),
], log


# A frame that runs already begins to be traced when it gets a function.
def begins_late():
    log = []

    def trace(frame, event, arg):
        log.append((event, frame.f_lineno - frame.f_code.co_firstlineno))
        return trace

    sys._getframe().f_trace = trace
    sys.settrace(trace)
    a = 1
    b = 2
    sys.settrace(None)
    return log


log = begins_late()
assert log == [("line", 9), ("line", 10), ("line", 11)], log


# Opcodes.
def opcodes():
    seen = []

    def trace(frame, event, arg):
        frame.f_trace_opcodes = True
        seen.append(event)
        return trace

    sys.settrace(trace)
    inner(1)
    sys.settrace(None)
    return seen


seen = opcodes()
assert "opcode" in seen, seen


# A function that raises is not called again.
def raising(frame, event, arg):
    raise ZeroDivisionError


sys.settrace(raising)
try:
    inner(1)
except ZeroDivisionError:
    pass
else:
    raise AssertionError("the exception is lost")
assert sys.gettrace() is None


# Profiles see natives.
profile = []
sys.setprofile(lambda frame, event, arg: profile.append((frame.f_code.co_name, event)))
inner(len("a"))
sys.setprofile(None)
assert ("inner", "call") in profile and ("inner", "return") in profile, profile
assert ("<module>", "c_call") in profile and ("<module>", "c_return") in profile, profile


# All threads, while they run.
def all_threads():
    stop = threading.Event()
    seen = set()

    def work():
        while not stop.is_set():
            outer()
            failing()

    def trace(frame, event, arg):
        seen.add(threading.get_ident())
        return trace

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    idents = {worker.ident for worker in workers}
    for _ in range(5):
        threading.settrace_all_threads(trace)
        threading.settrace_all_threads(None)
    threading.setprofile_all_threads(trace)
    while not idents <= seen:
        pass
    threading.setprofile_all_threads(None)
    stop.set()
    for worker in workers:
        worker.join()


all_threads()
