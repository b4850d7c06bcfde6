"""The URL of the bus: servers and credentials, and sentences without a part of the URL."""

import pytest

from casare_rpa.domain.bus_urls import FORM, BusServer, parse_bus_url


@pytest.mark.parametrize("text", ["off", "OFF", " off "])
def test_off_has_no_servers(text: str) -> None:
    assert parse_bus_url(text) == ()


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("nats://example.com", BusServer("example.com", 4222, False)),
        ("tls://example.com:4333/", BusServer("example.com", 4333, True)),
        ("nats://ana:p%40ss@example.com", BusServer("example.com", 4222, False, "ana", "p@ss")),
        ("nats://t%3Aken@[::1]:4222", BusServer("::1", 4222, False, None, "t:ken")),
    ],
)
def test_server_has_its_credentials(text: str, server: BusServer) -> None:
    assert parse_bus_url(text) == (server,)


def test_several_servers_are_separated_by_commas() -> None:
    assert [one.place for one in parse_bus_url("nats://a, tls://[::1]:1")] == ["a:4222", "[::1]:1"]


def test_secret_is_not_shown() -> None:
    assert "hidden" not in repr(parse_bus_url("nats://ana:hidden@example.com,nats://hidden@example.com"))


@pytest.mark.parametrize(
    "text",
    [
        "on",
        "",
        "nats://",
        "http://hidden@example.com",
        "nats://ana:hidden@example.com:port",
        "nats://[hidden",
        "nats://example.com/hidden",
        "nats://example.com?hidden=1",
        "nats://example.com#hidden",
        "nats://example.com,off",
        "example.com:4222",
    ],
)
def test_other_urls_are_refused_with_the_form(text: str) -> None:
    with pytest.raises(ValueError, match="must be off, or nats://") as refused:
        parse_bus_url(text)
    assert str(refused.value) == FORM


@pytest.mark.parametrize("text", ["nats://ana:@example.com", "nats://:hidden@example.com", "nats://@example.com"])
def test_empty_credentials_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is empty") as refused:
        parse_bus_url(text)
    assert "hidden" not in str(refused.value)
