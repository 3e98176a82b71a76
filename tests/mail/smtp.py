"""A real mail server in this process, on a port of 127.0.0.1, that can be made to misbehave."""

import asyncio
import email
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

USER, PASSWORD = "portal", "hunter2"


@dataclass
class MailServer:
    """What the server does with mails, and those it has taken."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    """Of every mail for which somebody tried, taken or not."""
    refuses: dict[str, str] = field(default_factory=dict)
    """What is answered to mails for somebody, such as ``550 unknown``; ``*`` for everybody."""
    hangs: bool = False
    """Whether nothing is answered to a mail."""
    hangs_up: bool = False
    """Whether the connection is cut after a mail was taken, before that is said."""
    at_once: int = 0
    most_at_once: int = 0

    @property
    def message_ids(self) -> list[str]:
        """The Message-ID of each mail that was taken, in their order."""
        return [str(mail["Message-ID"]) for mail in self.mails]

    async def handle_RCPT(  # noqa: N802 - aiosmtpd looks for this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take the recipient, or refuse it."""
        self.recipients.append(address)
        if refusal := self.refuses.get(address, self.refuses.get("*")):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - the same
        """Take the mail."""
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(600 if self.hangs else 0.01)
            content = envelope.original_content
            assert content is not None
            mail: Any = email.message_from_bytes(content, policy=default)
            self.mails.append(mail)
            if self.hangs_up:
                assert server.transport is not None
                server.transport.abort()
            return "250 OK"
        finally:
            self.at_once -= 1

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        """Let in whoever knows the password."""
        is_right = isinstance(data, LoginPassword) and data == LoginPassword(USER.encode(), PASSWORD.encode())
        return AuthResult(success=is_right, handled=False)


@asynccontextmanager
async def mail_server(
    security: Literal["plain", "starttls", "tls"] = "plain", folder: Path | None = None, port: int = 0
) -> AsyncIterator[MailServer]:
    """Run a mail server; one with encryption, whose certificate is put into the folder, asks for the password."""
    server = MailServer()
    encryption = certificate_in(folder) if folder is not None else None

    def protocol() -> SMTP:
        with warnings.catch_warnings(action="ignore"):  # it takes a connection that begins with TLS for an open one
            return SMTP(
                server,
                hostname="mail.example",
                tls_context=encryption if security == "starttls" else None,
                require_starttls=security == "starttls",
                auth_required=security != "plain",
                auth_require_tls=security == "starttls",
                authenticator=server.authenticate,
            )

    listening = await asyncio.get_running_loop().create_server(
        protocol, "127.0.0.1", port, ssl=encryption if security == "tls" else None
    )
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


def certificate_in(folder: Path, host: str = "localhost", *, is_expired: bool = False) -> ssl.SSLContext:
    """Make a certificate for a host, put it into the folder as ``certificate.pem``, and return the server's side."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "expired" if is_expired else host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=-1 if is_expired else 1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context
