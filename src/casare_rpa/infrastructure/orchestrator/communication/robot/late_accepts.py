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

    def given_up(self, now: float) -> None:
        self._given_up_at.append(now)

    def explains_a_close(self, now: float) -> bool:
        """Whether a newer connection of this robot can be a request of its own. Each request explains one close."""
        while self._given_up_at:
            if self._given_up_at.popleft() >= now - LATE_SECONDS:
                return True
        return False
