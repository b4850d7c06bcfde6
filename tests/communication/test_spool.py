"""A client with a journal: lines logged offline are stored once and in order, although server and robot restart."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest

from casare_rpa.domain.liveness import Backoff
from casare_rpa.infrastructure.orchestrator.communication.websocket_client import OrchestratorWebSocketClient
from casare_rpa.robot.journal import Journal
from casare_rpa.robot.journal_thread import JournalThread
from communication.peers import until
from contract.server_process import Account, Server, serving

LINES = 25_000
SOON = 3_000


def client(server_url: str, account: Account, journal: JournalThread) -> OrchestratorWebSocketClient:
    quick = Backoff(first_seconds=0.05, cap_seconds=0.2)
    return OrchestratorWebSocketClient(account.robot_id, account.api_key, server_url, backoff=quick, spool=journal)


def stored(server: Server, account: Account) -> list[int]:
    """The numbers of the stored lines, in the order of their arrival."""
    found: list[int] = []
    cursor = ""
    while cursor is not None:
        page: Any = server.get(f"/logs?robot_id={account.robot_id}&limit=500{cursor and f'&cursor={cursor}'}")
        found += [int(item["message"]) for item in page["items"]]
        cursor = page["next_cursor"]
    return found[::-1]


@pytest.mark.slow
@pytest.mark.long
async def test_lines_logged_offline_are_stored_once_over_a_killed_server_and_a_new_process(tmp_path: Path) -> None:
    journal = JournalThread(Journal(tmp_path / "journal.db"))
    with serving(tmp_path / "server") as server:
        account, port = server.robot(), server.url.rpartition(":")[2]
        first = client(server.url, account, journal)
        for number in range(LINES):  # no waiting without a connection
            await first.send_log(str(number))
        await first.connect()

        async def newest() -> int:
            page = await asyncio.to_thread(server.get, f"/logs?robot_id={account.robot_id}&limit=1")
            return max((int(item["message"]) for item in page["items"]), default=0)

        await until(newest, lambda number: number >= SOON)
        server.process.send_signal(signal.SIGKILL)
        server.wait()
        await first.close()
        journal.close()  # the end of the robot's process; a new one follows
    journal = JournalThread(Journal(tmp_path / "journal.db"))
    assert journal.lines_after(0, 1), "the server was killed before it had all lines"
    with serving(tmp_path / "server", CASARE_PORT=port) as again:
        async with client(again.url, account, journal) as second:
            assert await second.drain(60)
        assert await asyncio.to_thread(stored, again, account) == list(range(LINES))
    assert journal.lines_after(0, 1) == []
    journal.close()
