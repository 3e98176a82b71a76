"""Somebody types as people do, from the invitation to being found, on both databases."""

# ruff: noqa: RUF001

from typing import Any

from tests.invitations.inviting import accepts, account, invitation_mails, invites, row
from tests.portal import Person, Portal, open_portal
from tests.registrations.registering import SEAT, registers
from tests.sessions.test_sign_in import SIGN_IN

ADMINISTRATOR, HOLDER = "administration@helios.example", "licence.holder@hausgut.example"
ADDRESS, IN_ASCII = "ines@müller-solar.example", "ines@xn--mller-solar-thb.example"
MEMBERS = """
query Members($id: ID!, $search: String) {
  organization(id: $id) { members(search: $search) { totalCount nodes { user { displayName email } } } }
}
"""
EVENTS = "query E($id: ID!, $from: DateTime) { organization(id: $id) { name auditEvents(from: $from) { totalCount } } }"


async def found(person: Person, organization: str, typed: str) -> list[str]:
    """The names that a search finds."""
    members = (await person.asks(MEMBERS, id=organization, search=typed)).at("organization.members")
    assert members["totalCount"] == len(members["nodes"])
    return [one["user"]["displayName"] for one in members["nodes"]]


async def test_somebody_with_an_international_address_is_invited_joins_signs_in_and_is_found(
    each_portal: Portal,
) -> None:
    administrator = await each_portal.person(ADMINISTRATOR)
    helios = await each_portal.organization_of(ADMINISTRATOR)
    await invites(administrator, helios, row(f" {IN_ASCII}\n"))
    (mail,) = [one for one in await invitation_mails(each_portal) if one.to == ADDRESS]
    assert mail.token is not None
    pasted = f"<{mail.token[:20]}=\r\n{mail.token[20:]}>.\u200b\n"

    names = account(firstName="\u200bI\u0307nes", lastName="Yıldız\u00a0 Łuczak", locale="de_CH")
    payload = await accepts(each_portal.anybody(), pasted, **names)
    assert payload["errors"] == []

    for name in (ADDRESS, IN_ASCII.upper(), f"\u200b {ADDRESS} \n"):
        answer = await each_portal.anybody().asks(SIGN_IN, name=name, password=names["password"])
        assert answer.at("signIn.errors") == []
    administrator = await each_portal.person(ADMINISTRATOR)
    for typed in (
        "luczak yildiz",
        "Luczak,  INES",
        "ines müller-solar",
        "xn--mller-solar",
        "„Yıldız“ (ines)",
        "łuczak yıl",
    ):
        assert await found(administrator, helios, typed) == ["İnes Yıldız Łuczak"], typed
    for typed in ("y%z", "y_ldiz", "yildiz luczak weiss", "%"):
        assert await found(administrator, helios, typed) == [], typed


async def test_those_who_were_there_before_are_found_however_they_are_written(each_portal: Portal) -> None:
    administrator = await each_portal.person(ADMINISTRATOR)
    helios = await each_portal.organization_of(ADMINISTRATOR)

    for typed in ("Weiß, Jörg", "WEISS  JORG", "jörg.", "jo\u0308rg weiß", "purchase@helios.example"):
        assert await found(administrator, helios, typed) == ["Jörg Weiß"], typed


async def test_an_instant_that_is_none_fails_its_field_alone() -> None:
    async with open_portal("software_house") as portal:
        await _asks_for_events(await portal.person(HOLDER), await portal.organization_of(HOLDER))


async def _asks_for_events(holder: Person, organization: str) -> None:
    for wrong in ("soon", "99999-01-01T00:00:00Z", "0000-01-01T00:00:00Z"):
        answer = await holder.asks(EVENTS, id=organization, **{"from": wrong})

        assert answer.status == 200
        assert answer.codes == {"organization.auditEvents": "BAD_USER_INPUT"}
        assert answer.at("organization.name") == "Hausverwaltung Gut"
        assert "`from`: Enter a date and time as in RFC 3339" in answer.errors[0]["message"]
    answer = await holder.asks(EVENTS, id=organization, **{"from": "2020-01-01t00:00:00z"})
    assert answer.errors == []


async def test_an_organization_is_registered_with_its_numbers_as_they_stand_on_paper(portal: Portal) -> None:
    abroad: dict[str, Any] = SEAT | {"street": ["1 Queen's Road", ""], "city": "Central", "countryCode": "hk"}
    del abroad["postalCode"]

    payload = await registers(
        portal.anybody(), vatId="CHE-123.456.789 MWST", seat=abroad, phone="2123 4567", locale="de_CH"
    )

    assert payload["errors"] == []
    stored = await portal.wiring.backends.directory.registration_with_reference(payload["reference"])
    assert stored is not None
    assert (stored.vat_id, stored.phone, stored.locale) == ("CHE123456789MWST", "+85221234567", "de-CH")
    assert stored.seat is not None
    assert (stored.seat.street, stored.seat.postal_code) == (("1 Queen's Road",), "")
