"""The documentation builds as a site, without a warning and with nothing from elsewhere."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from processes import run

pytestmark = pytest.mark.in_ci

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site. A page that is not in its navigation or a link to nowhere is a warning, and ends it."""
    folder = tmp_path_factory.mktemp("site")
    config = ("--config-file", DOCS / "site" / "mkdocs.yml")
    ran = run(sys.executable, "-m", "mkdocs", "build", "--strict", *config, "--site-dir", folder)
    assert "WARNING" not in ran.err
    return folder


def test_each_page_is_in_it(site: Path) -> None:
    pages = {page.stem for page in DOCS.glob("*.md")}
    assert pages == {page.stem for page in site.glob("*.html")} - {"404"}


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
