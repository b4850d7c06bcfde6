"""Request bodies that submit one job or many."""

import json
from typing import Annotated, Any

from pydantic import BaseModel, Field, field_validator

from casare_rpa.domain import codec
from casare_rpa.domain.errors import ProtocolError
from casare_rpa.domain.instants import from_datetime
from casare_rpa.domain.job import DEFAULT_PRIORITY, DEFAULT_QUEUE, DEFAULT_TIMEOUT_SECONDS, MAX_PRIORITY
from casare_rpa.domain.job_submissions import REQUESTED, NewSubmission
from casare_rpa.domain.protocol import ID_PATTERN
from casare_rpa.infrastructure.orchestrator.api.parameters import PLAIN_TEXT, Moment

MAX_PARAMETERS_BYTES = 256 * 1024
MAX_TIMEOUT_SECONDS = 7 * 24 * 3600
MAX_BATCH_JOBS = 1000
Tag = Annotated[str, Field(pattern=ID_PATTERN)]


class NewJob(BaseModel):
    """A job to submit."""

    workflow_id: str = Field(min_length=1, max_length=128, pattern=PLAIN_TEXT)
    parameters: dict[str, Any] = Field(default_factory=dict, description="At most 256 KiB of JSON.")
    priority: int = Field(
        DEFAULT_PRIORITY, ge=0, le=MAX_PRIORITY, description="Higher first; one step equals ten minutes of waiting."
    )
    timeout_seconds: int = Field(DEFAULT_TIMEOUT_SECONDS, ge=1, le=MAX_TIMEOUT_SECONDS)
    robot_id: str | None = Field(None, pattern=ID_PATTERN, description="Run on this robot only.")
    tags: list[Tag] = Field(default_factory=list, max_length=64, description="Tags that the robot must have.")
    tenant_id: str = Field("default", pattern=ID_PATTERN)
    max_attempts: int = Field(1, ge=1, le=100, description="How many starts are allowed; 1 means at most once.")
    not_before: Moment | None = Field(None, description="Earliest time of its start.")
    queue: str = Field(DEFAULT_QUEUE, pattern=ID_PATTERN, description="The queue of the job.")
    queue_ttl_seconds: int | None = Field(
        None,
        ge=1,
        le=MAX_TIMEOUT_SECONDS,
        description="How long it may wait before it fails with the reason `expired`.",
    )

    @field_validator("parameters")
    @classmethod
    def _plain_json(cls, value: dict[str, Any]) -> dict[str, Any]:
        try:
            text = codec.repair(json.dumps(value, allow_nan=False))
            codec.check_depth(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"not plain JSON: {error}") from None
        except ProtocolError:
            raise ValueError(f"nested deeper than {codec.MAX_DEPTH} levels") from None
        plain: dict[str, Any] = json.loads(text)
        if len(json_text(plain).encode()) > MAX_PARAMETERS_BYTES:
            raise ValueError(f"over {MAX_PARAMETERS_BYTES} bytes; store the data elsewhere and name it here")
        return plain


class NewJobs(BaseModel):
    """Jobs that are added together: all of them, or none when one is refused."""

    jobs: list[NewJob] = Field(min_length=1, max_length=MAX_BATCH_JOBS)


_CONVERTED = frozenset({"parameters", "tags", "not_before"})
_COPIED = tuple(name for name in REQUESTED if name in NewJob.model_fields.keys() - _CONVERTED)


def submission_of(new: NewJob, idempotency_key: str | None) -> NewSubmission:
    """The request of a body. A field with the same name is copied."""
    return NewSubmission(
        **{name: getattr(new, name) for name in _COPIED},
        parameters=json_text(new.parameters),
        target_robot_id=new.robot_id,
        tags=tuple(new.tags),
        not_before=from_datetime(new.not_before) if new.not_before else None,
        idempotency_key=idempotency_key,
    )


def json_text(value: dict[str, Any]) -> str:
    """Compact JSON text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
