"""Recipes for futures and tasks of asyncio. They belong to one loop; what several threads do to one must be safe all the same."""
import asyncio

from .stress import A, F, G, Subject, anything, const, count, item, nothing, of_type, one_of, text, truth

one_flavour = ("ints",)
DONE = asyncio.InvalidStateError


class Loop:
    """A loop that calls nothing."""
    __slots__ = ()

    def get_debug(self):
        return False

    def call_soon(self, callback, *args, context=None):
        pass

    def call_exception_handler(self, context):
        pass


LOOP = Loop()


def callback(future):
    pass


def is_callbacks(c, o, v):
    return v is None or all(type(pair) is tuple and pair[0] is callback for pair in v)


def shown(f):
    """The repr of what others change while it is made."""
    return F(lambda o, c: f(o), text, raises=(RuntimeError, TypeError, AttributeError))


def cancelled_is_value(f):
    """CancelledError as a result: it is no Exception."""
    def act(o, c):
        try:
            return f(o)
        except asyncio.CancelledError:
            return None
    return act


FUTURE_OPS = {
    "result": F(cancelled_is_value(lambda o: o.result()), anything, (DONE, ValueError)),
    "exception": F(cancelled_is_value(lambda o: o.exception()), anything, DONE),
    "set_result": A(lambda c: c.item(), gives=nothing, raises=(DONE, RuntimeError)),
    "set_exception": A(const(ValueError), gives=nothing, raises=(DONE, RuntimeError)),
    "add_done_callback": A(const(callback), gives=nothing), "remove_done_callback": A(const(callback), gives=count),
    "cancel": A(gives=truth), "cancelled": A(gives=truth), "done": A(gives=truth), "get_loop": A(gives=lambda c, o, v: v is LOOP),
    "_make_cancelled_error": A(gives=of_type(asyncio.CancelledError)), "_state": G(text), "_loop": G(lambda c, o, v: v is LOOP),
    "_asyncio_future_blocking": F(lambda o, c: setattr(o, "_asyncio_future_blocking", c.flag()), nothing),
    "_callbacks": G(is_callbacks), "_result": G(lambda c, o, v: v is None or item(c, o, v)), "_exception": G(),
    "_log_traceback": F(lambda o, c: setattr(o, "_log_traceback", False), nothing), "_source_traceback": G(nothing),
    "_cancel_message": F(lambda o, c: setattr(o, "_cancel_message", c.item()), nothing), "_asyncio_awaited_by": G(),
    "__iter__": F(cancelled_is_value(lambda o: next(iter(o), None)), anything, (DONE, RuntimeError, ValueError, StopIteration)),
    "__await__": F(cancelled_is_value(lambda o: next(o.__await__(), None)), anything, (RuntimeError, ValueError, StopIteration)),
    "__repr__": shown(repr), "__str__": shown(str), "__format__": shown(format),
    "__init__": F(lambda o, c: o.__init__(loop=LOOP), nothing),
}


def awaited(o, c):
    other = asyncio.Future(loop=LOOP)
    asyncio.future_add_to_awaited_by(o, other)
    asyncio.future_discard_from_awaited_by(o, other)


OWN = {"awaited": F(awaited, nothing)}


async def nobody():
    await asyncio.sleep(0)


def new_task(c):
    coro = nobody()
    task = asyncio.Task(coro, loop=LOOP)
    # It is never run.
    coro.close()
    task._log_destroy_pending = False
    return task


FUTURE = Subject("Future", lambda c: asyncio.Future(loop=LOOP), asyncio.Future, FUTURE_OPS, OWN, flavours=one_flavour)
TASK = Subject(
    "Task", new_task, asyncio.Task,
    {n: r for n, r in FUTURE_OPS.items() if n not in ("set_result", "set_exception", "__init__")} | {
        "set_result": A(lambda c: c.item(), raises=RuntimeError), "set_exception": A(const(ValueError), raises=RuntimeError),
        "cancelling": A(gives=count), "uncancel": A(gives=count), "get_coro": A(), "get_context": A(), "get_name": A(gives=text),
        "set_name": A(one_of("a name", 12), gives=nothing), "get_stack": A(gives=of_type(list)), "print_stack": F(lambda o, c: None, nothing),
        "_log_destroy_pending": F(lambda o, c: setattr(o, "_log_destroy_pending", False), nothing), "_must_cancel": G(truth), "_coro": G(),
        "_fut_waiter": G(),
    },
    OWN | {"all_tasks": F(lambda o, c: len(asyncio.all_tasks(LOOP)), count),
           "finish": F(lambda o, c: asyncio.Future.set_result(o, c.item()), nothing, DONE)}, flavours=one_flavour)

SUBJECTS = [FUTURE, TASK]
