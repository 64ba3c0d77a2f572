# t-strings.
from string.templatelib import Template, Interpolation

from checks import raises

name = "World"
t = t"Hello {name!r:>10} and {1 + 1}!"
assert type(t) is Template and t.strings == ("Hello ", " and ", "!") and t.values == ("World", 2)
i, j = t.interpolations
assert i.value == "World" and i.expression == "name" and i.conversion == "r" and i.format_spec == ">10"
assert j.expression == "1 + 1" and j.conversion is None and j.format_spec == ""
assert list(t) == ["Hello ", i, " and ", j, "!"] and [type(p).__name__ for p in t"{name}{name}"] == ["Interpolation"] * 2
u = t + t"x{name}"
assert u.strings == ("Hello ", " and ", "!x", "") and len(u.interpolations) == 3
raises(TypeError, lambda: t + "x")
assert Template("a", "b", i, "c").strings == ("ab", "c") and Template().strings == ("",) and Template(i, i).strings == ("", "", "")
raises(TypeError, Template, 1)
assert repr(Interpolation(1, "x")) == "Interpolation(1, 'x', None, '')"
assert repr(t"a{name}") == "Template(strings=('a', ''), interpolations=(Interpolation('World', 'name', None, ''),))"
raises(ValueError, Interpolation, 1, "x", "z")
match i:
    case Interpolation(v, e, c, s):
        assert (v, e, c, s) == ("World", "name", "r", ">10")
print("ok")
