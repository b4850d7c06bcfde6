"""Finds and lists workflows: folders named by their workflow id. Ids come from the network and are not trusted."""

import logging
import re
from pathlib import Path

import msgspec

from casare_rpa.domain.limits import MAX_WORKFLOWS

_ID = re.compile(r"^[^/\\\x00-\x1f\x7f]{1,128}$")
_SHOWN = 10
MAX_LISTED_BYTES = 100_000
"""A longer list of workflows is not sent. The `hello` that contains it must fit into one message."""

logger = logging.getLogger(__name__)


class UnknownWorkflow(LookupError):
    """This robot has no such workflow. The message lists the existing ones."""


def find_workflow(folder: Path, workflow_id: str) -> Path:
    """The folder of a workflow, directly inside `folder`: no separators, no `..`, no link to another place.

    `folder` itself may be a link. It is resolved at each call, so that a link that was replaced takes effect with the
    next job.

    Raises:
        UnknownWorkflow: there is no such folder.
    """
    root = folder.resolve()
    if not root.is_dir():
        raise UnknownWorkflow(f"the folder of workflows {folder} does not exist; the robot was started with it")
    if _is_workflow(root, workflow_id):
        return (root / workflow_id).resolve()
    known = _names(root)
    listed = ", ".join(known[:_SHOWN]) + (", …" if len(known) > _SHOWN else "")
    raise UnknownWorkflow(f"this robot has no workflow {workflow_id!r}; it has: {listed or 'none'}")


def list_workflows(folder: Path) -> list[str] | None:
    """The ids of the workflows in a folder, sorted; empty while the folder cannot be read.

    `None` if one message cannot contain them all: jobs of every workflow are then offered to the robot.
    """
    try:
        names = _names(folder.resolve())
    except OSError as error:
        logger.debug("the folder of workflows cannot be read: %s", error)  # asked every few seconds
        return []
    size_bytes = len(msgspec.json.encode(names))
    if len(names) > MAX_WORKFLOWS or size_bytes > MAX_LISTED_BYTES:
        return None
    return names


def log_workflows(folder: Path, listed: list[str] | None) -> None:
    """Log which workflows are offered to the robot. `listed` is a result of `list_workflows`."""
    if listed is None:
        logger.warning(
            "the workflows in %s are too many to list: jobs of every workflow are offered to this robot", folder
        )
    elif listed:
        logger.info("workflows: %s", ", ".join(listed))
    else:
        logger.warning("no workflows: %s is empty, missing or not readable", folder)


def _names(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir() if _is_workflow(root, path.name))


def _is_workflow(root: Path, workflow_id: str) -> bool:
    if not _ID.match(workflow_id) or workflow_id.startswith("."):
        return False
    candidate = (root / workflow_id).resolve()
    return candidate.parent == root and candidate.is_dir()
