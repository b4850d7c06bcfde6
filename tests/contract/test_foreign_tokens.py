"""Programs that have the secret sign tokens as the examples of the contract page do, and the server accepts them."""

import base64
import json
import re
import subprocess
import sys

import httpx2
import jwt
import pytest

from contract.documents import REFERENCE
from contract.server_process import JWT_SECRET, Server
from contract.stranger import stranger

PROGRAMS = {"python": [sys.executable, "-c"], "javascript": ["node", "-e"]}
ENDPOINTS = ("/ws/admin", "/ws/logs", "/ws/logs/any", "/ws/monitoring/live-jobs", "/ws/monitoring/queue-metrics")


def example(language: str) -> str:
    (code,) = re.findall(rf"```{language} token\n(.*?)```", REFERENCE.read_text(encoding="utf-8"), re.DOTALL)
    return code


def minted(language: str, secret: str = JWT_SECRET) -> str:
    """The token that the example of the page prints."""
    program = [*PROGRAMS[language], example(language)]
    environment = {"CASARE_JWT_SECRET": secret}
    done = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=30, check=True)
    return done.stdout.strip()


def claims_of(token: str) -> dict[str, object]:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


async def close_code(address: str) -> int | None:
    async with stranger(address) as peer:
        return await peer.closed()


@pytest.mark.parametrize("language", PROGRAMS)
def test_example_has_ten_lines_at_most(language: str) -> None:
    assert len(example(language).splitlines()) <= 10


@pytest.mark.parametrize("language", PROGRAMS)
async def test_token_of_the_example_is_accepted_by_every_endpoint_with_tokens(language: str, server: Server) -> None:
    token = minted(language)
    for endpoint in ENDPOINTS:
        async with stranger(server.ws(endpoint, token=token)) as peer:
            await peer.send("nonsense", {})
            assert (await peer.next("error"))["code"] == "INVALID_MESSAGE"
    answer = httpx2.get(f"{server.url}/api/v1/robots", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200


@pytest.mark.parametrize("language", PROGRAMS)
async def test_token_signed_with_another_secret_is_refused(language: str, server: Server) -> None:
    token = minted(language, secret="another-secret-of-the-contract-tests-9876543210")
    for endpoint in ENDPOINTS:
        assert await close_code(server.ws(endpoint, token=token)) == 4001


@pytest.mark.parametrize("language", PROGRAMS)
async def test_expired_token_closes_with_4002(language: str, server: Server) -> None:
    claims = {**claims_of(minted(language)), "exp": 1_700_000_000}
    token = jwt.encode(claims, JWT_SECRET.encode(), algorithm="HS256")
    for endpoint in ENDPOINTS:
        assert await close_code(server.ws(endpoint, token=token)) == 4002
