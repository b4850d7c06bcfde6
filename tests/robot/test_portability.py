"""The robot's modules can be imported on systems without the POSIX-only modules."""

import subprocess
import sys
from pathlib import Path

import pytest

import casare_rpa

SOURCE = Path(casare_rpa.__file__).parent
PACKAGES = ("robot", "infrastructure/orchestrator/communication", "cli")
CODE = """
import importlib, sys
import psutil  # has a part of its own for each system; this system's needs what is missing elsewhere
MISSING = {"fcntl", "resource", "pwd", "termios", "grp"}
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in MISSING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
for name in MISSING:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Missing())
for name in sys.argv[1:]:
    importlib.import_module(name)
assert not MISSING & set(sys.modules), sorted(MISSING & set(sys.modules))
"""


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_is_imported_without_posix_only_modules(package: str) -> None:
    files = (path.relative_to(SOURCE.parent).with_suffix("") for path in (SOURCE / package).rglob("*.py"))
    names = sorted(".".join(file.parts).removesuffix(".__init__") for file in files)
    assert names
    done = subprocess.run([sys.executable, "-c", CODE, *names], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
