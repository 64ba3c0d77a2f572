"""json through the native scanner and encoder."""
import json
import math

from checks import raises

VALUES = [
    None, True, False, 0, -1, 1 << 70, 1.5, -0.0, 1e300, "", "a\"\\\n\x01\x7f", "é\u20ac\U0001f600", "\ud800",
    [], [1, [2, []]], {}, {"a": {"b": [None, True]}}, {"x": 1.25, "y": "z"},
]
for v in VALUES:
    for options in ({}, {"ensure_ascii": False}, {"indent": 2}, {"sort_keys": True}, {"separators": (",", ":")}):
        text = json.dumps(v, **options)
        assert json.loads(text) == v, (v, options, text)

assert json.dumps("é\U0001f600\x7f") == '"\\u00e9\\ud83d\\ude00\\u007f"'
assert json.dumps("é\x7f", ensure_ascii=False) == '"é\x7f"'
assert json.dumps({2: 1, None: 3, 1.5: 5}) == '{"2": 1, "null": 3, "1.5": 5}'
assert json.dumps({(1,): 2, "a": 1}, skipkeys=True) == '{"a": 1}'
assert json.dumps([1, {"a": 2}], indent=2) == '[\n  1,\n  {\n    "a": 2\n  }\n]'
assert json.dumps([float("inf"), -math.inf]) == "[Infinity, -Infinity]"
assert math.isnan(json.loads("NaN"))
assert json.loads('{"a": 1}', object_pairs_hook=list) == [("a", 1)]
assert json.loads('[{"a": 1}]', object_hook=lambda d: len(d)) == [1]
assert json.loads("1.5", parse_float=str) == "1.5"
assert json.loads('"\\ud83d\\ude00"') == "\U0001f600"
a, b = json.loads('[{"key": 1}, {"key": 2}]')
assert next(iter(a)) is next(iter(b))


def refused(text, message, at, **options):
    try:
        json.loads(text, **options)
    except json.JSONDecodeError as e:
        assert (e.msg, e.pos) == (message, at), (text, e.msg, e.pos)
    else:
        raise AssertionError(text)


refused("", "Expecting value", 0)
refused("[1,]", "Illegal trailing comma before end of array", 2)
refused('{"a" 1}', "Expecting ':' delimiter", 5)
refused('{a: 1}', "Expecting property name enclosed in double quotes", 1)
refused('"abc', "Unterminated string starting at", 0)
refused('"\\x"', "Invalid \\escape", 1)
refused('"a\nb"', "Invalid control character at", 2)
refused("[1 2]", "Expecting ',' delimiter", 3)
refused("1 2", "Extra data", 2)

for bad, error in (([1, {2}], TypeError), ({(1,): 1}, TypeError)):
    try:
        json.dumps(bad)
    except error:
        pass
    else:
        raise AssertionError(bad)
loop = []
loop.append(loop)
try:
    json.dumps(loop)
except ValueError as e:
    assert "Circular" in str(e)
try:
    json.dumps(math.nan, allow_nan=False)
except ValueError:
    pass
else:
    raise AssertionError
try:
    json.loads("[" * 100000)
except RecursionError:
    pass
else:
    raise AssertionError


class Mine(json.JSONEncoder):
    def default(self, o):
        return sorted(o) if isinstance(o, set) else super().default(o)


assert json.dumps({"s": {3, 1}}, cls=Mine) == '{"s": [1, 3]}'

# Circles are found at any depth; an object may be there more than once, and an encoder works again after a failure.
encode = json.JSONEncoder().encode
for n in 1, 2, 50:
    inner = outer = []
    for i in range(n):
        inner.append({"next": []} if i % 2 else [])
        inner = inner[0]["next"] if i % 2 else inner[0]
    assert encode([outer, outer, inner]).count("[") >= n
    inner.append(outer)
    raises(ValueError, encode, outer)
    inner.clear()
    assert encode(outer) == encode(outer)
assert json.dumps([[], {}, [[]], ({},)] * 2, separators=("·", "→")) == "[[]·{}·[[]]·[{}]·[]·{}·[[]]·[{}]]"
assert json.dumps({"a": [1, {"b": None}]}, indent="\u0101") == (
    '{\n\u0101"a": [\n\u0101\u01011,\n\u0101\u0101{\n\u0101\u0101\u0101"b": null\n\u0101\u0101}\n\u0101]\n}')
