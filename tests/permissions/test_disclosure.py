"""What is disclosed of a refusal: as much as the setting allows, where it says, and never a name to a stranger."""

import json
from typing import Any

import pytest

from connectors.errors import BackendUnavailable
from gateway.settings_sources import InvalidSettings, read_settings
from tests.logs import capture_logs
from tests.portal import Answer, Portal, open_portal

MEMBERS = "query Q($id: ID!) { organization(id: $id) { name members { totalCount } } }"
TWICE = "query Q($id: ID!) { organization(id: $id) { members { totalCount } orders { totalCount } } }"
EDIT = "mutation M($input: UpdateProfileInput!) { updateProfile(input: $input) { viewer { user { firstName } REST } } }"
REST = "memberships { nodes { organization { members { totalCount } } } }"
PERMISSION = {
    "coordinate": {"typeName": "Organization", "fieldName": "members"},
    "required": [["MEMBER_VIEW"], ["MEMBER_MANAGE"]],
    "missing": ["MEMBER_VIEW", "MEMBER_MANAGE"],
    "reason": "MISSING_PERMISSION",
    "requestable": True,
}
PRODUCTION = {
    "FORECOURT_ENVIRONMENT": "production",
    "FORECOURT_SIGNING_KEY_FILE": "key.pem",
    "FORECOURT_PUBLIC_URL": "https://portal.example",
    "FORECOURT_MAIL_STAYS_HERE": "true",
}
WHO = [{"role": "administration", "members": ["Annegret Kästner", "Regula Oberhänsli", "Günther Strauß"]}]


async def asks(portal: Portal, login_name: str, query: str = MEMBERS, **variables: Any) -> Answer:
    """What the person is answered who asks about their own organization."""
    person, organization = await portal.person(login_name), await portal.organization_of(login_name)
    return await person.asks(query, id=organization, **variables)


@pytest.mark.parametrize(
    ("level", "message", "keys"),
    [
        ("none", "You are not permitted to do this.", None),
        (
            "code",
            "You are not permitted to do this. "
            "Ask somebody who assigns roles in this organization to give you the permission.",
            {"reason": "MISSING_PERMISSION"},
        ),
        ("permission", "Organization.members requires MEMBER_VIEW or MEMBER_MANAGE in this organization.", PERMISSION),
        (
            "full",
            "Organization.members requires MEMBER_VIEW or MEMBER_MANAGE in this organization. "
            "The role Administration would allow it.",
            PERMISSION | {"grantableBy": WHO},
        ),
    ],
)
async def test_a_refusal_discloses_as_much_as_its_level_allows(
    level: str, message: str, keys: dict[str, Any] | None
) -> None:
    async with open_portal(authorization_disclosure=level) as portal:
        organization = await portal.organization_of("purchase@helios.example")

        with capture_logs() as logs:
            answer = await asks(portal, "purchase@helios.example")

    assert answer.data == {"organization": {"name": "Helios Montage GmbH", "members": None}}
    (error,) = answer.errors
    assert error["message"] == message
    reported = error["extensions"].pop("authorization", None)
    assert error["extensions"] == {"code": "UNAUTHORIZED_FIELD_OR_TYPE"}
    (entry,) = [entry for entry in logs if entry["event"] == "field refused"]
    assert (entry["field"], entry["organization"]) == ("Organization.members", organization)
    if reported is not None and "coordinate" in reported:
        assert reported.pop("organizationId") == organization
    if level == "full":
        assert reported.pop("decisionId") == entry["decision"]
    assert reported == keys


def test_in_production_colleagues_are_not_named_unless_the_operator_says_so() -> None:
    assert read_settings({}).discloses == "full"
    assert read_settings(PRODUCTION).discloses == "permission"
    assert read_settings(PRODUCTION, authorization_disclosure="none").discloses == "none"


@pytest.mark.parametrize("level", ["none", "code", "permission", "full"])
async def test_nobody_is_named_to_somebody_who_is_not_signed_in(level: str) -> None:
    async with open_portal(authorization_disclosure=level) as portal:
        helios = await portal.organization_of("purchase@helios.example")

        with portal.statements() as statements:
            answer = await portal.anybody().asks(MEMBERS, id=helios)

    assert answer.codes == {"organization": "UNAUTHENTICATED"}
    assert answer.errors[0]["extensions"].get("authorization", {}).get("grantableBy", []) == []
    assert statements == []


async def test_a_suspended_member_learns_the_reason_and_no_names(solar: Portal) -> None:
    answer = await asks(solar, "suspended@helios.example")

    reported = answer.errors[0]["extensions"]["authorization"]
    assert (reported["reason"], reported["requestable"], reported["grantableBy"]) == ("MEMBERSHIP_SUSPENDED", False, [])


async def test_a_direct_permission_is_granted_by_those_who_switch_rights(software: Portal) -> None:
    answer = await asks(software, "downloads@hausgut.example", TWICE)

    by_field = {error["path"][-1]: error["extensions"]["authorization"] for error in answer.errors}
    holder = ["Roswitha Gut"]
    assert by_field["members"]["grantableBy"] == [{"role": "licence_holder", "members": holder}]
    assert by_field["orders"]["grantableBy"] == [
        {"role": "licence_holder", "members": holder},
        {"permission": "ORDER_VIEW", "members": holder},
        {"permission": "ORDER_PLACE", "members": holder},
    ]


async def test_who_could_grant_is_looked_up_once_for_all_refusals_of_an_answer(solar: Portal) -> None:
    with solar.statements() as one:
        await asks(solar, "planning@helios.example")
    with solar.statements() as two:
        answer = await asks(solar, "planning@helios.example", TWICE)

    assert len(answer.errors) == 2
    assert len(two) == len(one)


async def test_a_right_that_no_role_gives_cannot_be_requested(software: Portal) -> None:
    (decision,) = (
        await asks(
            software,
            "orders@hausgut.example",
            "{ viewer { can(permissions: [PLANNING_TOOL_USE]) { allowed grantableBy { id } } } }",
        )
    ).at("viewer.can")

    assert decision == {"allowed": False, "grantableBy": []}


async def test_a_directory_that_fails_while_names_are_looked_up_costs_the_names_only(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_args: Any, **_more: Any) -> Any:
        raise BackendUnavailable("directory", "down for the test")

    monkeypatch.setattr(portal.wiring.backends.directory, "holders_of", away)

    answer = await asks(portal, "purchase@helios.example")

    assert answer.at("organization.name") == "Helios Montage GmbH"
    assert answer.errors[0]["extensions"]["authorization"]["grantableBy"] == []


@pytest.mark.parametrize(("position", "key"), [("extensions", "authorizationErrors"), ("disabled", None)])
async def test_refusals_stand_where_the_operator_wants_them(position: str, key: str | None) -> None:
    async with open_portal(authorization_errors_response=position) as portal:
        answer = await asks(portal, "purchase@helios.example")

    assert answer.data == {"organization": {"name": "Helios Montage GmbH", "members": None}}
    assert "errors" not in answer.body
    reported = answer.body.get("extensions", {})
    assert list(reported) == ([key] if key else [])
    if key:
        assert [error["path"] for error in reported[key]] == [["organization", "members"]]


async def test_other_errors_stay_where_they_are_when_refusals_are_left_out() -> None:
    async with open_portal(authorization_errors_response="disabled") as portal:
        with portal.without_shop():
            answer = await asks(portal, "purchase@helios.example", TWICE)

    assert answer.codes == {"organization.orders": "BACKEND_UNAVAILABLE"}


async def test_a_whole_query_is_refused_when_one_field_is() -> None:
    async with open_portal(authorization_reject_unauthorized=True) as portal:
        refused = await asks(portal, "purchase@helios.example")
        allowed = await asks(portal, "administration@helios.example")

    assert refused.status == 403
    assert "data" not in refused.body
    assert refused.codes == {"organization.members": "UNAUTHORIZED_FIELD_OR_TYPE"}
    assert (allowed.status, allowed.errors) == (200, [])


async def test_a_change_that_was_made_is_reported_even_when_its_answer_has_a_refused_field() -> None:
    async with open_portal(authorization_reject_unauthorized=True) as portal:
        change = {"expectedVersion": 1, "firstName": "Georg"}
        done = await asks(portal, "purchase@helios.example", EDIT.replace("REST", REST), input=change)
        refused = await portal.anybody().asks(EDIT.replace("REST", ""), input=change)

    assert done.status == 200
    assert done.at("updateProfile.viewer.user.firstName") == "Georg"
    assert list(done.codes.values()) == ["UNAUTHORIZED_FIELD_OR_TYPE"]
    assert refused.status == 403
    assert "data" not in refused.body


async def test_a_dry_run_shows_members_what_they_would_be_refused_and_reports_it() -> None:
    async with open_portal(authorization_dry_run=True) as portal:
        answer = await asks(portal, "purchase@helios.example")
        own = await asks(portal, "purchase@helios.example", "{ viewer { user { email } } }")

    assert answer.errors == []
    assert answer.at("organization.members.totalCount") > 0
    (report,) = answer.body["extensions"]["authorizationDryRun"]
    assert report["extensions"]["authorization"]["coordinate"] == PERMISSION["coordinate"]
    assert "extensions" not in own.body


async def test_a_dry_run_opens_nothing_to_strangers_suspended_members_or_other_organizations() -> None:
    async with open_portal(authorization_dry_run=True) as portal:
        helios = await portal.organization_of("purchase@helios.example")
        foreign = await portal.person("administration@lumen.example")

        stranger = await portal.anybody().asks(MEMBERS, id=helios)
        elsewhere = await foreign.asks(MEMBERS, id=helios)
        suspended = await asks(portal, "suspended@helios.example")

    assert stranger.codes == {"organization": "UNAUTHENTICATED"}
    assert elsewhere.body == {"data": {"organization": None}}
    assert suspended.codes == {"organization.members": "UNAUTHORIZED_FIELD_OR_TYPE"}


async def test_each_operation_of_a_batch_reports_its_own_dry_run() -> None:
    async with open_portal(authorization_dry_run=True, max_batch=2) as portal:
        person = await portal.person("purchase@helios.example")
        helios = await portal.organization_of("purchase@helios.example")
        batch = [{"query": MEMBERS, "variables": {"id": helios}}, {"query": "{ viewer { id } }"}]
        answer = await person.posts(json.dumps(batch).encode())

    first, second = answer.body
    assert len(first["extensions"]["authorizationDryRun"]) == 1
    assert "extensions" not in second


def test_a_dry_run_has_to_be_meant() -> None:
    with pytest.raises(InvalidSettings, match="FORECOURT_AUTHORIZATION_DRY_RUN_IN_PRODUCTION=true"):
        read_settings(PRODUCTION, authorization_dry_run=True)
    with pytest.raises(InvalidSettings, match="dry run refuses nothing, so authorization_reject_unauthorized"):
        read_settings({}, authorization_dry_run=True, authorization_reject_unauthorized=True)

    meant = read_settings(PRODUCTION, authorization_dry_run=True, authorization_dry_run_in_production=True)

    assert meant.authorization_dry_run
