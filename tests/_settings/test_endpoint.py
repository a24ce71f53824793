"""Where requests go: the partitions' hosts, and custom URLs that are taken or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import botocore
import pytest

from lambda_event_invoke_configs._settings import endpoint
from lambda_event_invoke_configs.exceptions import (
    BotoCoreError,
    InvalidConfigError,
    InvalidEndpointError,
    InvalidRegionError,
)

PARTITIONS_OF_BOTOCORE = json.loads(
    (Path(botocore.__file__).parent / "data" / "partitions.json").read_text(encoding="utf-8")
)["partitions"]

LONGEST = ".".join(["a" * 63] * 4)  # 255 characters


class TestThePartitionTable:
    def test_names_the_eight(self) -> None:
        assert {partition.name for partition in endpoint.PARTITIONS} == {
            "aws",
            "aws-cn",
            "aws-us-gov",
            "aws-iso",
            "aws-iso-b",
            "aws-iso-e",
            "aws-iso-f",
            "aws-eusc",
        }

    def test_knows_all_of_botocores_partitions(self) -> None:
        assert {ours.name for ours in endpoint.PARTITIONS} == {p["id"] for p in PARTITIONS_OF_BOTOCORE}

    @pytest.mark.parametrize(
        ("region", "theirs"), [(region, p) for p in PARTITIONS_OF_BOTOCORE for region in p["regions"]]
    )
    def test_agrees_with_botocores_about_a_region(self, region: str, theirs: dict[str, Any]) -> None:
        ours = endpoint.partition_of(region)
        outputs = theirs["outputs"]
        assert (ours.name, ours.dns_suffix, ours.dual_stack_dns_suffix) == (
            theirs["id"],
            outputs["dnsSuffix"],
            outputs["dualStackDnsSuffix"],
        )

    def test_puts_a_region_it_has_not_heard_of_into_aws(self) -> None:
        assert endpoint.partition_of("mars-north-1").name == "aws"


class TestARegionalEndpoint:
    @pytest.mark.parametrize(
        ("region", "host"),
        [
            ("us-east-1", "lambda.us-east-1.amazonaws.com"),
            ("cn-north-1", "lambda.cn-north-1.amazonaws.com.cn"),
            ("us-gov-west-1", "lambda.us-gov-west-1.amazonaws.com"),
            ("us-iso-east-1", "lambda.us-iso-east-1.c2s.ic.gov"),
            ("us-isob-east-1", "lambda.us-isob-east-1.sc2s.sgov.gov"),
            ("eu-isoe-west-1", "lambda.eu-isoe-west-1.cloud.adc-e.uk"),
            ("us-isof-south-1", "lambda.us-isof-south-1.csp.hci.ic.gov"),
            ("eusc-de-east-1", "lambda.eusc-de-east-1.amazonaws.eu"),
        ],
    )
    def test_has_its_partitions_suffix(self, region: str, host: str) -> None:
        made = endpoint.regional(region, fips=False, dual_stack=False, use_ssl=True)
        assert made == endpoint.Endpoint(f"https://{host}", f"https://{host}", "", host)

    @pytest.mark.parametrize(
        ("fips", "dual_stack", "host"),
        [
            (True, False, "lambda-fips.us-gov-west-1.amazonaws.com"),
            (False, True, "lambda.us-gov-west-1.api.aws"),
            (True, True, "lambda-fips.us-gov-west-1.api.aws"),
        ],
    )
    def test_has_a_host_for_fips_and_for_dual_stack(self, fips: bool, dual_stack: bool, host: str) -> None:
        made = endpoint.regional("us-gov-west-1", fips=fips, dual_stack=dual_stack, use_ssl=True)
        assert (made.host, made.url) == (host, f"https://{host}")

    def test_may_go_without_tls(self) -> None:
        made = endpoint.regional("us-east-1", fips=False, dual_stack=False, use_ssl=False)
        assert made.url == "http://lambda.us-east-1.amazonaws.com"
        assert made.scheme == "http"


class TestARegion:
    @pytest.mark.parametrize("region", ["us-east-1", "x", "a" * 63, "mars-north-1", "US-EAST-1", "1a"])
    def test_may_be_any_host_label(self, region: str) -> None:
        endpoint.validate_region(region)

    @pytest.mark.parametrize(
        "region",
        [
            "",
            "us-east-1.evil.example",
            "evil.example/#",
            "user@evil.example",
            "evil.example:443",
            "us east 1",
            "us-east-1\n",
            "-us-east-1",
            "us-east-1-",
            "us_east_1",
            "12345",
            "ü",
            "a" * 64,
            5,
            None,
        ],
    )
    def test_that_is_no_host_label_is_refused(self, region: str) -> None:
        with pytest.raises(InvalidRegionError) as caught:
            endpoint.validate_region(region)
        assert str(caught.value).startswith(
            f"Provided region_name '{region}' doesn't match a supported format"
        )


class TestACustomURL:
    @pytest.mark.parametrize(
        ("url", "origin", "base_path", "host"),
        [
            ("http://localhost:4566", "http://localhost:4566", "", "localhost:4566"),
            ("https://h.example", "https://h.example", "", "h.example"),
            ("https://h.example/", "https://h.example", "", "h.example"),
            ("https://h/base/", "https://h", "/base", "h"),
            ("https://h/X/", "https://h", "/X", "h"),
            (f"https://{LONGEST}", f"https://{LONGEST}", "", LONGEST),
            ("https://h/a/b%20c", "https://h", "/a/b%20c", "h"),
            ("https://h.example.:8443", "https://h.example.:8443", "", "h.example.:8443"),
            ("https://h:", "https://h", "", "h"),
            ("http://127.0.0.1:65535", "http://127.0.0.1:65535", "", "127.0.0.1:65535"),
            ("http://[::1]:8080/x", "http://[::1]:8080", "/x", "[::1]:8080"),
            ("http://[2001:DB8::1]", "http://[2001:db8::1]", "", "[2001:db8::1]"),
            ("http://[::ffff:127.0.0.1]", "http://[::ffff:127.0.0.1]", "", "[::ffff:127.0.0.1]"),
        ],
    )
    def test_is_taken_apart(self, url: str, origin: str, base_path: str, host: str) -> None:
        assert endpoint.custom(url) == endpoint.Endpoint(url, origin, base_path, host)

    @pytest.mark.parametrize(
        ("url", "host"),
        [
            ("http://h:80", "h"),
            ("https://h:443", "h"),
            ("http://h:443", "h:443"),
            ("https://h:80", "h:80"),
            ("http://[::1]:80", "[::1]"),
        ],
    )
    def test_loses_its_schemes_own_port_which_no_client_puts_into_host(self, url: str, host: str) -> None:
        made = endpoint.custom(url)
        assert (made.host, made.origin) == (host, f"{made.scheme}://{host}")

    def test_is_put_into_lower_case_but_for_its_path(self) -> None:
        made = endpoint.custom("HTTPS://Host.Example/Base")
        assert made.origin == "https://host.example"
        assert made.base_path == "/Base"
        assert made.url == "HTTPS://Host.Example/Base"

    @pytest.mark.parametrize(
        "url",
        [
            pytest.param("", id="nothing"),
            pytest.param("localhost:4566", id="no scheme"),
            pytest.param("//localhost", id="no scheme but slashes"),
            pytest.param("ftp://h", id="ftp"),
            pytest.param("file:///etc/passwd", id="file"),
            pytest.param("http://", id="no host"),
            pytest.param("http:///path", id="no host but a path"),
            pytest.param("http://:8080", id="no host but a port"),
            pytest.param("https:h", id="no slashes"),
            pytest.param("http://h:0", id="port 0"),
            pytest.param("http://h:65536", id="port too high"),
            pytest.param("http://h:http", id="port no number"),
            pytest.param("http://h:-1", id="port below 0"),
            pytest.param("http://h?a=b", id="query"),
            pytest.param("http://h/?", id="empty query"),
            pytest.param("http://h#a", id="fragment"),
            pytest.param("http://h#", id="empty fragment"),
            pytest.param("http://a b", id="space in the host"),
            pytest.param("http://h/a b", id="space in the path"),
            pytest.param(" http://h", id="space before"),
            pytest.param("http://h ", id="space after"),
            pytest.param("http://h\r\nX: y", id="line break"),
            pytest.param("http://h/\0", id="null byte"),
            pytest.param("http://h/\x7f", id="delete"),
            pytest.param("http://hé", id="not ASCII"),
            pytest.param("http://a_b", id="underscore"),
            pytest.param("http://-a", id="hyphen first"),
            pytest.param("http://a-.b", id="hyphen last"),
            pytest.param("http://a..b", id="empty label"),
            pytest.param("http://" + "a" * 64, id="label too long"),
            pytest.param("http://" + "a." * 128, id="host too long"),
            pytest.param("http://h\\evil.example", id="backslash"),
            pytest.param("http://[::1", id="bracket left open"),
            pytest.param("http://::1", id="no brackets"),
            pytest.param("http://[evil]", id="brackets around a name"),
            pytest.param(b"http://h", id="bytes"),
            pytest.param(5, id="a number"),
        ],
    )
    def test_that_cannot_be_used_is_refused(self, url: str) -> None:
        with pytest.raises(InvalidEndpointError) as caught:
            endpoint.custom(url, "AWS_ENDPOINT_URL")
        assert str(caught.value) == (
            f"Invalid endpoint: {url}. AWS_ENDPOINT_URL must be http:// or https://, a host, "
            "and optionally a port and a path"
        )

    def test_that_httpx_would_refuse_is_refused_before_anything_is_sent(self) -> None:
        with pytest.raises(InvalidEndpointError):
            endpoint.custom("http://999.999.999.999")

    @pytest.mark.parametrize(
        "url",
        [
            "https://user:hidden@h",
            "https://hidden@h/path",
            "ftp://user:hidden@h",
            "//user:hidden@h",
            "https://user:hidden@/",
            "https://user:hid/hidden@h",
            "https://user:hid@hidden@h",
            "user:hidden@h",
            "https:/user:hidden@h",
        ],
    )
    def test_with_user_info_is_refused_without_showing_it(self, url: str) -> None:
        with pytest.raises(InvalidEndpointError) as caught:
            endpoint.custom(url)
        assert "hidden" not in str(caught.value)
        assert "hidden" not in repr(caught.value)
        assert str(caught.value).startswith(f"Invalid endpoint: ***@{url.rpartition('@')[2]}. endpoint_url ")

    def test_is_refused_with_botocores_errors_and_a_value_error(self) -> None:
        with pytest.raises(InvalidConfigError) as caught:
            endpoint.custom("localhost")
        assert isinstance(caught.value, BotoCoreError)
        assert isinstance(caught.value, ValueError)
