"""Builds the messages that a robot sends within the contract's limits: texts are cut, results checked as JSON."""

import re
import traceback
from datetime import UTC, datetime

import msgspec
from msgspec import UNSET

from casare_rpa.domain.errors import ProtocolError
from casare_rpa.domain.limits import ACCEPTED_TEXTS, MAX_CODE_LENGTH, MAX_ID_LENGTH
from casare_rpa.domain.logs import parse_level
from casare_rpa.domain.protocol import JobError, JobReport, RobotLog
from casare_rpa.domain.vocabulary import ReportStatus

SHORT_MESSAGE = 256
_SURROGATE = re.compile("[\ud800-\udfff]")


def job_report(
    job_id: str,
    status: ReportStatus,
    attempt: int | None,
    *,
    progress: float | None = None,
    message: str | None = None,
    result: object = UNSET,
    error: JobError | None = None,
) -> JobReport:
    """A `job_status` with the current time. Progress is clamped to 0 to 100; long texts keep their beginning.

    Raises:
        ProtocolError: the result cannot be encoded as JSON.
    """
    return JobReport(
        job_id=job_id,
        status=status,
        timestamp=datetime.now(UTC),
        progress=None if progress is None else min(100.0, max(0.0, progress)),
        message=_cut(message, ACCEPTED_TEXTS.message),
        attempt=attempt,
        result=UNSET if result is UNSET else _json(result),
        error=None if error is None else _fitting(error),
    )


def shortened(report: JobReport) -> JobReport:
    """The report with its message cut to 256 characters."""
    return msgspec.structs.replace(report, message=(report.message or "")[:SHORT_MESSAGE])


def without_result(report: JobReport) -> JobReport:
    """The end without result and traceback; its message says that the result was omitted."""
    error = report.error
    return msgspec.structs.replace(
        report,
        message=f"the result was omitted: it is too large; {(report.message or '')[:SHORT_MESSAGE]}".rstrip("; "),
        result=UNSET,
        error=error and msgspec.structs.replace(error, message=error.message[:SHORT_MESSAGE], traceback=None),
    )


def log_entry(
    robot_id: str, message: str, level: str, job_id: str | None, node_id: str | None, logged_at: datetime | None
) -> RobotLog:
    """A log line. `logged_at` defaults to now; without a time zone it is UTC.

    Raises:
        ProtocolError: an unknown level, or a field that the orchestrator would refuse.
    """
    # Checked here: the orchestrator refuses a whole batch for one invalid line.
    for name, text in (("message", message), ("level", level), ("job_id", job_id or ""), ("node_id", node_id or "")):
        if not isinstance(text, str):
            raise ProtocolError(f"expected a text, not {type(text).__name__}", field=name)
    if job_id is not None and (not 1 <= len(job_id) <= MAX_ID_LENGTH or _SURROGATE.search(job_id)):
        raise ProtocolError(f"expected a text of 1 to {MAX_ID_LENGTH} characters", field="job_id")
    known = parse_level(level)
    if known is None:
        raise ProtocolError(f"{level!r} is unknown; use DEBUG, INFO, WARNING or ERROR", field="level")
    moment = logged_at or datetime.now(UTC)
    return RobotLog(
        robot_id=robot_id,
        level=known,
        message=clean(message),
        timestamp=moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC),
        job_id=job_id,
        node_id=_cut(node_id, ACCEPTED_TEXTS.node_id),
    )


def failure(error: BaseException) -> JobError:
    """An exception of a job's code as the error of the job."""
    lines = "".join(traceback.format_exception(error))
    return JobError(
        type="error",
        code=type(error).__name__,
        message=str(error) or type(error).__name__,
        traceback=lines[-ACCEPTED_TEXTS.traceback :],
    )


def clean(text: str) -> str:
    """The text with lone surrogates, which UTF-8 cannot encode, replaced by U+FFFD."""
    return _SURROGATE.sub("\ufffd", text)


def _cut(text: str | None, length: int) -> str | None:
    return None if text is None else clean(text)[:length]


def _fitting(error: JobError) -> JobError:
    return JobError(
        type=clean(error.type)[:MAX_CODE_LENGTH],
        message=clean(error.message)[: ACCEPTED_TEXTS.message],
        code=_cut(error.code, MAX_CODE_LENGTH),
        node_id=_cut(error.node_id, ACCEPTED_TEXTS.node_id),
        traceback=_cut(error.traceback, ACCEPTED_TEXTS.traceback),
    )


def _json(value: object) -> msgspec.Raw:
    try:
        return msgspec.Raw(msgspec.json.encode(value))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ProtocolError(f"cannot be encoded as JSON: {error}", field="result") from None
