"""Statements on the codes of sign-in links. Portable."""

from casare_rpa.domain.instants import Instant
from casare_rpa.infrastructure.orchestrator.storage.schema import sign_in_codes
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection, Statement, insert_if_absent

_ADD = insert_if_absent(sign_in_codes, ("digest", "expires_at"))
_COUNT = Statement("SELECT count(*) FROM sign_in_codes")
_DELETE_EXPIRED = Statement("DELETE FROM sign_in_codes WHERE expires_at <= :at")
_USE = Statement("DELETE FROM sign_in_codes WHERE digest = :digest AND expires_at > :at")


def add(connection: SqlConnection, digest: str, expires_at: Instant, at: Instant, most: int) -> bool:
    """Whether the code was added: there are less than `most`."""
    _DELETE_EXPIRED.run(connection, at=at)
    if _COUNT.run(connection).fetchone()[0] >= most:
        return False
    _ADD.run(connection, digest=digest, expires_at=expires_at)
    return True


def use(connection: SqlConnection, digest: str, at: Instant) -> bool:
    """Whether the code was unused and had not expired."""
    return _USE.run(connection, digest=digest, at=at).rowcount == 1
