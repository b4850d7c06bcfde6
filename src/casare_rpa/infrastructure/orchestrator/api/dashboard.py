"""Serves the files of the dashboard, which `make dashboard` builds, at all paths outside of the API.

A path without a file is a page of the dashboard: the answer is index.html, and the router in the browser shows the
page. A client that accepts gzip gets `x.js.gz` instead of `x.js` if it exists.
"""

import mimetypes
from pathlib import Path

from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

FOLDER = Path(__file__).resolve().parents[3] / "_dashboard"
MAX_PATH_CHARACTERS = 1024
"""No file and no page has a longer path. Each part of a path costs a call of the file system."""
YEAR = 365 * 24 * 3600

# Mantine writes styles into the page, so inline styles are allowed.
# Scripts and connections are limited to this server.
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
BASE_MARK = 'name="casare-base" content='
MISSING = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>CasareRPA</title></head>
<body><h1>The dashboard is not built</h1>
<p>The orchestrator and its API are running. In the source tree, <code>make dashboard</code> builds the dashboard
(it needs Node 20 and npm). The published package contains it.</p></body></html>"""


class _PagePath(Convertor[str]):
    """All paths except those of the API, so that the errors of the API stay JSON."""

    regex = r"(?!(?:api|ws|health|metrics|docs|redoc|wheels)(?:/|$)|[a-z]+\.json/?$).*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("page", _PagePath())


def dashboard_route(folder: Path = FOLDER, base_path: str = "") -> Route:
    """The route of the dashboard, for browsers that see it below `base_path`. It must be the last route."""

    async def serve(request: Request) -> Response:
        return _answer(folder, base_path, request.path_params["path"], request.headers.get("accept-encoding", ""))

    return Route("/{path:page}", serve, methods=["GET"], include_in_schema=False)


def _answer(folder: Path, base_path: str, path: str, accepted: str) -> Response:
    file = _file(folder, path)
    if file is None and _names_a_file(path):
        raise HTTPException(404)
    page = folder / "index.html"
    if not page.is_file():
        return HTMLResponse(MISSING, 503, HEADERS)
    if file is None or file == page.resolve():
        return HTMLResponse(_page(page, base_path), headers={**HEADERS, "Cache-Control": "no-cache"})
    fixed = file.parent.name == "assets"  # these names contain a hash of the content
    headers = {
        **HEADERS,
        "Cache-Control": f"public, max-age={YEAR}, immutable" if fixed else "no-cache",
        "Vary": "Accept-Encoding",
    }
    media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    packed = file.with_name(file.name + ".gz")
    if "gzip" in accepted and packed.is_file():
        return FileResponse(packed, headers={**headers, "Content-Encoding": "gzip"}, media_type=media_type)
    return FileResponse(file, headers=headers, media_type=media_type)


def _page(page: Path, base_path: str) -> str:
    """The page with the addresses of its files and the base path. A page of any depth shows the same text.

    The build writes addresses relative to the page, such as `./assets/x.js`, and an empty `casare-base`.
    """
    text = page.read_text(encoding="utf-8").replace('"./', f'"{base_path}/')
    return text.replace(f'{BASE_MARK}""', f'{BASE_MARK}"{base_path}"')


def _names_a_file(path: str) -> bool:
    """Whether a path names a file. A dot elsewhere belongs to a page, such as `/robots/pc7.example.com`."""
    folder, _, name = path.rpartition("/")
    outside = ".." in path.split("/")
    return outside or path.startswith("assets/") or (folder == "" and "." in name)


def _file(folder: Path, path: str) -> Path | None:
    """The file of a path; `None` if the folder does not contain it.

    Raises:
        HTTPException: 404, the path or a part of it is too long.
    """
    if not path or "\x00" in path:
        return None
    if len(path) > MAX_PATH_CHARACTERS:
        raise HTTPException(404)
    try:
        file = (folder / path).resolve()
        return file if file.is_relative_to(folder.resolve()) and file.is_file() else None
    except (OSError, RuntimeError):  # a part is too long for the file system; RuntimeError: a loop of links
        raise HTTPException(404) from None
