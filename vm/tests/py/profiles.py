# cProfile, and what it is made of.
import _lsprof
import cProfile
import io
import pstats
import sys
import threading


def leaf(n):
    return len(str(n))


def branch(n):
    return sum(leaf(i) for i in range(n))


def recursive(n):
    return n and recursive(n - 1)


profiler = _lsprof.Profiler()
profiler.enable()
branch(10)
recursive(5)
profiler.disable()
stats = {getattr(entry.code, "co_name", entry.code): entry for entry in profiler.getstats()}
assert stats["leaf"].callcount == 10, stats
assert stats["recursive"].callcount == 6 and stats["recursive"].reccallcount == 5, stats
assert stats["<built-in method builtins.len>"].callcount == 10, stats
assert stats["branch"].totaltime >= stats["leaf"].totaltime >= stats["leaf"].inlinetime >= 0
assert {getattr(c.code, "co_name", c.code) for c in stats["leaf"].calls} == {"<built-in method builtins.len>"}

# One at a time.
first, second = _lsprof.Profiler(), _lsprof.Profiler()
first.enable()
try:
    second.enable()
except ValueError:
    pass
else:
    raise AssertionError("two profilers at once")
finally:
    first.disable()
assert sys.monitoring.get_tool(sys.monitoring.PROFILER_ID) is None

# A timer of ticks.
ticks = iter(range(1000))
timed = _lsprof.Profiler(lambda: next(ticks), 0.5)
timed.enable()
leaf(1)
timed.disable()
assert {e.code.co_name: e for e in timed.getstats() if hasattr(e.code, "co_name")}["leaf"].totaltime > 0

# Reports.
out = io.StringIO()
whole = cProfile.Profile()
whole.runcall(branch, 20)
pstats.Stats(whole, stream=out).sort_stats("cumulative").print_stats()
assert "branch" in out.getvalue() and "leaf" in out.getvalue(), out.getvalue()


# Threads.
def threads():
    profiler = _lsprof.Profiler()

    def work():
        for _ in range(5):
            branch(10)

    workers = [threading.Thread(target=work) for _ in range(3)]
    profiler.enable()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    profiler.disable()
    stats = {getattr(entry.code, "co_name", entry.code): entry for entry in profiler.getstats()}
    assert stats["leaf"].callcount == 150, stats["leaf"]


threads()
