"""What is said beforehand of a member is what the command does: `viewerCanX` exactly when X is not refused."""

from typing import Any

import pytest

from tests.access.changing_access import does, member_of, organization_named
from tests.access.test_capabilities import ACCOUNTS
from tests.portal import Portal, open_portal

SAID = """
query Said($id: ID!) {
  organization(id: $id) {
    administrators { id SAID }
    viewerMembership { id SAID }
    members(first: 100, status: [INVITED, ACTIVE, SUSPENDED, REMOVED]) { nodes { id SAID } }
  }
}
""".replace(
    "SAID",
    "viewerCanUpdateRoles viewerCannotUpdateRolesReasons viewerCanSuspend viewerCanReactivate viewerCanRemove "
    "viewerCannotRemoveReasons",
)

ORGANIZATIONS = {
    "solar_terminal": ("solar", ["Helios Montage GmbH", "Nordlicht Elektrotechnik GmbH"]),
    "software_house": ("software", ["Hausverwaltung Gut", "Kappel Immobilien KG", "Wohnwert Verwaltungs GmbH"]),
}


async def tried(portal: Portal, login_name: str, mutation: str, membership_id: str) -> bool:
    """Whether the mutation is carried out; it is undone, for the request is a dry run or comes with a stale version."""
    person = await portal.person(login_name)
    if mutation == "updateMemberAccess":
        payload = await does(person, mutation, membershipId=membership_id, roleKeys=[], dryRun=True)
        refused = {"FORBIDDEN", "NOT_FOUND", "CONFLICT"}
    else:
        payload = await does(person, mutation, id=membership_id, expectedVersion=999)
        refused = {"FORBIDDEN", "NOT_FOUND", "CONFLICT", "LAST_ADMINISTRATOR"}
    return not {error["code"] for error in payload["errors"]} & refused


@pytest.mark.slow
@pytest.mark.parametrize("profile", ORGANIZATIONS)
async def test_what_is_said_beforehand_is_what_happens_for_every_account_and_member(profile: str) -> None:
    """A version that is wrong is the last that is asked, so it shows that all else is right.

    Of members who are said the same, `test_every_viewer_can` tries a few in each run.
    """
    accounts, organizations = ORGANIZATIONS[profile]
    async with open_portal(profile, cost_mode="measure") as portal:
        tries = 0
        for name in organizations:
            id = await organization_named(portal, name)
            for login_name in ACCOUNTS[accounts]:
                answer = await (await portal.person(login_name)).asks(SAID, id=id)
                organization = answer.body["data"]["organization"]
                if organization is None:
                    continue
                listed = [*(organization["administrators"] or []), organization["viewerMembership"]]
                listed += (organization["members"] or {"nodes": []})["nodes"]
                for member in {member["id"]: member for member in listed}.values():
                    for field, mutation in COMMANDS.items():
                        done = await tried(portal, login_name, mutation, member["id"])
                        assert member[field] is done, (login_name, name, field, member)
                        tries += 1
                    assert member["viewerCanUpdateRoles"] is (member["viewerCannotUpdateRolesReasons"] == [])
                    assert member["viewerCanRemove"] is (member["viewerCannotRemoveReasons"] == [])
        assert tries > 100


COMMANDS = {
    "viewerCanUpdateRoles": "updateMemberAccess",
    "viewerCanSuspend": "suspendMember",
    "viewerCanReactivate": "reactivateMember",
    "viewerCanRemove": "removeMember",
}


async def test_each_reason_against_removing_somebody_is_named(solar: Portal) -> None:
    """K34, D26."""
    said = (
        "query N($id: ID!) { node(id: $id) { "
        "... on Membership { viewerCannotRemoveReasons viewerCannotUpdateRolesReasons } } }"
    )

    async def reasons(login_name: str, email: str) -> Any:
        person = await solar.person(login_name)
        return (await person.asks(said, id=await member_of(solar, email))).at("node")

    administration, purchase = "administration@helios.example", "purchase@helios.example"
    assert await reasons(administration, purchase) == {
        "viewerCannotRemoveReasons": [],
        "viewerCannotUpdateRolesReasons": [],
    }
    assert await reasons(administration, administration) == {
        "viewerCannotRemoveReasons": ["OWN_MEMBERSHIP"],
        "viewerCannotUpdateRolesReasons": [],
    }
    assert await reasons(administration, "heike.preuss@helios.example") == {
        "viewerCannotRemoveReasons": ["NOT_IN_THIS_STATE"],
        "viewerCannotUpdateRolesReasons": ["NOT_IN_THIS_STATE"],
    }
    assert await reasons(purchase, purchase) == {
        "viewerCannotRemoveReasons": ["MISSING_PERMISSION"],
        "viewerCannotUpdateRolesReasons": ["MISSING_PERMISSION"],
    }
    assert await reasons("suspended@helios.example", "suspended@helios.example") == {
        "viewerCannotRemoveReasons": ["MEMBERSHIP_SUSPENDED"],
        "viewerCannotUpdateRolesReasons": ["MEMBERSHIP_SUSPENDED"],
    }
