"""The sequence of changes of jobs that a program follows, and its positions.

A position names its sequence: `5f3a:17` among the changes of all tenants, `5f3a@acme:17` among those of one. The same
number means another change in each of them.
"""

import msgspec

from casare_rpa.domain.errors import PositionGone, ProtocolError
from casare_rpa.domain.feed import Position

OLDEST, NOW = "oldest", "now"
READ_AGAIN = "read the list of jobs again, then continue from `oldest` or `now`"


class ChangeSequence(msgspec.Struct, frozen=True, gc=False):
    """The numbered changes of all tenants, or of one. Those up to the number `deleted` are not complete."""

    epoch: str
    tenant_id: str | None
    deleted: int
    last: int

    def position(self, number: int) -> str:
        """The position after the change with this number."""
        name = self.epoch if self.tenant_id is None else f"{self.epoch}@{self.tenant_id}"
        return str(Position(name, number))

    @property
    def oldest(self) -> str:
        """The first position after which all changes are stored."""
        return self.position(self.deleted)

    def start(self, since: str | None) -> int:
        """The number after which a client with this position continues. None means `oldest`.

        Raises:
            ProtocolError: it is not a position, or a position in another sequence.
            PositionGone: changes after it are missing, or it is not a position of this database.
        """
        if since in (None, OLDEST, NOW):
            return self.last if since == NOW else self.deleted
        position = Position.parse(since or "")
        if position is None:
            raise ProtocolError("`oldest`, `now` or a position of an earlier response is expected", field="since")
        epoch, _, tenant_id = position.epoch.partition("@")
        if tenant_id != (self.tenant_id or ""):
            raise ProtocolError(
                f"this position is among the changes of {_sequence_of(tenant_id)}, but the request reads those of "
                f"{_sequence_of(self.tenant_id)}",
                field="since",
            )
        if epoch != self.epoch:
            raise self._gone("this position is of another database, or from before a backup was restored")
        if position.seq > self.last:
            raise self._gone("this position is ahead of the database, which was set back without `casare db restored`")
        if position.seq < self.deleted:
            raise self._gone("changes after this position were deleted by retention")
        return position.seq

    def _gone(self, sentence: str) -> PositionGone:
        return PositionGone(
            f"{sentence}; {READ_AGAIN}; the oldest position is {self.oldest}", self.oldest, field="since"
        )


def _sequence_of(tenant_id: str | None) -> str:
    return f"the tenant {tenant_id!r}" if tenant_id else "all tenants"
