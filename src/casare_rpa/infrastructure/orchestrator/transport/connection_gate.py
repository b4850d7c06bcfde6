"""Limits for the TCP connections without an accepted credential: their number, per address and in all, and their bytes.

Each costs a file descriptor and memory, and needs no credential. Over a limit the oldest is closed and the new one is
accepted: a client that sends its request at once gets its answer while others send nothing.

Connections from an address from which a valid credential came before have a reserve that others cannot use. So robots
and dashboards reconnect while another client opens connections from many addresses.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

logger = logging.getLogger(__name__)

RESERVED_SHARE = 0.25
"""The part of the places that only addresses with an accepted credential can use."""
MAX_HELD_BYTES = 64 * 1024 * 1024
"""What all incomplete requests may hold together."""
MAX_KNOWN_ADDRESSES = 10_000
WARN_AFTER_SECONDS = 60.0


class Abortable(Protocol):
    """The part of a transport that the gate uses."""

    def abort(self) -> None:
        """End the connection at once, without an answer."""


@dataclass(slots=True, eq=False)
class Guest:
    """A connection without an accepted credential. The methods are idempotent, and do nothing after the first end."""

    address: str
    admitted: bool
    _gate: "ConnectionGate"
    _transport: Abortable

    def hold(self, size: int) -> None:
        """Set the size of its incomplete request. If all hold too much, the connection that holds longest is closed."""
        self._gate.hold(self, size)

    def admit(self) -> None:
        """Its credential was accepted: the connection no longer counts, and its address is known."""
        self._gate.admit(self)

    def leave(self) -> None:
        """The connection has ended."""
        self._gate.leave(self)

    def abort(self) -> None:
        self._transport.abort()


class ConnectionGate:
    """The connections without a credential, the oldest first. For one thread."""

    def __init__(
        self,
        *,
        total: int,
        per_address: int,
        now: Callable[[], float],
        network_of: Callable[[str], str] = str,
        max_held_bytes: int = MAX_HELD_BYTES,
    ) -> None:
        """`network_of` returns the name under which an address is counted: a client can use many IPv6 addresses."""
        self.evicted = 0
        """The number of connections that were closed since the start because a limit was reached."""
        self._total = total
        self._strangers_total = max(1, total - int(total * RESERVED_SHARE))
        self._per_address = per_address
        self._max_held_bytes = max_held_bytes
        self._now = now
        self._network_of = network_of
        self._guests: dict[Guest, None] = {}
        self._strangers: dict[Guest, None] = {}
        """The guests whose address was not known when they connected."""
        self._of_address: dict[str, dict[Guest, None]] = {}
        self._held: dict[Guest, int] = {}
        self._held_bytes = 0
        self._known: dict[str, None] = {}
        self._evicted_since_warning = 0
        self._warn_at = float("-inf")

    def __len__(self) -> int:
        return len(self._guests)

    def enter(self, transport: Abortable, address: str) -> Guest:
        """Count a new connection; closes an older one when a limit is reached."""
        address = self._network_of(address)
        same_address = self._of_address.get(address, ())
        known = address in self._known
        if len(same_address) >= self._per_address:
            self._evict(next(iter(same_address)), "CASARE_MAX_UNAUTHENTICATED_PER_ADDRESS")
        # Guests from unknown addresses are closed first, so that known addresses keep their reserve.
        if len(self._guests) >= self._total:
            self._evict(next(iter(self._strangers or self._guests)), "CASARE_MAX_UNAUTHENTICATED")
        elif not known and len(self._strangers) >= self._strangers_total:
            self._evict(next(iter(self._strangers)), "CASARE_MAX_UNAUTHENTICATED")
        guest = Guest(address, False, self, transport)
        self._guests[guest] = None
        self._of_address.setdefault(address, {})[guest] = None
        if not known:
            self._strangers[guest] = None
        return guest

    def hold(self, guest: Guest, size: int) -> None:
        """Called by `Guest.hold`."""
        before = self._held.get(guest, 0)
        if size == before or guest not in self._guests:
            return
        self._held_bytes += size - before
        if size:
            self._held[guest] = size
        else:
            del self._held[guest]
        # The dictionary is in the order in which the guests began to hold bytes.
        while self._held_bytes > self._max_held_bytes:
            self._evict(next(iter(self._held)), "the memory for incomplete requests")

    def admit(self, guest: Guest) -> None:
        """Called by `Guest.admit`."""
        if not self._remove(guest):
            return
        guest.admitted = True
        self._known.pop(guest.address, None)
        self._known[guest.address] = None
        if len(self._known) > MAX_KNOWN_ADDRESSES:
            del self._known[next(iter(self._known))]

    def leave(self, guest: Guest) -> None:
        """Called by `Guest.leave`."""
        self._remove(guest)

    def _remove(self, guest: Guest) -> bool:
        """Whether it was counted until now."""
        if guest not in self._guests:
            return False
        del self._guests[guest]
        self._strangers.pop(guest, None)
        self._held_bytes -= self._held.pop(guest, 0)
        same_address = self._of_address[guest.address]
        del same_address[guest]
        if not same_address:
            del self._of_address[guest.address]
        return True

    def _evict(self, guest: Guest, limit: str) -> None:
        self._remove(guest)
        self.evicted += 1
        self._evicted_since_warning += 1
        if self._now() >= self._warn_at:
            logger.warning(
                "%d connections without a credential were closed, the last from %s: over %s",
                self._evicted_since_warning,
                guest.address,
                limit,
            )
            self._evicted_since_warning = 0
            self._warn_at = self._now() + WARN_AFTER_SECONDS
        guest.abort()
