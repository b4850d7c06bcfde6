"""`casare link`: read-only links for screens."""

from pathlib import Path

import pytest

from cli.running import casare, document, done
from contract.server_process import serving


@pytest.mark.slow
def test_link_is_created_listed_and_revoked(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        address = done(casare("link", "create", "lobby", "--days", "30", url=server.url)).strip()
        code = address.removeprefix(f"{server.url}/#link=")
        assert server.post("/auth/link", {"code": code}, 200)["role"] == "viewer"
        (listed,) = document(casare("link", "list", "--json", url=server.url))["items"]
        shown = done(casare("link", "list", url=server.url))
        assert "lobby" in shown
        assert code not in shown
        assert done(casare("link", "revoke", listed["link_id"], url=server.url)) == f"{listed['link_id']} revoked\n"
        server.post("/auth/link", {"code": code}, 401)
        again = casare("link", "revoke", listed["link_id"], url=server.url)
        assert "list them: casare link list" in again.stderr
