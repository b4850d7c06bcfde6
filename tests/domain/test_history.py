"""The history of a stream: numbered without gaps, limited in age and bytes, never resumed across deleted entries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casare_rpa.domain.feed import History, Position


def bodies(history: History, since: int) -> list[bytes] | None:
    entries = history.since(Position(history.epoch, since))
    return None if entries is None else [entry.body for entry in entries]


def test_entries_after_a_position_are_returned_in_order() -> None:
    history = History("e")
    assert history.position == Position("e", 0)
    for seq, body in enumerate((b"a", b"b", b"c"), 1):
        history.append(seq, body, 0.0)
    assert history.position == Position("e", 3)
    assert [bodies(history, seq) for seq in (0, 1, 3)] == [[b"a", b"b", b"c"], [b"b", b"c"], []]


def test_another_epoch_and_a_future_position_cannot_be_resumed() -> None:
    history = History("e")
    history.append(1, b"a", 0.0)
    assert history.since(Position("f", 0)) is None
    assert history.since(Position("e", 2)) is None


def test_history_continues_after_a_number() -> None:
    history = History("e", 7)
    assert history.position == Position("e", 7)
    assert [bodies(history, seq) for seq in (6, 7)] == [None, []]
    history.append(8, b"h", 0.0)
    assert [bodies(history, seq) for seq in (6, 7, 8)] == [None, [b"h"], []]


def test_entries_before_a_gap_are_not_resumed_across_it() -> None:
    history = History("e", max_bytes=2)
    history.append(1, b"a", 0.0)
    history.append(3, b"c", 0.0)
    history.append(4, b"d", 0.0)
    assert [bodies(history, seq) for seq in (0, 1, 2, 3)] == [None, None, [b"c", b"d"], [b"d"]]


def test_skipped_numbers_are_not_resumed_across() -> None:
    history = History("e")
    history.append(1, b"a", 0.0)
    history.skip(1)
    history.skip(0)
    assert bodies(history, 0) == [b"a"]
    history.skip(4)
    assert history.position == Position("e", 4)
    assert [bodies(history, seq) for seq in (0, 3, 4)] == [None, None, []]
    history.append(5, b"e", 0.0)
    assert bodies(history, 4) == [b"e"]


def test_entries_over_the_age_limit_are_deleted() -> None:
    history = History("e", max_seconds=10)
    history.append(1, b"a", 0.0)
    history.append(2, b"b", 5.0)
    history.trim(10.5)
    assert bodies(history, 0) is None
    assert bodies(history, 1) == [b"b"]


def test_entries_over_the_byte_limit_are_deleted_oldest_first() -> None:
    history = History("e", max_bytes=5)
    for seq, body in enumerate((b"aaa", b"bb", b"c"), 1):
        history.append(seq, body, 0.0)
    assert bodies(history, 0) is None
    assert bodies(history, 1) == [b"bb", b"c"]


def test_deleted_entries_free_their_bytes() -> None:
    history = History("e", max_bytes=5)
    for seq, body in enumerate((b"aaa", b"bb", b"c", b"dd"), 1):
        history.append(seq, body, 0.0)
    assert bodies(history, 1) == [b"bb", b"c", b"dd"]


@given(st.lists(st.binary(max_size=8)), st.integers(0, 40), st.integers(0, 60))
def test_an_answer_is_complete_and_within_the_byte_limit(sent: list[bytes], max_bytes: int, since: int) -> None:
    history = History("e", max_bytes=max_bytes)
    for seq, body in enumerate(sent, 1):
        history.append(seq, body, 0.0)
    answer = bodies(history, since)
    assert answer in (None, sent[since:] if since <= len(sent) else None)
    assert len(b"".join(answer or [])) <= max_bytes


@pytest.mark.parametrize("text", ["", "5", ":5", "e:", "e:-1", "e:x", "e:٣", "e:" + "9" * 30])
def test_malformed_text_is_not_a_position(text: str) -> None:
    assert Position.parse(text) is None


def test_a_position_is_parsed_from_its_text() -> None:
    assert Position.parse(str(Position("a:b", 17))) == Position("a:b", 17)
