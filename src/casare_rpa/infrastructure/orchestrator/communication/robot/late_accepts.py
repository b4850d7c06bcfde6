"""Requests that a robot gave up, and that the orchestrator may accept late.

Behind a proxy, a busy instance can accept such a request after another instance has accepted the next one. It then
closes the connection of the next one with 4009, as if another process had the identity of the robot.
"""

from collections import deque

LATE_SECONDS = 120.0
"""How long after it was given up a request can be accepted: twice the timeouts of deploy/haproxy.cfg."""


class LateAccepts:
    """The times at which requests were given up, the oldest first. Times are of one monotonic clock, in seconds."""

    def __init__(self) -> None:
        self._given_up_at: deque[float] = deque()

    def __len__(self) -> int:
        """The number of requests in memory. It stays small while the orchestrator is away for days."""
        return len(self._given_up_at)

    def given_up(self, now: float) -> None:
        self._forget_before(now - LATE_SECONDS)
        self._given_up_at.append(now)

    def explains_a_close(self, now: float) -> bool:
        """Whether a newer connection of this robot can be a request of its own. Each request explains one close."""
        self._forget_before(now - LATE_SECONDS)
        if not self._given_up_at:
            return False
        self._given_up_at.popleft()
        return True

    def _forget_before(self, oldest: float) -> None:
        while self._given_up_at and self._given_up_at[0] < oldest:
            self._given_up_at.popleft()
