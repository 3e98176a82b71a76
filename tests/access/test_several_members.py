"""The rights of several members are saved as one, or each separately, as the caller says (D24)."""

from typing import Any

import pytest

from tests.access.changing_access import (
    administrators_of,
    codes_of,
    does,
    holds,
    keys_of,
    member_of,
    organization_named,
    sends,
    version_of,
)
from tests.portal import Portal

HOLDER, GUT = "licence.holder@hausgut.example", "Hausverwaltung Gut"
LENA, JANA, MARKO = "lena.strauss@hausgut.example", "jana.boehm@hausgut.example", "marko.gross@hausgut.example"


async def test_direct_permissions_of_several_people_are_saved_together(each_software_portal: Portal) -> None:
    """D24."""
    portal = each_software_portal
    holder, gut = await portal.person(HOLDER), await organization_named(portal, GUT)
    lena, jana = await member_of(portal, LENA), await member_of(portal, JANA)

    payload = await does(
        holder,
        "updateMembersAccess",
        organizationId=gut,
        idempotencyKey="k",
        changes=[
            {"membershipId": lena, "permissions": ["ORDER_VIEW", "ORDER_PLACE"], "reason": "Orders for us."},
            {"membershipId": jana, "permissions": []},
        ],
    )

    assert payload["errors"] == []
    assert [keys_of(result["membership"]) for result in payload["results"]] == [
        {"authorised_person", "ORDER_VIEW", "ORDER_PLACE"}, {"authorised_person"},
    ]  # fmt: skip
    assert sorted(mail.to for mail in await portal.queued_mails()) == [JANA, LENA]


async def test_one_bad_row_changes_nothing_of_the_others(each_software_portal: Portal) -> None:
    """D24: the row in the middle is named, the old sets stay."""
    portal = each_software_portal
    holder, gut = await portal.person(HOLDER), await organization_named(portal, GUT)
    ids = [await member_of(portal, email) for email in (LENA, JANA, MARKO)]
    before = [await holds(portal, id) for id in ids]

    payload = await does(
        holder,
        "updateMembersAccess",
        organizationId=gut,
        idempotencyKey="k",
        changes=[
            {"membershipId": ids[0], "permissions": ["ORDER_PLACE"]},
            {"membershipId": ids[1], "permissions": ["EVENT_BOOK"]},
            {"membershipId": ids[2], "permissions": ["ORDER_PLACE"], "expectedVersion": 1},
        ],
    )

    assert payload["results"] is None
    assert codes_of(payload) == [("ROLE_NOT_ASSIGNABLE", ["changes", "1", "permissions", "0"])]
    assert [await holds(portal, id) for id in ids] == before
    assert [await version_of(portal, id) for id in ids] == [1, 1, 1]
    assert await portal.queued_mails() == []


async def test_row_by_row_each_is_made_or_refused_and_a_repeated_request_says_the_same(
    each_software_portal: Portal,
) -> None:
    """D24."""
    portal = each_software_portal
    holder, gut = await portal.person(HOLDER), await organization_named(portal, GUT)
    lena, jana, kappel = [await member_of(portal, one) for one in (LENA, JANA, "deputy@kappel.example")]
    changes: list[dict[str, Any]] = [
        {"membershipId": lena, "permissions": ["ORDER_PLACE"]},
        {"membershipId": kappel, "roleKeys": []},
        {"membershipId": jana, "permissions": ["EVENT_BOOK"]},
        {"membershipId": await member_of(portal, MARKO), "permissions": ["ORDER_VIEW"], "expectedVersion": 9},
        {"membershipId": "mbr_unknown", "roleKeys": []},
    ]
    input = {"organizationId": gut, "idempotencyKey": "k", "allOrNothing": False, "changes": changes}

    first = await does(holder, "updateMembersAccess", **input)
    again = await does(holder, "updateMembersAccess", **input)

    assert first["errors"] == []
    assert [codes_of(result) for result in first["results"]] == [
        [],
        [("NOT_FOUND", ["changes", "1", "membershipId"])],
        [("ROLE_NOT_ASSIGNABLE", ["changes", "2", "permissions", "0"])],
        [("STALE_VERSION", ["changes", "3", "expectedVersion"])],
        [("NOT_FOUND", ["changes", "4", "membershipId"])],
    ]
    assert first["results"][1]["errors"][0]["message"] == first["results"][4]["errors"][0]["message"]
    assert again == first
    assert await holds(portal, lena) == {"authorised_person": None, "ORDER_PLACE": None}
    assert await version_of(portal, lena) == 2


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        (lambda ids: [], [("INVALID_INPUT", ["changes"])]),
        (
            lambda ids: [{"membershipId": f"mbr_{number}", "roleKeys": []} for number in range(101)],
            [("INVALID_INPUT", ["changes"])],
        ),
        (
            lambda ids: [{"membershipId": ids[0], "permissions": []}, {"membershipId": ids[0], "roleKeys": []}],
            [("INVALID_INPUT", ["changes", "1", "membershipId"])],
        ),
        (
            lambda ids: [{"membershipId": ids[0], "roleKeys": ["x", ""]}, {"membershipId": ids[1]}],
            [
                ("INVALID_INPUT", ["changes", "0", "roleKeys", "0"]),
                ("INVALID_INPUT", ["changes", "0", "roleKeys", "1"]),
                ("INVALID_INPUT", ["changes", "1", "roleKeys"]),
            ],
        ),
    ],
    ids=["none", "too-many", "twice", "all-faults-at-once"],
)
@pytest.mark.parametrize("all_or_nothing", [True, False])
async def test_rows_that_cannot_be_meant_are_refused(
    software: Portal, changes: Any, errors: Any, all_or_nothing: bool
) -> None:
    holder, gut = await software.person(HOLDER), await organization_named(software, GUT)
    ids = [await member_of(software, email) for email in (LENA, JANA)]
    before = [await holds(software, id) for id in ids]

    payload = await does(
        holder,
        "updateMembersAccess",
        organizationId=gut,
        idempotencyKey=f"{all_or_nothing} {errors}"[:200],
        allOrNothing=all_or_nothing,
        changes=changes(ids),
    )

    found = codes_of(payload) + [error for result in payload["results"] or [] for error in codes_of(result)]
    assert found == errors
    assert [await holds(software, id) for id in ids] == before


async def test_an_office_may_change_hands_within_one_request(each_software_portal: Portal) -> None:
    """Asked once all is taken together; row by row, the first would leave it to nobody."""
    portal = each_software_portal
    holder, gut = await portal.person(HOLDER), await organization_named(portal, GUT)
    own, lena = await member_of(portal, HOLDER), await member_of(portal, LENA)
    changes = [
        {"membershipId": own, "roleKeys": ["authorised_person"]},
        {"membershipId": lena, "roleKeys": ["licence_holder"]},
    ]

    by_row = await does(
        holder,
        "updateMembersAccess",
        organizationId=gut,
        idempotencyKey="1",
        allOrNothing=False,
        changes=[changes[0], {"membershipId": await member_of(portal, JANA), "permissions": ["ORDER_VIEW"]}],
    )
    together = await sends(holder, "updateMembersAccess", organizationId=gut, idempotencyKey="2", changes=changes)

    assert codes_of(by_row["results"][0]) == [("LAST_ADMINISTRATOR", ["changes", "0", "roleKeys"])]
    assert (by_row["results"][1]["errors"], together.at("updateMembersAccess.errors")) == ([], [])
    assert await administrators_of(portal, gut) == [lena]
    names = await (await portal.person(LENA)).asks("{ viewer { loginNames } }")
    assert names.at("viewer.loginNames") == [LENA, "DOMUS_12345"]


async def test_nobody_changes_rights_in_an_organization_of_others(software: Portal) -> None:
    gut, lena = await organization_named(software, GUT), await member_of(software, LENA)
    stranger = await software.person("licence.holder@kappel.example")
    change = [{"membershipId": lena, "permissions": []}]

    foreign = await does(stranger, "updateMembersAccess", organizationId=gut, idempotencyKey="f", changes=change)
    unknown = await does(stranger, "updateMembersAccess", organizationId="org_x", idempotencyKey="u", changes=change)
    mine = await does(
        stranger,
        "updateMembersAccess",
        organizationId=await organization_named(software, "Kappel Immobilien KG"),
        idempotencyKey="m",
        changes=change,
    )

    assert foreign == unknown
    assert codes_of(foreign) == [("NOT_FOUND", ["organizationId"])]
    assert codes_of(mine) == [("NOT_FOUND", ["changes", "0", "membershipId"])]
    assert await version_of(software, lena) == 1
