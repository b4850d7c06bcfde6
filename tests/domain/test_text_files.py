"""Text of files from editors and shells of every system."""

import pytest

from casare_rpa.domain.text_files import decode_text


@pytest.mark.parametrize("content", ["Zoë\r\n".encode(), "Zoë\r\n".encode("utf-8-sig")])
def test_utf8_text_has_no_byte_order_mark(content: bytes) -> None:
    assert decode_text(content) == "Zoë\r\n"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf16_is_refused_with_the_command_that_writes_utf8(encoding: str) -> None:
    content = "\ufeffname".encode(encoding) if encoding == "utf-16-be" else "name".encode(encoding)
    with pytest.raises(ValueError, match=r"UTF-16 text.*Out-File -Encoding utf8"):
        decode_text(content)


def test_other_encodings_are_refused_with_the_place() -> None:
    with pytest.raises(ValueError, match=r"not UTF-8 text \(byte 2\)"):
        decode_text(b"Zo\xeb!")
