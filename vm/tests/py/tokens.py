"""`_tokenize`: tokens as the compiler sees them, and one iterator under several threads."""
import _tokenize
import io
import itertools
import tokenize

from checks import run


def plain(source):
    return [tuple(token) for token in _tokenize.TokenizerIter(io.StringIO(source).readline, extra_tokens=False)]


def as_the_compiler_sees_them():
    first, second = "if x != 1: # why\n", "  y"
    assert plain(first + "\n" + second) == [
        (1, "if", (1, 0), (1, 2), first), (1, "x", (1, 3), (1, 4), first), (28, "!=", (1, 5), (1, 7), first),
        (2, "1", (1, 8), (1, 9), first), (11, ":", (1, 9), (1, 10), first), (4, "# why", (1, 11), (1, 16), first),
        (5, "", (3, -1), (3, -1), second), (1, "y", (3, 2), (3, 3), second), (4, "", (3, 3), (3, 3), second),
        (6, "", (3, -1), (3, -1), second), (0, "", (3, -1), (3, -1), second)], plain(first + "\n" + second)
    # The end belongs to the last line, which is shown if there is a statement on it.
    assert plain("x\n")[-1] == (0, "", (1, -1), (1, -1), "x\n")
    assert plain("x\n\n# end")[-1] == (0, "", (3, -1), (3, -1), "")
    assert plain("") == []
    for text, number in tokenize.EXACT_TOKEN_TYPES.items():
        if text not in "()[]{}!":
            assert plain(f"a {text} b")[1][:2] == (number, text), text


def one_iterator_under_several_threads():
    source = "".join(f"name_{i} = {i}\n" for i in range(300))
    expected = sorted(plain(source))
    it = _tokenize.TokenizerIter(io.StringIO(source).readline, extra_tokens=False)
    found = [[] for _ in range(4)]
    run(*(lambda part=part: part.extend(it) for part in found))
    assert sorted(map(tuple, itertools.chain(*found))) == expected


as_the_compiler_sees_them()
one_iterator_under_several_threads()
