"""No output of the server at any log level, and no answer, contains a secret."""

from urllib.parse import quote

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from contract.server_process import ADMIN_SECRET, JWT_SECRET, PASSWORD, Account, Server, serving
from contract.stranger import stranger
from contract.test_tickets import ticket_for

WRONG = {
    "api_key": "crpa_canary-wrong-key-0123456789abcdef",
    "api_secret": "canary-wrong-admin-secret-0123456789",
    "token": "canaryWrong.tokenWrong0123456789.signatureWrong0123456789",
}
WRONG_PASSWORD = "canary-wrong-password-0123456789"
ENDPOINTS = {
    "/ws/robot/{robot_id}": "api_key",
    "/ws/admin": "api_secret",
    "/ws/logs": "api_secret",
    "/ws/logs/{robot_id}": "api_secret",
    "/ws/monitoring/live-jobs": "token",
    "/ws/monitoring/robot-status": "token",
    "/ws/monitoring/queue-metrics": "token",
}


def percent(text: str) -> str:
    """Every character as %XX."""
    return "".join(f"%{byte:02X}" for byte in text.encode())


async def visit(address: str, heard: list[str], headers: dict[str, str] | None = None) -> None:
    """Opens an address, sends a message, and stores all answers, also a refusal."""
    try:
        async with stranger(address, additional_headers=headers) as peer:
            await peer.send("nonsense", {})
            await peer.next("error")
            heard.append(repr(peer.seen))
    except InvalidStatus as refusal:
        heard.append(f"{refusal.response.headers} {refusal.response.body!r}")
    except ConnectionClosed as end:
        heard.append(repr(end))


def ask(server: Server, heard: list[str], method: str, path: str, **more) -> None:
    with httpx2.Client(base_url=server.url, timeout=10) as http:
        response = http.request(method, path, **more)
        heard.append(f"{response.headers} {response.text}")


@pytest.mark.slow
async def test_no_secret_is_printed_or_sent(tmp_path, wire: str) -> None:
    heard: list[str] = []
    with serving(tmp_path, CASARE_WIRE=wire, CASARE_LOG_LEVEL="DEBUG") as server:
        account, token = server.robot(), server.token()
        await visit_everything(server, account, token, heard)
        ticket = ticket_for(server, "/ws/admin", {"X-API-Secret": ADMIN_SECRET})
        for _ in range(2):  # accepted once, then refused
            await visit(f"{server.ws('/ws/admin')}?api_secret={ticket}", heard)
        secrets = [ticket, ADMIN_SECRET, JWT_SECRET, PASSWORD, account.api_key, token, WRONG_PASSWORD, *WRONG.values()]
        server.ask_to_stop()
        assert server.wait() == 0
        printed = server.output
    assert "DEBUG" in printed, "the level was set"
    leaks = {
        f"{secret[:8]}… as {form[:12]}…: {line[max(0, at - 60) : at]}"
        for text in (printed, *heard)
        for line in text.lower().splitlines()
        for secret in secrets
        for form in (secret, percent(secret), quote(secret, safe=""), secret[len(secret) // 2 :], secret[:20])
        if (at := line.find(form.lower())) >= 0
    }
    assert leaks == set()


async def visit_everything(server: Server, account: Account, token: str, heard: list[str]) -> None:
    """All endpoints with valid and wrong credentials, plain and percent-encoded, in the query and in headers."""
    good = {"api_key": account.api_key, "api_secret": ADMIN_SECRET, "token": token}
    for endpoint, parameter in ENDPOINTS.items():
        path = endpoint.replace("{robot_id}", account.robot_id)
        for value in (good[parameter], WRONG[parameter]):
            for query in (
                f"{parameter}={value}",
                f"{parameter}={percent(value)}",
                f"{parameter}={value}&{parameter}={value}",
                f"{parameter.upper()}={value}",
                f"{percent(parameter)}={value}",
                f"min_level=LOUD&{parameter}={value}",
            ):
                await visit(server.ws(path) + "?" + query, heard)
            header = {"api_key": "X-API-Key", "api_secret": "X-API-Secret", "token": "Authorization"}[parameter]
            await visit(server.ws(path), heard, {header: f"Bearer {value}" if parameter == "token" else value})
        await visit(server.ws(path + "/no-such-path") + f"?{parameter}={good[parameter]}", heard)
        ask(server, heard, "GET", f"{path}?{parameter}={good[parameter]}")
    for headers in (
        {"X-API-Secret": ADMIN_SECRET},
        {"X-API-Secret": WRONG["api_secret"]},
        {"X-API-Key": account.api_key},
        {"X-API-Key": WRONG["api_key"]},
        {"Authorization": f"Bearer {token}"},
        {"Authorization": f"Bearer {WRONG['token']}"},
    ):
        for path in (
            "/api/v1/jobs",
            f"/api/v1/robots/{account.robot_id}/keys",
            "/health/ready",
            "/metrics",
            "/openapi.json",
        ):
            ask(server, heard, "GET", path, headers=headers)
        ask(server, heard, "POST", "/api/v1/jobs", headers=headers, json={"workflow_id": 7})
    for parameter, value in (*good.items(), *WRONG.items()):
        ask(server, heard, "GET", f"/api/v1/jobs?{parameter}={value}")
        ask(server, heard, "GET", f"/no-such-path?{parameter}={percent(value)}")
    for body in (
        {"username": "admin", "password": WRONG_PASSWORD},
        {"username": 7, "password": PASSWORD},
        {"username": "admin", "password": [PASSWORD]},
        [PASSWORD],
    ):
        ask(server, heard, "POST", "/api/v1/auth/login", json=body)
    ask(server, heard, "POST", "/api/v1/auth/login", content=f'{{"password": "{PASSWORD}"')
