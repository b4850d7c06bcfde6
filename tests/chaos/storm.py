"""A reconnect storm: thousands of robots lose the server at the same moment and reconnect."""

import asyncio
import json
import signal
import time
from dataclasses import dataclass

from chaos.campaign import Campaign, Recovery, Wishes
from chaos.journal import read_all
from chaos.processes import tag_of
from chaos.run import Say
from chaos.verdict import Verdict

PROCESSES = 2
CREATORS = 16
BACK_SECONDS = 240.0
CONNECTIONS = "20000"
ENDS = (signal.SIGTERM, signal.SIGKILL)


@dataclass(frozen=True)
class Round:
    """One loss of the server. Seconds count from its end."""

    end: str
    recovery: Recovery
    handshake_p50_seconds: float
    handshake_p99_seconds: float
    tries: int
    """Refused connection attempts: there was no server yet, or it was too busy."""


@dataclass(frozen=True)
class StormOutcome:
    """The result of a storm."""

    rounds: list[Round]
    verdict: Verdict
    remarks: list[str]
    calm_seconds: float

    @property
    def good(self) -> bool:
        back = all(r.recovery.all_back_seconds is not None for r in self.rounds)
        return back and not self.verdict.violations and not self.verdict.needless_losses and not self.remarks


async def run_storm(wishes: Wishes, robots: int, say: Say) -> StormOutcome:
    """All robots connect; the server is stopped, then killed; jobs are submitted continuously."""
    run = Campaign(wishes)
    ticker = asyncio.create_task(_tick(run, robots, say), name="ticker")
    rounds: list[Round] = []
    try:
        await run.start()
        await _connect_all(run, robots, say)
        for end in ENDS:
            rounds.append(await _drop(run, end))
            say(_told(rounds[-1]))
        calm_seconds = await run.calm()
        verdict = await run.judge()
    finally:
        ticker.cancel()
        await asyncio.gather(ticker, return_exceptions=True)
        await run.stop()
    run.check_database()
    return StormOutcome(rounds, verdict, run.remarks, calm_seconds)


async def _connect_all(run: Campaign, robots: int, say: Say) -> None:
    (run.folder / "handshakes").mkdir()
    began = time.monotonic()
    run.now_doing = "making robots and keys"
    keys: dict[str, str] = {}
    names = iter([f"storm-{number:05}" for number in range(robots)])

    async def make() -> None:
        for name in names:
            keys[name] = await run.new_robot(name, tag=tag_of(name))

    await asyncio.gather(*[make() for _ in range(CREATORS)])
    say(f"{robots} robots have a key after {time.monotonic() - began:.1f} s")
    everyone = sorted(keys)
    run.now_doing = "connecting"
    began = time.monotonic()
    for number in range(PROCESSES):
        mine = {name: keys[name] for name in everyone[number::PROCESSES]}
        (run.folder / f"storm-{number}.json").write_text(json.dumps(mine))
        run.add_storm(number)
    run.expected_robots = robots
    await run.until_back(BACK_SECONDS)
    say(f"{robots} robots are connected after {time.monotonic() - began:.1f} s")


async def _drop(run: Campaign, end: signal.Signals) -> Round:
    run.now_doing = f"after {end.name}"
    run.server.send(end)
    await run.server.ended.wait()
    gone_at = time.monotonic()
    recovery = await run.recovery(end.name, gone_at, BACK_SECONDS)
    made = [fact for fact in read_all(run.folder / "handshakes") if fact["at"] >= gone_at]
    took = sorted(fact["took"] for fact in made)
    tries = sum(fact["failures"] for fact in made)
    return Round(end.name, recovery, took[len(took) // 2], took[int(len(took) * 0.99)], tries)


async def _tick(run: Campaign, robots: int, say: Say) -> None:
    while True:
        await asyncio.sleep(5)
        say(f"{await run.connected()} of {robots} robots are connected: {run.now_doing}")


def _told(one: Round) -> str:
    back, first = one.recovery.all_back_seconds, one.recovery.first_end_seconds
    return (
        f"{one.end}: all back after {'more' if back is None else f'{back:.1f} s'}, "
        f"first job acknowledged after {'more' if first is None else f'{first:.1f} s'}, "
        f"handshake median {one.handshake_p50_seconds:.2f} s, p99 {one.handshake_p99_seconds:.2f} s, "
        f"{one.tries} tries in vain"
    )


def storm_table(outcome: StormOutcome) -> str:
    """Rounds and verdict as text."""
    verdict = outcome.verdict
    lines = [_told(one) for one in outcome.rounds]
    ends = ", ".join(f"{name} {number}" for name, number in sorted(verdict.ends.items()))
    lines.append(f"submitted {verdict.submitted}, {ends}; last job ended {outcome.calm_seconds:.1f} s after the storm")
    lines.append(", ".join(f"{name} {len(cases)}" for name, cases in verdict.promises.items()))
    lines += [f"  {name}: {case}" for name, cases in verdict.violations.items() for case in cases[:10]]
    lines += [f"  given up without harm: {case}" for case in verdict.needless_losses[:10]]
    lines += [f"  remark: {remark}" for remark in outcome.remarks]
    lines.append("verdict: good" if outcome.good else "verdict: BROKEN PROMISES")
    return "\n".join(lines)
