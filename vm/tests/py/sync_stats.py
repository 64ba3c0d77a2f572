"""-X sync-stats: waits and shared counts are found at the line, type and kind that cause them."""
import json
import os
import subprocess
import sys
import tempfile

from checks import REFCOUNT

GIL = sys._is_gil_enabled()
MODE = ["-X", "gil=1" if GIL else "gil=0"]
for option in ("refcount", "zeal"):
    if option in sys._xoptions:
        MODE += ["-X", f"{option}={sys._xoptions[option]}"]
ATOMIC = REFCOUNT == "atomic"
DEFERRED = REFCOUNT == "deferred"
ZEAL = "zeal" in sys._xoptions

PROGRAM = '''
import _queue, collections, gc, os, sys, threading, time

class Config:
    def __init__(self):
        self.limits = {"low": 1}

class Thing:
    pass

def stats():
    return sys._sync_stats()

def rows(what, **wanted):
    return [r for r in stats()["rows"] if r["what"] == what and all(r[k] == v for k, v in wanted.items())]

def together(*functions):
    threads = [threading.Thread(target=f) for f in functions]
    for t in threads:
        t.start()
    for t in threads:
        t.join()

def append():
    found = []
    def work():
        for i in range(3000):
            found.append(i)  # APPEND
    together(work, work)
    assert len(found) == 6000

def insert():
    found = list(range(500_000))
    def work():
        for i in range(200):
            found.insert(0, i)  # INSERT
    together(work, work)

def read():
    config = Config()
    def work(n):
        for i in range(n):
            limits = config.limits  # READ
        del limits
    counts = []
    for n in (1000, 2000, 3000, 150_000):
        together(lambda: work(n), lambda: work(n))
        counts.append(sum(r["count"] for r in rows("shared count", type="Config")))
    return counts

class Entered:
    def __enter__(self):
        pass
    def __exit__(self, *raised):
        pass

def made(default=[]):
    def __init__(self, x, y=default):
        self.x = x
    return type("Made", (), {"__init__": __init__, "__slots__": ("x",)})

Made = made()
Triple = collections.namedtuple("Triple", "a b c")
KINDS = {int: made, "str": Config}

def call():
    def work(n):
        for i in range(n):
            with Entered():
                pass
            Made(x=i)
            Triple(a=1, b=2, c=i)
            KINDS.get(int)
            KINDS.get("str")
            KINDS.get(i, KINDS)
    counts = []
    for n in (2000, 4000, 20_000):
        together(lambda: work(n), lambda: work(n))
        counts.append(stats()["shared_count_operations"])
    return counts

def hold():
    guard = threading.Lock()
    held, wanted = threading.Event(), threading.Event()
    def holder():
        with guard:
            held.set()
            wanted.wait()
            time.sleep(0.4)
    def waiter():
        held.wait()
        wanted.set()
        with guard:  # HOLD
            pass
    together(holder, waiter)

def reenter():
    guard = threading.RLock()
    held, wanted = threading.Event(), threading.Event()
    def holder():
        with guard, guard:
            held.set()
            wanted.wait()
            time.sleep(0.4)
    def waiter():
        held.wait()
        wanted.set()
        guard.acquire()  # REENTER
        guard.release()
    together(holder, waiter)

def idle():
    ready = threading.Event()
    def waiter():
        ready.wait()  # IDLE
    def setter():
        time.sleep(0.4)
        ready.set()
    together(waiter, setter)

def queue():
    things = _queue.SimpleQueue()
    together(lambda: things.get(), lambda: (time.sleep(0.2), things.put(1)))  # QUEUE

def named():
    Made = type("Made" + str(len(sys.argv)), (), {})
    made = Made()
    for i in range(50):
        made.attribute = [i]  # NAMED

def drop():
    things = [Thing() for _ in range(500)]
    def work():
        while things:
            things.pop()  # DROP
    together(work)

def long_call():
    started, ended = threading.Event(), []
    def compute():
        base = 7
        while not ended:
            started.set()
            base ** 1_000_000  # LONG
    def stop():
        started.wait()
        for _ in range(6):
            gc.collect()
        ended.append(True)
    together(compute, stop)

def compute():
    sys.setswitchinterval(0.0005)
    here = []
    def work():
        here.append(True)
        # The second can only say that it is here when the first gives up the GIL.
        while len(here) < 2:
            pass
        for i in range(400_000):
            pass
    together(work, work)

def dying_code():
    found = []
    def work():
        for i in range(60):
            source = "\\n" * i + "for _ in range(10): found.append(1)"
            exec(compile(source, f"<made {i}>", "exec"), {"found": found})
            if i % 7 == 0:
                gc.collect()
    # Not the thread that made the list: what that one locks in its own handlers is not counted.
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

def forked():
    append()
    pid = os.fork()
    if pid == 0:
        assert sys._sync_stats() is None
        append()
        exec("def f(x): return [x]\\nf(1)")
        return None
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert stats() is not None

result = globals()[sys.argv[1]]()
if result is not None:
    print(result)
'''
FOLDER = tempfile.TemporaryDirectory()
PATH = os.path.join(FOLDER.name, "program.py")
with open(PATH, "w") as f:
    f.write(PROGRAM)


def line(marker):
    return next(n for n, text in enumerate(PROGRAM.splitlines(), 1) if f"# {marker}" in text)


def run(*args, code=0):
    done = subprocess.run([sys.executable, *MODE, *args], capture_output=True, timeout=250, text=True)
    assert done.returncode == code, (args, done)
    return done


def measure(name):
    """What the program recorded while it ran the function of this name, and what it printed."""
    path = os.path.join(FOLDER.name, f"{name}.json")
    done = run("-X", f"sync-stats={path}", PATH, name)
    assert done.stderr == "", done
    with open(path) as f:
        report = json.load(f)
    assert report["schema"] == 1
    counted = sum(r["count"] for r in report["rows"] if r["what"] == "shared count")
    assert report["shared_count_operations"] == counted == report["totals"]["shared count"]["count"]
    if GIL:
        assert counted == 0 and report["totals"]["object lock"]["count"] == 0
    elif not ATOMIC:
        # In one thread nothing is shared, so there is not much beside what the threads do.
        assert report["totals"]["object lock"]["count"] > 0
    return report, done.stdout


def find(report, what, marker):
    """The rows of the marked line, the first of which must be the first of its kind."""
    kind = [r for r in report["rows"] if r["what"] == what]
    here = [r for r in kind if r["line"] and r["line"]["file"] == PATH and r["line"]["line"] == line(marker)]
    assert here, (what, marker, kind[:5])
    assert kind[0] is here[0], (what, marker, kind[:5], here)
    assert f"# {marker}" in here[0]["line"]["text"]
    return here


# Off.
assert sys._sync_stats() is None
assert "sync-stats" not in run("-c", "print(1)").stderr

# Refused.
for wrong in ("", "/no/such/folder/file"):
    assert f"-X sync-stats={wrong}" in run("-X", f"sync-stats={wrong}", "-c", "1", code=1).stderr

# For people.
text = run("-X", "sync-stats", PATH, "hold").stderr
assert f"program.py:{line('HOLD')}  with guard:  # HOLD" in text, text
assert text.startswith("sync-stats: ") and "Idle" in text and "lock: hold the lock" in text, text

# A program can ask itself.
own = run("-X", "sync-stats", "-c", "import sys; print(sorted(sys._sync_stats()))").stdout
assert own == str(sorted(["wall_ns", "threads", "thread_ns", "contended_ns", "shared_count_operations",
                          "totals", "rows"])) + "\n", own

# Locks of the program, in every mode.
for name, marker, type_name in (("hold", "HOLD", "_thread.lock"), ("reenter", "REENTER", "_thread.RLock")):
    report, _ = measure(name)
    row = find(report, "lock", marker)[0]
    assert row["type"] == type_name and row["waits"] == row["count"] == 1, row
    assert 50_000_000 < row["wait_ns"] == row["longest_ns"] < report["wall_ns"], row
    waits = [r for r in report["rows"] if r["what"] != "condition"]
    assert waits[0] == row, waits[:3]
    assert report["contended_ns"] >= row["wait_ns"]
    assert report["threads"] == 3, report["threads"]

# Waiting for an event is not contention.
report, _ = measure("idle")
row = next(r for r in report["rows"] if r["line"] and r["line"]["line"] == line("IDLE"))
assert row["what"] == "condition" and row["wait_ns"] > 50_000_000, row
assert row["inside"]["function"] == "Condition.wait", row
assert report["contended_ns"] < row["wait_ns"], report["contended_ns"]

report, _ = measure("queue")
row = next(r for r in report["rows"] if r["type"] == "_queue.SimpleQueue" and r["what"] == "condition")
assert row["line"]["line"] == line("QUEUE") and row["wait_ns"] > 20_000_000, row

if GIL:
    report, _ = measure("compute")
    total = report["totals"]["GIL"]
    assert total["waits"] == total["count"] > 0 and total["wait_ns"] > 0, total
else:
    # Locks of objects: every one that was taken, and who waited.
    report, _ = measure("append")
    here = [r for r in report["rows"] if r["line"] and r["line"]["line"] == line("APPEND")]
    taken = [r for r in here if r["what"] == "object lock" and r["type"] == "list"]
    # A collector that comes very often takes some, too.
    assert len(taken) == 1 and (taken[0]["count"] == 6000 or ZEAL and taken[0]["count"] > 6000), here
    assert max((r for r in report["rows"] if r["line"] and r["line"]["file"] == PATH),
               key=lambda r: r["count"])["line"]["line"] == line("APPEND")
    report, _ = measure("insert")
    row = find(report, "object lock", "INSERT")[0]
    assert row["type"] == "list" and row["count"] == 400, row
    assert 0 < row["waits"] <= 400 and row["slept"] <= row["waits"], row
    assert row["longest_ns"] <= row["wait_ns"] < 2 * report["wall_ns"], row

    report, printed = measure("read")
    a, b, c, d = eval(printed)
    if DEFERRED:
        # What several threads read often is not counted at all.
        assert d - c <= 300, printed
        # Nor is what they call: special methods, generated ones, static methods, defaults, values of `dict.get`.
        a, b, c = eval(measure("call")[1])
        assert c - b <= 2000, (a, b, c)
    else:
        # Shared counts are exact: the same number for every iteration.
        row = find(report, "shared count", "READ")[0]
        assert row["type"] in ("Config", "dict"), row
        per = (b - a) // 4000
        assert per >= 2 and a == 2000 * per and b - a == 4000 * per and c - b == 6000 * per and d - c == 300_000 * per, printed

    # References to objects of another thread.
    if not ATOMIC:
        report, _ = measure("drop")
        queued = [r for r in report["rows"] if r["what"] == "merge queued" and r["type"] == "Thing"]
        assert {r["line"]["line"] for r in queued} <= {line("DROP"), line("DROP") - 1}, queued
        n = sum(r["count"] for r in queued)
        # The collector may have made the owner give some up before.
        assert n <= 500 and (n > 0 or ZEAL), queued
        totals = report["totals"]
        assert totals["merge queued"]["count"] <= \
            totals["merge by owner"]["count"] + totals["merge on behalf"]["count"] + 500

    # A thread that comes late to a stop.
    report, _ = measure("long_call")
    row = find(report, "safepoint", "LONG")[0]
    assert row["wait_ns"] >= row["longest_ns"] > 0 and row["type"] is None, row

    # A class whose name is made at run time.
    report, _ = measure("named")
    assert any(r["type"] == "Made2" and r["line"] and r["line"]["line"] == line("NAMED") for r in report["rows"])

    # Code that died keeps its lines.
    report, _ = measure("dying_code")
    for i in range(60):
        made = [r for r in report["rows"] if r["what"] == "object lock" and r["type"] == "list"
                and r["line"] and r["line"]["file"] == f"<made {i}>"]
        assert [r["line"]["line"] for r in made] == [i + 1], (i, made)
        assert made[0]["count"] == 10 or ZEAL and made[0]["count"] > 10, (i, made)

# A child of a fork records nothing and leaves the parent's file alone.
report, _ = measure("forked")
assert report["threads"] == 3, report["threads"]
