"""Text from a peer, made safe to print: it can neither control a terminal nor imitate a record of a log."""

import re

_BIDIRECTIONAL = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_LINE_SEPARATORS = (0x2028, 0x2029)
_ESCAPED = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"} | {
    # These characters reorder or break the rest of the line on the screen.
    code: f"\\u{code:04x}"
    for code in (*_BIDIRECTIONAL, *_LINE_SEPARATORS)
}

_COLOURS = re.compile(r"\x1b\[[0-9:;]{0,64}m")
"""A complete sequence that only changes colour and weight. It carries no text, but it can hide the text behind it."""


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


def harmless(text: str) -> str:
    r"""The printable text without colours, for a person to read.

    Logs use `printable`: there, removing a sequence could join the two halves of a secret that was not redacted.

    >>> harmless("\x1b[31mred\x1b[0m \x1b]0;title\x07")
    'red \\x1b]0;title\\x07'
    """
    if "\x1b" in text:
        text = _COLOURS.sub("", text)
    return printable(text.replace("\r\n", "\n"))


def harmless_record(text: str) -> str:
    """The harmless text as one record of a list or file: further lines are indented, and the last line end is cut."""
    return harmless(text).rstrip("\n").replace("\n", "\n    ")


def one_line(text: str) -> str:
    r"""The harmless text with line feeds and tabs escaped too, for a cell of a table.

    >>> one_line("a\nb")
    'a\\nb'
    """
    return harmless(text).replace("\n", "\\n").replace("\t", "\\t")
