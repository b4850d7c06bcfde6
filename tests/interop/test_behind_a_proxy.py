"""The command line and the dashboard through nginx and HAProxy, configured as the how-to page says."""

import asyncio
import os
import re
import ssl
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx2
import pytest

from contract.server_process import ADMIN_SECRET, PASSWORD, Server, serving
from contract.stranger import stranger

from .languages import ROOT
from .proxies import Proxy, haproxy, make_certificates, nginx

pytestmark = [pytest.mark.slow, pytest.mark.long]
IDLE_SECONDS = 75.0
"""Longer than the time after which the proxies of the page end a connection without traffic."""


def casare(proxy: Proxy, *arguments: str, url: str) -> subprocess.CompletedProcess[str]:
    """Runs a command with the certificate authority of the proxy."""
    environment = {"SSL_CERT_FILE": str(proxy.authority), "CASARE_API_SECRET": ADMIN_SECRET}
    command = [sys.executable, "-m", "casare_rpa.cli.main", *arguments, "--url", url]
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("prefix", ["", "/rpa"])
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_command_line_works_with_tls_and_a_path_prefix(proxy: Proxy, server: Server, name: str, prefix: str) -> None:
    job_id = server.post("/jobs", {"workflow_id": "for-nobody", "robot_id": server.robot().robot_id})["job_id"]
    url = f"https://{proxy.host.replace('127.0.0.1', name)}{prefix}"
    shown = casare(proxy, "job", "show", job_id, "--json", url=url)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert job_id in shown.stdout


def test_dashboard_works_at_the_root(proxy: Proxy) -> None:
    context = ssl.create_default_context(cafile=str(proxy.authority))
    with httpx2.Client(base_url=f"https://{proxy.host}", verify=context, trust_env=False) as http:
        page = http.get("/", follow_redirects=True)
        assert page.status_code == 200
        assets = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.text)
        assert assets
        assert [http.get(asset).status_code for asset in assets] == [200] * len(assets)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("start", [nginx, haproxy])
def test_dashboard_works_below_a_path(
    start: Callable[[Path, str], AbstractContextManager[Proxy]], tmp_path: Path
) -> None:
    make_certificates(tmp_path)
    settings = {"CASARE_BASE_PATH": "/rpa", "CASARE_TRUSTED_PROXIES": "127.0.0.1"}
    with (
        serving(tmp_path / "data", **settings) as server,
        start(tmp_path, server.url.removeprefix("http://")) as proxy,
    ):
        variables = {"CASARE_E2E_URL": f"https://{proxy.host}/rpa", "CASARE_E2E_PASSWORD": PASSWORD}
        result = subprocess.run(
            [ROOT / "web/node_modules/.bin/playwright", "test", "--project", "proxy"],
            cwd=ROOT / "web/dashboard",
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.timeout(120)
async def test_idle_connection_outlives_the_time_limit_of_the_proxy(proxy: Proxy, server: Server) -> None:
    account = server.robot()
    context = ssl.create_default_context(cafile=str(proxy.authority))
    address = f"wss://{proxy.host}/ws/monitoring/live-jobs?token={account.api_key}"
    async with stranger(address, ssl=context) as viewer:
        with pytest.raises(AssertionError, match="no job_update"):
            await viewer.next("job_update", within_seconds=IDLE_SECONDS)
        job_id = server.job(account)["job_id"]
        await viewer.next("job_update", lambda fields: fields["job_id"] == job_id)
    server.post(f"/jobs/{job_id}/cancel", status=200)


async def test_access_log_of_the_proxy_holds_no_credential(proxy: Proxy, server: Server) -> None:
    account = server.robot()
    context = ssl.create_default_context(cafile=str(proxy.authority))
    with httpx2.Client(base_url=f"https://{proxy.host}", verify=context, trust_env=False) as http:
        http.get(f"/ws/robot/{account.robot_id}", params={"api_key": account.api_key})
    async with asyncio.timeout(10):
        while account.robot_id not in proxy.log.read_text():
            await asyncio.sleep(0.05)
    assert account.api_key not in proxy.log.read_text()
    assert "?" not in proxy.log.read_text()


@pytest.mark.parametrize("arguments", [("job", "list"), ("doctor",)])
def test_unknown_authority_is_named_as_the_reason(proxy: Proxy, arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "casare_rpa.cli.main", *arguments, "--url", f"https://{proxy.host}"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SSL_CERT")}
    result = subprocess.run(
        command,
        env={**environment, "CASARE_API_SECRET": ADMIN_SECRET},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode != 0
    shown = " ".join((result.stdout + result.stderr).split())
    assert "certificate" in shown
    assert "SSL_CERT_FILE" in shown
    assert "is it running" not in shown
