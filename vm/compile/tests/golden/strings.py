f"{a}{b!r:>{w}}c{d=}" f"{{"
t"x{a!s}{b:>3}"
"%s and %r" % (a, b)
"a" "b\ud800" + "c"
