"""Follows the public feed of changes: each change once and in order, over any number of connections."""

import json
import logging
import random
import time
from collections.abc import Callable, Iterator

from casare_rpa.domain.errors import AuthError, CasareError, ConnectFailed, ConnectionLost, Rejected
from casare_rpa.domain.liveness import Backoff
from casare_rpa.domain.vocabulary import ErrorCode
from casare_rpa.infrastructure.orchestrator.communication.http_client import Document, OrchestratorHttpClient

logger = logging.getLogger(__name__)

SILENT_SECONDS = 45.0
"""The server sends at least a comment every 15 seconds."""
PASSING_STATUS = (429, 502, 503, 504)
"""HTTP status of a server that is starting or overloaded, or of the proxy in front of it."""
GONE = 410


def _ignore(_: object) -> None:
    pass


class ChangeWatch:
    """The changes after a position, and the position of the last one.

    Reconnects by itself after a loss of the connection and a restart of the server. A program that stores `position`
    together with the effect of a change, and begins there the next time, handles each change once.
    """

    def __init__(
        self,
        client: OrchestratorHttpClient,
        since: str,
        *,
        tenant_id: str | None = None,
        backoff: Backoff | None = None,
        sleep: Callable[[float], None] = time.sleep,
        on_position: Callable[[str], None] = _ignore,
        on_loss: Callable[[CasareError], None] = _ignore,
    ) -> None:
        """`since` is a position, `oldest` or `now`.

        Args:
            client: the client whose address and credential are used.
            since: where to begin.
            tenant_id: the feed of this tenant alone.
            backoff: the waits before attempts to connect.
            sleep: waits so many seconds.
            on_position: called with the position at which each connection begins.
            on_loss: called with the reason of each loss of the connection.
        """
        self.position = since
        self._client = client
        self._tenant_id = tenant_id
        self._backoff = backoff or Backoff(cap_seconds=10.0)
        self._sleep = sleep
        self._on_position = on_position
        self._on_loss = on_loss

    def changes(self) -> Iterator[Document]:
        """Yield the changes without end, as the items of `list_changes`.

        Raises:
            ConnectFailed: the first connection could not be made.
            AuthError: the credential has ended.
            Rejected: the server refused the credential or the position; the status is 410 if changes after it were
                deleted.
        """
        attempt, connected = 0, False
        while True:
            try:
                for name, data in self._events():
                    attempt, connected = 0, True
                    if name == "job":
                        self.position = data["position"]
                        yield data
                    elif name == "position":
                        self.position = data["position"]
                        self._on_position(self.position)
                    elif name == "closed":
                        raise _reason(data["payload"])
                raise ConnectionLost("the server ended the stream")
            except (ConnectFailed, ConnectionLost, Rejected) as error:
                if not connected or not _passes(error):
                    raise
                self._on_loss(error)
            self._sleep(self._backoff.delay(attempt, random.random()))  # noqa: S311 - jitter
            attempt += 1

    def _events(self) -> Iterator[tuple[str, Document]]:
        """The name and the data of each event of one connection."""
        parts = self._client.stream_text(
            "/api/v1/events",
            {"since": self.position, "tenant_id": self._tenant_id},
            accept="text/event-stream",
            silent_seconds=SILENT_SECONDS,
        )
        name = ""
        for line in _lines(parts):
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                yield name, json.loads(value)


def _lines(parts: Iterator[str]) -> Iterator[str]:
    """The complete lines of a text. They end with a line feed only; JSON can contain other line ends."""
    rest = ""
    for part in parts:
        *lines, rest = (rest + part).split("\n")
        yield from lines


def _reason(payload: Document) -> CasareError:
    """Why the server ended the stream."""
    message = str(payload["message"])
    if payload["code"] == ErrorCode.AUTH_FAILED:
        return AuthError(message)
    if "oldest" in payload:
        return Rejected(message, str(payload["code"]), GONE)
    return ConnectionLost(message)


def _passes(error: CasareError) -> bool:
    """Whether another connection can succeed later."""
    match error:
        case ConnectFailed():
            return error.retryable
        case Rejected():
            return error.status in PASSING_STATUS
    return True
