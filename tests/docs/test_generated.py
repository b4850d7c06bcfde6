"""The generated parts of the documentation are up to date."""

import generate_docs
import pytest


def test_generated_parts_are_current() -> None:
    stale = [str(page.relative_to(generate_docs.ROOT)) for page in generate_docs.stale_pages(generate_docs.ROOT)]
    assert stale == [], generate_docs.STALE


def test_every_part_is_used_by_a_page() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in (generate_docs.ROOT / "docs").rglob("*.md"))
    assert [name for name in generate_docs.PARTS if f"<!-- generated:{name} -->" not in pages] == []


def test_regenerate_replaces_only_the_text_between_the_markers() -> None:
    page = "before\n<!-- generated:rate-limits -->\nold\n<!-- /generated:rate-limits -->\nafter\n"
    fresh = generate_docs.regenerate(page)
    assert fresh.startswith("before\n<!-- generated:rate-limits -->\n")
    assert fresh.endswith("<!-- /generated:rate-limits -->\nafter\n")
    assert "old" not in fresh
    assert "| robot | 100 | 200 |" in fresh
    assert generate_docs.regenerate(fresh) == fresh


def test_regenerate_refuses_an_unknown_part() -> None:
    with pytest.raises(KeyError, match="weather"):
        generate_docs.regenerate("<!-- generated:weather -->\n<!-- /generated:weather -->")
