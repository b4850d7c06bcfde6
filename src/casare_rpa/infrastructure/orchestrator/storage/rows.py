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


def updated_row(after: Job, at: Instant) -> list[Any]:
    """The values of UPDATED_COLUMNS of a job after a change. Whether it is ready is computed for the instant `at`."""
    values = [json.dumps(value) if type(value) is tuple else value for value in _changing_of(after)]
    return [*values, is_ready(after, at), fingerprint(after) if after.status is JobStatus.FAILED else None]


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
