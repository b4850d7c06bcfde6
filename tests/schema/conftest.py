"""A server without rate limits, because these tests send many messages and check the answers."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.server_process import Server, serving

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    unlimited = {f"CASARE_RATE_LIMIT_{who}": "off" for who in ("ROBOT", "ADMIN", "MONITORING")}
    with serving(tmp_path_factory.mktemp("schema"), **unlimited) as running:
        yield running
