"""Invalid messages on every endpoint: each is answered, and the connection stays open."""

import json
from typing import Any

import pytest

from contract.server_process import ADMIN_SECRET, Account, Server
from contract.stranger import now
from wire.conftest import ENDPOINTS, AddressOf
from wire.raw_socket import BINARY, TEXT, RawSocket, fragments, frame, opened

pytestmark = pytest.mark.slow

ROBOT, ADMIN, LOGS = "/ws/robot/{robot_id}", "/ws/admin", "/ws/logs"
BEAT = {"status": "idle", "cpu_percent": 1, "memory_mb": 2, "timestamp": "2026-03-02T08:15:04Z"}


def message_of(endpoint: str, account: Account) -> tuple[str, dict[str, Any], str]:
    """A valid message of an endpoint: its type, its payload, and a field of the payload."""
    if endpoint == ROBOT:
        return "heartbeat", {"robot_id": account.robot_id, **BEAT}, "cpu_percent"
    if endpoint == ADMIN:
        return "command", {"action": "cancel_job", "target_id": "job-x"}, "target_id"
    return "auth_refresh", {"token": "none"}, "token"


def with_value(endpoint: str, account: Account, value: str) -> str:
    """The message with this JSON text as the value of the field."""
    kind, payload, field = message_of(endpoint, account)
    return json.dumps({"type": kind, "payload": {**payload, field: "@"}}).replace('"@"', value)


async def invalid(raw: RawSocket) -> str:
    """The message of the next error, which must be INVALID_MESSAGE in the contract's form and name a field."""
    error = await raw.next("error")
    payload = error["payload"]
    assert payload["code"] == "INVALID_MESSAGE"
    assert set(error) <= {"type", "id", "payload"}
    assert set(payload) == {"code", "message", "timestamp"}
    assert len(payload["message"]) < 400
    assert ": " in payload["message"]
    return str(payload["message"])


async def still_answers(raw: RawSocket, endpoint: str, account: Account) -> None:
    """Assert that the connection still works."""
    if endpoint == ROBOT:
        await raw.say("heartbeat", {"robot_id": account.robot_id, **BEAT}, id="after")
        assert (await raw.answer("after"))["type"] == "ack"
    elif endpoint == ADMIN:
        await raw.say("subscribe", {"channels": ["queue"]}, id="after")
        assert (await raw.answer("after"))["type"] == "ack"
    else:
        await raw.say("no such thing", {})
        assert (await invalid(raw)).startswith("type: ")


NO_MESSAGES = {
    "empty": "",
    "white space": " \n\t ",
    "text": "hello",
    "a number": "75",
    "null": "null",
    "a list": "[]",
    "an empty object": "{}",
    "unfinished": '{"type":"heartbeat","payload":{',
    "two at once": '{"type":"pong","payload":{}} {"type":"pong","payload":{}}',
    "a byte order mark": '\ufeff{"type":"pong","payload":{}}',
    "single quotes": "{'type':'pong','payload':{}}",
    "a comment": '{"type":"pong","payload":{}} // please',
    "a control character in a text": '{"type":"po\x00ng","payload":{}}',
    "unknown type": '{"type":"dance","payload":{}}',
    "type in capitals": '{"type":"HEARTBEAT","payload":{}}',
    "type a number": '{"type":1,"payload":{}}',
    "type null": '{"type":null,"payload":{}}',
    "type a list": '{"type":["heartbeat"],"payload":{}}',
    "type that looks like our own words": json.dumps({"type": "x - at `$.payload`" * 20, "payload": {}}),
    "a type of ours": '{"type":"connected","payload":{}}',
    "escapes and controls in the type": '{"type":"\\u001b[31m\\u202e\\r\\n2026 ERROR \\ud800\\u0000","payload":{}}',
    "thirty-three deep": '{"type":"heartbeat","payload":' + '{"a":' * 32 + "1" + "}" * 33,
}


@pytest.mark.parametrize("text", NO_MESSAGES.values(), ids=NO_MESSAGES)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_text_that_is_not_a_message_is_answered(
    endpoint: str, text: str, address_of: AddressOf, account: Account
) -> None:
    async with opened(address_of(endpoint)) as raw:
        await raw.send(frame(TEXT, text.encode()))
        await invalid(raw)
        await still_answers(raw, endpoint, account)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_binary_frames_are_answered_whole_empty_and_in_fragments(
    endpoint: str, address_of: AddressOf, account: Account
) -> None:
    async with opened(address_of(endpoint)) as raw:
        for frames in ([frame(BINARY, b"\x00\xff")], [frame(BINARY)], fragments(b"{}" * 40, 1, 2, opcode=BINARY)):
            await raw.send(frames)
            assert "binary" in await invalid(raw)
        await still_answers(raw, endpoint, account)


NO_VALUES = {
    "NaN": "NaN",
    "Infinity": "Infinity",
    "-Infinity": "-Infinity",
    "1e309": "1e309",
    "-1e309": "-1e309",
    "3,000 digits": "9" * 3_000,
    "a leading zero": "007",
    "null": "null",
    "a list": "[1]",
    "an object": "{}",
    "true": "true",
}


@pytest.mark.parametrize("value", NO_VALUES.values(), ids=NO_VALUES)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_invalid_value_is_answered_with_the_name_of_its_field(
    endpoint: str, value: str, address_of: AddressOf, account: Account
) -> None:
    async with opened(address_of(endpoint)) as raw:
        await raw.send(frame(TEXT, with_value(endpoint, account, value).encode()))
        if (endpoint, value) == (ROBOT, "null"):  # valid: the robot could not measure the value
            await still_answers(raw, endpoint, account)
            return
        sentence = await invalid(raw)
        _, _, field = message_of(endpoint, account)
        assert field in sentence or "not valid JSON" in sentence or sentence.startswith("type: ")
        await still_answers(raw, endpoint, account)


@pytest.mark.parametrize("payload", ["null", "[]", '"text"', "1", "true"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_payload_that_is_not_an_object_is_answered(
    endpoint: str, payload: str, address_of: AddressOf, account: Account
) -> None:
    kind, _, _ = message_of(endpoint, account)
    async with opened(address_of(endpoint)) as raw:
        await raw.send(frame(TEXT, f'{{"type":"{kind}","payload":{payload}}}'.encode()))
        assert "payload" in await invalid(raw) or endpoint.startswith(LOGS)
        await raw.send(frame(TEXT, f'{{"type":"{kind}"}}'.encode()))
        assert "payload" in await invalid(raw) or endpoint.startswith(LOGS)
        await still_answers(raw, endpoint, account)


HEAVY = {
    "100,000 open brackets": "[" * 100_000,
    "40,000 open objects": '{"a":' * 40_000,
    "quotes that never end": "[" * 33 + '\\"' * 130_000,
    "quotes that never end, and a backslash": "[" * 33 + '\\"' * 130_000 + "\\",
    "NUL 40,000 times": '{"type":"' + "\\u0000" * 40_000 + '"}',
    "half surrogates": '{"type":"' + "\\ud800" * 40_000 + '"}',
    "our own words quoted": json.dumps({"type": "heartbeat", "payload": {"status": " - at `$" * 30_000}}),
    "5,000 digits": '{"type":' + "9" * 5_000 + "}",
    "200,000 digits": '{"type":"pong","id":' + "9" * 200_000 + ',"payload":{}}',
    "a key of 200 KB": '{"' + "k" * 200_000 + '":1}',
    "25,000 keys": "{" + ",".join(f'"{number:x}":0' for number in range(25_000)) + "}",
}


@pytest.mark.parametrize("text", HEAVY.values(), ids=HEAVY)
async def test_large_malformed_message_is_refused_at_once(text: str, address_of: AddressOf, account: Account) -> None:
    async with opened(address_of(ROBOT)) as raw:
        await raw.send(frame(TEXT, text.encode()))
        await invalid(raw)
        await still_answers(raw, ROBOT, account)


async def test_unknown_keys_are_ignored_and_the_last_of_two_counts(
    address_of: AddressOf, account: Account, server: Server
) -> None:
    fields = f'"robot_id":"{account.robot_id}","memory_mb":2,"timestamp":"{now()}","mood":{{"a":[1,{{}}]}}'
    text = f'{{"type":"heartbeat","x":1,"payload":{{"status":"busy","status":"idle",{fields},"cpu_percent":7}},"id":9}}'
    async with opened(address_of(ROBOT)) as raw:
        await raw.send(frame(TEXT, text.encode()))
        assert (await raw.answer(9))["type"] == "ack"
        assert server.get(f"/robots/{account.robot_id}")["status"] == "idle"


@pytest.mark.parametrize(
    "message_id", ["1.5", "true", "null", "{}", "[]", "9" * 40, '"\\ud800"', '"' + "x" * 5000 + '"']
)
async def test_unusual_ids_are_answered(message_id: str, address_of: AddressOf, account: Account) -> None:
    async with opened(address_of(ROBOT)) as raw:
        await raw.send(frame(TEXT, f'{{"type":"pong","id":{message_id},"payload":{{}}}}'.encode()))
        if message_id in ("1.5", "true", "{}", "[]"):
            assert "id" in await invalid(raw)
        elif message_id != "null":  # a null id counts as no id, and has no answer
            assert (await raw.next("ack"))["payload"]["id"]
        await still_answers(raw, ROBOT, account)


async def test_text_that_utf8_cannot_encode_reaches_viewers_repaired(
    server: Server, address_of: AddressOf, account: Account
) -> None:
    text = "\\ud800 \\udc00\\ud800 \\u0000 \\u001b[31mred\\u001b[0m \\u202egnp.exe \\ud83d\\ude00\\r\\n"
    async with opened(address_of("/ws/logs/{robot_id}")) as viewer, opened(address_of(ROBOT)) as robot:
        beside = f'"robot_id":"{account.robot_id}","level":"INFO","timestamp":"{now()}"'
        await robot.send(frame(TEXT, f'{{"type":"log","id":1,"payload":{{{beside},"message":"{text}"}}}}'.encode()))
        assert (await robot.answer(1))["type"] == "ack"
        line = await viewer.next("log")
    assert line["payload"]["message"] == "� �� � \x1b[31mred\x1b[0m \u202egnp.exe 😀\r\n"
    assert "\x1b" not in server.output


# Well-formed messages that are not possible

LIES = {
    "progress below 0": ({"progress": -1}, "progress"),
    "progress of a billion": ({"progress": 1e9}, "progress"),
    "progress as a text": ({"progress": "75"}, "progress"),
    "a status that robots do not give": ({"status": "cancelled"}, "status"),
    "a status of ours": ({"status": "pending"}, "status"),
    "attempt 0": ({"attempt": 0}, "attempt"),
    "attempt as a text": ({"attempt": "1"}, "attempt"),
    "a job that is a path": ({"job_id": "../x"}, "job_id"),
    "a job of no name": ({"job_id": ""}, "job_id"),
    "a job of 300 characters": ({"job_id": "j" * 300}, "job_id"),
    "an unknown job": ({"job_id": "job-that-is-not"}, "job_id"),
    "no time": ({"timestamp": "yesterday"}, "timestamp"),
}


@pytest.mark.parametrize(("change", "names"), LIES.values(), ids=LIES)
async def test_impossible_report_is_answered(
    change: dict[str, Any], names: str, address_of: AddressOf, account: Account, server: Server
) -> None:
    job_id = server.job(account)["job_id"]
    async with opened(address_of(ROBOT)) as raw:
        assert (await raw.next("job_assign"))["payload"]["job_id"] == job_id
        report = {"job_id": job_id, "status": "running", "timestamp": now(), **change}
        await raw.say("job_status", report, id="lie")
        answer = await raw.answer("lie")
        assert answer["payload"]["code"] == "INVALID_MESSAGE"
        assert names in answer["payload"]["message"]
        assert server.get(f"/jobs/{job_id}")["status"] == "pending"
        await raw.say("job_status", {"job_id": job_id, "status": "completed", "timestamp": now()}, id="truth")
        await raw.answer("truth")


async def test_robot_cannot_send_for_another_robot(address_of: AddressOf, account: Account, server: Server) -> None:
    other = server.robot()
    job_id = server.job(other)["job_id"]
    line = {"robot_id": other.robot_id, "level": "INFO", "message": "not mine", "timestamp": now()}
    lies = (
        ("heartbeat", {"robot_id": other.robot_id, **BEAT}, "robot_id"),
        ("log", line, "robot_id"),
        ("log_batch", {"entries": [{**line, "robot_id": account.robot_id}, line]}, "robot_id"),
        ("job_status", {"job_id": job_id, "status": "completed", "timestamp": now()}, "job_id"),
        ("job_status", {"job_id": job_id, "status": "failed", "timestamp": now()}, "job_id"),
        ("job_reject", {"job_id": job_id, "attempt": 1}, "job_id"),
    )
    async with opened(address_of(ROBOT)) as raw, opened(server.ws(LOGS, api_secret=ADMIN_SECRET)) as viewer:
        for number, (kind, payload, names) in enumerate(lies):
            await raw.say(kind, payload, id=number)
            answer = await raw.answer(number)
            assert answer["type"] == "error", kind
            assert answer["payload"]["code"] == "INVALID_MESSAGE"
            assert names in answer["payload"]["message"]
        await still_there(raw, account)
        forged = {**line, "robot_id": account.robot_id, "job_id": job_id, "message": "mine"}
        await raw.say("log", forged, id="mine")
        assert (await raw.answer("mine"))["type"] == "ack"
        assert (await viewer.next("log"))["payload"]["message"] == "mine"
    assert server.get(f"/jobs/{job_id}")["status"] == "pending"
    assert server.get(f"/jobs/{job_id}/logs")["items"] == [], "a line belongs to a job only if the robot holds the job"
    assert server.get(f"/robots/{other.robot_id}")["status"] == "offline"
    server.post(f"/jobs/{job_id}/cancel", status=200)


async def still_there(raw: RawSocket, account: Account) -> None:
    await raw.say("heartbeat", {"robot_id": account.robot_id, **BEAT}, id="after")
    assert (await raw.answer("after"))["type"] == "ack"


async def test_completion_before_the_claim_counts_and_later_reports_do_not(
    address_of: AddressOf, account: Account, server: Server
) -> None:
    """Completed work counts. Reports after an end change nothing."""
    job_id = server.job(account)["job_id"]
    async with opened(address_of(ROBOT)) as raw:
        await raw.next("job_assign")
        await raw.say("job_status", {"job_id": job_id, "status": "completed", "timestamp": now()}, id=1)
        assert (await raw.answer(1))["type"] == "ack"
        for number, status in enumerate(("claimed", "running", "failed", "completed"), 2):
            await raw.say(
                "job_status", {"job_id": job_id, "status": status, "progress": 3, "timestamp": now()}, id=number
            )
            await raw.answer(number)
        job = server.get(f"/jobs/{job_id}")
        assert (job["status"], job["progress"]) == ("completed", 100)
        await still_there(raw, account)


async def test_progress_may_decrease(address_of: AddressOf, account: Account, server: Server) -> None:
    job_id = server.job(account)["job_id"]
    async with opened(address_of(ROBOT)) as raw:
        await raw.next("job_assign")
        for number, (status, progress) in enumerate((("claimed", 0), ("running", 80), ("running", 20))):
            report = {"job_id": job_id, "status": status, "progress": progress, "timestamp": now()}
            await raw.say("job_status", report, id=number)
            assert (await raw.answer(number))["type"] == "ack"
        assert server.get(f"/jobs/{job_id}")["progress"] == 20
        await raw.say("job_status", {"job_id": job_id, "status": "completed", "timestamp": now()}, id="end")
        assert (await raw.answer("end"))["type"] == "ack"


BAD_COMMANDS = {
    "a job that is not": ({"action": "cancel_job", "target_id": "job-x"}, "target_id"),
    "a path": ({"action": "cancel_job", "target_id": "../../etc"}, "target_id"),
    "NUL": ({"action": "restart_robot", "target_id": "a\x00b"}, "target_id"),
    "300 characters": ({"action": "restart_robot", "target_id": "r" * 300}, "target_id"),
    "unknown action": ({"action": "drop_tables", "target_id": "x"}, "action"),
    "no target": ({"action": "cancel_job"}, "target_id"),
}


@pytest.mark.parametrize(("payload", "names"), BAD_COMMANDS.values(), ids=BAD_COMMANDS)
async def test_impossible_command_is_answered(
    payload: dict[str, str], names: str, address_of: AddressOf, account: Account
) -> None:
    async with opened(address_of(ADMIN)) as raw:
        await raw.say("command", payload, id=1)
        answer = await raw.answer(1)
        assert answer["payload"]["code"] == "INVALID_MESSAGE"
        assert names in answer["payload"]["message"]
        await still_answers(raw, ADMIN, account)
