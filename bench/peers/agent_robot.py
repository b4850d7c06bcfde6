"""The robot process of the product with 50 slots, whose jobs do nothing. Arguments: URL, robot, key, folder.

Only the executor is replaced: it ends at once instead of starting a process. The journal is in the folder, on the disk.
"""

import asyncio
import sys
from pathlib import Path

from casare_rpa.infrastructure.orchestrator.communication.websocket_client import OrchestratorWebSocketClient
from casare_rpa.robot.agent import RobotAgent, RobotOptions
from casare_rpa.robot.executors.base import Emit, Outcome, StopRequest, Task
from casare_rpa.robot.journal import Journal
from casare_rpa.robot.journal_thread import JournalThread
from casare_rpa.robot.log_format import configure_robot_log
from casare_rpa.robot.run_loop import connect_until_accepted
from casare_rpa.robot.workflows import list_workflows

SLOTS = 50


class NoWork:
    """An executor whose workflows end at once."""

    async def run(self, _task: Task, _emit: Emit, _stop: StopRequest) -> Outcome:
        return Outcome()


async def work(url: str, robot_id: str, key: str, folder: Path) -> None:
    workflows = folder / "workflows"
    (workflows / "bench").mkdir(parents=True)
    journal = JournalThread(Journal(folder / "journal.db"))
    client = OrchestratorWebSocketClient(
        robot_id=robot_id,
        api_key=key,
        orchestrator_url=url,
        max_concurrent_jobs=SLOTS,
        workflows=list_workflows(workflows),
        spool=journal,
    )
    options = RobotOptions(
        url=url, robot_id=robot_id, api_key=key, workflows=workflows, data_dir=folder, max_concurrent_jobs=SLOTS
    )
    agent = RobotAgent(client, options, NoWork(), journal)
    watching = asyncio.create_task(agent.watch_workflows(list_workflows(workflows)))
    await connect_until_accepted(client)
    await client.run()
    watching.cancel()


configure_robot_log("WARNING")
asyncio.run(work(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4])))
