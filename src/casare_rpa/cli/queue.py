"""`casare queue`: list, add, pause and resume queues."""

from typing import Annotated, Any

import typer

from casare_rpa.cli.arguments import QueueName, Reason, Url
from casare_rpa.cli.json_flag import CommandGroup
from casare_rpa.cli.local import admin_client
from casare_rpa.cli.output import Column, console, emit, shown_time, table

app = CommandGroup(help="List, add, pause and resume queues.", no_args_is_help=True)

COLUMNS = (Column("QUEUE"), Column("PENDING"), Column("PAUSED", rank=1))


@app.command("list")
def list_queues(url: Url = None) -> None:
    """List the queues with their pending jobs and pauses."""
    _show(admin_client(url).list_queues())


@app.command()
def add(queue: Annotated[str, typer.Argument(help="Name of the queue.", metavar="QUEUE")], url: Url = None) -> None:
    """Add a queue."""
    emit(admin_client(url).create_queue(queue))
    console.print(f"{queue} added. Use it: casare job submit WORKFLOW --queue {queue}")


@app.command()
def pause(queue: QueueName, reason: Reason = "", url: Url = None) -> None:
    """Assign no jobs of a queue until it is resumed. Running jobs continue."""
    _show(admin_client(url).order_queue(queue, "pause", reason))


@app.command()
def resume(queue: QueueName, reason: Reason = "", url: Url = None) -> None:
    """Assign the jobs of a queue again."""
    _show(admin_client(url).order_queue(queue, "resume", reason))


def _show(listed: dict[str, Any]) -> None:
    emit(listed)
    rows = [(q["queue"], q["pending"], _paused(q["paused"] or listed["all_paused"])) for q in listed["items"]]
    table(COLUMNS, rows, "No queues.")


def _paused(pause: dict[str, Any] | None) -> str:
    if pause is None:
        return ""
    why = f": {pause['reason']}" if pause["reason"] else ""
    return f"by {pause['by']} at {shown_time(pause['at'])}{why}"
