"""Refuses poolers that change the server connection between two transactions.

Session settings, prepared statements, advisory locks and LISTEN need a server connection that stays. A pooler in
session mode keeps it; one in transaction mode gives it to the next client.
"""

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import COLD, Connection, Target

ADVICE = (
    "CASARE_DATABASE_URL names a pooler in transaction mode, which gives one connection to several clients; name the "
    "server itself, or a pool in session mode (an instance uses 12 connections at most)"
)
ROUNDS = 3


async def refuse_transaction_pooler(target: Target) -> None:
    """Look which process of the server answers two clients in turn.

    Raises:
        StoreUnavailable: one process answered both, although both are connected.
    """
    first, second = await target.connect(COLD), await target.connect(COLD)
    try:
        for _ in range(ROUNDS):
            if await _process(first) == await _process(second):
                raise StoreUnavailable(ADVICE)
    finally:
        first.terminate()
        second.terminate()


async def _process(connection: Connection) -> int:
    """The process that answers now. A prepared statement may not exist there, so none is used."""
    await connection.execute("SELECT set_config('application_name', 'casare ' || pg_backend_pid(), false)")
    shown = connection.get_settings().application_name
    return int(shown.rpartition(" ")[2])
