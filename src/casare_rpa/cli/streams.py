"""Encodings of stdout and stderr. Every text can be written in every encoding."""

import codecs
import io
import sys

READABLE = "casare_readable"
_SUBSTITUTES = {"─": "-", "━": "-", "→": "->", "▶": ">", "…": "...", "“": '"', "”": '"', "’": "'", "–": "-", "·": "*"}


def readable_substitute(error: UnicodeError) -> tuple[str, int]:
    r"""An error handler for encoding: a similar text in ASCII, else an escape such as `\u017d`.

    >>> codecs.register_error(READABLE, readable_substitute)
    >>> "▶ Ž".encode("ascii", READABLE)
    b'> \\u017d'
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    escaped = (_SUBSTITUTES.get(one) or one.encode("ascii", "backslashreplace").decode() for one in characters)
    return "".join(escaped), error.end


def make_output_safe() -> None:
    """Let stdout and stderr replace characters that their encoding does not have. Other streams do not change."""
    codecs.register_error(READABLE, readable_substitute)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=READABLE)
