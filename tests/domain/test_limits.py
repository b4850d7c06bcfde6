"""A limit of a text or a list is a named constant, so that every place that checks it uses the same number."""

import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "casare_rpa"
LITERAL = re.compile(r"\bmax_length=(\d[\d_]*)")
DECLARED = re.compile(r"^MAX_\w+ = ", re.MULTILINE)


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_no_model_has_a_limit_of_its_own(path: Path) -> None:
    assert LITERAL.findall(path.read_text(encoding="utf-8")) == []


def test_limit_of_the_contract_is_declared_in_one_module() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py")}
    names = DECLARED.findall(texts[SOURCE / "domain" / "limits.py"])
    assert len(names) > 10
    assert {name: [text.count(f"\n{name}") for text in texts.values() if f"\n{name}" in text] for name in names} == {
        name: [1] for name in names
    }


def test_literal_is_detected() -> None:
    assert LITERAL.findall("name: str = Field(max_length=1_024)") == ["1_024"]
