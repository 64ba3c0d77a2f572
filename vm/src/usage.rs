//! Texts of `-h`, `-V` and of usage errors.

/// `Python 3.14.…`, as `python3 -V` prints it.
pub fn version() -> String {
    let text = typhon_core::sysmod::info::version_text();
    format!("Python {}\n", text.split(' ').next().unwrap_or("3.14"))
}

/// What follows a usage error.
pub fn short(program: &str) -> String {
    format!(
        "usage: {program} [option] ... [-c cmd | -m mod | file | -] [arg] ...\nTry `{program} -h' for more information.\n"
    )
}

/// `-h`
pub fn full(program: &str) -> String {
    format!("usage: {program} [option] ... [-c cmd | -m mod | file | -] [arg] ...\n{OPTIONS}")
}

const OPTIONS: &str = "\
Options (and corresponding environment variables):
-b     : issue warnings about converting bytes/bytearray to str and comparing
         bytes/bytearray with str or bytes with int (-bb: issue errors)
-B     : don't write .pyc files on import; also PYTHONDONTWRITEBYTECODE=x
-c cmd : program passed in as string (terminates option list)
-E     : ignore PYTHON* environment variables (such as PYTHONPATH)
-h     : print this help message and exit (also -? or --help)
-i     : inspect interactively after running script; forces a prompt even
         if stdin does not appear to be a terminal; also PYTHONINSPECT=x
-I     : isolate Python from the user's environment (implies -E, -P and -s)
-m mod : run library module as a script (terminates option list)
-O     : remove assert and __debug__-dependent statements; also PYTHONOPTIMIZE=x
-OO    : do -O changes and also discard docstrings
-P     : don't prepend a potentially unsafe path to sys.path; also
         PYTHONSAFEPATH
-q     : don't print version and copyright messages on interactive startup
-s     : don't add user site directory to sys.path; also PYTHONNOUSERSITE=x
-S     : don't imply 'import site' on initialization
-u     : force the stdout and stderr streams to be unbuffered; also
         PYTHONUNBUFFERED=x
-v     : verbose (trace import statements); also PYTHONVERBOSE=x
-V     : print the Python version number and exit (also --version)
-W arg : warning control; arg is action:message:category:module:lineno;
         also PYTHONWARNINGS=arg
-x     : skip first line of source, allowing use of non-Unix forms of #!cmd
-X opt : set implementation-specific option
--check-hash-based-pycs always|default|never:
         control how Python invalidates hash-based .pyc files
--help-env: print help about environment variables and exit
--help-xoptions: print help about -X options and exit
--help-all: print complete help information and exit

Arguments:
file   : program read from script file
-      : program read from stdin (default; interactive mode if a tty)
arg ...: arguments passed to program in sys.argv[1:]
";

/// `--help-env`
pub const ENVIRONMENT: &str = "\
Environment variables that change behavior:
PYTHON_GIL      : 1 runs threads under a global lock, 0 without one (-X gil)
PYTHONDONTWRITEBYTECODE: don't write .pyc files (-B)
PYTHONHASHSEED  : if this variable is set to 'random', a random value is used
                  to seed the hashes of str and bytes objects.  It can also be
                  set to an integer in the range [0,4294967295]
PYTHONINSPECT   : inspect interactively after running script (-i)
PYTHONINTMAXSTRDIGITS: limit the size of int<->str conversions
PYTHONIOENCODING: encoding[:errors] used for stdin/stdout/stderr
PYTHONNOUSERSITE: don't add user site directory to sys.path (-s)
PYTHONOPTIMIZE  : remove assert statements (-O)
PYTHONPATH      : ':'-separated list of directories prefixed to the
                  default module search path
PYTHONPERFSUPPORT: 1 gives perf the names of Python functions (-X perf)
PYTHONSAFEPATH  : don't prepend a potentially unsafe path to sys.path (-P)
PYTHONSTARTUP   : file executed on interactive startup (no default)
PYTHONUNBUFFERED: disable stdout/stderr buffering (-u)
PYTHONVERBOSE   : trace import statements (-v)
PYTHONWARNINGS  : warning control (-W)
";

/// `--help-xoptions`
pub const X_OPTIONS: &str = "\
The following implementation-specific options are available:
-X dev : enable Python Development Mode
-X gc=concurrent|rendezvous|stop|off: how cycles of garbage are found: beside the
         running threads; likewise, but what they share is proved in short stops;
         with the world stopped; or by nobody
-X gil=0|1: run threads in parallel, or one at a time; also PYTHON_GIL
-X importtime: show how long each import takes
-X int_max_str_digits=N: limit the size of int<->str conversions
-X opcode-stats[=FILE]: count the instructions that run, and which follows which;
         at the end, print tables, or write them to a file as JSON
-X perf[=lines]: give perf the names of Python functions, or of each of their lines;
         also PYTHONPERFSUPPORT=1
-X refcount=deferred|biased|atomic: how reference counts work without a GIL;
         deferred, the default, does not count what several threads read often
-X showrefcount: at the end, collect all garbage and print the numbers of
         references and objects that are left, without immortal objects
-X stdlib=DIR: take the standard library from a folder instead of the one
         inside the command
-X sync-stats[=FILE]: keep account of what threads wait for and whose references
         they count, by type and source line; at the end, print a report, or write
         it to a file as JSON
-X utf8[=0|1]: UTF-8 mode
-X zeal=N: collect garbage and check the heap after every N births, far too often,
         to find errors of the collector
";
