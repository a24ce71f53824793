"""TLS contexts, shared between the clients of a process.

Parsing certifi's certificates takes 14 ms, and a context with them takes 0.6 MB. Therefore clients without a
client certificate share a context if they trust the same certificates: the same `verify`, and a file in the
same state. Such a context contains nothing that belongs to one client: the host name to verify belongs to the
connection. A client certificate belongs to one client, which gets a separate context.
"""

from __future__ import annotations

import os
import ssl
from functools import lru_cache
from typing import Any

import httpx

from .._fork import reset_after_fork
from .._settings.config import Config, invalid_setting

_MAX_SHARED = 8
_PROTOCOLS = ["http/1.1"]


def tls_context(config: Config, verify: bool | str | None) -> ssl.SSLContext:
    """A context that trusts what `verify` says: certifi's certificates, a file's, or any certificate (False).

    None is for http://, which does not use the context; without a context, httpx would load certificates.

    Raises InvalidConfigError for a CA bundle or client certificate that cannot be loaded.
    """
    if verify is None or not config.client_cert:
        return _contexts.get(verify)
    context = _load(verify)
    cert = config.client_cert
    try:
        context.load_cert_chain(*([cert] if isinstance(cert, (str, os.PathLike)) else cert))
    except (OSError, TypeError, ValueError) as error:
        allowed = f"a PEM file, or (certificate, key): {error}"
        raise invalid_setting("client_cert", cert, allowed) from None
    return context


class _Contexts:
    """The shared contexts of this process.

    A forked process starts without any, because a handshake in another thread of the parent may hold a lock.
    """

    def __init__(self) -> None:
        self.reset()
        reset_after_fork(self)

    def reset(self) -> None:
        """Start without a context."""

        @lru_cache(maxsize=_MAX_SHARED)
        def load(verify: bool | str | None, *_: object) -> ssl.SSLContext:
            return _load(verify)

        self._load = load

    def get(self, verify: bool | str | None) -> ssl.SSLContext:
        try:
            found = os.stat(verify) if isinstance(verify, str) else None
        except (OSError, ValueError):
            return _load(verify)  # which says what is wrong with it
        state = (found.st_mtime_ns, found.st_size) if found else None
        # Python looks at the last two when it makes a context; a program may set them at any time.
        return self._load(verify, state, os.environ.get("SSLKEYLOGFILE"), ssl.SSLContext)


_contexts = _Contexts()


def _load(verify: bool | str | None) -> ssl.SSLContext:
    if verify is None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    elif isinstance(verify, bool):
        context = httpx.create_ssl_context(verify=verify, trust_env=False)
    else:
        try:
            context = ssl.create_default_context(cafile=verify)
            # Since version 3.13, Python rejects a certificate authority without a key identifier, as many
            # companies have. boto3 accepts it. A user who passes the file trusts it.
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        except (OSError, ValueError) as error:
            name = "verify (or --ca-bundle, AWS_CA_BUNDLE, ca_bundle)"
            raise invalid_setting(name, verify, f"a PEM file: {error}") from None
    # httpcore sets the same protocols before each handshake. That frees a string which the connection that
    # another thread is making may be reading at that moment.
    context.set_alpn_protocols(_PROTOCOLS)
    changeable: Any = context
    changeable.set_alpn_protocols = _unchanged
    return context


def _unchanged(_: list[str]) -> None:
    """Replaces `SSLContext.set_alpn_protocols()`."""
