"""What members may do, who belongs to an organization, and asking for access."""

from connectors.ids import OrganizationId
from tests.access.changing_access import member_of
from tests.every_mutation.entry import Entry, Row, payload, user_id
from tests.portal import Portal

ADMINISTRATION, PURCHASE, PLANNING = (
    "administration@helios.example",
    "purchase@helios.example",
    "planning@helios.example",
)
HOLDER, LENA, ELIF = (
    "licence.holder@hausgut.example",
    "lena.strauss@hausgut.example",
    "elif.yildiz@hausgut.example",
)
UNTIL = "2027-01-01T00:00:00+00:00"


async def _helios(portal: Portal) -> dict[str, str]:
    return {
        "HELIOS": await portal.organization_of(ADMINISTRATION),
        "PURCHASER": await member_of(portal, PURCHASE),
        "PLANNER": await member_of(portal, PLANNING),
    }


async def _with_suspended(portal: Portal) -> dict[str, str]:
    names = await _helios(portal)
    await payload(portal, ADMINISTRATION, "suspendMember", {"id": names["PURCHASER"]}, "errors { code }")
    return names


async def _asked(portal: Portal) -> dict[str, str]:
    names = await _helios(portal)
    given = {"organizationId": names["HELIOS"], "roleKeys": ["purchase"]}
    asked = await payload(portal, PLANNING, "requestAccess", given, "accessRequest { id } errors { code }")
    return {**names, "REQUEST": asked["accessRequest"]["id"]}


async def _before_leaving(portal: Portal) -> dict[str, str]:
    """A member who has asked for something that nobody has decided."""
    names = await _helios(portal)
    given = {"organizationId": names["HELIOS"], "roleKeys": ["planning"]}
    asked = await payload(portal, PURCHASE, "requestAccess", given, "accessRequest { id } errors { code }")
    return {**names, "REQUEST": asked["accessRequest"]["id"]}


async def _two_at_gut(portal: Portal) -> dict[str, str]:
    gut = OrganizationId(await portal.organization_of(HOLDER))
    (sent,) = await portal.wiring.backends.directory.last_invitations([(gut, ELIF)])
    assert sent is not None
    return {
        "GUT": gut,
        "ELIF": sent.membership_id,
        "INVITATION": sent.id,
        "HOLDER": await member_of(portal, HOLDER),
        "LENA": await member_of(portal, LENA),
        "HOLDER_PERSON": await user_id(portal, HOLDER),
        "LENA_PERSON": await user_id(portal, LENA),
    }


def _status(by: str, before: str, after: str, reason: str | None = None) -> Row:
    recorded = {"before": {"status": before}, "after": {"status": after}}
    return Row("membership.status", "PURCHASER", by, "HELIOS", reason=reason, **recorded)


def _ending_of_what_the_holder_began() -> tuple[Row, ...]:
    """The rows of the one open invitation that the licence holder sent."""
    why = "Whoever began this may not any more."
    ends: tuple[tuple[str, str, dict[str, str | None], dict[str, str | None]], ...] = (
        (
            "invitation.revoke",
            "INVITATION",
            {"status": "PENDING"},
            {"status": "REVOKED", "email": "e***@hausgut.example"},
        ),
        ("grant.revoke", "ELIF", {"role": "authorised_person", "until": None}, {}),
        ("grant.revoke", "ELIF", {"permission": "ORDER_VIEW", "until": None}, {}),
        ("membership.status", "ELIF", {"status": "INVITED"}, {"status": "REMOVED"}),
    )
    return tuple(Row(action, what, HOLDER, "GUT", before, after, reason=why) for action, what, before, after in ends)


def _ending(by: str, reason: str) -> tuple[Row, ...]:
    """The rows of the purchaser's end: all they were given and asked for ends with it."""
    recorded = {"actor": by, "organization": "HELIOS", "reason": reason}
    withdrawn = {"status": "WITHDRAWN", "until": None}
    return (
        Row("grant.revoke", "PURCHASER", before={"role": "purchase", "until": None}, **recorded),
        Row("access_request.withdraw", "REQUEST", before={"status": "PENDING"}, after=withdrawn, **recorded),
        _status(by, "ACTIVE", "REMOVED", reason),
    )


ENTRIES = {
    "updateMemberAccess": Entry(
        by=ADMINISTRATION,
        prepare=_helios,
        input={
            "membershipId": "PURCHASER",
            "roleKeys": ["planning"],
            "validUntil": UNTIL,
            "reason": "Vertretung",
            "idempotencyKey": "k",
        },
        rows=(
            Row(
                "grant.give",
                "PURCHASER",
                ADMINISTRATION,
                "HELIOS",
                after={"role": "planning", "until": UNTIL},
                reason="Vertretung",
            ),
            Row(
                "grant.revoke",
                "PURCHASER",
                ADMINISTRATION,
                "HELIOS",
                before={"role": "purchase", "until": None},
                reason="Vertretung",
            ),
        ),
    ),
    "updateMembersAccess": Entry(
        by=ADMINISTRATION,
        prepare=_helios,
        input={
            "organizationId": "HELIOS",
            "changes": [
                {"membershipId": "PURCHASER", "roleKeys": ["purchase", "planning"]},
                {"membershipId": "PLANNER", "roleKeys": []},
            ],
            "idempotencyKey": "k",
        },
        answer="results { errors { code message path } } errors { code message path }",
        rows=(
            Row("grant.give", "PURCHASER", ADMINISTRATION, "HELIOS", after={"role": "planning", "until": None}),
            Row("grant.revoke", "PLANNER", ADMINISTRATION, "HELIOS", before={"role": "planning", "until": None}),
        ),
    ),
    "updateMember": Entry(
        by=PLANNING,
        prepare=_helios,
        input={"id": "PLANNER", "jobTitle": " Leitung Planung "},
        rows=(
            Row(
                "membership.update",
                "PLANNER",
                PLANNING,
                "HELIOS",
                before={"job_title": "***"},
                after={"job_title": "***"},
            ),
        ),
    ),
    "suspendMember": Entry(
        by=ADMINISTRATION,
        prepare=_helios,
        input={"id": "PURCHASER", "reason": "Elternzeit"},
        rows=(_status(ADMINISTRATION, "ACTIVE", "SUSPENDED", "Elternzeit"),),
    ),
    "reactivateMember": Entry(
        by=ADMINISTRATION,
        prepare=_with_suspended,
        input={"id": "PURCHASER", "reason": "Wieder da"},
        rows=(_status(ADMINISTRATION, "SUSPENDED", "ACTIVE", "Wieder da"),),
    ),
    "removeMember": Entry(
        by=ADMINISTRATION,
        prepare=_before_leaving,
        input={"id": "PURCHASER", "reason": "Gekündigt"},
        rows=_ending(ADMINISTRATION, "Gekündigt"),
    ),
    "leaveOrganization": Entry(
        by=PURCHASE,
        prepare=_before_leaving,
        input={"organizationId": "HELIOS", "reason": "Neue Stelle"},
        rows=_ending(PURCHASE, "Neue Stelle"),
    ),
    "transferAdministration": Entry(
        by=HOLDER,
        profile="software_house",
        prepare=_two_at_gut,
        input={"organizationId": "GUT", "toMembershipId": "LENA", "reason": "Ruhestand", "idempotencyKey": "k"},
        rows=(
            Row(
                "grant.give",
                "LENA",
                HOLDER,
                "GUT",
                after={"role": "licence_holder", "until": None},
                reason="Ruhestand",
            ),
            Row(
                "grant.revoke",
                "HOLDER",
                HOLDER,
                "GUT",
                before={"role": "licence_holder", "until": None},
                reason="Ruhestand",
            ),
            Row(
                "login_name.move",
                "LENA_PERSON",
                HOLDER,
                "GUT",
                before={"user": "HOLDER_PERSON"},
                after={"user": "LENA_PERSON"},
                reason="Ruhestand",
            ),
            *_ending_of_what_the_holder_began(),
        ),
    ),
    "requestAccess": Entry(
        by=PLANNING,
        prepare=_helios,
        input={"organizationId": "HELIOS", "roleKeys": ["purchase"], "message": "Bitte", "idempotencyKey": "k"},
        answer="accessRequest { id } errors { code message path }",
        ids={"REQUEST": "accessRequest.id"},
        rows=(
            Row("access_request.open", "REQUEST", PLANNING, "HELIOS", after={"roles": "purchase", "permissions": ""}),
        ),
    ),
    "withdrawAccessRequest": Entry(
        by=PLANNING,
        prepare=_asked,
        input={"id": "REQUEST"},
        rows=(
            Row(
                "access_request.withdraw",
                "REQUEST",
                PLANNING,
                "HELIOS",
                before={"status": "PENDING"},
                after={"status": "WITHDRAWN", "until": None},
            ),
        ),
    ),
    "decideAccessRequest": Entry(
        by=ADMINISTRATION,
        prepare=_asked,
        input={"id": "REQUEST", "approve": True, "validUntil": UNTIL, "note": "Bis Neujahr"},
        rows=(
            Row(
                "grant.give",
                "PLANNER",
                ADMINISTRATION,
                "HELIOS",
                after={"role": "purchase", "until": UNTIL},
                reason="Bis Neujahr",
            ),
            Row(
                "access_request.approve",
                "REQUEST",
                ADMINISTRATION,
                "HELIOS",
                before={"status": "PENDING"},
                after={"status": "APPROVED", "until": UNTIL},
                reason="Bis Neujahr",
            ),
        ),
    ),
}
