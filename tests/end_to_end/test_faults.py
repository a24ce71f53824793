"""Whatever breaks on the way, a listing loses nothing and hands nothing out twice.

Each listing ends with exactly the configurations that were there, in order, each once; or with a typed error,
after which the same iterator or a new one with the `resume_token` goes on to exactly that.

    FAULTS=10000 python -m pytest tests/end_to_end/test_faults.py

lists 10,000 times, a third each with the sync client, on asyncio and on trio, with other faults each time.
Without FAULTS there are some hundreds, always the same ones. A failure names the seed that plays its faults
again.
"""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import drivers
import pytest
from faulty import FaultyServer, Listing, account, chunks, respond, tally
from listing import arns, paginate
from servers import Raw, Reply, ScriptedServer, page

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs.exceptions import (
    BotocoreClientError,
    ConnectionClosedError,
    ConnectionError,  # noqa: A004 - botocore's name for it
    HTTPClientError,
    ResponseParserError,
)

Make = Callable[..., Any]
Scripted = Callable[..., ScriptedServer]
TYPED = (BotocoreClientError, ResponseParserError, HTTPClientError, ConnectionError)

LISTINGS = int(os.environ.get("FAULTS", "450"))
# Without FAULTS always the same, with it others each time, as HYPOTHESIS_PROFILE=long does.
RUN = f"{random.SystemRandom().randrange(10**6):06}" if "FAULTS" in os.environ else "ci"
REPLAYED = os.environ.get("FAULTS_REPLAY")
LISTINGS_A_CLIENT = 20
MOST_ERRORS = 1000  # of one listing: many more than there would be by any chance
READ_TIMEOUT = 0.05  # seconds


CLOSED_OR_RESET = pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])


@pytest.fixture
def faulty() -> Iterator[FaultyServer]:
    """A server that breaks by chance."""
    with FaultyServer() as server:
        yield server


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> str:
    """Which of the drivers `ours` is."""
    name: str = request.node.callspec.params["ours"]
    return name


@pytest.fixture
def each(backend: str) -> int:
    """How many bytes from one cut to the next: all clients read by the same parser."""
    return 1 if backend == "sync" else 5


def test_a_listing_survives_whatever_breaks(ours: Make, backend: str, faulty: FaultyServer) -> None:
    share = LISTINGS // len(drivers.BACKENDS) + (drivers.BACKENDS.index(backend) < LISTINGS % 3)
    sizes = [LISTINGS_A_CLIENT] * (share // LISTINGS_A_CLIENT) + [share % LISTINGS_A_CLIENT]
    for number, size in enumerate(sizes):
        seed = f"{RUN}-{backend}-{number}"
        if REPLAYED in (None, seed):
            with replayable(seed), contextlib.closing(client_by_chance(ours, faulty, seed)) as client:
                for n in range(size):
                    list_in_bad_weather(client, faulty, f"{seed}-{n}")


@contextlib.contextmanager
def replayable(seed: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise AssertionError(f"to see it again: FAULTS_REPLAY={seed}, and FAULTS as it was") from error


def client_by_chance(ours: Make, faulty: FaultyServer, seed: str) -> Any:
    # Its retry quota, too, is used up by one listing after the other.
    retries = {"total_max_attempts": random.Random(seed).randint(1, 4)}
    return ours(faulty.url, config=eic.Config(read_timeout=READ_TIMEOUT, retries=retries))


def list_in_bad_weather(client: Any, faulty: FaultyServer, seed: str) -> None:
    """Begin, and go on in another way after each error, until there is nothing more."""
    chance = random.Random(seed)
    listing = faulty.holds(listing_by_chance(seed, chance))
    found: list[dict[str, object]] = []
    errors = 0
    token = None
    while True:
        mode = chance.choice(list(MODES))
        limit = chance.choice([None, None, chance.randint(1, 20)])
        config = {"StartingToken": token, "MaxItems": limit, "PageSize": chance.choice([None, 1, 3, 7, 50])}
        pages = paginate(client, listing.name, **config)
        steps = MODES[mode](pages)
        before = len(found)
        failed = False
        while True:
            try:
                some = next(steps)
            except StopIteration:
                break
            except TYPED as error:
                errors += 1
                note_error(error, faulty)
                assert errors < MOST_ERRORS
                assert pages.resume_token or not found, "there is no way to go on"
                failed = not (mode in SURVIVE_ERRORS and chance.random() < 0.5)
                tally["resumed from the token" if failed else "went on with next()"] += 1
                if failed:
                    break
                continue
            found += some
            assert account(found, listing), f"lost or repeated after {len(found)}"
            if mode in STAND_ANYWHERE and chance.random() < 0.02:
                break  # of its own accord
        token = pages.resume_token
        assert limit is None or len(found) - before <= limit
        if token is None and not failed:
            break
    assert account(found, listing, finished=True)
    tally["paginations"] += 1
    tally["paginations with errors"] += errors > 0
    tally["requests"] += listing.requests
    tally["configurations"] += len(found)


def listing_by_chance(seed: str, chance: random.Random) -> Listing:
    destinations = [{}, {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:123456789012:gescheitert-ß€𝄞"}}]
    configurations = [
        {
            "FunctionArn": f"arn:aws:lambda:us-east-1:123456789012:function:{seed}:{number}",
            "MaximumRetryAttempts": number % 3,
            "DestinationConfig": {"OnSuccess": {}, **chance.choice(destinations)},
        }
        for number in range(chance.choice([0, 1, chance.randint(2, 10), chance.randint(10, 40)]))
    ]
    return Listing(
        seed, configurations, random.Random(f"{seed} server"), chance.choice([0.1, 0.3, 0.6]), READ_TIMEOUT
    )


def note_error(error: Exception, faulty: FaultyServer) -> None:
    tally["typed errors"] += 1
    tally[f"error {type(error).__name__}"] += 1
    faulty.client_failed()


def configurations(page: Any) -> list[Any]:
    found: list[Any] = page["FunctionEventInvokeConfigs"]
    return found


# How a listing is read. Not generators: those would be finished for good after an error.
MODES: dict[str, Callable[[Any], Iterator[Iterable[Any]]]] = {
    "pages": lambda pages: map(configurations, pages),
    "items": lambda pages: zip(pages.items()),
    "search": lambda pages: zip(pages.search("FunctionEventInvokeConfigs[]")),
    "full": lambda pages: map(full_result, [pages]),
}
SURVIVE_ERRORS = ("pages", "items", "search")
STAND_ANYWHERE = ("pages", "items")  # a search's token stands before the page until all of it was taken


def full_result(pages: Any) -> list[Any]:
    result = pages.build_full_result()
    assert result.get("NextToken") == pages.resume_token
    return configurations(result)


class TestCutAtEachByte:
    """Once at each byte of the answer; the next answer is whole."""

    WHOLE = page("arn:ü", next_marker="m")
    LAST = page("last")
    HEAD = WHOLE.wire().index(b"\r\n\r\n") + 4

    def assert_nothing_is_lost(self, ours: Make, server: ScriptedServer, cuts: list[Any]) -> None:
        client = ours(server.url, config=eic.Config(retries={"total_max_attempts": 2}))
        for number, cut in enumerate(cuts):
            server.play(cut, self.WHOLE, self.LAST)
            assert everything(client) == ["arn:ü", "last"], f"cut at byte {number}"
            assert len(server.requests) == 3

    @CLOSED_OR_RESET
    def test_with_a_length(self, ours: Make, each: int, scripted: Scripted, reset: bool) -> None:
        size = len(self.WHOLE.wire())
        cuts = [Reply(200, self.WHOLE.body, cut=cut, reset=reset) for cut in range(0, size, each)]
        self.assert_nothing_is_lost(ours, scripted(), cuts)

    @CLOSED_OR_RESET
    def test_in_chunks(self, ours: Make, each: int, scripted: Scripted, reset: bool) -> None:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        wire = head + b"".join(chunks(self.WHOLE.wire()[self.HEAD :], random.Random(1)))
        cuts = [Raw(wire[:cut], reset) for cut in range(0, len(wire), each)]
        self.assert_nothing_is_lost(ours, scripted(), cuts)

    def test_unframed_and_reset(self, ours: Make, each: int, scripted: Scripted) -> None:
        wire = b"HTTP/1.1 200 OK\r\n\r\n" + self.WHOLE.wire()[self.HEAD :]
        cuts = [Raw(wire[:cut], reset=True) for cut in range(0, len(wire), each)]
        self.assert_nothing_is_lost(ours, scripted(), cuts)

    def test_unframed_and_closed(self, ours: Make, each: int, scripted: Scripted) -> None:
        wire = b"HTTP/1.1 200 OK\r\n\r\n" + self.WHOLE.wire()[self.HEAD :]
        head = wire.index(b"\r\n\r\n") + 4
        server = scripted()
        self.assert_nothing_is_lost(ours, server, [Raw(wire[:cut]) for cut in range(0, head, each)])
        client = ours(server.url)
        for cut in range(head, len(wire), each):
            # That there was more, the body alone can say.
            server.play(Raw(wire[:cut]), self.WHOLE, self.LAST)
            pages = iter(paginate(client))
            with pytest.raises(ResponseParserError, match="is not JSON"):
                next(pages)
            assert [arn for page in pages for arn in arns(page)] == ["arn:ü", "last"], f"cut at byte {cut}"

    @CLOSED_OR_RESET
    def test_and_again_each_time(self, ours: Make, each: int, scripted: Scripted, reset: bool) -> None:
        server = scripted()
        client = ours(server.url, config=eic.Config(retries={"total_max_attempts": 1}))
        for cut in range(0, len(self.WHOLE.wire()), each):
            server.play(Reply(200, self.WHOLE.body, cut=cut, reset=reset))
            with pytest.raises(ConnectionClosedError):
                client.list_function_event_invoke_configs(FunctionName="f")


def everything(client: Any) -> list[str]:
    return arns(paginate(client).build_full_result())


class TestMoreThanWasAskedFor:
    """Bytes behind the end of an answer are not the answer to the next request."""

    FIRST = page("first", next_marker="m")
    LAST = page("last")

    def test_behind_a_length_too_short_by_any_number_of_bytes(
        self, ours: Make, each: int, scripted: Scripted
    ) -> None:
        server = scripted()
        client = ours(server.url, config=eic.Config(retries={"total_max_attempts": 2}))
        body = self.FIRST.wire().partition(b"\r\n\r\n")[2]
        for length in range(0, len(body), each):
            server.play(Kept(respond(body, length=length)), *[self.FIRST] * 2, self.LAST)
            pages = iter(paginate(client))
            with pytest.raises(ResponseParserError, match="is not JSON"):
                next(pages)
            # They cost an attempt at most.
            assert arns(next(pages)) == ["first"], f"a length of {length}"

    def test_an_answer_that_comes_twice(self, ours: Make, scripted: Scripted) -> None:
        twice = Kept(self.FIRST.wire() * 2)
        server = scripted(twice, self.LAST)
        assert everything(ours(server.url)) == ["first", "last"]
        assert server.connections == 2

    def test_an_answer_to_somebody_else(self, ours: Make, scripted: Scripted) -> None:
        server = scripted(Kept(self.LAST.wire() + page("somebody else's").wire()), page("mine"))
        client = ours(server.url)
        assert everything(client) == ["last"]
        assert everything(client) == ["mine"]

    @pytest.mark.parametrize("size", [65536, 2 * 65536])  # bytes httpcore reads at a time, and asyncio more
    def test_an_answer_that_ends_where_a_read_does(self, ours: Make, scripted: Scripted, size: int) -> None:
        body = self.LAST.wire().partition(b"\r\n\r\n")[2]
        whole = respond(body.ljust(size - len(respond(b"", length=size))))
        assert len(whole) == size
        server = scripted(Kept(whole + page("somebody else's").wire()), page("mine"))
        client = ours(server.url)
        assert everything(client) == ["last"]
        assert everything(client) == ["mine"]


class Kept(Raw):
    """One answer as bytes; the connection stays open after it."""

    framed = True
    cut = None  # type: ignore[assignment]
