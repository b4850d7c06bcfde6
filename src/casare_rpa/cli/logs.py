"""`casare logs`: search the log lines of all jobs."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from casare_rpa.cli.job import Url
from casare_rpa.cli.local import admin_client
from casare_rpa.cli.output import PAGE, console, emit, log_line

_AGO = re.compile(r"(\d+)([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def logs(
    robot: Annotated[str | None, typer.Option(help="Only lines of this robot.")] = None,
    job: Annotated[str | None, typer.Option(help="Only lines of this job.")] = None,
    level: Annotated[str | None, typer.Option(help="Lowest level: DEBUG, INFO, WARNING or ERROR.")] = None,
    search: Annotated[str | None, typer.Option(help="Only lines that contain this text.", metavar="TEXT")] = None,
    since: Annotated[
        str | None, typer.Option(help="Start: an age such as 30m, 2h or 7d, or a time (RFC 3339).")
    ] = None,
    until: Annotated[str | None, typer.Option(help="End, in the same format.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of lines.")] = 200,
    url: Url = None,
) -> None:
    """Search the log lines of all jobs. Prints the newest matches, oldest first."""
    now = datetime.now(UTC)
    filters = {
        "robot_id": robot,
        "job_id": job,
        "min_level": level.upper() if level else None,
        "q": search,
        "since": instant(since, now, "--since"),
        "until": instant(until, now, "--until"),
    }
    client = admin_client(url)
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = client.search_logs(**filters, limit=min(PAGE, limit - len(items)), cursor=cursor)
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None or len(items) >= limit:
            break
    emit({**page, "items": items})
    for item in reversed(items):
        log_line(item, dated=True)
    if cursor is not None:
        console.print(
            f"Showing the newest {len(items)} lines; there may be more. Use --limit, --since or --until.", style="dim"
        )
    if not items:
        console.print("No lines.")


def instant(text: str | None, now: datetime, flag: str) -> str | None:
    """An age such as `2h` (before `now`) or an RFC 3339 time, in the format of the HTTP interface.

    Raises:
        typer.BadParameter: the text is neither. A time without a zone is refused as ambiguous.
    """
    if text is None:
        return None
    if ago := _AGO.fullmatch(text.strip()):
        try:
            then = now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        except OverflowError:
            raise typer.BadParameter(f"{text!r} is too long ago", param_hint=flag) from None
    else:
        try:
            then = datetime.fromisoformat(text.strip())
        except ValueError:
            raise _invalid_instant(text, flag) from None
    if then.tzinfo is None:
        raise _invalid_instant(text, flag)
    return then.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _invalid_instant(text: str, flag: str) -> typer.BadParameter:
    return typer.BadParameter(
        f"{text!r} is neither an age such as 90s, 30m, 2h, 7d nor a time such as 2026-01-31T08:00:00Z", param_hint=flag
    )
