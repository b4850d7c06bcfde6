"""Times that a user types: in the zone of this machine unless they have one."""

from datetime import UTC, datetime

import typer


def http_time(then: datetime) -> str:
    """A time in the format of the HTTP interface. Without a zone, `then` is in the zone of this machine.

    Raises:
        OverflowError, ValueError: it is outside the years 1 to 9999 in UTC.
    """
    return then.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def local_time(text: str | None, flag: str) -> str | None:
    """A day (its first instant) or a time, in the format of the HTTP interface.

    Raises:
        typer.BadParameter: the text is neither.
    """
    if text is None:
        return None
    try:
        return http_time(datetime.fromisoformat(text.strip()))
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is not a day (2026-01-31) or a time (2026-01-31T08:00, 2026-01-31T08:00:00Z)", param_hint=flag
        ) from None
