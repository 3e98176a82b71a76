"""The queries that each profile offers to try: they run for the accounts of its demo, under the limits of everybody."""

import json

import pytest

from gateway.profile_files import Example, load_profile, shipped_profiles
from tests.portal import Portal, open_portal

EXAMPLES = [(profile, example) for profile in shipped_profiles() for example in load_profile(profile).examples]

SUITABLE = {
    "solar_terminal": ("guenther.strauss@helios.example", "purchase@helios.example", "private@home.example"),
    "software_house": ("licence.holder@hausgut.example", "downloads@hausgut.example", "review@vendor.example"),
}
"""Somebody for whom everything opens, somebody for whom a part does, and somebody in no organization."""

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
            assert set(answer.codes.values()) <= (REFUSED if index else set()), (login_name, answer.errors)


@pytest.mark.parametrize("profile", shipped_profiles())
async def test_changing_the_profile_twice_by_the_example_shows_the_conflict(profile: str) -> None:
    example = named(profile, "ChangeMyTelephoneNumber")
    variables = json.loads(example.variables or "{}")

    async with open_portal(profile) as portal:
        person = await portal.person(SUITABLE[profile][0])
        first = await person.asks(example.query, **variables)
        second = await person.asks(example.query, **variables)

    assert first.at("updateProfile.errors") == []
    assert first.at("updateProfile.viewer.profileVersion") == 2
    assert [(error["code"], error["currentVersion"]) for error in second.at("updateProfile.errors")] == [
        ("STALE_VERSION", 2)
    ]


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


async def test_the_examples_show_a_refusal_beside_what_is_allowed(portal: Portal) -> None:
    page = load_profile("solar_terminal").examples[0]
    buyer = await portal.person("purchase@helios.example")

    answer = await buyer.asks(page.query)

    organization = answer.at("viewer.memberships.nodes.0.organization")
    assert organization["members"] is None
    assert organization["orders"]["totalCount"] == 81
    assert answer.codes == {"viewer.memberships.nodes.0.organization.members": "UNAUTHORIZED_FIELD_OR_TYPE"}
