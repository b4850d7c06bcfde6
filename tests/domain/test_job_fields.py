"""A field of Job is declared once; requests, retries, rows, columns and views are derived from its name."""

import re
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import asdict, replace

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job, Reason
from casare_rpa.domain.job_fields import JOB_FIELDS, fields_of
from casare_rpa.domain.job_submissions import CONSTANT, REQUESTED, NewSubmission, new_job, retry_of
from domain.table import START, completed, failed, lost

SOURCE = Path(__file__).resolve().parents[2] / "src" / "casare_rpa"
ORCHESTRATOR = "infrastructure/orchestrator/"

ASKED = NewSubmission(
    workflow_id="invoices",
    tenant_id="acme",
    parameters='{"month":1}',
    priority=7,
    timeout_seconds=60,
    target_robot_id="alpha-07",
    tags=("sap", "excel", "sap"),
    max_attempts=3,
    not_before=Instant(START + 1_000_000),
    queue="night",
    queue_ttl_seconds=5,
    idempotency_key="k",
    retry_of="job-0",
)


def test_fields_are_those_of_the_struct_with_their_types() -> None:
    fields = {field.name: field for field in JOB_FIELDS}
    assert tuple(fields) == Job.__struct_fields__
    assert fields["reason"][:3] == ("reason", Reason, True)
    assert fields["submitted_at"][:3] == ("submitted_at", Instant, False)
    assert fields["tags"][:3] == ("tags", tuple[str, ...], False)


def test_request_fields_and_marked_fields_are_shown() -> None:
    shown = {field.name for field in JOB_FIELDS if field.shown}
    assert {"queue", "retry_of", "job_id", "status", "result"} <= shown
    assert shown.isdisjoint({"session_id", "process", "submitted_at", "revision"})


@pytest.mark.parametrize("missing", ["job_id", "submitted_at"])
def test_job_without_its_id_or_its_time_is_an_error(missing: str) -> None:
    values = {"workflow_id": "w", "tenant_id": "t", "job_id": "job-1", "submitted_at": START}
    del values[missing]
    with pytest.raises(TypeError, match="required"):
        Job(**values)


def test_field_with_two_types_has_no_column() -> None:
    class Ambiguous(msgspec.Struct):
        value: int | str | None

    with pytest.raises(ValueError, match="too many values"):
        fields_of(Ambiguous)


def test_every_field_of_a_request_that_a_job_has_is_in_the_job() -> None:
    job = new_job(ASKED, "job-1", START)
    assert {name: getattr(job, name) for name in REQUESTED} == {
        **{name: getattr(ASKED, name) for name in REQUESTED},
        "tags": ("excel", "sap"),
    }
    assert set(asdict(ASKED)) - set(REQUESTED) == {"idempotency_key"}, "not a field of a job"
    assert (job.job_id, job.submitted_at) == ("job-1", START)
    assert job.queue_expires_at == START + 6_000_000, "its time in the queue starts at `not_before`"


def test_job_without_a_limit_of_its_time_in_the_queue_does_not_expire_there() -> None:
    assert new_job(replace(ASKED, queue_ttl_seconds=None), "job-1", START).queue_expires_at is None


def test_retry_requests_the_same_without_its_delay() -> None:
    job = new_job(ASKED, "job-1", START)
    again = retry_of(job, "key")
    wanted = {"idempotency_key": "key", "retry_of": "job-1", "not_before": None, "tags": ("excel", "sap")}
    assert asdict(again) == asdict(ASKED) | wanted


@pytest.mark.parametrize("walk", [completed, failed, lost])
def test_no_transition_changes_a_constant_field(walk) -> None:
    job = new_job(ASKED, "job-1", START)
    wishes = {name: getattr(job, name) for name in CONSTANT - {"job_id", "submitted_at"}}
    ended = walk(**wishes)
    assert {name: getattr(ended, name) for name in wishes} == wishes


def test_request_field_is_declared_once() -> None:
    """A new field needs its declaration and a migration, and the place that decides its effect."""
    assert files_naming("queue_ttl_seconds") == {
        "domain/job_request.py",  # the declaration
        ORCHESTRATOR + "storage/migrations/versions/0003_queues_and_draining.py",
        "domain/job_updates.py",  # computes the end of the time in the queue
        "domain/transitions.py",  # the message of that end
        "cli/job.py",  # the option of the command line
        ORCHESTRATOR + "jobs/submissions.py",  # the fields of digests that are stored
    }


def test_field_that_the_server_sets_is_declared_once() -> None:
    assert files_naming("cancel_received_at") == {
        "domain/job.py",  # the declaration and `cancel_stage`
        ORCHESTRATOR + "storage/migrations/versions/0003_queues_and_draining.py",
        "domain/transitions.py",  # sets it
        ORCHESTRATOR + "api/job_views.py",  # a part of the receipt, which is a view of its own
    }


def files_naming(field: str) -> set[str]:
    return {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if re.search(rf"\b{field}\b", path.read_text(encoding="utf-8"))
    }
