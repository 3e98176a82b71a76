"""A password that was forgotten or is to be changed: nobody learns who has an account, and nothing is half done."""

import asyncio
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from connectors.errors import BackendUnavailable
from gateway.profiles.demo import DEMO_PASSWORD
from resolvers.errors import Invalid
from resolvers.passwords import check_password
from tests.journeys.own_account import (
    PURCHASE,
    carry_out,
    gets_in,
    holder_of,
    is_signed_in,
    signs_in,
)
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


async def test_a_forgotten_password_is_set_anew_with_the_link_of_a_mail(each_portal: Portal) -> None:
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


async def test_when_the_password_cannot_be_stored_the_token_counts_at_once_again(
    each_portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await token_for(each_portal)
    person = await each_portal.person(PURCHASE)
    accounts = each_portal.wiring.backends.accounts

    async def away(*_args: Any) -> None:
        raise BackendUnavailable("identity", "down for the test")

    with monkeypatch.context() as patched:
        patched.setattr(accounts, "set_password", away)
        failed = await each_portal.anybody().asks(RESET, token=token, password=NEW)

    assert failed.codes == {"resetPassword": "BACKEND_UNAVAILABLE"}
    assert await is_signed_in(person)
    assert (await resets(each_portal, token))["errors"] == []


async def test_when_the_process_dies_after_storing_the_password_the_token_counts_again_after_two_minutes(
    each_portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await token_for(each_portal)
    accounts = each_portal.wiring.backends.accounts
    store = accounts.set_password

    async def dies(*args: Any) -> None:
        await store(*args)
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(accounts, "set_password", dies)
        failed = await each_portal.anybody().asks(RESET, token=token, password=NEW)
    at_once = await resets(each_portal, token)
    each_portal.clock.move(timedelta(minutes=2))
    later = await resets(each_portal, token)

    assert failed.codes == {"resetPassword": "INTERNAL_SERVER_ERROR"}
    assert at_once["errors"] == TOKEN_INVALID
    assert later["errors"] == []
    assert await gets_in(each_portal, PURCHASE, NEW)


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

    wrong = {"__typename": "AuthenticationError", "code": "INVALID_CREDENTIALS", "path": ["currentPassword"]}
    assert [answer.at("changePassword.errors") for answer in answers[:10]] == [[wrong]] * 10
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


async def test_a_change_that_was_cut_off_after_storing_the_password_is_finished_when_repeated(
    each_portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = await each_portal.person(PURCHASE), await each_portal.person(PURCHASE)
    accounts = each_portal.wiring.backends.accounts
    store = accounts.set_password

    async def dies(*args: Any) -> None:
        await store(*args)
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(accounts, "set_password", dies)
        await here.asks(CHANGE, current=DEMO_PASSWORD, new=NEW)
    repeated = await here.asks(CHANGE, current=DEMO_PASSWORD, new=NEW)

    assert repeated.at("changePassword.errors") == []
    assert not await is_signed_in(there)
    assert [mail.template for mail in await each_portal.queued_mails()] == ["password_changed"]


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


async def test_the_portal_itself_changes_passwords_so_there_is_no_other_place(solar: Portal) -> None:
    """D14: with an OpenID provider, its URL stands here."""
    person = await solar.person(PURCHASE)

    assert (await person.asks("{ viewer { passwordChangeUrl } }")).at("viewer.passwordChangeUrl") is None
