"""Instances that start on one PostgreSQL database: locks hold their names, rows have digests of their secrets."""

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from casare_rpa.domain.errors import InvalidSettings
from casare_rpa.domain.instance_facts import InstanceFacts, SecretDigests
from casare_rpa.infrastructure.orchestrator.bus.events import EventBus
from casare_rpa.infrastructure.orchestrator.clock import StoreClock
from casare_rpa.infrastructure.orchestrator.robots.instances import Instances
from casare_rpa.infrastructure.orchestrator.storage.postgres.store import PostgresStore
from postgres_server import DEBIAN
from storage.postgres_database import empty_database

pytestmark = pytest.mark.slow

SECRETS = {"jwt_secret": "signing key", "api_secret": "secret of admins", "admin_password": "password"}


class Processes:
    """Instances, each with the connections of a process of its own."""

    def __init__(self) -> None:
        self._url = empty_database(DEBIAN)
        self._stores: list[PostgresStore] = []

    async def start(self, name: str, instance: str = "", **secrets: str) -> PostgresStore:
        """Start an instance; returns its store. `instance` is the id of its process."""
        store = await PostgresStore.open(self._url)
        self._stores.append(store)
        clock = await StoreClock.of(cast(Any, store))
        digests = SecretDigests.of(**{**SECRETS, **secrets})
        facts = InstanceFacts(name=name, started_at=clock.now(), store=store.kind.name, secrets=digests)
        await Instances(cast(Any, store), EventBus(), clock, instance or name, lambda: facts).start()
        return store

    async def end(self, store: PostgresStore) -> None:
        """Close its connections, as the end of the process does."""
        self._stores.remove(store)
        await store.close()

    async def end_all(self) -> None:
        for store in list(self._stores):
            await self.end(store)


@pytest.fixture
async def processes() -> AsyncIterator[Processes]:
    made = Processes()
    yield made
    await made.end_all()


async def test_instances_with_equal_secrets_see_each_other(processes: Processes) -> None:
    await processes.start("north")
    south = await processes.start("south")
    found = {one.instance: one.facts for one in await south.running()}
    assert set(found) == {"north", "south"}
    assert {facts.store for facts in found.values() if facts is not None} == {"postgresql"}


async def test_name_of_a_running_instance_is_refused_until_it_ends(processes: Processes) -> None:
    first = await processes.start("north", "first")
    with pytest.raises(InvalidSettings, match="CASARE_INSTANCE_NAME: an instance with the name north runs"):
        await processes.start("north", "second")
    assert [one.instance for one in await first.running()] == ["first"], "the refused one has written nothing"
    await processes.end(first)
    third = await processes.start("north", "third", jwt_secret="another key")
    assert "third" in {one.instance for one in await third.running()}, "its row is still there, its process is not"


@pytest.mark.parametrize("name", SECRETS)
async def test_instance_with_another_secret_is_refused(processes: Processes, name: str) -> None:
    north = await processes.start("north")
    with pytest.raises(InvalidSettings, match=f"CASARE_{name.upper()}: it differs from that of the instance north"):
        await processes.start("south", **{name: "another secret"})
    assert [one.instance for one in await north.running()] == ["north"]
