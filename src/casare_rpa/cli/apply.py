"""`casare apply`: makes queues and robots as a file describes them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from msgspec import UNSET, UnsetType

from casare_rpa.cli.arguments import Url
from casare_rpa.cli.input_file import read_input
from casare_rpa.cli.local import admin_client
from casare_rpa.cli.output import console, emit
from casare_rpa.domain.errors import CasareError
from casare_rpa.domain.printable import one_line

if TYPE_CHECKING:
    from casare_rpa.infrastructure.orchestrator.communication.http_client import OrchestratorHttpClient

HINT = "--file"
REASON = "casare apply"
ROBOT_FIELDS = ("name", "tags", "max_concurrent_jobs")
"""The fields of a robot that can be changed."""


class WantedQueue(msgspec.Struct, forbid_unknown_fields=True):
    """A queue of the file. An absent field is left as it is."""

    queue: str
    paused: bool | UnsetType = UNSET


class WantedRobot(msgspec.Struct, forbid_unknown_fields=True):
    """A robot of the file. An absent field is left as it is. `tags` are the only tags that the robot then has."""

    robot_id: str
    name: str | UnsetType = UNSET
    tenant_id: str | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    max_concurrent_jobs: int | UnsetType = UNSET
    draining: bool | UnsetType = UNSET


class WantedFleet(msgspec.Struct, forbid_unknown_fields=True):
    """The content of the file."""

    queues: list[WantedQueue] = []
    robots: list[WantedRobot] = []


@dataclass(frozen=True, slots=True)
class FleetChange:
    """One request that makes a difference, and its words for the output."""

    kind: str
    """`add` or `change`."""
    subject: str
    difference: str
    make: Callable[[], object]


def apply(
    file: Annotated[str, typer.Option("--file", "-f", help="YAML or JSON file with queues and robots; - reads stdin.")],
    url: Url = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the differences and change nothing.")] = False,
) -> None:
    """Add and change queues and robots until they are as in a file. Removes nothing. Repeating it changes nothing."""
    fleet = read_fleet(read_input(file, HINT))
    client = admin_client(url)
    changes = [*_queue_changes(client, fleet.queues), *_robot_changes(client, fleet.robots)]
    done: list[dict[str, str]] = []
    try:
        for change in changes:
            if not dry_run:
                change.make()
            done.append({"kind": change.kind, "subject": change.subject, "difference": change.difference})
            sign = "+" if change.kind == "add" else "~"
            console.print(f"{sign} {one_line(change.subject)}{one_line(change.difference)}")
    except CasareError:
        console.print(f"stopped after {len(done)} of {len(changes)} changes; the command can be repeated")
        raise
    finally:
        emit({"dry_run": dry_run, "changes": done})
    if not changes:
        console.print("No differences.")
    elif dry_run:
        console.print(f"{len(changes)} changes would be made. Without --dry-run they are.")
    else:
        console.print(f"{len(changes)} changes made.")


def read_fleet(text: str) -> WantedFleet:
    """The queues and robots of a YAML or JSON text.

    Raises:
        typer.BadParameter: the text is not valid, or names a queue or robot twice.
    """
    import yaml

    try:
        fleet = msgspec.convert(yaml.safe_load(text) or {}, WantedFleet)
    except yaml.YAMLError as error:
        raise typer.BadParameter(f"the file is not YAML: {' '.join(str(error).split())}", param_hint=HINT) from None
    except msgspec.ValidationError as error:
        fields = (
            f"robots: {', '.join(WantedRobot.__struct_fields__)}; queues: {', '.join(WantedQueue.__struct_fields__)}"
        )
        raise typer.BadParameter(f"{error} (fields of {fields})", param_hint=HINT) from None
    _refuse_twice("queue", [one.queue for one in fleet.queues])
    _refuse_twice("robot", [one.robot_id for one in fleet.robots])
    return fleet


def _refuse_twice(kind: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise typer.BadParameter(f"the {kind} {name!r} is in the file more than once", param_hint=HINT)


def _queue_changes(client: "OrchestratorHttpClient", wanted: Iterable[WantedQueue]) -> Iterator[FleetChange]:
    existing = {one["queue"]: one for one in client.list_queues()["items"]}
    for one in wanted:
        name, subject = one.queue, f"queue {one.queue}"
        if name not in existing:
            yield FleetChange("add", subject, "", lambda name=name: client.create_queue(name))  # type: ignore[misc]
        paused = name in existing and existing[name]["paused"] is not None
        if one.paused is not UNSET and one.paused != paused:
            order = "pause" if one.paused else "resume"
            yield FleetChange("change", subject, f": {order}", _order(client.order_queue, name, order))


def _robot_changes(client: "OrchestratorHttpClient", wanted: Iterable[WantedRobot]) -> Iterator[FleetChange]:
    existing = {one["robot_id"]: one for one in client.list_robots()["items"]}
    for one in wanted:
        robot_id, subject = one.robot_id, f"robot {one.robot_id}"
        stored = existing.get(robot_id)
        if stored is None:
            body = {name: value for name, value in msgspec.to_builtins(one).items() if name != "draining"}
            yield FleetChange("add", subject, _listed(body), lambda body=body: client.create_robot(body))  # type: ignore[misc]
        elif differing := _differing(one, stored):
            shown = "".join(f" {name} {stored[name]!r} -> {value!r}" for name, value in differing.items())
            yield FleetChange(
                "change",
                subject,
                f":{shown}",
                lambda robot_id=robot_id, differing=differing: client.change_robot(robot_id, differing),  # type: ignore[misc]
            )
        draining = stored is not None and stored["draining"] is not None
        if one.draining is not UNSET and one.draining != draining:
            order = "drain" if one.draining else "resume"
            yield FleetChange("change", subject, f": {order}", _order(client.order_robot, robot_id, order))


def _differing(wanted: WantedRobot, stored: dict[str, Any]) -> dict[str, Any]:
    """The fields whose value in the file is another than the stored one. The order of tags has no meaning."""
    given = msgspec.to_builtins(wanted)
    if given.get("tenant_id", stored["tenant_id"]) != stored["tenant_id"]:
        raise typer.BadParameter(
            f"the robot {wanted.robot_id!r} belongs to the tenant {stored['tenant_id']!r}, which cannot be changed; "
            f"remove the robot first: casare robot delete {wanted.robot_id}",
            param_hint=HINT,
        )
    found = {name: given[name] for name in ROBOT_FIELDS if name in given and given[name] != stored[name]}
    if sorted(found.get("tags", ())) == sorted(stored["tags"]):
        found.pop("tags", None)
    return found


def _listed(body: dict[str, Any]) -> str:
    fields = [f" {name} {value!r}" for name, value in body.items() if name != "robot_id"]
    return f":{''.join(fields)}" if fields else ""


def _order(send: Callable[[str, str, str], object], name: str, order: str) -> Callable[[], object]:
    return lambda: send(name, order, REASON)
