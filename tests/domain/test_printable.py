"""Text of a peer cannot control a terminal, reorder other text, or imitate a log record."""

import unicodedata

import pytest

from casare_rpa.domain.printable import harmless, harmless_record, one_line, one_record, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, ünïcode, 日本, \ttab\nline", "plain, ünïcode, 日本, \ttab\nline"),
        ("\x1b]52;c;aGk=\x07", "\\x1b]52;c;aGk=\\x07"),
        ("\x9b2J\r\0\x7f", "\\x9b2J\\x0d\\x00\\x7f"),
        ("a\u202eb\u2066c\u2028d", "a\\u202eb\\u2066c\\u2028d"),
    ],
)
def test_control_characters_are_escaped_and_text_stays(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_no_control_of_the_display_is_left() -> None:
    everything = "".join(map(chr, range(0x3000)))
    embeddings = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    kept = {unicodedata.bidirectional(c) for c in printable(everything)} & embeddings
    controls = {c for c in printable(everything) if unicodedata.category(c) == "Cc"}
    assert (kept, controls) == (set(), {"\n", "\t"})


def test_record_stays_within_its_own_lines() -> None:
    assert one_record("a\nb\n2026 forged") == "a\n    b\n    2026 forged"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b[8mhidden", "hidden"),
        ("\x1b[31", "\\x1b[31"),
        ("a\r\nb\rc", "a\nb\\x0dc"),
    ],
)
def test_colours_are_removed_for_readers(text: str, shown: str) -> None:
    assert harmless(text) == shown


def test_record_ends_with_its_text_and_a_cell_has_one_line() -> None:
    assert harmless_record("first\nsecond\r\n\x1b[mthird\n") == "first\n    second\n    third"
    assert one_line("a\n\tb") == "a\\n\\tb"
