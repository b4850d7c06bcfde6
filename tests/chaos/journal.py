"""The journal of a process: one JSON line per fact, written to disk before the process continues."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

Fact = dict[str, Any]


class Journal:
    """Appends facts to a file; several processes may append to the same one."""

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        self._durable = durable
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def write(self, fact: str, **details: object) -> None:
        """Append a fact. A durable one is on the disk when this returns.

        `at` is the machine's monotonic clock, which all its processes share.
        """
        line = {"fact": fact, "at": time.monotonic(), "wall": time.time(), "pid": os.getpid(), **details}
        os.write(self._file, json.dumps(line).encode() + b"\n")
        if self._durable:
            os.fsync(self._file)


def read(path: Path) -> list[Fact]:
    """All facts of a file, in order, without an incomplete last line."""
    if not path.exists():
        return []
    text = path.read_text()
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def read_all(folder: Path) -> list[Fact]:
    """All facts of a folder's files, in the order of time."""
    return sorted((fact for path in folder.glob("*.jsonl") for fact in read(path)), key=lambda fact: fact["at"])


class Tail:
    """The facts written to the files of a folder since the last call."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read_bytes: dict[Path, int] = {}

    def news(self) -> list[Fact]:
        facts: list[Fact] = []
        for path in self._folder.glob("*.jsonl"):
            with path.open("rb") as file:
                file.seek(self._read_bytes.get(path, 0))
                whole = file.read()
            whole = whole[: whole.rfind(b"\n") + 1]
            self._read_bytes[path] = self._read_bytes.get(path, 0) + len(whole)
            facts += [json.loads(line) for line in whole.splitlines()]
        return facts


class Points:
    """Named points at which a process kills itself like `kill -9`, if a file with that name exists."""

    def __init__(self, folder: Path, owner: str) -> None:
        self._folder = folder
        self._owner = owner

    def ask(self, point: str) -> None:
        (self._folder / f"{self._owner}@{point}").touch()

    def take_back(self, point: str) -> None:
        (self._folder / f"{self._owner}@{point}").unlink(missing_ok=True)

    def asked(self, point: str) -> bool:
        return (self._folder / f"{self._owner}@{point}").exists()

    def hit(self, point: str) -> None:
        if self.asked(point):
            self.take_back(point)
            os.kill(os.getpid(), signal.SIGKILL)
