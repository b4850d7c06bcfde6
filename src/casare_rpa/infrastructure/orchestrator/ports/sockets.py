"""The interface between the transport and the sessions of the hub: the ASGI calls, and the fast path beside them.

transport/fast_protocol.py has the picture of both paths.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

FAST_LANE_BYTES = 64 * 1024
"""How much the transport of one peer may hold unsent before its messages wait in the outbox."""

Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Unfinished = Awaitable[None] | None
"""The result of a handler of a text: `None` when it is done, else an awaitable to finish before the next text."""
TextHandler = Callable[[str], Unfinished]
UNFINISHED = "casare.unfinished"
"""The type of an ASGI event of our own, and its key for an `Unfinished`: the reader awaits it."""
TRANSPORT_EXTENSION = "casare.transport"
"""The key in the extensions of an ASGI scope under which the fast path offers its `Transport`."""
SIZE_EXTENSION = "casare.message_size"
"""The key in the extensions of an ASGI scope of `{"limit": f}`; `f(n)` refuses messages over `n` bytes early."""


ADMIT_EXTENSION = "casare.admit"
"""The key in the extensions of an ASGI scope for the function that `admit` calls."""
PEER_EXTENSION = "casare.peer"
"""The key in the extensions of an ASGI scope of `{"gone": f, "answer": g}`.

`f()` is whether the peer has ended the connection. `await g(seconds)` pings the peer, and waits for its answer or for
so long; it raises ConnectionAbortedError when the peer ends the connection.
"""


class Transport(Protocol):
    """What the fast socket path offers. See transport/fast_protocol.py for the picture of both paths."""

    @property
    def ready(self) -> bool:
        """Whether a frame may be written now.

        False while the peer has not taken `FAST_LANE_BYTES`, and permanently once either side has begun to close.
        """

    def write(self, data: bytes) -> None: ...

    def abort(self) -> None: ...

    def set_text_handler(self, handler: TextHandler | None) -> None:
        """Call `handler` with each text while the reader waits for one; `None` ends that."""


def admit(scope: MutableMapping[str, Any]) -> None:
    """Report that the credential was accepted: the limits for connections without a credential no longer apply."""
    extension = (scope.get("extensions") or {}).get(ADMIT_EXTENSION)
    if extension is not None:
        extension["admit"]()


def refuse_gone(scope: MutableMapping[str, Any]) -> None:
    """Raise OSError if the peer has ended the connection already.

    A handshake can wait in the system while the server stands still. Its client has then given up, and may be connected
    elsewhere: nothing may be done for it, least of all replace that connection.
    """
    extension = (scope.get("extensions") or {}).get(PEER_EXTENSION)
    if extension is not None and extension["gone"]():
        raise ConnectionAbortedError("the peer has ended the connection")
