"""Determines the endpoint from region, partition, FIPS, dual-stack and a custom URL.

    https://lambda.{region}.{suffix}           https://lambda-fips.{region}.{suffix}

The partition table is an extract of botocore's `data/partitions.json`; a test compares the two.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import NamedTuple, cast
from urllib.parse import SplitResult, urlsplit

from ..exceptions import InvalidEndpointError, InvalidRegionError

_BEHIND_BRACKET = r"[^\[]\[|\][^:]"  # urlsplit drops unexpected text in these places
_MAX_HOST = 255
_MAX_LABEL = 63
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Partition:
    """A group of regions that share accounts and host names."""

    def __init__(
        self, name: str, region_prefixes: tuple[str, ...], dns_suffix: str, dual_stack_dns_suffix: str
    ) -> None:
        self.name = name
        self.region_prefixes = region_prefixes
        self.dns_suffix = dns_suffix
        self.dual_stack_dns_suffix = dual_stack_dns_suffix


_AWS = Partition("aws", (), "amazonaws.com", "api.aws")
PARTITIONS = (
    Partition("aws-cn", ("cn-", "aws-cn-"), "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    Partition("aws-us-gov", ("us-gov-", "aws-us-gov-"), "amazonaws.com", "api.aws"),
    Partition("aws-iso-b", ("us-isob-", "aws-iso-b-"), "sc2s.sgov.gov", "api.aws.scloud"),
    Partition("aws-iso-e", ("eu-isoe-", "aws-iso-e-"), "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    Partition("aws-iso-f", ("us-isof-", "aws-iso-f-"), "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    Partition("aws-iso", ("us-iso-", "aws-iso-"), "c2s.ic.gov", "api.aws.ic.gov"),
    Partition("aws-eusc", ("eusc-",), "amazonaws.eu", "api.amazonwebservices.eu"),
    _AWS,
)


def partition_of(region: str) -> Partition:
    """The partition of a region; `aws` for all regions without a known prefix, including new ones."""
    return next((p for p in PARTITIONS if region.startswith(p.region_prefixes)), _AWS)


def validate_region(region: str) -> None:
    """Raises InvalidRegionError for a region that is not a valid host label."""
    # The region becomes part of the host that signed requests are sent to.
    if not isinstance(region, str) or not _is_label(region) or region.isdigit():
        raise InvalidRegionError(region_name=region)


class Endpoint(NamedTuple):
    """`url` for the user, `origin` and `base_path` to build requests, `host` to sign."""

    url: str
    origin: str
    base_path: str
    host: str

    @property
    def scheme(self) -> str:
        return self.origin.partition(":")[0]


def regional(region: str, *, fips: bool, dual_stack: bool, use_ssl: bool) -> Endpoint:
    """The service's endpoint in a validated region."""
    partition = partition_of(region)
    suffix = partition.dual_stack_dns_suffix if dual_stack else partition.dns_suffix
    service = "lambda-fips" if fips else "lambda"
    return custom(f"{'https' if use_ssl else 'http'}://{service}.{region}.{suffix}")


def custom(url: str, source: str = "endpoint_url") -> Endpoint:
    """A custom endpoint from its URL, which may have a port and a base path.

    source: the name of the setting, for errors.

    Raises InvalidEndpointError for a URL without http or https, for a URL without a host, and for a URL with
    a user, a query or a fragment, which would have no effect.
    """
    parts = _split(url)
    if parts is None:
        raise InvalidEndpointError(
            # Mask the password that the URL may contain.
            endpoint_url=re.sub(r"(?s).*@", "***@", str(url)),
            source=source,
            allowed="http:// or https://, a host, and optionally a port and a path",
        )
    host = cast("str", parts.hostname)
    if ":" in host:
        host = f"[{host}]"
    if parts.port is not None and parts.port != _DEFAULT_PORTS[parts.scheme]:
        host = f"{host}:{parts.port}"
    return Endpoint(url, f"{parts.scheme}://{host}", parts.path.removesuffix("/"), host)


def _split(url: object) -> SplitResult | None:
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        usable = (
            parts.scheme in _DEFAULT_PORTS
            and _is_host(parts.hostname, bracketed="[" in parts.netloc)
            and not ("[" in parts.netloc and re.search(_BEHIND_BRACKET, parts.netloc))
            and parts.port != 0
            and "@" not in parts.netloc
            and not url.endswith(("?", "#"))
            and not parts.query
            and not parts.fragment
        )
    except ValueError:
        # An invalid port, a missing bracket, or an invalid address.
        return None
    return parts if usable else None


def _is_host(host: str | None, *, bracketed: bool) -> bool:
    if not host or len(host) > _MAX_HOST:
        return False
    if bracketed or not host.strip("0123456789."):
        # Raises ValueError for an invalid address.
        return bool(ip_address(host))
    return all(map(_is_label, host.removesuffix(".").split(".")))


def _is_label(text: str) -> bool:
    """Whether it is a host label (RFC 1123): ASCII letters, digits and, within, hyphens; 63 at most."""
    return (
        text.isascii()
        and text.replace("-", "").isalnum()
        and len(text) <= _MAX_LABEL
        and not text.startswith("-")
        and not text.endswith("-")
    )
