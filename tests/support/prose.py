"""How README, the docs and the package's docstrings, comments and messages read.

    python tests/support/prose.py [FILE]...

Prints for each file its sentences, their words on average, how many have more than 25 words, and the words
that test_prose.py refuses.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "lambda_event_invoke_configs"
FILES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted(PACKAGE.rglob("*.py")),
]
LONG = 25  # words of a sentence

# A reader whose first language is not English has to look these up, or to read the sentence twice.
AVOIDED = {
    "anew": r"\banew\b",
    "hand out": r"\bhand(s|ed|ing)? out\b",
    "of its own": r"\bof (its|their|our|your|his|one's) own\b",
    "go on with": r"\bgo(es|ne|ing)? on with\b",
    "whoever": r"\bwho(m|so)?ever\b",
    "is no": r"(?<![Tt]here )\b(is|are|was|were) no(?! (longer|more|less|fewer|faster|slower)\b)\b",
    "but for": r"\bbut for\b",
    "keys": r"(?<!`)\b(AWS|access|old|new|these|those|their|temporary|own|whose|secret|the)(?<!query) keys\b",
    "what … as a subject": r"(^|[.;:] )What (?!is |does |are |do |to |happens )[^?]*?[.:](\s|$)",
    "there is … that": r"^Of \w+ (it|they|we)\b",
    "dead": r"\b(iterator|generator) is dead\b",
    "ours": r"\b(ours|mine|theirs)\b",
    "begin again": r"\bbegins? (again|afresh)\b",
    "thereby": r"\b(thereby|therein|thereof|herein|hence|thus|lest|ere)\b",
    "answers": r"\bwhat answers\b",
    "let in": r"\bnobody let in\b|\blet nobody in\b",
    "behind an answer": r"\bbehind (an|the) answer\b",
    "keep of": r"\bkeep of\b",
}


def sentences(text: str) -> list[str]:
    """A paragraph's sentences. Code counts as one word."""
    found = re.split(r"(?<=[.?!:;])\s+(?=[A-Z`(\"'*])", " ".join(text.split()))
    return [sentence for sentence in found if re.search(r"[a-z]", sentence)]


def paragraphs(path: Path) -> Iterator[str]:
    """The prose of a document or a module: what a person reads, without code."""
    text = path.read_text()
    yield from _of_module(text) if path.suffix == ".py" else _of_document(text)


def _of_document(text: str) -> Iterator[str]:
    for token in MarkdownIt().enable("table").parse(text):
        if token.type == "inline":
            parts = (
                "`code`" if child.type == "code_inline" else " " if "break" in child.type else child.content
                for child in token.children or ()
            )
            yield "".join(parts)


def _of_module(text: str) -> Iterator[str]:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, documented) and (docstring := ast.get_docstring(node)):
            yield from re.sub(r"`[^`]+`", "`code`", docstring).split("\n\n")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.count(" ") > 3:
            yield node.value
    comment: list[str] = []
    before = 0
    for kind, content, (line, _), _, _ in tokenize.generate_tokens(io.StringIO(text).readline):
        if kind != tokenize.COMMENT:
            continue
        if line != before + 1 and comment:
            yield " ".join(comment)
            comment = []
        comment.append(re.sub(r"`[^`]+`", "`code`", content.lstrip("# ")))
        before = line
    if comment:
        yield " ".join(comment)


def avoided(path: Path) -> list[str]:
    """The words of AVOIDED in a file, each with the sentence that it is in."""
    return [
        f"{name}: {sentence}"
        for paragraph in paragraphs(path)
        for sentence in sentences(paragraph)
        for name, pattern in AVOIDED.items()
        if re.search(pattern, sentence)
    ]


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main(paths: list[Path]) -> None:
    say(f"{'sentences':>9} {'words':>6} {f'>{LONG}':>4} {'avoided':>7}")
    total = [0, 0, 0, 0]
    for path in paths:
        lengths = [
            len(sentence.split())
            for paragraph in paragraphs(path)
            for sentence in sentences(paragraph)
            if len(sentence.split()) > 2
        ]
        words = avoided(path)
        row = [len(lengths), sum(lengths), sum(length > LONG for length in lengths), len(words)]
        total = [sum(pair) for pair in zip(total, row, strict=True)]
        _print(row, str(path.relative_to(ROOT)))
        for word in words if len(paths) < len(FILES) else ():
            say(f"          {word}")
    _print(total, "in all")


def _print(row: list[int], name: str) -> None:
    number, words, long, avoided = row
    say(f"{number:>9} {words / max(1, number):>6.1f} {long:>4} {avoided:>7} {name}")


if __name__ == "__main__":
    main([Path(name).resolve() for name in sys.argv[1:]] or FILES)
