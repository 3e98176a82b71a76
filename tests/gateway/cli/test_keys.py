"""Signing keys replace one another with overlap: nobody is signed out, and nothing that is sealed gets lost."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from connectors.directory.records.outbox import OutboxState
from connectors.identity import keys as keys_module
from connectors.identity.keys import ANNOUNCED_FOR, SigningKey, SigningKeys, add_key, read_keys, remove_key
from gateway.app import create_app
from gateway.cli import keys as keys_cli
from gateway.cli.main import _reload_on_hangup
from tests.gateway.cli.test_main import assert_one_line, runs
from tests.logs import capture_logs
from tests.portal import Answer, Person, Portal, open_portal
from tests.sessions.test_sign_in import ME, holder_of, refreshes, signs_in

PURCHASE = "purchase@helios.example"
RESET = 'mutation { requestPasswordReset(input: { loginIdentifier: "purchase@helios.example" }) { accepted } }'


def keys_of(portal: Portal) -> SigningKeys:
    """The keys in force."""
    return portal.wiring.tokens.keys


def announce(portal: Portal, *, after: timedelta = ANNOUNCED_FOR) -> SigningKey:
    """Put a new key beside the gateway's own, by the portal's clock."""
    now = portal.clock()
    return add_key(portal.settings.key_file, now=now, signs_from=now + after)


async def published(portal: Portal) -> list[str]:
    """The ids of the keys that others may verify with."""
    response = await portal.client.get("/.well-known/jwks.json")
    return [key["kid"] for key in response.json()["keys"]]


def key_id_of(token: str) -> str:
    """The id of the key that signed a token."""
    return str(jwt.get_unverified_header(token)["kid"])


def is_accepted(answer: Answer) -> bool:
    """Whether somebody was recognized."""
    return answer.status == 200 and answer.at("viewer.user.displayName") == "Jörg Weiß"


@asynccontextmanager
async def another_process(portal: Portal) -> AsyncIterator[Portal]:
    """A second gateway with the same database and the same key files."""
    app = create_app(portal.settings, clock=portal.clock)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=True)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://portal.example") as client,
    ):
        yield Portal(app, client, portal.clock, portal.settings)


async def test_no_session_ends_while_one_key_replaces_another(each_portal: Portal) -> None:
    portal = each_portal
    session = await signs_in(portal, PURCHASE)
    (old,) = await published(portal)
    await portal.anybody().asks(RESET)  # something that is sealed

    new = announce(portal)
    await keys_of(portal).reload()
    announced = await published(portal)
    meanwhile = await refreshes(portal, session["refreshToken"])
    portal.clock.move(ANNOUNCED_FOR - timedelta(seconds=1))
    last = await refreshes(portal, meanwhile["refreshToken"])
    portal.clock.move(timedelta(seconds=1))
    first = await refreshes(portal, last["refreshToken"])
    late_tab = await refreshes(portal, last["refreshToken"])
    again = await refreshes(portal, meanwhile["refreshToken"])  # whose successor the old key has sealed

    assert announced == [old, new.id] == await published(portal)
    assert [key_id_of(one["accessToken"]) for one in (session, meanwhile, last)] == [old] * 3
    assert [key_id_of(one["accessToken"]) for one in (first, late_tab, again)] == [new.id] * 3
    assert late_tab["refreshToken"] == first["refreshToken"]
    assert again["refreshToken"] == last["refreshToken"]
    for one in (session, meanwhile, last, first, late_tab, again):
        assert is_accepted(await holder_of(portal, one["accessToken"]).asks(ME))
    await portal.deliver()
    (mail,) = await portal.mails(PURCHASE)
    assert "reset" in mail.text
    assert await portal.audit("session.reuse") == []


async def test_a_process_that_has_not_noticed_a_new_key_accepts_its_tokens(portal: Portal) -> None:
    new = announce(portal, after=timedelta())
    async with another_process(portal) as other:
        session = await signs_in(other, PURCHASE)
        before = await published(portal)

        answer = await holder_of(portal, session["accessToken"]).asks(ME)

    assert key_id_of(session["accessToken"]) == new.id
    assert new.id not in before
    assert is_accepted(answer)
    assert new.id in await published(portal)


async def test_a_process_that_has_not_noticed_a_new_key_unseals_what_it_sealed(portal: Portal) -> None:
    announce(portal, after=timedelta())
    async with another_process(portal) as other:
        await other.anybody().asks(RESET)

        await portal.deliver()

    assert len(await portal.mails(PURCHASE)) == 1
    assert await portal.wiring.backends.directory.outbox(OutboxState.DEAD, limit=10) == []


async def test_forged_tokens_do_not_have_the_files_read_each_time(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0

    def counted(file: Path) -> Any:
        nonlocal reads
        reads += 1
        return read_keys(file)

    monkeypatch.setattr(keys_module, "read_keys", counted)
    forger = Ed25519PrivateKey.generate()
    tokens = [jwt.encode({}, forger, "EdDSA", {"typ": "at+jwt", "kid": f"key {number}"}) for number in range(50)]

    answers = await asyncio.gather(*(Person(portal.client, token).asks(ME) for token in tokens))

    assert {answer.status for answer in answers} == {401}
    assert reads == 1


async def test_a_key_that_was_retired_verifies_nothing_any_more(portal: Portal) -> None:
    session = await signs_in(portal, PURCHASE)
    person = holder_of(portal, session["accessToken"])
    (old,) = keys_of(portal).current.keys
    announce(portal, after=timedelta())
    await keys_of(portal).reload()
    before = await person.asks(ME)  # which is remembered

    remove_key(old)
    await keys_of(portal).reload()
    after = await person.asks(ME)
    renewed = await refreshes(portal, session["refreshToken"])

    assert is_accepted(before)
    assert (after.status, after.errors[0]["extensions"]["reason"]) == (401, "ACCESS_TOKEN_INVALID")
    assert old.id not in await published(portal)
    assert is_accepted(await holder_of(portal, renewed["accessToken"]).asks(ME))
    async with another_process(portal) as restarted:  # without the file that the setting names
        assert is_accepted(await holder_of(restarted, renewed["accessToken"]).asks(ME))


async def test_files_that_cannot_be_used_change_nothing_and_are_reported_once(portal: Portal) -> None:
    person = await portal.person(PURCHASE)
    new = announce(portal)
    new.file.write_text("not a key", encoding="utf-8")

    with capture_logs() as logs:
        reloads = [await keys_of(portal).reload() for _ in range(3)]

    assert reloads == [False] * 3
    assert [(one["log_level"], one["event"]) for one in logs] == [
        ("error", "signing keys not reloaded; the old ones stay in force")
    ]
    assert str(new.file) in logs[0]["problem"]
    assert is_accepted(await person.asks(ME))


async def test_the_files_are_looked_at_from_time_to_time(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys_module, "REREAD_EVERY", 0.001)
    new = announce(portal)

    async with keys_of(portal).watched(), asyncio.timeout(30):
        while new.id not in await published(portal):  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def test_the_signal_hangup_reads_the_keys_again(portal: Portal) -> None:
    new = announce(portal)
    _reload_on_hangup(portal.wiring.policies.reload, keys_of(portal).reload)
    try:
        os.kill(os.getpid(), signal.SIGHUP)
        async with asyncio.timeout(30):
            while new.id not in await published(portal):  # noqa: ASYNC110
                await asyncio.sleep(0.001)
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)


# The command line.

MADE = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A key as `openssl genpkey` makes one."""
    private = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = tmp_path / "keys" / "signing_key.pem"
    file.parent.mkdir()
    file.write_bytes(private)
    file.chmod(0o600)
    return file


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The instant at which commands are given, to be replaced."""
    instant = [MADE]
    monkeypatch.setattr(keys_cli, "utc_now", lambda: instant[0])
    return instant


def test_a_new_key_is_published_before_it_signs_and_the_list_says_so(
    file: Path, tmp_path: Path, clock: list[datetime]
) -> None:
    folder = tmp_path / "data"
    (old,) = read_keys(file).keys

    alone = runs("keys", "list", folder=folder, signing_key_file=str(file))
    made = runs("keys", "rotate", folder=folder, signing_key_file=str(file))
    listed = [runs("keys", "list", folder=folder, signing_key_file=str(file)).stdout]
    for minutes in (10, 21):  # the new one signs; no token of the old one counts, with a minute for clocks
        clock[0] = MADE + timedelta(minutes=minutes)
        listed.append(runs("keys", "list", folder=folder, signing_key_file=str(file)).stdout)

    (new,) = [key for key in read_keys(file).keys if key.id != old.id]
    assert alone.stdout == f"{old.id}  signing    made elsewhere, stays until another one signs\n"
    assert made.stdout == (
        f"Made {new.id}, in {new.file}.\n"
        "It is published from now on and signs from 2026-11-21 09:10:00 UTC. Nothing else has to be done.\n"
    )
    until, since = "may be retired from 2026-11-21 09:21:00 UTC", "made 2026-11-21 09:00:00 UTC"
    assert listed == [
        f"{old.id}  signing    made elsewhere, {until}\n"
        f"{new.id}  announced  {since}, signs from 2026-11-21 09:10:00 UTC\n",
        f"{old.id}  verifying  made elsewhere, {until}\n{new.id}  signing    {since}, stays until another one signs\n",
        f"{old.id}  verifying  made elsewhere, may be retired\n"
        f"{new.id}  signing    {since}, stays until another one signs\n",
    ]


def test_a_key_file_is_its_owners_and_nothing_of_it_is_printed(file: Path, tmp_path: Path) -> None:
    outputs = [
        runs("keys", *command, folder=tmp_path / "data", signing_key_file=str(file)).output
        for command in (["rotate"], ["list"], ["rotate", "--now"], ["list"])
    ]

    files = list(file.parent.iterdir())
    assert len(files) == 3  # and nothing temporary
    assert {one.stat().st_mode & 0o777 for one in files} == {0o600}
    secrets = {line for one in files for line in one.read_text().splitlines() if re.fullmatch(r"[\w+/=]{40,}", line)}
    assert len(secrets) == 3
    assert [secret for secret in secrets if any(secret in output for output in outputs)] == []


def test_one_new_key_at_a_time_unless_it_signs_at_once(file: Path, tmp_path: Path, clock: list[datetime]) -> None:
    folder = tmp_path / "data"
    runs("keys", "rotate", folder=folder, signing_key_file=str(file))

    again = runs("keys", "rotate", folder=folder, signing_key_file=str(file))
    at_once = runs("keys", "rotate", "--now", folder=folder, signing_key_file=str(file))

    assert_one_line(again, "is announced already and signs from 2026-11-21 09:10:00 UTC", "--now")
    assert "It signs from now on. Processes notice within 30 seconds" in at_once.stdout
    assert [key.signs_from for key in read_keys(file).keys][1:] == [MADE, MADE + ANNOUNCED_FOR]


def test_what_signs_or_still_counts_is_not_retired(file: Path, tmp_path: Path, clock: list[datetime]) -> None:
    folder = tmp_path / "data"
    runs("migrate", folder=folder)
    (old,) = read_keys(file).keys

    def retires(*arguments: str) -> Any:
        return runs("keys", "retire", *arguments, folder=folder, signing_key_file=str(file))

    only = retires(old.id)
    runs("keys", "rotate", folder=folder, signing_key_file=str(file))
    signing = [retires(old.id), retires(old.id, "--now")]
    clock[0] = MADE + timedelta(minutes=20)
    early = retires(old.id)
    unknown, several = retires("nothing"), retires("")
    clock[0] = MADE + timedelta(minutes=21)
    done = retires(old.id[:10])

    for refusal in (only, *signing):
        assert_one_line(refusal, f"{old.id} signs", "forecourt keys rotate")
    assert_one_line(early, f"Access tokens that {old.id} signed count until 2026-11-21 09:21:00 UTC", "--now")
    for refusal in (unknown, several):
        assert_one_line(refusal, "No key begins with", "`forecourt keys list` has the ids")
    assert done.stdout == f"Retired {old.id}. Processes notice within 30 seconds, or at once by SIGHUP.\n"
    assert not file.exists()
    assert len(read_keys(file).keys) == 1


def test_a_key_that_was_stolen_is_replaced_at_once(file: Path, tmp_path: Path, clock: list[datetime]) -> None:
    folder = tmp_path / "data"
    runs("migrate", folder=folder)
    (old,) = read_keys(file).keys
    runs("keys", "rotate", "--now", folder=folder, signing_key_file=str(file))
    clock[0] = MADE + timedelta(seconds=30)

    done = runs("keys", "retire", old.id, "--now", folder=folder, signing_key_file=str(file))

    assert done.stdout == (
        f"Retired {old.id}. Processes notice within 30 seconds, or at once by SIGHUP.\n"
        "Lost: access tokens that it signed. Clients call refreshSession; no session ends.\n"
    )


async def test_what_a_retired_key_has_sealed_is_sealed_again(each_portal: Portal) -> None:
    portal = each_portal
    session = await signs_in(portal, PURCHASE)
    second = await refreshes(portal, session["refreshToken"])
    await portal.anybody().asks(RESET)
    (old,) = keys_of(portal).current.keys
    announce(portal, after=timedelta())
    environment = {"database_url": portal.settings.database, "profile": portal.settings.profile}

    done = runs("keys", "retire", old.id, "--now", folder=portal.settings.data_folder, **environment)
    await keys_of(portal).reload()

    assert "Sealed with the new key: 2 secrets of the old one.\n" in done.stdout, done.output
    assert old.id not in await published(portal)
    assert (await refreshes(portal, session["refreshToken"]))["refreshToken"] == second["refreshToken"]
    await portal.deliver()
    assert len(await portal.mails(PURCHASE)) == 1


@pytest.mark.parametrize(
    "line", ["Signs-From: tomorrow", "Signs-From: 2026-11-21T09:00:00", "Created: \xff", "Signs-From: "]
)
def test_a_date_that_cannot_be_read_is_reported_with_its_file(file: Path, tmp_path: Path, line: str) -> None:
    key = add_key(file, now=MADE, signs_from=MADE)
    name = line.partition(":")[0]
    text = re.sub(rf"{name}: .*", line, key.file.read_text())
    key.file.write_text(text, encoding="latin-1")

    answer = runs("keys", "list", folder=tmp_path / "data", signing_key_file=str(file))

    assert_one_line(answer, str(key.file), f"behind {name}", "2026-11-21T09:00:00Z")


def test_other_files_beside_a_key_are_none(file: Path) -> None:
    for name in ("signing_key.pem.bak", "signing_key.old.pem", "signing_key.pem~", f"other.{'x' * 43}.pem"):
        (file.parent / name).write_text("not a key", encoding="utf-8")

    assert len(read_keys(file).keys) == 1


async def test_two_processes_that_start_at_once_make_one_key(tmp_path: Path) -> None:
    file = tmp_path / "new" / "signing_key.pem"

    made = await asyncio.gather(*(asyncio.to_thread(keys_module.read_or_make_keys, file) for _ in range(8)))

    assert len({key_set.keys[0].id for key_set in made}) == 1
    assert [one.name for one in file.parent.iterdir()] == ["signing_key.pem"]


async def test_before_any_key_signs_the_first_one_does() -> None:
    """A clock that is wrong must not keep everybody from signing in."""
    async with open_portal() as portal:
        (old,) = keys_of(portal).current.keys
        new = announce(portal, after=timedelta(hours=1))
        remove_key(old)
        await keys_of(portal).reload()

        person = await portal.person(PURCHASE)

        assert key_id_of(person.token or "") == new.id
        assert is_accepted(await person.asks(ME))
