"""Help for somebody who cannot sign in: the same for known and unknown names, and mailed to the linked address only."""

import json

import pytest

from resolvers.sessions.sign_in_help import LOGIN_NAME_REMINDER, PASSWORD_RESET
from tests.account.own_account import HANDLERS, PURCHASE, carry_out, kept_tokens, queued
from tests.portal import Answer, Portal, open_portal

REQUEST = """
mutation Request($name: String!) {
  requestPasswordReset(input: { loginIdentifier: $name }) { accepted errors { __typename code path } }
}
"""
REMIND = """
mutation Remind($name: String!) {
  requestLoginNameReminder(input: { loginIdentifier: $name }) { accepted errors { __typename code path } }
}
"""


@pytest.mark.parametrize("query", [REQUEST, REMIND], ids=["reset", "reminder"])
async def test_a_known_and_an_unknown_name_get_the_same_answer_with_the_same_statements(
    portal: Portal, query: str
) -> None:
    """D4: the mutation looks nobody up, so it cannot take another time for somebody who is there."""
    asked: list[tuple[Answer, list[str]]] = []
    for name in (PURCHASE, "nobody@helios.example", "DOMUS_1", "ayse.brandt@helios.example", "a b c"):
        with portal.statements() as statements:
            answer = await portal.anybody().asks(query, name=name)
        asked.append((answer, list(statements)))

    assert {answer.status for answer, _ in asked} == {200}
    assert [answer.body for answer, _ in asked] == [asked[0][0].body] * len(asked)
    assert [statements for _, statements in asked] == [asked[0][1]] * len(asked)
    assert [statement.split()[0:3] for statement in asked[0][1]] == [
        ["BEGIN", "IMMEDIATE"],
        ["INSERT", "INTO", "outbox"],
    ]
    items = await queued(portal, PASSWORD_RESET, LOGIN_NAME_REMINDER)
    assert len({len(item.sealed or "") // 200 for item in items}) == 1
    assert not any(PURCHASE in str(item) for item in items)


async def test_mail_goes_to_the_linked_address_only_never_to_the_one_typed_in(software_portal: Portal) -> None:
    """D4."""
    for name in ("DOMUS_12345", "nobody@hausgut.example", "elif.yildiz@hausgut.example", "DOMUS_99999"):
        await software_portal.anybody().asks(REQUEST, name=name)
        await software_portal.anybody().asks(REMIND, name=name)

    await carry_out(software_portal)

    mails = await software_portal.queued_mails()
    holder = "licence.holder@hausgut.example"
    assert [(mail.template, mail.to) for mail in mails] == [("password_reset", holder), ("login_names", holder)]
    assert mails[1].values == {"names": [holder, "DOMUS_12345"]}


async def test_an_item_that_is_carried_out_twice_sends_one_mail(each_portal: Portal) -> None:
    await each_portal.anybody().asks(REQUEST, name=PURCHASE)
    await each_portal.anybody().asks(REMIND, name=PURCHASE)

    await carry_out(each_portal, times=2)

    assert [mail.template for mail in await each_portal.queued_mails()] == ["password_reset", "login_names"]
    assert len(await kept_tokens(each_portal)) == 1
    assert len(await each_portal.audit("password.reset_mail")) == 1
    assert len(await each_portal.audit("login_name.reminder_mail")) == 1


async def test_somebody_is_not_flooded_and_a_stranger_cannot_use_up_what_is_theirs(portal: Portal) -> None:
    codes = [(await portal.anybody().asks(REQUEST, name=PURCHASE)).at("requestPasswordReset.errors") for _ in range(4)]
    other = await portal.anybody().asks(REQUEST, name="planning@helios.example")

    assert [[error["code"] for error in errors] for errors in codes] == [[], [], [], ["RATE_LIMITED"]]
    assert other.at("requestPasswordReset.accepted") is True
    assert len(await queued(portal, PASSWORD_RESET)) == 4


async def test_nobody_is_flooded_from_many_addresses_either() -> None:
    async with open_portal(trusted_proxies=1) as portal:
        codes = []
        for number in range(10):
            body = json.dumps({"query": REQUEST, "variables": {"name": PURCHASE}}).encode()
            answer = await portal.anybody().posts(body, x_forwarded_for=f"203.0.113.{number}")
            codes.append([error["code"] for error in answer.at("requestPasswordReset.errors")])

        assert codes == [[]] * 9 + [["RATE_LIMITED"]]
        assert len(await queued(portal, PASSWORD_RESET)) == 9


@pytest.mark.parametrize("name", ["", "  ", "x" * 255, "x" * 10_000, "a\nb", "a\u0000b"])
@pytest.mark.parametrize("query", [REQUEST, REMIND], ids=["reset", "reminder"])
async def test_what_can_be_no_login_name_is_refused_and_queues_nothing(portal: Portal, query: str, name: str) -> None:
    answer = await portal.anybody().asks(query, name=name)

    (payload,) = answer.data.values()
    assert payload == {
        "accepted": False,
        "errors": [{"__typename": "ValidationError", "code": "INVALID_INPUT", "path": ["loginIdentifier"]}],
    }
    assert await queued(portal, *HANDLERS) == []
