"""All that an extension may import of Forecourt: this, under this name, holds for every release with the same `api`.

What else there is changes without notice; `forecourt extension check` refuses an extension that imports it.
"""

from strawberry import ID

from connectors.cache.fetches import Caching, Scope
from connectors.errors import (
    BackendTimeout,
    BackendUnavailable,
    ConnectorError,
    Declined,
    OutcomeUnknown,
    UnexpectedAnswer,
)
from connectors.quick import quick
from connectors.wanted import reads
from permissions.access_rules import AUTHENTICATED, OPEN, AccessRule, any_of
from permissions.vocabulary import Permission
from resolvers.context import RequestContext
from resolvers.files import StoredFile, download_link
from resolvers.validation import message as checked_message
from resolvers.validation import text as checked_text
from resolvers.validation import together
from schema.extending.back_end import Batch, DeclaredBackend, DeclaredSignIn, Row, Rows, SignInKind
from schema.extending.extendable import InvalidExtension
from schema.extending.extension import API, Extension
from schema.extending.fields import attribute, computed, field, graph_type, root
from schema.extending.mutations import Change, conflict, described, graph_input, invalid, not_found
from schema.graph.build import Query
from schema.graph.scalars import URL, CurrencyCode, Date, DateTime, Decimal, EmailAddress, PhoneNumber
from schema.graph.user_errors import Payload
from schema.members.types import Membership
from schema.orders import Order
from schema.organizations.types import Organization
from schema.people import User
from schema.viewer import Viewer

__all__ = [
    "API",
    "AUTHENTICATED",
    "ID",
    "OPEN",
    "URL",
    "AccessRule",
    "BackendTimeout",
    "BackendUnavailable",
    "Batch",
    "Caching",
    "Change",
    "ConnectorError",
    "CurrencyCode",
    "Date",
    "DateTime",
    "Decimal",
    "DeclaredBackend",
    "DeclaredSignIn",
    "Declined",
    "EmailAddress",
    "Extension",
    "InvalidExtension",
    "Membership",
    "Order",
    "Organization",
    "OutcomeUnknown",
    "Payload",
    "Permission",
    "PhoneNumber",
    "Query",
    "RequestContext",
    "Row",
    "Rows",
    "Scope",
    "SignInKind",
    "StoredFile",
    "UnexpectedAnswer",
    "User",
    "Viewer",
    "any_of",
    "attribute",
    "checked_message",
    "checked_text",
    "computed",
    "conflict",
    "described",
    "download_link",
    "field",
    "graph_input",
    "graph_type",
    "invalid",
    "not_found",
    "quick",
    "reads",
    "root",
    "together",
]
