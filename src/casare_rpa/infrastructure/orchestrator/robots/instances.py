"""The instances of the server: this one says that it runs, and ends the sessions of an instance that is dead.

Source: docs/explanation/architecture.md, How the parts work together.
"""

import logging
from collections.abc import Callable, Sequence

from casare_rpa.domain.errors import InvalidSettings, StoreUnavailable
from casare_rpa.domain.instance_facts import InstanceFacts
from casare_rpa.domain.instants import after
from casare_rpa.domain.liveness import LEASE_SECONDS
from casare_rpa.domain.robot_sessions import DEAD_SECONDS, INSTANCE_SECONDS, RunningInstance
from casare_rpa.infrastructure.orchestrator.bus.events import (
    EventBus,
    InstanceEnded,
    WorkAvailable,
    publish_applied,
)
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.instances import InstanceStore

logger = logging.getLogger(__name__)

LATE_SECONDS = 1.5 * INSTANCE_SECONDS
"""A round that is later than this follows a pause of this instance, or of the store."""
LOOK_SECONDS = 0.5
"""How often this instance looks for others that no longer write."""


class Instances:
    """This instance among the others, as the store has them."""

    def __init__(
        self,
        store: InstanceStore,
        bus: EventBus,
        clock: Clock,
        instance: str,
        describe: Callable[[], InstanceFacts] | None = None,
    ) -> None:
        """`describe` gives the facts that are stored with each round."""
        self.instance = instance
        """The id of this process of the server."""
        self.others: tuple[str, ...] = ()
        """The addresses of the other instances that wrote in the last 15 s that they run; "" for an unknown one."""
        self.unanswered_since: float | None = None
        """When (monotonic) the first round of those began that got no answer of the store."""
        self._store = store
        self._bus = bus
        self._clock = clock
        self._describe = describe
        self._written: dict[str, tuple[RunningInstance, float]] = {}
        """What each other instance wrote last, and when (monotonic) this one saw it first: their clocks may differ."""
        self._steady_since: float | None = None
        self._heard_at = 0.0
        self._ended = False

    async def start(self) -> None:
        """The first round, if no running instance has the same name or other secrets.

        An earlier process with the same name has ended, so its robots are adopted at once.
        Of two instances that start at the same time with different secrets, the later one is refused.

        Raises:
            InvalidSettings: the sentence names the name or the secret, and says what to do.
        """
        if self._describe is not None:
            mine = self._describe()
            if not await self._store.hold_name(mine.name):
                raise InvalidSettings(
                    f"an instance with the name {mine.name} runs on this database; stop it, or choose another name",
                    field="CASARE_INSTANCE_NAME",
                )
            self._compare_secrets(mine, await self._store.running())
        await self.hear()
        if self._describe is not None:
            others = [
                (one, one.facts)
                for one in await self._store.running()
                if one.facts is not None and one.instance != self.instance
            ]
            try:
                self._compare_secrets(
                    mine,
                    [
                        one
                        for one, facts in others
                        if (facts.started_at, one.instance) < (mine.started_at, self.instance)
                    ],
                )
            except InvalidSettings:
                await self.depart()
                raise
            # Their process has ended: a process that runs, or is stopped, holds its name. One that has lost it with its
            # connection to the store learns it from its next heartbeats, like an instance that stood still.
            former = [one for one, facts in others if facts.name == mine.name]
            if former:
                await self._adopt(former)

    def _compare_secrets(self, mine: InstanceFacts, others: Sequence[RunningInstance]) -> None:
        """Raises InvalidSettings for a secret that differs from the one of an instance that runs.

        A row with the own name is of an earlier process, which has ended: this instance holds the name now.
        """
        since = after(self._clock.now(), -DEAD_SECONDS)
        for one in others:
            if one.facts is None or one.seen_at < since or one.facts.name == mine.name:
                continue
            name = mine.secrets.different(one.facts.secrets)
            if name is not None:
                setting = f"CASARE_{name.upper()}"
                raise InvalidSettings(
                    f"it differs from that of the instance {one.facts.name}, which runs on this database, so that "
                    f"each would refuse the tokens of the other; give every instance the same {setting}, or stop "
                    "the others first",
                    field=setting,
                )

    async def hear(self) -> None:
        """One round: store that this instance runs, read which others do, and adopt the robots of dead ones.

        No other instance counts as dead in the first 15 s after a pause: perhaps none could write in that time.
        """
        if self._ended:
            return
        began = self._clock.monotonic()
        try:
            facts = self._describe() if self._describe is not None else None
            running = await self._store.hear(self.instance, self._clock.now(), facts)
        except StoreUnavailable:
            self._steady_since = None
            if self.unanswered_since is None:
                self.unanswered_since = began
            raise
        self.unanswered_since = None
        answered = self._clock.monotonic()
        slow = answered - began > INSTANCE_SECONDS  # others may have waited for the store just as long
        if self._steady_since is None or began - self._heard_at > LATE_SECONDS or slow:
            self._steady_since = answered
            self._written.clear()  # the time in which they could not be seen does not count
        self._heard_at = began
        dead = self._dead(running, began, answered)
        gone = {self.instance, *(one.instance for one in dead)}
        self.others = tuple(
            one.facts.address if one.facts is not None else "" for one in running if one.instance not in gone
        )
        if began - self._steady_since >= DEAD_SECONDS:
            await self._adopt(dead)

    async def look_for_dead(self) -> None:
        """One light round between those of `hear`, by which a death is known within a second after the 15 s.

        It judges no instance: the write of a whole round shows that the others could write, too.
        """
        if self._ended or self._steady_since is None:
            return
        began = self._clock.monotonic()
        running = await self._store.running()
        if self._dead(running, began, self._clock.monotonic()):
            await self.hear()

    @property
    def others_run(self) -> bool:
        """Whether another instance wrote in the last 15 s that it runs."""
        return bool(self.others)

    def unanswered_seconds(self) -> float:
        """How long every round has failed because the store was away; 0 if the last one got an answer."""
        return 0.0 if self.unanswered_since is None else self._clock.monotonic() - self.unanswered_since

    async def all_stored(self) -> list[RunningInstance]:
        """All instances as they described themselves last, also dead ones; in the order of their ids."""
        return await self._store.running()

    def _dead(self, running: Sequence[RunningInstance], began: float, answered: float) -> list[RunningInstance]:
        """The other instances that this one has not seen write for 15 s, by a read between these two moments."""
        # A write counts from the answer that shows it, and until the beginning of the last read: never for too long.
        before = self._written
        self._written = {
            one.instance: known if (known := before.get(one.instance)) and known[0] == one else (one, answered)
            for one in running
            if one.instance != self.instance
        }
        if before.keys() - self._written.keys():
            self._bus.publish(InstanceEnded())
        return [one for one, since in self._written.values() if began - since >= DEAD_SECONDS]

    async def depart(self) -> None:
        """Remove this instance, which closes its connections and ends."""
        self._ended = True
        await self._store.depart(self.instance)

    async def _adopt(self, dead: Sequence[RunningInstance]) -> None:
        now = self._clock.now()
        applied = await self._store.adopt(dead, now, after(now, LEASE_SECONDS))
        if applied:
            logger.warning(
                "recovery window: %d jobs of robots of a dead instance, for %d s", len(applied), LEASE_SECONDS
            )
            publish_applied(self._bus, applied)
            self._bus.publish(WorkAvailable())
        if dead:
            self._bus.publish(InstanceEnded())
