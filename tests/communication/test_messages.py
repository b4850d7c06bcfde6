"""Messages stay within the contract's limits."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from casare_rpa.domain import codec
from casare_rpa.domain.errors import ProtocolError
from casare_rpa.domain.limits import ACCEPTED_TEXTS
from casare_rpa.domain.protocol import JobError, JobReport
from casare_rpa.domain.vocabulary import ReportStatus
from casare_rpa.infrastructure.orchestrator.communication.robot import messages


def decoded(report: JobReport) -> JobReport:
    """The report as the orchestrator reads it."""
    message = codec.FROM_ROBOT.decode(codec.encode(report).decode()).message
    assert isinstance(message, JobReport)
    return message


def test_long_and_foreign_texts_are_made_to_fit() -> None:
    error = JobError(
        type="t" * 999, message="m\udfff" * 99_999, code="c" * 999, node_id="n" * 999, traceback="x" * 99_999
    )
    report = messages.job_report("job-1", ReportStatus.FAILED, 1, message="\ud800" * 99_999, error=error)
    assert decoded(report).error is not None
    assert decoded(report).message == "\ufffd" * ACCEPTED_TEXTS.message


@pytest.mark.parametrize(("said", "sent"), [(-5, 0), (101, 100), (float("nan"), 0), (42.5, 42.5), (None, None)])
def test_progress_is_clamped_to_its_range(said: float | None, sent: float | None) -> None:
    assert decoded(messages.job_report("job-1", ReportStatus.RUNNING, 1, progress=said)).progress == sent


@pytest.mark.parametrize("result", [None, [], {"a": [1, 2.5, "ü"]}, "text", datetime(2025, 1, 1, tzinfo=UTC)])
def test_result_is_any_json_value(result: object) -> None:
    decoded(messages.job_report("job-1", ReportStatus.COMPLETED, 1, result=result))


@pytest.mark.parametrize("result", [object(), {"a": "\ud800"}, {1.5 + 2j: 1}])
def test_result_that_is_not_json_is_refused(result: object) -> None:
    with pytest.raises(ProtocolError, match="result"):
        messages.job_report("job-1", ReportStatus.COMPLETED, 1, result=result)


def test_circular_result_is_refused() -> None:
    circle: list[object] = []
    circle.append(circle)
    with pytest.raises(ProtocolError, match="result"):
        messages.job_report("job-1", ReportStatus.COMPLETED, 1, result=circle)


def test_failure_names_the_exception() -> None:
    try:
        raise KeyError("supplier")
    except KeyError as error:
        failure = messages.failure(error)
    assert (failure.type, failure.code, failure.message) == ("error", "KeyError", "'supplier'")
    assert "test_failure_names_the_exception" in (failure.traceback or "")
    assert messages.failure(ValueError()).message == "ValueError"


def test_log_entry_keeps_its_moment() -> None:
    noon = datetime(2025, 12, 22, 12, tzinfo=timezone(timedelta(hours=1)))
    assert messages.log_entry("r", "m", "error", None, None, noon).timestamp == noon
    assert messages.log_entry("r", "m", "INFO", None, None, None).timestamp.tzinfo is UTC
