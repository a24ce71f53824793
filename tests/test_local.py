"""The embedded endpoint: serves, verifies and refuses as the service does."""

from __future__ import annotations

import base64
import errno
import http.client
import os
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import boto3
import botocore.exceptions
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from drivers import set_clock
from listing import ODD_NAMES, list_page, paginate
from processes import python
from servers import ScriptedServer, page, parse

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs._verification import ServiceError, verify
from lambda_event_invoke_configs.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    InvalidConfigError,
)
from lambda_event_invoke_configs.local import LocalLambda

ARN = "arn:aws:lambda:us-east-1:123456789012:function:my-function"
NAMES_OF_MY_FUNCTION = [
    "my-function",
    "my-function:1",
    "my-function:prod",
    "my-function:$LATEST",
    "my-function:$LATEST.PUBLISHED",
    "function:my-function",
    "function:my-function:prod",
    "123456789012:my-function",
    "123456789012:function:my-function",
    "123456789012:function:my-function:1",
    "us-east-1:123456789012:function:my-function",
    "us-east-1:function:my-function",
    ARN,
    f"{ARN}:prod",
    f"{ARN}:$LATEST",
]
PATH = "/2019-09-25/functions/my-function/event-invoke-config/list"


def refusal(client: Any, **params: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        client.list_function_event_invoke_configs(**{"FunctionName": "my-function", **params})
    response = caught.value.response
    return (
        response["ResponseMetadata"]["HTTPStatusCode"],
        response["Error"]["Code"],
        response["Error"]["Message"],
    )


class TestServing:
    def test_a_number_makes_so_many_configurations(self, lam: LocalLambda, client: eic.Client) -> None:
        pages = list(paginate(client, "my-function"))
        assert [len(page["FunctionEventInvokeConfigs"]) for page in pages] == [50, 50, 20]
        configs = [config for page in pages for config in page["FunctionEventInvokeConfigs"]]
        arn = "arn:aws:lambda:us-east-1:123456789012:function:my-function"
        assert [config["FunctionArn"] for config in configs] == [f"{arn}:{n}" for n in range(1, 121)]
        assert all(0 <= config["MaximumRetryAttempts"] <= 2 for config in configs)
        assert all(60 <= config["MaximumEventAgeInSeconds"] <= 21600 for config in configs)
        assert "NextMarker" not in pages[-1]

    def test_a_list_is_served_as_it_is_so_pages_can_be_played_back(self) -> None:
        configs = [
            {"FunctionArn": "a", "LastModified": datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)},
            {"FunctionArn": "b", "LastModified": 1.5, "DestinationConfig": {"OnSuccess": {}}},
        ]
        with LocalLambda({"f": configs}) as lam, eic.Client(**lam.client_options) as client:
            once = client.list_function_event_invoke_configs(FunctionName="f")["FunctionEventInvokeConfigs"]
        assert once[0] == configs[0]
        with LocalLambda({"f": once}) as lam, eic.Client(**lam.client_options) as client:
            assert (
                client.list_function_event_invoke_configs(FunctionName="f")["FunctionEventInvokeConfigs"]
                == once
            )

    @pytest.mark.parametrize("given", NAMES_OF_MY_FUNCTION)
    def test_a_function_may_be_given_by_name_arn_and_partial_arn(self, given: str) -> None:
        with LocalLambda({given: 1}) as lam, eic.Client(**lam.client_options) as client:
            for name in NAMES_OF_MY_FUNCTION:
                (config,) = list_page(client, name)["FunctionEventInvokeConfigs"]
                assert config["FunctionArn"] == f"{ARN}:1"

    @pytest.mark.parametrize("name", NAMES_OF_MY_FUNCTION)
    def test_a_function_may_be_requested_by_name_arn_and_partial_arn(
        self, client: eic.Client, name: str
    ) -> None:
        assert list_page(client, name)["FunctionEventInvokeConfigs"]

    def test_a_name_that_looks_like_a_region_is_a_name(self) -> None:
        with LocalLambda({"my-func-1": 1}) as lam, eic.Client(**lam.client_options) as client:
            assert list_page(client, "my-func-1:live")["FunctionEventInvokeConfigs"]

    def test_the_region_and_the_account_are_those_of_the_endpoint(self) -> None:
        lam = LocalLambda({"f": 1}, region_name="eu-west-1", account_id="000000000001")
        with lam, eic.Client(**lam.client_options) as client:
            arn = "arn:aws:lambda:eu-west-1:000000000001:function:f"
            assert list_page(client, arn)["FunctionEventInvokeConfigs"][0]["FunctionArn"] == f"{arn}:1"

    def test_what_is_made_up_is_too_and_stays_within_the_services_limits(self) -> None:
        lam = LocalLambda({"f": 21_542, "g": 50}, region_name="eu-west-1", account_id="000000000001")
        with LocalLambda({}), lam, eic.Client(**lam.client_options) as client:
            page = list_page(client, "f", Marker=base64.b64encode(b"21540/f").decode())
            others = list_page(client, "g")
        assert "NextMarker" not in others
        destinations = [
            each["DestinationConfig"]["OnFailure"] for each in others["FunctionEventInvokeConfigs"]
        ]
        assert destinations[5] == destinations[0] != destinations[4]
        oldest, youngest = page["FunctionEventInvokeConfigs"]
        assert oldest == {
            "LastModified": datetime.fromtimestamp(1_700_021_540.125, timezone.utc),
            "FunctionArn": "arn:aws:lambda:eu-west-1:000000000001:function:f:21541",
            "MaximumRetryAttempts": 0,
            "MaximumEventAgeInSeconds": 21600,
            "DestinationConfig": {
                "OnSuccess": {},
                "OnFailure": {"Destination": "arn:aws:sqs:eu-west-1:000000000001:failed-0"},
            },
        }
        assert youngest["MaximumEventAgeInSeconds"] == 60
        assert youngest["DestinationConfig"]["OnFailure"]["Destination"].endswith(":failed-1")
        assert page["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "application/json"
        assert UUID(page["ResponseMetadata"]["RequestId"])

    def test_what_is_given_is_copied(self) -> None:
        given = [{"FunctionArn": "a"}]
        with LocalLambda({"f": given}) as lam, eic.Client(**lam.client_options) as client:
            given.clear()
            assert list_page(client)["FunctionEventInvokeConfigs"] == [{"FunctionArn": "a"}]

    def test_a_null_in_the_list_is_played_back(self) -> None:
        with LocalLambda({"f": cast("Any", (None,))}) as lam, eic.Client(**lam.client_options) as client:
            assert list_page(client)["FunctionEventInvokeConfigs"] == [None]

    def test_connections_are_kept_alive(self, lam: LocalLambda) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", int(lam.endpoint_url.rsplit(":", 1)[1]))
        sockets = set()
        for _ in range(3):
            connection.request("GET", PATH)
            connection.getresponse().read()
            sockets.add(connection.sock)
        connection.close()
        assert len(sockets) == 1

    def test_a_client_that_goes_away_is_passed_over_in_silence(
        self, lam: LocalLambda, capfd: pytest.CaptureFixture[str]
    ) -> None:
        with socket.create_connection(("127.0.0.1", int(lam.endpoint_url.rsplit(":", 1)[1]))) as connection:
            connection.sendall(b"GET ")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with eic.Client(**lam.client_options) as client:
            client.list_function_event_invoke_configs(FunctionName="my-function")
        assert capfd.readouterr().err == ""

    def test_a_fault_of_its_own_is_on_stderr(
        self, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(LocalLambda, "_answer", lambda *_: 1 / 0)
        once = eic.Config(retries={"total_max_attempts": 1})
        with (
            LocalLambda({"f": 1}) as lam,
            eic.Client(**lam.client_options, config=once) as client,
            pytest.raises(ConnectionClosedError),
        ):
            list_page(client)
        said = capfd.readouterr().err
        assert "ZeroDivisionError" in said
        assert "('127.0.0.1', " in said

    def test_it_serves_no_longer_than_its_block_on_connections_that_are_open_neither(self) -> None:
        with LocalLambda({"my-function": 3}) as lam:
            client = eic.Client(**lam.client_options, config=eic.Config(retries={"total_max_attempts": 1}))
            assert client.list_function_event_invoke_configs(FunctionName="my-function")
        with client, pytest.raises(EndpointConnectionError):
            client.list_function_event_invoke_configs(FunctionName="my-function")

    def test_its_thread_waits_for_connections_alone_and_ends_with_its_block(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No poll interval, for which each test of a user would wait; and no look-up of a name."""
        select, waited = selectors.PollSelector.select, []

        def recorded(self: selectors.PollSelector, timeout: float | None = None) -> Any:
            waited.append(timeout)
            return select(self, timeout)

        monkeypatch.setattr(selectors.PollSelector, "select", recorded)
        monkeypatch.setattr(socket, "getfqdn", None)
        before = {*threading.enumerate()}
        with LocalLambda({"my-function": 3}) as lam:
            (serving,) = {*threading.enumerate()} - before
            with eic.Client(**lam.client_options) as client:
                client.list_function_event_invoke_configs(FunctionName="my-function")
        assert not serving.is_alive()
        assert {*waited} == {None}

    def test_it_ends_without_a_file_descriptor_to_wake_its_thread(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect = socket.create_connection

        def exhausted(address: tuple[str, int]) -> socket.socket:
            connect(address).close()  # or the thread would outlive this test
            serving.join()
            raise OSError(errno.EMFILE, "Too many open files")

        before = {*threading.enumerate()}
        with LocalLambda({"my-function": 3}) as lam:
            (serving,) = {*threading.enumerate()} - before
            address = ("127.0.0.1", int(lam.endpoint_url.rsplit(":", 1)[1]))
            monkeypatch.setattr(socket, "create_connection", exhausted)
        with pytest.raises(ConnectionRefusedError):
            connect(address)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
    def test_a_forked_process_that_leaves_its_block_leaves_it_alone(self) -> None:
        code = (
            "import os, sys, lambda_event_invoke_configs as eic\n"
            "with eic.LocalLambda({'f': 1}) as lam, eic.Client(**lam.client_options) as client:\n"
            "    client.list_function_event_invoke_configs(FunctionName='f')\n"
            "    child = os.fork()\n"
            "    if not child:\n"
            "        sys.exit()\n"
            "    print(os.waitpid(child, 0)[1])\n"
            "    page = client.list_function_event_invoke_configs(FunctionName='f')\n"
            "    print(page['ResponseMetadata']['RetryAttempts'])"
        )
        assert python("-c", code).split() == ["0", "0"]

    def test_another_process_closes_no_more_than_what_it_has_itself(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with LocalLambda({"f": 1}) as lam, eic.Client(**lam.client_options) as client:
            client.list_function_event_invoke_configs(FunctionName="f")
            server: Any = lam._server
            with monkeypatch.context() as forked:
                forked.setattr(os, "getpid", lambda: -1)
                forked.setattr(server, "socket", server.socket.dup())
                lam.__exit__()
            page = client.list_function_event_invoke_configs(FunctionName="f")
        assert page["ResponseMetadata"]["RetryAttempts"] == 0

    def test_there_is_no_endpoint_before_its_block(self) -> None:
        with pytest.raises(RuntimeError, match="before its `with` block"):
            assert LocalLambda({}).client_options


class TestRefusing:
    def test_an_unknown_function(self, client: eic.Client) -> None:
        assert refusal(client, FunctionName="nope") == (
            404,
            "ResourceNotFoundException",
            "Function not found: arn:aws:lambda:us-east-1:123456789012:function:nope",
        )
        assert refusal(client, FunctionName="function:nope:1")[2] == refusal(client, FunctionName="nope")[2]

    @pytest.mark.parametrize("name", ["nope", "eu-west-1:123456789012:f", "999999999999:my-function"])
    def test_a_function_with_a_message_in_the_services_spelling(self, lam: LocalLambda, name: str) -> None:
        with pytest.raises(ServiceError) as caught:
            lam._page(name, None, None)
        assert caught.value.body == {"Type": "User", "Message": str(caught.value)}

    @pytest.mark.parametrize(
        "form", ["arn:aws:lambda:{}:123456789012:function:my-function", "{}:123456789012:my-function:prod"]
    )
    def test_a_function_of_another_region(self, client: eic.Client, form: str) -> None:
        assert refusal(client, FunctionName=form.format("eu-west-1")) == (
            404,
            "ResourceNotFoundException",
            "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
        )

    @pytest.mark.parametrize("form", ["arn:aws:lambda:us-east-1:{}:function:my-function", "{}:my-function"])
    def test_a_function_of_another_account(self, client: eic.Client, form: str) -> None:
        name = form.format("999999999999")
        status, code, message = refusal(client, FunctionName=name)
        assert (status, code) == (403, "AccessDeniedException")
        assert (
            f"not authorized to perform: lambda:ListFunctionEventInvokeConfigs on resource: {name}" in message
        )

    @pytest.mark.parametrize(
        "name",
        [
            "my-function:",
            "my-function:a:b",
            "my-function:$FIRST",
            "arn:aws:s3:::bucket",
            "arn:aws:lambda:us-east-1:12345:function:my-function",
            "f" * 65,
            "my-function\n",
        ],
    )
    def test_a_name_that_no_function_has(self, client: eic.Client, name: str) -> None:
        status, code, message = refusal(client, FunctionName=name)
        assert (status, code) == (400, "ValidationException")
        assert message == (
            f"1 validation error detected: Value '{name}' at 'functionName' failed to satisfy constraint: "
            "Member must be a function name, ARN or partial ARN"
        )

    def test_no_page_size_up_to_the_services_limit(self, client: eic.Client) -> None:
        for max_items in (1, 50):
            page = list_page(client, "my-function", MaxItems=max_items)
            assert len(page["FunctionEventInvokeConfigs"]) == max_items
            assert list_page(client, "my-function", Marker=page["NextMarker"])["FunctionEventInvokeConfigs"]

    @pytest.mark.parametrize("max_items", [51, 10**30, 10**4000])
    def test_a_page_size_past_the_services_limit(self, client: eic.Client, max_items: int) -> None:
        assert refusal(client, MaxItems=max_items) == (
            400,
            "InvalidParameterValueException",
            f"Value '{max_items}' at 'maxItems' failed to satisfy constraint: from 1 to 50",
        )

    @pytest.mark.parametrize("max_items", ["0", "abc", "-1", "\u0665", "9" * 5000])
    def test_a_page_size_that_no_client_should_send(self, lam: LocalLambda, max_items: Any) -> None:
        config = eic.Config(parameter_validation=False)
        with eic.Client(**lam.client_options, config=config) as client:
            assert refusal(client, MaxItems=max_items)[:2] == (400, "InvalidParameterValueException")

    @pytest.mark.parametrize(
        "marker",
        [
            "",
            "x",
            "MA==",
            "LTUvbXktZnVuY3Rpb24=",
            "NTAvb3RoZXI=",
            "MC9teS1mdW5jdGlvbg==",
            "NTAv-bXktZnVuY3Rpb24=",
        ],
    )
    def test_a_marker_it_did_not_give(self, client: eic.Client, marker: str) -> None:
        assert refusal(client, Marker=marker) == (
            400,
            "InvalidParameterValueException",
            "The marker is not valid for this function.",
        )

    def test_another_key_and_another_secret(self, lam: LocalLambda) -> None:
        right: dict[str, Any] = {**lam.client_options}
        for changed, code in [
            ({"aws_access_key_id": "AKIDOTHER"}, "UnrecognizedClientException"),
            ({"aws_secret_access_key": "guess"}, "InvalidSignatureException"),
            ({"region_name": "eu-west-1"}, "InvalidSignatureException"),
        ]:
            with eic.Client(**{**right, **changed}) as client:
                assert refusal(client)[:2] == (403, code)

    @pytest.mark.parametrize("operation", ["put_function_event_invoke_config", "invoke"])
    def test_another_operation_and_its_body(self, lam: LocalLambda, operation: str) -> None:
        client: Any = boto3.client("lambda", **lam.client_options)
        given = (
            {"Payload": b"GET / HTTP/1.1\r\n\r\n"} if operation == "invoke" else {"MaximumRetryAttempts": 1}
        )
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            getattr(client, operation)(FunctionName="my-function", **given)
        assert caught.value.response["Error"]["Code"] == "UnknownOperationException"
        assert caught.value.response["Error"]["Message"].endswith(" is not served here")
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
        assert client.list_function_event_invoke_configs(FunctionName="my-function")

    @pytest.mark.parametrize("minutes", [-6, 6])
    def test_a_clock_more_than_five_minutes_off(self, lam: LocalLambda, minutes: int) -> None:
        now = time.time() + 60 * minutes
        client = eic.Client(**lam.client_options, config=eic.Config(retries={"total_max_attempts": 1}))
        set_clock(client, now)
        assert refusal(client)[:2] == (403, "InvalidSignatureException")
        client.close()


@pytest.fixture
def signed(scripted: Callable[..., ScriptedServer], lam: LocalLambda) -> dict[str, str]:
    """The headers of a request signed for the embedded endpoint."""
    server = scripted(page())
    with eic.Client(**{**lam.client_options, "endpoint_url": server.url}) as client:  # type: ignore[arg-type]  # of several types
        client.list_function_event_invoke_configs(FunctionName="my-function")
    return parse(server.requests[0])[2]


class TestWhatItIsMadeWith:
    """Refused at once: a test that fails later would not say why."""

    @pytest.mark.parametrize(
        ("wrong", "member"),
        [
            ([{"LastModified": date(2025, 1, 31)}], r"functions\['f'\]\[0\]\.LastModified"),
            ([{}, {"MaximumRetryAttempts": Decimal(2)}], r"functions\['f'\]\[1\]\.MaximumRetryAttempts"),
            ([{"LastModified": float("nan")}], r"\[0\]\.LastModified"),
            ([{"LastModified": datetime.min}], r"\[0\]\.LastModified"),
            ([{"DestinationConfig": {"OnFailure": {"Destination": b"arn"}}}], r"\.OnFailure\.Destination"),
            ([{"x": {1, 2}}], r"\[0\]\.x"),
            ([{1: 2}], r"functions\['f'\]\[0\]:"),
            ({"FunctionArn": "a"}, r"functions\['f'\]: .* a list, or a number"),
            ("120", r"functions\['f'\]: .* a list, or a number"),
            (None, r"functions\['f'\]: .* a list, or a number"),
            (-1, r"functions\['f'\]: .* a list, or a number"),
            (True, r"functions\['f'\]: .* a list, or a number"),
        ],
    )
    def test_configurations_that_json_cannot_represent(self, wrong: Any, member: str) -> None:
        with pytest.raises(InvalidConfigError, match=member) as caught:
            LocalLambda({"f": wrong})
        allowed = "a dict, list, string, finite number, datetime, bool or None"
        assert str(caught.value).endswith(
            "that is not negative" if "a list, or" in member else f"must be {allowed}"
        )

    @pytest.mark.parametrize("functions", [["f"], "f", None])
    def test_functions_without_their_configurations(self, functions: Any) -> None:
        with pytest.raises(InvalidConfigError) as caught:
            LocalLambda(functions)
        assert str(caught.value) == (
            f"Invalid value for functions: {functions!r}, must be a dict of their configurations"
        )

    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("arn:aws:lambda:eu-west-1:123456789012:function:f", "not reachable in this region"),
            ("999999999999:function:f", "not authorized"),
            ("a b", "must be a function name"),
        ],
    )
    def test_a_function_that_it_cannot_have(self, name: str, why: str) -> None:
        with pytest.raises(InvalidConfigError, match=why):
            LocalLambda({name: 1})

    def test_one_function_by_two_names(self) -> None:
        assert LocalLambda({"f": 1, "f:prod": 1})
        with pytest.raises(InvalidConfigError, match="f:prod"):
            LocalLambda({"f": 1, "f:prod": 2})


class TestARequestThatIsNotHTTP:
    @pytest.mark.parametrize(
        "sent",
        [
            f"GET\t{PATH} HTTP/1.1",
            f"GET {PATH}\tHTTP/1.1",
            f"GET  {PATH} HTTP/1.1",
            f"GET {PATH}\xa0HTTP/1.1",
            f"GET {PATH}",
            f"GET {PATH} HTTP/1.1\r\nContent-Length: many",
            f"GET {PATH} HTTP/1.1\r\nContent-Length: -1",
            f"GET {PATH} HTTP/1.1\r\nContent-Length: \xb2",
            f"GET {PATH} HTTP/1.1\r\nContent-Length: {'9' * 5000}",
        ],
    )
    def test_is_answered_with_400_and_its_connection_closed(self, lam: LocalLambda, sent: str) -> None:
        with socket.create_connection(("127.0.0.1", int(lam.endpoint_url.rsplit(":", 1)[1]))) as connection:
            connection.settimeout(60)  # it answers at once; without an answer the test must end all the same
            connection.sendall(sent.encode("latin-1") + b"\r\n\r\n")
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert b"400" in answer.partition(b"\r\n")[0] or b"Error code: 400" in answer


class TestVerifying:
    def ask(self, lam: LocalLambda, headers: dict[str, str], target: str = PATH, method: str = "GET") -> int:
        connection = http.client.HTTPConnection("127.0.0.1", int(lam.endpoint_url.rsplit(":", 1)[1]))
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        status = connection.getresponse().status
        connection.close()
        return status

    def test_takes_the_request_as_it_was_signed(self, lam: LocalLambda, signed: dict[str, str]) -> None:
        assert self.ask(lam, signed) == 200

    @pytest.mark.parametrize("target", [f"{PATH}?MaxItems=1", PATH.replace("my", "your"), f"{PATH}/"])
    def test_refuses_another_target(self, lam: LocalLambda, signed: dict[str, str], target: str) -> None:
        assert self.ask(lam, signed, target) == 403

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
    def test_refuses_another_method(self, lam: LocalLambda, signed: dict[str, str], method: str) -> None:
        assert self.ask(lam, signed, method=method) == 403

    @pytest.mark.parametrize(
        "changed",
        [
            {"host": "elsewhere"},
            {"x-amz-date": "20200101T000000Z"},
            {"authorization": "Basic abc"},
            {"authorization": ""},
        ],
    )
    def test_refuses_other_headers(
        self, lam: LocalLambda, signed: dict[str, str], changed: dict[str, str]
    ) -> None:
        assert self.ask(lam, {**signed, **changed}) == 403

    def test_refuses_no_signature(self, lam: LocalLambda) -> None:
        assert self.ask(lam, {"host": "h"}) == 403

    def test_refuses_a_signature_that_leaves_out_the_host(
        self, lam: LocalLambda, signed: dict[str, str]
    ) -> None:
        authorization = signed["authorization"].replace("host;x-amz-date", "x-amz-date")
        assert self.ask(lam, {**signed, "authorization": authorization}) == 403


class TestWellSignedNonsense:
    ask = TestVerifying.ask

    def test_another_path_or_method_is_no_operation(self, lam: LocalLambda) -> None:
        date = f"{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}"
        for target, method in [("/2019-09-25/functions/", "GET"), ("/", "GET"), (PATH, "DELETE")]:
            assert self.ask(lam, sign(target, method, date=date, **KEYS_OF_LAM), target, method) == 404

    def test_a_date_that_is_none_is_refused(self, lam: LocalLambda) -> None:
        assert (
            self.ask(lam, sign(PATH, date=f"{datetime.now(timezone.utc):%Y%m%d}Tnoon", **KEYS_OF_LAM)) == 403
        )


THEN = datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)
SIGNED_TARGET = "/2019-09-25/functions/f/event-invoke-config/list?Marker=%2B%2F&MaxItems=5"
KEYS_OF_LAM = {"access_key": LocalLambda.access_key, "secret_key": LocalLambda.secret_key}
SECRET = "the-secret-key"
MISMATCH = "The request signature we calculated does not match the signature you provided."
SCOPE = "Credential should be scoped to us-east-1/lambda and the day of X-Amz-Date."


def sign(
    target: str = SIGNED_TARGET,
    method: str = "GET",
    *,
    access_key: str = "AKID",
    date: str = "20231114T221320Z",
    service: str = "lambda",
    region: str = "us-east-1",
    secret_key: str = SECRET,
    leave_out: str = "",
    body: bytes = b"",
    **headers: str,
) -> dict[str, str]:
    """The headers of a request as botocore signs it, `leave_out` not covered; names are in lower case."""

    class Signer(SigV4Auth):
        def headers_to_sign(self, request: AWSRequest) -> Any:
            covered = super().headers_to_sign(request)
            del covered[leave_out]  # nothing happens for a name that is not there
            return covered

    request = AWSRequest(method, f"http://h{target}", {"Host": "h", "X-Amz-Date": date, **headers}, body)
    request.context["timestamp"] = date
    signer = Signer(Credentials(access_key, secret_key), service, region)
    to_sign = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(to_sign, request))
    return {name.lower(): value for name, value in request.headers.items()}


def check(
    headers: dict[str, str],
    target: str = SIGNED_TARGET,
    *,
    method: str = "GET",
    body: bytes = b"",
    now: datetime = THEN,
) -> None:
    verify(method, target, headers, body, access_key="AKID", secret_key=SECRET, region="us-east-1", now=now)


def refused(*args: Any, **options: Any) -> tuple[int, str, dict[str, str]]:
    with pytest.raises(ServiceError) as caught:
        check(*args, **options)
    assert str(caught.value) == caught.value.body["message"]
    return caught.value.status, caught.value.code, caught.value.body


def no(code: str, message: str) -> tuple[int, str, dict[str, str]]:
    return 403, code, {"Type": "User", "message": message}


class TestWhatIsSigned:
    def test_is_the_body_too(self) -> None:
        check(sign(body=b"{}"), body=b"{}")
        assert refused(sign(body=b"{}"), body=b"[]") == no("InvalidSignatureException", MISMATCH)

    @pytest.mark.parametrize(
        "target",
        [
            SIGNED_TARGET,
            "/",
            "/a/b",
            "/a/b/",
            "/a/../b",
            "/a/b/../c",
            "/../a",
            "/a/./b",
            "/a//b",
            "/a/..",
            "/a%2Fb~c%C3%A9",
            "/a?b=2&a=1",
            "/a?b=?",
        ],
    )
    def test_is_accepted_wherever_it_goes(self, target: str) -> None:
        check(sign(target), target)

    def test_may_have_more_headers_signed_with_any_space_in_them(self) -> None:
        check(sign(**{"X-Amz-Security-Token": "t", "X-Other": "  a   b "}))

    def test_may_have_its_query_in_any_order(self) -> None:
        check(sign("/a?b=2&a=1"), "/a?a=1&b=2")

    def test_may_be_five_minutes_old_or_early(self) -> None:
        for minutes in (-5, 5):
            check(sign(), now=THEN + timedelta(minutes=minutes))


class TestWhatIsRefused:
    def test_has_no_signature(self) -> None:
        assert refused({}) == no("MissingAuthenticationTokenException", "Missing Authentication Token")

    @pytest.mark.parametrize("end", [" ", "0", ", More=x"])
    def test_has_one_of_another_form(self, end: str) -> None:
        headers = sign()
        headers["authorization"] += end
        malformed = no("IncompleteSignatureException", "Authorization header is malformed")
        assert refused(headers) == malformed
        assert refused({"authorization": "Basic dXNlcjpwYXNz"}) == malformed

    def test_is_of_another_access_key(self) -> None:
        headers = sign()
        headers["authorization"] = headers["authorization"].replace("AKID", "OTHER")
        assert refused(headers) == no(
            "UnrecognizedClientException", "The security token included in the request is invalid."
        )

    @pytest.mark.parametrize("scope", [{"service": "s3"}, {"region": "eu-west-1"}])
    def test_is_for_another_service_or_region(self, scope: dict[str, str]) -> None:
        assert refused(sign(**scope)) == no("InvalidSignatureException", SCOPE)

    def test_is_scoped_to_another_day_than_its_date(self) -> None:
        headers = sign()
        assert refused({**headers, "x-amz-date": "20231115T000000Z"}) == no(
            "InvalidSignatureException", SCOPE
        )
        del headers["x-amz-date"]
        assert refused(headers) == no("InvalidSignatureException", SCOPE)

    def test_is_signed_with_another_secret_key(self) -> None:
        assert refused(sign(secret_key="other")) == no("InvalidSignatureException", MISMATCH)

    def test_was_changed_on_the_way(self) -> None:
        mismatch = no("InvalidSignatureException", MISMATCH)
        headers = sign()
        assert refused(headers, method="HEAD") == mismatch
        for target in (
            SIGNED_TARGET + "0",
            SIGNED_TARGET.replace("/f/", "/g/"),
            SIGNED_TARGET.partition("?")[0],
        ):
            assert refused(headers, target) == mismatch
        assert refused({**headers, "host": "other"}) == mismatch
        assert refused({**headers, "x-amz-date": "20231114T221321Z"}) == mismatch
        assert refused({name: value for name, value in headers.items() if name != "host"}) == mismatch

    @pytest.mark.parametrize("header", ["Host", "X-Amz-Date"])
    def test_leaves_host_or_date_open(self, header: str) -> None:
        assert refused(sign(leave_out=header)) == no("InvalidSignatureException", MISMATCH)

    @pytest.mark.parametrize("seconds", [-301, 301])
    def test_is_older_or_earlier_than_five_minutes(self, seconds: int) -> None:
        now = THEN + timedelta(seconds=seconds)
        assert refused(sign(), now=now) == no(
            "InvalidSignatureException",
            f"Signature expired or not yet valid: 20231114T221320Z, the time is {now:%Y%m%dT%H%M%SZ}.",
        )

    def test_has_a_date_that_is_none(self) -> None:
        assert refused(sign(date="20231114T999999Z")) == no(
            "IncompleteSignatureException", "X-Amz-Date is malformed"
        )


def test_a_refusal_may_call_its_message_as_the_operation_does() -> None:
    assert ServiceError(404, "ResourceNotFoundException", "m", "Message").body == {
        "Type": "User",
        "Message": "m",
    }


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_name_arrives_as_it_was_given(client: eic.Client, name: str) -> None:
    """Whether a function can have it or not: the errors quote it, or the region that is in it."""
    if name.startswith("my-"):
        assert list_page(client, name.replace("my-fn", "my-function"))["FunctionEventInvokeConfigs"]
        return
    quoted = "us-west-2" if name.startswith("arn") else f":function:{name}" if set(name) <= {"."} else name
    assert quoted in refusal(client, FunctionName=name)[2]


def test_boto3_lists_from_the_embedded_endpoint_too(lam: LocalLambda) -> None:
    client = boto3.client("lambda", **lam.client_options)
    page = client.list_function_event_invoke_configs(FunctionName="my-function")
    assert len(page["FunctionEventInvokeConfigs"]) == 50
    client.close()
