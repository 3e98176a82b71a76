"""``forecourt mail`` and ``forecourt worker``: what an operator sees of the outbox, and does about it."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from connectors.directory.records.outbox import OutboxState
from tests.gateway.cli.test_main import assert_one_line, runs
from tests.mail import smtp
from tests.mail.letters import DINA, TOKEN, mail, queue
from tests.portal import Portal, open_portal


@pytest.fixture
def environment(portal: Portal) -> dict[str, str]:
    """What a command needs to find the portal's database."""
    return {"database_url": portal.settings.database}


async def test_what_was_given_up_is_listed_and_sent_again(
    portal: Portal, environment: dict[str, str], tmp_path: Path
) -> None:
    dead, _ = await queue(portal, mail("not an address"), mail())
    await portal.deliver()

    listed = runs("mail", "list", folder=tmp_path, **environment)
    again = runs("mail", "resend", dead, folder=tmp_path, **environment)
    waiting = runs("mail", "list", "--state", "queued", folder=tmp_path, **environment)
    nothing = runs("mail", "list", "--state", "dead", folder=tmp_path, **environment)
    done = runs("mail", "list", "--state", "DONE", folder=tmp_path, **environment)

    assert listed.stdout.splitlines() == [
        f"{dead}  invitation to not an address, of 2026-11-21 09:00 UTC, 1 attempt",
        "    mail: 'not an address' is no e-mail address",
    ]
    assert again.stdout == "1 item waits again for the worker, which looks every two seconds.\n"
    assert waiting.stdout.startswith(f"{dead}  invitation to not an address")
    assert nothing.stdout == "Nothing was given up.\n"
    assert f"invitation to {DINA}" in done.stdout
    assert TOKEN not in listed.stdout + waiting.stdout + done.stdout


async def test_a_password_that_could_not_be_carried_is_listed_by_whose_it_is(
    portal: Portal, environment: dict[str, str], tmp_path: Path
) -> None:
    content, sealed = {"user": "usr_anna", "version": 1}, "sealed with another key"
    async with portal.wiring.backends.directory.change() as change:
        id = await change.enqueue("CREDENTIALS_SET", content, now=portal.clock(), sealed=sealed)
    await portal.deliver()

    listed = runs("mail", "list", folder=tmp_path, **environment)

    assert listed.stdout.splitlines() == [
        f"{id}  CREDENTIALS_SET of usr_anna, of 2026-11-21 09:00 UTC, 1 attempt",
        "    This was sealed with a key that is not in use here, or was changed since.",
    ]


async def test_a_mail_that_was_refused_leaves_once_it_is_sent_again(tmp_path: Path) -> None:
    async with (
        smtp.mail_server() as server,
        open_portal(smtp_url=f"smtp+plain://127.0.0.1:{server.port}", mail_from="noreply@portal.example") as portal,
    ):
        server.refuses["*"] = "550 5.7.1 not from here"
        ids = await queue(portal, mail(), mail("jonas@helios.example"))
        await portal.deliver()
        server.refuses.clear()

        answer = await asyncio.to_thread(
            runs, "mail", "resend", "--all", folder=tmp_path, database_url=portal.settings.database
        )
        portal.clock.now = max(
            item.due_at for item in await portal.wiring.backends.directory.outbox(OutboxState.QUEUED, limit=9)
        )
        await portal.deliver()

    assert answer.stdout == "2 items wait again for the worker, which looks every two seconds.\n"
    assert sorted(server.message_ids) == sorted(f"<{id}@127.0.0.1>" for id in ids)


async def test_only_what_was_given_up_can_be_sent_again(
    portal: Portal, environment: dict[str, str], tmp_path: Path
) -> None:
    (done,) = await queue(portal, mail())
    await portal.deliver()
    (waiting,) = await queue(portal, mail())

    for arguments, said in (
        ([done], f"{done} was not given up: it was done. Nothing was changed."),
        ([waiting], f"{waiting} was not given up: it waits for the worker already. Nothing was changed."),
        (["obx_x"], "There is nothing with the id obx_x. `forecourt mail list` has the ids."),
        ([], "Name one id from `forecourt mail list`, or give --all."),
        ([done, "--all"], "Name one id from `forecourt mail list`, or give --all."),
    ):
        assert_one_line(runs("mail", "resend", *arguments, folder=tmp_path, **environment), said)
    assert runs("mail", "resend", "--all", folder=tmp_path, **environment).stdout == "Nothing was given up.\n"


async def test_a_long_list_says_that_there_is_more(portal: Portal, environment: dict[str, str], tmp_path: Path) -> None:
    await queue(portal, *(mail() for _ in range(3)))

    listed = runs("mail", "list", "--state", "queued", "--limit", "2", folder=tmp_path, **environment)

    assert listed.stdout.splitlines()[2:] == ["… and 1 more; --limit shows them."]


@pytest.mark.parametrize("arguments", [["mail", "list"], ["mail", "resend", "--all"], ["worker"]])
def test_a_database_without_tables_is_named(tmp_path: Path, arguments: list[str]) -> None:
    answer = runs(*arguments, folder=tmp_path / "data")

    assert_one_line(answer, "The directory database is not up to date. Run `forecourt migrate`")


async def test_a_worker_of_its_own_sends_mails_and_ends_in_peace() -> None:
    async with (
        smtp.mail_server() as server,
        open_portal(smtp_url=f"smtp+plain://127.0.0.1:{server.port}", mail_from="noreply@portal.example") as portal,
    ):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FORECOURT_")} | {
            "FORECOURT_DATABASE_URL": portal.settings.database,
            "FORECOURT_DATA_FOLDER": str(portal.settings.data_folder),
            "FORECOURT_SMTP_URL": f"smtp+plain://127.0.0.1:{server.port}",
            "FORECOURT_MAIL_FROM": "noreply@portal.example",
            "FORECOURT_PUBLIC_URL": "https://portal.example",
        }
        working = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", "worker",
            env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(30):
                assert working.stdout is not None
                said = await working.stdout.readline()
                (id,) = await queue(portal, mail())
                while not server.mails:  # noqa: ASYNC110 - another process has no event for us
                    await asyncio.sleep(0.05)
                working.send_signal(signal.SIGTERM)
                _, logged = await working.communicate()
        finally:
            if working.returncode is None:
                working.kill()

    assert said.decode() == "Forecourt works for Solar Terminal: mails leave, and the house is kept.\n"
    assert (working.returncode, server.message_ids) == (0, [f"<{id}@portal.example>"])
    assert "https://portal.example/invitation?token=" in server.mails[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "outbox item done" in logged.decode()
    assert TOKEN not in logged.decode()
