"""Keys that sign requests: fixed ones, and those of botocore's credentials, found once and kept fresh.

Temporary keys are refreshed by botocore before they expire, once, however many threads ask.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Union

from .exceptions import (
    BotocoreClientError,
    BotoCoreError,
    CredentialRetrievalError,
    InvalidConfigError,
    NoCredentialsError,
    remedied,
    without_frames,
)
from .forks import begin_anew
from .quiet import quiet

if TYPE_CHECKING:
    from botocore.credentials import Credentials

_HEADER_TEXT = re.compile(r"[!-~]+")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Keys:
    """What one request is signed with, under the names that botocore's signer reads."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(repr=False)


class FixedKeys:
    """Keys that stay the same, for which botocore.credentials, which takes long to load, is not needed."""

    def __init__(self, keys: Keys, source: str) -> None:
        self._keys = _checked(keys, source)

    def may_block(self) -> bool:
        return False

    def keys(self) -> Keys:
        return self._keys


class FoundKeys:
    """Keys of botocore's credentials, which are found on the first use and refreshed as they expire."""

    def __init__(self, load: Callable[[], Credentials | None], *, is_chain: bool = False) -> None:
        self._load = load
        self._is_chain = is_chain  # not the user's own, whose errors are the user's
        self._found: Any = None  # botocore's, or what has their get_frozen_credentials()
        self.begin()
        begin_anew(self)

    def begin(self) -> None:
        """Have nobody look for keys, nor refresh them."""
        self._lock = threading.Lock()
        if hasattr(self._found, "_refresh_lock"):  # botocore's, of credentials that expire
            self._found._refresh_lock = threading.Lock()

    def may_block(self) -> bool:
        """Whether `keys()` may do I/O now: nothing was found yet, or what was found is to be refreshed."""
        if self._found is None:
            return True
        from botocore.credentials import Credentials, RefreshableCredentials

        if isinstance(self._found, RefreshableCredentials):
            return bool(self._found.refresh_needed())
        return type(self._found) is not Credentials

    def keys(self) -> Keys:
        """The keys to sign with now. May do I/O and take long.

        Raises NoCredentialsError, PartialCredentialsError, CredentialRetrievalError or what else
        botocore's providers raise.
        """
        try:
            return _checked(self._fetched(), getattr(self._found, "method", None) or "explicit")
        except Exception as error:
            if not self._is_chain:
                raise
            failed: BaseException = _typed(error)
        except BaseException as error:  # Ctrl-C, in code of botocore's that has keys in its frames
            failed = without_frames(error)
        raise failed

    def _fetched(self) -> Keys:
        with quiet():
            with self._lock:
                if self._found is None:
                    self._found = self._load()
            if self._found is None:
                raise NoCredentialsError()
            return _thawed(self._found.get_frozen_credentials())


CredentialSource = Union[FixedKeys, FoundKeys]


def _thawed(frozen: Any) -> Keys:
    try:
        return Keys(frozen.access_key, frozen.secret_key, frozen.token or None)
    except AttributeError:
        kind = type(frozen).__name__
        del frozen  # the repr of botocore's tuple, or of what is there in its place, shows them
    raise InvalidConfigError(
        error_msg=f"Invalid value for credentials: get_frozen_credentials() returned {kind}, "
        "must have access_key, secret_key and token"
    )


def _typed(error: Exception) -> Exception:
    """What a provider of botocore's failed with, as one of botocore's errors.

    Of any other error only the kind is kept: the text may quote an answer that holds keys.
    """
    if not isinstance(error, (BotoCoreError, BotocoreClientError)):
        error = CredentialRetrievalError(
            provider="the credential chain",
            error_msg=f"what was found cannot be read ({type(error).__name__})",
        )
    return without_frames(remedied(error) if isinstance(error, BotoCoreError) else error)


def _checked(keys: Keys, source: str) -> Keys:
    if not keys.access_key or not keys.secret_key:
        raise NoCredentialsError()
    for name in ("access_key", "secret_key", "token"):
        if complaint := _complaint(name, getattr(keys, name)):
            raise CredentialRetrievalError(provider=source, error_msg=f"the {name} {complaint}")
    return keys


def _complaint(name: str, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        return "is no text"
    if name == "secret_key":
        return "is no text that UTF-8 can encode" if _SURROGATE.search(value) else None
    # The HTTP library would refuse it too, but with the whole value in its message.
    if not _HEADER_TEXT.fullmatch(value):
        return "has a character that no header may have, such as a line break"
    return None
