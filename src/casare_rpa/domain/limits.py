"""How much a connection may send: a token bucket, and the contract's table of rates."""

from dataclasses import dataclass

MAX_QUERY_BYTES = 4 * 1024
"""A credential and a filter or two; with its path it must fit the 8 KiB of a request line."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`messages_per_second` in the long run, `burst` at once.

    Source: docs/reference/websocket-contract.md, Rate limits.
    """

    messages_per_second: float
    burst: float


ROBOT_LIMIT = RateLimit(100, 200)
ADMIN_LIMIT = RateLimit(200, 500)
MONITORING_LIMIT = RateLimit(50, 100)


class TokenBucket:
    """Counts messages against a RateLimit; `None` is no limit.

    `now` is monotonic seconds. Debt is allowed, so a paused reader resumes exactly on time.
    """

    __slots__ = ("_limit", "_tokens", "_updated_at")

    def __init__(self, limit: RateLimit | None, now: float) -> None:
        self._limit = limit
        self._tokens = limit.burst if limit else 0.0
        self._updated_at = now

    def take(self, now: float) -> float:
        """Seconds to wait before acting on one message; 0.0 means go. A clock that steps back adds nothing."""
        limit = self._limit
        if limit is None:
            return 0.0
        elapsed = max(0.0, now - self._updated_at)
        self._updated_at = max(self._updated_at, now)
        self._tokens = min(limit.burst, self._tokens + elapsed * limit.messages_per_second) - 1.0
        return 0.0 if self._tokens >= 0 else -self._tokens / limit.messages_per_second
