"""Types of several routes: ids, times, numbers, texts of one line, pages."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from fastapi import Header, Path, Query
from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from casare_rpa.domain.fields import PLAIN_TEXT_PATTERN, wire_number
from casare_rpa.domain.limits import MAX_NAME_LENGTH
from casare_rpa.domain.protocol import ID_PATTERN


def _moment(value: object) -> object:
    """Accepts RFC 3339 only; pydantic alone would also guess times from numbers and other texts."""
    if isinstance(value, str):
        try:
            moment = msgspec.convert(value, datetime)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (msgspec.ValidationError, OverflowError):
            pass
    elif value is None:
        return value
    raise ValueError("a time such as 2026-03-02T08:15:00Z is expected")


Moment = Annotated[datetime, BeforeValidator(_moment)]
"""RFC 3339 with any offset; no offset means UTC. In UTC its year is from 1 to 9999."""

From = Annotated[Moment | None, Query(alias="from")]
To = Annotated[Moment | None, Query(alias="to")]

Measure = Annotated[float, PlainSerializer(wire_number), WithJsonSchema({"type": "number"})]
"""A number of a response. A whole number is written without a fraction, because clients decode it as an integer."""


def _no_truth_value(value: object) -> object:
    """Refuses `true` and `false`, which pydantic alone would take for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("an integer is expected")
    return value


NO_TRUTH_VALUE = BeforeValidator(_no_truth_value)
"""For each integer of a request body; it stands after the limits, as in `int | None, Field(ge=1), NO_TRUTH_VALUE`."""
WholeNumber = Annotated[int, NO_TRUTH_VALUE]

MAX_CURSOR_LENGTH = 512

RobotId = Annotated[str, Path(pattern=ID_PATTERN)]
KeyId = Annotated[str, Path(pattern=ID_PATTERN)]
JobId = Annotated[str, Path(pattern=ID_PATTERN)]
WantedId = Annotated[str | None, Query(pattern=ID_PATTERN)]
IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=MAX_NAME_LENGTH, pattern=PLAIN_TEXT_PATTERN)]
Limit = Annotated[int, Query(ge=1, le=500)]
AttemptNumber = Annotated[int | None, Query(ge=1, le=2**31)]
Revision = Annotated[int, Query(ge=0, le=2**53)]
Cursor = Annotated[str | None, Query(max_length=MAX_CURSOR_LENGTH)]
