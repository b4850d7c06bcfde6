"""The part of the store on PostgreSQL on log lines and steps."""

from collections.abc import Sequence

from casare_rpa.domain.logs import LogFilter, LogLine, LogPage, LogPosition, StoredLine
from casare_rpa.domain.steps import StepReport
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from casare_rpa.infrastructure.orchestrator.storage.postgres import log_reads
from casare_rpa.infrastructure.orchestrator.storage.postgres.base import PostgresTables
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Target
from casare_rpa.infrastructure.orchestrator.storage.postgres.log_appends import AppendLines
from casare_rpa.infrastructure.orchestrator.storage.postgres.mixed_commands import MixedCommands, NamedCall
from casare_rpa.infrastructure.orchestrator.storage.postgres.step_saves import SaveSteps
from casare_rpa.infrastructure.orchestrator.storage.store_limits import StoreLimits


class PostgresLogs(PostgresTables):
    """Implements parts of `ports.logs.LogStore` and the write of steps."""

    def __init__(self, target: Target, failpoints: Failpoints, limits: StoreLimits, tally_slot: int) -> None:
        super().__init__(target, failpoints, limits, tally_slot)
        self._logs = self._hot("logs", MixedCommands({"append": AppendLines(), "steps": SaveSteps()}))

    async def append_logs(self, lines: Sequence[LogLine]) -> list[StoredLine | None]:
        stored: list[StoredLine | None] = await self._logs.submit(NamedCall("append", lines))
        return stored

    async def add_steps(self, report: StepReport) -> bool:
        accepted: bool = await self._logs.submit(NamedCall("steps", report))
        return accepted

    async def log_lines(self, log_ids: Sequence[int]) -> list[StoredLine]:
        return await self._readers.read(lambda c: log_reads.lines_with(c, log_ids))

    async def search_logs(
        self, wanted: LogFilter, limit: int, start: LogPosition | None, *, oldest_first: bool = False
    ) -> LogPage:
        lines = self._limits.scanned_lines
        return await self._readers.search(
            lambda c, pace: log_reads.search(c, wanted, limit, start, lines, pace, oldest_first=oldest_first)
        )
