"""The common part of all WebSocket endpoints: authentication, connection limits, errors, and decoding.

Endpoints are plain ASGI applications, mounted in the FastAPI application. The credential is checked before anything is
read or written. A refused connection is accepted, gets `error AUTH_FAILED` and is closed, because a browser passes the
reason to its page only for an open connection. Source: docs/reference/websocket-contract.md, Authentication.
"""

import logging
import secrets
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, Generic, Protocol, TypeVar

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.codec import Received
from casare_rpa.domain.credentials import Principal, Role
from casare_rpa.domain.errors import AuthError, CasareError, ProtocolError, StoreUnavailable
from casare_rpa.domain.refusals import about
from casare_rpa.domain.vocabulary import CloseCode, ErrorCode
from casare_rpa.infrastructure.orchestrator.auth.authenticator import Authenticator
from casare_rpa.infrastructure.orchestrator.auth.client_address import client_address
from casare_rpa.infrastructure.orchestrator.auth.connection_turns import ConnectionTurns
from casare_rpa.infrastructure.orchestrator.auth.credential_checks import CredentialChecks
from casare_rpa.infrastructure.orchestrator.auth.presented_credentials import (
    Credentials,
    check_host,
    check_origin,
    credentials_of,
)
from casare_rpa.infrastructure.orchestrator.auth.refused_addresses import RefusedAddresses
from casare_rpa.infrastructure.orchestrator.auth.refused_credentials import RefusedCredentials
from casare_rpa.infrastructure.orchestrator.auth.tickets import Tickets
from casare_rpa.infrastructure.orchestrator.hub.hub import Hub
from casare_rpa.infrastructure.orchestrator.hub.session import Limits, Session
from casare_rpa.infrastructure.orchestrator.observability import Metrics
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.sockets import (
    PEER_EXTENSION,
    SIZE_EXTENSION,
    TRANSPORT_EXTENSION,
    Receive,
    Send,
    Unfinished,
    admit,
    refuse_gone,
)
from casare_rpa.infrastructure.orchestrator.robots.work_budgets import COUNTED_BYTES, ReadingPause, WorkBudget
from casare_rpa.infrastructure.orchestrator.settings import Settings

logger = logging.getLogger(__name__)

Scope = dict[str, Any]
M = TypeVar("M", bound=protocol.Message)

ANONYMOUS = Principal(role=Role.ROBOT, name="")
"""The principal of a connection until its credential is accepted. It has no tenant and no id, so it may do nothing."""


class ConnectionParts(Protocol):
    """The parts of an instance that every endpoint uses."""

    settings: Settings
    clock: Clock
    hub: Hub
    metrics: Metrics
    authenticator: Authenticator
    tickets: Tickets
    refused_addresses: RefusedAddresses
    connection_turns: ConnectionTurns
    refused_credentials: RefusedCredentials
    credential_checks: CredentialChecks
    closing: bool


P = TypeVar("P", bound=ConnectionParts)


class Endpoint(ABC, Generic[P]):
    """One WebSocket path of the contract. `P` declares the parts of an instance that it uses."""

    name: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        parts: P = scope["app"].state.control_plane
        await receive()  # websocket.connect
        session = self._session(parts, scope, receive, send)
        try:
            await self._serve(parts, session, scope)
        except AuthError as error:
            parts.metrics.auth_failures.labels(endpoint=self.name).inc()
            logger.debug("%s: refused %s: %s", self.name, session.address, error)
            if error.close_code is CloseCode.ADDRESS_REFUSED:
                parts.refused_addresses.warn(error, session.address)
            else:
                await parts.refused_credentials.note(session.address, error)
            await self._refuse(session, error.code, str(error), error.close_code)
        except ProtocolError as error:
            await self._refuse(session, error.code, str(error), CloseCode.PROTOCOL_ABUSE)
        except OSError:
            logger.debug("%s: %s disconnected before the handshake was answered", self.name, session.address)
        except StoreUnavailable as error:
            logger.warning("%s: refused %s: %s", self.name, session.address, error)
            await self._refuse(
                session, ErrorCode.INTERNAL_ERROR, "the store is not available; try again", CloseCode.INTERNAL_ERROR
            )
        except Exception:  # the edge of a connection: an error must not end the server or another connection
            logger.exception("%s: the connection failed", self.name)
            await self._refuse(
                session, ErrorCode.INTERNAL_ERROR, "the server failed; try again", CloseCode.INTERNAL_ERROR
            )
        finally:
            parts.credential_checks.unwatch(session)
            parts.hub.detach(session)
            await session.closed()
            parts.metrics.rate_limited.labels(endpoint=self.name).inc(session.rate_limited)
            parts.metrics.dropped.labels(endpoint=self.name).inc(session.dropped)

    async def _serve(self, parts: P, session: Session, scope: Scope) -> None:
        # Before all other checks, because it removes the credentials from the scope, and a refusal logs the scope.
        credentials = credentials_of(scope)
        check_host(scope, parts.settings.host_names)
        if not self.any_origin(credentials):
            check_origin(scope, parts.settings.allowed_origins)
        if credentials.ticket is not None:
            session.principal = await parts.tickets.redeem(credentials.ticket, scope["path"])
            await parts.authenticator.check_still_valid(session.principal)
        else:
            session.principal = await self.authenticate(parts, credentials, scope["path_params"])
        admit(scope)
        in_turn = await parts.connection_turns.wait(session.principal.holder)
        # No await from here to `attach`: a server that closes its connections would miss this one.
        if parts.closing:
            return await self._refuse(session, ErrorCode.INTERNAL_ERROR, "restarting", CloseCode.SERVICE_RESTART)
        if not in_turn or self._too_many_connections(parts, session):
            return await self._refuse(session, ErrorCode.RATE_LIMITED, "too many connections", CloseCode.OVERLOADED)
        refuse_gone(scope)
        parts.hub.attach(session)
        parts.credential_checks.watch(session)
        with parts.metrics.connections.labels(endpoint=self.name).track_inprogress():
            await self.serve(parts, session, scope["path_params"], credentials.parameters)
        return None

    def any_origin(self, credentials: Credentials) -> bool:  # noqa: ARG002 - subclasses need it
        """Whether a page of any origin may connect with these credentials."""
        return False

    @abstractmethod
    async def authenticate(self, parts: P, credentials: Credentials, path: dict[str, str]) -> Principal:
        """Check the credential. Raises AuthError."""

    @abstractmethod
    async def serve(self, parts: P, session: Session, path: dict[str, str], parameters: dict[str, str]) -> None:
        """Subscribe and accept the connection, then read until it ends."""

    @abstractmethod
    def limits(self, parts: P) -> Limits: ...

    def _session(self, parts: P, scope: Scope, receive: Receive, send: Send) -> Session:
        extensions = scope.get("extensions") or {}
        extension = extensions.get(TRANSPORT_EXTENSION)
        limits = self.limits(parts)
        if SIZE_EXTENSION in extensions:
            # The session checks whole messages. This refuses a message at its first byte over the limit.
            extensions[SIZE_EXTENSION]["limit"](limits.max_message_bytes)
        return Session(
            session_id=f"ses-{secrets.token_hex(8)}",
            principal=ANONYMOUS,
            address=client_address(scope),
            limits=limits,
            clock=parts.clock,
            receive=receive,
            send=send,
            transport=extension["transport"] if extension else None,
            peer_answer=(extensions.get(PEER_EXTENSION) or {}).get("answer"),
        )

    def _too_many_connections(self, parts: P, session: Session) -> bool:
        settings, hub = parts.settings, parts.hub
        return (
            len(hub.sessions) >= settings.max_connections
            or hub.by_principal[session.principal.holder] >= settings.max_connections_per_principal
            or hub.by_address[session.address] >= settings.max_connections_per_address
        )

    async def _refuse(self, session: Session, code: ErrorCode, sentence: str, close: CloseCode) -> None:
        try:
            await session.accept()
        except OSError:
            return  # the peer has closed the connection
        session.send_error(code, sentence)
        session.close(close)


async def read(
    metrics: Metrics,
    session: Session,
    endpoint: str,
    decoder: codec.Decoder[M],
    handle: Callable[[Received[M]], Unfinished],
    refuse: Callable[[CasareError, codec.MessageId | None], Unfinished] | None = None,
    budget: WorkBudget | None = None,
) -> None:
    """Decode each text and call `handle(received)`, until the socket ends.

    An error of either is sent to the peer, by `refuse` if it is given, and the connection is kept. After a large text,
    nothing is read for as long as the `budget` requires.
    """
    totals = metrics.messages.totals
    refuse_message = refuse or session.refuse

    def handle_text(text: str) -> Unfinished:
        try:
            received = decoder.decode(text)
        except ProtocolError as error:
            totals[endpoint, "invalid"] += 1
            unfinished = refuse_message(error, codec.id_of(text))
        else:
            totals[endpoint, received.message.TYPE] += 1
            try:
                unfinished = handle(received)
            except CasareError as error:
                unfinished = refuse_message(about(error, received.message), received.id)
            else:
                if unfinished is not None:
                    unfinished = _finish(session, unfinished, received)
        if len(text) > COUNTED_BYTES and budget is not None and (pause := budget.spend_bytes(len(text.encode()))):
            return rest_after(session, unfinished, pause)
        return unfinished

    await session.read(handle_text)


async def rest_after(session: Session, unfinished: Unfinished, pause: ReadingPause) -> None:
    """Finish a message, then read nothing for a time."""
    if unfinished is not None:
        await unfinished
    await session.rest(pause.seconds, pause.sentence)


async def _finish(session: Session, unfinished: Awaitable[None], received: Received[M]) -> None:
    try:
        await unfinished
    except CasareError as error:
        session.refuse(about(error, received.message), received.id)
