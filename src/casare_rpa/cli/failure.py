"""`casare failure`: list, show, note, own, mute and retry failures, grouped by cause."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

import typer

from casare_rpa.cli.arguments import Reason, Url
from casare_rpa.cli.completion import complete_failure
from casare_rpa.cli.json_flag import CommandGroup
from casare_rpa.cli.local import admin_client
from casare_rpa.cli.output import Column, Kind, console, emit, shown_time, table
from casare_rpa.cli.questions import Yes, confirm
from casare_rpa.cli.times import http_time, local_time
from casare_rpa.domain.printable import one_line

app = CommandGroup(help="Show and handle failures, grouped by cause.", no_args_is_help=True)

COLUMNS = (
    Column("GROUP"),
    Column("FAILURES"),
    Column("WORKFLOW", rank=1),
    Column("LAST", Kind.TIME, rank=2),
    Column("STATE", rank=3),
    Column("OWNER", rank=4),
    Column("MESSAGE"),
)
MOST_HOURS = 7 * 24
JOBS_OF_AN_ORDER = 1_000
"""The largest number of jobs that one request changes."""


class Groups(StrEnum):
    """Which groups a list shows."""

    OPEN = "open"
    MUTED = "muted"
    ALL = "all"


_MUTED = {Groups.OPEN: False, Groups.MUTED: True, Groups.ALL: None}

Group = Annotated[
    str,
    typer.Argument(
        help="Id of the group, as `casare failure list` shows it.", metavar="GROUP", autocompletion=complete_failure
    ),
]
Hours = Annotated[int, typer.Option(min=1, max=MOST_HOURS, help="Failures of the last hours.")]
Tenant = Annotated[
    str | None, typer.Option(help="Tenant of the group. Default: that of the newest failure of the group.")
]


@app.command("list")
def list_failures(
    hours: Hours = 24,
    chosen: Annotated[
        Groups, typer.Option("--show", help="Which groups: the open ones, the muted ones, or all.")
    ] = Groups.ALL,
    url: Url = None,
) -> None:
    """List up to 50 groups of failures, largest first."""
    found = admin_client(url).list_failures(minutes=hours * 60, muted=_MUTED[chosen])
    emit(found)
    rows = [
        (
            group["fingerprint"],
            group["count"],
            group["workflow_id"],
            group["last_at"],
            _state(group),
            group["owner"],
            group["message"],
        )
        for group in found["items"]
    ]
    table(COLUMNS, rows, f"No failures in the last {hours} hours.")
    if found["capped"]:
        console.print(f"Only the newest {found['scanned']} failures were read. Choose fewer --hours.")


@app.command()
def show(group: Group, hours: Hours = 24, tenant: Tenant = None, url: Url = None) -> None:
    """Show a group: its cause, robots, note and newest job."""
    _show(admin_client(url).get_failures(group, minutes=hours * 60, tenant_id=tenant), hours)


@app.command()
def note(
    group: Group,
    text: Annotated[str, typer.Argument(help="The note; an empty text removes it.", metavar="TEXT")],
    tenant: Tenant = None,
    url: Url = None,
) -> None:
    """Write a note that everybody sees who looks at the group."""
    _show(admin_client(url).note_failures(group, {"note": text}, tenant_id=tenant))


@app.command()
def owner(
    group: Group,
    name: Annotated[str, typer.Argument(help="Who deals with it; an empty text removes the owner.", metavar="NAME")],
    tenant: Tenant = None,
    url: Url = None,
) -> None:
    """Name the owner of a group."""
    _show(admin_client(url).note_failures(group, {"owner": name}, tenant_id=tenant))


@app.command()
def mute(
    group: Group,
    until: Annotated[
        str | None,
        typer.Option(help="End of the mute: a time such as 2026-03-02T08:15, or a date; in this machine's zone."),
    ] = None,
    reason: Reason = "",
    tenant: Tenant = None,
    url: Url = None,
) -> None:
    """Leave a group out of the open failures until a time, or until it is unmuted."""
    body = {"until": local_time(until, "--until"), "reason": reason}
    _show(admin_client(url).order_failures(group, "mute", body, tenant_id=tenant))


@app.command()
def unmute(group: Group, reason: Reason = "", tenant: Tenant = None, url: Url = None) -> None:
    """End the mute of a group."""
    _show(admin_client(url).order_failures(group, "unmute", {"reason": reason}, tenant_id=tenant))


@app.command()
def retry(
    group: Group,
    hours: Hours = 24,
    reason: Reason = "",
    tenant: Tenant = None,
    url: Url = None,
    *,
    yes: Yes = False,
) -> None:
    """Submit the failed jobs of a group again. A job that was retried already is left out."""
    client = admin_client(url)
    wanted: dict[str, Any] = {
        "fingerprint": group,
        "finished_from": http_time(datetime.now(UTC) - timedelta(hours=hours)),
    }
    if tenant is not None:
        wanted["tenant_id"] = tenant
    order = {"action": "retry", "reason": reason}
    counted = client.order_jobs({**order, "filter": wanted, "dry_run": True})
    matched = counted["matched"]
    if matched > 0:
        confirm(f"Retry {matched} failed jobs?", ask=not yes)
    wanted["to"] = counted["at"]  # later jobs were not confirmed, and a retry that failed again is not retried
    done = refused = 0
    more = matched > 0
    while more and done + refused < matched:
        # A job that failed after the count matches as well. The limit keeps to the confirmed number.
        limit = min(JOBS_OF_AN_ORDER, matched - done - refused)
        answer = client.order_jobs({**order, "filter": wanted, "limit": limit})
        done, refused, more = done + answer["done"], refused + answer["refused"], answer["more"]
    emit({"matched": matched, "done": done, "refused": refused})
    console.print(f"{done} jobs submitted again" + (f", {refused} refused." if refused else "."))


def _state(group: dict[str, Any]) -> str:
    if group["muted"] is not None:
        until = group["muted"]["until"]
        return "muted" if until is None else f"muted until {shown_time(until)}"
    return "new" if group["is_new"] else ""


def _show(group: dict[str, Any], hours: int = 24) -> None:
    emit(group)
    robots = ", ".join(f"{robot['robot_id']} ({robot['count']})" for robot in group["robots"])
    facts = {
        "workflow": group["workflow_id"],
        "message": group["message"],
        f"last {hours} hours": f"{group['count']} failures",
        "first": shown_time(group["first_at"]),
        "last": shown_time(group["last_at"]),
        "robots": robots,
        "state": _state(group),
        "owner": group["owner"],
        "note": group["note"],
        "newest job": group["last_job_id"],
    }
    for name, value in facts.items():
        if value:
            console.print(f"{name:<16} {one_line(str(value))}")
    console.print(f"Next: casare job show {group['last_job_id']}")
