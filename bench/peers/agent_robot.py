"""The robot process of the product. Arguments: URL, robot, key, folder, slots, and `children` or `no-children`.

With `children`, each job is a process that ends at once. Otherwise, only the executor is replaced: it ends at once
instead of starting a process. The journal is in the folder, on the disk. Each line of the input is answered with the
number of flushes of the journal so far.
"""

import asyncio
import json
import sys
from pathlib import Path

from casare_rpa.infrastructure.orchestrator.communication.websocket_client import OrchestratorWebSocketClient
from casare_rpa.robot.agent import RobotAgent, RobotOptions
from casare_rpa.robot.executors.any_kind import WorkflowExecutor
from casare_rpa.robot.executors.base import Emit, Executor, Outcome, StopRequest, Task
from casare_rpa.robot.executors.slot_folders import SlotFolders
from casare_rpa.robot.journal import Journal
from casare_rpa.robot.journal_file import JournalFile
from casare_rpa.robot.journal_thread import JournalThread
from casare_rpa.robot.log_format import configure_robot_log
from casare_rpa.robot.run_loop import connect_until_accepted
from casare_rpa.robot.workflows import list_workflows

COMMAND = 'kind = "command"\ncommand = ["true"]\n'
ROUND_FLUSHES = 3
"""Flushes of each round of the write-ahead log: its last entries, the file that they are copied to, the new header."""
HEADER = 32
ROUND = slice(12, 16)
"""The place of the number of the round in the header of the write-ahead log. Source: SQLite, "Database File Format"."""


class NoWork:
    """An executor whose workflows end at once."""

    async def run(self, _task: Task, _emit: Emit, _stop: StopRequest) -> Outcome:
        return Outcome()


class CountingFile(JournalFile):
    """The file of the journal, which counts the commits that write: with `synchronous = FULL`, each is one flush."""

    commits = 0

    def commit(self) -> None:
        writes = self._connection.in_transaction
        super().commit()
        if writes:
            type(self).commits += 1


def flushes(path: Path) -> int:
    """The flushes so far: commits, and rounds of the write-ahead log."""
    with path.with_name(f"{path.name}-wal").open("rb") as log:
        rounds = int.from_bytes(log.read(HEADER)[ROUND], "big")
    return CountingFile.commits + ROUND_FLUSHES * rounds


async def answer(path: Path) -> None:
    """Answer each line of the input until it ends."""
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps({"flushes": flushes(path)}), flush=True)


async def work(url: str, robot_id: str, key: str, folder: Path, slots: int, *, children: bool) -> None:
    workflows = folder / "workflows"
    (workflows / "bench").mkdir(parents=True)
    if children:
        (workflows / "bench" / "workflow.toml").write_text(COMMAND, encoding="utf-8")
    path = folder / "journal.db"
    journal = JournalThread(Journal(path, open_file=CountingFile))
    client = OrchestratorWebSocketClient(
        robot_id=robot_id,
        api_key=key,
        orchestrator_url=url,
        max_concurrent_jobs=slots,
        workflows=list_workflows(workflows),
        spool=journal,
    )
    options = RobotOptions(
        url=url, robot_id=robot_id, api_key=key, workflows=workflows, data_dir=folder, max_concurrent_jobs=slots
    )
    executor: Executor = WorkflowExecutor(SlotFolders(options.slot_root)) if children else NoWork()
    agent = RobotAgent(client, options, executor, journal)
    watching = asyncio.create_task(agent.watch_workflows(list_workflows(workflows)))
    answering = asyncio.create_task(answer(path))
    await connect_until_accepted(client)
    await client.run()
    watching.cancel()
    answering.cancel()


configure_robot_log("WARNING")
URL, ROBOT, KEY, FOLDER, SLOTS, CHILDREN = sys.argv[1:]
asyncio.run(work(URL, ROBOT, KEY, Path(FOLDER), int(SLOTS), children=CHILDREN == "children"))
