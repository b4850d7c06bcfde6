"""Fingerprints: failures with the same cause are in one group."""

import pytest
from msgspec.structs import replace

from casare_rpa.domain.failures import FINGERPRINT_LENGTH, fingerprint, kind_of, sentence
from casare_rpa.domain.job import Job, Reason
from casare_rpa.domain.vocabulary import JobStatus
from domain.table import pending

FAILED = replace(
    pending(), status=JobStatus.FAILED, reason=Reason.ERROR, error='{"type":"error","message":"Row 17 is bad"}'
)


def test_varying_parts_of_a_message_do_not_change_the_group() -> None:
    other = replace(FAILED, error='{"type":"error","message":"Row 4711 is bad\\nand more"}')
    assert fingerprint(FAILED) == fingerprint(other)
    assert len(fingerprint(FAILED) or "") == FINGERPRINT_LENGTH


@pytest.mark.parametrize(
    "change",
    [
        {"workflow_id": "another"},
        {"reason": Reason.TIMEOUT},
        {"error": '{"type":"business","message":"Row 17 is bad"}'},
        {"error": '{"type":"error","code":"E7","message":"Row 17 is bad"}'},
        {"error": '{"type":"error","message":"Column 17 is bad"}'},
        {"error": None},
    ],
)
def test_different_causes_have_different_groups(change: dict[str, object]) -> None:
    assert fingerprint(replace(FAILED, **change)) != fingerprint(FAILED)


@pytest.mark.parametrize(
    "job",
    [pending(), replace(FAILED, reason=Reason.CANCELLED), replace(FAILED, status=JobStatus.COMPLETED, reason=None)],
)
def test_job_that_did_not_fail_has_no_fingerprint(job: Job) -> None:
    assert fingerprint(job) is None


@pytest.mark.parametrize(
    ("error", "message", "said"),
    [
        ('{"message":"first\\nsecond"}', "m", "first"),
        ('{"message":""}', "the robot's last word", "the robot's last word"),
        (None, None, "error"),
        ('{"message":"  \\n "}', None, "error"),
    ],
)
def test_sentence_is_the_first_line_of_the_message(error: str | None, message: str | None, said: str) -> None:
    assert sentence(replace(FAILED, error=error, message=message)) == said


def test_ids_quoted_texts_and_numbers_are_replaced() -> None:
    assert kind_of('No "a" in deadbeef01 at 12:30 of 2026-03-02') == "No # in # at # of #"
