"""Every relative link of the documents leads to a file, and to a heading of that file."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *(ROOT / name for name in ("bench/README.md", "web/client/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
)
LINK = re.compile(r"\]\(([^)\s#]*)(?:#([\w-]+))?\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """The anchors that a Markdown viewer gives to the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path, text: str) -> list[str]:
    """The links of a page that lead to no file or heading; links to other sites are not checked."""
    broken = []
    for target, anchor in LINK.findall(FENCE.sub("", text)):
        if "://" in target:
            continue
        path = (page.parent / target).resolve() if target else page
        if not path.exists() or (anchor and anchor not in anchors(path.read_text(encoding="utf-8"))):
            broken.append(f"{page.name}: {target}{'#' if anchor else ''}{anchor}")
    return broken


def test_links_lead_to_files_and_headings() -> None:
    assert [link for page in PAGES for link in broken_links(page, page.read_text(encoding="utf-8"))] == []


def test_broken_links_are_detected() -> None:
    text = (
        "[a](docs/adr) [b](SECURITY.md#defaults) [c](SECURITY.md#nothing) [d](docs/gone.md) [e](https://example.org/)"
    )
    assert broken_links(ROOT / "README.md", text) == ["README.md: SECURITY.md#nothing", "README.md: docs/gone.md"]
