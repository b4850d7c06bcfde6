"""A fleet of several instances under random faults of a seed: every guarantee holds."""

import pytest

from tests.simulation.checker import violations
from tests.simulation.evidence import Evidence
from tests.simulation.run import INSTANCES
from tests.simulation.world import run

SEEDS = 5
MORE_SEEDS = 200
CHUNK = 5


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_no_guarantee_is_broken_with_several_instances(first: int) -> None:
    for seed in range(first, first + CHUNK):
        found = violations(Evidence(run(seed, INSTANCES)))
        assert not found, f"replay: make simulate INSTANCES={INSTANCES} SEED={seed}\n" + "\n".join(found)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("first", range(SEEDS, MORE_SEEDS, CHUNK))
def test_no_guarantee_is_broken_with_several_instances_and_more_seeds(first: int) -> None:
    test_no_guarantee_is_broken_with_several_instances(first)
