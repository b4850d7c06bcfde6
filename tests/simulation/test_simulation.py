"""The fleet under random faults of a seed: every guarantee holds, runs are repeatable, and the checker finds bugs."""

import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

from casare_rpa.domain.errors import StoreUnavailable
from tests.simulation import server
from tests.simulation.checker import violations
from tests.simulation.evidence import Evidence
from tests.simulation.run import INSTANCES, MUTANT_SEEDS, first_violation
from tests.simulation.world import run

ROOT = Path(__file__).parents[2]
SEEDS = 100
MORE_SEEDS = 1_000
CHUNK = 25
SEEDS_OF_SEVERAL = 20
MORE_SEEDS_OF_SEVERAL = 200
CHUNK_OF_SEVERAL = 5


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
@pytest.mark.parametrize("first", range(0, SEEDS_OF_SEVERAL, CHUNK_OF_SEVERAL))
def test_no_guarantee_is_broken_with_several_instances(first: int) -> None:
    for seed in range(first, first + CHUNK_OF_SEVERAL):
        found = violations(Evidence(run(seed, INSTANCES)))
        assert not found, f"replay: make simulate INSTANCES={INSTANCES} SEED={seed}\n" + "\n".join(found)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("first", range(SEEDS_OF_SEVERAL, MORE_SEEDS_OF_SEVERAL, CHUNK_OF_SEVERAL))
def test_no_guarantee_is_broken_with_several_instances_and_more_seeds(first: int) -> None:
    test_no_guarantee_is_broken_with_several_instances(first)


@pytest.mark.slow
@pytest.mark.parametrize("instances", [1, INSTANCES])
def test_seed_gives_the_same_run_in_any_process(instances: int) -> None:
    """Also with another hash seed, so that no order depends on a set."""
    code = "from tests.simulation.world import run; "
    code += f"print(*(run(seed, {instances}).history.digest() for seed in range(4)))"
    environment = {"PYTHONHASHSEED": "77", "PATH": ""}
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=True
    )
    assert told.stdout.split() == [run(seed, instances).history.digest() for seed in range(4)]


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
