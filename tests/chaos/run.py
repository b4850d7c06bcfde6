"""Runs a campaign from start to verdict and prints its progress."""

import asyncio
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

from chaos.campaign import Campaign, Recovery, Wishes
from chaos.cluster import ClusterCampaign
from chaos.cluster_faults import cluster_plan
from chaos.faults import Fault, plan
from chaos.journal import Tail
from chaos.verdict import Verdict

Say = Callable[[str], None]
TICK_SECONDS = 1.0
SILENT_TICKS = 5
"""Without a terminal, one line per this number of ticks."""


@dataclass(frozen=True)
class Outcome:
    """The result of a run. `remarks` are problems besides the verdict."""

    verdict: Verdict
    remarks: list[str]
    recoveries: list[Recovery]
    calm_seconds: float
    """Seconds from the last fault until all jobs had ended and all robots were connected."""
    seconds: float
    deaths: Counter[str]
    """Processes that ended during the run, by kind."""
    notes: list[str]
    """Further results, as lines."""

    @property
    def good(self) -> bool:
        return not self.verdict.violations and not self.remarks


async def run_campaign(wishes: Wishes, seconds: float, say: Say, faults: Iterable[Fault] | None = None) -> Outcome:
    """Run the faults of `plan` for a time, or all of these faults; then a calm phase, then the verdict."""
    run = Campaign(wishes) if wishes.instances == 1 else ClusterCampaign(wishes)
    began = time.monotonic()
    ticker = asyncio.create_task(_tick(run, say), name="ticker")
    try:
        await run.start()
        say(f"{wishes.robots} robots are at work; seed {wishes.seed}, pace {wishes.pace.name}")
        await _inject(run, seconds, say, faults)
        calm_seconds = await run.calm()
        verdict = await run.judge()
    finally:
        ticker.cancel()
        await asyncio.gather(ticker, return_exceptions=True)
        await run.stop()
    run.check_database()
    died = sum(len(server.codes) - 1 for server in run.servers)
    deaths = Counter({"server": died, "submitter": sum(c != 0 for c in run.submitter.codes)})
    deaths["robot"] = sum(len(robot.codes) - 1 for robot in run.robots.values())
    return Outcome(verdict, run.remarks, run.recoveries, calm_seconds, time.monotonic() - began, deaths, run.notes)


async def _inject(run: Campaign, seconds: float, say: Say, faults: Iterable[Fault] | None) -> None:
    began = time.monotonic()
    planned = cluster_plan(run, seconds) if isinstance(run, ClusterCampaign) else plan(run, seconds)
    for fault in faults if faults is not None else planned:
        if faults is None and time.monotonic() - began > seconds:
            break
        name = fault.__name__.replace("_", " ")
        run.now_doing = name
        run.journal.write("fault", name=name)
        since = time.monotonic()
        harmed_until = await fault(run)
        lasted = harmed_until - since
        recovery = await run.recovery(name, harmed_until, max(run.pace.back, lasted))
        ends, back = _shown(recovery.first_end_seconds), _shown(recovery.all_back_seconds)
        at = time.monotonic() - began
        say(f"{at:6.1f} s  {name:<44} took {lasted:5.1f} s; work continues after {ends}, all back after {back}")


def _shown(seconds: float | None) -> str:
    return "   later" if seconds is None else f"{seconds:5.2f} s"


async def _tick(run: Campaign, say: Say) -> None:
    robots, promises = Tail(run.folder / "robots"), Tail(run.folder)
    counts: Counter[str] = Counter()
    ticks = 0
    while True:
        await asyncio.sleep(TICK_SECONDS)
        ticks += 1
        counts.update(fact["fact"] for tail in (robots, promises) for fact in tail.news())
        line = (
            f"submitted {counts['submitted']}, started {counts['started']}, done {counts['ended']}, "
            f"acknowledged {counts['answered']}, faults {counts['fault']}: {run.now_doing}"
        )
        if sys.stdout.isatty():
            print(f"\r{line:<118}", end="\r", flush=True)
        elif ticks % SILENT_TICKS == 0:
            say(line)
        await run.see_who_is_back()


def table(outcome: Outcome) -> str:
    """Recovery times and verdict as text."""
    by_fault: defaultdict[str, list[Recovery]] = defaultdict(list)
    for recovery in outcome.recoveries:
        by_fault[recovery.fault].append(recovery)
    lines = [f"{'fault':<44} {'times':>5}  {'work continues':>16}  {'all robots back':>16}"]
    lines += [f"{'':<44} {'':>5}  {'median     max':>16}  {'median     max':>16}"]
    for name, recoveries in sorted(by_fault.items()):
        ends = _median_and_max([r.first_end_seconds for r in recoveries])
        backs = _median_and_max([r.all_back_seconds for r in recoveries])
        lines.append(f"{name:<44} {len(recoveries):>5}  {ends:>16}  {backs:>16}")
    verdict = outcome.verdict
    ends = ", ".join(f"{name} {number}" for name, number in sorted(verdict.ends.items()))
    died = ", ".join(f"{name} {number}" for name, number in sorted(outcome.deaths.items()))
    lines.append("")
    lines.append(f"submitted {verdict.submitted}, starts {verdict.starts}, {ends}")
    lines.append(f"ends that robots were told are kept: {verdict.answered_ends}; processes that died: {died}")
    calm = f"{outcome.calm_seconds:.1f} s after the last fault"
    lines.append(f"every job had ended and every robot was back {calm}; {outcome.seconds:.0f} s in all")
    counts = [f"{name} {len(cases)}" for name, cases in verdict.promises.items()]
    lines.append(", ".join(counts))
    silent, needless = len(verdict.paused_overlaps), len(verdict.needless_losses)
    lines.append(f"attempts that overlapped because a robot was silent for longer than its lease: {silent}")
    lines.append(f"given up without harm to their robot: {needless}")
    for name, cases in {**verdict.violations, "given up without harm": verdict.needless_losses}.items():
        lines += [f"  {name}: {case}" for case in cases[:10]]
    lines += [f"  remark: {remark}" for remark in outcome.remarks]
    lines += outcome.notes
    lines.append("verdict: good" if outcome.good else "verdict: BROKEN PROMISES")
    return "\n".join(lines)


def _median_and_max(seconds: list[float | None]) -> str:
    known = [value for value in seconds if value is not None]
    if not known:
        return "more"
    most = f"{max(known):.2f}" if len(known) == len(seconds) else "more"
    return f"{median(known):6.2f}  {most:>6}"
