"""`casare apply`: queues and robots become as in a file, once, and only after a look when asked."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from casare_rpa.cli.apply import read_fleet
from casare_rpa.cli.exits import Exit
from cli.running import casare, document, done
from contract.server_process import Server, serving

FLEET = """\ufeff
queues:
  - queue: payroll
  - queue: archive
    paused: true
robots:
  - robot_id: desk-1
    name: Desk Ž
    tags: [sap, excel]
    max_concurrent_jobs: 2
  - robot_id: desk-2
    draining: true
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("apply")) as running:
        yield running


@pytest.mark.slow
def test_file_is_applied_once_and_a_dry_run_changes_nothing(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text(FLEET, encoding="utf-8")
    before = (server.get("/queues"), server.get("/robots"))
    planned = done(casare("apply", "-f", str(file), "--dry-run", url=server.url)).splitlines()
    assert planned == [
        "+ queue payroll",
        "+ queue archive",
        "~ queue archive: pause",
        "+ robot desk-1: name 'Desk Ž' tags ['sap', 'excel'] max_concurrent_jobs 2",
        "+ robot desk-2",
        "~ robot desk-2: drain",
        "6 changes would be made. Without --dry-run they are.",
    ]
    assert (server.get("/queues"), server.get("/robots")) == before
    assert done(casare("apply", "-f", str(file), url=server.url)).splitlines() == [*planned[:-1], "6 changes made."]
    assert [one["queue"] for one in server.get("/queues")["items"] if one["paused"]] == ["archive"]
    desk = server.get("/robots/desk-1")
    assert (desk["name"], sorted(desk["tags"]), desk["max_concurrent_jobs"]) == ("Desk Ž", ["excel", "sap"], 2)
    assert server.get("/robots/desk-2")["draining"]["reason"] == "casare apply"
    assert done(casare("apply", "-f", str(file), url=server.url)) == "No differences.\n"


@pytest.mark.slow
def test_only_named_fields_change_and_nothing_is_removed(server: Server) -> None:
    server.post("/robots", {"robot_id": "desk-3", "name": "Three", "tags": ["b", "a"]})
    same = {"robots": [{"robot_id": "desk-3", "tags": ["a", "b"]}]}
    assert document(casare("apply", "-f", "-", "--json", url=server.url, stdin=json.dumps(same)))["changes"] == []
    renamed = {"robots": [{"robot_id": "desk-3", "name": "Drei"}]}
    applied = document(casare("apply", "-f", "-", "--json", url=server.url, stdin=json.dumps(renamed)))
    assert applied["changes"] == [
        {"kind": "change", "subject": "robot desk-3", "difference": ": name 'Three' -> 'Drei'"}
    ]
    desk = server.get("/robots/desk-3")
    assert (desk["name"], sorted(desk["tags"])) == ("Drei", ["a", "b"])


@pytest.mark.slow
def test_tenant_of_a_robot_is_not_changed(server: Server) -> None:
    server.post("/robots", {"robot_id": "desk-4"})
    moved = '{"queues": [{"queue": "never"}], "robots": [{"robot_id": "desk-4", "tenant_id": "other"}]}'
    refused = casare("apply", "-f", "-", url=server.url, stdin=moved)
    assert (refused.returncode, "which cannot be changed" in refused.stderr) == (Exit.USAGE, True)
    assert "never" not in [one["queue"] for one in server.get("/queues")["items"]]


@pytest.mark.slow
def test_refused_change_reports_the_ones_before_it(server: Server) -> None:
    fleet = '{"queues": [{"queue": "first"}, {"queue": "not allowed"}]}'
    refused = casare("apply", "-f", "-", url=server.url, stdin=fleet)
    assert refused.returncode == Exit.FAILED
    assert "+ queue first\nstopped after 1 of 2 changes; the command can be repeated" in refused.stdout
    assert "first" in [one["queue"] for one in server.get("/queues")["items"]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("robots: [{robot_id: a, tag: [x]}]", "unknown field `tag`.*fields of robots: robot_id, name, tenant_id, tags"),
        ("robots: [{name: a}]", "missing required field `robot_id`"),
        ("robots: [{robot_id: a, tags: [no]}]", r"Expected `str`, got `bool` - at `\$\.robots\[0\]\.tags\[0\]`"),
        ("queues: [{queue: a}, {queue: a}]", "the queue 'a' is in the file more than once"),
        ("robots: [{robot_id: a}, {robot_id: a}]", "the robot 'a' is in the file more than once"),
        ("queue: [a]", "unknown field `queue`"),
        ("- a", "Expected `object`, got `array`"),
        ("a: [", "the file is not YAML: .*line 1"),
        ("!!python/object/apply:os.system [true]", "the file is not YAML"),
    ],
)
def test_invalid_file_is_refused_with_its_field(text: str, words: str) -> None:
    with pytest.raises(typer.BadParameter, match=words):
        read_fleet(text)


def test_empty_file_has_no_differences() -> None:
    assert read_fleet("").queues == []
