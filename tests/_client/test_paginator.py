"""The paginator and its page iterator, against the embedded endpoint."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import jmespath
import pytest
from listing import LIST, paginate
from servers import Reply, ScriptedServer, error, page

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs._protocol.pagination import Position, encode_token
from lambda_event_invoke_configs.exceptions import (
    ClientError,
    OperationNotPageableError,
    ParamValidationError,
    StartingTokenError,
)


@pytest.fixture
def listing(client: Any) -> Callable[..., Any]:
    """paginate() on my-function, with PaginationConfig's members as arguments."""
    return lambda **config: paginate(client, "my-function", **config)


def numbers(configs: Any) -> list[int]:
    return [int(config["FunctionArn"].rsplit(":", 1)[1]) for config in configs]


ALL = list(range(1, 121))


class TestPages:
    def test_come_one_by_one_and_only_when_asked_for(self, scripted: Any, ours: Any) -> None:
        server = scripted(page("a", next_marker="m"), page("b"))
        pages = iter(paginate(ours(server.url), "f"))
        assert server.requests == []
        next(pages)
        assert len(server.requests) == 1
        next(pages)
        assert [*pages] == []
        assert len(server.requests) == 2

    def test_have_the_size_that_was_asked_for(self, listing: Any) -> None:
        assert [len(p["FunctionEventInvokeConfigs"]) for p in listing(PageSize=40)] == [40, 40, 40]
        assert [len(p["FunctionEventInvokeConfigs"]) for p in listing(PageSize=50, MaxItems=70)] == [50, 20]

    def test_start_at_the_beginning_in_each_iteration(self, listing: Any) -> None:
        """boto3's second pass starts at the last page: its first has changed the parameters."""
        pages = listing()
        assert [numbers(p["FunctionEventInvokeConfigs"])[0] for p in pages] == [1, 51, 101]
        assert [numbers(p["FunctionEventInvokeConfigs"])[0] for p in pages] == [1, 51, 101]
        first, second = iter(pages), iter(pages)
        assert next(first)["FunctionEventInvokeConfigs"] == next(second)["FunctionEventInvokeConfigs"]

    def test_are_the_callers_own_to_change(self, listing: Any) -> None:
        pages = iter(listing(PageSize=50))
        first = next(pages)
        first.clear()
        assert numbers(next(pages)["FunctionEventInvokeConfigs"])[0] == 51


class TestResumeToken:
    def test_continues_after_the_last_page_handed_out(self, listing: Any) -> None:
        """boto3's is None while pages are coming."""
        pages = listing(PageSize=30)
        assert pages.resume_token is None
        seen: list[int] = []
        for some in pages:
            seen += numbers(some["FunctionEventInvokeConfigs"])
            rest = listing(StartingToken=pages.resume_token).items() if pages.resume_token else []
            assert seen + numbers(rest) == ALL
        assert pages.resume_token is None

    def test_continues_in_the_middle_of_a_page_that_max_items_cut(self, listing: Any) -> None:
        for max_items, page_size in itertools.product([0, 1, 49, 50, 51, 119, 120, 121], [7, 50]):
            pages = listing(MaxItems=max_items, PageSize=page_size)
            seen = numbers(pages.items())
            assert seen == ALL[:max_items]
            assert (pages.resume_token is None) == (max_items >= 120)
            if pages.resume_token:
                assert (
                    numbers(listing(StartingToken=pages.resume_token, PageSize=11).items()) == ALL[max_items:]
                )

    def test_of_items_continues_after_the_last_configuration(self, listing: Any) -> None:
        for stop in (1, 49, 50, 51, 119):
            pages = listing()
            seen = numbers(itertools.islice(pages.items(), stop))
            assert seen + numbers(listing(StartingToken=pages.resume_token).items()) == ALL

    def test_of_search_passes_a_page_when_all_its_results_were_handed_out(self, listing: Any) -> None:
        pages = listing()
        results = pages.search("FunctionEventInvokeConfigs[].FunctionArn")
        for _ in range(49):
            next(results)
        assert numbers(listing(StartingToken=pages.resume_token).items()) == ALL
        next(results)
        assert numbers(listing(StartingToken=pages.resume_token).items()) == ALL[50:]

    def test_before_the_first_page_is_the_starting_token(self, listing: Any) -> None:
        assert listing(StartingToken="m___7").resume_token == encode_token(Position("m", 7))


class TestAnError:
    def script(self, scripted: Any) -> ScriptedServer:
        down = [error(500)] * 3
        server: ScriptedServer = scripted(
            page("a:1", "a:2", next_marker="m"), *down, *down, page("a:3", next_marker="n"), page("a:4")
        )
        return server

    def test_does_not_end_the_iteration_next_asks_for_the_same_page_again(
        self, scripted: Any, ours: Any
    ) -> None:
        """boto3's iterator is finished after an error: next() raises StopIteration."""
        server = self.script(scripted)
        listing = paginate(ours(server.url), "f")
        pages = iter(listing)
        assert len(next(pages)["FunctionEventInvokeConfigs"]) == 2
        for _ in range(2):
            with pytest.raises(ClientError):
                next(pages)
            assert listing.resume_token == encode_token(Position("m"))
        assert [numbers(p["FunctionEventInvokeConfigs"]) for p in pages] == [[3], [4]]
        assert [t.partition("?")[2] for t in server.targets()] == ["", *["Marker=m"] * 7, "Marker=n"]

    @pytest.mark.parametrize(
        "results",
        [
            lambda pages: iter(pages.items()),
            lambda pages: iter(pages.result_key_iters()[0]),
            lambda pages: pages.search("FunctionEventInvokeConfigs[]"),
        ],
    )
    def test_does_not_end_items_nor_a_search(self, scripted: Any, ours: Any, results: Any) -> None:
        pages = ours(self.script(scripted).url).get_paginator(LIST).paginate(FunctionName="f")
        found = results(pages)
        assert numbers([next(found), next(found)]) == [1, 2]
        for _ in range(2):
            with pytest.raises(ClientError):
                next(found)
            assert pages.resume_token == encode_token(Position("m"))
        assert numbers(found) == [3, 4]

    def test_of_the_expression_on_a_page_does_not_pass_over_it(self, scripted: Any, ours: Any) -> None:
        null = Reply(200, b'{"FunctionEventInvokeConfigs": [{}], "NextMarker": "n"}')
        server = scripted(page("first", next_marker="m"), null, page("last"), page("last"))
        pages = paginate(ours(server.url), "f")
        found = pages.search("length(FunctionEventInvokeConfigs[0].FunctionArn)")
        assert next(found) == 5
        for _ in range(2):
            with pytest.raises(jmespath.exceptions.JMESPathTypeError):
                next(found)
            assert pages.resume_token == encode_token(Position("m"))
        assert len(server.requests) == 2  # the page is kept, and not asked for again

    def test_in_a_full_result_leaves_the_token_where_it_began(self, scripted: Any, ours: Any) -> None:
        pages = (
            ours(self.script(scripted).url)
            .get_paginator(LIST)
            .paginate(FunctionName="f", PaginationConfig={"StartingToken": "s"})
        )
        with pytest.raises(ClientError):
            pages.build_full_result()
        assert pages.resume_token == encode_token(Position("s"))


class TestWholeResults:
    def test_a_full_result_has_all_configurations_and_a_token_if_cut(self, listing: Any) -> None:
        assert numbers(listing().build_full_result()["FunctionEventInvokeConfigs"]) == ALL
        assert listing().build_full_result().keys() == {"FunctionEventInvokeConfigs"}
        pages = listing(MaxItems=70)
        cut = pages.build_full_result()
        assert numbers(cut["FunctionEventInvokeConfigs"]) == ALL[:70]
        assert cut["NextToken"] == pages.resume_token

    def test_items_and_result_key_iters_give_the_configurations(self, listing: Any) -> None:
        assert numbers(listing().items()) == ALL
        (only,) = listing().result_key_iters()
        assert only.result_key.expression == "FunctionEventInvokeConfigs"
        assert numbers(only) == numbers(only) == ALL

    def test_search_gives_a_lists_results_one_by_one_and_others_as_they_are(self, listing: Any) -> None:
        found = listing().search("FunctionEventInvokeConfigs[?MaximumRetryAttempts==`2`].FunctionArn")
        assert len(list(found)) == 40
        assert list(listing().search("length(FunctionEventInvokeConfigs)")) == [50, 50, 20]
        assert list(listing().search("Nothing")) == [None, None, None]

    def test_a_bad_expression_is_an_error_at_once(self, listing: Any) -> None:
        with pytest.raises(jmespath.exceptions.JMESPathError):
            listing().search("a[")

    def test_result_keys_and_non_aggregate_part_are_boto3s(self, listing: Any) -> None:
        assert [key.expression for key in listing().result_keys] == ["FunctionEventInvokeConfigs"]
        assert listing().non_aggregate_part == {}


class TestBadInput:
    def test_is_refused_by_paginate_before_anything_is_sent(self, client: eic.Client) -> None:
        paginator: Any = client.get_paginator(LIST)
        for params, refusal in [
            ({}, ParamValidationError),
            ({"FunctionName": ""}, ParamValidationError),
            ({"FunctionName": "f", "Foo": 1}, ParamValidationError),
            ({"FunctionName": "f", "PaginationConfig": {"PageSize": 0}}, ParamValidationError),
            ({"FunctionName": "f", "PaginationConfig": {"Maxitems": 1}}, ParamValidationError),
            ({"FunctionName": "f", "PaginationConfig": {"StartingToken": 1}}, StartingTokenError),
        ]:
            with pytest.raises(refusal):
                paginator.paginate(**params)

    def test_is_sent_as_it_is_where_validation_is_off(self, scripted: Any, ours: Any) -> None:
        server = scripted(page())
        client = ours(server.url, config=eic.Config(parameter_validation=False))
        list(client.get_paginator(LIST).paginate(FunctionName="f", PaginationConfig={"PageSize": 0}))
        assert server.targets()[0].endswith("?MaxItems=0")

    def test_another_operation_cannot_be_paginated(self, client: eic.Client) -> None:
        assert client.can_paginate(LIST)
        assert not client.can_paginate("list_functions")
        with pytest.raises(
            OperationNotPageableError, match="list_functions, must be one of: list_function_event"
        ):
            client.get_paginator("list_functions")
