"""The text of `casare job steps`: the steps of an attempt, indented by their depth, with their durations."""

from datetime import datetime
from typing import Any

from casare_rpa.cli.output import Column, Kind, console, table

INDENT = "  "
COLUMNS = (Column("STARTED", Kind.TIME), Column("SECONDS"), Column("STATUS"), Column("KIND", rank=1), Column("STEP"))


def print_steps(steps: dict[str, Any]) -> None:
    """Print the response of `/api/v1/jobs/{job_id}/steps`."""
    depths: dict[int, int] = {}
    rows = []
    for step in steps["items"]:
        depths[step["id"]] = depth = depths.get(step["parent"], -1) + 1
        name = f"{INDENT * depth}{step['name']}"
        rows.append((step["started_at"], _seconds(step), step["status"], step["kind"], name))
    table(COLUMNS, rows, "No steps: the workflow reports none, or has not started.")
    left_out = steps["total"] - len(rows)
    if left_out > 0:
        console.print(f"{left_out} of {steps['total']} steps are not stored.")


def _seconds(step: dict[str, Any]) -> str:
    if step["ended_at"] is None:
        return ""
    took = datetime.fromisoformat(step["ended_at"]) - datetime.fromisoformat(step["started_at"])
    return f"{took.total_seconds():.1f}"
