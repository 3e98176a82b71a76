"""Somebody not signed in finds out where their registration stands, and nothing about anybody else (K19, K22)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.join_requests.joining import joins
from tests.portal import Answer, Person, Portal, open_portal
from tests.registrations.registering import (
    STATUS,
    applicant_of,
    confirms,
    decides,
    registers,
    registers_privately,
    registration_of,
)

CHECK = """
query ($input: OrganizationRegistrationCheckInput!) {
  organizationRegistrationCheck(input: $input) { outcome guidance maskedAdministrators canRequestToJoin }
}
"""

EMAIL = "zoe@firstblick.example"


async def checks(person: Person, **given: Any) -> Any:
    """What somebody learns of an organization."""
    answer = await person.asks(CHECK, input=given)
    assert answer.errors == []
    return answer.at("organizationRegistrationCheck")


async def status_of(portal: Portal, reference: str, email: str = EMAIL) -> Any:
    """What somebody not signed in learns of a registration."""
    answer = await portal.anybody().asks(STATUS, reference=reference, email=email)
    assert answer.errors == []
    return answer.at("registrationStatus")


async def test_the_status_is_shown_to_those_who_know_reference_and_address(each_portal: Portal) -> None:
    """K22."""
    portal = each_portal
    reference = (await registers(portal.anybody()))["reference"]

    unconfirmed = await status_of(portal, reference)
    assert (unconfirmed["status"], unconfirmed["reviewDueAt"]) == ("EMAIL_UNVERIFIED", None)
    assert await status_of(portal, f" {reference.lower()} ", " Zoe@Firstblick.Example ") == unconfirmed
    for wrong in (
        (reference, "adam@firstblick.example"),
        ("R-00000-00000-00000-00000", EMAIL),
        ("", ""),
        ("x" * 9_999, "\ud800".encode("utf-8", "replace").decode()),
    ):
        assert await status_of(portal, *wrong) is None
    portal.clock.move(timedelta(days=7))
    assert (await status_of(portal, reference))["status"] == "EXPIRED"


async def test_the_status_follows_the_review_in_the_language_of_the_caller(portal: Portal) -> None:
    applicant = await applicant_of(portal)
    registration = await registration_of(applicant)
    review = await portal.person("review@vendor.example")

    pending = await status_of(portal, registration["reference"])
    await decides(review, "rejectRegistration", registration["id"], reason="A secret reason.")
    rejected = await status_of(portal, registration["reference"])
    french = await portal.anybody().asks(
        STATUS.replace("guidance", 'guidance(locale: "fr")'), reference=registration["reference"], email=EMAIL
    )

    assert (pending["status"], pending["reviewDueAt"]) == ("PENDING_REVIEW", "2026-11-22T09:00:00Z")
    assert rejected["status"] == "REJECTED"
    assert "secret" not in rejected["guidance"]
    assert "service@vendor.example" in rejected["guidance"]
    assert french.at("registrationStatus.guidance").startswith("Votre enregistrement a été refusé.")


@pytest.mark.parametrize(
    ("given", "outcome", "administrators"),
    [
        ({"vatId": "DE 000 204 718"}, "POSSIBLY_REGISTERED", False),
        ({"vatId": "DE000204718", "name": "helios montage"}, "POSSIBLY_REGISTERED", True),
        ({"customerNumber": "204718", "name": "Helios Montage GmbH"}, "POSSIBLY_REGISTERED", True),
        ({"customerNumber": "204718", "name": "Somebody else"}, "NOT_REGISTERED", False),
        ({"vatId": "DE999999999", "name": "Helios Montage GmbH"}, "NOT_REGISTERED", False),
    ],
)
async def test_an_organization_is_known_to_those_who_know_its_numbers(
    each_portal: Portal, given: dict[str, str], outcome: str, administrators: bool
) -> None:
    """K19, D5, D6."""
    administrator = await each_portal.person("administration@helios.example")
    answer = await administrator.asks(
        "{ viewer { defaultOrganization { customerNumber administrators { user { firstName lastName } } } } }"
    )
    helios = answer.at("viewer.defaultOrganization")
    initials = [
        f"{user['firstName'][0]}. {user['lastName'][0]}."
        for user in (membership["user"] for membership in helios["administrators"])
    ]

    reported = await checks(each_portal.anybody(), **given)

    assert reported == {
        "outcome": outcome,
        "guidance": reported["guidance"],
        "maskedAdministrators": initials if administrators else [],
        "canRequestToJoin": outcome == "POSSIBLY_REGISTERED",
    }
    assert "main responsible person" in reported["guidance"]
    assert reported["guidance"].endswith("Monday to Friday, 8 am to 5 pm.")


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"name": "Helios Montage GmbH"},
        {"customerNumber": "204718"},
        {"customerNumber": "204718", "name": " "},
        {"vatId": "nonsense"},
        {"vatId": "DE000204718", "name": "x" * 10_000},
        {"customerNumber": "1; DROP", "name": "Helios"},
    ],
)
async def test_a_name_or_a_number_that_can_be_counted_up_finds_nobody(portal: Portal, given: dict[str, str]) -> None:
    answer = await portal.anybody().asks(CHECK, input=given)

    assert answer.data == {"organizationRegistrationCheck": None}
    assert answer.codes == {"organizationRegistrationCheck": "BAD_USER_INPUT"}


async def test_an_organization_that_waits_is_under_review_and_one_that_was_rejected_is_not_known(
    each_portal: Portal,
) -> None:
    portal = each_portal
    id = (await registration_of(await applicant_of(portal)))["id"]

    waiting = await checks(portal.anybody(), vatId="DE123456789", name="Firstblick")
    await decides(await portal.person("review@vendor.example"), "rejectRegistration", id, reason="No.")
    rejected = await checks(portal.anybody(), vatId="DE123456789", name="Firstblick")

    assert (waiting["outcome"], waiting["maskedAdministrators"], waiting["canRequestToJoin"]) == (
        "UNDER_REVIEW", [], False,
    )  # fmt: skip
    assert rejected["outcome"] == "NOT_REGISTERED"


async def test_a_known_address_and_a_known_organization_take_the_same_work_as_unknown_ones(each_portal: Portal) -> None:
    """Times are alike because what is done is alike: the same statements, in the same order."""
    stranger, person = each_portal.anybody(), await each_portal.person("private@home.example")
    pairs: list[tuple[Any, list[dict[str, Any]]]] = [
        (
            lambda given: registers(stranger, **given),
            [{"applicantEmail": "administration@helios.example"}, {"applicantEmail": "nobody@helios.example"}],
        ),
        (
            lambda given: registers_privately(stranger, **given),
            [{"email": "administration@helios.example"}, {"email": "nobody@helios.example"}],
        ),
        (lambda given: joins(person, **given), [{"customerNumber": "204718"}, {"customerNumber": "999999"}]),
    ]

    for ask, inputs in pairs:
        done = []
        for given in inputs:
            with each_portal.statements() as statements:
                assert (await ask(given))["errors"] == []
            done.append(list(statements))
        assert done[0] == done[1]


@dataclass(frozen=True)
class Elsewhere(Person):
    """Somebody who is not signed in, at an IP address of their own."""

    address: str = ""

    async def posts(self, body: bytes, **headers: str) -> Answer:
        """Send from that address."""
        return await super().posts(body, x_forwarded_for=self.address, **headers)


def at_address(portal: Portal, address: str) -> Elsewhere:
    """Somebody at this IP address."""
    return Elsewhere(portal.client, address=address)


async def test_nobody_floods_an_address_and_nobody_locks_its_owner_out() -> None:
    async with open_portal(trusted_proxies=1) as portal:
        attacker, owner = at_address(portal, "203.0.113.1"), at_address(portal, "203.0.113.2")

        codes = [
            [error["code"] for error in (await registers(attacker, vatId=f"DE123456{number}"))["errors"]]
            for number in range(100, 110)
        ]
        by_owner = await registers(owner)

        assert codes == [[]] * 5 + [["RATE_LIMITED"]] * 5
        assert by_owner["errors"] == []
        assert len(await portal.queued_mails(EMAIL)) == 6


async def test_one_ip_address_registers_so_many_and_about_one_organization_so_often() -> None:
    async with open_portal(trusted_proxies=1) as portal:
        one, other = at_address(portal, "203.0.113.1"), at_address(portal, "203.0.113.2")

        of_organization = [
            (await registers(one, applicantEmail=f"{number}@firstblick.example"))["errors"] for number in range(6)
        ]
        from_address = [
            (await registers_privately(one, email=f"{number}@privat.example"))["errors"] for number in range(26)
        ]
        elsewhere = await registers(other, applicantEmail="x@firstblick.example")

        assert [[error["code"] for error in errors] for errors in of_organization] == [[]] * 5 + [["RATE_LIMITED"]]
        assert [[error["code"] for error in errors] for errors in from_address] == [[]] * 25 + [["RATE_LIMITED"]]
        assert of_organization[-1][0]["retryAfterSeconds"] > 0
        assert elsewhere["errors"] == []


async def test_queries_without_signing_in_are_limited(portal: Portal) -> None:
    stranger = portal.anybody()

    statuses = [await stranger.asks(STATUS, reference="R-X", email=EMAIL) for _ in range(21)]
    asked = [await stranger.asks(CHECK, input={"vatId": "DE123456789"}) for _ in range(11)]
    tokens = [await confirms(portal, "x" * 43) for _ in range(31)]

    assert [answer.codes for answer in statuses] == [{}] * 20 + [{"registrationStatus": "RATE_LIMITED"}]
    assert [answer.codes for answer in asked] == [{}] * 10 + [{"organizationRegistrationCheck": "RATE_LIMITED"}]
    assert statuses[-1].errors[0]["extensions"]["retryAfterSeconds"] > 0
    assert [payload["errors"][0]["code"] for payload in tokens] == ["TOKEN_INVALID"] * 30 + ["RATE_LIMITED"]
