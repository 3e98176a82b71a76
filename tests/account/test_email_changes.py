"""Another address for an account: the old one stays until the new one is confirmed, and nobody learns who is here."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from gateway.demo import DEMO_PASSWORD
from tests.account.own_account import PURCHASE, carry_out, gets_in, kept_tokens
from tests.portal import Person, Portal, open_portal

REQUEST = """
mutation Request($email: EmailAddress!, $password: String! = "forecourt-demo") {
  requestEmailChange(input: { newEmail: $email, currentPassword: $password }) {
    accepted errors { __typename code path }
  }
}
"""
CONFIRM = """
mutation Confirm($token: String!) {
  confirmEmailChange(input: { token: $token }) {
    viewer { user { email } loginNames profileVersion } errors { __typename code path }
  }
}
"""
NEW = "Joerg.Weiss@helios.example"
TOKEN_INVALID = [{"__typename": "TokenError", "code": "TOKEN_INVALID", "path": ["token"]}]


async def token_for(portal: Portal, person: Person, email: str = NEW) -> str:
    """The token that was sent to the new address."""
    answer = await person.asks(REQUEST, email=email)
    assert answer.at("requestEmailChange") == {"accepted": True, "errors": []}
    token = (await portal.queued_mails(email))[-1].token
    assert token is not None
    return token


async def confirms(portal: Portal, token: str, person: Person | None = None) -> Any:
    """The payload of confirmEmailChange."""
    answer = await (person or portal.anybody()).asks(CONFIRM, token=token)
    assert answer.errors == [], answer.errors
    return answer.at("confirmEmailChange")


async def test_the_old_address_stays_until_the_new_one_is_confirmed_and_is_notified(each_portal: Portal) -> None:
    """D10."""
    person = await each_portal.person(PURCHASE)

    token = await token_for(each_portal, person)
    before = await person.asks("{ viewer { loginNames } }")
    await each_portal.anybody().asks(
        "mutation R($n: String!) { requestPasswordReset(input: { loginIdentifier: $n }) { accepted } }", n=PURCHASE
    )
    await carry_out(each_portal)
    (reset,) = [mail for mail in await each_portal.queued_mails() if mail.template == "password_reset"]
    after = await confirms(each_portal, token, person)

    mails = {mail.template: mail for mail in await each_portal.queued_mails()}
    assert before.at("viewer.loginNames") == [PURCHASE]
    assert reset.to == PURCHASE
    assert mails["email_change_confirmation"].to == NEW
    assert mails["email_change_notice"].to == PURCHASE
    assert mails["email_change_notice"].values == {"name": "Jörg Weiß", "new_address": "J***@helios.example"}
    assert after == {"viewer": {"user": {"email": NEW}, "loginNames": [NEW], "profileVersion": 2}, "errors": []}
    assert await gets_in(each_portal, NEW.lower(), DEMO_PASSWORD)
    assert not await gets_in(each_portal, PURCHASE, DEMO_PASSWORD)
    reset_answer = await each_portal.anybody().asks(
        'mutation R($t: String!) { resetPassword(input: { token: $t, newPassword: "grünes Fahrrad im Regen" }) '
        "{ errors { code } } }",
        t=reset.token,
    )
    assert reset_answer.at("resetPassword.errors") == [{"code": "TOKEN_INVALID"}]
    rows = await each_portal.audit("email.request", "email.change")
    assert [(row.action, row.before, row.after) for row in rows] == [
        (action, '{"email":"p***@helios.example"}', '{"email":"J***@helios.example"}')
        for action in ("email.request", "email.change")
    ]


async def test_the_link_may_be_opened_by_nobody_signed_in_and_says_nothing_of_the_account_then(portal: Portal) -> None:
    token = await token_for(portal, await portal.person(PURCHASE))
    stranger = await portal.person("planning@helios.example")

    anonymous = await confirms(portal, token)
    other = await stranger.asks("{ viewer { loginNames } }")

    assert anonymous == {"viewer": None, "errors": []}
    assert other.at("viewer.loginNames") == ["planning@helios.example"]
    assert await gets_in(portal, NEW, DEMO_PASSWORD)


async def test_an_address_that_somebody_has_gets_the_same_answer_and_its_owner_is_notified(portal: Portal) -> None:
    """The same answer, the same statements, the same number of mails: nobody finds out who has an account."""
    taken = "Planning@Helios.example"
    first, second = await portal.person(PURCHASE), await portal.person("installation@helios.example")

    with portal.statements() as free_statements:
        free = await first.asks(REQUEST, email=NEW)
    with portal.statements() as taken_statements:
        refused = await second.asks(REQUEST, email=taken)

    assert free.body == refused.body
    assert free_statements == taken_statements
    (notice,) = await portal.queued_mails(taken)
    assert (notice.template, notice.values, notice.token) == (
        "registration_existing_account",
        {"name": "Franziska Löffler"},
        None,
    )
    assert [mail.template for mail in await portal.queued_mails("installation@helios.example")] == [
        "email_change_notice"
    ]
    assert len(await kept_tokens(portal)) == 2


async def test_an_address_that_was_confirmed_by_another_meanwhile_is_refused_to_its_reader_only(
    each_portal: Portal,
) -> None:
    first, second = await each_portal.person(PURCHASE), await each_portal.person("planning@helios.example")
    tokens = [await token_for(each_portal, first), await token_for(each_portal, second)]

    payloads = await asyncio.gather(*(confirms(each_portal, token) for token in tokens))

    errors = [payload["errors"] for payload in payloads]
    assert sorted(map(len, errors)) == [0, 1]
    assert [error for one in errors for error in one] == [
        {"__typename": "ConflictError", "code": "CONFLICT", "path": ["token"]}
    ]
    assert len(await each_portal.audit("email.change")) == 1


async def test_a_token_counts_once_also_of_twenty_at_the_same_time(each_portal: Portal) -> None:
    token = await token_for(each_portal, await each_portal.person(PURCHASE))

    payloads = await asyncio.gather(*(confirms(each_portal, token) for _ in range(20)))

    assert sorted((payload["errors"] for payload in payloads), key=len) == [[]] + [TOKEN_INVALID] * 19
    assert len(await each_portal.audit("email.change")) == 1


async def test_the_person_is_locked_before_their_link_as_by_a_new_password_so_that_the_two_never_deadlock() -> None:
    async with open_portal(kind="postgresql") as portal:
        person = await portal.person(PURCHASE)
        token = await token_for(portal, person)
        with portal.statements() as confirming:
            await confirms(portal, token)
        with portal.statements() as changing:
            await person.asks(
                'mutation { changePassword(input: { currentPassword: "forecourt-demo", '
                'newPassword: "grünes Fahrrad im Regen" }) { errors { code } } }'
            )

    for statements in (confirming, changing):
        firsts = [
            next(number for number, one in enumerate(statements) if any(part in one for part in parts))
            for parts in (("FOR NO KEY UPDATE",), ("UPDATE mailed_tokens", "DELETE FROM mailed_tokens"))
        ]
        assert firsts == sorted(firsts)


async def test_a_later_request_voids_the_token_of_an_earlier_one(portal: Portal) -> None:
    person = await portal.person(PURCHASE)
    first = await token_for(portal, person)
    second = await token_for(portal, person, "j.weiss@helios.example")

    assert (await confirms(portal, first))["errors"] == TOKEN_INVALID
    assert (await confirms(portal, second))["errors"] == []


async def test_a_token_is_over_after_a_day(portal: Portal) -> None:
    token = await token_for(portal, await portal.person(PURCHASE))
    portal.clock.move(timedelta(days=1))

    assert (await confirms(portal, token))["errors"] == TOKEN_INVALID


@pytest.mark.parametrize(
    "email",
    [
        PURCHASE,
        PURCHASE.upper(),
        "pürchase@helios.example",
        "purchase@hel\u0456os.example",  # a Cyrillic letter
        "a@b.c,d@e.f",
        "x@[127.0.0.1]",
        "a..b@helios.example",
        "x" * 65 + "@helios.example",
        '"a b"@helios.example',
    ],
)
async def test_an_address_that_cannot_be_is_refused_and_no_mail_leaves(portal: Portal, email: str) -> None:
    person = await portal.person(PURCHASE)

    answer = await person.asks(REQUEST, email=email)

    if answer.status == 400:  # no address by its syntax
        assert answer.codes == {"": "BAD_USER_INPUT"}
    else:
        assert answer.at("requestEmailChange") == {
            "accepted": False,
            "errors": [{"__typename": "ValidationError", "code": "INVALID_INPUT", "path": ["newEmail"]}],
        }
    assert await portal.queued_mails() == []
    assert await kept_tokens(portal) == []


async def test_a_header_cannot_be_smuggled_in(portal: Portal) -> None:
    person = await portal.person(PURCHASE)

    for email in (
        "a@helios.example\r\nBcc: b@evil.example",
        "a@helios.example\u2028x.example",
        "a\u0000@helios.example",
    ):
        answer = await person.asks(REQUEST, email=email)
        assert answer.status == 400 or answer.at("requestEmailChange.accepted") is False

    assert await portal.queued_mails() == []


async def test_who_finds_a_session_open_cannot_take_the_account_with_another_address(portal: Portal) -> None:
    person = await portal.person(PURCHASE)

    wrong = await person.asks(REQUEST, email=NEW, password="wrong")
    right = await person.asks(REQUEST, email=NEW, password=DEMO_PASSWORD)

    assert wrong.at("requestEmailChange") == {
        "accepted": False,
        "errors": [{"__typename": "AuthenticationError", "code": "INVALID_CREDENTIALS", "path": ["currentPassword"]}],
    }
    assert right.at("requestEmailChange.accepted") is True
    assert len(await kept_tokens(portal)) == 1


async def test_a_new_address_is_not_flooded(portal: Portal) -> None:
    person = await portal.person(PURCHASE)

    codes = [(await person.asks(REQUEST, email=NEW)).at("requestEmailChange.errors") for _ in range(6)]

    assert [[error["code"] for error in errors] for errors in codes] == [[]] * 5 + [["RATE_LIMITED"]]
    assert len(await portal.queued_mails(NEW)) == 5


@pytest.mark.parametrize("token", ["", "x", "x" * 5_000, "\u0000", "💡"])
async def test_what_is_no_token_confirms_nothing(portal: Portal, token: str) -> None:
    assert await confirms(portal, token) == {"viewer": None, "errors": TOKEN_INVALID}
