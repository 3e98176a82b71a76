"""What cannot be meant by a change of access is named by its path and changes nothing; a preview says it beforehand."""

from typing import Any

import pytest

from permissions.vocabulary import Permission
from tests.access.changing_access import codes_of, does, holds, member_of, sends, version_of
from tests.portal import Portal
from tests.role_matrix import permissions_of

ADMINISTRATION, PURCHASE = "administration@helios.example", "purchase@helios.example"
FUTURE = "2027-01-31T00:00:00Z"
PAST = "2026-11-21T09:00:00Z"

WRONG: list[tuple[dict[str, Any], list[tuple[str, list[str]]]]] = [
    ({"roleKeys": ["nonsense"]}, [("INVALID_INPUT", ["roleKeys", "0"])]),
    ({"roleKeys": [""]}, [("INVALID_INPUT", ["roleKeys", "0"])]),
    ({"roleKeys": ["x" * 10_000]}, [("INVALID_INPUT", ["roleKeys", "0"])]),
    ({"roleKeys": ["planning", "purchase", "planning"]}, [("INVALID_INPUT", ["roleKeys", "2"])]),
    ({"roleKeys": ["planning"] * 101}, [("INVALID_INPUT", ["roleKeys"])]),
    ({}, [("INVALID_INPUT", ["roleKeys"])]),
    ({"permissions": ["ORDER_PLACE", "ORDER_VIEW", "ORDER_PLACE"]}, [("INVALID_INPUT", ["permissions", "2"])]),
    ({"roleKeys": ["planning"], "validUntil": PAST}, [("INVALID_INPUT", ["validUntil"])]),
    ({"roleKeys": ["planning"], "validUntil": "tomorrow"}, [("INVALID_INPUT", ["validUntil"])]),
    ({"roleKeys": ["planning"], "validUntil": "2027-01-31"}, [("INVALID_INPUT", ["validUntil"])]),
    ({"roleKeys": ["planning"], "validUntil": "99999-01-01T00:00:00Z"}, [("INVALID_INPUT", ["validUntil"])]),
    (
        {"ends": [{"roleKey": "nonsense", "validUntil": "soon"}], "reason": "a\u202eb"},
        [
            ("INVALID_INPUT", ["ends", "0", "roleKey"]), ("INVALID_INPUT", ["ends", "0", "validUntil"]),
            ("INVALID_INPUT", ["reason"]),
        ],
    ),
    ({"validUntil": FUTURE}, [("INVALID_INPUT", ["validUntil"])]),
    ({"ends": [{"validUntil": FUTURE}]}, [("INVALID_INPUT", ["ends", "0"])]),
    (
        {"ends": [{"roleKey": "purchase", "permission": "ORDER_VIEW", "validUntil": FUTURE}]},
        [("INVALID_INPUT", ["ends", "0"])],
    ),
    ({"ends": [{"roleKey": "nonsense", "validUntil": FUTURE}]}, [("INVALID_INPUT", ["ends", "0", "roleKey"])]),
    ({"ends": [{"roleKey": "planning", "validUntil": FUTURE}]}, [("INVALID_INPUT", ["ends", "0"])]),
    ({"ends": [{"roleKey": "purchase", "validUntil": PAST}]}, [("INVALID_INPUT", ["ends", "0", "validUntil"])]),
    (
        {"ends": [{"roleKey": "purchase", "validUntil": FUTURE}, {"roleKey": "purchase", "validUntil": None}]},
        [("INVALID_INPUT", ["ends", "1"])],
    ),
    ({"roleKeys": [], "reason": "x" * 501}, [("INVALID_INPUT", ["reason"])]),
    ({"roleKeys": [], "reason": "a\u0000b"}, [("INVALID_INPUT", ["reason"])]),
    ({"roleKeys": [], "idempotencyKey": ""}, [("INVALID_INPUT", ["idempotencyKey"])]),
    ({"roleKeys": [], "idempotencyKey": "x" * 201}, [("INVALID_INPUT", ["idempotencyKey"])]),
    ({"permissions": ["PLANNING_TOOL_USE"]}, [("ROLE_NOT_ASSIGNABLE", ["permissions", "0"])]),
    ({"permissions": ["REGISTRATION_REVIEW"]}, [("ROLE_NOT_ASSIGNABLE", ["permissions", "0"])]),
    ({"roleKeys": [], "expectedVersion": 7}, [("STALE_VERSION", ["expectedVersion"])]),
    ({"membershipId": "mbr_unknown", "roleKeys": []}, [("NOT_FOUND", ["membershipId"])]),
    ({"membershipId": "org_unknown", "roleKeys": []}, [("NOT_FOUND", ["membershipId"])]),
    ({"membershipId": "a\u0000b", "roleKeys": []}, [("NOT_FOUND", ["membershipId"])]),
    (
        {"roleKeys": ["", "nonsense"], "validUntil": PAST, "reason": "x" * 501},
        [
            ("INVALID_INPUT", ["roleKeys", "0"]), ("INVALID_INPUT", ["roleKeys", "1"]),
            ("INVALID_INPUT", ["validUntil"]), ("INVALID_INPUT", ["reason"]),
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "errors"), WRONG, ids=lambda value: str(value)[:50])
async def test_a_value_that_is_not_allowed_is_named_by_its_path_and_changes_nothing(
    solar: Portal, wrong: dict[str, Any], errors: list[tuple[str, list[str]]]
) -> None:
    administrator, me = await solar.person(ADMINISTRATION), await member_of(solar, PURCHASE)
    before = await solar.queued_mails()

    payload = await does(administrator, "updateMemberAccess", **{"membershipId": me} | wrong)

    assert codes_of(payload) == errors
    assert payload["membership"] is payload["preview"] is payload["effectiveFrom"] is None
    assert await holds(solar, me) == {"purchase": None}
    assert await version_of(solar, me) == 1
    assert await solar.queued_mails() == before


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"permissions": ["NONSENSE"]}, "permissions"),
        ({"validUntil": 2027}, "validUntil"),
        ({"expectedVersion": "1"}, "expectedVersion"),
    ],
    ids=str,
)
async def test_a_value_that_is_no_value_of_its_type_is_refused_before_anything_happens(
    solar: Portal, wrong: dict[str, Any], path: str
) -> None:
    administrator, me = await solar.person(ADMINISTRATION), await member_of(solar, PURCHASE)

    answer = await sends(administrator, "updateMemberAccess", membershipId=me, roleKeys=[], **wrong)

    assert (answer.status, answer.codes) == (400, {"": "BAD_USER_INPUT"})
    assert path in answer.errors[0]["message"]


async def test_a_member_of_another_organization_is_refused_like_an_unknown_one(solar: Portal) -> None:
    lumen, me = await solar.person("administration@lumen.example"), await member_of(solar, PURCHASE)

    foreign = await does(lumen, "updateMemberAccess", membershipId=me, roleKeys=[])
    unknown = await does(lumen, "updateMemberAccess", membershipId="mbr_unknown", roleKeys=[])

    assert foreign == unknown
    assert codes_of(foreign) == [("NOT_FOUND", ["membershipId"])]
    assert await holds(solar, me) == {"purchase": None}


async def test_a_preview_says_what_the_change_does_then_and_writes_nothing(each_portal: Portal) -> None:
    """D27: by the mutation's dry run and by the query alike."""
    administrator, me = await each_portal.person(ADMINISTRATION), await member_of(each_portal, PURCHASE)
    edit = {"membershipId": me, "roleKeys": ["planning"], "reason": "Looks first."}

    with each_portal.statements() as statements:
        dry = await does(administrator, "updateMemberAccess", **edit, dryRun=True, idempotencyKey="k")
        asked = await administrator.asks(
            "query P($input: PreviewAccessInput!) { previewAccess(input: $input) "
            "{ permissionsAdded { code } permissionsRemoved { code } applicationsAdded { key } "
            "applicationsRemoved { key } tiles { application { key } state reason } "
            "warnings { permission { code } holders recommended message } errors { code } } }",
            input=edit,
        )
    done = await does(administrator, "updateMemberAccess", **edit, idempotencyKey="k")

    assert not [statement for statement in statements if not statement.startswith(("SELECT", "WITH"))]
    assert dry["effectiveFrom"] is None
    assert dry["membership"]["version"] == 1
    assert asked.at("previewAccess") == dry["preview"] | {"errors": []}
    assert done["preview"] == dry["preview"]
    assert done["membership"]["version"] == 2
    assert {one["code"] for one in done["preview"]["permissionsAdded"]} == {"PLANNING_TOOL_USE"}
    assert {one["code"] for one in done["preview"]["permissionsRemoved"]} == set(permissions_of(["purchase"]))


async def test_the_tiles_of_a_preview_are_those_that_the_member_has_then(portal: Portal) -> None:
    administrator, member = await portal.person(ADMINISTRATION), await portal.person(PURCHASE)

    payload = await does(
        administrator, "updateMemberAccess", membershipId=await member_of(portal, PURCHASE), roleKeys=["planning"]
    )

    own = await member.asks(
        "{ viewer { applications(includeUnavailable: true) { application { key } state reason } } }"
    )
    assert payload["preview"]["tiles"] == own.at("viewer.applications")


async def test_what_would_be_refused_is_said_by_the_preview(solar: Portal) -> None:
    administrator, me = await solar.person(ADMINISTRATION), await member_of(solar, PURCHASE)
    ask = (
        "query P($input: PreviewAccessInput!) { previewAccess(input: $input) { tiles { state } errors { code path } } }"
    )

    refused = await administrator.asks(ask, input={"membershipId": me, "permissions": ["ORDER_VIEW"]})
    unknown = await administrator.asks(ask, input={"membershipId": "mbr_unknown", "roleKeys": []})
    foreign = await (await solar.person("administration@lumen.example")).asks(
        ask, input={"membershipId": me, "roleKeys": []}
    )
    without = await (await solar.person(PURCHASE)).asks(ask, input={"membershipId": me, "roleKeys": []})

    assert refused.at("previewAccess") == {
        "tiles": [], "errors": [{"code": "ROLE_NOT_ASSIGNABLE", "path": ["permissions", "0"]}],
    }  # fmt: skip
    assert unknown.body == foreign.body == {"data": {"previewAccess": None}}
    assert without.codes == {"previewAccess": "UNAUTHORIZED_FIELD_OR_TYPE"}
    assert await solar.audit("previewAccess") == []


async def test_the_vocabulary_has_no_right_that_a_member_gives_for_the_vendor(solar: Portal) -> None:
    """For every permission that there is."""
    administrator, me = await solar.person(ADMINISTRATION), await member_of(solar, PURCHASE)
    held = set(permissions_of(["purchase"]))

    for permission in Permission:
        if permission.value not in held:
            payload = await does(
                administrator, "updateMemberAccess", membershipId=me, permissions=[permission.value], dryRun=True
            )
            assert codes_of(payload) == [("ROLE_NOT_ASSIGNABLE", ["permissions", "0"])], permission
