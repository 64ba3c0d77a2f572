"""A small stand-in for `pyperf`, so that its benchmark programs run unmodified on any Python.

It has what those programs use: `Runner` with `bench_func`, `bench_time_func`, `bench_async_func`,
`timeit`, `bench_command`, `argparser`, `args`, `parse_args`, `metadata`, and `perf_counter`.
Everything runs in this one process: warm-ups, then a few timed values of so many loops that a value
takes a given least time. Per benchmark it prints one line for people and one for the lab:

    NAME: best 12.3 ms, mean 12.5 ms (3 values of 8 loops)
    lab bench=NAME best_ns=… mean_ns=… values=3 loops=8

Environment: LAB_VALUES (3), LAB_WARMUPS (1), LAB_MIN_MS (100: least time of one value).
"""
import argparse
import os
import sys
from time import perf_counter

VERSION = (2, 0, 0)
__version__ = "2.0.0"


def python_implementation():
    return sys.implementation.name


def python_has_jit():
    return sys.implementation.name == "pypy"


def _setting(name, default):
    text = os.environ.get(name, "")
    return int(text) if text else default


def _human(seconds):
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return "%.3g %s" % (seconds / size, unit)
    return "%.3g ns" % (seconds / 1e-9)


class Benchmark:
    """The values of one benchmark, in seconds per inner loop."""

    def __init__(self, name, values, loops, metadata):
        self._name = name
        self._values = values
        self._loops = loops
        self._metadata = metadata

    def get_name(self):
        return self._name

    def get_values(self):
        return tuple(self._values)

    def get_metadata(self):
        return dict(self._metadata)

    def get_nvalue(self):
        return len(self._values)

    def mean(self):
        return sum(self._values) / len(self._values)

    def median(self):
        ordered = sorted(self._values)
        middle = len(ordered) // 2
        if len(ordered) % 2:
            return ordered[middle]
        return (ordered[middle - 1] + ordered[middle]) / 2


class Runner:
    def __init__(self, values=None, processes=None, loops=0, min_time=None, metadata=None,
                 show_name=True, program_args=None, add_cmdline_args=None, warmups=None,
                 _argparser=None):
        self.metadata = dict(metadata) if metadata else {}
        self.args = None
        self.argparser = _argparser if _argparser is not None else argparse.ArgumentParser(
            description="Benchmark")
        # Options of the real runner that change how it measures. They are accepted, so that
        # command lines keep working; only the ones with a meaning in one process are obeyed.
        options = self.argparser.add_argument_group("runner")
        options.add_argument("-l", "--loops", type=int, default=loops)
        options.add_argument("-n", "--values", type=int,
                             default=_setting("LAB_VALUES", 3))
        options.add_argument("-w", "--warmups", type=int,
                             default=_setting("LAB_WARMUPS", 1))
        options.add_argument("-p", "--processes", type=int, default=1)
        options.add_argument("--min-time", type=float,
                             default=_setting("LAB_MIN_MS", 100) / 1000.0)
        options.add_argument("-o", "--output", default=None)
        for flag in ("--fast", "--rigorous", "--quiet", "-v", "--verbose", "--debug-single-value"):
            options.add_argument(flag, action="store_true")

    def parse_args(self, args=None):
        if self.args is None:
            self.args = self.argparser.parse_args(args)
        return self.args

    def _measure(self, name, time_loops, inner_loops, metadata):
        args = self.parse_args()
        single = args.debug_single_value
        loops = args.loops
        warmups = 0 if single else args.warmups
        if single:
            loops = 1
        elif loops <= 0:
            loops = 1
            while True:
                taken = time_loops(loops)
                if taken >= args.min_time or loops >= 1 << 24:
                    break
                loops *= 2
            warmups -= 1
        for _ in range(warmups):
            time_loops(loops)
        n_values = 1 if single else max(1, args.values)
        scale = loops * (inner_loops or 1)
        values = [time_loops(loops) / scale for _ in range(n_values)]
        best = min(values)
        mean = sum(values) / len(values)
        print("%s: best %s, mean %s (%d values of %d loops)"
              % (name, _human(best), _human(mean), len(values), loops))
        print("lab bench=%s best_ns=%.1f mean_ns=%.1f values=%d loops=%d"
              % (name.replace(" ", "_"), best * 1e9, mean * 1e9, len(values), loops))
        sys.stdout.flush()
        known = dict(self.metadata)
        known.update(metadata or {})
        return Benchmark(name, values, loops, known)

    def bench_func(self, name, func, *args, inner_loops=None, metadata=None):
        def time_loops(loops):
            turns = range(loops)
            start = perf_counter()
            for _ in turns:
                func(*args)
            return perf_counter() - start

        return self._measure(name, time_loops, inner_loops, metadata)

    def bench_time_func(self, name, time_func, *args, inner_loops=None, metadata=None):
        def time_loops(loops):
            return time_func(loops, *args)

        return self._measure(name, time_loops, inner_loops, metadata)

    def bench_async_func(self, name, func, *args, inner_loops=None, metadata=None,
                         loop_factory=None):
        import asyncio

        async def turn(loops):
            start = perf_counter()
            for _ in range(loops):
                await func(*args)
            return perf_counter() - start

        def time_loops(loops):
            if loop_factory is None:
                return asyncio.run(turn(loops))
            loop = loop_factory()
            try:
                return loop.run_until_complete(turn(loops))
            finally:
                loop.close()

        return self._measure(name, time_loops, inner_loops, metadata)

    def bench_command(self, name, command):
        import subprocess

        def run_once():
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

        return self.bench_func(name, run_once)

    def timeit(self, name, stmt=None, setup="pass", teardown="pass", inner_loops=None,
               duplicate=None, metadata=None, globals=None):
        def code_of(part):
            return compile(part if isinstance(part, str) else "\n".join(part), name, "exec")

        statement, before, after = code_of(stmt), code_of(setup), code_of(teardown)

        def time_loops(loops):
            space = dict(globals) if globals else {}
            exec(before, space)
            start = perf_counter()
            for _ in range(loops):
                exec(statement, space)
            taken = perf_counter() - start
            exec(after, space)
            return taken

        return self._measure(name, time_loops, inner_loops, metadata)
