"""Which ids stand for organizations and people in other back ends: what is mapped, else by rule, on both databases."""

from collections.abc import Mapping

import pytest
from sqlalchemy import text

from connectors.database.migrations import upgrade
from connectors.database.sql_errors import ChangeConflict
from connectors.directory.directory import Directory
from connectors.directory.external_ids import MappedIds
from connectors.directory.migrations import MIGRATIONS
from connectors.directory.records.data import DirectoryData
from connectors.directory.records.external_ids import ExternalIdRecord
from connectors.external_ids import ExternalIds
from connectors.ids import OrganizationId, UserId
from tests.directory.conftest import statements
from tests.directory.people import ANNA, BERND, HELIOS, LUMEN, NOW, organization, user

FIRST, SECOND, NUMBERLESS = (OrganizationId(f"org_{name}") for name in ("first", "second", "numberless"))
ORGANIZATIONS = (
    organization(FIRST, "First", customer_number="K-1"),
    organization(SECOND, "Second", customer_number="K-2"),
    organization(NUMBERLESS, "Numberless"),
)
JO, KIM = user("jo", "Jo", "Jost", email="Jo@First.example"), user("kim", "Kim", "Klein", email="kim@first.example")
UNCONFIRMED = user("new", "Ney", "Neu", email="new@first.example", email_verified=False)


@pytest.fixture
async def ids(directory: Directory) -> ExternalIds:
    """What the directory answers connectors, with more organizations and people in it."""
    await directory.load(DirectoryData((JO, KIM, UNCONFIRMED), (), ORGANIZATIONS, (), (), ()))
    return MappedIds(directory._engine)


async def maps(directory: Directory, backend: str, mapped: Mapping[str, str]) -> None:
    """Map ids to organizations and people."""
    records = [ExternalIdRecord(backend, owner, id) for owner, id in mapped.items()]  # type: ignore[arg-type]
    async with directory.change() as change:
        await change.map_external_ids([], records)


async def test_without_a_mapping_organizations_go_by_customer_number_and_people_by_address(ids: ExternalIds) -> None:
    assert await ids.of_organizations("shop", [SECOND, NUMBERLESS, FIRST, OrganizationId("org_x"), SECOND]) == [
        "K-2", None, "K-1", None, "K-2",
    ]  # fmt: skip
    assert await ids.organizations("shop", ["K-1", "x", "K-2", ""]) == [FIRST, None, SECOND, None]
    assert await ids.of_people("shop", [JO.id, UNCONFIRMED.id, UserId("usr_x")]) == ["jo@first.example", None, None]
    assert await ids.people("shop", ["JO@first.EXAMPLE", "new@first.example", UNCONFIRMED.id]) == [JO.id, None, None]


async def test_a_mapping_counts_before_the_rule_and_in_its_back_end_alone(
    directory: Directory, ids: ExternalIds
) -> None:
    await maps(directory, "shop", {FIRST: "4711", JO.id: "c-12", NUMBERLESS: "4712"})

    assert await ids.of_organizations("shop", [FIRST, SECOND, NUMBERLESS]) == ["4711", "K-2", "4712"]
    assert await ids.of_organizations("plants", [FIRST, SECOND, NUMBERLESS]) == ["K-1", "K-2", None]
    assert await ids.organizations("shop", ["4711", "K-1", "4712"]) == [FIRST, None, NUMBERLESS]
    assert await ids.organizations("plants", ["4711", "K-1"]) == [None, FIRST]
    assert await ids.of_people("shop", [JO.id, KIM.id]) == ["c-12", "kim@first.example"]
    assert await ids.people("shop", ["c-12", "jo@first.example", "4711"]) == [JO.id, None, None]


async def test_an_id_never_stands_for_two(directory: Directory, ids: ExternalIds) -> None:
    """The second organization's number, and Kim's address, are mapped to others, however they are spelled."""
    await maps(directory, "shop", {FIRST: "K-2", JO.id: "Kim@First.example"})

    assert await ids.of_organizations("shop", [FIRST, SECOND]) == ["K-2", None]
    assert await ids.organizations("shop", ["K-1", "K-2"]) == [None, FIRST]
    assert await ids.of_people("shop", [JO.id, KIM.id]) == ["kim@first.example", None]
    assert await ids.people("shop", ["KIM@first.example", "jo@first.example"]) == [JO.id, None]
    assert await directory.unmapped_organizations("shop", limit=9) == sorted(
        [SECOND, NUMBERLESS, *await _numberless_of_others(directory)]
    )
    for taken in ({SECOND: "K-2"}, {KIM.id: "kim@first.example"}):
        with pytest.raises(ChangeConflict):
            await maps(directory, "shop", taken)


async def _numberless_of_others(directory: Directory) -> list[OrganizationId]:
    """The organizations of `people` without a customer number."""
    records = await directory.organizations([HELIOS, LUMEN, OrganizationId("org_aeolus"), OrganizationId("org_closed")])
    return [one.id for one in records if one is not None and one.customer_number is None]


async def test_mapped_ids_can_be_exchanged(directory: Directory, ids: ExternalIds) -> None:
    await maps(directory, "shop", {FIRST: "1", SECOND: "2"})
    before = await directory.external_ids([FIRST, SECOND])

    async with directory.change() as change:
        await change.map_external_ids(
            before, [ExternalIdRecord("shop", FIRST, "2"), ExternalIdRecord("shop", SECOND, "1")]
        )

    assert await ids.of_organizations("shop", [FIRST, SECOND]) == ["2", "1"]
    assert await directory.external_id_holders("shop", ["1", "2", "3"], of_people=False) == [SECOND, FIRST, None]


async def test_any_number_costs_one_statement_and_nobody_none(directory: Directory, ids: ExternalIds) -> None:
    directory._engine.direct = None
    with statements(directory._engine) as sent:
        assert await ids.of_organizations("shop", []) == []
        assert await ids.people("shop", []) == []
        assert sent == []
        await ids.of_organizations("shop", [FIRST] * 500)
        await ids.organizations("shop", [str(number) for number in range(500)])

    assert len([one for one in sent if not one.startswith("BEGIN")]) == 2


async def test_a_persons_ids_are_part_of_their_copy_and_erased_with_them(
    directory: Directory, ids: ExternalIds
) -> None:
    await maps(directory, "shop", {ANNA.id: "c-1", BERND.id: "c-2"})

    kept = await directory.kept_of(ANNA.id)
    async with directory.change() as change:
        await change.forget_person(ANNA.id, NOW)

    assert kept["external_ids"] == [{"backend": "shop", "external_id": "c-1"}]
    assert await directory.external_ids([ANNA.id, BERND.id]) == [ExternalIdRecord("shop", BERND.id, "c-2")]
    assert await ids.of_people("shop", [ANNA.id, BERND.id]) == [None, "c-2"]
    assert await ids.people("shop", ["c-1", ANNA.email]) == [None, None]


async def test_a_filled_database_is_upgraded_and_the_rule_counts(directory: Directory) -> None:
    engine = directory._engine
    async with engine.begin() as connection:
        for table in ("organization_external_ids", "user_external_ids"):
            await connection.execute(text(f"DROP TABLE {table}"))
        await connection.execute(text(f"UPDATE {MIGRATIONS.version_table} SET version_num = '0019'"))

    async with engine.begin() as connection:
        await connection.run_sync(upgrade, MIGRATIONS, "0020")

    ids = MappedIds(engine)
    assert await ids.of_people("shop", [ANNA.id]) == [ANNA.email]
    assert await directory.external_ids() == []
