"""_asyncio: futures, tasks, what runs where, threads with loops of their own, garbage."""
import _asyncio
import asyncio
import contextvars
import gc
import threading
import weakref

from checks import raises, run

assert asyncio.Future is _asyncio.Future and asyncio.Task is _asyncio.Task and issubclass(asyncio.Task, asyncio.Future)
assert asyncio.Future[int].__origin__ is asyncio.Future
loop = asyncio.new_event_loop()

# Futures.

f = loop.create_future()
assert f._state == "PENDING" and not f.done() and f._callbacks is None and f._loop is loop is f.get_loop()
assert repr(f) == "<Future pending>"
raises(asyncio.InvalidStateError, f.result, text="Result is not set.")
raises(asyncio.InvalidStateError, f.exception, text="Exception is not set.")
called = []
f.add_done_callback(called.append)
f.add_done_callback(print, context=contextvars.copy_context())
f.add_done_callback(called.append)
assert len(f._callbacks) == 3 and f.remove_done_callback(print) == 1 and f.remove_done_callback(print) == 0
f.set_result(3)
assert f.result() == 3 and f.exception() is None and f._callbacks is None and called == []
raises(asyncio.InvalidStateError, f.set_result, 4, text="invalid state")
raises(asyncio.InvalidStateError, f.set_exception, ValueError, text="invalid state")
assert f.cancel() is False
loop.run_until_complete(f)
assert called == [f, f]

f = loop.create_future()
raises(TypeError, f.set_exception, 3, text="invalid exception object")
f.set_exception(StopIteration(1))
assert isinstance(f.exception(), RuntimeError) and isinstance(f.exception().__cause__, StopIteration)
f = loop.create_future()
f.set_exception(KeyError)
assert f._log_traceback
raises(ValueError, setattr, f, "_log_traceback", True, text="_log_traceback can only be set to False")
raises(AttributeError, delattr, f, "_cancel_message")
raises(KeyError, f.result)
assert not f._log_traceback
f = loop.create_future()
assert f.cancel("why") and f.cancelled() and f._cancel_message == "why"
assert raises(asyncio.CancelledError, f.result).args == ("why",)
assert type(f._make_cancelled_error()) is asyncio.CancelledError
bare = asyncio.Future.__new__(asyncio.Future)
for method in (bare.get_loop, bare.cancel, bare.__await__, lambda: bare.set_result(1), lambda: bare.add_done_callback(print)):
    raises(RuntimeError, method, text="Future object is not initialized.")
raises(TypeError, asyncio.Future, 3)

# What awaiting iterates over.

f = loop.create_future()
it = f.__await__()
assert next(it) is f and f._asyncio_future_blocking
raises(RuntimeError, it.send, None, text="await wasn't used with future")
f.set_result((1, 2))
assert raises(StopIteration, it.send, None).value == (1, 2)
raises(StopIteration, next, it)
it = iter(loop.create_future())
raises(KeyError, it.throw, KeyError("x"))
raises(StopIteration, it.send, None)
it = iter(loop.create_future())
it.close()
assert next(it, None) is None


def delegating(f):
    return (yield from f)


f = loop.create_future()
g = delegating(f)
assert next(g) is f
f.set_result("through")
assert raises(StopIteration, next, g).value == "through"

# Tasks.


async def give(x, rounds=1):
    for _ in range(rounds):
        await asyncio.sleep(0)
    return x


async def fail(exc):
    await asyncio.sleep(0)
    raise exc


async def basics():
    here = asyncio.current_task()
    assert asyncio.all_tasks() == {here} and _asyncio._get_running_loop() is loop
    t = asyncio.create_task(give(5), name=12)
    assert t.get_name() == "12" and asyncio.all_tasks() == {here, t} and t.get_coro().__name__ == "give"
    assert [frame.f_code.co_name for frame in t.get_stack()] == ["give"]
    assert await t == 5 and t.done() and asyncio.all_tasks() == {here}
    raises(RuntimeError, t.set_result, 1, text="Task does not support set_result operation")
    raises(RuntimeError, t.set_exception, ValueError, text="Task does not support set_exception operation")
    a, b = asyncio.create_task(give(1)), asyncio.create_task(give(2))
    assert int(b.get_name()[5:]) == int(a.get_name()[5:]) + 1
    assert await asyncio.gather(a, b, give(3)) == [1, 2, 3]
    t = asyncio.create_task(fail(KeyError(4)))
    try:
        await t
        assert False
    except KeyError as e:
        assert e is t.exception() and e.args == (4,)
    raises(TypeError, asyncio.Task, 3, part="a coroutine was expected, got 3")


async def cancelling():
    t = asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    assert t._fut_waiter is not None and not t.cancelling()
    assert t.cancel("enough") and t.cancelling() == 1 and t.cancel() and t.cancelling() == 2
    assert t.uncancel() == 1 and t.uncancel() == 0 and t.uncancel() == 0
    try:
        await t
        assert False
    except asyncio.CancelledError as e:
        assert t.cancelled() and e.args == ("enough",)

    async def stubborn():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            asyncio.current_task().uncancel()
        return "stayed"

    t = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    t.cancel()
    assert await t == "stayed" and not t.cancelled()
    t = asyncio.create_task(give(1))
    t.cancel("at once")
    assert t._must_cancel and repr(t).startswith("<Task cancelling ")
    assert isinstance((await asyncio.gather(t, return_exceptions=True))[0], asyncio.CancelledError)


async def refused():
    """What a task says to what it cannot wait for."""
    class Plain:
        def __await__(self):
            yield self.what

    for what, part in ((3, "Task got bad yield: 3"), (loop.create_future(), "yield was used instead of yield from in task"),
                       ((v for v in ()), "yield was used instead of yield from for generator in task")):
        o = Plain()
        o.what = what
        try:
            await o
            assert False
        except RuntimeError as e:
            assert part in str(e), e
    other = asyncio.new_event_loop()
    try:
        await other.create_future()
        assert False
    except RuntimeError as e:
        assert "attached to a different loop" in str(e)
    other.close()

    async def itself():
        await asyncio.current_task()
    t = asyncio.create_task(itself())
    try:
        await t
        assert False
    except RuntimeError as e:
        assert "Task cannot await on itself" in str(e)


variable = contextvars.ContextVar("variable", default=0)


async def contexts():
    async def set_it(v):
        variable.set(v)
        await asyncio.sleep(0)
        return variable.get()

    ctx = contextvars.copy_context()
    t = asyncio.create_task(set_it(5), context=ctx)
    assert await t == 5 and t.get_context() is ctx and ctx[variable] == 5 and variable.get() == 0
    assert await asyncio.gather(*map(set_it, range(1, 20))) == list(range(1, 20)) and variable.get() == 0


async def eager():
    here = asyncio.current_task()
    seen = []

    async def look(wait):
        seen.append(asyncio.current_task())
        variable.set(7)
        if wait:
            await asyncio.sleep(0)
        return variable.get()

    t = asyncio.Task(look(False), eager_start=True)
    assert t.done() and t.result() == 7 and seen == [t] and t.get_coro() is None and asyncio.current_task() is here
    t = asyncio.Task(look(True), loop=loop, eager_start=True)
    assert not t.done() and seen[1] is t and t in asyncio.all_tasks() and variable.get() == 0
    assert await t == 7
    t = asyncio.Task(fail_at_once(ValueError(1)), eager_start=True)
    assert isinstance(t.exception(), ValueError)


async def fail_at_once(exc):
    raise exc


async def groups_and_timeouts():
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(give(n, n % 4)) for n in range(30)]
    assert [t.result() for t in tasks] == list(range(30))
    try:
        async with asyncio.timeout(.01):
            await asyncio.sleep(60)
        assert False
    except TimeoutError:
        pass
    done, pending = await asyncio.wait([asyncio.create_task(give(1)), asyncio.create_task(asyncio.sleep(60))],
                                       return_when=asyncio.FIRST_COMPLETED)
    assert len(done) == len(pending) == 1
    pending.pop().cancel()


async def awaited_by():
    f = loop.create_future()

    async def wait():
        return await f

    tasks = [asyncio.create_task(wait()) for _ in range(3)]
    assert f._asyncio_awaited_by is None
    await asyncio.sleep(0)
    assert f._asyncio_awaited_by == frozenset(tasks) and len(f._callbacks) == 3
    f.set_result(1)
    assert await asyncio.gather(*tasks) == [1, 1, 1] and not f._asyncio_awaited_by
    f = loop.create_future()
    asyncio.future_add_to_awaited_by(f, tasks[0])
    asyncio.future_add_to_awaited_by(f, tasks[0])
    asyncio.future_add_to_awaited_by(f, 3)
    assert f._asyncio_awaited_by == frozenset(tasks[:1])
    asyncio.future_discard_from_awaited_by(f, tasks[0])
    assert f._asyncio_awaited_by is None


class Counting(asyncio.Future):
    adds = 0

    def add_done_callback(self, *args, **kwargs):
        Counting.adds += 1
        return super().add_done_callback(*args, **kwargs)


class Duck:
    """Like a future, without being one."""
    _asyncio_future_blocking = False

    def __init__(self):
        self.f = loop.create_future()
        self.get_loop, self.result, self.cancel = self.f.get_loop, self.f.result, self.f.cancel

    def add_done_callback(self, callback, *, context):
        self.f.add_done_callback(lambda _: callback(self), context=context)

    def __await__(self):
        self._asyncio_future_blocking = True
        yield self
        return self.f.result()


async def strangers():
    f = Counting(loop=loop)
    loop.call_soon(f.set_result, 1)
    assert await f == 1 and Counting.adds == 1
    d = Duck()
    loop.call_soon(d.f.set_result, 2)
    assert await d == 2
    d = Duck()
    loop.call_soon(d.f.set_exception, KeyError(3))
    try:
        await d
        assert False
    except KeyError:
        pass


for part in (basics, cancelling, refused, contexts, eager, groups_and_timeouts, awaited_by, strangers):
    loop.run_until_complete(part())

# A loop's own way to call is taken.


class Watched(asyncio.SelectorEventLoop):
    calls = 0

    def call_soon(self, *args, **kwargs):
        self.calls += 1
        return super().call_soon(*args, **kwargs)


watched = Watched()
watched.run_until_complete(give(1))
assert watched.calls >= 3
before = watched.calls
f = watched.create_future()
watched.call_soon = lambda *args, **kwargs: called.append(args)
called.clear()
f.add_done_callback(print)
f.set_result(1)
assert called == [(print, f)] and watched.calls == before
del watched.call_soon
watched.close()
f = watched.create_future()
f.add_done_callback(print)
raises(RuntimeError, f.set_result, 1, text="Event loop is closed")

# What runs on a thread.

raises(RuntimeError, asyncio.get_running_loop, text="no running event loop")
raises(RuntimeError, asyncio.current_task, text="no running event loop")
assert _asyncio._get_running_loop() is None and asyncio.current_task(loop) is None
_asyncio._set_running_loop(loop)
_asyncio._enter_task(loop, 1)
raises(RuntimeError, _asyncio._enter_task, loop, 2,
       text="Cannot enter into task 2 while another task 1 is being executed.")
raises(RuntimeError, _asyncio._leave_task, loop, 2, text="Invalid attempt to leave task 2 while task 1 is entered.")
raises(RuntimeError, _asyncio._enter_task, 5, 2, text="loop 5 is not the running loop")
assert _asyncio._swap_current_task(loop, 3) == 1 and asyncio.current_task(loop) == 3
_asyncio._leave_task(loop, 3)
_asyncio._set_running_loop(None)

# Exceptions that nobody asks for, tasks that nobody runs.

told = []
loop.set_exception_handler(lambda loop, context: told.append(context["message"]))
f = loop.create_future()
f.set_exception(ValueError())
del f
gc.collect()
assert told == ["Future exception was never retrieved"], told
told.clear()
t = loop.create_task(give(1))
t.get_coro().close()
loop._ready.clear()
del t
gc.collect()
assert told == ["Task was destroyed but it is pending!"], told
told.clear()

# Cycles: a task, its coroutine, what it waits for, and who waits for that.


class Mark:
    pass


def cycle():
    mark = Mark()

    async def wait():
        me, held = asyncio.current_task(), mark
        f = loop.create_future()
        f.me = me
        await f
        return me, held

    t = loop.create_task(wait())
    t._log_destroy_pending = False
    loop.run_until_complete(asyncio.sleep(0))
    return weakref.ref(mark), weakref.ref(t)


class Attributed(asyncio.Future):
    pass


loop.create_future = lambda: Attributed(loop=loop)
refs = [r for _ in range(20) for r in cycle()]
del loop.create_future
gc.collect()
assert all(r() is None for r in refs) and asyncio.all_tasks(loop) == set()

# Threads with loops of their own.


def own_loop(n):
    async def main():
        here = asyncio.get_running_loop()
        futures = [here.create_future() for _ in range(20)]

        async def wait(i):
            return await futures[i] + n

        tasks = [asyncio.create_task(wait(i)) for i in range(20)]
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task(), *tasks}
        for i, f in enumerate(futures):
            here.call_soon(f.set_result, i)
        for r in range(3):
            assert await asyncio.gather(*[give(i, i % 3) for i in range(40)]) == list(range(40))
        assert await asyncio.gather(*tasks) == [i + n for i in range(20)]

    asyncio.run(main())


run(*[lambda n=n: own_loop(n) for n in range(4)])

# One loop, and other threads that send it work, look at its tasks, and cancel.

sent = []
ready, end = threading.Event(), threading.Event()


def server():
    async def main():
        global served
        served = asyncio.get_running_loop(), asyncio.current_task()
        finished = asyncio.Event()
        served += (finished,)
        ready.set()
        await finished.wait()

    asyncio.run(main())


def client(n):
    ready.wait()
    served_loop, main, _ = served
    for i in range(30):
        future = asyncio.run_coroutine_threadsafe(give((n, i), i % 3), served_loop)
        assert main in asyncio.all_tasks(served_loop)
        assert isinstance(asyncio.current_task(served_loop), asyncio.Task | None)
        assert future.result() == (n, i)
        served_loop.call_soon_threadsafe(sent.append, (n, i))
    assert asyncio.run_coroutine_threadsafe(give(1), served_loop).result() == 1


def last():
    threads = [threading.Thread(target=client, args=(n,)) for n in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    ready.wait()
    served[0].call_soon_threadsafe(served[2].set)


run(server, last)
assert sorted(sent) == [(n, i) for n in range(3) for i in range(30)]

# A future that several threads try to end: one does.

for _ in range(50):
    f, won = loop.create_future(), []

    def end_it(n):
        try:
            f.set_result(n)
            won.append(n)
        except asyncio.InvalidStateError:
            pass

    run(*[lambda n=n: end_it(n) for n in range(3)])
    assert won == [f.result()]

# Tasks that die on another thread than the one that made them.


def make():
    async def main():
        kept.extend(asyncio.create_task(give(i)) for i in range(20))
        await asyncio.gather(*kept)
        kept.append(asyncio.current_task())

    asyncio.run(main())


kept = []
run(make)
kept = [weakref.ref(t) for t in kept]
gc.collect()
assert all(r() is None for r in kept)
loop.close()
