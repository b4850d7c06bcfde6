"""The composition root: builds the slices on a store, two buses and a clock. A program embeds it like this:

async with ControlPlane.open(load_settings()) as plane:
    me = Principal(Role.ADMIN, "me")
    await plane.commands.jobs.submit(me, NewSubmission(workflow_id="invoices", tenant_id="default"))
"""

import asyncio
import gc
import logging
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from msgspec.structs import replace

from casare_rpa import __version__
from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.instance_facts import InstanceFacts, SecretDigests
from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND
from casare_rpa.domain.robot_sessions import INSTANCE_SECONDS
from casare_rpa.infrastructure.orchestrator.auth.authenticator import Authenticator
from casare_rpa.infrastructure.orchestrator.auth.connection_turns import ConnectionTurns
from casare_rpa.infrastructure.orchestrator.auth.credential_checks import CredentialChecks
from casare_rpa.infrastructure.orchestrator.auth.login_turns import LoginTurns
from casare_rpa.infrastructure.orchestrator.auth.logins import Logins, SessionLife
from casare_rpa.infrastructure.orchestrator.auth.refused_addresses import RefusedAddresses
from casare_rpa.infrastructure.orchestrator.auth.refused_credentials import REPORT_SECONDS, RefusedCredentials
from casare_rpa.infrastructure.orchestrator.auth.tickets import Tickets
from casare_rpa.infrastructure.orchestrator.auth.view_links import ViewLinks
from casare_rpa.infrastructure.orchestrator.bus.alone import Alone, Polling
from casare_rpa.infrastructure.orchestrator.bus.buses import open_bus
from casare_rpa.infrastructure.orchestrator.bus.events import EventBus, JobsAdded, JobsChanged
from casare_rpa.infrastructure.orchestrator.bus.ringer import Ringer
from casare_rpa.infrastructure.orchestrator.clock import FOLLOW_SECONDS, StoreClock
from casare_rpa.infrastructure.orchestrator.communication.instance_check import reaches_store
from casare_rpa.infrastructure.orchestrator.hub.hub import Hub
from casare_rpa.infrastructure.orchestrator.jobs.commands import Commands
from casare_rpa.infrastructure.orchestrator.jobs.dispatcher import Dispatcher
from casare_rpa.infrastructure.orchestrator.jobs.job_reports import JobReports
from casare_rpa.infrastructure.orchestrator.jobs.mailbox import Mailbox
from casare_rpa.infrastructure.orchestrator.jobs.rescuer import INTERVAL_SECONDS, Rescuer
from casare_rpa.infrastructure.orchestrator.jobs.step_reports import StepReports
from casare_rpa.infrastructure.orchestrator.maintenance.draining import ConnectionDrain
from casare_rpa.infrastructure.orchestrator.maintenance.loop_lag import MEASURE_SECONDS, LoopLag
from casare_rpa.infrastructure.orchestrator.maintenance.loops import Loops
from casare_rpa.infrastructure.orchestrator.maintenance.queue_sampler import SAMPLE_SECONDS, QueueSampler
from casare_rpa.infrastructure.orchestrator.maintenance.readiness import Readiness
from casare_rpa.infrastructure.orchestrator.maintenance.retention import Retention
from casare_rpa.infrastructure.orchestrator.observability import Metrics
from casare_rpa.infrastructure.orchestrator.ports.bus import Bus
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.instances import AskInstance
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.robots.cut_off import CutOffInstance
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.robots.instances import LOOK_SECONDS, Instances
from casare_rpa.infrastructure.orchestrator.robots.presence import Presence
from casare_rpa.infrastructure.orchestrator.robots.reconciler import Reconciler
from casare_rpa.infrastructure.orchestrator.robots.remote_robots import RemoteRobots
from casare_rpa.infrastructure.orchestrator.robots.resync import (
    RESYNC_SECONDS,
    Resync,
    StoredCopy,
    shared_pause_seconds,
)
from casare_rpa.infrastructure.orchestrator.robots.work_budgets import WorkBudgets
from casare_rpa.infrastructure.orchestrator.settings import SECRETS, Settings
from casare_rpa.infrastructure.orchestrator.storage.backends import open_store
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from casare_rpa.infrastructure.orchestrator.views.attention import AttentionList
from casare_rpa.infrastructure.orchestrator.views.change_feed import ChangeFeed
from casare_rpa.infrastructure.orchestrator.views.job_stream import PROGRESS_ROUND_SECONDS, JobStream
from casare_rpa.infrastructure.orchestrator.views.log_stream import SHOW_SECONDS, LogStream
from casare_rpa.infrastructure.orchestrator.views.pending_reasons import PendingReasons
from casare_rpa.infrastructure.orchestrator.views.robot_stream import SPREAD_SECONDS, RobotStream
from casare_rpa.infrastructure.orchestrator.views.search_turns import SearchTurns

logger = logging.getLogger(__name__)

HEARTBEAT_WRITE_SECONDS = 5.0
SESSION_CHECK_SECONDS = 1.0
REASONS_SECONDS = 1.0
HISTORY_SECONDS = 10.0
RETENTION_SECONDS = 600.0
GARBAGE_THRESHOLDS = (5_000, 1, 5_000)
"""Thresholds of the garbage collector. Nearly all objects of a message are freed by reference counting: under load, the
default thresholds spend a quarter of the time on looking for cycles. The first threshold is a limit of a pause: 25,000
new objects are examined for 15 to 30 ms, in which no robot is answered. The second stays 1, so that surviving objects
are examined while they are few; with 20, the reconnect of a whole fleet pauses for 0.4 s. Source: bench/."""
THREAD_SWITCH_SECONDS = 0.0001
"""The switch interval of the interpreter. The writer thread releases the GIL at each statement, and waits for it up to
this long while the event loop is busy."""


class ControlPlane:
    """One instance of the orchestrator: store, bus, hub, slices and loops."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Clock,
        events: EventBus | None = None,
        bus: Bus | None = None,
        ask_instance: AskInstance = reaches_store,
    ) -> None:
        """`events` delivers events inside this instance; `bus` carries hints between the instances of the store."""
        self.instance = secrets.token_hex(8)
        """The id of this process among the instances of the store."""
        self.settings = settings
        self.store = store
        self.clock = clock
        self.events = events or EventBus()
        self.bus: Bus = bus or (Polling() if store.shared else Alone())
        self.hub = Hub()
        self.fleet = Fleet()
        self.metrics = Metrics()
        self.loops = Loops(self.clock)
        self.loop_lag = LoopLag(clock)
        self._started_at = clock.now()
        self._secrets = SecretDigests.of(**{name: getattr(settings, name).get_secret_value() for name in SECRETS})
        self.draining = False
        """Whether a stop was requested: no job is offered, and load balancers should send clients elsewhere."""
        self.closing = False
        """Whether the connections are being closed, and new ones refused."""
        self._delay_over = asyncio.Event()
        events, hub, fleet = self.events, self.hub, self.fleet
        signing_key = settings.jwt_secret.get_secret_value().encode()
        self.authenticator = Authenticator(store, settings, clock)
        self.credential_checks = CredentialChecks(self.authenticator, clock)
        self.connection_turns = ConnectionTurns(settings.rate_limit_connections, clock)
        self.refused_addresses = RefusedAddresses(clock.monotonic)
        life = SessionLife(settings.session_idle_seconds, settings.session_max_seconds)
        self.logins = Logins(store, self.authenticator, LoginTurns(store, clock), events, hub, clock, life)
        self.view_links = ViewLinks(store, self.authenticator, events, hub, clock, signing_key)
        self.refused_credentials = RefusedCredentials(store, clock)
        self.tickets = Tickets(store, clock, signing_key=signing_key, made_under=self.authenticator.codes_made_under)
        self.reconciler = Reconciler(store, events, fleet, clock)
        self.instances = Instances(store, events, clock, self.instance, self._describe_for_others)
        self.presence = Presence(store, events, hub, fleet, self.reconciler, clock, self.instance)
        shared = not isinstance(self.bus, Alone)
        self.dispatcher = Dispatcher(store, events, hub, fleet, clock, with_submits=not shared)
        self.reports = JobReports(store, events, fleet, hub.load, clock)
        self.step_reports = StepReports(store)
        self.resync = Resync(store, events, fleet, clock, shared=shared)
        self.cut_off = CutOffInstance(store, self.instances, hub, clock, ask_instance)
        self.rescuer = Rescuer(store, events, fleet, clock, self.instances)
        self.mailbox = Mailbox(store, events, hub, fleet, self.presence, self.dispatcher, clock, self.instance)
        self.work_budgets = WorkBudgets(clock, settings.work_limits)
        self.log_stream = LogStream(store, events, hub, clock)
        self.pending_reasons = PendingReasons(store, fleet, clock)
        self.job_stream = JobStream(store, events, hub, self.pending_reasons, clock, shared=shared)
        self.change_feed = ChangeFeed(store, events, clock)
        self.robot_stream = RobotStream(store, events, hub, fleet, clock, shared=shared)
        self.connection_end = ConnectionDrain(
            hub, self.presence, [self.reports, self.log_stream, self.presence.departures], clock
        )
        self.readiness = Readiness(store, self.bus, clock)
        self.retention = Retention(store, clock, settings)
        self.search_turns = SearchTurns(clock)
        self.queue_sampler = QueueSampler(store, clock)
        self.attention = AttentionList(store, fleet, self.pending_reasons, clock)
        self.commands = Commands(store, events, hub, fleet, clock, signing_key)
        self.remote_robots = RemoteRobots(store, events, fleet, clock, self.instance)
        self.copies: dict[str, StoredCopy] = {
            "resync": self.resync,
            "robots elsewhere": self.remote_robots,
            "missed changes": self.job_stream,
            "known tenants": self.commands.jobs,
        }
        """All copies of stored data in memory, by the names of their loops."""
        self.ringer: Ringer | None = None
        if not isinstance(self.bus, Alone | Polling):
            self.ringer = Ringer(events, self.bus, clock, self.instance, hub.robot)
        events.subscribe(self._count)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings) -> AsyncIterator["ControlPlane"]:
        """A running instance on the store of the settings; it stops when the context ends.

        Raises:
            StoreUnavailable: the store cannot be opened. There is no fallback.
            InvalidSettings: the server of the bus refuses the credentials.
        """
        sys.setswitchinterval(THREAD_SWITCH_SECONDS)
        failpoints = Failpoints(settings.failpoints)
        store = await open_store(settings.store_url, failpoints)
        try:
            clock = await StoreClock.of(store)
            async with open_bus(settings, clock) as bus, cls.started(settings, store, clock, bus=bus) as plane:
                failpoints.arm()
                gc.collect()
                gc.freeze()
                gc.set_threshold(*GARBAGE_THRESHOLDS)
                yield plane
        finally:
            await store.close()

    @classmethod
    @asynccontextmanager
    async def started(
        cls,
        settings: Settings,
        store: Store,
        clock: Clock,
        events: EventBus | None = None,
        bus: Bus | None = None,
        ask_instance: AskInstance = reaches_store,
    ) -> AsyncIterator["ControlPlane"]:
        """A running instance on the given store, clock and buses. The caller closes the store."""
        plane = cls(settings, store, clock, events, bus, ask_instance)
        await plane.job_stream.load()
        await plane.mailbox.load()
        await plane.presence.load()
        await plane.job_stream.compare()
        await plane.instances.start()
        await plane.rescuer.rescue()
        async with plane.loops:
            plane._start_loops()
            if await store.now() is not None:
                plane.loops.every(FOLLOW_SECONDS, "clock", plane._follow_clock)
            yield plane

    def _start_loops(self) -> None:
        loops = self.loops
        loops.forever("dispatch", self.dispatcher.dispatch)
        loops.forever("orders", self.mailbox.read)
        loops.forever("unsent cancels", self.mailbox.repeat_cancels)
        loops.forever("receipts", self.dispatcher.keep_receipts)
        loops.forever("reports", self.reports.write)
        loops.forever("logs", self.log_stream.write)
        loops.forever("newcomers", self.presence.welcome_next)
        loops.forever("queue metrics", self.robot_stream.show_metrics)
        loops.forever("hinted robots", self.resync.compare_hinted)
        if self.ringer is not None:
            loops.forever("hints", self.ringer.ring)
        loops.every(PROGRESS_ROUND_SECONDS, "progress", self.job_stream.show_held_progress)
        loops.every(SHOW_SECONDS, "missed lines", self.log_stream.show_missed)
        loops.every(REASONS_SECONDS, "pending reasons", self.job_stream.show_reasons)
        loops.every(HISTORY_SECONDS, "history", self.job_stream.histories.trim)
        loops.every(SPREAD_SECONDS, "robot status", self.robot_stream.spread_robots)
        for name, copy in self.copies.items():
            if isinstance(self.bus, Alone):
                loops.every(RESYNC_SECONDS, name, copy.compare)
            else:
                loops.forever(name, partial(self._compare, copy))
        loops.every(HEARTBEAT_WRITE_SECONDS, "heartbeats", self.presence.write_heartbeats)
        loops.every(SESSION_CHECK_SECONDS, "sessions", self._check_sessions)
        loops.every(SESSION_CHECK_SECONDS, "credentials", self.credential_checks.check_due)
        loops.every(REPORT_SECONDS, "refused credentials", self.refused_credentials.report)
        loops.every(SAMPLE_SECONDS, "queue samples", self.queue_sampler.sample)
        loops.every(RETENTION_SECONDS, "retention", self.retention.delete_expired)
        loops.every(MEASURE_SECONDS, "loop lag", self.loop_lag.measure)
        loops.every(INSTANCE_SECONDS, "instances", self.instances.hear)
        if not isinstance(self.bus, Alone):
            loops.every(LOOK_SECONDS, "dead instances", self.instances.look_for_dead)
            loops.forever("robots of ended instances", self.remote_robots.compare_after_end)
        loops.every(INTERVAL_SECONDS, "rescue", self.rescuer.rescue)
        loops.every(INTERVAL_SECONDS, "cut off", self.cut_off.move_robots)

    def _describe_for_others(self) -> InstanceFacts:
        return replace(self.describe(), loop_lag_ms=round(1000 * self.loop_lag.take_worst_seconds(), 1))

    def describe(self) -> InstanceFacts:
        """What people and other instances see of this one now."""
        robots = len(self.hub.robots())
        return InstanceFacts(
            name=self.settings.shown_instance_name,
            address=self.settings.shown_instance_address,
            version=__version__,
            schema=self.store.kind.schema,
            started_at=self._started_at,
            robots=robots,
            viewers=len(self.hub.sessions) - robots + self.change_feed.open_streams,
            loop_lag_ms=round(1000 * self.loop_lag.last_seconds, 1),
            feed_lag_ms=round(1000 * self.feed_lag_seconds, 1),
            bus=self.bus.kind,
            bus_alive=self.bus.alive,
            store=self.store.kind.name,
            draining=self.draining,
            secrets=self._secrets,
        )

    @property
    def feed_lag_seconds(self) -> float:
        """How long the viewers of this instance have waited for the next change or log line."""
        return max(self.job_stream.lag_seconds, self.log_stream.lag_seconds)

    async def _compare(self, copy: StoredCopy) -> None:
        """One round of a copy that other instances change, too."""
        began = self.clock.monotonic()
        await copy.compare()
        hints = self.bus.alive and self.ringer is not None
        await self.clock.sleep(shared_pause_seconds(self.clock.monotonic() - began, hints=hints))

    async def _follow_clock(self) -> None:
        asked_at = self.clock.monotonic()
        now = await self.store.now()
        if now is not None:
            self.clock.follow(now, self.clock.monotonic() - asked_at)

    async def _check_sessions(self) -> None:
        await self.presence.close_silent()
        self.hub.cut_stalled(self.clock.monotonic())
        self.hub.close_expired(self.clock.now() / MICROSECONDS_PER_SECOND)

    def _count(self, event: JobsAdded | JobsChanged) -> None:
        if isinstance(event, JobsAdded):
            self.metrics.jobs_submitted.totals[()] += len(event.added)
            return
        for change in event.changes:
            job = change.job
            if job.finished_at is not None and change.before.finished_at is None:
                reason = job.reason.value if job.reason is not None else ""
                self.metrics.jobs_ended.totals[job.status.value, reason] += 1

    async def drain(self) -> None:
        """Stop in order: offer nothing, wait, close every connection with 1012, end the streams, write what waits.

        The wait of `drain_delay_seconds` lets load balancers notice. The closes take up to `drain_timeout_seconds`.
        """
        self.draining = True
        self.dispatcher.stop_offering()
        delay = self.settings.drain_delay_seconds
        if delay:
            logger.info("draining: no new jobs; connections are closed in %g s", delay)
            try:
                async with asyncio.timeout(delay):
                    await self._show_draining()
                    await self._delay_over.wait()
            except TimeoutError:
                pass  # the whole delay
        self.closing = True
        self.connection_turns.release()
        await self.connection_end.close_connections(self.settings.drain_timeout_seconds)
        self.change_feed.close_streams()
        try:
            await self.instances.depart()
            await self.refused_credentials.report()
        except StoreUnavailable as error:
            logger.warning(
                "draining: the end of this instance and the last counts of refused credentials are not stored: %s",
                error,
            )

    async def _show_draining(self) -> None:
        """Store at once that this instance drains: the next round may be 5 s away."""
        try:
            await self.instances.hear()
        except StoreUnavailable as error:
            logger.warning("draining: not stored: %s", error)

    def end_drain_delay(self) -> bool:
        """Close the connections now; returns whether a drain was waiting."""
        waiting = self.draining and not self.closing and not self._delay_over.is_set()
        self.skip_drain_delay()
        return waiting

    def skip_drain_delay(self) -> None:
        """Let a drain close the connections at once, also one that begins later."""
        self._delay_over.set()
