"""Which id stands for an organization or a person in another back end: what was mapped, else the rule.

The rule is decided here and nowhere else: an organization is known by its customer number, a person by their confirmed
e-mail address. An id that is mapped to somebody never stands by the rule for somebody else.
"""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import (
    Column,
    ColumnElement,
    CompoundSelect,
    Delete,
    Select,
    Table,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    select,
    union_all,
)

from connectors.database.columns import IdText
from connectors.database.dialects import one_of
from connectors.database.reader import Row, parallel
from connectors.directory.reader import DirectoryReader
from connectors.directory.records.external_ids import ExternalIdRecord
from connectors.directory.records.people import UserRecord
from connectors.directory.rows import USERS
from connectors.directory.tables import organization_external_ids, organizations, user_external_ids, users
from connectors.directory.transaction import Transaction
from connectors.ids import OrganizationId, UserId
from connectors.values import login_key

Owner = OrganizationId | UserId

_BACKEND = bindparam("backend", type_=IdText)
_LOCK_USERS = (
    USERS.select.where(one_of(users.c.id, "ids")).order_by(users.c.id).with_for_update(key_share=True)
)  # in one order, so that two who lock some of the same never wait for each other


class _Mapping:
    """The statements about one kind of owner: `rule` is by what the owners are known where nothing is mapped."""

    def __init__(self, table: Table, owner: Column[Any], owners: Table, rule: ColumnElement[Any], *when: Any) -> None:
        self.owner = owner
        self.table = table
        mapped, other = table.c, table.alias()
        is_own = and_(mapped.backend == _BACKEND, owner == owners.c.id)
        is_taken = select(literal_column("1")).where(other.c.backend == _BACKEND, other.c.external_id == rule).exists()
        by_rule = case((and_(~is_taken, *when), rule))
        self.of: Select[Any] = (
            select(owners.c.id, func.coalesce(mapped.external_id, by_rule))
            .select_from(owners.outerjoin(table, is_own))
            .where(one_of(owners.c.id, "ids"))
        )
        self.holders: Select[Any] = select(mapped.external_id, owner).where(
            mapped.backend == _BACKEND, one_of(mapped.external_id, "ids")
        )
        has_own = select(literal_column("1")).select_from(table).where(is_own).correlate(owners).exists()
        self.known: CompoundSelect[Any] = union_all(
            self.holders, select(rule, owners.c.id).where(one_of(rule, "ids"), *when, ~has_own, ~is_taken)
        )
        self.unmapped: Select[Any] = (
            select(owners.c.id).where(~has_own, by_rule.is_(None)).order_by(owners.c.id).limit(bindparam("most"))
        )
        columns: list[ColumnElement[Any]] = [mapped.backend, owner, mapped.external_id]
        self.all: Select[Any] = select(*columns).order_by(mapped.backend, owner)
        self.of_owners: Select[Any] = self.all.where(one_of(owner, "ids"))
        self.remove: Delete = delete(table).where(
            mapped.backend == bindparam("of_backend"), owner == bindparam("of_owner")
        )


_ORGANIZATIONS = _Mapping(
    organization_external_ids,
    organization_external_ids.c.organization_id,
    organizations,
    organizations.c.customer_number,
)
_PEOPLE = _Mapping(user_external_ids, user_external_ids.c.user_id, users, users.c.email_key, users.c.email_verified)


def external_key(owner_id: str, external_id: str) -> str:
    """Return an id of another back end as it is kept and compared: a person's e-mail address as login names are."""
    return login_key(external_id) if owner_id.startswith("usr_") and "@" in external_id else external_id


class MappedIds(DirectoryReader):
    """The external ids that the directory keeps; see `connectors.external_ids.ExternalIds`."""

    async def of_organizations(self, backend: str, ids: Sequence[OrganizationId]) -> Sequence[str | None]:
        """Return the id of each organization in the back end."""
        return parallel(ids, _found(await self.read_of(ids, _ORGANIZATIONS.of, backend=backend)))

    async def of_people(self, backend: str, ids: Sequence[UserId]) -> Sequence[str | None]:
        """Return the id of each person in the back end."""
        return parallel(ids, _found(await self.read_of(ids, _PEOPLE.of, backend=backend)))

    async def organizations(self, backend: str, external_ids: Sequence[str]) -> Sequence[OrganizationId | None]:
        """Return for which organization each id of the back end stands."""
        return parallel(external_ids, _found(await self.read_of(external_ids, _ORGANIZATIONS.known, backend=backend)))

    async def people(self, backend: str, external_ids: Sequence[str]) -> Sequence[UserId | None]:
        """Return for which person each id of the back end stands."""
        keys = [external_key("usr_", external_id) for external_id in external_ids]
        return parallel(keys, _found(await self.read_of(keys, _PEOPLE.known, backend=backend)))


class ExternalIdQueries(DirectoryReader):
    """Queries about what was mapped."""

    async def external_ids(self, owner_ids: Sequence[Owner] | None = None) -> Sequence[ExternalIdRecord]:
        """Return what was mapped, None for all of it, by organizations and people, then back ends; two statements."""
        found: list[ExternalIdRecord] = []
        for mapping in (_ORGANIZATIONS, _PEOPLE):
            rows = (
                await self.read(mapping.all) if owner_ids is None else await self.read_of(owner_ids, mapping.of_owners)
            )
            found += [ExternalIdRecord(*row) for row in rows]
        return found

    async def external_id_holders(
        self, backend: str, external_ids: Sequence[str], *, of_people: bool
    ) -> Sequence[Owner | None]:
        """Return to which organization or person each id is mapped, by `external_key`; the rule does not count."""
        mapping = _PEOPLE if of_people else _ORGANIZATIONS
        return parallel(external_ids, _found(await self.read_of(external_ids, mapping.holders, backend=backend)))

    async def unmapped_organizations(self, backend: str, *, limit: int) -> Sequence[OrganizationId]:
        """Return the organizations for which no id of the back end stands, neither mapped nor by the rule."""
        return [id for (id,) in await self.read(_ORGANIZATIONS.unmapped, backend=backend, most=limit)]


class ExternalIdChanges(Transaction):
    """Changes of what is mapped."""

    async def lock_users(self, ids: Sequence[UserId]) -> Sequence[UserRecord | None]:
        """Keep others from changing these people until the end; None for an unknown one. After any organization."""
        found = USERS.records((await self._execute(_LOCK_USERS, {"ids": ids})).all()) if ids else []
        return parallel(ids, {user.id: user for user in found})

    async def map_external_ids(self, before: Sequence[ExternalIdRecord], after: Sequence[ExternalIdRecord]) -> None:
        """Remove mappings and store new ones, so that ids may be exchanged; lock the people first.

        An id that stands for somebody else already is a ChangeConflict.
        """
        for mapping, owners in ((_ORGANIZATIONS, "org_"), (_PEOPLE, "usr_")):
            old = [one for one in before if one.owner_id.startswith(owners)]
            new = [one for one in after if one.owner_id.startswith(owners)]
            if old:
                await self._execute(
                    mapping.remove, [{"of_backend": one.backend, "of_owner": one.owner_id} for one in old]
                )
            if new:
                await self._execute(
                    insert(mapping.table),
                    [
                        {
                            "backend": one.backend,
                            mapping.owner.name: one.owner_id,
                            "external_id": external_key(one.owner_id, one.external_id),
                        }
                        for one in new
                    ],
                )


def _found(rows: Sequence[Row]) -> dict[str, Any]:
    return dict(cast("Sequence[tuple[str, Any]]", rows))
