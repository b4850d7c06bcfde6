"""The output of a child: in the order in which it was written, from both pipes, to the end."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from casare_rpa.robot.executors.output_pipes import (
    Chunk,
    OutputPipes,
    OutputStream,
    PosixPipes,
    StreamPipes,
    finish_reading,
)
from casare_rpa.robot.executors.process_group import ProcessGroup

WITHIN_SECONDS = 20


async def read_all(pipes: OutputPipes) -> list[Chunk]:
    chunks = []
    async with asyncio.timeout(WITHIN_SECONDS):
        while pipes.is_open:
            chunks += await pipes.read(None)
    return chunks


async def test_alternating_writes_to_both_pipes_keep_their_order(tmp_path: Path) -> None:
    script = 'i=0; while [ $i -lt 500 ]; do echo "out $i"; echo "err $i" >&2; i=$((i+1)); done'
    group = await ProcessGroup.start(["sh", "-c", script], tmp_path, {"PATH": os.environ["PATH"]}, mark="test")
    try:
        chunks = await read_all(group.output)
        assert await group.wait() == 0
    finally:
        group.kill_tree()
        group.close_pipes()
    lines = [line for _, data in chunks for line in data.decode().splitlines()]
    assert lines == [f"{word} {number}" for number in range(500) for word in ("out", "err")]


async def test_order_is_exact_while_one_pipe_at_a_time_has_data() -> None:
    pipes = PosixPipes()
    wanted = [OutputStream.STDOUT, OutputStream.STDERR, OutputStream.STDERR, OutputStream.STDOUT, OutputStream.STDOUT]
    with pipes.child_ends() as (out, errors):
        for number, stream in enumerate(wanted):
            os.write(out if stream is OutputStream.STDOUT else errors, str(number).encode())
            assert await pipes.read(1) == [(stream, str(number).encode())]
        assert await pipes.read(0.01) == []
    assert await read_all(pipes) == []


SILENCE_SECONDS = 0.2


async def collect(pipes: OutputPipes, chunks: list[Chunk]) -> None:
    while pipes.is_open:
        chunks += await pipes.read(None)


async def test_output_that_arrives_slowly_is_read_to_its_end() -> None:
    """Every pause is shorter than the silence after which the pipe is given up, and all of them together are longer."""
    pipes, chunks = PosixPipes(), list[Chunk]()
    reader = asyncio.create_task(collect(pipes, chunks))
    finished = asyncio.create_task(
        finish_reading(reader, pipes, silence_seconds=SILENCE_SECONDS, is_stopped=lambda: False)
    )
    with pipes.child_ends() as (out, _):
        for number in range(10):
            await asyncio.sleep(SILENCE_SECONDS / 2)
            os.write(out, str(number).encode())
    async with asyncio.timeout(WITHIN_SECONDS):
        await finished
    assert b"".join(data for _, data in chunks) == b"0123456789"


@pytest.mark.parametrize("is_stopped", [False, True])
async def test_pipe_that_stays_open_is_given_up(is_stopped: bool) -> None:
    pipes, chunks = PosixPipes(), list[Chunk]()
    reader = asyncio.create_task(collect(pipes, chunks))
    with pipes.child_ends():
        async with asyncio.timeout(WITHIN_SECONDS):
            await finish_reading(reader, pipes, silence_seconds=SILENCE_SECONDS, is_stopped=lambda: is_stopped)
    assert reader.cancelled()
    pipes.close_pipes()


@pytest.mark.parametrize("system", ["posix", "streams"])
async def test_both_pipes_are_read_to_their_end(tmp_path: Path, system: str) -> None:
    size = 300_000
    command = [sys.executable, "-c", f"import sys; sys.stdout.write('o' * {size}); sys.stderr.write('e' * {size})"]
    if system == "posix":
        group = await ProcessGroup.start(command, tmp_path, {}, mark="test")
        pipes, close, wait = group.output, group.close_pipes, group.wait
    else:
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stderr is not None
        pipes = StreamPipes(process.stdout, process.stderr)
        close, wait = pipes.close_pipes, process.wait
    chunks = await read_all(pipes)
    assert await wait() == 0
    close()
    for stream, letter in ((OutputStream.STDOUT, b"o"), (OutputStream.STDERR, b"e")):
        assert b"".join(data for of, data in chunks if of is stream) == letter * size


async def test_child_that_cannot_be_started_leaves_no_pipes_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(FileNotFoundError):
        await ProcessGroup.start([str(tmp_path / "nothing")], tmp_path, {}, mark="test")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
