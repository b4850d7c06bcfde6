"""A proxy in front of a PostgreSQL server that cuts or holds connections at a chosen message of a client."""

import asyncio
from enum import Enum

BUFFER = 1 << 20


class Cut(Enum):
    """Where a connection is cut: the message does not arrive, or its answer does not."""

    BEFORE = "before"
    AFTER = "after"


class CutProxy:
    """Forwards to one port of this machine. Messages of clients are counted from `arm` on."""

    def __init__(self, port: int) -> None:
        self.messages = 0
        self.port = 0
        self._target = port
        self._cut: tuple[int, Cut] | None = None
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def url(self, url: str) -> str:
        """The same database, through this proxy."""
        return url.replace(f":{self._target}/", f":{self.port}/")

    def arm(self, number: int, cut: Cut) -> None:
        """Cut the connection of the `number`-th message from now on."""
        self.messages = 0
        self._cut = (number, cut)

    @property
    def armed(self) -> bool:
        return self._cut is not None

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._target)
        back = asyncio.create_task(self._copy(up_reader, writer))
        try:
            while data := await reader.read(BUFFER):
                self.messages += 1
                if self._cut is not None and self.messages == self._cut[0]:
                    cut, self._cut = self._cut[1], None
                    if cut is Cut.AFTER:
                        back.cancel()
                        await asyncio.gather(back, return_exceptions=True)
                        up_writer.write(data)
                        await up_writer.drain()
                        await up_reader.read(1)  # the server has executed it
                    break
                up_writer.write(data)
        finally:
            back.cancel()
            up_writer.close()
            writer.transport.abort()
            self._tasks.discard(task)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(BUFFER):
            writer.write(data)
        writer.close()
