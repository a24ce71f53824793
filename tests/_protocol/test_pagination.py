"""The rules of pagination, without a client, and its tokens: boto3's, byte for byte."""

from __future__ import annotations

import base64
import itertools
import json
import sys
from typing import Any

import pytest
from botocore.paginate import TokenDecoder, TokenEncoder

from lambda_event_invoke_configs._protocol.pagination import (
    BEGINNING,
    ItemBuffer,
    Pagination,
    Position,
    add_to,
    configurations,
    decode_token,
    encode_token,
    finish,
    parse_pagination_config,
)
from lambda_event_invoke_configs.exceptions import (
    BotoCoreError,
    PaginationConfigError,
    PaginationError,
    ParamValidationError,
    StartingTokenError,
)


def a_page(*numbers: int, next_marker: str | None = None) -> Any:
    page: dict[str, Any] = {"FunctionEventInvokeConfigs": list(numbers)}
    return {**page, "NextMarker": next_marker} if next_marker else page


def start(config: dict[str, Any] | None = None, **params: Any) -> Pagination:
    return Pagination(parse_pagination_config({"FunctionName": "f", **params}, config))


class TestWhatIsAskedFor:
    def test_the_first_request_has_the_operations_own_parameters(self) -> None:
        assert start().next_request() == {"FunctionName": "f"}
        assert start(Marker="m", MaxItems=3).next_request() == {
            "FunctionName": "f",
            "Marker": "m",
            "MaxItems": 3,
        }

    def test_page_size_is_sent_as_max_items_and_max_items_is_not_sent(self) -> None:
        request = start({"PageSize": 5, "MaxItems": 9}, MaxItems=7).next_request()
        assert request == {"FunctionName": "f", "MaxItems": 5}

    def test_numbers_may_be_what_int_reads_as_with_boto3(self) -> None:
        planned = parse_pagination_config({}, {"PageSize": "5", "MaxItems": 9.7})
        assert (planned.params, planned.max_items) == ({"MaxItems": 5}, 9)

    def test_a_starting_token_takes_the_place_of_a_marker(self) -> None:
        token = encode_token(Position("t", 2))
        assert start({"StartingToken": token}, Marker="m").next_request() == {
            "FunctionName": "f",
            "Marker": "t",
        }
        for none in ("None", encode_token(Position("None"))):
            assert start({"StartingToken": none}, Marker="m").next_request() == {"FunctionName": "f"}

    def test_the_next_marker_is_the_next_requests_marker(self) -> None:
        pagination = start({"PageSize": 2})
        pagination.receive(a_page(1, 2, next_marker="m"))
        assert pagination.next_request() == {"FunctionName": "f", "MaxItems": 2, "Marker": "m"}

    @pytest.mark.parametrize("end", [a_page(1), {**a_page(1), "NextMarker": ""}, {}])
    def test_a_page_without_a_next_marker_is_the_last(self, end: Any) -> None:
        pagination = start()
        pagination.receive(end)
        assert pagination.next_request() is None
        assert encode_token(pagination.position) is None

    def test_an_empty_page_with_a_next_marker_goes_on(self) -> None:
        pagination = start({"MaxItems": 1})
        pagination.receive(a_page(next_marker="m"))
        assert pagination.next_request() == {"FunctionName": "f", "Marker": "m"}

    def test_the_same_request_is_asked_for_until_a_page_is_received(self) -> None:
        pagination = start()
        assert pagination.next_request() == pagination.next_request()


class TestMarkersThatRepeat:
    def test_a_page_that_is_its_own_next_one_is_not_returned(self) -> None:
        """boto3 returns such a page twice before it notices."""
        for pagination in (
            start({"StartingToken": "m"}),
            start(Marker="m"),
            start({"MaxItems": 1}, Marker="m"),
        ):
            for _ in range(2):
                assert (pagination.next_request() or {})["Marker"] == "m"
                with pytest.raises(PaginationError, match=r"received twice: \{'Marker': 'm'\}"):
                    pagination.receive(a_page(1, 2, next_marker="m"))
                assert pagination.position == Position("m")

    def test_none_as_a_first_pages_next_marker_is_the_first_page_again(self) -> None:
        pagination = start()
        with pytest.raises(PaginationError, match=r"received twice: \{'Marker': 'None'\}"):
            pagination.receive(a_page(1, next_marker="None"))

    def test_the_pass_goes_on_when_the_service_answers_better_the_next_time(self) -> None:
        pagination = start()
        pagination.receive(a_page(1, next_marker="m"))
        with pytest.raises(PaginationError):
            pagination.receive(a_page(2, next_marker="m"))
        assert pagination.receive(a_page(2, next_marker="n")) == a_page(2, next_marker="n")
        assert pagination.next_request() == {"FunctionName": "f", "Marker": "n"}

    @pytest.mark.parametrize("length", [2, 3, 4, 5, 7, 8, 16, 50, 99])
    @pytest.mark.parametrize("before", [0, 1, 2, 3, 10, 63, 64, 100])
    def test_in_a_cycle_are_noticed_before_it_was_gone_through_often(self, length: int, before: int) -> None:
        """boto3 never ends."""
        markers = [f"m{n}" for n in range(before + length)]
        pagination = start({"PageSize": 1})
        returned: list[Any] = []

        def go_through_all() -> None:
            for page in itertools.count():
                following = page if page < len(markers) else before + (page - before) % length
                returned.append(pagination.receive(a_page(page, next_marker=markers[following])))

        with pytest.raises(PaginationError, match="repeat in a cycle"):
            go_through_all()
        # Brent: a power of two that is neither within the way in nor shorter than the cycle, and once around.
        assert len(returned) <= 2 * max(before + 1, length) + length

    def test_of_a_long_listing_are_all_followed(self) -> None:
        pagination = start()
        for number in range(5000):
            pagination.receive(a_page(number, next_marker=f"m{number}"))
        assert pagination.position == Position("m4999")

    def test_are_remembered_one_at_a_time(self) -> None:
        pagination = start()
        pagination.receive(a_page(0, next_marker="m0"))
        before = size_of(pagination)
        for number in range(1, 2000):
            pagination.receive(a_page(number, next_marker=f"m{number}"))
        assert size_of(pagination) - before < 500


def size_of(value: Any) -> int:
    """Bytes of an object and of what its attributes hold."""
    found = [value, *vars(value).values()] if hasattr(value, "__dict__") else [value]
    return sum(sys.getsizeof(one) if one is value else size_of(one) for one in found)


class TestMaxItems:
    def test_cuts_a_page_in_the_middle_and_says_where(self) -> None:
        pagination = start({"MaxItems": 3})
        pagination.receive(a_page(1, 2, next_marker="m"))
        assert pagination.receive(a_page(3, 4, next_marker="n"))["FunctionEventInvokeConfigs"] == [3]
        assert pagination.position == Position("m", 1)
        assert pagination.next_request() is None

    def test_at_a_pages_border_the_token_is_the_next_marker(self) -> None:
        pagination = start({"MaxItems": 2})
        pagination.receive(a_page(1, 2, next_marker="m"))
        assert pagination.position == Position("m")
        assert pagination.next_request() is None

    def test_at_the_very_end_leaves_no_token(self) -> None:
        pagination = start({"MaxItems": 2})
        pagination.receive(a_page(1, 2))
        assert encode_token(pagination.position) is None

    def test_of_zero_still_asks_once(self) -> None:
        pagination = start({"MaxItems": 0})
        assert pagination.next_request() is not None
        assert pagination.receive(a_page(1, 2))["FunctionEventInvokeConfigs"] == []
        assert pagination.position == Position(None, 0)
        assert pagination.next_request() is None


class TestStartingInTheMiddle:
    def test_skips_what_was_handed_out_before(self) -> None:
        pagination = start({"StartingToken": encode_token(Position("m", 2))})
        assert pagination.receive(a_page(1, 2, 3))["FunctionEventInvokeConfigs"] == [3]

    def test_a_second_cut_in_the_same_page_counts_from_its_start(self) -> None:
        pagination = start({"StartingToken": encode_token(Position("m", 1)), "MaxItems": 1})
        assert pagination.receive(a_page(1, 2, 3))["FunctionEventInvokeConfigs"] == [2]
        assert pagination.position == Position("m", 2)

    def test_what_was_skipped_does_not_count(self) -> None:
        pagination = start({"StartingToken": encode_token(Position("m", 1)), "MaxItems": 3})
        page = pagination.receive(a_page(1, 2, 3, next_marker="n"))
        assert page["FunctionEventInvokeConfigs"] == [2, 3]
        assert pagination.position == Position("n")
        assert pagination.receive(a_page(4, 5))["FunctionEventInvokeConfigs"] == [4]

    def test_before_the_first_page_the_pass_stands_where_it_starts(self) -> None:
        pagination = start({"StartingToken": encode_token(Position("m", 1))})
        assert pagination.position == pagination.page_start == Position("m", 1)

    def test_a_marker_that_is_no_text_is_left_for_the_operation_to_refuse(self) -> None:
        pagination = start(Marker=5)
        assert pagination.next_request() == {"FunctionName": "f", "Marker": 5}
        assert pagination.position == Position()

    def test_a_skip_past_the_pages_end_goes_on_in_the_next(self) -> None:
        """boto3 forgets the rest of the skip, and hands configurations out a second time."""
        pagination = start({"StartingToken": encode_token(Position(None, 3)), "PageSize": 2})
        assert pagination.receive(a_page(1, 2, next_marker="m"))["FunctionEventInvokeConfigs"] == []
        assert pagination.position == Position("m", 1)
        assert pagination.receive(a_page(3, 4))["FunctionEventInvokeConfigs"] == [4]

    def test_a_skip_past_the_last_pages_end_is_the_end(self) -> None:
        pagination = start({"StartingToken": encode_token(Position(None, 3))})
        pagination.receive(a_page(1, 2))
        assert pagination.next_request() is None
        assert encode_token(pagination.position) is None

    def test_a_page_without_configurations_stays_without(self) -> None:
        """boto3 puts FunctionEventInvokeConfigs: None in."""
        assert start({"StartingToken": "m___1"}).receive({}) == {}

    def test_a_marker_given_outright_is_where_a_cut_points_back_to(self) -> None:
        """boto3's token forgets it and resumes from the first page."""
        pagination = start({"MaxItems": 1}, Marker="m")
        pagination.receive(a_page(1, 2))
        assert pagination.position == Position("m", 1)


class TestResults:
    def results(self, *, each: bool) -> tuple[Pagination, ItemBuffer[Any]]:
        pagination = start({"StartingToken": "s"})
        return pagination, ItemBuffer(pagination, configurations, each_is_a_configuration=each)

    def test_keep_a_page_unread_that_they_cannot_be_picked_of(self) -> None:
        def pick(page: Any) -> list[int]:
            if page["of"] == "no":
                raise ZeroDivisionError
            return [1]

        pagination = Pagination(parse_pagination_config({"FunctionName": "f"}, None))
        results = ItemBuffer(pagination, pick, each_is_a_configuration=False)
        assert results.pending_page is None
        no: Any = {"of": "no"}
        with pytest.raises(ZeroDivisionError):
            results.push_page(no)
        assert results.pending_page is no
        results.push_page({"of": "yes"})  # type: ignore[typeddict-item]
        assert results.pending_page is None

    def test_configurations_move_the_position_one_by_one(self) -> None:
        pagination, results = self.results(each=True)
        assert results.position == Position("s")
        results.push_page(pagination.receive(a_page(1, 2, 3, next_marker="m")))
        assert (results.pop(), results.position) == (1, Position("s", 1))
        assert (results.pop(), results.position) == (2, Position("s", 2))
        assert results
        assert (results.pop(), results.position) == (3, Position("m"))
        assert not results

    def test_other_results_move_it_a_page_at_a_time(self) -> None:
        pagination, results = self.results(each=False)
        results.push_page(pagination.receive(a_page(1, 2, next_marker="m")))
        assert (results.pop(), results.position) == (1, Position("s", 0))
        assert (results.pop(), results.position) == (2, Position("m"))

    def test_a_page_without_results_is_passed_over(self) -> None:
        pagination, results = self.results(each=False)
        results.push_page(pagination.receive(a_page(next_marker="m")))
        assert results.position == Position("m")


def test_a_page_without_the_member_has_no_configurations() -> None:
    assert configurations({}) == []


def test_a_full_result_joins_the_pages_and_says_how_to_go_on() -> None:
    result: Any = {}
    for page in ({}, a_page(1), {}, a_page(2)):
        add_to(result, page)
    assert finish(result, Position()) == {"FunctionEventInvokeConfigs": [1, 2]}
    assert finish({}, Position("m")) == {"NextToken": encode_token(Position("m"))}


class TestBadPaginationConfig:
    @pytest.mark.parametrize("key", ["Maxitems", "maxItems", "NextToken", "page_size", 5])
    def test_an_unknown_key_is_refused(self, key: Any) -> None:
        """boto3 ignores it: a mistyped limit is no limit."""
        with pytest.raises(PaginationConfigError) as caught:
            parse_pagination_config({}, {key: 1})
        assert isinstance(caught.value, ValueError)
        assert isinstance(caught.value, ParamValidationError)
        assert str(caught.value) == (
            f'Parameter validation failed:\nUnknown parameter in PaginationConfig: "{key}", '
            "must be one of: MaxItems, PageSize, StartingToken"
        )

    def test_every_unknown_key_is_named_on_a_line_of_its_own(self) -> None:
        with pytest.raises(PaginationConfigError) as caught:
            parse_pagination_config({}, {"maxItems": 1, "MaxItems": 1, "pageSize": 1})
        allowed = "must be one of: MaxItems, PageSize, StartingToken"
        assert str(caught.value).splitlines()[1:] == [
            f'Unknown parameter in PaginationConfig: "{key}", {allowed}' for key in ("maxItems", "pageSize")
        ]

    @pytest.mark.parametrize("key", ["MaxItems", "PageSize"])
    @pytest.mark.parametrize("value", ["many", [], float("inf"), float("nan")])
    def test_what_is_no_number_is_refused(self, key: str, value: Any) -> None:
        with pytest.raises(PaginationConfigError) as caught:
            parse_pagination_config({}, {key: value})
        assert str(caught.value) == (
            f"Parameter validation failed:\nInvalid type for parameter PaginationConfig.{key}, "
            f"value: {value}, type: {type(value)}, valid types: <class 'int'>, or what int() reads"
        )

    def test_a_negative_limit_is_refused(self) -> None:
        """boto3 drops the last configurations of the first page."""
        with pytest.raises(PaginationConfigError, match="value: -1, valid min value: 0"):
            parse_pagination_config({}, {"MaxItems": -1})

    def test_what_is_no_dict_is_refused_and_none_is_none(self) -> None:
        with pytest.raises(PaginationConfigError) as caught:
            parse_pagination_config({}, [("MaxItems", 1)])
        assert str(caught.value) == (
            "Parameter validation failed:\nInvalid type for parameter PaginationConfig, "
            "value: [('MaxItems', 1)], type: <class 'list'>, valid types: <class 'dict'>"
        )
        assert parse_pagination_config({"FunctionName": "f"}, None).max_items is None
        nothing = {"MaxItems": None, "PageSize": None, "StartingToken": None}
        assert vars(parse_pagination_config({}, nothing)) == vars(parse_pagination_config({}, None))

    def test_a_bad_starting_token_is_refused(self) -> None:
        with pytest.raises(StartingTokenError):
            parse_pagination_config({}, {"StartingToken": 5})


def token_of(members: object) -> str:
    return base64.b64encode(json.dumps(members).encode()).decode()


@pytest.mark.parametrize(
    ("position", "members"),
    [
        (Position("m"), {"Marker": "m"}),
        (Position("m", 7), {"Marker": "m", "boto_truncate_amount": 7}),
        (Position("m", 0), {"Marker": "m", "boto_truncate_amount": 0}),
        (Position(None, 7), {"Marker": None, "boto_truncate_amount": 7}),
        (Position("é+/=&%"), {"Marker": "é+/=&%"}),
    ],
)
def test_a_token_is_boto3s_byte_for_byte_and_reads_back(
    position: Position, members: dict[str, object]
) -> None:
    token = encode_token(position)
    assert token == TokenEncoder().encode(members)
    assert token is not None
    assert TokenDecoder().decode(token) == members
    assert decode_token(token) == position


def test_the_beginning_needs_no_token() -> None:
    assert encode_token(BEGINNING) is None


@pytest.mark.parametrize(
    ("token", "position"),
    [
        ("m___7", Position("m", 7)),
        ("m___0", Position("m", 0)),
        ("None___7", Position(None, 7)),
        ("m", Position("m")),
        ("None", BEGINNING),
        ("", Position("")),
        ("m___n", Position("m___n")),
        (token_of({"Marker": None}), BEGINNING),
        (token_of({"Marker": "None", "boto_truncate_amount": 3}), Position("None", 3)),
    ],
)
def test_older_forms_and_bare_markers_are_read_as_boto3_reads_them(token: str, position: Position) -> None:
    assert decode_token(token) == position


@pytest.mark.parametrize("json_text", ["5", "[1]", "null", '"text"', "[" * 100_000])
def test_a_marker_that_happens_to_be_base64_of_json_is_still_a_marker(json_text: str) -> None:
    """boto3 fails on a number, a string and null with AttributeError."""
    marker = base64.b64encode(json_text.encode()).decode()
    assert decode_token(marker) == Position(marker)


@pytest.mark.parametrize(
    "token",
    [
        "a___b___c",
        "m___-1",
        5,
        token_of({}),
        token_of({"foo": "m"}),
        token_of({"Marker": "m", "foo": 1}),
        token_of({"boto_truncate_amount": 1}),
        token_of({"Marker": 5}),
        token_of({"Marker": "m", "boto_truncate_amount": "1"}),
        token_of({"Marker": "m", "boto_truncate_amount": -1}),
        token_of({"Marker": "m", "boto_truncate_amount": True}),
        token_of({"Marker": "m", "boto_truncate_amount": None}),
    ],
)
def test_what_is_no_token_is_refused_by_name(token: object) -> None:
    with pytest.raises(StartingTokenError, match="Bad starting token: ") as caught:
        decode_token(token)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, BotoCoreError)
    assert "StartingToken must be" in str(caught.value)
    assert str(token) in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_a_marker_that_happens_to_be_base64_of_json_in_another_encoding_is_a_marker(encoding: str) -> None:
    marker = base64.b64encode('{"Marker": "m"}'.encode(encoding)).decode()
    assert decode_token(marker) == Position(marker)
