"""Docstrings, comments and messages of the program, and the texts of the dashboard, use plain words."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [*(ROOT / "src").rglob("*.py"), *(ROOT / "web" / "dashboard" / "src" / "texts").glob("*.ts")]
WORDS = re.compile(
    r"\b(whoever|whomever|nobody|somebody|anybody|mends?|mended|heard|told|tells?|forgets?|goodbye|for ever)\b",
    re.IGNORECASE,
)
"""Pronouns without a noun, and metaphors. Source: CONTRIBUTING.md, Words."""


def texts(code: str) -> Iterator[tuple[int, str]]:
    """Each string and comment of a Python module with its line."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for offset, line in enumerate(node.value.splitlines()):
                yield node.lineno + offset, line
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def findings(path: Path, code: str) -> list[str]:
    lines = texts(code) if path.suffix == ".py" else enumerate(code.splitlines(), 1)
    return [
        f"{path}:{number}: {found[0]!r}: write plain English, as CONTRIBUTING.md, Words, explains"
        for number, line in lines
        if (found := WORDS.search(line)) is not None
    ]


def test_program_and_dashboard_use_plain_words() -> None:
    assert [text for path in SOURCES for text in findings(path, path.read_text(encoding="utf-8"))] == []


def test_refused_word_is_found() -> None:
    code = '"""Whoever asks is served."""\n\nx = 1  # told once\ny = "the robot is heard"\nwhoever = 2\n'
    assert [text.partition(": ")[0] for text in findings(Path("m.py"), code)] == ["m.py:1", "m.py:4", "m.py:3"]
    assert findings(Path("jobs.ts"), 'const a = "x";\nconst b = "nobody waits";\n')[0].startswith("jobs.ts:2: ")
