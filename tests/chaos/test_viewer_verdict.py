"""The verdict on viewers finds each kind of fault."""

import pytest

from chaos.journal import Fact
from chaos.viewer_verdict import ViewerVerdict, judge_viewer


def begun(seq: int, epoch: str = "e") -> Fact:
    return {"fact": "begun", "epoch": epoch, "seq": seq}


def change(seq: int, epoch: str = "e") -> Fact:
    return {"fact": "change", "epoch": epoch, "seq": seq}


RESUMED: Fact = {"fact": "resumed"}


def verdict_on(*facts: Fact) -> ViewerVerdict:
    verdict = ViewerVerdict()
    judge_viewer(verdict, "viewer-01", facts)
    return verdict


def test_changes_in_order_over_a_resume_and_a_new_epoch_are_good() -> None:
    verdict = verdict_on(begun(4), change(5), RESUMED, change(6), begun(0, "f"), change(1, "f"))
    assert (verdict.missing, verdict.repeated) == ([], [])
    assert verdict.line() == "viewers saw 3 changes, 1 resumes, 2 beginnings; missing 0, repeated 0"


@pytest.mark.parametrize(
    ("facts", "missing", "repeated"),
    [
        ([begun(4), change(7)], ["viewer-01: 5 to 6"], []),
        ([begun(4), change(5), RESUMED, change(5)], [], ["viewer-01: 5 after 5"]),
        ([begun(4), change(3)], [], ["viewer-01: 3 after 4"]),
        ([change(1)], ["viewer-01: e:1 without a beginning"], []),
        ([begun(4), change(5, "f")], ["viewer-01: f:5 without a beginning"], []),
    ],
)
def test_fault_is_found(facts: list[Fact], missing: list[str], repeated: list[str]) -> None:
    verdict = verdict_on(*facts)
    assert (verdict.missing, verdict.repeated) == (missing, repeated)
