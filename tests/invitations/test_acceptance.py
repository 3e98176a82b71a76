"""The invited person accepts: once, with the right address, in time; the membership becomes theirs (K30, D21)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from connectors.directory.approvals import INVITATIONS
from connectors.directory.records.audit import Author
from connectors.directory.records.memberships import MembershipStatus
from connectors.directory.records.organizations import OrganizationStatus
from connectors.directory.records.outbox import OutboxState
from connectors.identity.embedded import credentials
from resolvers.account.credentials import CREDENTIALS_SET
from resolvers.audit import recorded
from tests.invitations.inviting import (
    ACCEPT,
    ADMINISTRATOR,
    DECLINE,
    NEW,
    PASSWORD,
    PREVIEW,
    PURCHASER,
    REVOKE,
    WANT,
    accepts,
    account,
    codes,
    invited,
    invites,
    kept,
    row,
    token_of,
)
from tests.portal import NOW, Person, Portal, open_portal

LUMEN = "administration@lumen.example"
SIGN_IN = "mutation S($input: SignInInput!) { signIn(input: $input) { accessToken errors { code } } }"


async def previewed(person: Person, token: str) -> Any:
    """What the invitation's preview says."""
    answer = await person.asks(PREVIEW, token=token)
    assert answer.errors == []
    return answer.at("invitationPreview")


async def signed_in(portal: Portal, login_name: str, password: str = PASSWORD) -> Person:
    """Somebody who has signed in with a password."""
    answer = await portal.anybody().asks(SIGN_IN, input={"loginName": login_name, "password": password})
    assert answer.at("signIn.errors") == []
    return Person(portal.client, answer.at("signIn.accessToken"))


async def test_somebody_without_an_account_gets_one_and_is_signed_in(each_portal: Portal) -> None:
    """K30, D21: names, language and rights come from the invitation."""
    id, token = await invited(each_portal, firstName="Nina", lastName="Neu", locale="fr")
    anybody = each_portal.anybody()

    shown = await previewed(anybody, token)
    payload = await accepts(anybody, token, password=PASSWORD, acceptTerms=True)

    assert shown == {
        "organizationName": "Helios Montage GmbH", "maskedEmail": "n***@elsewhere.example", "roleLabels": ["Achat"],
        "status": "PENDING", "expiresAt": "2026-11-28T09:00:00Z", "firstName": "Nina", "lastName": "Neu",
        "needsNewAccount": True,
    }  # fmt: skip
    viewer = payload["viewer"]
    user_id = viewer["user"].pop("id")
    assert (payload["errors"], payload["continueUrl"]) == ([], "http://127.0.0.1:80")
    assert payload["membership"] | {"id": None} == {
        "id": None, "status": "ACTIVE", "joinedAt": "2026-11-21T09:00:00Z", "user": {"displayName": "Nina Neu"},
        "organization": {"name": "Helios Montage GmbH"},
    }  # fmt: skip
    assert viewer == {
        "user": {"displayName": "Nina Neu", "email": NEW, "locale": "fr"},
        "memberships": {"nodes": [{"organization": {"name": "Helios Montage GmbH"}}]},
    }
    nina = Person(each_portal.client, payload["accessToken"])
    orders = "{ viewer { emailVerified defaultOrganization { orders(first: 1) { totalCount } } } }"
    assert (await nina.asks(orders)).data == {
        "viewer": {"emailVerified": True, "defaultOrganization": {"orders": {"totalCount": 81}}}
    }
    await signed_in(each_portal, NEW)
    administrator = await each_portal.person(ADMINISTRATOR)
    seen = await administrator.asks(
        """query Q($id: ID!) { node(id: $id) { ... on Invitation {
        status acceptedBy { id } viewerCanResend viewerCanRevoke } } }""",
        id=id,
    )
    assert seen.at("node") == {
        "status": "ACCEPTED", "acceptedBy": {"id": user_id}, "viewerCanResend": False, "viewerCanRevoke": False,
    }  # fmt: skip
    (entry,) = await each_portal.audit("invitation.accept")
    assert (entry.subject_id, entry.actor_id) == (id, user_id)
    (status,) = await each_portal.audit("membership.status")
    assert (status.subject_id, status.after) == (payload["membership"]["id"], '{"status":"ACTIVE"}')


async def test_somebody_with_an_account_becomes_a_member_and_signs_in_as_usual(each_portal: Portal) -> None:
    """K30; the token proves the mailbox, and opens no session."""
    _, token = await invited(each_portal, LUMEN)

    assert (await previewed(each_portal.anybody(), token))["needsNewAccount"] is False
    payload = await accepts(each_portal.anybody(), token)

    assert payload["errors"] == []
    assert (payload["viewer"], payload["accessToken"], payload["refreshToken"]) == (None, None, None)
    assert (payload["membership"]["status"], payload["membership"]["user"]) == (
        "ACTIVE",
        {"displayName": "Reto Aebischer"},
    )
    reto = await each_portal.person(LUMEN)
    organizations = await reto.asks(
        "{ viewer { memberships { nodes { organization { name } roleGrants { role { key } } } } } }"
    )
    assert organizations.at("viewer.memberships.nodes") == [
        {"organization": {"name": "Helios Montage GmbH"}, "roleGrants": [{"role": {"key": "purchase"}}]},
        {"organization": {"name": "Lumen Handels AG"}, "roleGrants": [{"role": {"key": "administration"}}]},
    ]
    assert await each_portal.audit("session.begin", "account.create") == [
        row for row in await each_portal.audit("session.begin") if row.request_id == "test"
    ]


async def test_somebody_signed_in_sees_the_invitation_and_the_organization_once_they_accepted(
    each_portal: Portal,
) -> None:
    administrator = await each_portal.person(ADMINISTRATOR)
    helios = await each_portal.organization_of(ADMINISTRATOR)
    await invites(administrator, helios, row(LUMEN), message="Komm zu uns")
    token = await token_of(each_portal, LUMEN)
    reto = await each_portal.person(LUMEN)
    look = """
    query Look($id: ID!) {
      organization(id: $id) { name }
      viewer {
        accessVersion
        memberships(status: [INVITED, ACTIVE]) { nodes { organization { name } } }
        membership(organizationId: $id) { id }
        pendingInvitations {
          email message status organizationName organization { name } roles { key } inviter { displayName email }
          viewerCanResend viewerCanRevoke
        }
      }
    }
    """

    before = await reto.asks(look, id=helios)
    payload = await accepts(reto, token)
    after = await reto.asks(look, id=helios)

    # What is published to open streams and to other processes: what somebody may do has changed.
    assert before.data["viewer"].pop("accessVersion") != after.data["viewer"].pop("accessVersion")
    assert before.data == {
        "organization": None,
        "viewer": {
            "memberships": {"nodes": [{"organization": {"name": "Lumen Handels AG"}}]},
            "membership": None,
            "pendingInvitations": [
                {
                    "email": LUMEN, "message": "Komm zu uns", "status": "PENDING",
                    "organizationName": "Helios Montage GmbH", "organization": None, "roles": [{"key": "purchase"}],
                    "inviter": {"displayName": "Annegret Kästner", "email": None},
                    "viewerCanResend": False, "viewerCanRevoke": False,
                }
            ],
        },
    }  # fmt: skip
    assert list(before.codes) == ["viewer.pendingInvitations.0.inviter.email"]
    assert payload["viewer"]["memberships"]["nodes"][0] == {"organization": {"name": "Helios Montage GmbH"}}
    assert payload["accessToken"] is None
    assert after.at("organization.name") == "Helios Montage GmbH"
    assert after.at("viewer.membership.id") == payload["membership"]["id"]
    assert after.at("viewer.pendingInvitations") == []


async def test_four_ways_in_which_a_token_does_not_count_are_distinguished(each_portal: Portal) -> None:
    """K30."""
    _, used = await invited(each_portal, "used@elsewhere.example")
    await accepts(each_portal.anybody(), used, **account())
    taken_id, taken = await invited(each_portal, "taken@elsewhere.example")
    administrator = await each_portal.person(ADMINISTRATOR)
    await administrator.asks(REVOKE, input={"id": taken_id})
    _, declined = await invited(each_portal, "declined@elsewhere.example")
    await each_portal.anybody().asks(DECLINE, input={"token": declined})
    _, other = await invited(each_portal, "other@elsewhere.example", validUntil=None)
    purchaser = await each_portal.person(PURCHASER)

    found = {}
    for name, person, token in (
        ("used", each_portal.anybody(), used),
        ("taken", each_portal.anybody(), taken),
        ("declined", each_portal.anybody(), declined),
        ("other", purchaser, other),
        ("unknown", each_portal.anybody(), "unknown"),
        ("empty", each_portal.anybody(), ""),
    ):
        before = await kept(each_portal)
        payload = await accepts(person, token, **account())
        assert await kept(each_portal) == before or person is purchaser  # whose refusal is on record
        (error,) = payload["errors"]
        found[name] = (error["code"], error["path"], error.get("status"), error.get("canRequestNew"))
    each_portal.clock.move(timedelta(days=7))
    (error,) = (await accepts(each_portal.anybody(), other, **account()))["errors"]
    found["expired"] = (error["code"], error["path"], error["status"], error["canRequestNew"])

    assert found == {
        "used": ("INVITATION_ALREADY_USED", ["token"], "ACCEPTED", False),
        "taken": ("INVITATION_REVOKED", ["token"], "REVOKED", False),
        "declined": ("INVITATION_ALREADY_USED", ["token"], "DECLINED", True),
        "other": ("INVITATION_EMAIL_MISMATCH", ["token"], "PENDING", False),
        "unknown": ("TOKEN_INVALID", ["token"], None, None),
        "empty": ("TOKEN_INVALID", ["token"], None, None),
        "expired": ("INVITATION_EXPIRED", ["token"], "EXPIRED", True),
    }


async def test_of_fifty_who_accept_with_one_token_exactly_one_does(each_portal: Portal) -> None:
    """K30."""
    _, token = await invited(each_portal, LUMEN)

    answers = await asyncio.gather(*(accepts(each_portal.anybody(), token) for _ in range(50)))

    outcomes = [[error["code"] for error in answer["errors"]] for answer in answers]
    assert sorted(outcomes) == [[], *[["INVITATION_ALREADY_USED"]] * 49]
    assert len(await each_portal.audit("invitation.accept")) == 1


async def stored_passwords(portal: Portal) -> int:
    """How many people have a password."""
    async with portal.wiring.backends.accounts._engine.connect() as connection:  # type: ignore[attr-defined]
        return int((await connection.execute(select(func.count(credentials.c.password_hash)))).scalar_one())


async def test_of_fifty_who_make_an_account_with_one_token_one_does_with_their_password(each_portal: Portal) -> None:
    """And nothing is left of the others' passwords."""
    _, token = await invited(each_portal)
    before = await stored_passwords(each_portal)

    answers = await asyncio.gather(
        *(accepts(each_portal.anybody(), token, **account(password=f"{PASSWORD} {number}")) for number in range(50))
    )

    done = [number for number, answer in enumerate(answers) if answer["errors"] == []]
    assert len(done) == 1
    assert {str(codes(answer)) for number, answer in enumerate(answers) if number not in done} == {
        "[('INVITATION_ALREADY_USED', ['token'])]"
    }
    await signed_in(each_portal, NEW, f"{PASSWORD} {done[0]}")
    assert await stored_passwords(each_portal) == before + 1
    (item,) = await each_portal.wiring.backends.directory.outbox(OutboxState.DONE, limit=99)
    assert (item.kind, item.sealed) == (CREDENTIALS_SET, None)


async def test_two_invitations_to_one_address_make_one_account(each_portal: Portal) -> None:
    _, first = await invited(each_portal)
    await invited(each_portal, by=LUMEN)
    second = await token_of(each_portal, NEW)

    answers = await asyncio.gather(*(accepts(each_portal.anybody(), token, **account()) for token in (first, second)))

    assert [answer["errors"] for answer in answers] == [[], []]
    assert sorted(answer["accessToken"] is None for answer in answers) == [False, True]
    assert len(await each_portal.audit("account.create")) == 1
    nina = await signed_in(each_portal, NEW)
    organizations = await nina.asks("{ viewer { memberships { totalCount } } }")
    assert organizations.at("viewer.memberships.totalCount") == 2


WRONG: list[tuple[dict[str, Any], list[tuple[list[str], str]]]] = [
    (
        {"firstName": None, "lastName": None, "password": None, "acceptTerms": False},
        [
            (["firstName"], "length 1..100"),
            (["lastName"], "length 1..100"),
            (["password"], "required"),
            (["acceptTerms"], "true"),
        ],
    ),
    ({"firstName": "x" * 10_000}, [(["firstName"], "length 1..100")]),
    ({"lastName": "a\nb"}, [(["lastName"], "printable")]),
    ({"locale": "zz"}, [(["locale"], "BCP 47")]),
    ({"password": "x" * 11}, [(["password"], "length 12..256")]),
    ({"password": "x" * 257}, [(["password"], "length 12..256")]),
    ({"password": NEW}, [(["password"], "not common")]),
    ({"password": "NinaNeu-2026!!"}, [(["password"], "not common")]),
]


@pytest.mark.parametrize(("wrong", "problems"), WRONG, ids=lambda value: str(value)[:40])
async def test_what_an_account_needs_is_named_and_nothing_is_changed(
    portal: Portal, wrong: dict[str, Any], problems: list[tuple[list[str], str]]
) -> None:
    _, token = await invited(portal)
    before = await kept(portal)

    payload = await accepts(portal.anybody(), token, **account(**wrong))

    assert [(error["path"], error["constraint"]) for error in payload["errors"]] == problems
    assert (payload["membership"], payload["viewer"], payload["accessToken"]) == (None, None, None)
    assert await kept(portal) == before
    assert (await accepts(portal.anybody(), token, **account()))["errors"] == []


async def test_who_is_a_member_by_then_changes_nothing(each_portal: Portal) -> None:
    """Somebody was invited at an address that a member confirmed afterwards."""
    id, token = await invited(each_portal)
    directory = each_portal.wiring.backends.directory
    me = await directory.user_id_of_login_name(PURCHASER)
    assert me is not None
    await confirm(each_portal, me, NEW)
    purchaser = await each_portal.person(NEW)
    before = await kept(each_portal)

    anonymous = await accepts(each_portal.anybody(), token)
    assert await kept(each_portal) == before
    payload = await accepts(purchaser, token)

    (error,) = payload["errors"]
    assert (error["code"], error["path"]) == ("ALREADY_MEMBER", ["token"])
    assert error["conflictingNode"]["__typename"] == "Membership"
    assert (codes(anonymous), anonymous["errors"][0]["conflictingNode"]) == ([("ALREADY_MEMBER", ["token"])], None)
    (invitation,) = await directory.approvals(INVITATIONS, [id])  # type: ignore[list-item]
    assert invitation is not None
    assert invitation.status == "PENDING"


async def test_a_former_member_comes_back_without_their_old_rights(each_portal: Portal) -> None:
    """Back only by invitation."""
    administrator = await each_portal.person(ADMINISTRATOR)
    helios = await each_portal.organization_of(ADMINISTRATOR)
    members = await administrator.asks(
        'query Q($id: ID!) { organization(id: $id) { members(search: "purchase@helios") { nodes { id } } } }', id=helios
    )
    membership_id = members.at("organization.members.nodes.0.id")
    await remove(each_portal, membership_id)
    payload = await invites(administrator, helios, row(PURCHASER, roleKeys=["planning"]))
    (result,) = payload["results"]
    assert result["errors"] == []
    assert result["membership"]["id"] == membership_id
    assert result["membership"]["user"]["phone"] is None

    accepted = await accepts(each_portal.anybody(), await token_of(each_portal, PURCHASER))

    assert (accepted["membership"]["id"], accepted["membership"]["status"]) == (membership_id, "ACTIVE")
    purchaser = await each_portal.person(PURCHASER)
    own = await purchaser.asks("{ viewer { memberships { nodes { roleGrants { role { key } } } } } }")
    assert own.at("viewer.memberships.nodes.0.roleGrants") == [{"role": {"key": "planning"}}]


async def test_an_invitation_whose_membership_was_ended_in_another_way_counts_no_more(each_portal: Portal) -> None:
    id, token = await invited(each_portal)
    directory = each_portal.wiring.backends.directory
    (invitation,) = await directory.approvals(INVITATIONS, [id])  # type: ignore[list-item]
    assert invitation is not None
    await remove(each_portal, invitation.membership_id)

    payload = await accepts(each_portal.anybody(), token, **account())

    assert codes(payload) == [("INVITATION_REVOKED", ["token"])]
    assert await directory.users_with_email([NEW]) == [None]


async def test_into_a_blocked_organization_nobody_is_let_for_the_time_being(each_portal: Portal) -> None:
    _, token = await invited(each_portal)
    await block(each_portal, await each_portal.organization_of(ADMINISTRATOR), "BLOCKED")
    before = await kept(each_portal)

    payload = await accepts(each_portal.anybody(), token, **account())

    assert codes(payload) == [("CONFLICT", ["token"])]
    assert await kept(each_portal) == before
    await block(each_portal, await each_portal.organization_of(ADMINISTRATOR), "ACTIVE")
    assert (await accepts(each_portal.anybody(), token, **account()))["errors"] == []


async def test_the_portal_says_where_to_go_on_when_its_address_is_known() -> None:
    async with open_portal(public_url="https://portal.example") as portal:
        _, token = await invited(portal)
        payload = await accepts(portal.anybody(), token, **account())

    assert payload["continueUrl"] == "https://portal.example"


async def test_nobody_tries_tokens_as_often_as_they_like(portal: Portal) -> None:
    """K30; from one address, with whatever token."""
    anybody = portal.anybody()
    accepted = [await anybody.asks(ACCEPT, input={"token": f"guess {number}"}) for number in range(101)]
    seen = [await anybody.asks(PREVIEW, token=f"guess {number}") for number in range(121)]
    wanted = [await anybody.asks(WANT, input={"token": f"guess {number}"}) for number in range(21)]

    assert [answer.at("acceptInvitation.errors.0.code") for answer in accepted] == [
        *["TOKEN_INVALID"] * 100, "RATE_LIMITED",
    ]  # fmt: skip
    assert [answer.codes for answer in seen] == [*[{}] * 120, {"invitationPreview": "RATE_LIMITED"}]
    assert seen[-1].errors[0]["extensions"]["retryAfterSeconds"] > 0
    assert [answer.at("requestNewInvitation.accepted") for answer in wanted] == [*[True] * 20, False]


async def confirm(portal: Portal, user_id: str, email: str) -> None:
    """Let a person have confirmed this address."""
    async with portal.wiring.backends.directory._engine.begin() as connection:  # type: ignore[attr-defined]
        statement = "UPDATE users SET email = '{0}', email_key = '{0}' WHERE id = '{1}'"
        await connection.exec_driver_sql(statement.format(email, user_id))


async def remove(portal: Portal, membership_id: str) -> None:
    """Let somebody belong to the organization no more."""
    async with portal.wiring.backends.directory.change() as change:
        await recorded.set_membership_status(
            change,
            membership_id,  # type: ignore[arg-type]
            MembershipStatus.REMOVED,
            by=Author(None, "test"),
            now=NOW,
        )


async def block(portal: Portal, organization_id: str, status: str) -> None:
    """Let the vendor say where the organization stands."""
    async with portal.wiring.backends.directory.change() as change:
        await recorded.set_organization_status(
            change,
            organization_id,  # type: ignore[arg-type]
            OrganizationStatus(status),
            by=Author(None, "test"),
            now=NOW,
        )
