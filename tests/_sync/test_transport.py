"""The connections of the synchronous client: closed when they should be, and only then."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import lambda_event_invoke_configs as eic

KEYS: Any = {"region_name": "us-east-1", "aws_access_key_id": "AKID", "aws_secret_access_key": "SECRET"}


@pytest.mark.filterwarnings("always::ResourceWarning")
def test_one_that_is_never_closed_closes_its_connections_without_a_warning(
    slow: Any, recwarn: pytest.WarningsRecorder
) -> None:
    gc.collect()  # what other tests have left
    recwarn.clear()
    slow.answer.set()
    client = eic.Client(**KEYS, endpoint_url=f"http://127.0.0.1:{slow.port}")
    client.list_function_event_invoke_configs(FunctionName="f")
    del client
    gc.collect()

    assert slow.hung_up_by_client()
    assert [str(warning.message) for warning in recwarn] == []


class TestClosing:
    def test_takes_the_connection_from_no_thread_that_is_using_it(self, slow: Any) -> None:
        client = eic.Client(**KEYS, endpoint_url=f"http://127.0.0.1:{slow.port}")
        with ThreadPoolExecutor(1) as thread:
            listing = thread.submit(client.list_function_event_invoke_configs, FunctionName="f")
            assert slow.asked.wait(30)

            client.close()
            assert slow.open == 1
            slow.answer.set()

        assert listing.result()["ResponseMetadata"]["RetryAttempts"] == 0
        assert slow.hung_up_by_client()

    def test_leaves_no_connection_open_that_is_made_afterwards(self, slow: Any) -> None:
        slow.answer.set()
        with eic.Client(**KEYS, endpoint_url=f"http://127.0.0.1:{slow.port}") as client:
            client.list_function_event_invoke_configs(FunctionName="f")
        client.list_function_event_invoke_configs(FunctionName="f")

        assert slow.hung_up_by_client()
        assert slow.connections == 2
