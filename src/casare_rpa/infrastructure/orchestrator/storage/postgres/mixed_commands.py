"""Several commands over one connection: the kinds of calls that are seldom, or that belong to the same rows."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Connection
from casare_rpa.infrastructure.orchestrator.storage.postgres.hot_writer import HotCommand


class NamedCall(NamedTuple):
    """A call of the command with this name."""

    command: str
    value: Any


class MixedCommands:
    """Gives each run of calls of one kind to its command, in the order of the calls. A `hot_writer.HotCommand`."""

    def __init__(self, commands: Mapping[str, HotCommand[Any, Any]]) -> None:
        self._commands = commands

    async def execute(self, connection: Connection, calls: Sequence[NamedCall]) -> list[Any]:
        results: list[Any] = []
        for name, run in groupby(calls, key=lambda call: call.command):
            results += await self._commands[name].execute(connection, [call.value for call in run])
        return results

    def size_of(self, call: NamedCall) -> int:
        return self._commands[call.command].size_of(call.value)
