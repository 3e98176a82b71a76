"""Which application behind the gateway fills a field, as it stands in the printed schema: ``@backend``."""

from enum import Enum

import strawberry
from strawberry.schema_directive import Location


@strawberry.enum(name="BackendName", description="An application behind the gateway.")
class Backend(Enum):
    """An application behind the gateway."""

    SHOP = strawberry.enum_value("SHOP", description="The shop: articles and orders.")


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="backend",
    description="Is filled by this application; null, with an error that says so, while it does not answer.",
)
class BackendDirective:
    """The field is filled by this application."""

    name: Backend
