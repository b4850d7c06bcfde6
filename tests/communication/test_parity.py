"""What both clients must see of the same frames: the corpus that the TypeScript client plays too.

A list is a snapshot; `watch_jobs` tells each of its jobs that is another than before.
"""

import asyncio
import json
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from casare_rpa.domain.liveness import Backoff
from casare_rpa.infrastructure.orchestrator.communication.job_watch import watch_jobs

CORPUS = Path(__file__).resolve().parents[1] / "parity" / "job-stream.json"
CASES = json.loads(CORPUS.read_text(encoding="utf-8"))["cases"]
EPOCH = "9f1c2ab0d4e75f36"
WITHIN_SECONDS = 20.0


def frame_of(words: str) -> str:
    """`a running 7` → a numbered job_update; `subscribed true 5`, `snapshot_end 5`, or a type that nobody knows."""
    kind, *rest = words.split()
    if kind == "subscribed":
        return _frame(kind, {"channel": "jobs", "recovered": rest[0] == "true", **_place(rest[1:])})
    if kind == "snapshot_end":
        return _frame(kind, _place(rest))
    if not rest:
        return _frame(kind, {})
    payload = {"job_id": kind, "status": rest[0], "robot_id": None, "progress": 0, "attempt": 1}
    return _frame("job_update", {**payload, "timestamp": "2026-03-02T08:15:00.000Z"}, **_place(rest[1:]))


def _place(words: list[str]) -> dict[str, Any]:
    return {"epoch": words[1] if len(words) > 1 else EPOCH, "seq": int(words[0])} if words else {}


def _frame(kind: str, payload: dict[str, Any], **beside: Any) -> str:
    return json.dumps({"type": kind, **beside, "payload": payload})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
async def test_consumer_sees_what_the_corpus_says(case: dict[str, Any]) -> None:
    scripts, since = iter(case["connections"]), []

    async def play(socket: ServerConnection) -> None:
        since.append(json.loads(await socket.recv())["payload"]["since"])
        for words in next(scripts):
            if words.startswith("close "):
                await socket.close(int(words.split()[1]))
                return
            await socket.send(frame_of(words))
        if case["connections"][-1] is not case["connections"][len(since) - 1]:
            socket.transport.abort()
        await socket.wait_closed()

    expected = [one for told in case["seen"] for one in ([told] if isinstance(told, str) else told)]
    seen: list[str] = []
    async with serve(play, "127.0.0.1", 0) as server, asyncio.timeout(WITHIN_SECONDS):
        port = next(iter(server.sockets)).getsockname()[1]
        quick = Backoff(first_seconds=0.01, cap_seconds=0.02)
        async with aclosing(watch_jobs(f"ws://127.0.0.1:{port}", api_secret="x" * 32, backoff=quick)) as updates:
            while len(seen) < len(expected):
                update = await anext(updates)
                seen.append(f"{update.job_id} {update.status.value}")
    assert seen == expected
    if "since" in case:
        assert since == [None if one is None else f"{EPOCH}:{one}" for one in case["since"]]
