"""`casare failure` with a real server and a robot whose jobs fail."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from casare_rpa.cli.exits import Exit
from cli.fake_orchestrator import Request, answering
from cli.running import casare, document, done
from contract.server_process import Server, serving

DEADLINE_SECONDS = 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("failures")) as running:
        yield running


def failed_jobs(server: Server, number: int) -> dict[str, Any]:
    """The group of jobs that failed because their time in the queue was over."""
    for _ in range(number):
        done(casare("job", "submit", "payroll", "--queue-ttl", "1", url=server.url))
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        groups = document(casare("failure", "list", "--json", url=server.url))["items"]
        if groups and groups[0]["count"] >= number:
            group: dict[str, Any] = groups[0]
            return group
        assert time.monotonic() < deadline, groups


@pytest.mark.slow
def test_group_is_shown_annotated_muted_and_retried(server: Server) -> None:
    group = failed_jobs(server, 2)["fingerprint"]
    listed = done(casare("failure", "list", url=server.url))
    assert group in listed
    assert "payroll" in listed
    assert "waits for SAP" in done(casare("failure", "note", group, "waits for SAP", url=server.url))
    assert "ana" in done(casare("failure", "owner", group, "ana", url=server.url))
    shown = done(casare("failure", "show", group, url=server.url))
    assert "waits for SAP" in shown
    assert "Next: casare job show job-" in shown
    muted = done(casare("failure", "mute", group, "--until", "2126-03-02", "--reason", "known", url=server.url))
    assert "muted until" in muted
    assert document(casare("failure", "list", "--show", "open", "--json", url=server.url))["items"] == []
    assert "muted" not in done(casare("failure", "unmute", group, url=server.url))
    asked = casare("failure", "retry", group, url=server.url)
    assert asked.returncode == Exit.USAGE
    assert "--yes" in asked.stderr
    assert document(casare("failure", "retry", group, "--yes", "--json", url=server.url)) == {
        "matched": 2,
        "done": 2,
        "refused": 0,
    }
    # The new jobs can have failed again; only these are retried then.
    done(casare("failure", "retry", group, "--yes", "--hours", "1", url=server.url))
    retried = [job["retry_of"] for job in server.get("/jobs")["items"] if job["retry_of"] is not None]
    assert len(retried) == len(set(retried)) >= 2


@pytest.mark.slow
def test_unknown_group_and_past_end_are_refused(server: Server) -> None:
    unknown = casare("failure", "show", "0000000000000000", url=server.url)
    assert (unknown.returncode, "fingerprint" in unknown.stderr) == (Exit.FAILED, True)
    group = failed_jobs(server, 1)["fingerprint"]
    past = casare("failure", "mute", group, "--until", "2020-01-01", url=server.url)
    assert "until: a time in the future is expected" in past.stderr


@pytest.mark.slow
def test_retry_affects_the_confirmed_number_of_the_counted_jobs() -> None:
    at = "2026-03-02T08:15:00.000Z"

    def answer(request: Request) -> tuple[int, Any]:
        if request.body.get("dry_run"):
            return 200, {"matched": 1_500, "done": 0, "refused": 0, "more": False, "at": at}
        limit = request.body["limit"]  # further jobs fail all the time
        return 200, {"matched": limit, "done": limit - 1, "refused": 1, "more": True, "at": "2026-03-02T08:16:00.000Z"}

    with answering(answer) as fake:
        result = document(casare("failure", "retry", "abc", "--tenant", "acme", "--yes", "--json", url=fake.url))
    assert result == {"matched": 1_500, "done": 1_498, "refused": 2}
    orders = [request.body for request in fake.asked[1:]]
    assert [(order["limit"], order["filter"]["to"]) for order in orders] == [(1_000, at), (500, at)]
    assert {order["filter"]["tenant_id"] for order in orders} == {"acme"}
