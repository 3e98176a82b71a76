"""Which id stands for an organization or a person in another back end, where an operator has said so."""

from sqlalchemy import Column, ForeignKey, Table, UniqueConstraint

from connectors.database.columns import IdText
from connectors.directory.tables.metadata import METADATA

organization_external_ids = Table(
    "organization_external_ids",
    METADATA,
    Column("backend", IdText, primary_key=True),
    Column("organization_id", IdText, ForeignKey("organizations.id"), primary_key=True),
    Column("external_id", IdText, nullable=False),
    UniqueConstraint("backend", "external_id", name="uq_organization_external_ids_backend_external_id"),
)

user_external_ids = Table(
    "user_external_ids",
    METADATA,
    Column("backend", IdText, primary_key=True),
    Column("user_id", IdText, ForeignKey("users.id"), primary_key=True, index=True),
    Column("external_id", IdText, nullable=False, doc="one with an @ is in lower case, as addresses are compared"),
    UniqueConstraint("backend", "external_id", name="uq_user_external_ids_backend_external_id"),
)
