"""What becomes of an invitation: sent again, taken back, declined, expired, wanted again (K27, K29)."""

import asyncio
import json
from datetime import timedelta

from connectors.directory.approvals import INVITATIONS
from connectors.directory.records.memberships import MembershipStatus
from connectors.ids import InvitationId, MembershipId
from resolvers.context import RequestContext
from resolvers.invitations.sent import expire_invitations
from tests.invitations.inviting import (
    ADMINISTRATOR,
    DECLINE,
    NEW,
    PREVIEW,
    RESEND,
    REVOKE,
    WANT,
    accepts,
    account,
    codes,
    invitation_mails,
    invited,
    invites,
    kept,
    listed,
    row,
    token_of,
)
from tests.portal import Person, Portal

MANAGERS = ["administration@helios.example", "two.companies@helios.example", "guenther.strauss@helios.example"]


async def administration(portal: Portal) -> Person:
    """The administrator, signed in now."""
    return await portal.person(ADMINISTRATOR)


async def resends(person: Person, id: str, **more: str) -> object:
    """What `resendInvitation` answers."""
    answer = await person.asks(RESEND, input={"id": id} | more)
    assert answer.errors == []
    return answer.at("resendInvitation")


async def membership_of(portal: Portal, id: str) -> tuple[MembershipStatus | None, list[str]]:
    """Where the invited person stands, and what is granted to them."""
    directory = portal.wiring.backends.directory
    (invitation,) = await directory.approvals(INVITATIONS, [InvitationId(id)])
    assert invitation is not None
    (membership,) = await directory.memberships([invitation.membership_id])
    (grants,) = await directory.grants_of([MembershipId(invitation.membership_id)])
    return membership.status if membership is not None else None, [grant.key for grant in grants]


async def run_due_tasks(portal: Portal) -> None:
    """What the portal does every minute about invitations."""
    context = RequestContext(
        backends=portal.wiring.backends, policy=portal.wiring.policy, now=portal.clock(), request_id="housekeeping"
    )
    await expire_invitations(context)


async def test_sending_again_gives_another_token_and_restarts_the_time(each_portal: Portal) -> None:
    """K29."""
    id, old = await invited(each_portal, roleKeys=["purchase"])
    each_portal.clock.move(timedelta(days=5))

    payload = await resends(await administration(each_portal), id)

    assert isinstance(payload, dict)
    invitation = payload["invitation"]
    assert payload["errors"] == []
    assert (invitation["sendCount"], invitation["lastSentAt"], invitation["expiresAt"]) == (
        2, "2026-11-26T09:00:00Z", "2026-12-03T09:00:00Z",
    )  # fmt: skip
    assert invitation["createdAt"] == "2026-11-21T09:00:00Z"
    new = await token_of(each_portal, NEW)
    assert len(await invitation_mails(each_portal, NEW)) == 2
    assert (await each_portal.anybody().asks(PREVIEW, token=old)).at("invitationPreview") is None
    assert codes(await accepts(each_portal.anybody(), old, **account())) == [("TOKEN_INVALID", ["token"])]
    each_portal.clock.move(timedelta(days=6))
    assert (await accepts(each_portal.anybody(), new, **account()))["errors"] == []
    assert len(await each_portal.audit("invitation.resend")) == 1


async def test_an_expired_one_is_sent_again_with_all_that_it_gives(each_portal: Portal) -> None:
    """K29: before and after the portal has noticed that it expired."""
    early, _ = await invited(each_portal, "early@elsewhere.example")
    late, _ = await invited(each_portal, "late@elsewhere.example", roleKeys=["purchase", "planning"])
    each_portal.clock.move(timedelta(days=7))
    administrator = await administration(each_portal)
    await resends(administrator, early)
    await run_due_tasks(each_portal)
    assert await membership_of(each_portal, late) == (MembershipStatus.REMOVED, [])

    await resends(administrator, late)

    assert await membership_of(each_portal, early) == (MembershipStatus.INVITED, ["purchase"])
    assert await membership_of(each_portal, late) == (MembershipStatus.INVITED, ["planning", "purchase"])
    for name in ("early", "late"):
        token = await token_of(each_portal, f"{name}@elsewhere.example")
        assert (await accepts(each_portal.anybody(), token, **account()))["errors"] == []


async def test_sending_again_with_the_same_key_sends_once(each_portal: Portal) -> None:
    id, _ = await invited(each_portal)
    administrator = await administration(each_portal)

    answers = await asyncio.gather(*(resends(administrator, id, idempotencyKey="anew") for _ in range(5)))

    assert all(answer == answers[0] for answer in answers)
    assert len(await invitation_mails(each_portal, NEW)) == 2


async def test_what_cannot_be_sent_again_says_why_and_the_button_says_so_before(each_portal: Portal) -> None:
    administrator = await administration(each_portal)
    helios = await each_portal.organization_of(ADMINISTRATOR)
    accepted, token = await invited(each_portal, "accepted@elsewhere.example")
    await accepts(each_portal.anybody(), token, **account())
    revoked, _ = await invited(each_portal, "revoked@elsewhere.example")
    await administrator.asks(REVOKE, input={"id": revoked})
    declined, token = await invited(each_portal, "declined@elsewhere.example")
    await each_portal.anybody().asks(DECLINE, input={"token": token})
    replaced, _ = await invited(each_portal, "replaced@elsewhere.example")
    member, _ = await invited(each_portal, "member@elsewhere.example")
    each_portal.clock.move(timedelta(days=7))
    administrator = await administration(each_portal)
    newer, _ = await invited(each_portal, "replaced@elsewhere.example")
    ended, _ = await invited(each_portal, "ended@elsewhere.example")
    await become_member(each_portal, "member@elsewhere.example")
    before = await kept(each_portal)

    said = {}
    shown = {one["id"]: one["viewerCanResend"] for one in (await listed(administrator, helios))["nodes"]}
    for id in (accepted, revoked, declined, replaced, member):
        payload = await resends(administrator, id)
        said[id] = payload["errors"][0]["code"]  # type: ignore[index]

    assert said == {
        accepted: "INVITATION_ALREADY_USED",
        revoked: "INVITATION_REVOKED",
        declined: "INVITATION_ALREADY_USED",
        replaced: "ALREADY_INVITED",
        member: "ALREADY_MEMBER",
    }
    assert {id: shown[id] for id in said} == dict.fromkeys(said, False)
    assert (shown[newer], shown[ended]) == (True, True)
    assert (await kept(each_portal))[2:] == before[2:]
    await administrator.asks(REVOKE, input={"id": newer})
    assert codes(await resends(administrator, replaced)) == [("CONFLICT", ["id"])]


async def test_what_is_taken_back_leaves_nothing_and_says_why_on_record(each_portal: Portal) -> None:
    id, token = await invited(each_portal)
    administrator = await administration(each_portal)

    answer = await administrator.asks(REVOKE, input={"id": id, "reason": " Wrong person ", "idempotencyKey": "x"})
    again = await administrator.asks(REVOKE, input={"id": id, "reason": " Wrong person ", "idempotencyKey": "x"})
    other = await administrator.asks(REVOKE, input={"id": id})

    revoked = answer.at("revokeInvitation")
    assert revoked["errors"] == []
    assert (revoked["invitation"]["status"], revoked["invitation"]["viewerCanRevoke"]) == ("REVOKED", False)
    assert again.at("revokeInvitation") == revoked
    assert codes(other.at("revokeInvitation")) == [("INVITATION_REVOKED", ["id"])]
    assert await membership_of(each_portal, id) == (MembershipStatus.REMOVED, [])
    (entry,) = await each_portal.audit("invitation.revoke")
    assert (entry.subject_id, entry.reason, json.loads(entry.after)["status"]) == (id, "Wrong person", "REVOKED")
    assert codes(await accepts(each_portal.anybody(), token, **account())) == [("INVITATION_REVOKED", ["token"])]
    assert (await each_portal.anybody().asks(PREVIEW, token=token)).at("invitationPreview.status") == "REVOKED"
    helios = await each_portal.organization_of(ADMINISTRATOR)
    assert codes((await invites(administrator, helios, row()))["results"][0]) == []


async def test_a_reason_that_is_too_long_changes_nothing(portal: Portal) -> None:
    id, _ = await invited(portal)
    administrator = await administration(portal)
    before = await kept(portal)

    answer = await administrator.asks(REVOKE, input={"id": id, "reason": "x" * 501})

    assert codes(answer.at("revokeInvitation")) == [("INVALID_INPUT", ["reason"])]
    assert await kept(portal) == before


async def test_whoever_declines_is_let_go_and_the_inviter_is_notified(each_portal: Portal) -> None:
    id, token = await invited(each_portal)

    answer = await each_portal.anybody().asks(DECLINE, input={"token": token})

    assert answer.at("declineInvitation") == {"invitation": {"status": "DECLINED"}, "errors": []}
    assert await membership_of(each_portal, id) == (MembershipStatus.REMOVED, [])
    (mail,) = await each_portal.queued_mails(ADMINISTRATOR)
    assert (mail.template, mail.token, mail.values) == (
        "invitation_declined", None, {"organization": "Helios Montage GmbH", "email": NEW},
    )  # fmt: skip
    again = await each_portal.anybody().asks(DECLINE, input={"token": token})
    assert codes(again.at("declineInvitation")) == [("INVITATION_ALREADY_USED", ["token"])]
    assert len(await each_portal.queued_mails(ADMINISTRATOR)) == 1


async def test_somebody_elses_invitation_is_not_declined(portal: Portal) -> None:
    id, token = await invited(portal)
    stranger = await portal.person("administration@lumen.example")

    answer = await stranger.asks(DECLINE, input={"token": token})

    assert codes(answer.at("declineInvitation")) == [("INVITATION_EMAIL_MISMATCH", ["token"])]
    assert await membership_of(portal, id) == (MembershipStatus.INVITED, ["purchase"])


async def test_when_the_inviter_has_left_the_administrators_are_notified_of_it(portal: Portal) -> None:
    _, token = await invited(portal, by="guenther.strauss@helios.example")
    await remove_member(portal, "guenther.strauss@helios.example")

    await portal.anybody().asks(DECLINE, input={"token": token})

    notified = sorted(mail.to for mail in await portal.queued_mails() if mail.template == "invitation_declined")
    assert notified == MANAGERS[:2]


async def test_asking_for_another_mails_the_administrators_and_is_answered_alike_for_every_token(
    each_portal: Portal,
) -> None:
    open_id, open_token = await invited(each_portal, "open@elsewhere.example", by="guenther.strauss@helios.example")
    _, old = await invited(each_portal)
    each_portal.clock.move(timedelta(days=7))
    await resends(await administration(each_portal), open_id)
    open_token = await token_of(each_portal, "open@elsewhere.example")

    answers = [
        (await each_portal.anybody().asks(WANT, input={"token": token})).body
        for token in (old, open_token, "unknown", "")
    ]

    assert answers == [{"data": {"requestNewInvitation": {"accepted": True, "errors": []}}}] * 4
    wanted = [mail for mail in await each_portal.queued_mails() if mail.template == "invitation_renewal_wanted"]
    assert sorted(mail.to for mail in wanted) == sorted(MANAGERS)
    assert {str(mail.values) for mail in wanted} == {str({"organization": "Helios Montage GmbH", "email": NEW})}
    (entry,) = await each_portal.audit("invitation.want")
    assert (entry.actor_id, json.loads(entry.after)) == (None, {"email": "n***@elsewhere.example"})


async def test_the_administrators_are_asked_for_the_same_invitation_a_few_times_only(portal: Portal) -> None:
    _, token = await invited(portal)
    portal.clock.move(timedelta(days=7))

    answers = [await portal.anybody().asks(WANT, input={"token": token}) for _ in range(5)]

    assert [answer.at("requestNewInvitation.accepted") for answer in answers] == [True] * 3 + [False] * 2
    wanted = [mail for mail in await portal.queued_mails() if mail.template == "invitation_renewal_wanted"]
    assert len(wanted) == 3 * len(MANAGERS)


async def test_what_expired_is_stored_so_with_the_end_of_what_it_would_have_given(each_portal: Portal) -> None:
    expired, token = await invited(each_portal)
    each_portal.clock.move(timedelta(days=6))
    alive, _ = await invited(each_portal, "alive@elsewhere.example")
    each_portal.clock.move(timedelta(days=1))
    administrator = await administration(each_portal)
    helios = await each_portal.organization_of(ADMINISTRATOR)
    before = await listed(administrator, helios, status=["EXPIRED"])

    await run_due_tasks(each_portal)
    await run_due_tasks(each_portal)

    after = await listed(administrator, helios, status=["EXPIRED"])
    assert [one["id"] for one in before["nodes"]] == [one["id"] for one in after["nodes"]] == [expired]
    assert before == after
    assert await membership_of(each_portal, expired) == (MembershipStatus.REMOVED, [])
    assert await membership_of(each_portal, alive) == (MembershipStatus.INVITED, ["purchase"])
    assert [entry.actor_id for entry in await each_portal.audit("invitation.expire")] == [None]
    assert codes(await accepts(each_portal.anybody(), token, **account())) == [("INVITATION_EXPIRED", ["token"])]


async def test_the_list_is_paged_and_counted_as_it_is_filtered(portal: Portal) -> None:
    """K27."""
    administrator = await administration(portal)
    helios = await portal.organization_of(ADMINISTRATOR)
    await invites(administrator, helios, *(row(f"n{number}@elsewhere.example") for number in range(5)))
    revoked, _ = await invited(portal, "revoked@elsewhere.example")
    await administrator.asks(REVOKE, input={"id": revoked})

    first = await listed(administrator, helios, first=2, status=["PENDING"])
    second = await listed(administrator, helios, first=2, status=["PENDING"], after=first["pageInfo"]["endCursor"])
    everything = await listed(administrator, helios)
    taken = await listed(administrator, helios, status=["REVOKED", "ACCEPTED"])

    emails = [[one["email"].partition("@")[0] for one in page["nodes"]] for page in (first, second, taken)]
    assert emails == [["n4", "n3"], ["n2", "n1"], ["revoked"]]
    assert [page["totalCount"] for page in (first, second, everything, taken)] == [6, 6, 7, 1]
    assert (first["pageInfo"]["hasNextPage"], taken["pageInfo"]["hasNextPage"]) == (True, False)


async def become_member(portal: Portal, email: str) -> None:
    """Let the buyer of the organization have confirmed this address."""
    async with portal.wiring.backends.directory._engine.begin() as connection:  # type: ignore[attr-defined]
        await connection.exec_driver_sql(
            f"UPDATE users SET email = '{email}', email_key = '{email}' WHERE email_key = 'purchase@helios.example'"
        )


async def remove_member(portal: Portal, email: str) -> None:
    """Let somebody belong to their organization no more."""
    async with portal.wiring.backends.directory._engine.begin() as connection:  # type: ignore[attr-defined]
        await connection.exec_driver_sql(
            "UPDATE memberships SET status = 'REMOVED' WHERE user_id IN "
            f"(SELECT id FROM users WHERE email_key = '{email}')"
        )
