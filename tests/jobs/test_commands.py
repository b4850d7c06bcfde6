"""Every command: its change and its audit entry are written together or not at all.

The commands are enumerated from the code. A command without a case here fails, and so does one without an entry.
"""

import ast
import inspect
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

import casare_rpa
from casare_rpa.domain.credentials import Principal, Role
from casare_rpa.domain.errors import AuthError, StoreUnavailable
from casare_rpa.domain.failures import fingerprint
from casare_rpa.domain.instants import after
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_events import QueueExpired
from casare_rpa.domain.job_records import Change
from casare_rpa.domain.job_submissions import NewSubmission
from casare_rpa.domain.presets import PresetKey
from casare_rpa.domain.robot_records import RobotAction
from casare_rpa.domain.robots import Robot
from casare_rpa.infrastructure.orchestrator.jobs.commands import Commands
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from new_database import new_database
from orchestrator.slices import ADMIN, ROBOT, Instance, InterceptedStore

SOURCES = Path(casare_rpa.__file__).parent
ADMINISTRATIVE_WRITES = {
    "add_tenant",
    "add_robot",
    "change_robot",
    "remove_robot",
    "order_robots",
    "add_key",
    "revoke_key",
    "pause_queue",
    "resume_queue",
    "add_queue",
    "write_failure_note",
    "mute_failures",
    "unmute_failures",
    "save_preset",
    "delete_preset",
}
PRESET = PresetKey("default", "w", "march")
Dump = dict[str, list[tuple[Any, ...]]]
Entry = tuple[str, str, str | None]
"""The user, the action and the request of an audit entry or of the first history entry of a job."""


@dataclass
class Prepared:
    """The objects of the commands. They exist before the command under test."""

    pending: Job
    other: Job
    ended: Job
    also_ended: Job
    key_id: str
    fingerprint: str
    muted: str
    """The fingerprints of two groups of failures; the second group is muted."""


@dataclass
class Case:
    """One call of a command by `who`, and the entries that it must write, as (action, request)."""

    run: Callable[[Commands, Principal, Prepared], Awaitable[object]]
    entries: list[tuple[str, str | None]]


def a_submission() -> NewSubmission:
    return NewSubmission(workflow_id="w", tenant_id="default", idempotency_key="once")


def a_robot(clock: Callable[[], Any]) -> Robot:
    return Robot(robot_id="new", tenant_id="default", name="", tags=(), max_concurrent_jobs=None, created_at=clock())


CASES = {
    "jobs.submit": Case(lambda c, who, _: c.jobs.submit(who, a_submission(), "req-1"), [("submitted", "req-1")]),
    "jobs.submit_all": Case(
        lambda c, who, _: c.jobs.submit_all(who, [a_submission(), a_submission()], "req-1"),
        [("submitted", "req-1"), ("submitted", "req-1")],
    ),
    "jobs.retry": Case(
        lambda c, who, p: c.jobs.retry(who, p.ended.job_id, request_id="req-1"),
        [("retry_job", None), ("submitted", "req-1")],
    ),
    "jobs.retry_each": Case(
        lambda c, who, p: c.jobs.retry_each(
            who, [p.ended, p.also_ended], ordered=2, once="retry-of", reason="again", request_id="req-1"
        ),
        [("retry_jobs", None), ("submitted", "req-1"), ("submitted", "req-1")],
    ),
    "jobs.cancel": Case(lambda c, who, p: c.jobs.cancel(who, p.pending.job_id, "enough"), [("cancel_job", None)]),
    "jobs.cancel_each": Case(
        lambda c, who, p: c.jobs.cancel_each(who, [p.pending, p.other], ordered=2, reason="enough"),
        [("cancel_jobs", None)],
    ),
    "robots.create": Case(
        lambda c, who, _: c.robots.create(who, a_robot(c.robots._clock.now)), [("create_robot", None)]
    ),
    "robots.change": Case(lambda c, who, _: c.robots.change(who, ROBOT, name="Desk"), [("change_robot", None)]),
    "robots.remove": Case(lambda c, who, _: c.robots.remove(who, "drained"), [("remove_robot", None)]),
    "robots.order drain": Case(
        lambda c, who, _: c.robots.order(who, RobotAction.DRAIN, ROBOT, "patch day"), [("drain_robot", None)]
    ),
    "robots.order resume": Case(
        lambda c, who, _: c.robots.order(who, RobotAction.RESUME, "drained"), [("resume_robot", None)]
    ),
    "robots.order restart": Case(
        lambda c, who, _: c.robots.order(who, RobotAction.RESTART, ROBOT), [("restart_robot", None)]
    ),
    "robots.order_each drain": Case(
        lambda c, who, _: c.robots.order_each(who, RobotAction.DRAIN, [ROBOT, "drained", "also"], "patch day"),
        [("drain_robot", None), ("drain_robot", None)],
    ),
    "robots.order_each resume": Case(
        lambda c, who, _: c.robots.order_each(who, RobotAction.RESUME, ["drained", ROBOT]), [("resume_robot", None)]
    ),
    "robots.order_each restart": Case(
        lambda c, who, _: c.robots.order_each(who, RobotAction.RESTART, [ROBOT, "nobody", "also"]),
        [("restart_robot", None), ("restart_robot", None)],
    ),
    "robots.create_key": Case(lambda c, who, _: c.robots.create_key(who, ROBOT), [("create_key", None)]),
    "robots.revoke_key": Case(lambda c, who, p: c.robots.revoke_key(who, ROBOT, p.key_id), [("revoke_key", None)]),
    "queues.create": Case(lambda c, who, _: c.queues.create(who, "payroll"), [("create_queue", None)]),
    "queues.pause": Case(lambda c, who, _: c.queues.pause(who, "default", "month end"), [("pause_queue", None)]),
    "queues.resume": Case(lambda c, who, _: c.queues.resume(who, "paused"), [("resume_queue", None)]),
    "failures.annotate": Case(
        lambda c, who, p: c.failures.annotate(who, p.fingerprint, note="SAP is down", owner="ana"),
        [("note_failures", None)],
    ),
    "failures.mute": Case(lambda c, who, p: c.failures.mute(who, p.fingerprint), [("mute_failures", None)]),
    "failures.unmute": Case(lambda c, who, p: c.failures.unmute(who, p.muted), [("unmute_failures", None)]),
    "presets.save": Case(
        lambda c, who, _: c.presets.save(who, PresetKey("default", "w", "new"), "{}"), [("save_preset", None)]
    ),
    "presets.delete": Case(lambda c, who, _: c.presets.delete(who, PRESET), [("delete_preset", None)]),
    "tenants.create": Case(lambda c, who, _: c.tenants.create(who, "acme", "Acme"), [("create_tenant", None)]),
}


ROUNDS = {"jobs.compare"}
"""Methods that a background loop calls. They change no stored data."""


def commands_of_the_code() -> set[str]:
    commands = Commands(*cast("tuple[Any, Any, Any, Any, Any, Any]", (None,) * 6))
    return {
        f"{noun}.{name}"
        for noun, of_noun in vars(commands).items()
        for name, _ in inspect.getmembers(type(of_noun), inspect.iscoroutinefunction)
        if not name.startswith("_")
    }


def test_every_command_has_a_case() -> None:
    assert {name.split()[0] for name in CASES} == commands_of_the_code() - ROUNDS


def test_no_other_module_calls_an_administrative_write() -> None:
    found = {
        f"{path.name}: {call.func.attr}"
        for path in SOURCES.rglob("*.py")
        if "storage" not in path.parts and not path.name.endswith("_commands.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
        if call.func.attr in ADMINISTRATIVE_WRITES and "store" in ast.unparse(call.func.value)
    }
    assert found == set()


def dump(path: Path) -> Dump:
    """All committed rows of all tables of a database file."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            if not name.startswith("sqlite_")
        ]
        return {name: sorted(connection.execute(f"SELECT * FROM {name}"), key=repr) for name in tables}


def entries(path: Path) -> list[Entry]:
    with closing(sqlite3.connect(path)) as connection:
        audit = connection.execute('SELECT "by", action, NULL FROM audit').fetchall()
        submits = connection.execute("SELECT \"by\", kind, request_id FROM job_events WHERE number = 'T1'").fetchall()
    return sorted(audit + submits, key=repr)


def added(before: list[Entry], after: list[Entry]) -> list[Entry]:
    left = list(before)
    return [entry for entry in after if entry not in left or left.remove(entry)]  # type: ignore[func-returns-value]


class Crashes:
    """Copies the database before each statement of the writer, which is its state after a `kill -9` at that moment."""

    def __init__(self, path: Path, folder: Path) -> None:
        self._path = path
        self._folder = folder
        self.copies: list[Path] = []
        self.recording = False

    def __call__(self, statement: str) -> None:
        if not self.recording:
            return
        copy = self._folder / f"crash-{len(self.copies)}.db"
        shutil.copy(self._path, copy)
        shutil.copy(f"{self._path}-wal", f"{copy}-wal")
        self.copies.append(copy)


async def expired(plane: Instance, workflow_id: str) -> str:
    """The fingerprint of a job that expired in its queue."""
    job = await plane.job(workflow_id=workflow_id, queue_ttl_seconds=1)
    await plane.store.apply([Change(job.job_id, QueueExpired(), after(plane.clock.now(), 2))])
    group = fingerprint(await plane.stored(job))
    assert group is not None
    return group


@asynccontextmanager
async def prepared(
    path: Path, failpoints: Failpoints | None = None, trace: Callable[[str], None] | None = None
) -> AsyncIterator[tuple[Instance, Prepared]]:
    store = await InterceptedStore.open(new_database(path.parent), failpoints=failpoints, trace=trace)
    try:
        plane = Instance(store)
        await plane.robot()
        await plane.robot("drained")
        commands = plane.commands
        await plane.robot("also")
        await commands.robots.order(ADMIN, RobotAction.DRAIN, "drained")
        await commands.queues.create(ADMIN, "paused")
        await commands.queues.pause(ADMIN, "paused")
        key, _ = await commands.robots.create_key(ADMIN, ROBOT)
        jobs = [await plane.job() for _ in range(4)]
        ended = [await commands.jobs.cancel(ADMIN, job.job_id) for job in jobs[2:]]
        failed = [await expired(plane, workflow_id) for workflow_id in ("invoices", "payroll")]
        await commands.failures.mute(ADMIN, failed[1])
        await commands.presets.save(ADMIN, PRESET, "{}")
        yield plane, Prepared(jobs[0], jobs[1], ended[0], ended[1], key.key_id, *failed)
    finally:
        await store.close()


WHO = Principal(Role.ADMIN, "bo")


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
async def test_crash_before_any_statement_leaves_both_the_change_and_its_entry_or_neither(
    name: str, tmp_path: Path
) -> None:
    case, path = CASES[name], tmp_path / "casare.db"
    crashes = Crashes(path, tmp_path)
    async with prepared(path, trace=crashes) as (plane, about):
        before, entries_before = dump(path), entries(path)
        crashes.recording = True
        await case.run(plane.commands, WHO, about)
        crashes.recording = False
        after, entries_after = dump(path), entries(path)
    assert added(entries_before, entries_after) == sorted([("bo", *entry) for entry in case.entries], key=repr)
    acted = {table for table in after if after[table] != before[table]} - {"audit", "job_events"}
    assert acted, "the command changed more than its entry"
    assert len(crashes.copies) >= 4  # BEGIN, the change, the entry, COMMIT
    for copy in crashes.copies:
        assert dump(copy) in (before, after)


@pytest.mark.parametrize("name", CASES)
async def test_failed_commit_leaves_neither_the_change_nor_its_entry(name: str, tmp_path: Path) -> None:
    case, path = CASES[name], tmp_path / "casare.db"
    failpoints = Failpoints("store.commit:error@1")
    async with prepared(path, failpoints) as (plane, about):
        before = dump(path)
        failpoints.arm()
        with pytest.raises(StoreUnavailable):
            await case.run(plane.commands, WHO, about)
        assert dump(path) == before
        entries_before = entries(path)
        await case.run(plane.commands, WHO, about)  # the same command can be repeated
        assert len(added(entries_before, entries(path))) == len(case.entries)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
async def test_error_after_the_commit_leaves_the_change_and_its_entry(name: str, tmp_path: Path) -> None:
    case, path = CASES[name], tmp_path / "casare.db"
    failpoints = Failpoints("store.committed:error@1")
    async with prepared(path, failpoints) as (plane, about):
        before, entries_before = dump(path), entries(path)
        failpoints.arm()
        with pytest.raises(StoreUnavailable):
            await case.run(plane.commands, WHO, about)
        after = dump(path)
        assert {table for table in after if after[table] != before[table]} - {"audit", "job_events"}
        assert len(added(entries_before, entries(path))) == len(case.entries)


@pytest.mark.parametrize("name", CASES)
async def test_entry_that_cannot_be_written_undoes_the_change(name: str, tmp_path: Path) -> None:
    case, path = CASES[name], tmp_path / "casare.db"
    async with prepared(path) as (plane, about):
        before = dump(path)
        nameless = Principal(Role.ADMIN, "\ud800")  # a text that SQLite refuses
        with pytest.raises((StoreUnavailable, UnicodeEncodeError)):
            await case.run(plane.commands, nameless, about)
        assert dump(path) == before


@pytest.mark.parametrize("name", CASES)
async def test_robot_may_use_no_command(name: str, tmp_path: Path) -> None:
    case, path = CASES[name], tmp_path / "casare.db"
    async with prepared(path) as (plane, about):
        before = dump(path)
        with pytest.raises(AuthError, match="this needs the admin secret"):
            await case.run(plane.commands, Principal(Role.ROBOT, "robot r", "default", ROBOT, "key"), about)
        assert dump(path) == before
