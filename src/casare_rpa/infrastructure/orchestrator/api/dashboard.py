"""The dashboard: the files that `make dashboard` built, at every path that is not the API's.

A path without a file is a page: it gets index.html, and the page's own router shows it. `x.js.gz` beside `x.js` is
what a client that takes gzip gets.
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
"""No file and no page has a longer path. Each part of a path is a question to the file system."""
YEAR = 365 * 24 * 3600

# Mantine writes styles into the page; scripts come from here alone, and sockets go nowhere else.
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
MISSING = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>CasareRPA</title></head>
<body><h1>The dashboard is not built</h1>
<p>The orchestrator is running, and so is its API. In the source tree, <code>make dashboard</code> builds the dashboard
(it needs Node 20 and npm); the published package brings it along.</p></body></html>"""


class _PagePath(Convertor[str]):
    """Every path but those of the API, whose errors stay JSON."""

    regex = r"(?!(?:api|ws|health|metrics|docs|redoc)(?:/|$)|[a-z]+\.json/?$).*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("page", _PagePath())


def dashboard_route(folder: Path = FOLDER) -> Route:
    """The route that serves the dashboard; for the end of the list."""

    async def serve(request: Request) -> Response:
        return _answer(folder, request.path_params["path"], request.headers.get("accept-encoding", ""))

    return Route("/{path:page}", serve, methods=["GET"], include_in_schema=False)


def _answer(folder: Path, path: str, accepted: str) -> Response:
    file = _file(folder, path)
    if file is None and "." in path.rpartition("/")[2]:
        raise HTTPException(404)
    if not (folder / "index.html").is_file():
        return HTMLResponse(MISSING, 503, HEADERS)
    file = file or folder / "index.html"
    fixed = file.parent.name == "assets"  # their names change with their content
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


def _file(folder: Path, path: str) -> Path | None:
    """The file of a path; None when there is none inside the folder.

    Raises:
        HTTPException: 404, the path cannot be that of a file: it or a part of it is too long.
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
