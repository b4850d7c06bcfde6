"""An instance asks another one whether it reaches the store. The request has no credential and goes to it alone."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from casare_rpa.infrastructure.orchestrator.communication.instance_check import MAX_ANSWER_BYTES, reaches_store
from postgres_server import free_port

OK = {"status": "ok"}
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answer(body: Any, status: str = "200 OK", *headers: str) -> bytes:
    text = body if isinstance(body, str) else json.dumps(body)
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(text)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + text).encode()


@asynccontextmanager
async def answering(content: bytes, *, closes: bool = True) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that sends this to each request; its address and the heads of the requests."""
    heads: list[bytes] = []
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(content)
        if not closes:
            await over.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heads
        over.set()


@pytest.mark.parametrize(
    ("body", "reaches"),
    [
        (OK, True),
        ({"status": "degraded", "reason": "…", "part": "bus"}, True),
        ({"status": "degraded", "reason": "…", "part": "store"}, False),
        ({"status": "degraded", "reason": "from an older version"}, False),
        ({}, False),
        ([OK], False),
        ("not JSON", False),
        ("[" * MAX_ANSWER_BYTES, False),
        ({**OK, "more": "x" * MAX_ANSWER_BYTES}, False),
    ],
)
async def test_only_a_store_that_commits_is_one(body: Any, reaches: bool) -> None:
    async with answering(answer(body)) as (address, _):
        assert await reaches_store(address) is reaches


@pytest.mark.parametrize("status", ["503 Service Unavailable", "404 Not Found", "204 No Content"])
async def test_instance_that_is_not_ready_does_not_count(status: str) -> None:
    async with answering(answer(OK, status)) as (address, _):
        assert not await reaches_store(address)


async def test_redirect_is_not_followed() -> None:
    async with answering(answer(OK)) as (target, heads):
        async with answering(answer("", "307 Temporary Redirect", f"Location: {target}/health/ready")) as (address, _):
            assert not await reaches_store(address)
        assert heads == []


async def test_request_has_no_credential(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password hidden-word\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with answering(answer(OK)) as (address, heads):
        assert await reaches_store(address)
        lines = heads[0].decode().lower().split("\r\n")
    assert lines[0] == "get /health/ready http/1.1"
    names = {line.partition(":")[0] for line in lines[1:] if line}
    assert not names & {"authorization", "cookie", "x-api-key", "x-api-secret"}


async def test_instance_that_does_not_answer_in_time_does_not_count() -> None:
    async with answering(b"HTTP/1.1 200 OK\r\n", closes=False) as (address, _):
        assert not await reaches_store(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "127.0.0.1",
        "file:///etc/hostname",
        "http://",
        "http://[::1",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:0",
        "http://host with spaces",
        "http://127.0.0.1:{unused}",
        "http://nowhere.invalid:8000",
    ],
)
async def test_address_that_cannot_be_used_does_not_count(address: str) -> None:
    assert not await reaches_store(address.replace("{unused}", str(free_port())))


async def test_address_with_a_password_is_not_asked() -> None:
    async with answering(answer(OK)) as (address, heads):
        assert not await reaches_store(address.replace("//", "//user:hidden-word@"))
        assert heads == []
