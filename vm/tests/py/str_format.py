# str.format, %-formatting, f-strings and t-strings.

from checks import raises

assert "{} {}".format(1, "a") == "1 a" and "{1} {0}".format(1, 2) == "2 1" and "{a}-{b}".format(a=1, b=[2]) == "1-[2]"
assert "{0.real} {1[k]} {2[0]}".format(5, {"k": "v"}, [9]) == "5 v 9" and "{{}}".format() == "{}" and "{!r:>5} {!s}".format("a", "b") == "  'a' b"
assert "{:{w}.{p}f}".format(3.14159, w=8, p=2) == "    3.14" and "{:>{}}".format("x", 4) == "   x" and "{!a}".format("é") == "'\\xe9'"
assert "{x.y[0]!r}".format(x=type("N", (), {"y": ["q"]})) == "'q'" and "日{}本".format("é") == "日é本"
assert "{a}{b}".format_map({"a": 1, "b": 2}) == "12"
class Missing(dict):
    def __missing__(self, k):
        return "<" + k + ">"
assert "{x}".format_map(Missing()) == "<x>"
raises(IndexError, "{}".format, part="Replacement index 0 out of range for positional args tuple")
raises(KeyError, "{a}".format)
raises(ValueError, "{".format, part="Single '{' encountered in format string")
raises(ValueError, "}".format, part="Single '}' encountered in format string")
raises(ValueError, "{0}{}".format, 1, 2, part="cannot switch from manual field specification to automatic field numbering")
raises(ValueError, "{:d}".format, "a", part="Unknown format code 'd' for object of type 'str'")
raises(ValueError, "{!x}".format, 1)
raises(ValueError, "{:{:{}}}".format, 1, 2, 3, part="Max string recursion exceeded")

assert format("abc", ">5") == "  abc" and format("abc", ".2") == "ab" and format("é", "*^5") == "**é**" and format("a", "") == "a"
raises(ValueError, format, "a", "=", part="'=' alignment not allowed in string format specifier")

assert "%s %d %r" % ("a", 5, "b") == "a 5 'b'" and "%5d|%-5d|%05d|%+d" % (3, 3, 3, 3) == "    3|3    |00003|+3"
assert "%x %X %#x %o %c%c %%" % (255, 255, 255, 8, "a", 66) == "ff FF 0xff 10 aB %" and "%.2f %e %g" % (3.14159, 1e10, 1e-5) == "3.14 1.000000e+10 1e-05"
assert "%(a)s %(b)05.1f" % {"a": 1, "b": 2.5} == "1 002.5" and "%*d|%-*d|%.*f" % (5, 1, 4, 2, 2, 3.14159) == "    1|2   |3.14"
assert "%s" % (None,) == "None" and "%s" % [1] == "[1]" and "%d" % 3.9 == "3" and "%s %s" % (1, (2,)) == "1 (2,)" and "%5.1s|" % "abc" == "    a|"
assert "%a" % "é" == "'\\xe9'" and "日%s" % "é" == "日é" and "%d" % 10**25 == "10000000000000000000000000" and "%i" % True == "1"
assert "%(x)s" % {"x": "%"} == "%" and "no args" % {} == "no args" and "%s" % "x" == "x"
for f, v in (("%d", "a"), ("%s %s", ("a",)), ("%s", ("a", "b")), ("", 1), ("%c", "ab"), ("%x", 1.5), ("%(a)s", 1), ("%*d", ("a", 1))):
    raises(TypeError, lambda: f % v)
raises(ValueError, lambda: "%z" % 1)
raises(ValueError, lambda: "%" % 1)
raises(KeyError, lambda: "%(a)s" % {})
raises(OverflowError, lambda: "%c" % -1)

name, n, pi = "wörld", 42, 3.14159
assert f"{name!r:>10}|{n:>6,}|{pi:.3f}|{n!s}|{name}|{n}" == "   'wörld'|    42|3.142|42|wörld|42"
assert f"{n:{n}}".strip() == "42" and f"{{}}{n=}" == "{}n=42" and f"{'nested ' + f'{n}'}" == "nested 42" and f"{None} {True} {1.5}" == "None True 1.5"
class Spec:
    def __format__(self, spec):
        return "<" + spec + ">"
    def __str__(self):
        return "str"
assert f"{Spec():abc}" == "<abc>" and f"{Spec()}" == "<>" and f"{Spec()!s:>5}" == "  str" and "{:x}{}".format(Spec(), Spec()) == "<x><>"
class BadSpec:
    def __format__(self, spec):
        return 1
raises(TypeError, lambda: f"{BadSpec()}")
raises(TypeError, lambda: f"{object():x}", part="unsupported format string passed to object.__format__")
print("ok")
