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
    robot: Annotated[str | None, typer.Option(help="Of this robot.")] = None,
    job: Annotated[str | None, typer.Option(help="Of this job.")] = None,
    level: Annotated[str | None, typer.Option(help="This level and above: DEBUG, INFO, WARNING, ERROR.")] = None,
    search: Annotated[str | None, typer.Option(help="Lines that contain this text.", metavar="TEXT")] = None,
    since: Annotated[str | None, typer.Option(help="From then on: 2h, 30m, 7d ago, or a time (RFC 3339).")] = None,
    until: Annotated[str | None, typer.Option(help="Before then, written the same way.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest.")] = 200,
    url: Url = None,
) -> None:
    """Search the log lines of all jobs; the newest that match, oldest first."""
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
        console.print(f"The newest {len(items)}; there may be more: --limit, --since, --until", style="dim")
    if not items:
        console.print("No lines.")


def instant(text: str | None, now: datetime, flag: str) -> str | None:
    """`2h` (before `now`) or an RFC 3339 time, as the HTTP interface wants it.

    Raises:
        typer.BadParameter: it is neither; a time without a zone is refused, for it would be anybody's guess.
    """
    if text is None:
        return None
    if ago := _AGO.fullmatch(text.strip()):
        try:
            then = now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        except OverflowError:
            raise typer.BadParameter(f"{text!r} is longer ago than there are years", param_hint=flag) from None
    else:
        try:
            then = datetime.fromisoformat(text.strip())
        except ValueError:
            raise _no_instant(text, flag) from None
    if then.tzinfo is None:
        raise _no_instant(text, flag)
    return then.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _no_instant(text: str, flag: str) -> typer.BadParameter:
    return typer.BadParameter(
        f"{text!r} is neither an age such as 90s, 30m, 2h, 7d nor a time such as 2026-01-31T08:00:00Z", param_hint=flag
    )
