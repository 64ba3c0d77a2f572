import array, copy, pickle
from array import array as A
from collections.abc import MutableSequence

a = A('d', [1, 2.5, -3])
assert repr(a) == "array('d', [1.0, 2.5, -3.0])" and a.itemsize == 8 and a.typecode == 'd'
assert isinstance(a, MutableSequence)
assert a[0] == 1.0 and a[-1] == -3.0 and a[1:] == A('d', [2.5, -3]) and a[::-2].tolist() == [-3.0, 1.0]
a[1] = 7
a.append(4)
a.insert(0, 9)
assert a.tolist() == [9.0, 1.0, 7.0, -3.0, 4.0]
assert a.pop() == 4.0 and a.pop(0) == 9.0 and a.index(7) == 1 and a.count(7.0) == 1
del a[::2]
assert a.tolist() == [7.0]
a[:0] = A('d', [1, 2])
assert list(a) == [1, 2, 7] and 2 in a and 5 not in a
a *= 2
assert len(a) == 6 and (A('i', [0]) * 4).tolist() == [0] * 4
a[::2] = A('d', [0, 0, 0])
assert a.tolist() == [0, 2, 0, 1, 0, 7]
assert A('b', b'\xff\x01').tolist() == [-1, 1] and A('B', b'\xff\x01').tobytes() == b'\xff\x01'
assert A('H', [1, 2]).tobytes() in (b'\1\0\2\0', b'\0\1\0\2')
assert A('w', 'aé€😀').tounicode() == 'aé€😀' and A('w', 'ab')[1] == 'b'
x = A('i', [1, 2, 3])
x.byteswap()
assert x.tolist() == [1 << 24, 2 << 24, 3 << 24]
x.reverse()
x.extend(range(2))
x.extend(A('i', [5]))
assert x.tolist() == [3 << 24, 2 << 24, 1 << 24, 0, 1, 5]
assert A('i', [1, 2]) < A('i', [1, 3]) and A('i', [1]) == A('d', [1]) and A('i', [1]) != A('i', [2])
for code in array.typecodes:
    if code == 'u':
        continue
    t = A(code, 'ab' if code == 'w' else [1, 2, 3])
    assert copy.copy(t) == t == copy.deepcopy(t)
    for protocol in (0, 2, 3, 5):
        assert pickle.loads(pickle.dumps(t, protocol)) == t, (code, protocol)
assert array._array_reconstructor(A, 'i', 5, b'\xff\xff\0\1').tolist() == [-1, 1]
assert array._array_reconstructor(A, 'w', 18, '😀bc'.encode('utf-16-le')).tounicode() == '😀bc'


def fails(kind, f, *args):
    try:
        f(*args)
    except kind as e:
        return str(e)
    raise AssertionError(f"no {kind.__name__}")


assert 'greater than maximum' in fails(OverflowError, A, 'b', [128])
assert 'less than minimum' in fails(OverflowError, A, 'B', [-1])
assert 'bad typecode' in fails(ValueError, A, 'x')
assert fails(TypeError, A, 'i', 'ab') == "cannot use a str to initialize an array with typecode 'i'"
assert fails(IndexError, lambda: x[6]) == 'array index out of range'
m = memoryview(A('h', [1, -2, 3]))
assert m.format == 'h' and m.tolist() == [1, -2, 3] and m.nbytes == 6
m[1] = 9
assert m.obj.tolist() == [1, 9, 3]
assert 'exporting buffers' in fails(BufferError, m.obj.append, 1)
m.release()
m = A('i')
m.frombytes(bytes(8))
assert m.tolist() == [0, 0]
assert 'not a multiple' in fails(ValueError, m.frombytes, b'abc')
it = iter(m)
next(it)
m.append(3)
assert list(it) == [0, 3] and list(it) == []


class Named(A):
    pass


n = Named('i', [1])
n.tag = 5
assert n.tag == 5 and repr(n) == "Named('i', [1])" and type(pickle.loads(pickle.dumps(n))) is Named
