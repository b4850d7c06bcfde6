"""The bus over core NATS. Hints need neither JetStream nor an account of their own."""

import asyncio
import hashlib
import hmac
import itertools
import random
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error, SlowConsumerError

from casare_rpa.domain.bus_urls import BusServer
from casare_rpa.domain.errors import InvalidSettings
from casare_rpa.infrastructure.orchestrator.bus.monitored import CONNECT_SECONDS, Payload, close_link
from casare_rpa.infrastructure.orchestrator.bus.nats_keys import NatsKey, read_nats_key

FIELD = "CASARE_BUS_URL"
NOTHING = b'{"instance":""}'
"""A hint that says nothing. With it a new link finds out whether it may publish."""
MAX_UNREAD = 1_000
"""Hints that arrived and wait for the event loop."""
MAX_UNSENT_BYTES = 1_000_000
LOOK_SECONDS = 0.25


def subject_of(signing_key: bytes) -> str:
    """The subject of all instances with this key, which have the same store."""
    return f"casare.hints.{hmac.new(signing_key, b'subject of hints', hashlib.sha256).hexdigest()[:32]}"


class NatsConnector:
    """Opens connections to the servers in turn.

    `credentials` is a file, which is read for each connection, so that it can be replaced while the instance runs.
    """

    kind = "nats"

    def __init__(self, servers: Sequence[BusServer], subject: str, credentials: Path | None = None) -> None:
        self._subject = subject
        self._credentials = credentials
        # In random order, so that instances do not all use the first one.
        self._servers = itertools.cycle(random.sample(servers, len(servers)))

    async def connect(self, receive: Callable[[Payload], None], hints_lost: Callable[[], None]) -> "NatsLink":
        key = None if self._credentials is None else read_nats_key(self._credentials)
        link = NatsLink(next(self._servers), self._subject, hints_lost, key)
        try:
            await link.open(receive)
        except BaseException:
            await close_link(link)
            raise
        return link


class DroppingClient(Client):
    """A client that drops unsent hints when it ends. The one of nats-py waits for a peer that may not read."""

    def present(self, public_key: str) -> None:
        """Send this key with the signature. nats-py takes it only from a file that it reads itself."""
        self._public_nkey = public_key

    @property
    def writer(self) -> asyncio.StreamWriter | None:
        """The socket; `None` before it is opened."""
        return getattr(self._transport, "_io_writer", None)

    async def _close(self, status: int, do_cbs: bool = True) -> None:
        self._pending.clear()
        self._pending_data_size = 0
        if (writer := self.writer) is not None:
            writer.transport.abort()
        await super()._close(status, do_cbs)


class NatsLink:
    """One connection. It does not reconnect by itself, because a link without own hints is replaced in any case."""

    def __init__(
        self, server: BusServer, subject: str, hints_lost: Callable[[], None], key: NatsKey | None = None
    ) -> None:
        self._server = server
        self._key = key
        self._subject = subject
        self._hints_lost = hints_lost
        self._client = DroppingClient()
        self._problem: Exception | None = None
        self._connecting = True
        self._end = asyncio.Event()

    async def open(self, receive: Callable[[Payload], None]) -> None:
        """Connect, subscribe, and find out whether the user may publish."""

        async def take(message: Msg) -> None:
            receive(message.data)

        try:
            await self._client.connect(
                f"nats://{self._server.place}",
                name="casare bus",
                allow_reconnect=False,
                connect_timeout=round(CONNECT_SECONDS),
                error_cb=self._note_problem,
                closed_cb=self._note_end,
                disconnected_cb=self._note_end,
                pending_size=MAX_UNSENT_BYTES,
                **self._credentials(),
            )
            self._connecting = False
            self._require_tls()
            await self._client.subscribe(self._subject, cb=take, pending_msgs_limit=MAX_UNREAD)
            await self._client.publish(self._subject, NOTHING)
            # nats-py sends the ping of a flush before the commands that wait. A refusal arrives before the answer to
            # the second one.
            for _ in range(2):
                await self._client.flush(round(CONNECT_SECONDS))
        except (Error, ssl.SSLError) as error:
            raise _explained(error, self._server) from None
        if self._problem is not None:
            raise _explained(self._problem, self._server)

    async def send(self, payload: bytes) -> None:
        await self._client.publish(self._subject, payload)

    async def ended(self) -> str:
        while self._client.is_connected:  # nats-py does not always call its functions
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._end.wait()
                    break
        return "the connection ended" if self._problem is None else str(self._problem)

    async def close(self) -> None:
        await self._client.close()

    def _credentials(self) -> dict[str, Any]:
        """The arguments of nats-py. The secrets are functions, which are called when the connection is encrypted."""
        found: dict[str, Any] = {}
        if self._key is not None:
            found["signature_cb"] = self._signature
            if (token := self._key.token) is not None:
                found["user_jwt_cb"] = token.encode
            else:
                self._client.present(self._key.public_key)
        elif self._server.secret is not None and self._server.user is not None:
            found.update(user=self._server.user, password=self._guarded(self._server.secret))
        elif self._server.secret is not None:
            found["token"] = self._guarded(self._server.secret)
        return found

    def _signature(self, nonce: str) -> bytes:
        self._require_tls()
        assert self._key is not None
        return self._key.sign(nonce)

    def _guarded(self, secret: str) -> Callable[[], str]:
        """Gives the secret if the connection is as the URL demands: a server can offer TLS or not."""

        def give() -> str:
            self._require_tls()
            return secret

        return give

    def _require_tls(self) -> None:
        writer = self._client.writer
        if self._server.tls and (writer is None or writer.get_extra_info("ssl_object") is None):
            raise InvalidSettings(f"{self._server.place} does not offer TLS; use nats:// or change it", field=FIELD)

    async def _note_problem(self, problem: Exception) -> None:
        if isinstance(problem, SlowConsumerError):
            self._hints_lost()
            return
        self._problem = problem
        if self._connecting:
            raise problem  # otherwise nats-py tries the same server again after a pause
        self._end.set()

    async def _note_end(self) -> None:
        self._end.set()


def _explained(error: Exception, server: BusServer) -> Exception:
    """The error for a person: InvalidSettings if a later attempt cannot succeed."""
    text = str(error).lower()
    if "authorization" in text or "authentication" in text:
        return InvalidSettings(f"{server.place} refuses the credentials", field=FIELD)
    if "permissions violation" in text:
        return InvalidSettings(
            f"{server.place} does not let this user publish to and subscribe to casare.hints.>", field=FIELD
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return InvalidSettings(f"the certificate of {server.place} is not valid: {error.verify_message}", field=FIELD)
    return error
