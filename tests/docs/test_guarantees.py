"""docs/explanation/guarantees.md and security.md name tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("guarantees", "security")
NAMED = [
    found
    for page in PAGES
    for found in re.findall(
        r"`(tests/\S+\.py)::(test_\w+)`", (ROOT / "docs/explanation" / f"{page}.md").read_text(encoding="utf-8")
    )
]


def test_guarantees_name_tests() -> None:
    assert len(NAMED) > 20


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_named_test_exists(path: str, name: str) -> None:
    source = (ROOT / path).read_text(encoding="utf-8")
    assert re.search(rf"^(async )?def {name}\(", source, re.MULTILINE), f"{path} has no {name}"
