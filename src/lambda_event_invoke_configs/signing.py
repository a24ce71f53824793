"""SigV4 over exactly the bytes that go on the wire, by botocore's signer.

botocore's `add_auth()` reads the clock itself and logs the canonical request, session token included.
Its methods are called one by one here instead, with the time handed in.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, cast

from botocore import UNSIGNED
from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest

from .credentials import Keys
from .exceptions import UnsupportedSignatureVersionError

SERVICE = "lambda"


def is_signed(signature_version: object) -> bool:
    """Whether requests are signed at all.

    Raises UnsupportedSignatureVersionError for a version other than "v4" and `botocore.UNSIGNED`.
    """
    if signature_version not in (None, "v4", UNSIGNED):
        raise UnsupportedSignatureVersionError(signature_version=str(signature_version))
    return signature_version is not UNSIGNED


class _Signer(SigV4Auth):
    if TYPE_CHECKING:  # what the stubs leave out

        def _modify_request_before_signing(self, request: AWSRequest) -> None: ...

        def _inject_signature_to_request(self, request: AWSRequest, signature: str) -> AWSRequest: ...

    def signed_headers_of(self, url: str, host: str, timestamp: str) -> list[tuple[str, str]]:
        # Without the host, botocore reads it from the URL, which takes a third of the whole time.
        request = AWSRequest(method="GET", url=url, headers={"Host": host})
        request.context["timestamp"] = timestamp
        self._modify_request_before_signing(request)
        to_sign = self.string_to_sign(request, self.canonical_request(request))
        self._inject_signature_to_request(request, self.signature(to_sign, request))
        return [(name, value) for name, value in request.headers.items() if name != "Host"]


def sign(url: str, host: str, keys: Keys, region: str, now: float) -> list[tuple[str, str]]:
    """The headers that sign a GET of `url`, with `host` as its Host header, at `now` (epoch seconds).

    They are X-Amz-Date, X-Amz-Security-Token where the keys have one, and Authorization, which covers
    these and the host.
    """
    timestamp = datetime.fromtimestamp(now, timezone.utc).strftime(SIGV4_TIMESTAMP)
    return _Signer(cast("Any", keys), SERVICE, region).signed_headers_of(url, host, timestamp)
