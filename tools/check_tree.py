"""Checks what linters do not: module size, empty rooms, stale documentation, addresses and paths of one machine.

Each problem is a line that says what to do about it; the exit code is 1 when there is one.
"""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import generate_docs
import generate_schema

ROOT = Path(__file__).resolve().parent.parent
MAX_MODULE_LINES = 500
NODE_LOCKS = ("tools/codegen/package-lock.json", "web/package-lock.json")
ORCHESTRATOR = "casare_rpa.infrastructure.orchestrator"
CONTRACT_MODULES = {
    f"{ORCHESTRATOR}.server",
    f"{ORCHESTRATOR}.websocket_handlers",
    f"{ORCHESTRATOR}.api.routers.websockets",
    f"{ORCHESTRATOR}.communication.websocket_client",
}
"""Modules that other programs import by name. Source: contract, Where the code is."""

_MACHINE_PATH = re.compile(r"(?<![\w.:/}*-])(?:/(?:home|Users|root|work)/\w|[A-Z]:\\Users\\\w)")
_RESOLVED = re.compile(r'"resolved":\s*"(?:https?|git)')
_REGISTRY = re.compile(r"https?://|--(?:extra-)?index-url|--find-links|--trusted-host")


def oversized_modules(root: Path) -> Iterator[str]:
    """Modules over the hard cap."""
    for path in sorted((root / "src").rglob("*.py")):
        lines = path.read_text(encoding="utf-8").count("\n")
        if lines > MAX_MODULE_LINES:
            name = path.relative_to(root)
            yield f"{name}: {lines} lines, the cap is {MAX_MODULE_LINES}; give its second concern a module"


def module_name(root: Path, path: Path) -> str:
    """The dotted name of a source file; a package for its `__init__.py`."""
    parts = path.relative_to(root / "src").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(name: str, path: Path, modules: set[str]) -> set[str]:
    """Our modules that a file imports, anywhere in it."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            found |= {origin} | {f"{origin}.{alias.name}" for alias in node.names}
    return found & modules


def entry_modules(configuration: dict[str, Any], modules: set[str]) -> set[str]:
    """Where the program is entered: scripts, the contract's names, migrations, `__main__`, pyproject's list."""
    scripts = {target.partition(":")[0] for target in configuration["project"].get("scripts", {}).values()}
    listed = set(configuration["tool"].get("casare", {}).get("entry_modules", []))
    known = {name for name in modules if name.endswith(".__main__") or ".migrations." in name}
    return scripts | listed | known | (CONTRACT_MODULES & modules)


def empty_rooms(root: Path) -> Iterator[str]:
    """Modules that no entry point reaches, packages without a module, entry points that are not there."""
    files = {module_name(root, path): path for path in sorted((root / "src").rglob("*.py"))}
    modules = set(files)
    configuration = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    entries = entry_modules(configuration, modules)
    for name in sorted(entries - modules):
        yield f"pyproject.toml: the entry module {name} does not exist; write it or take it off the list"
    reached: set[str] = set()
    waiting = list(entries & modules)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += imports_of(name, files[name], modules)
            waiting += [parent for parent in [name.rpartition(".")[0]] if parent in modules]
    for name in sorted(modules - reached):
        path = files[name].relative_to(root)
        if files[name].name != "__init__.py":
            yield f"{path}: no entry point reaches it; import it, remove it, or list it in [tool.casare] entry_modules"
        elif not any(other.startswith(f"{name}.") and files[other].name != "__init__.py" for other in modules):
            yield f"{path}: a package without a module; remove it until it is needed"


def stale_documentation(root: Path) -> Iterator[str]:
    """Pages whose generated parts differ from the code, and documents of schema/ that do."""
    for page in generate_docs.stale_pages(root):
        yield f"{page.relative_to(root)}: {generate_docs.STALE}"
    for document in generate_schema.stale_documents(root):
        yield f"{document.relative_to(root)}: {generate_schema.STALE}"


def registry_addresses(root: Path) -> Iterator[str]:
    """Addresses in the lock files: they must install from whatever registry a machine is set up for."""
    for name, address in (("requirements.lock", _REGISTRY), *((lock, _RESOLVED) for lock in NODE_LOCKS)):
        for number, line in enumerate((root / name).read_text(encoding="utf-8").splitlines(), 1):
            if address.search(line):
                yield f"{name}:{number}: names a registry; make it anew with `make lock`"


def tracked_files(root: Path) -> list[Path]:
    """The files of the repository; in a tree without git, every file outside of hidden directories."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=False)
    if listing.returncode == 0:
        return [path for name in listing.stdout.decode().split("\0") if name and (path := root / name).is_file()]
    everything = (path for path in root.rglob("*") if path.is_file())
    return [path for path in everything if not any(part.startswith(".") for part in path.relative_to(root).parts)]


def machine_paths(root: Path) -> Iterator[str]:
    """Paths that exist on somebody's machine only."""
    for path in tracked_files(root):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if match := _MACHINE_PATH.search(line):
                name = path.relative_to(root)
                yield f"{name}:{number}: a path of one machine ({match[0]}…); make it relative or a setting"


CHECKS: tuple[Callable[[Path], Iterator[str]], ...] = (
    oversized_modules,
    empty_rooms,
    stale_documentation,
    registry_addresses,
    machine_paths,
)


def main() -> int:
    """Prints every problem; the exit code."""
    problems = [problem for check in CHECKS for problem in check(ROOT)]
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
