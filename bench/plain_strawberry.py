"""The same answers from a server written as Strawberry's documentation shows.

SQLAlchemy's async ORM, a DataLoader for each relation, permission classes, `strawberry.asgi.GraphQL`, and the parser
and validation caches that its documentation recommends for production are off, as they are by default.
"""

from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from typing import Any, NewType

import strawberry
from sqlalchemy import select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.permission import BasePermission
from strawberry.schema.config import StrawberryConfig

from bench.plain_context import Context, Info, loaders_of
from bench.plain_models import GrantModel, MembershipModel, OrderModel, OrganizationModel, UserModel
from connectors.applications.interface import Applications
from connectors.identity.tokens import AccessTokens, Identity
from gateway.wiring import utc_now
from permissions.policy import Policy, Role

Instant = NewType("Instant", datetime)

_INSTANT = strawberry.scalar(name="DateTime", serialize=lambda value: value.isoformat().replace("+00:00", "Z"))


class IsSignedIn(BasePermission):
    """Somebody is signed in."""

    message = "Sign in first."

    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:
        return info.context.caller is not None


class MaySeeMembers(BasePermission):
    """The caller may see the members of the organization."""

    message = "You may not see the members."

    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:
        organization_id = source.organization_id if isinstance(source, Membership) else source.id
        return info.context.holds(str(organization_id), "MEMBER_VIEW", "MEMBER_MANAGE")


class MaySeeContact(BasePermission):
    """The caller may see the contact details of somebody."""

    message = "You may not see contact details."

    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:
        caller = info.context.caller
        if caller is not None and caller.id == source.id:
            return True
        return info.context.holds(source.seen_in, "MEMBER_VIEW", "MEMBER_MANAGE")


class MaySeeOrders(BasePermission):
    """The caller may see the orders of the organization."""

    message = "You may not see the orders."

    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:
        return info.context.holds(str(source.id), "ORDER_VIEW", "ORDER_PLACE", "ORDER_APPROVE")


@strawberry.type
class User:
    """A person."""

    id: strawberry.ID
    display_name: str
    address: strawberry.Private[str]
    seen_in: strawberry.Private[str]

    @strawberry.field(permission_classes=[MaySeeContact])  # type: ignore[untyped-decorator]
    def email(self) -> str | None:
        return self.address


@strawberry.type(name="Role")
class RoleType:
    """A role."""

    key: str
    label: str


@strawberry.type
class RoleGrant:
    """A role that somebody was given."""

    role: RoleType
    valid_until: Instant | None


@strawberry.type
class Membership:
    """One person's membership of one organization."""

    id: strawberry.ID
    status: str
    job_title: str | None
    organization_id: strawberry.Private[str]
    user_id: strawberry.Private[str]

    @strawberry.field
    async def user(self, info: Info) -> User:
        return _user(await info.context.loaders.users.load(self.user_id), self.organization_id)

    @strawberry.field(permission_classes=[MaySeeMembers])  # type: ignore[untyped-decorator]
    async def role_grants(self, info: Info) -> list[RoleGrant] | None:
        language, roles = info.context.language, info.context.policy.roles
        return [
            RoleGrant(
                role=RoleType(key=grant.key, label=roles[grant.key].labels[language]),
                valid_until=Instant(grant.valid_until) if grant.valid_until is not None else None,
            )
            for grant in await info.context.loaders.grants.load(str(self.id))
        ]


@strawberry.type
class Money:
    """An amount of money."""

    amount: Decimal
    currency: str


@strawberry.type
class OrderLine:
    """One position of an order."""

    sku: str
    name: str
    quantity: int
    unit_price: Money
    total: Money


@strawberry.type
class Order:
    """An order."""

    number: str
    status: str
    placed_at: Instant | None
    total: Money
    order_id: strawberry.Private[str]
    currency: strawberry.Private[str]
    organization_id: strawberry.Private[str]
    placed_by_id: strawberry.Private[str | None]

    @strawberry.field
    async def placed_by(self, info: Info) -> User | None:
        if self.placed_by_id is None:
            return None
        return _user(await info.context.loaders.users.load(self.placed_by_id), self.organization_id)

    @strawberry.field
    async def lines(self, info: Info) -> list[OrderLine] | None:
        return [
            OrderLine(
                sku=line.sku,
                name=line.name,
                quantity=line.quantity,
                unit_price=_money(line.unit_price_minor_units, self.currency),
                total=_money(line.quantity * line.unit_price_minor_units, self.currency),
            )
            for line in await info.context.loaders.lines.load(self.order_id)
        ]


@strawberry.type
class MembershipConnection:
    """A page of members."""

    nodes: list[Membership]


@strawberry.type
class OrderConnection:
    """A page of orders."""

    nodes: list[Order]


@strawberry.type
class Organization:
    """An organization."""

    id: strawberry.ID
    name: str
    customer_number: str | None
    status: str

    @strawberry.field(permission_classes=[MaySeeMembers])  # type: ignore[untyped-decorator]
    async def members(self, info: Info, first: int = 20) -> MembershipConnection | None:
        async with info.context.sessions() as session:
            found = await session.scalars(
                select(MembershipModel)
                .join(UserModel, UserModel.id == MembershipModel.user_id)
                .where(MembershipModel.organization_id == self.id, MembershipModel.status != "REMOVED")
                .order_by(UserModel.last_name_key, UserModel.first_name_key, MembershipModel.id)
                .limit(first)
            )
            return MembershipConnection(
                nodes=[
                    Membership(
                        id=strawberry.ID(member.id),
                        status=member.status,
                        job_title=member.job_title,
                        organization_id=member.organization_id,
                        user_id=member.user_id,
                    )
                    for member in found
                ]
            )

    @strawberry.field(permission_classes=[MaySeeOrders])  # type: ignore[untyped-decorator]
    async def orders(self, info: Info, first: int = 20) -> OrderConnection | None:
        async with info.context.sessions() as session:
            found = await session.scalars(
                select(OrderModel)
                .where(OrderModel.organization_id == self.id)
                .order_by(OrderModel.created_at.desc(), OrderModel.id.desc())
                .limit(first)
            )
            return OrderConnection(
                nodes=[
                    Order(
                        number=order.number,
                        status=order.status,
                        placed_at=Instant(order.placed_at) if order.placed_at is not None else None,
                        total=_money(order.total_minor_units, order.currency),
                        order_id=order.id,
                        currency=order.currency,
                        organization_id=order.organization_id,
                        placed_by_id=order.placed_by_id,
                    )
                    for order in found
                ]
            )


@strawberry.type
class Launch:
    """Where to send the browser."""

    kind: str
    url: str


@strawberry.type
class Application:
    """An application."""

    key: str
    name: str
    tagline: str | None
    icon_url: str | None


@strawberry.type
class ApplicationTile:
    """An application on the caller's page."""

    state: str
    application: Application
    launch: Launch


@strawberry.type
class Viewer:
    """The person who asks."""

    user: User

    @strawberry.field
    def applications(self, info: Info) -> list[ApplicationTile]:
        context, language = info.context, info.context.language
        caller = context.caller
        if caller is None or caller.default_organization_id is None:
            return []
        roles = context.roles[caller.default_organization_id]
        return [
            ApplicationTile(
                state="AVAILABLE",
                application=Application(
                    key=application.key,
                    name=application.names[language],
                    tagline=application.taglines.get(language),
                    icon_url=application.icon_url,
                ),
                launch=Launch(kind=application.launch_kind.value, url=application.launch_url),
            )
            for application in context.catalogue
            if caller.account_kind in application.audience
            and (
                application.for_every_member
                or any(
                    role.key in application.role_keys or not application.permissions.isdisjoint(role.permissions)
                    for role in roles
                )
            )
        ]


@strawberry.type
class Query:
    """What may be asked."""

    @strawberry.field
    def viewer(self, info: Info) -> Viewer | None:
        caller = info.context.caller
        return Viewer(user=_user(caller, caller.default_organization_id or "")) if caller is not None else None

    @strawberry.field(permission_classes=[IsSignedIn])  # type: ignore[untyped-decorator]
    async def organization(self, info: Info, id: strawberry.ID) -> Organization | None:
        if str(id) not in info.context.roles:
            return None
        async with info.context.sessions() as session:
            found = await session.get(OrganizationModel, str(id))
            if found is None:
                return None
            return Organization(
                id=strawberry.ID(found.id),
                name=found.name,
                customer_number=found.customer_number,
                status=found.status,
            )


class PlainStrawberry(GraphQL[Context, None]):
    """The ASGI application."""

    def __init__(self, database_url: str, policy: Policy, applications: Applications, tokens: AccessTokens) -> None:
        super().__init__(strawberry.Schema(query=Query, config=StrawberryConfig(scalar_map={Instant: _INSTANT})))
        self._engine = create_async_engine(database_url, pool_size=10)
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        self._policy = policy
        self._applications = applications
        self._tokens = tokens

    async def close(self) -> None:
        """Close the connections to the database."""
        await self._engine.dispose()

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        """Return the context of a request, with the caller that its token names."""
        token = request.headers["authorization"].removeprefix("Bearer ")
        identity = self._tokens.verify(token, utc_now())
        assert isinstance(identity, Identity)
        roles: defaultdict[str, list[Role]] = defaultdict(list)
        async with self._sessions() as session:
            caller = await session.get(UserModel, identity.user_id)
            held = await session.execute(
                select(MembershipModel.organization_id, GrantModel.key)
                .join(GrantModel, GrantModel.membership_id == MembershipModel.id)
                .where(
                    MembershipModel.user_id == identity.user_id,
                    MembershipModel.status == "ACTIVE",
                    GrantModel.kind == "ROLE",
                )
            )
            for organization_id, key in held:
                roles[organization_id].append(self._policy.roles[key])
        catalogue = await self._applications.catalogue()
        return Context(self._sessions, self._policy, catalogue, caller, roles, loaders_of(self._sessions))


def _user(user: UserModel, seen_in: str) -> User:
    return User(
        id=strawberry.ID(user.id),
        display_name=f"{user.first_name} {user.last_name}",
        address=user.email,
        seen_in=seen_in,
    )


def _money(minor_units: int, currency: str) -> Money:
    return Money(amount=Decimal(minor_units).scaleb(-2), currency=currency)
