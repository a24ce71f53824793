"""The version, alone so that a vendored copy needs no installed metadata."""

__version__ = "0.1.0"
