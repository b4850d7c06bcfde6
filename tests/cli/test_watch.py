"""`casare watch`: every change once and in order, over restarts of the command and of the server."""

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from casare_rpa.cli.exits import Exit
from child_process import child_process
from cli.running import WITHIN_SECONDS, casare, done, error, lines, surroundings
from cli.test_follow import read_until
from contract.server_process import Server, serving

CASARE = [sys.executable, "-u", "-m", "casare_rpa.cli.main"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "server") as running:
        yield running


def submit(server: Server, number: int = 1) -> list[str]:
    return [server.post("/jobs", {"workflow_id": "w", "tags": ["none"]})["job_id"] for _ in range(number)]


def numbers(printed: list[Any]) -> list[int]:
    return [one["change"]["number"] for one in printed if one["type"] == "change"]


def once(server: Server, *arguments: str) -> list[Any]:
    return lines(done(casare("watch", "--once", "--json", *arguments, url=server.url)))


@pytest.mark.slow
def test_stored_changes_are_printed_from_a_position_on(server: Server) -> None:
    first, second = submit(server, 2)
    *changes, last = once(server, "--since", "oldest")
    assert [one["change"]["job_id"] for one in changes] == [first, second]
    assert last == {"type": "position", "position": changes[-1]["change"]["position"]}
    assert numbers(once(server, "--since", changes[0]["change"]["position"])) == [2]
    assert once(server) == [last], "without --since the command begins now"
    assert numbers(once(server, "--since", "oldest", "--tenant", "default")) == [1, 2]
    printed = done(casare("watch", "--once", "--since", "oldest", url=server.url)).splitlines()
    assert [line.split()[0] for line in printed] == [one["change"]["position"] for one in changes]
    assert all("── pending" in line for line in printed)


@pytest.mark.slow
def test_state_file_continues_where_the_last_run_ended(server: Server, tmp_path: Path) -> None:
    state = tmp_path / "place"
    submit(server, 2)
    assert numbers(once(server, "--since", "oldest", "--state", str(state))) == [1, 2]
    assert once(server, "--since", "oldest", "--state", str(state)) == [
        {"type": "position", "position": state.read_text().strip()}
    ]
    submit(server)
    assert numbers(once(server, "--since", "oldest", "--state", str(state))) == [3]
    state.write_text("")
    refused = casare("watch", "--once", "--state", str(state), "--json", url=server.url)
    assert error(refused)["code"] == Exit.USAGE.name
    missing = casare("watch", "--once", "--state", str(tmp_path / "no" / "place"), "--json", url=server.url)
    assert (missing.returncode, "does not exist" in error(missing)["message"]) == (Exit.USAGE, True)


@pytest.mark.slow
def test_watch_continues_over_a_restart_of_the_server(tmp_path: Path) -> None:
    command = [*CASARE, "watch", "--json", "--since", "oldest", "--state", str(tmp_path / "place")]
    with serving(tmp_path / "server") as server:
        url, port = server.url, server.url.rpartition(":")[2]
        submit(server)
        with child_process(command, env=surroundings(url), stdout=subprocess.PIPE, text=True) as watching:
            assert watching.stdout is not None
            printed = [json.loads(watching.stdout.readline()) for _ in range(2)]
            server.process.kill()
            server.wait()
            with serving(tmp_path / "server", CASARE_PORT=port) as again:
                submit(again, 2)
                while len(numbers(printed)) < 3:
                    printed.append(json.loads(watching.stdout.readline()))
            watching.send_signal(signal.SIGINT)
            watching.communicate(timeout=WITHIN_SECONDS)
    assert numbers(printed) == [1, 2, 3]
    assert watching.returncode == Exit.INTERRUPTED
    assert (tmp_path / "place").read_text().strip() == printed[-1]["change"]["position"]


@pytest.mark.slow
def test_interrupt_prints_how_to_continue(server: Server) -> None:
    command = [*CASARE, "watch", "--since", "oldest"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with child_process(command, env=surroundings(server.url), **pipes) as watching:
        submit(server)
        read_until(watching.stdout, "── pending")
        watching.send_signal(signal.SIGINT)
        _, said = watching.communicate(timeout=WITHIN_SECONDS)
    position = once(server)[-1]["position"]
    assert (watching.returncode, said.strip()) == (Exit.INTERRUPTED, f"To continue: casare watch --since {position}")


@pytest.mark.slow
def test_lost_position_is_an_error_with_the_next_step(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        submit(server, 2)
    with sqlite3.connect(tmp_path / "casare.db") as database:
        database.execute("DELETE FROM job_events WHERE seq = 1")
    database.close()
    with serving(tmp_path) as server:
        oldest = once(server, "--since", "oldest")
        assert numbers(oldest) == [2]
        lost = f"{oldest[0]['change']['position'].partition(':')[0]}:0"
        for more in ([], ["--once"]):
            refused = casare("watch", "--since", lost, *more, url=server.url)
            assert (refused.returncode, refused.stdout) == (Exit.FAILED, "")
            assert (
                "changes after this position were deleted by retention; read the list of jobs again" in refused.stderr
            )
