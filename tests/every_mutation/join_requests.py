"""Asking to join an organization that is registered already."""

from tests.every_mutation.entry import Entry, Row, payload, user_id
from tests.portal import Portal

ADMINISTRATION, PRIVATE = "administration@helios.example", "private@home.example"


async def _asked(portal: Portal) -> dict[str, str]:
    done = await payload(
        portal, PRIVATE, "requestToJoinOrganization", {"customerNumber": "204718"}, "joinRequest { id } errors { code }"
    )
    return {
        "HELIOS": await portal.organization_of(ADMINISTRATION),
        "REQUEST": done["joinRequest"]["id"],
        "PERSON": await user_id(portal, PRIVATE),
    }


def _ended(action: str, actor: str, organization: str | None, status: str, reason: str | None = None) -> Row:
    after = {"status": status, "user": "PERSON"}
    return Row(action, "REQUEST", actor, organization, before={"status": "PENDING"}, after=after, reason=reason)


ENTRIES = {
    "requestToJoinOrganization": Entry(
        by=PRIVATE,
        input={"customerNumber": "204718", "message": "Ich bin neu im Einkauf.", "idempotencyKey": "k"},
        answer="joinRequest { id } errors { code }",
        ids={"REQUEST": "joinRequest.id"},
        rows=(Row("join_request.open", "REQUEST", PRIVATE, after={"wanted": "204718"}),),
    ),
    "approveJoinRequest": Entry(
        by=ADMINISTRATION,
        prepare=_asked,
        input={"id": "REQUEST", "roleKeys": ["purchase"]},
        rows=(
            _ended("join_request.approve", ADMINISTRATION, "HELIOS", "APPROVED"),
            Row(
                "membership.status",
                "ANY",
                ADMINISTRATION,
                "HELIOS",
                before={"status": "INVITED"},
                after={"status": "ACTIVE"},
            ),
            Row("grant.give", "ANY", ADMINISTRATION, "HELIOS", after={"role": "purchase", "until": None}),
        ),
    ),
    "declineJoinRequest": Entry(
        by=ADMINISTRATION,
        prepare=_asked,
        input={"id": "REQUEST", "note": "Wir kennen Sie nicht."},
        rows=(_ended("join_request.decline", ADMINISTRATION, "HELIOS", "DECLINED", "Wir kennen Sie nicht."),),
    ),
    "withdrawJoinRequest": Entry(
        by=PRIVATE,
        prepare=_asked,
        input={"id": "REQUEST"},
        rows=(_ended("join_request.withdraw", PRIVATE, None, "WITHDRAWN"),),
    ),
}
