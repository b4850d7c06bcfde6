"""The private copy of a workflow folder: equal to the folder at one moment, writable, and cut off from it."""

import errno
import os
import socket
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from casare_rpa.robot.executors import working_copy
from casare_rpa.robot.executors.working_copy import CopyStopped, FolderChanging, copy_folder
from casare_rpa.robot.workflow_kind import BadWorkflow

NO_PAUSES = (0.0,) * 4


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "demo"
    (path / "below" / "empty").mkdir(parents=True)
    (path / "suite.robot").write_text("a suite")
    (path / "below" / "lib.py").write_text("a library")
    return path


def never() -> bool:
    return False


def copied(source: Path, **options: object) -> Path:
    target = source.parent / "copy" / source.name
    copy_folder(source, target, never, **{"pauses_seconds": NO_PAUSES, **options})  # type: ignore[arg-type]
    return target


def content(folder: Path) -> dict[str, str | None]:
    return {str(path.relative_to(folder)): path.read_text() if path.is_file() else None for path in folder.rglob("*")}


def test_copy_has_the_content_permissions_and_times(source: Path) -> None:
    program = source / "run.sh"
    program.write_text("#!/bin/sh")
    program.chmod(0o755)
    os.utime(program, ns=(10**18, 10**18 + 1))
    copy = copied(source)
    assert content(copy) == content(source)
    assert stat.S_IMODE((copy / "run.sh").stat().st_mode) == 0o755
    assert (copy / "run.sh").stat().st_mtime_ns == 10**18 + 1


def test_writes_to_the_copy_do_not_reach_the_folder(source: Path) -> None:
    before = content(source)
    copy = copied(source)
    (copy / "suite.robot").write_text("changed")
    (copy / "below" / "new.txt").write_text("new")
    assert content(source) == before


def test_read_only_folder_has_a_writable_copy(source: Path) -> None:
    (source / "suite.robot").chmod(0o444)
    (source / "below").chmod(0o555)
    copy = copied(source)
    assert stat.S_IMODE((copy / "suite.robot").stat().st_mode) == 0o644
    assert stat.S_IMODE((copy / "below").stat().st_mode) == 0o755


def test_set_user_id_is_not_copied(source: Path) -> None:
    (source / "suite.robot").chmod(0o4755)
    assert stat.S_IMODE((copied(source) / "suite.robot").stat().st_mode) == 0o755


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("below/lib.py", "{copy}/below/lib.py"),
        ("{source}/below/lib.py", "{copy}/below/lib.py"),
        ("{real}/below/lib.py", "{copy}/below/lib.py"),
        ("../outside.txt", "{source}/../outside.txt"),
        ("/etc/hostname", "/etc/hostname"),
        ("missing", "{copy}/missing"),
    ],
)
def test_link_into_the_folder_leads_into_the_copy_and_every_other_one_stays(
    tmp_path: Path, source: Path, link: str, target: str
) -> None:
    (tmp_path / "releases").mkdir()
    (tmp_path / "real").symlink_to(tmp_path)
    linked = tmp_path / "real" / source.name
    (tmp_path / "outside.txt").write_text("outside")
    (source / "link").symlink_to(link.format(source=linked, real=source))
    (source / "below" / "link").symlink_to("../link")
    copy = copied(linked)
    expected = os.path.realpath(target.format(source=source, copy=copy))
    assert os.path.realpath(copy / "link") == os.path.realpath(copy / "below" / "link") == expected


def test_pipes_and_sockets_are_left_out(source: Path) -> None:
    os.mkfifo(source / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(source / "socket"))
        assert set(content(copied(source))) == {"suite.robot", "below", "below/lib.py", "below/empty"}


def test_folder_that_is_too_large_is_named_before_anything_is_copied(source: Path) -> None:
    with (source / "video.mp4").open("wb") as file:
        file.truncate(working_copy.MAX_FOLDER_BYTES)
    with pytest.raises(BadWorkflow, match=r"workflow 'demo' has 1073741840 bytes \(the largest file is video\.mp4\)"):
        copied(source)
    assert not (source.parent / "copy").exists()


def test_folder_of_the_largest_size_is_copied(source: Path) -> None:
    assert content(copied(source, max_bytes=len("a suite") + len("a library"))) == content(source)


class Changing:
    """Calls one change after another, each when the next file is copied."""

    def __init__(self, *changes: Callable[[], object]) -> None:
        self.changes = list(changes)

    def __call__(self, source: int, target: int) -> None:
        if self.changes:
            self.changes.pop(0)()
        raise OSError(errno.EOPNOTSUPP if not self.changes else errno.EINVAL, "no clone")


def test_change_during_the_copy_is_copied_as_well(source: Path) -> None:
    def release() -> None:
        (source / "below" / "lib.py").unlink()
        (source / "below" / "empty").rmdir()
        (source / "below").rmdir()
        (source / "below").write_text("now a file")
        (source / "suite.robot").write_text("a new suite")
        (source / "new").mkdir()
        (source / "new" / "file").write_text("new")

    copy = copied(source, clone=Changing(release))
    assert content(copy) == content(source)
    assert (copy / "below").read_text() == "now a file"


def test_file_that_is_replaced_by_a_link_or_a_pipe_is_not_followed(source: Path) -> None:
    def replace() -> None:
        for name, file in (("suite.robot", source / "suite.robot"), ("lib.py", source / "below" / "lib.py")):
            file.unlink()
            os.mkfifo(file) if name == "lib.py" else file.symlink_to("/etc/hostname")

    copy = copied(source, clone=Changing(replace))
    assert (copy / "suite.robot").is_symlink()
    assert not (copy / "below" / "lib.py").exists()


def test_changed_permissions_of_a_folder_are_copied(source: Path) -> None:
    copy = copied(source, clone=Changing(lambda: (source / "below").chmod(0o711)))
    assert stat.S_IMODE((copy / "below").stat().st_mode) == 0o711
    assert content(copy) == content(source)


def test_folder_that_changes_all_the_time_is_refused_with_the_name_of_the_file(source: Path) -> None:
    size = 0

    def grow(_source: int, _target: int) -> None:
        nonlocal size
        size += 1
        (source / "app.log").write_text("x" * size)
        raise OSError(errno.EINVAL, "no clone")

    with pytest.raises(FolderChanging, match=r"workflow 'demo' changes while it is copied \(app\.log\)"):
        copied(source, clone=grow)


def test_file_system_without_clones_is_asked_once(source: Path) -> None:
    asked = []

    def clone(_source: int, _target: int) -> None:
        asked.append(1)
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    assert content(copied(source, clone=clone)) == content(source)
    assert len(asked) == 1


def test_clones_are_used_if_the_file_system_supports_them(source: Path) -> None:
    def clone(source_file: int, target: int) -> None:
        os.write(target, b"cloned " + os.read(source_file, 100))

    assert (copied(source, clone=clone) / "suite.robot").read_text() == "cloned a suite"


def test_copy_is_given_up_on_request(source: Path) -> None:
    wanted = threading.Event()
    with pytest.raises(CopyStopped):
        copy_folder(source, source.parent / "copy", wanted.is_set, clone=Changing(wanted.set))
