"""Every handshake that RFC 6455 allows is accepted, in the form of real clients."""

import base64
import os
import re
from urllib.parse import urlsplit

import pytest

from contract.server_process import Account, Server
from contract.stranger import now
from wire.raw_socket import accept_of, connected
from wire.request_heads import CAPTURED, WRITTEN

pytestmark = pytest.mark.slow

HEADS = {**CAPTURED, **WRITTEN}


def with_line(head: str, line: str) -> str:
    return head.replace("\n\n", f"\n{line}\n\n")


def reversed_lines(head: str) -> str:
    first, *lines = head.rstrip("\n").split("\n")
    return "\n".join([first, *reversed(lines), "", ""])


def without(head: str, name: str) -> str:
    return re.sub(rf"(?im)^{name}:.*\n", "", head)


ALLOWED = {
    "as it is": lambda head: head,
    "a length of 0": lambda head: with_line(without(head, "content-length"), "Content-Length: 0"),
    "a length of 00": lambda head: with_line(without(head, "content-length"), "Content-Length: 00"),
    "the headers in the other order": reversed_lines,
    "names in lower case": lambda head: re.sub(r"(?m)^[\w-]+:", lambda name: name[0].lower(), head),
    "names in upper case": lambda head: re.sub(r"(?m)^[\w-]+:", lambda name: name[0].upper(), head),
    "no space after colons": lambda head: re.sub(r"(?m)^([\w-]+): ", r"\1:", head),
    "spaces around values": lambda head: re.sub(r"(?m)^([\w-]+): (.*)$", r"\1: \t \2 \t", head),
    "a whole address": lambda head: head.replace("GET {path}", "GET http://{host}{path}"),
    "two headers for the connection": lambda head: with_line(head, "Connection: keep-alive"),
    "the upgrade in the first of two": lambda head: head.replace("\n", "\nConnection: keep-alive\n", 1),
    "a version of the protocol in capitals": lambda head: re.sub(r"(?im)^(upgrade: )websocket", r"\1WebSocket", head),
    "headers of a proxy": lambda head: with_line(head, "Via: 1.1 proxy\nX-Forwarded-Proto: http"),
    "extensions and protocols that nobody knows": lambda head: with_line(
        head, 'Sec-WebSocket-Extensions: x-a; b="c", x-d\nSec-WebSocket-Protocol: chat, superchat'
    ),
    "a cookie": lambda head: with_line(head, "Cookie: a=b; c=d"),
}


@pytest.mark.parametrize("change", ALLOWED.values(), ids=ALLOWED)
@pytest.mark.parametrize("client", HEADS)
async def test_handshake_is_accepted_and_messages_are_answered(
    client: str, change: object, server: Server, account: Account
) -> None:
    address = server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)
    parts = urlsplit(address)
    key = base64.b64encode(os.urandom(16)).decode()
    text: str = change(HEADS[client])  # type: ignore[operator]
    text = text.replace("{path}", f"{parts.path}?{parts.query}").replace("{host}", parts.netloc).replace("{key}", key)
    async with connected(address) as raw:
        await raw.send(text.replace("\n", "\r\n").encode())
        response = await raw.response()
        assert response.status == 101, response
        assert response.headers["sec-websocket-accept"] == accept_of(f"sec-websocket-key: {key}\r\n".encode())
        assert (await raw.message())["type"] == "connected"
        beat = {"robot_id": account.robot_id, "status": "idle", "cpu_percent": 1, "memory_mb": 1, "timestamp": now()}
        await raw.say("heartbeat", beat, id=1)
        assert (await raw.answer(1))["type"] == "ack"


def test_corpus_has_the_common_clients() -> None:
    for name in (
        "JDK",
        "x/net",
        ".NET",
        "Dart",
        "OkHttp",
        "undici",
        "aiohttp",
        "websocket-client",
        "Mojolicious",
        "curl",
    ):
        assert any(name in client for client in HEADS), name


@pytest.mark.parametrize("value", ["1", "5", "01", "-0", "+0", "0, 0", "0x0", " "])
async def test_length_of_a_body_is_refused(value: str, server: Server, account: Account) -> None:
    address = server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)
    parts = urlsplit(address)
    text = with_line(HEADS["curl"], f"Content-Length: {value}")
    text = text.format(path=f"{parts.path}?{parts.query}", host=parts.netloc, key=base64.b64encode(bytes(16)).decode())
    async with connected(address) as raw:
        await raw.send(text.replace("\n", "\r\n").encode())
        assert (await raw.response()).status == 400
