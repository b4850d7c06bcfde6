"""Statements that write jobs with their history and tallies, with one statement of each kind per batch."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import compress, count

from casare_rpa.domain.job import Job
from casare_rpa.domain.job_records import JobToAdd
from casare_rpa.infrastructure.orchestrator.storage.decisions import (
    SUBMITTED_COLUMNS,
    EventRow,
    Tally,
    Written,
    tallies_of_changes,
    tallies_of_submits,
)
from casare_rpa.infrastructure.orchestrator.storage.json_parameters import json_parameter
from casare_rpa.infrastructure.orchestrator.storage.rows import JOB_COLUMNS, change_of, job_of, row_of
from casare_rpa.infrastructure.orchestrator.storage.sqlite.json_rows import (
    JOB_JSON,
    json_rows,
    rows_at_once,
)

LOADED_AT_ONCE = 250
"""A job can take over 1 MiB as JSON, and a text in SQLite is limited to 1 GB."""

WANTED_JOBS = "FROM jobs WHERE job_id IN (SELECT value FROM json_each(?))"
TALLY = (
    "INSERT INTO tallies (tenant_id, status, minute, queue, slot, number) "
    "SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, ?2, value ->> 4 FROM json_each(?1) WHERE true "
    "ON CONFLICT (tenant_id, status, minute, queue, slot) DO UPDATE SET number = number + excluded.number"
)


def load(connection: sqlite3.Connection, job_ids: Iterable[str]) -> dict[str, Job]:
    """The jobs that exist, by id."""
    wanted = [*job_ids]
    found: dict[str, Job] = {}
    for first in range(0, len(wanted), LOADED_AT_ONCE):
        some = json_parameter(wanted[first : first + LOADED_AT_ONCE])
        jobs = map(job_of, rows_at_once(connection, JOB_JSON, WANTED_JOBS, (some,)))
        found.update((job.job_id, job) for job in jobs)
    return found


def insert(
    connection: sqlite3.Connection, new: Sequence[JobToAdd], events: Sequence[EventRow], tally_slot: int
) -> None:
    """New jobs, each with its first history entry (T1), which is the audit entry of the submit.

    They are counted in the slot of this instance: see `tallies` in schema.py.
    """
    jobs = [one.job for one in new]
    insert_rows(connection, "jobs", JOB_COLUMNS, [row_of(job) for job in jobs])
    insert_rows(connection, "job_events", SUBMITTED_COLUMNS, events)
    _count(connection, tallies_of_submits(jobs), tally_slot)


def insert_rows(
    connection: sqlite3.Connection, table: str, columns: tuple[str, ...], rows: Sequence[Sequence[object]]
) -> None:
    """Add at least one row."""
    differ, parameters = _short(rows)
    connection.execute(insert_of(table, columns, differ), parameters)


def _short(rows: Sequence[Sequence[object]]) -> tuple[tuple[bool, ...], tuple[str, str]]:
    """At least one row in short: which columns differ between the rows, and the two parameters of a statement.

    These are the first row (?1), and of each row the values that differ (?2). SQLite reads the JSON of a row from the
    start to each value, and rows of one batch are similar.
    """
    first = rows[0]
    if len(rows) == 1:
        return (False,) * len(first), (json_parameter(first), "[[]]")
    # Column by column, because `count` compares all values of one in C: a job has about fifty columns.
    values = [*zip(*rows, strict=True)]
    differ = tuple(column.count(value) < len(rows) for column, value in zip(values, first, strict=True))
    different = [*zip(*compress(values, differ), strict=True)] or [()] * len(rows)
    return differ, (json_parameter(first), json_parameter(different))


def _values(differ: tuple[bool, ...]) -> list[str]:
    """For each column, the expression of its value in `_short` rows."""
    places = count()
    return [f"value ->> {next(places)}" if differs else f"?1 ->> {n}" for n, differs in enumerate(differ)]


@lru_cache(maxsize=256)
def insert_of(table: str, columns: tuple[str, ...], differ: tuple[bool, ...]) -> str:
    """The statement that adds many rows. `differ` has one flag per column: whether the rows differ in it."""
    names = ", ".join(f'"{name}"' for name in columns)
    return f"INSERT INTO {table} ({names}) SELECT {', '.join(_values(differ))} FROM {json_rows('?2')}"  # noqa: S608


@lru_cache(maxsize=256)
def update_of(columns: tuple[str, ...], differ: tuple[bool, ...]) -> str:
    """The statement that writes these columns of many jobs, guarded by their old revision.

    `differ` has a flag for `job_id`, one for the old revision, and one for each column.
    """
    named = zip(_values(differ), ("job_id", "old_revision", *columns), strict=True)
    return (
        f"UPDATE jobs SET {', '.join(f'{name} = new.{name}' for name in columns)} "  # noqa: S608
        f"FROM (SELECT {', '.join(f'{value} AS {name}' for value, name in named)} FROM {json_rows('?2')}) AS new "
        "WHERE jobs.job_id = new.job_id AND jobs.revision = new.old_revision"
    )


def update(connection: sqlite3.Connection, written: Sequence[Written], tally_slot: int) -> None:
    """Write changed jobs, with one statement for each set of columns that changed.

    SQLite updates every index over a column that a statement names, even if the value stays the same; naming only the
    changed columns avoids that. The jobs were loaded in this transaction, so a revision that differs is a bug
    and fails the transaction.
    """
    rows: dict[tuple[str, ...], list[list[object]]] = {}
    for one in written:
        columns, values = change_of(one.before, one.after, one.at)
        rows.setdefault(columns, []).append([one.after.job_id, one.before.revision, *values])
    done = 0
    for columns, changed in rows.items():
        differ, parameters = _short(changed)
        done += connection.execute(update_of(columns, differ), parameters).rowcount
    if done != len(written):
        raise sqlite3.OperationalError(f"{len(written) - done} jobs have another revision than the writer loaded")
    _count(connection, tallies_of_changes(written), tally_slot)


def _count(connection: sqlite3.Connection, moves: Counter[Tally], slot: int) -> None:
    """Add these differences to the counts, in the transaction of the jobs."""
    rows = [[*key, number] for key, number in moves.items() if number]
    if rows:
        connection.execute(TALLY, (json_parameter(rows), slot))
