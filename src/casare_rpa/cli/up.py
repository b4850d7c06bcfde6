"""`casare up`: runs orchestrator, a robot process and the example job on one machine."""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from casare_rpa.cli.exits import Exit
from casare_rpa.cli.job_follow import JobFollower
from casare_rpa.cli.local import absolute_path, own_command
from casare_rpa.cli.output import console, emit, on_terminal
from casare_rpa.cli.serve import Config, DataDir, listen, local_url, run_loop, serve_on
from casare_rpa.cli.session import sign_in_address
from casare_rpa.domain.errors import ConnectFailed, Rejected
from casare_rpa.domain.printable import harmless_record
from casare_rpa.robot.file_mode_mask import FILE_MODE_MASK

if TYPE_CHECKING:
    from casare_rpa.infrastructure.orchestrator.communication.http_client import OrchestratorHttpClient
    from casare_rpa.infrastructure.orchestrator.settings import Settings

LOCAL_ROBOT = "local"
EXAMPLE_WORKFLOW = "invoices"
ROBOT_RESTART_SECONDS = 2.0
ROBOT_STOP_SECONDS = 20.0


def up(
    once: Annotated[
        bool, typer.Option("--once", help="Stop after the example job: exit 0 if it completed, else 1.")
    ] = False,
    invoices: Annotated[Path | None, typer.Option(help="Folder of invoices (.csv, .json) for the example job.")] = None,
    workflows: Annotated[
        Path | None,
        typer.Option(help="Folder of workflows for the robot. Default: the examples.", exists=True, file_okay=False),
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port; the next free one when it is in use.", envvar="CASARE_PORT")
    ] = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Start orchestrator and robot, run the example job and show its log, then serve until Ctrl-C."""
    from casare_rpa.infrastructure.orchestrator.settings import load_settings
    from casare_rpa.robot.process_reaper import continue_below_reaper
    from casare_rpa.robot.robot_key import protect_memory, remove_secrets_from_environment

    # INFO messages of the orchestrator would hide the log of the example job in the terminal.
    quiet = {"log_level": "WARNING"}
    settings = load_settings(config=config, fallbacks=quiet, port=port, data_dir=data_dir)
    protect_memory()  # workflows run as the same user
    remove_secrets_from_environment()
    folder = workflows or example_workflows()
    parameters = {} if invoices is None else {"folder": str(invoices.resolve())}
    continue_below_reaper()
    raise typer.Exit(run_loop(_up(settings, absolute_path(folder), parameters, once=once)))


def example_workflows() -> Path:
    """The examples: inside the package when installed from a wheel, else next to the sources."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "examples", package.parents[1] / "examples"):
        if (folder / EXAMPLE_WORKFLOW).is_dir():
            return folder
    raise ConnectFailed("the examples are not installed; pass a folder of workflows with --workflows", retryable=False)


async def _up(settings: "Settings", workflows: Path, parameters: dict[str, Any], *, once: bool) -> int:
    from casare_rpa.infrastructure.orchestrator.communication.http_client import OrchestratorHttpClient

    listener = listen(settings.host, settings.port, or_next=True)
    stop = asyncio.Event()
    started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    server = asyncio.create_task(serve_on(settings, listener, started.set_result, stop), name="server")
    server.add_done_callback(lambda _: started.done() or started.cancel())
    await asyncio.wait([started])
    if started.cancelled():
        await server  # raises the error that prevented the start
        return Exit.FAILED
    url = local_url(*listener.getsockname()[:2])
    _banner(settings, url)
    client = OrchestratorHttpClient(url, api_secret=settings.api_secret.get_secret_value())
    try:
        await asyncio.to_thread(_store_robot_key, client, settings.data_dir)
        if on_terminal():  # a file or a service manager would keep the link
            console.print(f"  sign in once  {await asyncio.to_thread(sign_in_address, client)}\n")
        async with _robot(settings.data_dir, url, workflows) as robot:
            job = asyncio.create_task(asyncio.to_thread(_example, client, parameters), name="example job")
            await asyncio.wait({server, job, robot}, return_when=asyncio.FIRST_COMPLETED)
            if robot.done():
                robot.result()  # raises the error that prevented the start of the robot
            if server.done():  # Ctrl-C: the job continues at the next start
                await asyncio.gather(job, return_exceptions=True)
                return Exit.INTERRUPTED
            code = _print_result(job.result())
            if not once:
                again = f"casare job submit {EXAMPLE_WORKFLOW} --follow"
                console.print(f"\nServing on {url} until Ctrl-C. Open it in a browser, or: {again}")
                await asyncio.wait({server})
    finally:
        stop.set()
        await server
    return code if once else Exit.OK


def _banner(settings: "Settings", url: str) -> None:
    secret = settings.data_dir / "api_secret"
    where = str(secret) if secret.is_file() else "from CASARE_API_SECRET"
    kept = settings.data_dir / "admin_password"
    password = f"in {kept}" if kept.is_file() else "from CASARE_ADMIN_PASSWORD"
    port = int(url.rpartition(":")[2])
    moved = f"  (port {settings.port} was in use)" if settings.port not in (0, port) else ""
    emit({"type": "ready", "url": url, "data_dir": str(settings.data_dir), "admin_secret": where})
    console.print("CasareRPA Orchestrator", style="bold")
    console.print(f"  address       {url}{moved}")
    console.print(f"  data          {settings.data_dir}")
    console.print(f"  admin secret  {where}")
    console.print(f"  sign in       as admin, password {password}")
    console.print(f"  API           {url}/openapi.json\n")


def _key_file(data_dir: Path) -> Path:
    return data_dir / f"robot-{LOCAL_ROBOT}.key"


def _store_robot_key(client: "OrchestratorHttpClient", data_dir: Path) -> None:
    """Store a key of the local robot, unless the stored one is valid."""
    from casare_rpa.infrastructure.orchestrator.communication.http_client import OrchestratorHttpClient

    path = _key_file(data_dir)
    with contextlib.suppress(FileNotFoundError):
        key = path.read_text().strip()
        with contextlib.suppress(Rejected):
            OrchestratorHttpClient(client.base_url, api_key=key).get_robot(LOCAL_ROBOT)
            return
    try:
        client.create_robot({"robot_id": LOCAL_ROBOT, "name": "Local robot"})
    except Rejected as error:
        if error.status != 409:
            raise
    key = str(client.create_key(LOCAL_ROBOT)["api_key"])
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(key)


@contextlib.asynccontextmanager
async def _robot(data_dir: Path, url: str, workflows: Path) -> AsyncIterator[asyncio.Task[None]]:
    """A supervised robot process, restarted when it ends. Its log is in the data directory."""
    log = data_dir / f"robot-{LOCAL_ROBOT}.log"
    supervising = asyncio.create_task(_supervise(data_dir, url, workflows, log), name="robot")
    try:
        yield supervising
    finally:
        supervising.cancel()
        await asyncio.wait({supervising})


async def _supervise(data_dir: Path, url: str, workflows: Path, log: Path) -> None:
    command = own_command("robot", "run", "--robot-id", LOCAL_ROBOT, "--key-file", str(_key_file(data_dir)))
    command += ["--workflows", str(workflows), "--data-dir", str(data_dir / "robots" / LOCAL_ROBOT)]
    command += ["--stop-with-stdin"]
    environment = {**os.environ, "CASARE_URL": url}
    while True:
        with _robot_log(log) as sink:
            # In its own session, the robot does not receive Ctrl-C. It stops when its stdin ends: in order below, and
            # also when this process is killed.
            process = await asyncio.create_subprocess_exec(
                *command,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
                preexec_fn=FILE_MODE_MASK.restore if os.name == "posix" else None,  # uvloop does not support `umask`
            )
        try:
            code = await process.wait()
            emit({"type": "robot_ended", "robot_id": LOCAL_ROBOT, "exit_code": code, "log": str(log)})
            console.print(f"the local robot exited with code {code}; restarting it (log: {log})", style="yellow")
            await asyncio.sleep(ROBOT_RESTART_SECONDS)
        except asyncio.CancelledError:
            await _stop_process(process)
            raise


def _robot_log(path: Path) -> BinaryIO:
    """The robot's log, opened to append; the null device when it cannot be written, because the log is optional."""
    try:
        return path.open("ab")
    except OSError as error:
        console.print(f"the robot's log {path} cannot be written: {error}", style="yellow")
        return Path(os.devnull).open("ab")


async def _stop_process(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(ROBOT_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _example(client: "OrchestratorHttpClient", parameters: dict[str, Any]) -> dict[str, Any]:
    job = client.submit_job({"workflow_id": EXAMPLE_WORKFLOW, "parameters": parameters, "robot_id": LOCAL_ROBOT})
    emit({"type": "submitted", "job": job})
    console.print(f"Example job {job['job_id']}:")
    # The orchestrator is in this process: when it stops answering, Ctrl-C has stopped it.
    return JobFollower(client, job["job_id"], reconnect_seconds=0).print_until_end()


def _print_result(job: dict[str, Any]) -> Exit:
    """Print the result of the example job and return the exit code."""
    if job["status"] != "completed":
        error = job.get("error") or {}
        console.print("\nfailed", style="bold red", end=" ")
        message = str(error.get("message") or job.get("message") or "no reason given")
        console.print(f"({job['reason']}): {harmless_record(message)}")
        return Exit.FAILED
    result = job["result"] or {}
    console.print("\ncompleted", style="bold green", end="")
    console.print(f": {result.get('accepted')} of {result.get('files')} invoices accepted")
    for supplier, totals in sorted(dict(result.get("totals") or {}).items()):
        for currency, amount in sorted(dict(totals).items()):
            console.print(f"  {supplier:<32} {amount:>14} {currency}")
    rejected = result.get("rejected") or []
    if rejected:
        console.print(f"rejected: {len(rejected)}")
    for reject in rejected:
        console.print(f"  {reject['file']:<32} {reject['reason']}")
    console.print(f"report: {result.get('report')}")
    return Exit.OK
