"""RFC 6455, frame by frame: a sent frame, and the required answer of the server."""

import asyncio
import json
import socket
from dataclasses import dataclass, field

import pytest

from contract.server_process import Account
from wire.conftest import AddressOf
from wire.raw_socket import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    RSV1,
    RSV2,
    RSV3,
    TEXT,
    RawSocket,
    closing,
    connected,
    fragments,
    frame,
    handshake,
    opened,
)

pytestmark = pytest.mark.slow

ROBOT, ADMIN = "/ws/robot/{robot_id}", "/ws/admin"
GOODBYE, PROTOCOL_ERROR, NO_TEXT, TOO_BIG = 1000, 1002, 1007, 1009
SUBSCRIBE = '{"type":"subscribe","id":"é€😀","payload":{"channels":["queue"]}}'.encode()
ACCENT = SUBSCRIBE.index("é".encode()) + 1
SMILE = SUBSCRIBE.index("😀".encode()) + 2
ADMIN_LIMIT_BYTES = 64 * 1024


async def acknowledged(raw: RawSocket, message_id: str | int = "é€😀") -> None:
    assert (await raw.answer(message_id))["type"] == "ack"


async def still_there(raw: RawSocket) -> None:
    """Assert that the connection still works."""
    await raw.say("subscribe", {"channels": ["queue"]}, id="still there")
    await acknowledged(raw, "still there")


@pytest.fixture
def admin(address_of: AddressOf) -> str:
    return address_of(ADMIN)


UNDERSTOOD = {
    "one frame": [frame(TEXT, SUBSCRIBE)],
    "two fragments": fragments(SUBSCRIBE, 10),
    "a character cut in two": fragments(SUBSCRIBE, ACCENT),
    "two characters cut, one of four bytes": fragments(SUBSCRIBE, ACCENT, SMILE),
    "byte by byte": fragments(SUBSCRIBE, *range(1, len(SUBSCRIBE))),
    "an empty first and last fragment": fragments(SUBSCRIBE, 0, len(SUBSCRIBE)),
    "10,000 fragments, most of them empty": fragments(SUBSCRIBE, *[5] * 9_999),
    "a pong that nobody asked for": [frame(PONG, b"hello"), frame(TEXT, SUBSCRIBE)],
    "pongs between fragments": [
        piece for part in fragments(SUBSCRIBE, 5, 20, 30) for piece in (frame(PONG, b"x" * 125), part)
    ],
    "a mask of zeros": [frame(TEXT, SUBSCRIBE, mask=b"\0\0\0\0")],
    "a length in two bytes that fits one": [frame(TEXT, SUBSCRIBE, length_bytes=2)],
    "a length in eight bytes that fits one": [frame(TEXT, SUBSCRIBE, length_bytes=8)],
}


@pytest.mark.parametrize("frames", UNDERSTOOD.values(), ids=UNDERSTOOD)
async def test_message_is_understood_in_any_fragmentation(frames: list[bytes], admin: str) -> None:
    async with opened(admin) as raw:
        await raw.send(frames)
        await acknowledged(raw)
        await still_there(raw)


async def test_message_is_understood_byte_by_byte(admin: str) -> None:
    async with connected(admin) as raw:
        for byte in handshake(admin):
            await raw.send(bytes([byte]))
        assert (await raw.response()).status == 101
        for byte in frame(TEXT, SUBSCRIBE):
            await raw.send(bytes([byte]))
        await acknowledged(raw)


@pytest.mark.parametrize("payload", [b"", b"hello", bytes(range(125))], ids=["empty", "text", "125 bytes"])
async def test_ping_is_answered_by_a_pong_with_its_payload(payload: bytes, admin: str) -> None:
    async with opened(admin) as raw:
        await raw.send(frame(PING, payload))
        pong = await raw.frame()
        assert (pong.opcode, pong.payload) == (PONG, payload)
        await still_there(raw)


async def test_ping_between_fragments_is_answered_before_the_message_ends(admin: str) -> None:
    first, second = fragments(SUBSCRIBE, ACCENT)
    async with opened(admin) as raw:
        await raw.send([first, frame(PING, b"between")])
        pong = await raw.frame()
        assert (pong.opcode, pong.payload) == (PONG, b"between")
        await raw.send(second)
        await acknowledged(raw)


async def test_ten_pings_at_once_are_answered_in_order(admin: str) -> None:
    async with opened(admin) as raw:
        await raw.send([frame(PING, str(number).encode()) for number in range(10)])
        assert [(await raw.frame()).payload for _ in range(10)] == [str(number).encode() for number in range(10)]
        await still_there(raw)


@dataclass(frozen=True)
class Broken:
    """Frames that end the connection with this code."""

    code: int
    frames: list[bytes] = field(default_factory=list)


START, END = fragments(SUBSCRIBE, 10)
BROKEN = {
    "not masked": Broken(PROTOCOL_ERROR, [frame(TEXT, SUBSCRIBE, mask=None)]),
    "ping not masked": Broken(PROTOCOL_ERROR, [frame(PING, b"", mask=None)]),
    "RSV1": Broken(PROTOCOL_ERROR, [frame(TEXT, SUBSCRIBE, rsv=RSV1)]),
    "RSV2": Broken(PROTOCOL_ERROR, [frame(TEXT, SUBSCRIBE, rsv=RSV2)]),
    "RSV3": Broken(PROTOCOL_ERROR, [frame(TEXT, SUBSCRIBE, rsv=RSV3)]),
    "all of RSV on a ping": Broken(PROTOCOL_ERROR, [frame(PING, b"", rsv=RSV1 | RSV2 | RSV3)]),
    **{
        f"reserved opcode {opcode:X}": Broken(PROTOCOL_ERROR, [frame(opcode, b"x")])
        for opcode in (*range(0x3, 0x8), *range(0xB, 0x10))
    },
    "ping of 126 bytes": Broken(PROTOCOL_ERROR, [frame(PING, b"x" * 126)]),
    "close of 126 bytes": Broken(PROTOCOL_ERROR, [frame(CLOSE, b"\x03\xe8" + b"x" * 124)]),
    "ping in fragments": Broken(PROTOCOL_ERROR, [frame(PING, b"x", fin=False), frame(CONT, b"y")]),
    "continuation of nothing": Broken(PROTOCOL_ERROR, [frame(CONT, SUBSCRIBE)]),
    "continuation of nothing, unfinished": Broken(PROTOCOL_ERROR, [frame(CONT, SUBSCRIBE, fin=False)]),
    "continuation after the end": Broken(PROTOCOL_ERROR, [START, END, frame(CONT, b"x")]),
    "text inside a message": Broken(PROTOCOL_ERROR, [START, frame(TEXT, SUBSCRIBE)]),
    "binary inside a message": Broken(PROTOCOL_ERROR, [START, frame(BINARY, SUBSCRIBE)]),
    "close inside a message": Broken(PROTOCOL_ERROR, [START, closing(GOODBYE)]),
    "bad UTF-8": Broken(NO_TEXT, [frame(TEXT, b'{"type":"\xff"}')]),
    "UTF-8 that ends too early": Broken(NO_TEXT, [frame(TEXT, "€".encode()[:2])]),
    "a surrogate in UTF-8": Broken(NO_TEXT, [frame(TEXT, b"\xed\xa0\x80")]),
    "an overlong slash in UTF-8": Broken(NO_TEXT, [frame(TEXT, b"\xc0\xaf")]),
    "beyond Unicode": Broken(NO_TEXT, [frame(TEXT, b"\xf4\x90\x80\x80")]),
    "bad UTF-8 twice": Broken(NO_TEXT, [frame(TEXT, b"\xff"), frame(TEXT, b"\xff"), frame(TEXT, SUBSCRIBE)]),
    "bad UTF-8 in fragments": Broken(NO_TEXT, fragments(b'{"type":"\xe2\x28\xa1"}', 10, 11)),
    "close of one byte": Broken(PROTOCOL_ERROR, [frame(CLOSE, b"\x03")]),
    "close with a reason that is no UTF-8": Broken(NO_TEXT, [closing(GOODBYE, b"\xff\xfe")]),
    **{
        f"close with {code}": Broken(PROTOCOL_ERROR, [closing(code)])
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)
    },
    "over the limit of the server, announced only": Broken(TOO_BIG, [frame(TEXT, b"", length=256 * 1024 + 1)]),
    "16 MiB, announced only": Broken(TOO_BIG, [frame(TEXT, b"", length=16 * 2**20)]),
    "8 EiB, announced only": Broken(TOO_BIG, [frame(TEXT, b"", length=2**63 - 1)]),
    "a length with its highest bit set": Broken(TOO_BIG, [frame(TEXT, b"", length=2**63)]),
    "over the limit in fragments": Broken(TOO_BIG, fragments(b"x" * (256 * 1024 + 1), *range(60_000, 262_145, 60_000))),
    "a message that never ends": Broken(
        TOO_BIG, [frame(TEXT, b"", fin=False), *[frame(CONT, b"", fin=False)] * 20_000]
    ),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_invalid_frame_ends_the_connection_with_a_code(broken: Broken, admin: str) -> None:
    async with opened(admin) as raw:
        await raw.send(broken.frames)
        assert await raw.closed() == broken.code
        assert raw.seen == [] or broken.frames[0] == START


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999])
async def test_close_is_answered_with_its_own_code(code: int, admin: str) -> None:
    async with opened(admin) as raw:
        await raw.send(closing(code, "späť".encode()))
        answer = await raw.frame()
        assert (answer.opcode, answer.code) == (CLOSE, code)
        assert await raw.ended() == b""


async def test_close_without_a_code_is_answered(admin: str) -> None:
    async with opened(admin) as raw:
        await raw.send(closing())
        assert await raw.closed() is None


async def test_frames_after_a_close_are_ignored(admin: str) -> None:
    async with opened(admin) as raw:
        await raw.send([closing(GOODBYE), frame(PING, b"late"), frame(TEXT, SUBSCRIBE)])
        assert await raw.closed() == GOODBYE
        assert raw.seen == []


async def test_connection_that_ends_without_a_close_causes_no_error(admin: str) -> None:
    async with opened(admin) as raw:
        raw.writer.write_eof()
        assert await raw.ended() in (b"", b"\x88\x00")


async def test_message_at_the_size_limit_is_read_and_a_larger_one_refused(admin: str) -> None:
    head, tail = b'{"type":"subscribe","id":"whole","x":"', b'","payload":{"channels":[]}}'
    full = head + b"x" * (ADMIN_LIMIT_BYTES - len(head) - len(tail)) + tail
    async with opened(admin) as raw:
        await raw.send(fragments(full, 1000, 60_000))
        await acknowledged(raw, "whole")
        await raw.send(frame(TEXT, full + b" "))
        assert await raw.closed() == TOO_BIG
        assert "65536" in raw.seen[-1]["payload"]["message"]


OFFERS = (
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits, permessage-deflate; server_no_context_takeover",
    "x-webkit-deflate-frame, bbf-usp-protocol",
)


@pytest.mark.parametrize("offer", OFFERS)
async def test_no_extension_is_negotiated(offer: str, admin: str) -> None:
    async with opened(admin, sec_websocket_extensions=offer) as raw:
        await still_there(raw)


async def test_offered_subprotocol_is_not_selected(admin: str) -> None:
    async with connected(admin) as raw:
        await raw.send(handshake(admin, sec_websocket_protocol="graphql-ws, casare"))
        response = await raw.response()
        assert response.status == 101
        assert "sec-websocket-protocol" not in response.headers


NO_HANDSHAKE = {
    "no key": ({"sec_websocket_key": None}, 400),
    "a key that is no base64": ({"sec_websocket_key": "not base64!"}, 400),
    "a key of 15 bytes": ({"sec_websocket_key": "AAAAAAAAAAAAAAAAAAAA"}, 400),
    "two keys": ({"sec_websocket_key": ["AAAAAAAAAAAAAAAAAAAAAA==", "BBBBBBBBBBBBBBBBBBBBBA=="]}, 400),
    "version 8": ({"sec_websocket_version": "8"}, 426),
    "version 13, 8": ({"sec_websocket_version": "13, 8"}, 426),
    "no version": ({"sec_websocket_version": None}, 426),
    "two versions": ({"sec_websocket_version": ["13", "8"]}, 426),
    "no upgrade": ({"upgrade": None}, 426),
    "no connection": ({"connection": None}, 426),
    "connection without upgrade": ({"connection": "keep-alive"}, 426),
    "POST": ({"method": "POST"}, 405),
    "PUT": ({"method": "PUT"}, 405),
    "200 headers": ({f"x_{number}": "1" for number in range(200)}, 431),
    "a header of 10 KB": ({"x_long": "x" * 10_000}, 431),
}


@pytest.mark.parametrize(("change", "status"), NO_HANDSHAKE.values(), ids=NO_HANDSHAKE)
async def test_invalid_handshake_is_refused(change: dict, status: int, admin: str) -> None:
    async with connected(admin) as raw:
        await raw.send(handshake(admin, **change))
        response = await raw.response()
        assert response.status == status, response
        ordinary = change.keys() & {"upgrade", "connection"}  # an ordinary request, whose connection stays open
        if status == 426:
            assert "upgrade" in response.headers if ordinary else response.headers["sec-websocket-version"] == "13"
        if not ordinary:
            assert await raw.ended() == b""


@pytest.mark.parametrize("apart", [False, True], ids=["in the same bytes", "right after it"])
async def test_frames_before_the_answer_to_the_handshake_are_answered_after_it(
    apart: bool, address_of: AddressOf
) -> None:
    """A client must not send so early. If it does, the server must not fail, nor answer before the handshake."""
    address = address_of(ROBOT)
    early = frame(PING, b"early") + frame(0x3, b"broken")
    async with connected(address) as raw:
        raw.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await raw.send(handshake(address) + (b"" if apart else early))
        await asyncio.sleep(0)
        await raw.send(early if apart else b"")
        assert (await raw.response()).status == 101
        assert await raw.closed() == PROTOCOL_ERROR


async def test_same_rules_apply_to_robots(address_of: AddressOf, account: Account) -> None:
    beat = {"robot_id": account.robot_id, "status": "idle", "cpu_percent": 1, "memory_mb": 2, "timestamp": "2026-03-02"}
    beat["timestamp"] = "2026-03-02T08:15:04Z"
    text = json.dumps({"type": "heartbeat", "id": 7, "payload": beat}).encode()
    async with opened(address_of(ROBOT)) as raw:
        await raw.send([piece for part in fragments(text, 9, 50) for piece in (frame(PONG, b"x"), part)])
        await acknowledged(raw, 7)
        await raw.send(frame(TEXT, b"{}", rsv=RSV1))
        assert await raw.closed() == PROTOCOL_ERROR


async def test_pings_of_a_peer_that_does_not_read_take_no_memory(admin: str) -> None:
    """Pongs without room are dropped. Sent pongs are complete, and the connection still works."""
    flood = frame(PING, b"x" * 125) * 1000
    async with connected(admin, receive_buffer_bytes=4096) as raw:
        await raw.send(handshake(admin))
        assert (await raw.response()).status == 101
        sent = 0
        for _ in range(120):
            await raw.send(flood)
            sent += 1000
        await raw.say("subscribe", {"channels": []}, id="after")
        pongs = 0
        async with asyncio.timeout(30):
            while (came := await raw.frame()).opcode == PONG:
                pongs += 1
        assert json.loads(came.payload) == {"type": "ack", "payload": {"id": "after"}}
        assert 0 < pongs < sent
