"""A robot as released, except that its jobs are short sleeps and it writes a journal.

The journal records the real events: `started` before a job begins, `ended` after its work, and `answered` when the
server has accepted or refused its report.
"""

import asyncio
import os
import sys
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from chaos import pace
from chaos.journal import Journal, Points
from chaos.processes import die_with_parent

pace.apply()

from casare_rpa.domain.logs import Level  # noqa: E402 - the pace comes first
from casare_rpa.domain.protocol import JobError  # noqa: E402
from casare_rpa.infrastructure.orchestrator.communication.robot import client_protocol, messages  # noqa: E402
from casare_rpa.infrastructure.orchestrator.communication.robot.retransmit import MessageKind, PendingMessage  # noqa: E402
from casare_rpa.robot import agent, run_loop  # noqa: E402
from casare_rpa.robot.executors.base import Emit, Log, Outcome, ProgressUpdate, StopRequest, Task  # noqa: E402

WORKFLOW = "chaos"


class JournalExecutor:
    """Runs a job of a number of milliseconds; records its start and its end."""

    def __init__(self, journal: Journal, points: Points, robot_id: str) -> None:
        self._journal = journal
        self._points = points
        self._robot_id = robot_id

    async def run(self, task: Task, emit: Emit, stop: StopRequest) -> Outcome:
        about = {"job_id": task.job_id, "attempt": task.attempt, "robot_id": self._robot_id}
        self._journal.write("started", **about)
        self._points.hit("started")
        outcome = await self._work(task.parameters, emit, stop)
        how = "completed" if outcome.error is None else outcome.error.type
        self._journal.write("ended", outcome=how, **about)
        self._points.hit("ended")
        return outcome

    async def _work(self, wanted: dict[str, Any], emit: Emit, stop: StopRequest) -> Outcome:
        await emit(Log(Level.INFO, "at work", datetime.now().astimezone()))
        for percent in (25, 50, 75):
            try:
                async with asyncio.timeout(wanted["seconds"] / 3):
                    await stop.wanted.wait()
            except TimeoutError:
                await emit(ProgressUpdate(percent))
                continue
            return Outcome(error=JobError(type="cancelled", message=stop.reason or "stopped"))
        if wanted["outcome"] == "completed":
            return Outcome(result={"done": True})
        return Outcome(error=JobError(type=wanted["outcome"], message="as it was told to"))


def journal_answers(journal: Journal, robot_id: str) -> None:
    """Record each answer to an end before the client handles it."""
    settle = client_protocol.ClientProtocol._settle

    def settle_and_tell(self: client_protocol.ClientProtocol, pending: PendingMessage, *, accepted: bool) -> None:
        if pending.kind is MessageKind.END:
            about = {"job_id": pending.job_id, "attempt": pending.attempt, "robot_id": robot_id}
            journal.write("answered", accepted=accepted, **about)
        settle(self, pending, accepted=accepted)

    client_protocol.ClientProtocol._settle = settle_and_tell


def shift_clock(seconds: float) -> None:
    """Give the robot a wrong wall clock."""

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + timedelta(seconds=seconds)

    client_protocol.datetime = Wrong
    messages.datetime = Wrong


def main() -> int:
    """Run the robot with the configuration of the environment."""
    die_with_parent()
    folder, robot_id = Path(os.environ["CHAOS_DIR"]), os.environ["CHAOS_ROBOT"]
    journal = Journal(folder / "robots" / f"{robot_id}.jsonl")
    points = Points(folder / "points", robot_id)
    journal_answers(journal, robot_id)
    shift_clock(float(os.environ.get("CHAOS_CLOCK_SHIFT", "0")))
    run_loop.WorkflowExecutor = lambda _slots: JournalExecutor(journal, points, robot_id)
    options = agent.RobotOptions(
        url=os.environ["CHAOS_URL"],
        robot_id=robot_id,
        api_key=os.environ["CASARE_API_KEY"],
        workflows=folder / "workflows",
        data_dir=folder / "robot-data" / robot_id,
        tags=tuple(os.environ["CHAOS_TAGS"].split(",")),
        log_level="WARNING",
    )
    run_loop.run_robot(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
