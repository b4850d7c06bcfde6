"""Two instances as processes with NATS between them, over TLS and with a credential file; then NATS is killed."""

import asyncio
import time
from pathlib import Path

import pytest

from bus.servers import NATS_SERVERS, nats_server
from bus.test_credential_files import known, nkey_file, user_key
from contract.server_process import ADMIN_SECRET, Server
from contract.stranger import Stranger, stranger
from interop.proxies import make_certificates
from several_servers import new_store, several_servers

pytestmark = [pytest.mark.slow, pytest.mark.long]
WITHIN_SECONDS = 20.0
HINTED_SECONDS = 0.5
"""Far less than the second between two looks without hints: five changes in turn prove that hints arrive."""
WITHOUT_HINTS_SECONDS = 1.0
BUSY_SECONDS = 1.0
"""What a busy machine may add to one change."""
CHANGES = 5


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
            configuration.write(f"\ntls {{ {pair} }}\n{known(key)}\n")
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
                hinted = [await delay_seconds(here, viewer) for _ in range(CHANGES)]
                assert sorted(hinted)[CHANGES // 2] < HINTED_SECONDS, hinted
                nats.kill()
                await until_bus(servers, "degraded")
                assert {ready(server)["part"] for server in servers} == {"bus"}
                late = [await delay_seconds(here, viewer) for _ in range(CHANGES)]
                assert max(late) < WITHOUT_HINTS_SECONDS + BUSY_SECONDS, late
                nats.start()
                await until_bus(servers, "ok")
                hinted = [await delay_seconds(here, viewer) for _ in range(CHANGES)]
                assert sorted(hinted)[CHANGES // 2] < HINTED_SECONDS, hinted
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
