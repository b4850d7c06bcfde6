"""The epoch, in which the positions of viewers count. Portable."""

from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection, Statement

_FIND = Statement("SELECT epoch FROM epoch WHERE epoch_id = 1")
_CHANGE = Statement("UPDATE epoch SET epoch = :epoch WHERE epoch_id = 1 AND epoch <> :epoch")


def find(connection: SqlConnection) -> str:
    return str(_FIND.run(connection).fetchone()[0])


def change(connection: SqlConnection, epoch: str) -> bool:
    """Begin an epoch. False if it is the current one."""
    return _CHANGE.run(connection, epoch=epoch).rowcount > 0
