"""The stored session of a robot: which instance of the server has its connection, and how often it was taken over.

The newest session of a robot is the only one that may claim jobs for it and renew its leases. A session is replaced by
the next connection of the robot, wherever that arrives. Source: docs/reference/websocket-contract.md, The same robot
twice.
"""

import msgspec

from casare_rpa.domain.instance_facts import InstanceFacts
from casare_rpa.domain.instants import Instant, after

TAKEOVERS_PER_MINUTE = 3
TAKEOVER_SECONDS = 60.0
INSTANCE_SECONDS = 5.0
"""How often an instance writes that it runs."""
DEAD_SECONDS = 15.0
"""An instance that did not write for so long is dead: its robots count as disconnected."""


SessionKey = tuple[str, str]
"""The robot_id and the session_id of a session."""


class Takeover(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A connection replaced an open one. `process` is the `instance_id` of the replaced one, if it sent `hello`."""

    at: Instant
    process: str | None


class RobotSession(msgspec.Struct, frozen=True, gc=False):
    """The row of a robot. `session_id` is `None` while it is not connected."""

    robot_id: str
    instance: str
    """The instance of the last session."""
    session_id: str | None
    number: int
    """Counts the sessions of the robot: of two, the one with the greater number is newer."""
    takeovers: tuple[Takeover, ...] = ()
    """The takeovers of the last minute, oldest first."""
    moved_from: str | None = None
    """The instance that had the session which this one replaced, if that was another one."""


class Connecting(msgspec.Struct, frozen=True, gc=False):
    """A robot connects to an instance. `replaced_process`: the `instance_id` of the connection that it replaces.

    With `only_if_free`, it replaces no open session: the answer is then `occupied`.
    """

    robot_id: str
    session_id: str
    instance: str
    at: Instant
    replaced_process: str | None = None
    only_if_free: bool = False


class BegunSession(msgspec.Struct, frozen=True, gc=False):
    """The answer of the store. A refused or occupied session changed nothing: the connected process stays."""

    number: int
    refused: bool = False
    occupied: bool = False
    """Whether it would replace an open session, which `only_if_free` forbids."""
    moved: bool = False
    """Whether it replaced a session of another instance, which must close that connection."""


class LostSession(msgspec.Struct, frozen=True, gc=False):
    """A session that is no longer the robot's. `moved`: another one replaced it; else its instance counted as dead."""

    robot_id: str
    session_id: str
    moved: bool


class RunningInstance(msgspec.Struct, frozen=True, gc=False):
    """An instance of the server, and when it wrote last that it runs.

    `facts` is `None` until its first round, and in the row of a version that writes none.
    """

    instance: str
    seen_at: Instant
    facts: InstanceFacts | None = None


def is_occupied(before: RobotSession | None, wanted: Connecting, *, alive: bool) -> bool:
    """Whether `only_if_free` forbids the session, because it would replace an open one. `alive`: as `begin_session`."""
    return wanted.only_if_free and alive and before is not None and before.session_id not in (None, wanted.session_id)


def begin_session(before: RobotSession | None, wanted: Connecting, *, alive: bool) -> RobotSession | None:
    """The session after a robot connected; `None` when it is refused.

    `alive`: whether the instance of the stored session runs. A session of a dead instance is not taken over. A
    connection is refused when processes of one robot replaced each other more than three times in a minute. A process
    that replaces its own connections is not refused; connections without `hello` have no identity, so each one counts.
    """
    if before is None:
        return RobotSession(wanted.robot_id, wanted.instance, wanted.session_id, 1)
    if before.session_id == wanted.session_id:
        return before  # the call is repeated
    since = after(wanted.at, -TAKEOVER_SECONDS)
    takeovers = tuple(one for one in before.takeovers if one.at >= since)
    moved_from = None
    if before.session_id is not None and alive:
        processes = {one.process for one in takeovers}
        if len(takeovers) > TAKEOVERS_PER_MINUTE and (len(processes) > 1 or None in processes):
            return None
        takeovers = (*takeovers, Takeover(wanted.at, wanted.replaced_process))[-TAKEOVERS_PER_MINUTE - 1 :]
        moved_from = before.instance if before.instance != wanted.instance else None
    return RobotSession(wanted.robot_id, wanted.instance, wanted.session_id, before.number + 1, takeovers, moved_from)
