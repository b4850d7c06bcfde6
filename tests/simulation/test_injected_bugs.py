"""The checker finds bugs that are put into the server."""

import pytest

from tests.simulation.run import MUTANT_SEEDS, first_violation


@pytest.mark.slow
@pytest.mark.parametrize(
    "mutant",
    [
        "ack_before_commit",
        "rescuer_without_recheck",
        "tenants_see_all",
        "change_without_a_number",
        "clock_begins_at_the_wall",
        "lost_event_keeps_its_slot",
        "lost_event_is_never_shown",
        "late_event_takes_back_a_newer_one",
        "repeated_event_is_numbered_again",
        "hint_trusted",
        "placement_cache_stale",
        "ticket_spent_twice",
    ],
)
def test_injected_bug_is_found(mutant: str) -> None:
    """A sample. All bugs: make simulate MUTANTS=all."""
    assert first_violation(range(MUTANT_SEEDS), mutant) is not None
