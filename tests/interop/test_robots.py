"""Robots that were written from the contract page alone, in five languages, directly and behind proxies."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contract.server_process import Account, Server
from contract.stranger import stranger

from .languages import LANGUAGES, ROBOTS, ROOT, Language
from .proxies import Proxy

pytestmark = pytest.mark.slow

INSTALLED_EVERYWHERE = ("python", "node")
DIRECT = [name if name in INSTALLED_EVERYWHERE else pytest.param(name, marks=pytest.mark.long) for name in LANGUAGES]
START_SECONDS = 60.0
"""Go and Java compile the robot at each start."""


def placed(language: Language, folder: Path) -> Path:
    """A copy of the sample robot. Node finds packages only in a `node_modules` folder beside the file."""
    (folder / "node_modules").symlink_to(ROOT / "web" / "node_modules")
    return Path(shutil.copy(ROBOTS / language.file, folder))


@contextmanager
def robot_process(
    language: Language, folder: Path, address: str, account: Account, proxy: Proxy | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """The sample robot of a language, connected to this `ws://` address."""
    trusted = {}
    if proxy is not None:
        trusted = {language.trust: proxy.java_options if language.file.endswith(".java") else str(proxy.authority)}
    process = subprocess.Popen(
        [*language.command, str(placed(language, folder)), address, account.robot_id],
        env={**os.environ, **language.environment, **trusted, "CASARE_API_KEY": account.api_key},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, 9)
        process.wait()


async def job_completes_and_another_is_cancelled(server: Server, account: Account) -> None:
    """Run a robot through an assignment with progress and log lines, and a cancel."""
    async with stranger(server.ws("/ws/monitoring/live-jobs", token=account.api_key)) as jobs:

        async def reaches(job_id: str, status: str) -> None:
            await jobs.next("job_update", lambda f: f["job_id"] == job_id and f["status"] == status, START_SECONDS)

        first = server.job(account, parameters={"steps": 4, "seconds": 0.05})["job_id"]
        await reaches(first, "completed")
        assert len(server.get(f"/jobs/{first}/logs")["items"]) == 4
        assert server.get(f"/jobs/{first}")["attempt"] == 1
        second = server.job(account, parameters={"steps": 1000, "seconds": 0.05})["job_id"]
        await reaches(second, "running")
        server.post(f"/jobs/{second}/cancel", status=200)
        await reaches(second, "failed")
        assert server.get(f"/jobs/{second}")["reason"] == "cancelled"


@pytest.mark.parametrize("name", DIRECT)
async def test_sample_robot_runs_a_job_and_stops_on_a_cancel(name: str, server: Server, tmp_path: Path) -> None:
    account = server.robot()
    with robot_process(LANGUAGES[name], tmp_path, server.ws(""), account):
        await job_completes_and_another_is_cancelled(server, account)


@pytest.mark.long
@pytest.mark.parametrize("prefix", ["", "/rpa"])
@pytest.mark.parametrize("name", LANGUAGES)
async def test_sample_robot_works_behind_a_proxy_with_tls(
    name: str, prefix: str, server: Server, proxy: Proxy, tmp_path: Path
) -> None:
    account = server.robot()
    with robot_process(LANGUAGES[name], tmp_path, f"wss://{proxy.host}{prefix}", account, proxy):
        await job_completes_and_another_is_cancelled(server, account)


@pytest.mark.parametrize("file", sorted(path.name for path in ROBOTS.glob("*.*") if path.suffix != ".md"))
def test_sample_robot_has_at_most_60_lines(file: str) -> None:
    assert len((ROBOTS / file).read_text(encoding="utf-8").splitlines()) <= 60
