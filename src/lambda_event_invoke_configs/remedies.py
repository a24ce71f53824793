"""What to do about an error, in the words that its text goes on with.

By the name of the error's class, by the service's code for it, or by one of the names below where one class
stands for several situations. docs/errors.md shows them in the whole texts.
"""

from __future__ import annotations

UNKNOWN_HOST = "no host of this name"
NOT_LAMBDA = "an answer that is not Lambda's"

_ENDPOINT = "the endpoint URL (endpoint_url, --endpoint-url, AWS_ENDPOINT_URL_LAMBDA, AWS_ENDPOINT_URL)"
_ANSWERS = f"What answered is not Lambda. Check {_ENDPOINT}, and what is between: proxy, login page."
_DENIED = (
    "Have lambda:ListFunctionEventInvokeConfigs on this function allowed by an IAM policy, or use another "
    "identity (profile_name, --profile, AWS_PROFILE)."
)
_EXPIRED = (
    "These temporary keys are too old. Get new ones where they came from (such as: aws sso login), and set "
    "all three, AWS_SESSION_TOKEN included."
)
_UNKNOWN_KEY = (
    "Check the access key id (AWS_ACCESS_KEY_ID). Temporary keys need AWS_SESSION_TOKEN too, and each "
    "partition has keys of its own."
)
_WRONG_SIGNATURE = (
    "Check the secret key (AWS_SECRET_ACCESS_KEY), the machine's clock, and that the region (region_name, "
    "--region) is the endpoint's."
)

REMEDIES = {
    "AccessDenied": _DENIED,
    "AccessDeniedException": _DENIED,
    "ConnectTimeoutError": (
        "Check the network: a firewall, a proxy that has to be used (HTTPS_PROXY), or a VPC that has "
        "neither a NAT gateway nor an endpoint for Lambda."
    ),
    "EndpointConnectionError": f"Nothing accepts connections there. Check {_ENDPOINT}, and the network.",
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "InvalidClientTokenId": _UNKNOWN_KEY,
    "InvalidSignatureException": _WRONG_SIGNATURE,
    "NoCredentialsError": (
        "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile that has credentials "
        "(profile_name, --profile, AWS_PROFILE). Without an account, try LocalLambda (--local)."
    ),
    "NoRegionError": (
        "Give region_name (--region), set AWS_DEFAULT_REGION, or put a line such as region = us-east-1 "
        "into the profile in ~/.aws/config."
    ),
    "ProfileNotFound": (
        "Check its name (profile_name, --profile, AWS_PROFILE): a section [profile NAME] of ~/.aws/config, "
        "or [NAME] of ~/.aws/credentials."
    ),
    "ProxyConnectionError": (
        "Check the proxy (HTTPS_PROXY, HTTP_PROXY, Config's proxies), or go without one (NO_PROXY)."
    ),
    "ResourceNotFoundException": (
        "Check the function's name, the region (region_name, --region), and that the credentials are of "
        "the function's account (profile_name, --profile)."
    ),
    "ResponseParserError": _ANSWERS,
    "SSLError": (
        "For an endpoint or a proxy with an authority of its own, name the file of its certificate (verify, "
        "--ca-bundle, AWS_CA_BUNDLE). One without TLS has a URL with http://."
    ),
    "SignatureDoesNotMatch": _WRONG_SIGNATURE,
    "UnknownOperationException": _ANSWERS,
    "UnrecognizedClientException": _UNKNOWN_KEY,
    NOT_LAMBDA: _ANSWERS,
    UNKNOWN_HOST: (
        "The host's name was not found. Check the region (region_name, --region) or the endpoint URL for a "
        "mistake, and the network; where a proxy has to be used, set HTTPS_PROXY."
    ),
}
