"""What the test programs share."""


def raises(kind, f, *args, text=None, part=None, **kw):
    """Calls `f`, which must raise a `kind`: with the message `text`, if given, or with `part` in it. The exception."""
    try:
        f(*args, **kw)
    except kind as e:
        assert text is None or str(e) == text, f"{text!r} was expected, not {str(e)!r}"
        assert part is None or part in str(e), f"{part!r} was expected in {str(e)!r}"
        return e
    raise AssertionError(f"{kind} not raised")
