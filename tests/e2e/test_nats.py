"""Two instances as processes with NATS between them, over TLS and with a credential file; then NATS is killed."""

import asyncio
import re
import time
from pathlib import Path

import pytest

from bus.servers import NATS_SERVERS, PATIENT_SECONDS, nats_server
from bus.test_credential_files import known, nkey_file, user_key
from contract.server_process import ADMIN_SECRET, Server
from contract.stranger import Stranger, stranger
from interop.proxies import make_certificates
from several_servers import new_store, several_servers

pytestmark = [pytest.mark.slow, pytest.mark.long]
WITHIN_SECONDS = 60.0
LOOK_SECONDS = 1.0
"""The time between two looks without hints, after which a change is seen at the latest."""
BUSY_SECONDS = 4.0
"""What a busy machine may add to one change, and to a hint."""
CHANGES = 5
"""More than the hints that an instance sends to itself meanwhile, one every five seconds."""


async def until_bus(servers: list[Server], status: str) -> None:
    """Wait until the instances say this of their bus."""
    async with asyncio.timeout(WITHIN_SECONDS):
        while any(ready(server)["status"] != status for server in servers):
            await asyncio.sleep(0.05)


def ready(server: Server) -> dict[str, str]:
    answer: dict[str, str] = server.http.get("/health/ready").json()
    return answer


async def delay_seconds(submit_at: Server, viewer: Stranger) -> float:
    """The time from the answer to a submit at one instance until the viewer of the other one has it."""
    job_id = submit_at.post("/jobs", {"workflow_id": "nobody-runs-it"})["job_id"]
    began_at = time.monotonic()
    await viewer.next("job_update", lambda fields: fields["job_id"] == job_id)
    return time.monotonic() - began_at


def hints(server: Server) -> int:
    """How many hints have arrived at an instance."""
    found = re.search(r"^casare_bus_hints_received_total (\d+)", server.http.get("/metrics").text, re.MULTILINE)
    assert found is not None
    return int(found[1])


async def delays_seconds(here: Server, viewer: Stranger) -> list[float]:
    """The delays of changes in turn, each within the time between two looks."""
    delays = [await delay_seconds(here, viewer) for _ in range(CHANGES)]
    assert max(delays) < LOOK_SECONDS + BUSY_SECONDS, delays
    return delays


async def hinted_seconds(here: Server, there: Server, viewer: Stranger) -> list[float]:
    """The delays of changes in turn, each with a hint that arrives."""
    before = hints(there)
    delays = await delays_seconds(here, viewer)
    async with asyncio.timeout(BUSY_SECONDS):
        while hints(there) - before < CHANGES:
            await asyncio.sleep(0.05)
    return delays


def shown(server: Server) -> str:
    """All that an instance shows of its bus."""
    pages = [server.http.get(path).text for path in ("/health/ready", "/metrics", "/api/v1/instances")]
    return "\n".join([*pages, server.output])


@pytest.mark.parametrize("program", NATS_SERVERS)
async def test_change_reaches_a_viewer_of_another_instance_with_nats_and_without(tmp_path: Path, program: str) -> None:
    make_certificates(tmp_path)
    key = user_key()
    with nats_server(NATS_SERVERS[program]) as nats:
        nats.kill()
        for name in ("certificate.pem", "key.pem"):
            (nats.folder / name).write_text((tmp_path / name).read_text())
        with (nats.folder / "nats.conf").open("a") as configuration:
            pair = f'cert_file: "{nats.folder}/certificate.pem", key_file: "{nats.folder}/key.pem"'
            configuration.write(f"\ntls {{ {pair}, timeout: {PATIENT_SECONDS} }}\n{known(key)}\n")
        nats.start()
        settings = {
            "CASARE_BUS_URL": f"tls://127.0.0.1:{nats.port}",
            "CASARE_BUS_CREDENTIALS": str(nkey_file(tmp_path, key)),
            "SSL_CERT_FILE": str(tmp_path / "authority.pem"),
        }
        with several_servers(tmp_path, new_store(), **settings) as servers:
            here, there = servers
            address = there.ws("/ws/admin", api_secret=ADMIN_SECRET)
            async with stranger(address) as viewer:
                await viewer.send("subscribe", {"channels": ["jobs"], "since": "start"})
                await viewer.next("snapshot_end")
                await until_bus(servers, "ok")
                await hinted_seconds(here, there, viewer)
                nats.kill()
                await until_bus(servers, "degraded")
                assert {ready(server)["part"] for server in servers} == {"bus"}
                before = hints(there)
                late = await delays_seconds(here, viewer)
                assert hints(there) == before
                nats.start()
                await until_bus(servers, "ok")
                hinted = await hinted_seconds(here, there, viewer)
            assert not any(key.seed in shown(server) for server in servers)
            print("without hints", [round(one, 2) for one in late], "with", [round(one, 3) for one in hinted])


def test_instance_whose_credential_is_refused_does_not_start(tmp_path: Path) -> None:
    mine, other = user_key(), user_key()
    with nats_server(NATS_SERVERS["nats of today"], known(mine)) as nats:
        settings = {
            "CASARE_BUS_URL": f"nats://127.0.0.1:{nats.port}",
            "CASARE_BUS_CREDENTIALS": str(nkey_file(tmp_path, other)),
        }
        with pytest.raises(AssertionError) as failed, several_servers(tmp_path, new_store(), **settings):
            pass
    assert "refuses the credentials" in str(failed.value)
    assert other.seed not in str(failed.value)
