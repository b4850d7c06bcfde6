"""Documents, docstrings, comments, messages of the program and texts of the dashboard use plain words."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = [*(ROOT / "src").rglob("*.py")]
OTHER_PYTHON = [
    *(path for folder in ("tests", "bench", "examples") for path in (ROOT / folder).rglob("*.py")),
    *(ROOT / "tools").glob("*.py"),
]
WEB = [
    path
    for folder in ("client/src", "dashboard/src", "dashboard/e2e")
    for path in (ROOT / "web" / folder).rglob("*.ts*")
    if ".gen." not in path.name
]
TEXTS = [path for path in WEB if path.parent.name == "texts" and not path.name.endswith(".test.ts")]
PAGES = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / "examples").rglob("*.md"),
    ROOT / "bench" / "README.md",
    ROOT / "tests" / "storage" / "data" / "README.md",
    ROOT / "web" / "client" / "README.md",
]
WORDS = re.compile(
    r"\b(whoever|whomever|whatever|nobody|no one|somebody|someone|anybody|anyone|those (?:that|who|which)"
    r"|what (?:is|was|are|were|has|had|it|they)"
    r"|mends?|mended|heard|told|tells?|forgets?|goodbye|for ever|for good|anew|goes on|going on|strangers?"
    r"|(?<!there\s)(?:is|are|was|were) no (?!longer\b|such\b|more\b)\w+)\b".replace(" ", r"\s+"),
    re.IGNORECASE,
)
"""Pronouns without a noun, metaphors, and negations before a noun. Source: CONTRIBUTING.md, Words."""

Text = tuple[int, str]
"""The line at which a text begins, and the text."""


def strings(code: str) -> Iterator[Text]:
    """Each string of a Python module."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def docstrings(code: str) -> Iterator[Text]:
    """Each docstring of a Python module, of attributes too."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value


def comments(code: str) -> Iterator[Text]:
    """Each comment of a Python module. Comment lines that follow one another are one text."""
    begin, last, words = 0, 0, ""
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == tokenize.COMMENT:
            if token.start[0] != last + 1 and words:
                yield begin, words
                words = ""
            begin = begin if words else token.start[0]
            words += ("\n" if words else "") + token.string
            last = token.start[0]
    if words:
        yield begin, words


def names_of_tests(code: str) -> Iterator[Text]:
    """Each name of a test, with spaces."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.lineno, node.name.replace("_", " ")


def web_comments(code: str) -> Iterator[Text]:
    """Each comment and each name of a test in a TypeScript module."""
    pattern = r'/\*\*.*?\*/|(?:^|\s)//[^\n]*|\b(?:it|test|describe)\(\s*"[^"]*"'
    for found in re.finditer(pattern, code, re.DOTALL):
        yield code.count("\n", 0, found.start()) + 1, re.sub(r"\n\s*\*", "\n", found[0])


def paragraphs(page: str) -> Iterator[Text]:
    """Each paragraph of a Markdown page, without code."""
    plain = re.sub(r"^```.*?^```", lambda found: "\n" * found[0].count("\n"), page, flags=re.DOTALL | re.MULTILINE)
    for found in re.finditer(r"(?:[^\n]+\n?)+", plain):
        yield plain.count("\n", 0, found.start()) + 1, found[0]


def findings(path: Path, texts: Iterator[Text]) -> list[str]:
    """A sentence for each refused word. Words in backticks are code, and a line break counts as a space."""
    found = []
    for line, text in texts:
        plain = re.sub(r"`[^`]*`", lambda code: re.sub(r"\S", "_", code[0]), text)
        for match in WORDS.finditer(plain):
            place = f"{path}:{line + plain.count(chr(10), 0, match.start())}"
            found.append(f"{place}: {match[0]!r}: write plain English, as CONTRIBUTING.md, Words, explains")
    return found


@pytest.mark.parametrize(
    ("paths", "readers"),
    [
        pytest.param(PROGRAM, (strings, comments), id="program"),
        pytest.param(
            OTHER_PYTHON, (docstrings, comments, names_of_tests), id="tests and tools", marks=pytest.mark.slow
        ),
        pytest.param(WEB, (web_comments,), id="web"),
        pytest.param(TEXTS, (lambda code: iter([(1, code)]),), id="texts of the dashboard"),
        pytest.param(PAGES, (paragraphs,), id="pages"),
    ],
)
def test_texts_use_plain_words(paths, readers) -> None:
    assert paths
    read = [(path, path.read_text(encoding="utf-8")) for path in paths]
    assert [text for path, code in read for reader in readers for text in findings(path, reader(code))] == []


def long_summaries(code: str) -> list[int]:
    """The lines of definitions whose docstring does not begin with one line and an empty one."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            summary = (ast.get_docstring(node) or "").partition("\n\n")[0]
            if "\n" in summary:
                found.append(getattr(node, "lineno", 1))
    return found


def test_docstring_begins_with_one_line() -> None:
    paths = [*PROGRAM, *(path for path in OTHER_PYTHON if not path.is_relative_to(ROOT / "tests"))]
    assert [f"{path}:{line}" for path in paths for line in long_summaries(path.read_text(encoding="utf-8"))] == []


def test_docstring_with_a_longer_summary_is_found() -> None:
    assert long_summaries('"""One.\n\nTwo."""\n\n\ndef f():\n    """One\n    sentence."""\n') == [6]


@pytest.mark.parametrize(
    ("reader", "code", "lines"),
    [
        (strings, '"""Whoever asks is served."""\n\ny = "the robot is heard"\nwhoever = 2\n', [1, 3]),
        (docstrings, 'def f():\n    """One line.\n\n    It waits for\n    ever.\n    """\n\n\nx = "told"\n', [4]),
        (comments, "# The robot is\n# told.\n\nx = 1  # fine\ny = 2  # it is no number\n", [2, 5]),
        (names_of_tests, "def test_it_is_told(): ...\n\n\ndef told(): ...\n", [1]),
        (web_comments, 'const a = "told"; // what is\n/** What was sent.\n * Nobody waits. */\n', [1, 2, 3]),
        (paragraphs, "Plain `what is it`.\n\n```\ntold\n```\n\nA job\nis no\nrobot. There is no end.\n", [8]),
    ],
)
def test_refused_word_is_found(reader, code, lines) -> None:
    assert [int(text.split(":")[1]) for text in findings(Path("m"), reader(code))] == lines
