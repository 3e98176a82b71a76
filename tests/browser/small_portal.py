"""A small portal to test the page on, real over HTTP: accounts, a guarded field, sessions that can end."""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import strawberry
from graphql import GraphQLError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.types import ExecutionContext, Info

from gateway.pages.graphiql.graphiql_page import DemoAccount, DemoSignIn, ExampleQuery, GraphiqlPage, graphiql_routes

PASSWORD = "forecourt-demo"
NAMES = {
    "purchase@helios.example": "Petra Einkauf",
    "installation.purchase@helios.example": "Ingo Monteur",
    "administration@helios.example": "Anton Verwalter",
    "administration@lumen.example": "Luise Leitung",
}
DEMO = DemoSignIn(
    password=PASSWORD,
    accounts=(
        DemoAccount("purchase@helios.example", "purchase@helios.example", "Purchase", "Helios Montage GmbH"),
        DemoAccount(
            "installation.purchase@helios.example",
            "installation.purchase@helios.example",
            "Installation and purchase",
            "Helios Montage GmbH",
        ),
        DemoAccount(
            "administration@helios.example", "administration@helios.example", "Administration", "Helios Montage GmbH"
        ),
        DemoAccount(
            "administration@lumen.example", "administration@lumen.example", "Administration", "Lumen Handels AG"
        ),
    ),
)
EXAMPLES = (
    ExampleQuery("The page", "query PortalPage {\n  viewer {\n    user {\n      displayName\n    }\n  }\n}\n"),
    ExampleQuery(
        "What one role may not see",
        "query Colleagues($first: Int!) {\n  orders(first: $first)\n  members(first: $first)\n}\n",
        '{"first": 2}',
    ),
)


@dataclass
class SmallPortal:
    """The portal's sessions, and what it was asked."""

    lifetime: timedelta = timedelta(minutes=5)
    slowness: float = 0  # of a renewal, in seconds
    login_names: dict[str, str] = field(default_factory=dict)  # by access token
    refresh_tokens: dict[str, str] = field(default_factory=dict)  # to the login name
    newcomers: dict[str, tuple[str, str]] = field(default_factory=dict)  # name and password by login name
    asked: Counter[tuple[str | None, str | None]] = field(default_factory=Counter)  # operation, login name

    def open_session(self, login_name: str) -> "SignInPayload":
        access, refresh = secrets.token_urlsafe(), secrets.token_urlsafe()
        self.login_names[access] = login_name
        self.refresh_tokens[refresh] = login_name
        viewer = Viewer(user=User(display_name=self.name_of(login_name)))
        return SignInPayload(
            access_token=access,
            refresh_token=refresh,
            expires_at=datetime.now(UTC) + self.lifetime,
            viewer=viewer,
            errors=[],
        )

    def name_of(self, login_name: str) -> str:
        return NAMES.get(login_name) or self.newcomers[login_name][0]

    def has(self, login_name: str, password: str) -> bool:
        own = self.newcomers.get(login_name)
        return password == own[1] if own else login_name in NAMES and password == PASSWORD

    def expire_access_tokens(self) -> None:
        self.login_names.clear()

    def end_sessions(self) -> None:
        self.login_names.clear()
        self.refresh_tokens.clear()

    def application(self, demo: DemoSignIn | None, examples: tuple[ExampleQuery, ...] = EXAMPLES) -> Starlette:
        endpoint = _Endpoint(self)
        page = GraphiqlPage("/graphql", demo, examples)
        return Starlette(
            routes=[
                *graphiql_routes(page),
                Route("/graphql", endpoint),
                WebSocketRoute("/graphql", endpoint),
            ]
        )


@strawberry.type
class User:
    display_name: str


@strawberry.type
class Viewer:
    user: User


@strawberry.type
class UserError:
    code: str
    message: str


@strawberry.type
class SignInPayload:
    access_token: str | None
    refresh_token: str | None
    expires_at: datetime | None
    viewer: Viewer | None
    errors: list[UserError]


@strawberry.type
class AcknowledgementPayload:
    accepted: bool
    errors: list[UserError]


@strawberry.input
class SignInInput:
    login_name: str
    password: str


@strawberry.input
class RefreshSessionInput:
    refresh_token: str


@strawberry.input
class EmptyInput:
    idempotency_key: str | None = None


def _refused(code: str, message: str) -> SignInPayload:
    error = UserError(code=code, message=message)
    return SignInPayload(access_token=None, refresh_token=None, expires_at=None, viewer=None, errors=[error])


def _asked_by(info: Info) -> str | None:
    login_name: str | None = info.context["login_name"]
    return login_name


@strawberry.type
class Query:
    @strawberry.field
    def viewer(self, info: Info) -> Viewer | None:
        login_name = _asked_by(info)
        return Viewer(user=User(display_name=info.context["portal"].name_of(login_name))) if login_name else None

    @strawberry.field
    def orders(self, first: int) -> list[str]:
        return ["2026-0001", "2026-0002", "2026-0003"][:first]

    @strawberry.field
    def members(self, info: Info, first: int) -> list[str] | None:
        if not (_asked_by(info) or "").startswith("administration@"):
            raise GraphQLError(
                "Reading members needs MEMBER_READ in Helios Montage GmbH.",
                extensions={
                    "code": "UNAUTHORIZED_FIELD_OR_TYPE",
                    "authorization": {"missing": ["MEMBER_READ"], "grantableBy": ["administration"]},
                },
            )
        return sorted(NAMES.values())[:first]


@strawberry.type
class Mutation:
    @strawberry.mutation
    def sign_in(self, info: Info, input: SignInInput) -> SignInPayload:
        portal: SmallPortal = info.context["portal"]
        if not portal.has(input.login_name, input.password):
            return _refused("INVALID_CREDENTIALS", "Login name or password is wrong.")
        return portal.open_session(input.login_name)

    @strawberry.mutation
    async def refresh_session(self, info: Info, input: RefreshSessionInput) -> SignInPayload:
        portal: SmallPortal = info.context["portal"]
        await asyncio.sleep(portal.slowness)
        login_name = portal.refresh_tokens.pop(input.refresh_token, None)
        if login_name is None:
            return _refused("SESSION_ENDED", "Please sign in again.")
        return portal.open_session(login_name)

    @strawberry.mutation
    def sign_out(self, info: Info, input: EmptyInput) -> AcknowledgementPayload:
        portal: SmallPortal = info.context["portal"]
        for tokens in (portal.login_names, portal.refresh_tokens):
            for token in [token for token, owner in tokens.items() if owner == _asked_by(info)]:
                del tokens[token]
        return AcknowledgementPayload(accepted=True, errors=[])


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def greetings(self, info: Info) -> AsyncIterator[str]:
        parameters = info.context["connection_params"] or {}
        token = parameters.get("Authorization", "").removeprefix("Bearer ")
        yield f"Good morning, {info.context['portal'].login_names.get(token, 'stranger')}"
        await asyncio.sleep(60)


class _QuietSchema(strawberry.Schema):
    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Log nothing: a refusal is an answer."""


SCHEMA = _QuietSchema(query=Query, mutation=Mutation, subscription=Subscription)


class _Endpoint(GraphQL[dict[str, Any], None]):
    def __init__(self, portal: SmallPortal) -> None:
        super().__init__(SCHEMA, graphql_ide=None)
        self.portal = portal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            token = Request(scope).headers.get("authorization", "").removeprefix("Bearer ")
            if token and token not in self.portal.login_names:
                message = {"errors": [{"message": "The access token has expired.", "extensions": {"code": "EXPIRED"}}]}
                await JSONResponse(message, status_code=401)(scope, receive, send)
                return
        await super().__call__(scope, receive, send)

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> dict[str, Any]:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        login_name = self.portal.login_names.get(token)
        if isinstance(request, Request):
            body = await request.json()
            self.portal.asked[body.get("operationName") or _name_of(body["query"]), login_name] += 1
        return {"portal": self.portal, "login_name": login_name, "connection_params": None}


def _name_of(query: str) -> str | None:
    words = query.replace("(", " ").split()
    return words[1] if words[0] in ("query", "mutation") else None
