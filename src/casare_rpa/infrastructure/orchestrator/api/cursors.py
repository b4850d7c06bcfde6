"""Cursors: the end of a page as an opaque text, which the client sends back for the next page."""

import base64
import binascii
from typing import TypeVar

import msgspec

from casare_rpa.domain.errors import ProtocolError
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.logs import LogPosition

T = TypeVar("T")
_LARGEST = 2**63
_FOREIGN = "not a cursor of this list"


def cursor_of(at: Instant, place: str | int) -> str:
    """The cursor of an instant and of the id that orders items of the same instant."""
    return base64.urlsafe_b64encode(msgspec.json.encode([at, place])).decode()


def job_position(cursor: str | None) -> tuple[Instant, str] | None:
    """Instant and job id. Raises ProtocolError."""
    if cursor is None:
        return None
    at, job_id = _decoded(cursor, tuple[int, str])
    return Instant(_within(at)), job_id


def line_position(cursor: str | None) -> LogPosition | None:
    """The position at which a search continues. Raises ProtocolError."""
    if cursor is None:
        return None
    at, log_id = _decoded(cursor, tuple[int, int])
    return LogPosition(Instant(_within(at)), _within(log_id))


def number_position(cursor: str | None) -> int:
    """The number (of a log line, an event or an audit entry) at which the next page begins. Raises ProtocolError."""
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise ProtocolError(_FOREIGN, field="cursor")
    return int(cursor)


def _decoded(cursor: str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(cursor), type=kind)
    except (msgspec.DecodeError, binascii.Error, ValueError):
        raise ProtocolError(_FOREIGN, field="cursor") from None


def _within(number: int) -> int:
    if not 0 <= number < _LARGEST:
        raise ProtocolError(_FOREIGN, field="cursor")
    return number
