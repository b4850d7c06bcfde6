"""Each route and each WebSocket endpoint names the parts of the control plane that it uses, not the whole of it."""

import ast
import re
from pathlib import Path

import pytest

ORCHESTRATOR = Path(__file__).resolve().parents[2] / "src/casare_rpa/infrastructure/orchestrator"
ROUTERS = ORCHESTRATOR / "api/routers"
ENDPOINTS = [ORCHESTRATOR / "endpoints.py", ORCHESTRATOR / "websocket_handlers.py", ROUTERS / "websockets.py"]
WHOLE = re.compile(r"\b(?:ControlPlane|Plane|plane)\b")
EXCEPTIONS = {"health.py": "the metrics have a figure of every part"}
COMMON = "ConnectionParts"
"""The parts of every endpoint. `endpoints.py` declares and uses them."""


@pytest.mark.parametrize("path", sorted({*ROUTERS.glob("*.py"), *ENDPOINTS}), ids=lambda path: path.name)
def test_route_does_not_take_the_whole_control_plane(path: Path) -> None:
    assert bool(WHOLE.search(path.read_text(encoding="utf-8"))) == (path.name in EXCEPTIONS)


def _declared(tree: ast.Module) -> dict[str, set[str]]:
    """The names of the parts in each class `…Parts`."""
    return {
        node.name: {
            each.target.id if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) else each.name
            for each in node.body
            if isinstance(each, ast.AnnAssign | ast.FunctionDef)
        }
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name.endswith("Parts")
    }


def _annotations(node: ast.ClassDef) -> set[str]:
    """The names of the types of all parameters called `parts`."""
    return {
        each.annotation.id
        for each in ast.walk(node)
        if isinstance(each, ast.arg) and each.arg == "parts" and isinstance(each.annotation, ast.Name)
    }


def _used(node: ast.AST) -> set[str]:
    return {
        each.attr
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id == "parts"
    }


@pytest.mark.parametrize("path", ENDPOINTS, ids=lambda path: path.name)
def test_endpoint_declares_exactly_the_parts_that_it_uses(path: Path) -> None:
    """mypy refuses the use of a part without a declaration; this finds a declaration without a use."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    declared = _declared(tree)
    assert declared
    users: dict[str, set[str]] = {name: set() for name in declared}
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name not in declared:
            for name in _annotations(node) & declared.keys():
                users[name] |= _used(node)
    users[COMMON] = _used(tree)
    for name, parts in declared.items():
        assert users[name], f"no endpoint uses {name}"
        assert parts <= users[name], f"{name} declares parts that no endpoint uses: {parts - users[name]}"
