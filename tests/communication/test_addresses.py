"""URLs of an orchestrator, and the endpoints derived from them."""

import pytest

from casare_rpa.domain.errors import ConnectFailed
from casare_rpa.infrastructure.orchestrator.communication.addresses import parse_address


@pytest.mark.parametrize(
    ("text", "http", "socket"),
    [
        ("ws://localhost:8000", "http://localhost:8000", "ws://localhost:8000/ws/robot/r-1?api_key=k"),
        ("http://localhost:8000/", "http://localhost:8000", "ws://localhost:8000/ws/robot/r-1?api_key=k"),
        ("wss://rpa.example/fleet/", "https://rpa.example/fleet", "wss://rpa.example/fleet/ws/robot/r-1?api_key=k"),
        (" https://rpa.example ", "https://rpa.example", "wss://rpa.example/ws/robot/r-1?api_key=k"),
        ("http://[::1]:80?x=1#y", "http://[::1]:80", "ws://[::1]:80/ws/robot/r-1?api_key=k"),
    ],
)
def test_address_leads_to_both_interfaces(text: str, http: str, socket: str) -> None:
    address = parse_address(text)
    assert address.http == http
    assert address.robot_socket("r-1", "k") == socket


def test_address_encodes_robot_and_key() -> None:
    url = parse_address("ws://h").robot_socket("a/b?c", "k&y=ü#")
    assert url == "ws://h/ws/robot/a%2Fb%3Fc?api_key=k%26y%3D%C3%BC%23"


def test_address_is_shown_without_its_password() -> None:
    address = parse_address("https://user:canary@rpa.example/x")
    assert address.shown == "https://rpa.example/x"
    assert address.http == "https://user:canary@rpa.example/x"


@pytest.mark.parametrize(
    "text", ["", "localhost:8000", "ftp://h", "http://", "http://h:port", "http://[::1", "ws://a b"]
)
def test_address_is_refused_when_it_is_not_a_url(text: str) -> None:
    with pytest.raises(ConnectFailed, match="http://127") as caught:
        parse_address(text)
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("x.localhost", True),
        ("127.8.9.1", True),
        ("[::1]", True),
        ("10.0.0.1", False),
        ("localhost.example", False),
    ],
)
def test_loopback_addresses_are_recognised(host: str, expected: bool) -> None:
    assert parse_address(f"http://{host}:1").is_loopback is expected
