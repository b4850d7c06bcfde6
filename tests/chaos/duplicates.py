"""A robot that repeats each report many times, late, and in the wrong order."""

import asyncio
import itertools
import json
import time
import uuid
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from chaos.campaign import Campaign
from chaos.journal import Journal

REPEATS = 1_000
WITHIN_SECONDS = 60.0
TENANT = "repeaters"
"""Accept only its own jobs."""
_numbers = itertools.count(1)


async def repeat_everything(run: Campaign) -> float:
    """One job, reported completed a thousand times, then claimed, started and failed once more."""
    robot_id = f"repeater-{next(_numbers)}"
    await run.insist("/api/v1/tenants", {"tenant_id": TENANT, "name": "Repeaters"})
    key = await run.new_robot(robot_id, TENANT)
    promised = Journal(run.folder / "submitter-of-repeaters.jsonl")
    journal = Journal(run.folder / "robots" / f"{robot_id}.jsonl")
    body = {"workflow_id": "chaos", "robot_id": robot_id, "tenant_id": TENANT}
    name = uuid.uuid4().hex
    job = await run.insist("/api/v1/jobs", body, **{"Idempotency-Key": name})
    promised.write("submitted", key=name, job_id=job["job_id"], max_attempts=1)
    about = {"job_id": job["job_id"], "attempt": 1, "robot_id": robot_id}
    url = f"ws://127.0.0.1:{run.port}/ws/robot/{robot_id}?api_key={key}"
    async with asyncio.timeout(WITHIN_SECONDS), connect(url, proxy=None, compression=None) as socket:
        while json.loads(await socket.recv())["type"] != "job_assign":
            pass
        journal.write("started", **about)
        journal.write("ended", outcome="completed", **about)
        repeats = REPEATS if run.pace.name == "production" else REPEATS // 5
        reports = ["claimed", *["completed"] * repeats, "claimed", "running", "failed", "completed"]
        answers = asyncio.create_task(_answers(socket, len(reports)))
        for number, status in enumerate(reports):
            await socket.send(json.dumps(_report(job["job_id"], status, number)))
        # One is refused: an ack to a claim after the end would let a robot start the job again.
        if await answers != {"ack": len(reports) - 1, "error": 1}:
            run.remarks.append(f"a repeated report was not answered as it should be: {answers.result()}")
        journal.write("answered", accepted=True, **about)
    history = await run.ask(f"/api/v1/jobs/{job['job_id']}/events")
    ends = [event for event in history["items"] if event["kind"] == "completed"] if history else []
    if history and len(ends) != 1:
        run.remarks.append(f"one completion, {len(ends)} entries in the history")
    return time.monotonic()


def _report(job_id: str, status: str, number: int) -> dict[str, Any]:
    payload = {"job_id": job_id, "attempt": 1, "status": status, "timestamp": datetime.now(UTC).isoformat()}
    return {"type": "job_status", "id": number, "payload": payload}


async def _answers(socket: Any, wanted: int) -> Counter[str]:
    """The numbers of acks and refusals before the end of the connection."""
    came: Counter[str] = Counter()
    try:
        while came.total() < wanted:
            document = json.loads(await socket.recv())
            # An error without an `id` is the notice of the rate limit.
            came[document["type"]] += document["type"] == "ack" or "id" in document
    except WebSocketException:
        return +came
    return +came
