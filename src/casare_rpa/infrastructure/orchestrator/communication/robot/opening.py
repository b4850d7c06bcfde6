"""Opening a robot's connection: from an address and a key to a link, or to an error that says what to do."""

import asyncio
import ssl
from collections.abc import Mapping

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from casare_rpa import __version__
from casare_rpa.domain import codec, protocol
from casare_rpa.domain.errors import AuthError, CasareError, ConnectFailed, ProtocolError
from casare_rpa.domain.liveness import reconnect_after
from casare_rpa.domain.protocol import CloseCode, ErrorCode, Reconnect
from casare_rpa.infrastructure.orchestrator.communication.addresses import START_HINT, Address
from casare_rpa.infrastructure.orchestrator.communication.robot.connection import CLOSE_TIMEOUT_SECONDS, Connection
from casare_rpa.infrastructure.orchestrator.communication.secret import RedactingLogger, Secret

OPEN_TIMEOUT_SECONDS = 10.0
MAX_FRAME_BYTES = 16 * 1024 * 1024
_WORTH_ANOTHER_TRY = (408, 425, 429)


async def open_link(address: Address, robot_id: str, key: Secret, timeout_seconds: float | None) -> Connection:
    """A link that has received its `connected`. `timeout_seconds`: of silence; `None` = what the server says.

    Raises:
        AuthError: the key was refused; the server's sentence and the close code.
        ConnectFailed: nobody there, or not an orchestrator.
    """
    socket = await open_socket(address, address.robot_socket(robot_id, key.text), key)
    try:
        connected = await _first_message(socket, address)
    except BaseException:
        socket.transport.abort()
        raise
    return Connection(socket, connected, timeout_seconds)


async def open_socket(
    address: Address, uri: str, key: Secret, headers: Mapping[str, str] | None = None
) -> ClientConnection:
    """An open WebSocket to one of the contract's endpoints; `key` is kept out of whatever is logged or raised.

    Raises:
        ConnectFailed: nobody there, or not an orchestrator.
    """
    failure: CasareError
    try:
        return await connect(
            uri,
            additional_headers=headers,
            # A proxy of the environment never leads to this very machine.
            proxy=None if address.is_loopback else True,
            compression=None,
            logger=RedactingLogger(key),
            max_size=MAX_FRAME_BYTES,
            open_timeout=OPEN_TIMEOUT_SECONDS,
            close_timeout=CLOSE_TIMEOUT_SECONDS,
            ping_interval=None,
            user_agent_header=f"casare-rpa/{__version__}",
        )
    except InvalidStatus as error:
        failure = _refused_by_status(address, error.response.status_code)
    except ssl.SSLCertVerificationError as error:
        sentence = f"the certificate of {address.shown} is not valid: {error.verify_message}"
        failure = ConnectFailed(sentence, retryable=False)
    except OSError as error:
        failure = ConnectFailed(key.redact(f"cannot reach the orchestrator at {address.shown}: {error}; {START_HINT}"))
    except (WebSocketException, ImportError, ValueError) as error:
        failure = ConnectFailed(key.redact(f"{address.shown} does not speak the contract's WebSocket: {error}"))
    # Raised out here so that no request, whose path holds the key, travels along as the context.
    raise failure


def _refused_by_status(address: Address, status: int) -> ConnectFailed:
    retryable = status >= 500 or status in _WORTH_ANOTHER_TRY
    return ConnectFailed(
        f"{address.shown} answered {status} instead of opening a WebSocket; is it the orchestrator's address?",
        retryable=retryable,
    )


async def _first_message(socket: ClientConnection, address: Address) -> protocol.Connected:
    """The `connected` that opens every accepted connection.

    Raises:
        AuthError, ConnectFailed: it was something else.
    """
    sentence: str | None = None
    try:
        async with asyncio.timeout(OPEN_TIMEOUT_SECONDS):
            while True:
                received = _decode(await socket.recv())
                match received:
                    case protocol.Connected():
                        return received
                    case protocol.Error(code=ErrorCode.AUTH_FAILED, message=message):
                        sentence = message  # the close that follows says of which kind
                    case protocol.Error(message=message):
                        raise ConnectFailed(f"the orchestrator at {address.shown} refused: {message}")
    except ConnectionClosed as closed:
        code = closed.rcvd.code if closed.rcvd is not None else None
    except TimeoutError:
        code = None
    if sentence is not None or code in (CloseCode.AUTH_FAILED, CloseCode.AUTH_EXPIRED, CloseCode.FORBIDDEN):
        kind = CloseCode(code) if code in set(CloseCode) else CloseCode.AUTH_FAILED
        raise AuthError(sentence or kind.meaning, kind)
    retryable = reconnect_after(code) is not Reconnect.NO
    why = CloseCode(code).meaning if code in set(CloseCode) else "it said nothing"
    raise ConnectFailed(f"the orchestrator at {address.shown} did not take the robot in: {why}", retryable=retryable)


def _decode(frame: str | bytes) -> protocol.ToRobot | None:
    if not isinstance(frame, str):
        raise ConnectFailed("the first message was binary: not an orchestrator", retryable=False)
    try:
        received = codec.TO_ROBOT.decode_known(frame)
    except ProtocolError as error:
        raise ConnectFailed(f"the first message is not the contract's: {error}", retryable=False) from None
    return received.message if received is not None else None
