"""The times that users type mean the zone of this machine, in every command."""

import time
from typing import Any

import pytest
import typer

from casare_rpa.cli.exits import Exit
from casare_rpa.cli.times import local_time
from cli.fake_orchestrator import Request, answering
from cli.running import casare, done


def accept(request: Request) -> tuple[int, Any]:
    return 201, {"job_id": "job-1", "status": "pending"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02T08:15", "2026-03-02T02:45:00.000000Z"),
        (" 2026-03-02 ", "2026-03-01T18:30:00.000000Z"),
        ("2026-03-02T08:15:00Z", "2026-03-02T08:15:00.000000Z"),
        ("2026-03-02T08:15:00+01:00", "2026-03-02T07:15:00.000000Z"),
    ],
)
def test_time_without_a_zone_is_in_the_zone_of_this_machine(text: str, expected: str) -> None:
    with pytest.MonkeyPatch.context() as india:
        india.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        found = local_time(text, "--not-before")
    time.tzset()
    assert found == expected


@pytest.mark.parametrize("text", ["2h", "tomorrow", "", "2026-02-30", "0001-01-01T00:00:00+14:00"])
def test_other_texts_are_refused_with_the_flag(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not a day") as caught:
        local_time(text, "--not-before")
    assert caught.value.param_hint == "--not-before"


def test_submit_sends_the_time_with_its_zone() -> None:
    with answering(accept) as fake:
        done(casare("job", "submit", "w", "--not-before", "2026-03-02T08:15:00+01:00", url=fake.url))
    assert fake.asked[-1].body["not_before"] == "2026-03-02T07:15:00.000000Z"


@pytest.mark.slow
def test_submit_with_another_text_sends_nothing() -> None:
    with answering(accept) as fake:
        result = casare("job", "submit", "w", "--not-before", "2h", url=fake.url)
    assert result.returncode == Exit.USAGE
    assert "--not-before" in result.stderr
    assert fake.asked == []
