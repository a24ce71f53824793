"""The identity of a client, and botocore's provider chain for it.

An identity consists of a profile, the shared files and the credential variables of the environment. boto3
fixes the same values when a session creates its first client. Here, the constructor fixes them, for two
reasons:

1. It fixes the region, the endpoint and the retries too. A program may set `AWS_PROFILE`, create a client,
   and then set `AWS_PROFILE` again for the next client. The first client must not sign with the credentials
   of the second profile in the region of the first one. No error would occur, but the response would come
   from another account.
2. Clients with the same identity share one source of credentials (`credentials.py`), so identities must be
   comparable.

Loading the credentials of an identity requires I/O: files, programs, HTTP requests, prompts. This waits for
the first request. The identity includes the paths of the shared files and their state on disk (time and
size). A client that is created after a tool has rewritten a file has another identity and reads the file
again.

`botocore.session` reads `os.environ` at each lookup, and so do several of its providers. Therefore this
module passes the values of the environment to the session, through its documented `session_vars`. It creates
the providers itself, passes the environment as an argument, and uses the order of
`create_credential_resolver` (a test compares the two). On the first request, botocore still reads the STS
endpoint and the proxies from `os.environ`, as in a boto3 session, which creates its STS client at that
moment.

The region is not part of an identity, but the partition is. The temporary credentials of a role are valid in
all regions of a partition, and a listing in ten regions must ask for one MFA code only. STS is called in the
region of the client that was created first, as in a boto3 session.
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
# Part of the identity under another name, or not part of it.
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
    """A path, and the state of the file: modification time in nanoseconds, size in bytes."""

    path: str
    state: tuple[int, int] | None


class Identity:
    """The identity of a client. Equal identities have the same credentials.

    profile: from the argument or the environment; None for `default`, which may be missing.
    by_argument: whether it is an argument, which takes precedence over credentials in the environment.
    environ: the environment variables that botocore's providers may read.
    """

    # Not a tuple: the environment may contain the secret access key.
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
    """The identity for the argument and the current environment."""
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
            # Empty variables are treated as unset.
            if value and name.startswith(("AWS_", "BOTO_")) and name not in _LEFT_OUT
        ),
    )


def profile_of(environ: Mapping[str, str]) -> str | None:
    """The profile that the environment names."""
    return next((environ[name] for name in _PROFILE_VARIABLES if environ.get(name)), None)


def shared_files(environ: Mapping[str, str]) -> tuple[str, str]:
    """The absolute paths of the config file and the credentials file, which may be missing."""
    return (
        _path(environ.get(_CONFIG_VARIABLE) or "~/.aws/config"),
        _path(environ.get(_CREDENTIALS_VARIABLE) or "~/.aws/credentials"),
    )


def _path(path: str) -> str:
    # Absolute, because home and working directory may change before the first request.
    return os.path.abspath(os.path.expanduser(os.path.expandvars(path)))


def _file(path: str) -> File:
    try:
        found = os.stat(path)
    except (OSError, ValueError):  # missing, or an invalid path
        return File(path, None)
    return File(path, (found.st_mtime_ns, found.st_size))


def load_credentials(identity: Identity, region: str) -> Credentials:
    """Load the credentials from the first of botocore's providers that has any. Usually performs I/O.

    region: the region for STS.

    Raises NoCredentialsError if no provider has credentials, and the providers' errors after `redacted()`.
    """
    session = _session(identity, region)
    for provider in _providers(session, identity):
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
    # Otherwise the chain would continue to the role of the machine.
    if identity.profile is not None and identity.profile not in session.available_profiles:
        raise ProfileNotFound(profile=identity.profile)
    return session


def _providers(session: Session, identity: Identity) -> list[CredentialProvider]:
    """botocore's provider chain, without the credentials in the environment, which `credentials.py` reads."""
    from functools import partial
    from getpass import getpass

    from botocore import credentials, utils

    environ = dict(identity.environ)
    profile_name = identity.profile or "default"
    cache: dict[str, Any] = {}
    create_client = partial(utils.create_nested_client, session)

    def config_with_environment() -> Mapping[str, Any]:
        # Only this provider does not accept the environment as an argument. Its variables take precedence
        # over the profile.
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
    in_profiles = credentials.ProfileProviderBuilder(session, cache=cache)
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
