"""Limits on the work that each robot causes: bytes of large messages, and log lines.

The rate limit counts messages, and a message can be 256 KiB of text or thousands of lines. A robot over one of these
limits is read more slowly; no message is dropped.
"""

from dataclasses import dataclass

from casare_rpa.domain.limits import RateLimit, TokenBucket, WorkLimits
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock

COUNTED_BYTES = 2 * 1024
"""Messages up to this size are not counted in bytes: the rate limit alone keeps them below the limit of bytes."""


@dataclass(frozen=True, slots=True)
class ReadingPause:
    """The time for which a robot is not read, and the message that it gets."""

    seconds: float
    sentence: str


class WorkBudget:
    """The budget of one robot."""

    def __init__(self, budgets: "WorkBudgets", now: float) -> None:
        self._budgets = budgets
        self._bytes = TokenBucket(budgets.limits.bytes, now)
        self._lines = TokenBucket(budgets.limits.lines, now)

    def spend_bytes(self, number: int) -> ReadingPause | None:
        """Count the bytes of a message that is over `COUNTED_BYTES`; returns the pause after it, if any."""
        seconds = self._bytes.take(self._budgets.clock.monotonic(), number)
        return self._budgets.pause("bytes", self._budgets.limits.bytes, seconds)

    def spend_lines(self, number: int) -> ReadingPause | None:
        """Count the lines of a `log_batch`; returns the pause after it, if any."""
        seconds = self._lines.take(self._budgets.clock.monotonic(), number)
        return self._budgets.pause("log lines", self._budgets.limits.lines, seconds)


class WorkBudgets:
    """The budgets of all robots that have connected. A robot keeps its budget over a reconnect."""

    def __init__(self, clock: Clock, limits: WorkLimits) -> None:
        self.clock = clock
        self.limits = limits
        self.paused = {"bytes": 0, "log lines": 0}
        """Messages after which a robot was not read for a time, by the limit that it exceeded."""
        self._budgets: dict[str, WorkBudget] = {}

    def budget_of(self, robot_id: str) -> WorkBudget:
        budget = self._budgets.get(robot_id)
        if budget is None:
            budget = self._budgets[robot_id] = WorkBudget(self, self.clock.monotonic())
        return budget

    def pause(self, what: str, limit: RateLimit | None, seconds: float) -> ReadingPause | None:
        if limit is None or seconds <= 0:
            return None
        self.paused[what] += 1
        allowed = f"{limit.per_second:.15g} a second, {limit.burst:.15g} at once"
        return ReadingPause(seconds, f"too many {what}: {allowed}; slow down")
