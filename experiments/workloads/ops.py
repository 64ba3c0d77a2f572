"""One operation of a built-in type at a time.

    ops.py TYPE PERCENT REPEATS

Prints `lab op=NAME ns=NANOSECONDS checksum=RESULT` for each operation of the type, the best of REPEATS; a repeat
takes about 5 ms scaled to PERCENT. Every operation has a result, so that a wrong answer shows.
"""
import sys
import time

# For each type: statements that make its operands, and the operations by name. An operation is an expression,
# or a statement and an expression that shows what it did.
TYPES = {
    "int": ("a = 1234567; b = 321; c = -7; big = 3 ** 90; other = 7 ** 60; text = '12345'", {
        "add": "a + b",
        "sub": "a - b",
        "mul": "a * b",
        "floordiv": "a // b",
        "mod": "a % b",
        "truediv": "a / b",
        "pow": "b ** 3",
        "neg": "-a",
        "and": "a & b",
        "shift": "a << 5",
        "compare": "a < b",
        "divmod": "divmod(a, b)",
        "abs": "abs(c)",
        "from_str": "int(text)",
        "str": "str(a)",
        "bit_length": "a.bit_length()",
        "big_add": "big + other",
        "big_mul": "big * other",
        "big_mod": "big % other",
    }),
    "float": ("x = 3.25; y = 0.75; n = 3; text = '2.5e3'", {
        "add": "x + y",
        "mul": "x * y",
        "div": "x / y",
        "add_int": "x + n",
        "pow": "x ** 2",
        "compare": "x < y",
        "neg": "-x",
        "to_int": "int(x)",
        "from_int": "float(n)",
        "from_str": "float(text)",
        "round": "round(x, 1)",
        "repr": "repr(x)",
        "abs": "abs(x)",
    }),
    "str": ("s = 'the quick brown fox jumps'; t = 'lazy dog'; w = ['ab', 'cd', 'ef', 'gh']; n = 42; x = 2.5", {
        "index": "s[4]",
        "slice": "s[4:9]",
        "concat": "s + t",
        "repeat": "t * 3",
        "compare": "s == t",
        "less": "s < t",
        "contains": "'fox' in s",
        "len": "len(s)",
        "hash": ("hash(s)", "1"),
        "find": "s.find('fox')",
        "split": "s.split()",
        "split_by": "s.split('o')",
        "join": "'-'.join(w)",
        "replace": "s.replace('o', '0')",
        "startswith": "s.startswith('the')",
        "strip": "s.strip()",
        "upper": "s.upper()",
        "isdigit": "t.isdigit()",
        "encode": "s.encode()",
        "f_str": "f'{t}: {n}'",
        "f_float": "f'{x:.2f}'",
        "percent": "'%s is %d' % (t, n)",
        "format": "'{} is {}'.format(t, n)",
        "ord": "ord('x')",
        "chr": "chr(n)",
        "iterate": "for c in t: pass",
        "append": ("s2 = t; s2 += s", "s2"),
    }),
    "bytes": ("s = b'the quick brown fox'; t = bytearray(s); h = '00ff10'", {
        "index": "s[4]",
        "slice": "s[4:9]",
        "concat": "s + s",
        "find": "s.find(b'fox')",
        "decode": "s.decode()",
        "compare": "s == b'the'",
        "iterate": "for c in s: pass",
        "hex": "s.hex()",
        "fromhex": "bytes.fromhex(h)",
        "array_index": "t[3]",
        "array_store": ("t[3] = 65", "t[3]"),
        "array_append": ("t.append(65); t.pop()", "len(t)"),
    }),
    "list": ("a = list(range(100)); b = [3, 1, 2]; i = 5; p = [(k * 37 % 100) for k in range(100)]; "
             "f = [k * .5 for k in p]; w = [str(k) for k in p]", {
        "getitem": "a[i]",
        "getitem_last": "a[-1]",
        "setitem": ("a[i] = 5", "a[i]"),
        "build": "[i, i, i]",
        "unpack": ("u, v, z = b", "v"),
        "slice": "a[10:20]",
        "store_slice": ("a[10:20] = a[10:20]", "len(a)"),
        "append_pop": ("a.append(1); a.pop()", "len(a)"),
        "insert_pop": ("b.insert(0, 1); b.pop(0)", "len(b)"),
        "contains": "50 in a",
        "index": "a.index(50)",
        "count": "a.count(50)",
        "concat": "b + b",
        "repeat": "b * 4",
        "equal": "b == [3, 1, 2]",
        "copy": "a.copy()",
        "reverse": ("b.reverse(); b.reverse()", "b[0]"),
        "iterate": "for v in a: pass",
        "comprehension": "[v for v in b]",
        "comprehension_if": "[v + 1 for v in a if v & 1]",
        "sort_sorted": "sorted(a)",
        "sort_ints": "sorted(p)",
        "sort_floats": "sorted(f)",
        "sort_strs": "sorted(w)",
        "sort_key": "sorted(b, key=lambda v: -v)",
        "sum": "sum(a)",
        "max": "max(p)",
        "len": "len(a)",
        "extend": ("c = []; c.extend(b)", "len(c)"),
        "from_range": "list(range(20))",
        "enumerate": "for k, v in enumerate(b): pass",
        "zip": "for k, v in zip(b, b): pass",
        "reversed": "for v in reversed(b): pass",
        "any": "any(v > 2 for v in b)",
        "map": "list(map(str, b))",
    }),
    "tuple": ("a = (1, 2, 3, 4, 5); b = (1, 2, 3); x = 7; y = 8", {
        "getitem": "a[2]",
        "build": "(x, y)",
        "unpack": ("u, v, w = b", "v"),
        "swap": ("x, y = y, x", "x + y"),
        "slice": "a[1:3]",
        "concat": "a + b",
        "hash": ("hash(a)", "1"),
        "compare": "a == b",
        "less": "b < a",
        "contains": "4 in a",
        "iterate": "for v in a: pass",
        "from_list": "tuple([x, y])",
        "generator": "tuple(v for v in b)",
    }),
    "dict": ("d = {str(k): k for k in range(50)}; e = {k: k for k in range(50)}; q = {(k, k): k for k in range(9)}; "
             "k = '7'; i = 7; s = {'a': 1, 'b': 2}; t = (3, 3)", {
        "get_str": "d[k]",
        "get_int": "e[i]",
        "get_tuple": "q[t]",
        "set_str": ("d[k] = 7", "d[k]"),
        "set_int": ("e[i] = 7", "e[i]"),
        "set_tuple": ("q[t] = 3", "q[t]"),
        "add_remove": ("d['new'] = 1; del d['new']", "len(d)"),
        "get": "d.get(k)",
        "get_absent": "d.get('none', 0)",
        "contains": "k in d",
        "setdefault": "d.setdefault(k, 1)",
        "pop": ("s['c'] = 1; s.pop('c')", "len(s)"),
        "build": "{'a': 1, 'b': 2}",
        "comprehension": "{v: v for v in t}",
        "copy": "s.copy()",
        "merge": "s | s",
        "update": ("s.update(b=2)", "len(s)"),
        "iterate": "for v in d: pass",
        "items": "for u, v in d.items(): pass",
        "values": "for v in d.values(): pass",
        "len": "len(d)",
        "keys_list": "list(s)",
        "equal": "s == {'a': 1, 'b': 2}",
        "call_kw": "dict(a=1, b=2)",
    }),
    "set": ("s = set(range(50)); t = {1, 2, 3}; i = 7; w = {'a', 'b', 'c'}; c = ((1, 2), (3, 4)); g = set(c); p = (1, 2); "
            "l = [1, 2, 3, 4]", {
        "contains": "i in s",
        "contains_str": "'b' in w",
        "contains_tuple": "p in g",
        "add": ("s.add(7)", "len(s)"),
        "add_discard": ("t.add(9); t.discard(9)", "len(t)"),
        "build": "{1, 2, 3}",
        "from_list": "set(l)",
        "comprehension": "{v for v in l}",
        "union": "t | t",
        "intersection": "s & t",
        "difference": "t - s",
        "subset": "t <= s",
        "equal": "t == {1, 2, 3}",
        "iterate": "for v in t: pass",
        "copy": "t.copy()",
        "frozen": "frozenset(t)",
        "len": "len(t)",
    }),
    "object": ("import collections\n"
               "    class C:\n"
               "        LIMIT = 7\n"
               "        def __init__(self, x): self.x = x\n"
               "        def get(self): return self.x\n"
               "        @property\n"
               "        def twice(self): return self.x\n"
               "        @classmethod\n"
               "        def made(cls): return 1\n"
               "        @staticmethod\n"
               "        def plain(): return 1\n"
               "        def __add__(self, o): return 1\n"
               "        def __eq__(self, o): return True\n"
               "        def __getitem__(self, i): return i\n"
               "        def __setitem__(self, i, v): pass\n"
               "        def __len__(self): return 3\n"
               "        def __contains__(self, i): return True\n"
               "        def __call__(self): return 1\n"
               "        def __bool__(self): return True\n"
               "    class D(C):\n"
               "        def get(self): return super().get()\n"
               "    class S:\n"
               "        __slots__ = ('x',)\n"
               "        def __init__(self): self.x = 1\n"
               "    P = collections.namedtuple('P', 'x y')\n"
               "    o = C(3); d = D(4); s = S(); p = P(1, 2)", {
        "getattr": "o.x",
        "setattr": ("o.x = 3", "o.x"),
        "getattr_class": "o.LIMIT",
        "getattr_slot": "s.x",
        "getattr_name": "getattr(o, 'x')",
        "hasattr_not": "hasattr(o, 'none')",
        "method": "o.get()",
        "super": "d.get()",
        "property": "o.twice",
        "classmethod": "C.made()",
        "staticmethod": "o.plain()",
        "bound": ("o.get", "1"),
        "new": ("C(3)", "1"),
        "new_slots": ("S()", "1"),
        "add": "o + o",
        "eq": "o == d",
        "getitem": "o[1]",
        "setitem": ("o[1] = 2", "1"),
        "len": "len(o)",
        "contains": "3 in o",
        "call": "o()",
        "truth": ("if o: pass", "1"),
        "isinstance": "isinstance(d, C)",
        "isinstance_of": "isinstance(o, (int, str))",
        "type": ("type(o) is C", "1"),
        "namedtuple": "p.x",
        "namedtuple_new": "P(1, 2)",
    }),
    "function": ("import functools\n"
                 "    def f(): return 1\n"
                 "    def g(a, b): return a\n"
                 "    def h(a, b=2, *, c=3): return a\n"
                 "    def v(*args): return 1\n"
                 "    def k(**kw): return 1\n"
                 "    def gen():\n"
                 "        yield 1\n"
                 "        yield 2\n"
                 "    def outer(x):\n"
                 "        def inner(): return x\n"
                 "        return inner\n"
                 "    def raiser(): raise KeyError\n"
                 "    class M:\n"
                 "        def __enter__(self): return self\n"
                 "        def __exit__(self, *a): return False\n"
                 "    c = outer(1); cached = functools.cache(g); part = functools.partial(g, 1); m = M(); t = (1, 2)", {
        "call": "f()",
        "call_args": "g(1, 2)",
        "call_defaults": "h(1)",
        "call_keywords": "h(1, b=2, c=3)",
        "call_star": "g(*t)",
        "variadic": "v(1, 2, 3)",
        "keywords": "k(a=1, b=2)",
        "closure": "c()",
        "make_closure": ("outer(1)", "1"),
        "lambda": "(lambda a: a)(1)",
        "generator": "for x in gen(): pass",
        "try": ("try: f()\n        except KeyError: pass", "1"),
        "raise": ("try: raise KeyError\n        except KeyError: pass", "1"),
        "raise_through": ("try: raiser()\n        except KeyError: pass", "1"),
        "with": ("with m: pass", "1"),
        "cached": "cached(1, 2)",
        "partial": "part(2)",
        "min": "min(3, 2)",
    }),
}
PER_LOOP = 10


def checked(text):
    """A number that two interpreters give the same text."""
    value = 2166136261
    for c in text:
        value = (value ^ ord(c)) * 16777619 & 0xffffffff
    return value


def compiled(setup, operation):
    """A function that does the operation `10 * n` times and returns the nanoseconds, and one that shows it."""
    do, show = operation if isinstance(operation, tuple) else (operation, operation)
    if show.startswith("for "):
        show = "1"
    body = "\n        ".join([do] * PER_LOOP)
    source = (
        f"def run(_n):\n    {setup}\n    _began = clock()\n    for _ in range(_n):\n        {body}\n"
        f"    return clock() - _began\n"
        f"def shown():\n    {setup}\n    for _ in (1,):\n        {do}\n    return {show}\n"
    )
    space = {"clock": time.perf_counter_ns}
    exec(source, space)
    return space["run"], space["shown"]


def main(name, percent, repeats):
    setup, operations = TYPES[name]
    wanted = 5_000_000 * percent // 100
    for operation, how in operations.items():
        run, shown = compiled(setup, how)
        n = 10
        while (took := run(n)) < wanted // 4:
            n *= 4
        n = max(1, n * wanted // max(took, 1))
        best = min(run(n) for _ in range(repeats))
        print(f"lab op={operation} ns={best / n / PER_LOOP:.2f} checksum={checked(repr(shown()))}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
