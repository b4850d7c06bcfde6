"""A session: direct writes and the outbox, inbound limits, and no message after the close."""

import asyncio

import pytest

from casare_rpa.domain.limits import RateLimit
from casare_rpa.domain.protocol import Ping
from casare_rpa.domain.vocabulary import CloseCode, ErrorCode
from casare_rpa.infrastructure.orchestrator.hub.outbox import MAX_MESSAGES, outgoing, text_frame
from fake_clock import FakeClock
from hub.fake_peer import FakePeer


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def read_all(peer: FakePeer) -> list[str]:
    texts: list[str] = []
    await peer.session.read(texts.append)
    return texts


async def test_session_holds_messages_until_the_handshake_is_answered(clock: FakeClock) -> None:
    peer = FakePeer(clock)
    peer.session.send(Ping(timestamp="t"))
    await peer.settle()
    assert peer.sent == []
    assert peer.transport.written == []
    await peer.session.accept()
    await peer.settle()
    assert peer.sent[0]["type"] == "websocket.accept"
    assert peer.transport.written == [text_frame(b'{"type":"ping","payload":{"timestamp":"t"}}')]
    assert peer.texts == [], "no message waits, and no task was created"


async def test_session_accepted_late_keeps_the_order_of_queued_messages(clock: FakeClock) -> None:
    peer = FakePeer(clock)
    for text in (b'{"a":1}', b'{"a":2}', b'{"a":3}'):
        peer.session.deliver(outgoing(text))
    written = peer.transport.write

    def write(data: bytes) -> None:
        written(data)
        peer.transport.buffered = 1 << 20

    peer.transport.write = write  # type: ignore[method-assign]
    await peer.session.accept()
    await peer.settle()
    assert peer.transport.written == [text_frame(b'{"a":1}')]
    assert peer.texts == ['{"a":2}', '{"a":3}']


async def test_session_writes_to_the_transport_when_the_peer_keeps_up(clock: FakeClock) -> None:
    peer = FakePeer(clock)
    await peer.session.accept()
    peer.session.deliver(outgoing(b'{"a":1}'))
    assert peer.transport.written == [text_frame(b'{"a":1}')]
    assert peer.texts == []


async def test_session_queues_messages_for_a_slow_peer_in_order(clock: FakeClock) -> None:
    peer = FakePeer(clock)
    await peer.session.accept()
    peer.writable.clear()
    peer.transport.buffered = 1 << 20
    peer.session.deliver(outgoing(b'{"a":1}'))
    peer.transport.buffered = 0
    peer.session.deliver(outgoing(b'{"a":2}'))
    assert peer.transport.written == []
    peer.writable.set()
    await peer.settle()
    assert peer.texts == ['{"a":1}', '{"a":2}']
    peer.session.deliver(outgoing(b'{"a":3}'))
    assert peer.transport.written == [text_frame(b'{"a":3}')]


async def test_session_is_stalled_when_its_outbox_was_full_for_five_seconds(clock: FakeClock) -> None:
    peer = FakePeer(clock)
    await peer.session.accept()
    peer.writable.clear()
    peer.transport.buffered = 1 << 20
    for _ in range(MAX_MESSAGES + 1):
        peer.session.deliver(outgoing(b"{}"))
    await peer.settle()
    assert not peer.session.stalled(clock.monotonic() + 4.9)
    assert peer.session.stalled(clock.monotonic() + 5.0)
    peer.session.cut()
    assert peer.session.close_code is CloseCode.SLOW_CONSUMER
    peer.writable.set()
    await peer.session.closed()
    assert peer.close_codes == [CloseCode.SLOW_CONSUMER]


async def test_session_closes_after_sent_messages_and_writes_nothing_after(clock: FakeClock) -> None:
    peer = FakePeer(clock)
    await peer.session.accept()
    peer.writable.clear()
    peer.transport.buffered = 1 << 20
    peer.session.deliver(outgoing(b'{"last":1}'))
    peer.session.close(CloseCode.REPLACED)
    peer.session.deliver(outgoing(b'{"never":1}'))
    peer.writable.set()
    await peer.session.closed()
    assert peer.texts == ['{"last":1}']
    assert peer.close_codes == [CloseCode.REPLACED]
    assert peer.transport.written == []


async def test_session_closed_before_the_answer_to_the_handshake_answers_it_first(clock: FakeClock) -> None:
    peer = FakePeer(clock)
    peer.session.deliver(outgoing(b'{"last":1}'))
    peer.session.close(CloseCode.SERVICE_RESTART)
    await peer.session.closed()
    assert [event["type"] for event in peer.sent] == ["websocket.accept", "websocket.send", "websocket.close"]
    assert peer.texts == ['{"last":1}']
    assert peer.close_codes == [CloseCode.SERVICE_RESTART]
    await peer.session.accept()
    assert len(peer.sent) == 3, "a later accept does not answer again"


async def test_session_over_the_rate_limit_is_slowed_and_notified_each_second(clock: FakeClock) -> None:
    peer = FakePeer(clock, RateLimit(10, 2))
    await peer.session.accept()
    for number in range(5):
        peer.says(str(number))
    peer.leaves()
    reading = asyncio.create_task(read_all(peer))
    await peer.settle()
    for _ in range(3):
        assert clock.sleeping == [pytest.approx(0.1)]
        clock.advance(0.1)
        await peer.settle()
    assert await reading == ["0", "1", "2", "3", "4"]
    errors = [frame for frame in peer.transport.written if ErrorCode.RATE_LIMITED.encode() in frame]
    assert len(errors) == 1
    assert b'"retry_after_ms":100' in errors[0]


async def test_session_handles_a_text_in_the_receiver_while_its_reader_waits(clock: FakeClock) -> None:
    peer = FakePeer(clock)
    await peer.session.accept()
    texts: list[str] = []
    reading = asyncio.create_task(peer.session.read(texts.append))
    await peer.settle()
    clock.advance(30)
    assert peer.transport.text_handler is not None
    assert peer.transport.text_handler("at once") is None
    assert texts == ["at once"]
    assert peer.session.last_received_at == clock.monotonic()
    assert peer.session.silent_seconds(clock.monotonic() + 5) == pytest.approx(5)
    peer.leaves()
    await reading
    assert peer.transport.text_handler is None, "no reader is left"


async def test_session_over_the_rate_limit_keeps_received_texts_for_its_reader(clock: FakeClock) -> None:
    peer = FakePeer(clock, RateLimit(10, 1))
    await peer.session.accept()
    texts: list[str] = []
    reading = asyncio.create_task(peer.session.read(texts.append))
    await peer.settle()
    assert peer.transport.text_handler is not None
    assert peer.transport.text_handler("first") is None
    unfinished = peer.transport.text_handler("second")
    assert unfinished is not None
    peer.hands_over(unfinished)
    peer.says("third")
    await peer.settle()
    assert texts == ["first"]
    for said in (["first", "second"], ["first", "second", "third"]):
        assert clock.sleeping == [pytest.approx(0.1)]
        clock.advance(0.1)
        await peer.settle()
        assert texts == said
    peer.leaves()
    await reading


async def test_reader_raises_the_error_of_a_text_handled_in_the_receiver(clock: FakeClock) -> None:
    peer = FakePeer(clock)
    await peer.session.accept()

    def fail(_text: str) -> None:
        raise ZeroDivisionError

    reading = asyncio.create_task(peer.session.read(fail))
    await peer.settle()
    assert peer.transport.text_handler is not None
    unfinished = peer.transport.text_handler("x")
    assert unfinished is not None
    peer.hands_over(unfinished)
    with pytest.raises(ZeroDivisionError):
        await reading


async def test_reader_ends_when_a_text_handled_in_the_receiver_closes_the_session(clock: FakeClock) -> None:
    peer = FakePeer(clock)
    await peer.session.accept()
    reading = asyncio.create_task(read_all(peer))
    await peer.settle()
    assert peer.transport.text_handler is not None
    unfinished = peer.transport.text_handler("é" * 1024)
    assert unfinished is not None, "it wakes the reader"
    peer.hands_over(unfinished)
    assert await reading == []
    assert peer.session.close_code is CloseCode.TOO_BIG


async def test_reader_of_the_plain_path_ends_if_the_peer_does_not_read_the_close(clock: FakeClock) -> None:
    """Without a transport, the session cannot abort. The application must return, so that the server closes."""
    peer = FakePeer(clock, plain=True)
    await peer.session.accept()
    reading = asyncio.create_task(read_all(peer))
    await peer.settle()
    peer.writable.clear()
    peer.session.close(CloseCode.SLOW_CONSUMER)
    async with asyncio.timeout(5):
        assert await reading == []
    assert not reading.cancelled()


async def test_reader_of_the_plain_path_that_is_cancelled_from_outside_stays_cancelled(clock: FakeClock) -> None:
    peer = FakePeer(clock, plain=True)
    await peer.session.accept()
    reading = asyncio.create_task(read_all(peer))
    await peer.settle()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


async def seconds_until_read(peer: FakePeer, clock: FakeClock) -> int:
    """Read until the peer has disconnected or the session has closed; returns the seconds that the session slept."""
    seconds = 0
    async with asyncio.timeout(5):
        reading = asyncio.create_task(read_all(peer))
        await peer.settle()
        while clock.sleeping:
            clock.advance(1.0)
            seconds += 1
            await peer.settle()
        await reading
    return seconds


async def test_session_over_the_limit_for_a_minute_is_closed(clock: FakeClock) -> None:
    peer = FakePeer(clock, RateLimit(1, 1))
    await peer.session.accept()
    for _ in range(70):
        peer.says("x")
    peer.leaves()
    assert await seconds_until_read(peer, clock) == 60
    assert peer.session.close_code is CloseCode.RATE_ABUSE


async def test_message_within_the_limit_ends_the_minute_of_abuse(clock: FakeClock) -> None:
    peer = FakePeer(clock, RateLimit(1, 1))
    await peer.session.accept()
    reading = asyncio.create_task(read_all(peer))
    for _ in range(2):
        for _ in range(50):
            peer.says("x")
        await peer.settle()
        while clock.sleeping:
            clock.advance(1.0)
            await peer.settle()
        clock.advance(2.0)
        peer.says("within the limit")
        await peer.settle()
    assert not clock.sleeping
    assert peer.session.close_code is None
    peer.leaves()
    async with asyncio.timeout(5):
        await reading


async def test_session_refuses_binary_frames_and_stays_open(clock: FakeClock) -> None:
    peer = FakePeer(clock)
    await peer.session.accept()
    peer.says(data=b"\x00")
    peer.says("fine")
    peer.leaves()
    assert await read_all(peer) == ["fine"]
    assert b"binary frames" in peer.transport.written[0]


async def test_session_closes_on_a_message_over_its_limit(clock: FakeClock) -> None:
    peer = FakePeer(clock)
    await peer.session.accept()
    peer.says("é" * 1024)
    assert await read_all(peer) == []
    assert peer.session.close_code is CloseCode.TOO_BIG


async def test_session_closes_after_a_hundred_bad_frames_in_a_minute(clock: FakeClock) -> None:
    peer = FakePeer(clock)
    await peer.session.accept()
    for _ in range(99):
        peer.session.bad_frame("no")
    clock.advance(61)
    peer.session.bad_frame("no")
    assert not peer.session.closing
    for _ in range(99):
        peer.session.bad_frame("no")
    assert peer.session.close_code is CloseCode.PROTOCOL_ABUSE


async def test_session_counts_silence_only_while_reading(clock: FakeClock) -> None:
    peer = FakePeer(clock, RateLimit(1, 1))
    await peer.session.accept()
    peer.says("1")
    peer.says("2")
    reading = asyncio.create_task(read_all(peer))
    await peer.settle()
    clock.advance(0.5)
    assert peer.session.silent_seconds(clock.monotonic()) == 0.0
    clock.advance(0.5)
    await peer.settle()
    clock.advance(90)
    assert peer.session.silent_seconds(clock.monotonic()) == pytest.approx(90)
    peer.leaves()
    await reading


async def test_session_writes_at_most_the_limit_of_the_transport_at_once(clock: FakeClock) -> None:
    peer = FakePeer(clock)
    await peer.session.accept()
    peer.writable.clear()
    messages = [outgoing(b'"%s"' % (b"x" * 60_000)) for _ in range(40)]
    written = peer.transport.write

    def write(data: bytes) -> None:
        written(data)
        peer.transport.buffered += len(data)

    peer.transport.write = write  # type: ignore[method-assign]
    for message in messages:
        peer.session.deliver(message)
    assert len(peer.transport.written) == 2, "the rest waits in the outbox, which has limits"
    peer.writable.set()
    await peer.settle()
