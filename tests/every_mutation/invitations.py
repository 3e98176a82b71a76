"""Inviting people to an organization, and what they answer."""

from datetime import timedelta

from tests.every_mutation.entry import ANYBODY, Entry, Row, payload, token_for
from tests.portal import NOW, Portal

ADMINISTRATION, NEW = "administration@helios.example", "nina.neu@elsewhere.example"
PASSWORD = "drei Dachziegel im Regen"
MASKED = "n***@elsewhere.example"
ROW = {"email": NEW, "roleKeys": ["purchase", "planning"]}
WEEK = timedelta(days=7)
SAID = {
    "email": MASKED,
    "roles": "purchase planning",
    "permissions": "",
    "until": None,
    "expires_at": (NOW + WEEK).isoformat(),
}
INVITED = "results { invitation { id } membership { id } errors { code } } errors { code }"


async def _helios(portal: Portal) -> dict[str, str]:
    return {"HELIOS": await portal.organization_of(ADMINISTRATION)}


async def _invited(portal: Portal) -> dict[str, str]:
    helios = await portal.organization_of(ADMINISTRATION)
    given = {"organizationId": helios, "invitees": [ROW], "idempotencyKey": "earlier"}
    (result,) = (await payload(portal, ADMINISTRATION, "inviteMembers", given, INVITED))["results"]
    return {
        "HELIOS": helios,
        "INVITATION": result["invitation"]["id"],
        "MEMBERSHIP": result["membership"]["id"],
        "TOKEN": await token_for(portal, NEW),
    }


async def _expired(portal: Portal) -> dict[str, str]:
    names = await _invited(portal)
    portal.clock.move(WEEK)
    return names


def _withdrawn(action: str, actor: str | None, status: str, reason: str | None = None) -> tuple[Row, ...]:
    """The rows of an invitation that nobody accepts: nothing is left of what it would give."""
    recorded = {"actor": actor, "organization": "HELIOS", "reason": reason}
    return (
        Row(action, "INVITATION", before={"status": "PENDING"}, after={"status": status, "email": MASKED}, **recorded),
        Row("grant.revoke", "MEMBERSHIP", before={"role": "purchase", "until": None}, **recorded),
        Row("grant.revoke", "MEMBERSHIP", before={"role": "planning", "until": None}, **recorded),
        Row("membership.status", "MEMBERSHIP", before={"status": "INVITED"}, after={"status": "REMOVED"}, **recorded),
    )


ENTRIES = {
    "inviteMembers": Entry(
        by=ADMINISTRATION,
        prepare=_helios,
        input={"organizationId": "HELIOS", "invitees": [ROW], "message": "Komm zu uns", "idempotencyKey": "k"},
        answer=INVITED,
        ids={"INVITATION": "results.0.invitation.id"},
        rows=(Row("invitation.create", "INVITATION", ADMINISTRATION, "HELIOS", after=SAID),),
    ),
    "resendInvitation": Entry(
        by=ADMINISTRATION,
        prepare=_invited,
        input={"id": "INVITATION"},
        secrets=("TOKEN",),
        rows=(Row("invitation.resend", "INVITATION", ADMINISTRATION, "HELIOS", after=SAID),),
    ),
    "revokeInvitation": Entry(
        by=ADMINISTRATION,
        prepare=_invited,
        input={"id": "INVITATION", "reason": "Vertippt"},
        secrets=("TOKEN",),
        rows=_withdrawn("invitation.revoke", ADMINISTRATION, "REVOKED", "Vertippt"),
    ),
    "acceptInvitation": Entry(
        by=ANYBODY,
        prepare=_invited,
        input={
            "token": "TOKEN",
            "firstName": "Nina",
            "lastName": "Neu",
            "password": PASSWORD,
            "acceptTerms": True,
        },
        answer="accessToken refreshToken viewer { user { id } } errors { code message path }",
        ids={"NINA": "viewer.user.id"},
        secrets=("TOKEN", PASSWORD, ".accessToken", ".refreshToken"),
        rows=(
            Row(
                "account.create",
                "NINA",
                NEW,
                after={"email": "n***@elsewhere.example", "kind": "BUSINESS_CUSTOMER", "terms": "accepted"},
            ),
            Row(
                "invitation.accept",
                "INVITATION",
                NEW,
                "HELIOS",
                before={"status": "PENDING"},
                after={"status": "ACCEPTED", "email": MASKED},
            ),
            Row(
                "membership.status",
                "MEMBERSHIP",
                NEW,
                "HELIOS",
                before={"status": "INVITED"},
                after={"status": "ACTIVE"},
            ),
            Row("session.begin", "ANY", NEW, after={"device": "ANY"}),
        ),
    ),
    "declineInvitation": Entry(
        by=ANYBODY,
        prepare=_invited,
        input={"token": "TOKEN"},
        secrets=("TOKEN",),
        rows=_withdrawn("invitation.decline", None, "DECLINED"),
    ),
    "requestNewInvitation": Entry(
        by=ANYBODY,
        prepare=_expired,
        input={"token": "TOKEN"},
        secrets=("TOKEN",),
        rows=(Row("invitation.want", "INVITATION", None, "HELIOS", after={"email": MASKED}),),
    ),
}
