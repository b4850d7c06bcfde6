"""A seed gives the same run every time, so that a violation can be replayed."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.run import INSTANCES
from tests.simulation.world import run

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("instances", "seeds"), [(1, 1), (INSTANCES, 1), pytest.param(INSTANCES, 4, marks=pytest.mark.long)]
)
def test_seed_gives_the_same_run_in_any_process(instances: int, seeds: int) -> None:
    """Also with another hash seed, so that no order depends on a set."""
    code = "from tests.simulation.world import run; "
    code += f"print(*(run(seed, {instances}).history.digest() for seed in range({seeds})))"
    environment = {"PYTHONHASHSEED": "77", "PATH": ""}
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=True
    )
    assert told.stdout.split() == [run(seed, instances).history.digest() for seed in range(seeds)]
