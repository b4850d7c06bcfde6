"""A robot's WebSocket connection: the handshake, paced sending, and detection of a dead peer."""

import asyncio
import logging
import ssl
from collections.abc import Callable, Mapping
from typing import Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus, WebSocketException

from casare_rpa import __version__
from casare_rpa.domain import codec, protocol
from casare_rpa.domain.errors import AuthError, CasareError, ConnectFailed, ProtocolError
from casare_rpa.domain.limits import RateLimit, TokenBucket, WorkLimits
from casare_rpa.domain.liveness import reconnect_after
from casare_rpa.domain.vocabulary import REFUSALS, CloseCode, ErrorCode, Reconnect
from casare_rpa.infrastructure.orchestrator.communication.addresses import START_HINT, Address, certificate_failure
from casare_rpa.infrastructure.orchestrator.communication.secret import RedactingLogger, Secret

logger = logging.getLogger(__name__)

RATE_SHARE = 0.8
BURST_SHARE = 0.5
"""Share of the announced limit that is used: the network can deliver frames closer together than they were sent."""
MAX_PAUSE_SECONDS = 60.0
OPEN_TIMEOUT_SECONDS = 10.0
CLOSE_TIMEOUT_SECONDS = 5.0
TICKS_PER_TIMEOUT = 6
MAX_FRAME_BYTES = 16 * 1024 * 1024
_RETRYABLE_STATUSES = (408, 425, 429)
_PROXY_GAVE_UP = (502, 504)
"""Answers of a proxy whose instance may still accept the request."""
KEY_HEADER = "X-API-Key"

Receive = Callable[[codec.Received[protocol.ToRobot]], None]


class FrameSource(Protocol):
    """Supplies the frames that a connection sends."""

    wake: asyncio.Event
    """An event that is set when `due_in` may return a smaller value than before."""

    def due_in(self, now: float) -> float | None:
        """Seconds until a frame is due: 0.0 for now, `None` for not before `wake`."""

    def next_frame(self, now: float) -> bytes | None:
        """The most urgent due frame, marked as sent."""


def paced_limit(notice: protocol.RateLimitNotice | None) -> RateLimit | None:
    """The rate at which to send under an announced limit, with a margin; `None` without a limit."""
    if notice is None:
        return None
    return RateLimit(notice.messages_per_second * RATE_SHARE, max(1.0, notice.burst * BURST_SHARE))


def paced_work(notice: protocol.WorkLimitNotice | None) -> WorkLimits:
    """The bytes and lines to send under an announced limit, with a margin."""
    if notice is None:
        return WorkLimits(None, None)
    return WorkLimits(
        _paced(notice.bytes_per_second, notice.bytes_burst), _paced(notice.lines_per_second, notice.lines_burst)
    )


def _paced(per_second: float | None, burst: float | None) -> RateLimit | None:
    if per_second is None or burst is None:
        return None
    return RateLimit(per_second * RATE_SHARE, max(1.0, burst * BURST_SHARE))


class Connection:
    """A connection that has received `connected`. `read`, `write` and `watch` run concurrently until `read` returns."""

    def __init__(
        self,
        socket: ClientConnection,
        connected: protocol.Connected,
        timeout_seconds: float | None,
        *,
        close_timeout_seconds: float = CLOSE_TIMEOUT_SECONDS,
    ) -> None:
        self.connected = connected
        self._socket = socket
        self._loop = asyncio.get_running_loop()
        self._timeout_seconds = timeout_seconds or max(1, connected.heartbeat_timeout_seconds)
        self._close_timeout_seconds = close_timeout_seconds
        self._bucket = TokenBucket(paced_limit(connected.rate_limit), self._loop.time())
        self._paused_until = 0.0
        self._last_received_at = self._loop.time()

    async def read(self, receive: Receive) -> int | None:
        """Pass every message to `receive`; returns the close code, or `None` when the connection broke."""
        while True:
            try:
                frame = await self._socket.recv()
            except ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd is not None else None
            self._last_received_at = self._loop.time()
            try:
                if not isinstance(frame, str):
                    raise ProtocolError("a binary frame", field="message")
                received = codec.TO_ROBOT.decode_known(frame)
            except ProtocolError as error:
                logger.warning("ignored an invalid message from the orchestrator: %s", error)
                continue
            if received is not None:
                receive(received)

    async def write(self, outgoing: FrameSource) -> None:
        """Send due frames in order of urgency within the rate limit; returns when the connection ends."""
        try:
            while True:
                # Cleared before the check: a wake-up between the check and the wait is then not lost.
                outgoing.wake.clear()
                due_in = outgoing.due_in(self._loop.time())
                if due_in != 0.0:
                    await _wait(outgoing.wake, due_in)
                    continue
                # The frame is chosen after the wait for its turn, so that a more urgent one can overtake it.
                await self._pace()
                frame = outgoing.next_frame(self._loop.time())
                if frame is not None:
                    await self._socket.send(frame, text=True)
        except ConnectionClosed as closed:
            logger.debug("stopped sending: %s", closed)  # `read` returns the close code

    async def _pace(self) -> None:
        await asyncio.sleep(self._bucket.take(self._loop.time()))
        while (rest := self._paused_until - self._loop.time()) > 0:  # noqa: ASYNC110 - a deadline that moves
            await asyncio.sleep(rest)

    def pause(self, seconds: float) -> None:
        """Send nothing for this long, at most 60 s. A shorter pause never ends a longer one early."""
        self._paused_until = max(self._paused_until, self._loop.time() + min(seconds, MAX_PAUSE_SECONDS))

    async def watch(self) -> None:
        """Abort the connection when nothing, not even a pong, arrives within the timeout.

        The library's keepalive is not used: it waits for a closing handshake, which a dead peer never completes.
        """
        tick = self._timeout_seconds / TICKS_PER_TIMEOUT
        while True:
            await asyncio.sleep(tick)
            silence = self._loop.time() - self._last_received_at
            if silence >= self._timeout_seconds:
                logger.warning("received nothing from the orchestrator for %.0f s: reconnecting", silence)
                self.abort()
                return
            if silence >= self._timeout_seconds / 3:
                await self._ping(tick)

    async def _ping(self, within_seconds: float) -> None:
        try:
            async with asyncio.timeout(within_seconds):
                pong = await self._socket.ping()
        except (TimeoutError, ConnectionClosed) as error:
            logger.debug("could not ping: %s", error)  # the silence timeout decides
            return
        asyncio.ensure_future(pong).add_done_callback(self._on_pong)

    def _on_pong(self, pong: asyncio.Future[float]) -> None:
        if not pong.cancelled() and pong.exception() is None:
            self._last_received_at = self._loop.time()

    def abort(self) -> None:
        """Break the connection without a closing handshake."""
        self._socket.transport.abort()

    async def close(self) -> None:
        """Close with a handshake; abort when the peer does not answer in time."""
        try:
            async with asyncio.timeout(self._close_timeout_seconds + 1):
                await self._socket.close()
        except TimeoutError:
            self.abort()


async def _wait(event: asyncio.Event, seconds: float | None) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


# The handshake


async def open_connection(
    address: Address,
    robot_id: str,
    key: Secret,
    timeout_seconds: float | None,
    *,
    open_timeout_seconds: float = OPEN_TIMEOUT_SECONDS,
    close_timeout_seconds: float = CLOSE_TIMEOUT_SECONDS,
) -> Connection:
    """A connection that has received its `connected`. `timeout_seconds` of silence; `None` = the server's value.

    The key is sent in a header, because addresses appear in the logs of proxies. Contract 1.0 names only the query
    parameter, so a server that refuses the header with 4001 gets the key in the address.

    Raises:
        AuthError: the key was refused; carries the server's sentence and the close code.
        ConnectFailed: the orchestrator cannot be reached, or the peer is not an orchestrator.
    """

    async def open_at(uri: str, headers: Mapping[str, str] | None) -> Connection:
        socket = await open_socket(
            address,
            uri,
            key,
            headers,
            open_timeout_seconds=open_timeout_seconds,
            close_timeout_seconds=close_timeout_seconds,
        )
        try:
            connected = await _first_message(socket, address, open_timeout_seconds)
        except BaseException:
            socket.transport.abort()
            raise
        return Connection(socket, connected, timeout_seconds, close_timeout_seconds=close_timeout_seconds)

    try:
        return await open_at(address.robot_socket(robot_id), {KEY_HEADER: key.text})
    except AuthError as refused:
        if refused.close_code is not CloseCode.AUTH_FAILED:
            raise
    return await open_at(address.robot_socket(robot_id, key.text), None)


async def open_socket(
    address: Address,
    uri: str,
    key: Secret,
    headers: Mapping[str, str] | None = None,
    *,
    open_timeout_seconds: float = OPEN_TIMEOUT_SECONDS,
    close_timeout_seconds: float = CLOSE_TIMEOUT_SECONDS,
) -> ClientConnection:
    """An open WebSocket to one of the contract's endpoints. `key` is redacted in logs and errors.

    Raises:
        ConnectFailed: the orchestrator cannot be reached, or the peer is not an orchestrator.
    """
    failure: CasareError
    try:
        return await connect(
            uri,
            additional_headers=headers,
            # A proxy named in the environment cannot reach this machine's loopback interface.
            proxy=None if address.is_loopback else True,
            compression=None,
            logger=RedactingLogger(key),
            max_size=MAX_FRAME_BYTES,
            open_timeout=open_timeout_seconds,
            close_timeout=close_timeout_seconds,
            ping_interval=None,
            user_agent_header=f"casare-rpa/{__version__}",
        )
    except InvalidStatus as error:
        failure = _http_refusal(address, error.response.status_code)
    except ssl.SSLCertVerificationError as error:
        failure = ConnectFailed(str(certificate_failure(error, address.shown)), retryable=False)
    except OSError as error:
        sentence = f"cannot reach the orchestrator at {address.shown}: {error}; {START_HINT}"
        failure = ConnectFailed(key.redact(sentence), unanswered=isinstance(error, TimeoutError | ConnectionResetError))
    except (WebSocketException, ImportError, ValueError) as error:
        sentence = f"{address.shown} does not speak the contract's WebSocket: {error}"
        failure = ConnectFailed(key.redact(sentence), unanswered=isinstance(error, InvalidMessage))
    # Raised outside the handlers: the original error holds the request, which contains the key, and would
    # otherwise become this error's context.
    raise failure


def _http_refusal(address: Address, status: int) -> ConnectFailed:
    retryable = status >= 500 or status in _RETRYABLE_STATUSES
    return ConnectFailed(
        f"{address.shown} answered {status} instead of opening a WebSocket; is it the orchestrator's address?",
        retryable=retryable,
        unanswered=status in _PROXY_GAVE_UP,
    )


async def _first_message(socket: ClientConnection, address: Address, timeout_seconds: float) -> protocol.Connected:
    """The `connected` that starts every accepted connection.

    Raises:
        AuthError, ConnectFailed: the server sent something else, closed, or sent nothing in time.
    """
    auth_message: str | None = None
    try:
        async with asyncio.timeout(timeout_seconds):
            while True:
                received = _decode_first(await socket.recv())
                match received:
                    case protocol.Connected():
                        return received
                    case protocol.Error(code=ErrorCode.AUTH_FAILED, message=message):
                        auth_message = message  # the close code that follows says which kind of refusal it is
                    case protocol.Error(message=message):
                        raise ConnectFailed(f"the orchestrator at {address.shown} refused: {message}")
    except ConnectionClosed as closed:
        code = closed.rcvd.code if closed.rcvd is not None else None
    except TimeoutError:
        code = None
    if auth_message is not None or code in REFUSALS:
        close_code = CloseCode(code) if code in set(CloseCode) else CloseCode.AUTH_FAILED
        raise AuthError(auth_message or close_code.meaning, close_code)
    retryable = reconnect_after(code) is not Reconnect.NO
    reason = CloseCode(code).meaning if code in set(CloseCode) else "it sent no first message"
    sentence = f"the orchestrator at {address.shown} did not accept the robot: {reason}"
    raise ConnectFailed(sentence, retryable=retryable, unanswered=code is None)


def _decode_first(frame: str | bytes) -> protocol.ToRobot | None:
    if not isinstance(frame, str):
        raise ConnectFailed("the first message was binary: not an orchestrator", retryable=False)
    try:
        received = codec.TO_ROBOT.decode_known(frame)
    except ProtocolError as error:
        raise ConnectFailed(f"the first message does not follow the contract: {error}", retryable=False) from None
    return received.message if received is not None else None
