"""The bounded queue of messages for one peer that does not keep up, with a policy for each kind of message."""

from collections import deque
from enum import Enum, auto

import msgspec

MAX_BYTES = 1024 * 1024
MAX_MESSAGES = 4096
HARD_LIMIT_FACTOR = 2


class Policy(Enum):
    """How a queued message is replaced or dropped when newer ones arrive."""

    KEEP = auto()
    """Never dropped or merged: changes of status, acks and errors, snapshots, assignments and cancels."""
    LATEST = auto()
    """Replaced by a newer message with the same key, at the place of the older one in the queue."""
    DROP_OLDEST = auto()
    """Dropped when the outbox is full; the next one that is sent has the number of dropped ones in `dropped`."""


class OutboundMessage(msgspec.Struct, frozen=True, gc=False):
    """An encoded message: its JSON, and its JSON in one WebSocket text frame.

    A LATEST message replaces a queued one with the same `key`. `subject` and `revision` show whether a snapshot
    contains the message already.
    """

    json: bytes
    frame: bytes
    policy: Policy = Policy.KEEP
    key: str = ""
    subject: str = ""
    revision: int = 0


def _header(size: int) -> bytes:
    """The header of an unmasked, final text frame of `size` bytes. Source: RFC 6455, section 5.2."""
    if size < 126:
        return bytes((0x81, size))
    if size < 65536:
        return b"\x81\x7e" + size.to_bytes(2, "big")
    return b"\x81\x7f" + size.to_bytes(8, "big")


_HEADERS = tuple(map(_header, range(1024)))
"""The headers of nearly all messages, made once."""


def text_frame(payload: bytes) -> bytes:
    """One unmasked, final text frame. Source: RFC 6455, section 5.2."""
    size = len(payload)
    return (_HEADERS[size] if size < len(_HEADERS) else _header(size)) + payload


def outgoing(
    json: bytes, policy: Policy = Policy.KEEP, key: str = "", subject: str = "", revision: int = 0
) -> OutboundMessage:
    """A message framed once, for any number of peers."""
    size = len(json)  # text_frame inline: this runs for each message of each audience
    frame = (_HEADERS[size] if size < len(_HEADERS) else _header(size)) + json
    return OutboundMessage(json, frame, policy, key, subject, revision)


class Outbox:
    """The backlog of one connection. It is full at 1 MiB or 4096 messages; `put` never waits.

    `full_since` is the monotonic time since which it is full without a break: the session is closed after 5 s.
    `overrun` is True when messages that must be kept exceed twice the limit: the session is closed at once.
    """

    def __init__(self) -> None:
        self._waiting: deque[OutboundMessage] = deque()
        self._latest: dict[str, OutboundMessage] = {}
        self._bytes = 0
        self._dropped = 0
        self.full_since: float | None = None
        self.overrun = False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def full(self) -> bool:
        return self._bytes >= MAX_BYTES or len(self._waiting) >= MAX_MESSAGES

    def add_message(self, message: OutboundMessage, now: float) -> int:
        """Queue a message; returns the number of messages dropped for it. `now` is monotonic."""
        if message.policy is Policy.LATEST:
            older = self._latest.get(message.key)
            self._latest[message.key] = message
            if older is not None:
                # The older message stays in `_waiting` and keeps the place; `pop` replaces it by the newest.
                self._bytes += len(message.json) - len(older.json)
                return 0
        dropped = 0
        while self.full and self._drop_oldest():
            dropped += 1
        self._dropped += dropped
        self._waiting.append(message)
        self._bytes += len(message.json)
        if self.full and self.full_since is None:
            self.full_since = now
        self.overrun = self._bytes >= MAX_BYTES * HARD_LIMIT_FACTOR or len(self._waiting) >= (
            MAX_MESSAGES * HARD_LIMIT_FACTOR
        )
        return dropped

    def pop(self) -> bytes:
        """The JSON of the next message; `dropped` is added to a log line that follows dropped ones.

        Raises:
            IndexError: the outbox is empty.
        """
        message = self._waiting.popleft()
        if message.policy is Policy.LATEST:
            message = self._latest.pop(message.key)
        self._bytes -= len(message.json)
        if not self.full:
            self.full_since = None
        if self._dropped and message.policy is Policy.DROP_OLDEST:
            count, self._dropped = self._dropped, 0
            return b'{"dropped":' + str(count).encode() + b"," + message.json[1:]
        return message.json

    def clear(self) -> None:
        self._waiting.clear()
        self._latest.clear()
        self._bytes = 0

    def _drop_oldest(self) -> bool:
        for position, other in enumerate(self._waiting):
            if other.policy is Policy.DROP_OLDEST:
                del self._waiting[position]
                self._bytes -= len(other.json)
                return True
        return False
