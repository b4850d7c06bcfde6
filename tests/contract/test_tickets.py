"""A web page opens each of its WebSockets with a ticket, never with a secret."""

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed

from contract.server_process import ADMIN_SECRET, Server, serving
from contract.stranger import stranger

ENDPOINTS = {
    "/ws/admin": "api_secret",
    "/ws/logs": "api_secret",
    "/ws/logs/some-robot": "api_secret",
    "/ws/monitoring/live-jobs": "token",
    "/ws/monitoring/robot-status": "token",
    "/ws/monitoring/queue-metrics": "token",
}


def ticket_for(server: Server, endpoint: str, headers: dict[str, str]) -> str:
    response = httpx2.post(f"{server.url}/api/v1/ws-tickets", json={"endpoint": endpoint}, headers=headers)
    assert response.status_code == 201, response.text
    assert response.headers["cache-control"] == "no-store"
    return str(response.json()["ticket"])


async def closed_with(address: str) -> tuple[int, str]:
    """The close code, and the error before it."""
    async with stranger(address) as peer:
        error = await peer.next("error")
        with pytest.raises(ConnectionClosed) as end:
            await peer.receive()
    return end.value.rcvd.code, error["message"]


@pytest.mark.parametrize(("endpoint", "parameter"), ENDPOINTS.items())
async def test_ticket_is_valid_once_for_its_endpoint(server: Server, token: str, endpoint: str, parameter: str) -> None:
    ticket = ticket_for(server, endpoint, {"Authorization": f"Bearer {token}"})
    address = f"{server.ws(endpoint)}?{parameter}={ticket}"
    async with stranger(address) as peer:
        await peer.send("nonsense", {})
        assert (await peer.next("error"))["code"] == "INVALID_MESSAGE", "a refused connection is not read"
    code, sentence = await closed_with(address)
    assert (code, sentence) == (4002, "ticket: unknown, used or expired; get a fresh one")


@pytest.mark.parametrize("path", ["/ws/logs/site:desk.7", "/ws/logs/site%3Adesk.7"])
async def test_path_of_a_ticket_may_be_percent_encoded(server: Server, path: str) -> None:
    ticket = ticket_for(server, path, {"X-API-Secret": ADMIN_SECRET})
    async with stranger(f"{server.ws('/ws/logs/site%3Adesk.7')}?api_secret={ticket}") as peer:
        await peer.send("nonsense", {})
        assert (await peer.next("error"))["code"] == "INVALID_MESSAGE", "the connection is open"


async def test_ticket_for_another_endpoint_is_forbidden(server: Server) -> None:
    ticket = ticket_for(server, "/ws/logs", {"X-API-Secret": ADMIN_SECRET})
    assert (await closed_with(f"{server.ws('/ws/admin')}?api_secret={ticket}"))[0] == 4003


async def test_ticket_is_not_accepted_as_robot_key(server: Server, account) -> None:
    ticket = ticket_for(server, "/ws/admin", {"X-API-Secret": ADMIN_SECRET})
    address = f"{server.ws(f'/ws/robot/{account.robot_id}')}?api_key={ticket}"
    assert (await closed_with(address))[0] == 4001


def test_ticket_requires_an_admin(server: Server, account) -> None:
    for headers, status in (({}, 401), ({"X-API-Key": account.api_key}, 403), ({"X-API-Secret": "wrong"}, 401)):
        url = f"{server.url}/api/v1/ws-tickets"
        assert httpx2.post(url, json={"endpoint": "/ws/admin"}, headers=headers).status_code == status
    bad = httpx2.post(url, json={"endpoint": "/ws/robot/alpha"}, headers={"X-API-Secret": ADMIN_SECRET})
    assert bad.status_code == 422
    assert "endpoint" in bad.json()["payload"]["message"]


@pytest.mark.slow
async def test_ticket_works_once_after_the_server_was_killed(tmp_path) -> None:
    with serving(tmp_path) as server:
        ticket = ticket_for(server, "/ws/admin", {"X-API-Secret": ADMIN_SECRET})
        server.process.kill()
        server.wait()
    with serving(tmp_path) as server:
        address = f"{server.ws('/ws/admin')}?api_secret={ticket}"
        async with stranger(address) as peer:
            await peer.send("nonsense", {})
            assert (await peer.next("error"))["code"] == "INVALID_MESSAGE", "the connection is open"
        assert (await closed_with(address))[0] == 4002
