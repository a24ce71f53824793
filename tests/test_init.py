"""The package's own names."""

from __future__ import annotations

import pytest

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs import exceptions


def test_the_package_says_what_it_has_and_has_not() -> None:
    assert set(dir(eic)) >= {"Client", "Config", "LocalLambda", "client", "exceptions", "types"}
    for name in dir(eic):
        assert getattr(eic, name)
    # As it is before anything else has imported the module.
    assert eic.__getattr__("exceptions") is exceptions
    with pytest.raises(AttributeError, match="has no attribute 'resource'"):
        eic.resource  # noqa: B018
