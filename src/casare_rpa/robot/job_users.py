"""The users that jobs run as: one for each slot, so that jobs cannot read each other's files and parameters.

Source: docs/explanation/security.md, Job users.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from casare_rpa.domain.errors import InvalidSettings

VARIABLE = "CASARE_JOB_USERS"
TRAVERSABLE = 0o711
PRIVATE = 0o700
CHECK = """
import os, sys
import casare_rpa.robot.executors.python_child
sys.exit(0 if os.access(sys.argv[1], os.X_OK) else f"{sys.argv[1]} is not accessible")
"""


@dataclass(frozen=True, slots=True)
class JobUser:
    """A user of the system that runs the jobs of one slot, and nothing else."""

    name: str
    user_id: int
    group_id: int
    group_ids: tuple[int, ...]
    home: str

    @property
    def variables(self) -> dict[str, str]:
        """The variables that name the user."""
        return {"HOME": self.home, "USER": self.name, "LOGNAME": self.name}


def find_job_users(text: str, slots: int) -> tuple[JobUser, ...]:
    """The users named in a setting, separated by commas. Empty when it is empty.

    Raises:
        InvalidSettings: a name is unknown, root or repeated; not one per slot; or this process is not root's.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        return ()
    if sys.platform == "win32" or os.geteuid() != 0:
        raise InvalidSettings("only a robot that runs as root can run jobs as other users", field=VARIABLE)
    if len(names) != slots:
        raise InvalidSettings(f"names {len(names)} users for {slots} slots; name one user per slot", field=VARIABLE)
    users = tuple(_find_user(name) for name in names)
    if len({user.user_id for user in users}) < len(users):
        raise InvalidSettings("names a user twice; each slot needs a user of its own", field=VARIABLE)
    return users


def _find_user(name: str) -> JobUser:
    if sys.platform == "win32":
        raise AssertionError("not called on Windows")
    import pwd

    try:
        found = pwd.getpwnam(name)
    except KeyError:
        raise InvalidSettings(f"there is no user {name!r} on this machine", field=VARIABLE) from None
    if found.pw_uid == 0:
        raise InvalidSettings(f"{name!r} is root; a job must not run as root", field=VARIABLE)
    groups = os.getgrouplist(name, found.pw_gid)
    return JobUser(name, found.pw_uid, found.pw_gid, tuple(groups), found.pw_dir)


def prepare_data_dir(users: Sequence[JobUser], data_dir: Path, *folders: Path) -> None:
    """Let the users pass through the folders of the robot to their own, and read nothing on the way.

    Raises:
        InvalidSettings: a user cannot run this program, or cannot reach the folders.
    """
    if not users:
        return
    for folder in (data_dir, *folders):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(TRAVERSABLE)
    for path in data_dir.iterdir():
        if path.is_file() and not path.is_symlink():
            path.chmod(0o600)
    for user in users:
        _check_access(user, data_dir)


def _check_access(user: JobUser, data_dir: Path) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-P", "-c", CHECK, str(data_dir)],
            user=user.user_id,
            group=user.group_id,
            extra_groups=user.group_ids,
            capture_output=True,
            text=True,
            check=False,
        )
        problem = "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    except OSError as error:
        problem = str(error)
    if problem:
        raise InvalidSettings(
            f"the user {user.name!r} cannot run jobs: {problem}; let it read the installed program and pass through "
            f"the folders above {data_dir}",
            field=VARIABLE,
        )


def give_folder(path: Path, user: JobUser) -> None:
    """Make the user the owner of a file or folder with its content. Links are not followed."""
    os.chown(path, user.user_id, user.group_id, follow_symlinks=False)
    for parent, folders, files in os.walk(path):
        for name in (*folders, *files):
            os.chown(Path(parent, name), user.user_id, user.group_id, follow_symlinks=False)


def take_folder(path: Path) -> None:
    """Close a folder of a job user to every user but this one. Its content keeps its owner."""
    try:
        os.chown(path, os.geteuid(), os.getegid(), follow_symlinks=False)
    except FileNotFoundError:
        return
    path.chmod(PRIVATE)
