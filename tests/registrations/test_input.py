"""What cannot be registered is refused with the path of each problem; nothing is stored and no mail is queued."""

from dataclasses import replace
from typing import Any

import pytest

from tests.portal import Portal
from tests.registrations.registering import (
    REGISTER,
    REGISTER_PRIVATE,
    SEAT,
    errors_of,
    organization,
    private,
    registers,
    registers_privately,
)

LONG = "x" * 10_000

ORGANIZATION: list[tuple[dict[str, Any], list[tuple[list[str], str]]]] = [
    ({"name": ""}, [(["name"], "length 1..200")]),
    ({"name": LONG}, [(["name"], "length 1..200")]),
    ({"name": "a\nb"}, [(["name"], "printable")]),
    ({"legalName": LONG}, [(["legalName"], "length 1..200")]),
    ({"legalName": "a\u0000"}, [(["legalName"], "printable")]),
    ({"vatId": "nonsense"}, [(["vatId"], "VAT id")]),
    ({"vatId": "123456789"}, [(["vatId"], "VAT id")]),
    ({"vatId": "DE" + "1" * 14}, [(["vatId"], "VAT id")]),
    ({"customerNumber": "1" * 21}, [(["customerNumber"], "customer number")]),
    ({"customerNumber": "1 2"}, [(["customerNumber"], "customer number")]),
    ({"applicantFirstName": ""}, [(["applicantFirstName"], "length 1..100")]),
    ({"applicantFirstName": None}, [(["applicantFirstName"], "length 1..100")]),
    ({"applicantLastName": LONG}, [(["applicantLastName"], "length 1..100")]),
    ({"applicantLastName": "a\u2028b"}, [(["applicantLastName"], "printable")]),
    ({"applicantEmail": None}, [(["applicantEmail"], "e-mail address")]),
    ({"applicantEmail": "zo\u0435@firstblick.example"}, [(["applicantEmail"], "e-mail address")]),  # a Cyrillic e
    ({"applicantEmail": "zoe@firstblick"}, [(["applicantEmail"], "e-mail address")]),
    ({"applicantEmail": f"{'z' * 65}@firstblick.example"}, [(["applicantEmail"], "e-mail address")]),
    ({"applicantEmail": "zoe@first blick.example"}, [(["applicantEmail"], "e-mail address")]),
    ({"applicantEmail": "zoe@x.example\r\nBcc: all@x.example"}, [(["applicantEmail"], "e-mail address")]),
    ({"applicantEmail": f"zoe@{'firstblick.' * 30}example"}, [(["applicantEmail"], "e-mail address")]),
    ({"applicantEmail": '"zoe"@firstblick.example'}, [(["applicantEmail"], "e-mail address")]),
    ({"applicantEmail": "zoe@[127.0.0.1]"}, [(["applicantEmail"], "e-mail address")]),
    ({"applicantEmail": "zoe@-firstblick.example"}, [(["applicantEmail"], "e-mail address")]),
    ({"phone": "12345 call me"}, [(["phone"], "telephone number")]),
    ({"phone": "+" + "1" * 16}, [(["phone"], "telephone number")]),
    ({"locale": "zz"}, [(["locale"], "BCP 47")]),
    ({"locale": "german language"}, [(["locale"], "BCP 47")]),
    ({"kind": "BAKERY"}, "scalar"),
    ({"kind": None}, "scalar"),
    ({"seat": SEAT | {"countryCode": "XX"}}, [(["seat", "countryCode"], "ISO 3166-1 alpha-2")]),
    ({"seat": SEAT | {"countryCode": "Germany"}}, [(["seat", "countryCode"], "ISO 3166-1 alpha-2")]),
    ({"seat": SEAT | {"street": []}}, [(["seat", "street"], "lines 1..4")]),
    ({"seat": SEAT | {"city": LONG}}, [(["seat", "city"], "length 1..200")]),
    ({"seat": None}, "scalar"),
    (
        {"seat": {"street": ["", " "], "city": "\u200b", "countryCode": "DE", "postalCode": "ABC", "phone": "x"}},
        [
            (["seat", "street"], "lines 1..4"),
            (["seat", "postalCode"], "postal code of DE"),
            (["seat", "city"], "length 1..200"),
            (["seat", "phone"], "telephone number"),
        ],
    ),
    ({"seat": SEAT | {"postalCode": None}}, [(["seat", "postalCode"], "length 1..20")]),
    ({"additionalRoleKeys": ["purchase", "king"]}, [(["additionalRoleKeys", "1"], "known role")]),
    ({"additionalRoleKeys": ["purchase", "purchase"]}, [(["additionalRoleKeys", "1"], "unique")]),
    ({"additionalRoleKeys": ["king"] * 1_000}, [(["additionalRoleKeys"], "entries 0..4")]),
    ({"acceptTerms": False}, [(["acceptTerms"], "accepted")]),
    ({"idempotencyKey": ""}, [(["idempotencyKey"], "length 1..200")]),
    ({"idempotencyKey": "k" * 201}, [(["idempotencyKey"], "length 1..200")]),
    ({"idempotencyKey": None}, "scalar"),
    (
        {
            "acceptTerms": False, "applicantFirstName": " ", "locale": "zz", "name": "", "vatId": "?",
            "seat": SEAT | {"countryCode": "XX"}, "additionalRoleKeys": ["king"], "confirmFirstRegistration": False,
        },
        [
            (["acceptTerms"], "accepted"),
            (["applicantFirstName"], "length 1..100"),
            (["locale"], "BCP 47"),
            (["name"], "length 1..200"),
            (["vatId"], "VAT id"),
            (["seat", "countryCode"], "ISO 3166-1 alpha-2"),
            (["additionalRoleKeys", "0"], "known role"),
        ],
    ),
]  # fmt: skip

PRIVATE: list[tuple[dict[str, Any], Any]] = [
    ({"firstName": ""}, [(["firstName"], "length 1..100")]),
    ({"lastName": LONG}, [(["lastName"], "length 1..100")]),
    ({"email": "zo\u0435@privat.example"}, [(["email"], "e-mail address")]),
    ({"email": "nonsense"}, [(["email"], "e-mail address")]),
    ({"locale": "zz"}, [(["locale"], "BCP 47")]),
    ({"phone": "nonsense"}, [(["phone"], "telephone number")]),
    ({"acceptTerms": False}, [(["acceptTerms"], "accepted")]),
    ({"accountKind": "BUSINESS_CUSTOMER"}, [(["accountKind"], "PRIVATE_OPERATOR or COMMERCIAL_OPERATOR")]),
    ({"accountKind": "VENDOR_STAFF"}, [(["accountKind"], "PRIVATE_OPERATOR or COMMERCIAL_OPERATOR")]),
    ({"idempotencyKey": ""}, [(["idempotencyKey"], "length 1..200")]),
]


async def nothing_happened(portal: Portal) -> bool:
    """Whether no registration was stored and no mail was queued."""
    return await portal.audit("registration.create") == [] and await portal.queued_mails() == []


@pytest.mark.parametrize(("given", "errors"), ORGANIZATION)
async def test_an_organization_that_cannot_be_registered_is_refused(
    portal: Portal, given: dict[str, Any], errors: Any
) -> None:
    answer = await portal.anybody().asks(REGISTER, input=organization(**given))

    if errors == "scalar":  # GraphQL itself refuses it, with status 400
        assert (answer.status, "data" in answer.body) == (400, False)
    else:
        payload = answer.at("registerOrganization")
        assert errors_of(payload) == [("INVALID_INPUT", *error) for error in errors]
        assert {key: payload[key] for key in ("reference", "state", "registration", "guidance")} == dict.fromkeys(
            ("reference", "state", "registration", "guidance")
        )
    assert await nothing_happened(portal)


@pytest.mark.parametrize(("given", "errors"), PRIVATE)
async def test_an_account_that_cannot_be_opened_is_refused(portal: Portal, given: dict[str, Any], errors: Any) -> None:
    answer = await portal.anybody().asks(REGISTER_PRIVATE, input=private(**given))

    if errors == "scalar":
        assert (answer.status, "data" in answer.body) == (400, False)
    else:
        payload = answer.at("registerPrivateAccount")
        assert errors_of(payload) == [("INVALID_INPUT", *error) for error in errors]
        assert payload["verificationSentTo"] is None
    assert await nothing_happened(portal)


@pytest.mark.parametrize("kind", ["INSTALLER", "RESELLER", "OPERATOR"])
async def test_every_kind_of_organization_that_the_portal_is_for_is_registered(portal: Portal, kind: str) -> None:
    """K11, K17."""
    payload = await registers(portal.anybody(), kind=kind, vatId=None, legalName=" ", additionalRoleKeys=None)

    assert payload["errors"] == []


async def test_a_kind_of_organization_of_another_portal_is_refused_with_what_is_possible(
    portal: Portal, software_portal: Portal
) -> None:
    administrator = await portal.person("administration@helios.example")

    for person in (portal.anybody(), administrator):
        given = {"applicantEmail": None} if person is administrator else {}
        payload = await registers(person, kind="LICENSEE", **given)
        assert errors_of(payload) == [("INVALID_INPUT", ["kind"], "INSTALLER or RESELLER or OPERATOR")]
        assert payload["errors"][0]["message"].endswith("Possible here: Installer, Reseller, or Operator.")
    german = await registers(replace(portal.anybody(), language="de"), kind="LICENSEE")
    assert german["errors"][0]["message"].endswith("Möglich ist hier: Installationsbetrieb, Händler oder Betreiber.")
    for kind in ("INSTALLER", "RESELLER", "OPERATOR"):
        payload = await registers(software_portal.anybody(), kind=kind)
        assert errors_of(payload) == [("INVALID_INPUT", ["kind"], "LICENSEE")]
    assert await nothing_happened(portal)
    assert await nothing_happened(software_portal)


@pytest.mark.parametrize("kind", ["PRIVATE_OPERATOR", "COMMERCIAL_OPERATOR"])
async def test_nobody_registers_for_themselves_where_the_portal_is_for_organizations(
    software_portal: Portal, kind: str
) -> None:
    payload = await registers_privately(software_portal.anybody(), accountKind=kind)

    assert errors_of(payload) == [("INVALID_INPUT", ["accountKind"], "an organization")]
    assert await nothing_happened(software_portal)


async def test_who_is_signed_in_registers_nobody_else(portal: Portal) -> None:
    administrator = await portal.person("administration@helios.example")

    other = await registers(administrator, applicantEmail="somebody@helios.example")
    private = await registers_privately(administrator)

    assert errors_of(other) == [("INVALID_INPUT", ["applicantEmail"], "your own address")]
    assert [error["code"] for error in private["errors"]] == ["CONFLICT"]
    assert await nothing_happened(portal)
