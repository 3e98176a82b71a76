"""Whoever may delegate only some roles gives and takes only those, and ends no administration."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from connectors.directory.records.access import GrantKind
from connectors.directory.records.access_requests import AccessRequestRecord
from connectors.directory.records.audit import Author
from connectors.ids import MembershipId
from gateway.profile_files import load_profile
from permissions.policy import Policy, parse_policy
from permissions.vocabulary import DenialReason
from resolvers.access.commands import update_member_access
from resolvers.access.edits import AccessEdit, GrantEnd
from resolvers.access_requests.commands import Verdict, decide_access_request, may_decide, request_access
from resolvers.access_requests.requested_access import RequestedAccess
from resolvers.audit import recorded
from resolvers.context import RequestContext
from resolvers.members.commands import MemberCommand, remove_member, suspend_member
from resolvers.members.rules import against_removing, against_suspending, can_assign, subjects_of
from resolvers.refusals import Forbidden, NotDelegable
from tests.access.changing_access import holds, member_of, organization_named
from tests.portal import Portal

LEAD, ADMINISTRATION, PURCHASE = "planning@helios.example", "administration@helios.example", "purchase@helios.example"
SPOKESMAN = """

[roles.team_lead]
label = { en = "Team lead" }
description = { en = "Leads the planners." }
permissions = ["ROLE_ASSIGN", "MEMBER_MANAGE"]
administrative = false
assignable = ["planning"]
member_assignable = true
"""


def policy() -> Policy:
    """The solar terminal's policy with a role more, which delegates planning only."""
    text = load_profile("solar_terminal").policy_text
    text = text.replace('assignable = ["administration",', 'assignable = ["team_lead", "administration",', 1)
    return parse_policy(text + SPOKESMAN, "policy.toml")


@dataclass(frozen=True)
class Team:
    """A portal with a team lead, and what a request of somebody knows there."""

    portal: Portal
    lead_id: MembershipId

    async def context_of(self, email: str) -> RequestContext:
        """What a request of this person knows."""
        directory, now = self.portal.wiring.backends.directory, self.portal.clock()
        context = RequestContext(self.portal.wiring.backends, policy(), now, "test")
        user_id = await directory.user_id_of_login_name(email)
        assert user_id is not None
        context.become(await directory.caller(user_id, None, now))
        return context


@pytest.fixture
async def team(portal: Portal) -> Team:
    """A portal in which Franziska Löffler leads the planners."""
    lead_id = await member_of(portal, LEAD)
    async with portal.wiring.backends.directory.change() as change:
        await recorded.give(
            change, lead_id, GrantKind.ROLE, "team_lead", until=None, by=Author(None, "test"), now=portal.clock()
        )
    return Team(portal, lead_id)


async def test_what_may_be_delegated_is_given_and_taken(team: Team) -> None:
    lead, other = await team.context_of(LEAD), await member_of(team.portal, PURCHASE)

    given = await update_member_access(lead, AccessEdit(other, role_keys=("purchase", "planning")), None)
    taken = await update_member_access(lead, AccessEdit(other, role_keys=("purchase",)), None)

    assert given.refusals == taken.refusals == ()
    assert await holds(team.portal, other) == {"purchase": None}


@pytest.mark.parametrize(
    ("email", "edit", "path"),
    [
        (LEAD, {"role_keys": ("planning", "team_lead", "administration")}, ["roleKeys", "2"]),
        (LEAD, {"role_keys": ("planning",)}, ["roleKeys"]),
        (PURCHASE, {"role_keys": ()}, ["roleKeys"]),
        (PURCHASE, {"role_keys": ("purchase", "installation")}, ["roleKeys", "1"]),
        (PURCHASE, {"role_keys": ("purchase",), "valid_until": "soon"}, ["roleKeys", "0"]),
        (PURCHASE, {"ends": "purchase"}, ["ends", "0"]),
        (ADMINISTRATION, {"role_keys": ()}, ["roleKeys"]),
    ],
    ids=str,
)
async def test_what_may_not_be_delegated_is_neither_given_nor_taken(
    team: Team, email: str, edit: dict[str, object], path: list[str]
) -> None:
    lead, other = await team.context_of(LEAD), await member_of(team.portal, email)
    soon, before = lead.now + timedelta(days=1), await holds(team.portal, other)
    wanted = AccessEdit(other, **edit)  # type: ignore[arg-type]
    if "valid_until" in edit:
        wanted = replace(wanted, valid_until=soon)
    if "ends" in edit:
        wanted = replace(wanted, ends=(GrantEnd("purchase", None, soon),))

    with pytest.raises(NotDelegable) as refused:
        await update_member_access(lead, wanted, None)

    assert refused.value.path == path
    assert refused.value.decision.reason is DenialReason.NOT_DELEGABLE
    assert await holds(team.portal, other) == before
    assert await team.portal.queued_mails() == []


async def test_members_are_removed_but_nobody_with_an_administrative_role(team: Team) -> None:
    lead = await team.context_of(LEAD)
    administrator, buyer = await member_of(team.portal, ADMINISTRATION), await member_of(team.portal, PURCHASE)
    found = await lead.backends.directory.memberships([administrator, buyer])
    subjects = await subjects_of(lead, [member for member in found if member is not None])

    removed, _ = await remove_member(lead, MemberCommand(buyer))
    for command in (suspend_member, remove_member):
        with pytest.raises(Forbidden) as refused:
            await command(lead, MemberCommand(administrator))
        assert refused.value.decision.reason is DenialReason.NOT_DELEGABLE

    assert removed.status.value == "REMOVED"
    for rule in (against_suspending, against_removing):
        said = [rule(lead, lead.viewer, subject) for subject in subjects]
        assert said == [[DenialReason.NOT_DELEGABLE], []]


async def test_only_those_who_may_delegate_all_of_it_are_asked_and_decide(team: Team) -> None:
    portal, helios = team.portal, await organization_named(team.portal, "Helios Montage GmbH")
    asking = await team.context_of("lena.hartwig@helios.example")
    requested = RequestedAccess(role_keys=("planning", "purchase"))
    lead = await team.context_of(LEAD)

    request = await request_access(asking, helios, requested, text=None, key=None)
    small = await request_access(asking, helios, RequestedAccess(role_keys=("planning",)), text=None, key=None)

    assert isinstance(request, AccessRequestRecord)
    assert small is not None
    wanted = [mail.values["wanted"] for mail in await portal.queued_mails(LEAD)]
    assert wanted == [["Planung"]]
    assert len(await portal.queued_mails(ADMINISTRATION)) == 2
    assert (may_decide(lead, request), may_decide(lead, small)) == (False, True)
    for approve in (True, False):
        with pytest.raises(NotDelegable):
            await decide_access_request(lead, Verdict(request.id, approve))
    await decide_access_request(lead, Verdict(small.id, True))
    assert await holds(portal, small.membership_id) == {"planning": None}


async def test_the_drop_down_has_the_one_role(team: Team) -> None:
    """K34."""
    lead, helios = await team.context_of(LEAD), await organization_named(team.portal, "Helios Montage GmbH")

    roles = [key for key, role in policy().roles.items() if can_assign(lead, role, organization_id=helios)]

    assert roles == ["planning"]
