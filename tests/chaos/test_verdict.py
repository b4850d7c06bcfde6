"""The verdict: each broken guarantee is found, and allowed behaviour is not reported."""

from typing import Any

import pytest

from chaos.journal import Fact
from chaos.verdict import Excuse, Verdict, judge

Shown = dict[str, Any]


def fact(name: str, at: float, attempt: int = 1, **more: Any) -> Fact:
    about = {"job_id": "job", "attempt": attempt, "robot_id": f"robot-{attempt}", "pid": attempt}
    return {"fact": name, "at": at, **about, **more}


def done(attempt: int = 1, at: float = 1.0, outcome: str = "completed", took: float = 1.0) -> list[Fact]:
    """The journal of a robot for a successful attempt, from its start to the server's ack."""
    return [
        fact("started", at, attempt),
        fact("ended", at + took, attempt, outcome=outcome),
        fact("answered", at + took, attempt, accepted=True),
    ]


def promised(max_attempts: int = 1) -> list[Fact]:
    return [{"fact": "submitted", "key": "key", "job_id": "job", "max_attempts": max_attempts}]


def shown(status: str = "completed", attempt: int = 1, reason: str | None = None) -> Shown:
    return {"status": status, "attempt": attempt, "reason": reason, "robot_id": f"robot-{attempt}"}


def broken(verdict: Verdict) -> list[str]:
    return sorted(verdict.violations)


def test_job_that_ran_once_and_shows_its_end_is_correct() -> None:
    verdict = judge(promised(), done(), {"job": shown()})
    assert broken(verdict) == []
    assert (verdict.submitted, verdict.starts, verdict.answered_ends) == (1, 1, 1)


def test_acknowledged_job_that_the_server_lacks_is_lost() -> None:
    assert judge(promised(), [], {}).lost == ["job"]


@pytest.mark.parametrize("status", ["pending", "claimed", "running"])
def test_job_without_an_end_is_stuck(status: str) -> None:
    assert broken(judge(promised(), [], {"job": shown(status)})) == ["stuck"]


def test_two_starts_where_one_is_allowed_are_a_second_run() -> None:
    facts = [*done(1, 1.0), *done(2, 5.0)]
    assert broken(judge(promised(), facts, {"job": shown(attempt=2)})) == ["run twice"]
    assert broken(judge(promised(3), facts, {"job": shown(attempt=2)})) == []


def test_same_attempt_started_twice_is_a_second_run() -> None:
    facts = [fact("started", 0.0, pid=7), *done()]
    assert broken(judge(promised(3), facts, {"job": shown()})) == ["run twice"]


def test_attempts_at_the_same_time_are_a_second_run_unless_the_older_robot_was_silent_for_its_lease() -> None:
    facts = sorted([*done(1, 1.0, took=10.0), *done(2, 5.0)], key=lambda f: f["at"])
    jobs = {"job": shown(attempt=2)}
    assert broken(judge(promised(3), facts, jobs)) == ["run twice"]
    killed = Excuse("robot-1", 1.0, 5.0, silence=False)
    assert broken(judge(promised(3), facts, jobs, [killed])) == ["run twice"]
    silent = Excuse("robot-1", 1.0, 5.0, silence=True)
    verdict = judge(promised(3), facts, jobs, [silent])
    assert broken(verdict) == []
    assert len(verdict.paused_overlaps) == 1


def test_attempt_of_a_killed_robot_does_not_overlap_the_next() -> None:
    facts = [fact("started", 1.0), *done(2, 5.0)]
    assert broken(judge(promised(3), facts, {"job": shown(attempt=2)})) == []


def test_acknowledged_completion_that_is_not_shown_is_forgotten() -> None:
    assert broken(judge(promised(), done(), {"job": shown("failed", reason="robot_lost")})) == ["forgotten"]
    assert broken(judge(promised(3), [*done(), *done(2, 5.0, "error")], {"job": shown("failed", 2, "error")})) == [
        "forgotten"
    ]


def test_acknowledged_failure_that_is_shown_as_completed_is_forgotten() -> None:
    assert "forgotten" in broken(judge(promised(), done(outcome="error"), {"job": shown()}))


def test_end_without_an_answer_is_not_a_promise() -> None:
    facts = done()[:2]
    assert broken(judge(promised(), facts, {"job": shown("failed", reason="robot_lost")})) == []


def test_completion_without_a_journal_entry_is_invented() -> None:
    assert broken(judge(promised(), [fact("started", 1.0)], {"job": shown()})) == ["invented"]


def test_start_of_a_job_without_a_submit_is_invented() -> None:
    assert "invented" in broken(judge([], done(), {"job": shown()}))


def test_two_jobs_for_one_key_are_doubled() -> None:
    other = {"fact": "submitted", "key": "key", "job_id": "other", "max_attempts": 1}
    facts = [*done(), *[{**f, "job_id": "other"} for f in done()]]
    assert broken(judge([*promised(), other], facts, {"job": shown(), "other": shown()})) == ["doubled"]


def test_job_for_no_key_is_doubled() -> None:
    assert "doubled" in broken(judge([], [], {"job": shown("failed", reason="cancelled")}))


def test_robot_lost_is_needless_unless_the_robot_was_harmed_after_the_start() -> None:
    facts, jobs = [fact("started", 5.0)], {"job": shown("failed", reason="robot_lost")}
    assert len(judge(promised(), facts, jobs).needless_losses) == 1
    before, after = (Excuse("robot-1", at, at, silence=False) for at in (1.0, 6.0))
    assert len(judge(promised(), facts, jobs, [before]).needless_losses) == 1
    assert judge(promised(), facts, jobs, [after]).needless_losses == []
