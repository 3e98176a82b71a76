"""Many at the same time: one account for a link, one decision for a registration, one registration for a key."""

import asyncio

from sqlalchemy import func, select

from connectors.directory.tables import memberships, organizations, registrations, users
from connectors.identity.embedded import credentials
from tests.portal import Portal
from tests.registrations.registering import applicant_of, confirms, decides, registers, registration_of, token_of

EMAIL = "zoe@firstblick.example"


async def counts(portal: Portal) -> tuple[int, ...]:
    """How many rows there are of a kind."""
    async with portal.wiring.backends.directory._engine.connect() as connection:  # type: ignore[attr-defined]
        tables = (users, organizations, memberships, registrations, credentials)
        found = [await connection.execute(select(func.count()).select_from(table)) for table in tables]
        return tuple(count.scalar_one() for count in found)


async def test_of_twenty_who_confirm_with_one_link_one_gets_an_account(each_portal: Portal) -> None:
    portal = each_portal
    await registers(portal.anybody())
    token = await token_of(portal, EMAIL)
    before = await counts(portal)

    payloads = await asyncio.gather(*(confirms(portal, token) for _ in range(20)))

    assert sorted(len(payload["errors"]) for payload in payloads) == [0] + [1] * 19
    assert {error["code"] for payload in payloads for error in payload["errors"]} == {"TOKEN_INVALID"}
    assert [after - earlier for after, earlier in zip(await counts(portal), before, strict=True)] == [1, 1, 1, 0, 1]
    templates = [mail.template for mail in await portal.queued_mails(EMAIL)]
    assert templates == ["registration_confirmation", "registration_received"]
    assert len(await portal.audit("registration.confirm")) == 1


async def test_of_two_links_for_one_address_confirmed_at_once_one_opens_an_account(each_portal: Portal) -> None:
    portal = each_portal
    tokens = []
    for number in range(4):
        await registers(portal.anybody(), name=f"Firstblick {number}")
        tokens.append(await token_of(portal, EMAIL))
    before = await counts(portal)

    payloads = await asyncio.gather(*(confirms(portal, token) for token in tokens))

    assert sorted(len(payload["errors"]) for payload in payloads) == [0, 1, 1, 1]
    assert {error["code"] for payload in payloads for error in payload["errors"]} == {"CONFLICT"}
    assert [after - earlier for after, earlier in zip(await counts(portal), before, strict=True)] == [1, 1, 1, 0, 1]


async def test_of_reviewers_who_decide_at_once_one_does(each_portal: Portal) -> None:
    portal = each_portal
    applicant = await applicant_of(portal)
    id = (await registration_of(applicant))["id"]
    review = await portal.person("review@vendor.example")

    payloads = await asyncio.gather(
        *(decides(review, "approveRegistration", id, customerNumber=str(77_000 + number)) for number in range(4)),
        *(decides(review, "rejectRegistration", id, reason="No.") for _ in range(4)),
    )

    (done,) = [payload for payload in payloads if not payload["errors"]]
    assert {error["code"] for payload in payloads for error in payload["errors"]} == {"CONFLICT"}
    assert len(await portal.audit("registration.approve", "registration.reject")) == 1
    assert len(await portal.queued_mails(EMAIL)) == 3
    assert await registration_of(applicant) == done["registration"]


async def test_one_customer_number_for_two_organizations_at_once_goes_to_one(each_portal: Portal) -> None:
    portal = each_portal
    ids = []
    for number in range(4):
        applicant = await applicant_of(portal, name=f"Number {number}", applicantEmail=f"{number}@firstblick.example")
        ids.append((await registration_of(applicant))["id"])
    review = await portal.person("review@vendor.example")

    payloads = await asyncio.gather(*(decides(review, "approveRegistration", id, customerNumber="77001") for id in ids))

    assert sorted(len(payload["errors"]) for payload in payloads) == [0, 1, 1, 1]
    assert {(error["code"], *error["path"]) for payload in payloads for error in payload["errors"]} == {
        ("CONFLICT", "customerNumber")
    }


async def test_of_one_request_sent_many_times_at_once_one_is_done(each_portal: Portal) -> None:
    portal = each_portal
    before = await counts(portal)

    payloads = await asyncio.gather(*(registers(portal.anybody(), idempotencyKey="same") for _ in range(5)))

    assert [payload for payload in payloads if payload != payloads[0]] == []
    assert payloads[0]["errors"] == []
    assert [after - earlier for after, earlier in zip(await counts(portal), before, strict=True)] == [0, 0, 0, 1, 0]
    assert len(await portal.queued_mails(EMAIL)) == 1
