"""Encodings of bytes as text: Base16, Base32 and Base64 of RFC 4648, Base85, Ascii85 and Z85."""

import _base64
import binascii

__all__ = [
    # Of files and lines, after RFC 2045.
    "encode", "decode", "encodebytes", "decodebytes",
    # Of whole strings.
    "b64encode", "b64decode", "b32encode", "b32decode", "b32hexencode", "b32hexdecode", "b16encode", "b16decode",
    "b85encode", "b85decode", "a85encode", "a85decode", "z85encode", "z85decode",
    "standard_b64encode", "standard_b64decode", "urlsafe_b64encode", "urlsafe_b64decode",
]

bytes_types = (bytes, bytearray)

_bytes_from_decode_data = _base64.decode_data


def b64encode(s, altchars=None):
    """Encode a bytes-like object with Base64 and return bytes.

    The two bytes of altchars replace '+' and '/' of the alphabet.
    """
    encoded = binascii.b2a_base64(s, newline=False)
    if altchars is not None:
        assert len(altchars) == 2, repr(altchars)
        return encoded.translate(bytes.maketrans(b"+/", altchars))
    return encoded


def b64decode(s, altchars=None, validate=False):
    """Decode Base64 in a bytes-like object or a str of ASCII and return bytes.

    The two characters of altchars stand for '+' and '/' of the alphabet. Characters of no alphabet are skipped;
    with validate, and for wrong padding always, binascii.Error is raised.
    """
    if altchars is not None:
        s = _base64.decode_data(s)
        altchars = _base64.decode_data(altchars)
        assert len(altchars) == 2, repr(altchars)
        s = s.translate(bytes.maketrans(altchars, b"+/"))
    elif type(s) is not bytes:
        s = _base64.decode_data(s)
    return binascii.a2b_base64(s, strict_mode=validate)


def standard_b64encode(s):
    """Encode a bytes-like object with the standard alphabet of Base64 and return bytes."""
    return b64encode(s)


def standard_b64decode(s):
    """Decode Base64 with the standard alphabet and return bytes; b64decode() has the details."""
    return b64decode(s)


_urlsafe_encode_translation = bytes.maketrans(b"+/", b"-_")
_urlsafe_decode_translation = bytes.maketrans(b"-_", b"+/")


def urlsafe_b64encode(s):
    """Encode a bytes-like object with Base64 and return bytes: '-' and '_' in place of '+' and '/'."""
    return b64encode(s).translate(_urlsafe_encode_translation)


def urlsafe_b64decode(s):
    """Decode Base64 with '-' and '_' in place of '+' and '/' and return bytes; b64decode() has the details."""
    return b64decode(_base64.decode_data(s).translate(_urlsafe_decode_translation))


def b32encode(s):
    """Encode a bytes-like object with Base32 and return bytes."""
    return _base64.b32encode(s, False)


def b32decode(s, casefold=False, map01=None):
    """Decode Base32 in a bytes-like object or a str of ASCII and return bytes.

    With casefold, lower-case letters are accepted. With map01, the digit 0 is read as the letter O and the digit 1
    as this letter. Errors: binascii.Error for other characters and for wrong padding.
    """
    if map01 is not None:
        s = _base64.decode_data(s)
        if len(s) % 8:
            raise binascii.Error("Incorrect padding")
        map01 = _base64.decode_data(map01)
        assert len(map01) == 1, repr(map01)
        s = s.translate(bytes.maketrans(b"01", b"O" + map01))
    return _base64.b32decode(s, False, casefold)


def b32hexencode(s):
    """Encode a bytes-like object with the extended hexadecimal alphabet of Base32 and return bytes."""
    return _base64.b32encode(s, True)


def b32hexdecode(s, casefold=False):
    """Decode Base32 with the extended hexadecimal alphabet and return bytes; b32decode() has the details."""
    return _base64.b32decode(s, True, casefold)


def b16encode(s):
    """Encode a bytes-like object as upper-case hexadecimal digits and return bytes."""
    return binascii.hexlify(s).upper()


def b16decode(s, casefold=False):
    """Decode hexadecimal digits in a bytes-like object or a str of ASCII and return bytes.

    With casefold, lower-case digits are accepted. Errors: binascii.Error.
    """
    s = _base64.decode_data(s)
    if casefold:
        s = s.upper()
    if s.translate(None, delete=b"0123456789ABCDEF"):
        raise binascii.Error("Non-base16 digit found")
    return binascii.unhexlify(s)


_A85START = b"<~"
_A85END = b"~>"


def a85encode(b, *, foldspaces=False, wrapcol=0, pad=False, adobe=False):
    """Encode a bytes-like object with Ascii85 and return bytes.

    With foldspaces, 'y' stands for four spaces. Lines have at most wrapcol characters, if that is not zero. With
    pad, the zeros that fill up the last word are encoded too. With adobe, the result is framed by <~ and ~>.
    """
    result = _base64.a85encode(b, pad, foldspaces)
    if adobe:
        result = _A85START + result
    if wrapcol:
        wrapcol = max(2 if adobe else 1, wrapcol)
        # The end of the frame is not divided.
        full = adobe and (len(result) - 1) % wrapcol + 3 > wrapcol
        result = _base64.lines(result, wrapcol)
        if full:
            result += b"\n"
    if adobe:
        result += _A85END
    return result


def a85decode(b, *, foldspaces=False, adobe=False, ignorechars=b" \t\n\r\v"):
    """Decode Ascii85 in a bytes-like object or a str of ASCII and return bytes.

    With foldspaces, 'y' stands for four spaces. With adobe, the input has to end with ~> and may begin with <~.
    Characters of ignorechars are skipped. Errors: ValueError.
    """
    if adobe:
        b = _base64.decode_data(b)
        if not b.endswith(_A85END):
            raise ValueError(f"Ascii85 encoded byte sequences must end with {_A85END!r}")
        b = b[2:-2] if b.startswith(_A85START) else b[:-2]
    return _base64.a85decode(b, foldspaces, ignorechars)


def b85encode(b, pad=False):
    """Encode a bytes-like object with base85, as git does, and return bytes.

    With pad, the zeros that fill up the last word are encoded too.
    """
    return _base64.b85encode(b, pad)


def b85decode(b):
    """Decode base85 in a bytes-like object or a str of ASCII and return bytes. Errors: ValueError."""
    return _base64.b85decode(b)


def z85encode(s):
    """Encode a bytes-like object with Z85 and return bytes."""
    return _base64.z85encode(s)


def z85decode(s):
    """Decode Z85 in a bytes-like object or a str of ASCII and return bytes. Errors: ValueError."""
    return _base64.z85decode(s)


# Characters of an encoded line, and the bytes that they stand for.
MAXLINESIZE = 76
MAXBINSIZE = MAXLINESIZE // 4 * 3


def encode(input, output):
    """Encode a binary file into another one, in lines of Base64."""
    while chunk := input.read(MAXBINSIZE):
        # Files may return less than there is.
        while len(chunk) < MAXBINSIZE and (more := input.read(MAXBINSIZE - len(chunk))):
            chunk += more
        output.write(binascii.b2a_base64(chunk))


def decode(input, output):
    """Decode a binary file with lines of Base64 into another one."""
    while line := input.readline():
        output.write(binascii.a2b_base64(line))


def _input_type_check(s):
    name = type(s).__name__
    try:
        view = memoryview(s)
    except TypeError as exc:
        raise TypeError(f"expected bytes-like object, not {name}") from exc
    if view.format not in ("c", "b", "B"):
        raise TypeError(f"expected single byte elements, not {view.format!r} from {name}")
    if view.ndim != 1:
        raise TypeError(f"expected 1-D data, not {view.ndim}-D data from {name}")


def encodebytes(s):
    """Encode a bytes-like object as lines of Base64 and return bytes."""
    _input_type_check(s)
    return b"".join(binascii.b2a_base64(s[i:i + MAXBINSIZE]) for i in range(0, len(s), MAXBINSIZE))


def decodebytes(s):
    """Decode lines of Base64 in a bytes-like object and return bytes."""
    _input_type_check(s)
    return binascii.a2b_base64(s)


def main():
    """Encodes or decodes a file, or the standard input, to the standard output."""
    import getopt
    import sys

    usage = f"""usage: {sys.argv[0]} [-h|-d|-e|-u] [file|-]
        -h: print this help message and exit
        -d, -u: decode
        -e: encode (default)"""
    try:
        options, args = getopt.getopt(sys.argv[1:], "hdeu")
    except getopt.error as exc:
        sys.stdout = sys.stderr
        print(exc)
        print(usage)
        sys.exit(2)
    function = encode
    for option, _ in options:
        match option:
            case "-e":
                function = encode
            case "-d" | "-u":
                function = decode
            case "-h":
                print(usage)
                return
    if args and args[0] != "-":
        with open(args[0], "rb") as file:
            function(file, sys.stdout.buffer)
        return
    source = sys.stdin.buffer
    if sys.stdin.isatty():
        import io
        # The end of what is typed is seen once only.
        source = io.BytesIO(source.read())
    function(source, sys.stdout.buffer)


if __name__ == "__main__":
    main()
