"""Docstrings and comments under src/ cite only pages of this repository or public ones."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))

_CITATION = re.compile(r"Source: (.+?)\.(?=\s|$)")
_PUBLIC = re.compile(r"RFC \d+(, sections? \d[\d.]*((, | and )\d[\d.]*)*)?|https://\S+(, .+)?")
_PAGE = re.compile(r"[\w./-]+\.md\b")
_UNPUBLISHED = re.compile(r"\b(protocol|contract), (section|[A-Z])")


def prose(code: str) -> Iterator[str]:
    """Each docstring and comment of a module, in one line."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield " ".join(node.value.value.split())
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == tokenize.COMMENT:
            yield token.string.removeprefix("#").strip()


def headings(page: Path) -> set[str]:
    """The headings of a Markdown page, without their marks."""
    lines = page.read_text(encoding="utf-8").splitlines()
    return {line.lstrip("#").strip() for line in lines if line.startswith("#")}


def problem(citation: str) -> str | None:
    """The problem of one citation: `page`, `page, heading, heading`, `RFC n, section n` or an https address."""
    if _PUBLIC.fullmatch(citation):
        return None
    name, *sections = citation.split(", ")
    page = ROOT / name
    if not page.exists():
        return f"{citation!r} is neither a page of this repository nor a public one"
    missing = [] if page.suffix != ".md" else [section for section in sections if section not in headings(page)]
    return f"{name} has no heading {missing[0]!r}" if missing else None


def problems(code: str) -> list[str]:
    """The wrong citations of a module."""
    found = []
    for text in prose(code):
        cited = [citation for sources in _CITATION.findall(text) for citation in sources.split("; ")]
        found += [fault for fault in map(problem, cited) if fault]
        found += [f"no page {name}" for name in _PAGE.findall(text) if not (ROOT / name).exists()]
        if _UNPUBLISHED.search(text):
            found.append(f"cites an unpublished page: {text}")
        if text.count("Source:") > len(_CITATION.findall(text)):
            found.append(f"cites nothing readable: {text}")
    return found


def test_every_citation_can_be_read() -> None:
    faults = {str(path.relative_to(ROOT)): problems(path.read_text(encoding="utf-8")) for path in SOURCES}
    assert {path: found for path, found in faults.items() if found} == {}


@pytest.mark.parametrize(
    "text",
    [
        "A frame. Source: RFC 6455, section 5.2.",
        "A frame. Source: RFC 9112, sections 2 and 9; RFC 6455, section 4.",
        "A frame. Source: docs/reference/websocket-contract.md, Sizes, Bad input.",
        "A frame. Source: bench/.",
        "A frame. Source: https://sqlite.org/wal.html, section 3.",
    ],
)
def test_public_and_own_pages_are_allowed_citations(text: str) -> None:
    assert problems(f'"""{text}"""\n# {text}\n') == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Source: protocol, section 4.", "neither a page of this repository"),
        ("Source: contract, Sizes.", "neither a page of this repository"),
        ("Source: RFC 6455, section 5.2; house.md.", "neither a page of this repository"),
        ("As in protocol, section 3.", "unpublished"),
        ("Source: docs/reference/websocket-contract.md, Weather.", "no heading 'Weather'"),
        ("See docs/weather.md for more.", "no page docs/weather.md"),
        ("Source: bench/ and no full stop", "nothing readable"),
    ],
)
def test_other_citations_are_refused(text: str, fault: str) -> None:
    assert fault in problems(f'"""A.\n\n{text}"""\n')[0]
    assert fault in problems(f"# {text}\n")[0]
