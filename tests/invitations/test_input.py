"""What is wrong with whom somebody invites is named by its path; nothing is changed, and no mail is sent."""

from datetime import timedelta
from typing import Any

import pytest

from tests.invitations.inviting import ADMINISTRATOR, INVITE, codes, invites, kept, row
from tests.portal import NOW, Portal

ROWS: list[tuple[dict[str, Any], list[str], str]] = [
    (row(roleKeys=[]), ["roleKeys"], "roles or permissions"),
    (row(roleKeys=[], permissions=[]), ["roleKeys"], "roles or permissions"),
    (row(roleKeys=["Purchase"]), ["roleKeys", "0"], "known role"),
    (row(roleKeys=["purchase", ""]), ["roleKeys", "1"], "known role"),
    (row(roleKeys=["x" * 10_000]), ["roleKeys", "0"], "known role"),
    (row(roleKeys=["purchase"] * 51), ["roleKeys"], "entries 0..50"),
    (row(firstName="x" * 10_000), ["firstName"], "length 1..100"),
    (row(lastName="a\u0000b"), ["lastName"], "printable"),
    (row(lastName="Bcc:\r\nx@evil.example"), ["lastName"], "printable"),
    (row(locale="zz"), ["locale"], "BCP 47"),
    (row(validUntil=NOW.isoformat()), ["validUntil"], "in the future"),
    (row(validUntil="2020-01-01T00:00:00Z"), ["validUntil"], "in the future"),
    (row("pаul@helios.example"), ["email"], "e-mail address"),  # noqa: RUF001  the a is Cyrillic
    (row("paul@heliоs.example"), ["email"], "e-mail address"),  # noqa: RUF001  the o is Cyrillic
    (row('"a b"@helios.example'.replace(" ", "")), ["email"], "e-mail address"),
    (row("paul@-helios.example"), ["email"], "e-mail address"),
    (row("paul..x@helios.example"), ["email"], "e-mail address"),
    (row("x" * 64 + "@" + "y" * 64 + ".example"), ["email"], "e-mail address"),
    (row("nobody"), ["email"], "e-mail address"),
    (row("a@b"), ["email"], "e-mail address"),
    (row("a b@x.example"), ["email"], "e-mail address"),
    (row("a@x.example\r\nBcc: b@x.example"), ["email"], "e-mail address"),
    (row("x" * 250 + "@x.example"), ["email"], "e-mail address"),
    (row("a@аррӏе.example"), ["email"], "e-mail address"),  # noqa: RUF001  whose letters are all Cyrillic
    (row(locale="german language"), ["locale"], "BCP 47"),
    (row(validUntil="tomorrow"), ["validUntil"], "RFC 3339"),
    (row(validUntil="2027-01-01T00:00:00"), ["validUntil"], "RFC 3339"),
    (row(validUntil="0000-01-01T00:00:00Z"), ["validUntil"], "RFC 3339"),
    (row(validUntil="99999-01-01T00:00:00Z"), ["validUntil"], "RFC 3339"),
    (row(validUntil="9999-12-31T23:59:59-01:00"), ["validUntil"], "RFC 3339"),
    (row(firstName="An\u200bna"), ["firstName"], "printable"),
    (row(firstName="exe.\u202egnp"), ["firstName"], "printable"),
    (row(firstName="A \u0301nna"), ["firstName"], "printable"),
    (row(ADMINISTRATOR), ["email"], "not your own"),
    (row(f"\u00a0{ADMINISTRATOR.upper()} "), ["email"], "not your own"),
]


@pytest.mark.parametrize(("wrong", "path", "constraint"), ROWS, ids=lambda value: ascii(value)[:50])
async def test_a_row_that_is_wrong_is_named_by_its_path_and_nobody_is_mailed(
    solar: Portal, wrong: dict[str, Any], path: list[str], constraint: str
) -> None:
    """K28."""
    administrator = await solar.person(ADMINISTRATOR)
    helios = await solar.organization_of(ADMINISTRATOR)
    before = await kept(solar)

    payload = await invites(administrator, helios, wrong)

    (result,) = payload["results"]
    assert (payload["errors"], result["invitation"], result["membership"]) == ([], None, None)
    assert [(e["code"], e["path"], e["constraint"]) for e in result["errors"]] == [
        ("INVALID_INPUT", ["invitees", "0", *path], constraint)
    ]
    assert result["email"] == wrong["email"]
    assert (await kept(solar))[:-1] == before[:-1]  # the last is the answer that is kept with the key


async def test_all_problems_of_a_row_come_at_once(solar: Portal) -> None:
    administrator = await solar.person(ADMINISTRATOR)
    helios = await solar.organization_of(ADMINISTRATOR)

    wrong = row("a..b@x.example", firstName="x" * 101, locale="zz", roleKeys=[], validUntil="2020-01-01T00:00:00Z")
    payload = await invites(administrator, helios, wrong)

    assert codes(payload["results"][0]) == [
        ("INVALID_INPUT", ["invitees", "0", step])
        for step in ("email", "firstName", "locale", "roleKeys", "validUntil")
    ]


@pytest.mark.parametrize(
    ("wrong", "path", "constraint"),
    [
        ({"invitees": []}, ["invitees"], "entries 1..50"),
        ({"invitees": [row(f"n{index}@x.example") for index in range(51)]}, ["invitees"], "entries 1..50"),
        ({"message": "x" * 2_001}, ["message"], "length 0..2000"),
        ({"message": "a\u0000b"}, ["message"], "printable"),
        ({"expiresInDays": 0}, ["expiresInDays"], "1..30"),
        ({"expiresInDays": 31}, ["expiresInDays"], "1..30"),
        ({"idempotencyKey": ""}, ["idempotencyKey"], "length 1..200"),
        ({"idempotencyKey": "x" * 201}, ["idempotencyKey"], "length 1..200"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_an_input_that_is_wrong_as_a_whole_invites_nobody(
    solar: Portal, wrong: dict[str, Any], path: list[str], constraint: str
) -> None:
    administrator = await solar.person(ADMINISTRATOR)
    helios = await solar.organization_of(ADMINISTRATOR)
    before = await kept(solar)

    payload = await invites(administrator, helios, **wrong)

    assert payload["results"] == []
    assert [(e["code"], e["path"], e["constraint"]) for e in payload["errors"]] == [("INVALID_INPUT", path, constraint)]
    assert await kept(solar) == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": None},
        {"email": 5},
        {"locale": ["de"]},
        {"permissions": ["NOTHING"]},
        {"validUntil": 2027},
    ],
    ids=str,
)
async def test_a_value_that_is_no_value_of_its_type_is_refused_before_anything_happens(
    solar: Portal, wrong: dict[str, Any]
) -> None:
    administrator = await solar.person(ADMINISTRATOR)
    before = await kept(solar)

    answer = await administrator.asks(
        INVITE, input={"organizationId": "org_x", "invitees": [row() | wrong], "idempotencyKey": "x"}
    )

    assert (answer.status, answer.codes) == (400, {"": "BAD_USER_INPUT"})
    assert await kept(solar) == before


async def test_one_bad_address_hinders_no_other_row_and_what_surrounds_a_good_one_does_not_matter(
    portal: Portal,
) -> None:
    administrator = await portal.person(ADMINISTRATOR)
    helios = await portal.organization_of(ADMINISTRATOR)
    typed = [
        "nobody",
        "  anna@helios.example\u200b",
        "<bert@helios.example>",
        "mailto:carla@helios.example",
        "Ines@Müller-Solar.example",
        "post@xn--80a1acny.xn--p1ai",
        "ｄｏｒａ＠helios.example",  # noqa: RUF001
    ]

    payload = await invites(administrator, helios, *(row(one, locale="de_CH") for one in typed))

    assert [codes(result) for result in payload["results"]] == [
        [("INVALID_INPUT", ["invitees", "0", "email"])],
        *([[]] * 6),
    ]
    assert [result["invitation"]["email"] for result in payload["results"][1:]] == [
        "anna@helios.example",
        "bert@helios.example",
        "carla@helios.example",
        "Ines@müller-solar.example",
        "post@почта.рф",
        "dora@helios.example",
    ]


async def test_an_international_address_is_one_address_however_it_is_written(portal: Portal) -> None:
    administrator = await portal.person(ADMINISTRATOR)
    helios = await portal.organization_of(ADMINISTRATOR)
    await invites(administrator, helios, row("info@müller-solar.example"))

    again = await invites(administrator, helios, row("INFO@xn--mller-solar-thb.example"))

    assert [error["code"] for error in again["results"][0]["errors"]] == ["ALREADY_INVITED"]


async def test_everything_wrong_with_the_whole_input_comes_at_once(solar: Portal) -> None:
    administrator = await solar.person(ADMINISTRATOR)
    helios = await solar.organization_of(ADMINISTRATOR)

    payload = await invites(
        administrator, helios, invitees=[], message="a\u0000", expiresInDays=99, idempotencyKey="x" * 201
    )

    assert codes(payload) == [
        ("INVALID_INPUT", ["invitees"]),
        ("INVALID_INPUT", ["expiresInDays"]),
        ("INVALID_INPUT", ["message"]),
        ("INVALID_INPUT", ["idempotencyKey"]),
    ]


async def test_what_is_given_until_a_moment_ago_cannot_be_sent_again(portal: Portal) -> None:
    administrator = await portal.person(ADMINISTRATOR)
    helios = await portal.organization_of(ADMINISTRATOR)
    soon = NOW + timedelta(hours=1)
    payload = await invites(administrator, helios, row(validUntil=soon.isoformat()))
    id = payload["results"][0]["invitation"]["id"]
    portal.clock.move(timedelta(hours=1))

    answer = await (await portal.person(ADMINISTRATOR)).asks(
        """mutation R($id: ID!) { resendInvitation(input: { id: $id }) {
        invitation { id } errors { code path } } }""",
        id=id,
    )

    assert answer.at("resendInvitation") == {"invitation": None, "errors": [{"code": "CONFLICT", "path": ["id"]}]}
