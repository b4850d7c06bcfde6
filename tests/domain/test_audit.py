"""The note of an audit entry."""

import pytest

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.instants import Instant


@pytest.mark.parametrize(
    ("note", "ordered", "stored"),
    [
        ("month end", None, "month end"),
        ("", None, ""),
        ("month end", 3, "2 of 3 jobs: month end"),
        ("", 3, "2 of 3 jobs"),
    ],
)
def test_note_of_a_bulk_command_begins_with_the_number_of_changes(note: str, ordered: int | None, stored: str) -> None:
    assert NewAudit(Instant(0), "ana", "cancel_jobs", "jobs", note, ordered).note_of(2) == stored
