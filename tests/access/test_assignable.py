"""What somebody is said to be able to give is what `updateMemberAccess` lets them give: every role, every right."""

import pytest

from connectors.directory.records.access import GrantKind
from connectors.directory.records.audit import Author
from permissions.policy import Policy
from resolvers.audit import recorded
from tests.access.changing_access import does, holds, member_of, organization_named
from tests.access.test_capabilities import ACCOUNTS
from tests.access.test_delegation import LEAD
from tests.access.test_delegation import policy as with_a_team_lead
from tests.access.test_viewer_can import ORGANIZATIONS
from tests.portal import Person, Portal, open_portal

SAID = "query S($id: ID!) { organization(id: $id) { assignableRoles { key } assignablePermissions { code } } }"

TARGETS = {
    "solar_terminal": {
        "Helios Montage GmbH": ["purchase@helios.example", "planning@helios.example"],
        "Nordlicht Elektrotechnik GmbH": ["administration@nordlicht.example"],
    },
    "software_house": {
        "Hausverwaltung Gut": ["lena.strauss@hausgut.example", "jana.boehm@hausgut.example"],
        "Kappel Immobilien KG": ["deputy@kappel.example"],
        "Wohnwert Verwaltungs GmbH": ["licence.holder@wohnwert.example"],
    },
}
"""Members of each organization, of whom one lacks any given role."""


async def given(portal: Portal, person: Person, policy: Policy, organization: str, emails: list[str]) -> list[str]:
    """The roles and direct permissions that `updateMemberAccess` would let this person give to one of these members."""
    accepted = []
    targets = {id: await holds(portal, id) for id in [await member_of(portal, email) for email in emails]}
    for kind, keys in (("roleKeys", list(policy.roles)), ("permissions", [*map(str, policy.direct_permissions)])):
        for key in keys:
            lacking = [id for id, held in targets.items() if key not in held]
            if not lacking:
                continue
            held = [one for one in targets[lacking[0]] if (one in policy.roles) is (kind == "roleKeys")]
            if kind == "permissions":  # those of the role are on, and stay listed
                inherited = [
                    str(right)
                    for one in targets[lacking[0]]
                    if one in policy.roles
                    for right in policy.roles[one].permissions
                    if right in policy.direct_permissions
                ]
                if key in inherited:
                    continue
                held += [one for one in inherited if one not in held]
            payload = await does(
                person, "updateMemberAccess", membershipId=lacking[0], dryRun=True, **{kind: [*held, key]}
            )
            if not payload["errors"]:
                accepted.append(key)
    return accepted


@pytest.mark.parametrize("profile", ORGANIZATIONS)
async def test_what_one_may_assign_is_what_the_change_accepts_for_every_account_role_and_right(profile: str) -> None:
    accounts, organizations = ORGANIZATIONS[profile]
    accepted = 0
    async with open_portal(profile, cost_mode="measure") as portal:
        for name in organizations:
            id = await organization_named(portal, name)
            for login_name in ACCOUNTS[accounts]:
                person = await portal.person(login_name)
                organization = (await person.asks(SAID, id=id)).body["data"]["organization"]
                if organization is None:
                    continue
                said = [role["key"] for role in organization["assignableRoles"]]
                said += [permission["code"] for permission in organization["assignablePermissions"]]

                done = await given(portal, person, portal.wiring.policy, name, TARGETS[profile][name])

                if done or login_name not in ("licence.holder@wohnwert.example", "administration@nordlicht.example"):
                    # The only member of an organization may lack nothing, so that nothing shows there.
                    assert [key for key in said if key in done] == done, (login_name, name)
                assert set(done) <= set(said), (login_name, name)
                accepted += len(done)
    assert accepted > 3


async def test_whoever_delegates_one_role_is_offered_that_one(portal: Portal) -> None:
    """The policy decides, role by role: what is offered is neither all roles nor none."""
    lead_id = await member_of(portal, LEAD)
    async with portal.wiring.backends.directory.change() as change:
        by = Author(None, "test")
        await recorded.give(change, lead_id, GrantKind.ROLE, "team_lead", until=None, by=by, now=portal.clock())
    portal.wiring.policies.current = with_a_team_lead()
    lead, helios = await portal.person(LEAD), await organization_named(portal, "Helios Montage GmbH")

    answer = await lead.asks(SAID, id=helios)
    accepted = await given(portal, lead, portal.wiring.policy, helios, ["installation@helios.example"])

    assert answer.data["organization"] == {"assignableRoles": [{"key": "planning"}], "assignablePermissions": []}
    assert accepted == ["planning"]


async def test_a_suspended_member_and_one_without_the_right_may_assign_nothing(portal: Portal) -> None:
    helios = await organization_named(portal, "Helios Montage GmbH")

    for login_name in ("suspended@helios.example", "purchase@helios.example"):
        answer = await (await portal.person(login_name)).asks(SAID, id=helios)

        assert answer.body == {"data": {"organization": {"assignableRoles": [], "assignablePermissions": []}}}
