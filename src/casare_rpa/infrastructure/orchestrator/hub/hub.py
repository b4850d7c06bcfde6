"""The sockets of this instance: who is connected, who watches what, and the broadcast.

A broadcast is encoded and framed once, joined with all others of the same turn of the event loop, and leaves as
one write, or a few when it is much, for each viewer that keeps up. Nobody waits for a slow one, and a broadcast to
many gives everybody else a turn from time to time.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence

from casare_rpa.domain.protocol import CloseCode, ErrorCode
from casare_rpa.infrastructure.orchestrator.hub.outbox import OutboundMessage
from casare_rpa.infrastructure.orchestrator.hub.pacing import Pacing
from casare_rpa.infrastructure.orchestrator.hub.session import Session
from casare_rpa.infrastructure.orchestrator.ports.sockets import FAST_LANE_BYTES

logger = logging.getLogger(__name__)

Audience = Hashable
"""What a group of viewers watches, for example ("jobs", tenant or None)."""

WRITES_IN_A_TURN = 200
"""Of one broadcast, before others have a turn: at 5 to 7 µs each, a millisecond or a little more. What comes in
meanwhile is read, and on its way to the disk, while the rest is written. Source: bench/."""


class Group:
    """Viewers of one audience, who all get the same bytes."""

    __slots__ = ("catching_up", "pending", "viewers")

    def __init__(self) -> None:
        self.viewers: dict[Session, None] = {}
        self.pending: list[OutboundMessage] = []
        self.catching_up: dict[Session, list[OutboundMessage]] = {}


class Hub:
    """Sessions by identity, robots by id, viewers by audience."""

    def __init__(self) -> None:
        self.sessions: dict[Session, None] = {}
        """A set in order of arrival: whoever goes through it does so in the same order every time."""
        self._expiring: dict[Session, None] = {}
        self._robots: dict[str, Session] = {}
        self._groups: dict[Audience, Group] = {}
        self._dirty: dict[Audience, Group] = {}
        self.deliveries = 0
        self.load = Pacing()
        self._flushed_at = 0.0
        self._flush: asyncio.Handle | None = None
        """Set while something is published and not sent: the turn in which that begins, or goes on."""
        self._under_way: Iterator[None] = iter(())
        """What is left of a broadcast that has begun."""
        self.by_address: Counter[str] = Counter()
        self.by_principal: Counter[str] = Counter()

    # Sessions

    def attach(self, session: Session) -> None:
        """Know a session whose credential was accepted."""
        self.sessions[session] = None
        self.note_expiry(session)
        self.by_address[session.address] += 1
        self.by_principal[session.principal.name] += 1

    def note_expiry(self, session: Session) -> None:
        """Its credential may run out, or another was shown in its place."""
        if session.principal.expires_at is not None:
            self._expiring[session] = None

    def attach_robot(self, robot_id: str, session: Session) -> Session | None:
        """Make this the robot's session; answers the one that it replaces, if any."""
        older = self._robots.get(robot_id)
        self._robots[robot_id] = session
        return older

    def detach(self, session: Session) -> None:
        """Forget a session and all it watches; that of a newer connection of the same robot stays."""
        if session in self.sessions:
            del self.sessions[session]
            self._expiring.pop(session, None)
            for counter, key in ((self.by_address, session.address), (self.by_principal, session.principal.name)):
                counter[key] -= 1
                if counter[key] <= 0:
                    del counter[key]
        robot_id = session.principal.robot_id
        if robot_id is not None and self._robots.get(robot_id) is session:
            del self._robots[robot_id]
        for audience in [a for a, group in self._groups.items() if session in group.viewers]:
            self.unsubscribe(session, audience)

    def robot(self, robot_id: str) -> Session | None:
        return self._robots.get(robot_id)

    def robots(self) -> list[Session]:
        """The sessions of robots, as they are now."""
        return list(self._robots.values())

    def expel(self, key_id: str) -> int:
        """Close every session that this key opened, and tell it why; answers how many."""
        chosen = [session for session in self.sessions if session.principal.key_id == key_id]
        for session in chosen:
            session.send_error(ErrorCode.AUTH_FAILED, "api_key: it was revoked")
            session.close(CloseCode.AUTH_FAILED)
        return len(chosen)

    # Watching

    def subscribe(self, session: Session, audience: Audience, *, catching_up: bool = False) -> None:
        """From now on the session gets what is published to this audience.

        `catching_up`: it is kept back until `caught_up`, because a snapshot goes first.
        """
        self.flush()
        group = self._groups.setdefault(audience, Group())
        if session in group.viewers:
            return
        group.viewers[session] = None
        if catching_up:
            group.catching_up[session] = []

    def caught_up(self, session: Session, audience: Audience, seen: dict[str, int]) -> None:
        """The snapshot was sent: what was kept back follows, but for what `seen` (subject → revision) showed."""
        self.flush()
        group = self._groups.get(audience)
        if group is None:
            return
        for message in group.catching_up.pop(session, ()):
            if message.revision > seen.get(message.subject, -1):
                session.deliver(message)

    def unsubscribe(self, session: Session, audience: Audience) -> None:
        group = self._groups.get(audience)
        if group is None or session not in group.viewers:
            return
        self.flush()
        group.viewers.pop(session)
        group.catching_up.pop(session, None)
        if not group.viewers:
            del self._groups[audience]

    def watches(self, session: Session, audience: Audience) -> bool:
        group = self._groups.get(audience)
        return group is not None and session in group.viewers

    def listens(self, audience: Audience) -> bool:
        """Whether anyone watches: if not, nothing needs to be encoded."""
        return audience in self._groups

    def audiences(self) -> list[Audience]:
        return list(self._groups)

    def publish(self, audience: Audience, message: OutboundMessage) -> None:
        """Hand a message to everyone who watches, at the end of this turn of the loop, or of the round when busy, and
        after what was published before."""
        group = self._groups.get(audience)
        if group is None:
            return
        if self._flush is None:
            self._flush = self._schedule(asyncio.get_running_loop())
        group.pending.append(message)
        self._dirty[audience] = group

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> asyncio.Handle:
        """Writing to all viewers costs the same for one message as for twenty: when thousands of robots talk, that is
        time which they do not get."""
        rest = self.load.rest(self._flushed_at, loop.time())
        return loop.call_later(rest, self._begin) if rest else loop.call_soon(self._begin)

    def flush(self) -> None:
        """Send what was published and is not sent; also called before anything that must come after it."""
        if self._flush is None:
            return
        self._flush.cancel()
        self._flush = None
        for _ in self._under_way:
            pass
        for _ in self._broadcast():
            pass

    def _begin(self) -> None:
        self._under_way = self._broadcast()
        self._go_on()

    def _go_on(self) -> None:
        """As much of a broadcast as one turn may take."""
        loop = asyncio.get_running_loop()
        more = False
        try:
            for _ in self._under_way:
                more = True
                break
        finally:
            if more:
                self._flush = loop.call_soon(self._go_on)
            else:
                self._flush = self._schedule(loop) if self._dirty else None

    def _broadcast(self) -> Iterator[None]:
        """Send what was published until now; stops after so many writes. Nobody joins or leaves a group meanwhile:
        whoever wants to sends the rest first."""
        self._flushed_at = asyncio.get_running_loop().time()
        dirty, self._dirty = self._dirty, {}
        taken = [(group, group.pending) for group in dirty.values()]
        for group, _ in taken:
            group.pending = []
        left = WRITES_IN_A_TURN
        for group, messages in taken:
            self.deliveries += len(messages) * len(group.viewers)
            behind = group.catching_up
            for kept in behind.values():
                kept.extend(messages)
            viewers = [session for session in group.viewers if session not in behind]
            for together, joined in _joined(messages):
                for start in range(0, len(viewers), WRITES_IN_A_TURN):
                    some = viewers[start : start + WRITES_IN_A_TURN]
                    if len(some) > left:
                        yield
                        left = WRITES_IN_A_TURN
                    left -= len(some)
                    _send(some, together, joined)

    # Upkeep

    def cut_stalled(self, now: float) -> int:
        """Cut every peer whose outbox stayed full; answers how many. `now` is monotonic seconds."""
        stalled = [session for session in self.sessions if session.stalled(now)]
        for session in stalled:
            session.cut()
        return len(stalled)

    def close_expired(self, unix_seconds: float) -> None:
        """Close every session whose credential has run out."""
        for session in list(self._expiring):
            expires_at = session.principal.expires_at
            if expires_at is not None and expires_at <= unix_seconds:
                session.send_error(ErrorCode.AUTH_FAILED, "token: it has expired; connect again with a fresh one")
                session.close(CloseCode.AUTH_EXPIRED)


def _send(viewers: Sequence[Session], messages: Sequence[OutboundMessage], joined: bytes) -> None:
    """One write to each, or its outbox. A broadcast spends nine tenths of its time here, most of that in the kernel."""
    for session in viewers:
        lane = session.lane
        if lane is None or not lane.ready:
            session.queue(messages)
            continue
        try:
            lane.write(joined)
        except RuntimeError as error:  # a transport that is closed and has not said so: it is this peer's matter alone
            logger.warning("session %s: could not be written to: %s", session.session_id, error)
            session.cut()


def _joined(messages: Sequence[OutboundMessage]) -> Iterator[tuple[Sequence[OutboundMessage], bytes]]:
    """Messages in as few writes as the fast lane of a session takes whole."""
    start, size = 0, 0
    for number, message in enumerate(messages):
        if size and size + len(message.frame) > FAST_LANE_BYTES:
            yield messages[start:number], b"".join(m.frame for m in messages[start:number])
            start, size = number, 0
        size += len(message.frame)
    last = messages[start:]
    yield last, last[0].frame if len(last) == 1 else b"".join(m.frame for m in last)
