"""HAProxy with deploy/haproxy.cfg in front of two instances: reloads, a draining instance, and its log."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from websockets.protocol import State

from chaos.haproxy import Balancer
from contract.server_process import ADMIN_SECRET, Account, Server
from contract.stranger import Stranger, stranger
from postgres_server import free_port
from several_servers import instance, new_store, several_servers

pytestmark = pytest.mark.slow
WITHIN_SECONDS = 30.0
DRAIN_DELAY_SECONDS = 5
"""Longer than HAProxy takes to notice, on a busy machine too."""


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    with several_servers(tmp_path_factory.mktemp("instances"), new_store()) as running:
        yield running


@asynccontextmanager
async def balancing(folder: Path, ports: list[int]) -> AsyncIterator[Balancer]:
    """HAProxy in front of the instances on these ports, all of which answer."""
    (folder / "logs").mkdir()
    balancer = Balancer(folder, free_port(), ports)
    await balancer.start()
    try:
        await until(lambda: ready(balancer), balancer)
        yield balancer
    finally:
        await balancer.stop()


def port_of(server: Server) -> int:
    return int(server.url.rpartition(":")[2])


def ready(balancer: Balancer) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{balancer.port}/health/ready", trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False


async def until(holds: Callable[[], bool], balancer: Balancer) -> None:
    try:
        async with asyncio.timeout(WITHIN_SECONDS):
            while not holds():
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(balancer.log) from None


async def robot(stack: AsyncExitStack, balancer: Balancer, account: Account) -> Stranger:
    address = f"ws://127.0.0.1:{balancer.port}/ws/robot/{account.robot_id}?api_key={account.api_key}"
    one = await stack.enter_async_context(stranger(address))
    await one.next("connected")
    await one.heartbeat(account.robot_id)
    return one


async def viewer(stack: AsyncExitStack, balancer: Balancer, server: Server) -> Stranger:
    address = f"ws://127.0.0.1:{balancer.port}/ws/monitoring/live-jobs?token={server.token()}"
    return await stack.enter_async_context(stranger(address))


async def work_is_done(server: Server, account: Account, one: Stranger, watching: Stranger) -> None:
    """A job reaches the robot, its report the server, and the change the viewer."""
    job_id = server.job(account)["job_id"]
    assert (await one.next("job_assign"))["job_id"] == job_id
    await one.report(job_id, "completed")
    await watching.next("job_update", lambda fields: fields["job_id"] == job_id and fields["status"] == "completed")


def robots_of(server: Server) -> dict[str, int]:
    """The number of robots that are connected to each instance, as the store knows them."""
    return {shown["name"]: shown["robots"] for shown in server.get("/instances")["items"]}


async def test_connections_of_robots_and_viewers_survive_reloads(servers: list[Server], tmp_path: Path) -> None:
    ports = [port_of(server) for server in servers]
    async with balancing(tmp_path, ports) as balancer:
        async with AsyncExitStack() as stack:
            accounts = [servers[0].robot() for _ in range(4)]
            robots = [await robot(stack, balancer, account) for account in accounts]
            watching = await viewer(stack, balancer, servers[0])
            for generation in ("second", "third"):
                balancer.reload(ports, generation)
                await until(lambda name=generation: ready(balancer) and f"instances/{name}" in balancer.log, balancer)
                for server, account, one in zip(servers * 2, accounts, robots, strict=True):
                    await work_is_done(server, account, one, watching)
            await until(lambda: robots_of(servers[0]) == {"one": 2, "two": 2}, balancer)
        # HAProxy logs a connection at its end, and not if it is stopped at that moment.
        await until(lambda: balancer.log.count("GET /ws/robot/") >= len(robots), balancer)
    assert balancer.log.count("GET /ws/robot/") == len(robots), "no robot has connected again"


@pytest.mark.long
async def test_draining_instance_gets_no_connections(tmp_path: Path) -> None:
    store, ports = new_store(), [free_port(), free_port()]
    delay = str(DRAIN_DELAY_SECONDS)
    with ExitStack() as running:
        first = running.enter_context(instance(tmp_path, "one", store, ports[0], CASARE_DRAIN_DELAY_SECONDS=delay))
        second = running.enter_context(instance(tmp_path, "two", store, ports[1]))
        async with balancing(tmp_path, ports) as balancer, AsyncExitStack() as stack:
            accounts = [first.robot() for _ in range(5)]
            before = [await robot(stack, balancer, account) for account in accounts[:2]]
            await until(lambda: robots_of(second) == {"one": 1, "two": 1}, balancer)
            first.ask_to_stop()
            await until(lambda: "instances/instance1 is DOWN" in balancer.log, balancer)
            after = [await robot(stack, balancer, account) for account in accounts[2:]]
            assert first.process.poll() is None, "it waits for the balancer"
            async with asyncio.timeout(2 * DRAIN_DELAY_SECONDS):
                ends = [asyncio.create_task(one.socket.wait_closed()) for one in before]
                done, others = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            others.pop().cancel()
            assert [before[ends.index(one)].socket.close_code for one in done] == [1012]
            assert first.wait() == 0
            assert {one.socket.state for one in after} == {State.OPEN}
            account = accounts[ends.index(done.pop())]
            moved, watching = await robot(stack, balancer, account), await viewer(stack, balancer, second)
            await work_is_done(second, account, moved, watching)
            with instance(tmp_path, "one", store, ports[0]):
                await until(lambda: "instances/instance1 is UP" in balancer.log, balancer)


async def test_log_has_the_paths_and_no_query_string(servers: list[Server], tmp_path: Path) -> None:
    account = servers[0].robot()
    async with balancing(tmp_path, [port_of(server) for server in servers]) as balancer:
        async with AsyncExitStack() as stack:
            await robot(stack, balancer, account)
        with httpx2.Client(base_url=f"http://127.0.0.1:{balancer.port}", trust_env=False) as http:
            assert http.get("/api/v1/jobs", params={"api_secret": ADMIN_SECRET}).status_code == 401
        await until(lambda: f"GET /ws/robot/{account.robot_id} 101" in balancer.log, balancer)
        await until(lambda: "GET /api/v1/jobs 401" in balancer.log, balancer)
    assert "?" not in balancer.log
    for output in (balancer.log, *(server.output for server in servers)):
        assert account.api_key not in output
        assert ADMIN_SECRET not in output


@pytest.mark.long
async def test_handshake_that_was_given_up_replaces_no_connection_when_its_instance_continues(tmp_path: Path) -> None:
    """An instance stands still. A robot gives up its handshake there, and connects to the other instance."""
    store, ports = new_store(), [free_port(), free_port()]
    with ExitStack() as running:
        first, second = (
            running.enter_context(instance(tmp_path, name, store, port))
            for name, port in zip(("one", "two"), ports, strict=True)
        )
        account = second.robot()
        async with balancing(tmp_path, ports) as balancer, AsyncExitStack() as stack:
            first.process.send_signal(signal.SIGSTOP)
            try:
                given_up = 0
                while not given_up:
                    given_up += await gives_up(balancer, account)
                await until(lambda: "instances/instance1 is DOWN" in balancer.log, balancer)
                one = await robot(stack, balancer, account)
            finally:
                first.process.send_signal(signal.SIGCONT)
            # The balancer logs a connection at its end: the one that was given up, after the instance answered it.
            ends = balancer.log.count(f"GET /ws/robot/{account.robot_id}")
            await until(lambda: balancer.log.count(f"GET /ws/robot/{account.robot_id}") > ends, balancer)
            await until(lambda: "instances/instance1 is UP" in balancer.log, balancer)
            await work_is_done(second, account, one, await viewer(stack, balancer, second))
            assert one.socket.state is State.OPEN
            with_audit = [one for one in second.get("/audit")["items"] if one["action"] == "robot_taken_over"]
            assert with_audit == []


async def gives_up(balancer: Balancer, account: Account) -> bool:
    """Send a handshake and close the connection when it has no answer after a second; whether it had none."""
    reader, writer = await asyncio.open_connection("127.0.0.1", balancer.port)
    writer.write(
        f"GET /ws/robot/{account.robot_id}?api_key={account.api_key} HTTP/1.1\r\nHost: localhost\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    try:
        async with asyncio.timeout(1):
            await reader.readexactly(1)
    except TimeoutError:
        return True
    finally:
        writer.close()
    return False
