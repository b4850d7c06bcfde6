"""Runs the benchmarks and prints their table. Usage: python -m bench [--quick] [--only NAME …] [--runs N] [--keep]"""

import argparse
import asyncio
import datetime as dt
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import uvloop

from bench import connections, fairness, fan_out, fleet_day, inbound, jobs
from bench.figures import Figures, human, medians_of, table
from bench.machine import described, pin
from bench.servers import LOAD_CORE
from casare_rpa import __version__

RESULTS = Path(__file__).parent / "results"
Step = Callable[[], Awaitable[None]]
MILLION = 1_000_000


def steps(figures: Figures, *, pinned: bool, quick: bool) -> Iterator[tuple[str, Step]]:
    """Every measure under one pinning, as a name and what runs it."""
    seconds = 1.5 if quick else 3.0
    kinds = list(inbound.KINDS)[: 2 if quick else None]
    yield "inbound", lambda: inbound.measure(figures, pinned=pinned, robots=50, seconds=seconds, kinds=kinds)
    yield "inbound", lambda: inbound.measure_limit(figures, pinned=pinned, seconds=seconds)
    yield (
        "fan-out",
        lambda: fan_out.measure(figures, pinned=pinned, viewers=1000, seconds=seconds, compare=not quick or pinned),
    )
    yield "jobs", lambda: jobs.measure(figures, pinned=pinned, robots=200, batch=jobs.BATCH, seconds=seconds)
    yield "jobs", lambda: jobs.measure_procrastinate(figures, pinned=pinned, number=1_000 if quick else 3_000)
    yield "assign", lambda: jobs.measure_assign(figures, pinned=pinned, robots=1000, pending=0, number=200)
    if quick:
        yield "connections", lambda: connections.measure(figures, pinned=pinned, robots=2_000, ramp=1_000)
        return
    every = list(inbound.KINDS)[:2]
    yield "inbound", lambda: inbound.measure(figures, pinned=pinned, robots=1000, seconds=seconds, kinds=every)
    for viewers in (100, 5000):
        yield (
            "fan-out",
            lambda v=viewers: fan_out.measure(figures, pinned=pinned, viewers=v, seconds=seconds, compare=False),
        )
    yield "fan-out", lambda: fan_out.measure_jobs(figures, pinned=pinned, viewers=1000, seconds=seconds)
    yield "jobs", lambda: jobs.measure(figures, pinned=pinned, robots=200, batch=1, seconds=seconds)
    yield "jobs", lambda: jobs.measure(figures, pinned=pinned, robots=1, batch=jobs.BATCH, seconds=seconds)
    yield "assign", lambda: jobs.measure_assign(figures, pinned=pinned, robots=1, pending=0, number=200)
    for waiting in (100_000, MILLION):
        yield (
            "assign",
            lambda w=waiting: jobs.measure_assign(
                figures, pinned=pinned, robots=1000, pending=w, number=200, wide=True
            ),
        )
    yield "connections", lambda: connections.measure(figures, pinned=pinned, robots=10_000, ramp=5_000)
    yield "fairness", lambda: fairness.measure_stalled(figures, pinned=pinned, seconds=2.0)
    yield "fairness", lambda: fairness.measure_flood(figures, pinned=pinned, seconds=2.0)
    for robots in (1_000, 5_000, 10_000):
        yield "fleet", lambda r=robots: fleet_day.measure(figures, pinned=pinned, robots=r, seconds=10.0)


GROWTH = (
    ("inbound: mix with logs, 50 robots", "inbound: mix with logs, 1000 robots", 20, False),
    (
        "fan-out: 100 viewers, 64 at once",
        "fan-out: 1000 viewers, 64 at once",
        10,
        False,
    ),
    ("jobs: 50 at once, 1 robots", "jobs: 50 at once, 200 robots", 200, False),
    ("submit to job_assign: 1 idle robots, p50", "submit to job_assign: 1000 idle robots, p50", 1000, True),
    (
        "submit to job_assign: 1000 idle robots, 100,000 jobs wait, p50",
        "submit to job_assign: 1000 idle robots, 1,000,000 jobs wait, p50",
        10,
        True,
    ),
    (
        "fleet: 1000 robots, 500 dashboards, share of a core",
        "fleet: 10000 robots, 500 dashboards, share of a core",
        10,
        True,
    ),
)


async def run(figures: Figures, *, runs: int, quick: bool, only: list[str]) -> None:
    """All measures, pinned and not, one after the other, as often as asked: rounds, so that drift hits all alike."""
    asyncio.get_running_loop().set_exception_handler(_fail)
    for turn in range(runs):
        for pinned in (True, False):
            pin(os.getpid(), LOAD_CORE if pinned else None)
            for name, step in steps(figures, pinned=pinned, quick=quick):
                if only and name not in only:
                    continue
                began = time.monotonic()
                known = {figure.key: len(figure.runs) for figure in figures.all()}
                await step()
                told = [f for f in figures.all() if len(f.runs) != known.get(f.key, 0)]
                pinning = "1 core" if pinned else "2 cores"
                print(f"{name}, {pinning}, run {turn + 1} of {runs}: {time.monotonic() - began:.1f} s", file=sys.stderr)
                for figure in told:
                    print(
                        f"    {figure.name}, {figure.server}: {human(figure.runs[-1])} {figure.unit}", file=sys.stderr
                    )


def _fail(_loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """What goes wrong in the load generator would falsify every figure after it."""
    print(f"the load generator failed: {context}", file=sys.stderr)
    os._exit(1)


def growth(figures: Figures) -> Iterator[str]:
    """The exponent of each pair of measures: what the work costs grows like load to the power of it."""
    for small, large, factor, cost in GROWTH:
        for pinned in (True, False):
            exponent = figures.exponent(small, large, factor, cost=cost, pinned=pinned)
            if exponent is not None:
                cores = "1 core" if pinned else "2 cores"
                yield f"- {large}, {cores}: × {factor} the load, cost of one × load^{exponent:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer measures, once each")
    parser.add_argument(
        "--only", nargs="*", default=[], help="inbound, fan-out, jobs, assign, connections, fairness, fleet"
    )
    parser.add_argument("--runs", type=int, default=0, help="runs of each measure; the table has their medians")
    parser.add_argument("--keep", action="store_true", help="write bench/results/ for this release")
    wanted = parser.parse_args()
    figures = Figures()
    uvloop.run(run(figures, runs=wanted.runs or 1, quick=wanted.quick, only=wanted.only))
    kept = RESULTS / f"{__version__}.json"
    print(table(figures.rows(medians_of(kept))))
    print("\nGrowth, where 0 is none per unit of work:\n")
    print("\n".join(growth(figures)))
    for figure in figures.missed():
        print(f"missed: {figure.name}: {human(figure.median)} {figure.unit}", file=sys.stderr)
    about = {"version": __version__, "measured": dt.datetime.now(dt.UTC).date().isoformat(), **described()}
    if wanted.keep:
        RESULTS.mkdir(exist_ok=True)
        kept.write_text(figures.json(about), encoding="utf-8")
        (RESULTS / f"{__version__}.md").write_text(f"{table(figures.rows({}))}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
