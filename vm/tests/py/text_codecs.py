# Encoding and decoding.
import codecs

from checks import raises

texts = ["", "abc", "é", "日本語", "😀x", "a" * 300 + "é" + "日" * 50, "\0\uffff"]
for s in texts:
    for enc in ("utf-8", "utf8", "UTF-8", "utf_8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "utf-7", "unicode_escape", "raw_unicode_escape"):
        assert s.encode(enc).decode(enc) == s, (s, enc)
    for enc in ("latin-1", "ascii", "iso8859-1", "us-ascii", "cp1252", "cp437"):
        try:
            b = s.encode(enc)
        except UnicodeEncodeError as e:
            assert e.object == s and 0 <= e.start < e.end <= len(s)
        else:
            assert b.decode(enc) == s
assert "é€😀".encode() == b"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" and "€".encode("cp1252") == b"\x80" and "aé".encode("latin-1") == b"a\xe9" and "é".encode("utf-16-le") == b"\xe9\0"
e = raises(UnicodeEncodeError, "aé日".encode, "ascii", part="'ascii' codec can't encode characters in position 1-2: ordinal not in range(128)")
assert (e.encoding, e.object, e.start, e.end, e.reason) == ("ascii", "aé日", 1, 3, "ordinal not in range(128)")
e = raises(UnicodeDecodeError, b"a\xff".decode, part="'utf-8' codec can't decode byte 0xff in position 1: invalid start byte")
assert (e.encoding, e.object, e.start, e.end, e.reason) == ("utf-8", b"a\xff", 1, 2, "invalid start byte")
raises(UnicodeDecodeError, b"\xe6\x97".decode, part="unexpected end of data")
raises(UnicodeDecodeError, b"\xc3(".decode, part="invalid continuation byte")
raises(UnicodeEncodeError, "\ud800".encode, part="surrogates not allowed")
raises(LookupError, "a".encode, "no-such", part="unknown encoding: no-such")
raises(LookupError, "é".encode, "ascii", "no-such", part="unknown error handler name 'no-such'")

assert "aé日".encode("ascii", "ignore") == b"a" and "aé日".encode("ascii", "replace") == b"a??" and "aé日".encode("ascii", "xmlcharrefreplace") == b"a&#233;&#26085;"
assert "aé日😀".encode("ascii", "backslashreplace") == b"a\\xe9\\u65e5\\U0001f600" and "é".encode("ascii", "namereplace") == b"\\N{LATIN SMALL LETTER E WITH ACUTE}"
assert b"a\xffb".decode("utf-8", "ignore") == "ab" and b"a\xffb".decode("utf-8", "replace") == "a\ufffdb" and b"a\xff".decode("utf-8", "backslashreplace") == "a\\xff"
assert b"a\xff\x80".decode("utf-8", "surrogateescape") == "a\udcff\udc80" and "a\udcff\udc80".encode("utf-8", "surrogateescape") == b"a\xff\x80"
assert "\ud800".encode("utf-8", "surrogatepass") == b"\xed\xa0\x80" and b"\xed\xa0\x80".decode("utf-8", "surrogatepass") == "\ud800" and "\ud800".encode("utf-16-le", "surrogatepass") == b"\0\xd8"

def handler(exc):
    if isinstance(exc, UnicodeEncodeError):
        return ("<%s>" % exc.object[exc.start:exc.end].__len__(), exc.end)
    return ("[%02x]" % exc.object[exc.start], exc.start + 1)
codecs.register_error("test.handler", handler)
assert codecs.lookup_error("test.handler") is handler
assert "aéb日日".encode("ascii", "test.handler") == b"a<1>b<2>" and b"a\xff\xfeb".decode("ascii", "test.handler") == "a[ff][fe]b" and b"\xffz".decode("utf-8", "test.handler") == "[ff]z"
codecs.register_error("test.bytes", lambda e: (b"\xff", e.end))
assert "aé".encode("ascii", "test.bytes") == b"a\xff"
codecs.register_error("test.bad", lambda e: ("x", 100))
raises(IndexError, "é".encode, "ascii", "test.bad", part="position 100 from error handler out of bounds")
raises(LookupError, codecs.lookup_error, "nope")
exc = UnicodeEncodeError("ascii", "aéb", 1, 2, "why")
assert codecs.replace_errors(exc) == ("?", 2) and codecs.ignore_errors(exc) == ("", 2) and codecs.xmlcharrefreplace_errors(exc) == ("&#233;", 2) and codecs.backslashreplace_errors(exc) == ("\\xe9", 2)
raises(UnicodeEncodeError, codecs.strict_errors, exc)
assert codecs.replace_errors(UnicodeDecodeError("ascii", b"a\xff", 1, 2, "why")) == ("\ufffd", 2)
raises(TypeError, codecs.replace_errors, 5)

assert codecs.encode(b"ab", "hex") == b"6162" and codecs.decode(b"6162", "hex") == b"ab" and codecs.encode("uryyb", "rot13") == "hello" and codecs.decode(b"eJwDAAAAAAE=", "base64")
raises(LookupError, "a".encode, "hex", part="'hex' is not a text encoding; use codecs.encode() to handle arbitrary codecs")
info = codecs.lookup("UTF-8")
assert info.name == "utf-8" and info.encode("é") == (b"\xc3\xa9", 1) and info.decode(b"\xc3\xa9") == ("é", 2)
dec = codecs.getincrementaldecoder("utf-8")()
assert dec.decode(b"\xe6") == "" and dec.decode(b"\x97\xa5x") == "日x" and dec.decode(b"", True) == ""
dec = codecs.getincrementaldecoder("utf-16")()
assert "".join(dec.decode(bytes([b])) for b in "a日😀".encode("utf-16")) == "a日😀"
assert codecs.utf_16_ex_decode(b"\xff\xfea\0", "strict", 0, True) == ("a", 4, -1) and codecs.utf_8_decode(b"a\xe6\x97") == ("a", 1)
assert codecs.escape_decode(b"a\\n\\x41\\101") == (b"a\nAA", 11) and codecs.escape_encode(b"a\n'") == (b"a\\n\\'", 3) and codecs.unicode_escape_decode("\\u65e5\\N{BULLET}")[0] == "日•"
assert codecs.charmap_decode(b"ab", "strict", {97: "x", 98: 0x65E5}) == ("x日", 2) and codecs.charmap_encode("x", "strict", {120: 5}) == (b"\5", 1) and codecs.charmap_encode("xé", "replace", {120: 5, 63: 7})[0] == b"\5\7"
table = codecs.charmap_build("".join(chr(c) for c in range(255)) + "€")
assert codecs.charmap_encode("a€", "strict", table) == (b"a\xff", 2)
raises(UnicodeEncodeError, codecs.charmap_encode, "é日", "strict", table)

def search(name):
    if name in ("my_codec", "my-codec"):
        return codecs.CodecInfo(lambda s, e="strict": (b"<" + s.encode() + b">", len(s)), lambda b, e="strict": (bytes(b).decode()[1:-1], len(b)), name="my-codec")
codecs.register(search)
assert "abc".encode("My-Codec") == b"<abc>" and b"<abc>".decode("my codec") == "abc"
codecs.unregister(search)
raises(LookupError, "abc".encode, "my-codec")
print("ok")
