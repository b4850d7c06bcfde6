"""The part of the store on PostgreSQL on jobs that change: submits, offers, reports, and the reads that follow them."""

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.selection import Slots
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from casare_rpa.infrastructure.orchestrator.storage.placements import Placements
from casare_rpa.infrastructure.orchestrator.storage.postgres.base import PostgresTables
from casare_rpa.infrastructure.orchestrator.storage.postgres.claims import ClaimCall, OfferJobs
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Target
from casare_rpa.infrastructure.orchestrator.storage.postgres.hot_writer import HotWriter
from casare_rpa.infrastructure.orchestrator.storage.store_limits import StoreLimits


class PostgresJobs(PostgresTables):
    """Implements parts of the store's ports."""

    def __init__(self, target: Target, failpoints: Failpoints, limits: StoreLimits, tally_slot: int) -> None:
        super().__init__(target, failpoints, limits, tally_slot)
        self._placements = Placements()
        self._claims: HotWriter[ClaimCall, list[Job]] = self._hot(
            "claims", OfferJobs(self._placements, tally_slot, max_offers=limits.offers)
        )

    async def claim(self, slots: Slots, at: Instant) -> list[Job]:
        return await self._claims.submit((slots, at))
