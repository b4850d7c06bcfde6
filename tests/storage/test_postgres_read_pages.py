"""No call of the store on PostgreSQL reads a table or an index that grows with the history or the backlog as a whole.

Plans are made for tables without rows or with a few, before and after an analysis, and for full tables after one. Then
100,000 jobs have ended, or wait, or both. After a mass delete, the statistics are those from before it until the next
analysis. Each statement is executed with the settings of its own connection.
"""

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing

import pytest

from audit_entries import AN_ENTRY, a_drain
from casare_rpa.domain.credentials import LoginSession, RobotKey
from casare_rpa.domain.failure_groups import FailureSpan, GroupKey, Mute
from casare_rpa.domain.job_events import Cancel
from casare_rpa.domain.job_records import Change, JobFilter, JobOrder, JobToAdd
from casare_rpa.domain.limits import RateLimit
from casare_rpa.domain.logs import Level, LogFilter, LogLine
from casare_rpa.domain.presets import Preset, PresetKey
from casare_rpa.domain.queues import PausedQueue, Queue
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.domain.robot_records import Beat
from casare_rpa.domain.robot_sessions import Connecting, RunningInstance
from casare_rpa.domain.selection import Slots
from casare_rpa.domain.steps import RunStep, StepReport
from casare_rpa.domain.tenants import Tenant
from casare_rpa.domain.vocabulary import JobStatus, StepStatus
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from casare_rpa.infrastructure.orchestrator.storage.postgres import claims
from casare_rpa.infrastructure.orchestrator.storage.postgres.cold_connection import ThreadConnection
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import COLD, HOT, Connection, Target
from casare_rpa.infrastructure.orchestrator.storage.postgres.hot_writer import HotWriter
from casare_rpa.infrastructure.orchestrator.storage.postgres.kept_plans import LOOK_SECONDS, KeptPlans
from casare_rpa.infrastructure.orchestrator.storage.postgres.store import PostgresStore
from postgres_server import DEBIAN, NEWEST, running
from storage.postgres_database import empty_database
from storage.postgres_history import (
    BACKLOG,
    DELETING,
    LONG,
    NOW,
    SHORT,
    database_without_statistics,
    filling,
    filling_a_few_pages,
)
from storage.postgres_jobs import copy_jobs, plan_of
from storage.postgres_recorder import Read, Recorder, Replay, recorded_store
from storage.test_postgres_plans import FILTERS
from storage.values import START, a_job, a_report, a_robot, a_slot, at

pytestmark = pytest.mark.slow

Call = Callable[[PostgresStore], Awaitable[object]]
Measure = Callable[[str, Recorder], Awaitable[dict[str, list[Read]]]]

GROUP = GroupKey("default", "f-7")
SPAN = FailureSpan(at(99_000), NOW, NOW)
A_LINE = LogLine("default", "robot-1", Level.INFO, "line", NOW, NOW, "held-2")
A_STEP = RunStep(1, None, "step", "step", StepStatus.RUNNING, NOW, None)
A_LOGIN = LoginSession("login-new", "ana", None, "here", NOW, NOW, "secret")
A_KEY = RobotKey("key-new", "robot-1", "default", "digest", NOW)
A_PRESET = Preset(PresetKey("default", "w-1", "preset"), "{}", NOW, "ana")

CALLS: dict[str, Call] = {
    # Jobs that change
    "add_jobs": lambda s: s.add_jobs([JobToAdd(a_job(), "key"), JobToAdd(a_job(), "job-00000007", "1")]),
    "claim": lambda s: s.claim(Slots([a_slot(f"robot-{n}", capacity=3, tenant_id="acme") for n in range(3)]), NOW),
    "apply": lambda s: s.apply(
        [Change(f"held-{n}", a_report("running", f"robot-{n - 1}", progress=1.0), NOW) for n in (5, 6)],
        session=("robot-4", "ses-robot-4"),
    ),
    "apply a cancel": lambda s: s.apply([Change("held-7", Cancel("enough", "ana"), NOW)], audit=AN_ENTRY),
    "append_logs": lambda s: s.append_logs([A_LINE, A_LINE]),
    "add_steps": lambda s: s.add_steps(StepReport("robot-1", "held-2", 1, (A_STEP,), 1)),
    # Robots
    "beat": lambda s: s.beat([Beat("robot-1", NOW, True), Beat("robot-2", NOW, False, (("held-3", 1),))]),
    "connect": lambda s: s.connect(Connecting("robot-9", "ses-new", "here", NOW)),
    "introduce": lambda s: s.introduce("robot-1", "process", "ses-robot-1"),
    "list_workflows": lambda s: s.list_workflows("robot-1", ("w-1",), "ses-robot-1"),
    "open_journal": lambda s: s.open_journal("robot-1", "journal", "ses-robot-1"),
    "adopt": lambda s: s.adopt([RunningInstance("dead", NOW)], NOW, NOW),
    "adopt without a dead instance": lambda s: s.adopt([], NOW, NOW),
    "leave": lambda s: s.leave([("robot-9", "ses-new")]),
    "open_sessions": lambda s: s.open_sessions(),
    "orders": lambda s: s.orders("here", 99_990, 100),
    "hear": lambda s: s.hear("here", NOW),
    "running": lambda s: s.running(),
    "fleet_state": lambda s: s.fleet_state(),
    "fleet_state of some": lambda s: s.fleet_state(["robot-1", "robot-2"]),
    "running_jobs": lambda s: s.running_jobs(),
    "stopping_jobs": lambda s: s.stopping_jobs(199_990),
    "stopping_jobs at first": lambda s: s.stopping_jobs(None),
    "held_jobs": lambda s: s.held_jobs("robot-1"),
    "robot": lambda s: s.robot("robot-1"),
    "robots": lambda s: s.robots(None),
    "robots of a tenant": lambda s: s.robots("default"),
    "last_heartbeats": lambda s: s.last_heartbeats(),
    "add_robot": lambda s: s.add_robot(a_robot("robot-new"), audit=AN_ENTRY),
    "change_robot": lambda s: s.change_robot("robot-1", "name", None, None, ("sap",), audit=AN_ENTRY),
    "order_robots": lambda s: s.order_robots([a_drain("robot-2", NOW)], None),
    "add_key": lambda s: s.add_key(A_KEY, audit=AN_ENTRY),
    "key": lambda s: s.key("key-1"),
    "keys": lambda s: s.keys("robot-1"),
    "valid_keys": lambda s: s.valid_keys(["key-1", "key-2"]),
    "revoke_key": lambda s: s.revoke_key("robot-1", "key-new", NOW, audit=AN_ENTRY),
    "remove_robot": lambda s: s.remove_robot("robot-new", audit=AN_ENTRY),
    # Ends that are due, and leases
    "due": lambda s: s.due(NOW, 500, "here"),
    "extend_leases": lambda s: s.extend_leases(NOW),
    "extend_leases of an instance": lambda s: s.extend_leases(NOW, "here"),
    "newest_instant": lambda s: s.newest_instant(),
    "prove_writable": lambda s: s.prove_writable(NOW),
    # Views
    "stream": lambda s: s.stream(),
    "changes_after": lambda s: s.changes_after(None, 199_950, 50),
    "changes_after without known ones": lambda s: s.changes_after(
        None, 199_900, 50, [*range(199_902, 199_950, 2), *range(199_950, 199_998)]
    ),
    "changes_after of a tenant": lambda s: s.changes_after("default", 199_950, 50),
    "lines_after": lambda s: s.lines_after(99_950, 50),
    "log_lines": lambda s: s.log_lines([900, 901]),
    "job": lambda s: s.job("job-00000007"),
    "open_jobs": lambda s: s.open_jobs("acme", 50, None),
    "job_history": lambda s: s.job_history("job-00000007", 50),
    "job_logs": lambda s: s.job_logs("job-00000007", 50, 0),
    "steps": lambda s: s.steps("job-00000007", 1, 0),
    "recent_logs": lambda s: s.recent_logs(LogFilter(), 50, 0),
    "recent_logs of a robot": lambda s: s.recent_logs(LogFilter(robot_id="robot-1"), 50, 0),
    "search_logs": lambda s: s.search_logs(LogFilter(text="li"), 50, None),
    "search_logs of a robot": lambda s: s.search_logs(LogFilter(robot_id="robot-1"), 50, None),
    "search_logs of a job": lambda s: s.search_logs(LogFilter(job_id="job-00000007"), 50, None),
    **{f"jobs by {name}": lambda s, w=wanted: s.jobs(w, 50, None) for name, wanted in FILTERS.items()},
    **{
        f"jobs by {name} after one": lambda s, w=wanted: s.jobs(w, 50, (at(90_000), "job-0"))
        for name, wanted in FILTERS.items()
    },
    **{
        f"jobs in the order {order.value}": lambda s, o=order: s.jobs(JobFilter("acme"), 50, None, o)
        for order in JobOrder
    },
    "count_jobs": lambda s: s.count_jobs(JobFilter("acme", statuses=(JobStatus.FAILED,)), 50),
    "last_jobs": lambda s: s.last_jobs(None, 5),
    "position": lambda s: s.position(a_job()),
    "waiting": lambda s: s.waiting(20, 5, "acme"),
    "oldest_pending": lambda s: s.oldest_pending(None),
    "oldest_pending of a tenant": lambda s: s.oldest_pending("acme"),
    "counts": lambda s: s.counts(None, START),
    "counts of a tenant": lambda s: s.counts("default", START),
    "ended": lambda s: s.ended(None, at(-86_400), START, 5),
    "queue_depths": lambda s: s.queue_depths(None),
    "queue_depths of a tenant": lambda s: s.queue_depths("acme"),
    "queue_samples": lambda s: s.queue_samples(at(-3_600), START),
    "queue_samples of a day": lambda s: s.queue_samples(at(-86_400), START, 5),
    "failures": lambda s: s.failures(None, SPAN, 5),
    "failures of a tenant": lambda s: s.failures("acme", SPAN, 5, muted=False),
    "failure_group": lambda s: s.failure_group(GROUP, SPAN),
    "last_failure": lambda s: s.last_failure("f-7", "default"),
    "troubled": lambda s: s.troubled(None, START, 50),
    "runs": lambda s: s.runs(None, at(99_950), NOW, 50),
    # Acts of users
    "write_failure_note": lambda s: s.write_failure_note(GROUP, "note", None, NOW, audit=AN_ENTRY),
    "mute_failures": lambda s: s.mute_failures(GROUP, Mute(NOW, "ana"), audit=AN_ENTRY),
    "unmute_failures": lambda s: s.unmute_failures(GROUP, NOW, audit=AN_ENTRY),
    "save_preset": lambda s: s.save_preset(A_PRESET, audit=AN_ENTRY),
    "presets": lambda s: s.presets("default", "w-1"),
    "delete_preset": lambda s: s.delete_preset(A_PRESET.key, audit=AN_ENTRY),
    "add_queue": lambda s: s.add_queue(Queue("q-new", NOW, "ana"), audit=AN_ENTRY),
    "pause_queue": lambda s: s.pause_queue(PausedQueue("q-4", NOW, "ana"), audit=AN_ENTRY),
    "queues": lambda s: s.queues(),
    "paused_queues": lambda s: s.paused_queues(),
    "resume_queue": lambda s: s.resume_queue("q-4", audit=AN_ENTRY),
    "add_tenant": lambda s: s.add_tenant(Tenant("new", "New", NOW), audit=AN_ENTRY),
    "tenant": lambda s: s.tenant("default"),
    "tenants": lambda s: s.tenants(),
    "add_audit_entries": lambda s: s.add_audit_entries([AN_ENTRY]),
    "record_audit": lambda s: s.record_audit(AN_ENTRY),
    "last_audit_id": lambda s: s.last_audit_id(),
    "audit": lambda s: s.audit(None, (), 50, None),
    "audit of an action": lambda s: s.audit(None, ("cancel_job", "drain_robot"), 50, 90_000),
    "audit of a target": lambda s: s.audit("job-00000007", ("cancel_job",), 50, None, at(5), NOW),
    "begin_epoch": lambda s: s.begin_epoch("epoch", audit=AN_ENTRY),
    # Sign-ins
    "add_login": lambda s: s.add_login(A_LOGIN, audit=AN_ENTRY),
    "login": lambda s: s.login("login-7"),
    "logins": lambda s: s.logins(["login-7", "login-8"]),
    "open_logins": lambda s: s.open_logins(at(99_990)),
    "extend_login": lambda s: s.extend_login("login-7", NOW),
    "end_login": lambda s: s.end_login("login-7", NOW, audit=AN_ENTRY),
    "attempt": lambda s: s.attempt("ana", RateLimit(1.0, 5.0), NOW),
    "add_sign_in_code": lambda s: s.add_sign_in_code("digest", NOW, NOW, 5),
    "use_sign_in_code": lambda s: s.use_sign_in_code("digest", START),
    "spend": lambda s: s.spend("ticket-new", NOW),
    "spent": lambda s: s.spent(["ticket-7", "ticket-8"]),
    # Retention, a few rows at a time
    "sample_queues": lambda s: s.sample_queues(NOW),
    "log_volumes": lambda s: s.log_volumes(),
    "delete_oldest jobs": lambda s: s.delete_oldest(RetainedKind.JOBS, at(500), 5),
    "delete_oldest lines": lambda s: s.delete_oldest(RetainedKind.LOGS, at(500), 5),
    "delete_oldest entries": lambda s: s.delete_oldest(RetainedKind.AUDIT, at(500), 5),
    "delete_oldest_lines": lambda s: s.delete_oldest_lines("robot-1", 5),
    "delete_logins": lambda s: s.delete_logins(at(5)),
    "delete_spent": lambda s: s.delete_spent(at(5)),
    "delete_failure_notes": lambda s: s.delete_failure_notes(NOW),
    "depart": lambda s: s.depart("there"),
}


WITHOUT_LIMIT = {
    "sizes": "counts all rows of each table, for an administrator",
    "count_kept": "counts all rows of a kind, for retention with a limit of rows",
    "count_older": "counts all rows that retention will delete",
    "delete_tallies": "deletes what it reads",
    **dict.fromkeys(("check", "close", "hold_name", "now", "statistics", "until_outdated"), "reads no table"),
}
"""Methods of the store that are not in `CALLS`."""
MOST_PAGES = 350
"""The pages that one statement reads at most. The smallest index that grows with each ended job has 500."""
MORE_PAGES = {
    "counts": 400,  # the ends of a day, by the minute
    "counts of a tenant": 400,
    "ended": 1_600,  # version 15 reads the counts of all minutes when statistics know few tenants
    "open_sessions": 500,  # all robots
    "claim": 500,  # it makes 10 delayed jobs ready, in all indexes
    "jobs by group": 800,  # it tests all jobs of a group for their tenant
    "jobs by group after one": 800,
    "last_failure": 800,  # it sorts all jobs of a group
    "jobs by prefix of ids": 1_100,  # it tests all jobs that are newer
    "jobs by prefix of ids after one": 900,
    "jobs by status after one": 900,  # where nearly all jobs wait, it tests the few others
    "jobs by to cancel after one": 900,
    "sample_queues": 1_200,  # the first 10,000 jobs that wait
    "jobs by range after one": 500,
}


async def recorded(kind: str) -> Recorder:
    """The statements of all calls, on a short history."""
    server, name = running(kind), database_without_statistics(kind)
    for sql in filling(SHORT):
        server.run_sql(sql, name)
    recorder = Recorder()
    store = await recorded_store(server.url(name), recorder)
    try:
        for recorder.call, call in CALLS.items():
            await call(store)
    finally:
        recorder.call = ""
        await store.close()
    return recorder


async def measured(kind: str, recorder: Recorder) -> dict[str, list[Read]]:
    """The reads of all statements on a long history, by what the planner knew."""
    found: dict[str, list[Read]] = {}
    server = running(kind)
    for known in ("never analyzed", "analyzed while empty"):
        name = database_without_statistics(kind)
        if known == "analyzed while empty":
            server.run_sql("ANALYZE", name)
        async with replaying(server.url(name), recorder) as replay:
            await replay.plan()
            server.run_sql(filling_a_few_pages(), name)
            await replay.plan()
            for sql in filling(LONG):
                server.run_sql(sql, name)
            found[known] = await replay.measure()
    server.run_sql("ANALYZE", name)
    async with replaying(server.url(name), recorder) as replay:
        await replay.plan()
        found["analyzed while filled"] = await replay.measure()
    return found


async def measured_with_backlog(kind: str, recorder: Recorder) -> dict[str, list[Read]]:
    """The same with a backlog of pending jobs, beside a short history and a long one."""
    found: dict[str, list[Read]] = {}
    server, name = running(kind), database_without_statistics(kind)
    server.run_sql("ANALYZE", name)
    async with replaying(server.url(name), recorder) as replay:
        await replay.plan()
        server.run_sql(filling_a_few_pages(), name)
        await replay.plan()
        for sql in filling(SHORT, BACKLOG):
            server.run_sql(sql, name)
        found["analyzed while empty"] = await replay.measure()
        server.run_sql("ANALYZE", name)
        await replay.plan()
        found["analyzed with a backlog"] = await replay.measure()
    name = database_without_statistics(kind)
    async with replaying(server.url(name), recorder) as replay:
        for sql in (*filling(LONG, BACKLOG), "ANALYZE"):
            server.run_sql(sql, name)
        await replay.plan()
        found["analyzed with a backlog and a history"] = await replay.measure()
        for sql in (DELETING, "VACUUM"):
            server.run_sql(sql, name)
        await replay.plan()
        found["analyzed before a mass delete"] = await replay.measure()
    return found


@asynccontextmanager
async def replaying(url: str, recorder: Recorder) -> AsyncIterator[Replay]:
    replay = Replay(url, recorder)
    try:
        yield replay
    finally:
        await replay.close()


@pytest.mark.long
@pytest.mark.parametrize("kind", [DEBIAN, NEWEST])
@pytest.mark.parametrize("measure", [measured, measured_with_backlog])
async def test_statements_read_few_pages_for_each_state_of_the_statistics(measure: Measure, kind: str) -> None:
    found = await measure(kind, await recorded(kind))
    first = next(iter(found.values()))
    assert {known: len(reads) for known, reads in found.items()} == dict.fromkeys(found, len(first))
    too_many = [
        (known, read.pages, read.asked.call, read.asked.sql, read.nodes)
        for known, reads in found.items()
        for read in reads
        if read.pages > MORE_PAGES.get(read.asked.call, MOST_PAGES)
    ]
    assert too_many == []


def test_each_method_of_the_store_is_called() -> None:
    methods = {name for name, _ in inspect.getmembers(Store, inspect.isfunction) if not name.startswith("_")}
    assert {name.split()[0] for name in CALLS} | WITHOUT_LIMIT.keys() == methods


# When plans are kept


class PlanMode:
    """A command that answers with the planner's mode."""

    async def execute(self, connection: Connection, calls: Sequence[None]) -> Sequence[str]:
        return [await connection.fetchval("SHOW plan_cache_mode") for _ in calls]

    def size_of(self, call: None) -> int:
        return 0


@pytest.mark.parametrize("settings", [{}, claims.SETTINGS])
async def test_writer_plans_each_time_for_an_empty_table_of_jobs(settings: dict[str, str]) -> None:
    url = empty_database(DEBIAN)
    for number, mode in ((0, "force_custom_plan"), (1_000, "force_generic_plan")):
        await copy_jobs(url, [a_job() for _ in range(number)])
        writer: HotWriter[None, str] = HotWriter("claims", PlanMode(), Target(url), Failpoints(), settings)
        assert await writer.submit(None) == mode
        await writer.close()


async def test_plans_are_kept_while_the_table_of_jobs_is_large_enough() -> None:
    url = empty_database(DEBIAN)
    plans, seldom = KeptPlans(0.0, 0.0), KeptPlans(3_600.0, 3_600.0)
    first, second = [await Target(url).connect(HOT) for _ in range(2)]
    modes = []
    for sql in ("ANALYZE jobs", filling_a_few_pages(), "ANALYZE jobs", "TRUNCATE jobs"):
        await first.execute(sql)
        await plans.fit(first)
        await seldom.fit(second)
        modes.append([await one.fetchval("SHOW plan_cache_mode") for one in (first, second)])
    custom, generic = "force_custom_plan", "force_generic_plan"
    assert modes == [[custom, custom], [generic, custom], [generic, custom], [custom, custom]]
    await first.execute(filling_a_few_pages())
    await plans.fit(second)
    assert await second.fetchval("SHOW plan_cache_mode") == generic, "another connection"
    await first.close()
    await second.close()


class PlannedLookUp:
    """A command that answers with the planner's mode, and with the pages of a statement.

    For an empty table, its plan reads all open jobs, in an order that needs no sort.
    """

    sql = "SELECT revision FROM jobs WHERE robot_id = $1 AND finished_at IS NULL ORDER BY job_id"

    async def execute(self, connection: Connection, calls: Sequence[None]) -> Sequence[tuple[str, int]]:
        if not await connection.fetchval("SELECT count(*) FROM pg_prepared_statements WHERE name = 'look_up'"):
            await connection.execute(f"PREPARE look_up AS {self.sql}")
        _, pages = await plan_of(connection, "look_up", "robot-1")
        return [(await connection.fetchval("SHOW plan_cache_mode"), pages) for _ in calls]

    def size_of(self, call: None) -> int:
        return 0


@pytest.mark.parametrize("kind", [DEBIAN, pytest.param(NEWEST, marks=pytest.mark.long)])
async def test_writer_keeps_plans_soon_after_another_instance_has_filled_the_table(kind: str) -> None:
    server, name = running(kind), database_without_statistics(kind)
    server.run_sql("ANALYZE", name)
    url = server.url(name)
    writer: HotWriter[None, tuple[str, int]] = HotWriter("changes", PlannedLookUp(), Target(url), Failpoints())
    keeping = await Target(url).connect(HOT)
    try:
        assert (await writer.submit(None))[0] == "force_custom_plan"
        await PlannedLookUp().execute(keeping, [None])
        other = await PostgresStore.open(url)
        await other.add_jobs([JobToAdd(a_job()) for _ in range(2_000)])
        await other.close()
        ((_, pages),) = await PlannedLookUp().execute(keeping, [None])
        assert pages > 20, "a plan that was kept too early"
        answers = [await writer.submit(None)]
        filled_at = time.monotonic()
        while answers[-1][0] != "force_generic_plan":
            assert time.monotonic() < filled_at + 5 * LOOK_SECONDS
            await asyncio.sleep(0.05)
            answers.append(await writer.submit(None))
        answers.append(await writer.submit(None))
        assert max(pages for _, pages in answers) <= 10, answers
    finally:
        await writer.close()
        await keeping.close()


def test_cold_statements_are_planned_for_each_execution() -> None:
    """Also those without parameters, of which PostgreSQL keeps the plan."""
    thread = ThreadConnection(Target(empty_database(DEBIAN)), COLD)
    with closing(thread):
        connection = thread.open(5.0)
        for _ in range(3):
            connection.execute("SELECT max(audit_id) FROM audit")
            connection.execute("SELECT max(audit_id) FROM audit WHERE audit_id < $1", (7,))
        rows = connection.execute(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE $1",
            ("SELECT max(audit\\_id)%",),
        ).fetchall()
    kept = [tuple(row) for row in rows]
    assert (0, 3) in kept
    assert all(generic <= 1 for generic, _ in kept), kept
