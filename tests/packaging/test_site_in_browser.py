"""The site in a real browser: wide and narrow, light and dark, served by HTTP and opened as files."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from browser import dom, measure

pytestmark = pytest.mark.in_ci

BROKEN = """<!doctype html><meta charset="utf-8">
<body style="margin: 0">
<main>
<h2 style="width: 300px; white-space: nowrap; overflow: hidden">{long}</h2>
<div style="width: 1300px">wide</div>
<div style="overflow: auto"><div style="width: 1300px">wide, in a box</div></div>
<article><p style="font-size: 12px; color: #aaa">small and faint</p></article>
<pre><code>not to be copied</code></pre>
<img src="http://example.invalid/image.svg" alt="from another host">
</main>
"""
FAULTS = [
    "broken image: http://example.invalid/image.svg",
    "no copy button: code: not to be copied",
    "another host: http://example.invalid/image.svg",
    "1280 px: scrolls sideways: 1300 px",
    "1280 px: cut heading: h2: long",
    "1280 px: out of sight: div: wide",
    "1280 px: small text: p: small",
    "390 px: scrolls sideways: 1300 px",
    "390 px: cut heading: h2: long",
    "390 px: out of sight: div: wide",
    "390 px: small text: p: small",
    "default: faint text: 2.3, p: small",
    "slate: faint text: 2.3, p: small",
]


def test_each_page_fits_its_window_and_can_be_read(site: Path, tmp_path: Path) -> None:
    served = shutil.copytree(site, tmp_path / "site")
    (served / "broken.html").write_text(BROKEN.format(long="long " * 100))
    faults = measure(served, tmp_path / "profile")
    broken = faults.pop("broken.html")
    assert faults == {page.name: [] for page in site.glob("*.html")}
    assert len(broken) == len(FAULTS), broken
    for fault, expected in zip(broken, FAULTS, strict=True):
        assert fault.startswith(expected)


def test_the_search_works_in_pages_that_are_opened_as_files(site: Path, tmp_path: Path) -> None:
    found = dom(f"{(site / 'index.html').as_uri()}?q=LocalLambda", tmp_path / "profile")
    results = re.findall(
        r'<a href="file://[^"]*/(\w[\w-]*\.html)[^"]*" class="md-search-result__link"', found
    )
    assert "reference.html" in results
