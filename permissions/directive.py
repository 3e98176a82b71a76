"""The guards as they stand in the printed schema: ``@authenticated`` and ``@requiresPermission``."""

import strawberry
from strawberry.schema_directive import Location

from permissions.vocabulary import Permission, PermissionScope

# The enums are named here, beside the directives that speak of them; schema/graph/enums.py describes their values.
strawberry.enum(
    Permission,
    name="PermissionCode",
    description="One thing that somebody may do in an organization, or as vendor staff.",
)
strawberry.enum(PermissionScope, name="PermissionScope", description="Where a permission must be held.")


_LOCATIONS = [
    Location.FIELD_DEFINITION,
    Location.ARGUMENT_DEFINITION,
    Location.INPUT_FIELD_DEFINITION,
    Location.ENUM_VALUE,
]
"""What can be guarded; all but a field only where a request uses it."""


@strawberry.schema_directive(locations=_LOCATIONS, name="authenticated", description="Needs somebody who is signed in.")
class Authenticated:
    """The field needs somebody who is signed in."""


@strawberry.schema_directive(
    locations=_LOCATIONS,
    name="requiresPermission",
    description=(
        "Needs one of these permissions, held in the organization of the object, or by the vendor's staff. "
        "With orSelf, the viewer's own object needs none."
    ),
)
class RequiresPermission:
    """The field needs one of these permissions."""

    any_of: list[Permission]
    scope: PermissionScope = PermissionScope.ORGANIZATION
    or_self: bool = False
