"""The part of CPython's test.test_concurrent_futures that runs in threads.

Its helpers name concurrent.futures.InterpreterPoolExecutor, which Python does not have where there are no
subinterpreters: without `_interpreters` CPython cannot import the package either. Here the name is there, in this
process and in the commands that tests start, for a class that cannot be made, and the tests that would use it are left
out. So are those of pools of processes, which are not about threads.

    PREFIX/bin/typhon -X gil=0 vm/tests/futures_in_threads.py [-v]
"""

import sys
import unittest
from concurrent import futures

from test.support import script_helper

# Of all modules: the classes whose tests ask for a pool of threads, or for none.
MODULES = "as_completed", "future", "init", "shutdown", "thread_pool", "wait"
LEFT_OUT = "InterpreterPool", "ProcessPool"


# Runs here before the import of the tests, and at the head of every `-c` of theirs.
NAME = """
from concurrent import futures
class InterpreterPoolExecutor(futures.Executor):
    def __init__(self, *args, **kwargs):
        raise NotImplementedError("no subinterpreters")
futures.InterpreterPoolExecutor = InterpreterPoolExecutor
"""


def with_name(run):
    def wrapper(*args, **variables):
        args = [NAME + arg if before == "-c" else arg for before, arg in zip(("", *args), args)]
        return run(*args, **variables)

    return wrapper


def cases(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from cases(test)
        else:
            yield test


def load():
    """The tests, and how many were left out."""
    if not hasattr(futures, "InterpreterPoolExecutor"):
        exec(NAME, {})
        script_helper.assert_python_ok = with_name(script_helper.assert_python_ok)
    found = unittest.defaultTestLoader.loadTestsFromNames(
        [f"test.test_concurrent_futures.test_{name}" for name in MODULES]
    )
    everything = list(cases(found))
    kept = [test for test in everything if not type(test).__name__.startswith(LEFT_OUT)]
    return kept, len(everything) - len(kept)


if __name__ == "__main__":
    tests, left_out = load()
    print(f"{left_out} tests of pools of processes and interpreters left out", file=sys.stderr)
    result = unittest.TextTestRunner(verbosity=1 + ("-v" in sys.argv)).run(unittest.TestSuite(tests))
    sys.exit(not result.wasSuccessful())
