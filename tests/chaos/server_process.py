"""`casare serve` with the pace of the run, and with one built-in fault when CHAOS_BREAK names it."""

import os
import sys

from chaos import pace
from chaos.processes import die_with_parent

BREAK_VARIABLE = "CHAOS_BREAK"
ACK_BEFORE_COMMIT = "ack-before-commit"
BREAKS = (ACK_BEFORE_COMMIT,)


def answer_before_commit() -> None:
    """The store answers its callers before COMMIT, which breaks the main guarantee of the project."""
    import asyncio
    import time
    from collections.abc import Callable, Sequence
    from typing import Any

    from casare_rpa.infrastructure.orchestrator.storage import batcher

    loops: list[asyncio.AbstractEventLoop] = []
    start = batcher.Batcher.start

    async def noted(self: batcher.Batcher[Any]) -> None:
        loops.append(asyncio.get_running_loop())
        await start(self)

    def run(
        self: batcher.GroupCommit[Any],
        connection: object,
        batch: Sequence[batcher.Operation],
        _later: Callable[[], Sequence[batcher.Operation]],
    ) -> list[batcher.Outcome]:
        """Like the real one, also in errors, but it answers the callers earlier."""
        try:
            if self._dirty:
                self._clean_up(connection)
            self._driver.begin(connection)
            outcomes = self._execute(connection, batch)
            loops[-1].call_soon_threadsafe(batcher.resolve, outcomes)
            time.sleep(0.05)  # long enough for the answer to leave the machine
            self._failpoints.hit("store.commit")
            self._driver.commit(connection)
            self.commits += 1
            self._failpoints.hit("store.committed")
        except Exception:
            self.failures += 1
            self._dirty = True
        return []

    batcher.Batcher.start = noted
    batcher.GroupCommit.run = run


def main() -> None:
    die_with_parent()
    pace.apply()
    if os.environ.get(BREAK_VARIABLE) == ACK_BEFORE_COMMIT:
        answer_before_commit()
    from casare_rpa.cli.main import main as casare

    sys.argv = ["casare", "serve"]
    casare()


if __name__ == "__main__":
    sys.exit(main())
