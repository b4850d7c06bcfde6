"""`casare job submit-batch`, `casare job retry` and `casare logs`."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer

from casare_rpa.cli.exits import Exit
from casare_rpa.cli.logs import instant
from cli.fake_orchestrator import Request, answering
from cli.running import casare, document, done, error

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def accept(request: Request) -> tuple[int, Any]:
    """Ids derived from the jobs' workflows."""
    items = [{"job_id": f"job-{job['workflow_id']}", "status": "pending"} for job in request.body["jobs"]]
    return 201, {"items": items}


def jobs(count: int) -> list[dict[str, str]]:
    return [{"workflow_id": f"w{number}"} for number in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["array", "lines"])
def test_batch_is_sent_in_thousands_and_ids_are_in_order(tmp_path: Path, shape: str) -> None:
    wanted = jobs(2_001)
    text = json.dumps(wanted, indent=1) if shape == "array" else "\n\n".join(json.dumps(job) for job in wanted)
    file = tmp_path / "jobs"
    file.write_text(text)
    with answering(accept) as fake:
        result = casare("job", "submit-batch", str(file), "--idempotency-key", "night", url=fake.url)
    assert done(result).split() == [f"job-w{number}" for number in range(2_001)]
    assert [len(request.body["jobs"]) for request in fake.asked] == [1_000, 1_000, 1]
    assert {(request.method, request.path) for request in fake.asked} == {("POST", "/api/v1/jobs/batch")}
    assert [request.headers["idempotency-key"] for request in fake.asked] == ["night-1", "night-2", "night-3"]
    assert "1000 of 2001 submitted" in result.stderr


@pytest.mark.slow
def test_batch_is_read_from_stdin_and_json_output_is_one_document() -> None:
    text = "\n".join(json.dumps(job) for job in jobs(1_001))
    with answering(accept) as fake:
        answered = document(casare("job", "submit-batch", "-", "--json", url=fake.url, stdin=text))
    assert [item["job_id"] for item in answered["items"]] == [f"job-w{number}" for number in range(1_001)]
    first, second = (request.headers["idempotency-key"] for request in fake.asked)
    assert (first[:-2], first[-2:], second[-2:]) == (second[:-2], "-1", "-2")


@pytest.mark.slow
def test_batch_refused_half_way_reports_the_submitted_jobs() -> None:
    def refuse_the_second(request: Request) -> tuple[int, Any]:
        if request.body["jobs"][0]["workflow_id"] == "w0":
            return accept(request)
        return 422, {"type": "error", "payload": {"code": "INVALID_MESSAGE", "message": "jobs[3]: priority is 11"}}

    text = json.dumps(jobs(1_500))
    with answering(refuse_the_second) as fake:
        result = casare("job", "submit-batch", "-", url=fake.url, stdin=text)
        as_json = casare("job", "submit-batch", "-", "--json", url=fake.url, stdin=text)
    assert result.returncode == Exit.FAILED
    assert len(result.stdout.split()) == 1_000
    assert "stopped after 1000 of 1500" in result.stderr
    assert "priority is 11" in result.stderr
    assert len(json.loads(as_json.stdout)["items"]) == 1_000
    assert error(as_json)["code"] == "INVALID_MESSAGE"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "contains no job"),
        ("[]", "contains no job"),
        ("[{]", "not JSON"),
        ('{"workflow_id": "w"}\n{oops}', "line 2 is not JSON"),
        ('{"workflow_id": "w"}\n7', "line 2 is not a JSON object"),
        ('[{"workflow_id": "w"}, "x"]', "item 2 is not a JSON object"),
    ],
)
def test_invalid_file_is_refused_before_anything_is_sent(text: str, words: str) -> None:
    with answering(accept) as fake:
        refused = casare("job", "submit-batch", "-", url=fake.url, stdin=text)
    assert refused.returncode == Exit.USAGE
    assert words in refused.stderr
    assert not fake.asked


@pytest.mark.slow
def test_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b'{"workflow_id": "\xe9"}')
    with answering(accept) as fake:
        assert "cannot be read" in casare("job", "submit-batch", str(tmp_path / "none"), url=fake.url).stderr
        assert "not UTF-8" in casare("job", "submit-batch", str(tmp_path / "latin"), url=fake.url).stderr
    assert not fake.asked


def ended(job_id: str, status: str, **more: Any) -> dict[str, Any]:
    return {"job_id": job_id, "status": status, "robot_id": "r", "progress": 100, "reason": None, **more}


def retried(request: Request) -> tuple[int, Any]:
    match request.method, request.path:
        case "POST", "/api/v1/jobs/job-1/retry":
            return 201, ended("job-2", "pending", retry_of="job-1")
        case "GET", "/api/v1/jobs/job-2":
            return 200, ended("job-2", "completed", retry_of="job-1")
        case "GET", "/api/v1/jobs/job-2/logs":
            return 200, {"items": [], "next_cursor": None}
    return 404, {"payload": {"code": "INVALID_MESSAGE", "message": "there is no such job"}}


@pytest.mark.slow
def test_retry_is_a_new_job() -> None:
    with answering(retried) as fake:
        assert done(casare("job", "retry", "job-1", url=fake.url)) == "job-2\n"
        assert document(casare("job", "retry", "job-1", "--json", url=fake.url))["retry_of"] == "job-1"
        assert "completed" in done(casare("job", "retry", "job-1", "--follow", url=fake.url))
        assert casare("job", "retry", "job-9", url=fake.url).returncode == Exit.FAILED


def line(number: int) -> dict[str, Any]:
    return {
        "log_id": number,
        "robot_id": "r",
        "job_id": None if number % 2 else "job-1",
        "level": "INFO",
        "message": f"line {number} [bold]",
        "timestamp": f"2026-05-01T10:{number // 60:02}:{number % 60:02}.000000Z",
    }


def paged(request: Request) -> tuple[int, Any]:
    """Lines 699 to 0, at most 300 a page."""
    newest = int(request.query.get("cursor", 699))
    last = max(newest - min(300, int(request.query["limit"])), -1)
    items = [line(number) for number in range(newest, last, -1)]
    return 200, {"items": items, "next_cursor": str(last) if last >= 0 else None, "scanned_to": items[-1]["timestamp"]}


@pytest.mark.slow
def test_logs_are_printed_oldest_first_page_by_page_up_to_the_limit() -> None:
    with answering(paged) as fake:
        printed = done(casare("logs", "--limit", "650", url=fake.url)).splitlines()
        assert [request.query["limit"] for request in fake.asked] == ["500", "350", "50"]
        everything = document(casare("logs", "--limit", "1000", "--json", url=fake.url))
    assert printed[0] == "2026-05-01T10:00:50.000Z INFO    r job-1 line 50 [bold]"
    assert printed[649].endswith("r - line 699 [bold]")
    assert "there may be more" in printed[650]
    assert [item["log_id"] for item in everything["items"]] == list(range(699, -1, -1))
    assert everything["next_cursor"] is None
    assert everything["scanned_to"] == line(0)["timestamp"]


@pytest.mark.slow
def test_first_and_around_print_lines_in_the_order_of_the_answer() -> None:
    answer = {"items": [line(1), line(2)], "next_cursor": "2", "scanned_to": None, "previous_cursor": "1"}
    with answering(lambda request: (200, answer)) as fake:
        first = done(casare("logs", "--first", "--limit", "2", url=fake.url)).splitlines()
        around = done(casare("logs", "--around", "2", "--limit", "2", url=fake.url)).splitlines()
        refused = casare("logs", "--around", "2", "--first", url=fake.url)
    assert [request.query for request in fake.asked] == [
        {"limit": "2", "order": "asc"},
        {"limit": "2", "order": "asc", "around": "2"},
    ]
    assert ["line 1" in first[0], "line 2" in first[1], "oldest 2 lines" in first[2]] == [True] * 3
    assert around == first[:2]
    assert refused.returncode == Exit.USAGE


@pytest.mark.slow
def test_log_search_has_the_given_filters() -> None:
    flags = [
        "--robot",
        "r",
        "--job",
        "j",
        "--level",
        "warning",
        "--search",
        "50 %",
        "--since",
        "2026-05-01T12:00+02:00",
    ]
    with answering(lambda request: (200, {"items": [], "next_cursor": None, "scanned_to": None})) as fake:
        assert done(casare("logs", *flags, url=fake.url)) == "No lines.\n"
        assert casare("logs", "--since", "last week", url=fake.url).returncode == Exit.USAGE
    (asked,) = fake.asked
    assert asked.path == "/api/v1/logs"
    assert asked.query == {
        "robot_id": "r",
        "job_id": "j",
        "min_level": "WARNING",
        "q": "50 %",
        "from": "2026-05-01T10:00:00.000000Z",
        "limit": "200",
    }


@pytest.mark.parametrize(
    ("text", "then"),
    [
        ("90s", "2026-05-01T11:58:30.000000Z"),
        ("2h", "2026-05-01T10:00:00.000000Z"),
        ("7d", "2026-04-24T12:00:00.000000Z"),
        ("1w", "2026-04-24T12:00:00.000000Z"),
        ("2026-05-01T08:00:00Z", "2026-05-01T08:00:00.000000Z"),
        ("2026-05-01T08:00", "2026-05-01T02:30:00.000000Z"),
        ("2026-05-01 08:00:00", "2026-05-01T02:30:00.000000Z"),
        ("2026-05-01", "2026-04-30T18:30:00.000000Z"),
        ("today", "2026-04-30T18:30:00.000000Z"),
        ("Yesterday", "2026-04-29T18:30:00.000000Z"),
    ],
)
def test_instant_is_an_age_a_day_or_a_time_in_the_zone_of_the_machine(
    monkeypatch: pytest.MonkeyPatch, text: str, then: str
) -> None:
    with monkeypatch.context() as india:
        india.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        found = instant(text, NOW, "--since")
    time.tzset()
    assert found == then


@pytest.mark.parametrize("text", ["2", "h", "2x", "2026-13-01", "99999999999d", "", "last week"])
def test_instant_is_refused_with_the_allowed_forms(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"too long ago|yesterday, a day"):
        instant(text, NOW, "--since")
