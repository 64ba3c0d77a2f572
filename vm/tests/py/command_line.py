"""Exit codes and messages of the command, with bad input above all."""
import os
import signal
import subprocess
import sys
import tempfile
import time

MODE = "gil=1" if sys._is_gil_enabled() else "gil=0"


def run(*args, input=b"", **options):
    return subprocess.run([sys.executable, "-X", MODE, *args], input=input, capture_output=True, timeout=120, **options)


def check(args, code, out=None, err=None, **options):
    done = run(*args, **options)
    assert done.returncode == code, (args, done)
    assert b"panicked" not in done.stderr, (args, done)
    if out is not None:
        assert done.stdout == out, (args, done)
    if err is not None:
        assert err in done.stderr, (args, done)


check(["-c", "print(6 * 7)"], 0, b"42\n")
check(["-"], 0, b"1\n", input=b"print(1)\n")
check(["-c", "import sys; print(sys.argv)", "a", "-b"], 0, b"['-c', 'a', '-b']\n")
check(["-c", "raise SystemExit"], 0)
check(["-c", "raise SystemExit(3)"], 3)
check(["-c", "raise SystemExit('why')"], 1, b"", b"why")
check(["-c", "1/0"], 1, b"", b"ZeroDivisionError: division by zero")
check(["-c", "def f(:"], 1, b"", b"SyntaxError")
check(["-X", "gil=2", "-c", "1"], 1)
check(["-X", "gc=generational", "-c", "1"], 1, b"", b"concurrent")
check(["-X", "zeal=0", "-c", "1"], 1, b"", b"zeal")
check(["-X", "zeal=1", "-c", "print([].__class__)"], 0, b"<class 'list'>\n", b"")
check(["-X", "refcount=none", "-c", "1"], 1, b"", b"-X refcount")
check(["-X", "unknown=1", "-c", "1"], 0)
check(["-Q"], 2)
check(["/no/such/file.py"], 2, b"", b"[Errno 2]")
check(["-m", "no_such_module"], 1, b"", b"No module named")
check(["-c", "def f(): f()\nf()"], 1, b"", b"RecursionError")
check(["-c", "class A:\n def __repr__(self): return repr(self)\nrepr(A())"], 1, b"", b"RecursionError")
check(["-c", "a = []\nfor i in range(10**6): a = [a]\ndel a\nprint('ok')"], 0, b"ok\n")
check(["-c", "import threading\nt = threading.Thread(target=lambda: 1/0)\nt.start(); t.join(); print('end')"],
      0, b"end\n", b"Exception in thread")
for code in ("'a' * 10**18", "[0] * 10**18", "1 << 10**18", "bytes(10**18)"):
    check(["-c", code], 1, b"", b"Error")

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "nul.py")
    with open(path, "wb") as f:
        f.write(b"x = 1\0\n")
    check([path], 1, b"", b"null bytes")

    module = os.path.join(folder, "cached.py")
    with open(module, "w") as f:
        f.write("print('body', 1)\n")
    call = ["-c", "import cached"]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | {"PYTHONPATH": folder}
    check(call, 0, b"body 1\n", env=environment)
    caches = [os.path.join(folder, "__pycache__", n) for n in os.listdir(os.path.join(folder, "__pycache__"))]
    assert len(caches) == 1, caches
    with open(caches[0], "rb") as f:
        good = f.read()
    check(call, 0, b"body 1\n", env=environment)
    # Damaged code is an error of the module; a damaged head means that the source is compiled again.
    for damage in (b"", good[:7], b"\0" * 16 + good[16:], b"Z" * 64):
        with open(caches[0], "wb") as f:
            f.write(damage)
        check(call, 0, b"body 1\n", env=environment)
    for damage in (good[:20], good[:-5], good[:16] + b"\xff" * 40):
        with open(caches[0], "wb") as f:
            f.write(damage)
        done = run(*call, env=environment)
        assert done.returncode in (0, 1) and b"panicked" not in done.stderr, done

# Programs started in the background by a shell ignore the signal, and so would their children.
signal.signal(signal.SIGINT, signal.default_int_handler)
for code in ("while True: pass", "import threading; l = threading.Lock(); l.acquire(); l.acquire()",
             "import time; time.sleep(100)"):
    child = subprocess.Popen([sys.executable, "-X", MODE, "-c", "print('go', flush=True)\n" + code],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert child.stdout.readline() == b"go\n"
        time.sleep(0.1)
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=60)
    finally:
        child.kill()
    assert child.returncode == -signal.SIGINT, (code, child.returncode)
    assert b"KeyboardInterrupt" in err, (code, err)
