"""Checks of `tools/check_tree.py`, on small trees."""

from pathlib import Path

import check_tree
import pytest

PROJECT = """\
[project]
name = "x"
[project.scripts]
x = "casare_rpa.main:main"
[tool.casare]
entry_modules = []
[[tool.importlinter.contracts]]
name = "Layers"
layers = ["casare_rpa.main", "casare_rpa.shop | casare_rpa.cli"]
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree without a problem: a script that imports one module inside a function."""
    package = tmp_path / "src" / "casare_rpa"
    (package / "shop").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "requirements.lock").write_text("msgspec==0.22.0 \\\n    --hash=sha256:00\n")
    for lock in check_tree.NODE_LOCKS:
        (tmp_path / lock).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / lock).write_text('{"packages": {"node_modules/a": {"resolved": "a", "link": true}}}\n')
    (package / "cli").mkdir()
    (package / "cli" / "__main__.py").write_text("")
    (package / "__init__.py").write_text("")
    (package / "shop" / "__init__.py").write_text("")
    (package / "main.py").write_text("def main():\n    from casare_rpa.shop import orders\n")
    (package / "shop" / "orders.py").write_text("from . import prices\n")
    (package / "shop" / "prices.py").write_text("")
    return tmp_path


def problems(tree: Path) -> list[str]:
    checks = [check for check in check_tree.CHECKS if check is not check_tree.stale_documentation]
    return [problem for check in checks for problem in check(tree)]


def test_tree_without_a_problem_has_none(tree: Path) -> None:
    assert problems(tree) == []


def test_module_over_the_size_limit_is_a_problem(tree: Path) -> None:
    (tree / "src/casare_rpa/shop/prices.py").write_text("x = 1\n" * 501)
    (problem,) = problems(tree)
    assert problem.startswith("src/casare_rpa/shop/prices.py: 501 lines")


def test_unreachable_module_is_a_problem_unless_listed(tree: Path) -> None:
    (tree / "src/casare_rpa/shop/stock.py").write_text("from casare_rpa.shop import returns\n")
    (tree / "src/casare_rpa/shop/returns.py").write_text("from casare_rpa.shop import stock\n")
    assert [problem.partition(":")[0] for problem in problems(tree)] == [
        "src/casare_rpa/shop/returns.py",
        "src/casare_rpa/shop/stock.py",
    ]
    (tree / "pyproject.toml").write_text(PROJECT.replace("[]", '["casare_rpa.shop.stock"]'))
    assert problems(tree) == []


def test_missing_entry_module_is_a_problem(tree: Path) -> None:
    (tree / "pyproject.toml").write_text(PROJECT.replace("[]", '["casare_rpa.missing"]'))
    (problem,) = problems(tree)
    assert "casare_rpa.missing does not exist" in problem


def test_package_without_a_module_is_a_problem(tree: Path) -> None:
    (tree / "src/casare_rpa/empty").mkdir()
    (tree / "src/casare_rpa/empty/__init__.py").write_text("")
    (problem,) = problems(tree)
    assert problem.startswith("src/casare_rpa/empty/__init__.py: a package without a module")


def test_file_name_that_occurs_twice_is_a_problem(tree: Path) -> None:
    (tree / "src/casare_rpa/shop/used").mkdir()
    (tree / "src/casare_rpa/shop/used/prices.py").write_text("")
    (tree / "src/casare_rpa/main.py").write_text(
        "from casare_rpa.shop import orders\nfrom casare_rpa.shop.used import prices\n"
    )
    (problem,) = problems(tree)
    assert problem == (
        "src/casare_rpa/shop/used/prices.py: "
        "the file name prices.py occurs in src/casare_rpa/shop/prices.py too; rename one of them"
    )


@pytest.mark.parametrize(
    "folder", ["cli", "shop/ports", "shop/api/routers", "shop/storage/sqlite", "shop/storage/postgres"]
)
def test_module_in_a_folder_of_nouns_may_repeat_a_file_name(folder: str, tree: Path) -> None:
    path = tree / "src/casare_rpa" / folder / "prices.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    module = f"casare_rpa.{folder.replace('/', '.')}.prices"
    (tree / "src/casare_rpa/main.py").write_text(f"from casare_rpa.shop import orders\nimport {module}\n")
    assert [problem for problem in problems(tree) if "file name" in problem] == []


def test_public_class_name_that_occurs_twice_is_a_problem(tree: Path) -> None:
    (tree / "src/casare_rpa/shop/prices.py").write_text("class Price:\n    class _Row: ...\n")
    (tree / "src/casare_rpa/shop/orders.py").write_text(
        "from . import prices\nclass Order:\n    class Price: ...\nclass _Row: ...\n"
    )
    (problem,) = problems(tree)
    assert problem == (
        "src/casare_rpa/shop/prices.py:1: "
        "the class name Price occurs in src/casare_rpa/shop/orders.py:3 too; rename one of them"
    )


def test_module_outside_the_layers_is_a_problem(tree: Path) -> None:
    (tree / "src/casare_rpa/shop_window.py").write_text("")
    (tree / "src/casare_rpa/__init__.py").write_text("from casare_rpa import shop_window\n")
    assert [problem for problem in problems(tree) if "layer" in problem] == [
        "src/casare_rpa/__init__.py: in no layer; put it in exactly one layer of [tool.importlinter]",
        "src/casare_rpa/shop_window.py: in no layer; put it in exactly one layer of [tool.importlinter]",
    ]


def test_module_in_two_layers_is_a_problem(tree: Path) -> None:
    layers = '"casare_rpa.shop | casare_rpa.cli"'
    (tree / "pyproject.toml").write_text(PROJECT.replace(layers, f'{layers}, "casare_rpa.shop.prices"'))
    (problem,) = problems(tree)
    assert problem.startswith("src/casare_rpa/shop/prices.py: in casare_rpa.shop and casare_rpa.shop.prices;")


def test_layer_without_a_module_is_a_problem(tree: Path) -> None:
    (tree / "pyproject.toml").write_text(PROJECT.replace("casare_rpa.cli", "casare_rpa.cli | casare_rpa.till"))
    (problem,) = problems(tree)
    assert problem == "pyproject.toml: the layer casare_rpa.till has no module; remove it from [tool.importlinter]"


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-run.lock", "bench/requirements.lock"])
@pytest.mark.parametrize("line", ["--index-url x", "a @ " + "https://registry.example/a.whl"])
def test_registry_in_a_lock_file_is_a_problem(line: str, lock: str, tree: Path) -> None:
    (tree / lock).write_text(f"msgspec==0.22.0\n{line}\n")
    (problem,) = problems(tree)
    assert problem.startswith(f"{lock}:2: names a registry")


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
