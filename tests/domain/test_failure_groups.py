"""The bars of the trend of a failure group."""

import pytest

from casare_rpa.domain.failure_groups import DAY_SECONDS, MOST_BARS, FailureGroup, FailureSpan, GroupKey
from casare_rpa.domain.instants import FOREVER, MICROSECONDS_PER_SECOND, Instant, after
from domain.table import pending

NOW = Instant(1_766_413_800 * MICROSECONDS_PER_SECOND)


@pytest.mark.parametrize(
    ("seconds", "bar_seconds"),
    [
        (60, 300),
        (3600, 300),
        (DAY_SECONDS, 3600),
        (7 * DAY_SECONDS, 6 * 3600),
        (28 * DAY_SECONDS, DAY_SECONDS),
        (29 * DAY_SECONDS, 2 * DAY_SECONDS),
        (3650 * DAY_SECONDS, 131 * DAY_SECONDS),
    ],
)
def test_few_bars_of_a_round_length_cover_every_span(seconds: float, bar_seconds: int) -> None:
    since = after(NOW, -seconds)
    for until in (FOREVER, NOW):
        span = FailureSpan(since, until, NOW)
        assert span.bar_seconds == bar_seconds
        assert 1 <= len(span.bars) <= MOST_BARS + 1
        length = bar_seconds * MICROSECONDS_PER_SECOND
        assert span.bars.start * length <= since < span.bars.stop * length
        assert span.bars.stop * length >= min(NOW, until)


def test_group_is_new_for_a_day_after_its_first_failure() -> None:
    group = FailureGroup(GroupKey("default", "f"), 1, NOW, NOW, pending(), [1], {})
    assert group.is_new(after(NOW, DAY_SECONDS - 1))
    assert not group.is_new(after(NOW, DAY_SECONDS))
