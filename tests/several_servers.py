"""Several instances of the server as processes, on one PostgreSQL."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from contract.server_process import Server, serving
from postgres_server import DEBIAN, free_port, running

NAMES = ("one", "two")


def new_store() -> str:
    """The address of an empty database on the server that tests share."""
    return running(DEBIAN).new_database(f"servers_{uuid.uuid4().hex[:12]}")


@contextmanager
def instance(folder: Path, name: str, store: str, port: int, **environment: str) -> Iterator[Server]:
    """One instance; started again with the same arguments, it is the restart of the same one."""
    with serving(
        folder / f"data-{name}",
        **{
            "CASARE_DATABASE_URL": store,
            "CASARE_INSTANCE_NAME": name,
            "CASARE_PORT": str(port),
            "CASARE_TRUSTED_PROXIES": "127.0.0.1",
            **environment,
        },
    ) as server:
        yield server


@contextmanager
def several_servers(
    folder: Path, store: str, names: Sequence[str] = NAMES, **environment: str
) -> Iterator[list[Server]]:
    """Instances with these names, in this order."""
    with ExitStack() as stack:
        yield [stack.enter_context(instance(folder, name, store, free_port(), **environment)) for name in names]
