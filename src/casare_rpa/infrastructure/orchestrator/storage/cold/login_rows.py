"""Statements on login sessions. Portable: SQLAlchemy Core."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import bindparam, delete, select, update

from casare_rpa.domain.credentials import LoginSession, Role
from casare_rpa.domain.instants import Instant
from casare_rpa.infrastructure.orchestrator.storage.schema import sessions
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection, Statement, insert_if_absent

_ADD = insert_if_absent(sessions, tuple(sessions.c.keys()))
_ONE = Statement(select(sessions).where(sessions.c.login_id == bindparam("wanted")))
_OPEN = Statement(
    select(sessions)
    .where(sessions.c.expires_at > bindparam("moment"), sessions.c.ended_at.is_(None))
    .order_by(sessions.c.signed_in_at.desc())
)
_END = Statement(
    update(sessions)
    .where(sessions.c.login_id == bindparam("wanted"), sessions.c.ended_at.is_(None))
    .values(ended_at=bindparam("moment"))
)
_EXTEND = Statement(
    update(sessions)
    .where(sessions.c.login_id == bindparam("wanted"), sessions.c.ended_at.is_(None))
    .values(expires_at=bindparam("moment"))
)
_DELETE = Statement(delete(sessions).where(sessions.c.expires_at < bindparam("before")))


def login_of(row: Sequence[Any]) -> LoginSession:
    """The session of a row with all columns."""
    return replace(LoginSession(*row), role=Role(row[-1]))


def add(connection: SqlConnection, login: LoginSession) -> bool:
    """Whether the session is new."""
    return _ADD.run(connection, **asdict(login)).rowcount == 1


def find(connection: SqlConnection, login_id: str) -> LoginSession | None:
    row = _ONE.run(connection, wanted=login_id).fetchone()
    return login_of(row) if row else None


def find_open(connection: SqlConnection, at: Instant) -> list[LoginSession]:
    """Sessions that have not ended and not expired, newest first."""
    return [login_of(row) for row in _OPEN.run(connection, moment=at)]


def extend(connection: SqlConnection, login_id: str, expires_at: Instant) -> None:
    _EXTEND.run(connection, wanted=login_id, moment=expires_at)


def end(connection: SqlConnection, login_id: str, at: Instant) -> bool:
    """Whether the session was open."""
    return _END.run(connection, wanted=login_id, moment=at).rowcount == 1


def delete_expired(connection: SqlConnection, before: Instant) -> None:
    _DELETE.run(connection, before=before)
