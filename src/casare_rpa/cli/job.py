"""`casare job`: submit, list, show, logs, cancel, retry, watch, submit-batch."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from casare_rpa.cli.batch import read_jobs, submit_all
from casare_rpa.cli.exits import Exit
from casare_rpa.cli.json_flag import CommandGroup
from casare_rpa.cli.local import admin_client, admin_secret, secret_url
from casare_rpa.cli.output import console, emit, follow, table, update_line
from casare_rpa.domain.printable import harmless_record, one_line

if TYPE_CHECKING:
    from casare_rpa.infrastructure.orchestrator.communication.http_client import OrchestratorHttpClient

app = CommandGroup(help="Submit, show and cancel jobs.", no_args_is_help=True)

Url = Annotated[str | None, typer.Option("--url", help="Address of the orchestrator.", envvar="CASARE_URL")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Show the log until the job ends.")]
JobId = Annotated[str, typer.Argument(help="The job's id.", metavar="JOB_ID")]


def _parameters(pairs: list[str], text: str | None) -> dict[str, Any]:
    """Parameters from `-p name=value` (parsed as JSON where possible, else a text) and from a JSON object."""
    try:
        found = json.loads(text) if text else {}
    except json.JSONDecodeError as error:
        raise typer.BadParameter(f"not JSON: {error}", param_hint="--parameters") from None
    if not isinstance(found, dict):
        raise typer.BadParameter("expected a JSON object", param_hint="--parameters")
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise typer.BadParameter(f"{pair!r} is not NAME=VALUE", param_hint="--param")
        try:
            found[name] = json.loads(value)
        except json.JSONDecodeError:
            found[name] = value
    return found


@app.command()
def submit(
    workflow_id: Annotated[str, typer.Argument(help="Workflow: the name of a folder on the robot.")],
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", help="Parameter as NAME=VALUE; repeatable.")
    ] = None,
    parameters: Annotated[str | None, typer.Option(help="All parameters as one JSON object.")] = None,
    priority: Annotated[int, typer.Option(min=0, max=10, help="Priority from 0 to 10; higher runs first.")] = 5,
    timeout: Annotated[int, typer.Option(min=1, help="Maximum run time in seconds.")] = 3600,
    robot: Annotated[str | None, typer.Option(help="Run on this robot only.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Tag that the robot must have; repeatable.")] = None,
    tenant: Annotated[str, typer.Option(help="Tenant of the job.")] = "default",
    max_attempts: Annotated[int, typer.Option(min=1, help="Maximum number of attempts.")] = 1,
    queue: Annotated[str, typer.Option(help="Queue of the job.")] = "default",
    queue_ttl: Annotated[
        int | None, typer.Option(min=1, help="Maximum time in the queue in seconds; the job then fails.")
    ] = None,
    not_before: Annotated[
        str | None, typer.Option(help="Earliest start, such as 2026-03-02T08:15:00Z; without an offset it is UTC.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--idempotency-key", help="Repeated submits with the same key create one job.")
    ] = None,
    url: Url = None,
    *,
    wait: Follow = False,
) -> None:
    """Submit a job and print its id. With --follow, exit 1 unless the job completes."""
    client = admin_client(url)
    body: dict[str, Any] = {
        "workflow_id": workflow_id,
        "parameters": _parameters(param or [], parameters),
        "priority": priority,
        "timeout_seconds": timeout,
        "tags": tag or [],
        "tenant_id": tenant,
        "max_attempts": max_attempts,
        "queue": queue,
        "queue_ttl_seconds": queue_ttl,
        "not_before": not_before,
    }
    if robot:
        body["robot_id"] = robot
    job = client.submit_job(body, idempotency_key=key)
    _submitted(client, job, wait=wait)


@app.command("list")
def list_jobs(
    status: Annotated[
        str | None, typer.Option(help="Only jobs with this status: pending, claimed, running, completed or failed.")
    ] = None,
    robot: Annotated[str | None, typer.Option(help="Only jobs of this robot.")] = None,
    workflow: Annotated[str | None, typer.Option(help="Only jobs of this workflow.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only jobs of this tenant.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="Maximum number of jobs.")] = 20,
    url: Url = None,
) -> None:
    """List jobs, newest first."""
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
    table(
        ("JOB", "WORKFLOW", "STATUS", "REASON", "PROGRESS", "ROBOT", "CREATED"),
        rows,
        "No jobs. Submit one: casare job submit WORKFLOW",
    )
    if page["next_cursor"]:
        console.print(
            f"Showing the newest {len(rows)} jobs. Narrow down with --status, --robot, --workflow, or raise --limit."
        )


@app.command()
def show(job_id: JobId, url: Url = None) -> None:
    """Show one job and its history."""
    client = admin_client(url)
    job, page = client.get_job(job_id), client.job_events(job_id)
    events = page["items"]
    while page["next_cursor"] is not None:
        page = client.job_events(job_id, cursor=page["next_cursor"])
        events += page["items"]
    emit({**job, "events": events})
    _show(job)
    rows = [(e["at"], e["kind"], e["status"], e["attempt"], e["robot_id"], e["by"], e["note"]) for e in events]
    console.print()
    table(("AT", "EVENT", "STATUS", "ATTEMPT", "ROBOT", "BY", "NOTE"), rows, "No history.")


@app.command()
def logs(
    job_id: JobId,
    url: Url = None,
    *,
    wait: Annotated[bool, typer.Option("--follow", "-f", help="Continue until the job ends.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Include lines of level DEBUG.")] = False,
) -> None:
    """Print the log of a job."""
    follow(admin_client(url), job_id, until_end=wait, debug=debug)


@app.command()
def cancel(
    job_id: JobId,
    reason: Annotated[str | None, typer.Option(help="Reason, sent to the robot and stored in the history.")] = None,
    url: Url = None,
) -> None:
    """Cancel a job. A running job ends when its robot confirms the cancel."""
    job = admin_client(url).cancel_job(job_id, reason)
    emit(job)
    if job["status"] == "failed":
        console.print(f"{job_id} cancelled")
    else:
        console.print(f"{job_id}: cancel sent to {one_line(job['robot_id'])}; check with: casare job show {job_id}")


@app.command()
def retry(job_id: JobId, url: Url = None, *, wait: Follow = False) -> None:
    """Submit an ended job again as a new job. With --follow, exit 1 unless the job completes."""
    client = admin_client(url)
    _submitted(client, client.retry_job(job_id), wait=wait)


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
    key: Annotated[
        str | None, typer.Option("--idempotency-key", help="Repeated submits with the same key create the jobs once.")
    ] = None,
    url: Url = None,
) -> None:
    """Submit many jobs in batches of 1,000 and print their ids in the order of the file."""
    submit_all(admin_client(url), read_jobs(file), key)


def _submitted(client: "OrchestratorHttpClient", job: dict[str, Any], *, wait: bool) -> None:
    """Print the id of a new job. With `wait`, show its log until it ends, and exit 1 unless it completed."""
    emit({"type": "submitted", "job": job} if wait else job)
    console.print(one_line(job["job_id"]))
    if wait:
        _show(ended := follow(client, job["job_id"]))
        raise typer.Exit(Exit.OK if ended["status"] == "completed" else Exit.FAILED)


def _show(job: dict[str, Any]) -> None:
    for name, value in job.items():
        if value not in (None, [], {}, ""):
            shown = json.dumps(value, indent=2, ensure_ascii=False) if isinstance(value, dict | list) else value
            console.print(f"{name:>20}  {harmless_record(str(shown))}")
