"""MkDocs hooks: README.md is the first page, and each page shows the version."""

from __future__ import annotations

import runpy
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]


def on_config(config: MkDocsConfig) -> None:
    version_file = ROOT / "src" / "lambda_event_invoke_configs" / "_version.py"
    config.site_name += f" {runpy.run_path(str(version_file))['__version__']}"
    config.copyright = config.site_name  # for phones, whose header is too narrow for the version


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add README.md as index.md, and LICENSE, which it links to."""
    readme = (ROOT / "README.md").read_text()
    readme = readme.replace("](docs/", "](").replace("](LICENSE)", "](LICENSE.txt)")
    files.append(File.generated(config, "index.md", content=readme))
    files.append(File.generated(config, "LICENSE.txt", abs_src_path=str(ROOT / "LICENSE")))
