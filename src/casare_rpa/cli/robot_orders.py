"""Commands of `casare robot` about one or more robots, by their ids or by filters."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from casare_rpa.cli.arguments import Reason, Url
from casare_rpa.cli.completion import complete_robot
from casare_rpa.cli.exits import Exit
from casare_rpa.cli.local import admin_client
from casare_rpa.cli.output import console, emit
from casare_rpa.cli.questions import Yes, confirm
from casare_rpa.domain.errors import Rejected
from casare_rpa.domain.printable import one_line
from casare_rpa.domain.robots import ShownRobotState

if TYPE_CHECKING:
    from casare_rpa.infrastructure.orchestrator.communication.http_client import OrchestratorHttpClient

MOST_ORDERED = 1000
"""The number of robots in one request."""
SHOWN_IDS = 5

RobotIds = Annotated[
    list[str] | None,
    typer.Argument(help="Ids of robots.", metavar="[ROBOT_ID]...", autocompletion=complete_robot),
]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="Only robots with this tag; repeatable.")]
WithTag = Annotated[list[str] | None, typer.Option("--with-tag", help="Only robots with this tag; repeatable.")]
States = Annotated[
    list[ShownRobotState] | None,
    typer.Option("--state", help="Only robots in this state; repeatable.", case_sensitive=False),
]
Search = Annotated[str | None, typer.Option(help="Only robots with this text in their id, name or tags.")]
Everything = Annotated[bool, typer.Option("--all", help="All robots.")]


def _order_command(action: str, text: str) -> Callable[..., None]:
    """The command of an order to robots, named by ids or by filters. `text` is its help."""

    def command(
        robot_ids: RobotIds = None,
        tag: Tags = None,
        state: States = None,
        search: Search = None,
        reason: Reason = "",
        url: Url = None,
        *,
        everything: Everything = False,
        yes: Yes = False,
    ) -> None:
        client = admin_client(url)
        chosen = _chosen(client, robot_ids, tag, state, search, everything=everything)
        _order(client, chosen, action, reason, ask=_asks(robot_ids, yes=yes))

    command.__doc__ = text
    return command


drain = _order_command(
    "drain", "Assign no new jobs to robots, named by ids or by filters. Their current jobs continue."
)
resume = _order_command("resume", "Assign jobs to drained robots again, named by ids or by filters.")
restart = _order_command(
    "restart",
    "Restart the process of robots after their current jobs. Kept for ten minutes for a robot that is offline.",
)


def edit(
    robot_ids: RobotIds = None,
    name: Annotated[str | None, typer.Option(help="Display name of the robot; empty for none.")] = None,
    slots: Annotated[
        int | None, typer.Option(min=0, max=1000, help="Maximum number of concurrent jobs; 0: what the robot reports.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(help="The tags of the robot, and no others; repeatable.")] = None,
    add_tag: Annotated[list[str] | None, typer.Option(help="Tag to add; repeatable.")] = None,
    remove_tag: Annotated[list[str] | None, typer.Option(help="Tag to remove; repeatable.")] = None,
    with_tag: WithTag = None,
    state: States = None,
    search: Search = None,
    url: Url = None,
    *,
    everything: Everything = False,
    yes: Yes = False,
) -> None:
    """Change the name, the slots or the tags of robots, named by ids or by filters."""
    change: dict[str, Any] = {"name": name, "tags": tag, "add_tags": add_tag, "remove_tags": remove_tag}
    change = {field: value for field, value in change.items() if value is not None}
    if slots is not None:
        change["max_concurrent_jobs"] = slots or None
    if not change:
        raise typer.BadParameter("name a change: --name, --slots, --tag, --add-tag or --remove-tag")
    client = admin_client(url)
    chosen = _chosen(client, robot_ids, with_tag, state, search, everything=everything)
    if name and len(chosen) > 1:
        raise typer.BadParameter(f"one name cannot be given to {len(chosen)} robots", param_hint="'--name'")
    confirm(f"Change {_counted(chosen)}?", ask=_asks(robot_ids, yes=yes))
    _each(chosen, lambda robot_id: client.change_robot(robot_id, change), "changed")


def delete(
    robot_ids: RobotIds = None,
    tag: Tags = None,
    state: States = None,
    search: Search = None,
    url: Url = None,
    *,
    everything: Everything = False,
    yes: Yes = False,
) -> None:
    """Delete robots and their keys, and close their connections. Their jobs and log lines stay."""
    client = admin_client(url)
    chosen = _chosen(client, robot_ids, tag, state, search, everything=everything)
    confirm(
        f"Delete {_counted(chosen)}? A job that one of them runs fails as robot_lost when its lease ends.",
        ask=not yes and (sys.stdin.isatty() or not robot_ids),
    )
    _each(chosen, client.remove_robot, "deleted")


def _chosen(
    client: "OrchestratorHttpClient",
    robot_ids: Sequence[str] | None,
    tag: Sequence[str] | None,
    state: Sequence[ShownRobotState] | None,
    search: str | None,
    *,
    everything: bool,
) -> list[str]:
    """The ids that the command names, or those of the robots that match its filters."""
    filtered = bool(tag or state or search)
    if sum((bool(robot_ids), filtered, everything)) != 1:
        raise typer.BadParameter("name robots by their ids, by filters, or all of them with --all")
    if robot_ids:
        return list(dict.fromkeys(robot_ids))
    found = client.list_robots(tag=tag or (), state=[one.value for one in state or ()], q=search)["items"]
    if not found:
        console.print("No robot matches.")
        emit({"matched": 0, "robot_ids": [], "unchanged": 0, "refused": []})
        raise typer.Exit(Exit.OK)
    return [robot["robot_id"] for robot in found]


def _asks(robot_ids: Sequence[str] | None, *, yes: bool) -> bool:
    """Whether to ask: the number of robots of a filter may surprise. Ids are as the user typed them."""
    return not yes and not robot_ids


def _counted(robot_ids: Sequence[str]) -> str:
    """The ids of a few robots, or their number and the first ids."""
    shown, more = ", ".join(robot_ids[:SHOWN_IDS]), len(robot_ids) - SHOWN_IDS
    if len(robot_ids) == 1:
        return shown
    return f"{len(robot_ids)} robots ({shown}{f' and {more} more' if more > 0 else ''})"


DONE = {
    "drain": "{} no new jobs. To undo: casare robot resume",
    "resume": "{} jobs again",
    "restart": "{} a request to restart",
}


def _order(client: "OrchestratorHttpClient", chosen: Sequence[str], order: str, reason: str, *, ask: bool) -> None:
    confirm(f"{order.capitalize()} {_counted(chosen)}?", ask=ask)
    sums: dict[str, Any] = {"matched": 0, "robot_ids": [], "unchanged": 0, "refused": []}
    for first in range(0, len(chosen), MOST_ORDERED):
        for name, value in client.order_robots(chosen[first : first + MOST_ORDERED], order, reason).items():
            sums[name] += value
    if len(chosen) == 1 and sums["refused"]:
        raise Rejected(sums["refused"][0]["message"], sums["refused"][0]["code"], 404)
    changed = sums["robot_ids"]
    if changed:
        verb = "gets" if len(changed) == 1 else "get"
        console.print(f"{_counted(changed)} {DONE[order].format(verb)}")
    if sums["unchanged"]:
        state = "drained already" if order == "drain" else "not drained"
        console.print(f"{sums['unchanged']} {'was' if sums['unchanged'] == 1 else 'were'} {state}")
    _report(sums)


def _each(chosen: Sequence[str], act: Callable[[str], object], done: str) -> None:
    """Run a request for each robot. A refusal does not stop the others."""
    sums: dict[str, Any] = {"matched": len(chosen), "robot_ids": [], "unchanged": 0, "refused": []}
    for robot_id in chosen:
        try:
            act(robot_id)
        except Rejected as error:
            if len(chosen) == 1:
                raise
            sums["refused"].append({"robot_id": robot_id, "code": error.error_code, "message": str(error)})
        else:
            sums["robot_ids"].append(robot_id)
    if sums["robot_ids"]:
        console.print(f"{_counted(sums['robot_ids'])} {done}")
    _report(sums)


def _report(sums: dict[str, Any]) -> None:
    """Print the refusals. Exit 1 if there is one."""
    emit(sums)
    for one in sums["refused"]:
        console.print(f"refused: {one_line(one['message'])}", style="red")
    if sums["refused"]:
        raise typer.Exit(Exit.FAILED)
