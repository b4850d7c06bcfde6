"""`casare serve` with the pace of the run, and with one lie built in when CHAOS_BREAK asks for it."""

import os
import sys

from chaos import pace
from chaos.processes import die_with_parent

BREAK_VARIABLE = "CHAOS_BREAK"
ACK_BEFORE_COMMIT = "ack-before-commit"
BREAKS = (ACK_BEFORE_COMMIT,)


def answer_before_commit() -> None:
    """The store answers its callers before COMMIT: what the whole project promises not to do."""
    import sqlite3
    import time
    from typing import Any

    from casare_rpa.infrastructure.orchestrator.storage.sqlite import runner

    def commit(self: runner.Runner, connection: sqlite3.Connection, batch: list[Any]) -> list[Any]:
        """As the real one, errors included, but for the moment in which the callers are told."""
        outcomes: list[Any] = []
        try:
            if self._stale:
                self._start_over(connection)
            connection.execute("BEGIN IMMEDIATE")
            for kind, operations in runner._by_kind(batch).items():
                cold = kind == runner._COLD
                outcomes += (
                    runner._one_by_one(connection, operations) if cold else self._together(connection, kind, operations)
                )
            self._loop.call_soon_threadsafe(runner._resolve, outcomes)
            time.sleep(0.05)  # long enough for the answer to leave the machine
            self._failpoints.hit("store.commit")
            connection.execute("COMMIT")
            self._commits += 1
            self._failpoints.hit("store.committed")
        except Exception:
            self._failures += 1
            self._stale = True
        return []

    runner.Runner._commit = commit


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
