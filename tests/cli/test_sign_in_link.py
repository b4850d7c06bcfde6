"""The sign-in link of `casare session link` and `casare up`."""

from pathlib import Path

import pytest

from cli.running import casare, document, done
from contract.server_process import serving


@pytest.mark.slow
def test_session_link_signs_in_once_and_is_in_no_log(tmp_path: Path) -> None:
    with serving(tmp_path, CASARE_LOG_LEVEL="DEBUG") as server:
        address = done(casare("session", "link", url=server.url)).strip()
        assert address.startswith(f"{server.url}/#link=lnk_")
        code = address.partition("#link=")[2]
        assert server.post("/auth/link", {"code": code}, 200)["token_type"] == "bearer"
        server.post("/auth/link", {"code": code}, 401)
        assert document(casare("session", "link", "--json", url=server.url))["url"] != address
    assert code not in server.output


@pytest.mark.slow
def test_up_prints_no_link_into_a_file_or_pipe(tmp_path: Path) -> None:
    assert "#link=" not in done(casare("up", "--once", "--data-dir", str(tmp_path), CASARE_PORT="0"))
