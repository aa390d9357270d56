"""A model on another machine is reached over TLS that somebody vouches for, or not at all."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from strongroom.errors import ModelUnanswered
from strongroom.inference.endpoint import Endpoint
from strongroom.inference.memory import completion
from strongroom.inference.secret import Secret
from strongroom.model_settings import LanguageModel

KEY = "sk-tls-0123456789"
ANSWER = completion('{"choices": []}')


def ask(port: int, seconds: int = 10) -> tuple[bytes | ModelUnanswered, list[bytes]]:
    told: list[bytes] = []
    endpoint = Endpoint(LanguageModel(f"https://localhost:{port}/v1", "far", seconds, 10), Secret(KEY))
    try:
        return endpoint.ask([("user", "hello")], {"type": "object"}, told.append), told
    except ModelUnanswered as error:
        return error, told


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that signs itself, with its key in the same file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    signed = built.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(
        key, hashes.SHA256()
    )
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(pem + signed.public_bytes(serialization.Encoding.PEM))
    return path


@contextmanager
def https(certificate: Path) -> Iterator[tuple[int, list[dict[str, str]]]]:
    """A model behind that certificate: its port, and the headers of all it was asked."""
    heard: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            heard.append(dict(self.headers))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(ANSWER)))
            self.end_headers()
            self.wfile.write(ANSWER)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with _Quiet(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port, heard
        server.shutdown()
        thread.join()


class _Quiet(HTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that refuse the certificate leave in the middle."""


def test_a_certificate_that_nobody_vouches_for_gets_neither_prompt_nor_key(certificate: Path) -> None:
    with https(certificate) as (port, heard):
        answer, _ = ask(port)
    assert isinstance(answer, ModelUnanswered) and answer.why == "ConnectError"
    assert heard == []


def test_the_environment_does_not_choose_whom_to_trust(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(certificate))
    monkeypatch.setenv("SSL_CERT_DIR", str(certificate.parent))
    with https(certificate) as (port, heard):
        answer, _ = ask(port)
    assert isinstance(answer, ModelUnanswered) and heard == []


def test_a_machine_that_trusts_the_certificate_is_answered(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is the trust that was missing above."""
    trusting = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr("httpcore2.default_ssl_context", lambda **_: trusting)
    with https(certificate) as (port, heard):
        answer, _ = ask(port)
    assert answer == ANSWER
    assert [each["authorization"] for each in heard] == [f"Bearer {KEY}"]


def test_a_handshake_that_never_comes_is_waited_for_no_longer_than_an_answer() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as mute:
        begun = time.monotonic()
        answer, _ = ask(mute.getsockname()[1], seconds=1)
    assert isinstance(answer, ModelUnanswered) and answer.why == "no whole answer within 1 s"
    assert time.monotonic() - begun < 10
