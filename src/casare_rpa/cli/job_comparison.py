"""The text of `casare job compare`: what differs between a run and the last good run of its workflow."""

from typing import Any

from casare_rpa.cli.output import Column, console, log_line, table
from casare_rpa.domain.printable import one_line

PARAMETERS = (Column("PARAMETER"), Column("THIS RUN"), Column("GOOD RUN"))
STEPS = (Column("STEP"), Column("THIS RUN"), Column("GOOD RUN"))
NONE = "-"


def print_comparison(found: dict[str, Any]) -> None:
    """Print the response of `/api/v1/jobs/{job_id}/comparison`."""
    run, other, differences = found["run"], found["other"], found["differences"]
    if other is None:
        console.print("The workflow has no earlier completed job. Name another: casare job compare JOB_ID OTHER")
        return
    for name, one in (("this run", run), ("good run", other)):
        took = f"waited {_seconds(one['waited_seconds'])}, ran {_seconds(one['ran_seconds'])}"
        robot = one_line(one["robot_id"] or NONE)
        console.print(f"{name}: {one['job_id']}, {one['status']} on {robot}, {took}")
    console.print()
    rows = [(one["path"], one["run"] or NONE, one["other"] or NONE) for one in differences["parameters"]]
    table(PARAMETERS, rows, "The parameters are the same.")
    _left_out(differences["parameters_left_out"])
    console.print()
    steps = [(" / ".join(one["path"]), _time(one["run"]), _time(one["other"])) for one in differences["steps"]]
    table(STEPS, steps, "No step differs.")
    _left_out(differences["steps_left_out"])
    console.print()
    _print_lines(differences)


def _print_lines(differences: dict[str, Any]) -> None:
    first = differences["first_line"]
    compared = f"{differences['lines_compared']} log lines were compared"
    if first is None:
        console.print(f"No log line differs; {compared}.")
    else:
        console.print(f"Line {first['number']} is the first that differs. This run, then the good run:")
        for line in (first["run"], first["other"]):
            if line is None:
                console.print("(the log ended before)")
            else:
                log_line(line)
    if differences["lines_cut"]:
        console.print(f"Only {compared}; there are more.")


def _seconds(seconds: float | None) -> str:
    return NONE if seconds is None else f"{seconds:.1f} s"


def _time(time: dict[str, Any] | None) -> str:
    return NONE if time is None else f"{time['status']}, {_seconds(time['seconds'])}"


def _left_out(number: int) -> None:
    if number > 0:
        console.print(f"{number} more differ.")
