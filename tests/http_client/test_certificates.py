"""Whose certificate counts: one of an authority that is trusted, for this host, today."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.x509.oid import NameOID

from connectors.errors import BackendUnavailable
from tests.http_client.back_end import open_back_end
from tests.http_client.conftest import Client, Clock

TODAY = datetime.now(UTC)
PEM = serialization.Encoding.PEM


def certificate(
    name: str, key: EllipticCurvePrivateKey, by: EllipticCurvePrivateKey, *, days: int = 2, is_authority: bool = False
) -> x509.Certificate:
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, "authority")]
    alternative = x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
    return (
        x509.CertificateBuilder()
        .subject_name(names[0])
        .issuer_name(names[1])
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(TODAY - timedelta(days=10))
        .not_valid_after(TODAY + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
        .sign(by, hashes.SHA256())
    )


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ssl.SSLContext]:
    """Make what a server speaks TLS with; SSL_CERT_FILE names the authority."""
    authority = generate_private_key(SECP256R1())
    trusted = tmp_path / "authority.pem"
    trusted.write_bytes(certificate("authority", authority, authority, is_authority=True).public_bytes(PEM))
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))

    def made(name: str = "127.0.0.1", *, days: int = 2, by_stranger: bool = False) -> ssl.SSLContext:
        key = generate_private_key(SECP256R1())
        by = generate_private_key(SECP256R1()) if by_stranger else authority
        private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file = tmp_path / "server.pem"
        file.write_bytes(certificate(name, key, by, days=days).public_bytes(PEM) + private)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file)
        return context

    return made


async def test_a_certificate_of_a_trusted_authority_counts(client: Client, tls: Callable[..., ssl.SSLContext]) -> None:
    async with open_back_end(tls()) as back_end:
        plants = client(back_end.url)

        assert await plants.get("/plants") == {"is": "well"}
        await plants.close()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"days": -1}, "certificate has expired"),
        ({"name": "10.0.0.8"}, "IP address mismatch"),
        ({"by_stranger": True}, "certificate"),
    ],
)
async def test_any_other_certificate_makes_the_back_end_unavailable_and_it_learns_nothing(
    client: Client, clock: Clock, tls: Callable[..., ssl.SSLContext], options: dict[str, object], reason: str
) -> None:
    async with open_back_end(tls(**options)) as back_end:
        plants = client(back_end.url)

        for call in (plants.get("/plants"), plants.post("/orders", {})):
            with pytest.raises(BackendUnavailable, match=f"no trusted connection.*{reason}") as raised:
                await call
            assert type(raised.value) is BackendUnavailable

        assert back_end.asked == []
        assert clock.pauses == []
        await plants.close()
