"""The synchronous client's surface, and one exchange at a time through respx."""

from __future__ import annotations

import gc
import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import botocore.exceptions
import httpx
import pytest
import respx
from botocore.config import Config as BotocoreConfig
from scripted import Silence, page

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs import exceptions
from lambda_event_invoke_configs.local import LocalLambda

URL = "https://lambda.us-east-1.amazonaws.com/2019-09-25/functions/f/event-invoke-config/list"
KEYS: Any = {"region_name": "us-east-1", "aws_access_key_id": "AKID", "aws_secret_access_key": "SECRET"}


class TestOneExchange:
    def test_asks_the_regions_endpoint(self, respx_mock: respx.MockRouter, ours: Any) -> None:
        route = respx_mock.get(URL, params={"MaxItems": "5"}).respond(json={"FunctionEventInvokeConfigs": []})
        assert ours(None).list_function_event_invoke_configs(FunctionName="f", MaxItems=5)
        assert route.calls.last.request.headers["user-agent"].startswith("lambda-event-invoke-configs/")

    def test_through_a_transport_of_the_callers_which_stays_open(self, ours: Any) -> None:
        closed = []

        class Mock(httpx.MockTransport):
            def close(self) -> None:
                closed.append(True)

            async def aclose(self) -> None:
                closed.append(True)

        def answer(request: httpx.Request) -> httpx.Response:
            assert str(request.url) == URL
            return httpx.Response(200, json={"FunctionEventInvokeConfigs": [{"FunctionArn": "a"}]})

        client = ours(None, transport=Mock(answer))
        page = client.list_function_event_invoke_configs(FunctionName="f")
        client.close()
        assert page["FunctionEventInvokeConfigs"] == [{"FunctionArn": "a"}]
        assert closed == []

    @pytest.mark.parametrize("status", [301, 302, 307])
    def test_follows_no_redirect(self, respx_mock: respx.MockRouter, ours: Any, status: int) -> None:
        respx_mock.get(URL).respond(status, headers={"Location": "http://elsewhere/"})
        with pytest.raises(exceptions.ClientError, match=f"\\({status}\\)"):
            ours(None).list_function_event_invoke_configs(FunctionName="f")

    def test_waits_between_attempts(
        self, respx_mock: respx.MockRouter, ours: Any, slept: list[float]
    ) -> None:
        respx_mock.get(URL).mock(side_effect=[httpx.ConnectError("no"), httpx.Response(200, json={})])
        ours(None).list_function_event_invoke_configs(FunctionName="f")
        assert len(slept) == 1
        assert 0 <= slept[0] <= 0.05


class TestSurface:
    def test_meta_says_what_was_resolved(self, ours: Any) -> None:
        config = eic.Config(read_timeout=5)
        meta = ours(None, region_name="cn-north-1", config=config).meta
        assert (meta.region_name, meta.partition, meta.config) == ("cn-north-1", "aws-cn", config)
        assert meta.endpoint_url == "https://lambda.cn-north-1.amazonaws.com.cn"

    def test_a_botocore_config_does_in_place_of_ours(self, ours: Any) -> None:
        assert ours(None, config=BotocoreConfig(read_timeout=5)).meta.config.read_timeout == 5

    def test_names_what_there_is(self) -> None:
        with eic.Client(**KEYS) as client:
            for name, complaint in [
                ("invoke", "'list_function_event_invoke_configs'"),
                ("list_functions", "'Client' object has no attribute 'list_functions'"),
            ]:
                with pytest.raises(AttributeError, match=complaint):
                    getattr(client, name)
            with pytest.raises(AttributeError, match="Valid exceptions are: ClientError, InvalidParameter"):
                client.exceptions.Foo  # noqa: B018
        with pytest.raises(exceptions.UnknownServiceError, match=r"'s3'.*Valid service names are: .*lambda"):
            eic.client("s3")
        with pytest.raises(
            TypeError, match="unexpected keyword argument 'region', must be one of: region_name,"
        ):
            eic.Client(region="us-east-1")  # type: ignore[call-arg]
        with pytest.raises(TypeError, match=r"'retry', must be one of: .*retries"):
            eic.Config(retry=1)  # type: ignore[call-arg]

    def test_exceptions_are_those_of_the_operation(self) -> None:
        with eic.Client(**KEYS) as client:
            assert client.exceptions.ResourceNotFoundException is exceptions.ResourceNotFoundException
            assert client.exceptions.from_code("ServiceException") is exceptions.ServiceException
            assert (
                client.exceptions.from_code("Other")
                is client.exceptions.ClientError
                is exceptions.ClientError
            )

    def test_takes_a_transport_of_its_own_kind(self) -> None:
        class Sync(httpx.BaseTransport):
            pass

        class Async(httpx.AsyncBaseTransport):
            pass

        with pytest.raises(
            exceptions.InvalidConfigError, match=r"transport: 'Async', .*with handle_request\(\)"
        ):
            eic.Client(**KEYS, transport=Async())  # type: ignore[arg-type]
        with pytest.raises(
            exceptions.InvalidConfigError, match=r"transport: 'Sync', .*handle_async_request\(\)"
        ):
            eic.AsyncClient(**KEYS, transport=Sync())  # type: ignore[arg-type]

    def test_shows_no_secret(self) -> None:
        with eic.Client(**KEYS, aws_session_token="TOKEN") as client:
            assert repr(client) == "<Client of https://lambda.us-east-1.amazonaws.com in us-east-1>"
            assert "SECRET" not in repr(vars(client))
            assert "TOKEN" not in repr(vars(client))

    def test_package_says_what_it_has_and_has_not(self) -> None:
        assert set(dir(eic)) >= {"Client", "Config", "LocalLambda", "client", "exceptions", "types"}
        for name in dir(eic):
            assert getattr(eic, name)
        # As it is before anything else has imported the module.
        assert eic.__getattr__("exceptions") is exceptions
        with pytest.raises(AttributeError, match="has no attribute 'resource'"):
            eic.resource  # noqa: B018


def test_settings_are_those_of_the_environment_as_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever mocks `os.environ` puts another object there."""
    for region in "eu-west-1", "us-west-2":
        monkeypatch.setattr(os, "environ", {"AWS_DEFAULT_REGION": region})
        with eic.Client() as client:
            assert client.meta.region_name == region


class TestErrors:
    def refusal(self, client: Any) -> exceptions.ClientError:
        with pytest.raises(exceptions.ClientError) as caught:
            client.list_function_event_invoke_configs(FunctionName="nope")
        return caught.value

    def test_are_caught_by_an_except_written_for_boto3(self, client: Any) -> None:
        error = self.refusal(client)
        assert isinstance(error, botocore.exceptions.ClientError)
        assert type(error).__name__ == "ResourceNotFoundException"
        assert error.operation_name == "ListFunctionEventInvokeConfigs"

    def test_keep_their_class_through_pickle(self, client: Any) -> None:
        error = self.refusal(client)
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is exceptions.ResourceNotFoundException
        assert (again.response, str(again)) == (error.response, str(error))


def test_a_server_that_does_not_answer_is_a_read_timeout(scripted: Any, ours: Any) -> None:
    server = scripted(Silence(), Silence())
    client = ours(server.url, config=eic.Config(read_timeout=0.3, retries={"total_max_attempts": 2}))
    with pytest.raises(exceptions.ReadTimeoutError, match='Read timeout on endpoint URL: "http://127'):
        client.list_function_event_invoke_configs(FunctionName="f")
    assert len(server.requests) == 2


def test_one_client_serves_many_threads_over_few_connections(scripted: Any, ours: Any) -> None:
    server = scripted(*[page(str(n)) for n in range(200)])
    client = ours(server.url, config=eic.Config(max_pool_connections=4))
    with ThreadPoolExecutor(16) as pool:
        pages = list(
            pool.map(lambda _: client.list_function_event_invoke_configs(FunctionName="f"), range(200))
        )
    arns = sorted(int(page["FunctionEventInvokeConfigs"][0]["FunctionArn"]) for page in pages)
    assert arns == list(range(200))
    assert {page["ResponseMetadata"]["RetryAttempts"] for page in pages} == {0}
    assert server.connections <= 4


@pytest.mark.filterwarnings("always::ResourceWarning")
def test_one_that_is_never_closed_closes_its_connections_without_a_warning(
    slow: Any, recwarn: pytest.WarningsRecorder
) -> None:
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


def test_boto3_lists_from_the_embedded_endpoint_too(lam: LocalLambda) -> None:
    client = boto3.client("lambda", **lam.client_options)
    assert (
        len(
            client.list_function_event_invoke_configs(FunctionName="my-function")[
                "FunctionEventInvokeConfigs"
            ]
        )
        == 50
    )
    client.close()
