"""Each route names the parts of the control plane that it uses, not the whole of it."""

import re
from pathlib import Path

import pytest

ROUTERS = Path(__file__).resolve().parents[2] / "src/casare_rpa/infrastructure/orchestrator/api/routers"
WHOLE = re.compile(r"\b(?:ControlPlane|Plane|plane)\b")
EXCEPTIONS = {
    "health.py": "the metrics have a figure of every part",
    "websockets.py": "an endpoint has one interface for all parts of a connection",
}


@pytest.mark.parametrize("path", sorted(ROUTERS.glob("*.py")), ids=lambda path: path.name)
def test_route_does_not_take_the_whole_control_plane(path: Path) -> None:
    assert bool(WHOLE.search(path.read_text(encoding="utf-8"))) == (path.name in EXCEPTIONS)
