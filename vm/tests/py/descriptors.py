"""Descriptors: property, classmethod, staticmethod, methods of built-in types, user descriptors."""
import types

from checks import raises


def test_protocol():
    class Data:
        def __get__(self, o, cls=None): return ("get", o is None, cls.__name__)
        def __set__(self, o, v): o.__dict__["stored"] = v
        def __delete__(self, o): o.__dict__["deleted"] = True
    class NonData:
        def __get__(self, o, cls=None): return "nondata"
    class A:
        d = Data()
        n = NonData()
    a = A()
    assert a.d == ("get", False, "A") and A.d == ("get", True, "A")
    a.d = 5
    assert a.stored == 5 and a.d == ("get", False, "A")
    del a.d
    assert a.deleted
    a.__dict__["d"] = 1
    assert a.d == ("get", False, "A")
    assert a.n == "nondata"
    a.n = 3
    assert a.n == 3
    class OnlySet:
        def __set__(self, o, v): raise AttributeError("nope")
    A.o = OnlySet()
    assert isinstance(a.o, OnlySet)
    raises(AttributeError, setattr, a, "o", 1, part="nope")
    raises(AttributeError, delattr, a, "o", part="__delete__")


def test_property():
    class A:
        def __init__(self): self._v = 1
        @property
        def v(self):
            "doc of v"
            return self._v
        @v.setter
        def v(self, x): self._v = x
        @v.deleter
        def v(self): self._v = None
        @property
        def ro(self): return 1
    a = A()
    assert a.v == 1
    a.v = 5
    assert a.v == 5
    del a.v
    assert a.v is None
    assert A.v.__doc__ == "doc of v" and A.v.__name__ == "v" and A.v.fget.__name__ == "v"
    raises(AttributeError, setattr, a, "ro", 1, part="property 'ro' of 'test_property.<locals>.A' object has no setter")
    raises(AttributeError, delattr, a, "ro", part="property 'ro' of 'test_property.<locals>.A' object has no deleter")
    p = property(doc="d")
    assert p.__doc__ == "d" and p.fget is None
    class Sub(property):
        """sub"""
    s = Sub(lambda self: 1, doc="own")
    assert s.__doc__ == "own"
    assert not A.v.__isabstractmethod__


def test_class_and_static_methods():
    class A:
        @classmethod
        def c(cls, x=1): return cls.__name__, x
        @staticmethod
        def s(x=2): return x
    class B(A): pass
    assert A.c() == ("A", 1) and B.c(2) == ("B", 2) and B().c(3) == ("B", 3)
    assert A.s() == 2 and A().s(4) == 4
    assert A.__dict__["s"](9) == 9 and A.__dict__["s"].__wrapped__ is A.s
    assert A.__dict__["c"].__func__.__name__ == "c" and A.__dict__["c"].__name__ == "c"
    assert A.c.__self__ is A
    assert repr(A.__dict__["s"]).startswith("<staticmethod(<function ")
    for _ in range(30):
        assert B.c() == ("B", 1) and B().c() == ("B", 1) and B().s() == 2


def test_methods():
    class A:
        def f(self, x=0): return (self, x)
    a = A()
    m = a.f
    assert type(m) is types.MethodType and m.__self__ is a and m.__func__ is A.f
    assert m() == (a, 0) and m(3) == (a, 3) and m(x=4) == (a, 4)
    assert m == a.f and m is not a.f and hash(m) == hash(a.f) and m != A().f
    assert m.__name__ == "f" and "bound method test_methods.<locals>.A.f of" in repr(m)
    assert types.MethodType(len, [1, 2])() == 2
    raises(TypeError, types.MethodType, 3, 4, part="first argument must be callable")
    raises(TypeError, types.MethodType, len, None, part="instance must not be None")


def test_native_methods():
    l = [1]
    f = l.append
    f(2)
    assert l == [1, 2] and f.__self__ is l and f.__name__ == "append" and f.__qualname__ == "list.append"
    assert repr(list.append) == "<method 'append' of 'list' objects>"
    assert repr(list.__len__) == "<slot wrapper '__len__' of 'list' objects>"
    assert "<built-in method append of list object at" in repr(f) and repr(len) == "<built-in function len>"
    assert list.append.__objclass__ is list and list.__len__(l) == 2 and l.__len__() == 2
    list.append(l, 3)
    assert l == [1, 2, 3] and f == l.append and l.__len__ == l.__len__
    raises(TypeError, list.append, "", 1, part="descriptor 'append' for 'list' objects doesn't apply to a 'str' object")
    raises(TypeError, list.append, part="unbound method list.append() needs an argument")
    raises(TypeError, l.append, part="list.append() takes exactly one argument (0 given)")
    raises(TypeError, l.append, 1, 2, part="list.append() takes exactly one argument (2 given)")
    raises(TypeError, l.append, x=1, part="takes no keyword arguments")
    raises(TypeError, l.clear, 1, part="list.clear() takes no arguments (1 given)")
    raises(TypeError, l.insert, 1, part="insert expected 2 arguments, got 1")
    raises(TypeError, l.pop, 1, 2, part="pop expected at most 1 argument, got 2")
    raises(TypeError, l.sort, zzz=1, part="sort() got an unexpected keyword argument 'zzz'")
    raises(TypeError, list.__len__, 3, part="descriptor '__len__' requires a 'list' object but received a 'int'")
    raises(TypeError, l.__len__, 1, part="expected 0 arguments, got 1")
    assert int.__add__(1, 2) == 3 and int.__radd__(1, 2) == 3 and int.__lt__(1, 2) is True
    assert int.__add__(1, "") is NotImplemented and (1).__add__(2) == 3
    assert dict.fromkeys("ab") == {"a": None, "b": None} and object.__eq__(1, 2) is NotImplemented
    assert (5).real == 5 and type(int.real).__name__ == "getset_descriptor"
    assert str.__new__(str, 3) == "3" and type(object.__new__).__name__ == "builtin_function_or_method"
    assert object.__init__.__name__ == "__init__" and type.__call__(int, "7") == 7
    assert list.append.__text_signature__ == "($self, object, /)"


def test_mappingproxy():
    d = {"a": 1}
    p = types.MappingProxyType(d)
    assert p["a"] == 1 and len(p) == 1 and "a" in p and list(p) == ["a"] and p.get("z", 3) == 3
    d["b"] = 2
    assert dict(p) == d and p == d and repr(p) == "mappingproxy({'a': 1, 'b': 2})"
    assert p | {"c": 3} == {"a": 1, "b": 2, "c": 3} and list(p.items()) == [("a", 1), ("b", 2)]
    try:
        p["x"] = 1
    except TypeError as e:
        assert str(e) == "'mappingproxy' object does not support item assignment"
    raises(TypeError, types.MappingProxyType, [], part="mappingproxy() argument must be a mapping, not list")


def test_inherited_native_slots():
    class L(list):
        pass
    l = L([3, 4])
    assert l[0] == 3 and len(l) == 2 and 3 in l and list(iter(l)) == [3, 4] and l + [5] == [3, 4, 5]
    class R(list):
        def __add__(self, o): return "R+"
        __len__ = list.__len__
        __getitem__ = list.__getitem__
    r = R([1])
    assert r + [1] == "R+" and len(r) == 1 and r[0] == 1
    class K:
        __getitem__ = dict.__getitem__
    raises(TypeError, lambda: K()[0], part="descriptor '__getitem__'")
    class It:
        def __iter__(self): return self
        n = 0
        def __next__(self):
            self.n += 1
            if self.n > 3: raise StopIteration
            return self.n
    assert list(It()) == [1, 2, 3] and sum(It()) == 6
    class NotIter:
        __iter__ = None
    raises(TypeError, iter, NotIter(), part="'NotIter' object is not iterable")


for name, f in list(globals().items()):
    if name.startswith("test_"):
        f()
print("ok")
