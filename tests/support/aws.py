"""The services that give credentials, on 127.0.0.1, and the environments and files that lead to them.

STS, SSO's portal and its OIDC service, the sign-in of `aws login`, a container's endpoint and an instance's
metadata are one server here: their paths and bodies tell them apart.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import socket
import struct
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from botocore.credentials import Credentials
from faulty import Answer, End, respond

ID = "AKIDEXAMPLE"
SECRET = "Hidden/Secret+Key"
TOKEN = "Hidden/Session+Token=="
BASE_SECRET = "Hidden/Base+Secret"
WEB_TOKEN = "Hidden.Web.Token"
CONTAINER_TOKEN = "Hidden-Container-Token"
SSO_TOKEN = "Hidden-Sso-Access-Token"
REFRESH_TOKEN = "Hidden-Refresh-Token"
CLIENT_SECRET = "Hidden-Client-Secret"
PRIVATE_KEY = "SGlkZGVuLURwb3AtS2V5"
EXPIRATION = "2099-01-01T00:00:00Z"
LONG_AGO = "2001-01-01T00:00:00Z"

ROLE_ARN = "arn:aws:iam::123456789012:role/lister"
START_URL = "https://sign-on.example/start"
_METADATA = "/latest/meta-data/iam/security-credentials/"


@dataclass(frozen=True)
class Asked:
    """A request, as the services were sent it; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: str
    raw: bytes

    @property
    def service(self) -> str:
        if self.path == "/":
            return "sts"
        if self.path.startswith("/federation/"):
            return "sso"
        if self.path == "/token":
            return "oidc"
        if self.path.startswith("/v1/token"):
            return "signin"
        return "instance" if self.path.startswith("/latest/") else "container"


class AWS:
    """Answers until it is closed.

    access_key, expiration: of the credentials that it gives. broken: changes an answer, status and body.
    fault: answers a request whose right body is given, in its place.
    answering: cleared, it makes requests wait; `came` is set by each.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.access_key = ID
        self.expiration = EXPIRATION
        self.broken: Callable[[int, str], tuple[int, str]] = lambda status, body: (status, body)
        self.fault: Callable[[bytes], Answer] | None = None
        self.answering, self.came = threading.Event(), threading.Event()
        self.answering.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._open: set[socket.socket] = set()
        self._closed = False
        self._threads[0].start()

    @property
    def requests(self) -> list[bytes]:
        return [asked.raw for asked in self.asked]

    def count(self, service: str) -> int:
        return sum(asked.service == service for asked in self.asked)

    def right_body(self, asked: Asked) -> tuple[int, str]:
        if asked.path == "/latest/api/token":
            return 200, "session"
        if asked.path == _METADATA:
            return 200, "lister"
        answer = {
            "sts": self._sts,
            "sso": self._sso,
            "oidc": self._oidc,
            "signin": self._sign_in,
        }.get(asked.service, self._container)
        return self.broken(200, answer(asked))

    def _sts(self, asked: Asked) -> str:
        action = parse_qs(asked.body)["Action"][0]
        return (
            f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>'
            f"<Credentials><AccessKeyId>{self.access_key}</AccessKeyId>"
            f"<SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>{TOKEN}</SessionToken>"
            f"<Expiration>{self.expiration}</Expiration></Credentials>"
            f"</{action}Result></{action}Response>"
        )

    def _sso(self, _: Asked) -> str:
        found = {"accessKeyId": self.access_key, "secretAccessKey": SECRET, "sessionToken": TOKEN}
        return json.dumps({"roleCredentials": {**found, "expiration": 4_070_908_800_000}})

    def _oidc(self, _: Asked) -> str:
        return json.dumps({"accessToken": SSO_TOKEN, "refreshToken": REFRESH_TOKEN, "expiresIn": 3600})

    def _sign_in(self, _: Asked) -> str:
        access = {"accessKeyId": self.access_key, "secretAccessKey": SECRET, "sessionToken": TOKEN}
        members = {"accessToken": access, "refreshToken": REFRESH_TOKEN, "expiresIn": 900}
        return json.dumps({**members, "tokenType": "urn:aws:params:oauth:token-type:access_token_sigv4"})

    def _container(self, _: Asked) -> str:
        found = {"AccessKeyId": self.access_key, "SecretAccessKey": SECRET, "Token": TOKEN}
        return json.dumps({**found, "Expiration": self.expiration})

    def close(self) -> None:
        self._closed = True
        self.answering.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        self._open.add(connection)
        end = End.CLOSED
        try:
            while asked := _read(connection):
                self.asked.append(asked)
                self.came.set()
                self.answering.wait()
                status, body = self.right_body(asked)
                answer = Answer([respond(body.encode(), status=f"{status} Whatever")])
                if self.fault is not None:
                    answer = self.fault(body.encode())
                end = answer.end
                for part in answer.parts:
                    if isinstance(part, bytes):
                        connection.sendall(part)
                    else:
                        threading.Event().wait(part)
                if end is End.HELD and not self._closed:
                    connection.recv(1)
                if end is not End.KEPT:
                    break
        except OSError:  # the client gave up
            pass
        finally:
            self._open.discard(connection)
            if end not in (End.KEPT, End.CLOSED, End.HELD):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()


def _read(connection: socket.socket) -> Asked | None:
    raw = b""
    while b"\r\n\r\n" not in raw:
        data = connection.recv(65536)
        if not data:
            return None
        raw += data
    head, _, body = raw.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = line.split(" ")
    headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in lines)}
    while len(body) < int(headers.get("content-length") or 0):
        body += connection.recv(65536)
    return Asked(method, path, headers, body.decode(), head + body)


class Home:
    """Where a client finds its credentials: a test's environment and its files.

    Each source of botocore's has a method here, which sets it up and may return arguments of the client.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, aws: AWS) -> None:
        self.folder = folder
        self.setenv = monkeypatch.setenv
        self.aws = aws
        # Where it is in this home; botocore looks that up as it is imported.
        self.sso_cache = folder / ".aws" / "sso" / "cache"
        for provider in "credentials.SSOProvider", "tokens.SSOTokenProvider":
            monkeypatch.setattr(f"botocore.{provider}._SSO_TOKEN_CACHE_DIR", str(self.sso_cache))
        monkeypatch.setattr("botocore.credentials.EC", _NoKey)
        self.prompts: list[str] = []
        self.prompt: Callable[[], str] = lambda: "123456"
        monkeypatch.setattr("getpass.getpass", self._getpass)
        self.setenv("AWS_LOGIN_CACHE_DIRECTORY", str(folder / "login-cache"))

    def _getpass(self, prompt: str) -> str:
        self.prompts.append(prompt)
        return self.prompt()

    def write(self, text: str, variable: str = "AWS_CONFIG_FILE") -> None:
        file = self.folder / variable.lower()
        file.write_bytes(text.encode(errors="surrogateescape"))
        self.setenv(variable, str(file))

    def keys(self, source: str, *, secret: str = SECRET, token: str = TOKEN) -> dict[str, Any]:
        """A client's arguments, with which it finds its keys there."""
        for service in "STS", "SSO", "SSO_OIDC", "SIGNIN":
            self.setenv(f"AWS_ENDPOINT_URL_{service}", self.aws.url)
        none: dict[str, Any] = {"aws_access_key_id": None, "aws_secret_access_key": None}
        return {**none, **(getattr(self, source.replace(" ", "_"))(secret, token) or {})}

    def arguments(self, secret: str, token: str) -> dict[str, Any]:
        return {"aws_access_key_id": ID, "aws_secret_access_key": secret, "aws_session_token": token}

    def environment(self, secret: str, token: str) -> None:
        self.setenv("AWS_ACCESS_KEY_ID", ID)
        self.setenv("AWS_SECRET_ACCESS_KEY", secret)
        self.setenv("AWS_SESSION_TOKEN", token)

    def expiring_environment(self, secret: str, token: str) -> None:
        self.environment(secret, token)
        self.setenv("AWS_CREDENTIAL_EXPIRATION", EXPIRATION)

    def profile(self, secret: str, token: str) -> None:
        text = (
            f"[default]\naws_access_key_id={ID}\naws_secret_access_key={secret}\naws_session_token={token}\n"
        )
        self.write(text, "AWS_SHARED_CREDENTIALS_FILE")

    def ec2_file(self, secret: str, _: str) -> None:
        (self.folder / "ec2").write_text(f"AWSAccessKeyId={ID}\nAWSSecretKey={secret}\n")
        self.setenv("AWS_CREDENTIAL_FILE", str(self.folder / "ec2"))

    def boto_config(self, secret: str, _: str) -> None:
        text = f"[Credentials]\naws_access_key_id={ID}\naws_secret_access_key={secret}\n"
        (self.folder / "boto").write_text(text)
        self.setenv("BOTO_CONFIG", str(self.folder / "boto"))

    def object(self, secret: str, token: str) -> dict[str, Any]:
        return {"credentials": Credentials(ID, secret, token)}

    def callable(self, secret: str, token: str) -> dict[str, Any]:
        return {"credentials": lambda: Credentials(ID, secret, token)}

    def process(self, secret: str, token: str) -> None:
        found = {"Version": 1, "AccessKeyId": ID, "SecretAccessKey": secret, "SessionToken": token}
        self.process_that(f"print({json.dumps(found)!r})")

    def process_that(self, does: str, profile: str = "default") -> None:
        """What it does is Python. Each run leaves a line in the file `runs`."""
        script = self.folder / "keys.py"
        count = f"print('', file=open({str(self.folder / 'runs')!r}, 'a'))"
        script.write_text(f"{count}\n{does}")
        self.write(f'[{profile}]\ncredential_process = "{sys.executable}" -I -S "{script}"')

    @property
    def process_runs(self) -> int:
        file = self.folder / "runs"
        return len(file.read_text().splitlines()) if file.exists() else 0

    def container(self, *_: str) -> None:
        self.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{self.aws.url}/keys")
        self.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", CONTAINER_TOKEN)

    def instance(self, *_: str) -> None:
        self.setenv("AWS_EC2_METADATA_DISABLED", "false")
        self.setenv("AWS_METADATA_SERVICE_TIMEOUT", "60")  # botocore gives up after a second
        self.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", self.aws.url)

    def role(self, *_: str, rest: str = "source_profile = base") -> dict[str, Any]:
        self.write(
            f"[profile role]\nrole_arn = {ROLE_ARN}\n{rest}\n"
            f"[profile base]\naws_access_key_id = AKBASE\naws_secret_access_key = {BASE_SECRET}\n"
        )
        return {"profile_name": "role"}

    def role_with_mfa(self, *_: str) -> dict[str, Any]:
        return self.role(rest="source_profile = base\nmfa_serial = arn:aws:iam::123456789012:mfa/me")

    def role_of_a_container(self, *_: str) -> dict[str, Any]:
        self.container()
        return self.role(rest="credential_source = EcsContainer")

    def web_identity(self, *_: str) -> None:
        (self.folder / "web-token").write_text(WEB_TOKEN)
        self.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(self.folder / "web-token"))
        self.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/web")

    def sso_without_a_session(self, *_: str) -> dict[str, Any]:
        self._cache(START_URL, {"startUrl": START_URL, "accessToken": SSO_TOKEN, "expiresAt": EXPIRATION})
        self.write(
            f"[profile sso]\nsso_start_url = {START_URL}\nsso_region = us-east-1\n"
            "sso_account_id = 123456789012\nsso_role_name = lister"
        )
        return {"profile_name": "sso"}

    def sso(self, *_: str, expires: str = EXPIRATION) -> dict[str, Any]:
        token = {"startUrl": START_URL, "accessToken": SSO_TOKEN, "expiresAt": expires, "clientId": "client"}
        secrets = {"clientSecret": CLIENT_SECRET, "refreshToken": REFRESH_TOKEN}
        self._cache("work", {**token, **secrets, "registrationExpiresAt": EXPIRATION})
        self.write(
            "[profile sso]\nsso_session = work\nsso_account_id = 123456789012\nsso_role_name = lister\n"
            f"[sso-session work]\nsso_start_url = {START_URL}\nsso_region = us-east-1\n"
        )
        return {"profile_name": "sso"}

    def sso_to_refresh(self, *_: str) -> dict[str, Any]:
        return self.sso(expires=LONG_AGO)

    def _cache(self, name: str, token: dict[str, str]) -> None:
        self.sso_cache.mkdir(parents=True, exist_ok=True)
        file = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
        (self.sso_cache / f"{file}.json").write_text(json.dumps(token))

    def login(self, *_: str) -> dict[str, Any]:
        session = "arn:aws:iam::123456789012:user/me"
        access = {"accessKeyId": ID, "secretAccessKey": SECRET, "sessionToken": TOKEN, "accountId": "1"}
        token = {
            "accessToken": {**access, "expiresAt": LONG_AGO},
            "refreshToken": REFRESH_TOKEN,
            "clientId": "client",
            "dpopKey": f"-----BEGIN EC PRIVATE KEY-----\n{PRIVATE_KEY}\n-----END EC PRIVATE KEY-----\n",
        }
        cache = self.folder / "login-cache"
        cache.mkdir(exist_ok=True)
        (cache / f"{hashlib.sha256(session.encode()).hexdigest()}.json").write_text(json.dumps(token))
        self.write(f"[profile login]\nlogin_session = {session}\n")
        return {"profile_name": "login"}


class _NoKey:
    """Stands for awscrt's elliptic curves, which `aws login` needs."""

    def __init__(self, der: bytes) -> None:
        self.der = der

    new_key_from_der_data = classmethod(lambda cls, der: cls(der))

    def get_public_coords(self) -> tuple[bytes, bytes]:
        return b"x", b"y"

    def sign(self, digest: bytes) -> bytes:
        return base64.b64encode(digest)

    @staticmethod
    def decode_der_signature_to_padded_pair(signature: bytes, pad_to: int) -> bytes:
        return signature[:pad_to]


FOUND_BY_THE_CHAIN = [
    "profile",
    "ec2 file",
    "boto config",
    "process",
    "container",
    "instance",
    "role",
    "role with mfa",
    "role of a container",
    "web identity",
    "sso",
    "sso without a session",
    "sso to refresh",
    "login",
]
ASKED_BY_HTTP = FOUND_BY_THE_CHAIN[FOUND_BY_THE_CHAIN.index("container") :]
SOURCES = ["arguments", "environment", "expiring environment", "object", "callable", *FOUND_BY_THE_CHAIN]
