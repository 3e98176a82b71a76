"""What an organization asks the vendor to change."""

from tests.every_mutation.entry import Entry, Row, payload
from tests.portal import Portal

ADMINISTRATION, REVIEW = "administration@helios.example", "review@vendor.example"


async def _helios(portal: Portal) -> dict[str, str]:
    return {"HELIOS": await portal.organization_of(ADMINISTRATION)}


async def _requested(portal: Portal) -> dict[str, str]:
    helios = await portal.organization_of(ADMINISTRATION)
    given = {"organizationId": helios, "name": "Helios Solar GmbH"}
    answer = "changeRequest { id } errors { code }"
    asked = await payload(portal, ADMINISTRATION, "requestOrganizationChange", given, answer)
    return {"HELIOS": helios, "REQUEST": asked["changeRequest"]["id"]}


ENTRIES = {
    "requestOrganizationChange": Entry(
        by=ADMINISTRATION,
        prepare=_helios,
        input={"organizationId": "HELIOS", "name": "Helios Solar GmbH", "message": "Neu", "idempotencyKey": "k"},
        answer="changeRequest { id } errors { code }",
        ids={"REQUEST": "changeRequest.id"},
        rows=(
            Row(
                "change_request.open",
                "REQUEST",
                ADMINISTRATION,
                "HELIOS",
                before={"name": "Helios Montage GmbH"},
                after={"name": "Helios Solar GmbH"},
                reason="Neu",
            ),
        ),
    ),
    "withdrawOrganizationChange": Entry(
        by=ADMINISTRATION,
        prepare=_requested,
        input={"id": "REQUEST"},
        rows=(
            Row(
                "change_request.withdraw",
                "REQUEST",
                ADMINISTRATION,
                "HELIOS",
                before={"status": "PENDING"},
                after={"status": "WITHDRAWN"},
            ),
        ),
    ),
    "decideOrganizationChange": Entry(
        by=REVIEW,
        prepare=_requested,
        input={"id": "REQUEST", "approve": True, "note": "Geprüft"},
        rows=(
            Row(
                "change_request.approve",
                "REQUEST",
                REVIEW,
                "HELIOS",
                before={"status": "PENDING"},
                after={"status": "APPROVED"},
                reason="Geprüft",
            ),
            Row(
                "organization.update",
                "HELIOS",
                REVIEW,
                "HELIOS",
                before={"name": "Helios Montage GmbH"},
                after={"name": "Helios Solar GmbH"},
            ),
        ),
    ),
}
