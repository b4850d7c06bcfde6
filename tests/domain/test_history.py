"""The history: numbered without gaps, bounded in time and bytes, and honest about what it has forgotten."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casare_rpa.domain.history import History, Position


def bodies(history: History, since: int) -> list[bytes] | None:
    entries = history.since(Position(history.epoch, since))
    return None if entries is None else [entry.body for entry in entries]


def test_entries_are_numbered_from_one_and_told_after_a_position() -> None:
    history = History("e")
    assert history.position == Position("e", 0)
    assert [history.append(body, 0.0) for body in (b"a", b"b", b"c")] == [1, 2, 3]
    assert history.position == Position("e", 3)
    assert [bodies(history, seq) for seq in (0, 1, 3)] == [[b"a", b"b", b"c"], [b"b", b"c"], []]


def test_another_epoch_and_a_future_position_mean_a_snapshot() -> None:
    history = History("e")
    history.append(b"a", 0.0)
    assert history.since(Position("f", 0)) is None
    assert history.since(Position("e", 2)) is None


def test_what_is_older_than_its_time_is_forgotten() -> None:
    history = History("e", max_seconds=10)
    history.append(b"a", 0.0)
    history.append(b"b", 5.0)
    history.forget(10.5)
    assert bodies(history, 0) is None
    assert bodies(history, 1) == [b"b"]


def test_what_is_over_its_bytes_is_forgotten_oldest_first() -> None:
    history = History("e", max_bytes=5)
    for body in (b"aaa", b"bb", b"c"):
        history.append(body, 0.0)
    assert bodies(history, 0) is None
    assert bodies(history, 1) == [b"bb", b"c"]
    assert history.size_bytes == 3


@given(st.lists(st.binary(max_size=8)), st.integers(0, 40), st.integers(0, 60))
def test_an_answer_is_everything_after_the_position_or_nothing_at_all(
    told: list[bytes], max_bytes: int, since: int
) -> None:
    history = History("e", max_bytes=max_bytes)
    for body in told:
        history.append(body, 0.0)
    answer = bodies(history, since)
    assert answer in (None, told[since:] if since <= len(told) else None)
    assert history.size_bytes <= max_bytes


@pytest.mark.parametrize("text", ["", "5", ":5", "e:", "e:-1", "e:x", "e:٣", "e:" + "9" * 30])
def test_text_that_is_no_position_is_none(text: str) -> None:
    assert Position.parse(text) is None


def test_position_is_read_as_it_is_written() -> None:
    assert Position.parse(str(Position("a:b", 17))) == Position("a:b", 17)
