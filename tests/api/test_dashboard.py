"""The answers at the paths outside of the API."""

import gzip
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from casare_rpa.infrastructure.orchestrator.api.dashboard import dashboard_route

BUILT = (
    '<!doctype html><meta name="casare-base" content="" /><script src="./assets/main-1a2b.js"></script>'
    '<a href="https://example.com/./x">the page</a>'
)
PAGE = BUILT.replace('"./', '"/')


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A built dashboard: a page, a script with its compressed form, an icon; and a secret file outside of it."""
    built = tmp_path / "built"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text(BUILT)
    (built / "icon.svg").write_text("<svg/>")
    (built / "assets" / "main-1a2b.js").write_text("let plain")
    (built / "assets" / "main-1a2b.js.gz").write_bytes(gzip.compress(b"let plain"))
    (tmp_path / "secret.txt").write_text("secret")
    return built


@pytest.fixture
def browser(folder: Path) -> TestClient:
    return TestClient(Starlette(routes=[dashboard_route(folder)]))


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/robots",
        "/jobs/job-1",
        "/robots/alpha%2F7",
        "/apiary",
        "/robots/pc7.example.com",
        "/robots/desk:7",
        "/workflows/a.b/c.d",
    ],
)
def test_path_without_a_file_returns_the_page(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    assert (answer.status_code, answer.text) == (200, PAGE)
    assert answer.headers["cache-control"] == "no-cache"


def test_page_below_a_base_path_names_its_files_and_the_path(folder: Path) -> None:
    browser = TestClient(Starlette(routes=[dashboard_route(folder, "/tools/casare")]))
    for path in ("/", "/index.html", "/jobs/job-1"):
        answer = browser.get(path)
        assert 'src="/tools/casare/assets/main-1a2b.js"' in answer.text
        assert 'name="casare-base" content="/tools/casare"' in answer.text
        assert 'href="https://example.com/./x"' in answer.text
        assert answer.headers["cache-control"] == "no-cache"


def test_page_may_load_and_call_only_its_own_server(browser: TestClient) -> None:
    headers = browser.get("/").headers
    assert "script-src 'self';" in headers["content-security-policy"]
    assert "connect-src 'self';" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"


def test_asset_is_cached_without_end_and_compressed_if_accepted(browser: TestClient) -> None:
    packed = browser.get("/assets/main-1a2b.js")
    assert (packed.text, packed.headers["content-encoding"]) == ("let plain", "gzip")
    assert packed.headers["content-type"].startswith(("text/javascript", "application/javascript"))
    assert "immutable" in packed.headers["cache-control"]
    plain = browser.get("/assets/main-1a2b.js", headers={"Accept-Encoding": "identity"})
    assert (plain.text, plain.headers.get("content-encoding")) == ("let plain", None)


@pytest.mark.parametrize(
    "path", ["/assets/gone.js", "/favicon.ico", "/secret.txt", "/..%2fsecret.txt", "/%2e%2e/secret.txt"]
)
def test_missing_file_and_file_outside_the_folder_are_not_found(browser: TestClient, path: str) -> None:
    assert browser.get(path).status_code == 404


@pytest.mark.parametrize(
    "path",
    {
        "a long part": "/" + "x" * 256,
        "a long part with a dot": "/" + "x" * 256 + ".js",
        "a long part in a folder": "/assets/" + "x" * 4096,
        "60 KB of one letter": "/" + "x" * 60_000,
        "60 KB of parts": "/x" * 30_000,
        "60 KB of dots": "/%2e%2e" * 8_000,
        "a long part in another alphabet": "/" + "%F0%9F%98%80" * 64,
    }.values(),
)
def test_path_that_no_file_can_have_is_not_found(browser: TestClient, path: str) -> None:
    assert browser.get(path).status_code == 404


def test_link_to_itself_is_not_found(browser: TestClient, folder: Path) -> None:
    (folder / "loop").symlink_to("loop")
    assert browser.get("/loop").status_code == 404


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api", "/ws/robot", "/health/x", "/metrics", "/openapi.json"])
def test_paths_of_the_api_are_never_pages(browser: TestClient, path: str) -> None:
    assert browser.get(path).status_code == 404


def test_missing_dashboard_is_answered_with_the_command_to_build_it(tmp_path: Path) -> None:
    answer = TestClient(Starlette(routes=[dashboard_route(tmp_path / "nothing")])).get("/")
    assert answer.status_code == 503
    assert "make dashboard" in answer.text
