"""Weak references, proxies and what happens at an object's death."""
import _weakref
import gc
import weakref

from checks import raises


class C:
    def __init__(self, v=0):
        self.v = v

    def __call__(self):
        return self.v

    def __len__(self):
        return 3


c = C(1)
r = weakref.ref(c)
assert r() is c and weakref.ref(c) is r and weakref.getweakrefcount(c) == 1
assert r.__callback__ is None and c.__weakref__ is r
log = []
r2 = weakref.ref(c, log.append)
r3 = weakref.ref(c, lambda ref: log.append("second"))
assert r2 is not r and r2.__callback__ == log.append and weakref.getweakrefcount(c) == 3
assert weakref.getweakrefs(c) == [r, r2, r3]
assert hash(r) == hash(c) and r == r2 and not (r != r2)
assert "<weakref at 0x" in repr(r) and "to '__main__.C' at" in repr(r)
del c
assert r() is None and log == ["second", r2], log
assert r2.__callback__ is None and "dead" in repr(r)
assert hash(r) is not None
dead = weakref.ref(C())
raises(TypeError, hash, dead, text="weak object has gone away")
raises(TypeError, weakref.ref, 1, text="cannot create weak reference to 'int' object")
raises(TypeError, weakref.ref, [])
assert dead != weakref.ref(C())


class Sub(weakref.ref):
    def __init__(self, o, cb=None, extra=None):
        super().__init__(o, cb)
        self.extra = extra

    def __new__(cls, o, cb=None, extra=None):
        return super().__new__(cls, o, cb)


c = C()
s = Sub(c, extra=5)
assert s() is c and s.extra == 5 and s is not weakref.ref(c)

# Proxies.
p = weakref.proxy(c)
c.v = 10
assert p.v == 10 and len(p) == 3 and p() == 10 and type(p) is weakref.CallableProxyType
p.w = 4
assert c.w == 4 and str(p) == str(c)
n = type("N", (), {"__add__": lambda a, b: 7, "__getitem__": lambda a, k: k})()
q = weakref.proxy(n)
assert type(q) is weakref.ProxyType and q + 1 == 7 and q["k"] == "k"
raises(TypeError, hash, q)
del c, n
raises(ReferenceError, lambda: p.v, text="weakly-referenced object no longer exists")
raises(ReferenceError, lambda: q + 1)

# Collections of the module.
d = weakref.WeakValueDictionary()
k = C()
d["a"] = k
assert d["a"] is k and len(d) == 1
del k
assert len(d) == 0 and "a" not in d

# A dead reference that leaves late takes nothing away that was stored under its key meanwhile.
refs = {}
late = weakref.ref(C())
k = C()
refs["a"] = weakref.ref(k)
_weakref._remove_dead_weakref(refs, "a")
assert refs["a"]() is k, "alive: stays"
refs["b"] = late
_weakref._remove_dead_weakref(refs, "b")
assert late() is None and "b" not in refs
_weakref._remove_dead_weakref(refs, "c")
del k
w = weakref.WeakKeyDictionary()
k = C()
w[k] = 1
assert w[k] == 1
del k
assert len(w) == 0
ws = weakref.WeakSet([C()])
assert len(ws) == 0
keep = C()
ws.add(keep)
assert keep in ws

# Finalizers.
done = []
k = C()
f = weakref.finalize(k, done.append, 1)
assert f.alive
del k
assert done == [1] and not f.alive

# Methods.
k = C(5)
m = weakref.WeakMethod(k.__call__)
assert m()() == 5
del k
assert m() is None

# In a cycle the reference is cleared by the collector; a callback outside of it runs.
log = []
a, b = C(), C()
a.other, b.other = b, a
r = weakref.ref(a, log.append)
inside = weakref.ref(b)
del a, b
gc.collect()
assert r() is None and log == [r] and inside() is None


# A finaliser sees the weak reference cleared, unless it brings the object back.
class Back:
    def __del__(self):
        global saved
        saved = self


saved = None
o = Back()
r = weakref.ref(o)
del o
assert saved is not None and r() is saved
saved = None
