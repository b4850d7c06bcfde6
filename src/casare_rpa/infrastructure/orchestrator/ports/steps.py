"""The store port of the steps of jobs."""

from typing import Protocol

from casare_rpa.domain.steps import StepPage, StepReport


class StepStore(Protocol):
    """Steps of the attempts of jobs. They are deleted with their job."""

    async def add_steps(self, report: StepReport) -> bool:
        """Store the steps of an attempt that the robot has or had; returns whether it has or had it.

        A step that is stored already changes until it has ended. The same call may be repeated.
        """
        ...

    async def steps(self, job_id: str, attempt: int, after_revision: int) -> StepPage:
        """The steps of an attempt that changed after a revision, by id: at most `MAX_STORED_STEPS`."""
        ...
