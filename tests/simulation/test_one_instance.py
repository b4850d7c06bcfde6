"""A fleet of one instance under random faults of a seed: every guarantee holds."""

from unittest import mock

import pytest

from casare_rpa.domain.errors import StoreUnavailable
from tests.simulation import server
from tests.simulation.checker import violations
from tests.simulation.evidence import Evidence
from tests.simulation.world import run

SEEDS = 10
MORE_SEEDS = 400
CHUNK = 10


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_no_guarantee_is_broken_under_random_faults(first: int) -> None:
    for seed in range(first, first + CHUNK):
        found = violations(Evidence(run(seed)))
        assert not found, f"replay: make simulate SEED={seed}\n" + "\n".join(found)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("first", range(SEEDS, MORE_SEEDS, CHUNK))
def test_no_guarantee_is_broken_with_more_seeds(first: int) -> None:
    test_no_guarantee_is_broken_under_random_faults(first)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("problem", "reported"),
    [
        (StoreUnavailable("it is away"), "FAULT: requests had no answer for 1500 s; starts: {'server': "),
        (ValueError("a bug"), "FAULT: server ended: (ValueError('a bug'),)"),
    ],
)
def test_run_in_which_no_server_starts_ends_with_a_fault(problem: Exception, reported: str) -> None:
    with mock.patch.object(server, "open_store", side_effect=problem):
        found = violations(Evidence(run(0)))
    assert any(one.startswith(reported) for one in found), found
