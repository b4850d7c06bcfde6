"""`casare job`: submit, list, show, logs, cancel, retry, watch, submit-batch."""

import re
import sys
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from casare_rpa.cli.arguments import Follow, IdempotencyKey, JobId, Url, WorkflowId
from casare_rpa.cli.batch import once, read_jobs, submit_all
from casare_rpa.cli.completion import complete_job, complete_queue, complete_robot, complete_workflow
from casare_rpa.cli.exits import Exit
from casare_rpa.cli.job_comparison import print_comparison
from casare_rpa.cli.job_details import print_history, print_job
from casare_rpa.cli.job_follow import JobFollower
from casare_rpa.cli.job_steps import print_steps
from casare_rpa.cli.json_flag import CommandGroup
from casare_rpa.cli.local import admin_client, admin_secret, secret_url
from casare_rpa.cli.output import Column, Kind, console, emit, table, update_line
from casare_rpa.cli.parameters import read_parameters
from casare_rpa.cli.times import local_time
from casare_rpa.domain.errors import Rejected
from casare_rpa.domain.printable import one_line
from casare_rpa.domain.vocabulary import JobStatus

if TYPE_CHECKING:
    from casare_rpa.infrastructure.orchestrator.communication.http_client import OrchestratorHttpClient

app = CommandGroup(help="Submit, show and cancel jobs.", no_args_is_help=True)

RESOLVED_JOBS = 500
"""The number of newest jobs among which the end of an id is looked up."""
COLUMNS = (
    Column("JOB", Kind.JOB),
    Column("WORKFLOW"),
    Column("STATUS"),
    Column("REASON", rank=1),
    Column("PROGRESS", rank=4),
    Column("ROBOT", rank=2),
    Column("CREATED", Kind.TIME, rank=3),
)
_END_OF_ID = re.compile(r"[0-9a-f]{6,23}")


@app.command()
def submit(
    workflow_id: WorkflowId,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", help="Parameter as NAME=TEXT or NAME:=JSON, such as count:=3; repeatable."),
    ] = None,
    parameters: Annotated[
        str | None, typer.Option(help="All parameters as one JSON object; @FILE reads a file, - reads stdin.")
    ] = None,
    priority: Annotated[int, typer.Option(min=0, max=10, help="Priority from 0 to 10; higher runs first.")] = 5,
    timeout: Annotated[int, typer.Option(min=1, help="Maximum run time in seconds.")] = 3600,
    robot: Annotated[str | None, typer.Option(help="Run on this robot only.", autocompletion=complete_robot)] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Tag that the robot must have; repeatable.")] = None,
    tenant: Annotated[str, typer.Option(help="Tenant of the job.")] = "default",
    max_attempts: Annotated[int, typer.Option(min=1, help="Maximum number of attempts.")] = 1,
    queue: Annotated[str, typer.Option(help="Queue of the job.", autocompletion=complete_queue)] = "default",
    queue_ttl: Annotated[
        int | None, typer.Option(min=1, help="Maximum time in the queue in seconds; the job then fails.")
    ] = None,
    not_before: Annotated[
        str | None,
        typer.Option(help="Earliest start: a time such as 2026-03-02T08:15, or a date; in this machine's zone."),
    ] = None,
    key: IdempotencyKey = None,
    url: Url = None,
    *,
    wait: Follow = False,
) -> None:
    """Submit a job and print its id. With --follow, exit 1 unless the job completes."""
    client = admin_client(url)
    body: dict[str, Any] = {
        "workflow_id": workflow_id,
        "parameters": read_parameters(param or [], parameters),
        "priority": priority,
        "timeout_seconds": timeout,
        "tags": tag or [],
        "tenant_id": tenant,
        "max_attempts": max_attempts,
        "queue": queue,
        "queue_ttl_seconds": queue_ttl,
        "not_before": local_time(not_before, "--not-before"),
    }
    if robot:
        body["robot_id"] = robot
    print_submitted(client, once(lambda key: client.submit_job(body, idempotency_key=key), key), wait=wait)


@app.command("list")
def list_jobs(
    status: Annotated[JobStatus | None, typer.Option(help="Only jobs with this status.", case_sensitive=False)] = None,
    robot: Annotated[str | None, typer.Option(help="Only jobs of this robot.", autocompletion=complete_robot)] = None,
    workflow: Annotated[
        str | None, typer.Option(help="Only jobs of this workflow.", autocompletion=complete_workflow)
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Only jobs of this tenant.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="Maximum number of jobs.")] = 20,
    csv: Annotated[
        bool, typer.Option("--csv", help="Print all matching jobs as CSV in UTF-8; --limit has no effect.")
    ] = False,
    url: Url = None,
) -> None:
    """List jobs, newest first."""
    if csv:
        parts = admin_client(url).export_jobs(status=status, robot_id=robot, workflow_id=workflow, tenant_id=tenant)
        for part in parts:
            sys.stdout.buffer.write(part.encode())
        sys.stdout.buffer.flush()
        return
    page = admin_client(url).list_jobs(
        status=status, robot_id=robot, workflow_id=workflow, tenant_id=tenant, limit=limit
    )
    emit(page)
    rows = [
        (
            j["job_id"],
            j["workflow_id"],
            j["status"],
            j["reason"],
            f"{j['progress']:.0f} %",
            j["robot_id"],
            j["created_at"],
        )
        for j in page["items"]
    ]
    table(COLUMNS, rows, "No jobs. Submit one: casare job submit WORKFLOW")
    if page["next_cursor"]:
        console.print(
            f"Showing the newest {len(rows)} jobs. Narrow down with --status, --robot, --workflow, or raise --limit."
        )


@app.command()
def show(job_id: JobId, url: Url = None) -> None:
    """Show one job and its history."""
    client = admin_client(url)
    job = find_job(client, job_id)
    job_id = job["job_id"]
    page = client.job_events(job_id)
    events = page["items"]
    while page["next_cursor"] is not None:
        page = client.job_events(job_id, cursor=page["next_cursor"])
        events += page["items"]
    emit({**job, "events": events})
    print_job(job)
    print_history(events)


@app.command()
def steps(
    job_id: JobId,
    attempt: Annotated[int | None, typer.Option(help="Attempt. Default: the current one.", min=1)] = None,
    url: Url = None,
) -> None:
    """Print the steps of a job, such as its keywords, with their durations."""
    client = admin_client(url)
    found = client.job_steps(_whole_id(client, job_id), attempt=attempt)
    emit(found)
    print_steps(found)


@app.command()
def compare(
    job_id: JobId,
    other: Annotated[
        str | None,
        typer.Argument(help="Job to compare with. Default: the last good run.", autocompletion=complete_job),
    ] = None,
    url: Url = None,
) -> None:
    """Compare a job with the last good run of its workflow: parameters, steps, first different log line."""
    client = admin_client(url)
    named = None if other is None else _whole_id(client, other)
    found = client.job_comparison(_whole_id(client, job_id), named)
    emit(found)
    print_comparison(found)


@app.command()
def logs(
    job_id: JobId,
    url: Url = None,
    *,
    wait: Annotated[bool, typer.Option("--follow", "-f", help="Continue until the job ends.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Include lines of level DEBUG.")] = False,
) -> None:
    """Print the log of a job."""
    client = admin_client(url)
    follower = JobFollower(client, _whole_id(client, job_id), debug=debug)
    follower.print_until_end() if wait else follower.print_once()


@app.command()
def cancel(
    job_id: JobId,
    reason: Annotated[str | None, typer.Option(help="Reason, sent to the robot and stored in the history.")] = None,
    url: Url = None,
) -> None:
    """Cancel a job. A running job ends when its robot confirms the cancel."""
    client = admin_client(url)
    job_id = _whole_id(client, job_id)
    job = client.cancel_job(job_id, reason)
    emit(job)
    if job["status"] == "failed":
        console.print(f"{job_id} cancelled")
    else:
        console.print(f"{job_id}: cancel sent to {one_line(job['robot_id'])}; check with: casare job show {job_id}")


@app.command()
def retry(job_id: JobId, key: IdempotencyKey = None, url: Url = None, *, wait: Follow = False) -> None:
    """Submit an ended job again as a new job. With --follow, exit 1 unless the job completes."""
    client = admin_client(url)
    job_id = _whole_id(client, job_id)
    print_submitted(client, once(lambda key: client.retry_job(job_id, idempotency_key=key), key), wait=wait)


@app.command()
def watch(url: Url = None) -> None:
    """Show the open jobs, then every change of any job, until Ctrl-C. Missed changes follow after a reconnect."""
    import asyncio

    from casare_rpa.infrastructure.orchestrator.communication.job_watch import watch_jobs

    async def follow_all() -> None:
        async for update in watch_jobs(secret_url(url), api_secret=admin_secret()):
            job = msgspec.to_builtins(update)
            emit({"type": "job_update", "job": job})
            console.print(update_line(job))

    asyncio.run(follow_all())


@app.command("submit-batch")
def submit_batch(
    file: Annotated[
        str, typer.Argument(help="File with jobs as a JSON array or JSON lines; - reads stdin.", metavar="FILE")
    ],
    key: IdempotencyKey = None,
    url: Url = None,
) -> None:
    """Submit many jobs in batches of 1,000 and print their ids in the order of the file."""
    submit_all(admin_client(url), read_jobs(file), key)


def find_job(client: "OrchestratorHttpClient", text: str) -> dict[str, Any]:
    """The job with this id, or the only one of the newest jobs whose id ends with it.

    Raises:
        Rejected: there is no such job, or the end of its id is not sufficient.
    """
    try:
        return client.get_job(text)
    except Rejected as error:
        if error.status != 404 or not _END_OF_ID.fullmatch(text):
            raise
        newest = client.list_jobs(limit=RESOLVED_JOBS)["items"]
        found = [job["job_id"] for job in newest if job["job_id"].endswith(text)]
        if not found:
            raise
        if len(found) > 1:
            sentence = f"the ids of {len(found)} jobs end with {text!r}: {', '.join(found)}"
            raise Rejected(sentence, error.error_code, error.status) from None
    return client.get_job(found[0])


def _whole_id(client: "OrchestratorHttpClient", text: str) -> str:
    """The whole id of a job. Asks the orchestrator only when the text can be the end of an id."""
    return str(find_job(client, text)["job_id"]) if _END_OF_ID.fullmatch(text) else text


def print_submitted(client: "OrchestratorHttpClient", job: dict[str, Any], *, wait: bool) -> None:
    """Print the id of a new job. With `wait`, show its log until it ends, and exit 1 unless it completed."""
    emit({"type": "submitted", "job": job} if wait else job)
    console.print(one_line(job["job_id"]))
    if wait:
        ended = JobFollower(client, job["job_id"]).print_until_end()
        console.print()
        print_job(ended)
        raise typer.Exit(Exit.OK if ended["status"] == "completed" else Exit.FAILED)
