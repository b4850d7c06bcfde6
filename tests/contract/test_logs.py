"""/ws/logs/{robot_id} and /ws/logs: the lines that each viewer gets."""

import pytest

from contract.server_process import ADMIN_SECRET, Account, Server
from contract.stranger import Stranger, now, stranger

FIELDS = {"robot_id", "level", "message", "timestamp", "job_id", "node_id"}


def logs_address(server: Server, robot_id: str | None = None, **filters: str) -> str:
    return server.ws("/ws/logs" + (f"/{robot_id}" if robot_id else ""), api_secret=ADMIN_SECRET, **filters)


def robot_address(server: Server, account: Account) -> str:
    return server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)


async def lines_until(viewer: Stranger, last: str, *robots: Account) -> list[str]:
    """The messages of these robots' lines, up to a last one."""
    ids = {robot.robot_id for robot in robots}
    await viewer.next("log", lambda f: f["message"] == last)
    assert set(viewer.kinds()) == {"log"}, "a log stream has only log messages"
    return [d["payload"]["message"] for d in viewer.seen if d["payload"]["robot_id"] in ids]


async def test_log_of_a_robot_has_only_its_lines_in_order(server: Server, account: Account) -> None:
    other = server.robot()
    async with (
        stranger(logs_address(server, account.robot_id)) as viewer,
        stranger(robot_address(server, account)) as mine,
        stranger(robot_address(server, other)) as theirs,
    ):
        await theirs.log(other.robot_id, "ERROR", "of another")
        for number in range(20):
            await mine.log(account.robot_id, "DEBUG", f"line {number}", job_id="job-x", node_id="Step")
        await viewer.next("log", lambda f: f["message"] == "line 19")
        assert [d["payload"]["message"] for d in viewer.seen] == [f"line {number}" for number in range(20)]
        assert set(viewer.seen[0]["payload"]) == FIELDS
        assert viewer.seen[0]["payload"]["job_id"] == "job-x"
        assert viewer.seen[0]["payload"]["node_id"] == "Step"


@pytest.mark.parametrize(
    ("min_level", "expected"),
    [
        (None, ["debug", "info", "warning", "error"]),
        ("DEBUG", ["debug", "info", "warning", "error"]),
        ("INFO", ["info", "warning", "error"]),
        ("WARNING", ["warning", "error"]),
        ("warn", ["warning", "error"]),
        ("ERROR", ["error"]),
    ],
)
@pytest.mark.parametrize("of_one", [True, False], ids=["one robot", "all robots"])
async def test_min_level_filters_lower_levels(
    of_one: bool, min_level: str | None, expected: list[str], server: Server, account: Account
) -> None:
    filters = {"min_level": min_level} if min_level else {}
    async with (
        stranger(logs_address(server, account.robot_id if of_one else None, **filters)) as viewer,
        stranger(robot_address(server, account)) as robot,
    ):
        for level in ("DEBUG", "INFO", "WARNING", "ERROR"):
            await robot.log(account.robot_id, level, level.lower())
        await robot.log(account.robot_id, "ERROR", "the last")
        assert await lines_until(viewer, "the last", account) == [*expected, "the last"]


@pytest.mark.parametrize(
    ("said", "shown"), [("info", "INFO"), ("Warn", "WARNING"), ("CRITICAL", "ERROR"), ("fatal", "ERROR")]
)
async def test_level_is_read_in_any_case_and_with_aliases(
    said: str, shown: str, server: Server, account: Account
) -> None:
    async with (
        stranger(logs_address(server, account.robot_id)) as viewer,
        stranger(robot_address(server, account)) as robot,
    ):
        await robot.log(account.robot_id, said, "hello")
        assert (await viewer.next("log"))["level"] == shown


@pytest.mark.parametrize("path", ["one", "all"])
async def test_unknown_min_level_is_an_error_and_close_4000(path: str, server: Server, account: Account) -> None:
    address = logs_address(server, account.robot_id if path == "one" else None, min_level="LOUD")
    async with stranger(address) as viewer:
        assert await viewer.closed() == 4000
        assert viewer.seen[-1]["payload"]["code"] == "INVALID_MESSAGE"


async def test_tenant_filter_excludes_other_tenants(server: Server, account: Account) -> None:
    elsewhere = server.robot(server.tenant())
    async with (
        stranger(logs_address(server, tenant_id=elsewhere.tenant_id)) as narrowed,
        stranger(logs_address(server)) as everything,
        stranger(robot_address(server, account)) as here,
        stranger(robot_address(server, elsewhere)) as there,
    ):
        await here.log(account.robot_id, "INFO", "of the default tenant")
        await everything.next("log", lambda f: f["message"] == "of the default tenant")
        await there.log(elsewhere.robot_id, "INFO", "of the other tenant")
        await everything.next("log", lambda f: f["message"] == "of the other tenant")
        assert await lines_until(narrowed, "of the other tenant", account, elsewhere) == ["of the other tenant"]


async def test_log_of_a_future_robot_arrives_once_it_exists(server: Server) -> None:
    robot_id = f"later-{id(server)}"
    async with stranger(logs_address(server, robot_id)) as viewer:
        server.post("/robots", {"robot_id": robot_id})
        key = server.post(f"/robots/{robot_id}/keys")["api_key"]
        async with stranger(server.ws(f"/ws/robot/{robot_id}", api_key=key)) as robot:
            await robot.log(robot_id, "INFO", "born")
            assert (await viewer.next("log"))["message"] == "born"


async def test_log_batch_equals_its_single_lines(server: Server, account: Account) -> None:
    async with (
        stranger(logs_address(server, account.robot_id)) as viewer,
        stranger(robot_address(server, account)) as robot,
    ):
        line = {"robot_id": account.robot_id, "level": "INFO", "timestamp": now()}
        await robot.send("log_batch", {"entries": [{**line, "message": f"line {n}"} for n in range(500)]}, id="b")
        assert (await robot.answer("b"))["type"] == "ack"
        await viewer.next("log", lambda f: f["message"] == "line 499")
        assert [d["payload"]["message"] for d in viewer.seen] == [f"line {n}" for n in range(500)]


async def test_long_line_keeps_both_ends(server: Server, account: Account) -> None:
    async with (
        stranger(logs_address(server, account.robot_id)) as viewer,
        stranger(robot_address(server, account)) as robot,
    ):
        await robot.log(account.robot_id, "INFO", "head" + "x" * 100_000 + "tail")
        line = await viewer.next("log")
        assert line["truncated"] is True
        assert len(line["message"].encode()) <= 64 * 1024
        assert line["message"].startswith("head")
        assert line["message"].endswith("tail")


async def test_text_that_cannot_be_stored_is_repaired_and_kept(server: Server, account: Account) -> None:
    async with (
        stranger(logs_address(server, account.robot_id)) as viewer,
        stranger(robot_address(server, account)) as robot,
    ):
        await robot.log(account.robot_id, "INFO", "nul \x00 and half \ud800 a pair")
        assert (await viewer.next("log"))["message"] == "nul � and half � a pair"


async def test_reconnected_viewer_gets_each_missed_line_once(server: Server, account: Account) -> None:
    async with stranger(robot_address(server, account)) as robot:
        for number in range(5):
            await robot.log(account.robot_id, "INFO", f"before {number}")
        async with stranger(logs_address(server, account.robot_id, tail="2")) as viewer:
            await viewer.next("log", lambda f: f["message"] == "before 4")
            messages = [document["payload"]["message"] for document in viewer.seen]
            assert messages[-2:] == ["before 3", "before 4"]
            last = viewer.seen[-1]
        for number in range(5):
            await robot.log(account.robot_id, "INFO", f"missed {number}")
        async with stranger(logs_address(server, account.robot_id, since=str(last["log_id"]))) as viewer:
            await robot.log(account.robot_id, "INFO", "live")
            await viewer.next("log", lambda f: f["message"] == "live")
            assert [d["payload"]["message"] for d in viewer.seen] == [*(f"missed {n}" for n in range(5)), "live"]
            assert [d["seq"] for d in viewer.seen] == list(range(last["seq"] + 1, last["seq"] + 7))


async def test_repeated_line_of_a_journal_is_shown_and_stored_once(server: Server, account: Account) -> None:
    async with (
        stranger(robot_address(server, account)) as robot,
        stranger(logs_address(server, account.robot_id)) as viewer,
    ):
        await robot.send("hello", {"instance_id": "i", "log_journal": "j"})
        for number in (1, 2, 1, 2, 4):
            await robot.log(account.robot_id, "INFO", f"line {number}", seq=number)
        await viewer.next("log", lambda f: f["message"] == "line 4")
        assert [(d["payload"]["message"], d["seq"]) for d in viewer.seen] == [
            ("line 1", 1),
            ("line 2", 2),
            ("line 4", 4),
        ]


@pytest.mark.parametrize(("name", "value"), [("tail", "-1"), ("tail", "10001"), ("since", "x")])
async def test_tail_and_since_must_be_numbers(name: str, value: str, server: Server) -> None:
    async with stranger(logs_address(server, **{name: value})) as viewer:
        assert await viewer.closed() == 4000
        assert viewer.seen[0]["payload"]["message"].startswith(f"{name}: ")


@pytest.mark.parametrize("path", ["one", "all"])
async def test_empty_parameters_count_as_absent(path: str, server: Server, account: Account) -> None:
    empty = dict.fromkeys(("min_level", "tail", "since", *(["tenant_id"] if path == "all" else [])), "")
    address = logs_address(server, account.robot_id if path == "one" else None, **empty)
    async with stranger(address) as viewer, stranger(robot_address(server, account)) as robot:
        await robot.log(account.robot_id, "DEBUG", f"of {account.robot_id}")
        await viewer.next("log", lambda fields: fields["message"] == f"of {account.robot_id}")


async def test_unknown_tenant_is_an_error_that_names_it(server: Server) -> None:
    async with stranger(logs_address(server, tenant_id="nobody")) as viewer:
        assert await viewer.closed() == 4000
        assert viewer.seen[-1]["payload"]["message"] == "tenant_id: there is no tenant 'nobody'"
