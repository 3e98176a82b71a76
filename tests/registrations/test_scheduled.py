"""What happens to registrations when time passes: reminders and expiring, once each (K22)."""

import asyncio
from datetime import timedelta

from resolvers.context import RequestContext
from resolvers.registrations.scheduled import expire_registrations, remind_of_overdue_registrations
from tests.portal import Portal
from tests.registrations.registering import (
    applicant_of,
    confirms,
    decides,
    listed,
    registers,
    registers_privately,
    registration_of,
    token_of,
)

REVIEWER = "review@vendor.example"
DAY = timedelta(hours=24)
SECOND = timedelta(seconds=1)


def worker_context(portal: Portal) -> RequestContext:
    """What the scheduled tasks of a process know."""
    return RequestContext(
        backends=portal.wiring.backends, policy=portal.wiring.policy, now=portal.clock(), request_id="housekeeping"
    )


async def test_a_registration_is_overdue_after_a_day_and_the_reviewers_are_reminded_once(each_portal: Portal) -> None:
    portal = each_portal
    registration = await registration_of(await applicant_of(portal))

    for wait, overdue, mails in ((DAY - SECOND, False, 1), (SECOND, True, 2), (timedelta(days=3), True, 2)):
        portal.clock.move(wait)
        await asyncio.gather(*(remind_of_overdue_registrations(worker_context(portal)) for _ in range(3)))
        (seen,) = (await listed(await portal.person(REVIEWER)))["nodes"]
        assert (seen["overdue"], len(await portal.queued_mails(REVIEWER))) == (overdue, mails)

    reminder = (await portal.queued_mails(REVIEWER))[-1]
    assert reminder.template == "registration_to_review"
    assert reminder.values == {
        "reference": registration["reference"], "organization": "Firstblick GmbH", "overdue": "yes"
    }  # fmt: skip
    # Whoever read it before the reminder decides about the same.
    decided = await decides(
        await portal.person(REVIEWER), "approveRegistration", registration["id"],
        expectedVersion=registration["version"],
    )  # fmt: skip
    assert decided["errors"] == []
    assert decided["registration"]["overdue"] is False
    assert len(await portal.audit("registration.remind")) == 1


async def test_nobody_is_reminded_of_what_is_decided_or_waits_for_the_applicant(portal: Portal) -> None:
    review = await portal.person(REVIEWER)
    for number, (mutation, more) in enumerate(
        [("rejectRegistration", {"reason": "No."}), ("requestRegistrationInformation", {"question": "Why?"})]
    ):
        applicant = await applicant_of(portal, applicantEmail=f"{number}@firstblick.example")
        await decides(review, mutation, (await registration_of(applicant))["id"], **more)
    before = len(await portal.queued_mails(REVIEWER))

    portal.clock.move(timedelta(days=30))
    await remind_of_overdue_registrations(worker_context(portal))

    assert len(await portal.queued_mails(REVIEWER)) == before
    assert await portal.audit("registration.remind") == []


async def test_a_second_reminder_follows_when_an_answer_waits_for_too_long(portal: Portal) -> None:
    applicant = await applicant_of(portal)
    id = (await registration_of(applicant))["id"]
    portal.clock.move(DAY)
    await remind_of_overdue_registrations(worker_context(portal))
    await decides(await portal.person(REVIEWER), "requestRegistrationInformation", id, question="Why?")
    await decides(await portal.person("zoe@firstblick.example"), "answerRegistration", id, answer="So.")

    portal.clock.move(DAY)
    await remind_of_overdue_registrations(worker_context(portal))

    assert len(await portal.audit("registration.remind")) == 2


async def test_what_nobody_confirmed_expires_after_seven_days(each_portal: Portal) -> None:
    portal = each_portal
    await registers(portal.anybody())
    await registers_privately(portal.anybody())
    token = await token_of(portal, "zoe@firstblick.example")
    await applicant_of(portal, applicantEmail="in.time@firstblick.example")

    portal.clock.move(timedelta(days=7) - SECOND)
    await expire_registrations(worker_context(portal))
    assert await portal.audit("registration.expire") == []
    portal.clock.move(SECOND)
    await asyncio.gather(*(expire_registrations(worker_context(portal)) for _ in range(3)))

    rows = await portal.audit("registration.expire")
    assert [(row.actor_id, row.after) for row in rows] == [(None, '{"status":"EXPIRED"}')] * 2
    assert [error["code"] for error in (await confirms(portal, token))["errors"]] == ["TOKEN_INVALID"]
    (waiting,) = (await listed(await portal.person(REVIEWER)))["nodes"]
    assert waiting["status"] == "PENDING_REVIEW"
    # The registration is open again.
    assert (await registers(portal.anybody()))["errors"] == []
    await applicant_of(portal, applicantEmail="zoe@firstblick.example", name="Firstblick 2")
