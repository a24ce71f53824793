"""A company's own certificate authority, which Python's strict checks refuse from 3.13 on."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from servers import Server

from lambda_event_invoke_configs._client import tls

Make = Callable[..., Any]
DAY = timedelta(days=1)


def certificate(name: str, issuer: tuple[str, Any] | None, key: Any) -> x509.CertificateBuilder:
    now = datetime.now(timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer[0] if issuer else name)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
    )


@pytest.fixture
def company(tmp_path: Path) -> tuple[str, ssl.SSLContext]:
    """A CA bundle whose authority has no key identifiers, and a server's context with its certificate."""
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca = (
        certificate("company", None, ca_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    leaf = (
        certificate("localhost", ("company", ca_key), key)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (tmp_path / "ca.pem").write_bytes(ca.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "server.pem").write_bytes(private + leaf.public_bytes(pem))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "server.pem")
    return str(tmp_path / "ca.pem"), context


@pytest.fixture(autouse=True)
def _strict_as_from_python_3_13_on(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    create = ssl.create_default_context

    def strict(*arguments: Any, **options: Any) -> ssl.SSLContext:
        context = create(*arguments, **options)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", strict)
    tls._contexts.reset()  # those that other tests have made are shared, and not strict on an older Python
    yield
    tls._contexts.reset()


@pytest.mark.parametrize("named", ["verify", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_an_authority_without_a_key_identifier_is_accepted_where_the_user_names_it(
    ours: Make, theirs: Make, start: Any, company: Any, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, context = company
    server = start(Server, context)
    if named != "verify":
        monkeypatch.setenv(named, bundle)
    for make in ours, theirs:
        client = make(f"https://localhost:{server.port}", verify=bundle if named == "verify" else None)
        assert client.list_function_event_invoke_configs(FunctionName="f")["FunctionEventInvokeConfigs"]


def test_the_authorities_that_the_user_does_not_name_are_checked_strictly() -> None:
    from lambda_event_invoke_configs._client.http import transport_options
    from lambda_event_invoke_configs._settings.resolve import resolve

    context = transport_options(resolve(region_name="us-east-1", environ={}))["verify"]
    assert context.verify_flags & ssl.VERIFY_X509_STRICT
