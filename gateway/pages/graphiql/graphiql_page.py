"""The routes of the GraphiQL page: its files, its configuration, and the headers that keep it at home."""

import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.pages.page_headers import page_headers

BUILT_PAGE = Path(__file__).with_name("dist")

# Monaco draws its lines with inline styles and carries its icons as a data: font; nothing else needs an exception.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "font-src 'self' data:",
        "img-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """One account to sign in as at a click; `group` is the heading it is listed under."""

    login_name: str
    title: str
    description: str
    group: str = ""


@dataclass(frozen=True, slots=True)
class DemoSignIn:
    """The accounts of the demo and the password they share. The page shows both to everybody."""

    password: str
    accounts: tuple[DemoAccount, ...]


@dataclass(frozen=True, slots=True)
class ExampleQuery:
    """A query that a first visit finds in a tab; the tab is called like its operation."""

    name: str
    query: str
    variables: str = ""


@dataclass(frozen=True, slots=True)
class GraphiqlPage:
    """What the page gets to know: where to ask, who signs in at a click, what to ask, whether mails can be read."""

    endpoint: str
    demo: DemoSignIn | None
    examples: tuple[ExampleQuery, ...]
    mailbox: bool = False


def graphiql_routes(page: GraphiqlPage, built_page: Path = BUILT_PAGE, linked: Sequence[str] = ()) -> list[BaseRoute]:
    """Serve the page below /graphiql, and below it at `linked`, the paths of the pages that links of mails lead to.

    The files are listed once, here: what is not in the list does not exist, whatever the path of a request says.
    A page that was not built answers 503 and says which command builds it.
    """
    if not (built_page / "index.html").is_file():
        return [Route(path, _not_built) for path in ("/graphiql", "/graphiql/{rest:path}")]
    configuration = orjson.dumps(_configuration(page))
    assets = {path.name: path for path in (built_page / "assets").iterdir() if path.is_file()}

    async def config(request: Request) -> Response:
        return Response(configuration, media_type="application/json", headers=page_headers(CONTENT_SECURITY_POLICY))

    async def asset(request: Request) -> Response:
        file = assets.get(request.path_params["name"])
        if file is None:
            return PlainTextResponse("Not found\n", status_code=404, headers=page_headers(CONTENT_SECURITY_POLICY))
        return _file(file, "public, max-age=31536000, immutable")  # the name carries a hash of the content

    async def index(request: Request) -> Response:
        return _file(built_page / "index.html", "no-cache")

    async def licences(request: Request) -> Response:
        return _file(built_page / "LICENSES.txt", "no-cache")

    return [
        Route("/graphiql", index),
        Route("/graphiql/config.json", config),
        Route("/graphiql/LICENSES.txt", licences),
        Route("/graphiql/assets/{name}", asset),
        *(Route(f"/graphiql{path}", index) for path in linked),
    ]


async def _not_built(request: Request) -> Response:
    text = "The GraphiQL page has not been built yet. Run `make graphiql`, then start the gateway again.\n"
    return PlainTextResponse(text, status_code=503, headers=page_headers(CONTENT_SECURITY_POLICY))


def _configuration(page: GraphiqlPage) -> Mapping[str, object]:
    """Return the configuration in the spelling of the page's TypeScript."""
    demo = page.demo and {
        "password": page.demo.password,
        "accounts": [
            {
                "loginName": account.login_name,
                "title": account.title,
                "description": account.description,
                "group": account.group,
            }
            for account in page.demo.accounts
        ],
    }
    return {
        "endpoint": page.endpoint,
        "demo": demo,
        "examples": [asdict(example) for example in page.examples],
        "mailbox": page.mailbox,
    }


def _file(path: Path, cache_control: str) -> FileResponse:
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return FileResponse(
        path,
        media_type=_MEDIA_TYPES.get(path.suffix, media_type),
        headers=page_headers(CONTENT_SECURITY_POLICY, cache_control),
    )


# `mimetypes` reads the machine's registry, and some say text/plain for .js; with nosniff that stops the page.
_MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".ttf": "font/ttf"}
