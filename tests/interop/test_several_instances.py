"""Robots in five languages at two instances behind HAProxy, each of which is restarted while they work."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import pytest

from chaos.haproxy import Balancer
from contract.server_process import Account, Server
from postgres_server import free_port
from several_servers import NAMES, instance, new_store

from .languages import LANGUAGES
from .test_robots import INSTALLED_EVERYWHERE, START_SECONDS, robot_process

pytestmark = pytest.mark.slow

OTHERS = [name for name in LANGUAGES if name not in INSTALLED_EVERYWHERE]
STEPS, STEP_SECONDS = 50, 0.2
"""A job lasts about as long as the restart of an instance."""


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(START_SECONDS):
        while not holds():
            await asyncio.sleep(0.1)


def submitted(server: Server, accounts: list[Account], steps: int) -> list[str]:
    """The ids of one job for each robot."""
    parameters = {"steps": steps, "seconds": STEP_SECONDS}
    return [server.job(account, parameters=parameters)["job_id"] for account in accounts]


def all_are(server: Server, job_ids: list[str], status: str) -> bool:
    return {server.get(f"/jobs/{job_id}")["status"] for job_id in job_ids} == {status}


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("names", [INSTALLED_EVERYWHERE, OTHERS], ids=",".join)
async def test_jobs_run_once_while_instances_restart(names: list[str], tmp_path: Path) -> None:
    store, ports = new_store(), [free_port() for _ in NAMES]
    (tmp_path / "logs").mkdir()
    balancer = Balancer(tmp_path, free_port(), ports)
    await balancer.start()
    with ExitStack() as running:
        async with AsyncExitStack() as ends:
            ends.push_async_callback(balancer.stop)
            servers = [
                running.enter_context(instance(tmp_path, name, store, port))
                for name, port in zip(NAMES, ports, strict=True)
            ]
            accounts = [servers[0].robot() for _ in names]
            for name, account in zip(names, accounts, strict=True):
                (folder := tmp_path / name).mkdir()
                address = f"ws://127.0.0.1:{balancer.port}"
                running.enter_context(robot_process(LANGUAGES[name], folder, address, account))
            await until(lambda: all(connected(servers[0], account) for account in accounts))
            jobs = []
            for number, other in ((0, 1), (1, 0)):
                work = submitted(servers[other], accounts, STEPS)
                await until(lambda at=servers[other], work=work: all_are(at, work, "running"))
                servers[number].ask_to_stop()
                assert await asyncio.to_thread(servers[number].wait) == 0
                restarted = instance(tmp_path, NAMES[number], store, ports[number])
                servers[number] = running.enter_context(restarted)
                await until(lambda at=servers[other], work=work: all_are(at, work, "completed"))
                await until(lambda of=number: balancer.log.count(f"instances/instance{of + 1} is UP") > 0)
                jobs += work
            last = submitted(servers[0], accounts, 1)
            await until(lambda: all_are(servers[1], last, "completed"))
            for job_id in [*jobs, *last]:
                assert servers[1].get(f"/jobs/{job_id}")["attempt"] == 1
                kinds = [event["kind"] for event in servers[0].get(f"/jobs/{job_id}/events")["items"]]
                assert len(kinds) == len(set(kinds)), kinds


def connected(server: Server, account: Account) -> bool:
    return bool(server.get(f"/robots/{account.robot_id}")["status"] != "offline")
