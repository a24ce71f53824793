"""The documentation builds as a site, complete and with nothing from another host."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lambda_event_invoke_configs import __version__

pytestmark = pytest.mark.in_ci

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def test_each_page_is_in_it_and_the_readme_is_the_first(site: Path) -> None:
    pages = {"index", *(page.stem for page in DOCS.glob("*.md"))}
    assert pages == {page.stem for page in site.glob("*.html")} - {"404"}
    index = (site / "index.html").read_text()
    headings = re.findall(r"^## (.*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert headings == re.findall(r'<h2 id="[^"]*">(.*?)<a class="headerlink"', index)
    assert 'href="tutorial.html"' in index


def test_the_version_is_in_the_name_of_each_page(site: Path) -> None:
    for page in site.glob("*.html"):
        assert f"lambda-event-invoke-configs {__version__}</title>" in page.read_text(), page.name


def test_it_links_to_the_repository_that_pyproject_names() -> None:
    configured = re.findall(r"^repo_url: (\S+)", (DOCS / "site" / "mkdocs.yml").read_text(), re.MULTILINE)
    assert configured == re.findall(
        r'^Repository = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE
    )


def test_it_loads_nothing_from_another_host(site: Path) -> None:
    loaded = [
        (file.name, found)
        for file in site.rglob("*")
        if file.suffix in {".html", ".css"}
        for found in re.findall(
            r"<(?:script|link|img|iframe)\b[^>]*(?:https?:)?//[^>]*>|@import[^;]*//|url\([\"']?(?:https?:)?//[^)]*",
            file.read_text(),
        )
    ]
    assert loaded == []


def test_what_only_developers_need_is_not_shown(site: Path) -> None:
    assert "mutation.html" not in (site / "index.html").read_text()
    differences = re.sub(r"(?s)<!--.*?-->", "", (site / "differences.html").read_text())
    assert "case:" not in differences
    assert "case:" not in (site / "search" / "search_index.js").read_text()
