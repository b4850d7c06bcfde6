"""Addresses of this machine: never through a proxy, and usable by every client."""

import json
from pathlib import Path

import pytest

from casare_rpa.cli.local import ADDRESS_FILE
from casare_rpa.cli.serve import local_url
from cli.fake_orchestrator import answering
from cli.running import casare, document, done
from contract.server_process import ADMIN_SECRET, serving

PROXIES = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"), "http://127.0.0.1:9")


@pytest.mark.slow
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "127.8.8.8"])
def test_local_address_is_not_asked_through_a_proxy(host: str) -> None:
    with answering(lambda request: (200, {"items": [], "all_paused": None})) as fake:
        url = fake.url.replace("127.0.0.1", host)
        listed = casare("queue", "list", url=url, **PROXIES)
        # The fake listens on 127.0.0.1 only; a proxy would be asked at port 9 for every address.
        assert ":9" not in listed.stderr
        assert listed.returncode == 0 or host == "127.8.8.8"


@pytest.mark.slow
def test_other_addresses_are_asked_through_the_proxy() -> None:
    with answering(lambda request: (200, {"items": [], "all_paused": None})) as proxy:
        environment = {"HTTP_PROXY": proxy.url, "CASARE_ALLOW_CLEARTEXT": "yes"}
        assert document(casare("queue", "list", "--json", url="http://far.invalid", **environment))["items"] == []
    (asked,) = proxy.asked
    assert asked.headers["host"] == "far.invalid"


@pytest.mark.parametrize(
    ("bound", "url"),
    [
        (("0.0.0.0", 8000), "http://127.0.0.1:8000"),
        (("::", 8000), "http://[::1]:8000"),
        (("127.0.0.1", 8000), "http://127.0.0.1:8000"),
        (("10.0.0.5", 8000), "http://10.0.0.5:8000"),
        (("::1", 8000), "http://[::1]:8000"),
    ],
)
def test_address_for_local_clients_is_one_that_can_be_connected_to(bound: tuple[str, int], url: str) -> None:
    assert local_url(*bound) == url


@pytest.mark.slow
def test_commands_reach_a_server_on_all_addresses_in_spite_of_a_proxy(tmp_path: Path) -> None:
    environment = {"CASARE_HOST": "0.0.0.0", "CASARE_ALLOW_CLEARTEXT": "yes", **PROXIES}
    once = casare("up", "--once", "--json", "--data-dir", str(tmp_path / "up"), CASARE_PORT="0", **environment)
    assert '"job_ended"' in done(once)
    with serving(tmp_path / "serve", **PROXIES) as server:
        stored = json.loads((tmp_path / "serve" / ADDRESS_FILE).read_text())
        assert stored["url"] == server.url
        listed = casare(
            "queue", "list", CASARE_DATA_DIR=str(tmp_path / "serve"), CASARE_API_SECRET=ADMIN_SECRET, **PROXIES
        )
        assert "default" in done(listed)
