"""What native classes of the library call themselves."""
import collections
import struct


class Deque(collections.deque):
    pass


point = collections.namedtuple("point", "x")
for value, text in (
    (collections.deque([1, 2], 3), "deque([1, 2], maxlen=3)"),
    (Deque("a"), "Deque(['a'])"),
    (collections.defaultdict(int, a=1), "defaultdict(<class 'int'>, {'a': 1})"),
    (collections.OrderedDict(a=1), "OrderedDict({'a': 1})"),
    (struct.Struct("<i"), "Struct('<i')"),
    (point(1), "point(x=1)"),
    (point.x, "_tuplegetter(0, 'Alias for field number 0')"),
):
    assert repr(value) == text, repr(value)
print("ok")
