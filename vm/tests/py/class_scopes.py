# Comprehensions and annotations inside class bodies, and delegations that are closed early.


class Cell:
    functions = [lambda: __class__ for _ in (1,)]
    supers = [lambda: super for _ in (1,)]

    def method(self):
        return [__class__ for _ in (1,)]


assert Cell.functions[0]() is Cell and Cell.supers[0]() is super and Cell().method() == [Cell]

try:
    class Unknown:
        x = [__class__ for _ in (1,)]
except NameError as e:
    assert e.name == "__class__"
else:
    raise AssertionError("__class__ is no name of a class body")


class Annotated:
    __classdict__: int


assert Annotated.__annotations__ == {"__classdict__": int}


def closed(kept):
    def delegating():
        kept.append(1)
        yield from range(3)
    return delegating()


def outer():
    kept = []
    for _ in range(50):
        others = [(i for i in range(2)) for _ in range(4)]
        for g in others:
            next(g)
        gi = closed(kept)
        assert next(gi) == 0
        gi.close()
        gi = closed(kept)
        next(gi)
        try:
            gi.throw(KeyError("k"))
        except KeyError:
            pass
        assert [list(g) for g in others] == [[1]] * 4
    assert len(kept) == 100


outer()


class Long:
    def __len__(self):
        return 2**63 - 1


assert len(Long()) == 2**63 - 1 and len(range(2**62)) == 2**62
match range(0):
    case []:
        pass
# Either a hash or an error, but no end of the process.
deep = ()
for _ in range(100_000):
    deep = (deep,)
try:
    assert isinstance(hash(deep), int)
except RecursionError:
    pass
