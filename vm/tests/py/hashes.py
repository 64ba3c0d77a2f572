import hashlib
import hmac

KNOWN = {
    "md5": "900150983cd24fb0d6963f7d28e17f72",
    "sha1": "a9993e364706816aba3e25717850c26c9cd0d89d",
    "sha224": "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
    "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "sha3_256": "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
    "blake2s": "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982",
}
for name, digest in KNOWN.items():
    h = hashlib.new(name, b"a")
    h.update(b"b")
    early = h.copy()
    h.update(bytearray(b"c"))
    assert h.hexdigest() == digest and h.digest() == bytes.fromhex(digest), name
    assert early.hexdigest() != digest and h.name == name and h.digest_size == len(digest) // 2
assert hashlib.shake_128(b"").hexdigest(16) == "7f9c2ba4e88f827d616045507605853e"
# Whole blocks, parts of blocks and long data give the same however they are cut.
for name in hashlib.algorithms_guaranteed:
    size = (50,) if name.startswith("shake") else ()
    data = bytes(i * 31 % 251 for i in range(1500))
    whole = hashlib.new(name, data).digest(*size)
    for step in (1, 7, 64, 128, 136, 999):
        h = hashlib.new(name)
        for at in range(0, len(data), step):
            h.update(data[at:at + step])
        assert h.digest(*size) == whole, (name, step)
tree = hashlib.blake2b(b"abc", digest_size=20, key=b"key", salt=b"salt", person=b"p", fanout=2, depth=3,
                       leaf_size=4, node_offset=5, node_depth=1, inner_size=32, last_node=True)
assert tree.hexdigest() == "35819e3b8b155667d90f843e063db6ed978b42b0"
assert hmac.new(b"k", b"m", "sha256").hexdigest() == "b60090e3052297aeb5a080889ce2fc4bca957e756faeb4df7d31800ca1e771ec"


def fails(kind, f, *args, **kw):
    try:
        f(*args, **kw)
    except kind as e:
        return str(e)
    raise AssertionError(f"no {kind.__name__}")


assert "encoded" in fails(TypeError, hashlib.md5, "text")
assert "here it is 65" in fails(ValueError, hashlib.blake2b, digest_size=65)
assert "key" in fails(ValueError, hashlib.blake2s, key=bytes(33))
