"""What `make check` finds beyond the linters, on small trees."""

from pathlib import Path

import check_tree
import pytest

PROJECT = '[project]\nname = "x"\n[project.scripts]\nx = "casare_rpa.main:main"\n[tool.casare]\nentry_modules = []\n'


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree without a fault: a script that imports one module inside of a function."""
    package = tmp_path / "src" / "casare_rpa"
    (package / "rooms").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "requirements.lock").write_text("msgspec==0.22.0 \\\n    --hash=sha256:00\n")
    for lock in check_tree.NODE_LOCKS:
        (tmp_path / lock).parent.mkdir(parents=True)
        (tmp_path / lock).write_text('{"packages": {"node_modules/a": {"resolved": "a", "link": true}}}\n')
    (package / "__init__.py").write_text("")
    (package / "rooms" / "__init__.py").write_text("")
    (package / "main.py").write_text("def main():\n    from casare_rpa.rooms import kitchen\n")
    (package / "rooms" / "kitchen.py").write_text("from . import pantry\n")
    (package / "rooms" / "pantry.py").write_text("")
    return tmp_path


def problems(tree: Path) -> list[str]:
    checks = [check for check in check_tree.CHECKS if check is not check_tree.stale_documentation]
    return [problem for check in checks for problem in check(tree)]


def test_tree_without_a_fault_has_no_problem(tree: Path) -> None:
    assert problems(tree) == []


def test_module_over_the_cap_is_a_problem(tree: Path) -> None:
    (tree / "src/casare_rpa/rooms/pantry.py").write_text("x = 1\n" * 501)
    (problem,) = problems(tree)
    assert problem.startswith("src/casare_rpa/rooms/pantry.py: 501 lines")


def test_module_that_nobody_reaches_is_a_problem_unless_listed(tree: Path) -> None:
    (tree / "src/casare_rpa/attic.py").write_text("from casare_rpa import cellar\n")
    (tree / "src/casare_rpa/cellar.py").write_text("from casare_rpa import attic\n")
    assert [problem.partition(":")[0] for problem in problems(tree)] == [
        "src/casare_rpa/attic.py",
        "src/casare_rpa/cellar.py",
    ]
    (tree / "pyproject.toml").write_text(PROJECT.replace("[]", '["casare_rpa.attic"]'))
    assert problems(tree) == []


def test_entry_module_that_is_not_there_is_a_problem(tree: Path) -> None:
    (tree / "pyproject.toml").write_text(PROJECT.replace("[]", '["casare_rpa.garage"]'))
    (problem,) = problems(tree)
    assert "casare_rpa.garage does not exist" in problem


def test_package_without_a_module_is_a_problem(tree: Path) -> None:
    (tree / "src/casare_rpa/garden").mkdir()
    (tree / "src/casare_rpa/garden/__init__.py").write_text("")
    (problem,) = problems(tree)
    assert problem.startswith("src/casare_rpa/garden/__init__.py: a package without a module")


@pytest.mark.parametrize("line", ["--index-url x", "a @ " + "https://registry.example/a.whl"])
def test_registry_in_the_lock_file_is_a_problem(line: str, tree: Path) -> None:
    (tree / "requirements.lock").write_text(f"msgspec==0.22.0\n{line}\n")
    (problem,) = problems(tree)
    assert problem.startswith("requirements.lock:2: names a registry")


@pytest.mark.parametrize("lock", check_tree.NODE_LOCKS)
def test_registry_in_a_lock_file_of_node_is_a_problem(lock: str, tree: Path) -> None:
    (tree / lock).write_text('{\n"resolved": "https://registry.example/a.tgz"\n}\n')
    (problem,) = problems(tree)
    assert problem.startswith(f"{lock}:2: names a registry")


@pytest.mark.parametrize("path", ["home/ann/x", "Users/ann"])
def test_path_of_one_machine_is_a_problem(path: str, tree: Path) -> None:
    (tree / "notes.md").write_text(f"first\nsee /{path}\n")
    (problem,) = problems(tree)
    assert problem.startswith("notes.md:2: a path of one machine")
