"""`casare serve`: how many connections it accepts at once."""

import pytest

from casare_rpa.cli.serve import TURNS_BEFORE_A_REQUEST_IS_READ, accepts_per_turn


@pytest.mark.parametrize(("limit", "accepts"), [(1, 1), (7, 1), (59, 7), (200, 25), (256, 32), (100_000, 32)])
def test_accepts_of_one_turn_follow_the_limit_of_connections(limit: int, accepts: int) -> None:
    assert accepts_per_turn(limit) == accepts


@pytest.mark.parametrize("limit", [8, 59, 200, 1000])
def test_request_that_is_sent_at_once_is_read_before_its_connection_is_the_oldest(limit: int) -> None:
    assert accepts_per_turn(limit) * TURNS_BEFORE_A_REQUEST_IS_READ < limit
