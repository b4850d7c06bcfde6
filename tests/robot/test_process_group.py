"""The output lines of a child: complete, in order, and in limited memory."""

import asyncio
import sys
from pathlib import Path

import pytest

from casare_rpa.robot.executors.process_group import CHUNK_BYTES, MAX_LINE_BYTES, Lines, ProcessGroup, ProcessLimits

MAX_BYTES = 100


async def lines_of(data: bytes, max_line_bytes: int = MAX_BYTES) -> list[bytes]:
    reader = asyncio.StreamReader(limit=2 * MAX_LINE_BYTES)
    reader.feed_data(data)
    reader.feed_eof()
    return [line async for line in Lines(reader, max_line_bytes=max_line_bytes)]


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"a\nb\n", [b"a", b"b"]),
        (b"a\n\nb", [b"a", b"", b"b"]),
        (b"x" * MAX_BYTES + b"\ny", [b"x" * MAX_BYTES, b"y"]),
    ],
)
async def test_lines_are_split_at_line_ends(data: bytes, lines: list[bytes]) -> None:
    assert await lines_of(data) == lines


async def test_endless_line_comes_in_pieces_that_fit_into_memory() -> None:
    data = bytes(range(65, 91)) * (5 * MAX_LINE_BYTES // 26)
    pieces = await lines_of(data, MAX_LINE_BYTES)
    assert b"".join(pieces) == data
    assert max(len(piece) for piece in pieces) <= MAX_LINE_BYTES + CHUNK_BYTES
    assert len(pieces) >= len(data) // (MAX_LINE_BYTES + CHUNK_BYTES)


async def test_line_after_a_long_one_is_whole() -> None:
    pieces = await lines_of(b"x" * (CHUNK_BYTES + 10) + b"\nshort\n")
    assert b"".join(pieces[:-1]) == b"x" * (CHUNK_BYTES + 10)
    assert pieces[-1] == b"short"


async def test_both_pipes_of_a_child_have_the_limit(tmp_path: Path) -> None:
    size = 4 * CHUNK_BYTES
    program = f"import sys; sys.stdout.write('o' * {size}); sys.stderr.write('e' * {size})"
    limits = ProcessLimits(max_line_bytes=MAX_BYTES)
    group = await ProcessGroup.start([sys.executable, "-c", program], tmp_path, {}, mark="test", limits=limits)
    try:
        async with asyncio.timeout(20):
            out, errors = [line async for line in group.stdout], [line async for line in group.stderr]
            assert await group.wait() == 0
    finally:
        group.kill_tree()
        group.close_pipes()
    for pieces in (out, errors):
        assert sum(map(len, pieces)) == size
        assert max(map(len, pieces)) <= MAX_BYTES + CHUNK_BYTES
