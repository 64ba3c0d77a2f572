"""Classes: creation, MRO, metaclasses, slots of special methods, changes at run time."""

import sys

from checks import raises


def names(cls):
    return [c.__name__ for c in cls.__mro__]


def test_basics():
    class A:
        """doc"""

        x = 1

        def __init__(self, v=0):
            self.v = v

        def get(self):
            return self.v

    a = A(3)
    assert a.v == 3 and a.get() == 3 and a.x == 1
    assert A.__name__ == "A" and A.__qualname__ == "test_basics.<locals>.A"
    assert A.__module__ == __name__ and A.__doc__ == "doc"
    assert A.__bases__ == (object,) and A.__mro__ == (A, object) and A.__base__ is object
    assert type(a) is A and a.__class__ is A and isinstance(a, A) and issubclass(A, object)
    assert repr(A) == f"<class '{__name__}.test_basics.<locals>.A'>", repr(A)
    assert object.__repr__(a).startswith(f"<{__name__}.test_basics.<locals>.A object at 0x")
    assert A.get(a) == 3
    assert "get" in A.__dict__ and "v" not in A.__dict__
    raises(AttributeError, lambda: a.nope, part="'A' object has no attribute 'nope'")
    raises(AttributeError, lambda: A.nope, part="type object 'A' has no attribute 'nope'")
    A.__name__ = "B"
    assert A.__name__ == "B" and A.__qualname__ == "test_basics.<locals>.A"
    A.__qualname__ = "Q"
    assert repr(A) == f"<class '{__name__}.Q'>"


def test_mro():
    class A: pass
    class B(A): pass
    class C(A): pass
    class D(B, C): pass
    assert names(D) == ["D", "B", "C", "A", "object"]
    assert D.mro() == list(D.__mro__)
    raises(TypeError, type, "E", (A, B), {}, part="Cannot create a consistent method resolution order (MRO) for bases")
    raises(TypeError, type, "E", (A, A), {}, part="duplicate base class A")
    raises(TypeError, type, "E", (bool,), {}, part="type 'bool' is not an acceptable base type")
    raises(TypeError, type, "E", (int, str), {}, part="multiple bases have instance lay-out conflict")
    assert A.__subclasses__() == [B, C]

    class Meta(type):
        def mro(cls):
            return [cls, object]

    class M(A, metaclass=Meta):
        pass
    assert M.__mro__ == (M, object)


def test_metaclass():
    log = []

    class Meta(type):
        @classmethod
        def __prepare__(mcs, name, bases, **kw):
            log.append(("prepare", name, kw))
            return {"injected": 5}

        def __new__(mcs, name, bases, ns, **kw):
            log.append(("new", name))
            return super().__new__(mcs, name, bases, ns)

        def __init__(cls, name, bases, ns, **kw):
            log.append(("init", name))
            super().__init__(name, bases, ns)

        def __call__(cls, *args):
            log.append(("call", args))
            return super().__call__(*args)

        def on_meta(cls):
            return cls.__name__

        @property
        def prop(cls):
            return "p" + cls.__name__

    class A(metaclass=Meta, flag=1):
        def __init__(self, *args):
            self.args = args

    assert log == [("prepare", "A", {"flag": 1}), ("new", "A"), ("init", "A")], log
    assert A.injected == 5 and type(A) is Meta and A.on_meta() == "A" and A.prop == "pA"
    assert A(1, 2).args == (1, 2) and log[-1] == ("call", (1, 2))
    raises(AttributeError, lambda: A(1).on_meta, part="has no attribute 'on_meta'")

    class B(A):
        pass
    assert type(B) is Meta

    class Other(type):
        pass

    class C(metaclass=Other):
        pass
    raises(TypeError, type, "D", (A, C), {}, part="metaclass conflict")
    assert isinstance(A, Meta) and issubclass(Meta, type)


def test_init_subclass_and_set_name():
    seen = []

    class Base:
        def __init_subclass__(cls, /, tag=None, **kw):
            super().__init_subclass__(**kw)
            seen.append((cls.__name__, tag))

    class D:
        def __set_name__(self, owner, name):
            self.owner, self.name = owner, name

    class A(Base, tag="t"):
        d = D()
    assert seen == [("A", "t")]
    assert A.d.owner is A and A.d.name == "d"
    raises(TypeError, type, "X", (), {}, a=1, part="__init_subclass__() takes no keyword arguments")

    class Bad:
        def __set_name__(self, owner, name):
            raise ValueError("no")
    try:
        type("Y", (), {"bad": Bad()})
    except ValueError as e:
        assert e.__notes__ == ["Error calling __set_name__ on 'Bad' instance 'bad' in 'Y'"], e.__notes__
    else:
        raise AssertionError


def test_super():
    class A:
        def f(self): return "A"
        @classmethod
        def c(cls): return "A" + cls.__name__
        @property
        def p(self): return "pA"

    class B(A):
        def f(self): return "B" + super().f()
        @classmethod
        def c(cls): return "B" + super().c()
        @property
        def p(self): return "pB" + super().p

    class C(A):
        def f(self): return "C" + super().f()

    class D(B, C):
        def f(self): return "D" + super().f()

    assert D().f() == "DBCA"
    assert D.c() == "BAD" and B().p == "pBpA"
    s = super(B, D())
    assert s.f() == "CA" and s.__thisclass__ is B and s.__self_class__ is D
    assert super(B, B).f is A.f
    raises(TypeError, super, B, 3, part="is not an instance or subtype of type")
    raises(AttributeError, lambda: s.zzz, part="'super' object has no attribute 'zzz'")
    assert repr(super(B, B())) == "<super: <class 'B'>, <B object>>"

    class E(A):
        def f(self):
            s = super()
            return s.f() + "E"
    assert E().f() == "AE"

    class F(A):
        def get(self):
            return __class__
    assert F().get() is F


def test_special_methods():
    class V:
        def __init__(self, n): self.n = n
        def __add__(self, o): return V(self.n + o.n) if isinstance(o, V) else NotImplemented
        def __radd__(self, o): return V(self.n + o)
        def __iadd__(self, o):
            self.n += o
            return self
        def __mul__(self, k): return V(self.n * k)
        __rmul__ = __mul__
        def __neg__(self): return V(-self.n)
        def __pow__(self, e, m=None): return ("pow", e, m)
        def __eq__(self, o): return isinstance(o, V) and self.n == o.n
        def __lt__(self, o): return self.n < o.n
        def __hash__(self): return hash(self.n)
        def __bool__(self): return self.n != 0
        def __len__(self): return abs(self.n)
        def __getitem__(self, i):
            if i >= self.n: raise IndexError
            return i
        def __setitem__(self, i, v): self.set = (i, v)
        def __delitem__(self, i): self.deleted = i
        def __contains__(self, x): return x == 42
        def __call__(self, *a, **k): return a, k
        def __index__(self): return self.n
        def __int__(self): return self.n
        def __float__(self): return float(self.n)
        def __repr__(self): return f"V({self.n})"

    a, b = V(2), V(3)
    assert (a + b).n == 5 and (4 + b).n == 7 and (a * 4).n == 8 and (4 * a).n == 8
    c = a
    c += 10
    assert c is a and a.n == 12
    assert (-b).n == -3 and b ** 2 == ("pow", 2, None) and pow(b, 2, 7) == ("pow", 2, 7)
    assert V(1) == V(1) and V(1) != V(2) and V(1) < V(2) and V(2) > V(1)
    assert len({V(1), V(1), V(2)}) == 2
    assert not V(0) and V(1) and len(V(-4)) == 4
    assert list(V(3)) == [0, 1, 2] and 42 in b and 1 not in b
    b[1] = 2
    del b[7]
    assert b.set == (1, 2) and b.deleted == 7
    assert b(1, x=2) == ((1,), {"x": 2})
    assert [10, 20, 30, 40][b] == 40 and int(b) == 3 and float(b) == 3.0
    assert repr(b) == "V(3)" and str(b) == "V(3)" and f"{b}" == "V(3)"
    raises(TypeError, lambda: b - 1, part="unsupported operand type(s) for -: 'V' and 'int'")

    class NoHash:
        def __eq__(self, o): return True
    assert NoHash.__hash__ is None
    raises(TypeError, hash, NoHash(), part="unhashable type: 'NoHash'")

    class BadLen:
        def __len__(self): return -1
    raises(ValueError, len, BadLen(), part="__len__() should return >= 0")

    class BadBool:
        def __bool__(self): return 1
    raises(TypeError, bool, BadBool(), part="bool")

    class BadInit:
        def __init__(self): return 3
    raises(TypeError, BadInit, part="should return None, not 'int'")


def test_reflected_priority():
    class A:
        def __add__(self, o): return "A.add"
        def __radd__(self, o): return "A.radd"
    class B(A):
        def __radd__(self, o): return "B.radd"
    class C(A): pass
    assert A() + B() == "B.radd" and A() + C() == "A.add" and B() + A() == "A.add"

    class I(int):
        def __radd__(self, o): return "I.radd"
    assert 1 + I(2) == "I.radd" and I(1) + 2 == 3


def test_changes():
    class A: pass
    class B(A): pass
    b = B()
    raises(TypeError, len, b, part="object of type 'B' has no len()")
    A.__len__ = lambda self: 7
    assert len(b) == 7
    B.__len__ = lambda self: 8
    assert len(b) == 8 and len(A()) == 7
    del B.__len__
    assert len(b) == 7
    del A.__len__
    raises(TypeError, len, b, part="has no len()")

    def f(o):
        return o.m()
    A.m = lambda self: 1
    assert [f(b) for _ in range(50)] == [1] * 50
    A.m = lambda self: 2
    assert [f(b) for _ in range(50)] == [2] * 50
    b.m = lambda: 3
    assert f(b) == 3 and f(B()) == 2
    del b.m
    assert f(b) == 2
    for i in range(20):
        A.counter = i
        assert b.counter == i and A.counter == i and B.counter == i
    A.__getattr__ = lambda self, n: n + "?"
    assert b.abc == "abc?" and b.m() == 2
    del A.__getattr__
    raises(AttributeError, lambda: b.abc, part="abc")
    raises(TypeError, setattr, int, "x", 1, part="cannot set 'x' attribute of immutable type 'int'")


def test_bases_assignment():
    class A:
        def who(self): return "A"
    class B:
        def who(self): return "B"
    class C(A): pass
    c = C()
    assert c.who() == "A"
    C.__bases__ = (B,)
    assert c.who() == "B" and C.__mro__ == (C, B, object)
    assert A.__subclasses__() == [] and B.__subclasses__() == [C]
    raises(TypeError, setattr, B, "__bases__", (C,), part="a __bases__ item causes an inheritance cycle")


def test_class_assignment():
    class A:
        def who(self): return "A"
    class B:
        def who(self): return "B"
    a = A()
    a.x = 1
    a.__class__ = B
    assert a.who() == "B" and a.x == 1 and type(a) is B
    a.y = 2
    assert a.__dict__ == {"x": 1, "y": 2}
    class S:
        __slots__ = ("q",)
    raises(TypeError, setattr, a, "__class__", S, part="object layout differs")
    raises(TypeError, setattr, a, "__class__", 3, part="__class__ must be set to a class")


def test_subclassing_builtins():
    class L(list):
        def __getitem__(self, i): return ("L", list.__getitem__(self, i))
    l = L([1, 2])
    l.extra = 5
    assert l[0] == ("L", 1) and len(l) == 2 and l.extra == 5 and list(l) == [1, 2]

    class I(int):
        def __new__(cls, v, tag): return super().__new__(cls, v)
        def __init__(self, v, tag): self.tag = tag
    i = I(5, "t")
    assert i + 1 == 6 and i.tag == "t" and isinstance(i, int) and type(i + 1) is int

    class S(str):
        def upper(self): return "S" + super().upper()
    s = S("ab")
    s.n = 1
    assert s.upper() == "SAB" and s == "ab" and s.n == 1 and len(s) == 2 and hash(s) == hash("ab")

    class T(tuple):
        def __new__(cls, *a): return super().__new__(cls, a)
        @property
        def first(self): return self[0]
    t = T(1, 2, 3)
    t.x = "x"
    assert t.first == 1 and t == (1, 2, 3) and len(t) == 3 and t.x == "x" and list(t) == [1, 2, 3]

    class D(dict):
        def __missing__(self, k): return k * 2
    d = D(a=1)
    d.z = 3
    assert d["a"] == 1 and d[4] == 8 and d.z == 3

    class E(Exception):
        def __init__(self, code): 
            super().__init__("msg", code)
            self.code = code
    try:
        raise E(7)
    except E as e:
        assert e.code == 7 and e.args == ("msg", 7) and e.__dict__ == {"code": 7}
    raises(TypeError, object.__new__, dict, part="object.__new__(dict) is not safe, use dict.__new__()")
    raises(TypeError, int.__new__, str, part="int.__new__(str): str is not a subtype of int")


def test_new_and_init_arguments():
    class A: pass
    raises(TypeError, A, 1, part="A() takes no arguments")
    class B:
        def __new__(cls, *a): return super().__new__(cls)
    B(1, 2)
    class C:
        def __init__(self, x): pass
    C(1)
    raises(TypeError, object, 1, part="object() takes no arguments")
    class N:
        def __new__(cls): return 5
        def __init__(self): raise AssertionError
    assert N() == 5


def test_type_call():
    X = type("X", (), {"a": 1, "f": lambda self: self.a})
    assert X().f() == 1 and X.__module__ == __name__ and X.__doc__ is None
    assert type(3) is int and type(None).__name__ == "NoneType"
    raises(TypeError, type, 1, 2, part="type() takes 1 or 3 arguments")
    raises(TypeError, type, 1, (), {}, part="type.__new__() argument 1 must be str, not int")
    class Y(X, int): pass
    assert Y(3) + 1 == 4 and Y(3).f() == 1


def test_isinstance():
    assert isinstance(3, (str, (float, int))) and not isinstance(3, ())
    assert isinstance(3, int | str) and isinstance(None, int | None) and issubclass(bool, str | int)
    raises(TypeError, isinstance, 1, 1, part="isinstance() arg 2 must be a type, a tuple of types, or a union")
    raises(TypeError, issubclass, 1, int, part="issubclass() arg 1 must be a class")
    raises(TypeError, isinstance, [], list[int], part="isinstance() argument 2 cannot be a parameterized generic")

    class Meta(type):
        def __instancecheck__(cls, o): return o == 42
        def __subclasscheck__(cls, c): return c is str
    class A(metaclass=Meta): pass
    assert isinstance(42, A) and not isinstance(1, A) and issubclass(str, A) and isinstance(A(), A)

    class Proxy:
        @property
        def __class__(self): return int
    assert isinstance(Proxy(), int) and isinstance(Proxy(), Proxy)


def test_generic_alias_and_union():
    a = list[int]
    assert repr(a) == "list[int]" and a.__origin__ is list and a.__args__ == (int,)
    assert a == list[int] and hash(a) == hash(list[int]) and a([1]) == [1]
    assert repr(dict[str, list[int]]) == "dict[str, list[int]]" and repr(tuple[()]) == "tuple[()]"
    assert repr(tuple[int, ...]) == "tuple[int, ...]"
    class C(list[int]): pass
    assert C.__mro__ == (C, list, object) and C.__orig_bases__ == (list[int],)
    u = int | str
    assert repr(u) == "int | str" and u.__args__ == (int, str) and u == str | int
    assert hash(u) == hash(str | int) and (int | int) is int and repr(int | None) == "int | None"
    assert (int | str | int).__args__ == (int, str)
    raises(TypeError, lambda: int | 3, part="unsupported operand type(s) for |: 'type' and 'int'")
    raises(TypeError, lambda: int[3], part="type 'int' is not subscriptable")
    assert type[int].__origin__ is type


def test_build_class_hooks():
    class Entry:
        def __mro_entries__(self, bases):
            return (A,)
    class A: pass
    e = Entry()
    class B(e): pass
    assert B.__bases__ == (A,) and B.__orig_bases__ == (e,)

    class NotMapping(type):
        @classmethod
        def __prepare__(mcs, *a): return 3
    try:
        class X(metaclass=NotMapping): pass
    except TypeError as err:
        assert "NotMapping.__prepare__() must return a mapping, not int" in str(err), err

    def plain_meta(name, bases, ns):
        return (name, bases, sorted(k for k in ns if not k.startswith("__")))
    class Y(metaclass=plain_meta):
        q = 1
    assert Y == ("Y", (), ["q"])


def test_annotations_and_params():
    class A:
        x: int
        y: "str" = "s"
    assert A.__annotations__ == {"x": int, "y": "str"}, A.__annotations__
    assert A.__annotations__ is A.__annotations__
    class B(A): pass
    assert B.__annotations__ == {}
    class G[T]:
        def f(self, t: T) -> T: return t
    assert [p.__name__ for p in G.__type_params__] == ["T"] and G[int]().f(3) == 3


def test_generic_mixin():
    from typing import Generic, TypeVar

    T = TypeVar("T")

    class Base:
        def __new__(cls, *args):
            self = super().__new__(cls)
            self.made_with = args
            return self

    class Child(Generic[T], Base):
        pass

    assert "__new__" not in Generic.__dict__
    assert Child(1, 2).made_with == (1, 2)


def test_getitem_in_python():
    # A `__getitem__` written in Python is entered without a call in between where that can be.
    class Shifted:
        def __init__(self, items):
            self.items = items

        def __getitem__(self, i):
            if isinstance(i, tuple):
                return [self[j] for j in i]
            if i > 100:
                raise IndexError(f"{i} is too much")
            return self.items[i + 1]

    class Endless:
        def __getitem__(self, n):
            return self[n + 1]

    class Lazy:
        def __getitem__(self, n):
            yield n

    class WithDefault:
        def __getitem__(self, key, more=7):
            return key, more

    class Static:
        __getitem__ = staticmethod(lambda key: ("static", key))

    shifted = Shifted([1, 2, 3])
    key = (0, 1)
    before = sys.getrefcount(shifted), sys.getrefcount(key)
    for _ in range(50):
        assert shifted[0] == 2 and shifted[-1] == 1 and shifted[key] == [2, 3] and shifted.__getitem__(1) == 3
        assert list(Lazy()[5]) == [5] and WithDefault()[1] == (1, 7) and Static()[3] == ("static", 3)
        e = raises(IndexError, lambda: shifted[101], text="101 is too much")
        assert e.__traceback__.tb_next.tb_next.tb_frame.f_code.co_name == "__getitem__"
        del e
    assert (sys.getrefcount(shifted), sys.getrefcount(key)) == before
    raises(RecursionError, lambda: Endless()[0])
    Shifted.__getitem__ = lambda self, i: ("new", i)
    assert shifted[0] == ("new", 0)
    del Shifted.__getitem__
    raises(TypeError, lambda: shifted[0], part="not subscriptable")


for name, f in list(globals().items()):
    if name.startswith("test_"):
        f()
print("ok")
