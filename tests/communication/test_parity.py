"""Both clients must deliver the same updates for the same frames. The TypeScript client uses the same corpus.

A list is a snapshot; `watch_jobs` delivers each of its jobs that differs from the earlier state.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from casare_rpa.domain.errors import AuthError, ConnectionLost
from casare_rpa.domain.liveness import Backoff
from casare_rpa.domain.protocol import JobUpdate
from casare_rpa.infrastructure.orchestrator.communication.job_watch import watch_jobs

CORPUS = Path(__file__).resolve().parents[1] / "parity" / "job-stream.json"
CASES = json.loads(CORPUS.read_text(encoding="utf-8"))["cases"]
EPOCH = "9f1c2ab0d4e75f36"
WITHIN_SECONDS = 20.0
REFUSAL = "api_secret: revoked"


def frame_of(words: str) -> str:
    """`a running 7` → a numbered job_update; `subscribed true 5`, `snapshot_end 5`, `error AUTH_FAILED`, or a type that
    is unknown."""
    kind, *rest = words.split()
    if kind == "subscribed":
        return _frame(kind, {"channel": "jobs", "recovered": rest[0] == "true", **_place(rest[1:])})
    if kind == "snapshot_end":
        return _frame(kind, _place(rest))
    if kind == "error":
        return _frame(kind, {"code": rest[0], "message": REFUSAL, "timestamp": "2026-03-02T08:15:00.000Z"})
    if not rest:
        return _frame(kind, {})
    payload = {"job_id": kind, "status": rest[0], "robot_id": None, "progress": 0, "attempt": 1}
    return _frame("job_update", {**payload, "timestamp": "2026-03-02T08:15:00.000Z"}, **_place(rest[1:]))


def _place(words: list[str]) -> dict[str, Any]:
    return {"epoch": words[1] if len(words) > 1 else EPOCH, "seq": int(words[0])} if words else {}


def _frame(kind: str, payload: dict[str, Any], **beside: Any) -> str:
    return json.dumps({"type": kind, **beside, "payload": payload})


def told_of(seen: list[str | list[str]]) -> Iterator[str]:
    """The updates that `watch_jobs` delivers: of a snapshot, only jobs that differ from the earlier state."""
    known: dict[str, str] = {}
    for one in seen:
        for text in [one] if isinstance(one, str) else one:
            job_id, status = text.split()
            if isinstance(one, str) or known.get(job_id) != status:
                yield text
            known[job_id] = status


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
async def test_consumer_gets_the_updates_of_the_corpus(case: dict[str, Any]) -> None:
    connections, since = case["connections"], []

    async def play(socket: ServerConnection) -> None:
        since.append(json.loads(await socket.recv())["payload"]["since"])
        for words in connections[len(since) - 1]:
            if words.startswith("close "):
                await socket.close(int(words.split()[1]))
                return
            await socket.send(frame_of(words))
        if len(since) < len(connections):
            socket.transport.abort()
        await socket.wait_closed()

    expected, seen = list(told_of(case["seen"])), []
    async with serve(play, "127.0.0.1", 0) as server, asyncio.timeout(WITHIN_SECONDS):
        port = next(iter(server.sockets)).getsockname()[1]
        quick = Backoff(first_seconds=0.01, cap_seconds=0.02)
        async with aclosing(watch_jobs(f"ws://127.0.0.1:{port}", api_secret="x" * 32, backoff=quick)) as updates:
            while len(seen) < len(expected):
                update = await anext(updates)
                seen.append(f"{update.job_id} {update.status.value}")
            if case.get("ends"):
                await ends(updates, connections[-1])
    assert seen == expected
    if "since" in case:
        assert since == [None if one is None else f"{EPOCH}:{one}" for one in case["since"]]


async def ends(updates: AsyncGenerator[JobUpdate, None], last: list[str]) -> None:
    """The watch ends by itself, with the reason of the server if there is one."""
    refused = "error AUTH_FAILED" in last
    with pytest.raises(AuthError if refused else ConnectionLost, match=REFUSAL if refused else "no reconnect"):
        await anext(updates)
