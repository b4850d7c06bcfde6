"""One server for most contract tests; those that stop or starve theirs start their own."""

from collections.abc import Iterator

import pytest

from contract.server_process import Account, Server, serving


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server with the contract's limits."""
    with serving(tmp_path_factory.mktemp("contract")) as running:
        yield running


@pytest.fixture
def account(server: Server) -> Account:
    """A robot that nobody else uses."""
    return server.robot()


@pytest.fixture(scope="session")
def token(server: Server) -> str:
    """A JWT for monitoring."""
    return server.token()
