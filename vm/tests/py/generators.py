"""Generators: what `throw` raises and where, what finalisers report, what they return."""
import sys
import types
import warnings

from checks import raises


def names(frame, n):
    found = []
    while frame is not None and len(found) < n:
        found.append(frame.f_code.co_name)
        frame = frame.f_back
    return found


def frames_of_a_delegation():
    def inner():
        try:
            while True:
                yield names(sys._getframe(), 4)
        except ValueError:
            yield names(sys._getframe(), 4)
        finally:
            seen.append(names(sys._getframe(), 4))

    class Custom:
        def __iter__(self):
            return self

        def __next__(self):
            return names(sys._getframe(), 3)

        def throw(self, exc):
            if isinstance(exc, ValueError):
                return names(sys._getframe(), 3)
            raise StopIteration(names(sys._getframe(), 3))

        def close(self):
            seen.append(names(sys._getframe(), 3))

    def middle():
        result = yield from inner()
        return result

    def outer(delegate):
        try:
            result = yield from delegate()
            yield result
        except KeyError as e:
            yield e, names(sys._getframe(), 2), delegate

    here = "frames_of_a_delegation"
    seen = []
    g = outer(middle)
    assert next(g) == g.send(None) == ["inner", "middle", "outer", here]
    assert g.throw(ValueError) == ["inner", "middle", "outer", here]
    e, where, _ = g.throw(KeyError("why"))
    assert e.args == ("why",) and where == ["outer", here] and seen.pop() == ["inner", "middle", "outer", here]
    # The traceback has every frame once.
    tb, lines = e.__traceback__, []
    while tb is not None:
        lines.append(tb.tb_frame.f_code.co_name)
        tb = tb.tb_next
    assert lines == ["outer", "middle", "inner"], lines
    g = outer(middle)
    next(g)
    g.close()
    assert seen.pop()[0] == "inner"
    g = outer(Custom)
    assert next(g) == ["__next__", "outer", here]
    assert g.throw(ValueError()) == ["throw", "outer", here]
    frame = g.gi_frame
    assert frame.f_back is None and frame.f_locals["delegate"] is Custom
    assert g.throw(IndexError()) == ["throw", "outer", here] and g.gi_yieldfrom is None
    g.close()
    g = outer(Custom)
    next(g)
    g.close()
    assert seen.pop()[0] == "close" and not seen

    # What the generator handles is nothing to what is thrown at its delegate.
    def handling():
        try:
            raise OSError("handled")
        except OSError:
            yield from handler()

    def handler():
        try:
            yield
        except ValueError as e:
            yield sys.exception() is e, e.__context__

    g = handling()
    next(g)
    assert g.throw(ValueError()) == (True, None)

    # It runs while its delegate does.
    def again():
        yield from Again()

    class Again(Custom):
        def throw(self, exc):
            assert g.gi_running and not g.gi_suspended
            return raises(ValueError, next, g, text="generator already executing")

    g = again()
    next(g)
    assert isinstance(g.throw(ValueError()), ValueError) and g.gi_suspended


def too_deep_a_delegation():
    def chain(n):
        if n:
            yield from chain(n - 1)
        else:
            yield

    limit = sys.getrecursionlimit()
    g = chain(limit - 50)
    next(g)
    raises(ValueError, g.throw, ValueError)
    g = chain(limit // 2)
    next(g)
    sys.setrecursionlimit(limit // 3)
    try:
        raises(RecursionError, g.throw, ValueError)
    finally:
        sys.setrecursionlimit(limit)


def what_throw_raises():
    class NotMade(Exception):
        def __new__(cls, *args):
            return cls

    def catching():
        while True:
            try:
                yield
            except Exception as e:
                yield e

    def thrown(*args):
        g = catching()
        next(g)
        return g.throw(*args)

    def plain():
        yield

    assert isinstance(thrown(NotMade), TypeError)
    g = plain()
    raises(TypeError, g.throw, NotMade, part="should have returned an instance of BaseException")
    raises(StopIteration, next, g)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        given = KeyError("given")
        assert thrown(LookupError, given) is given
        rewrapped = thrown(ValueError, given)
        assert type(rewrapped) is ValueError and rewrapped.args == (given,)
        assert thrown(ValueError, (1, 2)).args == (1, 2)
        assert thrown(ValueError, "text", None).args == ("text",)
        raises(TypeError, thrown, given, "text", text="instance exception may not have a separate value")
        raises(TypeError, thrown, ValueError, "text", 1, text="throw() third argument must be a traceback object")

    async def coroutine():
        await stop()

    @types.coroutine
    def stop():
        yield

    async def agen():
        yield

    c, a = coroutine(), agen()
    old = (ValueError, ValueError("value"), None)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        text = "the (type, exc, tb) signature of {}() is deprecated, use the single-arg signature instead."
        for f, name in ((thrown, "throw"), (c.throw, "throw"), (c.__await__().throw, "throw"), (a.athrow, "athrow"),
                        (a.asend(None).throw, "throw")):
            raises(DeprecationWarning, f, *old, text=text.format(name))
    c.close()


def what_finalisers_report():
    def f():
        try:
            yield
        finally:
            1 / 0

    reports, hook = [], sys.unraisablehook
    sys.unraisablehook = lambda report: reports.append((report.err_msg, type(report.exc_value), report.object))
    try:
        g = f()
        next(g)
        shown = repr(g)
        del g
        assert reports == [(f"Exception ignored while closing generator {shown}", ZeroDivisionError, None)], reports
    finally:
        sys.unraisablehook = hook


def lambdas_return():
    for f in (lambda: (yield 1)), (lambda: (yield from g())):
        g = lambda: (yield 1)
        it = f()
        assert next(it) == 1
        assert raises(StopIteration, it.send, 2).value == 2


frames_of_a_delegation()
too_deep_a_delegation()
what_throw_raises()
what_finalisers_report()
lambdas_return()


# The end of an iterator has a value for those who ask for it, and for nobody else.
class Countdown:
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return self

    def __next__(self):
        if self.n == 0:
            raise StopIteration("end")
        self.n -= 1
        return self.n


def returning(n):
    while n:
        n -= 1
        yield n
    return "end"


def value(step, *args):
    try:
        step(*args)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("not at its end")


def delegating(it):
    return (yield from it)


def unpacked(it):
    a, b = it
    return [a, b]


for make in (Countdown, returning):
    assert value(next, make(0)) == "end"
    assert value(make(0).__next__) == "end"
    assert next(make(0), "default") == "default"
    delegation = delegating(make(1))
    assert next(delegation) == 0
    assert value(next, delegation) == "end"
    for consume in (list, tuple, sorted, unpacked, lambda it: [*it], lambda it: [x for x in it],
                    lambda it: list(map(int, it)), lambda it: list(filter(lambda _: True, it)),
                    lambda it: [x for x, in zip(it)], lambda it: [x for _, x in enumerate(it)],
                    lambda it: list(bytes(it)), lambda it: list(dict.fromkeys(it)), lambda it: (lambda *a: a)(*it)):
        assert sorted(consume(make(2))) == [0, 1], (make, consume)
    assert sum(make(3)) == 3 and max(make(3)) == 2 and any(make(2)) and not all(make(2))
    assert set(make(2)) == {0, 1} and 5 not in make(2) and "".join(map(str, make(3))) == "210"
