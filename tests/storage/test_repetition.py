"""Repeatable calls after StoreUnavailable have the effect of one call, whether the first one was written or not."""

import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from audit_entries import a_drain, an_order
from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.credentials import LoginSession, RobotKey
from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.failure_groups import GroupKey, Mute
from casare_rpa.domain.instance_facts import InstanceFacts
from casare_rpa.domain.job_events import Cancel
from casare_rpa.domain.job_records import Change, JobToAdd
from casare_rpa.domain.logs import Level, LogLine
from casare_rpa.domain.presets import Preset, PresetKey
from casare_rpa.domain.queues import PausedQueue, Queue
from casare_rpa.domain.robot_records import Beat, RobotAction
from casare_rpa.domain.robot_sessions import Connecting, RunningInstance
from casare_rpa.domain.tenants import Tenant
from casare_rpa.domain.vocabulary import RobotStatus
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from casare_rpa.infrastructure.orchestrator.storage.postgres.store import PostgresStore
from casare_rpa.infrastructure.orchestrator.storage.schema import metadata
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from new_database import new_database
from postgres_server import DEBIAN
from postgres_server import running as running_server
from storage.postgres_database import empty_database
from storage.values import START, a_job, a_report, a_robot, add, at, running

pytestmark = pytest.mark.slow

AUDIT = NewAudit(START, "ana", "order", "target", "why")
RUNNING, PENDING = "job-running", "job-pending"
LOGIN = LoginSession("lgn-1", "admin", None, "192.0.2.1", START, at(100), "digest")
GROUP, MUTED = GroupKey("default", "5f0c21a9d3e4f601"), GroupKey("default", "0000000000000000")
PRESET, SAVED = PresetKey("default", "invoices", "march"), PresetKey("default", "invoices", "april")
Call = Callable[[Store], Awaitable[object]]
CALLS: dict[str, Call] = {
    "add_jobs": lambda s: s.add_jobs([JobToAdd(a_job(job_id="job-new"), "key", "digest")]),
    "apply an end": lambda s: s.apply([Change(RUNNING, a_report("completed", result="{}"), at(20))]),
    "apply progress": lambda s: s.apply([Change(RUNNING, a_report("running", progress=70.0), at(20))]),
    "apply a cancel": lambda s: s.apply([Change(PENDING, Cancel("over", "ana"), at(20))]),
    "begin_epoch": lambda s: s.begin_epoch("epoch-2", audit=AUDIT),
    "beat": lambda s: s.beat([Beat("robot-1", at(20), True, (), RobotStatus.BUSY, 1.0, 2.0, at(19))]),
    "connect": lambda s: s.connect(Connecting("robot-1", "s-2", "here", at(20))),
    "leave": lambda s: s.leave([("robot-drained", "s-1")]),
    "hear": lambda s: s.hear("here", at(20)),
    "hear with facts": lambda s: s.hear("there", at(20), InstanceFacts(name="north")),
    "depart": lambda s: s.depart("there"),
    "adopt": lambda s: s.adopt([RunningInstance("there", at(1))], at(20), at(110)),
    "append_logs": lambda s: s.append_logs(
        [LogLine("default", "robot-1", Level.INFO, "line", at(20), at(20), seq=number) for number in (1, 2)]
    ),
    "introduce": lambda s: s.introduce("robot-1", "instance-2"),
    "open_journal": lambda s: s.open_journal("robot-1", "journal-2"),
    "extend_leases": lambda s: s.extend_leases(at(500)),
    "change_robot": lambda s: s.change_robot("robot-1", "new name", ("sap",), 3, audit=AUDIT),
    "order_robots restart": lambda s: s.order_robots([an_order(RobotAction.RESTART, "robot-1", at(20))], None),
    "pause_queue": lambda s: s.pause_queue(PausedQueue("default", at(20), "ana", "audit"), audit=AUDIT),
    "resume_queue": lambda s: s.resume_queue("paused", audit=AUDIT),
    "order_robots drain": lambda s: s.order_robots(
        [a_drain("robot-1", at(20)), a_drain("robot-drained", at(20))], None
    ),
    "order_robots resume": lambda s: s.order_robots([an_order(RobotAction.RESUME, "robot-drained", at(20))], None),
    "revoke_key": lambda s: s.revoke_key("robot-1", "key-1", at(20), audit=AUDIT),
    "prove_writable": lambda s: s.prove_writable(at(20)),
    "remove_robot": lambda s: s.remove_robot("robot-drained", audit=AUDIT),
    "extend_login": lambda s: s.extend_login("lgn-1", at(95_000)),
    "end_login": lambda s: s.end_login("lgn-1", at(20), audit=AUDIT),
    "delete_logins": lambda s: s.delete_logins(at(90_000)),
    "add_sign_in_code": lambda s: s.add_sign_in_code("digest-2", at(630), at(30), 5),
    "use_sign_in_code": lambda s: s.use_sign_in_code("digest-1", at(30)),
    "spend": lambda s: s.spend("ticket-2", at(30)),
    "delete_spent": lambda s: s.delete_spent(at(90_000)),
    "write_failure_note": lambda s: s.write_failure_note(GROUP, "SAP is down", "ana", at(20), audit=AUDIT),
    "mute_failures": lambda s: s.mute_failures(GROUP, Mute(at(20), "ana", at(500)), audit=AUDIT),
    "unmute_failures": lambda s: s.unmute_failures(MUTED, at(20), audit=AUDIT),
    "delete_failure_notes": lambda s: s.delete_failure_notes(at(90_000)),
    "save_preset": lambda s: s.save_preset(Preset(PRESET, "{}", at(20), "ana"), audit=AUDIT),
    "delete_preset": lambda s: s.delete_preset(SAVED, audit=AUDIT),
    "add_tenant": lambda s: s.add_tenant(Tenant("acme", "Acme", START), audit=AUDIT),
    "add_robot": lambda s: s.add_robot(a_robot("robot-2"), audit=AUDIT),
    "add_login": lambda s: s.add_login(replace(LOGIN, login_id="lgn-2"), audit=AUDIT),
    "add_queue": lambda s: s.add_queue(Queue("payroll", START, "ana"), audit=AUDIT),
    "sample_queues": lambda s: s.sample_queues(at(60)),
    "delete_tallies": lambda s: s.delete_tallies(at(90_000)),
}


class Kind(NamedTuple):
    """How a kind of store is opened, empty, and how all of its rows are read from its address."""

    open: Callable[[Path, Failpoints], Awaitable[tuple[Store, str]]]
    rows: Callable[[str], list[str]]


async def open_sqlite(folder: Path, failpoints: Failpoints) -> tuple[Store, str]:
    path = new_database(folder)
    return await SqliteStore.open(path, failpoints=failpoints), str(path)


async def open_postgres(_: Path, failpoints: Failpoints) -> tuple[Store, str]:
    url = empty_database(DEBIAN)
    return await PostgresStore.open(url, failpoints=failpoints), url


def sqlite_rows(path: str) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        return [line for line in connection.iterdump() if not line.startswith('INSERT INTO "audit"')]
    finally:
        connection.close()


HOT = ("add_jobs", "apply an end", "beat", "connect", "append_logs", "extend_leases")
CHOSEN = {"numbers": " WHERE name <> 'audit'"}


def postgres_rows(url: str) -> list[str]:
    """All tables in one document. The last id of the audit trail counts the entries of repetitions too."""
    tables = sorted(metadata.tables.keys() - {"audit", "schema_info"})
    read = ", ".join(
        f"'{name}', (SELECT coalesce(json_agg(t ORDER BY t::text), '[]') FROM \"{name}\" AS t{CHOSEN.get(name, '')})"
        for name in tables
    )
    return running_server(DEBIAN).run_sql(f"SELECT json_build_object({read})", url.rpartition("/")[2]).splitlines()


KINDS = {"sqlite": Kind(open_sqlite, sqlite_rows), "postgresql": Kind(open_postgres, postgres_rows)}


async def prepared(kind: Kind, folder: Path, failpoints: Failpoints) -> tuple[Store, str]:
    store, address = await kind.open(folder, failpoints)
    await store.add_robot(a_robot(), audit=AUDIT)
    await store.add_robot(a_robot("robot-drained"), audit=AUDIT)
    await store.order_robots([a_drain("robot-drained", START)], None)
    await store.open_journal("robot-1", "journal-1")
    await store.hear("there", at(1))
    await store.connect(Connecting("robot-drained", "s-1", "there", at(1)))
    await running(store, job_id=RUNNING)
    await add(store, a_job(job_id=PENDING))
    await store.add_key(RobotKey("key-1", "robot-1", "default", "digest", START), audit=AUDIT)
    await store.add_login(LOGIN, audit=AUDIT)
    await store.pause_queue(PausedQueue("paused", at(1), "ana"), audit=AUDIT)
    await store.mute_failures(MUTED, Mute(at(1), "ana"), audit=AUDIT)
    await store.save_preset(Preset(SAVED, "{}", at(1), "ana"), audit=AUDIT)
    await store.spend("ticket-1", at(20))
    await store.add_sign_in_code("digest-1", at(600), START, 5)
    await store.sample_queues(START)
    await store.begin_epoch("epoch-1", audit=AUDIT)
    return store, address


def cases() -> list[Any]:
    """`make test` tries the calls of the hot path on PostgreSQL, `make test-all` every call."""
    return [
        pytest.param(kind, name, fault, marks=pytest.mark.long if kind == "postgresql" and name not in HOT else ())
        for kind in KINDS
        for name in CALLS
        for fault in ("store.commit:error@1", "store.committed:error@1")
    ]


@pytest.mark.parametrize(("kind", "name", "fault"), cases())
async def test_repeated_call_leaves_the_store_as_one_call_does(
    tmp_path: Path, kind: str, name: str, fault: str
) -> None:
    """All rows are equal, except for the audit trail, which has an entry for each repetition of a command."""
    rows = KINDS[kind].rows
    once, address = await prepared(KINDS[kind], tmp_path / "once", Failpoints())
    before = rows(address)
    await CALLS[name](once)
    await once.close()
    expected = rows(address)
    assert expected != before, "the call changes something"
    failpoints = Failpoints(fault)
    repeated, address = await prepared(KINDS[kind], tmp_path / "repeated", failpoints)
    failpoints.arm()
    with pytest.raises(StoreUnavailable):
        await CALLS[name](repeated)
    await CALLS[name](repeated)
    await repeated.close()
    assert rows(address) == expected
