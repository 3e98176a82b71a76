"""Administrators say what each member may do: as a whole or not at all, at once, and never more than they may."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.access.changing_access import (
    codes_of,
    does,
    holds,
    keys_of,
    member_of,
    organization_named,
    rights_of,
    version_of,
)
from tests.portal import Portal
from tests.role_matrix import permissions_of

ADMINISTRATION, PURCHASE = "administration@helios.example", "purchase@helios.example"
HOLDER, DEPUTY = "licence.holder@hausgut.example", "deputy@kappel.example"
FUTURE = "2027-01-31T00:00:00Z"
PAST = "2026-11-21T09:00:00Z"


async def test_a_set_of_roles_gives_the_union_at_once_and_the_next_request_shows_it(each_portal: Portal) -> None:
    """K31, K33, K37, K38, K39: the member keeps the same access token."""
    administrator, member = await each_portal.person(ADMINISTRATION), await each_portal.person(PURCHASE)
    me = await member_of(each_portal, PURCHASE)
    page = "{ viewer { applications { application { key } } can(permissions: [PLANNING_TOOL_USE]) { allowed } } }"
    before = await member.asks(page)

    payload = await does(administrator, "updateMemberAccess", membershipId=me, roleKeys=["purchase", "planning"])

    after = await member.asks(page)
    assert payload["errors"] == []
    assert rights_of(payload["membership"]) == set(permissions_of(["purchase", "planning"]))
    assert {grant["role"]["key"]: grant["grantedBy"]["displayName"] for grant in payload["membership"]["roleGrants"]}[
        "planning"
    ] == "Annegret Kästner"
    assert payload["effectiveFrom"] == "2026-11-21T09:00:00Z"
    assert before.at("viewer.can.0.allowed") is False
    assert after.at("viewer.can.0.allowed") is True
    opened = [tile["application"]["key"] for tile in after.at("viewer.applications")]
    opened = [key for key in opened if key not in str(before.at("viewer.applications"))]
    assert opened == ["solar_plan", "solar_config_tool"]
    assert [one["key"] for one in payload["preview"]["applicationsAdded"]] == opened


async def test_a_role_taken_away_is_denied_on_the_very_next_request(each_portal: Portal) -> None:
    """K32, K38."""
    administrator, member = await each_portal.person(ADMINISTRATION), await each_portal.person(PURCHASE)
    me = await member_of(each_portal, PURCHASE)
    orders = "{ viewer { defaultOrganization { orders(first: 1) { totalCount } } } }"
    assert (await member.asks(orders)).errors == []

    payload = await does(administrator, "updateMemberAccess", membershipId=me, roleKeys=[])

    refused = await member.asks(orders)
    assert keys_of(payload["membership"]) == set()
    assert list(refused.codes.values()) == ["UNAUTHORIZED_FIELD_OR_TYPE"]


async def test_the_first_user_takes_a_role_more_and_sees_its_tiles_in_the_same_answer(each_portal: Portal) -> None:
    """K25, K39."""
    administrator, me = await each_portal.person(ADMINISTRATION), await member_of(each_portal, ADMINISTRATION)

    answer = await administrator.asks(
        """
        mutation Mine($input: UpdateMemberAccessInput!) {
          updateMemberAccess(input: $input) {
            membership {
              organization { viewerCanPlaceOrders orders(first: 1) { totalCount } }
              user { displayName }
            }
            errors { code }
          }
        }
        """,
        input={"membershipId": me, "roleKeys": ["administration", "purchase"]},
    )

    assert answer.errors == []
    organization = answer.at("updateMemberAccess.membership.organization")
    assert organization == {"viewerCanPlaceOrders": True, "orders": {"totalCount": 81}}
    assert await each_portal.queued_mails(ADMINISTRATION) == []


async def test_a_change_is_one_version_one_mail_and_a_row_with_the_reason_for_each_grant(each_portal: Portal) -> None:
    """D27."""
    administrator, me = await each_portal.person(ADMINISTRATION), await member_of(each_portal, PURCHASE)

    payload = await does(
        administrator,
        "updateMemberAccess",
        membershipId=me,
        expectedVersion=1,
        roleKeys=["installation", "planning"],
        reason="Moves to the roof.",
    )

    rows = await each_portal.audit("grant.give", "grant.revoke")
    assert payload["membership"]["version"] == 2
    assert {(row.action, (json.loads(row.after) or json.loads(row.before))["role"]) for row in rows} == {
        ("grant.revoke", "purchase"), ("grant.give", "installation"), ("grant.give", "planning"),
    }  # fmt: skip
    assert {(row.reason, row.subject_id) for row in rows} == {("Moves to the roof.", me)}
    (mail,) = await each_portal.queued_mails()
    assert (mail.template, mail.to, mail.values) == (
        "access_changed",
        PURCHASE,
        {
            "organization": "Helios Montage GmbH", "by": "Annegret Kästner", "gained": ["Montage", "Planung"],
            "lost": ["Einkauf"],
        },
    )  # fmt: skip


async def test_what_is_so_already_writes_nothing(each_portal: Portal) -> None:
    administrator, me = await each_portal.person(ADMINISTRATION), await member_of(each_portal, PURCHASE)

    payload = await does(administrator, "updateMemberAccess", membershipId=me, roleKeys=["purchase"], permissions=[])

    assert (payload["errors"], payload["membership"]["version"]) == ([], 1)
    assert await each_portal.audit("grant.give", "grant.revoke") == []
    assert await each_portal.queued_mails() == []


async def test_whoever_read_an_older_version_learns_the_current_one_and_changes_nothing(each_portal: Portal) -> None:
    """K35."""
    administrator, me = await each_portal.person(ADMINISTRATION), await member_of(each_portal, PURCHASE)
    await does(administrator, "updateMemberAccess", membershipId=me, expectedVersion=1, roleKeys=["planning"])

    payload = await does(administrator, "updateMemberAccess", membershipId=me, expectedVersion=1, roleKeys=[])

    assert codes_of(payload) == [("STALE_VERSION", ["expectedVersion"])]
    assert payload["errors"][0]["currentVersion"] == 2
    assert await holds(each_portal, me) == {"planning": None}


async def test_one_role_that_cannot_be_given_leaves_the_whole_old_set(each_portal: Portal) -> None:
    """K35."""
    administrator, me = await each_portal.person(ADMINISTRATION), await member_of(each_portal, PURCHASE)

    payload = await does(administrator, "updateMemberAccess", membershipId=me, roleKeys=["planning", "nonsense"])

    assert codes_of(payload) == [("INVALID_INPUT", ["roleKeys", "1"])]
    assert await holds(each_portal, me) == {"purchase": None}
    assert await version_of(each_portal, me) == 1


@pytest.mark.parametrize(
    ("email", "reason"),
    [
        ("heike.preuss@helios.example", "This person is no longer a member."),
        ("ayse.brandt@helios.example", "This person has not accepted the invitation yet."),
    ],
)
async def test_who_is_no_member_at_present_is_given_nothing(solar: Portal, email: str, reason: str) -> None:
    administrator, other = await solar.person(ADMINISTRATION), await member_of(solar, email)
    before = await holds(solar, other)

    payload = await does(administrator, "updateMemberAccess", membershipId=other, roleKeys=["planning"])

    (error,) = payload["errors"]
    assert (error["code"], error["path"]) == ("CONFLICT", ["membershipId"])
    assert error["conflictingNode"] == {"__typename": "Membership", "id": other}
    assert error["message"].startswith(reason)
    assert await holds(solar, other) == before


@pytest.mark.parametrize("right", ["ORDER_PLACE", "SOFTWARE_DOWNLOAD", "CONTRACT_DOCUMENT_VIEW"])
async def test_a_right_is_switched_on_and_off_alone_and_counts_at_once(
    each_software_portal: Portal, right: str
) -> None:
    """D18, D19, D20, D23, D25: the others stay."""
    portal, email = each_software_portal, "lena.strauss@hausgut.example"
    holder, member = await portal.person(HOLDER), await portal.person(email)
    me, may = await member_of(portal, email), f"{{ viewer {{ can(permissions: [{right}]) {{ allowed }} }} }}"

    on = await does(holder, "updateMemberAccess", membershipId=me, permissions=["ORDER_VIEW", right])
    allowed = (await member.asks(may)).at("viewer.can.0.allowed")
    off = await does(holder, "updateMemberAccess", membershipId=me, permissions=["ORDER_VIEW"])
    denied = (await member.asks(may)).at("viewer.can.0.allowed")

    assert rights_of(on["membership"]) == {"ORDER_VIEW", right}
    assert rights_of(off["membership"]) == {"ORDER_VIEW"}
    assert (allowed, denied) == (True, False)
    assert keys_of(off["membership"]) == {"authorised_person", "ORDER_VIEW"}


async def test_a_right_that_comes_from_a_role_cannot_be_switched_off(each_software_portal: Portal) -> None:
    """D23: the role is named, and nothing is changed."""
    holder = await each_software_portal.person("licence.holder@kappel.example")
    me = await member_of(each_software_portal, DEPUTY)

    payload = await does(holder, "updateMemberAccess", membershipId=me, permissions=["ORDER_PLACE"])

    assert codes_of(payload) == [("PERMISSION_INHERITED_FROM_ROLE", ["permissions"])] * 2
    assert [error["conflictingNode"]["__typename"] for error in payload["errors"]] == ["RoleGrant"] * 2
    assert {error["message"].split(" and cannot")[0] for error in payload["errors"]} == {
        "“View contract documents” comes with the role “Deputy”",
        "“Change the account” comes with the role “Deputy”",
    }
    assert await holds(each_software_portal, me) == {"deputy": None, "ORDER_PLACE": None}


async def test_a_right_that_is_on_by_a_role_is_not_granted_once_more(software_portal: Portal) -> None:
    """D23: who sends all sliders that are on means the others."""
    holder = await software_portal.person("licence.holder@kappel.example")
    me = await member_of(software_portal, DEPUTY)

    payload = await does(
        holder, "updateMemberAccess", membershipId=me, permissions=["ACCOUNT_MANAGE", "CONTRACT_DOCUMENT_VIEW"]
    )

    assert payload["errors"] == []
    assert await holds(software_portal, me) == {"deputy": None}


async def test_a_right_that_is_on_both_ways_stays_on_both_ways_until_the_role_is_gone(software_portal: Portal) -> None:
    """D23: switching it off would change nothing the member can do, so it is refused like any other from a role."""
    holder = await software_portal.person("licence.holder@kappel.example")
    me = await member_of(software_portal, "verena.jaeger@kappel.example")
    rights = ["ORDER_PLACE", "SOFTWARE_DOWNLOAD", "ACCOUNT_MANAGE"]
    await does(holder, "updateMemberAccess", membershipId=me, permissions=rights)
    await does(holder, "updateMemberAccess", membershipId=me, roleKeys=["deputy"])

    refused = await does(
        holder, "updateMemberAccess", membershipId=me, permissions=[*rights[:2], "CONTRACT_DOCUMENT_VIEW"]
    )
    together = await does(holder, "updateMemberAccess", membershipId=me, roleKeys=[], permissions=rights[:2])

    assert codes_of(refused) == [("PERMISSION_INHERITED_FROM_ROLE", ["permissions"])]
    assert (together["errors"], rights_of(together["membership"])) == ([], set(rights[:2]))


async def test_rights_of_a_role_that_is_given_now_come_on_top_of_those_listed(software_portal: Portal) -> None:
    holder = await software_portal.person("licence.holder@kappel.example")
    me = await member_of(software_portal, "verena.jaeger@kappel.example")

    payload = await does(holder, "updateMemberAccess", membershipId=me, roleKeys=["deputy"], permissions=["ORDER_VIEW"])

    assert payload["errors"] == []
    assert await holds(software_portal, me) == {"deputy": None, "ORDER_VIEW": None}


async def test_the_third_holder_of_contract_documents_deserves_a_warning(each_software_portal: Portal) -> None:
    """D28: the licence holder and one deputy, it is recommended."""
    holder = await each_software_portal.person("licence.holder@kappel.example")
    me = await member_of(each_software_portal, "verena.jaeger@kappel.example")
    rights = ["ORDER_PLACE", "SOFTWARE_DOWNLOAD"]

    first = await does(holder, "updateMemberAccess", membershipId=me, permissions=[*rights, "CONTRACT_DOCUMENT_VIEW"])
    again = await does(
        holder, "updateMemberAccess", membershipId=me, permissions=[*rights, "CONTRACT_DOCUMENT_VIEW", "ORDER_VIEW"]
    )

    (warning,) = first["preview"]["warnings"]
    assert (first["errors"], first["warnings"]) == ([], [{"holders": 3}])
    assert (warning["permission"]["code"], warning["holders"], warning["recommended"]) == (
        "CONTRACT_DOCUMENT_VIEW", 3, 2,
    )  # fmt: skip
    assert again["warnings"] == []  # nobody got it by this change


async def test_until_a_date_and_not_a_second_longer(each_portal: Portal) -> None:
    administrator, member = await each_portal.person(ADMINISTRATION), await each_portal.person(PURCHASE)
    me = await member_of(each_portal, PURCHASE)
    end = each_portal.clock.now + timedelta(minutes=5)

    payload = await does(
        administrator,
        "updateMemberAccess",
        membershipId=me,
        roleKeys=["purchase", "planning"],
        ends=[{"roleKey": "planning", "validUntil": end.isoformat()}],
    )

    may = "{ viewer { can(permissions: [PLANNING_TOOL_USE, ORDER_PLACE]) { allowed } } }"
    before = await member.asks(may)
    each_portal.clock.move(timedelta(minutes=5) - timedelta(seconds=1))
    last = await member.asks(may)
    each_portal.clock.move(timedelta(seconds=1))
    after = await member.asks(may)
    assert payload["errors"] == []
    assert before.at("viewer.can") == last.at("viewer.can") == [{"allowed": True}, {"allowed": True}]
    assert after.at("viewer.can") == [{"allowed": False}, {"allowed": True}]


async def test_an_end_for_all_that_is_listed_and_none_for_what_keeps_its_own(portal: Portal) -> None:
    administrator, me = await portal.person(ADMINISTRATION), await member_of(portal, "goetz.hofstaetter@helios.example")

    kept = await does(administrator, "updateMemberAccess", membershipId=me, roleKeys=["installation", "planning"])
    first = await holds(portal, me)
    await does(
        administrator, "updateMemberAccess", membershipId=me, roleKeys=["installation", "planning"], validUntil=FUTURE
    )
    second = await holds(portal, me)
    await does(
        administrator, "updateMemberAccess", membershipId=me, roleKeys=["installation", "planning"], validUntil=None
    )

    assert kept["errors"] == []
    assert first["installation"] == "2100-01-01T00:00:00+00:00"
    assert first["planning"] is None
    assert second == dict.fromkeys(["installation", "planning"], "2027-01-31T00:00:00+00:00")
    assert await holds(portal, me) == {"installation": None, "planning": None}


async def test_a_role_whose_time_is_over_can_be_given_again(portal: Portal) -> None:
    administrator = await portal.person(ADMINISTRATION)
    me = await member_of(portal, "tobias.voegeli@helios.example")  # planning ended in February

    payload = await does(administrator, "updateMemberAccess", membershipId=me, roleKeys=["planning"])

    assert (payload["errors"], rights_of(payload["membership"])) == ([], set(permissions_of(["planning"])))
    assert await holds(portal, me) == {"planning": None}


async def test_the_same_request_is_done_once_and_another_with_its_key_is_refused(each_portal: Portal) -> None:
    administrator, me = await each_portal.person(ADMINISTRATION), await member_of(each_portal, PURCHASE)
    edit: dict[str, Any] = {"membershipId": me, "roleKeys": ["planning"], "idempotencyKey": "k"}

    first = await does(administrator, "updateMemberAccess", **edit)
    second = await does(administrator, "updateMemberAccess", **edit)
    other = await does(administrator, "updateMemberAccess", **edit | {"roleKeys": []})

    assert first == second
    assert codes_of(other) == [("IDEMPOTENCY_KEY_REUSED", ["idempotencyKey"])]
    assert await version_of(each_portal, me) == 2
    assert len(await each_portal.queued_mails()) == 1


async def test_the_drop_down_of_roles_has_those_that_may_be_given(solar: Portal, software: Portal) -> None:
    """K34."""
    ask = "query R($id: ID!) { roles { key viewerCanAssign(organizationId: $id) } }"
    helios = await organization_named(solar, "Helios Montage GmbH")

    async def assignable(portal: Portal, login_name: str, id: str) -> list[str]:
        roles = (await (await portal.person(login_name)).asks(ask, id=id)).at("roles")
        return [role["key"] for role in roles if role["viewerCanAssign"]]

    assert await assignable(solar, ADMINISTRATION, helios) == ["administration", "purchase", "installation", "planning"]
    assert await assignable(solar, PURCHASE, helios) == []
    assert await assignable(solar, "administration@lumen.example", helios) == []
    assert await assignable(software, DEPUTY, await software.organization_of(DEPUTY)) == []
