"""watch_jobs: an iterator over every change of every job, once and in order, over any number of connections."""

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
from casare_rpa.domain.feed import Position
from casare_rpa.domain.liveness import SLOW_RECONNECT_SECONDS, Backoff, reconnect_after
from casare_rpa.domain.protocol import JobUpdate
from casare_rpa.domain.vocabulary import Channel, CloseCode, ErrorCode, JobStatus, Reconnect
from casare_rpa.infrastructure.orchestrator.communication.addresses import Address, parse_address
from casare_rpa.infrastructure.orchestrator.communication.robot.connection import open_socket
from casare_rpa.infrastructure.orchestrator.communication.secret import Secret

logger = logging.getLogger(__name__)

PING_SECONDS = 20.0
PONG_SECONDS = 10.0
ENDED = (JobStatus.COMPLETED, JobStatus.FAILED)
_TO_ADMIN: codec.Decoder[protocol.ToAdmin] = codec.Decoder(*get_args(protocol.ToAdmin))


class _FramePosition(msgspec.Struct, frozen=True):
    epoch: str | None = None
    seq: int | None = None


class _SequenceGap(Exception):
    """A sequence number is missing. The next connection resumes from the position before the gap."""


_FRAME_POSITION = msgspec.json.Decoder(_FramePosition)


async def watch_jobs(
    orchestrator_url: str, *, api_secret: str, backoff: Backoff | None = None
) -> AsyncGenerator[JobUpdate, None]:
    """Yield the jobs that have not ended, then every change of any job, as in `job_update`.

    Reconnects by itself and obeys the close codes. Changes of status during a disconnect are delivered afterwards,
    each once. If the orchestrator no longer has the history, every job that differs is delivered in its current
    state. Progress and `pending_reasons` are state: intermediate values may be skipped.

    Raises:
        ConnectFailed: the first connection could not be made.
        AuthError: the secret was refused, at first or later.
        ConnectionLost: the close code forbids a reconnect.
    """
    watch = _JobWatch(parse_address(orchestrator_url), Secret(api_secret), backoff or Backoff())
    async with aclosing(watch.updates()) as updates:
        async for update in updates:
            yield update


class _JobWatch:
    """State of one consumer: its position in the stream, and the jobs that were open there."""

    def __init__(self, address: Address, secret: Secret, backoff: Backoff) -> None:
        self._address = address
        self._secret = secret
        self._backoff = backoff
        self._position: Position | None = None
        self._open_jobs: dict[str, JobUpdate] = {}
        self._auth_error: str | None = None

    async def updates(self) -> AsyncGenerator[JobUpdate, None]:
        attempt = 0
        socket = await self._connect()
        while True:
            try:
                async with aclosing(self._read(socket)) as updates:
                    async for update in updates:
                        attempt = 0
                        yield update
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd is not None else None
            except (_SequenceGap, TimeoutError) as error:
                logger.warning("%s: reconnecting", str(error) or "received nothing for too long")
                code = None
            finally:
                socket.transport.abort()
            rule = self._reconnect_rule(code)
            delay = SLOW_RECONNECT_SECONDS if rule is Reconnect.SLOWLY else self._delay(attempt)
            attempt += 1
            logger.info("lost the connection to %s; next attempt in %.1f s", self._address.shown, delay)
            await asyncio.sleep(delay)
            socket, attempt = await self._reconnect(attempt)

    def _delay(self, attempt: int) -> float:
        return self._backoff.delay(attempt, random.random())  # noqa: S311 - jitter

    def _reconnect_rule(self, code: int | None) -> Reconnect:
        rule = reconnect_after(code)
        never_accepted = code == CloseCode.ADDRESS_REFUSED and self._position is None and not self._open_jobs
        if rule is not Reconnect.NO and not never_accepted:
            return rule
        known = CloseCode(code) if code in set(CloseCode) else CloseCode.AUTH_FAILED
        if self._auth_error is not None:
            raise AuthError(self._auth_error, known)
        raise ConnectionLost(
            f"the orchestrator closed the connection, and the close code allows no reconnect: {known.meaning}"
        )

    async def _connect(self) -> ClientConnection:
        headers = {"X-API-Secret": self._secret.text}
        socket = await open_socket(self._address, self._address.admin_socket, self._secret, headers)
        since = None if self._position is None else str(self._position)
        with suppress(ConnectionClosed):  # already refused: the next read raises the reason
            await socket.send(codec.encode(protocol.Subscribe(channels=[Channel.JOBS], since=since)), text=True)
        return socket

    async def _reconnect(self, attempt: int) -> tuple[ClientConnection, int]:
        while True:
            try:
                return await self._connect(), attempt
            except ConnectFailed as error:
                delay = self._delay(attempt)
                logger.info("%s; next attempt in %.1f s", error, delay)
            attempt += 1
            await asyncio.sleep(delay)

    async def _read(self, socket: ClientConnection) -> AsyncGenerator[JobUpdate, None]:
        """Updates of one connection, until it closes."""
        snapshot: dict[str, JobUpdate] | None = None
        while True:
            frame = await _next_frame(socket)
            received = _decode_known(frame)
            if received is None:
                continue
            position = _FRAME_POSITION.decode(frame)
            match received:
                case protocol.Subscribed(recovered=False):
                    # The history was not available: a snapshot of the open jobs follows instead.
                    snapshot = {}
                case protocol.SnapshotEnd(epoch=epoch, seq=seq) if snapshot is not None:
                    for update in await self._differences(snapshot):
                        yield update
                    snapshot, self._position = None, Position(epoch, seq)
                case JobUpdate() if snapshot is not None:
                    snapshot[received.job_id] = received
                case JobUpdate() if not self._is_repeat(position):
                    if not self._advance(position):
                        raise _SequenceGap(f"after {self._position} came {position.epoch}:{position.seq}")
                    self._track(received)
                    yield received
                case protocol.Error(code=ErrorCode.AUTH_FAILED, message=message):
                    self._auth_error = message

    def _is_repeat(self, position: _FramePosition) -> bool:
        """Whether this change was delivered before. Updates of state have no number and are never repeats."""
        known = self._position
        if known is None or position.seq is None:
            return False
        return position.epoch == known.epoch and position.seq <= known.seq

    def _advance(self, position: _FramePosition) -> bool:
        """Move to the next number; False for a gap. Updates of state have no number."""
        if position.epoch is None or position.seq is None:
            return True
        known = self._position
        if known is not None and (position.epoch, position.seq) != (known.epoch, known.seq + 1):
            return False
        self._position = Position(position.epoch, position.seq)
        return True

    def _track(self, update: JobUpdate) -> None:
        if update.status in ENDED:
            self._open_jobs.pop(update.job_id, None)
        else:
            self._open_jobs[update.job_id] = update

    async def _differences(self, snapshot: dict[str, JobUpdate]) -> list[JobUpdate]:
        """Jobs of a snapshot that differ from the known ones. An open job missing from the snapshot has ended."""
        ended = [await self._fetch_ended(job_id) for job_id in self._open_jobs if job_id not in snapshot]
        changed = [
            update
            for job_id, update in snapshot.items()
            if _visible_state(self._open_jobs.get(job_id)) != _visible_state(update)
        ]
        self._open_jobs = {job_id: update for job_id, update in snapshot.items() if update.status not in ENDED}
        return [*(update for update in ended if update is not None), *changed]

    async def _fetch_ended(self, job_id: str) -> JobUpdate | None:
        """The end of a job that is no longer in the snapshot; `None` when the orchestrator has deleted it."""
        headers = {"X-API-Secret": self._secret.text}
        async with httpx2.AsyncClient(headers=headers, trust_env=not self._address.is_loopback) as http:
            response = await http.get(f"{self._address.http}/api/v1/jobs/{job_id}")
        if response.status_code != 200:
            logger.warning("the end of job %s is unknown: status %d", job_id, response.status_code)
            return None
        return _update_of(response.json())


async def _next_frame(socket: ClientConnection) -> str | bytes:
    """The next frame. Raises TimeoutError when the peer is silent and does not answer a ping."""
    while True:
        try:
            async with asyncio.timeout(PING_SECONDS):
                return await socket.recv()
        except TimeoutError:
            async with asyncio.timeout(PONG_SECONDS):
                await (await socket.ping())


def _decode_known(frame: str | bytes) -> protocol.ToAdmin | None:
    """The message of a frame; `None` for an unknown type, which a newer server may send."""
    received = _TO_ADMIN.decode_known(frame if isinstance(frame, str) else frame.decode())
    return received.message if received is not None else None


def _visible_state(update: JobUpdate | None) -> tuple[object, ...]:
    return () if update is None else (update.status, update.robot_id, update.attempt, update.contact)


def _update_of(job: dict[str, Any]) -> JobUpdate:
    """A job of the HTTP interface as a `job_update`."""
    progress = round(job["progress"])
    return JobUpdate(
        job_id=job["job_id"],
        status=JobStatus(job["status"]),
        robot_id=job["robot_id"],
        progress=progress,
        progress_exact=UNSET if progress == job["progress"] else job["progress"],
        timestamp=job["finished_at"] or job["created_at"],
        reason=job["reason"] or UNSET,
        attempt=job["attempt"] or UNSET,
        message=job["message"] if job["message"] is not None else UNSET,
        workflow_id=job["workflow_id"],
    )
