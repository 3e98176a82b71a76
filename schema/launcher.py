"""Applications and the tiles that open them."""

import strawberry

from connectors.applications.interface import (
    MOST_APPLICATIONS,
    MOST_MODES,
    ApplicationRecord,
    CategoryRecord,
    LaunchKind,
    ModeRecord,
)
from connectors.values import AccountKind
from permissions.access_rules import OPEN
from permissions.policy import MOST_ROLES, MOST_SOURCES
from permissions.vocabulary import DenialReason, most_permissions
from resolvers import launcher
from resolvers.context import RequestContext
from resolvers.launcher import ApplicationAccessState
from resolvers.localization import localized
from schema.access_requests.types import AccessRequest
from schema.graph.cost_directives import CostDirective
from schema.graph.fields import attribute, computed, field, graph_type, listed, root
from schema.graph.references import LaterOrganization
from schema.graph.scalars import URL, DateTime
from schema.members.types import PermissionSource
from schema.nodes import Node
from schema.roles import DescribedPermission, Role


def _category_id(_context: RequestContext, category: CategoryRecord) -> str:
    return f"cat_{category.key}"


@graph_type(of=CategoryRecord, cost=0)
class ApplicationCategory(Node):
    """A category of applications on the page."""

    id: strawberry.ID = computed(
        _category_id, requires=OPEN, description="The category's id. Opaque: do not take it apart."
    )
    key: str = strawberry.field(description="Its key, for programs.")
    label: str = field(localized("labels"), requires=OPEN, description="Its name, for people.")
    position: int = strawberry.field(description="Its position on the page; lower comes first.")


@graph_type(of=ModeRecord)
class ApplicationMode:
    """A way in which an application can be opened; the modes of somebody's tile say whether it opens for them."""

    key: str = strawberry.field(description="Its key, for programs.")
    label: str = field(localized("labels"), requires=OPEN, description="Its name, for people.")


def _application_id(_context: RequestContext, application: ApplicationRecord) -> str:
    return f"app_{application.key}"


def _audience(_context: RequestContext, application: ApplicationRecord) -> list[AccountKind]:
    return [kind for kind in AccountKind if kind in application.audience]


@graph_type(of=ApplicationRecord)
class Application(Node):
    """An application that customers use."""

    id: strawberry.ID = computed(
        _application_id, requires=OPEN, description="The application's id. Opaque: do not take it apart."
    )
    key: str = strawberry.field(description="Its key, for programs.")
    name: str = field(localized("names"), requires=OPEN, description="Its name, for people.")
    tagline: str | None = field(localized("taglines"), requires=OPEN, description="A short summary of it.")
    description: str | None = field(
        localized("descriptions"), requires=OPEN, description="A description of what it does."
    )
    icon_url: URL | None = strawberry.field(description="Its icon.")
    category: ApplicationCategory = strawberry.field(description="The category in which it appears on the page.")
    platforms: list[str] = listed(at_most=10, description="The devices it runs on: `pc`, `tablet`, `smartphone`.")
    published_at: DateTime | None = strawberry.field(description="When it was published in the catalogue.")
    audience: list[AccountKind] = computed(
        _audience, requires=OPEN, at_most=len(AccountKind), description="The kinds of account to which it is shown."
    )
    parent: "Application | None" = field(
        launcher.parents_of, requires=OPEN, description="The application that it is a part of."
    )
    modes: list[ApplicationMode] = listed(
        at_most=MOST_MODES,
        assumed_size=3,
        description="The ways in which it can be opened.",
    )


@graph_type(of=launcher.Launch, cost=0)
class Launch:
    """How to open an application: where to send the browser."""

    kind: LaunchKind = strawberry.field(description="The way it is opened.")
    url: URL = strawberry.field(description="The URL to open.")
    expires_at: DateTime | None = strawberry.field(description="When the URL expires; null when it does not.")


@graph_type(of=launcher.TileMode)
class ApplicationTileMode:
    """A way in which an application can be opened, and whether it opens so from this page."""

    key: str = attribute("record.key", requires=OPEN, description="Its key, for programs.")
    label: str = field(localized("record.labels"), requires=OPEN, description="Its name, for people.")
    available: bool = strawberry.field(description="Whether it opens in this way.")
    launch: Launch | None = strawberry.field(
        description="How to open it in this way; null when it does not open in this way, and on somebody else's page."
    )


@graph_type(of=launcher.Tile)
class ApplicationTile(Node):
    """An application on somebody's page in one organization. The same application on another page is another tile."""

    id: strawberry.ID = strawberry.field(description="The tile's id. Opaque: do not take it apart.")
    application: Application = strawberry.field(description="The application.", directives=[CostDirective(weight=0)])
    organization: LaterOrganization | None = field(
        launcher.organizations_of_tiles,
        requires=OPEN,
        description="The organization whose page it is on; null on the page of somebody who looks at none.",
    )
    state: ApplicationAccessState = strawberry.field(description="Whether it opens for the person.")
    reason: DenialReason | None = strawberry.field(description="Why it does not open; null when it opens.")
    missing: list[DescribedPermission] = listed(
        at_most=most_permissions,
        assumed_size=2,
        description="Permissions any one of which would open it. Empty when it opens, or when only a role opens it.",
    )
    opened_by_roles: list[Role] = computed(
        launcher.roles_that_open,
        requires=OPEN,
        at_most=MOST_ROLES,
        assumed_size=3,
        description="The roles any one of which opens it.",
    )
    granted_by: list[PermissionSource] = listed(
        at_most=MOST_SOURCES,
        assumed_size=1,
        description="The person's grants that open it.",
    )
    requestable: bool = computed(
        launcher.is_requestable,
        requires=OPEN,
        description="Whether `requestAccess` with the application's id would help: it does not open, and members of "
        "the organization can grant what opens it.",
    )
    pending_request: AccessRequest | None = field(
        launcher.pending_requests_of,
        requires=OPEN,
        description="The person's latest open access request that would open it; null when it opens, and for whoever "
        "may not see their requests.",
    )
    modes: list[ApplicationTileMode] = listed(
        at_most=MOST_MODES,
        assumed_size=3,
        description="The ways in which the application can be opened.",
    )
    launch: Launch | None = strawberry.field(
        description="How to open it; null when it does not open, and on somebody else's page."
    )


@strawberry.type
class ApplicationQueries:
    """Queries about applications."""

    application_catalogue: list[Application] = root(
        launcher.catalogue,
        requires=OPEN,
        at_most=MOST_APPLICATIONS,
        assumed_size=20,
        description="All applications, in the order of the page.",
        arguments={"audience": "Only those shown to this kind of account."},
    )
