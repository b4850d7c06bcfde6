"""Tickets for WebSocket connections of a web page: valid once, for one endpoint, for seconds."""

import pytest

from casare_rpa.domain.credentials import Principal, Role
from casare_rpa.domain.errors import AuthError, ProtocolError, RateLimited
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.auth.tickets import MOST_EACH, TICKET_SECONDS, Tickets, is_ticket
from fake_clock import FakeClock

ANA = Principal(Role.ADMIN, "ana", tenant_id="acme", expires_at=1000.0)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def tickets(clock: FakeClock) -> Tickets:
    return Tickets(clock)


def refusal(tickets: Tickets, text: str, endpoint: str) -> CloseCode:
    with pytest.raises(AuthError) as refused:
        tickets.redeem(text, endpoint)
    assert text not in str(refused.value)
    return refused.value.close_code


def test_ticket_authenticates_its_holder_once(tickets: Tickets) -> None:
    text = tickets.issue("/ws/admin", ANA)
    assert is_ticket(text)
    assert tickets.redeem(text, "/ws/admin") == ANA
    assert refusal(tickets, text, "/ws/admin") is CloseCode.AUTH_EXPIRED


def test_ticket_expires_after_seconds(tickets: Tickets, clock: FakeClock) -> None:
    early, late = tickets.issue("/ws/logs", ANA), tickets.issue("/ws/logs", ANA)
    clock.advance(TICKET_SECONDS - 0.1)
    assert tickets.redeem(early, "/ws/logs") == ANA
    clock.advance(0.1)
    assert refusal(tickets, late, "/ws/logs") is CloseCode.AUTH_EXPIRED


def test_ticket_is_for_one_endpoint_and_used_up_by_an_attempt(tickets: Tickets) -> None:
    text = tickets.issue("/ws/logs/alpha", ANA)
    assert refusal(tickets, text, "/ws/logs/beta") is CloseCode.FORBIDDEN
    assert refusal(tickets, text, "/ws/logs/alpha") is CloseCode.AUTH_EXPIRED


@pytest.mark.parametrize(
    "endpoint", ["", "/ws/robot/alpha", "/ws/admin/", "/ws/logs/a/b", "/api/v1/jobs", "/ws/monitoring/x"]
)
def test_endpoint_without_tickets_is_refused(tickets: Tickets, endpoint: str) -> None:
    with pytest.raises(ProtocolError, match="endpoint"):
        tickets.issue(endpoint, ANA)


def test_number_of_unused_tickets_per_user_is_limited(tickets: Tickets, clock: FakeClock) -> None:
    for _ in range(MOST_EACH):
        tickets.issue("/ws/admin", ANA)
    with pytest.raises(RateLimited):
        tickets.issue("/ws/admin", ANA)
    tickets.issue("/ws/admin", Principal(Role.ADMIN, "ben"))
    clock.advance(TICKET_SECONDS)
    tickets.issue("/ws/admin", ANA)
