"""A server, and nginx and HAProxy in front of it. Their clients are the sample robots and the command line."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.server_process import Server, serving

from .proxies import Proxy, haproxy, make_certificates, nginx


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("interop")) as running:
        yield running


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    return folder


@pytest.fixture(scope="session", params=["nginx", "haproxy"])
def proxy(request: pytest.FixtureRequest, server: Server, certificates: Path) -> Iterator[Proxy]:
    start = {"nginx": nginx, "haproxy": haproxy}[request.param]
    with start(certificates, server.url.removeprefix("http://")) as running:
        yield running
