"""The stored record of a robot, its computed status, and the rule that decides which jobs it may run."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import msgspec

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.protocol import Hello
from casare_rpa.domain.vocabulary import RobotStatus

SEEN_RECENTLY_SECONDS = 24 * 3600
_OFFLINE, _BUSY, _IDLE = RobotStatus.OFFLINE, RobotStatus.BUSY, RobotStatus.IDLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Robot:
    """The stored profile of a robot. Values set by an admin take precedence over `hello`.

    The live state of a robot is in `LiveRobot`; `LastHeartbeat` is the copy that a restarted server begins with.
    """

    robot_id: str
    tenant_id: str
    name: str
    tags: tuple[str, ...]
    max_concurrent_jobs: int | None
    """Set by an admin. If `None`, the value of `hello` counts, or 1 without a `hello`."""
    created_at: Instant
    instance_id: str | None = None
    workflows: tuple[str, ...] | None = None
    """The workflows of its last list, sorted; `None` without a list: jobs of every workflow are then offered to it."""
    restart_command_id: str | None = None
    restart_requested_at: Instant | None = None
    draining_at: Instant | None = None
    """The time at which an admin drained the robot; `None` if it gets new jobs."""
    draining_by: str | None = None
    draining_reason: str | None = None


class Placement(msgspec.Struct, frozen=True, gc=False):
    """The requirements of a job for its robot. Jobs with the same placement wait in one line."""

    tenant_id: str
    queue: str
    robot_id: str | None
    tags: tuple[str, ...]
    workflow_id: str


class Profile(msgspec.Struct, frozen=True, gc=False):
    """The properties of a robot that `may_run` compares. Robots of one profile differ only in their id.

    `workflows` is `None` for a robot without a list: jobs of every workflow are offered to it. `refused` are workflows
    that the robot answered with `unknown_workflow` since its last list. `not_allowed` are tags that it reports without
    the permission of an admin; they do not count.
    """

    tenant_id: str
    tags: frozenset[str]
    workflows: frozenset[str] | None = None
    refused: frozenset[str] = frozenset()
    not_allowed: frozenset[str] = frozenset()

    def has_workflow(self, workflow_id: str) -> bool:
        """Whether jobs of this workflow are offered to the robot."""
        return workflow_id not in self.refused and (self.workflows is None or workflow_id in self.workflows)


def process_of(hello: Hello | None) -> str | None:
    """The identity of a robot's process, from its `hello`; `None` without one.

    The journal identifies the process if there is one: a process locks the file of its journal, so another process with
    the same journal started after the end of the first one. Without a journal, each process differs from the others.
    """
    if hello is None:
        return None
    journal = hello.log_journal
    return f"journal:{journal}" if isinstance(journal, str) else f"instance:{hello.instance_id}"


@lru_cache(maxsize=4096)
def profile_of(
    tenant_id: str,
    tags: tuple[str, ...],
    workflows: tuple[str, ...] | None = None,
    refused: frozenset[str] = frozenset(),
    not_allowed: tuple[str, ...] = (),
) -> Profile:
    """The profile with these values. Cached, because thousands of robots share a few profiles."""
    listed = None if workflows is None else frozenset(workflows)
    return Profile(tenant_id, frozenset(tags), listed, refused, frozenset(not_allowed))


def may_run(profile: Profile, robot_id: str, placement: Placement) -> bool:
    """Whether a robot fits: it meets the requirements of the placement and has its workflow."""
    return meets_requirements(profile, robot_id, placement) and profile.has_workflow(placement.workflow_id)


def meets_requirements(profile: Profile, robot_id: str, placement: Placement) -> bool:
    """Whether a robot has the tenant and all tags of the placement, and is its target robot, if any."""
    return (
        profile.tenant_id == placement.tenant_id
        and placement.robot_id in (None, robot_id)
        and profile.tags.issuperset(placement.tags)
    )


def lacks_allowed_tags(profile: Profile, robot_id: str, placement: Placement) -> bool:
    """Whether a robot meets the requirements only with tags that no admin allowed."""
    every = msgspec.structs.replace(profile, tags=profile.tags | profile.not_allowed)
    return not meets_requirements(profile, robot_id, placement) and meets_requirements(every, robot_id, placement)


class ShownRobotState(StrEnum):
    """The state of a robot as people see it: its status, or `draining` while it is connected and drained."""

    IDLE = "idle"
    BUSY = "busy"
    DRAINING = "draining"
    OFFLINE = "offline"


def state_of(status: RobotStatus, *, draining: bool) -> ShownRobotState:
    """The state to show and to count."""
    return ShownRobotState.DRAINING if draining and status is not RobotStatus.OFFLINE else ShownRobotState(status)


def status_of(*, connected: bool, reported: RobotStatus | None, free_slots: int) -> RobotStatus:
    """The computed status: `offline` without a session, `busy` without a free slot, otherwise the reported status.

    `reported` is the status of the last heartbeat; a connected robot without a heartbeat is idle.
    """
    if not connected or reported is _OFFLINE:
        return _OFFLINE
    return _BUSY if free_slots <= 0 or reported is _BUSY else _IDLE
