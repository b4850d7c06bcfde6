"""The guarantees of every store for tenants, robots, keys, heartbeats and logs."""

import asyncio

import pytest
from msgspec.structs import replace

from audit_entries import AN_ENTRY, a_drain, an_order
from casare_rpa.domain.credentials import RobotKey
from casare_rpa.domain.logs import Level, LogFilter, LogLine
from casare_rpa.domain.robot_records import Beat, OrderOutcome, RobotAction
from casare_rpa.domain.tenants import Tenant
from casare_rpa.domain.vocabulary import RobotStatus
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from storage.values import START, a_report, a_robot, at, running, tell


async def test_default_tenant_exists_and_tenants_are_added_once(store: Store) -> None:
    assert [tenant.tenant_id for tenant in await store.tenants()] == ["default"]
    assert await store.add_tenant(Tenant("acme", "Acme", START), audit=AN_ENTRY)
    assert not await store.add_tenant(Tenant("acme", "Another", START), audit=AN_ENTRY)
    assert await store.tenant("acme") == Tenant("acme", "Acme", START)
    assert await store.tenant("nobody") is None


async def test_robots_keep_their_profile_and_are_added_once(store: Store) -> None:
    robot = a_robot(tags=("sap", "web"), max_concurrent_jobs=3, name="The third")
    assert await store.add_robot(robot, audit=AN_ENTRY)
    assert not await store.add_robot(a_robot(), audit=AN_ENTRY)
    assert await store.robot("robot-1") == robot
    assert await store.robots("default") == [robot]
    assert await store.robots("other") == []


async def test_restart_request_is_kept_until_a_new_process_sends_hello(store: Store) -> None:
    await store.add_robot(a_robot(), audit=AN_ENTRY)
    await store.order_robots([an_order(RobotAction.RESTART, "robot-1", at(1), "cmd")], None)
    asked = await store.robot("robot-1")
    assert asked is not None
    assert (asked.restart_command_id, asked.restart_requested_at) == ("cmd", at(1))
    await store.introduce("robot-1", "process-2")
    back = await store.robot("robot-1")
    assert back is not None
    assert (back.instance_id, back.restart_command_id) == ("process-2", None)


async def test_restart_requested_again_within_ten_minutes_keeps_its_id(store: Store) -> None:
    await store.add_robot(a_robot(), audit=AN_ENTRY)
    for seconds, expected in ((1, "cmd-1"), (590, "cmd-1"), (1190, "cmd-1"), (1791, "cmd-1791")):
        order = an_order(RobotAction.RESTART, "robot-1", at(seconds), f"cmd-{seconds}")
        (ordered,) = await store.order_robots([order], None)
        assert ordered.robot is not None
        assert (ordered.outcome, ordered.robot.restart_command_id) == (OrderOutcome.DONE, expected)
        assert ordered.robot.restart_requested_at == at(seconds)


async def test_orders_are_answered_one_by_one_and_only_changes_have_an_entry(store: Store) -> None:
    for robot_id in ("robot-1", "robot-2"):
        await store.add_robot(a_robot(robot_id), audit=AN_ENTRY)
    await store.add_tenant(Tenant("acme", "Acme", START), audit=AN_ENTRY)
    await store.add_robot(a_robot("robot-3", tenant_id="acme"), audit=AN_ENTRY)
    await store.order_robots([a_drain("robot-2", at(1))], None)
    orders = [a_drain(robot_id, at(2)) for robot_id in ("robot-1", "robot-2", "robot-3", "nobody")]
    ordered = await store.order_robots(orders, "default")
    expected = [OrderOutcome.DONE, OrderOutcome.UNCHANGED, OrderOutcome.UNKNOWN, OrderOutcome.UNKNOWN]
    assert [one.outcome for one in ordered] == expected
    assert [one.robot.draining_at if one.robot else None for one in ordered] == [at(2), at(1), None, None]
    entries = await store.audit(None, ["drain_robot"], 10, None)
    assert [(entry.target, entry.at) for entry in entries] == [("robot-1", at(2)), ("robot-2", at(1))]
    foreign = await store.robot("robot-3")
    assert foreign is not None
    assert foreign.draining_at is None


async def test_slots_and_tags_can_be_taken_back(store: Store) -> None:
    await store.add_robot(a_robot(tags=("sap", "web"), max_concurrent_jobs=3), audit=AN_ENTRY)
    changed = await store.change_robot("robot-1", None, None, 0, ("pdf",), ("web", "never"), audit=AN_ENTRY)
    assert changed is not None
    assert (changed.max_concurrent_jobs, changed.tags) == (None, ("pdf", "sap"))


async def test_keys_are_valid_until_revoked_and_revoked_once(store: Store) -> None:
    key = RobotKey("key-1", "robot-1", "default", "digest", START)
    assert await store.add_key(key, audit=AN_ENTRY)
    assert not await store.add_key(RobotKey("key-1", "robot-2", "default", "another", at(1)), audit=AN_ENTRY)
    assert await store.key("key-1") == key
    assert await store.keys("robot-1") == [key]
    assert not await store.revoke_key("robot-2", "key-1", at(1), audit=AN_ENTRY)
    assert await store.revoke_key("robot-1", "key-1", at(1), audit=AN_ENTRY)
    assert not await store.revoke_key("robot-1", "key-1", at(2), audit=AN_ENTRY)
    revoked = await store.key("key-1")
    assert revoked is not None
    assert revoked.revoked_at == at(1)


async def test_heartbeat_fields_are_stored(store: Store) -> None:
    await store.add_robot(a_robot(), audit=AN_ENTRY)
    told = Beat("robot-1", at(5), True, (), RobotStatus.BUSY, 12.5, 700.0, at(4), None)
    await store.beat([told])
    await store.beat([Beat("robot-1", at(7), True)])
    (robot,) = await store.last_heartbeats()
    assert (robot.robot_id, robot.reported_status, robot.cpu_percent, robot.memory_mb) == (
        "robot-1",
        RobotStatus.BUSY,
        12.5,
        700.0,
    )
    assert (robot.last_heartbeat_at, robot.last_seen_at) == (at(4), at(7))


@pytest.mark.parametrize(
    ("beat", "renewed"),
    [
        (Beat("robot-1", at(410), True), True),
        (Beat("another", at(410), True), False),
        (Beat("robot-1", at(410), False, ()), False),
    ],
)
async def test_heartbeat_renews_only_leases_of_its_robot(store: Store, beat: Beat, renewed: bool) -> None:
    job = await running(store)
    await store.beat([beat])
    stored = await store.job(job.job_id)
    assert stored is not None
    assert (stored.lease_expires_at == at(500)) is renewed


async def test_heartbeat_renews_only_listed_attempts_and_never_shortens_a_lease(store: Store) -> None:
    job = await running(store)
    await store.beat([Beat("robot-1", at(410), False, ((job.job_id, 2),))])
    await store.beat([Beat("robot-1", at(310), False, ((job.job_id, 1),))])
    await store.beat([Beat("robot-1", at(210), False, ((job.job_id, 1),))])
    stored = await store.job(job.job_id)
    assert stored is not None
    assert stored.lease_expires_at == at(400)


async def test_each_robot_renews_its_leases_from_the_time_at_which_it_was_seen(store: Store) -> None:
    jobs = [await running(store, f"robot-{number}") for number in (1, 2, 3)]
    listed = ((jobs[1].job_id, 1),)
    await store.beat(
        [Beat("robot-1", at(310), True), Beat("robot-2", at(320), False, listed), Beat("robot-3", at(330), True)]
    )
    stored = [await store.job(job.job_id) for job in jobs]
    assert [job and job.lease_expires_at for job in stored] == [at(400), at(410), at(420)]
    assert await store.due(at(409), 10) == [(jobs[0].job_id, "lease_over")]


async def test_heartbeat_gives_an_ended_job_no_lease(store: Store) -> None:
    job = await running(store)
    await tell(store, job.job_id, a_report("completed"))
    await store.beat([Beat("robot-1", at(410), True, ((job.job_id, 1),))])
    stored = await store.job(job.job_id)
    assert stored is not None
    assert stored.lease_expires_at is None
    assert await store.due(at(1000), 10) == []


async def test_log_lines_are_paged_in_order_of_arrival(store: Store) -> None:
    await store.add_robot(a_robot("robot-1"), audit=AN_ENTRY)
    lines = [
        LogLine("default", "robot-1", Level.WARNING, f"line {n} é\n", at(100 - n), at(n), "job-x", "node", n == 3)
        for n in range(5)
    ]
    await store.append_logs(lines[:2])
    await store.append_logs([*lines[2:], LogLine("default", "robot-1", Level.INFO, "no job", at(0), at(0))])
    first = await store.job_logs("job-x", 3, 0)
    rest = await store.job_logs("job-x", 3, first[-1].log_id)
    assert [stored.line for stored in (*first, *rest)] == [replace(line, seq=n) for n, line in enumerate(lines, 1)]
    assert await store.job_logs("job-x", 3, rest[-1].log_id) == []


async def test_lines_of_a_journal_are_stored_once_and_the_next_journal_continues_the_numbers(store: Store) -> None:
    await store.add_robot(a_robot("robot-1"), audit=AN_ENTRY)

    async def append(*numbers: int) -> list[int | None]:
        lines = [LogLine("default", "robot-1", Level.INFO, "x", at(0), at(0), seq=number) for number in numbers]
        return [stored.line.seq if stored else None for stored in await store.append_logs(lines)]

    assert await append(0, 0) == [1, 2]
    await store.open_journal("robot-1", "first")
    assert await append(1, 2, 5) == [3, 4, 7]
    assert await append(2, 5, 6) == [None, None, 8]
    await store.open_journal("robot-1", "first")
    assert await append(6, 7) == [None, 9]
    await store.open_journal("robot-1", "second")
    assert await append(1, 1) == [10, None]


async def test_recent_matching_lines_are_read_in_pages_by_id(store: Store) -> None:
    levels = [Level.DEBUG, Level.ERROR, Level.INFO, Level.ERROR]
    lines = [LogLine("default", f"robot-{n % 2}", level, f"{n}", at(n), at(n)) for n, level in enumerate(levels)]
    ids = [stored.log_id for stored in await store.append_logs(lines) if stored]
    assert await store.recent_logs(LogFilter(), 3, 0) == ids[1:]
    assert await store.recent_logs(LogFilter(), 3, ids[2]) == ids[3:]
    assert await store.recent_logs(LogFilter(min_level=Level.ERROR), 9, 0) == [ids[1], ids[3]]
    assert await store.recent_logs(LogFilter(robot_id="robot-0"), 9, 0) == [ids[0], ids[2]]
    assert await store.recent_logs(LogFilter(tenant_id="other"), 9, 0) == []
    assert [stored.line.message for stored in await store.log_lines([ids[0], ids[3], 999])] == ["0", "3"]


async def test_write_and_check_commit(store: Store) -> None:
    await store.check()
    before = store.statistics().commits
    await store.resume_queue("default", audit=AN_ENTRY)
    assert store.statistics().commits == before + 1


@pytest.mark.parametrize("workflows", [("invoices", "löhne"), (), None])
async def test_listed_workflows_replace_the_earlier_list(store: Store, workflows: tuple[str, ...] | None) -> None:
    await store.add_robot(a_robot(), audit=AN_ENTRY)
    await store.list_workflows("robot-1", ("before",))
    await store.list_workflows("robot-1", workflows)
    await store.list_workflows("unknown", ("w",))
    robot = await store.robot("robot-1")
    assert robot is not None
    assert robot.workflows == workflows


async def test_robot_that_is_drained_by_several_at_the_same_time_is_drained_once(store: Store) -> None:
    """Each act that changed something has an audit entry, so a second writer must see the change of the first one."""
    await store.add_robot(a_robot(), audit=AN_ENTRY)
    for number in range(10):
        drains = [store.order_robots([a_drain("robot-1", at(number))], None) for _ in range(6)]
        outcomes = [ordered.outcome for (ordered,) in await asyncio.gather(*drains)]
        assert sorted(outcomes) == sorted([OrderOutcome.DONE, *[OrderOutcome.UNCHANGED] * 5])
        await store.order_robots([an_order(RobotAction.RESUME, "robot-1", at(number))], None)
