"""`casare job`: submit, list, show, logs, cancel, retry."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from casare_rpa.cli.batch import read_jobs, submit_all
from casare_rpa.cli.exits import Exit
from casare_rpa.cli.json_flag import CommandGroup
from casare_rpa.cli.local import admin_client, admin_secret, orchestrator_url
from casare_rpa.cli.output import console, emit, follow, table, update_line

if TYPE_CHECKING:
    from casare_rpa.infrastructure.orchestrator.communication.http_client import OrchestratorHttpClient

app = CommandGroup(help="Submit jobs, look at them, stop them.", no_args_is_help=True)

Url = Annotated[str | None, typer.Option("--url", help="Address of the orchestrator.", envvar="CASARE_URL")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Show its log until it ends.")]
JobId = Annotated[str, typer.Argument(help="The job's id.", metavar="JOB_ID")]


def _parameters(pairs: list[str], text: str | None) -> dict[str, Any]:
    """Parameters from `-p name=value` (a value that is JSON is taken as such) and from a JSON object."""
    try:
        found = json.loads(text) if text else {}
    except json.JSONDecodeError as error:
        raise typer.BadParameter(f"not JSON: {error}", param_hint="--parameters") from None
    if not isinstance(found, dict):
        raise typer.BadParameter("a JSON object is expected", param_hint="--parameters")
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
    workflow_id: Annotated[str, typer.Argument(help="The workflow: a folder's name on the robot.")],
    param: Annotated[list[str] | None, typer.Option("--param", "-p", help="NAME=VALUE, may be repeated.")] = None,
    parameters: Annotated[str | None, typer.Option(help="All parameters as one JSON object.")] = None,
    priority: Annotated[int, typer.Option(min=0, max=10, help="0 to 10, higher first.")] = 5,
    timeout: Annotated[int, typer.Option(min=1, help="Seconds that the job may run.")] = 3600,
    robot: Annotated[str | None, typer.Option(help="Only this robot.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag that the robot must have, may be repeated.")] = None,
    tenant: Annotated[str, typer.Option(help="The tenant.")] = "default",
    max_attempts: Annotated[int, typer.Option(min=1, help="How often it may be started.")] = 1,
    queue: Annotated[str, typer.Option(help="The queue that it waits in.")] = "default",
    queue_ttl: Annotated[int | None, typer.Option(min=1, help="Seconds that it may wait before it fails.")] = None,
    key: Annotated[str | None, typer.Option("--idempotency-key", help="The same key makes one job only.")] = None,
    url: Url = None,
    *,
    wait: Follow = False,
) -> None:
    """Submit a job and print its id; with --follow, exit 1 unless it completes."""
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
    }
    if robot:
        body["robot_id"] = robot
    job = client.submit_job(body, idempotency_key=key)
    _submitted(client, job, wait=wait)


@app.command("list")
def list_jobs(
    status: Annotated[str | None, typer.Option(help="pending, claimed, running, completed or failed.")] = None,
    robot: Annotated[str | None, typer.Option(help="Of this robot.")] = None,
    workflow: Annotated[str | None, typer.Option(help="Of this workflow.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Of this tenant.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many, newest first.")] = 20,
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
        console.print(f"The newest {len(rows)}; there are more: --limit, --status, --robot, --workflow")


@app.command()
def show(job_id: JobId, url: Url = None) -> None:
    """Show one job and its history."""
    client = admin_client(url)
    job, events = client.get_job(job_id), client.job_events(job_id)["items"]
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
    wait: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job ends.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Lines of level DEBUG too.")] = False,
) -> None:
    """Print the job's log."""
    follow(admin_client(url), job_id, until_end=wait, debug=debug)


@app.command()
def cancel(
    job_id: JobId,
    reason: Annotated[str | None, typer.Option(help="Told to the robot, kept in the history.")] = None,
    url: Url = None,
) -> None:
    """Cancel a job. A running one is stopped by its robot and ends when that is confirmed."""
    job = admin_client(url).cancel_job(job_id, reason)
    emit(job)
    if job["status"] == "failed":
        console.print(f"{job_id} cancelled")
    else:
        console.print(f"{job_id}: asked {job['robot_id']} to stop; casare job show {job_id} tells when it has")


@app.command()
def retry(job_id: JobId, url: Url = None, *, wait: Follow = False) -> None:
    """Submit a job that has ended once more, as a new job; with --follow, exit 1 unless it completes."""
    client = admin_client(url)
    _submitted(client, client.retry_job(job_id), wait=wait)


@app.command()
def watch(url: Url = None) -> None:
    """Show the jobs that are open, then every change of any job, until Ctrl-C; a lost connection loses none."""
    import asyncio

    from casare_rpa.infrastructure.orchestrator.communication.job_watch import watch_jobs

    async def follow_all() -> None:
        async for update in watch_jobs(orchestrator_url(url), api_secret=admin_secret()):
            said = msgspec.to_builtins(update)
            emit({"type": "job_update", "job": said})
            console.print(update_line(said))

    asyncio.run(follow_all())


@app.command("submit-batch")
def submit_batch(
    file: Annotated[str, typer.Argument(help="Jobs as a JSON array or JSON lines; - reads stdin.", metavar="FILE")],
    key: Annotated[str | None, typer.Option("--idempotency-key", help="The same key makes the jobs once only.")] = None,
    url: Url = None,
) -> None:
    """Submit many jobs, 1,000 at a time, and print their ids in the order of the file."""
    submit_all(admin_client(url), read_jobs(file), key)


def _submitted(client: "OrchestratorHttpClient", job: dict[str, Any], *, wait: bool) -> None:
    """Print the new job's id; with `wait` show its log until it ends, and exit 1 unless it completed."""
    emit({"type": "submitted", "job": job} if wait else job)
    console.print(job["job_id"])
    if wait:
        _show(ended := follow(client, job["job_id"]))
        raise typer.Exit(Exit.OK if ended["status"] == "completed" else Exit.FAILED)


def _show(job: dict[str, Any]) -> None:
    for name, value in job.items():
        if value not in (None, [], {}, ""):
            shown = json.dumps(value, indent=2, ensure_ascii=False) if isinstance(value, dict | list) else value
            console.print(f"{name:>20}  {shown}", markup=False)
