"""The way to a provider is encrypted, leads to whom its certificate names, and through the place's proxy."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dispatch.ports import ProviderUnavailableError
from tests.contract.providers import PROVIDERS, Make, call_request
from tests.contract.scripted_peer import ScriptedPeer, scripted_peer
from tests.fakes.listening import listening

HOOKS = "https://911.puskesmas.example/telephony"
NURSE = "+628110000001"
TIMEOUT_S = 5.0
CREATED = (201, json.dumps({"sid": "CA" + "1" * 32, "status": "queued"}))


@pytest.fixture(params=PROVIDERS)
def make(request: pytest.FixtureRequest) -> Make:
    return PROVIDERS[str(request.param)]


@pytest.fixture(autouse=True)
def nothing_said_by_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
        "requests_ca_bundle",
        "curl_ca_bundle",
    ):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for this machine that vouches for itself, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "localhost.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.fixture
def peer(certificate: Path) -> Iterator[ScriptedPeer]:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    with scripted_peer(tls=tls) as running:
        running.does = CREATED
        yield running


def test_whom_the_authorities_of_this_machine_vouch_for_is_asked(
    make: Make, peer: ScriptedPeer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    provider = make(peer.base, TIMEOUT_S)
    for _ in range(2):
        assert provider.place_call(call_request(HOOKS, NURSE)).provider_sid == "CA" + "1" * 32
    assert [asked.authorization[:6] for asked in peer.asked] == ["Basic ", "Basic "]


def test_whom_nobody_vouches_for_learns_nothing_and_the_next_provider_is_asked(
    make: Make, peer: ScriptedPeer
) -> None:
    with pytest.raises(ProviderUnavailableError):
        make(peer.base, TIMEOUT_S).place_call(call_request(HOOKS, NURSE))
    assert peer.asked == []


def test_whom_a_certificate_does_not_name_learns_nothing(
    make: Make, peer: ScriptedPeer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with pytest.raises(ProviderUnavailableError):
        make(peer.base.replace("localhost", "127.0.0.1"), TIMEOUT_S).place_call(call_request(HOOKS, NURSE))
    assert peer.asked == []


@pytest.mark.parametrize("words", [None, "", "no certificate at all"])
def test_certificates_that_cannot_be_used_are_no_outcome(
    make: Make, peer: ScriptedPeer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str | None
) -> None:
    file = tmp_path / "authorities.pem"
    if words is not None:
        file.write_text(words)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))
    with pytest.raises(ProviderUnavailableError):
        make(peer.base, TIMEOUT_S).place_call(call_request(HOOKS, NURSE))
    assert peer.asked == []


def test_a_proxy_passes_on_what_it_cannot_read(
    make: Make, peer: ScriptedPeer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with _proxy() as proxy:
        monkeypatch.setenv("https_proxy", proxy.base.replace("http://", "http://house:secret@"))
        make(peer.base, TIMEOUT_S).place_call(call_request(HOOKS, NURSE))
    assert proxy.tunnels == [(peer.base.removeprefix("https://"), "Basic aG91c2U6c2VjcmV0")]
    (asked,) = peer.asked
    assert asked.target.startswith("/2010-04-01/Accounts/")
    assert asked.to_proxy == "", "who we are to the proxy is nothing to the provider"


@pytest.mark.parametrize("status", [403, 407, 502])
def test_a_proxy_that_does_not_connect_us_has_passed_nothing_on(
    make: Make, peer: ScriptedPeer, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    with _proxy(refuses=status) as proxy:
        monkeypatch.setenv("https_proxy", proxy.base)
        with pytest.raises(ProviderUnavailableError):
            make(peer.base, TIMEOUT_S).place_call(call_request(HOOKS, NURSE))
    assert peer.asked == []


@dataclass(slots=True)
class _Proxy:
    """Where it listens, and what it was asked to connect to by whom."""

    base: str = ""
    refuses: int | None = None
    tunnels: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def _proxy(refuses: int | None = None) -> Iterator[_Proxy]:
    proxy = _Proxy(refuses=refuses)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _tunnelling(proxy))
    proxy.base = f"http://127.0.0.1:{server.server_address[1]}"
    with listening(server):
        yield proxy


def _tunnelling(proxy: _Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            proxy.tunnels.append((self.path, self.headers.get("Proxy-Authorization") or ""))
            if proxy.refuses is not None:
                self.send_error(proxy.refuses)
                return
            host, _, port = self.path.rpartition(":")
            with socket.create_connection((host, int(port))) as there:
                self.send_response(200)
                self.end_headers()
                back = threading.Thread(target=_pass_on, args=(there, self.connection))
                back.start()
                _pass_on(self.connection, there)
                back.join()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def _pass_on(source: socket.socket, to: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)
