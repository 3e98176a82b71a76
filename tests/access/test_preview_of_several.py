"""What is said beforehand of several members' changes is what the one mutation for them does."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.access.changing_access import ERRORS, MEMBERSHIP, does, member_of, organization_named, version_of
from tests.examples import examples
from tests.portal import Portal, open_portal

HOLDER, GUT = "licence.holder@hausgut.example", "Hausverwaltung Gut"
MEMBERS = (HOLDER, "lena.strauss@hausgut.example", "jana.boehm@hausgut.example", "marko.gross@hausgut.example")
ROLES = ("licence_holder", "deputy", "authorised_person", "no_such_role")
RIGHTS = ("ORDER_PLACE", "ORDER_VIEW", "CONTRACT_DOCUMENT_VIEW", "ACCOUNT_MANAGE", "EVENT_BOOK")

MEANT = """
{
  permissionsAdded { code } permissionsRemoved { code } applicationsAdded { key } applicationsRemoved { key }
  tiles { state application { key } } warnings { permission { code } holders recommended }
}
"""
PREVIEW = f"""
query Preview($organizationId: ID!, $changes: [MemberAccessInput!]!) {{
  previewMembersAccess(organizationId: $organizationId, changes: $changes) {{
    currentVersion membership {{ id version }} preview {{ {MEANT.strip()[1:-1]} {ERRORS} }}
  }}
}}
"""
DO = f"""
mutation Do($input: UpdateMembersAccessInput!) {{
  updateMembersAccess(input: $input) {{
    results {{ membership {MEMBERSHIP} preview {MEANT} effectiveFrom {ERRORS} }} {ERRORS}
  }}
}}
"""
CHANGE = st.fixed_dictionaries(
    {"member": st.sampled_from([*MEMBERS, "nobody"])},
    optional={
        "roleKeys": st.lists(st.sampled_from(ROLES), max_size=2),
        "permissions": st.lists(st.sampled_from(RIGHTS), max_size=3),
        "expectedVersion": st.sampled_from([1, 9]),
    },
)


@examples(40, fixed=12)
@given(
    wanted=st.lists(CHANGE, min_size=1, max_size=4, unique_by=lambda change: change["member"]),
    all_or_nothing=st.booleans(),
)
async def test_the_preview_and_the_dry_run_say_what_the_mutation_does(
    wanted: list[dict[str, Any]], all_or_nothing: bool
) -> None:
    async with open_portal("software_house", cost_mode="measure") as portal:
        holder, gut = await portal.person(HOLDER), await organization_named(portal, GUT)
        ids = {email: await member_of(portal, email) for email in MEMBERS}
        changes = [
            {key: value for key, value in change.items() if key != "member"}
            | {"membershipId": ids.get(change["member"], "mbr_unknown")}
            for change in wanted
        ]
        input = {
            "organizationId": gut, "changes": changes, "idempotencyKey": "k", "allOrNothing": all_or_nothing
        }  # fmt: skip

        shown = (await holder.asks(PREVIEW, organizationId=gut, changes=changes)).at("previewMembersAccess")
        tried = (await holder.asks(DO, input=input | {"dryRun": True})).at("updateMembersAccess")
        done = (await holder.asks(DO, input=input)).at("updateMembersAccess")

    assert [_meant(one) for one in tried["results"] or ()] == [_meant(one) for one in done["results"] or ()]
    assert tried["errors"] == done["errors"]
    if not all_or_nothing:
        return
    refused = [error for one in shown for error in one["preview"]["errors"]]
    assert done["errors"] == refused
    if not refused:
        assert [{key: value for key, value in one["preview"].items() if key != "errors"} for one in shown] == [
            one["preview"] for one in done["results"]
        ]


def _meant(result: dict[str, Any]) -> Any:
    return result["preview"], [(error["code"], error["path"]) for error in result["errors"]]


@pytest.fixture
async def gut(software_portal: Portal) -> str:
    """The id of the organization."""
    return await organization_named(software_portal, GUT)


async def test_an_office_may_change_hands_and_is_not_left_to_nobody(software_portal: Portal, gut: str) -> None:
    """The last administrator is looked for once all changes are taken together."""
    holder = await software_portal.person(HOLDER)
    own, lena = await member_of(software_portal, HOLDER), await member_of(software_portal, MEMBERS[1])
    leave = {"membershipId": own, "roleKeys": ["authorised_person"]}
    take = {"membershipId": lena, "roleKeys": ["licence_holder"]}

    handed_over = await holder.asks(PREVIEW, organizationId=gut, changes=[leave, take])
    left = await holder.asks(PREVIEW, organizationId=gut, changes=[leave])

    assert [one["preview"]["errors"] for one in handed_over.at("previewMembersAccess")] == [[], []]
    ((error,),) = (one["preview"]["errors"] for one in left.at("previewMembersAccess"))
    assert (error["code"], error["path"]) == ("LAST_ADMINISTRATOR", ["changes", "0", "roleKeys"])


async def test_looking_and_a_dry_run_change_nothing(software_portal: Portal, gut: str) -> None:
    holder, lena = await software_portal.person(HOLDER), await member_of(software_portal, MEMBERS[1])
    changes = [{"membershipId": lena, "permissions": ["ORDER_PLACE"]}]

    looked = await holder.asks(PREVIEW, organizationId=gut, changes=changes)
    dry = await does(
        holder, "updateMembersAccess", organizationId=gut, changes=changes, idempotencyKey="k", dryRun=True
    )

    assert looked.at("previewMembersAccess.0.currentVersion") == 1
    assert dry["results"][0]["membership"]["version"] == 1
    assert dry["results"][0]["effectiveFrom"] is None
    assert await version_of(software_portal, lena) == 1
    assert await software_portal.audit("grant.give") == []
    assert await software_portal.queued_mails() == []
    # The key was not used: the same request is carried out now.
    done = await does(holder, "updateMembersAccess", organizationId=gut, changes=changes, idempotencyKey="k")
    assert done["results"][0]["membership"]["version"] == 2


@pytest.mark.parametrize(
    ("login_name", "code"),
    [
        ("orders@hausgut.example", "UNAUTHORIZED_FIELD_OR_TYPE"),
        ("licence.holder@kappel.example", None),
        (None, "UNAUTHENTICATED"),
    ],
)
async def test_whoever_may_not_assign_roles_there_is_shown_nothing(
    software_portal: Portal, gut: str, login_name: str | None, code: str | None
) -> None:
    person = await software_portal.person(login_name) if login_name else software_portal.anybody()
    lena = await member_of(software_portal, MEMBERS[1])

    answer = await person.asks(PREVIEW, organizationId=gut, changes=[{"membershipId": lena, "roleKeys": []}])

    assert answer.data == {"previewMembersAccess": None}
    assert answer.codes == ({"previewMembersAccess": code} if code else {})


async def test_a_member_of_another_organization_is_unknown(software_portal: Portal, gut: str) -> None:
    holder = await software_portal.person(HOLDER)
    changes = [
        {"membershipId": await member_of(software_portal, "deputy@kappel.example"), "roleKeys": []},
        {"membershipId": "mbr_unknown", "roleKeys": []},
    ]

    rows = (await holder.asks(PREVIEW, organizationId=gut, changes=changes)).at("previewMembersAccess")

    assert [(row["membership"], row["currentVersion"]) for row in rows] == [(None, None)] * 2
    texts = [[(error["code"], error["message"]) for error in row["preview"]["errors"]] for row in rows]
    assert texts[0] == texts[1] != []


async def test_a_hundred_changes_are_the_most_and_one_member_stands_there_once(
    software_portal: Portal, gut: str
) -> None:
    holder, lena = await software_portal.person(HOLDER), await member_of(software_portal, MEMBERS[1])
    twice = [{"membershipId": lena, "roleKeys": []}, {"membershipId": lena, "permissions": []}]

    answer = await holder.asks(PREVIEW, organizationId=gut, changes=twice)

    assert answer.data == {"previewMembersAccess": None}
    assert answer.codes == {"previewMembersAccess": "BAD_USER_INPUT"}
    assert answer.errors[0]["message"].startswith("`changes.1.membershipId`: ")
