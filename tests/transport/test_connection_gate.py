"""Connections without a credential: which of them is closed when a limit is reached, and the log of it."""

import logging
from collections.abc import Iterable

import pytest

from casare_rpa.infrastructure.orchestrator.auth.client_address import network_of
from casare_rpa.infrastructure.orchestrator.transport import connection_gate
from casare_rpa.infrastructure.orchestrator.transport.connection_gate import ConnectionGate, Guest
from casare_rpa.infrastructure.orchestrator.transport.open_files import ConnectionLimits, within_open_files

WANTED = ConnectionLimits(websockets=20_000, unauthenticated=4_000, unauthenticated_per_address=2_000)


class Transport:
    def __init__(self) -> None:
        self.aborted = False

    def abort(self) -> None:
        self.aborted = True


class Gate(ConnectionGate):
    """A gate with a clock that the test sets."""

    def __init__(self, total: int = 100, per_address: int = 100, max_held_bytes: int = 1_000) -> None:
        self.time = 0.0
        super().__init__(total=total, per_address=per_address, now=lambda: self.time, max_held_bytes=max_held_bytes)

    def arrivals(self, *addresses: str) -> list[tuple[Guest, Transport]]:
        made = [(address, Transport()) for address in addresses]
        return [(self.enter(transport, address), transport) for address, transport in made]


def aborted(arrivals: Iterable[tuple[Guest, Transport]]) -> list[bool]:
    return [transport.aborted for _, transport in arrivals]


def test_oldest_of_an_address_is_closed_over_its_limit() -> None:
    gate = Gate(per_address=2)
    other, *same = gate.arrivals("b", "a", "a", "a")
    assert aborted([other, *same]) == [False, True, False, False]
    assert len(gate) == 3
    assert gate.evicted == 1


def test_oldest_of_all_is_closed_over_the_total() -> None:
    gate = Gate(total=4)
    assert aborted(gate.arrivals("a", "b", "c", "d")) == [True, False, False, False], "a quarter is for known addresses"


def test_known_address_has_a_reserve_and_replaces_unknown_ones_first() -> None:
    gate = Gate(total=4)
    ((robot, _),) = gate.arrivals("robot")
    robot.admit()
    strangers = gate.arrivals("a", "b", "c")
    robots = gate.arrivals("robot", "robot")
    assert aborted(strangers) == [True, False, False]
    assert aborted(robots) == [False, False]
    assert aborted(gate.arrivals("d")) == [False]
    assert aborted(strangers) == [True, True, False], "the next stranger replaces a stranger"
    assert aborted(robots) == [False, False]


def test_known_address_still_has_its_own_limit() -> None:
    gate = Gate(per_address=2)
    ((robot, _),) = gate.arrivals("robot")
    robot.admit()
    assert aborted(gate.arrivals("robot", "robot", "robot")) == [True, False, False]


def test_admitted_and_ended_connections_do_not_count() -> None:
    gate = Gate(per_address=2)
    (first, transport), (second, _) = gate.arrivals("a", "a")
    first.admit()
    second.leave()
    for guest in (first, second):
        guest.admit()
        guest.leave()
        guest.hold(2_000)
    assert len(gate) == 0
    assert aborted(gate.arrivals("a", "a")) == [False, False]
    assert not transport.aborted
    assert gate.evicted == 0


def test_longest_holder_is_closed_when_incomplete_requests_hold_too_much() -> None:
    gate = Gate()
    arrivals = gate.arrivals("a", "b", "c", "d")
    for (guest, _), size in zip(arrivals[1:], (600, 300, 200), strict=True):
        guest.hold(size)
    assert aborted(arrivals) == [False, True, False, False], "a connection without bytes stays"
    arrivals[2][0].hold(0)
    arrivals[3][0].hold(1_000)
    assert aborted(arrivals) == [False, True, False, False], "released bytes do not count"
    arrivals[3][0].leave()
    arrivals[0][0].hold(1_000)
    assert aborted(arrivals) == [False, True, False, False]


def test_number_of_known_addresses_is_limited() -> None:
    gate = Gate()
    for number in range(connection_gate.MAX_KNOWN_ADDRESSES + 10):
        ((guest, _),) = gate.arrivals(f"10.0.{number // 256}.{number % 256}")
        guest.admit()
    assert len(gate._known) == connection_gate.MAX_KNOWN_ADDRESSES
    assert not gate._of_address


def test_addresses_of_one_network_count_as_one() -> None:
    gate = ConnectionGate(total=100, per_address=2, now=lambda: 0.0, network_of=network_of)
    addresses = ("2001:db8::1", "2001:db8::2:2", "2001:db8:0:1::1", "2001:db8::ffff")
    transports = [Transport() for _ in addresses]
    guests = [gate.enter(transport, address) for transport, address in zip(transports, addresses, strict=True)]
    assert [transport.aborted for transport in transports] == [True, False, False, False]
    assert guests[1].address == guests[3].address == "2001:db8::/64"


def test_one_warning_a_minute_names_the_number_and_the_setting(caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate(per_address=1)
    with caplog.at_level(logging.WARNING):
        gate.arrivals(*["10.0.0.7"] * 500)
        gate.time = 60.0
        gate.arrivals("10.0.0.7")
    first, second = caplog.messages
    assert first == (
        "1 connections without a credential were closed, the last from 10.0.0.7: over "
        "CASARE_MAX_UNAUTHENTICATED_PER_ADDRESS"
    )
    assert second.startswith("499 connections without a credential were closed")


@pytest.mark.parametrize("open_files", [None, 24_064, 1_048_576])
def test_limits_are_kept_if_the_files_suffice(open_files: int | None) -> None:
    assert within_open_files(WANTED, open_files) == WANTED


@pytest.mark.parametrize("open_files", [10, 100, 300, 1_024, 4_096, 20_000])
def test_limits_are_lowered_if_the_files_do_not_suffice(open_files: int) -> None:
    limits = within_open_files(WANTED, open_files)
    assert limits.websockets + limits.unauthenticated <= max(8, open_files - 64)
    assert 4 <= limits.unauthenticated_per_address <= limits.unauthenticated
    assert limits.websockets >= limits.unauthenticated
