"""Numbers the steps of a run and reports their begin and end."""

from collections.abc import Callable
from datetime import UTC, datetime

from msgspec.structs import replace

from casare_rpa.domain.limits import MAX_KIND_LENGTH, WORKFLOW_TEXTS
from casare_rpa.domain.steps import MAX_STORED_STEPS, JobStep
from casare_rpa.domain.vocabulary import StepStatus


class StepTracker:
    """The open steps of one thread. Of steps that the server does not store, every thousandth is reported.

    The reported ones keep its total up to date, and a loop of a million steps costs no million messages.
    """

    def __init__(self, report: Callable[[JobStep], None]) -> None:
        self._report = report
        self._open: list[JobStep] = []
        self._last_id = 0

    def begin(self, name: str, kind: str) -> None:
        """A step inside the open one begins."""
        self._last_id += 1
        step = JobStep(
            id=self._last_id,
            parent=self._open[-1].id if self._open else None,
            name=name.encode(errors="replace").decode()[: WORKFLOW_TEXTS.node_id],
            kind=kind[:MAX_KIND_LENGTH],
            status=StepStatus.RUNNING,
            started_at=datetime.now(UTC),
        )
        self._open.append(step)
        if _is_reported(step):
            self._report(step)

    def end(self, status: StepStatus) -> None:
        """The open step ends."""
        step = self._open.pop()
        if _is_reported(step):
            self._report(replace(step, status=status, ended_at=max(step.started_at, datetime.now(UTC))))


def _is_reported(step: JobStep) -> bool:
    return step.id <= MAX_STORED_STEPS or step.id % 1000 == 0
