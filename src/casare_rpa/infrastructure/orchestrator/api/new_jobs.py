"""Request bodies that submit one job or many."""

import json
from typing import Any

from pydantic import BaseModel, Field, field_validator

from casare_rpa.domain import codec
from casare_rpa.domain.errors import ProtocolError
from casare_rpa.domain.job_fields import REQUEST_FIELDS
from casare_rpa.domain.job_submissions import NewSubmission
from casare_rpa.domain.protocol import ID_PATTERN
from casare_rpa.infrastructure.orchestrator.api.job_views import json_text, requested_value, with_requested_fields

MAX_PARAMETERS_BYTES = 256 * 1024
MAX_BATCH_JOBS = 1000


_DECLARED_HERE = ("tenant_id", "target_robot_id", "retry_of")
REQUESTED = tuple(field for field in REQUEST_FIELDS if field.name not in _DECLARED_HERE)
"""The fields of a job that a request body declares as JobRequest does."""


class RequestedJob(BaseModel):
    """The fields of a job in a request that `JobRequest` declares otherwise, and the check of its parameters."""

    tenant_id: str = Field("default", pattern=ID_PATTERN)
    robot_id: str | None = Field(None, pattern=ID_PATTERN, description="Run on this robot only.")

    @field_validator("parameters", check_fields=False)
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


@with_requested_fields(REQUESTED)
class NewJob(RequestedJob):
    """A job to submit."""

    # The decorator adds the fields that JobRequest declares, with their limits.


class NewJobs(BaseModel):
    """Jobs that are added together: all of them, or none when one is refused."""

    jobs: list[NewJob] = Field(min_length=1, max_length=MAX_BATCH_JOBS)


_CONVERTERS = tuple((field.name, requested_value(field)) for field in REQUESTED)


def submission_of(new: NewJob, idempotency_key: str | None) -> NewSubmission:
    """The request of a body."""
    values = {name: convert(getattr(new, name)) if convert else getattr(new, name) for name, convert in _CONVERTERS}
    return NewSubmission(
        **values,
        tenant_id=new.tenant_id,
        target_robot_id=new.robot_id,
        idempotency_key=idempotency_key,
    )
