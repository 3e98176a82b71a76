"""A registration is decided once, in the words of the vendor, or withdrawn by its applicant (K21, K22, D3)."""

from datetime import timedelta

from tests.portal import Portal
from tests.registrations.registering import (
    ACCESS,
    ADDRESS,
    PASSWORD,
    SIGN_IN,
    WITHDRAW,
    applicant_of,
    at,
    confirms,
    decides,
    listed,
    registers,
    registers_privately,
    registration_of,
    reviewer,
    templates,
    token_of,
)


async def test_a_rejection_has_a_reason_that_the_applicant_reads(each_portal: Portal) -> None:
    """K21."""
    portal = each_portal
    applicant = await applicant_of(portal)
    id = (await registration_of(applicant))["id"]
    review = await reviewer(portal)

    without = await decides(review, "rejectRegistration", id, reason="  ")
    rejected = await decides(review, "rejectRegistration", id, reason="No installer.\nSorry.")

    assert [(error["path"], error["constraint"]) for error in without["errors"]] == [(["reason"], "length 1..2000")]
    assert rejected["errors"] == []
    seen = await registration_of(applicant)
    assert (seen["status"], seen["rejectionReason"]) == ("REJECTED", "No installer.\nSorry.")
    assert seen["organization"]["status"] == "REJECTED"
    mail = (await portal.queued_mails(ADDRESS))[-1]
    assert mail.template == "registration_rejected"
    assert mail.values == {"name": "Zoë Žižek", "organization": "Firstblick GmbH", "reason": "No installer.\nSorry."}
    assert (await applicant.asks(ACCESS)).at("viewer.can.0.reason") == "ORGANIZATION_NOT_ACTIVE"


async def test_the_vendor_asks_the_applicant_answers_and_the_time_begins_again(each_portal: Portal) -> None:
    """K21, K22."""
    portal = each_portal
    applicant = await applicant_of(portal)
    registration = await registration_of(applicant)

    portal.clock.move(timedelta(hours=20))
    review = await reviewer(portal)
    asked = await decides(review, "requestRegistrationInformation", registration["id"], question="Which trade?")
    assert (asked["registration"]["status"], asked["registration"]["reviewDueAt"]) == ("INFORMATION_REQUESTED", None)
    mail = (await portal.queued_mails(ADDRESS))[-1]
    assert mail.template == "registration_information_wanted"
    assert mail.values == {
        "name": "Zoë Žižek", "organization": "Firstblick GmbH", "question": "Which trade?",
        "reference": registration["reference"],
    }  # fmt: skip
    portal.clock.move(timedelta(days=20))
    applicant = await portal.person(ADDRESS)
    assert (await registration_of(applicant))["overdue"] is False
    answered = await applicant.asks(
        'mutation ($reference: String!) { answerRegistration(input: {reference: $reference, answer: "Roofs."})'
        " { registration { status answer question reviewDueAt submittedAt } errors { code } } }",
        reference=registration["reference"].lower(),
    )

    assert answered.at("answerRegistration") == {
        "registration": {
            "status": "PENDING_REVIEW", "answer": "Roofs.", "question": "Which trade?",
            "reviewDueAt": "2026-12-13T05:00:00Z", "submittedAt": registration["submittedAt"],
        },
        "errors": [],
    }  # fmt: skip
    assert templates(await portal.queued_mails("review@vendor.example")) == ["registration_to_review"] * 2
    twice = await decides(applicant, "answerRegistration", registration["id"], answer="Once more.")
    assert [error["code"] for error in twice["errors"]] == ["CONFLICT"]


async def test_a_registration_is_decided_once(each_portal: Portal) -> None:
    """K21."""
    portal = each_portal
    id = (await registration_of(await applicant_of(portal)))["id"]
    review = await reviewer(portal)
    first = await decides(review, "approveRegistration", id, idempotencyKey="decision")

    again = await decides(review, "approveRegistration", id, idempotencyKey="decision")
    for mutation, more in (
        ("approveRegistration", {}),
        ("rejectRegistration", {"reason": "No."}),
        ("requestRegistrationInformation", {"question": "Why?"}),
    ):
        refused = await decides(review, mutation, id, **more)
        assert [(error["code"], error["conflictingNode"]) for error in refused["errors"]] == [("CONFLICT", {"id": id})]

    assert first == again
    assert len(await portal.audit("registration.approve", "registration.reject")) == 1
    assert templates(await portal.queued_mails(ADDRESS)).count("registration_approved") == 1


async def test_a_decision_about_an_older_version_is_not_made(portal: Portal) -> None:
    registration = await registration_of(await applicant_of(portal))
    review = await reviewer(portal)

    stale = await decides(
        review, "approveRegistration", registration["id"], expectedVersion=registration["version"] - 1
    )

    assert [(error["code"], error["path"], error["currentVersion"]) for error in stale["errors"]] == [
        ("STALE_VERSION", ["expectedVersion"], registration["version"])
    ]
    assert (await listed(review))["totalCount"] == 1
    fits = await decides(review, "approveRegistration", registration["id"], expectedVersion=registration["version"])
    assert fits["errors"] == []


async def test_a_customer_number_belongs_to_one_organization(each_portal: Portal) -> None:
    portal = each_portal
    helios = (await (await portal.person("administration@helios.example")).asks(
        "{ viewer { defaultOrganization { customerNumber } } }"
    )).at("viewer.defaultOrganization.customerNumber")  # fmt: skip
    registration = await registration_of(await applicant_of(portal))
    review = await reviewer(portal)

    taken = await decides(review, "approveRegistration", registration["id"], customerNumber=helios)
    wrong = await decides(review, "approveRegistration", registration["id"], customerNumber="1" * 21)

    assert [(error["code"], error["path"]) for error in taken["errors"]] == [("CONFLICT", ["customerNumber"])]
    assert [(error["code"], error["constraint"]) for error in wrong["errors"]] == [("INVALID_INPUT", "customer number")]
    assert (await listed(review))["nodes"][0]["organization"]["status"] == "PENDING_REVIEW"
    assert templates(await portal.queued_mails(ADDRESS))[-1] == "registration_received"


async def test_the_licence_holder_signs_in_with_the_customer_number(software_portal: Portal) -> None:
    """D3."""
    portal = software_portal
    registration = await registration_of(await applicant_of(portal, kind="LICENSEE"))
    review = await reviewer(portal)
    taken = await decides(review, "approveRegistration", registration["id"], customerNumber="12345")

    approved = await decides(review, "approveRegistration", registration["id"], customerNumber="99001")

    assert [error["code"] for error in taken["errors"]] == ["CONFLICT"]
    assert approved["errors"] == []
    signed_in = await portal.anybody().asks(SIGN_IN, name=" domus_99001 ", password=PASSWORD)
    assert signed_in.at("signIn") == {"viewer": {"loginNames": [ADDRESS, "DOMUS_99001"]}, "errors": []}


async def test_an_applicant_withdraws_and_the_organization_is_closed(each_portal: Portal) -> None:
    portal = each_portal
    applicant = await applicant_of(portal)
    registration = await registration_of(applicant)

    payload = at(await applicant.asks(WITHDRAW, input={"id": registration["id"]}), "withdrawRegistration")

    assert payload["errors"] == []
    assert payload["registration"]["status"] == payload["state"]["status"] == "WITHDRAWN"
    assert payload["registration"]["organization"]["status"] == "CLOSED"
    assert (await applicant.asks(ACCESS)).at("viewer.memberships.nodes") == []
    refused = await decides(await reviewer(portal), "approveRegistration", registration["id"])
    assert [error["code"] for error in refused["errors"]] == ["CONFLICT"]
    again = at(await applicant.asks(WITHDRAW, input={"id": registration["id"]}), "withdrawRegistration")
    assert [error["code"] for error in again["errors"]] == ["CONFLICT"]


async def test_whoever_got_the_mail_withdraws_what_they_did_not_ask_for(each_portal: Portal) -> None:
    portal = each_portal
    for registered, email in ((registers, ADDRESS), (registers_privately, "zoe@privat.example")):
        await registered(portal.anybody())
        token = await token_of(portal, email)

        payload = at(await portal.anybody().asks(WITHDRAW, input={"token": token}), "withdrawRegistration")

        assert payload == {"state": {"status": "WITHDRAWN"}, "registration": None, "errors": []}
        assert [error["code"] for error in (await confirms(portal, token))["errors"]] == ["TOKEN_INVALID"]
        again = at(await portal.anybody().asks(WITHDRAW, input={"token": token}), "withdrawRegistration")
        assert [error["code"] for error in again["errors"]] == ["TOKEN_INVALID"]
