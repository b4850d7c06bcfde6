"""OrchestratorWebSocketClient: a robot's side of the WebSocket contract.

    client = OrchestratorWebSocketClient(
        robot_id="robot-123",
        api_key="crpa_abc123...",
        orchestrator_url="ws://localhost:8000",
    )
    await client.connect()
    await client.send_heartbeat()

Source: contract, Client Libraries and Connection Lifecycle; protocol, sections 1 and 2.
"""

import asyncio
import logging
import random
import uuid
from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Self, TypeVar

from msgspec import UNSET

from casare_rpa import __version__
from casare_rpa.domain.errors import AuthError, ConnectFailed, ConnectionLost
from casare_rpa.domain.liveness import SLOW_RECONNECT_SECONDS, Backoff, reconnect_after
from casare_rpa.domain.protocol import CloseCode, Feature, Hello, JobError, Reconnect, ReportStatus, RobotStatus
from casare_rpa.infrastructure.orchestrator.communication import reports
from casare_rpa.infrastructure.orchestrator.communication.addresses import parse_address
from casare_rpa.infrastructure.orchestrator.communication.callbacks import Callbacks, OnCancel, OnCommand, OnJob
from casare_rpa.infrastructure.orchestrator.communication.conversation import Conversation
from casare_rpa.infrastructure.orchestrator.communication.inbox import Inbox
from casare_rpa.infrastructure.orchestrator.communication.link import Link
from casare_rpa.infrastructure.orchestrator.communication.opening import open_link
from casare_rpa.infrastructure.orchestrator.communication.secret import Secret

logger = logging.getLogger(__name__)

STEADY_SECONDS = 30.0
"""A connection that lasted so long was a good one: the next reconnect starts with the shortest delay again."""
C = TypeVar("C", OnJob, OnCancel, OnCommand)


class OrchestratorWebSocketClient:
    """Keeps one robot connected: heartbeats by itself, reconnects by the close codes, keeps what is not answered.

    An assignment is handed to `on_job` once; ends and log lines are sent again until they are answered.
    """

    def __init__(
        self,
        robot_id: str,
        api_key: str,
        orchestrator_url: str,
        *,
        name: str = "",
        tags: Sequence[str] = (),
        max_concurrent_jobs: int = 1,
        capabilities: Sequence[str] = (),
        heartbeat_interval_seconds: float | None = None,
        silence_timeout_seconds: float | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        """`heartbeat_interval_seconds` and `silence_timeout_seconds`: `None` is what the orchestrator says.

        Raises:
            ConnectFailed: `orchestrator_url` is not a URL.
        """
        self.robot_id = robot_id
        self.instance_id = uuid.uuid4().hex
        self._address = parse_address(orchestrator_url)
        self._key = Secret(api_key)
        self._interval_seconds = heartbeat_interval_seconds
        self._timeout_seconds = silence_timeout_seconds
        self._backoff = backoff or Backoff()
        self._callbacks = Callbacks()
        hello = Hello(
            instance_id=self.instance_id,
            name=name,
            version=__version__,
            capabilities=list(capabilities),
            tags=list(tags),
            max_concurrent_jobs=max_concurrent_jobs,
            features=[Feature.CLAIM_ACK],
        )
        self._conversation = Conversation(robot_id, hello, self._callbacks, self._backoff)
        self._link: Link | None = None
        self._life: asyncio.Task[None] | None = None
        self._closing = False

    def __repr__(self) -> str:
        return f"OrchestratorWebSocketClient(robot_id={self.robot_id!r}, orchestrator_url={self._address.shown!r})"

    # Life

    async def connect(self) -> None:
        """Connect for the first time; returns after `connected`, with reader and heartbeats running.

        Raises:
            AuthError: the key was refused.
            ConnectFailed: nobody there; `retryable` says whether trying again can help.
        """
        if self._life is not None and not self._life.done():
            return
        link = await self._open()
        self._closing = False
        self._life = asyncio.create_task(self._live(link), name=f"robot {self.robot_id}")

    async def run(self) -> None:
        """Return when the client was closed.

        Raises:
            AuthError, ConnectionLost, ConnectFailed: the connection ended for good.
        """
        if self._life is not None:
            await asyncio.shield(self._life)

    async def drain(self, timeout_seconds: float) -> bool:
        """Wait until every end and every log line was answered; answers whether that was in time."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while not self._conversation.exchange.settled:
                    await self._conversation.exchange.change()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Say goodbye and close; what is not answered is lost with this object."""
        self._closing = True
        if self._link is not None:
            await self._link.close()
        if self._life is not None:
            self._life.cancel()
            await asyncio.wait({self._life})
        self._conversation.close()
        await self._callbacks.stop()

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __aiter__(self) -> Inbox:
        """Every message that arrives from now on."""
        return self._conversation.inbox()

    @property
    def connected(self) -> bool:
        return self._link is not None

    @property
    def session_id(self) -> str | None:
        """The orchestrator's name for the present connection."""
        return None if self._link is None else self._link.connected.session_id

    # Orders

    def on_job(self, callback: OnJob) -> OnJob:
        """Call this for each assignment, once. What it raises is reported as the failure of the job."""
        self._callbacks.on_job = callback
        return callback

    def on_cancel(self, callback: OnCancel) -> OnCancel:
        """Call this for each `job_cancel`."""
        self._callbacks.on_cancel = callback
        return callback

    def on_command(self, callback: OnCommand) -> OnCommand:
        """Call this for each `command`."""
        self._callbacks.on_command = callback
        return callback

    # Reports

    async def send_heartbeat(self, status: RobotStatus | None = None) -> None:
        """Send a heartbeat now, with CPU and memory as they are; a given status stands until the next call."""
        self._conversation.status = status
        if self.connected:
            await self._conversation.exchange.beat_and_wait()

    async def claim(self, job_id: str, attempt: int) -> bool:
        """Claim an assigned job; True: it is ours and may start. Waits for the answer, over reconnects.

        Raises:
            ConnectionLost: the client was closed meanwhile.
        """
        return await self._conversation.claim(job_id, attempt)

    async def send_job_status(
        self,
        job_id: str,
        status: ReportStatus | str,
        *,
        attempt: int | None = None,
        progress: float | None = None,
        message: str | None = None,
        result: object = UNSET,
        error: JobError | None = None,
    ) -> None:
        """Report on a job. Ends are kept and sent until answered; of progress, the newest.

        Raises:
            ProtocolError: an end that the orchestrator would refuse (a result too large, or not JSON).
        """
        self._conversation.report(
            job_id,
            ReportStatus(status),
            attempt,
            progress=progress,
            message=message,
            result=result,
            error=error,
        )

    async def send_log(
        self,
        message: str,
        level: str = "INFO",
        *,
        job_id: str | None = None,
        node_id: str | None = None,
        logged_at: datetime | None = None,
    ) -> None:
        """Log a line; lines travel in batches at the allowed pace, kept until answered. Waits while too many are.

        Raises:
            ProtocolError: no such level.
        """
        entry = reports.log_entry(self.robot_id, message, level, job_id, node_id, logged_at)
        while self._conversation.exchange.logs_full:
            await self._conversation.exchange.change()
        self._conversation.exchange.log(entry)

    # Connections

    async def _open(self) -> Link:
        link = await open_link(self._address, self.robot_id, self._key, self._timeout_seconds)
        self._link = link
        self._conversation.refusal = None
        self._conversation.exchange.connected(link.connected.max_message_bytes)
        return link

    async def _live(self, link: Link) -> None:
        """From connection to connection, until one ends for good."""
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            began_at = loop.time()
            code = await self._converse(link)
            if self._closing:
                return
            if loop.time() - began_at >= STEADY_SECONDS:
                failures = 0
            rule = reconnect_after(code)
            if rule is Reconnect.NO:
                raise self._end(code)
            slow = rule is Reconnect.SLOWLY
            link, failures = await self._reconnect(failures, slow=slow)

    async def _converse(self, link: Link) -> int | None:
        """One connection to its end; answers its close code."""
        exchange = self._conversation.exchange
        beside = [
            asyncio.create_task(link.write(exchange), name="write"),
            asyncio.create_task(link.watch(), name="watch"),
            asyncio.create_task(self._beat(link), name="heartbeat"),
        ]
        try:
            code = await link.read(lambda received: self._conversation.receive(received, link.pause))
        finally:
            self._link = None
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            exchange.disconnected()
        logger.log(
            logging.DEBUG if self._closing else logging.WARNING, "disconnected (%s)", "broken" if code is None else code
        )
        return code

    async def _beat(self, link: Link) -> None:
        interval = self._interval_seconds or link.connected.heartbeat_interval_seconds
        while True:
            await asyncio.sleep(interval)
            self._conversation.exchange.beat()

    async def _reconnect(self, failures: int, *, slow: bool) -> tuple[Link, int]:
        """Try until there is a connection; answers it, and how often reconnecting was needed in a row."""
        while True:
            delay = SLOW_RECONNECT_SECONDS if slow else self._backoff.delay(failures, random.random())  # noqa: S311
            failures += 1
            logger.info("reconnecting in %.1f s", delay)
            await asyncio.sleep(delay)
            try:
                return await self._open(), failures
            except ConnectFailed as error:
                if not error.retryable:
                    raise
                logger.warning("%s", error)
            except AuthError as error:
                if error.close_code.reconnect is Reconnect.NO:
                    raise
                logger.warning("%s", error)
            slow = False

    def _end(self, code: int | None) -> AuthError | ConnectionLost:
        """Why there will be no other connection."""
        known = CloseCode(code) if code in set(CloseCode) else None
        sentence = self._conversation.refusal or (known.meaning if known else f"closed with {code}")
        if known in (CloseCode.AUTH_FAILED, CloseCode.FORBIDDEN, CloseCode.AUTH_EXPIRED):
            return AuthError(sentence, known)
        return ConnectionLost(f"the orchestrator closed the connection: {sentence}")
