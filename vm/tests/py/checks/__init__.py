"""What the test programs share."""
import sys
import threading

# How references are counted.
REFCOUNT = "gil" if sys._is_gil_enabled() else sys._xoptions.get("refcount", "deferred")


def raises(kind, f, *args, text=None, part=None, **kw):
    """Calls `f`, which must raise a `kind`: with the message `text`, if given, or with `part` in it. The exception."""
    try:
        f(*args, **kw)
    except kind as e:
        assert text is None or str(e) == text, f"{text!r} was expected, not {str(e)!r}"
        assert part is None or part in str(e), f"{part!r} was expected in {str(e)!r}"
        return e
    raise AssertionError(f"{kind} not raised")


def run(*functions):
    """Runs the functions as threads that begin at once, and waits for them; the first exception of theirs is ours."""
    failed = []
    start = threading.Barrier(len(functions))

    def guarded(f):
        start.wait()
        try:
            f()
        except BaseException as e:
            failed.append(e)

    threads = [threading.Thread(target=guarded, args=(f,)) for f in functions]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failed:
        raise failed[0]


def meanwhile(main, *others):
    """Runs `main`, and each of `others` over and over in a thread of its own until it is done; exceptions as of `run`."""
    done = False

    def last():
        nonlocal done
        try:
            main()
        finally:
            done = True

    def again(f):
        while not done:
            f()

    run(last, *[lambda f=f: again(f) for f in others])


def ring(make, n):
    """`n` objects of `make()`, each of which has the one before as its `next`; that of the first is the last, which is
    returned."""
    first = last = make()
    for _ in range(n - 1):
        node = make()
        node.next = last
        last = node
    first.next = last
    return last
