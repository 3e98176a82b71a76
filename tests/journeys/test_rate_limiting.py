"""What counts as an attempt besides signing in, for whom, and what the operator and the person concerned hear of it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.demo import DEMO_PASSWORD
from tests.invitations.inviting import ADMINISTRATOR, PREVIEW, invites, row
from tests.logs import capture_logs
from tests.portal import Person, Portal, open_portal

PURCHASE = "purchase@helios.example"
CHANGE = """
mutation ($current: String!) {
  changePassword(input: { currentPassword: $current, newPassword: "seven herons over the weir" }) { errors { code } }
}
"""
EMAIL = """
mutation ($password: String!) {
  requestEmailChange(input: { newEmail: "new@helios.example", currentPassword: $password }) { errors { code } }
}
"""


@pytest.fixture
async def quick() -> AsyncIterator[Portal]:
    """A gateway in which passwords are compared without hashing them."""
    async with open_portal() as portal:

        def verify(password: str, stored: str | None) -> tuple[bool, None]:
            return stored is not None and password == DEMO_PASSWORD, None

        portal.wiring.backends.accounts._verify = verify  # type: ignore[attr-defined]
        yield portal


async def codes(person: Person, query: str, **given: Any) -> list[str]:
    """The codes with which the one mutation is refused."""
    (payload,) = (await person.asks(query, **given)).data.values()
    return [error["code"] for error in payload["errors"]]


async def test_the_right_current_password_does_not_count(quick: Portal) -> None:
    person = await quick.person(PURCHASE)

    # The portal compares with the demo's password however often it is changed.
    assert [await codes(person, CHANGE, current=DEMO_PASSWORD) for _ in range(15)] == [[]] * 15


async def test_a_right_password_is_not_checked_without_end(quick: Portal) -> None:
    """Checking one takes as long whether it is right or wrong, and everybody who signs in waits for it."""
    checked = []
    verify = quick.wiring.backends.accounts._verify  # type: ignore[attr-defined]

    def counted(password: str, stored: str | None) -> tuple[bool, None]:
        checked.append(password)
        answer: tuple[bool, None] = verify(password, stored)
        return answer

    quick.wiring.backends.accounts._verify = counted  # type: ignore[attr-defined]
    sessions = [await quick.person(PURCHASE) for _ in range(3)]

    for number in range(40):
        await codes(sessions[number % 3], EMAIL, password=DEMO_PASSWORD)
    refused = await codes(sessions[0], CHANGE, current=DEMO_PASSWORD)

    assert (len(checked), refused) == (30, ["RATE_LIMITED"])
    assert await codes(await quick.person("planning@helios.example"), CHANGE, current=DEMO_PASSWORD) == []


async def test_guesses_in_one_session_do_not_use_up_those_of_another(quick: Portal) -> None:
    thief, owner = await quick.person(PURCHASE), await quick.person(PURCHASE)
    guesses = [await codes(thief, EMAIL, password=f"guess {number}") for number in range(5)]
    right = await codes(owner, EMAIL, password=DEMO_PASSWORD)
    more = [await codes(thief, EMAIL, password=f"guess {number}") for number in range(6)]

    assert guesses == [["INVALID_CREDENTIALS"]] * 5
    assert right == []
    assert more == [["INVALID_CREDENTIALS"]] * 5 + [["RATE_LIMITED"]]
    assert len(await quick.queued_mails("new@helios.example")) == 1  # what is mailed is counted after the password


async def test_a_wrong_current_password_is_in_the_log_and_on_record_and_so_are_too_many(quick: Portal) -> None:
    person = await quick.person(PURCHASE)
    with capture_logs() as logged:
        for number in range(12):
            await codes(person, CHANGE, current=f"guess {number}")

    rows = await quick.audit("changePassword")
    refused = [line for line in logged if line["event"] == "password refused"]
    limited = [line for line in logged if line["event"] == "too many attempts"]
    assert [(row.actor_id == row.subject_id, row.refused_with) for row in rows] == [
        (True, "INVALID_CREDENTIALS"),
        (True, "RATE_LIMITED"),
    ]
    assert [(line["person"], line["address"], line["action"]) for line in refused] == [
        (rows[0].actor_id, "127.0.0.1", "changePassword")
    ] * 10
    assert [(line["person"], line["address"]) for line in limited] == [(rows[0].actor_id, "127.0.0.1")] * 2
    assert "guess" not in str(logged)


async def test_many_are_invited_behind_one_address_and_tokens_that_are_right_do_not_count(portal: Portal) -> None:
    administrator = await portal.person(ADMINISTRATOR)
    await invites(administrator, await portal.organization_of(ADMINISTRATOR), row("new@elsewhere.example"))
    (mail,) = await portal.queued_mails("new@elsewhere.example")

    seen = [await portal.anybody().asks(PREVIEW, token=mail.token) for _ in range(121)]

    assert {str(answer.codes) for answer in seen} == {"{}"}


async def test_one_organization_does_not_use_up_the_invitations_of_another(portal: Portal) -> None:
    email = "sought@elsewhere.example"
    mutation = "mutation R($id: ID!) { resendInvitation(input: { id: $id }) { errors { code } } }"
    helios = await portal.person(ADMINISTRATOR)
    (first,) = (await invites(helios, await portal.organization_of(ADMINISTRATOR), row(email)))["results"]
    resent = [await codes(helios, mutation, id=first["invitation"]["id"]) for _ in range(10)]

    lumen = "administration@lumen.example"
    (other,) = (await invites(await portal.person(lumen), await portal.organization_of(lumen), row(email)))["results"]

    assert resent == [[]] * 9 + [["RATE_LIMITED"]]
    assert other["errors"] == []


async def test_a_refused_view_as_is_in_the_log_and_in_ones_own_history_once_an_hour(portal: Portal) -> None:
    owner, person = await portal.person(PURCHASE), await portal.person("planning@helios.example")
    membership = (await owner.asks("{ viewer { memberships { nodes { id } } } }")).at("viewer.memberships.nodes.0.id")
    with capture_logs() as logged:
        for id in (membership, membership, "mbr_unknown"):
            await person.posts(b'{"query": "{ viewer { id } }"}', forecourt_view_as=id)
        await portal.anybody().posts(b'{"query": "{ viewer { id } }"}', forecourt_view_as=membership)

    rows = await portal.audit("view_as.refused")
    assert [(row.subject_id, row.organization_id, row.refused_with) for row in rows] == [
        (membership, None, "VIEW_AS_REFUSED"),
        ("mbr_unknown", None, "VIEW_AS_REFUSED"),
    ]
    lines = [(line["membership"], line["person"]) for line in logged if line["event"] == "view as refused"]
    me = rows[0].actor_id
    assert lines == [(membership, me), (membership, me), ("mbr_unknown", me), (membership, None)]
    history = await person.asks("{ viewer { auditEvents { nodes { action } } } }")
    assert history.at("viewer.auditEvents.nodes").count({"action": "view_as.refused"}) == 2


REMOVE = "mutation ($id: ID!) { removeMember(input: { id: $id }) { errors { code } } }"


async def test_invented_ids_neither_fill_the_audit_log_nor_write_addresses_into_it(portal: Portal) -> None:
    person = await portal.person(PURCHASE)
    me = (await person.asks("{ viewer { user { id } } }")).at("viewer.user.id")
    for number in range(70):
        await codes(person, REMOVE, id=f"mbr_invented{number % 65}")
        await person.posts(b'{"query": "{ viewer { id } }"}', forecourt_view_as=f"mbr_other{number}")
    for address in ("mary.miller@elsewhere.example", "paul@elsewhere.example"):
        await codes(person, REMOVE, id=address)
        await person.posts(b'{"query": "{ viewer { id } }"}', forecourt_view_as=address)

    removals = [row.subject_id for row in await portal.audit("removeMember")]
    views = [row.subject_id for row in await portal.audit("view_as.refused")]
    assert [len(removals) + len(views), removals.count(me), views.count(me)] == [62, 1, 1]
    assert not [one for one in removals + views if "@" in one]


async def test_a_refused_refresh_is_in_the_log(portal: Portal) -> None:
    refresh = "mutation R($t: String!) { refreshSession(input: { refreshToken: $t }) { errors { code } } }"
    with capture_logs() as logged:
        assert await codes(portal.anybody(), refresh, t="x") == ["SESSION_ENDED"]

    (line,) = [line for line in logged if line["event"] == "refresh refused"]
    assert (line["reason"], line["address"]) == ("unknown_or_expired", "127.0.0.1")
