"""The WebSocket endpoints /ws/robot/{robot_id}, /ws/admin, /ws/logs/{robot_id} and /ws/logs.

`_handle` of an endpoint calls the part of the instance that a message is for. Its name and path are fixed by
docs/reference/websocket-contract.md.
"""

import re
from collections.abc import Awaitable
from functools import partial
from typing import Protocol

from msgspec import UnsetType
from starlette.routing import WebSocketRoute

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.codec import Received
from casare_rpa.domain.credentials import Principal
from casare_rpa.domain.errors import AuthError, ProtocolError
from casare_rpa.domain.logs import Level, LogFilter, parse_level
from casare_rpa.domain.protocol import ID_PATTERN, MessageId
from casare_rpa.domain.vocabulary import Channel, CloseCode, RobotStatus
from casare_rpa.domain.websocket_paths import ADMIN, LOGS, ROBOT, ROBOT_LOGS
from casare_rpa.infrastructure.orchestrator.auth.presented_credentials import Credentials
from casare_rpa.infrastructure.orchestrator.endpoints import ConnectionParts, Endpoint, read, rest_after
from casare_rpa.infrastructure.orchestrator.hub.session import Limits, Session
from casare_rpa.infrastructure.orchestrator.jobs.commands import Commands
from casare_rpa.infrastructure.orchestrator.jobs.job_reports import JobReports
from casare_rpa.infrastructure.orchestrator.jobs.step_reports import StepReports
from casare_rpa.infrastructure.orchestrator.ports.admin import AdminStore
from casare_rpa.infrastructure.orchestrator.ports.robots import RobotStore
from casare_rpa.infrastructure.orchestrator.ports.sockets import Unfinished
from casare_rpa.infrastructure.orchestrator.robots.live_robot import RobotConnection
from casare_rpa.infrastructure.orchestrator.robots.presence import Presence
from casare_rpa.infrastructure.orchestrator.robots.work_budgets import WorkBudgets
from casare_rpa.infrastructure.orchestrator.views.channels import audience
from casare_rpa.infrastructure.orchestrator.views.job_stream import JobStream
from casare_rpa.infrastructure.orchestrator.views.log_stream import MAX_TAIL, LogStream
from casare_rpa.infrastructure.orchestrator.views.robot_stream import RobotStream

RobotMessage = protocol.Heartbeat | protocol.Hello | protocol.Pong
"""The messages of a robot that are not written in batches."""
ID_RULE = "1 to 128 letters, digits, dots, colons, dashes or underscores"


class RobotParts(ConnectionParts, Protocol):
    """The parts of an instance that robots use."""

    presence: Presence
    reports: JobReports
    step_reports: StepReports
    log_stream: LogStream
    work_budgets: WorkBudgets

    @property
    def store(self) -> RobotStore: ...


class RobotEndpoint(Endpoint[RobotParts]):
    """/ws/robot/{robot_id}: heartbeats, reports and logs in; assignments and cancels out."""

    name = ROBOT.label

    def limits(self, parts: RobotParts) -> Limits:
        work = parts.work_budgets.limits
        return Limits(parts.settings.rate_limit_robot, ROBOT.max_message_bytes, bad_frames_close=True, work=work)

    async def authenticate(self, parts: RobotParts, credentials: Credentials, path: dict[str, str]) -> Principal:
        return await parts.authenticator.robot(credentials.robot_key, path["robot_id"])

    async def serve(
        self, parts: RobotParts, session: Session, path: dict[str, str], parameters: dict[str, str]
    ) -> None:
        robot = await parts.store.robot(path["robot_id"])
        if robot is None:
            raise AuthError("this robot is not known", CloseCode.FORBIDDEN, field="robot_id")
        connection = await parts.presence.connect(session, robot)
        try:
            await session.accept()

            handle = partial(self._handle, parts, connection)
            budget = parts.work_budgets.budget_of(connection.robot_id)
            await read(parts.metrics, session, self.name, codec.FROM_ROBOT, handle, connection.answers.refuse, budget)
        finally:
            parts.hub.detach(session)
            await parts.presence.disconnect(connection)

    def _handle(
        self, parts: RobotParts, connection: RobotConnection, received: Received[protocol.FromRobot]
    ) -> Unfinished:
        """Handle one message; returns an awaitable to finish before the next one, or `None`.

        Reports and log lines wait for their batches. Every other message waits until the earlier ones are answered, so
        that messages take effect, and are acknowledged, in the order in which they were sent. A heartbeat whose effect
        does not depend on the waiting messages is not delayed; only its ack is.
        """
        match received.message:
            case protocol.JobReport() as report:
                return parts.reports.report(connection, report, received.id)
            case protocol.JobStatusBatch(reports=reports):
                unfinished = parts.reports.report_all(connection, reports, received.id)
                pause = parts.work_budgets.budget_of(connection.robot_id).spend_lines(len(reports))
                return unfinished if pause is None else rest_after(connection.session, unfinished, pause)
            case protocol.JobReject() as reject:
                return parts.reports.reject(connection, reject, received.id)
            case protocol.CancelReceived() as receipt:
                return parts.reports.cancel_received(connection, receipt, received.id)
            case protocol.RobotLog() as entry:
                return self._take_lines(parts, connection, [entry], received)
            case protocol.LogBatch(entries=entries):
                unfinished = self._take_lines(parts, connection, entries, received)
                pause = parts.work_budgets.budget_of(connection.robot_id).spend_lines(len(entries))
                return unfinished if pause is None else rest_after(connection.session, unfinished, pause)
            case protocol.JobSteps(steps=steps) as message:
                unfinished = parts.step_reports.take(connection, message, received.id)
                pause = parts.work_budgets.budget_of(connection.robot_id).spend_lines(len(steps))
                return unfinished if pause is None else rest_after(connection.session, unfinished, pause)
            case protocol.Heartbeat() | protocol.Hello() | protocol.Pong() as message:
                return self._handle_message(parts, connection, message, received.id)

    def _handle_message(
        self, parts: RobotParts, connection: RobotConnection, message: RobotMessage, message_id: MessageId | None
    ) -> Unfinished:
        if connection.answers.first is not None and not _is_independent(connection, message):
            return self._handle_in_turn(parts, connection, message, message_id)
        unfinished = self._apply(parts, connection, message)
        if message_id is None:
            return unfinished
        if unfinished is not None:
            return self._acknowledge_after(unfinished, connection, message_id)
        if connection.answers.first is None:
            connection.session.send(protocol.Ack(id=message_id))
        else:
            connection.answers.acknowledge_in_turn(message_id)
        return None

    def _take_lines(
        self,
        parts: RobotParts,
        connection: RobotConnection,
        entries: list[protocol.RobotLog],
        received: Received[protocol.FromRobot],
    ) -> Unfinished:
        unfinished = parts.log_stream.ingest(connection, entries, received.id, received.message.TYPE)
        if not connection.claim_ack:
            parts.reports.note_log_lines(connection, entries)
        return unfinished

    async def _handle_in_turn(
        self,
        parts: RobotParts,
        connection: RobotConnection,
        message: RobotMessage,
        message_id: MessageId | None,
    ) -> None:
        if isinstance(message, protocol.Heartbeat):
            parts.presence.withhold_offers(connection, message)
        await connection.answers.drained()
        unfinished = self._apply(parts, connection, message)
        if unfinished is not None:
            await unfinished
        if message_id is not None:
            connection.session.send(protocol.Ack(id=message_id))

    def _apply(self, parts: RobotParts, connection: RobotConnection, message: RobotMessage) -> Unfinished:
        match message:
            case protocol.Heartbeat(status=status):
                unfinished = parts.presence.record_heartbeat(connection, message)
                if status is RobotStatus.BUSY:
                    parts.reports.note_busy(connection)
                return unfinished
            case protocol.Hello():
                return parts.presence.introduce(connection, message)
        return None  # a pong carries nothing: the frame itself renewed the leases

    async def _acknowledge_after(
        self, unfinished: Awaitable[None], connection: RobotConnection, message_id: MessageId
    ) -> None:
        await unfinished
        await connection.answers.drained()
        connection.session.send(protocol.Ack(id=message_id))


def _is_independent(connection: RobotConnection, message: RobotMessage) -> bool:
    """Whether a message has the same effect before and after the log lines and progress that wait to be written.

    `idle` and `offline` can end the jobs of the robot, and the first list of jobs is compared with the store.
    """
    return (
        not connection.answers.preceding
        and isinstance(message, protocol.Heartbeat)
        and message.status not in (RobotStatus.IDLE, RobotStatus.OFFLINE)
        and (connection.reconciled or not isinstance(message.active_jobs, list))
    )


class AdminParts(ConnectionParts, Protocol):
    """The parts of an instance that dashboards use."""

    commands: Commands
    job_stream: JobStream
    robot_stream: RobotStream


class AdminEndpoint(Endpoint[AdminParts]):
    """/ws/admin: subscriptions and commands in; updates of the subscribed channels out."""

    name = ADMIN.label

    def limits(self, parts: AdminParts) -> Limits:
        return Limits(parts.settings.rate_limit_admin, ADMIN.max_message_bytes, bad_frames_close=True)

    async def authenticate(self, parts: AdminParts, credentials: Credentials, path: dict[str, str]) -> Principal:
        return await parts.authenticator.dashboard(credentials)

    async def serve(
        self, parts: AdminParts, session: Session, path: dict[str, str], parameters: dict[str, str]
    ) -> None:
        await session.accept()

        await read(parts.metrics, session, self.name, codec.FROM_ADMIN, partial(self._handle, parts, session))

    async def _handle(self, parts: AdminParts, session: Session, received: Received[protocol.FromAdmin]) -> None:
        match received.message:
            case protocol.Subscribe(channels=channels, since=since):
                for channel in channels:
                    await self._subscribe(parts, session, channel, since)
            case protocol.Unsubscribe(channels=channels):
                for channel in channels:
                    parts.hub.unsubscribe(session, audience(channel, session.principal.tenant_id))
            case protocol.Command(action=action, target_id=target_id, reason=reason):
                await parts.commands.execute(action, target_id, session.principal, reason)
        if received.id is not None:
            session.send(protocol.Ack(id=received.id))

    async def _subscribe(
        self, parts: AdminParts, session: Session, channel: Channel, since: str | UnsetType | None
    ) -> None:
        """Send a snapshot, then deltas without a gap between. Does nothing for a channel that is subscribed already."""
        tenant_id = session.principal.tenant_id
        wanted = audience(channel, tenant_id)
        if parts.hub.watches(session, wanted):
            return
        match channel:
            case Channel.ROBOTS:
                parts.hub.subscribe(session, wanted)
                parts.robot_stream.send_robots(session, tenant_id)
            case Channel.JOBS:
                if isinstance(since, UnsetType):
                    await parts.job_stream.join_with_snapshot(session, channel, tenant_id)
                else:
                    await parts.job_stream.join(session, channel, tenant_id, since)
            case Channel.QUEUE:
                await parts.robot_stream.join_metrics(session, channel, tenant_id)


class LogParts(ConnectionParts, Protocol):
    """The parts of an instance that viewers of logs use."""

    log_stream: LogStream

    @property
    def store(self) -> AdminStore: ...


class LogsEndpoint(Endpoint[LogParts]):
    """/ws/logs and /ws/logs/{robot_id}: stored log lines out."""

    name = LOGS.label

    def limits(self, parts: LogParts) -> Limits:
        return Limits(parts.settings.rate_limit_admin, LOGS.max_message_bytes)

    async def authenticate(self, parts: LogParts, credentials: Credentials, path: dict[str, str]) -> Principal:
        return await parts.authenticator.dashboard(credentials)

    async def serve(self, parts: LogParts, session: Session, path: dict[str, str], parameters: dict[str, str]) -> None:
        level = parse_level(parameters.get("min_level") or Level.DEBUG)
        if level is None:
            sentence = f"{parameters['min_level']!r} is not one of DEBUG, INFO, WARNING, ERROR"
            raise ProtocolError(sentence, field="min_level")
        robot_id = path.get("robot_id")
        if robot_id is not None and not re.fullmatch(ID_PATTERN, robot_id):
            raise ProtocolError(f"{ID_RULE}", field="robot_id")
        tenant_id = await self._tenant(parts, session.principal, parameters.get("tenant_id"))
        tail, since = _number(parameters, "tail", MAX_TAIL), _number(parameters, "since", 2**62)
        await parts.log_stream.join(
            session, LogFilter(min_level=level, robot_id=robot_id, tenant_id=tenant_id), tail or 0, since
        )

        def refuse(text: str) -> None:
            session.bad_frame("type: this endpoint takes no messages", codec.id_of(text))

        await session.read(refuse)

    async def _tenant(self, parts: LogParts, principal: Principal, wanted: str | None) -> str | None:
        if not wanted:
            return principal.tenant_id
        if not re.fullmatch(ID_PATTERN, wanted):
            raise ProtocolError(f"{ID_RULE}", field="tenant_id")
        if not principal.sees(wanted):
            raise AuthError("this credential is for another tenant", CloseCode.FORBIDDEN, field="tenant_id")
        if await parts.store.tenant(wanted) is None:
            raise ProtocolError(f"there is no tenant {wanted!r}", field="tenant_id")
        return wanted


def _number(parameters: dict[str, str], name: str, most: int) -> int | None:
    """A whole number up to `most` in the query; `None` when it is absent or empty. Raises ProtocolError."""
    text = parameters.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= most):
        raise ProtocolError(f"a whole number from 0 to {most} is expected", field=name)
    return int(text)


routes = [
    WebSocketRoute(ROBOT.path, RobotEndpoint()),
    WebSocketRoute(ADMIN.path, AdminEndpoint()),
    WebSocketRoute(ROBOT_LOGS.path, LogsEndpoint()),
    WebSocketRoute(LOGS.path, LogsEndpoint()),
]
