"""What both clients have and do alike, one exchange at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from botocore.config import Config as BotocoreConfig
from servers import Silence, page, until

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs import exceptions

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

    def test_takes_region_and_keys_from_the_profile_that_is_named(
        self, respx_mock: respx.MockRouter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        config = tmp_path / "config"
        config.write_text(
            "[profile p]\nregion = eu-west-1\naws_access_key_id = OF-P\naws_secret_access_key = SECRET\n"
        )
        monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
        url = URL.replace("https", "http").replace("us-east-1", "eu-west-1")
        route = respx_mock.get(url).respond(json={})
        with eic.Client(profile_name="p", use_ssl=False) as client:
            client.list_function_event_invoke_configs(FunctionName="f")
        assert "Credential=OF-P/" in route.calls.last.request.headers["authorization"]

    @pytest.mark.in_one_shell
    def test_sends_the_session_token_that_is_given(self, respx_mock: respx.MockRouter, ours: Any) -> None:
        route = respx_mock.get(URL).respond(json={})
        ours(None, aws_session_token="SESSION").list_function_event_invoke_configs(FunctionName="f")
        assert route.calls.last.request.headers["x-amz-security-token"] == "SESSION"

    @pytest.mark.in_one_shell
    def test_names_no_proxy_if_the_callers_transport_cannot_connect(
        self, ours: Any, monkeypatch: pytest.MonkeyPatch, slept: list[float]
    ) -> None:
        def fail(request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("no")

        monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
        client = ours(None, transport=httpx.MockTransport(fail))
        with pytest.raises(exceptions.EndpointConnectionError) as caught:
            client.list_function_event_invoke_configs(FunctionName="f")
        assert "proxy" not in str(caught.value)

    def test_a_botocore_config_does_in_place_of_ours(self, ours: Any) -> None:
        assert ours(None, config=BotocoreConfig(read_timeout=5)).meta.config.read_timeout == 5

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


def test_a_server_that_does_not_answer_is_a_read_timeout(scripted: Any, ours: Any) -> None:
    server = scripted(Silence(), Silence())
    client = ours(server.url, config=eic.Config(read_timeout=0.3, retries={"total_max_attempts": 2}))
    with pytest.raises(exceptions.ReadTimeoutError, match='Read timeout on endpoint URL: "http://127'):
        client.list_function_event_invoke_configs(FunctionName="f")
    until(lambda: len(server.requests) == 2)


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
