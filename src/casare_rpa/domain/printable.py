"""Text from a peer, made safe to print: it can neither control a terminal nor imitate a record of a log."""

_BIDIRECTIONAL = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_LINE_SEPARATORS = (0x2028, 0x2029)
_ESCAPED = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"} | {
    # They reorder or break the rest of the line where it is shown.
    code: f"\\u{code:04x}"
    for code in (*_BIDIRECTIONAL, *_LINE_SEPARATORS)
}


def printable(text: str) -> str:
    r"""The text with control characters, line separators and bidirectional controls escaped, except `\n` and `\t`.

    >>> printable("a\x1b[2Jb\u202ec")
    'a\\x1b[2Jb\\u202ec'
    """
    return text.translate(_ESCAPED)


def one_record(text: str) -> str:
    r"""The printable text of one log record: continuation lines are indented, so none looks like a record.

    >>> one_record("first\nsecond")
    'first\n    second'
    """
    return printable(text).replace("\n", "\n    ")
