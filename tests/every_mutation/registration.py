"""Registering a person or an organization, and what the vendor decides about it."""

from tests.every_mutation.entry import ANYBODY, Entry, Row, payload, token_for
from tests.portal import Portal

REVIEW, ZOE = "review@vendor.example", "zoe@firstblick.example"
PASSWORD = "drei Dachziegel im Regen"
PERSON = {
    "firstName": "Zoë",
    "lastName": "Žižek",
    "email": ZOE,
    "acceptTerms": True,
    "newsletter": True,
    "idempotencyKey": "k",
}
ORGANIZATION = {
    "confirmFirstRegistration": True,
    "kind": "INSTALLER",
    "name": "Firstblick GmbH",
    "seat": {"street": ["Weg 1"], "postalCode": "79098", "city": "Freiburg", "countryCode": "DE"},
    "acceptTerms": True,
    "applicantFirstName": "Zoë",
    "applicantLastName": "Žižek",
    "applicantEmail": ZOE,
    "newsletter": True,
    "idempotencyKey": "k",
}


async def _registered(portal: Portal) -> dict[str, str]:
    await payload(portal, ANYBODY, "registerOrganization", ORGANIZATION, "errors { code message path }")
    return {"TOKEN": await token_for(portal, ZOE)}


async def _to_review(portal: Portal) -> dict[str, str]:
    given = {"token": (await _registered(portal))["TOKEN"], "password": PASSWORD}
    await payload(portal, ANYBODY, "confirmRegistration", given, "errors { code message path }")
    answer = await (await portal.person(ZOE)).asks(
        "{ viewer { registration { id organization { id } } memberships { nodes { id } } } }"
    )
    return {
        "REGISTRATION": answer.at("viewer.registration.id"),
        "FIRSTBLICK": answer.at("viewer.registration.organization.id"),
        "MEMBERSHIP": answer.at("viewer.memberships.nodes.0.id"),
    }


async def _asked(portal: Portal) -> dict[str, str]:
    names = await _to_review(portal)
    given = {"id": names["REGISTRATION"], "question": "Welches Gewerk?"}
    await payload(portal, REVIEW, "requestRegistrationInformation", given, "errors { code }")
    return names


def _created(kind: str, organization: str | None) -> Row:
    after = {
        "kind": kind,
        "organization": organization,
        "email": "z***@firstblick.example",
        "terms": "accepted",
        "status": "EMAIL_UNVERIFIED",
    }
    return Row("registration.create", "ANY", None, after=after)


def _step(action: str, by: str, before: str, after: str, reason: str | None = None, **more: str) -> Row:
    shown = {"before": {"status": before}, "after": {"status": after, **more}}
    return Row(action, "REGISTRATION", by, "FIRSTBLICK", reason=reason, **shown)


def _organization(by: str, after: str, reason: str | None = None) -> Row:
    shown = {"before": {"status": "PENDING_REVIEW"}, "after": {"status": after}}
    return Row("organization.status", "FIRSTBLICK", by, "FIRSTBLICK", reason=reason, **shown)


ENTRIES = {
    "registerPrivateAccount": Entry(by=ANYBODY, input=PERSON, rows=(_created("PRIVATE_OPERATOR", None),)),
    "registerOrganization": Entry(by=ANYBODY, input=ORGANIZATION, rows=(_created("INSTALLER", "Firstblick GmbH"),)),
    "confirmRegistration": Entry(
        by=ANYBODY,
        prepare=_registered,
        input={"token": "TOKEN", "password": PASSWORD},
        answer="""
            accessToken refreshToken errors { code message path }
            viewer { user { id } registration { id organization { id } } memberships { nodes { id } } }
        """,
        ids={
            "PERSON": "viewer.user.id",
            "REGISTRATION": "viewer.registration.id",
            "FIRSTBLICK": "viewer.registration.organization.id",
            "MEMBERSHIP": "viewer.memberships.nodes.0.id",
        },
        secrets=("TOKEN", PASSWORD, ".accessToken", ".refreshToken"),
        rows=(
            Row(
                "account.create",
                "PERSON",
                ZOE,
                after={"email": "z***@firstblick.example", "kind": "BUSINESS_CUSTOMER"},
            ),
            Row("consent.set", "ANY", ZOE, before={"newsletter": "false"}, after={"newsletter": "true"}),
            Row("organization.create", "FIRSTBLICK", ZOE, "FIRSTBLICK", after={"name": "Firstblick GmbH"}),
            Row(
                "membership.status",
                "MEMBERSHIP",
                ZOE,
                "FIRSTBLICK",
                before={"status": "INVITED"},
                after={"status": "ACTIVE"},
            ),
            _step("registration.confirm", ZOE, "EMAIL_UNVERIFIED", "PENDING_REVIEW"),
            Row("session.begin", "ANY", ZOE, after={"device": "ANY"}),
        ),
    ),
    "resendRegistrationMail": Entry(
        by=ANYBODY,
        prepare=_registered,
        input={"token": "TOKEN"},
        is_delivered=True,
        secrets=("TOKEN",),
        rows=(
            Row(
                "registration.resend",
                "ANY",
                None,
                before={"status": "EMAIL_UNVERIFIED", "expires_at": "ANY"},
                after={"status": "EMAIL_UNVERIFIED", "expires_at": "ANY"},
            ),
        ),
    ),
    "approveRegistration": Entry(
        by=REVIEW,
        prepare=_to_review,
        input={"id": "REGISTRATION", "customerNumber": "77001"},
        rows=(
            _step("registration.approve", REVIEW, "PENDING_REVIEW", "APPROVED", customer_number="77001"),
            _organization(REVIEW, "ACTIVE"),
            Row(
                "grant.give",
                "MEMBERSHIP",
                REVIEW,
                "FIRSTBLICK",
                after={"role": "administration", "until": None},
            ),
        ),
    ),
    "rejectRegistration": Entry(
        by=REVIEW,
        prepare=_to_review,
        input={"id": "REGISTRATION", "reason": "Kein Betrieb"},
        rows=(
            _step("registration.reject", REVIEW, "PENDING_REVIEW", "REJECTED", "Kein Betrieb"),
            _organization(REVIEW, "REJECTED", "Kein Betrieb"),
        ),
    ),
    "requestRegistrationInformation": Entry(
        by=REVIEW,
        prepare=_to_review,
        input={"id": "REGISTRATION", "question": "Welches Gewerk?"},
        rows=(
            _step(
                "registration.request_information",
                REVIEW,
                "PENDING_REVIEW",
                "INFORMATION_REQUESTED",
                "Welches Gewerk?",
            ),
        ),
    ),
    "answerRegistration": Entry(
        by=ZOE,
        prepare=_asked,
        input={"id": "REGISTRATION", "answer": "Dächer"},
        rows=(_step("registration.answer", ZOE, "INFORMATION_REQUESTED", "PENDING_REVIEW", "Dächer"),),
    ),
    "withdrawRegistration": Entry(
        by=ZOE,
        prepare=_to_review,
        input={"id": "REGISTRATION", "reason": "Doppelt"},
        rows=(
            _step("registration.withdraw", ZOE, "PENDING_REVIEW", "WITHDRAWN", "Doppelt"),
            _organization(ZOE, "CLOSED", "Doppelt"),
            Row(
                "membership.status",
                "MEMBERSHIP",
                ZOE,
                "FIRSTBLICK",
                before={"status": "ACTIVE"},
                after={"status": "REMOVED"},
                reason="Doppelt",
            ),
        ),
    ),
}
