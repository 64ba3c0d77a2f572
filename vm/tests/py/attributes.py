"""Instance attributes: slots, dict mode, hooks, errors, from several threads."""
import threading

from checks import raises


class P:
    def __init__(self, x, y):
        self.x = x
        self.y = y


def test_order_and_dict():
    p = P(1, 2)
    assert vars(p) == {"x": 1, "y": 2} and list(p.__dict__) == ["x", "y"]
    p.z = 3
    p.__dict__["w"] = 4
    assert p.w == 4 and p.z == 3
    del p.x
    e = raises(AttributeError, lambda: p.x, part="'P' object has no attribute 'x'")
    assert e.name == "x" and e.obj is p
    p.x = 9
    assert list(p.__dict__) == ["y", "z", "w", "x"]
    p.__dict__ = {"only": 1}
    assert p.only == 1 and not hasattr(p, "y")
    p.y = 5
    assert p.__dict__ == {"only": 1, "y": 5}
    raises(TypeError, setattr, p, "__dict__", 3, part="__dict__ must be set to a dictionary, not a 'int'")
    d = p.__dict__
    del p.only
    assert "only" not in d


def test_many():
    p = P(0, 0)
    for i in range(100):
        setattr(p, f"a{i}", i)
    assert all(getattr(p, f"a{i}") == i for i in range(100)) and len(vars(p)) == 102
    q = P(1, 1)
    for i in range(10):
        setattr(q, f"a{i}", -i)
    assert [getattr(q, f"a{i}") for i in range(10)] == [-i for i in range(10)]
    assert vars(q) == {"x": 1, "y": 1, **{f"a{i}": -i for i in range(10)}}
    many = [P(i, i) for i in range(50)]
    for m in many:
        for i in range(6):
            setattr(m, f"b{i}", (m.x, i))
    assert all(getattr(m, f"b{i}") == (m.x, i) for m in many for i in range(6))


def test_delete_and_read_in_loops():
    def get(o): return o.v
    def put(o, v): o.v = v
    class A: pass
    objs = [A() for _ in range(30)]
    for i, o in enumerate(objs):
        put(o, i)
    assert [get(o) for o in objs] == list(range(30))
    for o in objs[::2]:
        del o.v
    assert sum(hasattr(o, "v") for o in objs) == 15
    A.v = "class"
    assert [get(o) for o in objs[:4]] == ["class", 1, "class", 3]
    for o in objs:
        put(o, 0)
    assert all(get(o) == 0 for o in objs)


def test_property_wins_later():
    class A: pass
    a = A()
    a.v = 1
    def get(o): return o.v
    for _ in range(40):
        assert get(a) == 1
    A.v = property(lambda self: "prop")
    assert get(a) == "prop" and getattr(a, "v") == "prop"
    raises(AttributeError, setattr, a, "v", 2, part="object has no setter")
    del A.v
    assert get(a) == 1


def test_getattr_hooks():
    class A:
        def __init__(self): self.real = 1
        def __getattr__(self, name):
            if name.startswith("dyn"): return name
            raise AttributeError("custom " + name)
    a = A()
    assert a.real == 1 and a.dyn_x == "dyn_x" and hasattr(a, "dyn") and not hasattr(a, "other")
    raises(AttributeError, lambda: a.other, part="custom other")
    assert getattr(a, "other", 5) == 5

    class B:
        log = []
        def __getattribute__(self, name):
            B.log.append(name)
            return object.__getattribute__(self, name)
        def __setattr__(self, name, v):
            object.__setattr__(self, name, v * 2)
        def __delattr__(self, name):
            B.log.append("del " + name)
            object.__delattr__(self, name)
    b = B()
    b.v = 4
    assert b.v == 8
    del b.v
    assert B.log == ["v", "del v"]
    raises(TypeError, getattr, a, 3, part="attribute name must be string, not 'int'")


def test_no_dict():
    raises(AttributeError, setattr, object(), "x", 1, part="'object' object has no attribute 'x' and no __dict__ for setting new attributes")
    raises(AttributeError, setattr, 3, "real", 1, part="'int' objects is not writable")
    raises(AttributeError, setattr, [], "append", 1, part="'list' object attribute 'append' is read-only")


def test_slots():
    class S:
        __slots__ = ("a", "b")
        def __init__(self): self.a = 1
    s = S()
    assert s.a == 1 and not hasattr(s, "__dict__")
    raises(AttributeError, lambda: s.b, part="has no attribute 'b'")
    s.b = 2
    assert s.b == 2
    del s.b
    raises(AttributeError, lambda: s.b, part="b")
    raises(AttributeError, setattr, s, "c", 1, part="'S' object has no attribute 'c' and no __dict__ for setting new attributes")
    assert type(S.a).__name__ == "member_descriptor" and repr(S.a) == "<member 'a' of 'S' objects>"

    class T(S):
        __slots__ = ("c",)
    t = T()
    t.b, t.c = 5, 6
    assert (t.a, t.b, t.c) == (1, 5, 6)
    class U(T):
        pass
    u = U()
    u.d, u.c = 7, 8
    assert u.__dict__ == {"d": 7} and u.c == 8 and u.a == 1

    class M:
        __slots__ = ["__private", "__dict__"]
        def __init__(self): self.__private = 1
    m = M()
    m.other = 2
    assert m._M__private == 1 and m.__dict__ == {"other": 2}
    raises(ValueError, type, "X", (), {"__slots__": ("a",), "a": 1}, part="'a' in __slots__ conflicts with class variable")
    raises(TypeError, type, "X", (), {"__slots__": (1,)}, part="__slots__ items must be strings, not 'int'")
    raises(TypeError, type, "X", (), {"__slots__": ("1a",)}, part="__slots__ must be identifiers")
    raises(TypeError, type, "X", (int,), {"__slots__": ("a",)}, part="__slots__ not supported for subtype of 'int'")
    raises(TypeError, type, "X", (S, type("Z", (), {"__slots__": ("k",)})), {}, part="multiple bases have instance lay-out conflict")
    class E(S):
        __slots__ = ()
    assert E().a == 1


def test_builtin_subclass_slots():
    class L(list):
        __slots__ = ("tag",)
    l = L([1])
    l.tag = "t"
    assert l.tag == "t" and l == [1] and not hasattr(l, "__dict__")
    class D(dict): pass
    d = D()
    for i in range(10):
        setattr(d, f"k{i}", i)
        d[i] = i
    assert len(d) == 10 and d.k9 == 9


def test_module_attributes():
    import types
    m = types.ModuleType("m", "doc")
    assert m.__name__ == "m" and m.__doc__ == "doc"
    m.x = 1
    assert m.x == 1 and m.__dict__["x"] == 1
    raises(AttributeError, lambda: m.y, part="module 'm' has no attribute 'y'")
    m.__getattr__ = lambda name: name * 2
    assert m.y == "yy"
    del m.x
    assert m.x == "xx"
    ns = types.SimpleNamespace(a=1, b=[2])
    ns.c = ns.a
    assert repr(ns) == "namespace(a=1, b=[2], c=1)" and ns == types.SimpleNamespace(a=1, b=[2], c=1)


def test_dir_and_state():
    p = P(1, 2)
    assert {"x", "y", "__init__", "__class__"} <= set(dir(p)) and "x" not in dir(P)
    assert p.__getstate__() == {"x": 1, "y": 2} and object().__getstate__() is None
    assert p.__reduce_ex__(2)[2] == {"x": 1, "y": 2} and p.__reduce_ex__(2)[1] == (P,)
    class S:
        __slots__ = ("a",)
    s = S()
    s.a = 1
    assert s.__getstate__() == (None, {"a": 1})


def test_threads():
    shared = P(0, 0)
    stop = []
    errors = []
    def write(k):
        for i in range(3000):
            shared.x = (k, i)
            if i % 100 == 0:
                setattr(shared, f"n{k}_{i}", i)
            o = P(k, i)
            o.extra = shared
            if o.x != k or o.extra is not shared:
                errors.append(o)
    def read():
        while not stop:
            v = shared.x
            if v != 0 and (len(v) != 2 or not 0 <= v[1] < 3000):
                errors.append(v)
    def change():
        for i in range(300):
            P.m = lambda self, i=i: i
            if not 0 <= shared.m() < 300:
                errors.append(i)
    workers = [threading.Thread(target=write, args=(k,)) for k in range(3)] + [threading.Thread(target=change)]
    reader = threading.Thread(target=read)
    reader.start()
    for w in workers: w.start()
    for w in workers: w.join()
    stop.append(1)
    reader.join()
    assert not errors, errors[:3]
    assert sum(n.startswith("n") for n in vars(shared)) == 90


for name, f in list(globals().items()):
    if name.startswith("test_"):
        f()
print("ok")
