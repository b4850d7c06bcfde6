"""Writes schema/: the AsyncAPI document of the WebSockets and the OpenAPI document of the HTTP API.

Without arguments both are rewritten; `--check` changes nothing and exits 1 when one of them is out of date.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from casare_rpa.infrastructure.orchestrator.api.asyncapi import asyncapi_text
from casare_rpa.infrastructure.orchestrator.server import create_app
from casare_rpa.infrastructure.orchestrator.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
STALE = "out of date; run `make schema`"


def openapi_text() -> str:
    """The OpenAPI document of the application; its data directory is never opened."""
    document = create_app(Settings.model_validate({"data_dir": ROOT / ".casare"})).openapi()
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def stale_documents(root: Path) -> dict[Path, str]:
    """Documents that are missing or out of date, with their current text."""
    fresh = {root / "schema" / "asyncapi.json": asyncapi_text(), root / "schema" / "openapi.json": openapi_text()}
    return {
        path: text for path, text in fresh.items() if not path.is_file() or path.read_text(encoding="utf-8") != text
    }


def main(arguments: Sequence[str]) -> int:
    """Rewrite the documents, or with `--check` print the stale ones; returns the exit code."""
    stale = stale_documents(ROOT)
    for path, text in stale.items():
        name = path.relative_to(ROOT)
        if "--check" in arguments:
            print(f"{name}: {STALE}")
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"{name}: rewritten")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
