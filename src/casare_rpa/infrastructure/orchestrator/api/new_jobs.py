"""Request bodies that submit one job or many.

A body is declared twice by the same fields: `NewJob` explains the errors of a wrong one, and `read_submissions` reads a
valid one in a tenth of the time. `read_submissions` accepts nothing that `NewJob` refuses.
"""

import json
from collections.abc import Callable
from operator import attrgetter
from typing import Annotated, Any

import msgspec
from msgspec import NODEFAULT, Meta
from pydantic import BaseModel, Field, field_validator

from casare_rpa.domain import codec
from casare_rpa.domain.errors import ProtocolError
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job_fields import REQUEST_FIELDS, JobField
from casare_rpa.domain.job_request import FieldMark
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


def _exact(meta: Meta | None) -> Meta:
    """The limits of a field. `$` also matches before a line end in Python, but not in the pattern of `NewJob`."""
    limits = {
        name: value
        for name in ("min_length", "max_length", "ge", "le")
        if (value := getattr(meta, name, None)) is not None
    }
    pattern = getattr(meta, "pattern", None)
    return Meta(**limits) if pattern is None else Meta(**limits, pattern=rf"(?:{pattern})\Z")


def _read_type(field: JobField) -> Any:  # noqa: ANN401 - a type
    if field.mark is FieldMark.JSON_OBJECT:
        return msgspec.Raw
    if field.type is Instant:
        return None  # a time has many forms, which `NewJob` reads
    limited: Any = Annotated[field.type, _exact(field.meta)]
    if field.type == tuple[str, ...]:
        limited = Annotated[tuple[Annotated[str, _exact(Meta(pattern=ID_PATTERN))], ...], _exact(field.meta)]
    return limited | None if field.optional else limited


def _read_field(field: JobField) -> tuple[str, Any] | tuple[str, Any, Any]:
    default = msgspec.Raw(field.default) if field.mark is FieldMark.JSON_OBJECT else field.default
    return (field.name, _read_type(field)) if default is NODEFAULT else (field.name, _read_type(field), default)


_AN_ID = Annotated[str, _exact(Meta(pattern=ID_PATTERN))]
_ReadJob: Any = msgspec.defstruct(
    "_ReadJob",
    [*map(_read_field, REQUESTED), ("tenant_id", _AN_ID, "default"), ("robot_id", _AN_ID | None, None)],
    frozen=True,
    gc=False,
)
_ReadJobs: Any = msgspec.defstruct(
    "_ReadJobs",
    [("jobs", Annotated[list[_ReadJob], Meta(min_length=1, max_length=MAX_BATCH_JOBS)])],
    frozen=True,
    gc=False,
)
_read_one: Callable[[bytes], Any] = msgspec.json.Decoder(_ReadJob).decode
_read_many: Callable[[bytes], Any] = msgspec.json.Decoder(_ReadJobs).decode
_GIVEN = tuple(field.name for field in REQUEST_FIELDS if field.name != "retry_of")
"""The fields of a request that a body has, in their order. The field that it has not is the last one."""
_values_of = attrgetter(*("robot_id" if name == "target_robot_id" else name for name in _GIVEN))
_PARAMETERS = _GIVEN.index("parameters")


def read_submissions(body: bytes, many: bool, idempotency_key: str | None) -> list[NewSubmission] | None:
    """The requests of a usual body; `None` if the body is unusual or wrong, so that `NewJob` must read it."""
    try:
        text = body.decode()
        if codec.repair(text) is not text:
            return None
        jobs = _read_many(body).jobs if many else [_read_one(body)]
        return [_read_submission(job, idempotency_key) for job in jobs]
    except (ValueError, RecursionError, ProtocolError):  # msgspec's errors are ValueErrors
        return None


def _read_submission(job: Any, idempotency_key: str | None) -> NewSubmission:  # noqa: ANN401 - made by defstruct
    values = [*_values_of(job)]
    values[_PARAMETERS] = _parameters_text(str(values[_PARAMETERS], "utf-8"))
    return NewSubmission(*values, idempotency_key=idempotency_key)


def _parameters_text(given: str) -> str:
    """Compact JSON. Raises ValueError or ProtocolError if `NewJob` would refuse it."""
    value = json.loads(given)  # as the framework does: integers of any length, the last of equal keys
    if not isinstance(value, dict):
        raise ValueError("not an object")
    text = json_text(value)
    if text.count("[") + text.count("{") > codec.MAX_DEPTH:
        codec.check_depth(text)
    if len(text.encode()) > MAX_PARAMETERS_BYTES:
        raise ValueError("too long")
    return text
