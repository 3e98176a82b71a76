"""A password that was forgotten or is to be changed: nobody learns who has an account, and nothing is half done."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, update

from connectors.directory.records.accounts import CredentialsRecord
from connectors.directory.records.outbox import OutboxState
from connectors.errors import BackendUnavailable
from connectors.identity.embedded import credentials
from connectors.ids import UserId
from gateway.demo import DEMO_PASSWORD
from resolvers.account.credentials import CREDENTIALS_SET
from resolvers.account.passwords import check_password
from resolvers.refusals import Invalid
from tests.account.own_account import PURCHASE, SIGN_IN, carry_out, gets_in, holder_of, is_signed_in, queued, signs_in
from tests.logs import capture_logs
from tests.portal import Portal

REQUEST = """
mutation Request($name: String!) {
  requestPasswordReset(input: { loginIdentifier: $name }) { accepted errors { __typename code path } }
}
"""
RESET = """
mutation Reset($token: String!, $password: String!) {
  resetPassword(input: { token: $token, newPassword: $password }) {
    accessToken refreshToken viewer { user { displayName } }
    errors { __typename code path ... on ValidationError { constraint } }
  }
}
"""
CHANGE = """
mutation Change($current: String!, $new: String!) {
  changePassword(input: { currentPassword: $current, newPassword: $new }) {
    accepted errors { __typename code path ... on ValidationError { constraint } }
  }
}
"""
NEW = "grünes Fahrrad im Regen"
WRONG_PASSWORD = {"__typename": "AuthenticationError", "code": "INVALID_CREDENTIALS", "path": ["currentPassword"]}
TOKEN_INVALID = [{"__typename": "TokenError", "code": "TOKEN_INVALID", "path": ["token"]}]


async def token_for(portal: Portal, name: str = PURCHASE) -> str:
    """The token of the mail that somebody gets who has forgotten the password."""
    await portal.anybody().asks(REQUEST, name=name)
    await carry_out(portal)
    token = [mail for mail in await portal.queued_mails() if mail.template == "password_reset"][-1].token
    assert token is not None
    return token


async def resets(portal: Portal, token: str, password: str = NEW) -> Any:
    """The payload of resetPassword."""
    answer = await portal.anybody().asks(RESET, token=token, password=password)
    assert answer.errors == [], answer.errors
    return answer.at("resetPassword")


async def opening(portal: Portal, *passwords: str) -> list[str]:
    """Those of the passwords that let the person in."""
    return [password for password in passwords if await gets_in(portal, PURCHASE, password)]


class GoesOn(asyncio.Event):
    """What a hash waits for; `reached` is set when it does."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = asyncio.Event()


@asynccontextmanager
async def hash_waits(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GoesOn]:
    """Let the first password that is hashed wait until the test goes on; those after it do not."""
    accounts, goes_on = portal.wiring.backends.accounts, GoesOn()
    hashes = accounts.hash

    async def waits(password: str) -> str:
        patched.setattr(accounts, "hash", hashes)
        goes_on.reached.set()
        await goes_on.wait()
        return await hashes(password)

    with monkeypatch.context() as patched:
        patched.setattr(accounts, "hash", waits)
        yield goes_on


async def test_a_forgotten_password_is_reset_with_the_link_of_a_mail(each_portal: Portal) -> None:
    """D4."""
    old = await each_portal.person(PURCHASE)

    accepted = await each_portal.anybody().asks(REQUEST, name=f" {PURCHASE.upper()} ")
    await carry_out(each_portal)
    (mail,) = await each_portal.queued_mails(PURCHASE)
    payload = await resets(each_portal, mail.token or "")

    assert accepted.at("requestPasswordReset") == {"accepted": True, "errors": []}
    assert (mail.template, mail.values) == ("password_reset", {"name": "Jörg Weiß"})
    assert (payload["errors"], payload["viewer"]["user"]["displayName"]) == ([], "Jörg Weiß")
    assert await is_signed_in(holder_of(each_portal, payload["accessToken"]))
    assert not await is_signed_in(old)
    assert await gets_in(each_portal, PURCHASE, NEW)
    assert not await gets_in(each_portal, PURCHASE, DEMO_PASSWORD)
    assert [one.template for one in await each_portal.queued_mails(PURCHASE)] == ["password_reset", "password_changed"]
    (row,) = await each_portal.audit("password.reset")
    assert (row.actor_id, row.after) == (row.subject_id, '{"sessions_ended":"1"}')


async def test_a_token_counts_once_and_its_success_ends_the_others(each_portal: Portal) -> None:
    first, second = await token_for(each_portal), await token_for(each_portal)

    done = await resets(each_portal, first)
    again = await resets(each_portal, first, "another password entirely")
    other = await resets(each_portal, second, "another password entirely")

    assert done["errors"] == []
    assert (again["errors"], other["errors"]) == (TOKEN_INVALID, TOKEN_INVALID)
    assert await gets_in(each_portal, PURCHASE, NEW)


async def test_of_twenty_uses_of_one_token_at_the_same_time_one_counts(each_portal: Portal) -> None:
    token = await token_for(each_portal)
    passwords = [f"{NEW} {number}" for number in range(20)]

    payloads = await asyncio.gather(*(resets(each_portal, token, password) for password in passwords))

    won = [password for password, payload in zip(passwords, payloads, strict=True) if payload["errors"] == []]
    refused = [payload["errors"] for payload in payloads if payload["errors"]]
    assert len(won) == 1
    assert refused == [TOKEN_INVALID] * 19
    assert await gets_in(each_portal, PURCHASE, won[0])
    assert len(await each_portal.audit("password.reset")) == 1
    assert [mail.template for mail in await each_portal.queued_mails()].count("password_changed") == 1


async def test_a_token_is_over_after_an_hour(portal: Portal) -> None:
    token = await token_for(portal)
    portal.clock.move(timedelta(hours=1))

    assert (await resets(portal, token))["errors"] == TOKEN_INVALID
    assert await gets_in(portal, PURCHASE, DEMO_PASSWORD)


@pytest.mark.parametrize("token", ["", "x", "x" * 5_000, "\u0000", "💡"])
async def test_what_is_no_token_sets_no_password(portal: Portal, token: str) -> None:
    assert (await resets(portal, token))["errors"] == TOKEN_INVALID


@pytest.mark.parametrize(
    ("password", "constraint"),
    [
        ("", "length 12..256"),
        ("elevenchars", "length 12..256"),
        ("x" * 257, "length 12..256"),
        ("x" * 10_000, "length 12..256"),
        ("aaaaaaaaaaaa", "not common"),
        ("password1234", "not common"),
        ("Password123456!", "not common"),
        (DEMO_PASSWORD, "not common"),
        ("Jörg Weiß 1234", "not common"),
        (PURCHASE, "not common"),
        ("grünes\u0000Fahrrad", "printable"),
        ("grünes\nFahrrad im", "printable"),
    ],
)
async def test_a_password_that_may_not_be_chosen_is_refused_and_the_token_still_counts(
    portal: Portal, password: str, constraint: str
) -> None:
    token = await token_for(portal)
    person = await portal.person(PURCHASE)

    refused = await resets(portal, token, password)

    assert refused["errors"] == [
        {
            "__typename": "ValidationError",
            "code": "INVALID_INPUT",
            "path": ["newPassword"],
            "constraint": constraint,
        }
    ]
    assert await is_signed_in(person)
    assert [mail.template for mail in await portal.queued_mails()] == ["password_reset"]
    assert (await resets(portal, token))["errors"] == []


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "            four words apart",
        "пароль из слов",
        "🚲🌧️ grüne Räder 12",
        "annapurna base camp",  # not refused for the three letters of somebody called Ann
        "x" * 100 + "yz12",
    ],
)
def test_any_kind_of_character_may_stand_in_a_password(password: str) -> None:
    assert check_password(password, ["newPassword"], not_like=["Ann", "Weiß", "ann@helios.example"]) == password


def test_a_password_is_kept_composed_and_with_plain_spaces() -> None:
    """RFC 8265, 4.2."""
    assert check_password("Cafe\u0301\u00a0au\u2003lait noir", ["newPassword"]) == "Café au lait noir"


def test_a_password_made_of_the_persons_own_words_is_refused() -> None:
    for password in ("Weiß-Helios-2026", "joerg.weiss.joerg", "weisshelios!!!"):
        with pytest.raises(Invalid):
            check_password(password, ["newPassword"], not_like=["Joerg", "Weiß", "weiss@helios.example"])


async def test_while_the_identity_back_end_is_away_a_new_password_waits_and_the_old_one_opens_nothing(
    each_portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await token_for(each_portal)
    person = await each_portal.person(PURCHASE)

    async def away(*_args: Any) -> None:
        raise BackendUnavailable("identity", "down for the test")

    with monkeypatch.context() as patched:
        patched.setattr(each_portal.wiring.backends.accounts, "apply", away)
        done = await resets(each_portal, token)
        tried = [
            await each_portal.anybody().asks(SIGN_IN, name=PURCHASE, password=password)
            for password in (DEMO_PASSWORD, NEW)
        ]

    assert done["errors"] == []
    assert await is_signed_in(holder_of(each_portal, done["accessToken"]))
    assert not await is_signed_in(person)
    assert [answer.codes for answer in tried] == [{"signIn": "BACKEND_UNAVAILABLE"}] * 2
    assert not await gets_in(each_portal, PURCHASE, DEMO_PASSWORD)
    assert await gets_in(each_portal, PURCHASE, NEW)


async def test_the_worker_carries_a_password_that_the_request_could_not(
    each_portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sealed while it waits, erased when it has arrived."""
    token = await token_for(each_portal)
    accounts = each_portal.wiring.backends.accounts

    async def away(*_args: Any) -> None:
        raise BackendUnavailable("identity", "down for the test")

    with monkeypatch.context() as patched:
        patched.setattr(accounts, "apply", away)
        await resets(each_portal, token)
        (waiting,) = await queued(each_portal, CREDENTIALS_SET)
        each_portal.clock.move(timedelta(minutes=1))
        await each_portal.deliver()
        (tried,) = await queued(each_portal, CREDENTIALS_SET)
    each_portal.clock.move(timedelta(minutes=1))
    await each_portal.deliver()

    (known,) = await each_portal.wiring.backends.directory.credentials_of([UserId(waiting.content["user"])])
    assert known is not None
    assert (waiting.content["version"], waiting.id) == (known.version, known.item_id)
    assert "argon2" not in (waiting.sealed or "argon2")
    assert (tried.attempts, tried.last_error) == (1, "identity: down for the test")
    assert await accounts.verify(known.user_id, NEW, at_least=known.version) == known.version
    (item,) = await each_portal.wiring.backends.directory.outbox_items([waiting.id])
    assert item is not None
    assert (item.state, item.sealed) == (OutboxState.DONE, None)


async def test_a_password_that_waits_is_erased_when_another_replaces_it(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given up by the worker, too: nobody has to look at it any more."""
    directory, accounts = portal.wiring.backends.directory, portal.wiring.backends.accounts

    async def away(*_args: Any) -> None:
        raise BackendUnavailable("identity", "down for the test")

    with monkeypatch.context() as patched:
        patched.setattr(accounts, "apply", away)
        await resets(portal, await token_for(portal), f"{NEW} 1")
        (first,) = await queued(portal, CREDENTIALS_SET)
        async with directory.change() as change:
            await change.bury(first.id, error="away for too long", now=portal.clock())
        await resets(portal, await token_for(portal), f"{NEW} 2")
        (second,) = await queued(portal, CREDENTIALS_SET)
    portal.clock.move(timedelta(minutes=1))
    await portal.deliver()

    items = await directory.outbox_items([first.id, second.id])
    assert [(item.state, item.sealed) for item in items if item is not None] == [(OutboxState.DONE, None)] * 2
    assert await opening(portal, DEMO_PASSWORD, f"{NEW} 1", f"{NEW} 2") == [f"{NEW} 2"]


async def test_a_password_that_the_worker_gave_up_is_carried_when_somebody_signs_in(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, accounts = portal.wiring.backends.directory, portal.wiring.backends.accounts

    async def away(*_args: Any) -> None:
        raise BackendUnavailable("identity", "down for the test")

    with monkeypatch.context() as patched:
        patched.setattr(accounts, "apply", away)
        await resets(portal, await token_for(portal))
    (item,) = await queued(portal, CREDENTIALS_SET)
    async with directory.change() as change:
        await change.bury(item.id, error="away for too long", now=portal.clock())

    assert await opening(portal, DEMO_PASSWORD, NEW) == [NEW]
    assert await directory.outbox(OutboxState.DEAD, limit=1) == []


async def test_a_link_that_the_owner_voids_while_its_holders_password_is_hashed_leaves_nothing(
    each_portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, owner = await token_for(each_portal), await each_portal.person(PURCHASE)

    async with hash_waits(each_portal, monkeypatch) as goes_on:
        holder = asyncio.create_task(resets(each_portal, token, "the holder's own words"))
        await goes_on.reached.wait()
        changed = await owner.asks(CHANGE, current=DEMO_PASSWORD, new=NEW)
        goes_on.set()
        refused = await holder

    assert changed.at("changePassword.errors") == []
    assert (refused["errors"], refused["accessToken"]) == (TOKEN_INVALID, None)
    assert await gets_in(each_portal, PURCHASE, NEW)
    assert not await gets_in(each_portal, PURCHASE, "the holder's own words")
    assert await is_signed_in(owner)
    assert await each_portal.audit("password.reset") == []
    assert [mail.template for mail in await each_portal.queued_mails()].count("password_changed") == 1
    assert await queued(each_portal, CREDENTIALS_SET) == []


async def test_a_change_that_a_used_link_overtakes_leaves_nothing(
    each_portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, thief = await token_for(each_portal), await each_portal.person(PURCHASE)

    async with hash_waits(each_portal, monkeypatch) as goes_on:
        late = asyncio.create_task(thief.asks(CHANGE, current=DEMO_PASSWORD, new="the thief's own words"))
        await goes_on.reached.wait()
        done = await resets(each_portal, token)
        goes_on.set()
        refused = await late

    assert done["errors"] == []
    assert refused.at("changePassword") == {"accepted": False, "errors": [WRONG_PASSWORD]}
    assert await gets_in(each_portal, PURCHASE, NEW)
    assert not await gets_in(each_portal, PURCHASE, "the thief's own words")
    assert await each_portal.audit("password.change") == []
    assert await queued(each_portal, CREDENTIALS_SET) == []


async def test_of_eight_changes_with_one_current_password_one_is_made(each_portal: Portal) -> None:
    await resets(each_portal, await token_for(each_portal))
    people = [await each_portal.person(PURCHASE) for _ in range(8)]
    passwords = [f"{NEW} {number}" for number in range(8)]

    answers = await asyncio.gather(
        *(person.asks(CHANGE, current=NEW, new=password) for person, password in zip(people, passwords, strict=True))
    )

    # Somebody who comes so late that their session has been ended already is refused at the door.
    errors = [answer.at("changePassword.errors") if answer.status == 200 else [WRONG_PASSWORD] for answer in answers]
    (won,) = [password for password, error in zip(passwords, errors, strict=True) if error == []]
    assert sorted(errors, key=len) == [[]] + [[WRONG_PASSWORD]] * 7
    assert await gets_in(each_portal, PURCHASE, won)
    assert len(await each_portal.audit("password.change")) == 1
    assert [mail.template for mail in await each_portal.queued_mails()].count("password_changed") == 2
    assert await queued(each_portal, CREDENTIALS_SET) == []


async def test_a_link_and_a_change_at_the_same_time_leave_one_password(each_portal: Portal) -> None:
    for number in range(5):
        old, by_link, by_owner = (f"{NEW} {number} {what}" for what in ("old", "link", "owner"))
        await resets(each_portal, await token_for(each_portal), old)
        token, owner = await token_for(each_portal), await each_portal.person(PURCHASE)
        made = len(await each_portal.audit("password.reset", "password.change"))

        reset, changed = await asyncio.gather(
            resets(each_portal, token, by_link), owner.asks(CHANGE, current=old, new=by_owner)
        )

        is_changed = changed.status == 200 and changed.at("changePassword.errors") == []
        assert (reset["errors"] == []) is not is_changed
        assert await opening(each_portal, old, by_link, by_owner) == [by_owner if is_changed else by_link]
        assert len(await each_portal.audit("password.reset", "password.change")) == made + 1
        each_portal.forget_attempts()


async def test_a_password_that_is_replaced_while_it_is_checked_opens_no_session(
    each_portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, accounts = await token_for(each_portal), each_portal.wiring.backends.accounts
    verify, verified, goes_on = accounts.verify, asyncio.Event(), asyncio.Event()

    async def slowly(*args: Any, **more: Any) -> int | None:
        version = await verify(*args, **more)
        verified.set()
        await goes_on.wait()
        return version

    with monkeypatch.context() as patched:
        patched.setattr(accounts, "verify", slowly)
        signing_in = asyncio.create_task(signs_in(each_portal, PURCHASE))
        await verified.wait()
        await resets(each_portal, token)
        goes_on.set()
        late = await signing_in

    assert late == {"accessToken": None, "refreshToken": None, "errors": [{"code": "INVALID_CREDENTIALS"}]}
    assert len(await each_portal.audit("session.begin")) == 1


async def test_a_new_password_voids_another_address_that_was_asked_for_with_the_old_one(portal: Portal) -> None:
    thief = await portal.person(PURCHASE)
    asked = await thief.asks(
        'mutation { requestEmailChange(input: { newEmail: "thief@elsewhere.example", '
        f'currentPassword: "{DEMO_PASSWORD}" }}) {{ errors {{ code }} }} }}'
    )
    (mail,) = await portal.queued_mails("thief@elsewhere.example")

    await resets(portal, await token_for(portal))
    confirmed = await portal.anybody().asks(
        "mutation C($token: String!) { confirmEmailChange(input: { token: $token }) { errors { code } } }",
        token=mail.token,
    )

    assert asked.at("requestEmailChange.errors") == []
    assert confirmed.at("confirmEmailChange.errors") == [{"code": "TOKEN_INVALID"}]


async def test_another_address_is_not_asked_for_with_a_password_that_is_replaced_meanwhile(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    thief, owner = await portal.person(PURCHASE), await portal.person(PURCHASE)
    accounts = portal.wiring.backends.accounts
    verify, verified, goes_on = accounts.verify, asyncio.Event(), asyncio.Event()

    async def slowly(*args: Any, **more: Any) -> int | None:
        version = await verify(*args, **more)
        verified.set()
        await goes_on.wait()
        return version

    with monkeypatch.context() as patched:
        patched.setattr(accounts, "verify", slowly)
        late = asyncio.create_task(
            thief.asks(
                'mutation { requestEmailChange(input: { newEmail: "thief@elsewhere.example", '
                f'currentPassword: "{DEMO_PASSWORD}" }}) {{ accepted errors {{ __typename code path }} }} }}'
            )
        )
        await verified.wait()
        patched.setattr(accounts, "verify", verify)
        await owner.asks(CHANGE, current=DEMO_PASSWORD, new=NEW)
        goes_on.set()
        refused = await late

    assert refused.at("requestEmailChange") == {"accepted": False, "errors": [WRONG_PASSWORD]}
    assert await portal.queued_mails("thief@elsewhere.example") == []


async def test_an_identity_back_end_that_lost_the_last_change_lets_nobody_in_until_there_is_another(
    each_portal: Portal,
) -> None:
    """Restored from a backup, say: what it has is a password that does not count any more."""
    accounts = each_portal.wiring.backends.accounts
    await resets(each_portal, await token_for(each_portal))
    user_id = await each_portal.wiring.backends.directory.user_id_of_login_name(PURCHASE)
    async with accounts._engine.begin() as connection:  # type: ignore[attr-defined]
        old = await accounts.hash(DEMO_PASSWORD)
        await connection.execute(
            update(credentials).where(credentials.c.user_id == user_id).values(password_hash=old, version=0)
        )

    assert await opening(each_portal, DEMO_PASSWORD, NEW) == []
    await resets(each_portal, await token_for(each_portal), f"{NEW}, jeden Tag")
    assert await opening(each_portal, DEMO_PASSWORD, NEW, f"{NEW}, jeden Tag") == [f"{NEW}, jeden Tag"]


async def test_a_directory_restored_from_a_backup_still_outranks_what_the_identity_back_end_has_seen(
    portal: Portal,
) -> None:
    directory = portal.wiring.backends.directory
    user_id = await directory.user_id_of_login_name(PURCHASE)
    assert user_id is not None
    for number in range(3):
        await resets(portal, await token_for(portal), f"{NEW} {number}")
    async with directory.change() as change:
        await change.set_credentials(CredentialsRecord(user_id, 0, None))

    portal.clock.move(timedelta(minutes=1))
    portal.forget_attempts()
    await resets(portal, await token_for(portal))

    assert await opening(portal, NEW, f"{NEW} 2") == [NEW]


async def test_whoever_changes_the_password_stays_signed_in_and_other_devices_do_not(each_portal: Portal) -> None:
    """D14."""
    here, there = await each_portal.person(PURCHASE), await each_portal.person(PURCHASE)
    token = await token_for(each_portal)

    answer = await here.asks(CHANGE, current=DEMO_PASSWORD, new=NEW)

    assert answer.at("changePassword") == {"accepted": True, "errors": []}
    assert await is_signed_in(here)
    assert not await is_signed_in(there)
    assert await gets_in(each_portal, PURCHASE, NEW)
    assert not await gets_in(each_portal, PURCHASE, DEMO_PASSWORD)
    assert (await resets(each_portal, token))["errors"] == TOKEN_INVALID
    assert [mail.template for mail in await each_portal.queued_mails(PURCHASE)] == [
        "password_reset",
        "password_changed",
    ]
    assert len(await each_portal.audit("password.change")) == 1


async def test_a_wrong_current_password_changes_nothing_and_is_counted_like_signing_in(portal: Portal) -> None:
    person, other = await portal.person(PURCHASE), await portal.person(PURCHASE)

    answers = [await person.asks(CHANGE, current=f"guess {number}", new=NEW) for number in range(11)]
    signing_in = await signs_in(portal, PURCHASE)

    assert [answer.at("changePassword.errors") for answer in answers[:10]] == [[WRONG_PASSWORD]] * 10
    assert answers[10].at("changePassword.errors.0.code") == "RATE_LIMITED"
    assert signing_in["errors"] == [{"code": "RATE_LIMITED"}]
    assert await is_signed_in(other)
    assert await portal.queued_mails() == []
    assert await portal.audit("password.change") == []


async def test_a_new_password_that_may_not_be_chosen_is_refused_by_its_path(portal: Portal) -> None:
    person = await portal.person(PURCHASE)

    answer = await person.asks(CHANGE, current=DEMO_PASSWORD, new="Jörg Weiß 1234")

    assert answer.at("changePassword") == {
        "accepted": False,
        "errors": [
            {
                "__typename": "ValidationError",
                "code": "INVALID_INPUT",
                "path": ["newPassword"],
                "constraint": "not common",
            }
        ],
    }
    assert await gets_in(portal, PURCHASE, DEMO_PASSWORD)


async def test_nobody_changes_a_password_without_being_signed_in(portal: Portal) -> None:
    answer = await portal.anybody().asks(CHANGE, current=DEMO_PASSWORD, new=NEW)

    assert (answer.data, answer.codes) == ({"changePassword": None}, {"changePassword": "UNAUTHENTICATED"})


async def test_neither_logs_nor_the_database_keep_a_password_or_a_mailed_token(
    portal: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as logged:
        token = await token_for(portal)
        await resets(portal, token, "short")
        await resets(portal, token)
        await (await portal.person(PURCHASE)).asks(CHANGE, current=NEW, new=f"{NEW}, jeden Tag")

    database = Path(str(make_url(portal.settings.database).database))
    kept = b"".join(file.read_bytes() for file in database.parent.glob(f"{database.name}*"))
    for secret in (NEW, token):
        assert secret not in f"{logged}{caplog.text}"
        assert secret.encode() not in kept


async def test_the_portal_itself_changes_passwords_so_there_is_no_other_page(solar: Portal) -> None:
    """D14: with an OpenID provider, its URL stands here."""
    person = await solar.person(PURCHASE)

    assert (await person.asks("{ viewer { passwordChangeUrl } }")).at("viewer.passwordChangeUrl") is None
