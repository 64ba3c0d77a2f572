"""A profiler for Python programs: how often functions were called, and how long they ran."""

import _lsprof
import marshal
import profile as _profile
import sys

__all__ = ["run", "runctx", "Profile"]


def run(statement, filename=None, sort=-1):
    """Runs a statement in __main__ under the profiler; prints statistics, or stores them in a file."""
    return _profile._Utils(Profile).run(statement, filename, sort)


def runctx(statement, globals, locals, filename=None, sort=-1):
    """As run(), in the given namespaces."""
    return _profile._Utils(Profile).runctx(statement, globals, locals, filename, sort)


class Profile(_lsprof.Profiler):
    """Profile(timer=None, timeunit=None, subcalls=True, builtins=True)

    A profiler that pstats understands. The timer is a function that returns a number: seconds, or ticks of
    `timeunit` seconds.
    """

    def print_stats(self, sort=-1):
        import pstats
        if not isinstance(sort, tuple):
            sort = (sort,)
        pstats.Stats(self).strip_dirs().sort_stats(*sort).print_stats()

    def dump_stats(self, file):
        with open(file, "wb") as out:
            self.create_stats()
            marshal.dump(self.stats, out)

    def create_stats(self):
        self.disable()
        self.snapshot_stats()

    def snapshot_stats(self):
        entries = self.getstats()
        self.stats = {}
        callers_of = {}
        for entry in entries:
            callers = callers_of[id(entry.code)] = {}
            self.stats[label(entry.code)] = (*_numbers(entry), callers)
        for entry in entries:
            caller = label(entry.code)
            for call in entry.calls or ():
                callers = callers_of.get(id(call.code))
                if callers is None:
                    continue
                before = callers.get(caller, (0, 0, 0, 0))
                primitive, calls, own, total = _numbers(call)
                # Here calls come first.
                callers[caller] = tuple(a + b for a, b in zip(before, (calls, primitive, own, total)))

    def run(self, cmd):
        import __main__
        namespace = __main__.__dict__
        return self.runctx(cmd, namespace, namespace)

    def runctx(self, cmd, globals, locals):
        self.enable()
        try:
            exec(cmd, globals, locals)
        finally:
            self.disable()
        return self

    def runcall(self, func, /, *args, **kw):
        self.enable()
        try:
            return func(*args, **kw)
        finally:
            self.disable()

    def __enter__(self):
        self.enable()
        return self

    def __exit__(self, *_):
        self.disable()


def _numbers(entry):
    """Primitive calls, calls, time in the function itself, time with what it called."""
    return entry.callcount - entry.reccallcount, entry.callcount, entry.inlinetime, entry.totaltime


def label(code):
    """File, line and name of a function, as pstats wants them."""
    if isinstance(code, str):
        return ("~", 0, code)
    return (code.co_filename, code.co_firstlineno, code.co_name)


def main():
    import io
    import optparse
    import os
    import pstats
    import types

    usage = "cProfile.py [-o output_file_path] [-s sort] [-m module | scriptfile] [arg] ..."
    parser = optparse.OptionParser(usage=usage)
    # What follows the script is the script's.
    parser.allow_interspersed_args = False
    parser.add_option("-o", "--outfile", dest="outfile", default=None, help="Save stats to <outfile>")
    parser.add_option(
        "-s", "--sort", dest="sort", default=2, choices=sorted(pstats.Stats.sort_arg_dict_default),
        help="Sort order when printing to stdout, based on pstats.Stats class",
    )
    parser.add_option("-m", dest="module", action="store_true", default=False,
                      help="Profile a library module")
    if not sys.argv[1:]:
        parser.print_usage()
        sys.exit(2)
    options, args = parser.parse_args()
    if not args:
        parser.print_usage()
        sys.exit(2)
    if options.outfile is not None:
        # The program may change the directory.
        options.outfile = os.path.abspath(options.outfile)
    sys.argv[:] = args
    if options.module:
        import runpy
        code = "run_module(modname, run_name='__main__')"
        namespace = {"run_module": runpy.run_module, "modname": args[0]}
        where = namespace
    else:
        script = args[0]
        sys.path.insert(0, os.path.dirname(script))
        with io.open_code(script) as file:
            code = compile(file.read(), script, "exec")
        # Without a spec, processes that multiprocessing starts find the script by its file.
        module = types.ModuleType("__main__")
        module.__dict__.update(__file__=script, __package__=None, __cached__=None)
        sys.modules["__main__"] = module
        namespace, where = module.__dict__, None
    try:
        runctx(code, namespace, where, options.outfile, options.sort)
    except BrokenPipeError as exc:
        # Nothing more can be printed, by exit handlers neither.
        sys.stdout = None
        sys.exit(exc.errno)


if __name__ == "__main__":
    main()
