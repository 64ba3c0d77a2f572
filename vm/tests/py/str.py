# Strings of every width: sequence behaviour and methods.

from checks import raises

samples = ["", "a", "abc", "hello world", "é", "naïve café", "€uro", "日本語テキスト", "😀 mixed é € text", "\0\t\n", "\ud800lone"]
for s in samples:
    assert len(s) == len(list(s)) and "".join(list(s)) == s and s[:] == s and s[::-1][::-1] == s
    assert s + "" == s and "" + s == s and s * 0 == "" and s * 1 == s and s * 3 == s + s + s and 2 * s == s + s
    assert hash(s) == hash("".join(list(s))) and s == "".join(list(s)) and not s != s
    assert eval(repr(s)) == s
    for i, c in enumerate(s):
        assert s[i] == c and s[i - len(s)] == c and c in s and s.find(c) <= i <= s.rfind(c)
        assert s[:i] + s[i:] == s
    for t in samples:
        assert (s + t)[:len(s)] == s and (s + t)[len(s):] == t and (s + t).startswith(s) and (s + t).endswith(t)
        assert s in s + t and t in s + t
        assert (s < t) == ([ord(c) for c in s] < [ord(c) for c in t])
        if t:
            assert t.join(["x", s, "y"]) == "x" + t + s + t + "y"
            assert (s + t + s).replace(t, "") == (s + s if t not in s else (s + t + s).replace(t, ""))
            assert t.join((s + t + "q").split(t)) == s + t + "q"
            assert t.join((s + t + "q").rsplit(t, 1)) == s + t + "q"

assert "abcdef"[1:5:2] == "bd" and "abcdef"[::-2] == "fdb" and "abc"[5:] == "" and "abc"[-100:2] == "ab" and "日本語"[1:] == "本語"
assert "日a"[1:].isascii() and "é"[0] == "é" and "aé"[:1] == "a"
raises(IndexError, lambda: "a"[1], part="string index out of range")
raises(IndexError, lambda: ""[-1])
raises(TypeError, lambda: "a" + 1, part='can only concatenate str (not "int") to str')
raises(TypeError, lambda: "a" * 1.0, part="can't multiply sequence by non-int of type 'float'")
raises(TypeError, lambda: 1 in "a", part="'in <string>' requires string as left operand, not int")
raises(TypeError, lambda: "a" < 1, part="'<' not supported between instances of 'str' and 'int'")
raises(MemoryError, lambda: "ab" * (2**61))
raises(OverflowError, lambda: "a" * 10**20)

# Search.
assert "abcabc".find("c") == 2 and "abcabc".find("c", 3) == 5 and "abcabc".find("c", 0, 2) == -1 and "abc".find("") == 0
assert "abc".find("", 3) == 3 and "abc".find("", 4) == -1 and "abcabc".rfind("bc") == 4 and "abc".rfind("", 0, 2) == 2
assert "abcabc".index("b") == 1 and "abcabc".rindex("a") == 3 and "aaaa".count("aa") == 2 and "abc".count("") == 4 and "x".count("", 2) == 0
assert "日本日本".find("本日") == 1 and "abc".find("日") == -1 and "日abc".find("abc") == 1 and "a日".count("日") == 1
raises(ValueError, "abc".index, "x", part="substring not found")
raises(TypeError, "abc".find, 1)
assert "abc".startswith(("x", "ab")) and not "abc".startswith("b") and "abc".startswith("b", 1) and "abc".endswith(("bc",)) and "abc".endswith("b", 0, 2)
assert "abc".startswith("") and not "abc".startswith("", 4)
raises(TypeError, "a".startswith, 1, part="startswith first arg must be str or a tuple of str, not int")

# Split and join.
assert " a  b c ".split() == ["a", "b", "c"] and "a,b,,c".split(",") == ["a", "b", "", "c"] and "".split() == [] and "".split(",") == [""]
assert "a b c d".split(None, 2) == ["a", "b", "c d"] and "a,b,c".split(",", 1) == ["a", "b,c"] and "a,b,c".split(",", 0) == ["a,b,c"]
assert "a b c d".rsplit(None, 2) == ["a b", "c", "d"] and "a,b,c".rsplit(",", 1) == ["a,b", "c"] and " a ".rsplit() == ["a"]
assert "a<>b<>c".split("<>") == ["a", "b", "c"] and "日、本".split("、") == ["日", "本"] and "a\u3000b".split() == ["a", "b"]
assert "a\nb\r\nc\rd\u2028e".splitlines() == ["a", "b", "c", "d", "e"] and "a\nb\n".splitlines(True) == ["a\n", "b\n"] and "".splitlines() == []
assert "k=v=w".partition("=") == ("k", "=", "v=w") and "k".partition("=") == ("k", "", "") and "k=v=w".rpartition("=") == ("k=v", "=", "w") and "k".rpartition("=") == ("", "", "k")
assert ",".join([]) == "" and ",".join(["a"]) == "a" and ", ".join(str(i) for i in range(4)) == "0, 1, 2, 3" and "é".join(["a", "日"]) == "aé日"
raises(ValueError, "abc".split, "", part="empty separator")
raises(TypeError, "a".join, [1], part="sequence item 0: expected str instance, int found")
raises(TypeError, "a".join, 1, part="can only join an iterable")

# Replace, strip, pad.
assert "aaa".replace("a", "b") == "bbb" and "aaa".replace("a", "bb", 2) == "bbbba" and "abc".replace("", "-") == "-a-b-c-" and "abc".replace("x", "y") == "abc"
assert "abab".replace("ab", "") == "" and "日本".replace("本", "x") == "日x" and "abc".replace("b", "日") == "a日c" and "a.b".replace(".", "", count=1) == "ab"
assert "  x ".strip() == "x" and "xxaxx".strip("x") == "a" and "  x ".lstrip() == "x " and "  x ".rstrip() == "  x" and "\u2003x".strip() == "x" and "日x日".strip("日") == "x"
raises(TypeError, "a".strip, 1, part="strip arg must be None or str")
assert "ab".center(5) == "  ab " and "abc".center(6) == " abc  " and "a".center(4, "*") == "*a**" and "a".ljust(3, "é") == "aéé" and "a".rjust(3) == "  a" and "abc".ljust(2) == "abc"
assert "42".zfill(5) == "00042" and "-42".zfill(5) == "-0042" and "a\tb".expandtabs() == "a       b" and "a\tb".expandtabs(4) == "a   b" and "\t".expandtabs(0) == ""
assert "prefix-x".removeprefix("prefix-") == "x" and "x.py".removesuffix(".py") == "x" and "x".removeprefix("y") == "x"
raises(TypeError, "a".center, 1, "ab", part="The fill character must be exactly one character long")

# Case.
assert "Hello Wörld".upper() == "HELLO WÖRLD" and "HELLO ÉÑ".lower() == "hello éñ" and "ß".upper() == "SS" and "ß".casefold() == "ss" and "İ".lower() == "i̇"
assert "hello world".title() == "Hello World" and "they're".title() == "They'Re" and "hELLO".capitalize() == "Hello" and "Hello".swapcase() == "hELLO" and "ΑΣ".lower() == "ας"
assert "abc".islower() and not "aBc".islower() and "ABC".isupper() and "Abc Def".istitle() and not "abc".istitle() and not "".islower() and not "1".isupper()
assert "abc".isalpha() and "日本".isalpha() and not "a1".isalpha() and not "".isalpha() and "a1".isalnum() and "123".isdigit() and "²".isdigit() and not "²".isdecimal() and "½".isnumeric()
assert " \t\n".isspace() and not "".isspace() and "\u3000".isspace() and "abc".isascii() and "".isascii() and not "é".isascii()
assert "abc_1".isidentifier() and not "1a".isidentifier() and "été".isidentifier() and "abc é".isprintable() and not "\n".isprintable() and "".isprintable()

# translate.
assert "abc".translate({97: "X", 98: None, 99: 100}) == "Xd" and "abc".translate(str.maketrans("ab", "12", "c")) == "12"
assert "aé日".translate({ord("日"): "nichi", 0xE9: "e"}) == "aenichi" and "ab".translate(str.maketrans({"a": "日"})) == "日b"
raises(ValueError, str.maketrans, "a", "bc", part="the first two maketrans arguments must have equal length")
raises(TypeError, str.maketrans, 1, part="if you give only one argument to maketrans it must be a dict")

# Construction.
assert str() == "" and str(b"ab", "ascii") == "ab" and str(object="x") == "x" and str(b"\xc3\xa9", "utf-8") == "é" and str(b"\xff", errors="replace") == "\ufffd"
assert str(12) == "12" and str(None) == "None" and str([1, "a"]) == "[1, 'a']" and str(NotImplemented) == "NotImplemented" and str(...) == "Ellipsis"
raises(TypeError, str, "a", "utf-8", part="decoding str is not supported")
raises(TypeError, str, 1, "utf-8", part="decoding to str: need a bytes-like object, int found")
assert repr("it's") == '"it\'s"' and repr("a'\"") == "'a\\'\"'" and repr("\x7f\xa0\u200b\n\\") == "'\\x7f\\xa0\\u200b\\n\\\\'" and ascii("é日😀") == "'\\xe9\\u65e5\\U0001f600'"

class S(str):
    tag = None
    def __new__(cls, v, tag=None):
        self = super().__new__(cls, v)
        self.tag = tag
        return self
for text in ("", "abc", "é", "日本", "😀x"):
    s = S(text, 7)
    assert s == text and hash(s) == hash(text) and s.tag == 7 and len(s) == len(text) and s + "x" == text + "x"
    assert type(s) is S and type(s + "") is str and type(s[:]) is str and type(s.strip()) is str and type(str(s)) is str
    assert {s: 1}[text] == 1 and list(s) == list(text) and f"{s}" == text and s.upper() == text.upper() and repr(s) == repr(text)
class T(str):
    __slots__ = ()
assert T("abc") == "abc" and T("日")[0] == "日"

# Growing by +=.
out = ""
for i in range(3000):
    out += chr(97 + i % 26)
    if i == 2000:
        kept = out
assert len(out) == 3000 and out[:2001] == kept and out == "".join(chr(97 + i % 26) for i in range(3000))
out = ""
for i in range(500):
    out += "日é😀a"[i % 4]
assert out == "日é😀a" * 125

it = iter("añ日")
assert next(it) == "a" and it.__length_hint__() == 2 and list(it) == ["ñ", "日"] and list(it) == []
print("ok")
