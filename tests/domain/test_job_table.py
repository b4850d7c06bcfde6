"""The transition table, row by row: T0 to T21."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from casare_rpa.domain.instants import seconds_between
from casare_rpa.domain.job import Job, Phase, Reason
from casare_rpa.domain.job_errors import NEVER_RETRIED
from casare_rpa.domain.job_events import (
    UNKNOWN_JOB,
    Cancel,
    CancelDelivered,
    CancelOrder,
    CancelSent,
    DeadlineOver,
    FrameReceived,
    GraceOver,
    LeaseOver,
    NotHeld,
    Offered,
    OfferExpired,
    OfferRejected,
    QueueExpired,
    Refusal,
    RobotReturned,
    SocketLost,
    Step,
    WorkSeen,
)
from casare_rpa.domain.job_table import ENDED, HELD, TRANSITIONS, advance
from casare_rpa.domain.job_updates import MAX_FORMER_ROBOTS
from casare_rpa.domain.liveness import LEASE_SECONDS
from casare_rpa.domain.transitions import MAX_LATE_REPORTS
from casare_rpa.domain.vocabulary import JobStatus
from domain.table import (
    ROBOT,
    SESSION,
    at,
    claimed,
    completed,
    failed,
    lost,
    offered,
    pending,
    refusal,
    report,
    running,
    step,
)

CANCEL = Cancel("User requested it", "ana")


# T0, T20


@pytest.mark.parametrize("status", ["claimed", "running", "completed", "failed"])
@pytest.mark.parametrize("job", [pending(), offered(), claimed(), running(), completed(), lost()])
def test_report_of_a_robot_that_never_had_the_job_is_refused_like_an_unknown_job(job, status) -> None:
    assert refusal(job, report(status, robot="thief")) == UNKNOWN_JOB
    assert refusal(job, report(status, attempt=None, robot="thief")) == UNKNOWN_JOB


def test_report_of_a_future_attempt_is_refused() -> None:
    assert refusal(running(), report("completed", attempt=2)) == UNKNOWN_JOB


def test_report_of_an_earlier_attempt_is_refused_and_cancelled() -> None:
    job = step(running(max_attempts=2), LeaseOver(), 100).job
    for now_with in (job, step(job, Offered("robot-2", "ses-2", False), 300).job):
        answer = refusal(now_with, report("completed"))
        assert (answer.number, answer.kind) == ("T20", "stale_report")
        assert answer.order is not None
        assert (answer.order.robot_id, answer.order.attempt, answer.order.reason) == (ROBOT, 1, "superseded")


def test_report_without_attempt_of_a_former_robot_is_refused_like_an_unknown_job() -> None:
    job = step(running(max_attempts=2), LeaseOver(), 100).job
    assert refusal(job, report("running", attempt=None)).number == "T20"
    elsewhere = step(job, Offered("robot-2", "ses-2", False), 300).job
    assert refusal(elsewhere, report("running", attempt=None)) == UNKNOWN_JOB


def test_former_robots_are_stored_once_each_up_to_a_limit() -> None:
    job = pending()
    for number in range(MAX_FORMER_ROBOTS + 3):
        for _ in range(2):
            job = step(job, Offered(f"robot-{number}", "s", False), 0).job
            job = step(job, OfferExpired(), 90).job
    assert job.former_robots == tuple(f"robot-{number}" for number in range(3, MAX_FORMER_ROBOTS + 3))


# T2 to T7: offers


def test_offer_numbers_the_attempt_and_lasts_fifteen_seconds() -> None:
    answer = step(pending(), Offered(ROBOT, SESSION, True), 0)
    job = answer.job
    assert (answer.number, job.phase, job.status, job.attempt) == ("T2", Phase.OFFER, JobStatus.PENDING, 1)
    assert (job.offer_expires_at, job.claim_ack) == (at(15), True)
    assert job.visible_robot_id is None, "in messages it is pending, without a robot"


def test_offer_waits_for_not_before() -> None:
    assert refusal(pending(not_before=at(60)), Offered(ROBOT, SESSION, False), 59).number == "-"
    assert step(pending(not_before=at(60)), Offered(ROBOT, SESSION, False), 60).number == "T2"


def test_claim_begins_lease_and_deadline() -> None:
    answer = step(offered(timeout_seconds=100), report("claimed"), 5)
    job = answer.job
    assert (answer.number, job.phase, job.starts, job.session_id) == ("T3", Phase.CLAIMED, 1, SESSION)
    assert (job.offer_expires_at, job.lease_expires_at, job.deadline_at) == (None, at(95), at(105))


def test_claim_that_waited_does_not_shorten_an_offer_that_was_extended_meanwhile() -> None:
    """Its instance stood still with the claim for 100 s, and then extended all leases and held offers."""
    job = step(replace(offered(), offer_expires_at=at(190)), report("claimed"), 3).job
    assert (job.phase, job.lease_expires_at) == (Phase.CLAIMED, at(190))


def withdrawn() -> Job:
    return step(step(offered(claim_ack=False), SocketLost(SESSION), 15).job, OfferExpired(), 105).job


def sent_again() -> Job:
    return step(step(offered(), SocketLost(SESSION), 15).job, RobotReturned(ROBOT, "ses-2"), 17).job


WAITED = {
    "held without a connection": step(offered(), SocketLost(SESSION), 15).job,
    "sent again to a later connection": sent_again(),
    "withdrawn": withdrawn(),
}


@pytest.mark.parametrize("changed", WAITED.values(), ids=WAITED)
@pytest.mark.parametrize("statuses", [["claimed"], ["running"], ["claimed", "running", "running", "claimed"]])
@pytest.mark.parametrize("written_at", [3, 90, 93.1, 95, 103, 104, 600])
def test_claim_of_an_offer_that_changed_meanwhile_begins_its_lease_when_it_is_judged(
    changed: Job, statuses: list[str], written_at: float
) -> None:
    """Its instance can have stood still for any time, so a lease from its arrival can be over when it is written."""
    job = changed
    for status in statuses:
        job = step(job, report(status, progress=job.starts), 3).job
    assert job.lease_expires_at is not None
    judged = step(job, LeaseOver(), written_at)
    assert (judged.number, judged.kind, judged.job.phase) == ("T16", None, job.phase)
    assert judged.job.lease_expires_at == at(written_at + LEASE_SECONDS)
    assert step(judged.job, LeaseOver(), written_at + LEASE_SECONDS).kind == "robot_lost"


def test_claim_without_attempt_is_for_the_current_attempt() -> None:
    assert step(offered(), report("claimed", attempt=None), 5).number == "T3"


def test_rejected_offer_is_pending_again() -> None:
    answer = step(offered(), OfferRejected(ROBOT, SESSION, 1, "no SAP here"), 5)
    assert (answer.number, answer.job.phase, answer.note) == ("T4", Phase.PENDING, "no SAP here")
    assert (answer.job.robot_id, answer.job.former_robots) == (None, (ROBOT,))


def test_rejected_job_waits_longer_after_each_offer_that_was_not_accepted() -> None:
    job, now, pauses = pending(), 0.0, []
    for _ in range(9):
        job = step(job, Offered(ROBOT, SESSION, True), now).job
        job = step(job, OfferRejected(ROBOT, SESSION, None), now).job
        assert job.not_before is not None
        pauses.append(seconds_between(at(now), job.not_before))
        assert refusal(job, Offered(ROBOT, SESSION, True), now).number == "-"
        now += pauses[-1]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_unanswered_offer_is_withdrawn_and_pending_again() -> None:
    for claim_ack, seconds in ((True, 15), (False, 90)):
        assert refusal(offered(claim_ack), OfferExpired(), seconds - 1).number == "-"
        answer = step(offered(claim_ack), OfferExpired(), seconds)
        assert (answer.number, answer.job.phase, answer.job.robot_id) == ("T4", Phase.PENDING, None)
        assert answer.order is not None
        assert answer.order.reason == "offer expired"


@pytest.mark.parametrize("note", ["a log line of the job", "the robot is busy"])
def test_robot_without_claim_ack_that_is_seen_at_work_has_claimed_its_offer(note: str) -> None:
    answer = step(offered(), WorkSeen(ROBOT, SESSION, note), 20)
    assert (answer.number, answer.kind, answer.note) == ("T3", "claimed", note)
    job = answer.job
    assert (job.phase, job.starts, job.session_id, job.lease_expires_at) == (Phase.CLAIMED, 1, SESSION, at(110))


@pytest.mark.parametrize("job", [pending(), offered(claim_ack=True), running(), completed()])
def test_sign_of_work_claims_only_an_offer_to_a_robot_without_claim_ack(job) -> None:
    assert refusal(job, WorkSeen(ROBOT, SESSION, "a log line of the job")).number == "-"
    assert refusal(offered(), WorkSeen("another", SESSION, "a log line of the job")).number == "-"


@pytest.mark.parametrize(
    ("status", "number", "phase"),
    [
        ("claimed", "T3", Phase.CLAIMED),
        ("running", "T7", Phase.RUNNING),
        ("completed", "T7", Phase.COMPLETED),
        ("failed", "T7", Phase.FAILED),
        ("cancelled", "T7", Phase.FAILED),
    ],
)
@pytest.mark.parametrize("attempt", [None, 1])
def test_report_on_an_expired_offer_counts_until_the_job_is_offered_again(status, number, phase, attempt) -> None:
    withdrawn = step(offered(), OfferExpired(), 90).job
    answer = step(withdrawn, report(status, attempt), 100)
    job = answer.job
    assert (answer.number, job.phase, job.starts, job.attempt) == (number, phase, 1, 1)
    assert (job.robot_id, job.session_id, job.withdrawn_from) == (ROBOT, SESSION, None)


@pytest.mark.parametrize("status", ["claimed", "running", "completed", "failed", "cancelled"])
def test_report_on_an_expired_offer_does_not_count_after_a_later_event(status: str) -> None:
    withdrawn = step(offered(), OfferExpired(), 90).job
    assert refusal(withdrawn, report(status, robot="thief")) == UNKNOWN_JOB
    elsewhere = step(withdrawn, Offered("robot-2", "ses-2", False), 91).job
    assert refusal(elsewhere, report(status)).number == "T20"
    assert refusal(elsewhere, report(status, attempt=None)) == UNKNOWN_JOB
    started_after_ack = step(offered(claim_ack=True), OfferExpired(), 90).job
    assert refusal(started_after_ack, report(status)).number == "T20", "it waits for our ack, so it did not start"
    refused = step(offered(), OfferRejected(ROBOT, SESSION, 1), 5).job
    assert refusal(refused, report(status)).number == "T20", "it said that it does not start"
    retried = step(running(max_attempts=2), report("failed"), 3).job
    assert refusal(retried, report(status)).number == "T20", "that attempt has ended"


def test_rejection_of_an_expired_offer_changes_nothing() -> None:
    withdrawn = step(offered(), OfferExpired(), 90).job
    assert refusal(withdrawn, OfferRejected(ROBOT, SESSION, 1)).number == "-"


def test_offer_is_held_for_a_robot_that_may_have_started_without_our_ack() -> None:
    for claim_ack, held_until in ((False, at(5 + LEASE_SECONDS)), (True, at(15))):
        job = step(offered(claim_ack), SocketLost(SESSION), 5).job
        assert (job.phase, job.offer_expires_at, job.contact_lost_at) == (Phase.OFFER, held_until, at(5))
        assert refusal(job, SocketLost(SESSION), 9).number == "-"
    assert refusal(offered(), SocketLost("another")).number == "-"


def test_offer_is_repeated_unchanged_for_a_reconnected_robot() -> None:
    before = step(offered(), SocketLost(SESSION), 5).job
    answer = step(before, RobotReturned(ROBOT, "ses-2"), 9)
    assert (answer.number, answer.job.attempt, answer.job.session_id) == ("T5", 1, "ses-2")
    assert answer.job.deadline_at == before.deadline_at
    assert refusal(before, RobotReturned("another", "ses-2")).number == "-"


@pytest.mark.parametrize(
    ("status", "phase"), [("running", Phase.RUNNING), ("completed", Phase.COMPLETED), ("failed", Phase.FAILED)]
)
def test_report_on_an_offer_claims_it_implicitly(status: str, phase: Phase) -> None:
    answer = step(offered(), report(status), 5)
    assert (answer.number, answer.job.phase, answer.job.starts) == ("T7", phase, 1)


# T6, T8, T9: at work


def test_running_restarts_the_deadline() -> None:
    answer = step(claimed(timeout_seconds=100), report("running", progress=10, message="go"), 50)
    job = answer.job
    assert (answer.number, job.started_at, job.deadline_at) == ("T6", at(50), at(150))
    assert (job.progress, job.message) == (10, "go")


def test_progress_may_decrease_and_keeps_omitted_values() -> None:
    job = step(running(), report("running", progress=80, message="almost"), 3).job
    answer = step(job, report("running", progress=20), 4)
    assert (answer.number, answer.kind) == ("T9", None)
    assert (answer.job.progress, answer.job.message) == (20, "almost")
    assert step(job, report("running"), 5).job.progress == 80


def test_progress_does_not_write_the_lease() -> None:
    job = running()
    after = step(job, report("running", progress=20), 40).job
    assert after == replace(job, progress=20, revision=job.revision + 1)


def test_repeated_progress_changes_nothing() -> None:
    job = step(running(), report("running", progress=20, message="go"), 3).job
    assert step(job, report("running", progress=20, message="go"), 4).job == job


def test_progress_after_lost_contact_restores_it_with_a_new_lease() -> None:
    job = step(running(), SocketLost(SESSION), 10).job
    after = step(job, report("running", progress=20, session="ses-2"), 40).job
    assert (after.contact_lost_at, after.session_id, after.progress) == (None, "ses-2", 20)
    assert after.lease_expires_at == at(40 + LEASE_SECONDS)
    assert after.revision == job.revision + 1


@pytest.mark.parametrize(
    ("job", "status"),
    [
        (offered(), "claimed"),
        (offered(), "running"),
        (claimed(), "claimed"),
        (claimed(), "running"),
        (running(), "running"),
    ],
)
def test_report_from_before_the_loss_of_contact_does_not_restore_it(job, status: str) -> None:
    lost = step(job, SocketLost(SESSION), 10).job
    assert step(lost, report(status), 9).job.contact_lost_at == at(10), "it was received first and written second"
    assert step(lost, report(status), 11).job.contact_lost_at is None


@pytest.mark.parametrize("job", [claimed(), running()])
def test_any_frame_of_the_holder_renews_the_lease(job) -> None:
    renewed = step(job, FrameReceived(ROBOT), 50).job
    assert renewed.lease_expires_at == at(50 + LEASE_SECONDS)
    # A frame that waited does not shorten it.
    assert step(renewed, FrameReceived(ROBOT), 20).job.lease_expires_at == at(50 + LEASE_SECONDS)
    assert refusal(job, FrameReceived("another")).number == "-"


def test_repeated_claim_renews_the_lease() -> None:
    answer = step(running(), report("claimed"), 30)
    assert (answer.number, answer.job.phase, answer.job.starts) == ("T17", Phase.RUNNING, 1)
    assert answer.job.lease_expires_at == at(30 + LEASE_SECONDS)


# Ends, T10


def test_completed_ends_the_job_with_its_result() -> None:
    job = step(running(), report("completed", result='{"a":1}', message="done"), 9).job
    assert (job.status, job.reason, job.progress) == (JobStatus.COMPLETED, None, 100)
    assert (job.result, job.message, job.finished_at, job.error) == ('{"a":1}', "done", at(9), None)
    assert (job.lease_expires_at, job.deadline_at) == (None, None)


@pytest.mark.parametrize(
    ("error_type", "reason"),
    [(None, Reason.ERROR), ("error", Reason.ERROR), ("timeout", Reason.TIMEOUT), ("rejected", Reason.REJECTED)],
)
def test_failed_ends_the_job_with_its_reason(error_type: str | None, reason: Reason) -> None:
    job = step(running(), report("failed", error="{}", error_type=error_type, progress=30), 9).job
    assert (job.status, job.reason, job.error, job.progress) == (JobStatus.FAILED, reason, "{}", 30)


def test_failed_with_attempts_left_is_retried_after_a_backoff() -> None:
    answer = step(running(max_attempts=2), report("failed", error='{"m":1}', jitter=1.0), 9)
    job = answer.job
    assert (answer.kind, job.phase, job.reason, job.error) == ("retry", Phase.PENDING, None, '{"m":1}')
    assert (job.progress, job.robot_id, job.started_at, job.finished_at) == (0, None, None, None)
    assert job.not_before is not None
    assert seconds_between(at(9), job.not_before) == pytest.approx(5)


@pytest.mark.parametrize("field", ["error_type", "error_code"])
@pytest.mark.parametrize(
    "name",
    [
        "business",
        "bad_result",
        "bad_workflow",
        "bad_parameters",
        "unknown_workflow",
        "missing_library",
        "rejected",
    ],
)
def test_errors_that_would_occur_again_are_never_retried(field: str, name: str) -> None:
    assert step(running(max_attempts=5), report("failed", **{field: name}), 9).job.phase is Phase.FAILED
    assert name in NEVER_RETRIED


@pytest.mark.parametrize("name", [None, "error", "cancelled", "timeout", "started_before", "E42", ""])
def test_every_other_error_is_retried_while_attempts_are_left(name: str | None) -> None:
    retried = step(running(max_attempts=5), report("failed", error_type=name, error_code=name), 9).job
    assert retried.phase is Phase.PENDING


def test_rejected_work_fails_with_that_reason_although_attempts_are_left() -> None:
    job = step(running(max_attempts=5), report("failed", error_type="rejected"), 9).job
    assert (job.phase, job.reason) == (Phase.FAILED, Reason.REJECTED)


def test_failure_of_the_last_attempt_ends_the_job() -> None:
    job = step(running(max_attempts=2), report("failed"), 9).job
    job = step(job, Offered(ROBOT, SESSION, False), 100).job
    assert step(job, report("failed", attempt=2), 101).job.reason is Reason.ERROR


def test_repeated_end_changes_nothing() -> None:
    for job, status in ((completed(), "completed"), (failed(), "failed")):
        answer = step(job, report(status), 50)
        assert answer.job is job
        assert answer.kind is None


def test_other_report_after_the_end_is_only_recorded_up_to_a_limit() -> None:
    job = completed()
    for number in range(MAX_LATE_REPORTS):
        answer = step(job, report("failed", message="no!"), 50)
        assert (answer.kind, answer.note) == ("late_report", "failed: no!")
        assert answer.job == replace(job, late_reports=number + 1, revision=job.revision + 1)
        job = answer.job
    assert step(job, report("failed"), 51).job is job


# T11 to T14: cancels and timeouts


def test_cancel_of_a_waiting_job_is_immediate() -> None:
    answer = step(pending(), CANCEL, 5)
    job = answer.job
    assert (answer.number, answer.by, answer.order) == ("T11", "ana", None)
    assert (job.status, job.reason, job.finished_at) == (JobStatus.FAILED, Reason.CANCELLED, at(5))


def test_cancel_of_an_offer_is_sent_to_its_robot() -> None:
    order = step(offered(), CANCEL, 5).order
    assert order is not None
    assert (order.robot_id, order.reason, order.grace_seconds) == (ROBOT, CANCEL.reason, None)


def test_claim_of_an_ended_job_is_refused() -> None:
    job = step(offered(), Cancel("stop", "ana"), 2).job
    answer = refusal(job, report("claimed"))
    assert (answer.number, answer.field) == ("T20", "job_id")
    assert answer.answer == "this job has ended; do not start it"
    assert answer.order == CancelOrder("job-1", ROBOT, 1, "it has ended")
    assert step(job, report("claimed", attempt=None), 3).kind == "late_report", (
        "contract 1.0: the robot has already started it"
    )


@pytest.mark.parametrize("job", [claimed(), running()])
def test_cancel_of_a_held_job_waits_for_its_robot(job) -> None:
    answer = step(job, CANCEL, 10)
    assert (answer.number, answer.job.phase, answer.job.cancel_requested_at) == ("T12", job.phase, at(10))
    assert answer.order is not None
    assert (answer.order.grace_seconds, answer.order.force) == (30, False)
    again = step(answer.job, CANCEL, 12)
    assert again.job is answer.job
    assert again.order == answer.order


def test_robot_confirms_a_cancel_by_failing_even_with_attempts_left() -> None:
    job = step(running(max_attempts=3), CANCEL, 10).job
    answer = step(job, report("failed"), 12)
    assert (answer.number, answer.kind, answer.job.reason) == ("T12", "cancel_confirmed", Reason.CANCELLED)


@pytest.mark.parametrize("job", [claimed(max_attempts=3), running(max_attempts=3)])
def test_cancelled_is_an_answer_to_a_cancel(job) -> None:
    answer = step(step(job, CANCEL, 10).job, report("cancelled"), 20)
    assert (answer.number, answer.job.reason, answer.job.unconfirmed) == ("T12", Reason.CANCELLED, False)
    timed_out = step(step(job, DeadlineOver(), 3700).job, report("cancelled"), 3710).job
    assert timed_out.reason is Reason.TIMEOUT
    assert step(answer.job, report("cancelled"), 21).job == answer.job, "again"
    assert step(completed(), report("cancelled"), 21).kind == "late_report"


@pytest.mark.parametrize("job", [offered(), claimed(), running()])
def test_cancelled_without_a_cancel_is_refused_with_the_word_to_use(job) -> None:
    answer = refusal(job, report("cancelled"))
    assert (answer.field, answer.answer) == ("status", "no cancel of this job is open; expected failed or completed")


def test_completion_after_a_cancel_request_counts() -> None:
    job = step(running(), CANCEL, 10).job
    assert step(job, report("completed"), 12).job.status is JobStatus.COMPLETED


def test_unanswered_cancel_is_forced_and_then_ends_unconfirmed() -> None:
    job = step(running(), CANCEL, 10).job
    assert refusal(job, GraceOver(), 39).number == "-"
    forced = step(job, GraceOver(), 40)
    assert forced.order is not None
    assert (forced.order.force, forced.order.grace_seconds) == (True, None)
    assert refusal(forced.job, GraceOver(), 69).number == "-"
    closed = step(forced.job, GraceOver(), 70)
    assert (closed.job.reason, closed.job.unconfirmed, closed.kind) == (Reason.CANCELLED, True, "cancel_unconfirmed")


def test_cancel_after_the_end_is_refused() -> None:
    for job in (completed(), failed()):
        assert refusal(job, CANCEL).number == "-"


def test_deadline_stops_the_job_with_reason_timeout() -> None:
    job = running(timeout_seconds=60)
    assert refusal(job, DeadlineOver(), 61).number == "-"
    answer = step(job, DeadlineOver(), 62)
    assert (answer.number, answer.kind) == ("T14", "timeout")
    assert refusal(answer.job, DeadlineOver(), 63).number == "-", "a stop is already requested"
    assert step(answer.job, report("failed"), 65).job.reason is Reason.TIMEOUT


def test_cancel_records_when_it_was_requested_sent_and_received() -> None:
    wanted = step(running(), CANCEL, 10).job
    assert (wanted.cancel_stage, wanted.cancel_requested_by) == ("requested", "ana")
    sent = step(wanted, CancelSent(ROBOT, SESSION), 11).job
    assert (sent.cancel_stage, sent.cancel_sent_at) == ("sent", at(11))
    heard = step(sent, CancelDelivered(ROBOT, SESSION, 1), 12)
    assert (heard.number, heard.kind, heard.job.cancel_stage) == ("T12", "cancel_received", "received")
    again = step(heard.job, CancelDelivered(ROBOT, SESSION, None), 13)
    assert again.job == heard.job
    ended = step(heard.job, report("failed"), 14).job
    assert (ended.cancel_stage, ended.unconfirmed) == (None, False)
    assert step(ended, CancelDelivered(ROBOT, SESSION, 1), 15).job == ended


def test_receipt_of_another_robot_or_without_a_cancel_changes_nothing() -> None:
    assert isinstance(advance(running(), CancelSent(ROBOT, SESSION), at(11)), Refusal)
    wanted = step(running(), CANCEL, 10).job
    assert isinstance(advance(wanted, CancelSent("robot-2", SESSION), at(11)), Refusal)
    assert refusal(wanted, CancelDelivered("thief", SESSION, 1)) == UNKNOWN_JOB
    assert step(running(), CancelDelivered(ROBOT, SESSION, 1), 11).job == running()


# T21: expiry in the queue


def waiting(**wishes):
    return pending(queue_ttl_seconds=60, queue_expires_at=at(60), **wishes)


def test_job_over_its_time_in_the_queue_expires_with_a_reason() -> None:
    assert isinstance(advance(waiting(), QueueExpired(), at(59)), Refusal)
    answer = step(waiting(), QueueExpired(), 60)
    assert (answer.number, answer.kind, answer.job.reason) == ("T21", "expired", Reason.EXPIRED)
    assert answer.job.message == "no robot claimed it within 60 s"
    assert answer.job.queue_expires_at is None


def test_expired_job_is_not_offered() -> None:
    assert isinstance(advance(waiting(), Offered(ROBOT, SESSION, False), at(60)), Refusal)


def test_offer_keeps_the_queue_deadline_and_a_claim_removes_it() -> None:
    job = step(waiting(), Offered(ROBOT, SESSION, False), 50).job
    assert isinstance(advance(job, QueueExpired(), at(61)), Refusal)
    back = step(job, OfferExpired(), 140).job
    assert step(back, QueueExpired(), 140).job.phase is Phase.FAILED
    assert step(job, report("claimed"), 51).job.queue_expires_at is None


def test_retry_restarts_the_queue_deadline() -> None:
    job = step(running(max_attempts=2, queue_ttl_seconds=60), report("failed"), 3).job
    assert job.not_before is not None
    assert seconds_between(job.not_before, job.queue_expires_at or job.not_before) == 60


def test_job_without_a_limit_does_not_expire() -> None:
    assert isinstance(advance(pending(), QueueExpired(), at(10**9)), Refusal)


# T15 to T19: robots that disconnect and return


def test_lost_socket_marks_the_contact_and_keeps_the_job() -> None:
    answer = step(running(), SocketLost(SESSION), 20)
    assert (answer.number, answer.job.phase, answer.job.contact_lost_at) == ("T15", Phase.RUNNING, at(20))
    assert refusal(running(), SocketLost("another")).number == "-"
    assert refusal(answer.job, SocketLost(SESSION), 30).number == "-"


@pytest.mark.parametrize("job", [claimed(), running()])
def test_lost_job_fails_when_its_lease_expires(job) -> None:
    assert refusal(job, LeaseOver(), 60).number == "-"
    answer = step(job, LeaseOver(), 100)
    assert (answer.number, answer.job.reason) == ("T16", Reason.ROBOT_LOST)


def test_lease_that_was_not_judged_at_its_end_is_extended_once() -> None:
    """No instance knew it then: the claim waited in one that stood still. The lease of the claim ends at 91."""
    assert step(claimed(), LeaseOver(), 101).kind == "robot_lost"
    extended = step(claimed(), LeaseOver(), 102)
    assert (extended.number, extended.kind, extended.job.phase) == ("T16", None, Phase.CLAIMED)
    assert extended.job.lease_expires_at == at(192)
    assert refusal(extended.job, LeaseOver(), 191).number == "-"
    assert step(extended.job, LeaseOver(), 192).kind == "robot_lost"


def test_lost_job_with_attempts_left_is_retried() -> None:
    answer = step(running(max_attempts=2), LeaseOver(0.0), 100)
    assert (answer.job.phase, answer.job.former_robots) == (Phase.PENDING, (ROBOT,))
    assert answer.job.not_before is not None


def test_lost_job_with_a_cancel_request_is_cancelled() -> None:
    job = step(running(max_attempts=2), CANCEL, 10).job
    answer = step(job, LeaseOver(), 100)
    assert (answer.job.reason, answer.job.unconfirmed) == (Reason.CANCELLED, True)


def test_robot_that_returns_with_the_job_keeps_it_and_gets_a_cancel() -> None:
    job = step(running(), SocketLost(SESSION), 20).job
    answer = step(job, RobotReturned(ROBOT, "ses-2"), 30)
    assert (answer.number, answer.job.session_id, answer.job.contact_lost_at) == ("T17", "ses-2", None)
    assert answer.order is None
    wanted = step(job, CANCEL, 21).job
    order = step(wanted, RobotReturned(ROBOT, "ses-2"), 30).order
    assert order is not None
    assert order.grace_seconds == 30
    assert refusal(job, RobotReturned("another", "ses-2")).number == "-"


def test_robot_that_returns_without_the_job_has_lost_it() -> None:
    answer = step(running(), NotHeld(ROBOT, "ses-2"), 20)
    assert (answer.number, answer.job.reason) == ("T18", Reason.ROBOT_LOST)
    assert refusal(running(), NotHeld(ROBOT, SESSION)).number == "-", "it was claimed over this session"
    assert refusal(running(), NotHeld("another", "ses-2")).number == "-"


@pytest.mark.parametrize(
    ("held_by", "returned", "lost_at_once"),
    [
        ("journal:a", "journal:a", True),
        ("journal:a", "journal:b", False),
        ("instance:1", "instance:1", True),
        ("instance:1", "instance:2", False),
        ("journal:a", None, False),
        (None, "journal:a", False),
        (None, None, True),
    ],
)
def test_job_is_lost_at_once_only_if_its_process_has_ended_or_says_so(held_by, returned, lost_at_once) -> None:
    job = step(step(pending(), Offered(ROBOT, SESSION, True, held_by), 0).job, report("claimed"), 1).job
    assert job.process == held_by
    answer = advance(job, NotHeld(ROBOT, "ses-2", process=returned), at(20))
    assert isinstance(answer, Step) is lost_at_once


def test_job_belongs_to_the_process_that_returned_with_it() -> None:
    for job, phase in ((offered(), Phase.OFFER), (running(), Phase.RUNNING)):
        back = step(job, RobotReturned(ROBOT, "ses-2", "journal:b"), 9).job
        assert (back.phase, back.process) == (phase, "journal:b")
    assert step(running(max_attempts=2), LeaseOver(), 100).job.process is None


def test_job_stays_with_the_process_that_claimed_it_when_another_one_returns_with_its_offer() -> None:
    offer_of_a = step(pending(), Offered(ROBOT, SESSION, True, "journal:a"), 0).job  # its claim was lost
    offer_of_b = step(offer_of_a, RobotReturned(ROBOT, "ses-2", "journal:b"), 1).job
    run_of_b = step(offer_of_b, report("claimed", session="ses-2", process="journal:b"), 2).job
    back_at_a = step(run_of_b, RobotReturned(ROBOT, "ses-3", "journal:a"), 3).job
    assert (back_at_a.process, back_at_a.session_id) == ("journal:b", "ses-3")
    assert refusal(back_at_a, report("claimed", session="ses-3", process="journal:a")).number == "T20"


@pytest.mark.parametrize(("status", "reason"), [("completed", None), ("failed", Reason.ERROR)])
def test_late_end_corrects_robot_lost_within_a_day(status: str, reason: Reason | None) -> None:
    answer = step(lost(max_attempts=1), report(status), 3600)
    assert (answer.number, answer.job.reason, answer.job.reconciled) == ("T19", reason, True)
    assert answer.job.status.value == status
    too_late = step(lost(), report(status), 3600 * 25)
    assert too_late.job.reason is Reason.ROBOT_LOST


def test_late_end_after_another_reason_corrects_nothing() -> None:
    answer = step(failed(), report("completed"), 20)
    assert (answer.kind, answer.job.reason) == ("late_report", Reason.ERROR)


# The table as a whole


def test_table_has_every_number_and_only_existing_phases() -> None:
    numbers = {number for row in TRANSITIONS for number in row.number.split(", ")}
    assert numbers == {f"T{n}" for n in range(22)} - {"T1"}
    assert all(row.sources for row in TRANSITIONS)


def test_event_without_a_row_is_refused_with_a_sentence() -> None:
    assert refusal(running(), Offered(ROBOT, SESSION, False)).answer == "a job that is running does not accept offer"


SESSIONS = ["ses-1", "ses-2"]
ROBOTS = ["robot-1", "robot-2"]
EVENTS = st.one_of(
    st.builds(Offered, st.sampled_from(ROBOTS), st.sampled_from(SESSIONS), st.booleans()),
    st.builds(OfferExpired),
    st.builds(WorkSeen, st.sampled_from(ROBOTS), st.sampled_from(SESSIONS), st.just("busy")),
    st.builds(OfferRejected, st.sampled_from(ROBOTS), st.sampled_from(SESSIONS), st.sampled_from([None, 1, 2])),
    st.builds(
        report,
        st.sampled_from(["claimed", "running", "completed", "failed", "cancelled"]),
        st.sampled_from([None, 1, 2, 3]),
        st.sampled_from(ROBOTS),
        st.sampled_from(SESSIONS),
        error_type=st.sampled_from([None, "business"]),
    ),
    st.just(CANCEL),
    st.builds(GraceOver),
    st.builds(DeadlineOver),
    st.builds(SocketLost, st.sampled_from(SESSIONS)),
    st.builds(RobotReturned, st.sampled_from(ROBOTS), st.sampled_from(SESSIONS)),
    st.builds(FrameReceived, st.sampled_from(ROBOTS)),
    st.builds(LeaseOver),
    st.builds(NotHeld, st.sampled_from(ROBOTS), st.sampled_from(SESSIONS)),
)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.integers(1, 3), st.lists(st.tuples(EVENTS, st.integers(0, 120)), max_size=25))
def test_random_walk_through_the_table_keeps_its_invariants(max_attempts: int, walk: list) -> None:
    job, seconds = pending(max_attempts=max_attempts), 0
    for event, later in walk:
        seconds += later
        answer = advance(job, event, at(seconds))
        if isinstance(answer, Refusal):
            continue
        assert isinstance(answer, Step)
        after = answer.job
        assert after.attempt >= job.attempt, "attempts only grow"
        assert after.starts <= max(max_attempts, job.starts)
        assert (after.revision == job.revision) == (after == job)
        assert job.status is not JobStatus.COMPLETED or after.status is JobStatus.COMPLETED
        if job.phase in ENDED and after.phase != job.phase:
            assert job.reason is Reason.ROBOT_LOST, "the only assumption"
        if job.phase is Phase.FAILED and job.reason is not Reason.ROBOT_LOST:
            assert after.reason is job.reason
        assert (after.finished_at is not None) == (after.phase in ENDED)
        assert (after.lease_expires_at is not None) == (after.phase in HELD)
        assert (after.robot_id is None) <= (after.phase is Phase.PENDING or after.phase in ENDED)
        job = after


def test_claim_of_another_process_of_the_robot_is_refused() -> None:
    job = step(pending(), Offered(ROBOT, SESSION, True, "journal:a"), 0).job
    held = step(job, report("claimed", process="journal:a"), 1).job
    for row in (job, held):
        answer = refusal(row, report("claimed", process="journal:b"))
        assert (answer.number, answer.order) == ("T20", None)
    assert step(held, report("claimed", process="journal:a"), 2).number == "T17"
    assert step(held, report("completed", process="journal:b"), 2).job.status is JobStatus.COMPLETED
