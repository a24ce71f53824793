"""Whose credentials a client signs with: the identity, and botocore's provider chain for it.

An identity is what boto3 settles when a session makes its first client: a profile, the shared files, and the
environment's variables for credentials. It is settled here when the client is made, for two reasons:

1. Region, endpoint and retries are settled then. A program that sets `AWS_PROFILE`, makes a client, and sets
   `AWS_PROFILE` again for the next one must not sign with the second profile's credentials in the first
   profile's region. Nothing would fail; the answer would come from another account.
2. Clients of one identity share one source of credentials (`credentials.py`), so there must be something to
   compare.

Finding the credentials of an identity is I/O: files, programs, HTTP requests, prompts. That waits for the
first request. The paths of the shared files belong to the identity, with their state on disk (time and size):
a client that is made after a tool has rewritten them has another identity, and reads them again.

`botocore.session` reads `os.environ` when it looks something up, and so do several of its providers. So the
session is given the environment as values, by its documented `session_vars`, and the providers are made here,
with the environment as the argument that they take for it, in the order of `create_credential_resolver` (a
test compares the two). Only the endpoint of STS and the proxies are still looked up by botocore itself on the
first request, as in a boto3 session, which makes its STS client then.

What is not part of an identity is the region. A role's temporary credentials are valid in all regions of a
partition, whichever of them STS was asked in, and a listing in ten regions must prompt for one MFA code. So
the partition is part of it, and STS is asked in the region of the client that was made first, as in a boto3
session.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..exceptions import NoCredentialsError, ProfileNotFound
from .endpoint import partition_of
from .redaction import redacted

if TYPE_CHECKING:
    from botocore.credentials import CredentialProvider, Credentials
    from botocore.session import Session

_PROFILE_VARIABLES = ("AWS_DEFAULT_PROFILE", "AWS_PROFILE")
_CONFIG_VARIABLE = "AWS_CONFIG_FILE"
_CREDENTIALS_VARIABLE = "AWS_SHARED_CREDENTIALS_FILE"
# Settled under another name, or no part of an identity.
_LEFT_OUT = frozenset(
    [*_PROFILE_VARIABLES, _CONFIG_VARIABLE, _CREDENTIALS_VARIABLE, "AWS_DEFAULT_REGION", "AWS_REGION"]
)
_WEB_IDENTITY = {
    "web_identity_token_file": "AWS_WEB_IDENTITY_TOKEN_FILE",
    "role_session_name": "AWS_ROLE_SESSION_NAME",
    "role_arn": "AWS_ROLE_ARN",
}
_REFRESH_WINDOW = 15 * 60  # seconds; botocore's, for an instance's credentials


class File(NamedTuple):
    """A path, and the state of the file there: its time in nanoseconds, and its size in bytes."""

    path: str
    state: tuple[int, int] | None


class Identity:
    """Whose credentials are meant. Equal identities have the same credentials. Not to be changed.

    profile: by argument, else the environment's; None for `default`, which need not exist.
    by_argument: a profile named by argument wins over the environment's credentials.
    environ: the variables of the environment that botocore's providers may look up.
    """

    # Not a tuple: the environment may hold a secret key.
    __slots__ = ("by_argument", "config_file", "credentials_file", "environ", "partition", "profile")

    def __init__(
        self,
        *,
        profile: str | None,
        by_argument: bool,
        config_file: File,
        credentials_file: File,
        partition: str,
        environ: frozenset[tuple[str, str]],
    ) -> None:
        self.profile = profile
        self.by_argument = by_argument
        self.config_file = config_file
        self.credentials_file = credentials_file
        self.partition = partition
        self.environ = environ

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    def __hash__(self) -> int:
        return hash((self.profile, self.config_file, self.credentials_file, self.environ))


def identify(profile_name: str | None, region: str, environ: Mapping[str, str]) -> Identity:
    """The identity that the argument and the environment name now."""
    config_file, credentials_file = shared_files(environ)
    return Identity(
        profile=profile_name or profile_of(environ),
        by_argument=bool(profile_name),
        config_file=_file(config_file),
        credentials_file=_file(credentials_file),
        partition=partition_of(region).name,
        environ=frozenset(
            (name, value)
            for name, value in environ.items()
            # A variable that is set to nothing is not set.
            if value and name.startswith(("AWS_", "BOTO_")) and name not in _LEFT_OUT
        ),
    )


def profile_of(environ: Mapping[str, str]) -> str | None:
    """The profile that the environment names."""
    return next((environ[name] for name in _PROFILE_VARIABLES if environ.get(name)), None)


def shared_files(environ: Mapping[str, str]) -> tuple[str, str]:
    """Absolute paths of the config file and of the credentials file, which need not exist."""
    return (
        _path(environ.get(_CONFIG_VARIABLE) or "~/.aws/config"),
        _path(environ.get(_CREDENTIALS_VARIABLE) or "~/.aws/credentials"),
    )


def _path(path: str) -> str:
    # Absolute: home and working directory may be others on the first request.
    return os.path.abspath(os.path.expanduser(os.path.expandvars(path)))


def _file(path: str) -> File:
    try:
        found = os.stat(path)
    except (OSError, ValueError):  # not there, or a path that no file can have
        return File(path, None)
    return File(path, (found.st_mtime_ns, found.st_size))


def load_credentials(identity: Identity, region: str) -> Credentials:
    """What the first of botocore's providers finds that finds something. Does I/O, unless that is put off.

    region: to ask STS in.

    Raises NoCredentialsError if none does, and what `redacted()` makes of their errors.
    """
    session = _session(identity, region)
    for provider in _providers(session, identity, region):
        try:
            found: Credentials | None = provider.load()
        except Exception as error:
            failed = redacted(error, provider.METHOD)
        else:
            if found is None:
                continue
            return found
        raise failed
    raise NoCredentialsError()


def _session(identity: Identity, region: str) -> Session:
    from botocore.session import Session

    environ = dict(identity.environ)

    def settled(key: Any, names: Any, default: Any, convert: Any) -> tuple[Any, Any, Any, Any]:
        names = [names] if isinstance(names, str) else names or []
        value = next((environ[name] for name in names if name in environ), None)
        return (key, None, default, convert) if value is None else (None, None, value, convert)

    variables = {name: settled(*looked_up) for name, looked_up in Session.SESSION_VARIABLES.items()}
    variables["config_file"] = (None, None, identity.config_file.path, None)
    variables["credentials_file"] = (None, None, identity.credentials_file.path, None)
    session = Session(variables, profile=identity.profile)
    session.set_config_variable("region", region)
    # Else the chain would go on to the machine's own role.
    if identity.profile is not None and identity.profile not in session.available_profiles:
        raise ProfileNotFound(profile=identity.profile)
    return session


def _providers(session: Session, identity: Identity, region: str) -> list[CredentialProvider]:
    """botocore's chain, except the environment's credentials where they were found already."""
    from getpass import getpass

    from botocore import credentials, utils

    environ = dict(identity.environ)
    profile_name = identity.profile or "default"
    cache: dict[str, Any] = {}

    def create_client(service_name: str, **arguments: Any) -> Any:
        return utils.create_nested_client(session, service_name, **{"region_name": region, **arguments})

    def config_with_environment() -> Mapping[str, Any]:
        # In this provider alone the environment is no argument; each of its variables wins over the
        # profile's.
        profile = dict(session.full_config["profiles"].get(profile_name, {}))
        profile |= {key: environ[name] for key, name in _WEB_IDENTITY.items() if name in environ}
        return {"profiles": {profile_name: profile}}

    container = credentials.ContainerProvider(environ)
    instance = credentials.InstanceMetadataProvider(
        utils.InstanceMetadataFetcher(
            timeout=session.get_config_variable("metadata_service_timeout"),
            num_attempts=session.get_config_variable("metadata_service_num_attempts"),
            user_agent=session.user_agent(),
            env=environ,
            config={
                "ec2_metadata_service_endpoint": session.get_config_variable("ec2_metadata_service_endpoint"),
                "ec2_metadata_service_endpoint_mode": utils.resolve_imds_endpoint_mode(session),
                "ec2_credential_refresh_window": _REFRESH_WINDOW,
                "ec2_metadata_v1_disabled": session.get_config_variable("ec2_metadata_v1_disabled"),
            },
        )
    )
    in_profiles = credentials.ProfileProviderBuilder(session, cache=cache, region_name=region)
    role = credentials.AssumeRoleProvider(
        load_config=lambda: session.full_config,
        client_creator=create_client,
        cache=cache,
        profile_name=profile_name,
        prompter=getpass,
        credential_sourcer=credentials.CanonicalNameCredentialSourcer(
            [credentials.EnvProvider(environ), container, instance]
        ),
        profile_provider_builder=in_profiles,
    )
    web_identity = credentials.AssumeRoleWithWebIdentityProvider(
        load_config=config_with_environment,
        client_creator=create_client,
        profile_name=profile_name,
        cache=cache,
        disable_env_vars=True,
    )
    return [
        role,
        *([] if identity.by_argument else [web_identity]),
        *in_profiles.providers(profile_name, disable_env_vars=True),
        credentials.OriginalEC2Provider(environ),
        credentials.BotoProvider(environ),
        container,
        instance,
    ]
