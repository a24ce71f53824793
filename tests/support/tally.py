"""What the conformance tests have compared so far, for the line at the end of the run.

"cases" is the sum of "equal", "intended" and "unintended"; "examples" are those that Hypothesis made up.
"""

from __future__ import annotations

import collections

tally: collections.Counter[str] = collections.Counter()
