"""What this library does that boto3 does not: each test runs boto3 against the same answers first.

The docstring says what boto3 does; the test shows it, then what happens here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config as BotocoreConfig
from botocore.exceptions import ClientError as TheirClientError
from botocore.exceptions import NoRegionError as TheirNoRegionError
from drivers import set_clock
from listing import LIST, paginate
from servers import Raw, Reply, ScriptedServer, error, page

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs.exceptions import (
    ClientError,
    ConnectionClosedError,
    CredentialRetrievalError,
    EndpointConnectionError,
    InvalidEndpointError,
    InvalidMaxRetryAttemptsError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ResponseParserError,
)
from lambda_event_invoke_configs.local import LocalLambda

Scripted = Callable[..., ScriptedServer]


def full(client: Any, **config: Any) -> list[str]:
    result = paginate(client, "f", **config).build_full_result()
    return [config["FunctionArn"] for config in result.get("FunctionEventInvokeConfigs", [])]


class TestABodyCutShort:
    CUT = Reply(200, {"FunctionEventInvokeConfigs": [{"FunctionArn": "a"}], "NextMarker": "m"}, cut=90)

    def test_is_asked_for_again(self, scripted: Scripted, ours: Any, theirs: Any) -> None:
        """boto3 returns a page without configurations and without an error, and stops there."""
        assert full(theirs(scripted(self.CUT, page("a"), page("b")).url)) == []
        server = scripted(self.CUT, page("a", next_marker="m"), page("b"))
        assert full(ours(server.url)) == ["a", "b"]
        assert len(server.requests) == 3

    @pytest.mark.parametrize("reset", [False, True])
    def test_is_an_error_if_it_stays_so_at_whichever_byte_it_is_cut(
        self, scripted: Scripted, ours: Any, reset: bool
    ) -> None:
        """boto3 returns a page without configurations wherever the cut is in the body."""
        whole = page("a")
        length = len(whole.wire())
        for cut in range(0, length, 7):
            server = scripted(*[Reply(whole.status, whole.body, cut=cut, reset=reset)] * 3)
            client = ours(server.url)
            with pytest.raises(ConnectionClosedError):
                client.list_function_event_invoke_configs(FunctionName="f")
            assert len(server.requests) == 3

    def test_in_the_middle_of_a_chunk_is_noticed_too(self, scripted: Scripted, ours: Any) -> None:
        """boto3 notices this one: http.client raises IncompleteRead."""
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        with pytest.raises(ConnectionClosedError):
            full(ours(scripted(*[Raw(head + b"20\r\n{")] * 3).url))
        whole = b'28\r\n{"FunctionEventInvokeConfigs": [{}], "x":1}\r\n0\r\n\r\n'
        whole = whole.replace(b"28", b"%x" % (len(whole) - 4 - 2 - 5))
        assert ours(scripted(Raw(head + whole)).url).list_function_event_invoke_configs(FunctionName="f")

    def test_that_nothing_frames_is_no_page_either(self, scripted: Scripted, ours: Any, theirs: Any) -> None:
        """boto3 returns a page without configurations."""
        cut = Raw(b'HTTP/1.1 200 OK\r\n\r\n{"FunctionEventInvokeConfigs": [')
        assert full(theirs(scripted(cut).url)) == []
        with pytest.raises(ResponseParserError, match="is not JSON"):
            full(ours(scripted(cut).url))


@pytest.mark.in_one_shell
class TestA200ThatIsNoPage:
    @pytest.mark.parametrize("body", [b"<html>Please log in</html>", b"", b"{", b"NaN NaN"])
    def test_because_it_is_not_json(self, scripted: Scripted, ours: Any, theirs: Any, body: bytes) -> None:
        """boto3 returns a page without configurations and without an error."""
        assert full(theirs(scripted(Reply(200, body)).url)) == []
        with pytest.raises(ResponseParserError, match=r"the body \(\d+ bytes, text/html\) is not JSON"):
            full(ours(scripted(Reply(200, body, {"Content-Type": "text/html"})).url))

    @pytest.mark.parametrize(
        ("body", "bare", "where"),
        [
            (b"[]", AttributeError, "at the top"),
            (b"null", TypeError, "at the top"),
            (b'{"FunctionEventInvokeConfigs": 5}', TypeError, "at FunctionEventInvokeConfigs"),
            (b'{"FunctionEventInvokeConfigs": [[]]}', AttributeError, r"at FunctionEventInvokeConfigs\[0\]"),
            (b'"\xff"', UnicodeDecodeError, "is not JSON"),
        ],
    )
    def test_because_it_has_another_shape(
        self, scripted: Scripted, ours: Any, theirs: Any, body: bytes, bare: type[Exception], where: str
    ) -> None:
        """boto3 fails with a bare Python error."""
        with pytest.raises(bare):
            full(theirs(scripted(Reply(200, body)).url))
        with pytest.raises(ResponseParserError, match=where):
            full(ours(scripted(Reply(200, body)).url))


class TestAnErrorOnPage3:
    def script(self) -> list[Reply]:
        down = [error(503)] * 3
        return [page("a", next_marker="m"), page("b", next_marker="n"), *down, page("c")]

    def test_does_not_end_the_iterator(self, scripted: Scripted, ours: Any, theirs: Any) -> None:
        """boto3's iterator is dead: next() says that it is finished."""
        dead = iter(theirs(scripted(*self.script()).url).get_paginator(LIST).paginate(FunctionName="f"))
        next(dead), next(dead)
        with pytest.raises(TheirClientError):
            next(dead)
        with pytest.raises(StopIteration):
            next(dead)

        server = scripted(*self.script())
        pages = iter(paginate(ours(server.url)))
        next(pages), next(pages)
        with pytest.raises(ClientError):
            next(pages)
        assert next(pages)["FunctionEventInvokeConfigs"] == [{"FunctionArn": "c"}]
        assert [target.partition("?")[2] for target in server.targets()[2:]] == ["Marker=n"] * 4

    def test_leaves_a_resume_token_that_continues_there(
        self, scripted: Scripted, ours: Any, theirs: Any
    ) -> None:
        """boto3's resume_token is None while pages are coming, and after an error."""
        tokens = []
        for make in (theirs, ours):
            pages = make(scripted(*self.script()).url).get_paginator(LIST).paginate(FunctionName="f")
            with pytest.raises(TheirClientError):
                list(pages)
            tokens.append(pages.resume_token)
        assert tokens[0] is None
        # ...and boto3 itself can go on from ours.
        for make in (theirs, ours):
            server = scripted(page("c"))
            assert full(make(server.url), StartingToken=tokens[1]) == ["c"]
            assert server.targets()[0].endswith("?Marker=n")


def test_the_resume_token_is_there_while_pages_are_coming(lam: LocalLambda, theirs: Any, ours: Any) -> None:
    """boto3's is None until a limit has cut the listing."""
    tokens = {}
    for make in (theirs, ours):
        client = make(**lam.client_options)
        pages = paginate(client, "my-function")
        next(iter(pages))
        tokens[make] = pages.resume_token
    assert tokens[theirs] is None
    assert full_length(theirs(**lam.client_options), tokens[ours]) == 70


def full_length(client: Any, token: str) -> int:
    pages = client.get_paginator(LIST).paginate(
        FunctionName="my-function", PaginationConfig={"StartingToken": token}
    )
    return len(pages.build_full_result()["FunctionEventInvokeConfigs"])


def test_iterating_twice_starts_twice_at_the_beginning(lam: LocalLambda, theirs: Any, ours: Any) -> None:
    """boto3's second pass starts at the last page."""

    def twice(client: Any) -> list[int]:
        pages = paginate(client, "my-function")
        return [sum(len(page["FunctionEventInvokeConfigs"]) for page in pages) for _ in range(2)]

    assert twice(theirs(**lam.client_options)) == [120, 20]
    assert twice(ours(**lam.client_options)) == [120, 120]


@pytest.mark.parametrize("hours", [-3, 3])
def test_a_wrong_clock_is_corrected_and_the_request_sent_again_once(
    lam: LocalLambda, theirs: Any, ours: Any, hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With boto3, every request fails."""
    wrong = time.time() + 3600 * hours
    with monkeypatch.context() as patch:
        from botocore import auth, compat

        patch.setattr(
            auth,
            "get_current_datetime",
            lambda: compat.datetime.datetime.fromtimestamp(wrong - _local_offset(wrong)),
        )
        for _ in range(2):
            with pytest.raises(TheirClientError, match="InvalidSignatureException"):
                theirs(**lam.client_options).list_function_event_invoke_configs(FunctionName="my-function")

    client: eic.Client = ours(**lam.client_options)
    set_clock(client, wrong)
    first, second = (client.list_function_event_invoke_configs(FunctionName="my-function") for _ in range(2))
    assert first["ResponseMetadata"]["RetryAttempts"] == 1
    assert second["ResponseMetadata"]["RetryAttempts"] == 0


def _local_offset(now: float) -> float:
    return time.localtime(now).tm_gmtoff


@pytest.mark.in_one_shell
def test_a_larger_skip_than_the_page_hands_nothing_out_twice(
    lam: LocalLambda, theirs: Any, ours: Any
) -> None:
    """boto3 forgets the rest of the skip: resumed with a smaller page size, 20 configurations come twice."""
    cut = (
        ours(**lam.client_options)
        .get_paginator(LIST)
        .paginate(FunctionName="my-function", PaginationConfig={"MaxItems": 30})
    )
    token = cut.build_full_result()["NextToken"]

    def rest(client: Any) -> int:
        pages = client.get_paginator(LIST).paginate(
            FunctionName="my-function", PaginationConfig={"StartingToken": token, "PageSize": 10}
        )
        return len(pages.build_full_result()["FunctionEventInvokeConfigs"])

    assert rest(theirs(**lam.client_options)) == 110
    assert rest(ours(**lam.client_options)) == 90


@pytest.mark.in_one_shell
@pytest.mark.parametrize(
    ("body", "bare"),
    [
        (b"null", AttributeError),
        (b'"x"', AttributeError),
        (b"5", AttributeError),
        (b"\xff", UnicodeDecodeError),
    ],
)
def test_an_error_whose_body_is_no_object_is_still_a_client_error(
    scripted: Scripted, ours: Any, theirs: Any, body: bytes, bare: type[Exception]
) -> None:
    """boto3 fails with a bare Python error."""
    with pytest.raises(bare):
        theirs(scripted(Reply(400, body)).url).list_function_event_invoke_configs(FunctionName="f")
    with pytest.raises(ClientError, match=r"\(400\)"):
        ours(scripted(Reply(400, body)).url).list_function_event_invoke_configs(FunctionName="f")


@pytest.mark.in_one_shell
def test_status_300_is_an_error_with_its_code(scripted: Scripted, ours: Any, theirs: Any) -> None:
    """boto3 parses it as a page, and then raises a ClientError with the code Unknown."""
    answer = Reply(300, {"message": "m"})
    with pytest.raises(TheirClientError, match=r"\(Unknown\).*: Unknown"):
        theirs(scripted(answer).url).list_function_event_invoke_configs(FunctionName="f")
    with pytest.raises(ClientError, match=r"\(300\).*: m"):
        ours(scripted(answer).url).list_function_event_invoke_configs(FunctionName="f")


@pytest.mark.in_one_shell
@pytest.mark.parametrize("code", [5, True, ["A"], {}])
def test_an_error_code_that_is_no_string_is_made_one(
    scripted: Scripted, ours: Any, theirs: Any, code: object
) -> None:
    """boto3 keeps it as it is, and fails with a bare TypeError where it cannot be hashed."""
    answer = Reply(400, {"code": code})
    with pytest.raises((TheirClientError, TypeError)) as other:
        theirs(scripted(answer).url).list_function_event_invoke_configs(FunctionName="f")
    assert not isinstance(other.value, TheirClientError) or other.value.response["Error"]["Code"] == code
    with pytest.raises(ClientError) as mine:
        ours(scripted(answer).url).list_function_event_invoke_configs(FunctionName="f")
    assert mine.value.response["Error"]["Code"] == str(code)


@pytest.mark.in_one_shell
def test_an_exception_of_another_operation_is_a_plain_client_error(
    scripted: Scripted, ours: Any, theirs: Any
) -> None:
    """boto3 knows the 58 exceptions of all of Lambda."""
    answer = error(400, "KMSDisabledException")
    for make, name in ((theirs, "KMSDisabledException"), (ours, "ClientError")):
        with pytest.raises(TheirClientError) as caught:
            make(scripted(answer).url).list_function_event_invoke_configs(FunctionName="f")
        assert type(caught.value).__name__ == name
        assert caught.value.response["Error"]["Code"] == "KMSDisabledException"


@pytest.mark.in_one_shell
def test_a_session_token_alone_is_refused(ours: Any, theirs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 drops it, and signs with whatever keys it finds elsewhere."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDELSEWHERE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "elsewhere")
    alone = {"aws_access_key_id": None, "aws_secret_access_key": None, "aws_session_token": "token"}
    assert theirs("http://127.0.0.1:9", **alone)
    with pytest.raises(PartialCredentialsError, match="missing: aws_access_key_id"):
        ours("http://127.0.0.1:9", **alone)


@pytest.mark.in_one_shell
def test_a_key_with_a_line_break_is_refused_without_showing_it(
    scripted: Scripted, ours: Any, theirs: Any
) -> None:
    """boto3's error shows the whole session token."""
    url = scripted().url
    with pytest.raises(Exception, match="THE-TOKEN"):
        theirs(url, aws_session_token="THE-TOKEN\nx").list_function_event_invoke_configs(FunctionName="f")
    with pytest.raises(CredentialRetrievalError, match="the token has a character") as caught:
        ours(url, aws_session_token="THE-TOKEN\nx").list_function_event_invoke_configs(FunctionName="f")
    assert "THE-TOKEN" not in str(caught.value)


@pytest.mark.in_one_shell
def test_a_function_name_is_needed_even_where_nothing_is_validated(
    scripted: Scripted, ours: Any, theirs: Any
) -> None:
    """boto3 sends an empty name, as a request for another path."""
    server = scripted(page())
    no_validation = {"config": BotocoreConfig(parameter_validation=False)}
    theirs(server.url, **no_validation).list_function_event_invoke_configs(FunctionName="")
    assert server.targets() == ["/2019-09-25/functions//event-invoke-config/list"]
    with pytest.raises(ParamValidationError, match="FunctionName"):
        ours(server.url, **no_validation).list_function_event_invoke_configs(FunctionName="")


@pytest.mark.in_one_shell
def test_legacy_retry_mode_means_standard(
    scripted: Scripted, ours: Any, theirs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """boto3 still has its old mode, with five attempts and without a quota."""
    monkeypatch.setenv("AWS_RETRY_MODE", "legacy")
    attempts = []
    for make in (theirs, ours):
        server = scripted(*[error(500)] * 9)
        with pytest.raises(TheirClientError):
            make(server.url).list_function_event_invoke_configs(FunctionName="f")
        attempts.append(len(server.requests))
    assert attempts == [5, 3]


@pytest.mark.in_one_shell
def test_aws_region_is_read(theirs: Any, ours: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 reads only AWS_DEFAULT_REGION; AWS's other SDKs, and Lambda itself, go by AWS_REGION."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    with pytest.raises(TheirNoRegionError):
        theirs("http://127.0.0.1:9", region_name=None)
    assert ours("http://127.0.0.1:9", region_name=None).meta.region_name == "eu-west-1"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "")
    assert ours("http://127.0.0.1:9", region_name=None).meta.region_name == "eu-west-1"


@pytest.mark.in_one_shell
def test_a_number_of_attempts_that_is_none_has_a_typed_error(
    theirs: Any, ours: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """boto3 fails with a bare ValueError."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "many")
    with pytest.raises(ValueError, match="invalid literal for int"):
        theirs("http://127.0.0.1:9")
    with pytest.raises(InvalidMaxRetryAttemptsError, match='"max_attempts": many must be an integer'):
        ours("http://127.0.0.1:9")


@pytest.mark.in_one_shell
def test_user_and_query_in_an_endpoint_url_are_refused(ours: Any, theirs: Any) -> None:
    """boto3 drops a query, and takes the user for a part of the host."""
    for url in ("http://127.0.0.1:9/?a=b", "http://user:THE-PASSWORD@127.0.0.1:9"):
        assert theirs(url)
        with pytest.raises(InvalidEndpointError, match="Invalid endpoint: ") as caught:
            ours(url)
        assert "THE-PASSWORD" not in str(caught.value)


@pytest.mark.usefixtures("tmp_path")
def test_credentials_are_looked_for_on_the_first_request(ours: Any) -> None:
    """boto3 runs the whole chain, instance metadata included, when the client is made."""
    client = ours("http://127.0.0.1:9", aws_access_key_id=None, aws_secret_access_key=None)
    with pytest.raises(NoCredentialsError):
        client.list_function_event_invoke_configs(FunctionName="f")
    named = Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"])  # and not there yet
    named.write_text("[default]\naws_access_key_id = A\naws_secret_access_key = S\n")
    with pytest.raises(EndpointConnectionError):
        client.list_function_event_invoke_configs(FunctionName="f")
