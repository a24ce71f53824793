"""Texts of errors."""

from __future__ import annotations


def boto3s(error: Exception) -> str:
    """The part that boto3 has too; here, str() goes on with what to do next (docs/errors.md)."""
    return Exception.__str__(error)
