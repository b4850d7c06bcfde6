"""The steps of running jobs that are not part of a message yet."""

from casare_rpa.domain.protocol import JobSteps
from casare_rpa.domain.steps import MAX_STORED_STEPS, JobStep

STEPS_IN_MESSAGE = 100
"""A message then has at most 256 KiB for any names."""
MIN_INTERVAL_SECONDS = 1.0
"""The minimum time between two messages. Short steps are then sent once, with their end."""


class StepBuffer:
    """The newest state of each step, in the order of the first one. At most the number of stored steps per attempt.

    Without a server that accepts steps it stays empty.
    """

    def __init__(self) -> None:
        self._attempts: dict[tuple[str, int | None], dict[int, JobStep]] = {}
        self._enabled = True

    def __bool__(self) -> bool:
        return bool(self._attempts)

    def enable(self, enabled: bool) -> None:
        """Whether the server accepts steps; before the first connection it is not known."""
        self._enabled = enabled
        if not enabled:
            self._attempts.clear()

    def put(self, job_id: str, attempt: int | None, step: JobStep) -> None:
        """Add a step, or its new state."""
        if not self._enabled:
            return
        steps = self._attempts.setdefault((job_id, attempt), {})
        if step.id > MAX_STORED_STEPS:
            # Of the steps that are only counted, the server needs the greatest id.
            for counted in [known for known in steps if MAX_STORED_STEPS < known < step.id]:
                del steps[counted]
        steps[step.id] = step

    def take_message(self) -> JobSteps | None:
        """The steps of the oldest attempt, up to 100, as a message."""
        if not self._attempts:
            return None
        (job_id, attempt), steps = next(iter(self._attempts.items()))
        taken = [steps.pop(step_id) for step_id in list(steps)[:STEPS_IN_MESSAGE]]
        if not steps:
            del self._attempts[job_id, attempt]
        return JobSteps(job_id=job_id, attempt=attempt, steps=taken)
