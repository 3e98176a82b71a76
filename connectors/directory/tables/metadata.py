"""What all the directory's tables belong to."""

from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, Table

from connectors.database.columns import new_metadata

METADATA = new_metadata()


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    """Return the constraint that the column holds one of the enum's values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def while_pending(name: str, table: Table, *columns: str, unique: bool = True) -> Index:
    """Return the index of what waits for a decision, which waits once only for the same values of the columns."""
    is_pending = table.c.status == "PENDING"
    return Index(
        name, *(table.c[column] for column in columns), unique=unique, sqlite_where=is_pending,
        postgresql_where=is_pending,
    )  # fmt: skip
