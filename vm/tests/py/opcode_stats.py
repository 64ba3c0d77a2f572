"""-X opcode-stats: instructions, their successors and misses of caches are counted, in all threads, exactly."""
import json
import os
import subprocess
import sys
import tempfile

from checks import REFCOUNT

MODE = ["-X", "gil=1" if sys._is_gil_enabled() else "gil=0"]
for option in ("refcount", "zeal"):
    if option in sys._xoptions:
        MODE += ["-X", f"{option}={sys._xoptions[option]}"]

PROGRAM = '''
import os, sys, threading

class Matrix:
    def __matmul__(self, other):
        return None

def together(n, work):
    threads = [threading.Thread(target=work) for _ in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()

def matmul(n):
    a = Matrix()
    for i in range(n):
        a @ a

def nothing():
    pass

def one():
    matmul(1000)

def four():
    together(4, lambda: matmul(1000))

def same():
    class Thing:
        pass
    thing = Thing()
    thing.value = 1
    for i in range(5000):
        thing.value

def various():
    # Three shapes in turn: each meets the two that are remembered, and neither is its own.
    things = []
    for name in "abc":
        thing = type(name, (), {})()
        thing.value = 1
        things.append(thing)
    for i in range(10):
        for thing in things:
            thing.value

def forked():
    matmul(10)
    pid = os.fork()
    if pid == 0:
        matmul(500)
        together(2, lambda: matmul(500))
        return
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    matmul(20)

def daemon():
    started = threading.Event()
    def work():
        while True:
            matmul(10)
            started.set()
    threading.Thread(target=work, daemon=True).start()
    started.wait()

globals()[sys.argv[1]]()
'''
FOLDER = tempfile.TemporaryDirectory()
PATH = os.path.join(FOLDER.name, "program.py")
with open(PATH, "w") as f:
    f.write(PROGRAM)


def run(*args, code=0):
    done = subprocess.run([sys.executable, *MODE, *args], capture_output=True, timeout=250, text=True,
                          env={**os.environ, "PYTHONHASHSEED": "1"})
    assert done.returncode == code, (args, done)
    return done


def measure(name):
    path = os.path.join(FOLDER.name, f"{name}.json")
    done = run("-X", f"opcode-stats={path}", PATH, name)
    assert done.stderr == "", done
    with open(path) as f:
        report = json.load(f)
    assert report["schema"] == 1
    assert report["mode"] == REFCOUNT
    counts = {row["op"]: row["count"] for row in report["ops"]}
    for rows in (report["ops"], report["pairs"]):
        # Ranked, each once, without what never ran.
        ranks = [row["count"] for row in rows]
        assert ranks == sorted(ranks, reverse=True) and min(ranks) > 0, ranks
    assert len(counts) == len(report["ops"])
    assert report["instructions"] == sum(counts.values())
    # All but the first instruction of a thread follow one.
    pairs = {(row["op"], row["next"]): row["count"] for row in report["pairs"]}
    assert len(pairs) == len(report["pairs"])
    assert 0 <= report["instructions"] - sum(pairs.values()) <= report["threads"], report["threads"]
    for op, n in counts.items():
        before = sum(count for (_, then), count in pairs.items() if then == op)
        assert 0 <= n - before <= report["threads"], (op, n, before)
    caches = {row["op"]: row for row in report["caches"]}
    for op, row in caches.items():
        assert op.startswith(row["of"]) and row["count"] == counts[op] and 0 <= row["misses"] <= row["count"], row
    return report, counts, pairs, caches


# Off.
assert "opcode-stats" not in run("-c", "print(1)").stderr

# Refused.
for wrong in ("", "/no/such/folder/file"):
    assert f"-X opcode-stats={wrong}" in run("-X", f"opcode-stats={wrong}", "-c", "1", code=1).stderr

# For people.
text = run("-X", "opcode-stats", PATH, "one").stderr
assert text.startswith("opcode-stats: "), text
for part in ("with those above", "the next one", "cache misses"):
    assert part in text, text

# Nothing else in the process multiplies matrices.
assert "BinaryMatmul" not in measure("nothing")[1]
report, counts, pairs, caches = measure("one")
assert counts["BinaryMatmul"] == 1000, counts
assert report["threads"] == 1 or "zeal" in sys._xoptions, report["threads"]
# What is called runs next, and what it returns is dropped.
assert pairs["LoadFastBorrow2", "BinaryMatmul"] == 1000, pairs
assert sum(n for (op, _), n in pairs.items() if op == "BinaryMatmul") == 1000
assert pairs["ReturnValue", "PopTop"] + pairs.get(("Exit", "PopTop"), 0) >= 1000, pairs

# Threads that ended are in the sum, and one that is left behind is looked at while it runs.
report, counts, pairs, _ = measure("four")
assert counts["BinaryMatmul"] == pairs["LoadFastBorrow2", "BinaryMatmul"] == 4000, counts
assert report["threads"] >= 5, report["threads"]
report, counts, _, _ = measure("daemon")
assert counts["BinaryMatmul"] >= 10 and report["threads"] >= 2, counts

# A site that meets one shape hits, one that meets three in turn does not.
before = measure("nothing")[3]
after = measure("same")[3]


def grown(op, what):
    return after.get(op, {what: 0})[what] - before.get(op, {what: 0})[what]


assert grown("LoadAttrSlot", "count") >= 4990, after
assert sum(grown(op, "misses") for op in after if op.startswith("LoadAttr")) <= 20, (before, after)
after = measure("various")[3]
missed = sum(grown(op, "misses") for op in after if op.startswith("LoadAttrSlot"))
assert missed >= 25, (before, after)

# A child of a fork reports nothing and leaves the parent's file alone.
assert measure("forked")[1]["BinaryMatmul"] == 30
