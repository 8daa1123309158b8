"""The shipped broker configuration: a certificate opens the door, and its common name is the node's name."""

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shared.acl import NodeAccess, acl_text
from shared.node.link import Link, LinkSettings
from shared.protocol import facts_topic
from tests.loop import in_loop, until
from tests.shared.broker import Client, broker, free_port, needs_mosquitto

SHIPPED = Path(__file__).parents[2] / "config" / "broker" / "mosquitto.conf"
LOOPBACK = IPv4Address("127.0.0.1")
LONG_AGO, FAR_OFF = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class Authority:
    """A certificate authority in a folder. Certificates begin in 2000: the clock of a dead battery is still within."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self.folder = folder
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.file = folder / f"{name}.crt"
        self._write(self.file, self._sign(name, self._key.public_key(), is_ca=True))

    def issue(self, name: str) -> tuple[Path, Path]:
        """Certificate and key file for a common name."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate, secret = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        self._write(certificate, self._sign(name, key.public_key(), is_ca=False))
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificate, secret

    def context(self, name: str | None) -> ssl.SSLContext:
        """What a client trusts and, with a name, shows."""
        context = ssl.create_default_context(cafile=str(self.file))
        context.check_hostname = False
        if name is not None:
            context.load_cert_chain(*map(str, self.issue(name)))
        return context

    def _sign(self, name: str, key: ec.EllipticCurvePublicKey, *, is_ca: bool) -> x509.Certificate:
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(LONG_AGO)
            .not_valid_after(FAR_OFF)
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(LOOPBACK)]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )

    @staticmethod
    def _write(file: Path, certificate: x509.Certificate) -> None:
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[int, Authority]]:
    """The shipped configuration on a free port of the loopback address, with an authority of its own."""
    port, authority = free_port(), Authority(tmp_path)
    authority.issue("server")
    acl = tmp_path / "acl"
    acl.write_text(acl_text([NodeAccess("b1", "CKHN")]), encoding="utf-8")
    acl.chmod(0o600)
    text = SHIPPED.read_text(encoding="utf-8")
    text = text.replace("listener 8883", f"listener {port} 127.0.0.1")
    with broker(tmp_path, text.replace("/etc/barie/broker", str(tmp_path)), port):
        yield port, authority


@needs_mosquitto
def test_the_common_name_of_the_certificate_is_the_name_of_the_node(site: tuple[int, Authority]) -> None:
    port, authority = site
    client = Client(port, "whatever", tls=authority.context("b1"))
    assert client.publish(facts_topic("CKHN", "b1")) == 16
    assert client.publish(facts_topic("CKHN", "b2")) == 135
    client.close()


@needs_mosquitto
@pytest.mark.parametrize("signed_by", [None, "another"])
def test_nobody_comes_in_without_a_certificate_of_the_authority(
    site: tuple[int, Authority], tmp_path: Path, signed_by: str | None
) -> None:
    port, authority = site
    context = authority.context(None)
    if signed_by is not None:
        stranger = Authority(tmp_path / ".", signed_by)
        context.load_cert_chain(*map(str, stranger.issue("b1")))
    with pytest.raises((ssl.SSLError, ConnectionError, TimeoutError)):
        _knock(port, context)


@needs_mosquitto
@in_loop
async def test_the_link_of_a_node_comes_in_by_its_certificate_alone(site: tuple[int, Authority]) -> None:
    port, authority = site
    certificate, key = authority.issue("b1")
    link = Link(LinkSettings("127.0.0.1", port, ca=authority.file, certificate=certificate, key=key), "b1")
    link.start()
    try:
        await until(lambda: link.connected, "the link is up", 10)
        assert await link.publish(facts_topic("CKHN", "b1"), b"{}")
        assert not await link.publish(facts_topic("CKHN", "b2"), b"{}")
    finally:
        await link.stop()


@needs_mosquitto
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # paho leaves this socket to the collector
@in_loop
async def test_the_link_does_not_talk_to_a_broker_of_another_authority(site: tuple[int, Authority]) -> None:
    port, authority = site
    (authority.folder / "elsewhere").mkdir()
    other = Authority(authority.folder / "elsewhere")
    certificate, key = authority.issue("b1")
    link = Link(LinkSettings("127.0.0.1", port, ca=other.file, certificate=certificate, key=key), "b1")
    link.start()
    try:
        await until(lambda: link.error is not None, "the link says why", 10)
        assert "certificate verify failed" in str(link.error)
        assert not link.connected
    finally:
        await link.stop()


def _knock(port: int, context: ssl.SSLContext) -> None:
    """Shakes hands and reads one byte: TLS 1.3 tells a client of its refusal only then."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as raw,
        context.wrap_socket(raw) as secured,
    ):
        if not secured.recv(1):
            raise ConnectionError("closed by the broker")
