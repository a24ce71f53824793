"""Counts of what the conformance tests compared, for the summary at the end of the run."""

from __future__ import annotations

from collections import Counter

tally: Counter[str] = Counter()
