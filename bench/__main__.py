"""Runs the benchmarks and prints their table. Usage: python -m bench [--quick] [--only NAME …] [--runs N] [--keep]"""

import argparse
import asyncio
import datetime as dt
import itertools
import logging
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

import uvloop

from bench import (
    agents,
    connections,
    fairness,
    fan_out,
    fleet_day,
    history,
    hostile,
    inbound,
    instances,
    jobs,
    leases,
    queues,
    systems,
    targets,
)
from bench.figures import RELAYED_WHEN_SET, Figures, human, medians_of, table, verdict
from bench.growth import growth
from bench.machine import described, pin
from bench.plan import BRIEF, QUICK, WHOLE, Plan
from bench.servers import LOAD_CORE
from casare_rpa import __version__

RESULTS = Path(__file__).parent / "results"
Step = Callable[[], Awaitable[None]]
logger = logging.getLogger(__name__)
MILLION = 1_000_000
HISTORY = "history"
STEP_SECONDS = 1_800.0
"""The longest time of a measure; `history` fills a store first, which has no limit."""
TOGETHER = ("progress and heartbeats", "mix with logs")
ALONE = ("progress", "log", "heartbeat")


def headline(figures: Figures, *, pinned: bool, plan: Plan, fastest: int | None = None) -> Iterator[tuple[str, Step]]:
    """The measures with targets, and the same of other systems, in turns; `fastest` limits the number of the others."""
    yield "inbound", partial(inbound.measure, figures, pinned=pinned, robots=50, plan=plan, kinds=TOGETHER, limit=True)
    others = (tuple(fan_out.OTHERS) if pinned else fan_out.UNPINNED)[:fastest]
    yield "fan-out", partial(fan_out.measure, figures, pinned=pinned, viewers=1000, plan=plan, others=others)
    yield "jobs", partial(jobs.measure, figures, pinned=pinned, robots=200, batch=jobs.BATCH, plan=plan)
    if pinned:
        yield "queues", partial(queues.measure, figures, pinned=pinned, turns=plan.turns, fastest=fastest)
    yield "assign", partial(jobs.measure_assign, figures, pinned=pinned, robots=1000, pending=0, turns=plan.turns)


def on_postgres(figures: Figures, *, pinned: bool, plan: Plan) -> Iterator[tuple[str, Step]]:
    """The product on PostgreSQL, which has a core of its own when pinned; what needs that only then."""
    same = partial(jobs.measure, figures, pinned=pinned, robots=200, plan=plan, on_postgres=True)
    assign = partial(jobs.measure_assign, figures, pinned=pinned, robots=1000, turns=plan.turns, on_postgres=True)
    yield "postgres", partial(queues.measure_beside_oban, figures, pinned=pinned, plan=plan)
    yield "postgres", partial(same, batch=1)
    yield "postgres", partial(assign, pending=0)
    kinds = (*TOGETHER[1:], "log")
    yield (
        "postgres",
        partial(inbound.measure, figures, pinned=pinned, robots=50, plan=plan, kinds=kinds, on_postgres=True),
    )
    if pinned:
        yield "postgres-many", partial(instances.measure_jobs, figures, pinned=pinned, plan=plan)
        yield "postgres-many", partial(instances.measure_delays, figures, pinned=pinned)
        yield "postgres-large", partial(assign, pending=MILLION)
        yield "postgres-large", partial(leases.measure, figures, pinned=pinned, robots=10_000)
        yield "postgres-large", partial(leases.measure_hints, figures, pinned=pinned)


def quick(figures: Figures, *, pinned: bool) -> Iterator[tuple[str, Step]]:
    """The most important measures, once."""
    yield from headline(figures, pinned=pinned, plan=QUICK, fastest=2)
    yield "connections", partial(connections.measure, figures, pinned=pinned, robots=2_000, ramp=1_000, plan=QUICK)


def whole(figures: Figures, *, pinned: bool) -> Iterator[tuple[str, Step]]:
    """Every measure."""
    yield from headline(figures, pinned=pinned, plan=WHOLE)
    ramp = partial(connections.measure, figures, pinned=pinned)
    yield "connections", partial(ramp, robots=10_000, ramp=5_000, plan=WHOLE, limit=True)
    yield "connections", partial(ramp, robots=1_000, ramp=500, plan=BRIEF)
    for waiting in (100_000, MILLION):
        yield "assign", partial(jobs.measure_assign, figures, pinned=pinned, robots=1000, pending=waiting, turns=1)
        yield "assign", partial(jobs.measure_freed, figures, pinned=pinned, robots=1000, pending=waiting)
    yield "assign", partial(jobs.measure_assign, figures, pinned=pinned, robots=1, pending=0, turns=1)
    for robots, turns in ((1_000, 1), (5_000, 1), (10_000, 3)):
        yield "fleet", partial(fleet_day.measure, figures, pinned=pinned, robots=robots, turns=turns, seconds=3.0)
    yield "fairness", partial(fairness.measure_stalled, figures, pinned=pinned, seconds=1.5)
    yield "fairness", partial(fairness.measure_flood, figures, pinned=pinned, seconds=2.0)
    yield "hostile", partial(hostile.measure, figures, pinned=pinned, seconds=2.0)
    yield "inbound", partial(inbound.measure, figures, pinned=pinned, robots=50, plan=BRIEF, kinds=ALONE)
    yield (
        "inbound",
        partial(inbound.measure, figures, pinned=pinned, robots=1000, plan=BRIEF, kinds=(*TOGETHER, *ALONE)),
    )
    for viewers in (100, 5000):
        yield "fan-out", partial(fan_out.measure, figures, pinned=pinned, viewers=viewers, plan=BRIEF)
    for viewers in (100, 1000, 5000):
        yield "fan-out", partial(fan_out.measure_jobs, figures, pinned=pinned, viewers=viewers)
    if pinned:
        yield "queues-growth", partial(queues.measure_growth, figures, pinned=pinned, turns=WHOLE.turns)
        yield "queues-robot", partial(agents.measure, figures, pinned=pinned, turns=WHOLE.turns)
    yield from on_postgres(figures, pinned=pinned, plan=WHOLE)
    for robots, batch in ((200, 1), (1, jobs.BATCH), (1, 1)):
        yield "jobs", partial(jobs.measure, figures, pinned=pinned, robots=robots, batch=batch, plan=BRIEF)


async def run(figures: Figures, *, runs: int, briefly: bool, only: list[str], ended: int) -> list[str]:
    """Run all measures, pinned and not, the given number of times. The speed of the machine is measured before each.

    Returns the measures that failed. A failure ends only its measure, because the others have taken half an hour.
    """
    asyncio.get_running_loop().set_exception_handler(_fail)
    failed: list[str] = []
    for turn in range(runs):
        for pinned in (True, False):
            pin(os.getpid(), LOAD_CORE if pinned else None)
            async with fan_out.of_relay("picows", 1_000, pinned=pinned) as relay:
                steps = (quick if briefly else whole)(figures, pinned=pinned)
                if HISTORY in only and pinned:
                    plan = QUICK if briefly else WHOLE
                    one = partial(history.measure, figures, pinned=pinned, ended=ended, turns=plan.turns)
                    steps = itertools.chain(steps, [(HISTORY, one)])
                for name, step in steps:
                    if not only or name in only or name.partition("-")[0] in only:
                        figures.speed = await fan_out.speed(relay)
                        what = f"{name}, {'1 core' if pinned else '2 cores'}, run {turn + 1} of {runs}"
                        if not await run_step(figures, what, step, None if name == HISTORY else STEP_SECONDS):
                            failed.append(what)
    return failed


async def run_step(figures: Figures, what: str, step: Step, most_seconds: float | None) -> bool:
    """Run one step and print its result, or why it failed. Returns whether it ended without an error."""
    began = time.monotonic()
    known = {figure.key: len(figure.runs) for figure in figures.all()}
    failed, others = False, asyncio.all_tasks()
    try:
        async with asyncio.timeout(most_seconds):
            await step()
    except Exception:  # the edge of a measure: the others are run, and the command fails at its end
        logger.exception("%s failed", what)
        failed = True
        for task in asyncio.all_tasks() - others:
            task.cancel()
    speed = figures.speed or 0.0
    seconds = f"{'FAILED after ' if failed else ''}{time.monotonic() - began:.1f} s"
    print(f"{what}: {seconds}, machine × {speed:.2f}", file=sys.stderr)
    for figure in figures.all():
        if len(figure.runs) != known.get(figure.key, 0):
            print(f"    {figure.name}, {figure.server}: {human(figure.median)} {figure.unit}", file=sys.stderr)
    return not failed


def _fail(_loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """Fail, because an error in the load generator makes all later figures wrong."""
    print(f"the load generator failed: {context}", file=sys.stderr)
    os._exit(1)


def compared(figures: Figures) -> str:
    """The systems that were measured in turns, with the records and guarantees of each of them."""
    titles = (
        ("Job queues under the same load", queues.COMPARED, systems.QUEUES),
        ("Messages to 1,000 viewers", fan_out.COMPARED, systems.FAN_OUT),
    )
    tables = ((title, systems.comparison(figures, columns, known, pinned=True)) for title, columns, known in titles)
    return "".join(f"\n{title}:\n\n{lines}\n" for title, lines in tables if lines)


def targeted(figures: Figures) -> str:
    """Whether the targets are met, pinned and as measured here."""
    lines = targets.summary(figures, pinned=True)
    return f"\nThe targets of this version, pinned:\n\n{lines}\n" if lines else ""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer measures, once each")
    parser.add_argument(
        "--only",
        nargs="*",
        default=[],
        help="inbound, fan-out, jobs, queues, assign, postgres (or its parts -many and -large), connections, fairness, "
        "hostile, fleet, history",
    )
    parser.add_argument("--runs", type=int, default=1, help="runs of everything; the table has medians of all turns")
    parser.add_argument("--keep", action="store_true", help="write bench/results/ for this release")
    parser.add_argument(
        "--history-jobs", type=int, default=history.JOBS, help="ended jobs of history, which runs only with --only"
    )
    wanted = parser.parse_args()
    figures = Figures()
    failed = uvloop.run(
        run(figures, runs=wanted.runs, briefly=wanted.quick, only=wanted.only, ended=wanted.history_jobs)
    )
    kept = RESULTS / f"{__version__}.json"
    print(table(figures.rows(medians_of(kept))))
    print(compared(figures))
    print(targeted(figures))
    print(f"\nHow fast this machine was; 1 is a bare relay with {RELAYED_WHEN_SET:,} deliveries a second:\n")
    for pinned in (True, False):
        if speeds := figures.speeds(pinned=pinned):
            cores = "1 core" if pinned else "2 cores"
            print(f"- {cores}: {speeds[0]:.2f} to {speeds[-1]:.2f}, median {statistics.median(speeds):.2f}")
    print("\nGrowth, where 0 is none per unit of work:\n")
    print("\n".join(growth(figures)))
    for figure in figures.missed():
        cores = "1 core" if figure.pinned else "2 cores"
        server = "" if figure.server == "casare" else f", {figure.server}"
        missed = f"{figure.name}{server}, {cores}: {human(figure.median)} {figure.unit}: {verdict(figure)}"
        print(f"missed: {missed}", file=sys.stderr)
    about = {"version": __version__, "measured": dt.datetime.now(dt.UTC).date().isoformat(), **described()}
    if wanted.keep:
        RESULTS.mkdir(exist_ok=True)
        kept.write_text(figures.json(about), encoding="utf-8")
        (RESULTS / f"{__version__}.md").write_text(
            f"{table(figures.rows({}))}\n{compared(figures)}{targeted(figures)}", encoding="utf-8"
        )
    for what in failed:
        print(f"failed: {what}; the error is above", file=sys.stderr)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
