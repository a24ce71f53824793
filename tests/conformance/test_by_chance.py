"""Whatever the service answers, boto3 and this library make the same of it: answers made up by chance.

What is compared otherwise than by equality is in docs/differences.md, and has a name here.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import json
import os
import random
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import botocore.session
import drivers
import httpx
import pytest
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.exceptions import BotoCoreError, ConnectionClosedError, EndpointConnectionError
from botocore.exceptions import ClientError as TheirClientError
from botocore.parsers import create_parser
from hypothesis import currently_in_test_context, event, example, given, settings
from hypothesis import strategies as st
from listing import LIST
from servers import Raw, Reply, ScriptedServer
from tally import tally
from texts import boto3s

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs._protocol import response
from lambda_event_invoke_configs.exceptions import (
    ClientError,
    PaginationError,
    ResponseParserError,
    StartingTokenError,
)

RESULT_KEY = "FunctionEventInvokeConfigs"
SAMPLE_OVER_SOCKETS = 30
MOST_REQUESTS = 30  # more than any listing here needs, if it does not go round in circles

CLOSED = Raw(b"")
RESET = Reply(cut=0, reset=True)
REFUSED = "refused"  # no connection at all: nothing that a scripted server can play
Answer = Reply | Raw | str


def note(outcome: str) -> None:
    """For `--hypothesis-show-statistics`: how often chance came to which outcome."""
    if currently_in_test_context():
        event(outcome)


# A listing, as the service has it and as it is asked for


@dataclass
class Page:
    """What is served for one marker."""

    marker: str | None
    body: dict[str, Any]

    def found(self) -> int:
        return len(self.body.get(RESULT_KEY) or ())

    def next_marker(self) -> str | None:
        return self.body.get("NextMarker") or None


@dataclass
class OutcomeBuilder:
    """Pages, what goes wrong at which request, and how the pages are asked for."""

    pages: list[Page]
    faults: list[Answer | None]
    config: dict[str, Any]
    quota: int

    def page(self, marker: str | None) -> Page:
        return next((page for page in self.pages if page.marker == marker), self.pages[0])


@dataclass
class Service:
    """Answers the requests of one listing, the n-th of them with the n-th fault if there is one."""

    listing: OutcomeBuilder
    requests: list[tuple[str, str]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    def answer(self, target: str, attempt: str) -> Answer:
        number = len(self.requests)
        # boto3 says `ttl=...` too, on a retry.
        self.requests.append((target, "; ".join(p for p in attempt.split("; ") if "ttl" not in p)))
        faults = self.listing.faults
        fault = faults[number] if number < len(faults) else None
        self.answers.append(fault or self._page(target, number))
        return self.answers[-1]

    def _page(self, target: str, number: int) -> Reply:
        if number >= MOST_REQUESTS:
            return Reply(400, {"message": "enough"}, {"x-amzn-ErrorType": "InvalidParameterValueException"})
        marker = parse_qs(urlsplit(target).query, keep_blank_values=True).get("Marker", [None])[0]
        headers = {"x-amzn-RequestId": f"id-{number}", "Content-Type": "application/json"}
        return Reply(200, self.listing.page(marker).body, headers)


def body_of(reply: Reply) -> bytes:
    return reply.wire().partition(b"\r\n\r\n")[2]


def headers_of(reply: Reply) -> list[tuple[str, str]]:
    _, *lines = reply.wire().partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    return [(name, value) for name, _, value in (line.partition(": ") for line in lines)]


class World:
    """Both libraries before one service, in memory or over a socket, with the same endpoint URL."""

    def __init__(self, boto3_client: Callable[..., Any], server: ScriptedServer) -> None:
        self.server = server
        self._boto3_client = boto3_client
        self.service: Service | None = None  # None: over the socket
        self.slept: list[float] = []

    def theirs(self, available: int) -> Any:
        """boto3's client, with that much retry quota."""
        client = self._boto3_client(self.server.url, available)
        client.meta.events.register("before-send.lambda", self._before_send, unique_id="world")
        return client

    def _before_send(self, request: Any, **_: object) -> AWSResponse | None:
        if self.service is None:
            return None
        attempt = request.headers["amz-sdk-request"]
        attempt = attempt.decode() if isinstance(attempt, bytes) else attempt
        answer = self.service.answer(request.url.removeprefix(self.server.url), attempt)
        if answer == REFUSED:
            raise EndpointConnectionError(endpoint_url=request.url, error="refused")
        if answer in (CLOSED, RESET):
            raise ConnectionClosedError(endpoint_url=request.url, request=request, error="closed")
        assert isinstance(answer, Reply)
        raw = mock.Mock(stream=lambda: iter([body_of(answer)]))
        return AWSResponse(request.url, answer.status, dict(headers_of(answer)), raw)

    def ours(self, available: int) -> eic.Client:
        transport = httpx.MockTransport(self._handle) if self.service is not None else None
        client = eic.Client(endpoint_url=self.server.url, transport=transport, **drivers.KEYS)
        drivers.set_retry_quota(client, available)
        return client

    def _handle(self, request: httpx.Request) -> httpx.Response:
        assert self.service is not None
        answer = self.service.answer(request.url.raw_path.decode(), request.headers["amz-sdk-request"])
        if answer == REFUSED:
            raise httpx.ConnectError("refused")
        if answer in (CLOSED, RESET):
            raise httpx.ReadError("closed")
        assert isinstance(answer, Reply)
        stream = httpx.ByteStream(body_of(answer))
        return httpx.Response(answer.status, headers=headers_of(answer), stream=stream)


@pytest.fixture(scope="module")
def _world(boto3_client: Callable[..., Any]) -> Iterator[World]:
    with ScriptedServer() as server:
        yield World(boto3_client, server)


@pytest.fixture
def world(_world: World, slept: list[float]) -> World:
    _world.slept = slept
    return _world


# Making listings up

# Whatever a service might call a place: what has a meaning in a URL, in a token or in boto3 itself.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
MARKERS = st.one_of(
    TEXT.filter(bool),
    st.text("+/=&%?#;._~- \r\n\x00é☃", min_size=1, max_size=8),
    st.sampled_from(["None", "null", "___", "a___b", "a___1", "m___None", "0", "%4D", "..", "a b+c"]),
    st.binary(min_size=1, max_size=12).map(lambda raw: base64.b64encode(raw).decode()),
)
CONFIGURATIONS = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {},
        optional={
            "FunctionArn": st.integers(0, 99).map("arn:aws:lambda:us-east-1:1:function:f:{}".format),
            "LastModified": st.floats(0, 2e9),
            "MaximumRetryAttempts": st.integers(0, 2),
            "DestinationConfig": st.just({"OnFailure": {"Destination": "arn"}, "OnSuccess": {}}),
        },
    ),
)
FAULTS: list[Answer] = [
    CLOSED,
    RESET,
    Reply(500, {"message": "m"}, {"x-amzn-ErrorType": "ServiceException"}),
    Reply(503, b"<html>busy</html>"),
    Reply(429, {"message": "m", "Reason": "CallerRateLimitExceeded"}, {"Retry-After": "1"}),
    Reply(429, {"message": "m"}, {"x-amzn-ErrorType": "TooManyRequestsException", "Retry-After": "1"}),
    Reply(503, {"message": "m"}, {"x-amz-retry-after": "1500"}),
    Reply(400, {"message": "m"}, {"x-amzn-ErrorType": "Throttling", "x-amz-retry-after": "x"}),
    Reply(404, {"Message": "m", "Type": "User"}, {"x-amzn-ErrorType": "ResourceNotFoundException"}),
]


def token(marker: str | None, **cut: object) -> str:
    return base64.b64encode(json.dumps({"Marker": marker, **cut}).encode()).decode()


@st.composite
def served_pages(draw: st.DrawFn) -> list[Page]:
    distinct = draw(st.integers(0, 9)) > 0  # now and then the service repeats itself
    # A page called None is boto3's first page again: there is a test for it alone.
    markers = draw(st.lists(MARKERS.filter("None".__ne__), max_size=4, unique=distinct))
    # A last page that has itself as the next one, too.
    last = draw(st.sampled_from([*[None] * 6, "", *markers[-1:]]))
    pages = []
    for marker, next_marker in zip([None, *markers], [*markers, last], strict=True):
        found = draw(st.lists(CONFIGURATIONS, max_size=6))
        body: dict[str, Any] = {RESULT_KEY: found}
        if not found:
            body = draw(st.sampled_from([{RESULT_KEY: []}, {RESULT_KEY: None}, {}]))
        if next_marker is not None:
            body = {**body, "NextMarker": next_marker}
        pages.append(Page(marker, body))
    return pages


@st.composite
def listings(draw: st.DrawFn, refused: bool = True) -> OutcomeBuilder:
    pages = draw(served_pages())
    borders = [0, 1, *(sum(page.found() for page in pages[:n]) for n in range(1, len(pages) + 1))]
    near_a_border = st.tuples(st.sampled_from(borders), st.integers(-1, 1)).map(lambda p: max(sum(p), 0))
    config: dict[str, Any] = {}
    if draw(st.booleans()):
        config["MaxItems"] = draw(near_a_border | near_a_border.map(str))
    if draw(st.booleans()):
        config["PageSize"] = draw(st.sampled_from([1, 2, 50, 51, "7", 0]))
    markers = [page.marker for page in pages]
    skips = st.integers(0, 7)
    if draw(st.booleans()):
        place = st.sampled_from(markers)
        config["StartingToken"] = draw(
            st.one_of(
                place.map(str),
                place.map(token),
                st.builds(lambda marker, n: token(marker, boto_truncate_amount=n), place, skips),
                st.builds("{}___{}".format, place, skips),
                MARKERS,
            )
        )
    faults = st.lists(st.one_of(st.none(), st.sampled_from([*FAULTS, *[REFUSED] * refused])), max_size=6)
    return OutcomeBuilder(pages, draw(faults), config, draw(st.sampled_from([500, 500, 19, 14, 6, 4])))


# Looking at both

Read = Callable[[Any, list[Any]], None]


def observe(
    world: World, make: Callable[[int], Any], listing: OutcomeBuilder, reads: Iterable[Read]
) -> dict[str, Any]:
    """Everything that can be seen of a listing, asked for in each of these ways."""
    return {read.__name__: observe_one(world, make, listing, read) for read in reads}


def observe_one(
    world: World, make: Callable[[int], Any], listing: OutcomeBuilder, read: Read
) -> dict[str, Any]:
    world.service = service = Service(listing)
    seen = read_one(world, make, listing, read)
    return {**seen, "requests": service.requests, "answers": service.answers}


def read_one(world: World, make: Callable[[int], Any], listing: OutcomeBuilder, read: Read) -> dict[str, Any]:
    # Both take their jitter from the same generator here: with the same seed, they sleep as long.
    random.seed(7)
    world.slept.clear()
    found: list[Any] = []
    seen: dict[str, Any] = {"found": found, "error": None}
    client = make(listing.quota)
    if isinstance(client, eic.Client):
        client._call_flow._random = random.random
    try:
        pages = client.get_paginator(LIST).paginate(FunctionName="f", PaginationConfig=dict(listing.config))
        read(pages, found)
        seen["token"] = pages.resume_token
    except Exception as error:
        seen["error"] = error
        seen["described"] = describe(error)
    if isinstance(client, eic.Client):
        client.close()
    return {**seen, "slept": list(world.slept)}


def list_pages(pages: Any, found: list[Any]) -> None:
    for page in pages:
        # boto3 puts a None in the place of a list that is not there, after a starting token.
        found.append({name: value for name, value in page.items() if value is not None})


def full_result(pages: Any, found: list[Any]) -> None:
    found.append(pages.build_full_result())


def configurations(seen: dict[str, Any]) -> list[Any]:
    """Of a full result."""
    (result,) = seen["found"]
    return result.get(RESULT_KEY, [])


def search(pages: Any, found: list[Any]) -> None:
    for result in pages.search(f"{RESULT_KEY}[].[FunctionArn, LastModified]"):
        found.append(result)


WAYS = (list_pages, full_result, search)


def describe(error: Exception) -> tuple[str, str, Any]:
    return type(error).__name__, boto3s(error), getattr(error, "response", None)


def is_bare(error: Exception | None) -> bool:
    return error is not None and not isinstance(error, (BotoCoreError, TheirClientError))


class TestListings:
    @given(listing=listings())
    def test_are_the_same_page_by_page_and_as_a_whole(self, world: World, listing: OutcomeBuilder) -> None:
        tally["examples"] += 1
        compare(world, listing)

    @given(listing=listings(), cut=st.integers(0, 29), theirs_first=st.booleans())
    def test_go_on_the_same_from_where_either_was_cut(
        self, world: World, listing: OutcomeBuilder, cut: int, theirs_first: bool
    ) -> None:
        tally["examples"] += 1
        in_all = sum(page.found() for page in listing.pages)
        quiet = OutcomeBuilder(listing.pages, [], {"MaxItems": cut % max(in_all, 1)}, 500)
        first = observe_one(world, world.theirs if theirs_first else world.ours, quiet, full_result)
        if not first.get("token"):
            note("nothing to cut")
            return
        onward = {**listing.config, "StartingToken": first["token"]}
        compare(world, OutcomeBuilder(listing.pages, listing.faults, onward, listing.quota), [list_pages])
        # What comes then is all the rest, each once.
        everything, rest = (
            observe_one(world, world.ours, OutcomeBuilder(listing.pages, [], config, 500), full_result)
            for config in ({}, {"StartingToken": first["token"]})
        )
        if not everything["error"]:
            assert configurations(first) + configurations(rest) == configurations(everything)

    @settings(max_examples=SAMPLE_OVER_SOCKETS)
    @given(listing=listings(refused=False))
    def test_are_the_same_in_memory_as_over_sockets(self, world: World, listing: OutcomeBuilder) -> None:
        """That is, what the other tests here leave out changes nothing."""
        tally["examples"] += 1
        for make in (world.theirs, world.ours):
            world.service = service = Service(listing)
            in_memory = read_one(world, make, listing, list_pages)
            world.service = None
            world.server.play(*service.answers)
            over_sockets = read_one(world, make, listing, list_pages)
            for seen in (in_memory, over_sockets):
                del seen["error"]
            assert over_sockets == in_memory
            assert world.server.targets() == [target for target, _ in service.requests]

    @pytest.mark.parametrize("available", range(4, 45))
    def test_pay_the_same_for_their_retries_and_get_it_back(self, world: World, available: int) -> None:
        pages = [Page(None, {RESULT_KEY: [{}], "NextMarker": "m"}), Page("m", {RESULT_KEY: [{}]})]
        for faults in [CLOSED, None, FAULTS[2], FAULTS[5], None], [FAULTS[4], FAULTS[3], None, CLOSED, None]:
            compare(world, OutcomeBuilder(pages, faults, {}, available), [list_pages])

    @pytest.mark.parametrize("config", [{}, {"MaxItems": 1}, {"StartingToken": token("None"), "MaxItems": 0}])
    def test_whose_page_is_called_none_are_the_same(self, world: World, config: dict[str, Any]) -> None:
        """In boto3's tokens, and in its next requests too, that means the beginning."""
        pages = [Page(None, {RESULT_KEY: [{}, {}], "NextMarker": "None"}), Page("None", {RESULT_KEY: [{}]})]
        compare(world, OutcomeBuilder(pages, [], config, 500))

    @pytest.mark.parametrize("marker", ["null", "a___1", "bnVsbA=="])
    def test_go_on_after_a_marker_that_has_another_meaning_in_a_token(
        self, world: World, marker: str
    ) -> None:
        pages = [Page(None, {RESULT_KEY: [{}], "NextMarker": marker}), Page(marker, {RESULT_KEY: [{}]})]
        compare(world, OutcomeBuilder(pages, [], {}, 500))

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
    def test_start_at_a_marker_that_is_a_token_in_no_encoding_of_ours(
        self, world: World, encoding: str
    ) -> None:
        marker = base64.b64encode('{"Marker": "m"}'.encode(encoding)).decode()
        pages = [Page(None, {RESULT_KEY: [{}]}), Page(marker, {RESULT_KEY: [{}]})]
        compare(world, OutcomeBuilder(pages, [], {"StartingToken": marker}, 500))


def compare(world: World, listing: OutcomeBuilder, reads: Iterable[Read] = WAYS) -> None:
    theirs, ours = (observe(world, make, listing, reads) for make in (world.theirs, world.ours))
    for way, mine in ours.items():
        other = theirs[way]
        assert not is_bare(mine["error"]), way
        if reason := intended_difference(world, listing, mine, other):
            note(reason)
            continue
        note("equal")
        for seen in (mine, other):
            seen.pop("error")
        assert mine == other, way


def intended_difference(
    world: World, listing: OutcomeBuilder, mine: dict[str, Any], other: dict[str, Any]
) -> str | None:
    """Why the two need not be equal; what is to be seen instead is asserted here."""
    if isinstance(mine["error"], PaginationError) and leads_back(mine):
        assert not is_bare(other["error"])
        assert len(mine["requests"]) <= len(other["requests"])
        return "markers that repeat"
    starting_token = listing.config.get("StartingToken")
    if starting_token is None:
        assert not is_bare(other["error"])
        return None
    try:
        reference = world.theirs(500).get_paginator(LIST).paginate(PaginationConfig=listing.config)
        start, skip = reference._parse_starting_token()
    except ValueError:
        assert isinstance(mine["error"], StartingTokenError)
        return "no token of any form"
    except AttributeError:
        assert not isinstance(mine["error"], StartingTokenError)
        return "a marker that is base64 of JSON"
    if not (
        isinstance(start, dict)
        and start.keys() == {"Marker"}
        and isinstance(start["Marker"], (str, type(None)))
        and type(skip) is int
        and skip >= 0
    ):
        if not isinstance(start, dict):
            # Base64 of a JSON list: boto3 asks it for the members of an object.
            assert is_bare(other["error"])
            return "a marker that is base64 of JSON"
        assert isinstance(mine["error"], StartingTokenError)
        return "none of a token's members"
    assert not is_bare(other["error"])
    marker = None if start["Marker"] == "None" else start["Marker"]
    first = listing.page(marker)
    if skip > first.found() and first.next_marker():
        return "a skip beyond the page"
    return None


def leads_back(seen: dict[str, Any]) -> bool:
    """Whether the last answer's marker is one that was asked with before."""
    asked = [parse_qs(urlsplit(target).query).get("Marker", [None])[0] for target, _ in seen["requests"]]
    marker = json.loads(body_of(seen["answers"][-1]))["NextMarker"]
    return (None if marker == "None" else marker) in asked


# Bodies of a page

JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(-(10**18), 10**18),
        st.floats(),
        st.text(max_size=8),
        st.sampled_from(["", "1", "1e3", "nan", "GMT", "\ud800", "\uff11"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = [
    RESULT_KEY,
    "NextMarker",
    "LastModified",
    "FunctionArn",
    "MaximumRetryAttempts",
    "MaximumEventAgeInSeconds",
    "DestinationConfig",
    "OnSuccess",
    "OnFailure",
    "Destination",
    "nextMarker",
]
# From before the calendar's first year to after its last, and everywhere between.
SECONDS = st.one_of(
    st.floats(0, 4e9),
    st.integers(0, 4 * 10**9),
    st.floats(-7e10, 3e11),
    st.integers(-7 * 10**10, 3 * 10**11),
    st.integers(-(2**40), 2**40).map(lambda n: n + 0.999999),
    st.sampled_from([-62135596800, -62135596801, 253402300799, 253402300800, -0.5, 2**31, 2**63, 1e18]),
)
DATE_FORMS = [
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S.%f+05:30",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d",
    "%Y%m%d",
    "%Y%m%dT%H%M%SZ",
    "%Y%m%d%H%M%S",
    "%Y%m%d%H%M",
    "%a, %d %b %Y %H:%M:%S GMT",
    "%a %b %d %H:%M:%S %Y",
    "%d/%m/%y",
    "%H:%M",
    "%s",
]
DATES = st.builds(lambda date, form: date.strftime(form), st.datetimes(), st.sampled_from(DATE_FORMS))
TIMES = st.one_of(SECONDS, SECONDS.map(str), DATES, JSON)

GOOD_PAGE = st.fixed_dictionaries(
    {
        RESULT_KEY: st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "LastModified": SECONDS,
                    "FunctionArn": st.text(max_size=5),
                    "MaximumRetryAttempts": st.integers(0, 2),
                    "MaximumEventAgeInSeconds": st.integers(60, 21600),
                    "DestinationConfig": st.fixed_dictionaries(
                        {},
                        optional={
                            side: st.fixed_dictionaries({}, optional={"Destination": st.text(max_size=5)})
                            for side in ("OnSuccess", "OnFailure")
                        },
                    ),
                },
            ),
            min_size=1,
            max_size=3,
        )
    },
    optional={"NextMarker": st.text(max_size=5)},
)
ODD_VALUES = st.one_of(TIMES, st.sampled_from([[], {}, "", 0, None, False, [None], [[]], [{}], "\ud800"]))


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a JSON value where there is another one: what it is in, and under which key."""
    if not isinstance(value, (dict, list)):
        return []
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    return [*((value, key) for key in keys), *(place for key in keys for place in places(value[key]))]


@st.composite
def spoiled_pages(draw: st.DrawFn) -> bytes:
    """Good pages, but for one to three changes; then, now and then, a change of the bytes."""
    # Copies, for what is drawn may be drawn again.
    page: Any = copy.deepcopy(draw(GOOD_PAGE))
    for _ in range(draw(st.integers(1, 3))):
        everywhere = places(page)
        deeper = [(inside, key) for inside, key in everywhere if inside is not page]
        if not everywhere:
            break
        inside, key = draw(st.sampled_from((draw(st.integers(0, 3)) and deeper) or everywhere))
        change = draw(st.sampled_from(["replace", "replace", "delete", "duplicate", "rename"]))
        if change == "replace":
            inside[key] = copy.deepcopy(draw(ODD_VALUES))
        elif change == "delete":
            del inside[key]
        elif change == "duplicate" and isinstance(inside, list):
            inside.append(copy.deepcopy(inside[key]))
        elif isinstance(inside, dict):
            value = copy.deepcopy(inside[key]) if change == "duplicate" else inside.pop(key)
            inside[draw(st.sampled_from(NAMES))] = value
    body = bytearray(json.dumps(page, ensure_ascii=draw(st.booleans())).encode(errors="surrogatepass"))
    if body and draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(body) - 1))
        if draw(st.booleans()):
            del body[at:]
        else:
            body[at] ^= 1 << draw(st.integers(0, 7))
    return bytes(body)


def dumped(value: object) -> bytes:
    return json.dumps(value).encode()


ANY_BODY = st.one_of(
    st.binary(max_size=40),
    JSON.map(dumped),
    st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4).map(dumped),
    st.lists(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=3), max_size=2).map(
        lambda configs: dumped({RESULT_KEY: configs})
    ),
    st.sampled_from([b"", b" ", b"{}", b"null", b"\xef\xbb\xbf{}", b'{"a": NaN}', b"{} {}", b"[" * 5000]),
    st.sampled_from(["utf-16", "utf-32", "latin-1"]).map('{"NextMarker": "é"}'.encode),
)
ONE_TIME = TIMES.map(lambda value: dumped({RESULT_KEY: [{"LastModified": value}]}))

# Their offsets from UTC are not what they were: with daylight saving, once for all, or never.
ZONES = ["UTC", "America/New_York", "Asia/Kolkata", "Europe/Volgograd", "Asia/Almaty"]


@contextlib.contextmanager
def in_zone(zone: str) -> Iterator[None]:
    with contextlib.ExitStack() as after:
        after.callback(time.tzset)
        after.enter_context(mock.patch.dict(os.environ, TZ=zone))
        time.tzset()
        yield


@pytest.fixture(scope="module")
def model(boto3_session: botocore.session.Session) -> Any:
    return boto3_session.get_service_model("lambda")


def their_page(model: Any, body: bytes) -> Any:
    shape = model.operation_model("ListFunctionEventInvokeConfigs").output_shape
    parsed = create_parser("rest-json").parse({"body": body, "headers": {}, "status_code": 200}, shape)
    del parsed["ResponseMetadata"]
    return parsed


def is_no_page(body: bytes) -> bool:
    """Whether boto3 makes a page of a body that is none, or a request of a marker that is none."""
    try:
        members = json.loads(body.decode())
    except (ValueError, RecursionError):
        return True
    if not isinstance(members, dict) or not isinstance(members.get(RESULT_KEY), (list, type(None))):
        return True
    if members and members.keys().isdisjoint({RESULT_KEY, "NextMarker"}):
        return True
    marker = members.get("NextMarker")
    return bool(marker) and not (isinstance(marker, str) and is_encodable(marker))


def is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@contextlib.contextmanager
def quiet_dateutil() -> Iterator[None]:
    """dateutil warns of time zones that it does not know: to both."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def compare_pages(model: Any, body: bytes) -> None:
    tally["examples"] += 1
    ours: Any = None
    with quiet_dateutil():
        # Whatever else it raises is a failure.
        with contextlib.suppress(ResponseParserError):
            ours = {**response.parse_page(response.Response(200, {}, body), {})}
            del ours["ResponseMetadata"]
        try:
            theirs = their_page(model, body)
        except RecursionError:
            return
        except Exception:
            assert ours is None
            note("boto3 raises a bare error")
            return
    if is_no_page(body):
        assert ours is None
        note("boto3 makes a page of what is none")
        return
    note("equal")
    # As written, not as equal: NaN is equal to nothing, two moments in an hour that comes twice are not equal
    # unless they share one tzinfo object, and equal moments of different zones are not the same.
    assert repr(ours) == repr(theirs)
    assert json.dumps(ours, default=datetime.isoformat) == json.dumps(theirs, default=datetime.isoformat)


class TestBodies:
    @given(body=ANY_BODY)
    def test_of_any_kind_give_the_same_page_or_a_typed_error(self, model: Any, body: bytes) -> None:
        compare_pages(model, body)

    @settings(max_examples=2 * settings.default.max_examples)
    @given(body=spoiled_pages(), zone=st.sampled_from(ZONES))
    @example(body=b'{"FunctionEventInvokeConfigs": [{"LastModified": "20231114221320"}]}', zone=ZONES[1])
    def test_that_were_good_give_the_same_page_or_a_typed_error(
        self, model: Any, body: bytes, zone: str
    ) -> None:
        with in_zone(zone):
            compare_pages(model, body)

    @settings(max_examples=2 * settings.default.max_examples)
    @given(body=ONE_TIME, zone=st.sampled_from(ZONES))
    def test_give_the_same_time_in_every_zone_or_a_typed_error(
        self, model: Any, body: bytes, zone: str
    ) -> None:
        with in_zone(zone):
            compare_pages(model, body)


# Errors

MODELED = ["ServiceException", "ResourceNotFoundException", "InvalidParameterValueException"]
CODES = st.one_of(
    st.sampled_from(
        [*MODELED, "TooManyRequestsException", "KMSDisabledException", "Throttling", "", ":", "#"]
    ),
    st.sampled_from(
        ["ns#ServiceException:u", "a#b#TooManyRequestsException", "x:y:z", "a:b#c", "ServiceException#"]
    ),
    st.text(max_size=6),
)
WHITE = ["", " ", "\r\n", "\x1c", "\x85", "\xa0", "\u2003", "\ufeff", "\x0b\x0c"]
ERROR_BODIES = st.one_of(
    ANY_BODY,
    st.dictionaries(
        st.sampled_from(["message", "Message", "code", "Code", "__type", "Type", "Reason"]),
        st.one_of(CODES, CODES, JSON),
        max_size=5,
    ).map(dumped),
    st.fixed_dictionaries(
        {},
        optional={
            name: st.sampled_from([None, "", "m", 0, "ServiceException"])
            for name in ("message", "Message", "code", "Code", "__type", "Type")
        },
    ).map(dumped),
    st.builds(
        lambda before, text, after: (before + text + after).encode(),
        st.sampled_from(WHITE),
        st.sampled_from(["", "<html>busy</html>", "<HTML>", "plain text", "{}", "null"]),
        st.sampled_from(WHITE),
    ),
    st.binary(max_size=8).map(b"<html>".__add__),
)
ERROR_HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "x-amzn-errortype": CODES,
        "retry-after": st.sampled_from(["3", ""]),
        "x-amzn-requestid": st.just("r"),
        "x-amz-request-id": st.just("s"),
    },
)
STATUSES = st.sampled_from(
    [300, 301, 304, 400, 403, 404, 409, 429, 499, 500, 501, 502, 503, 504, 511, 599, 799]
)
OF_THE_OPERATION = {*MODELED, "TooManyRequestsException"}


def their_error(model: Any, reply: response.Response) -> dict[str, Any]:
    """As botocore's Endpoint does it: what is in every error, then the members of this one."""
    parser = create_parser("rest-json")
    answer = {"body": reply.body, "headers": HeadersDict(reply.headers), "status_code": reply.status}
    parsed: dict[str, Any] = parser.parse(
        answer, model.operation_model("ListFunctionEventInvokeConfigs").output_shape
    )
    shape = model.shape_for_error_code(parsed["Error"]["Code"])
    if shape is not None:
        parsed.update(parser.parse(answer, shape))
    return parsed


@settings(max_examples=3 * settings.default.max_examples)
@given(status=STATUSES, headers=ERROR_HEADERS, body=ERROR_BODIES)
@example(status=503, headers={}, body=b"\x1c")
@example(status=503, headers={}, body=b"\xc2\xa0<html>")
def test_errors_are_the_same_or_at_least_typed(
    model: Any, status: int, headers: dict[str, str], body: bytes
) -> None:
    tally["examples"] += 1
    reply = response.Response(status, headers, body)
    raised = response.parse_error(reply, {})
    ours: dict[str, Any] = {**raised.response}
    assert isinstance(raised, ClientError)
    code = ours["Error"]["Code"]
    assert isinstance(code, str)
    assert type(raised).__name__ == (code if code in OF_THE_OPERATION else "ClientError")
    assert str(raised)
    if status == 300:
        note("status 300")
        return
    try:
        theirs = their_error(model, reply)
    except Exception:
        note("boto3 raises a bare error")
        return
    their_code = theirs["Error"]["Code"]
    if not isinstance(their_code, str):
        note("a code that is no string")
        del ours["Error"]["Code"], theirs["Error"]["Code"]
    elif is_null_type(reply):
        note("__type is null")
        assert (code, theirs["Error"].pop("Code")) == (str(status), "")
        del ours["Error"]["Code"]
    elif code not in OF_THE_OPERATION and model.shape_for_error_code(their_code):
        note("an exception of another operation")
        theirs = {name: theirs[name] for name in ("Error", "ResponseMetadata")}
    else:
        note("equal")
        assert boto3s(raised) == str(TheirClientError(theirs, raised.operation_name))
    if reply.status >= 500 and theirs["ResponseMetadata"].keys().isdisjoint({"RequestId"}):
        # There is a test for it alone.
        ours["ResponseMetadata"].pop("RequestId", None)
    assert_same(ours, theirs)


def test_a_generic_5xx_has_the_same_metadata_and_its_request_id(model: Any) -> None:
    reply = response.Response(503, {"x-amzn-requestid": "r"}, b"<html>busy</html>")
    ours: Any = response.parse_error(reply, {}).response
    assert ours["ResponseMetadata"].pop("RequestId") == "r"
    assert ours == their_error(model, reply)


def is_null_type(reply: response.Response) -> bool:
    if "x-amzn-errortype" in reply.headers:
        return False
    try:
        members = json.loads(reply.body)
    except ValueError:
        return False
    if not isinstance(members, dict) or members.get("__type", "") is not None:
        return False
    return members.get("code", members.get("Code")) is None


def assert_same(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    if "nan" in repr(ours).lower():
        # NaN is equal to nothing.
        ours, theirs = ({name: repr(value[name]) for name in sorted(value)} for value in (ours, theirs))
    assert ours == theirs
