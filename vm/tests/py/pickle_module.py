"""Pickles: both halves of the module agree, attributes of picklers, frames, buffers, and threads that change what is saved."""
import copyreg
import io
import pickle
import pickletools
import threading

from checks import raises


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __eq__(self, other):
        return type(other) is Point and (self.x, self.y) == (other.x, other.y)


class Slotted:
    __slots__ = "a", "b"


class Reduced:
    def __init__(self, parts):
        self.parts = parts

    def __reduce__(self):
        return self.parts


class Numbers(list):
    pass


class Outer:
    class Inner:
        pass


def saved_by_both(value):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        data = pickle.dumps(value, protocol)
        assert data == pickle._dumps(value, protocol), (protocol, value)
        yield data, pickle.loads(data)
        assert pickle._loads(data) == pickle.loads(data) or value is not value


# The pure half writes the same bytes.
VALUES = [
    None, True, 0, -1, 255, 256, 65536, -(2 ** 31), 2 ** 31, 2 ** 62, -(2 ** 200), 0.0, -0.0, 1.5, float("inf"),
    "", "abc", "é\n\\", "\U0001f600\ud800", b"", b"\0\xff", b"x" * 70_000, (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4),
    [], [1], list(range(2500)), {}, {"a": 1}, dict.fromkeys(range(2500)), set(), {1}, frozenset(), frozenset({1}),
    bytearray(b"abc"), range(3), Ellipsis, NotImplemented, len, str.upper, [].append.__name__, Outer.Inner, int,
    type(None), Point(1, [2]), "x" * 70_000, ["y" * 100] * 3, 1 + 2j, slice(1, 2),
]
for value in VALUES:
    for data, back in saved_by_both(value):
        assert back == value and type(back) is type(value)
        assert str(back) == str(value) or isinstance(value, (set, frozenset, Point))

# What leads to itself.
loop = [1]
loop.append(loop)
table = {}
table["self"] = (table, loop)
for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
    back = pickle.loads(pickle.dumps(loop, protocol))
    assert back[1] is back
    back = pickle.loads(pickle.dumps(table, protocol))
    assert back["self"][0] is back and back["self"][1][1] is back["self"][1]
numbers = Numbers([1, 2])
numbers.owner = numbers
back = pickle.loads(pickle.dumps(numbers))
assert back == [1, 2] and back.owner is back
slotted = Slotted()
slotted.a = 1
assert pickle.loads(pickle.dumps(slotted)).a == 1 and not hasattr(pickle.loads(pickle.dumps(slotted)), "b")

# Loaded instances are as made ones.
loaded = pickle.loads(pickle.dumps([Point(i, i) for i in range(3)]))
for i, point in enumerate(loaded):
    point.z = i
    assert list(vars(point)) == ["x", "y", "z"] and point.x == i

# Errors say where they arose.
exc = raises(pickle.PicklingError, pickle.dumps, [0, {"k": Reduced((1, ()))}])
assert str(exc) == "first item of the tuple returned by __reduce__ must be callable, not int"
assert exc.__notes__ == ["when serializing Reduced object", "when serializing dict item 'k'", "when serializing list item 1"]
exc = raises(pickle.PicklingError, pickle.dumps, Reduced("missing"))
assert str(exc).endswith(f"it's not found as {__name__}.missing") and isinstance(exc.__context__, AttributeError)
raises(pickle.PicklingError, pickle.dumps, lambda: 0)
raises(TypeError, pickle.dumps, threading.Lock())
raises(ValueError, pickle.dumps, 0, pickle.HIGHEST_PROTOCOL + 1)
deep = []
for _ in range(200_000):
    deep = [deep]
try:
    raises(RecursionError, pickle.dumps, deep)
finally:
    while deep:
        deep = deep.pop()

# Whatever the bytes are, the outcome is an exception.
whole = pickle.dumps([1, "two", {"three": (3.0, b"4", Point(5, 6))}, {7}, 2 ** 70])
raises(EOFError, pickle.loads, b"")
for end in range(1, len(whole)):
    raises((pickle.UnpicklingError, EOFError), pickle.loads, whole[:end])
for at in range(len(whole)):
    for byte in 0, 0x28, 0x2e, 0x52, 0x7d, 0x81, 0x94, 0xff:
        try:
            pickle.loads(whole[:at] + bytes([byte]) + whole[at + 1:])
        except Exception:
            pass
for bad in b"\xff.", b"(t", b"0.", b"R.", b"]}s.", b"K\x01a.", b"j\xff\xff\xff\xff.", b"r\xff\xff\xff\xff.", b"N\x95\xff":
    raises((pickle.UnpicklingError, EOFError, MemoryError, TypeError, AttributeError), pickle.loads, bad)
raises(OverflowError, pickle.loads, b"\x8e" + b"\xff" * 8 + b"x.")

# A pickler's attributes, and one object at a time.
file = io.BytesIO()
pickler = pickle.Pickler(file, 2)
pickler.dump(loop)
first = len(file.getvalue())
pickler.dump(loop)
assert len(file.getvalue()) - first < 8 and len(pickler.memo.copy()) == 1
pickler.clear_memo()
assert pickler.memo.copy() == {}
pickler.persistent_id = lambda value: "id" if value is loop else None
assert pickler.persistent_id(loop) == "id"
pickler.dump([loop])
del pickler.persistent_id
assert pickler.persistent_id(loop) is None
file.seek(0)
unpickler = pickle.Unpickler(file)
assert unpickler.load()[0] == 1 and unpickler.load()[0] == 1
raises(pickle.UnpicklingError, unpickler.load)


class Ids(pickle.Pickler):
    def persistent_id(self, value):
        return ("point", value.x) if isinstance(value, Point) else None

    def reducer_override(self, value):
        return (int, ("7",)) if value is Outer else NotImplemented


class Points(pickle.Unpickler):
    def persistent_load(self, key):
        return Point(key[1], None)

    def find_class(self, module, name):
        assert (module, name) == ("builtins", "int")
        return super().find_class(module, name)


file = io.BytesIO()
Ids(file).dump([Point(3, 4), Outer])
file.seek(0)
assert Points(file).load() == [Point(3, None), 7]
raises(pickle.PicklingError, pickle.Pickler.__new__(pickle.Pickler).dump, 1)
raises(pickle.UnpicklingError, pickle.Unpickler.__new__(pickle.Unpickler).load)


class Nested:
    def __reduce__(self):
        raises(RuntimeError, pickler.dump, 1)
        raises(RuntimeError, pickler.__init__, io.BytesIO())
        return int, ()


pickler = pickle.Pickler(io.BytesIO())
pickler.dump(Nested())
pickler.dispatch_table = copyreg.dispatch_table | {Point: lambda point: (complex, (point.x, point.y))}
pickler.dump(Point(1, 2))

# Frames do not cross the end of an instruction; a file is read up to the end of its pickle.
data = pickle.dumps([str(i) * 10 for i in range(20_000)], 4)
frames = [arg for op, arg, _ in pickletools.genops(data) if op.name == "FRAME"]
assert len(frames) > 10 and all(64 * 1024 <= n < 66 * 1024 for n in frames[:-1])
file = io.BytesIO(data + b"rest")
assert len(pickle.load(file)) == 20_000 and file.read() == b"rest"
raises(pickle.UnpicklingError, pickle.loads, b"\x80\x04\x95\x03\0\0\0\0\0\0\0C\x0ahelloworld.")

# Buffers beside the pickle.
buffers = []
payload = bytearray(b"data")
data = pickle.dumps([pickle.PickleBuffer(payload)], 5, buffer_callback=buffers.append)
assert b"data" not in data and bytes(buffers[0].raw()) == b"data"
assert pickle.loads(data, buffers=[payload])[0] is payload and memoryview(buffers[0]).obj is payload
raises(pickle.UnpicklingError, pickle.loads, data)
raises(pickle.UnpicklingError, pickle.loads, data, buffers=[])
buffers[0].release()
raises(ValueError, buffers[0].raw)

# Objects that other threads change while they are saved: each pickle is of some state of each container.
shared_list, shared_dict, shared_set = [0], {0: 0}, {0}
point, stop, errors = Point(0, 0), threading.Event(), []


def change(seed):
    i = seed
    while not stop.is_set():
        i += 1
        shared_list.append(i)
        shared_dict[i % 50] = [i]
        shared_set.add(i % 50)
        point.x = [i]
        setattr(point, f"a{i % 20}", i)
        if i % 40 == 0:
            del shared_list[1:]
            shared_dict.clear()
            shared_set.clear()


def save():
    try:
        for i in range(150):
            protocol = i % (pickle.HIGHEST_PROTOCOL + 1)
            both = pickle.loads(pickle.dumps([shared_list, shared_dict, shared_set, point, shared_list], protocol))
            assert both[0] is both[4] and both[0][0] == 0
            assert all(type(key) is int for key in both[1]) and both[2] <= set(range(50))
            assert type(both[3]) is Point
    except RuntimeError as exc:
        assert "changed size" in str(exc)
    except BaseException as exc:
        errors.append(exc)


changers = [threading.Thread(target=change, args=(seed,)) for seed in range(2)]
savers = [threading.Thread(target=save) for _ in range(2)]
for thread in changers + savers:
    thread.start()
for thread in savers:
    thread.join()
stop.set()
for thread in changers:
    thread.join()
assert not errors, errors

# One pickler for two threads: whoever comes while it works gets RuntimeError.
target = io.BytesIO()
pickler, refused = pickle.Pickler(target), []


def dump():
    for _ in range(200):
        try:
            pickler.dump([1, 2, 3])
        except RuntimeError:
            refused.append(1)


threads = [threading.Thread(target=dump) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
pickler.dump("end")
