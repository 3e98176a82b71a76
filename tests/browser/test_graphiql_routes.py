"""The routes of the GraphiQL page, without a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gateway.pages.graphiql.graphiql_page import DemoAccount, DemoSignIn, ExampleQuery, GraphiqlPage, graphiql_routes

PAGE = GraphiqlPage(
    endpoint="/graphql",
    demo=DemoSignIn("secret", (DemoAccount("a@b.example", "A", "Purchase at B", "B"),)),
    examples=(ExampleQuery("Me", "query Me { viewer { id } }"),),
)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
    "img-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A page as the build leaves it, and a secret one folder above."""
    built = tmp_path / "dist"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("<!doctype html>")
    (built / "LICENSES.txt").write_text("MIT")
    (built / "assets" / "index-abc.js").write_text("export {}")
    (tmp_path / "secret.txt").write_text("secret")
    return built


@pytest.fixture
def client(built: Path) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=graphiql_routes(PAGE, built)), follow_redirects=False) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "status", "media_type", "cache"),
    [
        ("/graphiql", 200, "text/html; charset=utf-8", "no-cache"),
        ("/graphiql/config.json", 200, "application/json", "no-store"),
        ("/graphiql/LICENSES.txt", 200, "text/plain; charset=utf-8", "no-cache"),
        ("/graphiql/assets/index-abc.js", 200, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
        ("/graphiql/assets/gone-def.js", 404, "text/plain; charset=utf-8", "no-store"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_every_answer_is_kept_at_home_by_its_headers(
    client: TestClient, method: str, path: str, status: int, media_type: str, cache: str
) -> None:
    answer = client.request(method, path)

    assert answer.status_code == status
    assert answer.headers["content-type"] == media_type
    assert answer.headers["cache-control"] == cache
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"


@pytest.mark.parametrize(
    "path",
    [
        "/graphiql/assets/../../secret.txt",
        "/graphiql/assets/..%2f..%2fsecret.txt",
        "/graphiql/assets/%2e%2e/%2e%2e/secret.txt",
        "/graphiql/assets/%2e%2e",
        "/graphiql/assets/",
        "/graphiql/secret.txt",
    ],
)
def test_no_path_leads_out_of_the_page(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_page_gets_the_accounts_and_the_examples(client: TestClient) -> None:
    assert client.get("/graphiql/config.json").json() == {
        "endpoint": "/graphql",
        "demo": {
            "password": "secret",
            "accounts": [{"loginName": "a@b.example", "title": "A", "description": "Purchase at B", "group": "B"}],
        },
        "examples": [{"name": "Me", "query": "query Me { viewer { id } }", "variables": ""}],
        "mailbox": False,
    }


def test_a_page_without_a_demo_gets_no_password(built: Path) -> None:
    page = GraphiqlPage(endpoint="/graphql", demo=None, examples=())
    client = TestClient(Starlette(routes=graphiql_routes(page, built)))

    assert client.get("/graphiql/config.json").json() == {
        "endpoint": "/graphql", "demo": None, "examples": [], "mailbox": False,
    }  # fmt: skip


def test_the_page_answers_below_it_for_the_links_of_mails_and_nowhere_else(built: Path) -> None:
    client = TestClient(Starlette(routes=graphiql_routes(PAGE, built, linked=["/invitation"])))

    answer = client.get("/graphiql/invitation")

    assert (answer.status_code, answer.text) == (200, "<!doctype html>")
    assert answer.headers["content-security-policy"] == POLICY
    assert client.get("/graphiql/registration").status_code == 404


@pytest.mark.parametrize("path", ["/graphiql", "/graphiql/config.json", "/graphiql/assets/index.js"])
def test_a_page_that_was_not_built_says_how_to_build_it(tmp_path: Path, path: str) -> None:
    client = TestClient(Starlette(routes=graphiql_routes(PAGE, tmp_path)))

    answer = client.get(path)

    assert answer.status_code == 503
    assert "Run `make graphiql`" in answer.text
    assert answer.headers["content-security-policy"] == POLICY


def test_the_licences_of_all_that_is_in_the_page_are_collected(built_graphiql: Path) -> None:
    licences = (built_graphiql / "LICENSES.txt").read_text()
    listed = licences.split("=" * 80)[0]

    for package in ("graphiql", "graphql", "monaco-editor", "monaco-graphql", "prettier", "react", "react-dom"):
        assert f"\n  {package} " in listed
    assert licences.count("Permission is hereby granted") >= listed.count("(MIT)")


def test_the_built_page_has_no_inline_script_and_no_address_of_others(built_graphiql: Path) -> None:
    index = (built_graphiql / "index.html").read_text()

    assert index.count("<script") == index.count('src="/graphiql/assets/')
    assert "//" not in index.replace("<!doctype html>", "")
