"""Columns that are made of others, as the code makes them today: to be filled again whenever it makes them otherwise.

A migration that changes one of the functions in `connectors.directory.keys` calls `fill`; the tables are as of 0005.
"""

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from connectors.directory import keys

_USERS = sa.table(
    "users",
    *(
        sa.column(name)
        for name in (
            "id", "email", "email_verified", "first_name", "last_name",
            "email_key", "last_name_key", "first_name_key", "search_text", "email_domain",
        )
    ),
)  # fmt: skip
_ORGANIZATIONS = sa.table(
    "organizations", *(sa.column(name) for name in ("id", "name", "vat_id", "name_key", "vat_key", "likeness_key"))
)
_AT_ONCE = 1_000


def fill(connection: sa.Connection) -> None:
    """Fill what is made of names, addresses and numbers, in every row where it is otherwise."""
    _fill(connection, _USERS, keys.user_keys)
    _fill(connection, _ORGANIZATIONS, keys.organization_keys)


def _fill(
    connection: sa.Connection, table: sa.TableClause, derive: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> None:
    last = ""
    while rows := list(_next(connection, table, last)):
        derived = [(row, derive(row)) for row in rows]
        changed = [
            {"of_id": row["id"]} | {f"new_{name}": value for name, value in made.items()}
            for row, made in derived
            if any(row[name] != value for name, value in made.items())
        ]
        if changed:  # all at once: a statement for each takes minutes, and nobody reads the table meanwhile
            made_of_others: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in derived[0][1]}
            connection.execute(
                sa.update(table).where(table.c.id == sa.bindparam("of_id")).values(made_of_others), changed
            )
        last = rows[-1]["id"]


def _next(connection: sa.Connection, table: sa.TableClause, last: str) -> list[Mapping[str, Any]]:
    found = connection.execute(sa.select(table).where(table.c.id > last).order_by(table.c.id).limit(_AT_ONCE))
    return [dict(row) for row in found.mappings()]
