"""base64 and binascii: results, what is refused, and with which words."""
import array
import base64
import binascii
import random

from checks import raises, run

random.seed(5)
DATA = [random.randbytes(n) for n in (*range(70), 127, 300, 1000, 4099)] + [bytes(n) for n in range(12)] + [b" " * 9]


def in_base(data, alphabet, block, digits, fill):
    """Digits of each block as of a large number; fill: what stands for digits that hold no bit, b"": nothing."""
    out = b""
    for i in range(0, len(data), block):
        part = data[i:i + block]
        v = int.from_bytes(part + bytes(block - len(part)))
        word = b""
        for _ in range(digits):
            v, d = divmod(v, len(alphabet))
            word = alphabet[d:d + 1] + word
        used = -(-len(part) * digits // block) if len(alphabet) < 85 else len(part) + 1
        out += word[:used] + fill * (digits - used)
    return out


def same(name, expected, decoder, *args):
    got = getattr(base64, name)(*args)
    assert got == expected and type(got) is bytes, (name, args, got, expected)
    data = args[0]
    for shape in bytes(got), bytearray(got), memoryview(got), got.decode():
        assert decoder(shape) == data, (name, data)
    assert getattr(base64, name)(bytearray(data)) == getattr(base64, name)(memoryview(data)) == got


B64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
B85 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
Z85 = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
for data in DATA:
    same("b64encode", in_base(data, B64, 3, 4, b"="), base64.b64decode, data)
    same("urlsafe_b64encode", in_base(data, B64[:-2] + b"-_", 3, 4, b"="), base64.urlsafe_b64decode, data)
    same("b32encode", in_base(data, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 5, 8, b"="), base64.b32decode, data)
    same("b32hexencode", in_base(data, b"0123456789ABCDEFGHIJKLMNOPQRSTUV", 5, 8, b"="), base64.b32hexdecode, data)
    same("b85encode", in_base(data, B85, 4, 5, b""), base64.b85decode, data)
    same("z85encode", in_base(data, Z85, 4, 5, b""), base64.z85decode, data)
    same("b16encode", data.hex().upper().encode(), base64.b16decode, data)
    if b"\0\0\0\0" not in data:
        same("a85encode", in_base(data, bytes(range(33, 118)), 4, 5, b""), base64.a85decode, data)
    for options in {"adobe": True}, {"wrapcol": 7}, {"wrapcol": 1, "adobe": True}, {"pad": True}, {"foldspaces": True}:
        text = base64.a85encode(data, **options)
        back = base64.a85decode(
            text, adobe=options.get("adobe", False), foldspaces=options.get("foldspaces", False))
        assert back.removesuffix(bytes(-len(data) % 4) if "pad" in options else b"") == data or "pad" in options
        assert all(len(line) <= max(2, options.get("wrapcol", 1 << 30)) for line in text.split(b"\n"))
    assert base64.decodebytes(base64.encodebytes(data)) == data
    assert binascii.b2a_base64(data) == base64.b64encode(data) + b"\n"
    assert binascii.a2b_base64(binascii.b2a_base64(data)) == data
    # Among what is skipped, it is found as well.
    loose = b"\n ".join(bytes([c]) for c in base64.b64encode(data))
    assert base64.b64decode(loose) == data
    for how in {}, {"istext": False}, {"quotetabs": True}, {"header": True}:
        text = binascii.b2a_qp(data, **how)
        assert all(len(line) <= 76 for line in text.split(b"\n")), text

assert base64.a85encode(bytes(8)) == b"zz" and base64.a85encode(bytes(3)) == b"!!!!" and base64.a85encode(bytes(3), pad=True) == b"z"
assert base64.a85encode(b" " * 8, foldspaces=True) == b"yy" and base64.a85decode(b"yy", foldspaces=True) == b" " * 8
assert base64.a85encode(b"abc", adobe=True, wrapcol=2) == b"<~\n@:\nE^\n~>"
assert base64.a85encode(b"abcd" * 3, wrapcol=10 ** 30) == base64.a85encode(b"abcd" * 3)
assert base64.a85decode(b"@:~E^~", ignorechars={ord("~")}) == base64.a85decode("@:E^") == b"abc"
assert base64.b32decode("MFRGGZDF".lower(), True) == b"abcde"
assert base64.b32decode("M1023L23", map01="I") == base64.b32decode(b"MIO23L23")
assert base64.b85encode(b"a", pad=True) == b"VE_OC" and base64.b85encode(b"a") == b"VE"
assert base64.b64encode(b"\xfb\xff", b"*-") == b"*-8=" and base64.b64decode("*-8=", "*-") == b"\xfb\xff"
assert base64.b32encode(array.array("H", [1, 2])) == base64.b32encode(array.array("H", [1, 2]).tobytes())
assert base64.b32encode(memoryview(b"a-b-c-")[::2]) == base64.b32encode(b"abc")


def refused(kind, message, f, *args, **options):
    try:
        f(*args, **options)
    except Exception as exc:
        assert type(exc) is kind and str(exc) == message, (args, exc)
    else:
        raise AssertionError(f"{f.__name__}{args} did not raise")


Error = binascii.Error
for f in base64.b32decode, base64.b32hexdecode:
    refused(Error, "Incorrect padding", f, b"ABC")
    refused(Error, "Incorrect padding", f, b"AB======AB======"[2:])
    refused(Error, "Incorrect padding", f, b"=" * 8)
    refused(Error, "Non-base32 digit found", f, b"AB=A====")
    refused(Error, "Non-base32 digit found", f, b"ab======")
    refused(Error, "Incorrect padding", f, b"ABC=====")
    refused(ValueError, "string argument should contain only ASCII characters", f, "\xe4" * 8)
    refused(TypeError, "argument should be a bytes-like object or ASCII string, not 'list'", f, [])
raises(AssertionError, base64.b32decode, b"A" * 8, map01=b"IL")
refused(TypeError, "memoryview: a bytes-like object is required, not 'str'", base64.b32encode, "a")
refused(TypeError, "memoryview: a bytes-like object is required, not 'str'", base64.a85encode, "a")
refused(ValueError, "bad base85 character at position 7", base64.b85decode, b"abcdeab ")
refused(ValueError, "base85 overflow in hunk starting at byte 5", base64.b85decode, b"00000|NsC1")
refused(ValueError, "base85 overflow in hunk starting at byte 0", base64.b85decode, b"|")
refused(ValueError, "bad z85 character at position 4", base64.z85decode, "abcd~")
refused(ValueError, "z85 overflow in hunk starting at byte 0", base64.z85decode, b"%nSc1")
refused(ValueError, "Ascii85 overflow", base64.a85decode, b"s8W-\"")
refused(ValueError, "Ascii85 overflow", base64.a85decode, b"s8W-s")
refused(ValueError, "z inside Ascii85 5-tuple", base64.a85decode, b"aaaz")
refused(ValueError, "y inside Ascii85 5-tuple", base64.a85decode, b"aaay", foldspaces=True)
refused(ValueError, "Non-Ascii85 digit found: y", base64.a85decode, b"aaaay")
refused(ValueError, "Non-Ascii85 digit found: \xff", base64.a85decode, b"aaaa\xff")
refused(ValueError, "Ascii85 encoded byte sequences must end with b'~>'", base64.a85decode, b"<~aa", adobe=True)
refused(TypeError, "'in <string>' requires string as left operand, not int", base64.a85decode, b" ", ignorechars=" ")
for text, message in {
        b"=": "Leading padding not allowed", b"ab===": "Excess padding not allowed",
        b"abcd=": "Excess padding not allowed", b"ab=c=": "Discontinuous padding not allowed",
        b"ab==c": "Excess data after padding", b"ab\n==": "Only base64 data is allowed", b"ab": "Incorrect padding",
        b"a=": "Invalid base64-encoded string: number of data characters (1) cannot be 1 more than a multiple of 4",
}.items():
    refused(Error, message, binascii.a2b_base64, text, strict_mode=True)
    refused(Error, message, base64.b64decode, text, validate=True)
assert binascii.a2b_base64(b"ab==cd") == binascii.a2b_base64(b"abcd") and binascii.a2b_base64(b"=====") == b""
refused(Error, "Incorrect padding", binascii.a2b_base64, b"a=b=")
refused(Error, "Missing length byte", binascii.a2b_uu, b"")
assert binascii.b2a_qp(b"y" * 76) == b"y" * 76 and binascii.b2a_qp(b"y" * 77) == b"y" * 75 + b"=\nyy"

# The bytes may change, and get shorter, while another thread reads them.
text = bytearray(base64.b32encode(bytes(4000)))


def change():
    for i in range(200):
        text.extend(b"A" * 8)
        text[i] = ord("B")
        del text[-8:]


def read():
    for _ in range(100):
        try:
            base64.b32decode(text)
            base64.b85decode(text)
        except binascii.Error:
            pass


def change_quietly():
    try:
        change()
    except BufferError:
        pass


run(change_quietly, read, read, read)
