"""Regular expressions in long subjects: what is passed over holds no match."""
import random
import re

from checks import run

random.seed(11)
PATTERNS = [
    "agggtaaa|tttaccct", "[cgt]gggtaaa|tttaccc[acg]", "a|b", "ab|cd|ef|gh|ij|kl|mn|op|qr|st", "(a)|b+c", "a*b", "a+?b",
    "(?:ab|cd)+e", "x*", "(?=ab)a", "(?<=a)b", "(?<!a)b", r"\bab\b", "^ab", "(?m:^b)", "ab$", r"\d+", r"[^a-c]", "a{2}b",
    "a{2,3}b", "(?:a{0,2}|b)c", ".*(a)", ".*a.*b", "(.*)(b)", "([a-c]*,)+", "(?:[a-b]*)c", "(?i:AB)", "(?i:[A-B]c)",
    "(a|b)?c", r"(a)(?(1)b|c)", r"(a)\1", "(?>a+)b", "(?:ab)*+c", "a++b", "(?:|a)b", "[a-c]*?,", "é|a", "[éa]b", "Ā|b",
    "P(?:ython|erl)", "PP", "(?:a|(?:b|c))d", "(?:(a)|(b))(?:(c)|(d))", r"(?!a)\w", "(?!)", "a(?!)|b", r"\Aab", ".", "(?s:.)b",
]
ALPHABETS = ["ab", "abc,d", "acgt", "a-b c1\n", "Paython", "aéb", "aĀb\U0001f600", "----P"]


def first(pattern, text, start):
    """The first match, by trying each place."""
    for i in range(start, len(text) + 1):
        if m := pattern.match(text, i):
            return m.span(), m.groups(), m.lastindex


def check():
    for source in PATTERNS:
        for alphabet in ALPHABETS:
            # A pattern has its own tables.
            re.purge()
            pattern = re.compile(source)
            for n in 130, 131, 200:
                text = "".join(random.choices(alphabet, k=n))
                quiet = "-" * 150 + text[:random.randrange(6)]
                for subject in text, quiet, quiet + text, text[:10]:
                    for start in 0, 1, len(subject) - 3:
                        if source[0] in "^\\" and start and source[:2] != r"\d":
                            continue
                        m = pattern.search(subject, start)
                        got = m and (m.span(), m.groups(), m.lastindex)
                        assert got == first(pattern, subject, start), (source, subject, start, got)
                    spans = [m.span() for m in pattern.finditer(subject)]
                    assert all(a[1] <= b[0] and a != b for a, b in zip(spans, spans[1:]))
                    assert len(spans) == len(pattern.findall(subject)) == pattern.subn("", subject)[1]
                    if subject.isascii() and source.isascii():
                        assert [m.span() for m in re.finditer(source.encode(), subject.encode())] == spans


check()

# The tables are made once, whichever thread needs them first.
shared = re.compile("agggtaaa|tttaccct")
dna = "".join(random.choices("acgt", k=100_000)) + "agggtaaa"
found = []
run(*[lambda: found.append([m.span() for m in shared.finditer(dna)])] * 4)
assert len(found) == 4 and all(f == found[0] for f in found) and found[0][-1] == (100_000, 100_008)
