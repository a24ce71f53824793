"""The types of the arguments `config` and `credentials`. Only annotations use them: see `_typing`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Union

from botocore.config import Config as BotocoreConfig
from botocore.credentials import Credentials

from .config import Config

ConfigArgument = Union[Config, BotocoreConfig]
CredentialsArgument = Union[Credentials, Callable[[], Credentials | None]]
