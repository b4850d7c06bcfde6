"""No request without a credential causes an error of the server, a long record, or much work.

Work is counted in CPU seconds, bytes of memory and bytes of log of the server's process.
"""

import asyncio
import json

import pytest

from contract.server_process import ADMIN_SECRET, Server
from security.conftest import blameless, cpu_seconds, memory_bytes
from wire.raw_socket import TEXT, RawSocket, connected, frame, handshake

ROUNDS = 10
ATTEMPTS = 3
"""Other work of the machine and of the server only adds to a measurement, so the smallest one counts."""
CPU_SECONDS = 0.02
"""The largest cost of one hostile request."""
MEMORY_BYTES = 1024 * 1024
KB60 = 60_000
HOST = b"Host: localhost\r\n"


def get(path: str, *headers: str, method: str = "GET") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def post(path: str, body: bytes, *headers: str) -> bytes:
    length = f"Content-Length: {len(body)}"
    return get(path, "Content-Type: application/json", length, *headers, method="POST") + body


def chunked(path: str, *pieces: bytes) -> bytes:
    head = get(path, "Content-Type: application/json", "Transfer-Encoding: chunked", method="POST")
    return head + b"".join(pieces)


def upgrade(path: str, **headers: str) -> bytes:
    return handshake(f"ws://localhost{path}", **headers)


PATHS = {
    "tokens": "/" + "eyJ" * (KB60 // 3),
    "one long part": "/" + "x" * KB60,
    "many parts": "/x" * (KB60 // 2),
    "dots": "/.." * (KB60 // 3),
    "slashes": "/" * KB60,
    "escapes": "/" + "%41" * (KB60 // 3),
    "escaped NULs": "/" + "%00" * (KB60 // 3),
    "no UTF-8": "/" + "%ff" * (KB60 // 3),
    "a file of that length": "/" + "x" * 255 + ".js",
    "of the API": "/api/v1/jobs/" + "x" * KB60,
    "of the API, many parts": "/api/v1" + "/jobs" * (KB60 // 5),
    "of a robot": "/api/v1/robots/" + "%41" * (KB60 // 3) + "/keys",
    "tokens of the API": "/api/v1/jobs/" + "eyJ" * (KB60 // 3),
    "of WebSockets": "/ws/robot/" + "x" * KB60,
    "a query": "/api/v1/jobs?" + "a=1&" * (KB60 // 4),
    "a query of escapes": "/?" + "%3f%26" * (KB60 // 6),
    "a query of question marks": "/health/live?%" + "?" * KB60,
}
HEADERS = {
    "one long": "X-Long: " + "x" * KB60,
    "a long credential": "X-API-Secret: " + "eyJ" * (KB60 // 3),
    "a long token": "Authorization: Bearer " + "a." * (KB60 // 2),
    "a long key": "X-API-Key: crpa_" + "a" * KB60,
    "a long cookie": "Cookie: " + "a=b; " * (KB60 // 5),
    "many addresses": "X-Forwarded-For: " + "127.0.0.1," * (KB60 // 10),
    "a strange address": "X-Forwarded-For: not-an-ip-<script>\x1b[2J",
    "many encodings": "Accept-Encoding: " + "gzip," * (KB60 // 5),
    "a long request id": "X-Request-ID: " + "x" * KB60,
    "a list of connections": "Connection: " + "close," * (KB60 // 6),
    "a long range": "Range: bytes=" + "0-1," * (KB60 // 4),
    "another protocol": "Connection: Upgrade\r\nUpgrade: h2c",
}
BODIES = {
    "brackets": b"[" * 1_000_000,
    "digits": b'{"workflow_id": ' + b"9" * 1_000_000 + b"}",
    "escapes": b'{"workflow_id": "' + b"\\u0000" * 160_000 + b'"}',
    "keys": b"{" + b",".join(b'"k%d":0' % number for number in range(80_000)) + b"}",
    "no JSON": b"\xff" * 1_000_000,
}
HOSTILE = {
    **{f"path: {name}": get(path) for name, path in PATHS.items()},
    **{f"other method: {name}": get(path, method="DELETE") for name, path in PATHS.items()},
    **{f"header: {name}": get("/api/v1/jobs", header) for name, header in HEADERS.items()},
    **{f"header of a page: {name}": get("/nothing.js", header) for name, header in HEADERS.items()},
    **{f"handshake, path: {name}": upgrade(path) for name, path in PATHS.items()},
    "many headers": get("/api/v1/jobs", *["a: b"] * 10_000),
    "many headers of a handshake": upgrade("/ws/admin", **{f"x{number}": "y" for number in range(250)}),
    "many subprotocols": upgrade("/ws/admin", sec_websocket_protocol="a," * 4_000),
    "many extensions": upgrade("/ws/admin", sec_websocket_extensions="a;b=1," * 1_300),
    "a long origin": upgrade("/ws/admin", origin="http://" + "x" * 8_000),
    "a long host": upgrade("/ws/admin", host="x." * 4_000),
    "a long credential": upgrade("/ws/admin?api_secret=" + "eyJ" * 1_300),
    "frames behind a handshake": upgrade("/ws/admin") + frame(TEXT, b"x" * 10) * 15_000,
    "a large frame behind a handshake": upgrade("/ws/admin") + frame(TEXT, b"x" * 250_000),
    "trailers": chunked("/api/v1/auth/login", b"2\r\n{}\r\n0\r\n", b"a: b\r\n" * 40_000),
    "one long trailer": chunked("/api/v1/auth/login", b"2\r\n{}\r\n0\r\na: ", b"b" * 250_000),
    "a long chunk extension": chunked("/api/v1/auth/login", b"2;", b"x" * 250_000),
    "small chunks": chunked("/api/v1/auth/login", b"1\r\nx\r\n" * 40_000, b"0\r\n\r\n"),
    **{f"body of a job: {name}": post("/api/v1/jobs", body) for name, body in BODIES.items()},
    **{f"body of a login: {name}": post("/api/v1/auth/login", body) for name, body in BODIES.items()},
    **{f"body of a batch: {name}": post("/api/v1/jobs/batch", body) for name, body in BODIES.items()},
}


async def provoke(server: Server, request: bytes) -> bytes:
    """The answer of the server until it closes; the client gives up after a second."""
    async with connected(server.ws("/")) as raw:
        try:
            async with asyncio.timeout(1.0):
                await raw.send(request)
                return await raw.reader.read(65_536)
        except (TimeoutError, ConnectionError):
            return b""


@pytest.mark.slow
@pytest.mark.parametrize("request_bytes", HOSTILE.values(), ids=HOSTILE)
async def test_hostile_request_causes_no_error_and_little_work(request_bytes: bytes, server: Server) -> None:
    await provoke(server, request_bytes)
    lines, costs = len(server.lines), [float("inf")]
    while min(costs) > CPU_SECONDS and len(costs) <= ATTEMPTS:
        cpu = cpu_seconds(server)
        for _ in range(ROUNDS):
            answer = await provoke(server, request_bytes)
            assert not answer.startswith(b"HTTP/1.1 5"), answer[:300]
        costs.append((cpu_seconds(server) - cpu) / ROUNDS)
    assert min(costs) <= CPU_SECONDS
    assert len(server.lines) - lines <= ROUNDS * ATTEMPTS + 1, "at most one line for each"
    blameless(server)


@pytest.mark.slow
async def test_memory_does_not_grow(server: Server) -> None:
    """After a first round, which fills caches and the free lists of the allocator."""
    for request in HOSTILE.values():
        await provoke(server, request)
    before = memory_bytes(server)
    for request in HOSTILE.values():
        await provoke(server, request)
    assert memory_bytes(server) - before <= 8 * MEMORY_BYTES


async def flood(raw: RawSocket, piece: bytes, most_bytes: int) -> int:
    """Send a piece again and again until the server has answered; returns the bytes that were sent."""
    answered = asyncio.create_task(raw.reader.read(1))
    sent = 0
    while not answered.done() and sent < most_bytes:
        raw.writer.write(piece)
        sent += len(piece)
        await asyncio.wait({answered, asyncio.create_task(raw.writer.drain())}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0)
    answered.cancel()
    return sent


ENDLESS = {
    "trailers": (chunked("/api/v1/auth/login", b"2\r\n{}\r\n0\r\n"), b"a: b\r\n" * 1_000),
    "a trailer": (chunked("/api/v1/auth/login", b"2\r\n{}\r\n0\r\na: "), b"b" * 8_192),
    "the name of a trailer": (chunked("/api/v1/auth/login", b"2\r\n{}\r\n0\r\n"), b"b" * 8_192),
    "a chunk extension": (chunked("/api/v1/auth/login", b"2;"), b"b" * 8_192),
    "headers": (b"GET / HTTP/1.1\r\n" + HOST, b"a: b\r\n" * 1_000),
    "a header": (b"GET / HTTP/1.1\r\nA: ", b"b" * 8_192),
    "an address": (b"GET /", b"b" * 8_192),
}


@pytest.mark.parametrize(("begin", "piece"), ENDLESS.values(), ids=ENDLESS)
async def test_bytes_that_are_not_a_body_are_read_up_to_64_kib(begin: bytes, piece: bytes, server: Server) -> None:
    before = memory_bytes(server)
    async with connected(server.ws("/")) as raw:
        await raw.send(begin)
        sent = await flood(raw, piece, 64 * 1024 * 1024)
    assert sent < 16 * 1024 * 1024, "the size of the buffers of both kernels"
    assert memory_bytes(server) - before <= 4 * MEMORY_BYTES


@pytest.mark.parametrize(("chunk_bytes", "status"), [(1, 431), (48, 201), (4096, 201)])
async def test_body_may_have_any_number_of_chunks_but_very_small_ones(
    chunk_bytes: int, status: int, server: Server
) -> None:
    body = json.dumps({"workflow_id": "chunks", "parameters": {"text": "x" * 200_000}}).encode()
    chunks = [body[at : at + chunk_bytes] for at in range(0, len(body), chunk_bytes)]
    headers = f"X-API-Secret: {ADMIN_SECRET}", "Content-Type: application/json", "Transfer-Encoding: chunked"
    head = get("/api/v1/jobs", *headers, method="POST")
    async with connected(server.ws("/")) as raw:
        await raw.send(head + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""]))
        assert (await raw.response()).status == status


async def test_trailer_does_not_count_as_a_header(server: Server) -> None:
    head = b"GET /api/v1/tenants HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    async with connected(server.ws("/")) as raw:
        await raw.send(head + f"0\r\nX-API-Secret: {ADMIN_SECRET}\r\n\r\n".encode())
        assert (await raw.response()).status == 401
        await raw.send(head + b"0\r\n\r\n")
        assert (await raw.response()).status == 401, "the next request of the connection is read unchanged"


async def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    paths = ["/health/live", "/api/v1/nothing", "/health/live", "/api/v1/tenants"] * 100
    async with connected(server.ws("/")) as raw:
        await raw.send("".join(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n" for path in paths).encode())
        expected = {"/health/live": 200, "/api/v1/nothing": 404, "/api/v1/tenants": 401}
        assert [(await raw.response()).status for _ in paths] == [expected[path] for path in paths]


@pytest.mark.slow
async def test_pipelined_requests_with_unread_answers_cause_no_error(server: Server) -> None:
    one = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for end in (b"", b"\x00\r\n\r\n", handshake("ws://localhost/ws/admin")):
        async with connected(server.ws("/"), receive_buffer_bytes=4096) as raw:
            raw.writer.write(one * 1_000 + end)
            await asyncio.sleep(0.5)
    blameless(server)


async def test_body_without_a_credential_is_not_parsed(server: Server) -> None:
    """The credential is checked before the body: a bad body gets the answer of a missing credential."""
    for body in (b"no JSON", b"[" * 100_000, json.dumps({"workflow_id": "w"}).encode()):
        async with connected(server.ws("/")) as raw:
            await raw.send(post("/api/v1/jobs", body))
            assert (await raw.response()).status == 401
        async with connected(server.ws("/")) as raw:
            await raw.send(post("/api/v1/jobs", body, "X-API-Secret: wrong"))
            assert (await raw.response()).status == 401


async def test_login_refuses_a_large_body(server: Server) -> None:
    for path in ("/api/v1/auth/login", "/api/v1/auth/refresh"):
        async with connected(server.ws("/")) as raw:
            await raw.send(post(path, b" " * 20_000))
            assert (await raw.response()).status == 413
