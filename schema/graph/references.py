"""Types that are referred to before they are declared, since they lead back to who refers to them."""

from typing import Annotated, Any

import strawberry


def _later(name: str, module: str) -> Any:
    return Annotated[name, strawberry.lazy(module)]


LaterApplication = _later("Application", "schema.launcher")
LaterApplicationTile = _later("ApplicationTile", "schema.launcher")
LaterInvitation = _later("Invitation", "schema.invitations.types")
LaterMembership = _later("Membership", "schema.members.types")
LaterOrganization = _later("Organization", "schema.organizations.types")
LaterPermission = _later("DescribedPermission", "schema.roles")
LaterViewer = _later("Viewer", "schema.viewer")
