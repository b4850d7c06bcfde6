"""Domain values ↔ rows: enums as text, tuples as JSON, truth values as 0 and 1."""

import json
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import compress
from operator import attrgetter, ne
from typing import Any

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


@lru_cache(maxsize=4096)
def _text_of(texts: tuple[str, ...]) -> str:
    return json.dumps(texts)


def _decoder(field: JobField) -> Callable[[Any], Any] | None:
    """The function that makes the value of a field from that of its column; `None` when they are the same."""
    if field.type == tuple[str, ...]:
        return _texts_of
    if isinstance(field.type, type) and issubclass(field.type, StrEnum):
        values: dict[Any, Any] = {member.value: member for member in field.type}
        return (values | {None: None} if field.optional else values).__getitem__
    return field.type if field.type in (float, bool) else None


JOB_FIELD_NAMES = tuple(field.name for field in JOB_FIELDS)
_CHANGING_FIELDS = tuple(name for name in JOB_FIELD_NAMES if name not in CONSTANT)
"""The columns that updates write. The others, and the indexes over them, are written once."""
_DECODED = tuple((index, decode) for index, decode in enumerate(map(_decoder, JOB_FIELDS)) if decode is not None)
_LISTS = tuple(index for index, field in enumerate(JOB_FIELDS) if field.type == tuple[str, ...])
_PENDING, _FAILED = JobStatus.PENDING, JobStatus.FAILED
_READY_BY = {"status", "offer_expires_at", "not_before"}
_FINGERPRINT_BY = {"reason", "error", "message"}
_all_of = attrgetter(*JOB_FIELD_NAMES)
_changing_of = attrgetter(*_CHANGING_FIELDS)

JOB_COLUMNS = (*JOB_FIELD_NAMES, "placement", "rank", "ready")
UPDATED_COLUMNS = (*_CHANGING_FIELDS, "ready", "fingerprint")
"""The columns that change, in the order of `updated_row`."""
JOB_SELECT = ", ".join(JOB_FIELD_NAMES)
"""The columns of a job, in the order that `job_of` takes them."""


def job_of(row: Sequence[Any]) -> Job:
    """The job of a row selected by JOB_SELECT."""
    values = list(row)
    for index, decode in _DECODED:
        values[index] = decode(values[index])
    return Job(*values)


def row_of(job: Job) -> list[Any]:
    """The values of JOB_COLUMNS of a job as it is submitted."""
    values = [*_all_of(job)]
    for index in _LISTS:
        values[index] = _text_of(values[index])
    return [*values, placement_text(job.placement), job.rank, is_ready(job, job.submitted_at)]


def change_of(before: Job, after: Job, at: Instant) -> tuple[tuple[str, ...], list[Any]]:
    """The changed columns and their values. Whether the job is ready is computed for the instant `at`."""
    now = _changing_of(after)
    differ = tuple(map(ne, _changing_of(before), now))
    failed = after.status is _FAILED
    names = _changed_columns(differ, failed)
    values = [_text_of(value) if type(value) is tuple else value for value in compress(now, differ)]
    if "ready" in names:
        values.append(after.status is _PENDING and is_ready(after, at))
    if "fingerprint" in names:
        values.append(fingerprint(after) if failed else None)
    return names, values


@lru_cache(maxsize=1024)
def _changed_columns(differ: tuple[bool, ...], failed: bool) -> tuple[str, ...]:
    """The columns that an update of these fields names. Cached, because nearly all changes are of a few kinds."""
    names = tuple(compress(_CHANGING_FIELDS, differ))
    derived: list[str] = []
    if not _READY_BY.isdisjoint(names):
        derived.append("ready")
    if "status" in names or (failed and not _FINGERPRINT_BY.isdisjoint(names)):
        derived.append("fingerprint")
    return (*names, *derived)


def updated_row(after: Job, at: Instant) -> list[Any]:
    """The values of UPDATED_COLUMNS of a job after a change. Whether it is ready is computed for the instant `at`."""
    values = [_text_of(value) if type(value) is tuple else value for value in _changing_of(after)]
    return [*values, is_ready(after, at), fingerprint(after) if after.status is _FAILED else None]


def is_ready(job: Job, at: Instant) -> bool:
    """Whether the job can be offered: pending, not offered, and not before its `not_before`."""
    waiting = job.status is _PENDING and job.offer_expires_at is None
    return waiting and (job.not_before is None or job.not_before <= at)


@lru_cache(maxsize=1024)
def placement_text(placement: Placement) -> str:
    """The line that a job waits in, as text: equal placements have equal texts. Cached: jobs share a few lines.

    >>> placement_text(Placement("default", "default", None, ("sap",), "invoices"))
    '["default","default",null,["sap"],"invoices"]'
    """
    value = [placement.tenant_id, placement.queue, placement.robot_id, list(placement.tags), placement.workflow_id]
    return json.dumps(value, separators=(",", ":"))


def placement_from(text: str) -> Placement:
    tenant_id, queue, robot_id, tags, workflow_id = json.loads(text)
    return Placement(tenant_id, queue, robot_id, tuple(tags), workflow_id)
