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
import uuid
from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from msgspec import UNSET

from casare_rpa import __version__
from casare_rpa.domain import codec
from casare_rpa.domain.errors import ConnectionLost
from casare_rpa.domain.liveness import SLOW_RECONNECT_SECONDS, Backoff
from casare_rpa.domain.protocol import Feature, Hello, JobError, ReportStatus, RobotStatus
from casare_rpa.infrastructure.orchestrator.communication.addresses import parse_address
from casare_rpa.infrastructure.orchestrator.communication.robot import messages
from casare_rpa.infrastructure.orchestrator.communication.robot.callbacks import Callbacks, OnCancel, OnCommand, OnJob
from casare_rpa.infrastructure.orchestrator.communication.robot.client_protocol import ClientProtocol
from casare_rpa.infrastructure.orchestrator.communication.robot.connection import Connection
from casare_rpa.infrastructure.orchestrator.communication.robot.inbox import MessageInbox
from casare_rpa.infrastructure.orchestrator.communication.robot.opening import open_link
from casare_rpa.infrastructure.orchestrator.communication.robot.reconnect import Lifeline
from casare_rpa.infrastructure.orchestrator.communication.robot.spool import Memory
from casare_rpa.infrastructure.orchestrator.communication.secret import Secret


class OrchestratorWebSocketClient:
    """Stays connected, beats, paces itself by the announced rate limit, and loses no end and no log line.

    Register callbacks before `connect`; they work as decorators, too:

        @client.on_job
        async def work(assign: JobAssign) -> None: ...

    Ends, claims and log lines are kept in memory until the orchestrator answered them, and are sent again after a
    reconnect: at least once, and a repeat does no harm. They do not outlive the process. Belongs to one event loop.
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
        slow_reconnect_seconds: float = SLOW_RECONNECT_SECONDS,
        memory: Memory | None = None,
    ) -> None:
        """A client that is not yet connected.

        Args:
            robot_id: Who the robot is.
            api_key: Its key. It is sent as the contract says, and shown nowhere.
            orchestrator_url: ws://, wss://, http:// or https://, with or without a path.
            name: For people.
            tags: What the robot can do; tags that an admin stored win.
            max_concurrent_jobs: Slots. With none free, heartbeats say `busy`.
            capabilities: Free words about what is installed.
            heartbeat_interval_seconds: `None` = what the orchestrator says, 30.
            silence_timeout_seconds: Silence after which a connection counts as dead; `None` = likewise, 90.
            backoff: Of reconnecting; 1 to 60 s by default.
            memory: Keeps ends and log lines beyond this process; `None` = in this process only.
            slow_reconnect_seconds: Wait after a close that asks for it: replaced by a newer session, rate abuse.

        Raises:
            ProtocolError: a name, tag or number that the orchestrator would refuse.
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
            features=[Feature.CLAIM_ACK],
            log_journal=memory.journal_id if memory is not None else UNSET,
        )
        codec.FROM_ROBOT.decode(codec.encode(hello).decode())
        self._url = orchestrator_url
        self._key = Secret(api_key)
        self._timeout_seconds = silence_timeout_seconds
        self._callbacks = Callbacks()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._conversation = ClientProtocol(robot_id, hello, self._callbacks, backoff or Backoff(), memory)
        self._lifeline = Lifeline(
            self._open_link,
            self._conversation,
            backoff or Backoff(),
            heartbeat_interval_seconds,
            slow_reconnect_seconds,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}(robot_id={self.robot_id!r}, connected={self.connected})"

    # The connection

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""
        return self._lifeline.link is not None

    @property
    def session_id(self) -> str | None:
        """The orchestrator's name for the present connection."""
        link = self._lifeline.link
        return link.connected.session_id if link is not None else None

    async def connect(self) -> None:
        """Make the first connection; from then on heartbeats and reconnects go on by themselves.

        Raises:
            ConnectFailed: nobody there; `retryable` says whether trying again can help. Nothing is running then.
            AuthError: the key was refused, with the orchestrator's sentence.
            ConnectionLost: this client was closed.
        """
        self._check_open()
        if not self._lifeline.started:
            self._conversation.remember()
            await self._lifeline.start()

    async def run(self) -> None:
        """Return when the connection was closed for good, by either side; connects first if that was not done.

        Raises:
            AuthError: the key was revoked, or does not open this door.
            ConnectionLost: the orchestrator does not want this robot back.
            ConnectFailed: the first connection could not be made.
        """
        if not self._lifeline.started:
            await self.connect()
        await self._lifeline.ended.wait()
        if self._lifeline.failure is not None:
            raise self._lifeline.failure

    async def close(self) -> None:
        """Say goodbye, and cancel callbacks that still run. What has no answer yet is lost: `drain` before."""
        await self._lifeline.stop()
        await self._callbacks.stop()
        self._conversation.exchange.close()

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def drain(self, timeout_seconds: float) -> bool:
        """Wait until every end and every log line was answered; whether that came about in time."""
        exchange = self._conversation.exchange
        try:
            async with asyncio.timeout(timeout_seconds):
                while not exchange.settled and not self._lifeline.ended.is_set():
                    await exchange.change()
        except TimeoutError:
            return exchange.settled
        return exchange.settled

    async def _open_link(self) -> Connection:
        return await open_link(parse_address(self._url), self.robot_id, self._key, self._timeout_seconds)

    def _check_open(self) -> None:
        """Raises RuntimeError in another event loop than the first one, ConnectionLost after the end."""
        self._loop = self._loop or asyncio.get_running_loop()
        if self._loop is not asyncio.get_running_loop():
            raise RuntimeError(
                "the client belongs to another event loop: use asyncio.run_coroutine_threadsafe with that"
            )
        if self._lifeline.ended.is_set():
            raise ConnectionLost("the client is closed")

    # In

    def on_job(self, callback: OnJob) -> OnJob:
        """Call this once for each `(job_id, attempt)` that is assigned; when it raises, the job is `failed`."""
        self._callbacks.on_job = callback
        return callback

    def on_cancel(self, callback: OnCancel) -> OnCancel:
        """Call this for each order to stop a job. Stop it, then report it `failed`: that confirms the order."""
        self._callbacks.on_cancel = callback
        return callback

    def on_command(self, callback: OnCommand) -> OnCommand:
        """Call this for each order to the robot itself: `restart`."""
        self._callbacks.on_command = callback
        return callback

    def __aiter__(self) -> MessageInbox:
        """Every message from now on, repeated assignments left out; ends when the client is closed for good."""
        inbox = self._conversation.inbox()
        if self._lifeline.ended.is_set():
            inbox.close()
        return inbox

    # Out

    async def send_heartbeat(self, status: RobotStatus | None = None) -> None:
        """Send a heartbeat with the machine's CPU and memory, without waiting for its turn.

        While there is no connection it returns at once: the next one begins with a heartbeat.

        Args:
            status: What this heartbeat and those that follow by themselves say (`offline` = no new jobs, please);
                `None` = busy without a free slot, else idle.
        """
        self._check_open()
        self._conversation.status = RobotStatus(status) if status is not None else None
        if self.connected:
            await self._conversation.exchange.beat_and_wait()

    async def claim(self, job_id: str, attempt: int) -> bool:
        """Ask for an assigned job; start it only when this answers True. Waits over reconnects.

        False: it was cancelled, or went to another robot.

        Raises:
            ConnectionLost: closed for good meanwhile.
        """
        self._check_open()
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
        """Report on a job; never waits for the network.

        `running`: the newest word on each job is sent, at most five times a second. `completed`, `failed`: kept until
        answered; the job is held until then. Nothing more is said of an attempt after its end.

        Args:
            job_id: The job.
            status: running, completed or failed; `claimed` too, where `claim` is not used.
            attempt: `None` = that of the assignment.
            progress: 0 to 100.
            message: One sentence; 16,384 characters are kept.
            result: Anything that JSON can say, up to 256 KiB, with an end.
            error: Why it failed.

        Raises:
            ProtocolError: an end that the orchestrator would refuse, a result too large for one.
            ConnectionLost: the client is closed.
        """
        self._check_open()
        self._conversation.report(
            job_id, ReportStatus(status), attempt, progress=progress, message=message, result=result, error=error
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
        """Log a line; waits only while 10,000 lines (or 8 MiB) are on their way.

        Kept until answered; before `connect` and while there is no connection, too. Lines travel in batches, at the
        pace that the orchestrator allows. A line over 64 KiB loses its middle.

        Args:
            message: The line.
            level: DEBUG, INFO, WARNING or ERROR, in any case.
            job_id: The job that it is about.
            node_id: The step of the workflow.
            logged_at: When; `None` = now, without a zone it is UTC.

        Raises:
            ProtocolError: there is no such level, or a text is none.
            ConnectionLost: closed for good, also while this waited.
            RuntimeError: called in another event loop than the client's.
        """
        entry = messages.log_entry(self.robot_id, message, level, job_id, node_id, logged_at)
        exchange = self._conversation.exchange
        self._check_open()
        while exchange.logs_full:
            await exchange.change()
            self._check_open()
        exchange.log(entry)
