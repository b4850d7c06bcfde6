"""Messages of the largest size and beyond, compressed bombs, and floods of frames, on every endpoint."""

import asyncio
import json
import zlib

import pytest

from contract.server_process import Account
from wire.conftest import ENDPOINTS, AddressOf
from wire.raw_socket import (
    CONT,
    PING,
    PONG,
    RSV1,
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
GOODBYE, PROTOCOL_ERROR, TOO_BIG, BAD_FRAMES = 1000, 1002, 1009, 4000
LIMIT_OF = {ROBOT: 256 * 1024, ADMIN: 64 * 1024}
VIEWER_LIMIT = 4 * 1024


async def invalid(raw: RawSocket) -> str:
    payload = (await raw.next("error"))["payload"]
    assert payload["code"] == "INVALID_MESSAGE"
    return str(payload["message"])


def nonsense(size: int, filling: str = "x") -> bytes:
    """A message of exactly this size whose type no endpoint knows."""
    head, tail = '{"type":"nonsense","payload":{"x":"', '"}}'
    room = size - len(head) - len(tail)
    width = len(filling.encode())
    return (head + filling * (room // width) + "x" * (room % width) + tail).encode()


@pytest.mark.parametrize("pieces", [1, 3], ids=["whole", "in fragments"])
@pytest.mark.parametrize("filling", ["x", "😀"], ids=["ASCII", "emoji"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_message_one_byte_over_the_limit_closes(
    endpoint: str, filling: str, pieces: int, address_of: AddressOf
) -> None:
    limit = LIMIT_OF.get(endpoint, VIEWER_LIMIT)
    cuts = [limit * part // pieces for part in range(1, pieces)]
    async with opened(address_of(endpoint)) as raw:
        for _ in range(2):
            await raw.send(fragments(nonsense(limit, filling), *cuts))
            assert (await invalid(raw)).startswith("type: ")
        await raw.send(fragments(nonsense(limit + 1, filling), *cuts))
        assert await raw.closed() == TOO_BIG


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("announced", [126, 16 * 2**20], ids=["little", "16 MiB"])
async def test_frame_with_a_larger_announced_length_is_refused_at_its_header(
    endpoint: str, announced: int, address_of: AddressOf
) -> None:
    async with opened(address_of(endpoint)) as raw:
        await raw.send(frame(TEXT, b"", length=LIMIT_OF.get(endpoint, VIEWER_LIMIT) + announced))
        assert await raw.closed() == TOO_BIG


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_fragments_over_the_limit_end_the_connection(endpoint: str, address_of: AddressOf) -> None:
    """The message does not end, so only its size can be the reason. A ping between its fragments does not count."""
    limit = LIMIT_OF.get(endpoint, VIEWER_LIMIT)
    async with opened(address_of(endpoint)) as raw:
        await raw.send(
            [frame(TEXT, b"x" * (limit - 1), fin=False), frame(CONT, b"x", fin=False), frame(PING, b"there?")]
        )
        while (came := await raw.frame()).opcode != PONG:
            assert came.opcode == TEXT
        await raw.send(frame(CONT, b"x" * 126, fin=False))
        assert await raw.closed() == TOO_BIG


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_compressed_bomb_is_not_decompressed(endpoint: str, address_of: AddressOf) -> None:
    """A thousand to one. Compression is not negotiated, so its bit is an error."""
    packer = zlib.compressobj(wbits=-15)
    bomb = packer.compress(b"[" * 100_000_000) + packer.flush(zlib.Z_SYNC_FLUSH)
    async with opened(address_of(endpoint), sec_websocket_extensions="permessage-deflate") as raw:
        await raw.send(frame(TEXT, bomb[:4_000], rsv=RSV1))
        assert await raw.closed() == PROTOCOL_ERROR


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_many_fragments_with_pings_between_are_one_message(endpoint: str, address_of: AddressOf) -> None:
    text = nonsense(3_000)
    frames = [piece for part in fragments(text, *range(1, 3_000, 3)) for piece in (part, frame(PING, b"p"))]
    async with opened(address_of(endpoint)) as raw:
        await raw.send(frames)
        pongs = 0
        while (came := await raw.frame()).opcode != TEXT or b"error" not in came.payload:
            pongs += came.opcode == PONG
        assert json.loads(came.payload)["payload"]["code"] == "INVALID_MESSAGE"
        assert pongs >= 1_000 - 1
        await raw.send(closing(GOODBYE))
        assert await raw.closed() == GOODBYE


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_endless_message_is_accepted_up_to_the_limit(endpoint: str, address_of: AddressOf) -> None:
    async with opened(address_of(endpoint)) as raw:
        await raw.send([frame(TEXT, b"{", fin=False), *[frame(CONT, b" ", fin=False)] * 1_000, frame(PING, b"there?")])
        while (came := await raw.frame()).opcode != PONG:
            assert came.opcode == TEXT
        assert came.payload == b"there?"
        await raw.send([frame(CONT, b" " * 60_000, fin=False)] * 5)
        assert await raw.closed() == TOO_BIG


@pytest.mark.parametrize("endpoint", [ROBOT, ADMIN])
async def test_flood_of_malformed_messages_ends_with_its_code(endpoint: str, address_of: AddressOf) -> None:
    async with opened(address_of(endpoint)) as raw:
        await raw.send(frame(TEXT, b"bad") * 150)
        assert await raw.closed() == BAD_FRAMES
        assert [document["type"] for document in raw.seen].count("error") == 100


async def test_flood_of_small_frames_delays_no_other_and_is_answered(address_of: AddressOf, account: Account) -> None:
    """A hundred thousand pings of six bytes. The bystander measures the delay of other connections."""
    beat = {"status": "idle", "cpu_percent": 1, "memory_mb": 2, "timestamp": "2026-03-02T08:15:04Z"}
    async with opened(address_of(ROBOT)) as raw:

        async def flood() -> None:
            for _ in range(20):
                await raw.send(frame(PING) * 5_000)
            await raw.say("heartbeat", {"robot_id": account.robot_id, **beat}, id="after")

        flooding = asyncio.create_task(flood())
        pongs = 0
        async with asyncio.timeout(30):
            while b'"ack"' not in (came := await raw.frame(30)).payload:
                pongs += came.opcode == PONG
        await flooding
        assert 0 < pongs <= 100_000


async def test_robot_that_reads_late_gets_every_answer(address_of: AddressOf, account: Account) -> None:
    """Ninety errors: below the hundred that close the connection, and more than a small receive buffer holds."""
    address = address_of(ROBOT)
    async with connected(address, receive_buffer_bytes=4096) as raw:
        await raw.send(handshake(address))
        assert (await raw.response()).status == 101
        for number in range(90):
            await raw.say("log", {"robot_id": account.robot_id}, id=f"{number:03}" + "x" * 5_000)
        answers = [await raw.next("error") for _ in range(90)]
        assert [answer["id"][:3] for answer in answers] == [f"{number:03}" for number in range(90)]
