"""Orders to the instance that has the connection of a robot or a user: the answer to its poll."""

import msgspec


class AuditedAct(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An act of an admin, from its audit entry."""

    audit_id: int
    action: str
    target: str
    note: str | None


class MovedSession(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The newest session of a robot that replaced one of the asking instance."""

    robot_id: str
    number: int


class Orders(msgspec.Struct, frozen=True, gc=False):
    """One snapshot of the store.

    `acts`: the acts after a given audit entry, in order; more may follow if there are as many as the limit. `cancels`:
    ids of jobs of robots that are connected to the instance, whose `job_cancel` is not stored as sent. `moved`:
    sessions that replaced one of the instance, elsewhere.
    """

    acts: list[AuditedAct]
    cancels: list[str]
    moved: list[MovedSession]
