"""A client with integer fields, generated from the samples of the contract, decodes every message of the server."""

import importlib.util
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest

from contract.documents import BLOCKS, EVERY_ENDPOINT, Block
from contract.server_process import ADMIN_SECRET, Account, Server
from contract.stranger import Stranger, now, stranger

QUICKTYPE = Path(__file__).resolve().parents[2] / "tools" / "codegen" / "node_modules" / ".bin" / "quicktype"
# Every property is optional, because the samples do not show which values can be null.
OPTIONS = ("--lang", "python", "--python-version", "3.7", "--no-date-times", "--no-enums", "--all-properties-optional")

Decode = Callable[[Any], Any]


def name_of(document: str, endpoint: str, kind: str) -> str:
    """The name of the generated class of one message."""
    path = "".join(part.title() for part in endpoint.strip("/").replace("{", "").replace("}", "").split("/"))
    name = f"{document}{path}{kind.title()}".title() if endpoint != EVERY_ENDPOINT else f"{document}{kind}".title()
    return "".join(character for character in name if character.isalnum())


def first_samples() -> dict[str, Block]:
    """The first sample of each message that the server sends: it has the fields of contract 1.0."""
    found: dict[str, Block] = {}
    for block in BLOCKS:
        if block.direction == "out":
            kind = json.loads(next(block.variants()))["type"]
            found.setdefault(name_of(block.document, block.endpoint, kind), block)
    return found


SAMPLES = first_samples()


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """The classes that quicktype makes of the samples. Their `from_int` accepts integers only.

    Each endpoint of each document has a run of its own, because quicktype gives one class to similar samples of a run.
    """
    classes: dict[str, Any] = {}
    for place in {(block.document, block.endpoint) for block in SAMPLES.values()}:
        folder = tmp_path_factory.mktemp("quicktype")
        (folder / "samples").mkdir()
        for name, block in SAMPLES.items():
            if (block.document, block.endpoint) == place:
                (folder / "samples" / f"{name}.json").write_text(next(block.variants()))
        subprocess.run(
            [str(QUICKTYPE), *OPTIONS, "--out", "generated.py", "samples"], cwd=folder, check=True, timeout=120
        )
        spec = importlib.util.spec_from_file_location("generated", folder / "generated.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        classes |= vars(module)
    return SimpleNamespace(**{name: classes[name] for name in SAMPLES if name in classes})


def decoders_of(generated: SimpleNamespace, endpoint: str, kind: str) -> list[Decode]:
    """The generated class of a message in each document that has it."""
    names = [name for name, block in SAMPLES.items() if name == name_of(block.document, endpoint, kind)]
    return [getattr(generated, name).from_dict for name in names]


def check(generated: SimpleNamespace, endpoint: str, seen: list[Any]) -> set[str]:
    """Decode every message; returns the kinds that the contract has a sample of."""
    decoded: set[str] = set()
    for document in seen:
        decoders = decoders_of(generated, endpoint, document["type"])
        for decode in decoders:
            decode(document)
        decoded |= {document["type"]} if decoders else set()
    return decoded


async def work(server: Server, account: Account, robot: Stranger, admin: Stranger | None = None) -> None:
    """A job from its start to its end, with numbers that are whole and numbers that are not. `admin` sees them."""
    job_id = server.job(account)["job_id"]
    await robot.next("job_assign", lambda assign: assign["job_id"] == job_id)
    beat = {"robot_id": account.robot_id, "status": "idle", "timestamp": now()}
    await robot.report(job_id, "claimed")
    for progress, cpu_percent, memory_mb in ((0, 45, 1024), (33.3, 45.2, 1024.5), (75.0, 0.0, 700.0)):
        await robot.send("heartbeat", {**beat, "cpu_percent": cpu_percent, "memory_mb": memory_mb}, id=f"{progress}")
        await robot.report(job_id, "running", progress=progress)
        await robot.answer(f"{progress}")
        if admin is not None:  # only the newest progress of half a second is sent
            await admin.next("job_update", lambda update, sent=progress: update["progress"] == int(sent))
    await robot.log(account.robot_id, "INFO", "line", job_id=job_id, node_id="node")
    await robot.report(job_id, "completed")


@pytest.mark.slow
def test_generated_client_has_integer_fields(generated: SimpleNamespace) -> None:
    """Otherwise the next test could not fail."""
    for kind, field in (("job_update", "progress"), ("robot_status", "memory_mb")):
        decoders = decoders_of(generated, "/ws/admin", kind)
        assert decoders
        for decode in decoders:
            sample: dict[str, Any] = {"type": kind, "payload": {field: 75}}
            decode(sample)
            sample["payload"][field] = 75.0
            with pytest.raises(AssertionError):
                decode(sample)


@pytest.mark.slow
async def test_generated_client_decodes_every_message(generated: SimpleNamespace, server: Server) -> None:
    account = server.robot()
    monitoring = {f"/ws/monitoring/{name}": name for name in ("live-jobs", "robot-status", "queue-metrics")}
    token = server.token()
    async with (
        stranger(server.ws("/ws/admin", api_secret=ADMIN_SECRET)) as admin,
        stranger(server.ws("/ws/logs", api_secret=ADMIN_SECRET)) as logs,
        stranger(server.ws("/ws/monitoring/live-jobs", token=token)) as live,
        stranger(server.ws("/ws/monitoring/robot-status", token=token)) as robots,
        stranger(server.ws("/ws/monitoring/queue-metrics", token=token)) as queue,
        stranger(server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)) as robot,
    ):
        await admin.send("subscribe", {"channels": ["robots", "jobs", "queue"]})
        await work(server, account, robot, admin)
        await robot.send("nothing", {})
        await robot.next("error")
        await admin.next("job_update", lambda update: update["status"] == "completed")
        await admin.witness("queue_metrics", lambda _: True, 0)
        await admin.witness("robot_status", lambda state: state["memory_mb"] == 700, 0)
        await logs.next("log")
        await live.next("job_update", lambda update: update["status"] == "completed")
        await robots.next("robot_heartbeat", lambda state: state["memory_mb"] == 700)
        await queue.next("queue_metrics")
    assert {33.3} <= {d["payload"].get("progress_exact") for d in admin.seen if d["type"] == "job_update"}
    assert check(generated, "/ws/admin", admin.seen) >= {"robot_status", "job_update", "queue_metrics"}
    assert check(generated, "/ws/logs/{robot_id}", logs.seen) == {"log"}
    assert check(generated, "/ws/robot/{robot_id}", robot.seen) >= {"job_assign"}
    assert check(generated, EVERY_ENDPOINT, robot.seen) >= {"error"}
    for (endpoint, name), seen in zip(monitoring.items(), (live.seen, robots.seen, queue.seen), strict=True):
        assert check(generated, endpoint, seen), name


@pytest.mark.slow
async def test_whole_numbers_of_http_have_no_fraction(server: Server) -> None:
    account = server.robot()
    async with stranger(server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)) as robot:
        await work(server, account, robot)
        job_id = server.job(account)["job_id"]
        for path in (f"jobs/{job_id}", "jobs", f"robots/{account.robot_id}", "robots/beats", "queues/history"):
            answer = httpx2.get(f"{server.url}/api/v1/{path}", headers={"X-API-Secret": ADMIN_SECRET}, timeout=10)
            assert answer.status_code == 200, answer.text
            numbers: list[str] = []
            json.loads(answer.text, parse_float=lambda text, found=numbers: found.append(text))
            assert [text for text in numbers if float(text).is_integer()] == []
