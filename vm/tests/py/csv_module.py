"""csv: dialects, every mode of quoting in both directions, and readers and writers that threads share."""
import csv
import io

from checks import raises, run


def written(rows, **params):
    out = io.StringIO()
    csv.writer(out, **params).writerows(rows)
    return out.getvalue()


def read(text, **params):
    return list(csv.reader(io.StringIO(text, newline=""), **params))


ROWS = [["a", "b c", ""], ["x,y", 'say "x"', "1\n2\r\n3"], ["é", "\u20ac", "\U0001f600"], [""], ["\0", " ", "\t"]]
for params in ({}, {"delimiter": ";"}, {"quotechar": "'"}, {"quoting": csv.QUOTE_ALL}, {"lineterminator": "\n"},
               {"doublequote": False, "escapechar": "\\"}, {"dialect": "excel-tab"}, {"dialect": "unix"}, {"delimiter": "\u20ac"}):
    assert read(written(ROWS, **params), **params) == ROWS, params
plain = {"quoting": csv.QUOTE_NONE, "escapechar": "\\"}
assert read(written(ROWS[:3], **plain), **plain) == ROWS[:3]

# What is quoted.
row = [["a", 1, None, "", 2.5, "p,q"]]
for quoting, expected in (
        (csv.QUOTE_MINIMAL, 'a,1,,,2.5,"p,q"'), (csv.QUOTE_ALL, '"a","1","","","2.5","p,q"'),
        (csv.QUOTE_NONNUMERIC, '"a",1,"","",2.5,"p,q"'), (csv.QUOTE_STRINGS, '"a",1,,"",2.5,"p,q"'),
        (csv.QUOTE_NOTNULL, '"a","1",,"","2.5","p,q"')):
    assert written(row, quoting=quoting) == expected + "\r\n", quoting
assert written(row, quoting=csv.QUOTE_NONE, escapechar="^") == "a,1,,,2.5,p^,q\r\n"
for quoting, expected in (
        (csv.QUOTE_MINIMAL, ["1", "", "", "2.5"]), (csv.QUOTE_ALL, ["1", "", "", "2.5"]), (csv.QUOTE_NONNUMERIC, [1.0, "", "", "2.5"]),
        (csv.QUOTE_STRINGS, [1.0, None, "", "2.5"]), (csv.QUOTE_NOTNULL, ["1", None, "", "2.5"]),
        (csv.QUOTE_NONE, ["1", "", '""', '"2.5"'])):
    assert read('1,,"","2.5"\n', quoting=quoting) == [expected], quoting

# Lines are put together; a break or a quote in a wrong place.
assert list(csv.reader(['"a\n', 'b"', "", "c,", 'd"e,"f"g,"h""i"'])) == [["a\nb"], [], ["c", ""], ['d"e', "fg", 'h"i']]
assert read("a, b,  c", skipinitialspace=True) == [["a", "b", "c"]]
assert read("a^\nb,c^", escapechar="^") == [["a\nb", "c\n"]]
r = csv.reader(['"a\n', 'b"', "c"])
assert (next(r), r.line_num, next(r), r.line_num) == (["a\nb"], 2, ["c"], 3)
for lines, params in (
        (["a\rb"], {}), (['"a"b'], {"strict": True}), (['"a'], {"strict": True}), ([b"a"], {}), ([1], {}), (["a", None], {})):
    raises(csv.Error, list, csv.reader(lines, **params))
raises(ValueError, list, csv.reader(["x"], quoting=csv.QUOTE_NONNUMERIC))

# Fields have a limit.
old = csv.field_size_limit(3)
try:
    assert read("abc,abc") == [["abc", "abc"]]
    raises(csv.Error, read, "abcd")
    raises(csv.Error, read, '"ab""c"d')
finally:
    assert csv.field_size_limit(old) == 3
raises(TypeError, csv.field_size_limit, None)
raises(OverflowError, csv.field_size_limit, 1 << 70)

# What cannot be written.
for bad, params in (
        (5, {}), (["a,b"], {"quoting": csv.QUOTE_NONE}), ([""], {"quoting": csv.QUOTE_NONE}), ([None], {"quoting": csv.QUOTE_STRINGS}),
        (['"'], {"doublequote": False}), ([None, None], {"quoting": csv.QUOTE_NOTNULL, "delimiter": " ", "skipinitialspace": True})):
    raises(csv.Error, written, [bad], **params)
raises(TypeError, csv.writer, 5)
raises(TypeError, written, None)


class Broken:
    def __str__(self):
        raise OSError


raises(OSError, written, [[Broken()]])

# Dialects.
for params in ({"delimiter": ""}, {"delimiter": "ab"}, {"delimiter": None}, {"quotechar": 1}, {"quoting": None}, {"quoting": 6},
               {"quoting": True}, {"lineterminator": None}, {"quoting": 0, "quotechar": None}, {"unknown": 1}):
    raises(TypeError, csv.reader, [], **params)
for params in ({"delimiter": "\n"}, {"delimiter": '"'}, {"escapechar": ","}, {"quotechar": " ", "skipinitialspace": True},
               {"quotechar": "x", "escapechar": "x"}, {"delimiter": "x", "lineterminator": "axb"}):
    raises(ValueError, csv.reader, [], **params)


class Semicolons(csv.excel):
    delimiter = ";"


csv.register_dialect("semicolons", Semicolons)
assert "semicolons" in csv.list_dialects()
assert read("a;b,c", dialect="semicolons") == [["a", "b,c"]]
assert read("a;b,c", dialect="semicolons", delimiter=",") == [["a;b", "c"]]
assert csv.reader([], Semicolons).dialect.delimiter == csv.get_dialect("semicolons").delimiter == ";"
csv.unregister_dialect("semicolons")
for f in (csv.get_dialect, csv.unregister_dialect):
    raises(csv.Error, f, "semicolons")
    raises(TypeError, f, [])
raises(csv.Error, csv.reader, [], "semicolons")
raises(AttributeError, setattr, csv.get_dialect("excel"), "delimiter", ";")
assert csv.Sniffer().sniff("a;b;c\n1;2;3\n").delimiter == ";"
out = io.StringIO()
names = csv.DictWriter(out, ["x", "y"])
names.writeheader()
names.writerow({"x": 1, "y": 2})
assert list(csv.DictReader(io.StringIO(out.getvalue()))) == [{"x": "1", "y": "2"}]


class Again:
    """An iterator that asks its own reader for a row."""

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.reader)


again = Again()
again.reader = csv.reader(again)
raises(csv.Error, next, again.reader)

# Rows of several lines stay whole, whoever reads them; each row comes once.
N_ROWS, N_THREADS = 600, 4


class Lines:
    """Gives way between the lines of a row."""

    def __init__(self):
        self.lines = (f'"{i}\n' if half == 0 else f'{i}",{i}' for i in range(N_ROWS) for half in range(2))

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.lines)


reader, seen, out = csv.reader(Lines()), [], io.StringIO()
writer = csv.writer(out)


def copy():
    for text, number in reader:
        assert text == f"{number}\n{number}", (text, number)
        seen.append(int(number))
        writer.writerow([text, number])


run(*[copy] * N_THREADS)
assert sorted(seen) == list(range(N_ROWS))
assert reader.line_num == 2 * N_ROWS
assert sorted(read(out.getvalue()), key=lambda row: int(row[1])) == [[f"{i}\n{i}", str(i)] for i in range(N_ROWS)]
