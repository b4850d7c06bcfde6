"""Workflow ids are not trusted: they name a folder of the robot, or are refused."""

from pathlib import Path

import pytest

from casare_rpa.domain.limits import MAX_WORKFLOWS
from casare_rpa.robot.workflows import MAX_LISTED_BYTES, UnknownWorkflow, find_workflow, list_workflows


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "workflows"
    for name in ("invoices", "Ünïcode name", ".hidden"):
        (root / name).mkdir(parents=True)
    (root / "file.robot").touch()
    (tmp_path / "outside").mkdir()
    (root / "link").symlink_to(tmp_path / "outside")
    return root


@pytest.mark.parametrize("name", ["invoices", "Ünïcode name"])
def test_find_workflow_returns_the_folder_of_that_name(folder: Path, name: str) -> None:
    assert find_workflow(folder, name) == folder / name


@pytest.mark.parametrize(
    "name",
    ["..", ".", "", "../outside", "invoices/..", "/etc", "a\\b", "link", "file.robot", ".hidden", "nope", "a\0b"],
)
def test_find_workflow_refuses_other_places_and_lists_the_workflows(folder: Path, name: str) -> None:
    with pytest.raises(UnknownWorkflow, match="it has: invoices"):
        find_workflow(folder, name)


def test_find_workflow_in_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(UnknownWorkflow, match="it has: none"):
        find_workflow(tmp_path, "invoices")


def test_listed_workflows_are_found_by_find_workflow(folder: Path) -> None:
    assert list_workflows(folder) == ["invoices", "Ünïcode name"]
    (folder / "invoices").rmdir()
    assert list_workflows(folder) == ["Ünïcode name"]


def test_folder_that_cannot_be_read_has_no_workflows(tmp_path: Path) -> None:
    assert list_workflows(tmp_path / "missing") == []
    assert list_workflows(tmp_path) == []


def test_more_workflows_than_a_message_can_hold_are_not_listed(tmp_path: Path) -> None:
    for number in range(MAX_WORKFLOWS):
        (tmp_path / f"{number}").mkdir()
    assert len(list_workflows(tmp_path) or []) == MAX_WORKFLOWS
    (tmp_path / "one-more").mkdir()
    assert list_workflows(tmp_path) is None


def test_names_that_are_too_long_together_are_not_listed(tmp_path: Path) -> None:
    for number in range(MAX_LISTED_BYTES // 128 + 1):
        (tmp_path / f"{number:0128}").mkdir()
    assert list_workflows(tmp_path) is None


def test_replaced_link_to_the_folder_takes_effect_at_once(tmp_path: Path) -> None:
    for release in ("1", "2"):
        (tmp_path / release / "invoices").mkdir(parents=True)
    current = tmp_path / "current"
    current.symlink_to("1")
    assert find_workflow(current, "invoices") == tmp_path / "1" / "invoices"
    current.unlink()
    current.symlink_to("2")
    (tmp_path / "1" / "invoices").rmdir()
    assert find_workflow(current, "invoices") == tmp_path / "2" / "invoices"
    current.unlink()
    with pytest.raises(UnknownWorkflow, match="current does not exist"):
        find_workflow(current, "invoices")
