"""`make simulate`: many seeds, one seed with its trace, or the mutants.

python -m tests.simulation.run --seeds 10000
python -m tests.simulation.run --seed 123
python -m tests.simulation.run --mutants all
"""

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import nullcontext

from tests.simulation.checker import violations
from tests.simulation.evidence import Evidence
from tests.simulation.instance_mutants import INSTANCE_MUTANTS
from tests.simulation.mutants import MUTANTS
from tests.simulation.windows import windows
from tests.simulation.world import run

MUTANT_SEEDS = 500
ENOUGH_SEEDS = 200
"""With fewer, the share of excused runs says nothing."""
INSTANCES = 3
"""For the bugs that need several instances."""
FOUND_AS = {mutant.__name__: invariants for mutant, invariants in INSTANCE_MUTANTS.items()}
"""The invariants that must find a bug; any of them finds one that is not listed."""
EVERY_MUTANT = MUTANTS | {mutant.__name__: mutant for mutant in INSTANCE_MUTANTS}
MOST_EXCUSED = 0.05
"""The largest share of runs that may meet a window of 1.0 robots, which must stay rare."""


def first_violation(seeds: Iterable[int], mutant: str) -> tuple[int, list[str]] | None:
    """The first seed that finds an injected bug as it must be found, and the problem."""
    instances = INSTANCES if mutant in FOUND_AS else 1
    with EVERY_MUTANT[mutant]():
        for seed in seeds:
            found = violations(Evidence(run(seed, instances)))
            expected = [one for one in found if one.startswith(FOUND_AS.get(mutant, ""))]
            if expected:
                return seed, expected
    return None


def try_seeds(seeds: Sequence[int], instances: int) -> int:
    """Run all seeds; returns the number of bad ones, plus one if too many overlaps were excused."""
    started, bad = time.perf_counter(), 0
    first: list[int] = []
    second: list[int] = []
    for seed in seeds:
        evidence = Evidence(run(seed, instances))
        found = violations(evidence)
        met = windows(evidence)
        first.append(len(met.first))
        second.append(len(met.second))
        if found:
            bad += 1
            replay = f"make simulate SEED={seed}" + (f" INSTANCES={instances}" if instances > 1 else "")
            print(f"seed {seed}: {len(found)} violations; replay: {replay}\n  {found[0]}", flush=True)
    excused = 0
    for number, jobs in ((1, first), (2, second)):
        runs = sum(count > 0 for count in jobs)
        excused = max(excused, runs)
        print(f"window {number} of 1.0 robots met in {runs} of {len(seeds)} runs, by {sum(jobs)} jobs")
    print(f"{len(seeds)} seeds, {bad} bad, {time.perf_counter() - started:.0f} s")
    too_many = len(seeds) >= ENOUGH_SEEDS and excused > MOST_EXCUSED * len(seeds)
    if too_many:
        print(f"excused are more than {MOST_EXCUSED:.0%} of the runs")
    return bad + too_many


def show_seed(seed: int, mutant: str | None, instances: int) -> int:
    """Run one seed and print its trace."""
    with EVERY_MUTANT[mutant]() if mutant is not None else nullcontext():
        outcome = run(seed, instances, traced=True)
        evidence = Evidence(outcome)
        found = violations(evidence)
    print("\n".join(outcome.history.trace or ()))
    print(f"seed {seed}: {outcome.history.digest()}; faults: {outcome.history.faults}")
    met = windows(evidence)
    print(f"windows of 1.0 robots: 1 met by {sorted(met.first)}, 2 by {sorted(met.second)}")
    for violation in found:
        print(violation)
    return len(found)


def try_mutants(names: Sequence[str]) -> int:
    """Run all named bugs; returns the number of bugs that were not found."""
    survived = 0
    print(f"{'mutant':40} {'seed':>5}  found as")
    for name in names:
        caught = first_violation(range(MUTANT_SEEDS), name)
        survived += caught is None
        seed, what = ("-", "SURVIVED") if caught is None else (str(caught[0]), caught[1][0][:100])
        print(f"{name:40} {seed:>5}  {what}", flush=True)
    return survived


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many, from --first on")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, help="only this one, with its trace")
    parser.add_argument("--instances", type=int, choices=range(1, 6), default=1, help="of the orchestrator, 1 to 5")
    parser.add_argument("--mutants", help="all, or the name of one")
    given = parser.parse_args()
    if given.mutants and given.seed is None:
        return try_mutants(list(EVERY_MUTANT) if given.mutants == "all" else [given.mutants]) and 1
    if given.seed is not None:
        return show_seed(given.seed, given.mutants, given.instances) and 1
    return try_seeds(range(given.first, given.first + given.seeds), given.instances) and 1


if __name__ == "__main__":
    sys.exit(main())
