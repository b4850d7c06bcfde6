"""Counts the free slots of robots from stored jobs, in the transaction of a claim."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from casare_rpa.domain.selection import Head, Slot, SlotAssignment, Slots, choose
from casare_rpa.infrastructure.orchestrator.storage.json_parameters import json_parameter
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Connection

CLAIM_LOCK = 0x6F666672
"""The first number of the advisory locks of claims; the second is of a robot."""
# The order and the two comparisons make the planner use `jobs_held`. With `=`, a plan that was made while the table was
# empty can read `jobs_open` as a whole, because there it costs the same. See also `held_conditions`.
HELD = """(
    SELECT count(*) FROM (
        SELECT FROM jobs
        WHERE jobs.robot_id >= {0}.robot_id AND jobs.robot_id <= {0}.robot_id AND finished_at IS NULL
        ORDER BY jobs.robot_id
    ) AS held
)"""
# A robot that never connected has no row.
LOST = """EXISTS (
    SELECT 1 FROM robot_sessions AS newest
    WHERE newest.robot_id = {0}.robot_id AND newest.session_id IS DISTINCT FROM {0}.session_id
)"""
# One claim at a time offers jobs to a robot. A claim does not wait for another one: it leaves the robot to that one. It
# locks no row of the robot, because other writes change it.
COUNT = f"""
SELECT wanted.robot_id, {HELD.format("wanted")} AS held, {LOST.format("wanted")}
    OR ($2 AND NOT pg_try_advisory_xact_lock({CLAIM_LOCK}, hashtext(wanted.robot_id))) AS lost
FROM json_to_recordset($1::json) AS wanted (robot_id text, session_id text)
"""  # noqa: S608 - our own names


class HeldSlots:
    """The slots of one claim, counted in the store as far as its choice depends on them."""

    def __init__(self, connection: Connection, slots: Slots) -> None:
        """`connection` is in the transaction of the claim. `slots` are corrected."""
        self._connection = connection
        self._slots = slots
        self._held: dict[str, int] = {}
        """The number of jobs of each robot that this claim has locked."""
        self._all_counted = False

    async def choose(self, heads: Sequence[Head], most: int) -> list[SlotAssignment]:
        """`choose`, with free slots counted from live jobs, and never more than the caller passed.

        The caller's slots come from memory and may be stale. The chosen robots are counted first, which is nearly
        always enough. All others are counted only if one of the chosen robots had less room than its slot.
        """
        while True:
            chosen = choose(heads, self._slots)[:most]
            uncounted = {one.slot.robot_id for one in chosen} - self._held.keys()
            if not uncounted:
                return chosen
            if await self._count(uncounted, locked=True) and not self._all_counted:
                self._all_counted = True
                await self._count(self._slots.by_id.keys() - self._held.keys(), locked=False)

    def forget(self) -> None:
        """Count all robots again: one of them has changed."""
        self._held.clear()

    def counted(self, chosen: Iterable[SlotAssignment]) -> list[dict[str, object]]:
        """The robots of these assignments with session and number of jobs, as `offer_writes` takes them."""
        slots = {one.slot.robot_id: one.slot for one in chosen}
        return [_session(slot) | {"held": self._held[slot.robot_id]} for slot in slots.values()]

    async def _count(self, robot_ids: Iterable[str], *, locked: bool) -> bool:
        """Correct the slots of these robots. Returns whether one of them has less room than its slot."""
        wanted = json_parameter([_session(self._slots.by_id[robot_id]) for robot_id in sorted(robot_ids)])
        less = False
        for robot_id, held, lost in await self._connection.fetch(COUNT, wanted, locked):
            if locked:
                self._held[robot_id] = held
            slot = self._slots.by_id[robot_id]
            # Not more than the caller's number: a robot can have room that it does not offer, as while it is busy.
            free = max(0, min(slot.free, slot.capacity - held))
            if lost:
                self._slots.remove(robot_id)
            elif free != slot.free:
                self._slots.set_slot(replace(slot, free=free))
            less = less or lost or free != slot.free
        return less


def _session(slot: Slot) -> dict[str, object]:
    return {"robot_id": slot.robot_id, "session_id": slot.session_id}
