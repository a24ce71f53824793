"""Names for annotations, which a first page does not need.

`typing.get_type_hints()`, and with it pydantic, looks up the names of annotations in the globals of
their module, so each name must exist at run time. `LazyModule` stands for modules that only annotations
use. Importing these with the first page would cost time: `types`, for example, imports
typing-extensions.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

if sys.version_info >= (3, 11):
    from typing import Self, Unpack
else:  # Python 3.10, where anyio depends on it and has imported it already
    from typing_extensions import Self, Unpack

__all__ = ["LazyModule", "Self", "Unpack"]


class LazyModule:
    """A module that is imported when an annotation that names it is evaluated.

    name, package: as `importlib.import_module` takes them.
    """

    def __init__(self, name: str, package: str | None = None) -> None:
        self._name = name
        self._package = package

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._name, self._package), name)
