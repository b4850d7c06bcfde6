"""One server for each socket path serves most contract tests; tests that stop or starve a server start their own."""

from collections.abc import Iterator

import pytest

from contract.server_process import WIRES, Account, Server, serving


@pytest.fixture(scope="session", params=WIRES)
def wire(request: pytest.FixtureRequest) -> str:
    """The socket path: every test that has a server of this folder runs on both."""
    return str(request.param)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, wire: str) -> Iterator[Server]:
    """A running server with the contract's limits."""
    with serving(tmp_path_factory.mktemp("contract"), CASARE_WIRE=wire) as running:
        yield running


@pytest.fixture
def account(server: Server) -> Account:
    """A robot for one test."""
    return server.robot()


@pytest.fixture(scope="session")
def token(server: Server) -> str:
    """A JWT for monitoring."""
    return server.token()
