"""Finds workflows: each is a folder named by its workflow id. Ids come from the network and are not trusted."""

import re
from pathlib import Path

_ID = re.compile(r"^[^/\\\x00-\x1f\x7f]{1,128}$")
_SHOWN = 10


class UnknownWorkflow(LookupError):
    """This robot has no such workflow. The message lists the existing ones."""


def find_workflow(folder: Path, workflow_id: str) -> Path:
    """The folder of a workflow, directly inside `folder`: no separators, no `..`, no link to another place.

    Raises:
        UnknownWorkflow: there is no such folder.
    """
    root = folder.resolve()
    if _ID.match(workflow_id) and not workflow_id.startswith("."):
        candidate = (root / workflow_id).resolve()
        if candidate.parent == root and candidate.is_dir():
            return candidate
    known = sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    listed = ", ".join(known[:_SHOWN]) + (", …" if len(known) > _SHOWN else "")
    raise UnknownWorkflow(f"this robot has no workflow {workflow_id!r}; it has: {listed or 'none'}")
