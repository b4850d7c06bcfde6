"""The machine of the measurement: its cores, and the processor time of processes."""

import contextlib
import os
import platform
import re
import time
from importlib.metadata import version
from pathlib import Path

import psutil

LIBRARIES = ("uvicorn", "uvloop", "fastapi", "msgspec", "websockets")


def pin(process_id: int, core: int | None) -> None:
    """Pin a process with all its threads to one core; `None` allows all cores."""
    cores = sorted(range(os.cpu_count() or 1)) if core is None else [core]
    for thread in psutil.Process(process_id).threads():
        os.sched_setaffinity(thread.id, cores)


def pin_children(process_id: int, core: int | None) -> None:
    """Pin a process and its present children; the children that it starts later are pinned as it is."""
    pin(process_id, core)
    for child in psutil.Process(process_id).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended
            pin(child.pid, core)


def cpu_seconds(process_id: int) -> float:
    """The processor time of all threads so far."""
    times = psutil.Process(process_id).cpu_times()
    return float(times.user + times.system)


def family_cpu_seconds(process_id: int) -> float:
    """The processor time of a process and of all processes that it started, also of ended ones, so far."""
    first = psutil.Process(process_id)
    ended = first.cpu_times()
    total = float(ended.children_user + ended.children_system)
    for one in (first, *first.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            total += times.user + times.system
    return total


class Spent:
    """The processor time of an instance and of its PostgreSQL from now on."""

    def __init__(self, process_id: int, database_id: int) -> None:
        self._ids = (process_id, database_id)
        self._used = self._all()

    def each(self, number: int) -> tuple[float, float]:
        """Microseconds for each of this number of jobs or messages: of the instance, and of PostgreSQL."""
        instance, database = ((now - then) * 1e6 / number for now, then in zip(self._all(), self._used, strict=True))
        return instance, database

    def _all(self) -> tuple[float, float]:
        return cpu_seconds(self._ids[0]), family_cpu_seconds(self._ids[1])


class Busy:
    """The share of a core that this process, the load generator, uses from now on."""

    def __init__(self) -> None:
        self._used, self._began = time.process_time(), time.monotonic()

    @property
    def share(self) -> float:
        return (time.process_time() - self._used) / (time.monotonic() - self._began)


def resident_bytes(process_id: int) -> int:
    return int(psutil.Process(process_id).memory_info().rss)


def described() -> dict[str, str]:
    """The properties of the machine that affect figures."""
    cpu = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return {
        "cpu": cpu.group(1) if cpu else platform.processor(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }
