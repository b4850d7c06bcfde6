"""watch_jobs: every change of every job, once and in order, over as many connections as it takes."""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any, get_args

import httpx2
import msgspec
from msgspec import UNSET
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.errors import AuthError, ConnectFailed, ConnectionLost
from casare_rpa.domain.history import Position
from casare_rpa.domain.liveness import SLOW_RECONNECT_SECONDS, Backoff, reconnect_after
from casare_rpa.domain.protocol import Channel, CloseCode, ErrorCode, JobStatus, JobUpdate, Reconnect
from casare_rpa.infrastructure.orchestrator.communication.addresses import Address, parse_address
from casare_rpa.infrastructure.orchestrator.communication.robot.opening import open_socket
from casare_rpa.infrastructure.orchestrator.communication.secret import Secret

logger = logging.getLogger(__name__)

PING_SECONDS = 20.0
PONG_SECONDS = 10.0
ENDED = (JobStatus.COMPLETED, JobStatus.FAILED)
_TO_ADMIN: codec.Decoder[protocol.ToAdmin] = codec.Decoder(*get_args(protocol.ToAdmin))


class _Place(msgspec.Struct, frozen=True):
    epoch: str | None = None
    seq: int | None = None


class _OutOfOrder(Exception):
    """A number was left out: the position before it is the one to come back with."""


_PLACE = msgspec.json.Decoder(_Place)


async def watch_jobs(
    orchestrator_url: str, *, api_secret: str, backoff: Backoff | None = None
) -> AsyncGenerator[JobUpdate, None]:
    """The jobs that have not ended, then every change of any job, as `job_update` tells it.

    Reconnects by itself, obeying the close codes. A change of status that happened meanwhile is told afterwards, none
    twice; where the orchestrator cannot say what was missed, each job that is another now is told as it is. Progress
    and `pending_reasons` are state: only the newest counts.

    Raises:
        ConnectFailed: there was no orchestrator at the first try.
        AuthError: the secret was refused, at first or later.
        ConnectionLost: the orchestrator ended it for good.
    """
    watch = _Watch(parse_address(orchestrator_url), Secret(api_secret), backoff or Backoff())
    async with aclosing(watch.updates()) as updates:
        async for update in updates:
            yield update


class _Watch:
    """What one consumer has seen: its position, and the jobs that were open then."""

    def __init__(self, address: Address, secret: Secret, backoff: Backoff) -> None:
        self._address = address
        self._secret = secret
        self._backoff = backoff
        self._position: Position | None = None
        self._open: dict[str, JobUpdate] = {}
        self._refusal: str | None = None

    async def updates(self) -> AsyncGenerator[JobUpdate, None]:
        attempt = 0
        socket = await self._connect()
        while True:
            try:
                async with aclosing(self._follow(socket)) as told:
                    async for update in told:
                        attempt = 0
                        yield update
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd is not None else None
            except (_OutOfOrder, TimeoutError) as error:
                logger.warning("%s: connecting anew", str(error) or "nothing heard for too long")
                code = None
            finally:
                socket.transport.abort()
            rule = self._rule(code)
            delay = SLOW_RECONNECT_SECONDS if rule is Reconnect.SLOWLY else self._delay(attempt)
            attempt += 1
            logger.info("the connection to %s is gone; next try in %.1f s", self._address.shown, delay)
            await asyncio.sleep(delay)
            socket, attempt = await self._reconnect(attempt)

    def _delay(self, attempt: int) -> float:
        return self._backoff.delay(attempt, random.random())  # noqa: S311 - jitter

    def _rule(self, code: int | None) -> Reconnect:
        rule = reconnect_after(code)
        if rule is not Reconnect.NO:
            return rule
        known = CloseCode(code) if code in set(CloseCode) else CloseCode.AUTH_FAILED
        if self._refusal is not None:
            raise AuthError(self._refusal, known)
        raise ConnectionLost(f"the orchestrator ended the connection for good: {known.meaning}")

    async def _connect(self) -> ClientConnection:
        headers = {"X-API-Secret": self._secret.text}
        socket = await open_socket(self._address, self._address.admin_socket, self._secret, headers)
        since = None if self._position is None else str(self._position)
        with suppress(ConnectionClosed):  # refused already: reading says why
            await socket.send(codec.encode(protocol.Subscribe(channels=[Channel.JOBS], since=since)), text=True)
        return socket

    async def _reconnect(self, attempt: int) -> tuple[ClientConnection, int]:
        while True:
            try:
                return await self._connect(), attempt
            except ConnectFailed as error:
                delay = self._delay(attempt)
                logger.info("%s; next try in %.1f s", error, delay)
            attempt += 1
            await asyncio.sleep(delay)

    async def _follow(self, socket: ClientConnection) -> AsyncGenerator[JobUpdate, None]:
        """One connection, until it is closed."""
        snapshot: dict[str, JobUpdate] | None = None
        while True:
            frame = await _heard(socket)
            received = _known(frame)
            if received is None:
                continue
            place = _PLACE.decode(frame)
            match received:
                case protocol.Subscribed(recovered=False):
                    snapshot = {}
                case protocol.SnapshotEnd(epoch=epoch, seq=seq) if snapshot is not None:
                    for update in await self._changed(snapshot):
                        yield update
                    snapshot, self._position = None, Position(epoch, seq)
                case JobUpdate() if snapshot is not None:
                    snapshot[received.job_id] = received
                case JobUpdate() if not self._told(place):
                    if not self._in_order(place):
                        raise _OutOfOrder(f"after {self._position} came {place.epoch}:{place.seq}")
                    self._note(received)
                    yield received
                case protocol.Error(code=ErrorCode.AUTH_FAILED, message=message):
                    self._refusal = message

    def _told(self, place: _Place) -> bool:
        """Whether this change was told already: however often it comes, it is told once."""
        known = self._position
        if known is None or place.seq is None:
            return False
        return place.epoch == known.epoch and place.seq <= known.seq

    def _in_order(self, place: _Place) -> bool:
        """Follow the numbers; state has none."""
        if place.epoch is None or place.seq is None:
            return True
        known = self._position
        if known is not None and (place.epoch, place.seq) != (known.epoch, known.seq + 1):
            return False
        self._position = Position(place.epoch, place.seq)
        return True

    def _note(self, update: JobUpdate) -> None:
        if update.status in ENDED:
            self._open.pop(update.job_id, None)
        else:
            self._open[update.job_id] = update

    async def _changed(self, snapshot: dict[str, JobUpdate]) -> list[JobUpdate]:
        """What a snapshot says that is not known yet; jobs that it does not show have ended."""
        ended = [await self._ended(job_id) for job_id in self._open if job_id not in snapshot]
        news = [update for job_id, update in snapshot.items() if _seen(self._open.get(job_id)) != _seen(update)]
        changed = [*(update for update in ended if update is not None), *news]
        self._open = {job_id: update for job_id, update in snapshot.items() if update.status not in ENDED}
        return changed

    async def _ended(self, job_id: str) -> JobUpdate | None:
        """How a job ended that was open when we looked last; `None`: nobody knows it any more."""
        headers = {"X-API-Secret": self._secret.text}
        async with httpx2.AsyncClient(headers=headers, trust_env=not self._address.is_loopback) as http:
            response = await http.get(f"{self._address.http}/api/v1/jobs/{job_id}")
        if response.status_code != 200:
            logger.warning("how job %s ended cannot be told: status %d", job_id, response.status_code)
            return None
        return _update_of(response.json())


async def _heard(socket: ClientConnection) -> str | bytes:
    """The next frame. While there is none, a peer that answers no ping is given up with TimeoutError."""
    while True:
        try:
            async with asyncio.timeout(PING_SECONDS):
                return await socket.recv()
        except TimeoutError:
            async with asyncio.timeout(PONG_SECONDS):
                await (await socket.ping())


def _known(frame: str | bytes) -> protocol.ToAdmin | None:
    """The message of a frame; `None` for one of a type that is not known here."""
    received = _TO_ADMIN.decode_known(frame if isinstance(frame, str) else frame.decode())
    return received.message if received is not None else None


def _seen(update: JobUpdate | None) -> tuple[object, ...]:
    return () if update is None else (update.status, update.robot_id, update.attempt, update.contact)


def _update_of(job: dict[str, Any]) -> JobUpdate:
    """A job as HTTP shows it, in the form of the stream."""
    return JobUpdate(
        job_id=job["job_id"],
        status=JobStatus(job["status"]),
        robot_id=job["robot_id"],
        progress=job["progress"],
        timestamp=job["finished_at"] or job["created_at"],
        reason=job["reason"] or UNSET,
        attempt=job["attempt"] or UNSET,
        message=job["message"] if job["message"] is not None else UNSET,
        workflow_id=job["workflow_id"],
    )
