"""The output of ended attempts is removed by age and by size, oldest first; that of running ones never."""

import os
from pathlib import Path

import pytest

from casare_rpa.robot.output_folders import DAY_SECONDS, OutputFolders, OutputLimits

NOW = 1_800_000_000.0


def attempt(root: Path, name: str, days_old: float, size_bytes: int = 1) -> Path:
    """A folder of an attempt, whose newest file is that old and lies deep inside."""
    folder = root / name
    (folder / "deep").mkdir(parents=True)
    file = folder / "deep" / "report.bin"
    file.write_bytes(os.urandom(size_bytes))
    for path in (file, file.parent, folder):
        os.utime(path, (0, NOW - days_old * DAY_SECONDS))
    return folder


def folders(root: Path, running: set[str] | None = None, **limits: float) -> OutputFolders:
    return OutputFolders(root, lambda: running or set(), OutputLimits(**limits), clock=lambda: NOW)


def left(root: Path) -> set[str]:
    return {path.name for path in root.iterdir()}


def test_old_output_is_removed_and_newer_output_stays(tmp_path: Path) -> None:
    for name, days_old in (("a-1", 15), ("b-1", 13.9), ("c-1", 0)):
        attempt(tmp_path, name, days_old)
    assert folders(tmp_path, keep_days=14).remove_old() == ["a-1"]
    assert left(tmp_path) == {"b-1", "c-1"}


def test_newest_file_gives_the_age(tmp_path: Path) -> None:
    """A job that ran for weeks has a folder that is as old."""
    folder = attempt(tmp_path, "a-1", 30)
    os.utime(folder / "deep" / "report.bin", (0, NOW))
    assert folders(tmp_path, keep_days=14).remove_old() == []


def test_oldest_output_is_removed_until_the_rest_fits(tmp_path: Path) -> None:
    for number in range(5):
        attempt(tmp_path, f"{number}-1", 5 - number, size_bytes=400_000)
    assert folders(tmp_path, keep_mb=1).remove_old() == ["0-1", "1-1", "2-1"]
    assert folders(tmp_path, keep_mb=1).remove_old() == []
    attempt(tmp_path, "5-1", 0, size_bytes=400_000)
    assert folders(tmp_path, keep_mb=1).remove_old() == ["3-1"]


def test_output_of_a_running_attempt_is_neither_removed_nor_counted(tmp_path: Path) -> None:
    attempt(tmp_path, "running-1", 100, size_bytes=3_000_000)
    attempt(tmp_path, "ended-1", 1, size_bytes=400_000)
    running = {"running-1"}
    kept = folders(tmp_path, running, keep_mb=1, keep_days=14)
    assert kept.remove_old() == []
    running.clear()
    assert kept.remove_old() == ["running-1"]
    assert left(tmp_path) == {"ended-1"}


def test_zero_keeps_nothing(tmp_path: Path) -> None:
    attempt(tmp_path, "a-1", 0.001)
    assert folders(tmp_path, keep_days=0).remove_old() == ["a-1"]


def test_links_in_the_output_are_removed_and_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_bytes(b"x" * 3_000_000)
    root = tmp_path / "jobs"
    folder = attempt(root, "a-1", 1)
    (folder / "link").symlink_to(outside)
    (root / "link").symlink_to(outside)
    assert folders(root, keep_mb=1).remove_old() == [], "what a link points to is not counted"
    assert folders(root, keep_days=0).remove_old() == ["a-1"]
    assert (outside / "kept").exists()


@pytest.mark.parametrize("mode", [0o500, 0o000])
def test_read_only_folders_are_removed_too(tmp_path: Path, mode: int) -> None:
    (attempt(tmp_path, "a-1", 20) / "deep").chmod(mode)
    assert folders(tmp_path).remove_old() == ["a-1"]


def test_missing_folder_has_nothing_to_remove(tmp_path: Path) -> None:
    assert folders(tmp_path / "jobs").remove_old() == []
