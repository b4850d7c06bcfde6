"""Workflow ids are not trusted: they name a folder of the robot, or are refused."""

from pathlib import Path

import pytest

from casare_rpa.robot.workflows import UnknownWorkflow, find_workflow


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
