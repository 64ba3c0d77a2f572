"""The end of the process beside threads: who is waited for, who is left behind, what finalisers find; and forks."""
import os
import subprocess
import sys
import textwrap

OPTIONS = [word for key, value in sys._xoptions.items() for word in ("-X", f"{key}={value}")]


def run(program, *options):
    command = [sys.executable, *OPTIONS, *options, "-c", textwrap.dedent(program)]
    return subprocess.run(command, capture_output=True, timeout=120)


def check(program, out, *options, err=b"", code=0):
    done = run(program, *options)
    assert done.returncode == code and done.stdout == out, (program, done.returncode, done.stdout, done.stderr)
    assert done.stderr == err or err and err in done.stderr, (program, done.stdout, done.stderr)


def threads_are_waited_for():
    check("""
        import threading, time
        def second():
            time.sleep(.05)
            print("second")
        def first():
            time.sleep(.05)
            threading.Thread(target=second).start()
            print("first")
        threading.Thread(target=first).start()
        raise SystemExit(3)
        """, b"first\nsecond\n", code=3)


def threads_that_exit_functions_start_are_waited_for():
    check("""
        import atexit, threading, time
        def late():
            time.sleep(.05)
            atexit.register(print, "exit function of a thread")
            print("thread")
        @atexit.register
        def exit_function():
            threading.Thread(target=late).start()
            print("exit function")
        """, b"exit function\nthread\nexit function of a thread\n")


def main_thread_can_be_waited_for():
    check("""
        import threading
        main = threading.current_thread()
        threading.Thread(target=lambda: (main.join(), print("thread"))).start()
        print("main")
        """, b"main\nthread\n")


DAEMON = """
import gc, os, queue, sys, threading, time
lock, items, end = threading.Lock(), queue.SimpleQueue(), threading.Event()
lock.acquire()
def spin():
    while True: [object() for _ in range(10)]
def nap():
    while True: time.sleep(.0001)
def collect():
    while True: gc.collect()
def write():
    while True: sys.stdout.write("x"); sys.stdout.flush()
def fill():
    with open(os.devnull, "w") as null:
        while True: null.write("x" * 10_000)
def get():
    while True: items.get()
def put():
    while True: items.put([items])
def take():
    while True:
        with lock: pass
def wait():
    end.wait()
def raises():
    while True:
        try: 1 / 0
        except ZeroDivisionError: pass
def start():
    while True: threading.Thread(target=time.sleep, args=(.001,), daemon=True).start(); time.sleep(.0005)
def begin(*functions, copies=2):
    ready = threading.Barrier(1 + copies * len(functions))
    def run(f):
        ready.wait()
        f()
    for f in functions * copies:
        threading.Thread(target=run, args=(f,), daemon=True).start()
    ready.wait()
"""


def daemons_are_left_behind():
    for functions in ("spin", "nap", "collect, spin", "fill, raises", "put, get", "take, wait", "start, spin, nap, collect"):
        for last in ("", "time.sleep(.02)", "lock.release()", "end.set()", "sys.exit()"):
            check(DAEMON + f"begin({functions})\nprint('end')\n{last}\n", b"end\n")


def daemons_that_write_do_not_keep_the_streams():
    for _ in range(10):
        done = run(DAEMON + "begin(write, copies=3)\ntime.sleep(.01)\nsys.stdout.write('end')\n")
        assert done.returncode == 0 and done.stderr == b"" and b"end" in done.stdout, done


def finalisers_run_while_daemons_stand():
    check(DAEMON + textwrap.dedent("""
        class Last:
            def __init__(self, name):
                self.name = name
                self.thread = threading.Thread(target=spin, daemon=True)
                self.thread.start()
            def __del__(self, gc=gc, os=os, time=time, spin=spin, lock=lock, empty=queue.SimpleQueue(), end=end):
                assert self.thread.is_alive()
                for timeout in None, 10:
                    try:
                        self.thread.join(timeout)
                    except PythonFinalizationError as e:
                        print(self.name, e)
                for attempt in self.thread.__class__(target=spin).start, os.fork, end.wait, empty.get:
                    try:
                        attempt()
                    except PythonFinalizationError as e:
                        print(e)
                assert not end.wait(.001)
                lock.release(), lock.acquire(), lock.release()
                # Threads that wait for the lock are not given it.
                time.sleep(.01)
                lock.acquire(), lock.release()
                gc.collect()
        begin(take, put, collect, copies=1)
        last = Last("last")
        """), b"last cannot join thread at interpreter shutdown\n" * 2
        + b"can't create new thread at interpreter shutdown\ncan't fork at interpreter shutdown\n"
        + b"cannot wait for another thread at interpreter shutdown\n" * 2)


def finalisers_find_all_names():
    check("""
        import sys, threading
        main = threading.current_thread()
        class Cycle:
            def __init__(self): self.me = self
            def __del__(self):
                print(threading.current_thread() is main, sys.is_finalizing(), local.value, LAST)
        kept, local = Cycle(), threading.local()
        local.value = LAST = 1
        """, b"True True 1 1\n")
    # What a library module holds is finalised nevertheless.
    check("""
        import string
        class Kept:
            def __del__(self): print("gone")
        string.kept = Kept()
        string.function = lambda: kept
        kept = Kept()
        """, b"gone\n")
    # A thread that stands in one of its functions keeps the module's namespace.
    check(DAEMON + textwrap.dedent("""
        class Named:
            def __del__(self): print("gone")
        named = Named()
        begin(nap)
        """), b"gone\n")
    # What is taken out of it finds what was there before it, and all definitions.
    check(DAEMON + textwrap.dedent("""
        class First:
            def print(self): print(os.path.basename("a/first"), stop)
            def __del__(self): print(os.path.basename("a/gone"), stop)
        first = First()
        class Second:
            def __del__(self): first.print(), last()
        second = Second()
        def last(): print("last")
        stop = "."
        begin(nap)
        """), b"first None\nlast\ngone None\n")
    # So does an exception that nobody caught.
    check("""
        class Named:
            def __del__(self): print("gone")
        def f():
            named = Named()
            raise OSError("why")
        f()
        """, b"gone\n", code=1, err=b"OSError: why")


def threads_are_gone_after_a_fork():
    check("""
        import _thread, os, threading, time, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        lock, others, go = threading.Lock(), threading.RLock(), threading.Event()
        lock.acquire()
        def hold():
            with others: lock.acquire()
        thread = threading.Thread(target=hold)
        thread.start()
        # The thread has waited so long that it would be given the lock.
        time.sleep(.05)
        if (pid := os.fork()) == 0:
            assert not thread.is_alive() and threading.active_count() == 1 and _thread._count() == 0
            thread.join()
            lock.release()
            assert lock.acquire(timeout=10)
            assert not others.acquire(blocking=False)
            others._at_fork_reinit()
            assert others.acquire(timeout=10)
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
        assert thread.is_alive() and _thread._count() == 1
        lock.release()
        thread.join()
        print("end")
        """, b"end\n")


def child_of_a_thread_ends_with_it():
    check("""
        import atexit, os, sys, threading, time
        main = threading.main_thread()
        atexit.register(print, "exit function")
        def second():
            main.join()
            time.sleep(.05)
            os.write(1, b"second\\n")
        def child():
            assert threading.current_thread() is threading.main_thread()
            threading.Thread(target=second).start()
            os.write(1, b"child\\n")
        def first():
            pid = os.fork()
            if pid == 0:
                return child()
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
            print("first")
        threading.Thread(target=first).start()
        """, b"child\nsecond\nfirst\nexit function\n", "-W", "ignore::DeprecationWarning")


def forks_beside_threads_are_warned_about():
    program = """
        import os, threading, time
        if {with_thread}:
            go = threading.Event()
            thread = threading.Thread(target=go.wait)
            thread.start()
        if (pid := os.fork()) == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        if {with_thread}:
            go.set()
        """
    check(program.format(with_thread=False), b"", "-W", "error")
    check(program.format(with_thread=True), b"", err=b"DeprecationWarning: This process (pid=")


def trace_functions_of_all_threads():
    import threading
    found, ready, go = [], threading.Event(), threading.Event()

    def thread():
        found.append((sys.gettrace(), sys.getprofile()))
        ready.set()
        go.wait()
        found.append((sys.gettrace(), sys.getprofile()))

    t = threading.Thread(target=thread)
    t.start()
    ready.wait()
    traced, profiled = (lambda *args: None), (lambda *args: None)
    try:
        sys._settraceallthreads(traced)
        sys._setprofileallthreads(profiled)
        go.set()
        t.join()
        mine = sys.gettrace(), sys.getprofile()
    finally:
        sys._settraceallthreads(None)
        sys._setprofileallthreads(None)
    assert found == [(None, None), mine] and mine == (traced, profiled), found
    assert (sys.gettrace(), sys.getprofile()) == (None, None)


def exceptions_without_a_stream():
    done = run("""
        import sys, threading
        go = threading.Event()
        def f():
            go.wait()
            1 / 0
        t = threading.Thread(target=f)
        t.start()
        sys.stderr = None
        go.set()
        t.join()
        """)
    assert done.returncode == 0 and done.stdout == b"", done
    for part in b"Exception in thread Thread-1 (f):\nTraceback ", b"\nZeroDivisionError: division by zero\n":
        assert part in done.stderr, done


def timeouts():
    import queue
    import threading
    for wait in threading.Event().wait, threading.Thread(target=print).join:
        try:
            wait(float("nan"))
        except (ValueError, RuntimeError):
            continue
        assert False, wait
    for q in queue.SimpleQueue(), queue._PySimpleQueue():
        try:
            q.get(block=False, timeout=-1)
        except queue.Empty:
            continue
        assert False, q


threads_are_waited_for()
threads_that_exit_functions_start_are_waited_for()
main_thread_can_be_waited_for()
daemons_are_left_behind()
daemons_that_write_do_not_keep_the_streams()
finalisers_run_while_daemons_stand()
finalisers_find_all_names()
threads_are_gone_after_a_fork()
child_of_a_thread_ends_with_it()
forks_beside_threads_are_warned_about()
trace_functions_of_all_threads()
exceptions_without_a_stream()
timeouts()
