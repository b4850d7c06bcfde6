"""The WebSocket endpoints /ws/monitoring/*: three fixed subscriptions with flat messages."""

from abc import abstractmethod
from collections.abc import Awaitable
from typing import Protocol

from starlette.routing import WebSocketRoute

from casare_rpa.domain import codec, protocol, websocket_paths
from casare_rpa.domain.codec import Received
from casare_rpa.domain.credentials import Principal
from casare_rpa.domain.errors import AuthError
from casare_rpa.domain.limits import VIEWER_MESSAGE_BYTES
from casare_rpa.domain.refusals import about
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.auth.presented_credentials import Credentials
from casare_rpa.infrastructure.orchestrator.endpoints import ConnectionParts, Endpoint, read
from casare_rpa.infrastructure.orchestrator.hub.session import Limits, Session
from casare_rpa.infrastructure.orchestrator.views.channels import (
    NUMBERED_LIVE_JOBS,
    QUEUE_DEPTH,
    ROBOT_STATUS,
    audience,
)
from casare_rpa.infrastructure.orchestrator.views.job_stream import JobStream
from casare_rpa.infrastructure.orchestrator.views.robot_stream import RobotStream


class MonitoringParts(ConnectionParts, Protocol):
    """The parts of an instance that monitoring uses."""

    job_stream: JobStream
    robot_stream: RobotStream


class MonitoringEndpoint(Endpoint[MonitoringParts]):
    """A token, one subscription, and one inbound message: `auth_refresh`."""

    def limits(self, parts: MonitoringParts) -> Limits:
        return Limits(parts.settings.rate_limit_monitoring, VIEWER_MESSAGE_BYTES)

    async def authenticate(self, parts: MonitoringParts, credentials: Credentials, path: dict[str, str]) -> Principal:
        return await parts.authenticator.monitoring(credentials.token)

    @abstractmethod
    async def subscribe(
        self, parts: MonitoringParts, session: Session, tenant_id: str | None, parameters: dict[str, str]
    ) -> None:
        """Send the snapshot, if the stream has one, and subscribe to its changes."""

    def any_origin(self, credentials: Credentials) -> bool:
        return credentials.token_in_query  # the token is the only credential, and a browser never adds it by itself

    async def serve(
        self, parts: MonitoringParts, session: Session, path: dict[str, str], parameters: dict[str, str]
    ) -> None:
        await self.subscribe(parts, session, session.principal.tenant_id, parameters)
        await session.accept()

        def handle(received: Received[protocol.FromMonitoring]) -> Awaitable[None]:
            return self._refresh(parts, session, received.message)

        await read(parts.metrics, session, self.name, codec.FROM_MONITORING, handle)

    async def _refresh(self, parts: MonitoringParts, session: Session, refresh: protocol.AuthRefresh) -> None:
        """Take over the expiry of a fresh token; a token of another principal closes the connection."""
        try:
            fresh = await parts.authenticator.monitoring(refresh.token)
        except AuthError as error:
            await parts.refused_credentials.note(session.address, error)
            session.refuse(about(error, refresh))
            session.close(error.close_code)
            return
        old = session.principal
        if fresh.holder != old.holder:
            sentence = f"it belongs to another principal; expected a token of {old.name!r}"
            session.refuse(about(AuthError(sentence, CloseCode.FORBIDDEN, field="token"), refresh))
            session.close(CloseCode.FORBIDDEN)
            return
        session.principal = fresh
        parts.hub.note_expiry(session)
        parts.credential_checks.watch(session)


class LiveJobs(MonitoringEndpoint):
    name = websocket_paths.LIVE_JOBS.label

    async def subscribe(
        self, parts: MonitoringParts, session: Session, tenant_id: str | None, parameters: dict[str, str]
    ) -> None:
        """Changes only, as in contract 1.0; with `since=EPOCH:SEQ`, missed changes or a snapshot first."""
        since = parameters.get("since")
        if not since:
            await parts.job_stream.join_later_changes(session, tenant_id)
        else:
            await parts.job_stream.join(session, NUMBERED_LIVE_JOBS, tenant_id, since)


class RobotHeartbeats(MonitoringEndpoint):
    name = websocket_paths.ROBOT_STATUS.label

    async def subscribe(
        self, parts: MonitoringParts, session: Session, tenant_id: str | None, parameters: dict[str, str]
    ) -> None:
        parts.hub.subscribe(session, audience(ROBOT_STATUS, tenant_id))
        parts.robot_stream.send_robots(session, tenant_id, flat=True)


class QueueMetricsEndpoint(MonitoringEndpoint):
    name = websocket_paths.QUEUE_METRICS.label

    async def subscribe(
        self, parts: MonitoringParts, session: Session, tenant_id: str | None, parameters: dict[str, str]
    ) -> None:
        await parts.robot_stream.join_metrics(session, QUEUE_DEPTH, tenant_id)


routes = [
    WebSocketRoute(endpoint.name, endpoint) for endpoint in (LiveJobs(), RobotHeartbeats(), QueueMetricsEndpoint())
]
