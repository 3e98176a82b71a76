"""One's own data."""

from tests.every_mutation.entry import Entry, Row, user_id
from tests.portal import Portal

PURCHASE = "purchase@helios.example"


async def _me(portal: Portal) -> dict[str, str]:
    return {"ME": await user_id(portal, PURCHASE)}


ENTRIES = {
    "updateProfile": Entry(
        by=PURCHASE,
        prepare=_me,
        input={"expectedVersion": 1, "firstName": "Georg", "locale": "fr"},
        rows=(
            Row(
                "profile.update",
                "ME",
                PURCHASE,
                before={"first_name": "***", "locale": "***"},
                after={"first_name": "***", "locale": "***"},
            ),
        ),
    ),
}
