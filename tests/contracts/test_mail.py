"""Mails leave: through a real mail server, whatever it does, or into the local mailbox; never with a forged header."""

import asyncio
import smtplib
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from connectors.database.engine import AsyncEngine, open_database
from connectors.errors import BackendTimeout, BackendUnavailable
from connectors.mail.interface import Mailer, MailRefused, Message
from connectors.mail.mailbox import METADATA, Mailbox
from connectors.mail.migrations import MIGRATIONS
from connectors.mail.server import MailServer, Security, mail_server
from connectors.mail.smtp import SmtpMailer
from tests.mail import smtp
from tests.servers import PATIENT, DatabaseKind, fresh_database

MESSAGE = Message(
    message_id="obx_1@portal.example",
    sender="noreply@portal.example",
    sender_name='Solar "Terminal" <é>',
    to="dina@helios.example",
    subject="Willkommen, Jürgen: schön!",
    text="Guten Tag\n\nhttps://portal.example/invitation#token=" + "x" * 43 + "\n.\nEnde\n",
    html="<p>Guten Tag, Jürgen</p>",
    locale="de",
    written_at=datetime(2026, 11, 21, 9, 0, tzinfo=UTC),
    headers={"Auto-Submitted": "auto-generated"},
)


def plain(port: int, seconds: float = 60) -> SmtpMailer:
    return SmtpMailer(MailServer("127.0.0.1", port, Security.NONE), seconds=seconds)


@pytest.fixture
async def mailbox_engine(database_kind: DatabaseKind) -> AsyncIterator[AsyncEngine]:
    """The mailbox's database of the test's own, migrated and empty."""
    async with fresh_database(database_kind, MIGRATIONS) as url:
        engine = open_database(url, PATIENT)
        yield engine
        await engine.dispose()


async def test_a_mail_to_an_international_domain_is_handed_over_in_ascii() -> None:
    async with smtp.mail_server() as server:
        await plain(server.port).send(replace(MESSAGE, to="dina@müller-solar.example"))

    (mail,) = server.mails
    assert server.recipients == ["dina@xn--mller-solar-thb.example"]
    assert mail["To"] == "dina@xn--mller-solar-thb.example"


async def test_a_mail_arrives_as_it_was_written() -> None:
    async with smtp.mail_server() as server:
        await plain(server.port).send(MESSAGE)

    (mail,) = server.mails
    assert server.recipients == ["dina@helios.example"]
    assert mail["Message-ID"] == "<obx_1@portal.example>"
    assert mail["From"].addresses[0].addr_spec == "noreply@portal.example"
    assert mail["From"].addresses[0].display_name == 'Solar "Terminal" <é>'
    assert mail["To"] == "dina@helios.example"
    assert mail["Subject"] == "Willkommen, Jürgen: schön!"
    assert mail["Date"].datetime == MESSAGE.written_at
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Language"] == "de"
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == MESSAGE.text
    assert html.get_content().strip() == MESSAGE.html


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_mail_leaves_encrypted_and_with_the_password(
    tmp_path: Path, security: Literal["starttls", "tls"]
) -> None:
    async with smtp.mail_server(security, tmp_path) as server:
        url = f"{'smtp' if security == 'starttls' else 'smtps'}://{smtp.USER}:{smtp.PASSWORD}@localhost:{server.port}"
        trusted = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))

        await SmtpMailer(mail_server(url), tls=trusted).send(MESSAGE)

    assert server.message_ids == ["<obx_1@portal.example>"]


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_nothing_leaves_to_a_server_that_cannot_prove_who_it_is(
    tmp_path: Path, security: Literal["starttls", "tls"]
) -> None:
    async with smtp.mail_server(security, tmp_path) as server:
        url = f"{'smtp' if security == 'starttls' else 'smtps'}://{smtp.USER}:{smtp.PASSWORD}@localhost:{server.port}"

        with pytest.raises(BackendUnavailable, match="certificate"):
            await SmtpMailer(mail_server(url)).send(MESSAGE)

    assert server.recipients == []


async def test_a_password_is_never_sent_to_a_server_without_encryption() -> None:
    async with smtp.mail_server() as server:
        with pytest.raises(BackendUnavailable, match="STARTTLS"):
            await SmtpMailer(mail_server(f"smtp://portal:hunter2@127.0.0.1:{server.port}")).send(MESSAGE)

    assert server.recipients == []


async def test_a_wrong_password_is_for_the_operator_to_fix_so_the_mail_waits(tmp_path: Path) -> None:
    async with smtp.mail_server("starttls", tmp_path) as server:
        trusted = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))

        with pytest.raises(BackendUnavailable, match="535") as failure:
            await SmtpMailer(mail_server(f"smtp://portal:wrong9@localhost:{server.port}"), tls=trusted).send(MESSAGE)

    assert "wrong9" not in str(failure.value)


@pytest.mark.parametrize(
    ("says", "failure"),
    [
        ("550 5.1.1 no such user", MailRefused),
        ("450 4.2.1 try again later", BackendUnavailable),
        ("530 5.7.0 authentication required", BackendUnavailable),
    ],
)
async def test_what_the_server_says_decides_whether_trying_again_helps(says: str, failure: type[Exception]) -> None:
    async with smtp.mail_server() as server:
        server.refuses["*"] = says

        with pytest.raises(failure, match=says[:3]) as raised:
            await plain(server.port).send(MESSAGE)

    assert type(raised.value) is failure
    assert server.mails == []


async def test_a_server_that_hangs_up_may_have_taken_the_mail() -> None:
    async with smtp.mail_server() as server:
        server.hangs_up = True

        with pytest.raises(BackendUnavailable):
            await plain(server.port).send(MESSAGE)

    assert server.message_ids == ["<obx_1@portal.example>"]


async def test_a_server_that_hangs_is_given_up_in_time() -> None:
    async with smtp.mail_server() as server:
        server.hangs = True

        async with asyncio.timeout(30):
            with pytest.raises(BackendTimeout):
                await plain(server.port, seconds=0.3).send(MESSAGE)


async def test_no_server_at_all_is_a_back_end_that_is_away() -> None:
    async with smtp.mail_server() as server:
        port = server.port

    with pytest.raises(BackendUnavailable):
        await plain(port).send(MESSAGE)
    assert not await plain(port).healthy()


async def test_health_asks_the_server_at_most_twice_a_minute() -> None:
    async with smtp.mail_server() as server:
        mailer = plain(server.port)
        assert await mailer.healthy()

    assert await mailer.healthy()  # which is believed, for nobody asks again yet
    assert not await plain(server.port).healthy()


@pytest.mark.parametrize(
    "forged",
    [
        {"to": "dina@helios.example\r\nBcc: all@helios.example"},
        {"to": "dina@helios.example, all@helios.example"},
        {"to": "Dina <dina@helios.example>"},
        {"to": "dina@helios.example>"},
        {"to": ""},
        {"to": "dína@helios.example"},
        {"to": f"{'d' * 250}@helios.example"},
        {"sender": "noreply@portal.example\nBcc: all@helios.example"},
        {"sender_name": "Portal\r\nBcc: all@helios.example"},
        {"subject": "Hello\nBcc: all@helios.example"},
        {"subject": "Hello\u2028Bcc: all@helios.example"},
        {"message_id": "obx_1@x>\r\nBcc: all@helios.example"},
        {"headers": {"X-A": "b\r\nBcc: all@helios.example"}},
        {"headers": {"X-A\r\nBcc": "all@helios.example"}},
        {"locale": "de\r\nBcc: all@helios.example"},
    ],
)
async def test_nothing_in_a_mail_becomes_another_header_or_recipient(forged: dict[str, Any]) -> None:
    async with smtp.mail_server() as server, fresh_database("sqlite", MIGRATIONS) as url:
        engine = open_database(url, PATIENT)
        mailers: list[Mailer] = [plain(server.port), Mailbox(engine)]

        for mailer in mailers:
            with pytest.raises(MailRefused):
                await mailer.send(replace(MESSAGE, **forged))

        assert server.recipients == []
        assert await Mailbox(engine).mails(limit=10) == []
        await engine.dispose()


async def test_the_mailbox_keeps_mails_newest_first_and_each_once(mailbox_engine: AsyncEngine) -> None:
    mailbox = Mailbox(mailbox_engine)
    second = replace(MESSAGE, message_id="obx_2@portal.example", to="jonas@helios.example")

    await mailbox.send(MESSAGE)
    await mailbox.send(second)
    await mailbox.send(MESSAGE)

    kept = await mailbox.mails(limit=10)
    assert [mail.message for mail in kept] == [second, MESSAGE]
    assert await mailbox.mails(limit=1) == kept[:1]
    assert await mailbox.mail(kept[1].id) == kept[1]
    assert await mailbox.mail("mal_x") is None
    assert await mailbox.healthy()


async def test_the_mailbox_forgets_old_mails(mailbox_engine: AsyncEngine) -> None:
    mailbox = Mailbox(mailbox_engine)
    await mailbox.send(MESSAGE)
    await mailbox.send(replace(MESSAGE, message_id="2@x", written_at=MESSAGE.written_at + timedelta(days=2)))

    await mailbox.forget(before=MESSAGE.written_at + timedelta(days=1))

    assert [mail.message.message_id for mail in await mailbox.mails(limit=10)] == ["2@x"]


async def test_the_migrations_make_exactly_the_tables_the_code_speaks_of(mailbox_engine: AsyncEngine) -> None:
    def differences(connection: Connection) -> list[Any]:
        options = {"include_name": lambda name, kind, _: kind != "table" or name != MIGRATIONS.version_table}
        found: list[Any] = compare_metadata(MigrationContext.configure(connection, opts=options), METADATA)
        return found

    async with mailbox_engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_a_hundred_mails_leave_within_seconds() -> None:
    async with smtp.mail_server() as server:
        mailer = plain(server.port)

        async with asyncio.timeout(60):
            await asyncio.gather(*(mailer.send(replace(MESSAGE, message_id=f"{number}@x")) for number in range(100)))

    assert sorted(server.message_ids) == sorted(f"<{number}@x>" for number in range(100))


def test_our_server_refuses_what_it_should_whoever_asks() -> None:
    # The tests above trust it; smtplib is somebody else's client.
    async def serve(done: asyncio.Event) -> None:
        async with smtp.mail_server() as server:
            server.refuses["nobody@x.example"] = "550 unknown"

            def ask() -> None:
                with smtplib.SMTP("127.0.0.1", server.port) as client, pytest.raises(smtplib.SMTPRecipientsRefused):
                    client.sendmail("a@x.example", ["nobody@x.example"], "Subject: x\n\nx")

            await asyncio.to_thread(ask)

    asyncio.run(serve(asyncio.Event()))
