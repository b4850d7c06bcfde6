"""Both socket paths deliver the same texts in the same order for any split of the bytes, and close in the same way."""

import asyncio
import base64
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from casare_rpa.infrastructure.orchestrator.clock import SystemClock
from casare_rpa.infrastructure.orchestrator.hub.outbox import text_frame
from casare_rpa.infrastructure.orchestrator.ports.sockets import TRANSPORT_EXTENSION, UNFINISHED
from casare_rpa.infrastructure.orchestrator.transport.connection_gate import ConnectionGate
from casare_rpa.infrastructure.orchestrator.transport.fast_protocol import MAX_WAITING_MESSAGES, FastProtocol, RawLane
from casare_rpa.infrastructure.orchestrator.transport.guarded_protocol import (
    FRAMES_PER_TURN,
    PIECE_BYTES,
    READERS_PER_TURN,
    GuardedProtocol,
)
from casare_rpa.infrastructure.orchestrator.transport.loop_turns import LoopTurns
from casare_rpa.infrastructure.orchestrator.transport.request_protocol import REQUESTS_PER_TURN, RequestProtocol
from wire.raw_socket import CLOSE, CONT, PING, PONG, RSV1, TEXT, RawSocket, closing, connected, frame

WITHIN_SECONDS = 20.0
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + base64.b64encode(b"0" * 16) + b"\r\n\r\n"
)


class Talk:
    """A connection to the protocol, and the texts that its application received."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.texts: list[str] = []
        self.more = asyncio.Event()
        self.reading = asyncio.Event()
        self.reading.set()
        self.ended = asyncio.Event()

    async def app(self, _scope: object, receive: object, send: object) -> None:
        await receive()  # type: ignore[operator]
        await send({"type": "websocket.accept"})  # type: ignore[operator]
        while (event := await receive())["type"] == "websocket.receive":  # type: ignore[operator]
            self.texts.append(event["text"])
            self.more.set()
            await self.reading.wait()
        self.ended.set()

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def received(self, number: int) -> list[str]:
        async with asyncio.timeout(WITHIN_SECONDS):
            while len(self.texts) < number:
                self.more.clear()
                await self.more.wait()
        return self.texts


@contextlib.asynccontextmanager
async def serving(app: object, ws: type[GuardedProtocol] = FastProtocol) -> AsyncIterator[tuple[str, int]]:
    """An application that returns the address on which it listens."""
    loop = asyncio.get_running_loop()
    turns = LoopTurns(loop)
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        ws=partial(
            ws,
            frames=turns.lane(FRAMES_PER_TURN),
            readers=turns.lane(READERS_PER_TURN),
            long_texts=turns.lane(READERS_PER_TURN, rests=True),
        ),  # type: ignore[arg-type]
        ws_per_message_deflate=False,
        log_config=None,
        ws_ping_interval=None,
    )
    config.load()
    make = partial(
        RequestProtocol,
        read_timeout_seconds=60,
        write_timeout_seconds=60,
        gate=ConnectionGate(total=100, per_address=100, now=loop.time),
        requests=turns.lane(REQUESTS_PER_TURN),
        now=SystemClock().now,
    )
    server = await loop.create_server(lambda: make(config, ServerState(), {}), "127.0.0.1", 0)
    yield server.sockets[0].getsockname()
    server.close()
    await server.wait_closed()


@contextlib.asynccontextmanager
async def listening(
    make_talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Talk],
    ws: type[GuardedProtocol] = FastProtocol,
) -> AsyncIterator[Talk]:
    async def app(scope: object, receive: object, send: object) -> None:
        await opened.app(scope, receive, send)

    async with serving(app, ws) as address:
        reader, writer = await asyncio.open_connection(*address)
        opened = make_talk(reader, writer)
        await opened.send(HANDSHAKE)
        await reader.readuntil(b"\r\n\r\n")
        yield opened
        opened.reading.set()
        writer.transport.abort()
        async with asyncio.timeout(WITHIN_SECONDS):
            await opened.ended.wait()


@pytest.fixture(params=[FastProtocol, GuardedProtocol])
async def talk(request: pytest.FixtureRequest) -> AsyncIterator[Talk]:
    """A connection on each socket path."""
    async with listening(Talk, request.param) as opened:
        yield opened


def texts(chance: random.Random, number: int) -> list[str]:
    sizes = (0, 1, 2, 3, 124, 125, 126, 127, 128, 300, PIECE_BYTES - 8, PIECE_BYTES, 3 * PIECE_BYTES)
    return ["ü" * (size // 2) + "x" * (size % 2) for size in chance.choices(sizes, k=number)]


@pytest.mark.parametrize("seed", range(20))
async def test_texts_arrive_complete_and_in_order_for_any_split(talk: Talk, seed: int) -> None:
    chance = random.Random(seed)
    said = texts(chance, 60)
    stream = bytearray()
    for text in said:
        payload = text.encode()
        if chance.random() < 0.2:
            cut = len(payload) // 2
            stream += frame(TEXT, payload[:cut], fin=False) + frame(PING, b"between") + frame(CONT, payload[cut:])
        else:
            stream += frame(TEXT, payload, mask=chance.randbytes(4))
    while stream:
        size = chance.choice((1, 3, 7, 100, 1_000, PIECE_BYTES, 20_000))
        await talk.send(bytes(stream[:size]))
        del stream[:size]
        if chance.random() < 0.3:
            await asyncio.sleep(0)
    assert await talk.received(len(said)) == said


async def test_whole_texts_do_not_reach_the_parser_of_the_library() -> None:
    parsed: list[bytes] = []

    class Noting(FastProtocol):
        def _parse_whole(self, data: bytes) -> None:
            parsed.append(data)
            super()._parse_whole(data)

    async with listening(Talk, Noting) as talk:
        await talk.send(b"".join(frame(TEXT, b"line %d" % number * 9) for number in range(1_000)))
        await talk.received(1_000)
        assert sum(map(len, parsed)) < 100, "except for a split header"


async def test_reading_stops_while_the_application_does_not_receive(talk: Talk) -> None:
    talk.reading.clear()
    one = frame(TEXT, b"x" * 200)
    async with asyncio.timeout(WITHIN_SECONDS):
        while talk.writer.transport.get_write_buffer_size() < 64 * 1024:
            talk.writer.write(one * MAX_WAITING_MESSAGES)
            await asyncio.sleep(0)
    assert len(talk.texts) == 1


class OnLane(Talk):
    """An application that writes to the transport directly, like the hub, and closes on request of the test."""

    lane: RawLane

    async def app(self, scope: object, receive: object, send: object) -> None:
        self.lane = scope["extensions"][TRANSPORT_EXTENSION]["transport"]  # type: ignore[index]
        await receive()  # type: ignore[operator]
        await send({"type": "websocket.accept"})  # type: ignore[operator]
        try:
            while (event := await receive())["type"] == "websocket.receive":  # type: ignore[operator]
                if event["text"] == "close":
                    await send({"type": "websocket.close", "code": 1000})  # type: ignore[operator]
                    break
        finally:
            self.ended.set()


@pytest.fixture
async def on_lane() -> AsyncIterator[OnLane]:
    async with listening(OnLane) as opened:
        assert isinstance(opened, OnLane)
        yield opened


async def test_lane_is_not_ready_while_the_peer_does_not_read(on_lane: OnLane) -> None:
    lane = on_lane.lane
    assert lane.ready
    async with asyncio.timeout(WITHIN_SECONDS):
        while lane.ready:
            lane.write(b"x" * 16_384)
            await asyncio.sleep(0)
        while not lane.ready:
            assert await on_lane.reader.read(1 << 20)


@pytest.mark.parametrize(
    "last",
    [frame(CLOSE, b"\x03\xe8"), frame(TEXT, b"close"), frame(TEXT, rsv=RSV1), frame(TEXT, b"\xff")],
    ids=["peer closes", "application closes", "no frame", "no UTF-8"],
)
async def test_lane_is_not_ready_after_a_close_was_sent(on_lane: OnLane, last: bytes) -> None:
    await on_lane.send(last)
    async with asyncio.timeout(WITHIN_SECONDS):
        await on_lane.ended.wait()
    on_lane.lane.resume()
    assert not on_lane.lane.ready, "the transport drains, but no frame may follow"


async def test_lane_is_not_ready_after_the_peer_disconnected(on_lane: OnLane) -> None:
    on_lane.writer.write_eof()
    async with asyncio.timeout(WITHIN_SECONDS):
        await on_lane.ended.wait()
    assert not on_lane.lane.ready


@pytest.mark.parametrize(
    "last",
    [frame(CLOSE, b"\x03\xe8"), frame(TEXT, b"close"), frame(TEXT, b"\xff"), None],
    ids=["peer closes", "application closes", "no UTF-8", "server stops"],
)
async def test_peer_that_does_not_read_is_disconnected_after_the_close(
    last: bytes | None,
) -> None:
    lost = asyncio.Event()

    class Impatient(FastProtocol):
        def begin(self, *request: Any) -> None:
            super().begin(*request)
            self.close_timeout = self.linger_seconds = 0.05

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            lost.set()

    async with listening(OnLane, Impatient) as on_lane:
        assert isinstance(on_lane, OnLane)
        on_lane.writer.transport.pause_reading()  # type: ignore[attr-defined]
        async with asyncio.timeout(WITHIN_SECONDS):
            while on_lane.lane.ready:
                on_lane.lane.write(b"x" * 16_384)
                await asyncio.sleep(0)
            if last is None:
                protocol = on_lane.lane._transport.get_protocol()
                assert isinstance(protocol, Impatient)
                protocol.shutdown()
            else:
                await on_lane.send(last)
            await lost.wait()


class Answering(OnLane):
    """An application that answers each text in the receiver while its lane is ready."""

    async def app(self, scope: object, receive: object, send: object) -> None:
        scope["extensions"][TRANSPORT_EXTENSION]["transport"].set_text_handler(self._answer)  # type: ignore[index]
        await super().app(scope, receive, send)

    def _answer(self, text: str) -> None:
        self.texts.append(text)
        if self.lane.ready:
            self.lane.write(text_frame(b"answer"))


async def test_no_frame_follows_a_close_that_arrived_together_with_a_ping() -> None:
    async with listening(Answering) as talk:
        await talk.send(frame(PING, b"p") + frame(TEXT, b"question") + closing(1000))
        raw = RawSocket(talk.reader, talk.writer)
        assert [(await raw.frame()).opcode for _ in range(2)] == [PONG, CLOSE]
        assert await raw.ended() == b""
        assert talk.texts == ["question"]


async def test_ping_after_an_invalid_frame_causes_no_error(talk: Talk) -> None:
    """An error in the event loop fails this test."""
    await talk.send(frame(TEXT, b"\xff\xfe") + frame(PING, b"p"))
    assert await RawSocket(talk.reader, talk.writer).closed() == 1007


async def test_upgrade_after_an_unread_answer_is_refused() -> None:
    """Its lane would not notice that the peer does not read, because the transport has already reported it."""
    body = b"x" * 8_000_000
    answered = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = [(b"content-length", b"%d" % len(body))]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})
            answered.set()
        else:
            await receive()
            await send({"type": "websocket.accept"})

    async with serving(app) as (host, port), connected(f"ws://{host}:{port}/") as raw:
        await raw.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        async with asyncio.timeout(WITHIN_SECONDS):
            await answered.wait()
        await raw.send(HANDSHAKE)
        assert (await raw.response()).status == 200
        refusal = await raw.response()
        assert refusal.status == 400
        assert "a separate connection" in refusal.sentence
        assert await raw.ended() == b""


class HandedOver(Talk):
    """An application that handles texts in the receiver, like a session."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chance: random.Random) -> None:
        super().__init__(reader, writer)
        self.at_once = 0
        self._chance = chance

    async def app(self, scope: object, receive: object, send: object) -> None:
        lane: RawLane = scope["extensions"][TRANSPORT_EXTENSION]["transport"]  # type: ignore[index]
        await receive()  # type: ignore[operator]
        await send({"type": "websocket.accept"})  # type: ignore[operator]
        lane.set_text_handler(self._take_at_once)
        while (event := await receive())["type"] != "websocket.disconnect":  # type: ignore[operator]
            unfinished = event[UNFINISHED] if event["type"] == UNFINISHED else self._take(event["text"])
            if unfinished is not None:
                await unfinished
        self.ended.set()

    def _take_at_once(self, text: str) -> Awaitable[None] | None:
        self.at_once += 1
        return self._take(text)

    def _take(self, text: str) -> Awaitable[None] | None:
        if self._chance.random() < 0.2:
            return self._note_later(text)
        self._note(text)
        return None

    async def _note_later(self, text: str) -> None:
        for _ in range(self._chance.randrange(4)):
            await asyncio.sleep(0)
        self._note(text)

    def _note(self, text: str) -> None:
        self.texts.append(text)
        self.more.set()


@pytest.mark.parametrize("seed", range(20))
async def test_texts_handled_in_the_receiver_stay_complete_and_in_order(seed: int) -> None:
    """Also large texts, after which only the code that paused reading can resume it; and texts that take a while."""
    chance = random.Random(seed)
    async with listening(lambda reader, writer: HandedOver(reader, writer, chance)) as talk:
        said = texts(chance, 60)
        stream = b"".join(frame(TEXT, text.encode()) for text in said)
        while stream:
            size = chance.choice((7, 100, PIECE_BYTES, 20_000))
            await talk.send(stream[:size])
            stream = stream[size:]
            if chance.random() < 0.3:
                await asyncio.sleep(0)
        assert await talk.received(len(said)) == said
        assert isinstance(talk, HandedOver)
        assert talk.at_once > 0


@pytest.mark.parametrize(("end", "per_turn"), [("abort", READERS_PER_TURN), ("too long a frame", FRAMES_PER_TURN)])
async def test_connections_that_end_at_once_end_in_several_turns_of_the_loop(end: str, per_turn: int) -> None:
    """The end of each takes time, which everything else that is ready waits for."""
    number, turn = 20, 0
    ended: list[int] = []
    all_ended = asyncio.Event()

    async def app(_scope: object, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] == "websocket.receive":
            pass
        ended.append(turn)
        if len(ended) == number:
            all_ended.set()

    async def count_turns() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    async with serving(app) as address, contextlib.AsyncExitStack() as stack:
        writers = []
        for _ in range(number):
            reader, writer = await asyncio.open_connection(*address)
            stack.callback(writer.transport.abort)
            writer.write(HANDSHAKE)
            await reader.readuntil(b"\r\n\r\n")
            writers.append(writer)
        counting = asyncio.create_task(count_turns())
        for writer in writers:
            if end == "abort":
                writer.transport.abort()
            else:
                writer.write(frame(TEXT, b"", length=2**40, length_bytes=8) + b"x" * PIECE_BYTES)
        async with asyncio.timeout(WITHIN_SECONDS):
            await all_ended.wait()
        counting.cancel()
    assert max(ended.count(one) for one in ended) <= per_turn


@pytest.mark.parametrize("ws", [GuardedProtocol, FastProtocol])
async def test_large_texts_that_wait_for_their_readers_are_taken_one_in_each_turn_of_the_loop(
    ws: type[GuardedProtocol],
) -> None:
    """Robots over a limit are read again at the same moment, and each large text takes milliseconds."""
    number, turn = 8, 0
    taken: list[int] = []
    all_taken, go_on = asyncio.Event(), asyncio.Event()

    async def app(_scope: object, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await go_on.wait()
        assert len((await receive())["text"]) == 2 * PIECE_BYTES
        taken.append(turn)
        if len(taken) == number:
            all_taken.set()
        await receive()

    async def count_turns() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    async with serving(app, ws) as address, contextlib.AsyncExitStack() as stack:
        opened = []  # an object of an open connection that is not kept closes it
        for _ in range(number):
            reader, writer = await asyncio.open_connection(*address)
            opened.append((reader, writer))
            stack.callback(writer.transport.abort)
            writer.write(HANDSHAKE)
            await reader.readuntil(b"\r\n\r\n")
            writer.write(frame(TEXT, b"x" * 2 * PIECE_BYTES))
        await asyncio.sleep(0.1)
        counting = asyncio.create_task(count_turns())
        go_on.set()
        async with asyncio.timeout(WITHIN_SECONDS):
            await all_taken.wait()
        counting.cancel()
    assert len(set(taken)) == number
