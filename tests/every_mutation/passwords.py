"""Passwords, and help for somebody who cannot sign in."""

from gateway.demo import DEMO_PASSWORD
from tests.every_mutation.entry import ANYBODY, Entry, Row, payload, token_for, user_id
from tests.portal import Portal

PURCHASE = "purchase@helios.example"
PASSWORD = "drei Dachziegel im Regen"


async def _person(portal: Portal) -> dict[str, str]:
    return {"PERSON": await user_id(portal, PURCHASE)}


async def _in_need(portal: Portal) -> dict[str, str]:
    await payload(portal, ANYBODY, "requestPasswordReset", {"loginIdentifier": PURCHASE}, "errors { code }")
    await portal.person(PURCHASE)  # a session that ends
    await portal.deliver()
    return {**await _person(portal), "TOKEN": await token_for(portal, PURCHASE)}


async def _with_two_more_sessions(portal: Portal) -> dict[str, str]:
    for _ in range(2):
        await portal.person(PURCHASE)
    return await _person(portal)


ENTRIES = {
    "requestPasswordReset": Entry(
        by=ANYBODY,
        prepare=_person,
        input={"loginIdentifier": PURCHASE},
        is_delivered=True,
        rows=(Row("password.reset_mail", "PERSON", None),),
    ),
    "requestLoginNameReminder": Entry(
        by=ANYBODY,
        prepare=_person,
        input={"loginIdentifier": PURCHASE},
        is_delivered=True,
        rows=(Row("login_name.reminder_mail", "PERSON", None),),
    ),
    "resetPassword": Entry(
        by=ANYBODY,
        prepare=_in_need,
        input={"token": "TOKEN", "newPassword": PASSWORD},
        answer="accessToken refreshToken errors { code }",
        secrets=(PASSWORD, "TOKEN", ".accessToken", ".refreshToken"),
        rows=(
            Row("password.reset", "PERSON", PURCHASE, after={"sessions_ended": "1"}),
            Row("session.begin", "ANY", PURCHASE, after={"device": "ANY"}),
        ),
    ),
    "changePassword": Entry(
        by=PURCHASE,
        prepare=_with_two_more_sessions,
        input={"currentPassword": DEMO_PASSWORD, "newPassword": PASSWORD},
        secrets=(DEMO_PASSWORD, PASSWORD),
        rows=(Row("password.change", "PERSON", PURCHASE, after={"sessions_ended": "3"}),),
    ),
}
