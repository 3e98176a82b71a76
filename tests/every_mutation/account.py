"""One's own account: the address, the sessions, what one consents to, and leaving permanently."""

from gateway.demo import DEMO_PASSWORD
from tests.every_mutation.entry import ANYBODY, Entry, Row, payload, token_for, user_id
from tests.portal import Portal

PURCHASE, TWO, NEW = "purchase@helios.example", "two.companies@helios.example", "joerg.weiss@elsewhere.example"
OWN_SESSIONS = "{ viewer { sessions { id current } } }"


async def _me(portal: Portal) -> dict[str, str]:
    return {"ME": await user_id(portal, PURCHASE)}


async def _with_new_address(portal: Portal) -> dict[str, str]:
    given = {"newEmail": NEW, "currentPassword": DEMO_PASSWORD}
    await payload(portal, PURCHASE, "requestEmailChange", given, "errors { code }")
    return {**await _me(portal), "TOKEN": await token_for(portal, NEW)}


async def _of_two_organizations(portal: Portal) -> dict[str, str]:
    return {
        "ME": await user_id(portal, TWO),
        "FIRST": await portal.organization_of(TWO),
        "SECOND": await portal.organization_of(TWO, 1),
    }


async def _with_session(portal: Portal) -> dict[str, str]:
    answer = await (await portal.person(PURCHASE)).asks(OWN_SESSIONS)
    (session,) = [one["id"] for one in answer.at("viewer.sessions") if one["current"]]
    return {"SESSION": session}


async def _leaving(portal: Portal) -> dict[str, str]:
    await payload(portal, PURCHASE, "requestAccountDeletion", {}, "errors { code }")
    return {**await _me(portal), "TOKEN": await token_for(portal, PURCHASE)}


ENTRIES = {
    "requestEmailChange": Entry(
        by=PURCHASE,
        prepare=_me,
        input={"newEmail": NEW, "currentPassword": DEMO_PASSWORD},
        secrets=(DEMO_PASSWORD,),
        rows=(
            Row(
                "email.request",
                "ME",
                PURCHASE,
                before={"email": "p***@helios.example"},
                after={"email": "j***@elsewhere.example"},
            ),
        ),
    ),
    "confirmEmailChange": Entry(
        by=ANYBODY,
        prepare=_with_new_address,
        input={"token": "TOKEN"},
        secrets=("TOKEN",),
        rows=(
            Row(
                "email.change",
                "ME",
                NEW,
                before={"email": "p***@helios.example"},
                after={"email": "j***@elsewhere.example"},
            ),
        ),
    ),
    "setNewsletterSubscription": Entry(
        by=PURCHASE,
        input={"subscribed": True},
        rows=(Row("consent.set", "ANY", PURCHASE, before={"newsletter": "false"}, after={"newsletter": "true"}),),
    ),
    "setConsent": Entry(
        by=PURCHASE,
        input={"purpose": "PRODUCT_ADVICE", "granted": True},
        rows=(
            Row("consent.set", "ANY", PURCHASE, before={"product_advice": "false"}, after={"product_advice": "true"}),
        ),
    ),
    "setDefaultOrganization": Entry(
        by=TWO,
        prepare=_of_two_organizations,
        input={"id": "SECOND"},
        rows=(
            Row(
                "profile.default_organization",
                "ME",
                TWO,
                before={"organization": "FIRST"},
                after={"organization": "SECOND"},
            ),
        ),
    ),
    "revokeSession": Entry(
        by=PURCHASE,
        prepare=_with_session,
        input={"id": "SESSION"},
        rows=(Row("session.revoke", "SESSION", PURCHASE),),
    ),
    "revokeOtherSessions": Entry(
        by=PURCHASE,
        prepare=_me,
        input={},
        rows=(Row("session.revoke_others", "ME", PURCHASE, after={"sessions_ended": "1"}),),
    ),
    "requestDataExport": Entry(
        by=PURCHASE,
        input={"idempotencyKey": "k"},
        answer="viewer { dataExports { id } } errors { code }",
        ids={"EXPORT": "viewer.dataExports.0.id"},
        rows=(Row("data_export.request", "EXPORT", PURCHASE),),
    ),
    "requestAccountDeletion": Entry(
        by=PURCHASE,
        prepare=_me,
        input={"idempotencyKey": "k"},
        rows=(Row("account.deletion_request", "ME", PURCHASE),),
    ),
    "cancelAccountDeletion": Entry(
        by=ANYBODY,
        prepare=_leaving,
        input={"token": "TOKEN"},
        secrets=("TOKEN",),
        rows=(Row("account.deletion_cancel", "ME", PURCHASE),),
    ),
}
