"""The text of `casare job show`: state and cause first, then facts, parameters, result and the next command."""

import json
from datetime import datetime
from typing import Any

from rich.text import Text

from casare_rpa.cli.output import STATUS_STYLES, Column, Kind, console, shown_time, table
from casare_rpa.domain.printable import harmless_record, one_line

NAME_WIDTH = 12
HISTORY = (
    Column("AT", Kind.TIME),
    Column("EVENT"),
    Column("STATUS", rank=3),
    Column("ATTEMPT", rank=2),
    Column("ROBOT", rank=1),
    Column("BY", rank=1),
    Column("NOTE"),
)


def print_job(job: dict[str, Any]) -> None:
    """Print one job. The last line is the command to use next."""
    _print_state(job)
    _print_cause(job)
    console.print()
    for name, value in _facts(job):
        if value not in (None, "", [], {}):
            console.print(f"  {name:<{NAME_WIDTH}}{harmless_record(str(value))}")
    for name in ("parameters", "result"):
        if job.get(name):
            console.print(f"\n{name}")
            console.print(_indented(json.dumps(job[name], indent=2, ensure_ascii=False)))
    console.print(f"\nnext: {next_command(job)}")


def print_history(events: list[dict[str, Any]]) -> None:
    """Print the entries of a job's history, oldest first."""
    console.print()
    rows = [(e["at"], e["kind"], e["status"], e["attempt"], e["robot_id"], e["by"], e["note"]) for e in events]
    table(HISTORY, rows, "No history.")


def next_command(job: dict[str, Any]) -> str:
    """The most useful next command for a job in this state."""
    job_id = one_line(job["job_id"])
    match job["status"]:
        case "failed":
            return f"casare job logs {job_id}, then casare job retry {job_id}"
        case "completed":
            return f"casare job logs {job_id}"
        case "pending":
            return f"casare job cancel {job_id}"
    return f"casare job logs {job_id} --follow, or casare job cancel {job_id}"


def _print_state(job: dict[str, Any]) -> None:
    status = str(job["status"])
    line = Text.assemble((status.upper(), f"bold {STATUS_STYLES.get(status, '')}".strip()))
    if job.get("reason"):
        line.append(f" ({one_line(job['reason'])})")
    if job.get("robot_id"):
        line.append(f" on {one_line(job['robot_id'])}")
    if status == "running":
        line.append(f", {float(job['progress']):.0f} %")
    line.append(f"  {one_line(job['job_id'])}", style="dim")
    console.print(line)
    if job.get("message"):
        console.print(f"  {harmless_record(job['message'])}")


def _print_cause(job: dict[str, Any]) -> None:
    """Why the job failed or waits."""
    for reason in job.get("pending_reasons") or ():
        console.print(f"  waits: {one_line(reason['message'])}", style="yellow")
    error = job.get("error")
    if not error:
        return
    kind = one_line(error["type"])
    code = f" [{one_line(error['code'])}]" if error.get("code") and error["code"] != error["type"] else ""
    console.print(f"  {kind}{code}: {harmless_record(error['message'])}", style="red")
    if error.get("node_id"):
        console.print(f"  at {one_line(error['node_id'])}")
    if error.get("traceback"):
        console.print()
        console.print(_indented(error["traceback"]))


def _facts(job: dict[str, Any]) -> list[tuple[str, object]]:
    return [
        ("workflow", job.get("workflow_id")),
        ("queue", job.get("queue")),
        ("tenant", job.get("tenant_id")),
        ("target robot", job.get("target_robot_id")),
        ("tags", ", ".join(job.get("tags") or ())),
        ("priority", job.get("priority")),
        ("attempt", f"{job['attempt']} of {job['max_attempts']}" if "max_attempts" in job else None),
        ("created", _time(job, "created_at")),
        ("not before", _time(job, "not_before")),
        ("started", _time(job, "started_at")),
        ("finished", _time(job, "finished_at")),
        ("ran for", _duration(job)),
        ("contact", job.get("contact")),
        ("cancel", job.get("cancel")),
        ("retry of", job.get("retry_of")),
    ]


def _time(job: dict[str, Any], name: str) -> str | None:
    return shown_time(job[name]) if job.get(name) else None


def _duration(job: dict[str, Any]) -> str | None:
    if not job.get("started_at") or not job.get("finished_at"):
        return None
    seconds = (datetime.fromisoformat(job["finished_at"]) - datetime.fromisoformat(job["started_at"])).total_seconds()
    return f"{seconds:.1f} s"


def _indented(text: str) -> str:
    """The text with every line indented. Control characters become escapes, line ends stay."""
    return f"    {harmless_record(text)}"
