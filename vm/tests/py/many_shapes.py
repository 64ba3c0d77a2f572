"""Sites that meet more shapes than their caches hold: what they find stays right while classes change."""
from checks import meanwhile, raises, run

N = 12


def make(i):
    def name(self):
        return i

    body = {"name": name, "number": i, "text": "t%d" % i, "items": [i]}
    if i % 3 == 0:
        body["__slots__"] = ("a", "b")
    return type("C%d" % i, (Base,) if i % 3 else (object,), body)


class Base:
    def __init__(self, a, b):
        self.b = b
        self.a = a

    def kind(self):
        return "base"


CLASSES = [make(i) for i in range(N)]


def instance(i):
    cls = CLASSES[i]
    o = cls.__new__(cls)
    if i % 2:
        o.b, o.a = "b%d" % i, (i,)
    else:
        o.a, o.b = (i,), "b%d" % i
    return o


def read_a(o):
    return o.a


def read_number(o):
    return o.number


def read_items(o):
    return o.items


def call_name(o):
    return o.name()


def call_a(o):
    return o.a()


def write_b(o, v):
    o.b = v


def rounds(n=40):
    objects = [instance(i) for i in range(N)]
    for _ in range(n):
        for i, o in enumerate(objects):
            assert read_a(o) == (i,)
            assert read_number(o) == i and call_name(o) == i and read_items(o) == [i]
            write_b(o, i * 2.5)
            assert o.b == i * 2.5
    return objects


objects = rounds()

# What is no attribute, or none of an object's own, is told as ever.
raises(AttributeError, read_a, 3, text="'int' object has no attribute 'a'")
raises(AttributeError, read_a, Base.__new__(Base), text="'Base' object has no attribute 'a'")
raises(AttributeError, write_b, 3, 4, part="'int' object has no attribute 'b'")
raises(TypeError, call_a, objects[1], text="'tuple' object is not callable")
for i in range(0, N, 3):
    del objects[i].a
    raises(AttributeError, read_a, objects[i], part="'a'")
    objects[i].a = (i,)
objects[1].name = lambda: "own"
assert call_name(objects[1]) == "own"
del objects[1].name
assert call_name(objects[1]) == 1

# Classes change under sites that know them.
CLASSES[4].number = property(lambda self: "property")
assert read_number(objects[4]) == "property"
CLASSES[4].number = 4
CLASSES[5].name = lambda self: "new"
assert call_name(objects[5]) == "new" and call_name(objects[7]) == 7
del CLASSES[5].name
raises(AttributeError, call_name, objects[5], part="'name'")
CLASSES[5].name = lambda self: 5
CLASSES[7].a = property(lambda self: "hides", lambda self, v: None)
assert read_a(objects[7]) == "hides" and objects[7].__dict__["a"] == (7,)
del CLASSES[7].a
written = []
CLASSES[8].b = property(lambda self: None, lambda self, v: written.append(v))
write_b(objects[8], "to the property")
assert written == ["to the property"] and objects[8].__dict__["b"] == 8 * 2.5
del CLASSES[8].b
CLASSES[10].__getattribute__ = lambda self, name: name.upper()
assert read_a(objects[10]) == "A" and call_a.__name__ == "call_a"
del CLASSES[10].__getattribute__
CLASSES[10].__setattr__ = lambda self, name, v: written.append((name, v))
write_b(objects[10], 1)
assert written[-1] == ("b", 1)
del CLASSES[10].__setattr__
assert all(read_a(o) == (i,) for i, o in enumerate(objects))
objects[1].__class__ = CLASSES[2]
assert call_name(objects[1]) == 2 and read_a(objects[1]) == (1,)
rounds()

# Many classes that come and go: no entry of one speaks of another.
for i in range(2000):
    class Short:
        def name(self, i=i):
            return i

        number = i

    o = Short()
    o.a = i
    write_b(o, i)
    assert (o.b, read_a(o), read_number(o), call_name(o)) == (i, i, i, i)

# Threads use objects of each other while a class changes.
shared = [instance(i) for i in range(N)]
wrong = []


def look():
    for _ in range(20):
        for i, o in enumerate(shared):
            if read_a(o)[0] not in (i, -i) or call_name(o) not in (i, "changed") or read_items(o) != [i]:
                wrong.append(i)
            write_b(o, (i, str(i)))
            if o.b != (i, str(i)):
                wrong.append(o.b)


def change():
    for i, o in enumerate(shared):
        o.a = (-i, str(i))
        CLASSES[i].name = lambda self: "changed"
        o.a = (i,)
        CLASSES[i].name = lambda self, i=i: i


meanwhile(lambda: run(*[look] * 3), change)
assert not wrong, wrong[:5]
print("ok")
