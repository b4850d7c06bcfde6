"""`casare preset`: list, save, run and delete named values for the jobs of a workflow."""

from typing import Annotated, Any

import typer

from casare_rpa.cli.arguments import Follow, IdempotencyKey, Url, WorkflowId
from casare_rpa.cli.batch import once
from casare_rpa.cli.completion import complete_job
from casare_rpa.cli.job import find_job, print_submitted
from casare_rpa.cli.json_flag import CommandGroup
from casare_rpa.cli.local import admin_client
from casare_rpa.cli.output import Column, Kind, console, emit, table
from casare_rpa.cli.parameters import read_parameters
from casare_rpa.domain.errors import NotFound
from casare_rpa.domain.job_fields import REQUEST_FIELDS
from casare_rpa.domain.printable import one_line

app = CommandGroup(help="Save values for the jobs of a workflow, and submit jobs with them.", no_args_is_help=True)

PresetName = Annotated[str, typer.Argument(help="Name of the preset.", metavar="NAME")]
Tenant = Annotated[str, typer.Option(help="Tenant of the preset.")]
Param = Annotated[
    list[str] | None,
    typer.Option("--param", "-p", help="Parameter as NAME=TEXT or NAME:=JSON, such as count:=3; repeatable."),
]
Parameters = Annotated[
    str | None, typer.Option(help="All parameters as one JSON object; @FILE reads a file, - reads stdin.")
]
COLUMNS = (
    Column("NAME"),
    Column("PARAMETERS", rank=1),
    Column("QUEUE", rank=3),
    Column("CHANGED", Kind.TIME, rank=2),
    Column("BY", rank=4),
)
_NOT_SAVED = ("workflow_id", "tenant_id", "target_robot_id", "retry_of", "not_before")
_OF_A_JOB = tuple(field.name for field in REQUEST_FIELDS if field.name not in _NOT_SAVED)
"""Fields that a job and a preset have under the same name."""


@app.command("list")
def list_presets(workflow_id: WorkflowId, tenant: Tenant = "default", url: Url = None) -> None:
    """List the presets of a workflow."""
    found = admin_client(url).list_presets(workflow_id, tenant)
    emit(found)
    rows = [
        (one["name"], _parameters(one["job"]["parameters"]), one["job"]["queue"], one["changed_at"], one["changed_by"])
        for one in found["items"]
    ]
    table(COLUMNS, rows, f"No presets. Save one: casare preset save {workflow_id} NAME -p page=1")


@app.command()
def save(
    workflow_id: WorkflowId,
    name: PresetName,
    param: Param = None,
    parameters: Parameters = None,
    source: Annotated[
        str | None,
        typer.Option("--from", help="Id of a job whose values are saved.", autocompletion=complete_job),
    ] = None,
    tenant: Tenant = "default",
    url: Url = None,
) -> None:
    """Save a preset, or replace the one with this name. -p replaces single parameters of --from."""
    client = admin_client(url)
    fields: dict[str, Any] = {}
    if source is not None:
        job = find_job(client, source)
        fields = {field: job[field] for field in _OF_A_JOB}
        if job["target_robot_id"] is not None:
            fields["robot_id"] = job["target_robot_id"]
    given = {**fields.get("parameters", {}), **read_parameters(param or [], parameters)}
    body = {**fields, "workflow_id": workflow_id, "name": name, "tenant_id": tenant, "parameters": given}
    emit(client.save_preset(body))
    console.print(f"{one_line(name)} saved. Use it: casare preset run {one_line(workflow_id)} {one_line(name)}")


@app.command()
def run(
    workflow_id: WorkflowId,
    name: PresetName,
    param: Param = None,
    tenant: Tenant = "default",
    key: IdempotencyKey = None,
    url: Url = None,
    *,
    wait: Follow = False,
) -> None:
    """Submit a job with the values of a preset; -p replaces single parameters. Prints the id of the job."""
    client = admin_client(url)
    found = next((one for one in client.list_presets(workflow_id, tenant)["items"] if one["name"] == name), None)
    if found is None:
        raise NotFound(f"there is no preset {name!r}; list them: casare preset list {workflow_id}", field="name")
    job = found["job"]
    body = {
        **job,
        "workflow_id": workflow_id,
        "tenant_id": tenant,
        "parameters": {**job["parameters"], **read_parameters(param or [], None)},
    }
    print_submitted(client, once(lambda key: client.submit_job(body, idempotency_key=key), key), wait=wait)


@app.command()
def delete(workflow_id: WorkflowId, name: PresetName, tenant: Tenant = "default", url: Url = None) -> None:
    """Delete a preset. Jobs that were submitted with it stay."""
    admin_client(url).delete_preset(workflow_id, name, tenant)
    emit({"deleted": name})
    console.print(f"{one_line(name)} deleted.")


def _parameters(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())
