"""Puts the built dashboard into the wheel: whoever installs that needs no Node."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = "src/casare_rpa/_dashboard"


class DashboardHook(BuildHookInterface):
    """Builds the dashboard where it is not built yet; an editable install leaves it to `make dashboard`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable" or os.environ.get("CASARE_SKIP_DASHBOARD") == "1":
            return
        root = Path(self.root)
        if not (root / FOLDER / "index.html").is_file():
            npm = shutil.which("npm")
            if npm is None:
                raise RuntimeError("npm not found: install Node 20.19 or newer, or set CASARE_SKIP_DASHBOARD=1")
            for command in (["ci", "--ignore-scripts"], ["run", "build", "--workspace", "dashboard"]):
                subprocess.run([npm, *command], cwd=root / "web", check=True)
        build_data["artifacts"].append(f"{FOLDER}/**")
