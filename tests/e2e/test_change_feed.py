"""The change feed over real sockets: `kill -9` of the server and of the client, a stop, and a slow client."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from child_process import child_process
from contract.server_process import ADMIN_SECRET, Server, serving

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "examples" / "follow_changes.py"
PAGE = (ROOT / "docs" / "how-to" / "follow-changes.md").read_text(encoding="utf-8")
WITHIN_SECONDS = 60
ACCEPT = {"Accept": "text/event-stream"}


def events(response: httpx2.Response) -> Iterator[tuple[str, Any]]:
    """The name and the data of each event, until the response ends or breaks."""
    text = ""
    try:
        for part in response.iter_text():
            *blocks, text = (text + part).split("\n\n")
            for block in blocks:
                fields = dict(line.split(": ", 1) for line in block.split("\n"))
                if "event" in fields:
                    yield fields["event"], json.loads(fields["data"])
    except httpx2.TransportError:
        return


@contextmanager
def stream(server: Server, **headers: str) -> Iterator[Iterator[tuple[str, Any]]]:
    with server.http.stream("GET", "/api/v1/events", headers={**ACCEPT, **headers}) as response:
        assert response.status_code == 200
        yield events(response)


def cancelled_jobs(url: str, number: int) -> int:
    """Submit and cancel jobs: two changes each. Returns how many have ended, fewer if the server ends."""
    with httpx2.Client(base_url=url, headers={"X-API-Secret": ADMIN_SECRET}) as client:
        for done in range(number):
            try:
                job = client.post("/api/v1/jobs", json={"workflow_id": "w", "tags": ["none"]}).json()
                client.post(f"/api/v1/jobs/{job['job_id']}/cancel")
            except httpx2.TransportError:
                return done
    return number


def test_program_in_the_page_is_the_example() -> None:
    assert f"```python\n{PROGRAM.read_text(encoding='utf-8')}```\n" in PAGE


@pytest.mark.slow
def test_stream_continues_after_a_crash_of_the_server(tmp_path: Path) -> None:
    """The process is killed after a commit that no client has seen."""
    seen: list[int] = []
    with serving(tmp_path, CASARE_FAILPOINTS="store.committed:kill@40") as server:
        with stream(server) as received:
            _, begin = next(received)
            position = begin["position"]
            writing = threading.Thread(target=cancelled_jobs, args=(server.url, 1_000))
            writing.start()
            for name, data in received:
                assert name == "job"
                seen.append(data["number"])
                position = data["position"]
        writing.join(WITHIN_SECONDS)
        assert server.wait() == -signal.SIGKILL
    with serving(tmp_path) as server:
        last = server.get("/events?since=now")["next"]
        with stream(server, **{"Last-Event-ID": position}) as received:
            _, begin = next(received)
            assert begin["position"] == position
            while position != last:
                _, data = next(received)
                seen.append(data["number"])
                position = data["position"]
    assert len(seen) > 10
    assert seen == list(range(1, len(seen) + 1))


@pytest.mark.slow
def test_stop_of_the_server_ends_the_stream_and_does_not_wait_for_it(tmp_path: Path) -> None:
    with serving(tmp_path) as server, stream(server) as received:
        assert next(received)[0] == "position"
        server.ask_to_stop()
        ((name, error),) = received
        assert (name, error["payload"]["message"]) == ("closed", "the server is stopping; connect again")
        assert server.wait() == 0
        assert "graceful" not in server.output


@pytest.mark.slow
def test_ten_thousand_changes_reach_a_client_that_begins_to_read_late(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        host, port = server.url.removeprefix("http://").split(":")
        head = f"GET /api/v1/events HTTP/1.1\r\nHost: {host}\r\nX-API-Secret: {ADMIN_SECRET}\r\n"
        with socket.create_connection((host, int(port))) as slow:
            slow.sendall(f"{head}Accept: text/event-stream\r\n\r\n".encode())
            for _ in range(10):
                server.post("/jobs/batch", {"jobs": [{"workflow_id": "w", "tags": ["none"]}] * 1_000})
            found = 0
            with slow.makefile("rb") as file:
                for line in file:
                    if line.startswith(b"data: {") and b'"number":' in line:
                        found += 1
                        assert json.loads(line[6:])["number"] == found
                        if found == 10_000:
                            break


# The example of the documentation


def counted(path: Path) -> tuple[str, int]:
    """The position of the example and the number of ended jobs that it has counted."""
    with closing(sqlite3.connect(path)) as database:
        (position,) = database.execute("SELECT position FROM place").fetchone()
        (jobs,) = database.execute("SELECT coalesce(sum(jobs), 0) FROM counts").fetchone()
        return position, jobs


def wait_for(path: Path, position: str) -> int:
    """The number of counted jobs at this position, which the example must reach."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while counted(path)[0] != position:
        assert time.monotonic() < deadline, f"it is at {counted(path)}, not at {position}"
        time.sleep(0.05)
    return counted(path)[1]


@contextmanager
def example(server: Server, path: Path) -> Iterator[subprocess.Popen[Any]]:
    """The example as the page runs it; killed at the end."""
    environment = {**os.environ, "CASARE_URL": server.url, "CASARE_API_SECRET": ADMIN_SECRET}
    with child_process([sys.executable, str(PROGRAM), str(path)], env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.slow
def test_example_counts_each_job_once_while_both_sides_are_killed(tmp_path: Path) -> None:
    data, counts = tmp_path / "server", tmp_path / "counts.db"
    ended = 0
    port = "0"
    for crash in (True, False):
        failpoints = {"CASARE_FAILPOINTS": "store.committed:kill@150"} if crash else {}
        with serving(data, CASARE_PORT=port, **failpoints) as server:
            port = server.url.rpartition(":")[2]
            writing = threading.Thread(target=cancelled_jobs, args=(server.url, 100 if not crash else 10_000))
            writing.start()
            while writing.is_alive():  # the example is killed with kill -9 while it handles changes
                with example(server, counts):
                    writing.join(0.7)
            if crash:
                assert server.wait() == -signal.SIGKILL
                continue
            last = server.get("/events?since=now")["next"]
            with example(server, counts):
                counted_jobs = wait_for(counts, last)
            ended = server.get("/jobs/count?status=failed")["matching"]
    assert counted_jobs == ended > 100


@pytest.mark.slow
def test_example_stays_connected_over_a_crash_of_the_server(tmp_path: Path) -> None:
    data, counts = tmp_path / "server", tmp_path / "counts.db"
    with serving(data) as server, example(server, counts):
        port = server.url.rpartition(":")[2]
        cancelled_jobs(server.url, 5)
        assert wait_for(counts, server.get("/events?since=now")["next"]) == 5
        server.process.kill()
        server.wait()
        with serving(data, CASARE_PORT=port) as again:
            cancelled_jobs(again.url, 5)
            assert wait_for(counts, again.get("/events?since=now")["next"]) == 10
