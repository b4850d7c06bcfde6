"""What the slices tell one another over the bus: the subjects, and the message of each."""

from collections.abc import Sequence

import msgspec

from casare_rpa.domain.job import Job
from casare_rpa.domain.job_events import CancelOrder, Step
from casare_rpa.infrastructure.orchestrator.ports import Applied, Bus

JOB_CHANGED = "job.changed"
"""JobChanged, after its commit."""

JOB_PROGRESS = "job.progress"
"""list[Job], after their commit: only their progress or their message is another. They concern none but viewers."""

WAKE_JOBS = "wake.jobs"
"""None: there may be work to hand out. A hint; the dispatcher polls too."""

CANCEL_ORDER = "robot.cancel"
"""CancelOrder: whoever holds the robot's session sends it."""

QUEUE_CHANGED = "queue.changed"
"""None: a queue was paused or resumed."""

ROBOT_CHANGED = "robot.changed"
"""str: the id of a robot whose status or figures changed."""


class JobChanged(msgspec.Struct, frozen=True, gc=False):
    """A committed change of a job; `before` is `None` for a new one."""

    before: Job | None
    job: Job
    number: str


def announce(bus: Bus, applied: Sequence[Applied]) -> None:
    """Tell everyone what was committed, in its order, and the robots what they must do about it."""
    progress: list[Job] = []
    for one in applied:
        answer = one.answer
        before = one.before
        if isinstance(answer, Step) and before is not None and answer.job.revision != before.revision:
            if answer.number == "T9" and before.contact_lost_at is None:
                progress.append(answer.job)
            else:
                progress = _tell(bus, progress)
                bus.publish(JOB_CHANGED, JobChanged(before, answer.job, answer.number))
        order: CancelOrder | None = answer.order
        if order is not None:
            bus.publish(CANCEL_ORDER, order)
    _tell(bus, progress)


def _tell(bus: Bus, progress: list[Job]) -> list[Job]:
    """Tell of the progress so far, as what is told next comes after it; answers the list that begins anew."""
    if progress:
        bus.publish(JOB_PROGRESS, progress)
    return []
