"""The feed: each number once and in order for any arrivals; a gap is reported, so that it can be read."""

from hypothesis import given
from hypothesis import strategies as st

from casare_rpa.domain.feed import PATIENCE_SECONDS, Feed


def test_items_in_order_pass_at_once() -> None:
    feed: Feed[str] = Feed(4)
    assert [feed.put(5, "a", 0.0), feed.put(6, "b", 0.0)] == [["a"], ["b"]]
    assert (feed.last, feed.behind) == (6, False)


def test_items_together_pass_if_it_is_their_turn() -> None:
    feed: Feed[str] = Feed(4)
    assert feed.pass_on(5, 3)
    assert (feed.last, feed.behind) == (7, False)
    assert not feed.pass_on(7, 1), "repeated"
    assert not feed.pass_on(9, 1), "behind a gap"
    feed.expect(9, 0.0)
    assert not feed.pass_on(8, 1), "a later one is known, and may wait"
    assert feed.put(8, "h", 0.0) == ["h"]


def test_item_behind_a_gap_waits_for_the_missing_one() -> None:
    feed: Feed[str] = Feed(0)
    assert feed.put(2, "b", 0.0) == []
    assert feed.behind
    assert feed.put(1, "a", 0.0) == ["a", "b"]
    assert not feed.behind


def test_numbers_of_waiting_items_are_in_order() -> None:
    feed: Feed[str] = Feed(0)
    assert feed.waiting == []
    feed.put(5, "e", 0)
    feed.put(3, "c", 0)
    assert feed.waiting == [3, 5]
    feed.give_up(4, 0)
    assert feed.waiting == []


def test_repeated_item_is_ignored() -> None:
    feed: Feed[str] = Feed(0)
    feed.put(1, "a", 0.0)
    assert [feed.put(1, "again", 0.0), feed.put(3, "c", 0.0), feed.put(3, "again", 0.0)] == [[], [], []]
    assert feed.put(2, "b", 0.0) == ["b", "c"]


def test_gap_is_overdue_when_it_lasts_longer_than_hints_take() -> None:
    feed: Feed[str] = Feed(0)
    assert not feed.overdue(1.0)
    feed.expect(1, 1.0)
    feed.expect(2, 1.02)
    assert not feed.overdue(1.0 + PATIENCE_SECONDS * 0.9)
    assert feed.overdue(1.0 + 1.1 * PATIENCE_SECONDS)
    assert feed.put(1, "a", 2.0) == ["a"]
    assert not feed.overdue(2.0), "the next gap begins with the end of the first one"
    assert feed.overdue(2.0 + 1.1 * PATIENCE_SECONDS)


def test_known_number_is_not_expected_again() -> None:
    feed: Feed[str] = Feed(3)
    feed.expect(3, 0.0)
    assert not feed.behind


def test_number_of_a_wrong_hint_is_not_expected_any_more() -> None:
    feed: Feed[str] = Feed(3)
    feed.expect(9, 0.0)
    feed.refute(9, 9)
    feed.refute(8, 3)
    assert feed.behind, "it may exist"
    feed.put(6, "f", 0.0)
    feed.refute(9, 3)
    assert (feed.known, feed.behind) == (6, True), "an item that arrived exists"
    assert feed.give_up(5, 0.0) == ["f"]
    feed.expect(9, 0.0)
    feed.refute(9, 6)
    assert not feed.behind


def test_numbers_that_are_stored_nowhere_are_skipped() -> None:
    feed: Feed[str] = Feed(0)
    feed.put(2, "b", 0.0)
    feed.put(5, "e", 0.0)
    assert feed.give_up(4, 0.0) == ["b", "e"]
    assert (feed.last, feed.behind) == (5, False)
    assert feed.give_up(3, 0.0) == []
    assert feed.last == 5


def test_items_behind_a_long_gap_are_not_kept_without_limit() -> None:
    feed: Feed[str] = Feed(0, max_waiting=2)
    for seq in (2, 3, 4):
        feed.put(seq, str(seq), 0.0)
    assert feed.put(1, "1", 0.0) == ["1", "2", "3"]
    assert feed.behind, "the item that was not kept is still to be read"
    assert feed.put(4, "4", 0.0) == ["4"]


@given(st.lists(st.integers(1, 12)), st.integers(0, 3), st.sets(st.integers(1, 12)))
def test_any_arrival_passes_each_number_once_in_order_or_reports_a_gap(
    arrivals: list[int], max_waiting: int, deleted: set[int]
) -> None:
    """Numbers arrive in any order, repeatedly or not at all; then all that is stored is read."""
    feed: Feed[int] = Feed(0, max_waiting=max_waiting)
    passed: list[int] = []
    for number, seq in enumerate(arrivals, 1):
        passed += feed.put(seq, seq, 0.0)
        assert passed == list(range(1, feed.last + 1))
        assert feed.behind is (feed.last < max(arrivals[:number]))
    for seq in (seq for seq in range(1, 13) if seq not in deleted):
        if seq > feed.last + 1:
            passed += feed.give_up(seq - 1, 0.0)
        passed += feed.put(seq, seq, 0.0)
    passed += feed.give_up(12, 0.0) if feed.last < 12 else []
    assert passed == sorted(set(passed))
    assert set(passed) >= set(range(1, 13)) - deleted
    assert not feed.behind


def test_lag_is_the_time_for_which_the_next_item_is_missing() -> None:
    feed: Feed[str] = Feed(0)
    assert feed.lag_seconds(9.0) == 0.0
    feed.expect(2, 10.0)
    assert feed.lag_seconds(10.5) == 0.5
    feed.put(1, "a", 11.0)
    assert feed.lag_seconds(11.25) == 0.25, "the second one is missing since the first arrived"
    feed.put(2, "b", 12.0)
    assert feed.lag_seconds(12.5) == 0.0
