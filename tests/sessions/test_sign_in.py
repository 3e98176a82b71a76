"""Signing in with the portal's own accounts, and what becomes of the session."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import delete, make_url, select, update

from connectors.directory.tables import grants, memberships, refresh_tokens, users
from gateway.app import create_app
from gateway.demo import DEMO_PASSWORD
from resolvers.one_time_tokens import hash_of
from resolvers.scheduled_tasks import run_scheduled_tasks
from resolvers.texts import Text
from tests.logs import capture_logs
from tests.mail.letters import context_of
from tests.portal import Answer, Person, Portal, open_portal

SIGN_IN = """
mutation SignIn($name: String!, $password: String!) {
  signIn(input: { loginName: $name, password: $password }) {
    accessToken refreshToken expiresAt viewer { id user { displayName } loginNames }
    errors { __typename code message path ... on RateLimitError { retryAfterSeconds } }
  }
}
"""

REFRESH = """
mutation Refresh($token: String!) {
  refreshSession(input: { refreshToken: $token }) {
    accessToken refreshToken expiresAt viewer { id } errors { __typename code path }
  }
}
"""

SIGN_OUT = "mutation { signOut(input: {}) { accepted errors { code } } }"

ME = "{ viewer { user { displayName } } }"

SESSION_OVER = {"__typename": "AuthenticationError", "code": "SESSION_ENDED", "path": ["refreshToken"]}


async def signs_in(portal: Portal, name: str, password: str = DEMO_PASSWORD) -> Any:
    """The payload of signIn."""
    answer = await portal.anybody().asks(SIGN_IN, name=name, password=password)
    assert answer.errors == [], answer.errors
    return answer.at("signIn")


async def refreshes(portal: Portal, token: str) -> Any:
    """The payload of refreshSession."""
    answer = await portal.anybody().asks(REFRESH, token=token)
    assert answer.errors == [], answer.errors
    return answer.at("refreshSession")


def holder_of(portal: Portal, token: str) -> Person:
    """Whoever sends this access token."""
    return Person(portal.client, token)


async def alter(portal: Portal, *statements: Any) -> None:
    """Change rows behind the gateway's back."""
    async with portal.wiring.backends.directory._engine.begin() as connection:  # type: ignore[attr-defined]
        for statement in statements:
            await connection.execute(statement)


async def stored_tokens(portal: Portal) -> list[bytes]:
    """The hashes of all refresh tokens."""
    async with portal.wiring.backends.directory._engine.connect() as connection:  # type: ignore[attr-defined]
        return [bytes(hash) for hash in (await connection.execute(select(refresh_tokens.c.hash))).scalars()]


async def sealed_successors(portal: Portal) -> list[str]:
    """The successors of refresh tokens that are kept."""
    kept = refresh_tokens.c.sealed_successor
    async with portal.wiring.backends.directory._engine.connect() as connection:  # type: ignore[attr-defined]
        return list((await connection.execute(select(kept).where(kept.is_not(None)))).scalars())


def given_to(user_id: str) -> Any:
    """What a person was given, for the WHERE of a statement."""
    return grants.c.membership_id.in_(select(memberships.c.id).where(memberships.c.user_id == user_id))


def is_refused(answer: Answer) -> bool:
    """Whether the token was refused, with no data and in the words of RFC 6750."""
    return (
        (answer.status, sorted(answer.body)) == (401, ["errors"])
        and answer.codes == {"": "UNAUTHENTICATED"}
        and answer.headers["www-authenticate"].startswith('Bearer realm="forecourt", error="invalid_token"')
    )


@pytest.fixture(scope="module")
async def domus() -> AsyncIterator[Portal]:
    """The software house's gateway, for tests that only begin sessions."""
    async with open_portal("software_house") as opened:
        yield opened


@pytest.mark.parametrize(
    "name",
    [
        "licence.holder@hausgut.example",
        " Licence.Holder@HAUSGUT.example ",
        "DOMUS_12345",
        " domus_12345 ",
        "Domus_12345",
    ],
)
async def test_a_licence_holder_signs_in_by_address_or_by_customer_number(domus: Portal, name: str) -> None:
    """D1, D2, D3."""
    payload = await signs_in(domus, name)
    answer = await holder_of(domus, payload["accessToken"]).asks(ME)

    assert payload["errors"] == []
    assert payload["viewer"]["user"]["displayName"] == "Roswitha Gut"
    assert payload["viewer"]["loginNames"] == ["licence.holder@hausgut.example", "DOMUS_12345"]
    assert answer.at("viewer.user.displayName") == "Roswitha Gut"


async def test_a_customer_number_is_the_name_of_that_customers_licence_holder(domus: Portal) -> None:
    """D3."""
    payload = await signs_in(domus, "DOMUS_67890")

    assert payload["viewer"]["user"]["displayName"] == "Friedrich Kappel"


async def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(domus: Portal) -> None:
    """D4."""
    tries = [
        ("contracts@hausgut.example", "wrong"),
        ("contracts@hausgut.example", ""),
        ("contracts@hausgut.example", DEMO_PASSWORD.upper()),
        ("nobody@hausgut.example", DEMO_PASSWORD),
        ("DOMUS_99999", DEMO_PASSWORD),
        ("12345", DEMO_PASSWORD),
        ("", DEMO_PASSWORD),
        ("x" * 5_000, DEMO_PASSWORD),
        ("contracts@hausgut.example", "p" * 5_000),
        ("elif.yildiz@hausgut.example", DEMO_PASSWORD),  # invited, has no password yet
        ("\u0000", "\u0000"),
    ]

    answers = [await domus.anybody().asks(SIGN_IN, name=name, password=password) for name, password in tries]

    (error,) = answers[0].at("signIn.errors")
    assert (error["__typename"], error["code"], error["path"]) == ("AuthenticationError", "INVALID_CREDENTIALS", None)
    assert answers[0].at("signIn") == {
        "accessToken": None, "refreshToken": None, "expiresAt": None, "viewer": None, "errors": [error],
    }  # fmt: skip
    assert [answer.body for answer in answers] == [answers[0].body] * len(tries)


async def test_neither_logs_nor_the_database_keep_a_password_or_a_token(
    portal: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as logged:
        session = await signs_in(portal, "purchase@helios.example")
        await signs_in(portal, "purchase@helios.example", "a-wrong-password")
        again = await refreshes(portal, session["refreshToken"])
        await refreshes(portal, session["refreshToken"])
        await holder_of(portal, again["accessToken"]).asks(ME)

    secrets = [DEMO_PASSWORD, "a-wrong-password"]
    secrets += [issued[kind] for issued in (session, again) for kind in ("accessToken", "refreshToken")]
    database = Path(str(make_url(portal.settings.database).database))
    kept = b"".join(file.read_bytes() for file in database.parent.glob(f"{database.name}*"))
    assert [secret for secret in secrets if secret in f"{logged}{caplog.text}"] == []
    assert [secret for secret in secrets if secret.encode() in kept] == []


async def test_the_rest_of_a_signing_in_request_is_already_ones_own(portal: Portal) -> None:
    answer = await portal.anybody().asks(
        """
        mutation Both($name: String!, $password: String!) {
          signIn(input: { loginName: $name, password: $password }) { errors { code } }
          updateProfile(input: { expectedVersion: 1, firstName: "Annegret-Marie" }) { viewer { user { displayName } } }
          signOut(input: {}) { accepted }
          again: updateProfile(input: { expectedVersion: 2, firstName: "Nobody" }) { viewer { id } }
        }
        """,
        name="administration@helios.example",
        password=DEMO_PASSWORD,
    )

    assert answer.at("updateProfile.viewer.user.displayName") == "Annegret-Marie Kästner"
    assert (answer.at("signOut"), answer.at("again")) == ({"accepted": True}, None)
    assert answer.codes == {"again": "UNAUTHENTICATED"}


async def test_a_session_goes_on_with_new_tokens(each_portal: Portal) -> None:
    first = await signs_in(each_portal, "purchase@helios.example")
    each_portal.clock.move(timedelta(minutes=12))  # the access token is over, with its leeway

    old = await holder_of(each_portal, first["accessToken"]).asks(ME)
    second = await refreshes(each_portal, first["refreshToken"])
    new = await holder_of(each_portal, second["accessToken"]).asks(ME)

    assert is_refused(old)
    assert second["errors"] == []
    assert second["viewer"]["id"] == first["viewer"]["id"]
    assert len({first["accessToken"], second["accessToken"], first["refreshToken"], second["refreshToken"]}) == 4
    assert second["expiresAt"] == "2026-11-21T09:22:00Z"
    assert new.at("viewer.user.displayName") == "Jörg Weiß"


async def test_a_refresh_token_that_comes_again_too_late_ends_its_session_at_once(each_portal: Portal) -> None:
    first = await signs_in(each_portal, "purchase@helios.example")
    other_device = await signs_in(each_portal, "purchase@helios.example")
    second = await refreshes(each_portal, first["refreshToken"])
    each_portal.clock.move(timedelta(seconds=10))

    stolen = await refreshes(each_portal, first["refreshToken"])

    assert (stolen["accessToken"], stolen["errors"]) == (None, [SESSION_OVER])
    await refreshes(each_portal, first["refreshToken"])
    (row,) = await each_portal.audit("session.reuse")
    (begun, _) = await each_portal.audit("session.begin")
    assert (row.actor_id, row.subject_id, row.after, row.ip_address) == (
        None, begun.actor_id, f'{{"session":"{begun.subject_id}"}}', "127.0.0.1",
    )  # fmt: skip
    assert is_refused(await holder_of(each_portal, second["accessToken"]).asks(ME))
    assert is_refused(await holder_of(each_portal, first["accessToken"]).asks(ME))
    assert (await refreshes(each_portal, second["refreshToken"]))["errors"] == [SESSION_OVER]
    assert (await holder_of(each_portal, other_device["accessToken"]).asks(ME)).at(
        "viewer.user.displayName"
    ) == "Jörg Weiß"


async def test_two_tabs_that_refresh_at_once_or_a_lost_answer_end_nothing(each_portal: Portal) -> None:
    first = await signs_in(each_portal, "purchase@helios.example")

    one_tab = await refreshes(each_portal, first["refreshToken"])
    each_portal.clock.move(timedelta(seconds=9))
    other_tab = await refreshes(each_portal, first["refreshToken"])

    assert one_tab["errors"] == other_tab["errors"] == []
    assert one_tab["refreshToken"] == other_tab["refreshToken"]
    assert one_tab["accessToken"] != other_tab["accessToken"]
    for payload in (first, one_tab, other_tab):
        assert (await holder_of(each_portal, payload["accessToken"]).asks(ME)).errors == []
    each_portal.clock.move(timedelta(minutes=10))
    assert (await refreshes(each_portal, other_tab["refreshToken"]))["errors"] == []
    assert await each_portal.audit("session.reuse") == []


async def test_twenty_refreshes_at_once_in_two_processes_all_get_the_one_successor(each_portal: Portal) -> None:
    first = await signs_in(each_portal, "purchase@helios.example")
    other_app = create_app(each_portal.settings, clock=each_portal.clock)
    async with (
        other_app.router.lifespan_context(other_app),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=other_app), base_url="http://portal.example"
        ) as other_client,
    ):
        processes = [each_portal.client, other_client]

        answers = await asyncio.gather(
            *(Person(processes[number % 2]).asks(REFRESH, token=first["refreshToken"]) for number in range(20))
        )

    payloads = [answer.at("refreshSession") for answer in answers]
    assert [payload["errors"] for payload in payloads] == [[]] * 20
    (successor,) = {payload["refreshToken"] for payload in payloads}
    assert len({payload["accessToken"] for payload in payloads}) == 20
    assert sorted(await stored_tokens(each_portal)) == sorted([hash_of(first["refreshToken"]), hash_of(successor)])
    assert (await refreshes(each_portal, successor))["errors"] == []


async def test_within_the_window_a_token_gets_its_successor_even_when_that_was_used(portal: Portal) -> None:
    first = await signs_in(portal, "purchase@helios.example")
    second = await refreshes(portal, first["refreshToken"])
    third = await refreshes(portal, second["refreshToken"])

    late_tab = await refreshes(portal, first["refreshToken"])
    goes_on = await refreshes(portal, late_tab["refreshToken"])

    assert late_tab["refreshToken"] == second["refreshToken"]
    assert goes_on["refreshToken"] == third["refreshToken"]


async def test_an_older_generation_ends_the_session_when_its_own_window_is_over(portal: Portal) -> None:
    first = await signs_in(portal, "purchase@helios.example")
    second = await refreshes(portal, first["refreshToken"])
    portal.clock.move(timedelta(seconds=10))
    third = await refreshes(portal, second["refreshToken"])

    stolen = await refreshes(portal, first["refreshToken"])

    assert stolen["errors"] == [SESSION_OVER]
    assert len(await portal.audit("session.reuse")) == 1
    for token in (second["refreshToken"], third["refreshToken"]):
        assert (await refreshes(portal, token))["errors"] == [SESSION_OVER]
    assert is_refused(await holder_of(portal, third["accessToken"]).asks(ME))


async def test_a_window_of_zero_seconds_lets_no_token_come_twice() -> None:
    async with open_portal(refresh_reuse_seconds=0) as portal:
        first = await signs_in(portal, "purchase@helios.example")
        second = await refreshes(portal, first["refreshToken"])

        assert (await refreshes(portal, first["refreshToken"]))["errors"] == [SESSION_OVER]
        assert is_refused(await holder_of(portal, second["accessToken"]).asks(ME))


async def test_the_window_is_as_long_as_the_operator_says() -> None:
    async with open_portal(refresh_reuse_seconds=60) as portal:
        first = await signs_in(portal, "purchase@helios.example")
        second = await refreshes(portal, first["refreshToken"])
        portal.clock.move(timedelta(seconds=59))

        assert (await refreshes(portal, first["refreshToken"]))["refreshToken"] == second["refreshToken"]
        portal.clock.move(timedelta(seconds=1))
        assert (await refreshes(portal, first["refreshToken"]))["errors"] == [SESSION_OVER]


PASSWORD_CHANGE = """
mutation Change($old: String!) {
  changePassword(input: { currentPassword: $old, newPassword: "vier Ziegel unter Glas" }) {
    accepted errors { code message }
  }
}
"""


@pytest.mark.parametrize(
    ("ending", "variables"),
    [
        (SIGN_OUT, {}),
        ("mutation { revokeOtherSessions(input: {}) { errors { code } } }", {}),
        (PASSWORD_CHANGE, {"old": DEMO_PASSWORD}),
    ],
    ids=["signing out", "signing out elsewhere", "changing the password"],
)
async def test_a_session_that_was_ended_within_the_window_does_not_come_back(
    portal: Portal, ending: str, variables: dict[str, str]
) -> None:
    first = await signs_in(portal, "purchase@helios.example")
    second = await refreshes(portal, first["refreshToken"])
    own = second["accessToken"]
    if ending != SIGN_OUT:
        own = (await signs_in(portal, "purchase@helios.example"))["accessToken"]

    answer = await holder_of(portal, own).asks(ending, **variables)

    assert answer.errors == []
    assert [payload["errors"] for payload in answer.data.values()] == [[]]
    for token in (first["refreshToken"], second["refreshToken"]):
        assert (await refreshes(portal, token))["errors"] == [SESSION_OVER]
    assert await portal.audit("session.reuse") == []  # nobody stole anything


async def test_the_successor_is_kept_sealed_and_only_while_the_window_is_open(portal: Portal) -> None:
    first = await signs_in(portal, "purchase@helios.example")
    second = await refreshes(portal, first["refreshToken"])

    kept = await sealed_successors(portal)
    portal.clock.move(timedelta(seconds=11))
    await run_scheduled_tasks(context_of(portal))

    (sealed,) = kept
    assert second["refreshToken"] not in sealed
    assert portal.wiring.backends.seals.open(sealed) == second["refreshToken"]
    assert await sealed_successors(portal) == []


async def test_a_successor_that_nobody_can_unseal_ends_no_session(each_portal: Portal) -> None:
    """The key was retired within the window: everybody goes on, each with a token that counts."""
    portal = each_portal
    first = await signs_in(portal, "purchase@helios.example")
    second = await refreshes(portal, first["refreshToken"])
    await alter(portal, update(refresh_tokens).values(sealed_successor="sealed with a key that is gone"))

    tabs = await asyncio.gather(*(refreshes(portal, first["refreshToken"]) for _ in range(4)))

    assert [tab["errors"] for tab in tabs] == [[]] * 4
    (other,) = {tab["refreshToken"] for tab in tabs}
    assert other != second["refreshToken"]
    for token in (other, second["refreshToken"]):
        assert (await refreshes(portal, token))["errors"] == []


@pytest.mark.parametrize("token", ["", "x", "x" * 5_000, "\u0000", "💡"])
async def test_what_is_no_refresh_token_continues_nothing(domus: Portal, token: str) -> None:
    assert (await refreshes(domus, token))["errors"] == [SESSION_OVER]


async def test_a_session_that_nobody_continues_is_over_after_two_weeks(portal: Portal) -> None:
    session = await signs_in(portal, "purchase@helios.example")
    portal.clock.move(timedelta(days=14))

    assert (await refreshes(portal, session["refreshToken"]))["errors"] == [SESSION_OVER]


async def test_whoever_has_signed_out_is_refused_on_the_next_request(each_portal: Portal) -> None:
    session = await signs_in(each_portal, "purchase@helios.example")
    person = holder_of(each_portal, session["accessToken"])

    farewell = await person.asks(SIGN_OUT)

    assert farewell.at("signOut") == {"accepted": True, "errors": []}
    assert is_refused(await person.asks(ME))
    assert is_refused(await person.asks(SIGN_OUT))
    assert (await refreshes(each_portal, session["refreshToken"]))["errors"] == [SESSION_OVER]


async def test_after_ten_wrong_attempts_one_name_has_to_wait_and_others_do_not(portal: Portal) -> None:
    wrong = [await signs_in(portal, "purchase@helios.example", f"guess {number}") for number in range(10)]
    with portal.statements() as statements:
        refused = await signs_in(portal, " PURCHASE@helios.example", DEMO_PASSWORD)
    other = await signs_in(portal, "planning@helios.example")

    assert [payload["errors"][0]["code"] for payload in wrong] == ["INVALID_CREDENTIALS"] * 10
    (error,) = refused["errors"]
    wait = error.pop("retryAfterSeconds")
    assert 0 < wait <= 300
    assert error == {
        "__typename": "RateLimitError",
        "code": "RATE_LIMITED",
        "message": str(Text("Too many attempts. Please try again {wait}.", wait=timedelta(seconds=wait))),
        "path": None,
    }
    assert refused["accessToken"] is None
    assert statements == []  # no password was checked
    assert other["viewer"]["user"]["displayName"] == "Franziska Löffler"


TILES = "{ viewer { applications { application { key } } } }"


async def test_a_role_that_was_taken_away_is_gone_on_the_next_request(each_portal: Portal) -> None:
    """K38: the token says who, never what."""
    person = await each_portal.person("purchase@helios.example")
    before = await person.asks("{ viewer { memberships { nodes { organization { orders { totalCount } } } } } }")
    me = (await person.asks("{ viewer { user { id } } }")).at("viewer.user.id")

    await alter(each_portal, delete(grants).where(given_to(me)))
    after = await person.asks("{ viewer { memberships { nodes { organization { orders { totalCount } } } } } }")
    tiles = await person.asks(TILES)

    assert before.at("viewer.memberships.nodes.0.organization.orders.totalCount") == 81
    assert after.at("viewer.memberships.nodes.0.organization.orders") is None
    assert after.codes == {"viewer.memberships.nodes.0.organization.orders": "UNAUTHORIZED_FIELD_OR_TYPE"}
    assert tiles.at("viewer.applications") == []


@pytest.mark.parametrize(
    ("status", "reason"),
    [("SUSPENDED", "MEMBERSHIP_SUSPENDED"), ("REMOVED", "NOT_A_MEMBER"), ("INVITED", "NOT_A_MEMBER")],
)
async def test_a_membership_that_ends_ends_every_right_on_the_next_request(
    portal: Portal, status: str, reason: str
) -> None:
    person = await portal.person("purchase@helios.example")
    helios = await portal.organization_of("purchase@helios.example")
    me = (await person.asks("{ viewer { user { id } } }")).at("viewer.user.id")
    query = """
        query Q($id: ID!) { viewer {
          can(organizationId: $id, permissions: [ORDER_PLACE]) { allowed reason sources { __typename } }
          applications(organizationId: $id) { application { key } }
        } }
    """
    before = await person.asks(query, id=helios)

    await alter(portal, update(memberships).where(memberships.c.user_id == me).values(status=status))
    after = await person.asks(query, id=helios)

    assert before.at("viewer.can.0.allowed") is True
    assert after.at("viewer") == {"can": [{"allowed": False, "reason": reason, "sources": []}], "applications": []}


async def test_a_role_with_an_end_counts_until_that_instant_and_not_longer(each_portal: Portal) -> None:
    person = await each_portal.person("purchase@helios.example")
    me = (await person.asks("{ viewer { user { id } } }")).at("viewer.user.id")
    until = each_portal.clock.now + timedelta(minutes=5)
    await alter(each_portal, update(grants).where(given_to(me)).values(valid_until=until))
    query = """
        { viewer {
            can(permissions: [ORDER_PLACE]) { allowed }
            memberships { nodes { roleGrants { validUntil } effectivePermissions { validUntil } } }
        } }
    """

    each_portal.clock.move(timedelta(minutes=5, microseconds=-1))
    last = await person.asks(query)
    each_portal.clock.move(timedelta(microseconds=1))
    over = await person.asks(query)

    assert last.at("viewer.can.0.allowed") is True
    assert last.at("viewer.memberships.nodes.0.roleGrants") == [{"validUntil": "2026-11-21T09:05:00Z"}]
    assert last.at("viewer.memberships.nodes.0.effectivePermissions") == [{"validUntil": "2026-11-21T09:05:00Z"}] * 6
    assert over.at("viewer") == {
        "can": [{"allowed": False}],
        "memberships": {"nodes": [{"roleGrants": [], "effectivePermissions": []}]},
    }


async def test_an_address_that_is_not_confirmed_is_no_login_name(portal: Portal) -> None:
    """D1: only an address that is linked to the account."""
    await alter(
        portal, update(users).where(users.c.email_key == "purchase@helios.example").values(email_verified=False)
    )

    payload = await signs_in(portal, "purchase@helios.example")

    assert [error["code"] for error in payload["errors"]] == ["INVALID_CREDENTIALS"]


async def test_a_role_that_the_portal_does_not_have_gives_nothing_and_breaks_nothing(portal: Portal) -> None:
    person = await portal.person("purchase@helios.example")
    me = (await person.asks("{ viewer { user { id } } }")).at("viewer.user.id")
    await alter(portal, update(grants).where(given_to(me)).values(key="emperor"))

    answer = await person.asks(
        "{ viewer { applications { application { key } } can(permissions: [ORDER_PLACE]) { allowed } "
        "memberships { nodes { roleGrants { role { key } } effectivePermissions { permission { code } } } } } }"
    )

    assert answer.body == {
        "data": {
            "viewer": {
                "applications": [],
                "can": [{"allowed": False}],
                "memberships": {"nodes": [{"roleGrants": [{"role": None}], "effectivePermissions": []}]},
            }
        }
    }
