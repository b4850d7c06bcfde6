"""Positions of the public feed: each names its sequence, and is valid exactly while all changes after it are stored."""

import pytest

from casare_rpa.domain.change_sequence import ChangeSequence
from casare_rpa.domain.errors import PositionGone, ProtocolError

ALL = ChangeSequence("5f3a", None, deleted=4, last=9)
ACME = ChangeSequence("5f3a", "acme:1", deleted=2, last=3)


def test_position_names_its_sequence() -> None:
    assert (ALL.position(7), ACME.position(3)) == ("5f3a:7", "5f3a@acme:1:3")
    assert (ALL.oldest, ACME.oldest) == ("5f3a:4", "5f3a@acme:1:2")


@pytest.mark.parametrize("sequence", [ALL, ACME])
def test_words_stand_for_both_ends(sequence: ChangeSequence) -> None:
    assert sequence.start(None) == sequence.start("oldest") == sequence.deleted
    assert sequence.start("now") == sequence.last


@pytest.mark.parametrize("sequence", [ALL, ACME])
def test_position_is_valid_from_the_greatest_deleted_number_to_the_last_one(sequence: ChangeSequence) -> None:
    for number in range(sequence.deleted, sequence.last + 1):
        assert sequence.start(sequence.position(number)) == number


@pytest.mark.parametrize(
    ("since", "sentence"),
    [
        ("5f3a:3", "changes after this position were deleted by retention; read the list of jobs again"),
        ("5f3a:10", "this position is ahead of the database, which was set back without `casare db restored`"),
        ("0000:5", "this position is of another database, or from before a backup was restored"),
    ],
)
def test_lost_position_is_answered_with_the_oldest_one_and_the_next_step(since: str, sentence: str) -> None:
    with pytest.raises(PositionGone) as refused:
        ALL.start(since)
    assert refused.value.oldest == "5f3a:4"
    assert str(refused.value).startswith(f"since: {sentence}")
    assert str(refused.value).endswith(
        "read the list of jobs again, then continue from `oldest` or `now`; the oldest position is 5f3a:4"
    )


@pytest.mark.parametrize("since", ["", "junk", "5f3a:", ":5", "5f3a:-1", "5f3a:1.5", "5f3a:9999999999999999999", "NOW"])
def test_malformed_position_is_refused(since: str) -> None:
    with pytest.raises(ProtocolError, match="since: `oldest`, `now` or a position of an earlier response is expected"):
        ALL.start(since)


@pytest.mark.parametrize(
    ("sequence", "since", "names"),
    [
        (ALL, "5f3a@acme:5", ("the tenant 'acme'", "all tenants")),
        (ACME, "5f3a:3", ("all tenants", "the tenant 'acme:1'")),
        (ACME, "5f3a@acme:3", ("the tenant 'acme'", "the tenant 'acme:1'")),
    ],
)
def test_position_in_another_sequence_is_refused(sequence: ChangeSequence, since: str, names: tuple[str, str]) -> None:
    """Its number means another change here: continuing with it would miss changes, or repeat them."""
    with pytest.raises(ProtocolError) as refused:
        sequence.start(since)
    first, second = names
    assert str(refused.value) == (
        f"since: this position is among the changes of {first}, but the request reads those of {second}"
    )
