"""The tests of the site need the extra `docs`, some also Chromium: without, they are not collected."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from browser import CHROMIUM
from processes import run

ROOT = Path(__file__).parents[2]

collect_ignore = []
if not find_spec("material"):
    collect_ignore += ["test_site.py"]
if not find_spec("material") or not CHROMIUM:
    collect_ignore += ["test_site_in_browser.py"]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site. A page that is missing in the navigation or a broken link fails the build."""
    folder = tmp_path_factory.mktemp("site")
    config = ROOT / "docs" / "site" / "mkdocs.yml"
    run(sys.executable, "-m", "mkdocs", "build", "--strict", "-f", config, "--site-dir", folder)
    return folder
