"""Stored data that the server keeps in memory: each copy is corrected by the one mechanism of its kind.

In the event loop: events change a copy, and `compare` corrects it from the store every four seconds. In the writer's
thread: `reload` reads it again after a rollback. Caches of functions have no invalidation, so the functions are pure.
"""

import ast
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from casare_rpa.domain.errors import NotFound
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
from casare_rpa.infrastructure.orchestrator.settings import Settings
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import BatchCommands, SqliteStore
from fake_clock import FakeClock
from orchestrator.slices import instance

ORCHESTRATOR = Path(__file__).resolve().parents[2] / "src/casare_rpa/infrastructure/orchestrator"
CONTAINERS = {"dict", "set", "list", "deque", "OrderedDict", "defaultdict", "Counter", "Counters", "frozenset"}
INSTANCE_STATE = ("hub", "transport", "bus", "auth", "maintenance", "api", "observability.py")
"""Connections, sessions, attempts to sign in, queues of work and counters of this instance: none of it is stored."""
COPIES = {
    "Fleet": "resync",
    "LiveRobot": "resync",
    "RecentRevisions": "missed changes",
    "JobStream": "missed changes",
    "ChangeHistories": "missed changes",
    "OtherProgress": "missed changes",
    "JobCommands": "known tenants",
    "RemoteRobots": "robots elsewhere",
}
"""Classes with copies of stored data, and the loop that compares them."""
DERIVED = {
    "DirtyRobots": "ids of robots whose entries in the indexes of the fleet are built again",
    "AvailabilityIndex": "an index of the fleet, built again for dirty robots",
    "PendingReasons": "what viewers were shown last; computed anew each second",
    "RobotStream": "what viewers were shown last; computed anew from the fleet",
    "ChangeFeed": "open streams, and numbers that wake them; each stream reads the store every second",
    "JobReports": "reports that wait to be written",
    "SearchTurns": "searches that run",
    "Dispatcher": "cancels that are being sent",
    "Instances": "when other instances were seen to write",
    "RobotConnection": "what the connection has reported",
    "Resync": "robots that are compared next",
    "Mailbox": "cancels that are sent next",
    "Departures": "robots that are expected to return",
    "IdentityWatch": "connections without `hello`, and detections that are not repeated",
    "WorkBudgets": "budgets of this instance",
    "ControlPlane": "the list of the copies",
}
"""Other classes that hold collections outside INSTANCE_STATE, and what these are."""


def _modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(ORCHESTRATOR.rglob("*.py")):
        name = path.relative_to(ORCHESTRATOR).as_posix()
        if not name.startswith("communication/"):
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def _is_collection(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):
        called = value.func
        if isinstance(called, ast.Name) and called.id == "field":
            return any(isinstance(each.value, ast.Name) and each.value.id in CONTAINERS for each in value.keywords)
        called = called.value if isinstance(called, ast.Subscript) else called
        return isinstance(called, ast.Name) and called.id in CONTAINERS
    return isinstance(value, ast.Dict | ast.Set | ast.List)


def _holders(prefixes: tuple[str, ...], *, inside: bool) -> dict[str, str]:
    """The classes that hold a collection for the life of an object, and their modules."""
    found: dict[str, str] = {}
    for module, tree in _modules():
        if module.startswith(prefixes) != inside:
            continue
        for node in ast.walk(tree):
            if not isinstance(node, ast.ClassDef):
                continue
            functions = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"]
            fields = [one for one in node.body if isinstance(one, ast.AnnAssign)]
            assigned = [one for function in functions for one in ast.walk(function)]
            attributes = [
                one.value
                for one in [*fields, *assigned]
                if isinstance(one, ast.AnnAssign | ast.Assign)
                and (one in fields or re.match(r"self\.\w+$", ast.unparse(_target(one))))
            ]
            if any(map(_is_collection, attributes)):
                found[node.name] = module
    return found


def _target(node: ast.AnnAssign | ast.Assign) -> ast.expr:
    return node.target if isinstance(node, ast.AnnAssign) else node.targets[0]


def test_every_collection_in_memory_is_a_copy_or_has_another_meaning() -> None:
    holders = _holders((*INSTANCE_STATE, "storage/"), inside=False)
    assert set(holders) == COPIES.keys() | DERIVED.keys(), (
        "a new collection: is it stored data? Then let a copy in control_plane.py compare it, and add it to COPIES"
    )


async def test_each_copy_is_compared_by_a_loop_of_that_name(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "casare.db")
    try:
        clock = FakeClock()
        async with ControlPlane.started(Settings(data_dir=tmp_path), store, clock) as plane:
            assert set(plane.copies) == set(COPIES.values())
            assert plane.copies.keys() <= plane.loops.statistics.keys()
            for copy in plane.copies.values():
                await copy.compare()
    finally:
        await store.close()


def test_each_collection_of_the_writer_is_read_again_after_a_rollback() -> None:
    caches = [{kind.__name__ for kind in type(cache).__mro__} for cache in BatchCommands().caches]
    found = _holders(("storage/sqlite", "storage/placements.py"), inside=True)
    holders = {name for name, module in found.items() if "readers" not in module}
    assert all(holders & names for names in caches)
    assert holders <= set().union(*caches)


def test_cached_functions_are_pure() -> None:
    """They have no `self`, do not wait, and name no store: their result depends only on their arguments."""
    for module, tree in _modules():
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            names = {ast.unparse(one).partition("(")[0].rpartition(".")[2] for one in node.decorator_list}
            if names & {"cache", "lru_cache"}:
                assert isinstance(node, ast.FunctionDef), (module, node.name)
                arguments = {one.arg for one in node.args.args}
                assert not arguments & {"self", "store", "connection"}, (module, node.name)
                assert not re.search(r"\b(store|connection|clock|now\(|open\()", ast.unparse(node.body)), (
                    module,
                    node.name,
                )


async def test_tenant_is_looked_up_again_after_each_round(tmp_path: Path) -> None:
    async with instance(tmp_path) as plane:
        await plane.job()
        with closing(sqlite3.connect(tmp_path / "casare.db")) as database, database:
            database.execute("DELETE FROM tenants WHERE tenant_id = 'default'")
        await plane.job()
        await plane.commands.jobs.compare()
        with pytest.raises(NotFound, match="no tenant 'default'"):
            await plane.job()
