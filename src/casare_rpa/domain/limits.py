"""The limits of the contract: sizes of messages and texts, rates, and the token bucket that enforces a rate."""

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

MAX_QUERY_BYTES = 4 * 1024
"""The longest query of a WebSocket address. Path and query together must fit in a request line of 8 KiB."""

ROBOT_MESSAGE_BYTES = 256 * 1024
"""The largest message of a robot, which is the largest of any endpoint."""
ADMIN_MESSAGE_BYTES = 64 * 1024
VIEWER_MESSAGE_BYTES = 4 * 1024
"""The largest message of a log viewer or a monitoring client."""

MAX_RESULT_BYTES = 256 * 1024
"""The largest result of a job, as JSON."""

MAX_ID_LENGTH = 128
MAX_CODE_LENGTH = 128
"""The longest `type` or `code` of an error, in characters."""
MAX_NAME_LENGTH = 256
"""The longest name of a robot, tenant or user, and the longest idempotency key, in characters."""
MAX_REASON_LENGTH = 1024
"""The longest reason of an order, and of a refused offer, in characters."""
MAX_PASSWORD_LENGTH = 1024
MAX_TOKEN_LENGTH = 4096
MAX_VERSION_LENGTH = 64
MAX_TAGS = 64
"""The number of tags of a robot or a job, and of capabilities or features that a robot reports."""
MAX_CHANNELS = 16
MAX_POSITION_LENGTH = 64
"""The longest position in a stream (`since`), in characters."""
MAX_LINES_IN_BATCH = 1_000
MAX_STEPS_IN_MESSAGE = 500
MAX_REPORTS_IN_BATCH = 100
MAX_KIND_LENGTH = 64
MAX_WORKFLOWS = 1_000
"""The number of workflows that a robot can list."""
MAX_WRITE_CHARACTERS = 8 * 1024 * 1024
"""The size of the large texts of one write. A statement of PostgreSQL then ends far before its time limit."""


def number_at_once(sizes: Iterable[int]) -> int:
    """How many calls with large texts of these sizes, in characters, one write gets, in their order: at least one.

    >>> number_at_once([MAX_WRITE_CHARACTERS, 0, 1, 0])
    2
    """
    number = characters = 0
    for size in sizes:
        characters += size
        if number and characters > MAX_WRITE_CHARACTERS:
            break
        number += 1
    return max(1, number)


@dataclass(frozen=True, slots=True)
class TextLimits:
    """The longest texts about a job, in characters. `message` is the text of a progress report or an error."""

    message: int
    traceback: int
    node_id: int


ACCEPTED_TEXTS = TextLimits(message=16_384, traceback=65_536, node_id=512)
"""The orchestrator refuses a message with a longer text.

Source: docs/reference/websocket-contract.md, Sizes.
"""
WORKFLOW_TEXTS = TextLimits(message=16_000, traceback=60_000, node_id=500)
"""The texts of a workflow are cut to this length in its child process.

The margin below ACCEPTED_TEXTS leaves room for additions by the robot. Without it, the end of a job could be refused.
Source: docs/reference/workflows.md.
"""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`per_second` messages, connections, bytes or lines in the long run, `burst` at once.

    Source: docs/reference/websocket-contract.md, Rate limits.
    """

    per_second: float
    burst: float


@dataclass(frozen=True, slots=True)
class WorkLimits:
    """Limits of one robot: bytes of its larger messages, and lines in its `log_batch` messages; `None` means no limit.

    Source: docs/reference/websocket-contract.md, Rate limits.
    """

    bytes: RateLimit | None
    lines: RateLimit | None


ROBOT_LIMIT = RateLimit(100, 200)
ADMIN_LIMIT = RateLimit(200, 500)
MONITORING_LIMIT = RateLimit(50, 100)
CONNECTION_LIMIT = RateLimit(50, 1_000)
"""The limit on the WebSockets that one credential opens."""
ROBOT_BYTES = RateLimit(256 * 1024, 4 * 1024 * 1024)
"""The limit on the bytes of the larger messages of one robot."""
ROBOT_LOG_LINES = RateLimit(1_000, 10_000)
"""The limit on the lines in the `log_batch` messages of one robot."""


class TokenBucket:
    """Counts messages, connections, bytes or lines against a RateLimit; `None` means no limit.

    `now` is monotonic seconds. The count may become negative, so a paused reader resumes exactly on time.
    """

    __slots__ = ("_limit", "_tokens", "_updated_at")

    def __init__(self, limit: RateLimit | None, now: float) -> None:
        self._limit = limit
        self._tokens = limit.burst if limit else 0.0
        self._updated_at = now

    def take(self, now: float, number: float = 1.0) -> float:
        """Count `number` of them; returns the seconds to wait for the limit. A clock that steps back adds nothing."""
        limit = self._limit
        if limit is None:
            return 0.0
        elapsed = max(0.0, now - self._updated_at)
        self._updated_at = max(self._updated_at, now)
        self._tokens = min(limit.burst, self._tokens + elapsed * limit.per_second) - number
        return 0.0 if self._tokens >= 0 else -self._tokens / limit.per_second


class TokenBuckets:
    """A bucket for each key. Those of the `keys` that were used last are kept; a forgotten one is full again."""

    def __init__(self, limit: RateLimit | None, keys: int) -> None:
        self._limit = limit
        self._keys = keys
        self._buckets: OrderedDict[Hashable, TokenBucket] = OrderedDict()

    def take(self, key: Hashable, now: float, number: float = 1.0) -> float:
        """As `TokenBucket.take`, from the bucket of a key. With `number` 0.0, only the seconds to wait."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = TokenBucket(self._limit, now)
            if len(self._buckets) > self._keys:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        return bucket.take(now, number)
