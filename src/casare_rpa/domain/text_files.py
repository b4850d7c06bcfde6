"""Decodes the text of files that users wrote with any editor or shell."""

import codecs

_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decode_text(content: bytes) -> str:
    r"""The text of a UTF-8 file, without the byte order mark that Windows programs write.

    >>> decode_text(b"\xef\xbb\xbfname")
    'name'

    Raises:
        ValueError: the content is not UTF-8 text; the message continues a sentence that begins with the file's name.
    """
    if content.startswith(_UTF16_MARKS):
        raise ValueError("is UTF-16 text, which PowerShell 5 writes with `>`; write it with `Out-File -Encoding utf8`")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 text (byte {error.start})") from None
