"""What all the directory's tables belong to."""

from enum import StrEnum

from sqlalchemy import CheckConstraint

from connectors.database.columns import new_metadata

METADATA = new_metadata()


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    """Return the constraint that the column holds one of the enum's values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)
