"""The batch commands that add jobs and change them."""

import sqlite3
from collections.abc import Iterable, Sequence

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.job_records import Added, Applied, Change, JobToAdd
from casare_rpa.domain.robot_sessions import SessionKey
from casare_rpa.domain.vocabulary import JobStatus
from casare_rpa.infrastructure.orchestrator.storage.cold import audit_rows
from casare_rpa.infrastructure.orchestrator.storage.decisions import (
    EVENT_COLUMNS,
    Audited,
    Counters,
    Key,
    KnownKey,
    count_accepted,
    count_created,
    decide_changes,
    decide_submits,
    due_entries,
    wanted_keys,
)
from casare_rpa.infrastructure.orchestrator.storage.json_parameters import json_parameter
from casare_rpa.infrastructure.orchestrator.storage.placements import Placements
from casare_rpa.infrastructure.orchestrator.storage.sqlite import job_writes, numbers, session_rows

# CROSS JOIN fixes the join order: a lookup for each wanted key instead of a scan of all kept keys.
KNOWN_KEYS = (
    "SELECT kept.tenant_id, kept.idempotency_key, kept.body_digest, kept.job_id "
    "FROM json_each(?) AS wanted CROSS JOIN idempotency_keys AS kept "
    "ON kept.tenant_id = wanted.value ->> 0 AND kept.idempotency_key = wanted.value ->> 1"
)
INSERT_KEYS = (
    "INSERT INTO idempotency_keys (tenant_id, idempotency_key, body_digest, job_id) "
    "SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?)"
)


AddCall = tuple[Sequence[JobToAdd], NewAudit | None]
ApplyCall = tuple[Sequence[Change], NewAudit | None, SessionKey | None]


class ChangeCounters:
    """The counters of changes in memory. Implements `driver.WriterCache`."""

    def __init__(self) -> None:
        self.counters = Counters()

    def reload(self, connection: sqlite3.Connection) -> None:
        """Read the counters again, after anything was undone."""
        self.counters = numbers.read_counters(connection)

    def follow(self, connection: sqlite3.Connection) -> None:
        """Continue after the numbers that other writers gave."""
        self.reload(connection)

    def save(self, connection: sqlite3.Connection) -> None:
        """Write the counters that changed, in the transaction of the changes that they number."""
        counters = self.counters
        if counters.changed:
            rows = {numbers.JOBS: counters.last}
            for tenant_id in sorted(counters.changed):
                rows[numbers.OF_TENANT + tenant_id] = counters.of_tenants[tenant_id]
            connection.execute(numbers.SAVE, (json_parameter(list(rows.items())),))
            counters.changed.clear()


class AddJobs:
    """The batch command of `JobWriter.add_jobs`."""

    def __init__(self, placements: Placements, counters: ChangeCounters, tally_slot: int) -> None:
        self._placements = placements
        self._numbers = counters
        self._tally_slot = tally_slot

    def execute(self, connection: sqlite3.Connection, calls: Sequence[AddCall]) -> list[list[Added | None]]:
        submits = [jobs for jobs, _ in calls]
        decided = decide_submits(submits, _stored_keys(connection, wanted_keys(submits)), self._numbers.counters)
        if decided.jobs:
            job_writes.insert(connection, decided.jobs, decided.events, self._tally_slot)
            self._placements.add(new.job.placement for new in decided.jobs)
        if decided.keys:
            connection.execute(INSERT_KEYS, (json_parameter(decided.keys),))
        audits = (audit for _, audit in calls)
        _record(connection, zip(audits, map(count_created, decided.answers), strict=True))
        self._numbers.save(connection)
        return decided.answers


class ApplyChanges:
    """The batch command of `JobWriter.apply`."""

    def __init__(self, placements: Placements, counters: ChangeCounters, tally_slot: int) -> None:
        self._placements = placements
        self._numbers = counters
        self._tally_slot = tally_slot

    def execute(self, connection: sqlite3.Connection, calls: Sequence[ApplyCall]) -> list[list[Applied]]:
        if any(session is not None for *_, session in calls):
            calls = _without_lost(connection, calls)
        stored = job_writes.load(connection, {change.job_id for changes, *_ in calls for change in changes})
        every = [changes for changes, *_ in calls]
        answers, written, events = decide_changes(every, stored, self._numbers.counters)
        if written:
            job_writes.update(connection, written, self._tally_slot)
            if pending := [one.after.placement for one in written if one.after.status is JobStatus.PENDING]:
                self._placements.add(pending)
        if events:
            job_writes.insert_rows(connection, "job_events", EVENT_COLUMNS, events)
        if any(audit is not None for _, audit, _ in calls):  # reports of robots, the most frequent changes, have none
            audits = (audit for _, audit, _ in calls)
            _record(connection, zip(audits, map(count_accepted, answers), strict=True))
        self._numbers.save(connection)
        return answers


def _without_lost(connection: sqlite3.Connection, calls: Sequence[ApplyCall]) -> list[ApplyCall]:
    """The calls, of which those in a session that is not the newest one of its robot change nothing."""
    sessions = {session for *_, session in calls if session is not None}
    lost = {(one.robot_id, one.session_id) for one in session_rows.lost(connection, sorted(sessions))}
    return [((), None, None) if session in lost else (changes, audit, session) for changes, audit, session in calls]


def _record(connection: sqlite3.Connection, audited: Iterable[Audited]) -> None:
    entries = due_entries(audited)
    if entries:
        audit_rows.record(connection, entries)


def _stored_keys(connection: sqlite3.Connection, wanted: Sequence[Key]) -> dict[Key, KnownKey]:
    if not wanted:
        return {}
    rows = connection.execute(KNOWN_KEYS, (json_parameter(wanted),)).fetchall()
    jobs = job_writes.load(connection, {row[3] for row in rows}) if rows else {}
    return {(tenant_id, key): KnownKey(digest, jobs[job_id]) for tenant_id, key, digest, job_id in rows}
