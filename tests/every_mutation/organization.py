"""How to reach an organization, and its address book."""

from tests.every_mutation.entry import Entry, Row, payload
from tests.portal import Portal

ADMINISTRATION, PURCHASE = "administration@helios.example", "purchase@helios.example"
ADDRESS = {"street": ["Hof 2"], "postalCode": "79100", "city": "Freiburg", "countryCode": "DE"}
BILLING = {"address": "***", "is_default_billing": "true", "is_default_shipping": "false"}


async def _helios(portal: Portal) -> dict[str, str]:
    return {"HELIOS": await portal.organization_of(ADMINISTRATION)}


async def _with_default(portal: Portal) -> dict[str, str]:
    helios = await portal.organization_of(ADMINISTRATION)
    given = {"organizationId": helios, "address": ADDRESS, "defaultBilling": True}
    saved = await payload(portal, PURCHASE, "saveAddress", given, "entry { id } errors { code }")
    return {"HELIOS": helios, "ENTRY": saved["entry"]["id"]}


ENTRIES = {
    "updateOrganization": Entry(
        by=ADMINISTRATION,
        prepare=_helios,
        input={"id": "HELIOS", "expectedVersion": 1, "phone": "+4976112345", "website": "https://helios.example"},
        rows=(
            Row(
                "organization.update",
                "HELIOS",
                ADMINISTRATION,
                "HELIOS",
                before={"phone": None, "website": None},
                after={"phone": "+4976112345", "website": "https://helios.example"},
            ),
        ),
    ),
    "saveAddress": Entry(
        by=PURCHASE,
        prepare=_with_default,
        input={"organizationId": "HELIOS", "address": ADDRESS, "defaultBilling": True, "idempotencyKey": "k"},
        answer="entry { id } errors { code }",
        ids={"NEW": "entry.id"},
        rows=(
            Row("address.add", "NEW", PURCHASE, "HELIOS", after=BILLING),
            Row(
                "address.change",
                "ENTRY",
                PURCHASE,
                "HELIOS",
                before={"is_default_billing": "true"},
                after={"is_default_billing": "false"},
            ),
        ),
    ),
    "deleteAddress": Entry(
        by=ADMINISTRATION,
        prepare=_with_default,
        input={"id": "ENTRY"},
        rows=(Row("address.remove", "ENTRY", ADMINISTRATION, "HELIOS", before=BILLING),),
    ),
}
