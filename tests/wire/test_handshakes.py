"""Handshakes that are slow, malformed, or refused for their Host or Origin."""

import asyncio
import json
import socket
import time
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import pytest

from casare_rpa.cli.serve import listen
from contract.server_process import ADMIN_SECRET, Account, Server
from contract.stranger import now
from wire.conftest import ENDPOINTS, HANDSHAKE_SECONDS, AddressOf
from wire.raw_socket import RawSocket, Response, connected, handshake, opened

ROBOT, ADMIN, LOGS = "/ws/robot/{robot_id}", "/ws/admin", "/ws/logs"
MALFORMED, AUTH_FAILED, FORBIDDEN, ADDRESS_REFUSED = 4000, 4001, 4003, 4004
SLACK_SECONDS = 5.0
"""The allowed delay after a deadline on a busy machine."""


async def refused(raw: RawSocket, close_code: int, names: str) -> None:
    """Expect one `error` that names the problem, then the close; the client can read both."""
    assert (await raw.response()).status == 101
    error = (await raw.message())["payload"]
    assert error["code"] == ("INVALID_MESSAGE" if close_code == MALFORMED else "AUTH_FAILED")
    assert error["message"].startswith(f"{names}: ")
    assert await raw.closed() == close_code
    assert len(raw.seen) == 1


async def asks(address: str, *, method: str = "GET", **headers: str | list[str] | None) -> Response:
    async with connected(address) as raw:
        await raw.send(handshake(address, method=method, **headers))
        return await raw.response()


def invalid(response: Response, status: int) -> str:
    """The message of an error in the contract's form."""
    assert response.status == status, response
    assert json.loads(response.body)["payload"]["code"] == "INVALID_MESSAGE"
    return response.sentence


# Slow handshakes

DAWDLERS = {
    "nothing": b"",
    "one byte": b"G",
    "empty lines": b"\r\n\r\n",
    "half a request line": b"GET /ws/adm",
    "all but the last byte of a handshake": None,
    "all but the end of a header": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: a",
}


@pytest.mark.slow
async def test_connections_without_a_request_end(server: Server) -> None:
    """All at once, because each takes two seconds. A failure shows the bytes."""
    async with asyncio.TaskGroup() as group:
        for sent in DAWDLERS.values():
            group.create_task(ends_without_a_request(server, sent))


async def ends_without_a_request(server: Server, sent: bytes | None) -> None:
    address = server.ws(ADMIN)
    began = time.monotonic()
    async with connected(address) as raw:
        await raw.send(handshake(address)[:-1] if sent is None else sent)
        assert "not complete within 1 seconds" in invalid(await raw.response(), 408), sent
        assert await raw.ended() == b"", sent
    assert HANDSHAKE_SECONDS * 0.9 <= time.monotonic() - began < HANDSHAKE_SECONDS + SLACK_SECONDS, sent


@pytest.mark.slow
async def test_slow_handshake_ends_at_the_deadline(address_of: AddressOf) -> None:
    address = address_of(ADMIN)
    began = time.monotonic()
    async with connected(address) as raw:
        answering = asyncio.create_task(raw.response())
        for byte in handshake(address):
            await raw.send(bytes([byte]))
            await asyncio.wait({answering}, timeout=0.02)
            if answering.done():
                break
        assert (await answering).status == 408
    assert time.monotonic() - began < HANDSHAKE_SECONDS + SLACK_SECONDS


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/api/v1/jobs", "/api/v1/auth/login"])
async def test_slow_body_ends_the_connection_with_the_reason(server: Server, path: str) -> None:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Secret: {ADMIN_SECRET}\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    )
    began = time.monotonic()
    async with connected(server.ws("/")) as raw:
        await raw.send(head.encode() + b'{"workflow_id": "w"')
        assert "not complete within 1 seconds" in invalid(await raw.response(), 408)
        assert await raw.ended() == b""
    assert HANDSHAKE_SECONDS * 0.9 <= time.monotonic() - began < HANDSHAKE_SECONDS + SLACK_SECONDS


@pytest.mark.slow
async def test_slow_body_of_an_answered_request_has_no_second_response(server: Server) -> None:
    async with connected(server.ws("/")) as raw:
        await raw.send(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
        assert (await raw.response()).status == 200
        assert await raw.ended(HANDSHAKE_SECONDS + SLACK_SECONDS) == b""


@pytest.mark.slow
async def test_later_request_of_a_kept_connection_has_the_deadline_too(server: Server) -> None:
    async with connected(server.ws("/")) as raw:
        for _ in range(3):
            await raw.send(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert (await raw.response()).status == 200
        await raw.send(b"\r\n")
        assert (await raw.response()).status == 408
        assert await raw.ended() == b""


@pytest.mark.slow
async def test_open_websocket_may_be_silent_for_longer_than_the_deadline(address_of: AddressOf) -> None:
    async with opened(address_of(ADMIN)) as raw:
        with pytest.raises(TimeoutError):
            await raw.frame(HANDSHAKE_SECONDS * 1.5)
        await raw.say("subscribe", {"channels": []}, id=1)
        assert (await raw.answer(1))["type"] == "ack"


@pytest.mark.slow
async def test_hundred_silent_connections_do_not_block_others(server: Server, address_of: AddressOf) -> None:
    async with AsyncExitStack() as stack:
        idle = [await stack.enter_async_context(connected(server.ws("/"))) for _ in range(100)]
        async with opened(address_of(ADMIN)) as raw:
            await raw.say("subscribe", {"channels": []}, id=1)
            assert (await raw.answer(1))["type"] == "ack"
        for raw in idle:
            assert (await raw.response()).status == 408


@pytest.mark.slow
@pytest.mark.long
async def test_viewer_that_does_not_read_is_closed_and_delays_no_other(
    server: Server, address_of: AddressOf, account: Account
) -> None:
    """A viewer whose queue stays full for five seconds is closed: 4011 if it ever reads up to that, or a reset."""
    line = {"robot_id": account.robot_id, "level": "INFO", "message": "x" * 60_000, "timestamp": now()}
    address = address_of(LOGS)
    async with connected(address, receive_buffer_bytes=4096) as stalled, opened(address_of(ROBOT)) as robot:
        await stalled.send(handshake(address))
        assert (await stalled.response()).status == 101
        for number in range(120):
            await robot.say("log", line, id=number)
        for number in range(120):
            assert (await robot.answer(number))["type"] == "ack"
        connections = 'casare_connections{endpoint="/ws/logs"}'
        began = time.monotonic()
        number = 120
        while any(line.startswith(connections) and float(line.split()[-1]) for line in _metrics(server)):
            assert time.monotonic() - began < 60, "the stalled viewer is still connected"
            # The kernel may have accepted nearly all of it. The queue stays full while more arrives.
            await robot.say("log", line, id=number)
            assert (await robot.answer(number))["type"] == "ack"
            number += 1
            await asyncio.sleep(0.1)


def _metrics(server: Server) -> list[str]:
    return server.http.get("/metrics").text.splitlines()


def test_kernel_gives_up_a_silent_peer_after_20_seconds() -> None:
    """Only where the platform supports it; accepted sockets inherit it."""
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    with listen("127.0.0.1", 0) as listener:
        assert option is None or listener.getsockopt(socket.IPPROTO_TCP, option) == 20_000


# Queries and paths

BAD_QUERIES = {
    "twice the same": "{name}={secret}&{name}={secret}",
    "twice, the second wrong": "{name}={secret}&{name}=wrong",
    "twice another one": "{name}={secret}&x=1&x=2",
    "twice, once percent-encoded": "{name}={secret}&%61{rest}={secret}",
    "9 KB": "{name}={secret}&x=" + "x" * 9_000,
    "60 KB": "{name}={secret}&x=" + "x" * 60_000,
    "just over 4 KiB": "{name}={secret}&x=" + "x" * 4_096,
    "no UTF-8 behind a percent sign": "{name}={secret}&x=%ff",
    "forty parameters": "{name}={secret}&" + "&".join(f"x{number}=1" for number in range(40)),
}


@pytest.mark.parametrize("query", BAD_QUERIES.values(), ids=BAD_QUERIES)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_malformed_query_of_a_handshake_is_refused(endpoint: str, query: str, address_of: AddressOf) -> None:
    good = urlsplit(address_of(endpoint))
    name, _, secret = good.query.partition("=")
    if "%61" in query and not name.startswith("a"):
        query = query.replace("%61{rest}", "%74{rest}")
    asked = query.format(name=name, secret=secret, rest=name[1:])
    address = good._replace(query=asked).geturl()
    async with connected(address) as raw:
        await raw.send(handshake(address))
        await refused(raw, AUTH_FAILED, "query")


BAD_CREDENTIALS = {
    "none": "",
    "empty": "{name}=",
    "NUL": "{name}=%00",
    "NUL after it": "{name}={secret}%00",
    "a space before it": "{name}=%20{secret}",
    "a replacement character": "{name}=%EF%BF%BD",
    "3 KB": "{name}=" + "x" * 3_000,
    "two dots": "{name}=a.b.c",
}


@pytest.mark.parametrize("query", BAD_CREDENTIALS.values(), ids=BAD_CREDENTIALS)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_invalid_credential_is_refused(endpoint: str, query: str, address_of: AddressOf) -> None:
    good = urlsplit(address_of(endpoint))
    name, _, secret = good.query.partition("=")
    address = good._replace(query=query.format(name=name, secret=secret)).geturl()
    async with connected(address) as raw:
        await raw.send(handshake(address))
        await refused(raw, AUTH_FAILED, name)


ROBOT_IDS = {
    "a path up": "..%2Fx",
    "300 characters": "r" * 300,
    "NUL": "a%00b",
    "no UTF-8": "%ff%fe",
    "a line break": "a%0D%0Ab",
    "a quote": "a'%20OR%201=1--",
    "unknown": "nobody",
}


@pytest.mark.parametrize("robot_id", ROBOT_IDS.values(), ids=ROBOT_IDS)
async def test_robot_id_that_differs_from_the_key_is_refused(
    robot_id: str, account: Account, server: Server, address_of: AddressOf
) -> None:
    address = server.ws(f"/ws/robot/{robot_id}", api_key=account.api_key)
    if "%2F" in robot_id:  # this is another path, which does not exist
        assert "there is no WebSocket at this path" in invalid(await asks(address), 404)
    else:
        async with connected(address) as raw:
            await raw.send(handshake(address))
            await refused(raw, FORBIDDEN, "api_key")
    if robot_id not in ("nobody", "..%2Fx"):
        address = server.ws(f"/ws/logs/{robot_id}", api_secret=ADMIN_SECRET)
        async with connected(address) as raw:
            await raw.send(handshake(address))
            await refused(raw, MALFORMED, "robot_id")


async def test_robot_of_another_tenant_is_refused(server: Server, account: Account) -> None:
    other = server.robot(server.tenant())
    address = server.ws(f"/ws/robot/{other.robot_id}", api_key=account.api_key)
    async with connected(address) as raw:
        await raw.send(handshake(address))
        await refused(raw, FORBIDDEN, "api_key")


@pytest.mark.parametrize("tenant_id", ["%00", "..%2Fx", "t" * 300, "a%20b"])
async def test_malformed_tenant_is_refused(tenant_id: str, address_of: AddressOf) -> None:
    address = f"{address_of(LOGS)}&tenant_id={tenant_id}"
    async with connected(address) as raw:
        await raw.send(handshake(address))
        await refused(raw, MALFORMED, "tenant_id")


@pytest.mark.parametrize("level", ["LOUD", "%00", "l" * 300])
async def test_unknown_level_is_refused(level: str, address_of: AddressOf) -> None:
    address = f"{address_of(LOGS)}&min_level={level}"
    async with connected(address) as raw:
        await raw.send(handshake(address))
        await refused(raw, MALFORMED, "min_level")


async def test_address_that_is_not_ascii_or_too_long_is_refused(server: Server) -> None:
    assert "not well formed" in invalid(await asks(server.ws("/ws/ädmin")), 400)
    assert "not well formed" in invalid(await asks(server.ws(ADMIN) + "?api_secret=ä€😀"), 400)
    assert "not well formed" in invalid(await asks(server.ws("/ws/a\x00dmin")), 400)
    assert "too long" in invalid(await asks(server.ws("/ws/robot/" + "r" * 9_000)), 431)


async def test_handshake_with_a_body_is_refused(server: Server) -> None:
    assert "body" in invalid(await asks(server.ws(ADMIN), content_length="5"), 400)
    assert "body" in invalid(await asks(server.ws(ADMIN), transfer_encoding="chunked"), 400)


GET = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
NO_HTTP = {
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "garbage after a request": GET + b"\r\n\x00\x01\x02\r\n\r\n",
    "a header without a colon": GET + b"nothing\r\n\r\n",
    "a space before the colon": GET + b"Content-Length : 5\r\n\r\n",
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
    "a length and chunks": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk of no length": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a length below zero": POST + b"Content-Length: -1\r\n\r\n",
    "a handshake right after a request": GET + b"\r\n" + handshake("ws://localhost/ws/admin"),
}


@pytest.mark.parametrize("sent", NO_HTTP.values(), ids=NO_HTTP)
async def test_bytes_that_are_not_http_are_refused(sent: bytes, server: Server) -> None:
    async with connected(server.ws("/")) as raw:
        await raw.send(sent + b"more" * 10_000)
        invalid(await raw.response(), 400)
        assert await raw.ended() == b""


async def test_endless_request_head_is_refused(server: Server) -> None:
    async with connected(server.ws("/")) as raw:
        answering = asyncio.create_task(raw.response())
        await raw.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ")
        while not answering.done():
            await raw.send(b"x" * 8192)
            await asyncio.wait({answering}, timeout=0.01)
        assert "head is over 65536 bytes" in invalid(answering.result(), 431)


# Origins and hosts


def other_origins(own: str) -> list[str]:
    """Origins that are not ours, although some look like it."""
    return [
        "https://evil.example",
        "null",
        "",
        "https://app.example.com.evil",
        "https://evil-app.example.com",
        "https://app.example.com@evil",
        "https://app.example.com:444",
        "http://app.example.com",
        "https://APP.example.com/",
        f"{own}.evil",
        f"{own}0",
        own.replace("http", "https"),
        "file://",
    ]


@pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if not one.startswith("/ws/monitoring")])
async def test_page_of_a_foreign_origin_is_refused(endpoint: str, address_of: AddressOf) -> None:
    address = address_of(endpoint)
    for origin in other_origins(f"http://{urlsplit(address).netloc}"):
        async with connected(address) as raw:
            await raw.send(handshake(address, origin=origin))
            await refused(raw, ADDRESS_REFUSED, "origin")


@pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if one.startswith("/ws/monitoring")])
async def test_page_of_any_origin_with_a_token_in_its_address_can_connect(
    endpoint: str, address_of: AddressOf, token: str
) -> None:
    address = address_of(endpoint)
    own = f"http://{urlsplit(address).netloc}"
    for origin in other_origins(own):
        async with opened(address, origin=origin) as raw:
            await raw.say("nonsense", {})
            assert (await raw.next("error"))["payload"]["code"] == "INVALID_MESSAGE"
    without_query = address.partition("?")[0]
    async with connected(address) as raw:
        await raw.send(handshake(without_query, origin=f"{own}0", authorization=f"Bearer {token}"))
        await refused(raw, ADDRESS_REFUSED, "origin")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_own_pages_and_programs_are_accepted(endpoint: str, address_of: AddressOf) -> None:
    address = address_of(endpoint)
    for origin in (None, "https://app.example.com", f"http://{urlsplit(address).netloc}"):
        async with opened(address, origin=origin) as raw:
            await raw.say("nonsense", {})
            assert (await raw.next("error"))["payload"]["code"] == "INVALID_MESSAGE"


OUR_HOSTS = [
    "localhost",
    "LOCALHOST:1",
    "orchestrator.localhost",
    "127.0.0.1",
    "192.0.2.7:8000",
    "[::1]:8000",
    "casare.example.com",
    "Casare.Example.COM.:443",
    socket.gethostname(),
]
OTHER_HOSTS = {
    "evil": "evil.example",
    "prefix of ours": "casare.example.com.evil",
    "suffix of ours": "evil-casare.example.com",
    "address within a name": "127.0.0.1.evil.example",
    "address as one number": "2130706433",
    "address in hexadecimal": "0x7f000001",
    "localhost within a name": "localhost.evil",
    "user": "localhost@evil.example",
    "empty": "",
    "only a port": ":8000",
    "no port": "evil.example:",
    "port that is none": "localhost:x",
    "brackets around a name": "[localhost]",
    "two of them": ["localhost", "evil.example"],
    "two good ones": ["localhost", "localhost"],
    "a list": "localhost, evil.example",
    "none": None,
}


@pytest.mark.parametrize("host", OTHER_HOSTS.values(), ids=OTHER_HOSTS)
async def test_request_for_another_host_is_refused(
    host: str | list[str] | None, address_of: AddressOf, server: Server
) -> None:
    for endpoint in (ROBOT, ADMIN, "/ws/monitoring/live-jobs"):
        address = address_of(endpoint)
        async with connected(address) as raw:
            await raw.send(handshake(address, host=host))
            await refused(raw, ADDRESS_REFUSED, "host")
    response = await asks(server.ws("/health/live"), host=host, upgrade=None, connection=None)
    assert "CASARE_ALLOWED_HOSTS" in invalid(response, 421)


@pytest.mark.parametrize("header", ["user_agent", "cookie", "x_name"])
async def test_non_ascii_header_is_accepted(header: str, address_of: AddressOf) -> None:
    async with opened(address_of(ADMIN), **{header: "name=Zoë ä€😀"}) as raw:
        await raw.say("subscribe", {"channels": []}, id=1)
        assert (await raw.answer(1))["type"] == "ack"


@pytest.mark.parametrize("host", OUR_HOSTS)
async def test_request_for_an_own_host_is_answered(host: str, address_of: AddressOf, server: Server) -> None:
    async with opened(address_of(ADMIN), host=host) as raw:
        await raw.say("subscribe", {"channels": []}, id=1)
        assert (await raw.answer(1))["type"] == "ack"
    response = await asks(server.ws("/health/live"), host=host, upgrade=None, connection=None)
    assert response.status == 200


async def test_request_of_http_1_0_needs_no_host_header(server: Server) -> None:
    address = server.ws("/health/live")
    async with connected(address) as raw:
        await raw.send(handshake(address, version="HTTP/1.0", host=None, upgrade=None, connection=None))
        assert (await raw.response()).status == 200


# Paths

WRONG_PATHS = {
    "/ws/nowhere": None,
    "/ws": None,
    "/ws/robot": None,
    "/ws/monitoring/live_jobs": "/ws/monitoring/live-jobs",
    "/WS/monitoring/Live-Jobs": "/ws/monitoring/live-jobs",
    "/WS/Robot/Alpha-07": "/ws/robot/Alpha-07",
    "/ws//admin//": "/ws/admin",
    "//ws//admin": "/ws/admin",
    "/nowhere": None,
    "/" + "x" * 4_000: None,
}


@pytest.mark.parametrize(("path", "right"), WRONG_PATHS.items(), ids=[path[:30] for path in WRONG_PATHS])
async def test_wrong_path_is_answered_with_the_right_one(path: str, right: str | None, server: Server) -> None:
    answer = await asks(server.ws("") + path)
    sentence = invalid(answer, 404)
    assert answer.headers["content-type"] == "application/json"
    assert sentence.startswith("there is no WebSocket at this path; ")
    assert (f"did you mean {right}?" if right else "/ws/robot/{robot_id}") in sentence
    if path.startswith(("/ws", "//ws")):
        assert invalid(await asks(server.ws("") + path, upgrade=None, connection=None), 404) == sentence


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_slash_at_the_end_and_one_doubled_slash_are_ignored(endpoint: str, address_of: AddressOf) -> None:
    address = urlsplit(address_of(endpoint))
    for path in (f"{address.path}/", f"/{address.path}", address.path.replace("/ws/", "/ws//"), f"/{address.path}/"):
        async with opened(address_of(endpoint).replace(address.path, path, 1)) as raw:
            await raw.say("nonsense", {})
            assert (await raw.next("error"))["payload"]["code"] == "INVALID_MESSAGE"


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_request_without_an_upgrade_is_answered_with_the_missing_headers(
    endpoint: str, method: str, address_of: AddressOf
) -> None:
    for headers in ({"upgrade": None, "connection": None}, {"connection": "close"}, {"upgrade": None}):
        answer = await asks(address_of(endpoint), method=method, **headers)
        assert "a proxy on the way" in invalid(answer, 426)
        assert answer.headers["upgrade"] == "websocket"
        assert answer.headers["sec-websocket-version"] == "13"
