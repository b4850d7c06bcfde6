"""The claim: pending jobs are offered to robots (T2), in the only transaction that is open while the server computes.

    one statement   delayed jobs become ready · paused queues · lines of other writers
    BEGIN
        heads       locked, without the ones that other claims have locked
        slots       counted in the store, of the robots that were chosen
        offers      jobs and history, without numbers
    COMMIT

It locks the jobs that it may offer, and no row that another write waits for except for these. If the instance stops in
between, the server ends its transaction after 5 s.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.queues import ALL_QUEUES
from casare_rpa.domain.robots import Placement
from casare_rpa.domain.selection import Slots
from casare_rpa.infrastructure.orchestrator.storage.cold.queue_rows import PLACEMENTS_ONLY, placement_range
from casare_rpa.infrastructure.orchestrator.storage.decisions import decide_offers
from casare_rpa.infrastructure.orchestrator.storage.placements import Placements, ServableLines
from casare_rpa.infrastructure.orchestrator.storage.postgres import offer_writes
from casare_rpa.infrastructure.orchestrator.storage.postgres.claim_heads import LockedHeads
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import LOST, Connection
from casare_rpa.infrastructure.orchestrator.storage.postgres.held_slots import HeldSlots
from casare_rpa.infrastructure.orchestrator.storage.postgres.hot_writer import SmallCalls
from casare_rpa.infrastructure.orchestrator.storage.rows import JOB_SELECT, job_of
from casare_rpa.infrastructure.orchestrator.storage.store_limits import StoreLimits

PROMOTED = 2_000
"""Delayed jobs that one claim makes ready."""
TRIES = 3
"""How often a claim chooses, when robots change while it does."""

_RANGE = placement_range(None)
# The ids are an array, so that the plan cannot become a scan of all jobs.
_PROMOTED = f"""
promoted AS (
    UPDATE jobs SET ready = 1
    WHERE job_id = ANY (ARRAY(
        SELECT job_id FROM jobs
        WHERE ready = 0 AND status = 'pending' AND offer_expires_at IS NULL AND not_before <= $1
        ORDER BY not_before LIMIT {PROMOTED} FOR NO KEY UPDATE SKIP LOCKED
    )) RETURNING placement
)
SELECT 'paused' AS kind, queue AS text FROM paused_queues
UNION ALL SELECT 'ready', placement FROM promoted
"""  # noqa: S608 - our own names
PREPARE = f"WITH {_PROMOTED}"
# With every line of the table, by one look at the index for each.
PREPARE_ALL = f"""
{PLACEMENTS_ONLY.replace(":low", "$2").replace(":high", "$3").rstrip()}, {_PROMOTED}
UNION ALL SELECT 'line', placement FROM line WHERE placement IS NOT NULL
"""  # noqa: S608
# A count of the held jobs of a robot has several indexes to choose from. For an empty table, they differ in the rows
# that they compare, but hardly in the pages that they read. So a plan is chosen by the rows, as for a full table.
SETTINGS = {"random_page_cost": "0.001", "seq_page_cost": "0.001", "cpu_operator_cost": "1", "cpu_tuple_cost": "1"}
STATUS = "SELECT pg_xact_status($1::text::xid8)"
OFFERED = f"SELECT {JOB_SELECT} FROM jobs WHERE job_id = ANY ($1::text[]) AND offer_expires_at IS NOT NULL"  # noqa: S608
ClaimCall = tuple[Slots, Instant]


@dataclass(frozen=True)
class _Unanswered:
    """The offers of a transaction whose commit had no answer."""

    transaction: str
    jobs: list[Job]


class OfferJobs(SmallCalls):
    """The hot command of `claim`."""

    def __init__(self, placements: Placements, tally_slot: int, *, max_offers: int = StoreLimits.offers) -> None:
        """`max_offers`: jobs that one claim offers at most. `tally_slot`: where this instance counts its changes."""
        self._placements = placements
        self._tally_slot = tally_slot
        self._max_offers = max_offers
        self._unanswered: list[_Unanswered] = []
        """Emptied by the next claim, which answers with the offers that were committed."""

    async def execute(self, connection: Connection, calls: Sequence[ClaimCall]) -> list[list[Job]]:
        """One transaction for all calls.

        Offers of an earlier claim without an answer are part of the first answer, whether that claim is repeated or
        its caller gave up. So each offer is answered once.
        """
        earlier = await self._committed(connection)
        for job in earlier:
            for slots, _ in calls:
                slots.remove(job.robot_id or "")
        paused = await self._prepare(connection, calls[-1][1])
        results = await self._offer(connection, calls, paused)
        self._unanswered.clear()
        results[0] = [*earlier, *results[0]]
        return results

    async def _committed(self, connection: Connection) -> list[Job]:
        """The offers of unanswered claims that were committed and still stand."""
        kept: list[Job] = []
        for one in self._unanswered:
            status = await connection.fetchval(STATUS, one.transaction)
            if status == "in progress":
                raise TimeoutError("an earlier claim still runs")
            if status != "aborted":
                kept += one.jobs
        if not kept:
            return []
        rows = await connection.fetch(OFFERED, [job.job_id for job in kept])
        stored = {job.job_id: job.revision for job in map(job_of, rows)}
        return [job for job in kept if stored.get(job.job_id) == job.revision]

    async def _prepare(self, connection: Connection, at: Instant) -> set[str]:
        """Make delayed jobs ready whose time has come, and read the lines of other writers. Returns paused queues."""
        pausing = self._placements.is_pausing(at)
        rows = await (
            connection.fetch(PREPARE, at)
            if pausing
            else connection.fetch(PREPARE_ALL, at, _RANGE["low"], _RANGE["high"])
        )
        texts: dict[str, list[str]] = {"paused": [], "ready": [], "line": []}
        for kind, text in rows:
            texts[kind].append(text)
        if not pausing:
            self._placements.catch_up(texts["line"], at)
        self._placements.add_texts(texts["ready"])
        return {*texts["paused"]}

    async def _offer(self, connection: Connection, calls: Sequence[ClaimCall], paused: set[str]) -> list[list[Job]]:
        groups = [self._servable(slots, paused) for slots, _ in calls]
        if not any(groups):
            return [[] for _ in calls]
        self._placements.watch()
        await connection.execute("BEGIN")
        try:
            empty: set[Placement] = set()
            claims = [
                await self._claim(connection, call, lines, empty) for call, lines in zip(calls, groups, strict=True)
            ]
            await self._commit(connection, claims)
        except Exception as error:
            if not isinstance(error, LOST):  # a lost connection is closed, and the server rolls back
                await connection.execute("ROLLBACK")
            raise
        # Only now: after a rollback, the lines that the claim emptied have their jobs again.
        self._placements.remove_empty(empty)
        return [jobs for jobs, _ in claims]

    async def _commit(self, connection: Connection, claims: Sequence[tuple[list[Job], str]]) -> None:
        offered = [job for jobs, _ in claims for job in jobs]
        if offered:
            self._unanswered.append(_Unanswered(max(number for _, number in claims), offered))
        try:
            await connection.execute("COMMIT")
        except LOST:
            raise  # whether it was committed is not known
        except Exception:
            if offered:
                self._unanswered.pop()
            raise

    def _servable(self, slots: Slots, paused: set[str]) -> list[ServableLines]:
        """The groups of lines that these robots can serve, without paused queues."""
        if ALL_QUEUES in paused:
            return []
        groups: list[ServableLines] = []
        for group in self._placements.servable(slots, self._max_offers):
            lines = tuple(line for line in group.lines if line.placement.queue not in paused)
            if lines:
                groups.append(ServableLines(lines, group.room))
        return groups

    async def _claim(
        self, connection: Connection, call: ClaimCall, groups: Sequence[ServableLines], empty: set[Placement]
    ) -> tuple[list[Job], str]:
        """The offered jobs, and the number of the transaction if there are any."""
        slots, at = call
        locked = LockedHeads(connection)
        await locked.lock(groups, self._max_offers)
        empty |= locked.empty
        held = HeldSlots(connection, slots)
        for _ in range(TRIES if locked.heads else 0):
            chosen = await held.choose(locked.heads, self._max_offers)
            written, events = decide_offers(chosen, locked.jobs, at)
            if not written:
                break
            robots = held.counted(chosen)
            number = await offer_writes.write(connection, written, events, robots, self._tally_slot)
            if number is not None:
                return [one.after for one in written], number
            held.forget()
        return [], ""
