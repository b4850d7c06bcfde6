"""Checks of the source tree that the linters do not have.

They cover module size, unreachable modules, names that occur twice, import layers, stale documentation, and addresses
and paths of one machine. Each problem is one line that says how to solve it. The exit code is 1 if there is a problem.
"""

import ast
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import generate_docs
import generate_schema

ROOT = Path(__file__).resolve().parent.parent
MAX_MODULE_LINES = 500
NODE_LOCKS = ("tools/codegen/package-lock.json", "web/package-lock.json", "bench/peers/package-lock.json")
ORCHESTRATOR = "casare_rpa.infrastructure.orchestrator"
CONTRACT_MODULES = {
    f"{ORCHESTRATOR}.server",
    f"{ORCHESTRATOR}.websocket_handlers",
    f"{ORCHESTRATOR}.api.routers.websockets",
    f"{ORCHESTRATOR}.communication.websocket_client",
}
"""Modules that other programs import by name. Source: docs/reference/websocket-contract.md."""
REPEATABLE_FILES = {"__init__.py", "__main__.py"}
FOLDERS_OF_NOUNS = ("*/ports", "*/api/routers", "*/cli", "*/storage/sqlite", "*/storage/postgres")
"""Folders that have one module per noun. Such a module may have the name of a module elsewhere."""
LAYERS_CONTRACT = "Layers"

_MACHINE_PATH = re.compile(r"(?<![\w.:/}*-])(?:/(?:home|Users|root|work)/\w|[A-Z]:\\Users\\\w)")
_RESOLVED = re.compile(r'"resolved":\s*"(?:https?|git)')
_REGISTRY = re.compile(r"https?://|--(?:extra-)?index-url|--find-links|--trusted-host")


def oversized_modules(root: Path) -> Iterator[str]:
    """Modules over the size limit."""
    for path in sorted((root / "src").rglob("*.py")):
        lines = path.read_text(encoding="utf-8").count("\n")
        if lines > MAX_MODULE_LINES:
            name = path.relative_to(root)
            yield f"{name}: {lines} lines, the limit is {MAX_MODULE_LINES}; move its second concern to another module"


def module_name(root: Path, path: Path) -> str:
    """The dotted name of a source file; a package for its `__init__.py`."""
    parts = path.relative_to(root / "src").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(name: str, path: Path, modules: set[str]) -> set[str]:
    """The members of `modules` that a file imports, at its top or in a function."""
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
    """Entry points: scripts, the modules of the contract, migrations, `__main__` and the list in pyproject.toml."""
    scripts = {target.partition(":")[0] for target in configuration["project"].get("scripts", {}).values()}
    listed = set(configuration["tool"].get("casare", {}).get("entry_modules", []))
    known = {name for name in modules if name.endswith(".__main__") or ".migrations." in name}
    return scripts | listed | known | (CONTRACT_MODULES & modules)


def unreachable_modules(root: Path) -> Iterator[str]:
    """Modules that no entry point imports, packages without a module, and entry points that do not exist."""
    files = {module_name(root, path): path for path in sorted((root / "src").rglob("*.py"))}
    modules = set(files)
    configuration = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    entries = entry_modules(configuration, modules)
    for name in sorted(entries - modules):
        yield f"pyproject.toml: the entry module {name} does not exist; add it or remove it from the list"
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
            yield f"{path}: a package without a module; remove it"


def repeated_names(root: Path) -> Iterator[str]:
    """Public class names and file names that occur more than once."""
    classes: dict[str, list[str]] = defaultdict(list)
    files: dict[str, list[str]] = defaultdict(list)
    for path in sorted((root / "src").rglob("*.py")):
        place = str(path.relative_to(root))
        if path.name not in REPEATABLE_FILES and not any(path.parent.match(folder) for folder in FOLDERS_OF_NOUNS):
            files[path.name].append(place)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                classes[node.name].append(f"{place}:{node.lineno}")
    for kind, names in (("file", files), ("class", classes)):
        for name, (first, *others) in names.items():
            for place in others:
                yield f"{place}: the {kind} name {name} occurs in {first} too; rename one of them"


def layers_of(configuration: dict[str, Any]) -> list[str]:
    """The modules that the layers contract of import-linter names, siblings included."""
    contracts = configuration["tool"]["importlinter"]["contracts"]
    (contract,) = (contract for contract in contracts if contract["name"] == LAYERS_CONTRACT)
    return [module.strip("() ") for layer in contract["layers"] for module in re.split("[|:]", layer)]


def modules_outside_layers(root: Path) -> Iterator[str]:
    """Modules that are not in exactly one layer, and layers without a module.

    The `__init__.py` of a package may be outside when it imports nothing.
    """
    layers = layers_of(tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8")))
    used: set[str] = set()
    for path in sorted((root / "src").rglob("*.py")):
        name = module_name(root, path)
        matches = [layer for layer in layers if f"{name}.".startswith(f"{layer}.")]
        used.update(matches)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imports = any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(tree))
        if len(matches) != 1 and (imports or path.name != "__init__.py"):
            found = " and ".join(matches) or "no layer"
            yield f"{path.relative_to(root)}: in {found}; put it in exactly one layer of [tool.importlinter]"
    for layer in sorted(set(layers) - used):
        yield f"pyproject.toml: the layer {layer} has no module; remove it from [tool.importlinter]"


def stale_documentation(root: Path) -> Iterator[str]:
    """Pages with generated parts that differ from the code, and documents of schema/ that differ from it."""
    for page in generate_docs.stale_pages(root):
        yield f"{page.relative_to(root)}: {generate_docs.STALE}"
    for document in generate_schema.stale_documents(root):
        yield f"{document.relative_to(root)}: {generate_schema.STALE}"


def registry_addresses(root: Path) -> Iterator[str]:
    """Addresses of a registry in lock files. A lock file must install from any registry that has the packages."""
    found = (*root.glob("requirements*.lock"), *root.glob("bench/requirements*.lock"))
    of_python = sorted(path.relative_to(root).as_posix() for path in found)
    for name, address in (*((lock, _REGISTRY) for lock in of_python), *((lock, _RESOLVED) for lock in NODE_LOCKS)):
        for number, line in enumerate((root / name).read_text(encoding="utf-8").splitlines(), 1):
            if address.search(line):
                yield f"{name}:{number}: names a registry; run `make lock`"


def tracked_files(root: Path) -> list[Path]:
    """The files of the repository; in a tree without git, every file outside of hidden directories."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=False)
    if listing.returncode == 0:
        return [path for name in listing.stdout.decode().split("\0") if name and (path := root / name).is_file()]
    everything = (path for path in root.rglob("*") if path.is_file())
    return [path for path in everything if not any(part.startswith(".") for part in path.relative_to(root).parts)]


def machine_paths(root: Path) -> Iterator[str]:
    """Absolute paths that exist on one machine only."""
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
    unreachable_modules,
    repeated_names,
    modules_outside_layers,
    stale_documentation,
    registry_addresses,
    machine_paths,
)


def main() -> int:
    """Prints every problem and returns the exit code."""
    problems = [problem for check in CHECKS for problem in check(ROOT)]
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
