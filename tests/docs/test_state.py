"""docs/explanation/state.md names every attribute of the control plane that changes, and where its truth is."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ORCHESTRATOR = ROOT / "src/casare_rpa/infrastructure/orchestrator"
PAGE = (ROOT / "docs/explanation/state.md").read_text(encoding="utf-8")
TRUTHS = {"store", "copy", "derived", "own", "memory"}
OTHER_PROGRAMS = ("communication/", "storage/migrations/")
"""Code of the clients, and of a migration, which ends before the control plane starts."""
CONTAINERS = {"dict", "list", "set", "bytearray", "deque", "defaultdict", "OrderedDict", "Counter"}
CONSTANTS = {"Path"}
"""Classes of libraries with objects that do not change."""
VALUES = ("NamedTuple", "StrEnum", "Protocol", "BaseModel", "BaseSettings", "TypedDict")

Attribute = tuple[str, str]
"""The name of a class, and of one of its attributes."""
IGNORED: dict[Attribute, str] = {
    ("FileCopyEnd", "connection"): "it is opened once, by a command that is no instance",
    ("PostgresCopyEnd", "connection"): "it is opened once, by a command that is no instance",
    ("Commands", "failures"): "its name is that of `LoopStatistics.failures`, which is assigned from outside",
}
"""Attributes that do not change, although an attribute of the same name does."""


def sources() -> dict[str, str]:
    """The modules of the control plane, by their path."""
    return {
        name: path.read_text(encoding="utf-8")
        for path in sorted(ORCHESTRATOR.rglob("*.py"))
        if not (name := path.relative_to(ORCHESTRATOR).as_posix()).startswith(OTHER_PROGRAMS)
    }


def mutable_attributes(modules: Mapping[str, str]) -> set[Attribute]:
    """The attributes that change during the life of their object, found in the syntax.

    An attribute changes if it is assigned or deleted outside of the initialiser of its class, or if it begins as a
    container or as an object of a library. An object of a class of the control plane has its own rows.
    """
    trees = [ast.parse(text) for text in modules.values()]
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    names = {one.name for one in classes}
    from_outside = {target.attr for tree in trees for target in _stored(tree) if not _of_self(target)}
    values = _values(classes)
    found: set[Attribute] = set()
    for one in classes:
        if one.name not in values:
            found.update((one.name, name) for name in _changing(one, names, from_outside))
    return found | {("module", name) for tree in trees for name in _changing_globals(tree)}


def _changing(node: ast.ClassDef, names: set[str], from_outside: set[str]) -> Iterator[str]:
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            name = statement.target.id
            if name in from_outside or _begins_mutable(statement.value, names) or _is_mutable(statement.annotation):
                yield name
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        starts = statement.name in ("__init__", "__post_init__")
        for assignment in ast.walk(statement):
            for target in _targets(assignment):
                if isinstance(target, ast.Attribute) and _of_self(target):
                    value = getattr(assignment, "value", None)
                    if not starts or target.attr in from_outside or _begins_mutable(value, names):
                        yield target.attr


def _changing_globals(tree: ast.Module) -> Iterator[str]:
    """Module variables that begin as an empty container and are not named as constants."""
    for statement in tree.body:
        for target in _targets(statement):
            begins = ast.unparse(getattr(statement, "value", None) or target)
            if isinstance(target, ast.Name) and not target.id.isupper() and begins in ("{}", "[]"):
                yield target.id


def _targets(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Assign | ast.Delete):
        return [part for target in node.targets for part in _parts(target)]
    if isinstance(node, ast.AnnAssign | ast.AugAssign):
        return [node.target]
    return []


def _parts(target: ast.expr) -> list[ast.expr]:
    return [part for one in target.elts for part in _parts(one)] if isinstance(target, ast.Tuple) else [target]


def _stored(tree: ast.Module) -> Iterator[ast.Attribute]:
    for node in ast.walk(tree):
        yield from (target for target in _targets(node) if isinstance(target, ast.Attribute))


def _of_self(target: ast.Attribute) -> bool:
    return isinstance(target.value, ast.Name) and target.value.id == "self"


def _values(classes: Iterable[ast.ClassDef]) -> set[str]:
    """The classes with objects that do not change."""
    found = set(VALUES)
    bases = {one.name: {_last_name(base) for base in one.bases} for one in classes}
    for one in classes:
        declared = [ast.unparse(part) for part in (*one.decorator_list, *one.keywords)]
        if any("frozen=True" in part for part in declared):
            found.add(one.name)
    for _ in bases:  # a base may come later in the order of the modules
        found |= {name for name, of_it in bases.items() if of_it & found}
    return found


def _is_mutable(annotation: ast.expr) -> bool:
    return _last_name(annotation) in CONTAINERS | {"TokenBucket"}


def _last_name(node: ast.expr) -> str:
    """The name of a class, without its module and its parameters."""
    return ast.unparse(node).partition("[")[0].rpartition(".")[2]


def _begins_mutable(value: ast.expr | None, names: set[str]) -> bool:
    if isinstance(value, ast.Dict | ast.List | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp):
        return True
    if isinstance(value, ast.IfExp):
        return _begins_mutable(value.body, names) or _begins_mutable(value.orelse, names)
    if isinstance(value, ast.GeneratorExp):
        return _begins_mutable(value.elt, names)
    if isinstance(value, ast.BoolOp):
        return any(_begins_mutable(one, names) for one in value.values)
    if not isinstance(value, ast.Call):
        return False
    called = value.func.value if isinstance(value.func, ast.Subscript) else value.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    if name == "field":
        return any(one.arg == "default_factory" for one in value.keywords)
    if name in ("tuple", "frozenset"):
        return any(_begins_mutable(one, names) for one in value.args if isinstance(one, ast.GeneratorExp))
    made_by_library = name[:1].isupper() and name not in names and name not in CONSTANTS
    return name in CONTAINERS or name == "fromkeys" or made_by_library


def rows(page: str) -> dict[Attribute, str]:
    """The truth of each attribute that the page names."""
    listed: dict[Attribute, str] = {}
    for match in re.finditer(r"^\| `(\w+)` \| ((?:`\w+`(?:, )?)+) \| (\w+) \| .+ \|$", page, re.MULTILINE):
        for name in re.findall(r"`(\w+)`", match[2]):
            assert (match[1], name) not in listed, f"the page names {match[1]}.{name} twice"
            listed[match[1], name] = match[3]
    return listed


def named(attributes: Iterable[Attribute]) -> list[str]:
    return sorted(".".join(one) for one in attributes)


def missing(modules: Mapping[str, str]) -> list[str]:
    return named(mutable_attributes(modules) - IGNORED.keys() - rows(PAGE).keys())


def test_every_attribute_that_changes_is_on_the_page() -> None:
    assert missing(sources()) == [], (
        "add these attributes to docs/explanation/state.md; if other instances need one, it belongs in the store"
    )


def test_page_names_only_attributes_that_exist_and_change() -> None:
    found = mutable_attributes(sources())
    assert named(rows(PAGE).keys() - found) == []
    assert named(IGNORED.keys() - found) == []


def test_page_gives_each_attribute_a_known_truth() -> None:
    assert set(rows(PAGE).values()) == TRUTHS


@pytest.mark.parametrize(
    "planted",
    [
        "class Tickets:\n    def __init__(self):\n        self._planted = {}",
        "class Tickets:\n    def __init__(self):\n        self._planted: set[str] = set()",
        "class Tickets:\n    def __init__(self):\n        self._planted = asyncio.Lock()",
        "class Tickets:\n    def __init__(self, given):\n        self._planted = given or []",
        "class Tickets:\n    def __init__(self):\n        self._planted = tuple(deque() for _ in range(2))",
        "class Tickets:\n    def issue(self):\n        self._planted = 1",
        "class Tickets:\n    async def issue(self):\n        self._planted += 1",
        "class Tickets:\n    def issue(self):\n        _, self._planted = 1, 2",
        "class Tickets:\n    def issue(self):\n        del self._planted",
        "@dataclass\nclass Tickets:\n    _planted: int = 0\ndef other(tickets):\n    tickets._planted = 1",
        "@dataclass\nclass Tickets:\n    _planted: dict[str, int]",
        "@dataclass\nclass Tickets:\n    _planted: Things = field(default_factory=Things)",
    ],
)
def test_planted_attribute_is_found(planted: str) -> None:
    assert missing({"planted.py": planted}) == ["Tickets._planted"]


def test_planted_variable_of_a_module_is_found() -> None:
    assert missing({"planted.py": "_planted = {}\nCONSTANT = {}"}) == ["module._planted"]


@pytest.mark.slow
def test_attribute_that_is_added_to_the_program_is_found() -> None:
    modules = sources()
    forget = "    def _forget(self, now"
    added = f"    def remember(self) -> None:\n        self._planted = 1\n\n{forget}"
    text = modules["auth/tickets.py"]
    assert forget in text
    assert missing({**modules, "auth/tickets.py": text.replace(forget, added)}) == ["Tickets._planted"]


@pytest.mark.parametrize(
    "constant",
    [
        "class Tickets:\n    def __init__(self, store):\n        self._planted = store",
        "class Tickets:\n    def __init__(self):\n        self._planted = Hub()\nclass Hub:\n    pass",
        "@dataclass(frozen=True)\nclass Planted:\n    _planted: dict[str, int]",
        "class Planted(NamedTuple):\n    _planted: list[str]",
    ],
)
def test_attribute_that_does_not_change_need_not_be_on_the_page(constant: str) -> None:
    assert missing({"planted.py": constant}) == []
