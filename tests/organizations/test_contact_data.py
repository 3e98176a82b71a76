"""Contact data and address book: kept by those who manage the organization (K40), its name by nobody (D15)."""

import asyncio
import json
from typing import Any

import pytest

from tests.portal import Answer, Person, Portal

UPDATE = """
mutation Update($input: UpdateOrganizationInput!) {
  updateOrganization(input: $input) {
    organization { version name phone email website }
    errors {
      __typename code message path
      ... on ConflictError { currentVersion }
      ... on ValidationError { constraint }
      ... on PermissionError { reason missingPermissions { code } }
    }
  }
}
"""
SAVE = """
mutation Save($input: SaveAddressInput!) {
  saveAddress(input: $input) {
    entry { ...Entry }
    organization { addressBook { ...Entry } }
    errors { __typename code message path ... on ValidationError { constraint } }
  }
}
fragment Entry on AddressBookEntry { id address { street city phone } isDefaultBilling isDefaultShipping }
"""
DELETE = """
mutation Delete($input: NodeActionInput!) {
  deleteAddress(input: $input) { organization { addressBook { id } } errors { __typename code path } }
}
"""
READ = """
query Read($id: ID!) {
  organization(id: $id) { version name legalName seat { city } phone email website addressBook { id } }
}
"""

ADDRESS: dict[str, Any] = {"street": ["Hof 2"], "postalCode": "79100", "city": "Freiburg", "countryCode": "de"}
ADMINISTRATION, PURCHASE, PLANNING = (
    "administration@helios.example", "purchase@helios.example", "planning@helios.example",
)  # fmt: skip
LUMEN = "administration@lumen.example"


async def at_helios(portal: Portal, login_name: str = ADMINISTRATION) -> tuple[Person, str]:
    """Somebody, and the id of Helios."""
    return await portal.person(login_name), await portal.organization_of(ADMINISTRATION)


async def organization(portal: Portal) -> Any:
    """What its administration sees of Helios."""
    person, helios = await at_helios(portal)
    return (await person.asks(READ, id=helios)).at("organization")


async def book_of(portal: Portal) -> Any:
    """The address book of Helios: town, and what each entry is the default for."""
    person, helios = await at_helios(portal)
    answer = await person.asks(
        "query Q($id: ID!) { organization(id: $id) "
        "{ addressBook { id address { city } isDefaultBilling isDefaultShipping } } }",
        id=helios,
    )
    return [
        (one["address"]["city"], one["isDefaultBilling"], one["isDefaultShipping"])
        for one in answer.at("organization.addressBook")
    ]


async def saved(person: Person, helios: str, **more: Any) -> Any:
    """The entry that was saved; fails when it was refused."""
    answer = await person.asks(SAVE, input={"organizationId": helios, "address": ADDRESS} | more)
    assert answer.at("saveAddress.errors") == []
    return answer.at("saveAddress.entry")


async def test_the_administration_says_how_to_reach_the_organization(each_portal: Portal) -> None:
    """K40."""
    person, helios = await at_helios(each_portal)
    values = {"phone": "+4976112345", "email": "office@helios.example", "website": "https://www.helios.example/de"}

    answer = await person.asks(UPDATE, input={"id": helios, "expectedVersion": 1, **values})
    part = await person.asks(UPDATE, input={"id": helios, "expectedVersion": 2, "phone": None})

    assert answer.at("updateOrganization") == {
        "organization": {"version": 2, "name": "Helios Montage GmbH", **values}, "errors": [],
    }  # fmt: skip
    assert part.at("updateOrganization.organization") == {
        "version": 3, "name": "Helios Montage GmbH", **values, "phone": None,
    }  # fmt: skip
    colleague = await each_portal.person(PLANNING)
    seen = await colleague.asks("query Q($id: ID!) { organization(id: $id) { phone email website } }", id=helios)
    assert seen.at("organization") == {**values, "phone": None}
    first, second = await each_portal.audit("organization.update")
    assert (first.subject_id, first.organization_id, first.actor_id is not None) == (helios, helios, True)
    assert json.loads(first.before) == {"phone": None, "email": None, "website": None}
    assert json.loads(first.after) == values
    assert (json.loads(second.before), json.loads(second.after)) == ({"phone": "+4976112345"}, {"phone": None})


async def test_what_is_so_already_is_no_change(portal: Portal) -> None:
    person, helios = await at_helios(portal)
    await person.asks(UPDATE, input={"id": helios, "expectedVersion": 1, "phone": "+4976112345"})

    again = await person.asks(UPDATE, input={"id": helios, "expectedVersion": 2, "phone": "+4976112345"})

    assert again.at("updateOrganization.organization.version") == 2
    assert len(await portal.audit("organization.update")) == 1


async def test_of_two_who_change_the_same_version_one_learns_the_version_now(each_portal: Portal) -> None:
    person, helios = await at_helios(each_portal)

    answers: list[Answer] = await asyncio.gather(
        *(
            person.asks(UPDATE, input={"id": helios, "expectedVersion": 1, "phone": f"+497611234{number}"})
            for number in range(5)
        )
    )

    refused = [answer.at("updateOrganization.errors") for answer in answers]
    assert refused.count([]) == 1
    for (error,) in filter(None, refused):
        assert error.pop("message").startswith("Somebody has changed this in the meantime; it is now at version 2.")
        assert error == {
            "__typename": "ConflictError", "code": "STALE_VERSION", "path": ["expectedVersion"], "currentVersion": 2,
        }  # fmt: skip
    assert len(await each_portal.audit("organization.update")) == 1


@pytest.mark.parametrize(
    ("wrong", "path", "constraint"),
    [
        ({"email": "öffice@helios.example"}, ["email"], "e-mail address"),
        ({"email": "office@hеlios.example"}, ["email"], "e-mail address"),  # noqa: RUF001  not our e
        ({"phone": "nonsense"}, ["phone"], "telephone number"),
        ({"email": "office"}, ["email"], "e-mail address"),
        ({"email": "a@b.example\nBcc: c@d.example"}, ["email"], "e-mail address"),
        ({"website": "javascript:alert(1)"}, ["website"], "http or https URL"),
        ({"website": "//a.example/"}, ["website"], "http or https URL"),
        ({"website": "https://a.example/\u202eelpmaxe"}, ["website"], "printable"),
        ({"website": "/portal"}, ["website"], "http or https URL"),
        ({"website": "https://office@helios.example"}, ["website"], "http or https URL"),
        ({"website": "https://localhost"}, ["website"], "http or https URL"),
        ({"website": "https://[::1"}, ["website"], "http or https URL"),
        ({"website": "https://helios.example:port"}, ["website"], "http or https URL"),
        ({"website": "https://helios.example/" + "x" * 200}, ["website"], "length 1..200"),
    ],
    ids=lambda value: str(value)[:50],
)
async def test_a_way_to_reach_nobody_is_refused_by_its_path(
    solar: Portal, wrong: dict[str, Any], path: list[str], constraint: str
) -> None:
    person, helios = await at_helios(solar)
    before = await organization(solar)

    answer = await person.asks(UPDATE, input={"id": helios, "expectedVersion": 1, "phone": "+493012345678"} | wrong)

    (error,) = answer.at("updateOrganization.errors")
    assert answer.at("updateOrganization.organization") is None
    assert (error["__typename"], error["path"], error["constraint"]) == ("ValidationError", path, constraint)
    assert await organization(solar) == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"phone": 5}, {"email": ["office@helios.example"]}, {"website": {}},
        {"name": "Mine AG"}, {"seat": ADDRESS}, {"legalName": "Mine AG"},
        {"status": "CLOSED"}, {"customerNumber": "1"}, {"vatId": "DE1"},
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
async def test_what_is_no_value_or_no_part_of_the_input_is_refused_before_anything_happens(
    solar: Portal, wrong: dict[str, Any]
) -> None:
    person, helios = await at_helios(solar)

    with solar.statements() as statements:
        answer = await person.asks(UPDATE, input={"id": helios, "expectedVersion": 1} | wrong)

    assert (answer.status, answer.codes) == (400, {"": "BAD_USER_INPUT"})
    assert not [statement for statement in statements if not statement.startswith("SELECT")]


async def test_contact_data_are_understood_as_people_write_them(portal: Portal) -> None:
    person, helios = await at_helios(portal)

    answer = await person.asks(
        UPDATE,
        input={
            "id": helios, "expectedVersion": 1, "phone": "0761 / 12-34 56", "email": " office@müller-solar.example ",
            "website": "www.Müller-Solar.example/\"über uns'<script>%zz",
        },
    )  # fmt: skip

    assert answer.at("updateOrganization.errors") == []
    changed = await organization(portal)
    assert (changed["phone"], changed["email"], changed["website"]) == (
        "+49761123456",
        "office@müller-solar.example",
        "https://www.xn--mller-solar-thb.example/%22%C3%BCber%20uns%27%3Cscript%3E%25zz",
    )


async def test_name_and_registered_office_are_no_part_of_what_an_organization_changes_itself(solar: Portal) -> None:
    """D15."""
    person = await solar.person(ADMINISTRATION)

    answer = await person.asks('{ __type(name: "UpdateOrganizationInput") { inputFields { name } } }')

    assert [field["name"] for field in answer.at("__type.inputFields")] == [
        "id", "expectedVersion", "phone", "email", "website",
    ]  # fmt: skip


CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "updateOrganization": (UPDATE, {"id": "HELIOS", "expectedVersion": 1, "phone": "+493012345678"}),
    "saveAddress": (SAVE, {"organizationId": "HELIOS", "address": ADDRESS}),
    "deleteAddress": (DELETE, {"id": "ENTRY"}),
}
MAY_NOT = {"updateOrganization": PURCHASE, "saveAddress": PLANNING, "deleteAddress": PLANNING}


@pytest.mark.parametrize("name", CALLS)
async def test_only_those_who_may_change_the_organizations_data(portal: Portal, name: str) -> None:
    """K40: the administration may; the others get a PermissionError; elsewhere there is no such organization."""
    administrator, helios = await at_helios(portal)
    entry = await saved(administrator, helios)
    query, template = CALLS[name]
    ids = {"HELIOS": helios, "ENTRY": entry["id"]}
    given = {key: ids.get(value, value) if isinstance(value, str) else value for key, value in template.items()}
    unknown = {key: value[:-6] + "zzzzzz" if value in ids.values() else value for key, value in given.items()}
    without = await portal.person(MAY_NOT[name])
    elsewhere = await portal.person(LUMEN)
    suspended = await portal.person("suspended@helios.example")
    before = await organization(portal)

    stranger = await portal.anybody().asks(query, input=given)
    refused = await without.asks(query, input=given)
    held_up = await suspended.asks(query, input=given)
    foreign, nothing = await elsewhere.asks(query, input=given), await elsewhere.asks(query, input=unknown)

    assert (stranger.data, stranger.codes) == ({name: None}, {name: "UNAUTHENTICATED"})
    for answer in (refused, held_up):
        assert [error["__typename"] for error in answer.at(f"{name}.errors")] == ["PermissionError"]
    assert foreign.body == nothing.body
    (error,) = foreign.at(f"{name}.errors")
    assert (error["__typename"], error["code"]) == ("NotFoundError", "NOT_FOUND")
    assert await organization(portal) == before
    assert await portal.queued_mails() == []
    done = await administrator.asks(query, input=given)
    assert (done.errors, done.at(f"{name}.errors")) == ([], [])


async def test_of_a_blocked_organization_nothing_is_changed(portal: Portal) -> None:
    person = await portal.person("administration@nordlicht.example")
    blocked = await portal.organization_of("administration@nordlicht.example")

    answer = await person.asks(UPDATE, input={"id": blocked, "expectedVersion": 1, "phone": "+493012345678"})

    (error,) = answer.at("updateOrganization.errors")
    assert (error["code"], error["reason"]) == ("FORBIDDEN", "ORGANIZATION_NOT_ACTIVE")


async def test_who_buys_keeps_the_address_book_and_each_default_is_one_entry(each_portal: Portal) -> None:
    person, helios = await at_helios(each_portal, PURCHASE)
    first = await saved(person, helios, defaultBilling=True, defaultShipping=True)
    second = await saved(
        person,
        helios,
        address=ADDRESS | {"city": "Basel", "postalCode": "4051", "countryCode": "CH"},
        defaultShipping=True,
    )

    assert await book_of(each_portal) == [("Freiburg", True, False), ("Basel", False, True)]
    changed = await saved(person, helios, entryId=first["id"], address=ADDRESS | {"city": "Colmar"})
    assert changed == first | {
        "address": first["address"] | {"city": "Colmar"}, "isDefaultBilling": True, "isDefaultShipping": False,
    }  # fmt: skip
    assert await book_of(each_portal) == [("Colmar", True, False), ("Basel", False, True)]
    await saved(person, helios, entryId=first["id"], address=ADDRESS, defaultBilling=False)
    deleted = await person.asks(DELETE, input={"id": second["id"]})
    assert deleted.at("deleteAddress") == {"organization": {"addressBook": [{"id": first["id"]}]}, "errors": []}
    assert await book_of(each_portal) == [("Freiburg", False, False)]
    gone = await person.asks(DELETE, input={"id": second["id"]})
    assert gone.at("deleteAddress.errors") == [{"__typename": "NotFoundError", "code": "NOT_FOUND", "path": ["id"]}]
    rows = await each_portal.audit("address.add", "address.change", "address.remove")
    assert [(row.action, row.subject_id, json.loads(row.after)) for row in rows] == [
        (
            "address.add",
            first["id"],
            {"address": "***", "is_default_billing": "true", "is_default_shipping": "true"},
        ),
        ("address.change", first["id"], {"is_default_shipping": "false"}),
        (
            "address.add",
            second["id"],
            {"address": "***", "is_default_billing": "false", "is_default_shipping": "true"},
        ),
        ("address.change", first["id"], {"address": "***"}),
        ("address.change", first["id"], {"address": "***", "is_default_billing": "false"}),
        ("address.remove", second["id"], {}),
    ]


async def test_many_who_want_the_default_at_once_leave_one(each_portal: Portal) -> None:
    person, helios = await at_helios(each_portal, PURCHASE)

    await asyncio.gather(*(saved(person, helios, defaultBilling=True, defaultShipping=True) for _ in range(12)))

    book = await book_of(each_portal)
    assert [len(book), *(sum(entry[index] for entry in book) for index in (1, 2))] == [12, 1, 1]


async def test_an_address_saved_again_with_its_key_is_saved_once(each_portal: Portal) -> None:
    person, helios = await at_helios(each_portal, PURCHASE)

    entries = await asyncio.gather(*(saved(person, helios, idempotencyKey="k1") for _ in range(4)))
    other = await person.asks(
        SAVE, input={"organizationId": helios, "address": ADDRESS | {"city": "Ulm"}, "idempotencyKey": "k1"}
    )

    assert len({entry["id"] for entry in entries}) == 1
    assert len(await book_of(each_portal)) == 1
    (error,) = other.at("saveAddress.errors")
    assert (error["code"], error["path"]) == ("IDEMPOTENCY_KEY_REUSED", ["idempotencyKey"])


async def test_a_book_holds_two_hundred_entries(portal: Portal) -> None:
    person, helios = await at_helios(portal, PURCHASE)
    for _ in range(200):
        await saved(person, helios)

    full = await person.asks(SAVE, input={"organizationId": helios, "address": ADDRESS})
    entry = (await person.asks(READ, id=helios)).at("organization.addressBook.0.id")
    changed = await person.asks(SAVE, input={"organizationId": helios, "entryId": entry, "address": ADDRESS})

    (error,) = full.at("saveAddress.errors")
    assert (error["__typename"], error["code"]) == ("ConflictError", "CONFLICT")
    assert error["message"] == "The address book is full: it holds at most 200 entries. Delete one first."
    assert changed.at("saveAddress.errors") == []
    assert len(await book_of(portal)) == 200


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"address": ADDRESS | {"countryCode": "XX"}}, ["address", "countryCode"]),
        ({"address": ADDRESS | {"street": []}}, ["address", "street"]),
        ({"address": ADDRESS | {"city": " "}}, ["address", "city"]),
        ({"address": ADDRESS | {"company": "x" * 10_000}}, ["address", "company"]),
        ({"entryId": "adr_00000000000000000000000000"}, ["entryId"]),
        ({"entryId": "LUMENS"}, ["entryId"]),
        ({"entryId": ""}, ["entryId"]),
        ({"idempotencyKey": ""}, ["idempotencyKey"]),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_an_entry_that_cannot_be_is_refused_by_its_path(
    portal: Portal, wrong: dict[str, Any], path: list[str]
) -> None:
    other, lumen = await portal.person(LUMEN), await portal.organization_of(LUMEN)
    of_lumen = await saved(other, lumen)
    person, helios = await at_helios(portal, PURCHASE)
    given = {key: of_lumen["id"] if value == "LUMENS" else value for key, value in wrong.items()}

    answer = await person.asks(SAVE, input={"organizationId": helios, "address": ADDRESS} | given)

    (error,) = answer.at("saveAddress.errors")
    assert (answer.at("saveAddress.entry"), error["path"]) == (None, path)
    assert await book_of(portal) == []
    assert (await other.asks(READ, id=lumen)).at("organization.addressBook") == [{"id": of_lumen["id"]}]
    assert len(await portal.audit("address.add", "address.change")) == 1


async def test_an_entry_is_a_node_for_those_who_use_the_book(portal: Portal) -> None:
    buyer, helios = await at_helios(portal, PURCHASE)
    entry = await saved(buyer, helios)
    seen = {}
    for name in (PURCHASE, ADMINISTRATION, PLANNING, LUMEN):
        answer = await (await portal.person(name)).asks("query Q($id: ID!) { node(id: $id) { id } }", id=entry["id"])
        seen[name] = answer.at("node")

    assert seen == {PURCHASE: {"id": entry["id"]}, ADMINISTRATION: {"id": entry["id"]}, PLANNING: None, LUMEN: None}
