"""The answers to the messages of one connection, sent in the order of the messages.

Reports and log lines are written in separate batches; heartbeats and refusals need no write. In any case, a client gets
acks and errors in the order of its messages.
Source: docs/reference/websocket-contract.md, Acknowledgements.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from casare_rpa.domain import protocol
from casare_rpa.domain.errors import CasareError
from casare_rpa.domain.protocol import MessageId
from casare_rpa.infrastructure.orchestrator.hub.session import Session
from casare_rpa.infrastructure.orchestrator.ports.sockets import Unfinished


class PendingAnswer(msgspec.Struct):
    """The place of one message among the answers of its connection. A message without an id has no ack."""

    message_id: MessageId | None
    error: CasareError | None = None
    settled: bool = False
    unsettled: int = 1
    """How many reports of the message are not written yet. It is settled with the last of them."""
    precedes_all: bool = False
    """Every later message waits until this one has taken effect."""
    following: "PendingAnswer | None" = None


class AnswerQueue:
    """The pending answers of one connection: a linked list, because nearly always it is empty or has one entry."""

    __slots__ = ("_drained", "_last", "_session", "first", "preceding")

    def __init__(self, session: Session) -> None:
        self._session = session
        self.first: PendingAnswer | None = None
        """The oldest message that is not answered yet."""
        self.preceding = 0
        """How many of the messages that are not answered yet must take effect before any later message."""
        self._last: PendingAnswer | None = None
        self._drained: asyncio.Event | None = None

    def reserve(self, message_id: MessageId | None, *, precedes_all: bool = False, reports: int = 1) -> PendingAnswer:
        """The next place, for a message whose effect is not durable yet. It must be settled in every case.

        A message with several `reports` is settled once for each of them, and answered with the first error.
        """
        answer = PendingAnswer(message_id, precedes_all=precedes_all, unsettled=reports)
        self.preceding += precedes_all
        if self._last is None:
            self.first = answer
        else:
            self._last.following = answer
        self._last = answer
        return answer

    def settle(self, answers: Sequence[PendingAnswer], error: CasareError | None = None, *, more: bool = False) -> None:
        """Answer messages with an ack, or with an error; those behind an earlier pending answer are sent after it.

        `answers` are of one write. A message without an id gets its error only if no other shares the write: merged
        progress is refused once per id, not once more without an id. `more`: a call for the same connection follows
        immediately, and sends these answers with its own, because each write to a socket is a system call.
        """
        for answer in answers:
            answer.unsettled -= 1
            answer.settled = answer.unsettled <= 0
            if answer.error is None and (answer.message_id is not None or len(answers) == 1):
                answer.error = error
        if more:
            return
        acks: list[protocol.Ack] = []
        while (first := self.first) is not None and first.settled:
            self.first = first.following
            self.preceding -= first.precedes_all
            if first.error is not None:
                self._refuse_after(acks, first.error, first.message_id)
                acks = []
            elif first.message_id is not None:
                acks.append(protocol.Ack(id=first.message_id))
        if acks:
            self._session.send_all(acks)
        if self.first is None:
            self._last = None
            if self._drained is not None:
                self._drained.set()
                self._drained = None

    def _refuse_after(self, acks: list[protocol.Ack], error: CasareError, message_id: MessageId | None) -> None:
        if acks:
            self._session.send_all(acks)
        self._session.refuse(error, message_id)

    def acknowledge_in_turn(self, message_id: MessageId) -> None:
        """Send the ack of a message that has taken effect after the answers to the messages that are not answered."""
        self.reserve(message_id).settled = True

    async def drained(self) -> None:
        """Wait until every message that was received so far is answered."""
        while self.first is not None:
            if self._drained is None:
                self._drained = asyncio.Event()
            await self._drained.wait()

    def refuse(self, error: CasareError, message_id: MessageId | None) -> Unfinished:
        """Refuse a message after the answers to earlier ones; returns an awaitable to finish before the next one."""
        if self.first is None:
            self._session.refuse(error, message_id)
            return None
        return self._refuse_in_turn(error, message_id)

    async def _refuse_in_turn(self, error: CasareError, message_id: MessageId | None) -> None:
        await self.drained()
        self._session.refuse(error, message_id)
