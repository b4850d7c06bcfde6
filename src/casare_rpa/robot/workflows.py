"""The workflows that a robot has: folders, named by the workflow id. An id comes from outside and is not trusted."""

import re
from pathlib import Path

_ID = re.compile(r"^[^/\\\x00-\x1f\x7f]{1,128}$")
_SHOWN = 10


class UnknownWorkflow(LookupError):
    """This robot does not have it; the sentence says what it has."""


def find_workflow(folder: Path, workflow_id: str) -> Path:
    """The folder of a workflow, strictly inside `folder`: no separators, no `..`, no link that leads out.

    Raises:
        UnknownWorkflow: there is none.
    """
    root = folder.resolve()
    if _ID.match(workflow_id) and not workflow_id.startswith("."):
        candidate = (root / workflow_id).resolve()
        if candidate.parent == root and candidate.is_dir():
            return candidate
    known = sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    listed = ", ".join(known[:_SHOWN]) + (", …" if len(known) > _SHOWN else "")
    raise UnknownWorkflow(f"this robot has no workflow {workflow_id!r}; it has: {listed or 'none'}")
