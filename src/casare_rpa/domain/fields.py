"""Types of message fields with their JSON Schema.

The decoder enforces `Meta(ge=…)` and the like. `extra_json_schema` is only in the schema: it describes limits that
other code checks.
"""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from casare_rpa.domain.limits import MAX_ID_LENGTH

_LEAP_YEAR = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_DAY = (
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
GIVEN_TIME_PATTERN = (
    rf"^(?!0000)(?:[0-9]{{4}}-{_DAY}|{_LEAP_YEAR}-02-29)[Tt ]{_TIME}(?:\.[0-9]+)?"
    r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9])?$"
)
"""RFC 3339 with any offset and precision. A space instead of the T, and a missing offset (UTC), are accepted too."""

_NAMES_OF_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "WARN", "CRITICAL", "FATAL")
GIVEN_LEVEL_PATTERN = "^(?:" + "|".join("".join(f"[{c}{c.lower()}]" for c in name) for name in _NAMES_OF_LEVELS) + ")$"

PLAIN_TEXT_PATTERN = r"^[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]*$"
"""One line of text: no control characters, no bidirectional controls, no line separators."""

Identifier = Annotated[str, Meta(min_length=1, max_length=MAX_ID_LENGTH)]
Percent = Annotated[float, Meta(ge=0, le=100)]
WholePercent = Annotated[int, Meta(ge=0, le=100)]
NotNegative = Annotated[float, Meta(ge=0)]
Attempt = Annotated[int, Meta(ge=1, le=2**31)]
Number = Annotated[int, Meta(ge=0)]
"""A position in a sequence."""

GivenTime = Annotated[
    datetime,
    Meta(
        description="RFC 3339 with any offset and precision; without an offset it is UTC.",
        extra_json_schema={"pattern": GIVEN_TIME_PATTERN},
    ),
]
Time = Annotated[
    str,
    Meta(
        description="RFC 3339 in UTC, with milliseconds and `Z`.",
        extra_json_schema={
            "format": "date-time",
            "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{3})?Z$",
        },
    ),
]
GivenLevel = Annotated[
    str,
    Meta(
        description="DEBUG, INFO, WARNING or ERROR in any case; WARN means WARNING, CRITICAL and FATAL mean ERROR.",
        extra_json_schema={"pattern": GIVEN_LEVEL_PATTERN},
    ),
]
JsonObject = Annotated[msgspec.Raw, Meta(extra_json_schema={"type": "object"})]
"""An object that the server does not decode."""


def wire_number(value: float) -> int | float:
    """The value as it is sent: a whole number without a fraction, because clients decode it as an integer.

    >>> wire_number(75.0), wire_number(45.2)
    (75, 45.2)
    """
    return int(value) if float(value).is_integer() else value
