"""Domain values ↔ rows: enums as text, tuples as JSON, truth values as 0 and 1."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import compress
from operator import attrgetter, ne
from typing import Any

import msgspec

from casare_rpa.domain import codec
from casare_rpa.domain.failures import fingerprint
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_fields import JOB_FIELDS, JobField
from casare_rpa.domain.job_submissions import CONSTANT
from casare_rpa.domain.robots import Placement
from casare_rpa.domain.vocabulary import JobStatus


@lru_cache(maxsize=4096)
def _texts_of(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


def _decoder(field: JobField) -> Callable[[Any], Any] | None:
    """The function that makes the value of a field from that of its column; `None` when they are the same."""
    if field.type == tuple[str, ...]:
        return _texts_of
    if isinstance(field.type, type) and issubclass(field.type, StrEnum):
        values: dict[Any, Any] = {member.value: member for member in field.type}
        return (values | {None: None} if field.optional else values).__getitem__
    return field.type if field.type in (float, bool) else None


_JOB_FIELDS = tuple(field.name for field in JOB_FIELDS)
_CHANGING_FIELDS = tuple(name for name in _JOB_FIELDS if name not in CONSTANT)
"""The columns that updates write. The others, and the indexes over them, are written once."""
_DECODED = tuple((index, decode) for index, decode in enumerate(map(_decoder, JOB_FIELDS)) if decode is not None)
_READY_BY = {"status", "offer_expires_at", "not_before"}
_FINGERPRINT_BY = {"reason", "error", "message"}
_all_of = attrgetter(*_JOB_FIELDS)
_changing_of = attrgetter(*_CHANGING_FIELDS)

JOB_COLUMNS = (*_JOB_FIELDS, "placement", "rank", "ready")
_EXACT = {"progress": "printf('%!.17g', progress)"}
"""Columns of floating-point numbers, which SQLite rounds to 15 digits in JSON."""
JOB_JSON = f"json_array({', '.join(_EXACT.get(name, name) for name in _JOB_FIELDS)})"
"""A job as one value, for `rows_at_once`."""
JOB_SELECT = ", ".join(_JOB_FIELDS)
"""The columns of a job, in the order that `job_of` takes them."""


def job_of(row: Sequence[Any]) -> Job:
    """The job of a row selected by JOB_SELECT, or of a value selected by JOB_JSON."""
    values = list(row)
    for index, decode in _DECODED:
        values[index] = decode(values[index])
    return Job(*values)


def row_of(job: Job) -> list[Any]:
    """The values of JOB_COLUMNS of a job as it is submitted."""
    values = [json.dumps(value) if type(value) is tuple else value for value in _all_of(job)]
    return [*values, placement_text(job.placement), job.rank, is_ready(job, job.submitted_at)]


def change_of(before: Job, after: Job, at: Instant) -> tuple[tuple[str, ...], list[Any]]:
    """The changed columns and their values. Whether the job is ready is computed for the instant `at`."""
    then, now = _changing_of(before), _changing_of(after)
    differ = tuple(map(ne, then, now))
    names = tuple(compress(_CHANGING_FIELDS, differ))
    values = [json.dumps(value) if type(value) is tuple else value for value in compress(now, differ)]
    if not _READY_BY.isdisjoint(names):
        names, values = (*names, "ready"), [*values, after.status is JobStatus.PENDING and is_ready(after, at)]
    if "status" in names or (after.status is JobStatus.FAILED and not _FINGERPRINT_BY.isdisjoint(names)):
        names, values = (
            (*names, "fingerprint"),
            [*values, fingerprint(after) if after.status is JobStatus.FAILED else None],
        )
    return names, values


def is_ready(job: Job, at: Instant) -> bool:
    """Whether the job can be offered: pending, not offered, and not before its `not_before`."""
    waiting = job.status is JobStatus.PENDING and job.offer_expires_at is None
    return waiting and (job.not_before is None or job.not_before <= at)


def placement_text(placement: Placement) -> str:
    """The line that a job waits in, as text: equal placements have equal texts.

    >>> placement_text(Placement("default", "default", None, ("sap",), "invoices"))
    '["default","default",null,["sap"],"invoices"]'
    """
    value = [placement.tenant_id, placement.queue, placement.robot_id, list(placement.tags), placement.workflow_id]
    return json.dumps(value, separators=(",", ":"))


def placement_from(text: str) -> Placement:
    tenant_id, queue, robot_id, tags, workflow_id = json.loads(text)
    return Placement(tenant_id, queue, robot_id, tuple(tags), workflow_id)


def json_parameter(rows: Sequence[Any]) -> str:
    """Rows, or single values, as the one JSON parameter of a batched statement.

    A NUL becomes U+FFFD, as it does in every frame of a robot: SQLite cuts the text that it takes out of JSON there.
    """
    text = msgspec.json.encode(rows).decode()
    return codec.repair(text) if "\\u0000" in text else text


def columns_of_json(names: Sequence[str]) -> str:
    """The select list that takes rows out of `json_each(?)` again."""
    return ", ".join(f'value ->> {index} AS "{name}"' for index, name in enumerate(names))


def rows_at_once(connection: sqlite3.Connection, value: str, source: str, parameters: Sequence[Any]) -> list[Any]:
    """All rows of `source`, of which `value` makes one JSON value each.

    In one step: between rows, `sqlite3` releases the interpreter lock, which a busy event loop then keeps for the
    switch interval.
    """
    (text,) = connection.execute(f"SELECT json_group_array({value}) {source}", parameters).fetchone()
    rows: list[Any] = msgspec.json.decode(text)
    return rows
