"""What several requests take: ids, times, texts of one line, pages."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from fastapi import Header, Path, Query
from pydantic import BeforeValidator

from casare_rpa.domain.protocol import ID_PATTERN

PLAIN_TEXT = r"^[^\x00-\x1f\x7f-\x9f]*$"
"""One line of text: no control characters."""


def _moment(value: object) -> object:
    """Only RFC 3339: what else would be guessed of a text or a number is refused."""
    if isinstance(value, str):
        try:
            moment = msgspec.convert(value, datetime)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (msgspec.ValidationError, OverflowError):
            pass
    elif value is None:
        return value
    raise ValueError("not a time as 2026-03-02T08:15:00Z")


Moment = Annotated[datetime, BeforeValidator(_moment)]
"""RFC 3339, any offset; none means UTC. In UTC it is still a year from 1 to 9999."""

RobotId = Annotated[str, Path(pattern=ID_PATTERN)]
KeyId = Annotated[str, Path(pattern=ID_PATTERN)]
JobId = Annotated[str, Path(pattern=ID_PATTERN)]
WantedId = Annotated[str | None, Query(pattern=ID_PATTERN)]
IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=256, pattern=PLAIN_TEXT)]
Limit = Annotated[int, Query(ge=1, le=500)]
Cursor = Annotated[str | None, Query(max_length=512)]
