"""Mails through a mail server, by SMTP: encrypted, with a password where there is one, and never waiting for ever."""

import asyncio
import ssl
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from time import monotonic

import aiosmtplib

from connectors.errors import AccessRefused, BackendTimeout, BackendUnavailable, reason_of
from connectors.mail.interface import BACKEND, MailRefused, MailServerAway, Message, check_message
from connectors.mail.server import MailServer, Security
from connectors.values import ascii_address

SECONDS = 20.0
"""How long handing over one mail may take, from connecting to the server's word that it has it."""

_ASK_AGAIN_AFTER = 30.0
"""Seconds for which it is believed that the server answers, or does not."""


class SmtpMailer:
    """Hands mails to a mail server; `Mailer` says what each method promises.

    `tls` replaces the certificates that the system trusts.
    """

    def __init__(self, server: MailServer, *, tls: ssl.SSLContext | None = None, seconds: float = SECONDS) -> None:
        self._server = server
        self._tls = tls or ssl.create_default_context()
        self._seconds = seconds
        self._is_up = True
        self._asked_at: float | None = None

    async def send(self, message: Message) -> None:
        """Hand the mail over on a connection of its own."""
        check_message(message)
        written = _written(message)
        is_connected = False
        try:
            async with asyncio.timeout(self._seconds):
                client = await self._connected()
                is_connected = True
                try:
                    await client.sendmail(ascii_address(message.sender), [ascii_address(message.to)], written)
                    await _quit(client)
                finally:
                    client.close()
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            if not is_connected:
                reason = reason_of(error)
                is_known = reason != type(error).__name__ and not isinstance(error, aiosmtplib.SMTPResponseException)
                raise MailServerAway(BACKEND, reason if is_known else _description(error)) from error
            raise _failure(error) from error

    async def forget(self, *, before: datetime) -> None:
        """Throw away nothing: whoever took the mails over has them."""

    async def healthy(self) -> bool:
        """Return whether the server greets us; its answer is believed for half a minute."""
        if self._asked_at is None or monotonic() - self._asked_at > _ASK_AGAIN_AFTER:
            self._asked_at = monotonic()
            try:
                await self.check(seconds=1.5)
                self._is_up = True
            except BackendUnavailable:
                self._is_up = False
        return self._is_up

    async def check(self, *, seconds: float) -> None:
        """Return when the server greets us within this time and lets us in.

        Raises:
            BackendUnavailable, AccessRefused: As they say.
        """
        try:
            async with asyncio.timeout(seconds):
                client = await self._connected()
                await _quit(client)
                client.close()
        except aiosmtplib.SMTPAuthenticationError as error:
            raise AccessRefused(BACKEND, _description(error)) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise BackendUnavailable(BACKEND, _description(error)) from error

    async def _connected(self) -> aiosmtplib.SMTP:
        server = self._server
        is_encrypted = server.security is not Security.NONE
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.security is Security.TLS,
            start_tls=server.security is Security.STARTTLS,
            tls_context=self._tls if is_encrypted else None,
            timeout=self._seconds,
        )
        try:
            await client.connect()
        except BaseException:
            client.close()
            raise
        return client


async def _quit(client: aiosmtplib.SMTP) -> None:
    """Say goodbye; what has been taken is taken, however the server hangs up."""
    try:
        async with asyncio.timeout(1):
            await client.quit()
    except (aiosmtplib.SMTPException, OSError, TimeoutError):
        pass


def _written(message: Message) -> bytes:
    """Return the mail as it goes over the wire.

    Raises:
        MailRefused: Something in it cannot stand in a header.
    """
    mail = EmailMessage(policy=SMTP_POLICY)
    try:
        mail["Message-ID"] = f"<{message.message_id}>"
        mail["Date"] = message.written_at
        mail["From"] = Address(message.sender_name, addr_spec=ascii_address(message.sender))
        mail["To"] = Address(addr_spec=ascii_address(message.to))
        mail["Subject"] = message.subject
        for name, value in message.headers.items():
            mail[name] = value
        mail.set_content(message.text, cte="quoted-printable")
        mail.add_alternative(message.html, subtype="html", cte="quoted-printable")
        mail["Content-Language"] = message.locale  # the content of a mail replaces such headers, so it comes first
        return mail.as_bytes()
    except (ValueError, UnicodeError) as error:
        raise MailRefused(BACKEND, f"the mail cannot be written: {type(error).__name__}") from error


def _failure(error: Exception) -> MailRefused | BackendUnavailable:
    """Return what the server's failure means: a wrong password is fixed by the operator, so the mail waits."""
    match error:
        case aiosmtplib.SMTPRecipientsRefused() if error.recipients:
            return _failure(error.recipients[0])
        case aiosmtplib.SMTPAuthenticationError() | aiosmtplib.SMTPConnectError() | aiosmtplib.SMTPHeloError():
            return BackendUnavailable(BACKEND, _description(error))
        case aiosmtplib.SMTPResponseException() if error.code in _NOT_ABOUT_THIS_MAIL:
            return BackendUnavailable(BACKEND, _description(error))
        case aiosmtplib.SMTPResponseException() if 500 <= error.code < 600:
            return MailRefused(BACKEND, _description(error))
        case TimeoutError():
            return BackendTimeout(BACKEND, "the mail server did not answer in time")
    return BackendUnavailable(BACKEND, _description(error))


_NOT_ABOUT_THIS_MAIL = (521, 530, 534, 535, 538)
"""No mail at all is taken here, or not without (another) authentication (RFC 7504, RFC 4954)."""


def _description(error: Exception) -> str:
    """Return what the server said, in one line."""
    code = f"{error.code} " if isinstance(error, aiosmtplib.SMTPResponseException) else ""
    text = error.message if isinstance(error, aiosmtplib.SMTPException) else str(error) or type(error).__name__
    why = f" {error.__cause__}" if isinstance(error.__cause__, OSError) else ""
    return f"{code}{' '.join(f'{text}{why}'.split())[:300]}"
