"""OrchestratorWebSocketClient: a robot's side of the WebSocket contract.

    client = OrchestratorWebSocketClient(
        robot_id="robot-123",
        api_key="crpa_abc123...",
        orchestrator_url="ws://localhost:8000",
    )
    await client.connect()
    await client.send_heartbeat()

Source: docs/reference/websocket-contract.md, Clients, The life of a connection.
"""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from msgspec import UNSET
from msgspec.structs import replace

from casare_rpa import __version__
from casare_rpa.domain import codec
from casare_rpa.domain.errors import ConnectionLost
from casare_rpa.domain.liveness import SLOW_RECONNECT_SECONDS, Backoff
from casare_rpa.domain.protocol import Hello, JobError
from casare_rpa.domain.steps import JobStep
from casare_rpa.domain.vocabulary import Feature, ReportStatus, RobotStatus
from casare_rpa.infrastructure.orchestrator.communication.addresses import parse_address
from casare_rpa.infrastructure.orchestrator.communication.robot import messages
from casare_rpa.infrastructure.orchestrator.communication.robot.callbacks import (
    Callbacks,
    OnCancel,
    OnCommand,
    OnJob,
    OnReplaced,
)
from casare_rpa.infrastructure.orchestrator.communication.robot.client_protocol import ClientProtocol
from casare_rpa.infrastructure.orchestrator.communication.robot.connection import (
    CLOSE_TIMEOUT_SECONDS,
    OPEN_TIMEOUT_SECONDS,
    Connection,
    open_connection,
)
from casare_rpa.infrastructure.orchestrator.communication.robot.inbox import MessageInbox
from casare_rpa.infrastructure.orchestrator.communication.robot.reconnect import ReconnectLoop
from casare_rpa.infrastructure.orchestrator.communication.robot.send_queue import (
    DEFAULT_LIMITS,
    SendLimits,
    SendQueue,
)
from casare_rpa.infrastructure.orchestrator.communication.robot.spool import Spool
from casare_rpa.infrastructure.orchestrator.communication.secret import Secret


class OrchestratorWebSocketClient:
    """Keeps a connection up, sends heartbeats, and paces itself by the announced rate limit.

    Register callbacks before `connect`; the methods work as decorators:

        @client.on_job
        async def work(assign: JobAssign) -> None: ...

    Ends, claims and log lines are kept until the orchestrator has answered them, and are sent again after a reconnect:
    at-least-once delivery, with repeats recognised by the orchestrator. Without a `spool` they are lost when the
    process ends. A client belongs to one event loop and is not thread-safe.
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
        workflows: Sequence[str] | None = None,
        heartbeat_interval_seconds: float | None = None,
        silence_timeout_seconds: float | None = None,
        backoff: Backoff | None = None,
        slow_reconnect_seconds: float = SLOW_RECONNECT_SECONDS,
        spool: Spool | None = None,
        open_timeout_seconds: float = OPEN_TIMEOUT_SECONDS,
        close_timeout_seconds: float = CLOSE_TIMEOUT_SECONDS,
        send_limits: SendLimits = DEFAULT_LIMITS,
    ) -> None:
        """Create a client without connecting it.

        Args:
            robot_id: Id of the robot.
            api_key: Its key. Sent in a header, and in the address if the server refuses the header with 4001; redacted
                in logs, errors and reprs.
            orchestrator_url: ws://, wss://, http:// or https://, with or without a path.
            name: Display name.
            tags: What the robot can do. Only tags that an admin allowed count.
            max_concurrent_jobs: Number of slots. Without a free slot, heartbeats report `busy`.
            capabilities: Installed software, as free texts.
            workflows: The workflows that the robot has; only their jobs are offered. `None` = jobs of every workflow.
            heartbeat_interval_seconds: `None` = the orchestrator's value (30).
            silence_timeout_seconds: Silence after which a connection counts as dead; `None` = the orchestrator's
                value (90).
            backoff: Delays between reconnects; 1 to 60 s by default.
            slow_reconnect_seconds: Delay after a close for rate abuse or for a newer session of the same robot.
            spool: Durable store for ends and log lines; `None` = they are kept in memory only.
            open_timeout_seconds: Limit for the WebSocket handshake, and again for the first message.
            close_timeout_seconds: Limit for the closing handshake.
            send_limits: Bounds of the queue of outgoing messages.

        Raises:
            ProtocolError: a name, tag, workflow or number that the orchestrator would refuse.
        """
        self.robot_id = robot_id
        self.instance_id = uuid.uuid4().hex
        hello = Hello(
            instance_id=self.instance_id,
            name=name,
            version=__version__,
            capabilities=list(capabilities),
            tags=list(tags),
            max_concurrent_jobs=max_concurrent_jobs,
            workflows=UNSET if workflows is None else list(workflows),
            features=[*Feature],
            log_journal=spool.journal_id if spool is not None else UNSET,
        )
        _check_hello(hello)
        self._url = orchestrator_url
        self._key = Secret(api_key)
        self._silence_timeout_seconds = silence_timeout_seconds
        self._open_timeout_seconds = open_timeout_seconds
        self._close_timeout_seconds = close_timeout_seconds
        self._callbacks = Callbacks()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._protocol = ClientProtocol(robot_id, hello, self._callbacks, backoff or Backoff(), spool, send_limits)
        self._reconnect_loop = ReconnectLoop(
            self._open_connection,
            self._protocol,
            backoff or Backoff(),
            heartbeat_interval_seconds,
            slow_reconnect_seconds,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}(robot_id={self.robot_id!r}, connected={self.connected})"

    # The connection

    @property
    def connected(self) -> bool:
        """Whether the client has a connection now."""
        return self._reconnect_loop.connection is not None

    @property
    def session_id(self) -> str | None:
        """The orchestrator's id of the current connection."""
        connection = self._reconnect_loop.connection
        return connection.connected.session_id if connection is not None else None

    @property
    def send_queue(self) -> SendQueue:
        """The queue of outgoing messages, for inspection."""
        return self._protocol.send_queue

    async def connect(self) -> None:
        """Make the first connection. Heartbeats and reconnects follow without further calls.

        Raises:
            ConnectFailed: the orchestrator cannot be reached; `retryable` says whether another call can succeed.
            AuthError: the key was refused; carries the orchestrator's sentence.
            ConnectionLost: the client is closed.
        """
        self._check_open()
        if not self._reconnect_loop.started:
            self._protocol.restore_ends()
            await self._reconnect_loop.start()

    async def run(self) -> None:
        """Connect if necessary, and return when the connection has ended and no reconnect follows.

        Raises:
            AuthError: the key was refused or revoked.
            ConnectionLost: the orchestrator closed with a code that forbids reconnecting.
            ConnectFailed: the first connection could not be made.
        """
        if not self._reconnect_loop.started:
            await self.connect()
        await self._reconnect_loop.ended.wait()
        if self._reconnect_loop.failure is not None:
            raise self._reconnect_loop.failure

    async def close(self) -> None:
        """Close the connection and cancel running callbacks. Idempotent.

        Unanswered messages are lost, unless there is a spool. Call `drain` first.
        """
        await self._reconnect_loop.stop()
        await self._callbacks.stop()
        self._protocol.send_queue.flush_spool()

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def drain(self, timeout_seconds: float) -> bool:
        """Wait until every end and every log line was answered. Returns False on timeout or after the last close."""
        send_queue = self._protocol.send_queue
        try:
            async with asyncio.timeout(timeout_seconds):
                while not send_queue.drained and not self._reconnect_loop.ended.is_set():
                    await send_queue.wait_for_change()
        except TimeoutError:
            return send_queue.drained
        return send_queue.drained

    async def _open_connection(self) -> Connection:
        return await open_connection(
            parse_address(self._url),
            self.robot_id,
            self._key,
            self._silence_timeout_seconds,
            open_timeout_seconds=self._open_timeout_seconds,
            close_timeout_seconds=self._close_timeout_seconds,
        )

    def _check_open(self) -> None:
        """Raise RuntimeError in another event loop than the first one, ConnectionLost after the last close."""
        self._loop = self._loop or asyncio.get_running_loop()
        if self._loop is not asyncio.get_running_loop():
            raise RuntimeError(
                "the client belongs to another event loop: use asyncio.run_coroutine_threadsafe with that loop"
            )
        if self._reconnect_loop.ended.is_set():
            raise ConnectionLost("the client is closed")

    # Received messages

    def on_job(self, callback: OnJob) -> OnJob:
        """Register a callback, called once per assigned `(job_id, attempt)`. If it raises, the job fails."""
        self._callbacks.on_job = callback
        return callback

    def on_cancel(self, callback: OnCancel) -> OnCancel:
        """Register a callback for cancels. It stops the job and reports it `failed`, which confirms the cancel."""
        self._callbacks.on_cancel = callback
        return callback

    def on_command(self, callback: OnCommand) -> OnCommand:
        """Register a callback for commands to the robot itself, such as `restart`."""
        self._callbacks.on_command = callback
        return callback

    def on_replaced(self, callback: OnReplaced) -> OnReplaced:
        """Register a callback for the close code 4009: another process connected as this robot.

        The other process receives the jobs of this one when their leases end, so the robot must stop them.
        """
        self._callbacks.on_replaced = callback
        return callback

    def __aiter__(self) -> MessageInbox:
        """Messages received from now on, without repeated assignments; ends when the client is closed."""
        inbox = self._protocol.open_inbox()
        if self._reconnect_loop.ended.is_set():
            inbox.close()
        return inbox

    # Sent messages

    def set_workflows(self, workflows: Sequence[str] | None) -> None:
        """Send another list of workflows, in a new `hello`. `None` = jobs of every workflow are offered.

        Raises:
            ProtocolError: a list that the orchestrator would refuse.
        """
        hello = replace(self._protocol.hello, workflows=UNSET if workflows is None else list(workflows))
        _check_hello(hello)
        self._protocol.set_hello(hello)

    async def send_heartbeat(self, status: RobotStatus | None = None) -> None:
        """Send a heartbeat with the machine's CPU and memory use now.

        Returns at once while there is no connection: the next connection starts with a heartbeat.

        Args:
            status: Status in this heartbeat and the automatic ones after it (`offline` = assign no new jobs);
                `None` = busy without a free slot, else idle.
        """
        self._check_open()
        self._protocol.status_override = RobotStatus(status) if status is not None else None
        if self.connected:
            await self._protocol.send_queue.request_heartbeat_and_wait()

    async def claim(self, job_id: str, attempt: int) -> bool:
        """Claim an assigned job; run it only on True. Waits for the answer over reconnects.

        False: the job was cancelled, or was given to another robot.

        Raises:
            ConnectionLost: the client was closed or refused during the wait.
        """
        self._check_open()
        return await self._protocol.claim(job_id, attempt)

    def reject(self, job_id: str, attempt: int | None, reason: str) -> None:
        """Refuse an assigned job instead of claiming it: it is pending again, and offered again after a pause.

        Never waits for the network.

        Args:
            job_id: Id of the job.
            attempt: The attempt of its assignment.
            reason: A sentence of at most 1024 characters for the history of the job.
        """
        self._check_open()
        self._protocol.reject(job_id, attempt, reason)

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
        """Queue a report on a job. Never waits for the network.

        `running`: only the newest report of each job is sent, at most five times a second. `completed` and `failed`
        are sent until they are answered. Reports after the end of an attempt are ignored.

        Args:
            job_id: The job.
            status: running, completed or failed; `claimed` where `claim` is not used. `cancelled` is sent as failed,
                with an error of this type.
            attempt: `None` = that of the assignment.
            progress: 0 to 100.
            message: One sentence, cut to 16,384 characters.
            result: Any JSON value of up to 256 KiB. Only with `completed` or `failed`.
            error: The reason of a failure.

        Raises:
            ProtocolError: an end that the orchestrator would refuse, such as one with too large a result.
            ConnectionLost: the client is closed.
        """
        self._check_open()
        reported = ReportStatus(status)
        if reported in (ReportStatus.CANCELLED, ReportStatus.CANCELED):
            reported = ReportStatus.FAILED
            error = error or JobError(type="cancelled", message=message or "cancelled")
        self._protocol.report(job_id, reported, attempt, progress=progress, message=message, result=result, error=error)

    def send_job_step(self, job_id: str, step: JobStep, *, attempt: int | None = None) -> None:
        """Queue a step of a job, or its new state; later calls with its id replace it. Does not wait.

        Steps are sent at most once a second, only to a server that accepts them, and are kept until they are answered.

        Raises:
            ConnectionLost: the client was closed.
            RuntimeError: called in another event loop than the client's.
        """
        self._check_open()
        self._protocol.send_queue.add_step(job_id, attempt, step)

    async def send_log(
        self,
        message: str,
        level: str = "INFO",
        *,
        job_id: str | None = None,
        node_id: str | None = None,
        logged_at: datetime | None = None,
    ) -> None:
        """Queue a log line. Waits only while 10,000 lines (or 8 MiB) are queued.

        Lines are kept until they are answered, also before `connect` and without a connection. They are sent in
        batches, within the rate limit. A line over 64 KiB loses its middle.

        Args:
            message: The line.
            level: DEBUG, INFO, WARNING or ERROR, in upper or lower case.
            job_id: The job that logged it.
            node_id: The step of the workflow that logged it.
            logged_at: Time of the line; `None` = now. Without a time zone it is UTC.

        Raises:
            ProtocolError: an unknown level, or an argument that is not a text.
            ConnectionLost: the client was closed, possibly during the wait.
            RuntimeError: called in another event loop than the client's.
        """
        entry = messages.log_entry(self.robot_id, message, level, job_id, node_id, logged_at)
        send_queue = self._protocol.send_queue
        self._check_open()
        while send_queue.logs_full:
            await send_queue.wait_for_change()
            self._check_open()
        send_queue.add_line(entry)


def _check_hello(hello: Hello) -> None:
    """Raises ProtocolError when the orchestrator would refuse this message."""
    codec.FROM_ROBOT.decode(codec.encode(hello).decode())
