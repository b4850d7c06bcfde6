"""A screen with a view link: its WebSockets show changes, refuse orders, and close when the link is revoked."""

import httpx2
import pytest

from contract.server_process import Account, Server
from contract.stranger import Stopwatch, stranger
from contract.test_tickets import ticket_for

ENDPOINTS = ["/ws/admin", "/ws/logs", "/ws/monitoring/live-jobs"]
WITHIN_SECONDS = 2.0
REFUSAL = "action: this link is for reading only; sign in with a password to do this"


def viewing(server: Server, endpoint: str, code: str) -> str:
    """The address of a WebSocket for a screen."""
    answer = httpx2.post(f"{server.url}/api/v1/auth/link", json={"code": code})
    assert answer.status_code == 200, answer.text
    ticket = ticket_for(server, endpoint, {"Authorization": f"Bearer {answer.json()['access_token']}"})
    parameter = "token" if "monitoring" in endpoint else "api_secret"
    return server.ws(endpoint, **{parameter: ticket})


@pytest.fixture
def link(server: Server) -> dict[str, str]:
    created: dict[str, str] = server.post("/view-links", {"name": "lobby"})
    return created


async def test_order_of_a_screen_is_refused_and_changes_nothing(
    server: Server, account: Account, link: dict[str, str]
) -> None:
    job_id = server.job(account)["job_id"]
    async with stranger(viewing(server, "/ws/admin", link["code"])) as screen:
        await screen.send("subscribe", {"channels": ["jobs"]}, id="s")
        await screen.answer("s")
        for number, action in enumerate(("cancel_job", "drain_robot", "restart_robot", "pause_queue")):
            target = job_id if action == "cancel_job" else account.robot_id if "robot" in action else "default"
            await screen.send("command", {"action": action, "target_id": target}, id=number)
            refused = await screen.answer(number)
            assert refused["payload"]["code"] == "AUTH_FAILED", action
            assert REFUSAL in refused["payload"]["message"], action
        assert server.get(f"/jobs/{job_id}")["status"] == "pending"
        server.post(f"/jobs/{job_id}/cancel", status=200)
        await screen.next("job_update", lambda fields: fields["job_id"] == job_id and fields["status"] == "failed")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_revocation_closes_the_screens_of_the_link(server: Server, endpoint: str, link: dict[str, str]) -> None:
    other = server.post("/view-links", {"name": "canteen"})
    async with (
        stranger(viewing(server, endpoint, link["code"])) as screen,
        stranger(viewing(server, "/ws/admin", other["code"])) as kept,
    ):
        watch = Stopwatch()
        assert server.http.delete(f"/api/v1/view-links/{link['link_id']}").status_code == 204
        assert await screen.closed(WITHIN_SECONDS) == 4001
        assert watch.seconds < WITHIN_SECONDS
        await kept.send("subscribe", {"channels": ["queue"]}, id="s")
        await kept.answer("s")
