"""What the client learns of a problem, and what the operator finds in the log: each cause once."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url

from connectors.directory.records.access import GrantKind
from connectors.errors import BackendTimeout, BackendUnavailable, NotMapped, UnexpectedAnswer
from connectors.pages import Slice
from connectors.shop.interface import OrderLineRecord
from connectors.wanted import Wanted
from tests.logs import capture_logs
from tests.portal import Portal, open_portal
from tests.servers import servers

SECRET = "password=hunter2 at db.internal:5432"

LINES = """
{
  viewer {
    user { displayName }
    memberships(first: 1) { nodes { organization { name orders(first: 50) { nodes { number lines { sku } } } } } }
  }
}
"""

PATH = "viewer.memberships.nodes.0.organization.orders.nodes"

PAGE = "{ viewer { user { displayName } } }"


@contextmanager
def failing(backend: Any, method: str, error: Exception) -> Iterator[None]:
    """Let one query to a back end fail."""

    async def fail(*_args: Any, **_more: Any) -> Any:
        raise error

    with answering(backend, method, fail):
        yield


@contextmanager
def answering(backend: Any, method: str, answer: Any) -> Iterator[None]:
    """Let one query to a back end be answered so."""
    setattr(backend, method, answer)
    try:
        yield
    finally:
        delattr(backend, method)


def lines_logged(entries: list[Any], level: str) -> list[Any]:
    """The entries of the log at this level."""
    return [entry for entry in entries if entry["log_level"] == level]


async def test_an_unexpected_error_is_masked_and_logged_once_however_many_rows_it_hit(portal: Portal) -> None:
    person = await portal.person("purchase@helios.example")

    with failing(portal.wiring.backends.shop, "lines_of", RuntimeError(SECRET)), capture_logs() as log:
        answer = await person.asks(LINES)

    orders = answer.at(PATH)
    assert (answer.status, len(orders)) == (200, 50)
    assert {order["lines"] for order in orders} == {None}
    assert orders[0]["number"] == "SW-204718-0084"
    references = {error["extensions"]["reference"] for error in answer.errors}
    (reference,) = references
    assert {error["extensions"]["code"] for error in answer.errors} == {"INTERNAL_SERVER_ERROR"}
    assert {error["message"] for error in answer.errors} == {
        f"Something unexpected went wrong. Please give the operator this reference: {reference}."
    }
    assert "hunter2" not in f"{answer.body}{answer.headers}"
    (entry,) = lines_logged(log, "error")
    assert (entry["event"], entry["reference"]) == ("unexpected error", reference)
    assert isinstance(entry["exc_info"], RuntimeError)
    assert "in lines_of" in "".join(entry["exc_info"].__notes__)  # where it was raised, and none of the frames there
    assert entry["exc_info"].__traceback__ is None


async def test_what_a_connector_leaves_out_is_named_in_the_log_with_what_to_do(portal: Portal) -> None:
    person = await portal.person("purchase@helios.example")
    shop = portal.wiring.backends.shop
    whole = shop.lines_of

    async def without_sku(*asked: Any, wanted: Wanted[OrderLineRecord], **more: Any) -> Any:
        return await whole(*asked, wanted=Wanted((wanted.names or frozenset()) - {"sku"}), **more)

    with answering(shop, "lines_of", without_sku), capture_logs() as log:
        answer = await person.asks(LINES)

    assert set(answer.codes.values()) == {"INTERNAL_SERVER_ERROR"}
    error = lines_logged(log, "error")[0]["exc_info"]
    assert str(error) == "'OrderLineRecord' object has no attribute 'sku'"
    assert error.__notes__[-1].startswith(
        "sku was not read of this OrderLineRecord. If `wanted` named it, the connector"
    )


async def test_two_causes_have_two_references(portal: Portal) -> None:
    person = await portal.person("guenther.strauss@helios.example")
    backends = portal.wiring.backends
    query = "{ viewer { memberships { nodes { organization { orders { totalCount } members { totalCount } } } } } }"

    with (
        failing(backends.shop, "orders_of", RuntimeError("one")),
        failing(backends.directory, "members_of", KeyError("two")),
        capture_logs() as log,
    ):
        answer = await person.asks(query)

    organization = "viewer.memberships.nodes.0.organization"
    assert answer.codes == dict.fromkeys([f"{organization}.orders", f"{organization}.members"], "INTERNAL_SERVER_ERROR")
    assert len({error["extensions"]["reference"] for error in answer.errors}) == 2
    assert sorted(str(entry["exc_info"]) for entry in lines_logged(log, "error")) == ["'two'", "one"]


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (
            BackendUnavailable("shop", SECRET),
            "BACKEND_UNAVAILABLE",
            "The application behind this field (shop) is not available. Please try again later.",
        ),
        (
            BackendTimeout("shop", SECRET),
            "GATEWAY_TIMEOUT",
            "The application behind this field (shop) did not answer in time. Please try again later.",
        ),
        (
            UnexpectedAnswer("shop", SECRET),
            "BACKEND_ERROR",
            "The application behind this field (shop) gave an unusable answer.",
        ),
    ],
    ids=["unavailable", "timeout", "unusable"],
)
async def test_a_failing_back_end_has_a_code_hides_its_fields_only_and_reveals_nothing(
    portal: Portal, error: Exception, code: str, message: str
) -> None:
    person = await portal.person("purchase@helios.example")

    with failing(portal.wiring.backends.shop, "lines_of", error), capture_logs() as log:
        answer = await person.asks(LINES)

    assert [order["lines"] for order in answer.at(PATH)] == [None] * 50
    assert {(it["message"], it["extensions"]["code"], it["extensions"]["backend"]) for it in answer.errors} == {
        (message, code, "SHOP")
    }
    assert "hunter2" not in str(answer.body)
    assert lines_logged(log, "error") == []


async def test_a_refusal_is_logged_as_information_once(portal: Portal) -> None:
    person = await portal.person("purchase@helios.example")

    with capture_logs() as log:
        answer = await person.asks("{ viewer { memberships { nodes { organization { members { totalCount } } } } } }")

    assert set(answer.codes.values()) == {"UNAUTHORIZED_FIELD_OR_TYPE"}
    (entry,) = [entry for entry in log if "Organization.members" in str(entry)]
    assert entry["log_level"] == "info"
    assert {entry["log_level"] for entry in log} == {"info"}


async def test_what_the_caller_can_fix_is_no_error_of_the_request(portal: Portal) -> None:
    with capture_logs() as log:
        answer = await portal.anybody().asks(
            'mutation { signIn(input: { loginName: "x", password: "y" }) { errors { code } } }'
        )

    assert (answer.status, answer.body) == (200, {"data": {"signIn": {"errors": [{"code": "INVALID_CREDENTIALS"}]}}})
    assert lines_logged(log, "error") == []


async def test_without_the_directory_nobody_can_be_recognised_and_strangers_are_served_on(portal: Portal) -> None:
    person = await portal.person("purchase@helios.example")
    away = BackendUnavailable("directory", SECRET)

    with failing(portal.wiring.backends.directory, "caller", away), capture_logs() as log:
        answer = await person.asks(PAGE)
        stranger = await portal.anybody().asks("{ applicationCatalogue { key } viewer { id } }")

    assert answer.status == 503
    assert list(answer.body) == ["errors"]
    assert answer.codes == {"": "BACKEND_UNAVAILABLE"}
    assert answer.errors[0]["message"] == ("We cannot verify who you are at the moment. Please try again later.")
    assert "hunter2" not in str(answer.body)
    assert stranger.at("applicationCatalogue.0.key") == "webshop"
    assert lines_logged(log, "error") == []


async def test_a_database_that_goes_away_and_comes_back_is_503_in_between() -> None:
    """A real one: PostgreSQL ends every connection, and for a while there is no database of that name."""
    async with open_portal(kind="postgresql") as portal:
        person = await portal.person("purchase@helios.example")
        assert (await person.asks(PAGE)).status == 200

        await _rename(portal, "", "_away")
        answers = [await person.asks(PAGE) for _ in range(3)]
        sign_in = await portal.anybody().asks(
            'mutation { signIn(input: { loginName: "x", password: "y" }) { errors { code } } }'
        )
        ready = await portal.client.get("/health/ready")
        await _rename(portal, "_away", "")
        back = await person.asks(PAGE)

    assert [(answer.status, answer.codes) for answer in answers] == [(503, {"": "BACKEND_UNAVAILABLE"})] * 3
    assert sign_in.codes == {"signIn": "BACKEND_UNAVAILABLE"}
    assert ready.status_code == 503
    assert back.at("viewer.user.displayName") == "Jörg Weiß"


async def _rename(portal: Portal, before: str, after: str) -> None:
    name = make_url(portal.settings.database).database
    url = servers.postgresql.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        await connection.execute(f'ALTER DATABASE "{name}{before}" RENAME TO "{name}{after}"')
    finally:
        await connection.close()


async def _let_them_buy_everywhere(portal: Portal, login_name: str) -> None:
    directory = portal.wiring.backends.directory
    user_id = await directory.user_id_of_login_name(login_name)
    assert user_id is not None
    (found,) = await directory.memberships_of([user_id], Slice(10))
    async with directory.change() as change:
        for one in found.items:
            await change.give(one.id, GrantKind.ROLE, "purchase", until=None, by=None, now=portal.clock())


ORDERS = """
{ viewer { memberships { nodes { organization { id name orders(first: 1) { nodes { number } } } } } } }
"""


@pytest.mark.parametrize("disclosure", ["none", "code", "permission", "full"])
async def test_an_organization_that_a_back_end_does_not_know_is_left_out_alone_and_the_log_says_what_to_map(
    disclosure: str,
) -> None:
    async with open_portal(authorization_disclosure=disclosure) as portal:
        person = await portal.person("two.companies@helios.example")
        await _let_them_buy_everywhere(portal, "two.companies@helios.example")
        shop = portal.wiring.backends.shop
        whole = shop.orders_of
        unknown = await portal.organization_of("two.companies@helios.example")

        async def orders_of(ids: Any, *asked: Any, **more: Any) -> Any:
            pages = await whole(ids, *asked, **more)
            return [NotMapped("shop", id) if id == unknown else page for id, page in zip(ids, pages, strict=True)]

        with answering(shop, "orders_of", orders_of), capture_logs() as log:
            answer = await person.asks(ORDERS)

    shown = answer.at("viewer.memberships.nodes")
    assert [one["organization"]["orders"] is None for one in shown] == [
        one["organization"]["id"] == unknown for one in shown
    ]
    assert len(shown) > 1
    (error,) = answer.errors
    how = f"forecourt external-ids set shop ID --organization {unknown}"
    explained = {"backend": "SHOP", "notMapped": unknown, "howToMap": how} if disclosure == "full" else {}
    assert error["extensions"] == {"code": "NOT_MAPPED", **explained}
    assert error["message"] == (
        "The application behind this field does not know this organization yet. Please contact the vendor."
    )
    (entry,) = [one for one in log if one["event"] == "field failed"]
    assert (entry["code"], entry["reason"]) == ("NOT_MAPPED", f"shop: no id stands for {unknown}; run `{how}`")


async def test_an_order_of_an_organization_that_the_shop_does_not_know_is_null_with_the_code(portal: Portal) -> None:
    person = await portal.person("purchase@helios.example")

    async def orders_with_number(ids: Any, *_asked: Any, **_more: Any) -> Any:
        return [NotMapped("shop", id) for id in ids]

    with answering(portal.wiring.backends.shop, "orders_with_number", orders_with_number):
        answer = await person.asks('{ viewer { defaultOrganization { order(number: "1") { number } } } }')

    assert answer.codes == {"viewer.defaultOrganization.order": "NOT_MAPPED"}
