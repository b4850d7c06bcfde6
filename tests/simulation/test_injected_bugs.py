"""The checker finds bugs that are put into the server."""

import pytest

from tests.simulation.run import EVERY_MUTANT, MUTANT_SEEDS, first_violation


@pytest.mark.slow
@pytest.mark.parametrize(
    "mutant",
    [
        "ack_before_commit",
        "tenants_see_all",
        "change_without_a_number",
        "clock_begins_at_the_wall",
        "lost_event_keeps_its_slot",
        "lost_event_is_never_shown",
        "late_event_takes_back_a_newer_one",
        "repeated_event_is_numbered_again",
        "hint_trusted",
        "ticket_spent_twice",
        pytest.param("rescuer_without_recheck", marks=pytest.mark.long),
        pytest.param("placement_cache_stale", marks=pytest.mark.long),
    ],
)
def test_injected_bug_is_found(mutant: str) -> None:
    """A sample. All bugs: make simulate MUTANTS=all."""
    assert first_violation(range(MUTANT_SEEDS), mutant) is not None


@pytest.mark.parametrize("mutant", EVERY_MUTANT)
def test_bug_can_be_injected(mutant: str) -> None:
    """The texts and methods that it replaces still exist. `make simulate MUTANTS=all` would end at it."""
    with EVERY_MUTANT[mutant]():
        pass
