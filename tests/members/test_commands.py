"""Members are suspended, come back, are removed, leave, and hand the organization over.

Somebody always administers it.
"""

from datetime import timedelta
from typing import Any

import pytest

from tests.access.changing_access import (
    administrators_of,
    codes_of,
    does,
    holds,
    keys_of,
    leave_only,
    member_of,
    organization_named,
    version_of,
)
from tests.portal import Person, Portal

ADMINISTRATION, PURCHASE = "administration@helios.example", "purchase@helios.example"
REGULA, GUENTHER = "two.companies@helios.example", "guenther.strauss@helios.example"
HELIOS = "Helios Montage GmbH"
HOLDER, LENA, GUT = "licence.holder@hausgut.example", "lena.strauss@hausgut.example", "Hausverwaltung Gut"
ORDERS = "{ viewer { memberships { nodes { organization { orders(first: 1) { totalCount } } } } } }"


async def last_administrator(portal: Portal) -> Person:
    """Annegret Kästner, once nobody else administers Helios permanently."""
    administrator = await portal.person(ADMINISTRATION)
    await leave_only(portal, administrator, ADMINISTRATION, REGULA, GUENTHER)
    return administrator


async def test_a_suspended_member_may_nothing_at_once_and_everything_again_afterwards(each_portal: Portal) -> None:
    administrator, member = await each_portal.person(ADMINISTRATION), await each_portal.person(PURCHASE)
    me = await member_of(each_portal, PURCHASE)

    suspended = await does(administrator, "suspendMember", id=me, expectedVersion=1, reason="On leave.")
    refused = await member.asks(ORDERS)
    back = await does(administrator, "reactivateMember", id=me, expectedVersion=2)
    allowed = await member.asks(ORDERS)

    assert suspended == {"membership": {"id": me, "version": 2, "status": "SUSPENDED"}, "errors": []}
    assert refused.errors[0]["extensions"]["authorization"]["reason"] == "MEMBERSHIP_SUSPENDED"
    assert back == {"membership": {"id": me, "version": 3, "status": "ACTIVE"}, "errors": []}
    assert allowed.errors == []
    first, second = await each_portal.queued_mails(PURCHASE)
    assert (first.template, first.values["gained"], first.values["lost"]) == ("access_changed", [], ["Einkauf"])
    assert (second.values["gained"], second.values["lost"]) == (["Einkauf"], [])
    assert [row.reason for row in await each_portal.audit("membership.status")] == ["On leave.", None]


async def test_a_removed_member_sees_nothing_on_the_next_request_and_the_history_keeps_the_name(
    each_portal: Portal,
) -> None:
    """D26: the access token is the same."""
    administrator, member = await each_portal.person(ADMINISTRATION), await each_portal.person(PURCHASE)
    me, helios = await member_of(each_portal, PURCHASE), await organization_named(each_portal, HELIOS)
    kaethe = await each_portal.person("kaethe.jaeger@helios.example")
    buyers = "query B($id: ID!) { organization(id: $id) { orders(first: 100) { nodes { placedBy { displayName } } } } }"
    before = await kaethe.asks(buyers, id=helios)

    payload = await does(administrator, "removeMember", id=me, reason="Left the organization.")

    after = await member.asks(
        "query A($id: ID!, $me: ID!) { organization(id: $id) { name } node(id: $me) { id } "
        "viewer { memberships { nodes { id } } applications { application { key } } } }",
        id=helios,
        me=me,
    )
    assert (payload["errors"], payload["membership"]["status"]) == ([], "REMOVED")
    assert after.errors == []
    assert (after.at("organization"), after.at("node")) == (None, None)
    assert after.at("viewer.memberships.nodes") == []
    assert await holds(each_portal, me) == {}
    assert (await kaethe.asks(buyers, id=helios)).data == before.data
    assert "Jörg Weiß" in str(before.data)
    assert [mail.template for mail in await each_portal.queued_mails(PURCHASE)] == ["membership_ended"]
    assert {row.reason for row in await each_portal.audit("membership.status", "grant.revoke")} == {
        "Left the organization."
    }


WRONG_STATE = [
    ("suspendMember", "suspended@helios.example", "SUSPENDED"),
    ("suspendMember", "heike.preuss@helios.example", "REMOVED"),
    ("suspendMember", "ayse.brandt@helios.example", "INVITED"),
    ("reactivateMember", PURCHASE, "ACTIVE"),
    ("reactivateMember", "heike.preuss@helios.example", "REMOVED"),
    ("reactivateMember", "ayse.brandt@helios.example", "INVITED"),
    ("removeMember", "heike.preuss@helios.example", "REMOVED"),
    ("removeMember", "ayse.brandt@helios.example", "INVITED"),
]


REASONS = {
    "SUSPENDED": "This member is already suspended.",
    "REMOVED": "This person is no longer a member.",
    "INVITED": "This person has not accepted the invitation yet.",
    "ACTIVE": "This member is already active;",
}


@pytest.mark.parametrize(("command", "email", "status"), WRONG_STATE)
async def test_where_a_member_stands_may_be_in_the_way(solar: Portal, command: str, email: str, status: str) -> None:
    administrator, other = await solar.person(ADMINISTRATION), await member_of(solar, email)
    version, held = await version_of(solar, other), await holds(solar, other)

    payload = await does(administrator, command, id=other)

    (error,) = payload["errors"]
    assert (error["code"], error["path"], error["__typename"]) == ("CONFLICT", ["id"], "ConflictError")
    assert error["conflictingNode"] == {"__typename": "Membership", "id": other}
    assert error["message"].startswith(REASONS[status])
    assert (await version_of(solar, other), await holds(solar, other)) == (version, held)
    assert await solar.queued_mails(email) == []


@pytest.mark.parametrize("command", ["suspendMember", "reactivateMember", "removeMember"])
@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({"id": "mbr_unknown"}, [("NOT_FOUND", ["id"])]),
        ({"id": "org_unknown"}, [("NOT_FOUND", ["id"])]),
        ({"reason": "x" * 501}, [("INVALID_INPUT", ["reason"])]),
        ({"idempotencyKey": ""}, [("INVALID_INPUT", ["idempotencyKey"])]),
        ({"expectedVersion": 9}, [("STALE_VERSION", ["expectedVersion"])]),
    ],
    ids=str,
)
async def test_a_value_that_is_not_allowed_changes_nothing(
    solar: Portal, command: str, wrong: Any, errors: Any
) -> None:
    administrator = await solar.person(ADMINISTRATION)
    email = "suspended@helios.example" if command == "reactivateMember" else PURCHASE
    other = await member_of(solar, email)

    payload = await does(administrator, command, **{"id": other} | wrong)

    assert codes_of(payload) == errors
    assert await version_of(solar, other) == 1
    assert await solar.queued_mails(email) == []


CALLERS = [
    ("administration@lumen.example", "NOT_FOUND"),
    (PURCHASE, "FORBIDDEN"),
    ("suspended@helios.example", "FORBIDDEN"),
    ("review@vendor.example", "NOT_FOUND"),
]


@pytest.mark.parametrize("command", ["suspendMember", "reactivateMember", "removeMember"])
@pytest.mark.parametrize(("login_name", "code"), CALLERS)
async def test_only_who_manages_members_does_it(solar: Portal, command: str, login_name: str, code: str) -> None:
    """K41."""
    caller, other = await solar.person(login_name), await member_of(solar, "planning@helios.example")

    payload = await does(caller, command, id=other)

    assert [error["code"] for error in payload["errors"]] == [code]
    assert await version_of(solar, other) == 1


@pytest.mark.parametrize("command", ["suspendMember", "removeMember"])
async def test_nobody_does_it_to_themself(solar: Portal, command: str) -> None:
    administrator, own = await solar.person(ADMINISTRATION), await member_of(solar, ADMINISTRATION)

    payload = await does(administrator, command, id=own)

    (error,) = payload["errors"]
    assert (error["code"], error["reason"], error["path"]) == ("FORBIDDEN", "OWN_MEMBERSHIP", ["id"])
    assert "leave the organization" in error["message"]
    assert await version_of(solar, own) == 1


async def test_the_last_administrator_stays_and_those_who_could_take_over_are_named(each_portal: Portal) -> None:
    """K32: by a change of roles, an end, and leaving."""
    administrator = await last_administrator(each_portal)
    own, helios = await member_of(each_portal, ADMINISTRATION), await organization_named(each_portal, HELIOS)
    end = (each_portal.clock.now + timedelta(days=365)).isoformat()
    mails = len(await each_portal.queued_mails())

    refused = [
        await does(administrator, "updateMemberAccess", membershipId=own, roleKeys=["purchase"]),
        await does(administrator, "updateMemberAccess", membershipId=own, roleKeys=["administration"], validUntil=end),
        await does(
            administrator,
            "updateMemberAccess",
            membershipId=own,
            ends=[{"roleKey": "administration", "validUntil": end}],
        ),
        await does(administrator, "leaveOrganization", organizationId=helios),
    ]

    assert [codes_of(payload) for payload in refused] == [
        [("LAST_ADMINISTRATOR", [part])] for part in ("roleKeys", "roleKeys", "ends", "organizationId")
    ]
    candidates = [one["user"]["displayName"] for one in refused[0]["errors"][0]["candidates"]]
    assert "Jörg Weiß" in candidates
    assert not {"Annegret Kästner", "Heike Preuß", "Detlef Groß", "Ayşe Brandt"} & set(candidates)
    assert await administrators_of(each_portal, helios) == [own]
    assert await version_of(each_portal, own) == 1
    assert len(await each_portal.queued_mails()) == mails


@pytest.mark.parametrize("command", ["suspendMember", "removeMember"])
async def test_the_last_permanent_administrator_is_not_removed_by_one_whose_time_ends(
    each_portal: Portal, command: str
) -> None:
    """D26: a role that ends automatically does not count."""
    administrator = await last_administrator(each_portal)
    regula, own = await member_of(each_portal, REGULA), await member_of(each_portal, ADMINISTRATION)
    end = (each_portal.clock.now + timedelta(days=30)).isoformat()
    await does(administrator, "updateMemberAccess", membershipId=regula, roleKeys=["administration"], validUntil=end)
    deputy = await each_portal.person(REGULA)

    payload = await does(deputy, command, id=own)

    assert codes_of(payload) == [("LAST_ADMINISTRATOR", ["id"])]
    assert await administrators_of(each_portal, await organization_named(each_portal, HELIOS)) == [own]


async def test_time_alone_leaves_no_organization_to_nobody(portal: Portal, software_portal: Portal) -> None:
    """Whoever administers permanently does so in a hundred years."""
    for opened, name, holder in ((portal, HELIOS, ADMINISTRATION), (software_portal, GUT, HOLDER)):
        organization = await organization_named(opened, name)
        administrator, other = await opened.person(holder), await member_of(opened, holder)
        end = (opened.clock.now + timedelta(minutes=5)).isoformat()
        for email in (PURCHASE, REGULA, GUENTHER) if opened is portal else (LENA,):
            role = opened.wiring.policy.administrative_role_keys()[0]
            id = await member_of(opened, email)
            await does(administrator, "updateMemberAccess", membershipId=id, roleKeys=[role], validUntil=end)
        before = await administrators_of(opened, organization)

        opened.clock.move(timedelta(days=36_500))

        assert before == await administrators_of(opened, organization) == [other]
        caller = await opened.person(holder)
        found = await caller.asks(
            "query A($id: ID!) { organization(id: $id) { administrators { id } } }", id=organization
        )
        assert found.at("organization.administrators") == [{"id": other}]


async def test_whoever_leaves_is_gone_in_the_same_answer_and_the_organization_keeps_an_administrator(
    each_portal: Portal,
) -> None:
    helios, regula = await organization_named(each_portal, HELIOS), await each_portal.person(REGULA)

    payload = await does(regula, "leaveOrganization", organizationId=helios, reason="Only Lumen from now on.")

    names = [node["organization"]["name"] for node in payload["viewer"]["memberships"]["nodes"]]
    assert (payload["errors"], names) == ([], ["Lumen Handels AG"])
    assert (await regula.asks("query O($id: ID!) { organization(id: $id) { name } }", id=helios)).data == {
        "organization": None
    }
    assert [mail.template for mail in await each_portal.queued_mails(REGULA)] == ["membership_ended"]


async def test_a_suspended_member_may_leave_and_who_was_invited_or_removed_has_nothing_to_leave(portal: Portal) -> None:
    helios = await organization_named(portal, HELIOS)

    gone = await does(await portal.person("suspended@helios.example"), "leaveOrganization", organizationId=helios)
    again = await does(await portal.person("suspended@helios.example"), "leaveOrganization", organizationId=helios)
    foreign = await does(
        await portal.person("administration@lumen.example"), "leaveOrganization", organizationId=helios
    )

    assert (gone["errors"], gone["viewer"]["memberships"]["nodes"]) == ([], [])
    assert codes_of(again) == codes_of(foreign) == [("NOT_FOUND", ["organizationId"])]


async def test_whoever_gave_their_rights_away_hears_the_same_answer_again(each_portal: Portal) -> None:
    """The first answer may have been lost on its way."""
    regula, helios = await each_portal.person(REGULA), await organization_named(each_portal, HELIOS)
    own = await member_of(each_portal, REGULA, helios)
    edit: dict[str, Any] = {"membershipId": own, "roleKeys": [], "idempotencyKey": "edit"}
    leave: dict[str, Any] = {"organizationId": helios, "idempotencyKey": "leave"}

    edits = [await does(regula, "updateMemberAccess", **edit) for _ in range(2)]
    other_key = await does(regula, "updateMemberAccess", **edit | {"idempotencyKey": "other"})
    other_input = await does(regula, "updateMemberAccess", **edit | {"roleKeys": ["administration"]})
    leaves = [await does(regula, "leaveOrganization", **leave) for _ in range(2)]

    assert edits[0]["errors"] == []
    assert edits[0] == edits[1]
    assert [codes_of(payload)[0][0] for payload in (other_key, other_input)] == ["FORBIDDEN", "IDEMPOTENCY_KEY_REUSED"]
    assert leaves[0]["errors"] == []
    assert leaves[0] == leaves[1]


async def test_a_repeated_removal_with_its_key_is_answered_like_the_first(portal: Portal) -> None:
    administrator, me = await portal.person(ADMINISTRATION), await member_of(portal, PURCHASE)

    first = await does(administrator, "removeMember", id=me, idempotencyKey="k")
    again = await does(administrator, "removeMember", id=me, idempotencyKey="k")

    assert first == again
    assert len(await portal.queued_mails(PURCHASE)) == 1


async def test_the_administration_changes_hands_with_the_customers_login_name(each_software_portal: Portal) -> None:
    """D3, D29."""
    portal = each_software_portal
    holder, gut = await portal.person(HOLDER), await organization_named(portal, GUT)
    own, lena = await member_of(portal, HOLDER), await member_of(portal, LENA)

    payload = await does(
        holder, "transferAdministration", organizationId=gut, toMembershipId=lena, idempotencyKey="k", reason="Retires."
    )
    again = await does(
        holder, "transferAdministration", organizationId=gut, toMembershipId=lena, idempotencyKey="k", reason="Retires."
    )

    assert payload["errors"] == again["errors"] == []
    assert (keys_of(payload["from"]), payload["to"]) == (set(), {"id": lena, "status": "ACTIVE", "version": 2})
    assert set(await holds(portal, lena)) == {"licence_holder", "authorised_person", "ORDER_VIEW"}
    assert await administrators_of(portal, gut) == [lena]
    directory = portal.wiring.backends.directory
    (successor,) = await directory.memberships([lena])
    assert successor is not None
    assert await directory.user_id_of_login_name("domus_12345") == successor.user_id
    assert await directory.login_names_of([successor.user_id]) == [[LENA, "DOMUS_12345"]]
    mails = [mail for mail in await portal.queued_mails() if mail.template == "administration_transferred"]
    assert sorted(mail.to for mail in mails) == sorted([HOLDER, LENA])
    assert mails[0].values == {"organization": GUT, "from": "Roswitha Gut", "to": "Lena Strauß"}
    assert [row.reason for row in await portal.audit("login_name.move")] == ["Retires."]
    assert codes_of(await does(holder, "removeMember", id=lena)) == [("FORBIDDEN", None)]
    assert codes_of(await does(await portal.person(LENA), "removeMember", id=own)) == []


async def test_of_the_other_roles_those_stay_that_are_kept(portal: Portal) -> None:
    """D29."""
    helios, guenther = await organization_named(portal, HELIOS), await portal.person(GUENTHER)
    id, to = await member_of(portal, GUENTHER), await member_of(portal, PURCHASE)

    refused = [
        await does(
            guenther, "transferAdministration", organizationId=helios, toMembershipId=to, idempotencyKey="k",
            keepOwnRoleKeys=kept,
        )
        for kept in (["administration"], ["planning"], ["nonsense"], ["purchase", "purchase"])
    ]  # fmt: skip
    before = await holds(portal, id)
    none = await does(
        guenther, "transferAdministration", organizationId=helios, toMembershipId=to, idempotencyKey="k",
        keepOwnRoleKeys=["purchase"],
    )  # fmt: skip

    assert [codes_of(payload) for payload in refused] == [
        [("INVALID_INPUT", ["keepOwnRoleKeys", index])] for index in ("0", "0", "0", "1")
    ]
    assert before == {"administration": None, "purchase": None}
    assert (none["errors"], await holds(portal, id)) == ([], {"purchase": None})
    assert await holds(portal, to) == {"administration": None, "purchase": None}


TRANSFERS = [
    (ADMINISTRATION, ADMINISTRATION, ("INVALID_INPUT", ["toMembershipId"])),
    (ADMINISTRATION, "suspended@helios.example", ("CONFLICT", ["toMembershipId"])),
    (ADMINISTRATION, "ayse.brandt@helios.example", ("CONFLICT", ["toMembershipId"])),
    (ADMINISTRATION, "heike.preuss@helios.example", ("CONFLICT", ["toMembershipId"])),
    (ADMINISTRATION, "administration@lumen.example", ("NOT_FOUND", ["toMembershipId"])),
    (ADMINISTRATION, None, ("NOT_FOUND", ["toMembershipId"])),
    (PURCHASE, ADMINISTRATION, ("FORBIDDEN", None)),
    ("administration@lumen.example", PURCHASE, ("NOT_FOUND", ["organizationId"])),
]


@pytest.mark.parametrize(("login_name", "to", "error"), TRANSFERS)
async def test_nobody_else_takes_over(solar: Portal, login_name: str, to: str | None, error: Any) -> None:
    caller, helios = await solar.person(login_name), await organization_named(solar, HELIOS)
    id = await member_of(solar, to) if to is not None else "mbr_unknown"
    before = await administrators_of(solar, helios)

    payload = await does(caller, "transferAdministration", organizationId=helios, toMembershipId=id, idempotencyKey="k")

    assert codes_of(payload) == [error]
    assert await administrators_of(solar, helios) == before


async def test_the_login_name_goes_to_those_left_when_its_owner_is_removed(each_software_portal: Portal) -> None:
    """D3."""
    portal = each_software_portal
    holder, lena = await portal.person(HOLDER), await member_of(portal, LENA)
    await does(holder, "updateMemberAccess", membershipId=lena, roleKeys=["licence_holder"])
    second = await portal.person(LENA)

    payload = await does(second, "removeMember", id=await member_of(portal, HOLDER))

    assert payload["errors"] == []
    assert (await second.asks("{ viewer { loginNames } }")).at("viewer.loginNames") == [LENA, "DOMUS_12345"]
