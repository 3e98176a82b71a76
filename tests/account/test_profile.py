"""One's own data: changed as a whole or not at all, never over somebody else's change (K12, D9, D11, D12)."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from connectors.directory.tables import audit_events
from tests.portal import Answer, Person, Portal

UPDATE = """
mutation Update($input: UpdateProfileInput!) {
  updateProfile(input: $input) {
    viewer {
      profileVersion
      user { displayName firstName lastName phone locale }
      address { name company street postalCode city region countryCode phone }
    }
    errors {
      __typename code message path
      ... on ConflictError { currentVersion }
      ... on ValidationError { constraint }
    }
  }
}
"""

READ = """
{
  viewer {
    profileVersion
    user { displayName firstName lastName phone locale }
    address { name company street postalCode city region countryCode phone }
  }
}
"""

ADDRESS = {"street": ["Günterstalstraße 41"], "postalCode": "79100", "city": "Freiburg", "countryCode": "DE"}

WRONG: list[tuple[dict[str, Any], list[tuple[list[str], str]]]] = [
    ({"firstName": ""}, [(["firstName"], "length 1..100")]),
    ({"firstName": " \t "}, [(["firstName"], "length 1..100")]),
    ({"firstName": None}, [(["firstName"], "length 1..100")]),
    ({"lastName": "x" * 101}, [(["lastName"], "length 1..100")]),
    ({"lastName": "x" * 10_000}, [(["lastName"], "length 1..100")]),
    ({"firstName": "a\nb"}, [(["firstName"], "printable")]),
    ({"firstName": "a\u0000b"}, [(["firstName"], "printable")]),
    ({"firstName": "a\u007fb"}, [(["firstName"], "printable")]),
    ({"firstName": "a\u0085b"}, [(["firstName"], "printable")]),
    ({"firstName": "a\u2028b"}, [(["firstName"], "printable")]),
    ({"locale": "zz"}, [(["locale"], "BCP 47")]),
    ({"locale": "de-QQ-QQ"}, [(["locale"], "BCP 47")]),
    ({"address": ADDRESS | {"countryCode": "XX"}}, [(["address", "countryCode"], "ISO 3166-1 alpha-2")]),
    ({"address": ADDRESS | {"countryCode": "Germany"}}, [(["address", "countryCode"], "ISO 3166-1 alpha-2")]),
    ({"address": ADDRESS | {"street": []}}, [(["address", "street"], "lines 1..4")]),
    ({"address": ADDRESS | {"street": ["x"] * 5}}, [(["address", "street"], "lines 1..4")]),
    ({"address": ADDRESS | {"street": ["", " "]}}, [(["address", "street"], "lines 1..4")]),
    ({"address": ADDRESS | {"street": ["a", "x" * 201]}}, [(["address", "street", "1"], "length 1..200")]),
    ({"address": ADDRESS | {"postalCode": "1234"}}, [(["address", "postalCode"], "postal code of DE")]),
    ({"phone": "nonsense"}, [(["phone"], "telephone number")]),
    ({"phone": "+0761123456"}, [(["phone"], "telephone number")]),
    ({"phone": "+4" * 20}, [(["phone"], "telephone number")]),
    ({"address": ADDRESS | {"phone": "call me"}}, [(["address", "phone"], "telephone number")]),
    ({"locale": "../../etc"}, [(["locale"], "BCP 47")]),
    ({"locale": ""}, [(["locale"], "BCP 47")]),
    (
        {"address": {"street": [], "city": " ", "countryCode": "Germany", "phone": "x", "name": "a\u202eb"}},
        [
            (["address", "countryCode"], "ISO 3166-1 alpha-2"),
            (["address", "street"], "lines 1..4"),
            (["address", "city"], "length 1..200"),
            (["address", "name"], "printable"),
            (["address", "phone"], "telephone number"),
        ],
    ),
    ({"address": ADDRESS | {"city": "x" * 201}}, [(["address", "city"], "length 1..200")]),
    ({"address": ADDRESS | {"postalCode": "1" * 21}}, [(["address", "postalCode"], "length 1..20")]),
    (
        {"firstName": "", "lastName": "x" * 101, "locale": "zz", "address": ADDRESS | {"countryCode": "XX"}},
        [
            (["firstName"], "length 1..100"),
            (["lastName"], "length 1..100"),
            (["address", "countryCode"], "ISO 3166-1 alpha-2"),
            (["locale"], "BCP 47"),
        ],
    ),
]


async def profile_of(person: Person) -> Any:
    """What the person sees of themself."""
    return (await person.asks(READ)).at("viewer")


async def changes_of(portal: Portal) -> list[Any]:
    """The rows of the audit log about profiles."""
    async with portal.wiring.backends.directory._engine.connect() as connection:  # type: ignore[attr-defined]
        return list(await connection.execute(select(audit_events).where(audit_events.c.action == "profile.update")))


async def test_a_profile_comes_back_as_it_was_sent_trimmed(each_portal: Portal) -> None:
    """D9, D11, D12."""
    person = await each_portal.person("purchase@helios.example")

    answer = await person.asks(
        UPDATE,
        input={
            "expectedVersion": 1,
            "firstName": "  Jörg-Åsmund ",
            "lastName": "Weiß-Łukasiewicz",
            "phone": "+41446681800",
            "locale": "fr-CH",
            "address": {
                "name": "J. Weiß", "company": "Helios", "street": ["Hof 2", " Hinterhaus "], "postalCode": "8005",
                "city": "Zürich", "region": "ZH", "countryCode": "ch", "phone": "+41446681801",
            },
        },
    )  # fmt: skip

    assert answer.at("updateProfile.errors") == []
    assert answer.at("updateProfile.viewer") == {
        "profileVersion": 2,
        "user": {
            "displayName": "Jörg-Åsmund Weiß-Łukasiewicz",
            "firstName": "Jörg-Åsmund",
            "lastName": "Weiß-Łukasiewicz",
            "phone": "+41446681800",
            "locale": "fr-CH",
        },
        "address": {
            "name": "J. Weiß", "company": "Helios", "street": ["Hof 2", "Hinterhaus"], "postalCode": "8005",
            "city": "Zürich", "region": "ZH", "countryCode": "CH", "phone": "+41446681801",
        },
    }  # fmt: skip
    assert await profile_of(person) == answer.at("updateProfile.viewer")


async def test_the_portal_speaks_the_language_that_was_just_chosen(portal: Portal) -> None:
    person = replace(await portal.person("purchase@helios.example"), language="")

    answer = await person.asks(
        'mutation { updateProfile(input: { expectedVersion: 1, locale: "fr" }) '
        "{ viewer { memberships { nodes { roleGrants { role { label } } } } } } }"
    )

    assert answer.at("updateProfile.viewer.memberships.nodes.0.roleGrants.0.role.label") == "Achat"


async def test_the_second_of_two_writers_learns_the_version_and_changes_nothing(each_portal: Portal) -> None:
    """K12."""
    person = await each_portal.person("purchase@helios.example")
    await person.asks(UPDATE, input={"expectedVersion": 1, "firstName": "First"})

    answer = await person.asks(UPDATE, input={"expectedVersion": 1, "firstName": "Second"})

    (error,) = answer.at("updateProfile.errors")
    assert answer.errors == []
    assert answer.at("updateProfile.viewer") is None
    assert error.pop("message").startswith("Somebody has changed this in the meantime; it is now at version 2.")
    assert error == {
        "__typename": "ConflictError", "code": "STALE_VERSION", "path": ["expectedVersion"], "currentVersion": 2,
    }  # fmt: skip
    assert (await profile_of(person))["user"]["firstName"] == "First"
    assert len(await changes_of(each_portal)) == 1


async def test_a_change_is_on_record_with_what_changed_and_no_personal_value(portal: Portal) -> None:
    """K12."""
    person = await portal.person("purchase@helios.example")
    me = (await person.asks("{ viewer { user { id } } }")).at("viewer.user.id")

    await person.asks(UPDATE, input={"expectedVersion": 1, "firstName": "Georg", "address": None})

    (row,) = await changes_of(portal)
    assert (row.actor_id, row.subject_id, row.organization_id) == (me, me, None)
    assert row.occurred_at == portal.clock.now
    assert json.loads(row.before) == {"first_name": "***", "address": "***"}
    assert json.loads(row.after) == {"first_name": "***", "address": None}


@pytest.mark.parametrize(("wrong", "problems"), WRONG, ids=lambda value: str(value)[:40])
async def test_a_value_that_is_not_allowed_is_named_by_its_path_and_changes_nothing(
    solar: Portal, wrong: dict[str, Any], problems: list[tuple[list[str], str]]
) -> None:
    person = await solar.person("purchase@helios.example")
    before = await profile_of(person)

    answer = await person.asks(UPDATE, input={"expectedVersion": 1, "phone": "+493012345678"} | wrong)

    errors = answer.at("updateProfile.errors")
    assert answer.errors == []
    assert answer.at("updateProfile.viewer") is None
    assert [(error["path"], error["constraint"]) for error in errors] == problems
    assert {(error["__typename"], error["code"]) for error in errors} == {("ValidationError", "INVALID_INPUT")}
    assert await profile_of(person) == before


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"phone": 49761123456}, "at .phone"),
        ({"locale": ["de"]}, "at .locale"),
        ({"expectedVersion": None}, "at .expectedVersion"),
        ({"expectedVersion": "1"}, "at .expectedVersion"),
        ({"name": "Nobody"}, "not to include unknown field"),
        ({"organizationName": "Mine AG"}, "not to include unknown field"),  # D15: organization data are not one's own
    ],
    ids=str,
)
async def test_a_value_that_is_no_value_of_its_type_is_refused_before_anything_happens(
    solar: Portal, wrong: dict[str, Any], path: str
) -> None:
    person = await solar.person("purchase@helios.example")

    with solar.statements() as statements:
        answer = await person.asks(UPDATE, input={"expectedVersion": 1} | wrong)

    assert answer.status == 400
    assert answer.codes == {"": "BAD_USER_INPUT"}
    assert path in answer.errors[0]["message"]
    assert not [statement for statement in statements if not statement.startswith("SELECT")]


async def test_a_profile_is_understood_as_people_write_it(portal: Portal) -> None:
    """D12."""
    person = await portal.person("purchase@helios.example")
    address = ADDRESS | {
        "postalCode": "D-79100",
        "street": ["Hof\u00a02", ""],
        "countryCode": " de ",
        "phone": "0761 1234",
    }

    answer = await person.asks(
        UPDATE,
        input={
            "expectedVersion": 1, "firstName": "\u200bJo\u0308rg  A.", "phone": "(0761) 12 34-56", "locale": "fr_ch",
            "address": address,
        },
    )  # fmt: skip

    assert answer.at("updateProfile.errors") == []
    viewer = await profile_of(person)
    user, kept = viewer["user"], viewer["address"]
    assert (user["firstName"], user["phone"], user["locale"]) == ("Jörg A.", "+49761123456", "fr-CH")
    assert (kept["postalCode"], kept["street"], kept["countryCode"]) == ("79100", ["Hof 2"], "DE")
    assert kept["phone"] == "+497611234"


async def test_what_is_left_out_stays_and_null_takes_away(portal: Portal) -> None:
    person = await portal.person("purchase@helios.example")
    await person.asks(
        UPDATE, input={"expectedVersion": 1, "phone": "+493012345678", "locale": "de", "address": ADDRESS}
    )

    answer = await person.asks(UPDATE, input={"expectedVersion": 2, "phone": None})

    viewer = answer.at("updateProfile.viewer")
    assert viewer["profileVersion"] == 3
    assert (viewer["user"]["phone"], viewer["user"]["locale"]) == (None, "de")
    assert viewer["address"]["city"] == "Freiburg"
    assert viewer["user"]["displayName"] == "Jörg Weiß"


async def test_of_two_changes_at_the_same_time_exactly_one_is_made(each_portal: Portal) -> None:
    person = await each_portal.person("purchase@helios.example")

    answers: list[Answer] = await asyncio.gather(
        *(person.asks(UPDATE, input={"expectedVersion": 1, "firstName": f"Writer {path}"}) for path in range(5))
    )

    made = [answer for answer in answers if answer.at("updateProfile.errors") == []]
    refused = [answer.at("updateProfile.errors.0.code") for answer in answers if answer not in made]
    assert len(made) == 1
    assert refused == ["STALE_VERSION"] * 4
    assert await profile_of(person) == made[0].at("updateProfile.viewer")


async def test_nobody_changes_a_profile_without_being_signed_in(solar: Portal) -> None:
    with solar.statements() as statements:
        answer = await solar.anybody().asks(UPDATE, input={"expectedVersion": 1, "firstName": "Nobody"})

    assert (answer.status, answer.data) == (200, {"updateProfile": None})
    assert answer.codes == {"updateProfile": "UNAUTHENTICATED"}
    assert statements == []
