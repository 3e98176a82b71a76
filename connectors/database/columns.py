"""The column types that our tables are made of, alike on both databases."""

import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Computed, DateTime, Dialect, MetaData, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import DDLCompiler
from sqlalchemy.types import TypeDecorator, TypeEngine

_REFUSED = re.compile("[\x00\ud800-\udfff]")

_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def new_metadata() -> MetaData:
    """Return metadata whose constraints have predictable names, as migrations need."""
    return MetaData(naming_convention=_NAMING)


class CleanText(TypeDecorator[str]):
    """Text that every database can keep and look for: NUL and lone surrogates, refused by PostgreSQL, become U+FFFD."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Replace what cannot be stored, so that a strange id is unknown rather than an error."""
        return value if value is None else clean_text(value)


class BytewiseText(CleanText):
    """Text compared byte by byte on every database, so that keyset pages come out alike."""

    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return PostgreSQL's text in its C collation; SQLite compares bytes anyway."""
        return dialect.type_descriptor(Text(collation="C") if dialect.name == "postgresql" else Text())


IdText = BytewiseText()


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant in UTC; SQLite keeps it as text without an offset."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store in UTC; refuses a naive datetime."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; use an aware datetime.")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return an aware datetime in UTC."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class MadeOf(Computed):
    """What a column is made of, by the database itself, so that an index has it: kept on PostgreSQL, not on SQLite."""

    inherit_cache = True


@compiles(MadeOf, "postgresql")
def _made_of_on_postgresql(made_of: MadeOf, _compiler: DDLCompiler, **_options: Any) -> str:
    return f"GENERATED ALWAYS AS ({made_of.sqltext}) STORED"


@compiles(MadeOf, "sqlite")
def _made_of_on_sqlite(made_of: MadeOf, _compiler: DDLCompiler, **_options: Any) -> str:
    return f"GENERATED ALWAYS AS ({made_of.sqltext})"


def clean_text(text: str) -> str:
    """Return the text with every character that a database refuses replaced by U+FFFD."""
    if text.isascii() and "\x00" not in text:  # as every id of ours is
        return text
    return _REFUSED.sub("\ufffd", text)
