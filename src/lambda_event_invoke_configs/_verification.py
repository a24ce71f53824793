"""Verifies the signature of a request as Lambda does, for `LocalLambda`: without botocore.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from urllib.parse import quote

_CLOCK_TOLERANCE = timedelta(minutes=5)
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, "
    r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})"
)


class ServiceError(Exception):
    """An error response of the service."""

    def __init__(self, status: int, code: str, message: str, message_key: str = "message") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.body: dict[str, str] = {"Type": "User", message_key: message}


def verify(
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    access_key: str,
    secret_key: str,
    region: str,
    now: datetime,
) -> None:
    """Check that a request is signed with these credentials, for Lambda in this region, now.

    `target` is as it arrived, header names are in lower case, `now` is timezone-aware.

    Raises ServiceError, with the service's status and code.
    """
    if "authorization" not in headers:
        raise ServiceError(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
    authorization = _AUTHORIZATION.fullmatch(headers["authorization"])
    if not authorization:
        raise ServiceError(403, "IncompleteSignatureException", "Authorization header is malformed")
    used_key, day, scope_region, service, signed, signature = authorization.groups()
    if used_key != access_key:
        message = "The security token included in the request is invalid."
        raise ServiceError(403, "UnrecognizedClientException", message)
    date = headers.get("x-amz-date", "")
    if (scope_region, service) != (region, "lambda") or not date.startswith(day):
        message = f"Credential should be scoped to {region}/lambda and the day of X-Amz-Date."
        raise ServiceError(403, "InvalidSignatureException", message)
    names = signed.split(";")
    canonical = _canonical_request(method, target, [(name, headers.get(name, "")) for name in names], body)
    expected = _signature(canonical, secret_key, date, [day, region, service, "aws4_request"])
    if not {"host", "x-amz-date"} <= {*names} or not hmac.compare_digest(expected, signature):
        message = "The request signature we calculated does not match the signature you provided."
        raise ServiceError(403, "InvalidSignatureException", message)
    _check_clock(date, now)


def _canonical_request(method: str, target: str, signed: list[tuple[str, str]], body: bytes) -> str:
    path, _, query = target.partition("?")
    return "\n".join(
        [
            method,
            _canonical_path(path),
            "&".join(sorted(query.split("&"))),
            *(f"{name}:{' '.join(value.split())}" for name, value in signed),
            "",
            ";".join(name for name, _ in signed),
            hashlib.sha256(body).hexdigest(),
        ]
    )


def _canonical_path(path: str) -> str:
    # Every service except S3 resolves "." and "..", and then percent-encodes the encoded path again.
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    slash = "/" if path.endswith("/") and segments else ""
    return quote("/" + "/".join(segments) + slash)


def _signature(canonical_request: str, secret_key: str, date: str, scope: list[str]) -> str:
    digest = hashlib.sha256(canonical_request.encode()).hexdigest()
    to_sign = "\n".join(["AWS4-HMAC-SHA256", date, "/".join(scope), digest])
    key = f"AWS4{secret_key}".encode()
    for part in (*scope, to_sign):
        key = hmac.digest(key, part.encode(), "sha256")
    return key.hex()


def _check_clock(date: str, now: datetime) -> None:
    try:
        sent = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise ServiceError(403, "IncompleteSignatureException", "X-Amz-Date is malformed") from None
    if abs(now - sent) > _CLOCK_TOLERANCE:
        message = f"Signature expired or not yet valid: {date}, the time is {now:%Y%m%dT%H%M%SZ}."
        raise ServiceError(403, "InvalidSignatureException", message)
