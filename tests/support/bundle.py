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
    run_block("KEEP", bundle.parent, KEEP=keep)


def run_block(about: str, folder: Path, **environ: str) -> None:
    """Runs the document's shell block that contains a text, in the directory that has `bundle`."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    (block,) = (found for found in blocks if about in found)
    run("sh", "-c", block, folder=folder, only={"PATH": os.environ["PATH"], **environ})


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
