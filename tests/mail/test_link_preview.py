"""What the link of a mail is about, before anything is typed: of all five kinds, and without any change."""

import re
from datetime import timedelta
from typing import Any

import pytest

from connectors.directory.tables import registrations
from resolvers.context import RequestContext
from resolvers.mail.links import MailLinkKind
from resolvers.scheduled_tasks import run_scheduled_tasks
from tests.invitations.inviting import invited
from tests.pages.links import MAILED, PASSWORD
from tests.portal import Portal, open_portal
from tests.registrations.registering import private, registers, registers_privately
from tests.schemas import shared_core

ASK = """
query Link($kind: MailLinkKind!, $token: String!) {
  linkPreview(kind: $kind, token: $token) {
    kind state expiresAt maskedEmail organizationName locale canRequestNew
  }
}
"""
KINDS = [kind.value for kind in MailLinkKind]
USE = {
    "INVITATION": ("declineInvitation", "TokenInput", {}),
    "REGISTRATION": ("confirmRegistration", "ConfirmRegistrationInput", {"password": PASSWORD}),
    "PASSWORD_RESET": ("resetPassword", "ResetPasswordInput", {"newPassword": PASSWORD}),
    "EMAIL_CHANGE": ("confirmEmailChange", "TokenInput", {}),
    "ACCOUNT_DELETION": ("cancelAccountDeletion", "CancelAccountDeletionInput", {}),
}
LIFETIMES = {
    "INVITATION": timedelta(days=7),
    "REGISTRATION": timedelta(days=7),
    "PASSWORD_RESET": timedelta(hours=1),
    "EMAIL_CHANGE": timedelta(days=1),
    "ACCOUNT_DELETION": timedelta(days=30),
}
UNKNOWN = "x" * 43


async def token_of(portal: Portal, kind: str) -> str:
    """The token of a link that was just mailed."""
    return (await MAILED[kind.lower().replace("_", "-")](portal)).partition("token=")[2]


async def preview(portal: Portal, kind: str, token: str) -> Any:
    """What is said of a link to somebody not signed in; fails on any error."""
    answer = await portal.anybody().asks(ASK, kind=kind, token=token)
    assert answer.errors == []
    return answer.at("linkPreview")


async def uses(portal: Portal, kind: str, token: str) -> list[str]:
    """Do what a link is for, and return the codes of what is refused."""
    name, input_type, more = USE[kind]
    text = f"mutation U($input: {input_type}!) {{ {name}(input: $input) {{ errors {{ code }} }} }}"
    answer = await portal.anybody().asks(text, input={"token": token, **more})
    return [error["code"] for error in answer.at(name)["errors"]]


def void(kind: str) -> dict[str, Any]:
    """All that is said of a link that is unknown, or as good as unknown."""
    nothing = dict.fromkeys(("expiresAt", "maskedEmail", "organizationName", "locale"))
    return {"kind": kind, "state": "VOID", **nothing, "canRequestNew": kind == "PASSWORD_RESET"}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_link_is_open_until_it_is_used_and_looking_does_not_use_it(each_portal: Portal, kind: str) -> None:
    token = await token_of(each_portal, kind)

    seen = [await preview(each_portal, kind, token) for _ in range(3)]
    done = await uses(each_portal, kind, token)
    used = await preview(each_portal, kind, token)

    assert seen[0] == seen[1] == seen[2]
    assert seen[0]["state"] == "OPEN"
    assert seen[0]["expiresAt"] == (each_portal.clock() + LIFETIMES[kind]).isoformat().replace("+00:00", "Z")
    assert "***@" in seen[0]["maskedEmail"]
    assert done == []
    assert (used["state"], used["maskedEmail"]) == ("USED", seen[0]["maskedEmail"])
    assert await uses(each_portal, kind, token) in (["TOKEN_INVALID"], ["INVITATION_ALREADY_USED"])


@pytest.mark.parametrize("kind", KINDS)
async def test_what_was_not_used_in_time_has_expired_and_is_forgotten_a_month_later(portal: Portal, kind: str) -> None:
    token = await token_of(portal, kind)

    states = []
    for later in (LIFETIMES[kind] - timedelta(seconds=1), timedelta(seconds=1), timedelta(days=31)):
        portal.clock.move(later)
        await _tasks(portal) if later > timedelta(days=30) else None
        states.append((await preview(portal, kind, token))["state"])

    last = "EXPIRED" if kind == "INVITATION" else "VOID"  # an invitation stays with its organization
    assert states == ["OPEN", "EXPIRED", last]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "INVITATION"])
async def test_what_was_used_is_said_for_a_month(portal: Portal, kind: str) -> None:
    token = await token_of(portal, kind)
    assert await uses(portal, kind, token) == []

    states = []
    for later in (LIFETIMES[kind], timedelta(days=31)):
        portal.clock.move(later)
        await _tasks(portal)
        states.append((await preview(portal, kind, token))["state"])

    assert states == ["USED", "VOID"]


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_is_said_of_what_was_never_sent_or_of_a_link_of_another_kind(portal: Portal, kind: str) -> None:
    assert await preview(portal, kind, UNKNOWN) == void(kind)
    for other in KINDS:
        if other != kind:
            assert await preview(portal, kind, await token_of(portal, other)) == void(kind)
            portal.forget_attempts()


@pytest.mark.parametrize("kind", ["PASSWORD_RESET", "EMAIL_CHANGE", "ACCOUNT_DELETION"])
async def test_nothing_is_said_of_a_link_that_was_voided_without_being_used(portal: Portal, kind: str) -> None:
    token = await token_of(portal, kind)
    person = await portal.person("planning@helios.example" if kind == "EMAIL_CHANGE" else "purchase@helios.example")
    change = "mutation C($input: ChangePasswordInput!) { changePassword(input: $input) { errors { code } } }"
    keep = "mutation K { cancelAccountDeletion(input: {}) { errors { code } } }"

    if kind == "ACCOUNT_DELETION":
        done = (await person.asks(keep)).at("cancelAccountDeletion.errors")
    else:
        input = {"currentPassword": "forecourt-demo", "newPassword": PASSWORD}
        done = (await person.asks(change, input=input)).at("changePassword.errors")

    assert done == []
    assert await preview(portal, kind, token) == void(kind)


async def test_nothing_is_said_of_an_invitation_that_was_taken_back_or_sent_again(portal: Portal) -> None:
    first_id, first = await invited(portal, "one@elsewhere.example")
    second_id, second = await invited(portal, "two@elsewhere.example")
    administrator = await portal.person("administration@helios.example")
    for name, id in (("revokeInvitation", first_id), ("resendInvitation", second_id)):
        text = f"mutation M($input: {_input_type(name)}) {{ {name}(input: $input) {{ errors {{ code }} }} }}"
        assert (await administrator.asks(text, input={"id": id})).at(name) == {"errors": []}

    assert await preview(portal, "INVITATION", first) == void("INVITATION")
    assert await preview(portal, "INVITATION", second) == void("INVITATION")


def _input_type(mutation: str) -> str:
    return str(shared_core().mutation_type.fields[mutation].args["input"].type)  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", KINDS)
async def test_every_token_takes_the_same_statements(kind: str) -> None:
    """Whoever tries tokens learns nothing from how long an answer takes, either."""
    async with open_portal() as portal:
        token = await token_of(portal, kind)

        async def statements(of: str) -> list[str]:
            with portal.statements() as sent:
                await preview(portal, kind, of)
            return sent

        unknown, opened = await statements(UNKNOWN), await statements(token)
        await uses(portal, kind, token)
        used = await statements(token)

    assert unknown == opened == used
    assert 1 <= len(unknown) <= 3


async def test_an_invitation_names_the_organization_and_a_registration_the_one_registered(portal: Portal) -> None:
    invitation = await preview(portal, "INVITATION", await token_of(portal, "INVITATION"))
    registration = await preview(portal, "REGISTRATION", await token_of(portal, "REGISTRATION"))

    assert invitation["organizationName"] == "Helios Montage GmbH"
    assert (registration["organizationName"], registration["locale"]) == (None, "de")
    assert (invitation["canRequestNew"], registration["canRequestNew"]) == (False, True)


@pytest.mark.parametrize("is_known", [False, True])
async def test_trying_tokens_is_limited_by_address_and_opening_ones_own_link_is_not(
    portal: Portal, is_known: bool
) -> None:
    person, token = portal.anybody(), await token_of(portal, "INVITATION") if is_known else UNKNOWN
    codes = set()
    for _ in range(121):
        codes = set((await person.asks(ASK, kind="INVITATION", token=token)).codes.values())

    assert codes == (set() if is_known else {"RATE_LIMITED"})


RESEND = """
mutation R($input: ResendRegistrationMailInput!) {
  resendRegistrationMail(input: $input) { accepted errors { code path } }
}
"""
ZOE = "zoe@privat.example"


async def resends(portal: Portal, **input: Any) -> Any:
    """Ask for the mail again, and let the worker do what follows."""
    answer = await portal.anybody().asks(RESEND, input=input)
    await portal.deliver()
    return answer.at("resendRegistrationMail")


ACCEPTED = {"accepted": True, "errors": []}


async def confirmations(portal: Portal) -> list[str]:
    """The tokens that were mailed to confirm Zoë's registration, oldest first."""
    mails = [mail for mail in await portal.mails(ZOE) if "token=" in mail.text]
    return [re.findall(r"token=([\w-]+)", mail.text)[0] for mail in mails]


@pytest.mark.parametrize("days", [1, 8, 30])
async def test_the_mail_of_a_registration_is_sent_again_with_a_link_that_replaces_the_first(
    portal: Portal, days: int
) -> None:
    """Also when it has expired already, whether or not that was stored."""
    await registers_privately(portal.anybody())
    await portal.deliver()
    (first,) = await confirmations(portal)
    portal.clock.move(timedelta(days=days))
    await _tasks(portal) if days == 8 else None
    portal.forget_attempts()

    answer = await resends(portal, token=first)

    assert answer == ACCEPTED
    _, second = await confirmations(portal)
    assert (await preview(portal, "REGISTRATION", first))["state"] == "VOID"
    opened = await preview(portal, "REGISTRATION", second)
    assert (opened["state"], opened["expiresAt"]) == (
        "OPEN",
        (portal.clock() + timedelta(days=7)).isoformat().replace("+00:00", "Z"),
    )
    assert await uses(portal, "REGISTRATION", first) == ["TOKEN_INVALID"]
    assert await uses(portal, "REGISTRATION", second) == []
    (row,) = await portal.audit("registration.resend")
    assert row.actor_id is None


async def test_by_reference_and_address_both_have_to_fit(portal: Portal) -> None:
    reference = (await registers(portal.anybody(), applicantEmail=ZOE))["reference"]
    await portal.deliver()

    for given in ((reference, "other@privat.example"), ("R-00000-00000-00000-00000", ZOE)):
        assert await resends(portal, reference=given[0], email=given[1]) == ACCEPTED
    assert len(await confirmations(portal)) == 1

    assert await resends(portal, reference=f" {reference.lower()} ", email=ZOE.upper()) == ACCEPTED
    assert len(await confirmations(portal)) == 2


@pytest.mark.parametrize("state", ["unknown", "confirmed", "withdrawn", "long ago"])
async def test_the_answer_is_the_same_whatever_there_is_and_takes_the_same_statements(
    portal: Portal, state: str
) -> None:
    await registers_privately(portal.anybody())
    await portal.deliver()
    (token,) = await confirmations(portal)
    if state == "confirmed":
        assert await uses(portal, "REGISTRATION", token) == []
    if state == "withdrawn":
        text = (
            "mutation W($input: WithdrawRegistrationInput!) { withdrawRegistration(input: $input) { errors { code } } }"
        )
        done = await portal.anybody().asks(text, input={"token": token, "idempotencyKey": "w"})
        assert done.at("withdrawRegistration.errors") == []
    if state == "long ago":
        portal.clock.move(timedelta(days=37))
    given = UNKNOWN if state == "unknown" else token

    with portal.statements() as sent:
        answer = await portal.anybody().asks(RESEND, input={"token": given})
    await portal.deliver()

    assert answer.at("resendRegistrationMail") == ACCEPTED
    assert len(await confirmations(portal)) == 1
    assert not [one for one in sent if "registrations" in one]


async def test_one_request_sent_twice_sends_one_mail(portal: Portal) -> None:
    await registers_privately(portal.anybody())
    await portal.deliver()
    (token,) = await confirmations(portal)

    answers = [await portal.anybody().asks(RESEND, input={"token": token, "idempotencyKey": "k"}) for _ in range(2)]
    await portal.deliver()

    assert [answer.at("resendRegistrationMail") for answer in answers] == [ACCEPTED, ACCEPTED]
    assert len(await confirmations(portal)) == 2


async def test_whoever_has_an_account_is_reminded_of_it_and_gets_no_link(portal: Portal) -> None:
    await registers_privately(portal.anybody(), **private(email="purchase@helios.example"))
    await portal.deliver()
    before = len(await portal.mails("purchase@helios.example"))
    async with portal.wiring.backends.directory._engine.connect() as connection:  # type: ignore[attr-defined]
        rows = list(await connection.execute(registrations.select()))
    reference = next(row.reference for row in rows if row.email == "purchase@helios.example")

    await resends(portal, reference=reference, email="purchase@helios.example")

    mails = await portal.mails("purchase@helios.example")
    assert len(mails) == before + 1
    assert "token=" not in mails[-1].text


@pytest.mark.parametrize(
    ("input", "paths"),
    [
        ({}, [["reference"], ["email"]]),
        ({"reference": "R-1"}, [["email"]]),
        ({"token": " "}, [["token"]]),
        ({"token": "x", "reference": "R-1", "email": ZOE}, [["reference"], ["email"]]),
        ({"token": "x" * 1_001}, [["token"]]),
    ],
)
async def test_what_cannot_be_meant_is_refused_all_at_once(
    portal: Portal, input: dict[str, Any], paths: list[list[str]]
) -> None:
    payload = await resends(portal, **input)

    assert payload["accepted"] is False
    assert [(error["code"], error["path"]) for error in payload["errors"]] == [("INVALID_INPUT", one) for one in paths]


async def test_asking_again_and_again_is_limited(portal: Portal) -> None:
    codes = [
        [error["code"] for error in (await resends(portal, token=UNKNOWN))["errors"]] for _ in range(4)
    ]  # three of the same token from one network

    assert codes == [[], [], [], ["RATE_LIMITED"]]


async def _tasks(portal: Portal) -> None:
    wiring = portal.wiring
    await run_scheduled_tasks(RequestContext(wiring.backends, wiring.policy, portal.clock(), "test"))
