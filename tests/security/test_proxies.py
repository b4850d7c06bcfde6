"""Forwarding headers name the client only when a trusted proxy sent them."""

from pathlib import Path

import httpx2
import pytest

from contract.server_process import PASSWORD, serving

CLIENT = "203.0.113.9"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trusted", "forwarded", "address"),
    [
        ("", CLIENT, "127.0.0.1"),
        ("192.0.2.0/24", CLIENT, "127.0.0.1"),
        ("127.0.0.1", CLIENT, CLIENT),
        ("127.0.0.0/8", f"198.51.100.1, {CLIENT}", CLIENT),
        ("127.0.0.1", "not-an-ip-<script>", "unknown"),
    ],
)
def test_forwarding_headers_count_from_trusted_proxies_only(
    tmp_path: Path, trusted: str, forwarded: str, address: str
) -> None:
    with serving(tmp_path, CASARE_TRUSTED_PROXIES=trusted) as server:
        body = {"username": "admin", "password": PASSWORD}
        answer = httpx2.post(f"{server.url}/api/v1/auth/login", json=body, headers={"X-Forwarded-For": forwarded})
        assert answer.status_code == 200
        (session,) = server.get("/sessions")["items"]
    assert session["address"] == address
