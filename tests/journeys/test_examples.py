"""The queries that each profile offers to try: they run for the accounts of its demo, under the limits of everybody."""

import json

import pytest

from gateway.profile_files import Example, load_profile, shipped_profiles
from tests.portal import open_portal

EXAMPLES = [(profile, example) for profile in shipped_profiles() for example in load_profile(profile).examples]

SUITABLE = {
    "solar_terminal": ("guenther.strauss@helios.example", "purchase@helios.example", "private@home.example"),
    "software_house": ("licence.holder@hausgut.example", "downloads@hausgut.example", "review@vendor.example"),
}
"""Somebody for whom all of an organization opens, somebody for whom a part does, and somebody in none."""

ADMINISTRATORS = {
    "solar_terminal": "administration@helios.example",
    "software_house": "licence.holder@hausgut.example",
}
"""The accounts of the demo for whom the examples of administering are."""

REFUSED = {"UNAUTHORIZED_FIELD_OR_TYPE"}


def named(profile: str, operation: str) -> Example:
    """The example whose operation has this name."""
    (example,) = [example for example in load_profile(profile).examples if f" {operation}" in example.query]
    return example


@pytest.mark.parametrize(
    ("profile", "example"), EXAMPLES, ids=[f"{profile}-{example.name}" for profile, example in EXAMPLES]
)
async def test_an_example_runs_for_every_account_with_no_errors_but_refusals(profile: str, example: Example) -> None:
    variables = json.loads(example.variables or "{}")

    async with open_portal(profile) as portal:
        for index, login_name in enumerate(SUITABLE[profile]):
            person = await portal.person(login_name)
            answer = await person.asks(example.query, **variables)

            assert answer.status == 200, answer.body
            refused = REFUSED if index or "registrations" in example.query else set()
            assert set(answer.codes.values()) <= refused, (login_name, answer.errors)


@pytest.mark.parametrize("profile", shipped_profiles())
async def test_inviting_by_the_example_writes_to_one_person_however_often_it_is_run(profile: str) -> None:
    example = named(profile, "InviteAColleague")
    variables = json.loads(example.variables or "{}")
    waits = named(profile, "WhatWaits")

    async with open_portal(profile) as portal:
        administrator = await portal.person(ADMINISTRATORS[profile])
        before = await administrator.asks(waits.query)
        first = await administrator.asks(example.query, **variables)
        second = await administrator.asks(example.query, **variables)
        after = await administrator.asks(waits.query)
        outsider = await (await portal.person(SUITABLE[profile][2])).asks(example.query, **variables)
        mails = await portal.queued_mails()

    assert (first.at("inviteMembers.errors"), first.at("inviteMembers.results.0.errors")) == ([], [])
    assert second.body == first.body
    assert [mail.to for mail in mails] == ["new.colleague@elsewhere.example"]
    of = "viewer.defaultOrganization.invitations.totalCount"
    assert after.at(of) == before.at(of) + 1
    assert outsider.at("inviteMembers.results") == []
    assert [error["code"] for error in outsider.at("inviteMembers.errors")] == ["NOT_FOUND"]


@pytest.mark.parametrize(
    ("profile", "operation", "gained"),
    [("solar_terminal", "ChangeRoles", ["PLANNING_TOOL_USE"]), ("software_house", "ChangeRights", ["ORDER_VIEW"])],
)
async def test_changing_roles_by_the_example_says_what_it_means_and_then_does_it(
    profile: str, operation: str, gained: list[str]
) -> None:
    example = named(profile, operation)
    variables = json.loads(example.variables or "{}")

    async with open_portal(profile) as portal:
        administrator = await portal.person(ADMINISTRATORS[profile])
        looked = await administrator.asks(example.query, **variables)
        variables["input"]["dryRun"] = False
        done = await administrator.asks(example.query, **variables)

    for answer in (looked, done):
        assert answer.at("updateMemberAccess.errors") == []
        preview = answer.at("updateMemberAccess.preview")
        assert [permission["code"] for permission in preview["permissionsAdded"]] == gained
        assert preview["permissionsRemoved"] == []
    assert done.at("updateMemberAccess.membership.version") == looked.at("updateMemberAccess.membership.version") + 1


@pytest.mark.parametrize("profile", shipped_profiles())
async def test_the_first_example_runs_for_everybody_and_says_what_they_may_do(profile: str) -> None:
    page = load_profile(profile).examples[0]

    async with open_portal(profile) as portal:
        stranger = await portal.anybody().asks(page.query)
        members = [await (await portal.person(name)).asks(page.query) for name in SUITABLE[profile]]

    assert stranger.codes == {}
    assert stranger.at("viewer") is None
    assert len(stranger.at("applicationCatalogue")) > 3
    assert [answer.codes for answer in members] == [{}, {}, {}]
    assert members[0].at("viewer.can.0.allowed") is True
    assert members[1].at("viewer.can.0.allowed") is False
    assert members[1].at("viewer.can.0.reason") == "MISSING_PERMISSION"


@pytest.mark.parametrize("profile", shipped_profiles())
async def test_the_vendors_staff_find_an_example_of_theirs(profile: str) -> None:
    example = named(profile, "Registrations")

    async with open_portal(profile) as portal:
        staff = await (await portal.person("review@vendor.example")).asks(example.query)
        buyer = await (await portal.person(SUITABLE[profile][1])).asks(example.query)

    assert staff.codes == {}
    assert staff.at("registrations.totalCount") is not None
    assert set(buyer.codes) == {"registrations", "organizationChangeRequests"}
