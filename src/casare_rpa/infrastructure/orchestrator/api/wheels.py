"""/wheels/: what a robot's machine installs: the orchestrator's own wheel, and the files of CASARE_WHEELHOUSE.

No credential is needed: a machine without a key installs the robot first. The folder of the operator is public to
everyone who reaches the orchestrator.
"""

import asyncio
import html
import logging
import os
import re
from pathlib import Path
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from casare_rpa.infrastructure.orchestrator.api.own_wheel import OwnWheel, build_own_wheel

logger = logging.getLogger(__name__)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,254}\.(?:whl|tar\.gz)")
MEDIA_TYPE = "application/octet-stream"


class Wheelhouse:
    """The own wheel, built at the first request, and a folder of further packages."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._building = asyncio.Lock()
        self._own: OwnWheel | None = None
        self._reported = ""

    async def own(self) -> OwnWheel:
        async with self._building:
            if self._own is None:
                self._own = await asyncio.to_thread(build_own_wheel)
            return self._own

    async def show_current(self, _: Request) -> Response:
        """The name and hash of the own wheel, and whether the dependencies are here too."""
        own = await self.own()
        return JSONResponse({"file": own.name, "sha256": own.sha256, "wheelhouse": self._folder is not None})

    async def show_index(self, _: Request) -> Response:
        """A page of links for `pip install --no-index --find-links`."""
        own = await self.own()
        names = await asyncio.to_thread(self._names)
        links = [f'<a href="{own.name}#sha256={own.sha256}">{own.name}</a><br>']
        links += [f'<a href="{quote(name)}">{html.escape(name)}</a><br>' for name in names if name != own.name]
        return HTMLResponse("<!doctype html><title>Wheels</title>" + "\n".join(links))

    async def send_file(self, request: Request) -> Response:
        """One wheel or source package."""
        name = request.path_params["name"]
        own = await self.own()
        if name == own.name:
            return Response(own.content, media_type=MEDIA_TYPE)
        if self._folder is None or name not in await asyncio.to_thread(self._names):
            raise HTTPException(404)
        path = self._folder / name
        try:
            found = await asyncio.to_thread(_readable, path)
        except OSError as error:
            self._report(error)
            raise HTTPException(404) from None
        return FileResponse(path, media_type=MEDIA_TYPE, stat_result=found)

    def _names(self) -> list[str]:
        """The packages in the folder; none while it cannot be read."""
        if self._folder is None:
            return []
        try:
            return sorted(path.name for path in self._folder.iterdir() if _NAME.fullmatch(path.name) and path.is_file())
        except OSError as error:
            self._report(error)
            return []

    def _report(self, error: OSError) -> None:
        """Log a new problem once: requests without a credential must not fill the log."""
        if str(error) != self._reported:
            self._reported = str(error)
            logger.warning("CASARE_WHEELHOUSE: %s", error)


def _readable(path: Path) -> os.stat_result:
    """The size and time of a file. Raises OSError if it cannot be opened."""
    with path.open("rb") as file:
        return os.fstat(file.fileno())


def routes(folder: Path | None) -> list[Route]:
    """The routes. `folder` is that of CASARE_WHEELHOUSE."""
    wheels = Wheelhouse(folder)
    return [
        Route("/wheels/", wheels.show_index, include_in_schema=False),
        Route("/wheels/current.json", wheels.show_current, include_in_schema=False),
        Route("/wheels/{name}", wheels.send_file, include_in_schema=False),
    ]
