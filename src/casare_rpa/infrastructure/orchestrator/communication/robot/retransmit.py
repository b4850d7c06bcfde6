"""Messages that are kept until the orchestrator has answered them, over as many connections as it takes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count

from casare_rpa.domain import codec, protocol


class Kind(IntEnum):
    """What is kept, most urgent first."""

    END = 0
    CLAIM = 1
    LOG = 2


@dataclass(slots=True, eq=False)
class SentMessage:
    """One message with its top-level `id`; the frame is the same however often it is sent, while it is taken."""

    message_id: int
    kind: Kind
    frame: bytes
    job_id: str = ""
    attempt: int | None = None
    tries: int = 0
    not_before: float = 0.0
    """Monotonic seconds: after a "not now" of the orchestrator."""
    last_seq: int = 0
    """Of a log message: the number of its last line in the robot's memory; 0 without one."""
    lines_before: int = 0
    """Of a log message: how many lines were sent before it. Of an end: how many were logged before it."""


@dataclass(slots=True)
class _Lane:
    waiting: dict[int, SentMessage] = field(default_factory=dict)
    sent: dict[int, SentMessage] = field(default_factory=dict)


class Unanswered:
    """Answered once is answered for good; unanswered on one connection is sent again, in order, on the next."""

    def __init__(self, ids: Iterator[int] | None = None) -> None:
        self._ids = ids if ids is not None else count(1)
        self._lanes = {kind: _Lane() for kind in Kind}
        self._by_id: dict[int, SentMessage] = {}

    def keep(self, kind: Kind, message: protocol.Message, job_id: str = "", attempt: int | None = None) -> SentMessage:
        """Keep a message, to be sent."""
        message_id = next(self._ids)
        kept = SentMessage(message_id, kind, codec.encode(message, message_id), job_id, attempt)
        self._by_id[message_id] = self._lanes[kind].waiting[message_id] = kept
        return kept

    def count(self, kind: Kind) -> int:
        """How many of a kind have no answer yet, sent or not."""
        return len(self._lanes[kind].waiting) + len(self._lanes[kind].sent)

    def all(self, kind: Kind) -> Iterator[SentMessage]:
        """All of a kind that have no answer yet, sent or not."""
        lane = self._lanes[kind]
        yield from lane.sent.values()
        yield from lane.waiting.values()

    def everything(self) -> list[SentMessage]:
        """All that has no answer yet, sent or not, of every kind."""
        return [*self._by_id.values()]

    def due_at(self, kind: Kind) -> float | None:
        """From when on (monotonic) there is one of a kind to send; `None`: all are sent."""
        return min((kept.not_before for kept in self._lanes[kind].waiting.values()), default=None)

    def take(self, kind: Kind, now: float) -> SentMessage | None:
        """The oldest of a kind that may be sent now; it counts as sent from then on."""
        lane = self._lanes[kind]
        kept = next((kept for kept in lane.waiting.values() if kept.not_before <= now), None)
        if kept is not None:
            lane.sent[kept.message_id] = lane.waiting.pop(kept.message_id)
            kept.tries += 1
        return kept

    def get(self, message_id: object) -> SentMessage | None:
        """The kept message with this id, if it is one of ours and has no answer yet."""
        return self._by_id.get(message_id) if isinstance(message_id, int) else None

    def drop(self, kept: SentMessage) -> None:
        """Forget a message: it was answered, or nobody needs the answer any more. Idempotent."""
        lane = self._lanes[kept.kind]
        lane.waiting.pop(kept.message_id, None)
        lane.sent.pop(kept.message_id, None)
        self._by_id.pop(kept.message_id, None)

    def again(self, kept: SentMessage, not_before: float = 0.0) -> None:
        """Send a message once more, not before the given moment. One that was answered stays answered."""
        if kept.message_id not in self._by_id:
            return
        kept.not_before = not_before
        lane = self._lanes[kept.kind]
        lane.sent.pop(kept.message_id, None)
        lane.waiting[kept.message_id] = kept

    def reconnected(self) -> None:
        """A new connection: everything without an answer waits to be sent, in its old order."""
        for lane in self._lanes.values():
            everything = {**lane.sent, **lane.waiting}
            lane.waiting = {message_id: everything[message_id] for message_id in sorted(everything)}
            lane.sent = {}
            for kept in lane.waiting.values():
                kept.not_before = 0.0
