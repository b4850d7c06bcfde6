"""HTTP models, columns and options have the fields that Job and JobRequest declare."""

import inspect
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta
from pydantic import BaseModel, ValidationError

from casare_rpa.cli import job as job_commands
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_fields import JOB_FIELDS, fields_of
from casare_rpa.domain.job_request import FieldMark, JobRequest
from casare_rpa.domain.job_submissions import NewSubmission
from casare_rpa.infrastructure.orchestrator.api.job_views import (
    JobView,
    job_view,
    requested_value,
    shown_value,
    with_requested_fields,
    with_shown_fields,
)
from casare_rpa.infrastructure.orchestrator.api.new_jobs import NewJob
from casare_rpa.infrastructure.orchestrator.storage.schema import jobs

COMPUTED = {
    "robot_id", "created_at", "contact", "cancel", "pending_reasons", "queue_position", "fitting_robots", "fingerprint",
}  # fmt: skip
OPTIONS = {"parameters": "param", "timeout_seconds": "timeout", "tags": "tag", "tenant_id": "tenant",
           "queue_ttl_seconds": "queue_ttl", "robot_id": "robot"}  # fmt: skip
"""Options of `casare job submit` with another name than the field."""


class Added(msgspec.Struct):
    """Fields of each kind, as a new declaration in Job or JobRequest would have them."""

    weight: Annotated[float, Meta(ge=0, description="Its weight."), FieldMark.SHOWN] = 1.0
    started: Annotated[Instant | None, FieldMark.SHOWN] = None
    owners: Annotated[tuple[str, ...], Meta(max_length=2), FieldMark.SHOWN] = ("ana",)
    details: Annotated[str | None, FieldMark.JSON_OBJECT] = None
    outcome: Annotated[str | None, FieldMark.JSON] = None
    secret: str = ""


ADDED = fields_of(Added)
START = Instant(1_772_439_304_120_000)


def test_view_has_the_shown_fields_and_the_computed_ones() -> None:
    assert set(JobView.model_fields) == {field.name for field in JOB_FIELDS if field.shown} | COMPUTED


def test_body_has_the_fields_of_a_request() -> None:
    renamed = {"target_robot_id": "robot_id"}
    requested = {renamed.get(name, name) for name in JobRequest.__struct_fields__} - {"retry_of"}
    assert set(NewJob.model_fields) == requested


def test_store_has_a_column_for_each_field() -> None:
    assert {column.name for column in jobs.columns} == {field.name for field in JOB_FIELDS} | {
        "placement", "rank", "ready", "fingerprint",
    }  # fmt: skip


def test_command_line_has_an_option_for_each_field_of_a_request() -> None:
    options = set(inspect.signature(job_commands.submit).parameters)
    assert {OPTIONS.get(name, name) for name in NewJob.model_fields} <= options


def test_request_and_job_share_their_fields() -> None:
    shared = JobRequest.__struct_fields__
    assert NewSubmission.__struct_fields__[: len(shared)] == Job.__struct_fields__[: len(shared)] == shared


def test_new_shown_field_is_in_the_view_with_its_converted_value() -> None:
    shown = [field for field in ADDED if field.shown]

    @with_shown_fields(shown)
    class View(BaseModel):
        own: int

    values = {"weight": 2.0, "started": START, "owners": ("ana",), "details": '{"a":1}', "outcome": "[1]"}
    for field in shown:
        if convert := shown_value(field):
            values[field.name] = convert(values[field.name])
    assert View(own=1, **values).model_dump(mode="json") == {
        "own": 1, "weight": 2, "started": "2026-03-02T08:15:04.120Z", "owners": ["ana"], "details": {"a": 1},
        "outcome": [1],
    }  # fmt: skip
    optional = [convert for convert in map(shown_value, (field for field in shown if field.optional)) if convert]
    assert [convert(None) for convert in optional] == [None, None, None]


def test_new_requested_field_has_its_limit_its_default_and_its_description() -> None:
    wanted = [field for field in ADDED if field.name in ("weight", "started", "owners")]

    @with_requested_fields(wanted)
    class Body(BaseModel):
        pass

    assert Body().model_dump() == {"weight": 1.0, "started": None, "owners": ["ana"]}
    assert Body.model_fields["weight"].description == "Its weight."
    for wrong in ({"weight": -1}, {"owners": ["a", "b", "c"]}, {"owners": ["no\nid"]}, {"started": "soon"}):
        with pytest.raises(ValidationError):
            Body(**wrong)
    body = Body(started="2026-03-02T08:15:04.120Z", owners=["a", "b"])
    converted = {
        field.name: convert(getattr(body, field.name)) for field in wanted if (convert := requested_value(field))
    }
    assert converted == {"started": START, "owners": ("a", "b")}


def test_view_of_a_job_has_every_shown_value() -> None:
    job = Job(
        workflow_id="w", tenant_id="t", job_id="job-1", submitted_at=START, parameters='{"a":1}', tags=("sap",),
        not_before=START, result="[1]", progress=45.0,
    )  # fmt: skip
    view = job_view(job).model_dump(mode="json")
    assert (view["parameters"], view["tags"], view["result"], view["progress"]) == ({"a": 1}, ["sap"], [1], 45)
    assert (view["not_before"], view["error"], view["queue_ttl_seconds"]) == ("2026-03-02T08:15:04.120Z", None, None)
