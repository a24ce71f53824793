"""The prose is plain: none of the words that have to be read twice."""

from __future__ import annotations

from pathlib import Path

import prose
import pytest


@pytest.mark.parametrize("path", prose.FILES, ids=lambda path: str(path.relative_to(prose.ROOT)))
def test_none_of_the_words_to_avoid_is_left(path: Path) -> None:
    assert prose.avoided(path) == []


@pytest.mark.parametrize(
    "sentence",
    ["Keys are made anew.", "It is no page.", "What waits is awaited.", "Of botocore it uses two modules."],
)
def test_a_word_to_avoid_is_found(tmp_path: Path, sentence: str) -> None:
    (tmp_path / "page.md").write_text(f"# Title\n\nFirst. {sentence}\n")
    (tmp_path / "module.py").write_text(f'"""Title.\n\nFirst. {sentence}\n"""\n')
    assert prose.avoided(tmp_path / "page.md") != []
    assert prose.avoided(tmp_path / "module.py") != []
