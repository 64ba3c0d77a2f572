"""Recipes for types of native modules that threads can share: rows of text, mapped memory, compressed streams."""
import csv
import _csv

from .stress import A, F, G, Subject, const, count, itself, nothing, of_type, one_of

one_flavour = ("ints",)

# Rows of two lines: a reader that lost one would show.


def lines():
    for i in range(100):
        yield f'"{i}\n'
        yield f'{i}",{i}'


def whole_row(c, o, v):
    return v is None or len(v) == 2 and v[0] == f"{v[1]}\n{v[1]}"


READER = Subject(
    "csv.reader", lambda c: csv.reader(lines()), _csv.Reader,
    {"__iter__": A(gives=itself), "__next__": A(gives=whole_row, raises=StopIteration), "dialect": G(of_type(_csv.Dialect)), "line_num": G(count)},
    {"next": F(lambda o, c: next(o, None), whole_row), "list": F(lambda o, c: all(whole_row(c, o, v) for v in o), lambda c, o, v: v)},
    flavours=one_flavour)


class Sink:
    """Takes only whole lines."""

    def write(self, line):
        a, b = line.removesuffix("\r\n").split(",")
        assert a == b, line
        return len(line)


twins = one_of((1, 1), ["a", "a"], ("", ""), (None, None))
WRITER = Subject(
    "csv.writer", lambda c: csv.writer(Sink()), _csv.Writer,
    {"dialect": G(of_type(_csv.Dialect)), "writerow": A(twins, gives=count), "writerows": A(const([(1, 1), ("b", "b")]), gives=nothing)},
    flavours=one_flavour)

SUBJECTS = [READER, WRITER]
