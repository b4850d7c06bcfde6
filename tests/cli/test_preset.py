"""`casare preset` with a real server."""

from collections.abc import Iterator

import pytest

from casare_rpa.cli.exits import Exit
from cli.running import casare, document, done
from contract.server_process import Server, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("presets")) as running:
        yield running


@pytest.mark.slow
def test_preset_is_saved_listed_run_with_other_parameters_and_deleted(server: Server) -> None:
    saved = casare("preset", "save", "invoices", "month end", "-p", "month=03", "-p", "page:=7", url=server.url)
    assert "month end saved" in done(saved)
    assert "month=03, page=7" in done(casare("preset", "list", "invoices", url=server.url))
    job_id = done(casare("preset", "run", "invoices", "month end", "-p", "month=04", url=server.url)).strip()
    job = document(casare("job", "show", job_id, "--json", url=server.url))
    assert job["parameters"] == {"month": "04", "page": 7}
    assert done(casare("preset", "delete", "invoices", "month end", url=server.url)) == "month end deleted.\n"
    again = casare("preset", "run", "invoices", "month end", url=server.url)
    assert again.returncode == Exit.FAILED
    assert "casare preset list invoices" in again.stderr


@pytest.mark.slow
def test_preset_takes_the_values_of_a_job(server: Server) -> None:
    options = ("-p", "page:=1", "--tag", "sap", "--priority", "8", "--queue-ttl", "60")
    job_id = done(casare("job", "submit", "payroll", *options, url=server.url)).strip()
    done(casare("preset", "save", "payroll", "like that", "--from", job_id[-8:], "-p", "page:=2", url=server.url))
    (preset,) = document(casare("preset", "list", "payroll", "--json", url=server.url))["items"]
    wanted = {"parameters": {"page": 2}, "tags": ["sap"], "priority": 8, "queue_ttl_seconds": 60}
    assert {name: preset["job"][name] for name in wanted} == wanted
