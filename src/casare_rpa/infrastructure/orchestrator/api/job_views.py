"""The HTTP views of jobs, their history and their log lines."""

import json
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import NODEFAULT
from pydantic import BaseModel, Field, create_model

from casare_rpa.domain.failures import fingerprint
from casare_rpa.domain.fields import wire_number
from casare_rpa.domain.instants import Instant, from_datetime, rfc3339
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_fields import JOB_FIELDS, JobField
from casare_rpa.domain.job_records import JobHistoryEntry
from casare_rpa.domain.job_request import FieldMark
from casare_rpa.domain.logs import Level, StoredLine
from casare_rpa.domain.printable import harmless_record, one_line
from casare_rpa.domain.protocol import ID_PATTERN
from casare_rpa.domain.steps import RunStep
from casare_rpa.domain.vocabulary import JobStatus, StepStatus
from casare_rpa.domain.waiting import Availability, ReasonCode
from casare_rpa.infrastructure.orchestrator.api.parameters import NO_TRUTH_VALUE, Measure, Moment
from casare_rpa.infrastructure.orchestrator.views.pending_reasons import Explained

Model = TypeVar("Model", bound=BaseModel)
Tag = Annotated[str, Field(pattern=ID_PATTERN)]

# Made once: `json.dumps` with these options makes an encoder for each text.
_encode_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_LIMITS = ("min_length", "max_length", "pattern", "ge", "le", "description")


def with_shown_fields(fields: Sequence[JobField]) -> Callable[[type[Model]], type[Model]]:
    """A class decorator that adds these fields of Job to a view, with the types that `shown_value` returns."""
    return _with_fields({field.name: (_shown_type(field), ...) for field in fields})


def with_requested_fields(fields: Sequence[JobField]) -> Callable[[type[Model]], type[Model]]:
    """A class decorator that adds these fields of JobRequest to a request body, with their limits and defaults."""
    return _with_fields({field.name: (_requested_type(field), _limited(field)) for field in fields})


def _with_fields(fields: dict[str, Any]) -> Callable[[type[Model]], type[Model]]:
    def decorate(cls: type[Model]) -> type[Model]:
        added = create_model(cls.__name__, **fields)  # a base class, so that its fields are the first
        return create_model(cls.__name__, __base__=(cls, added), __module__=cls.__module__, __doc__=cls.__doc__)

    return decorate


def shown_value(field: JobField) -> Callable[[Any], Any] | None:
    """The function from the value of a field to that of the view; `None` if both are the same."""
    if field.type is Instant:
        convert: Callable[[Any], Any] = rfc3339
    elif field.mark in (FieldMark.JSON, FieldMark.JSON_OBJECT):
        convert = json.loads
    elif field.type == tuple[str, ...]:
        convert = list
    else:
        return None
    return (lambda value: None if value is None else convert(value)) if field.optional else convert


def _json_value(field: JobField) -> Callable[[Any], Any] | None:
    """As `shown_value`, for `job_json`: JSON text is copied, and whole numbers have no fraction. Not for `None`."""
    if field.mark in (FieldMark.JSON, FieldMark.JSON_OBJECT):
        return msgspec.Raw
    if field.type is float:
        return wire_number
    return rfc3339 if field.type is Instant else None


def requested_value(field: JobField) -> Callable[[Any], Any] | None:
    """The function from the value of a request body to that of the field; `None` if both are the same."""
    if field.type is Instant:
        return lambda value: None if value is None else from_datetime(value)
    if field.mark is FieldMark.JSON_OBJECT:
        return json_text
    return tuple if field.type == tuple[str, ...] else None


def json_text(value: dict[str, Any]) -> str:
    """Compact JSON text. Raises ValueError for NaN and infinity, which are not JSON."""
    return _encode_compact(value)


def _shown_type(field: JobField) -> Any:  # noqa: ANN401 - a type
    if field.mark is FieldMark.JSON:
        return Any
    if field.type is Instant:
        shown: Any = str
    elif field.type == tuple[str, ...]:
        shown = list[str]
    elif field.mark is FieldMark.JSON_OBJECT:
        shown = dict[str, Any]
    else:
        shown = Measure if field.type is float else field.type
    return shown | None if field.optional else shown


def _requested_type(field: JobField) -> Any:  # noqa: ANN401 - a type
    if field.type is Instant:
        wanted: Any = Moment
    elif field.mark is FieldMark.JSON_OBJECT:
        wanted = dict[str, Any]
    elif field.type is int:
        number = int | None if field.optional else int
        return Annotated[number, Field(**_limits_of(field)), NO_TRUTH_VALUE]
    else:
        wanted = list[Tag] if field.type == tuple[str, ...] else field.type
    return wanted | None if field.optional else wanted


def _limited(field: JobField) -> Any:  # noqa: ANN401 - pydantic's FieldInfo
    limits = {} if field.type is int else _limits_of(field)  # those of an integer are in its type
    if field.default is NODEFAULT:
        return Field(**limits)
    default = json.loads(field.default) if field.mark is FieldMark.JSON_OBJECT else field.default
    return Field(list(default) if isinstance(default, tuple) else default, **limits)


def _limits_of(field: JobField) -> dict[str, Any]:
    return {name: value for name in _LIMITS if (value := getattr(field.meta, name, None)) is not None}


class PendingReasonView(BaseModel):
    """A reason why a job is pending: `code` for programs, `message` for people."""

    code: ReasonCode
    message: str


class FittingRobot(BaseModel):
    robot_id: str
    availability: Availability


class CancelReceipt(BaseModel):
    """The progress of a cancel.

    `confirmed` is true if the robot reported the end, false if it did not answer and may still run the job, and null
    before the end.
    """

    requested_at: str
    by: str | None
    reason: str | None
    sent_at: str | None
    received_at: str | None
    stopped_at: str | None
    confirmed: bool | None


_SHOWN = sorted((field for field in JOB_FIELDS if field.shown), key=lambda field: field.name != "job_id")


@with_shown_fields(_SHOWN)
class JobView(BaseModel):
    """The present state of a job. `robot_id` is null while it is pending; `attempt` numbers its offers."""

    # The decorator adds the fields that Job and JobRequest declare.
    robot_id: str | None
    created_at: str
    contact: str | None
    cancel: CancelReceipt | None
    pending_reasons: list[PendingReasonView] | None = Field(
        description="Why it is pending, most important first; only in the answer for a single job."
    )
    queue_position: int | None = Field(description="Its position among similar jobs; 1 is next, null if delayed.")
    fitting_robots: list[FittingRobot] | None = Field(description="Up to ten robots that could run it.")
    fingerprint: str | None = Field(description="Equal for failures with the same cause.")


class JobList(BaseModel):
    items: list[JobView]
    next_cursor: str | None


class JobItems(BaseModel):
    items: list[JobView]


class LogView(BaseModel):
    log_id: int
    robot_id: str
    level: Level
    message: str
    timestamp: str
    job_id: str | None
    node_id: str | None
    truncated: bool
    seq: int


class LogList(BaseModel):
    items: list[LogView]
    next_cursor: str | None


class FoundLogs(LogList):
    """`scanned_to` is set if the search reached its limit of lines to read; `next_cursor` continues it.

    `previous_cursor` is set only with `around`: it continues in the other order.
    """

    scanned_to: str | None
    previous_cursor: str | None = None


class EventView(BaseModel):
    """A history entry of a job. `transition` is its number in docs/reference/websocket-contract.md, Transitions."""

    event_id: int
    at: str
    transition: str
    kind: str
    status: JobStatus
    attempt: int
    robot_id: str | None
    session_id: str | None
    by: str | None
    note: str | None
    request_id: str | None = Field(None, description="The `X-Request-ID` of the submit; only in the first entry.")


class StepView(BaseModel):
    """A step of a job; `parent` is the id of the step around it. The times are of the robot's clock."""

    id: int
    parent: int | None
    name: str
    kind: str = Field(description="Such as `suite`, `test`, `keyword` or `step`.")
    status: StepStatus
    started_at: str
    ended_at: str | None


class StepList(BaseModel):
    """`total` also counts the steps that are not stored, because an attempt has over 10,000."""

    attempt: int
    items: list[StepView]
    total: int
    revision: int = Field(description="For `after`: the next request then returns the changed steps only.")


class EventList(BaseModel):
    items: list[EventView]
    next_cursor: str | None


def _text(instant: Instant | None) -> str | None:
    return None if instant is None else rfc3339(instant)


_SHOWN_NAMES = tuple(field.name for field in _SHOWN)
_shown_of = attrgetter(*_SHOWN_NAMES)
_CONVERTERS = tuple((field.name, convert) for field in _SHOWN if (convert := shown_value(field)) is not None)


def job_view(job: Job) -> JobView:
    """The view of a job: the shown fields of Job, instants and JSON converted, and values derived from it."""
    values = dict(zip(_SHOWN_NAMES, _shown_of(job), strict=True))
    for name, convert in _CONVERTERS:
        values[name] = convert(values[name])
    return JobView(**values, **_derived(job))


def _derived(job: Job) -> dict[str, Any]:
    """The values of a view that are derived from the job. Those about waiting are only in the answer for one job."""
    return {
        "robot_id": job.visible_robot_id,
        "created_at": rfc3339(job.submitted_at),
        "contact": "lost" if job.contact_lost_at is not None and job.visible_robot_id else None,
        "cancel": _receipt(job),
        "pending_reasons": None,
        "queue_position": None,
        "fitting_robots": None,
        "fingerprint": fingerprint(job),
    }


def _dumped(view: Any) -> dict[str, Any]:  # noqa: ANN401 - the hook of msgspec for types that it does not know
    values: dict[str, Any] = view.model_dump()
    return values


_encode = msgspec.json.Encoder(enc_hook=_dumped).encode
_ViewRow: Any = msgspec.defstruct("_ViewRow", [(name, Any) for name in JobView.model_fields], gc=False)
_TEXTS = tuple((place, convert) for place, field in enumerate(_SHOWN) if (convert := _json_value(field)) is not None)


def job_json(job: Job) -> bytes:
    """The JSON of `job_view(job)`, in a tenth of the time: answers to submits, and lists, are made of it."""
    values = [*_shown_of(job)]
    for place, convert in _TEXTS:
        if (value := values[place]) is not None:
            values[place] = convert(value)
    return _encode(_ViewRow(*values, *_derived(job).values()))  # the view has the shown fields, then the derived ones


def jobs_json(jobs: Iterable[Job]) -> bytes:
    """The JSON array of `job_json`."""
    return b"[" + b",".join(map(job_json, jobs)) + b"]"


def _receipt(job: Job) -> CancelReceipt | None:
    if job.cancel_requested_at is None:
        return None
    return CancelReceipt(
        requested_at=rfc3339(job.cancel_requested_at),
        by=job.cancel_requested_by,
        reason=job.cancel_reason,
        sent_at=_text(job.cancel_sent_at),
        received_at=_text(job.cancel_received_at),
        stopped_at=_text(job.finished_at),
        confirmed=None if job.finished_at is None else not job.unconfirmed,
    )


def explained_view(job: Job, explained: Explained | None) -> JobView:
    """The view of a job with its pending reasons; `explained` is `None` if it is not pending."""
    view = job_view(job)
    if explained is None:
        return view
    return view.model_copy(
        update={
            "pending_reasons": [PendingReasonView(code=r.code, message=r.message) for r in explained.reasons],
            "queue_position": explained.position,
            "fitting_robots": [FittingRobot(robot_id=i, availability=state) for i, state in explained.robots],
        }
    )


def log_view(stored: StoredLine) -> LogView:
    line = stored.line
    return LogView(
        log_id=stored.log_id,
        robot_id=line.robot_id,
        level=line.level,
        message=line.message,
        timestamp=rfc3339(line.logged_at),
        job_id=line.job_id,
        node_id=line.node_id,
        truncated=line.truncated,
        seq=line.seq,
    )


def log_text(stored: StoredLine) -> str:
    """A record of a log file: time, level, robot, node, message. Further lines of the message are indented."""
    line = stored.line
    node, message = one_line(line.node_id or "-"), harmless_record(line.message)
    return f"{rfc3339(line.logged_at)} {line.level:7} {line.robot_id} {node} {message}\n"


def step_view(step: RunStep) -> StepView:
    return StepView(
        id=step.step_id,
        parent=step.parent,
        name=step.name,
        kind=step.kind,
        status=step.status,
        started_at=rfc3339(step.started_at),
        ended_at=_text(step.ended_at),
    )


def event_view(entry: JobHistoryEntry) -> EventView:
    return EventView(
        event_id=entry.event_id,
        at=rfc3339(entry.at),
        transition=entry.number,
        kind=entry.kind,
        status=entry.status,
        attempt=entry.attempt,
        robot_id=entry.robot_id,
        session_id=entry.session_id,
        by=entry.by,
        note=entry.note,
        request_id=entry.request_id,
    )
