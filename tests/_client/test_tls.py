"""TLS contexts: shared by the clients that trust the same, and changed by none of them."""

from __future__ import annotations

import os
import shutil
import ssl
from pathlib import Path
from typing import Any

import certifi
import httpx
import pytest

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs import _fork
from lambda_event_invoke_configs._client import tls
from lambda_event_invoke_configs._client.tls import tls_context

CONFIG = eic.Config()


@pytest.fixture(autouse=True)
def _without_those_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "_contexts", tls._Contexts())


def contexts_of(*clients: Any) -> set[ssl.SSLContext]:
    return {client._transport._options["verify"] for client in clients}


def test_clients_that_trust_the_same_share_a_context(certificates: Any) -> None:
    for options in ({}, {"verify": certificates.authority}, {"endpoint_url": "http://localhost"}):
        assert len(contexts_of(*(eic.Client("us-east-1", **options) for _ in range(2)))) == 1


def test_the_sync_and_the_async_client_share_it_too() -> None:
    assert len(contexts_of(eic.Client("us-east-1"), eic.AsyncClient("eu-west-1"))) == 1


def test_each_way_to_verify_has_a_context_of_its_own(certificates: Any) -> None:
    """The path of certifi's file is not `True`: who names a file does without the strict checks."""
    ways = (True, False, None, certificates.authority, certifi.where())
    assert len({tls_context(CONFIG, verify) for verify in ways}) == len(ways)


def test_a_client_certificate_has_a_context_to_itself(certificates: Any) -> None:
    config = eic.Config(client_cert=certificates.certificate_and_key)
    made = [tls_context(each, certificates.authority) for each in (config, config, CONFIG)]
    assert len({*made}) == 3


def test_a_bundle_that_was_rewritten_is_loaded_again(certificates: Any, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    shutil.copy(certificates.authority, bundle)
    first = tls_context(CONFIG, str(bundle))
    written = bundle.stat().st_mtime_ns
    bundle.write_bytes(bundle.read_bytes() + Path(certificates.certificate).read_bytes())
    os.utime(bundle, ns=(written, written))
    longer = tls_context(CONFIG, str(bundle))
    os.utime(bundle, ns=(written, written + 1))
    assert len({first, longer, tls_context(CONFIG, str(bundle))}) == 3


def test_a_key_log_that_is_asked_for_later_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert tls_context(CONFIG, True).keylog_filename is None
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    assert tls_context(CONFIG, True).keylog_filename == str(tmp_path / "keys")


def test_another_class_of_contexts_is_used_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """As truststore puts in its place."""

    class Context(ssl.SSLContext):
        pass

    assert type(tls_context(CONFIG, None)) is ssl.SSLContext
    monkeypatch.setattr(ssl, "SSLContext", Context)
    assert type(tls_context(CONFIG, None)) is Context


def test_a_forked_process_makes_its_own() -> None:
    before = tls_context(CONFIG, True)
    assert tls._contexts in _fork._registered
    tls._contexts.reset()
    assert tls_context(CONFIG, True) is not before


def test_a_transport_of_the_users_has_what_the_user_gave_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "_load", None)
    with httpx.HTTPTransport(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)) as transport:
        assert eic.Client("us-east-1", transport=transport)._transport is transport


def test_no_handshake_changes_the_protocols_of_a_shared_context(certificates: Any) -> None:
    """httpcore sets them for each, while another thread may be making a connection."""
    context = tls_context(CONFIG, certificates.authority)
    context.set_alpn_protocols(["h2"])
    assert negotiated(context, certificates.server) == "http/1.1"


def negotiated(client_context: ssl.SSLContext, server_context: ssl.SSLContext) -> str | None:
    """The protocol that a client and a server with these contexts agree on."""
    server_context.set_alpn_protocols(["h2", "http/1.1"])
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname="localhost")
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return client.selected_alpn_protocol()
