"""The WebSocket sessions of this instance: robots by id, viewers by audience, and the broadcast to an audience.

A message is encoded and framed once for all its viewers. All messages that one turn of the event loop publishes to an
audience are joined and written to each viewer at once. A viewer that does not keep up gets them through its outbox and
delays no other; a broadcast to many viewers is split over several turns, so that inbound messages are handled between.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

from casare_rpa.domain.credentials import Holder, Principal
from casare_rpa.domain.vocabulary import CloseCode, ErrorCode
from casare_rpa.infrastructure.orchestrator.hub.outbox import OutboundMessage
from casare_rpa.infrastructure.orchestrator.hub.pacing import Pacing
from casare_rpa.infrastructure.orchestrator.hub.session import Session
from casare_rpa.infrastructure.orchestrator.ports.sockets import FAST_LANE_BYTES

logger = logging.getLogger(__name__)

Audience = Hashable
"""A key that viewers subscribe to, for example ("jobs", tenant id or None for all tenants)."""

WRITES_PER_TURN = 200
"""Writes of one broadcast in a turn; then other callbacks of the loop run. A write takes 5 to 7 µs, so a turn is about
a millisecond. Source: bench/fairness.py."""


class Group:
    """The viewers of one audience. All get the same bytes."""

    __slots__ = ("catching_up", "pending", "viewers")

    def __init__(self) -> None:
        self.viewers: dict[Session, None] = {}
        self.pending: list[OutboundMessage] = []
        self.catching_up: dict[Session, list[OutboundMessage]] = {}


class Hub:
    """All sessions, robots by id, and viewers by audience. Not thread-safe: used in the event loop only."""

    def __init__(self, *, pacing: Pacing | None = None, writes_per_turn: int = WRITES_PER_TURN) -> None:
        self.sessions: dict[Session, None] = {}
        """A set in the order of arrival, so that a simulation visits the sessions in the same order each time."""
        self._expiring: dict[Session, None] = {}
        self._robots: dict[str, Session] = {}
        self.groups: dict[Audience, Group] = {}
        """The audiences that have a viewer. Code that looks up many audiences uses `audience in hub.groups`."""
        self._dirty: dict[Audience, Group] = {}
        """Groups with messages that were published and not yet broadcast."""
        self.deliveries = 0
        self.load = pacing or Pacing()
        self._writes_per_turn = writes_per_turn
        self._broadcast_at = 0.0
        self._next_turn: asyncio.Handle | None = None
        """The callback that starts or continues a broadcast; `None` when all that was published is sent."""
        self._running: Iterator[None] | None = None
        """A broadcast that has begun and needs another turn."""
        self.by_address: Counter[str] = Counter()
        self.by_principal: Counter[Holder] = Counter()

    # Sessions

    def attach(self, session: Session) -> None:
        """Add a session whose credential was accepted."""
        self.sessions[session] = None
        self.note_expiry(session)
        self.by_address[session.address] += 1
        self.by_principal[session.principal.holder] += 1

    def note_expiry(self, session: Session) -> None:
        """Watch the expiry of the session's credential; call it again when the credential is replaced."""
        if session.principal.expires_at is not None:
            self._expiring[session] = None

    def attach_robot(self, robot_id: str, session: Session) -> Session | None:
        """Make this the session of the robot; returns the session that it replaces, if any."""
        older = self._robots.get(robot_id)
        self._robots[robot_id] = session
        return older

    def detach(self, session: Session) -> None:
        """Remove a session and its subscriptions. A newer session of the same robot stays. Idempotent."""
        if session in self.sessions:
            del self.sessions[session]
            self._expiring.pop(session, None)
            _count_down(self.by_address, session.address)
            _count_down(self.by_principal, session.principal.holder)
        robot_id = session.principal.robot_id
        if robot_id is not None and self._robots.get(robot_id) is session:
            del self._robots[robot_id]
        for audience in [a for a, group in self.groups.items() if session in group.viewers]:
            self.unsubscribe(session, audience)

    def robot(self, robot_id: str) -> Session | None:
        return self._robots.get(robot_id)

    def robots(self) -> list[Session]:
        """A copy of the list of robots' sessions."""
        return list(self._robots.values())

    def expel_key(self, key_id: str) -> int:
        """Close the sessions that were opened with this key, with AUTH_FAILED; returns their number."""
        return self._expel(lambda principal: principal.key_id == key_id, "api_key: it was revoked")

    def expel_robot(self, robot_id: str) -> int:
        """Close the sessions that were opened with any key of a removed robot; returns their number."""
        return self._expel(lambda principal: principal.robot_id == robot_id, "api_key: its robot was removed")

    def expel_login(self, login_id: str) -> int:
        """Close the sessions that were opened with a token or ticket of this login session; returns their number."""
        return self._expel(
            lambda principal: principal.login_id == login_id, "token: its session has ended; sign in again"
        )

    def _expel(self, chosen: Callable[[Principal], bool], sentence: str) -> int:
        expelled = [session for session in self.sessions if chosen(session.principal)]
        for session in expelled:
            session.send_error(ErrorCode.AUTH_FAILED, sentence)
            session.close(CloseCode.AUTH_FAILED)
        return len(expelled)

    # Subscriptions

    def subscribe(self, session: Session, audience: Audience, *, catching_up: bool = False) -> None:
        """Deliver to the session the messages published to this audience from now on. Idempotent.

        With `catching_up`, messages are kept back until `caught_up`, because a snapshot must go first.
        """
        self.flush()
        group = self.groups.setdefault(audience, Group())
        if session in group.viewers:
            return
        group.viewers[session] = None
        if catching_up:
            group.catching_up[session] = []

    def caught_up(self, session: Session, audience: Audience, seen: dict[str, int]) -> None:
        """Deliver the messages kept back during a snapshot, except for messages that the snapshot includes.

        `seen` holds the revision of each subject in the snapshot.
        """
        self.flush()
        group = self.groups.get(audience)
        if group is None:
            return
        for message in group.catching_up.pop(session, ()):
            if message.revision > seen.get(message.subject, -1):
                session.deliver(message)

    def unsubscribe(self, session: Session, audience: Audience) -> None:
        group = self.groups.get(audience)
        if group is None or session not in group.viewers:
            return
        self.flush()
        group.viewers.pop(session)
        group.catching_up.pop(session, None)
        if not group.viewers:
            del self.groups[audience]

    def watches(self, session: Session, audience: Audience) -> bool:
        group = self.groups.get(audience)
        return group is not None and session in group.viewers

    def listens(self, audience: Audience) -> bool:
        """Whether the audience has a viewer. If it has none, a message need not be encoded."""
        return audience in self.groups

    def audiences(self) -> list[Audience]:
        """A copy of the list of audiences that have a viewer."""
        return list(self.groups)

    # Broadcast

    def publish(self, audience: Audience, message: OutboundMessage) -> None:
        """Send a message to all viewers of the audience, in the order of publication.

        It is sent at the end of this turn of the loop; under load, at the end of the round. A write to a viewer costs
        the same for one message as for twenty.
        """
        group = self.groups.get(audience)
        if group is None:
            return
        group.pending.append(message)
        self._dirty[audience] = group
        if self._next_turn is None:  # as `_schedule`, inline because it runs for nearly each message
            loop = asyncio.get_running_loop()
            wait = self.load.wait_seconds(self._broadcast_at, loop.time())
            self._next_turn = loop.call_later(wait, self._run_turn) if wait else loop.call_soon(self._run_turn)

    def _schedule(self) -> None:
        loop = asyncio.get_running_loop()
        wait_seconds = self.load.wait_seconds(self._broadcast_at, loop.time())
        self._next_turn = (
            loop.call_later(wait_seconds, self._run_turn) if wait_seconds else loop.call_soon(self._run_turn)
        )

    def flush(self) -> None:
        """Send all published messages now. Called before a message that must follow them, such as a snapshot."""
        if self._next_turn is None:
            return
        self._next_turn.cancel()
        self._next_turn = None
        running, self._running = self._running, None
        for _ in running or ():
            pass
        for _ in self._broadcast():
            pass

    def _run_turn(self) -> None:
        """Start or continue a broadcast: as many writes as one turn may take."""
        running = self._running or self._broadcast()
        self._running = None  # also after an error, which drops the rest of the broadcast
        more = False
        try:
            for _ in running:
                more = True
                break
        finally:  # `_next_turn` is set until here, so a publish during the broadcast does not schedule another turn
            self._next_turn = None
            if more:
                self._running = running
                self._next_turn = asyncio.get_running_loop().call_soon(self._run_turn)
            elif self._dirty:
                self._schedule()

    def _broadcast(self) -> Iterator[None]:
        """Write all messages published so far; yields at the end of each turn.

        Groups do not change during a broadcast, because `subscribe` and `unsubscribe` flush first.
        """
        self._broadcast_at = asyncio.get_running_loop().time()
        dirty, self._dirty = self._dirty, {}
        # All messages are taken before the first write. A message published during a broadcast is therefore sent after
        # it in every audience, and each viewer sees changes in the order of their commits.
        taken = [(group, group.pending) for group in dirty.values()]
        for group, _ in taken:
            group.pending = []
        limit = left = self._writes_per_turn
        for group, messages in taken:
            self.deliveries += len(messages) * len(group.viewers)
            behind = group.catching_up
            for kept in behind.values():
                kept.extend(messages)
            viewers = [session for session in group.viewers if session not in behind]
            for together, frames in _joined(messages) if len(messages) > 1 else ((messages, messages[0].frame),):
                for start in range(0, len(viewers), limit):
                    some = viewers[start : start + limit]
                    if len(some) > left:
                        yield
                        left = limit
                    left -= len(some)
                    _write(some, together, frames)

    # Upkeep

    def cut_stalled(self, now: float) -> int:
        """Close the sessions whose outbox stayed full for too long; returns their number. `now` is monotonic."""
        stalled = [session for session in self.sessions if session.stalled(now)]
        for session in stalled:
            session.cut()
        return len(stalled)

    def close_expired(self, unix_seconds: float) -> None:
        """Close the sessions whose credential has expired at `unix_seconds`, with 4002."""
        for session in list(self._expiring):
            expires_at = session.principal.expires_at
            if expires_at is not None and expires_at <= unix_seconds:
                session.send_error(ErrorCode.AUTH_FAILED, "token: it has expired; connect again with a fresh one")
                session.close(CloseCode.AUTH_EXPIRED)


def _write(viewers: Sequence[Session], messages: Sequence[OutboundMessage], frames: bytes) -> None:
    """Write the frames to each viewer that keeps up; queue the messages for each other."""
    # Nine tenths of the time of a broadcast are spent here, mostly in the kernel. Attributes of the lane are faster
    # than method calls.
    for session in viewers:
        lane = session.lane
        if lane is None or not lane.ready:
            session.queue(messages)
            continue
        try:
            lane.write(frames)
        except RuntimeError as error:  # the transport is closed, and its protocol was not notified yet
            logger.warning("session %s: could not be written to: %s", session.session_id, error)
            session.cut()


def _joined(messages: Sequence[OutboundMessage]) -> Iterator[tuple[Sequence[OutboundMessage], bytes]]:
    """The messages and their frames in pieces of `FAST_LANE_BYTES`, or of one longer message."""
    start, size = 0, 0
    for number, message in enumerate(messages):
        if size and size + len(message.frame) > FAST_LANE_BYTES:
            yield messages[start:number], b"".join(m.frame for m in messages[start:number])
            start, size = number, 0
        size += len(message.frame)
    last = messages[start:]
    yield last, last[0].frame if len(last) == 1 else b"".join(m.frame for m in last)


def _count_down(counter: Counter[Any], key: Hashable) -> None:
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]
