"""The ASGI application: its routes, and what is open while it runs."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import datetime

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.identity.keys import PUBLISHED_FOR
from connectors.identity.tokens import AccessTokens
from gateway.auth.request_context import RequestContexts
from gateway.demo import DEMO_PASSWORD
from gateway.demo.loading import demo_accounts
from gateway.execution import LEVELS
from gateway.pages.data_export_download import account_export_route
from gateway.pages.file_download import file_route
from gateway.pages.graphiql.graphiql_page import DemoAccount, DemoSignIn, ExampleQuery, GraphiqlPage, graphiql_routes
from gateway.pages.mail_links.link_pages import PortalWords, page_routes
from gateway.pages.mail_links.links import LINKS
from gateway.pages.unknown_address import UnknownAddress
from gateway.pipeline.endpoint import GraphqlEndpoint
from gateway.profile_files import Profile, profile_for
from gateway.server.cors import Cors
from gateway.server.error_middleware import UnexpectedErrors
from gateway.server.health import health_routes
from gateway.settings import Settings
from gateway.wiring import Wiring, open_wiring, utc_now
from gateway.worker import Worker, working
from schema.graph.build import Schema, build_schema, core_schema

ENDPOINT = "/graphql"

log = logging.getLogger("forecourt.graphql")


def create_app(
    settings: Settings, *, clock: Callable[[], datetime] = utc_now, schema: Schema | None = None
) -> Starlette:
    """Return the gateway; its back ends are open while its lifespan runs, and a problem of theirs is raised there.

    Raises:
        InvalidProfile: The profile cannot be used.
    """
    profile = profile_for(settings)
    graph = schema or build_schema(suggestions=settings.makes_suggestions, additions=profile.additions)

    @asynccontextmanager
    async def lifespan(app: Gateway) -> AsyncIterator[None]:
        async with open_wiring(settings, profile, clock=clock) as wiring:
            contexts = RequestContexts(settings, wiring.backends, wiring.tokens, wiring.policies, clock)
            endpoint = GraphqlEndpoint(core_schema(graph), contexts, settings, calls_http=bool(wiring.clients))
            app.router.routes.extend(_routes(settings, profile, endpoint, contexts, wiring, clock))
            app.graphql = Cors(endpoint, settings) if settings.cors_origins else endpoint
            app.state.wiring = wiring
            async with worker_of(settings, wiring, clock):
                yield
        if LEVELS:
            log.info("levels answered", extra={name.replace(" ", "_"): number for name, number in LEVELS.items()})

    middleware = [Middleware(UnexpectedErrors)]
    if settings.cors_origins:
        middleware.insert(0, Middleware(Cors, settings=settings))
    nowhere = UnknownAddress(ENDPOINT, "/graphiql" if settings.serves_graphiql else None)
    gateway = Gateway(lifespan=lifespan, middleware=middleware, exception_handlers={404: nowhere, 405: nowhere})
    gateway.router.redirect_slashes = False  # Starlette would lead to whatever host the request names
    return gateway


class Gateway(Starlette):
    """The gateway; what is asked of /graphql passes by the routes and the error pages of everything else."""

    graphql: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as an ASGI application; a path with a slash at its end is the same as without."""
        if scope["type"] == "http":
            if len(scope["path"]) > 1 and scope["path"].endswith("/"):
                scope = {**scope, "path": scope["path"][:-1]}
            if scope["path"] == ENDPOINT and self.graphql is not None:
                await self.graphql(scope, receive, send)
                return
        await super().__call__(scope, receive, send)


def worker_of(
    settings: Settings, wiring: Wiring, clock: Callable[[], datetime]
) -> AbstractAsyncContextManager[Worker | None]:
    """Return the worker of a process that serves, working while its block runs; None where another process works."""
    if not settings.worker:
        return nullcontext()
    return working(Worker(wiring.backends, wiring.policies, wiring.work, clock=clock))


def _routes(
    settings: Settings,
    profile: Profile,
    endpoint: GraphqlEndpoint,
    contexts: RequestContexts,
    wiring: Wiring,
    clock: Callable[[], datetime],
) -> list[BaseRoute]:
    breakers = {name: client.breaker for name, client in wiring.clients.items()}
    routes: list[BaseRoute] = [
        Route(ENDPOINT, endpoint),
        *health_routes(wiring.checks, wiring.backends.directory, clock, breakers),
        Route("/.well-known/jwks.json", _key_set(wiring.tokens)),
        Route("/icons/{name}", _icons(profile)),
        account_export_route(contexts),
    ]
    if wiring.folder is not None:
        routes.append(file_route(contexts, wiring.folder.path_of))
    if settings.shows_mailbox and wiring.mailbox is not None:
        from gateway.pages.mailbox.mailbox_page import mailbox_routes  # only in a demo; its page is a template

        routes += mailbox_routes(wiring.mailbox, settings.address)
    if settings.serves_graphiql:
        page = _graphiql_page(settings, profile)
        # Where a front end would be, to which mails lead.
        routes += [Route(path, _to_graphiql) for path in ("/", *profile.pages.values()) if path.startswith("/")]
        routes += graphiql_routes(page, linked=[link.path for link in LINKS])
    if settings.pages:
        words = PortalWords(
            profile.title, profile.contact, settings.address, settings.links["portal"], profile.default_locale,
            profile.time_zone, profile.pages, profile.portal.facts(),
        )  # fmt: skip
        has_graphiql = settings.serves_graphiql and settings.environment == "development"
        has_start = not settings.serves_graphiql
        routes += page_routes(endpoint, words, has_graphiql=has_graphiql, has_start=has_start)
    return routes


def _graphiql_page(settings: Settings, profile: Profile) -> GraphiqlPage:
    demo = None
    if settings.demo:
        accounts = tuple(
            DemoAccount(account.login, account.login, account.description) for account in demo_accounts(profile)
        )
        demo = DemoSignIn(DEMO_PASSWORD, accounts)
    examples = tuple(ExampleQuery(name, query, variables or "") for name, query, variables in profile.examples)
    return GraphiqlPage(ENDPOINT, demo, examples, settings.shows_mailbox)


def _key_set(tokens: AccessTokens) -> Callable[[Request], Response]:
    def key_set(_request: Request) -> Response:
        max_age = int(PUBLISHED_FOR.total_seconds())
        return JSONResponse(tokens.key_set(), headers={"cache-control": f"public, max-age={max_age}"})

    return key_set


def _icons(profile: Profile) -> Callable[[Request], Response]:
    def icon(request: Request) -> Response:
        content = profile.icons.get(request.path_params["name"])
        if content is None:
            return PlainTextResponse("There is no such icon.", 404)
        headers = {
            "cache-control": "public, max-age=86400",
            "x-content-type-options": "nosniff",
            "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
        }
        return Response(content, media_type="image/svg+xml", headers=headers)

    return icon


def _to_graphiql(_request: Request) -> Response:
    return RedirectResponse("/graphiql", 307)
