"""The output of ended attempts, removed by age and size. Without a limit, it would fill the disk."""

import asyncio
import logging
import os
import stat
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from casare_rpa.robot.executors.slot_folders import remove_folder

logger = logging.getLogger(__name__)

KEEP_DAYS = 14.0
KEEP_MB = 2048.0
ROUND_SECONDS = 60.0
DAY_SECONDS = 24 * 3600
MB_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class OutputLimits:
    """Limits on the stored output of ended attempts."""

    keep_days: float = KEEP_DAYS
    keep_mb: float = KEEP_MB


@dataclass(frozen=True, slots=True)
class _Contents:
    """Size on the disk, and the time of the newest change."""

    size_bytes: int
    changed_at: float


class OutputFolders:
    """The folders of attempts below one folder. `running` returns the names of the folders in use."""

    def __init__(
        self,
        root: Path,
        running: Callable[[], Collection[str]],
        limits: OutputLimits,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._root = root
        self._running = running
        self._limits = limits
        self._clock = clock
        self._measured: dict[str, _Contents] = {}
        """Contents of the folders of ended attempts, which no longer change."""

    async def remove_regularly(self) -> None:
        """Remove old folders now and once a minute. Runs until cancelled."""
        while True:
            await asyncio.to_thread(self.remove_old)
            await asyncio.sleep(ROUND_SECONDS)

    def remove_old(self) -> list[str]:
        """Remove the folders that are too old, then the oldest ones until the rest fits. Blocking.

        Returns the names of the removed folders. A folder in use is neither removed nor counted.
        """
        kept = sorted(self._measure().items(), key=lambda item: item[1].changed_at)
        total_bytes = sum(contents.size_bytes for _, contents in kept)
        oldest_at = self._clock() - self._limits.keep_days * DAY_SECONDS
        removed = []
        for name, contents in kept:
            if contents.changed_at >= oldest_at and total_bytes <= self._limits.keep_mb * MB_BYTES:
                break
            if name not in self._running() and remove_folder(self._root / name):
                removed.append(name)
                total_bytes -= contents.size_bytes
                self._measured.pop(name, None)
        if removed:
            logger.info("removed the output of %d ended attempts, the oldest %s", len(removed), removed[0])
        return removed

    def _measure(self) -> dict[str, _Contents]:
        try:
            names = [entry.name for entry in os.scandir(self._root) if entry.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            names = []
        except OSError as error:
            logger.warning("old output in %s cannot be removed: %s", self._root, error)
            names = []
        running = self._running()  # after the names: an attempt that starts in between must not count as ended
        self._measured = {
            name: self._measured.get(name) or _contents(self._root / name) for name in names if name not in running
        }
        return dict(self._measured)


def _contents(folder: Path) -> _Contents:
    """Contents of a folder. Links are not followed; what cannot be read is not counted."""
    size_bytes, changed_at = 0, 0.0
    found = [str(folder)]
    for parent, folders, files in os.walk(folder):
        found += [os.path.join(parent, name) for name in (*folders, *files)]  # noqa: PTH118 - many paths
    for path in found:
        try:
            status = os.lstat(path)
        except OSError:
            continue
        size_bytes += getattr(status, "st_blocks", 0) * 512 or (status.st_size if stat.S_ISREG(status.st_mode) else 0)
        changed_at = max(changed_at, status.st_mtime)
    return _Contents(size_bytes, changed_at)
