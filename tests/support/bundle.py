"""The small bundle: what docs/deploying.md says to delete, read from there and done."""

from __future__ import annotations

import os
import re
from pathlib import Path

from processes import run

DOCUMENT = Path(__file__).parents[2] / "docs" / "deploying.md"
BLOCK = 4096  # bytes: what file systems give out space in


def cut_down(bundle: Path, keep: str = "") -> None:
    """Runs the document's shell block on the installation in `bundle`, which has to have that name."""
    (block,) = (
        found
        for found in re.findall(r"^```sh\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
        if "KEEP" in found
    )
    environ = {"PATH": os.environ["PATH"], "KEEP": keep}
    run("sh", "-c", block, folder=bundle.parent, only=environ)


def to_keep() -> dict[str, str]:
    """The document's table: credential source to the names that `KEEP` has for it."""
    rows = re.findall(r"^\| (.+?) \| (nothing|`[^`]* [^`]*`) \|$", DOCUMENT.read_text(), re.MULTILINE)
    return {source: "" if names == "nothing" else names.strip("`") for source, names in rows}


def size_on_disk(directory: Path) -> int:
    """Bytes, counted in whole blocks, without `__pycache__`."""
    size = 0
    for folder, folders, files in os.walk(directory):
        if "__pycache__" in folders:
            folders.remove("__pycache__")
        size += BLOCK
        for name in files:
            blocks = -(-(Path(folder) / name).lstat().st_size // BLOCK)
            size += blocks * BLOCK
    return size
