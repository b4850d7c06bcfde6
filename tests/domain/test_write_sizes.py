"""One write has a limited number of large texts, and always at least one call."""

import pytest
from msgspec import structs

from casare_rpa.domain.job_events import LeaseOver, Report, text_size
from casare_rpa.domain.limits import MAX_WRITE_CHARACTERS, number_at_once
from casare_rpa.domain.vocabulary import ReportStatus


@pytest.mark.parametrize(
    ("sizes", "number"),
    [
        ([], 1),
        ([0, 0, 0], 3),
        ([MAX_WRITE_CHARACTERS + 1, 0], 1),
        ([MAX_WRITE_CHARACTERS, 0, 1, 0], 2),
        ([1, MAX_WRITE_CHARACTERS - 1, 0], 3),
        ([1, MAX_WRITE_CHARACTERS], 1),
    ],
)
def test_write_ends_before_the_call_that_exceeds_the_size(sizes: list[int], number: int) -> None:
    assert number_at_once(sizes) == number


@pytest.mark.parametrize(
    ("texts", "size"),
    [({}, 0), ({"result": "12"}, 2), ({"error": "123"}, 3), ({"message": "1"}, 1), ({"result": "1", "error": "23"}, 3)],
)
def test_size_of_a_report_is_that_of_its_texts(texts: dict[str, str], size: int) -> None:
    report = structs.replace(Report("alpha", "ses-1", 1, ReportStatus.COMPLETED), **texts)
    assert text_size(report) == size


@pytest.mark.parametrize("event", [None, LeaseOver()])
def test_other_events_have_no_large_texts(event: LeaseOver | None) -> None:
    assert text_size(event) == 0
