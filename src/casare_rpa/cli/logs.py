"""`casare logs`: search the log lines of all jobs."""

import re
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any

import typer

from casare_rpa.cli.arguments import Url
from casare_rpa.cli.completion import complete_job, complete_robot
from casare_rpa.cli.local import admin_client
from casare_rpa.cli.output import PAGE, console, emit, log_line
from casare_rpa.cli.times import http_time
from casare_rpa.domain.logs import Level

_AGO = re.compile(r"(\d+)([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAYS_AGO = {"today": 0, "yesterday": 1}


def logs(
    robot: Annotated[str | None, typer.Option(help="Only lines of this robot.", autocompletion=complete_robot)] = None,
    job: Annotated[str | None, typer.Option(help="Only lines of this job.", autocompletion=complete_job)] = None,
    level: Annotated[Level | None, typer.Option(help="Lowest level.", case_sensitive=False)] = None,
    search: Annotated[str | None, typer.Option(help="Only lines that contain this text.", metavar="TEXT")] = None,
    since: Annotated[
        str | None,
        typer.Option(help="Start: an age such as 2h or 7d, yesterday, a date, or a time; in this machine's zone."),
    ] = None,
    until: Annotated[str | None, typer.Option(help="End, in the same format.")] = None,
    first: Annotated[bool, typer.Option("--first", help="The oldest matches instead of the newest.")] = False,
    around: Annotated[
        int | None,
        typer.Option(min=1, metavar="LOG_ID", help="Matches before and after this line, at most 500."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of lines.")] = 200,
    url: Url = None,
) -> None:
    """Search the log lines of all jobs. Prints the newest matches, oldest first."""
    if first and around is not None:
        raise typer.BadParameter("use --first or --around, not both", param_hint="--around")
    now = datetime.now(UTC)
    filters = {
        "robot_id": robot,
        "job_id": job,
        "min_level": level,
        "q": search,
        "since": instant(since, now, "--since"),
        "until": instant(until, now, "--until"),
    }
    client = admin_client(url)
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = client.search_logs(
            **filters,
            limit=min(PAGE, limit - len(items)),
            cursor=cursor,
            order="asc" if first or around is not None else None,
            around=around,
        )
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None or around is not None or len(items) >= limit:
            break
    emit({**page, "items": items})
    for item in items if first or around is not None else reversed(items):
        log_line(item, dated=True)
    if cursor is not None and around is None:
        console.print(
            f"Showing the {'oldest' if first else 'newest'} {len(items)} lines; there may be more. "
            "Use --limit, --since or --until.",
            style="dim",
        )
    if not items:
        console.print("No lines.")


def instant(text: str | None, now: datetime, flag: str) -> str | None:
    """An age such as `2h` (before `now`), a day or a time, in the format of the HTTP interface.

    A day is its first instant. A day, and a time without a zone, are in the zone of this machine.

    Raises:
        typer.BadParameter: the text is none of these.
    """
    if text is None:
        return None
    text = text.strip()
    try:
        if ago := _AGO.fullmatch(text):
            then = now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        elif text.lower() in _DAYS_AGO:
            day = now.astimezone().date() - timedelta(days=_DAYS_AGO[text.lower()])
            then = datetime.combine(day, time())
        else:
            then = datetime.fromisoformat(text)
        return http_time(then)
    except OverflowError:
        raise typer.BadParameter(f"{text!r} is too long ago", param_hint=flag) from None
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not an age (90s, 30m, 2h, 7d, 1w), today, yesterday, a day (2026-01-31) or a time "
            "(2026-01-31T08:00, 2026-01-31T08:00:00Z)",
            param_hint=flag,
        ) from None
