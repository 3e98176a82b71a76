"""One's own account: consents with their history, the devices one is signed in on, the organization looked at first."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from connectors.directory.records.accounts import ConsentPurpose
from resolvers.account.consents import LABELS
from tests.account.own_account import PURCHASE, holder_of, is_signed_in, signs_in
from tests.portal import Person, Portal

NEWSLETTER = """
mutation Subscribe($on: Boolean!) {
  setNewsletterSubscription(input: { subscribed: $on }) { viewer { newsletterSubscribed } errors { code } }
}
"""
CONSENT = """
mutation Consent($purpose: ConsentPurpose!, $granted: Boolean!) {
  setConsent(input: { purpose: $purpose, granted: $granted }) {
    viewer { consents { purpose granted } } errors { code path }
  }
}
"""
CONSENTS = (
    "{ viewer { newsletterSubscribed consents { id purpose granted changedAt source history { granted changedAt } } } }"
)
SESSIONS = "{ viewer { sessions { id deviceLabel ipAddress createdAt lastSeenAt expiresAt current } } }"
REVOKE = (
    "mutation Revoke($id: ID!) { revokeSession(input: { id: $id }) { viewer { id } errors { code path message } } }"
)
REVOKE_OTHERS = "mutation { revokeOtherSessions(input: {}) { viewer { sessions { current } } errors { code } } }"
DEFAULT = """
mutation Default($id: ID!) {
  setDefaultOrganization(input: { id: $id }) {
    viewer { defaultOrganization { name } } errors { code path message }
  }
}
"""


async def sessions_of(person: Person) -> Any:
    """The devices that the person sees."""
    return (await person.asks(SESSIONS)).at("viewer.sessions")


async def test_nobody_has_the_newsletter_before_asking_for_it_and_one_call_ends_it(each_portal: Portal) -> None:
    """D13."""
    person = await each_portal.person(PURCHASE)
    before = await person.asks(CONSENTS)

    on = await person.asks(NEWSLETTER, on=True)
    each_portal.clock.move(timedelta(minutes=1))
    off = await person.asks(NEWSLETTER, on=False)
    after = await person.asks(CONSENTS)

    assert before.at("viewer") == {"newsletterSubscribed": False, "consents": []}
    assert on.at("setNewsletterSubscription") == {"viewer": {"newsletterSubscribed": True}, "errors": []}
    assert off.at("setNewsletterSubscription") == {"viewer": {"newsletterSubscribed": False}, "errors": []}
    (consent,) = after.at("viewer.consents")
    assert consent | {"id": ""} == {
        "id": "",
        "purpose": "NEWSLETTER",
        "granted": False,
        "changedAt": "2026-11-21T09:01:00Z",
        "source": "account",
        "history": [
            {"granted": False, "changedAt": "2026-11-21T09:01:00Z"},
            {"granted": True, "changedAt": "2026-11-21T09:00:00Z"},
        ],
    }
    rows = await each_portal.audit("consent.set")
    assert [(row.before, row.after) for row in rows] == [
        ('{"newsletter":"false"}', '{"newsletter":"true"}'),
        ('{"newsletter":"true"}', '{"newsletter":"false"}'),
    ]


async def test_what_is_so_already_is_not_stored_again(portal: Portal) -> None:
    person = await portal.person(PURCHASE)

    for on in (False, True, True):
        await person.asks(NEWSLETTER, on=on)

    assert len((await person.asks(CONSENTS)).at("viewer.consents.0.history")) == 1
    assert len(await portal.audit("consent.set")) == 1


async def test_each_purpose_is_decided_separately_and_seen_by_oneself_only(portal: Portal) -> None:
    person, other = await portal.person(PURCHASE), await portal.person("planning@helios.example")

    await person.asks(CONSENT, purpose="USAGE_STATISTICS", granted=True)
    answer = await person.asks(CONSENT, purpose="NEWSLETTER", granted=True)
    (newsletter, _) = (await person.asks(CONSENTS)).at("viewer.consents")
    node = 'query N($id: ID!) { node(id: $id) { ... on Consent { label(locale: "fr") } } }'

    assert answer.at("setConsent.viewer.consents") == [
        {"purpose": "NEWSLETTER", "granted": True},
        {"purpose": "USAGE_STATISTICS", "granted": True},
    ]
    assert (await other.asks(CONSENTS)).at("viewer.consents") == []
    label = LABELS[ConsentPurpose.NEWSLETTER]["fr"]
    assert (await person.asks(node, id=newsletter["id"])).at("node") == {"label": label}
    assert (await other.asks(node, id=newsletter["id"])).at("node") is None
    assert (await portal.anybody().asks(node, id=newsletter["id"])).at("node") is None


@pytest.mark.parametrize("purpose", ["", "newsletter", "WORLD_DOMINATION", None, 1])
async def test_a_purpose_that_is_none_is_refused_before_anything_happens(portal: Portal, purpose: Any) -> None:
    person = await portal.person(PURCHASE)

    with portal.statements() as statements:
        answer = await person.asks(CONSENT, purpose=purpose, granted=True)

    assert (answer.status, answer.codes) == (400, {"": "BAD_USER_INPUT"})
    assert statements == []


def test_every_purpose_is_asked_in_three_languages() -> None:
    assert [sorted(LABELS[purpose]) for purpose in ConsentPurpose] == [["de", "en", "fr"]] * len(ConsentPurpose)


async def test_the_devices_one_is_signed_in_on_are_listed_seen_last_first(each_portal: Portal) -> None:
    first = await signs_in(each_portal, PURCHASE)
    each_portal.clock.move(timedelta(minutes=1))
    here = await each_portal.person(PURCHASE)
    await each_portal.person("planning@helios.example")
    each_portal.clock.move(timedelta(minutes=1))
    refresh = "mutation R($t: String!) { refreshSession(input: { refreshToken: $t }) { errors { code } } }"
    await each_portal.anybody().asks(refresh, t=first["refreshToken"])

    sessions = await sessions_of(here)

    assert [{key: one[key] for key in ("createdAt", "lastSeenAt", "expiresAt", "current")} for one in sessions] == [
        {
            "createdAt": "2026-11-21T09:00:00Z",
            "lastSeenAt": "2026-11-21T09:02:00Z",
            "expiresAt": "2026-12-21T09:00:00Z",
            "current": False,
        },
        {
            "createdAt": "2026-11-21T09:01:00Z",
            "lastSeenAt": "2026-11-21T09:01:00Z",
            "expiresAt": "2026-12-21T09:01:00Z",
            "current": True,
        },
    ]
    assert sessions[0]["deviceLabel"].startswith("python-httpx")
    assert sessions[0]["ipAddress"] == "127.0.0.1"


async def test_a_session_that_was_ended_is_refused_on_its_next_request(each_portal: Portal) -> None:
    here, there = await each_portal.person(PURCHASE), await each_portal.person(PURCHASE)
    (other,) = [one["id"] for one in await sessions_of(here) if not one["current"]]

    answer = await here.asks(REVOKE, id=other)

    assert answer.at("revokeSession.errors") == []
    assert not await is_signed_in(there)
    assert await is_signed_in(here)
    assert [one["current"] for one in await sessions_of(here)] == [True]
    (row,) = await each_portal.audit("session.revoke")
    assert row.subject_id == other


async def test_somebody_elses_session_is_refused_like_one_that_does_not_exist(portal: Portal) -> None:
    here, stranger = await portal.person(PURCHASE), await portal.person("administration@helios.example")
    (mine,) = [one["id"] for one in await sessions_of(here)]
    me = (await here.asks("{ viewer { user { id } } }")).at("viewer.user.id")

    payloads = [
        (await stranger.asks(REVOKE, id=id)).at("revokeSession")
        for id in (mine, "ses_00000000000000000000000000", me, "", "\u0000", "x" * 5_000)
    ]

    message = "There is no such session, or it is not yours. Please reload the list."
    assert payloads[0] == {"viewer": None, "errors": [{"code": "NOT_FOUND", "path": ["id"], "message": message}]}
    assert payloads == [payloads[0]] * len(payloads)
    assert await is_signed_in(here)
    node = "query N($id: ID!) { node(id: $id) { id } }"
    assert (await stranger.asks(node, id=mine)).at("node") is None
    assert (await here.asks(node, id=mine)).at("node") == {"id": mine}
    assert await portal.audit("session.revoke") == []


async def test_ending_a_session_that_has_ended_is_refused(portal: Portal) -> None:
    here = await portal.person(PURCHASE)
    await portal.person(PURCHASE)
    (other,) = [one["id"] for one in await sessions_of(here) if not one["current"]]

    codes = [(await here.asks(REVOKE, id=other)).at("revokeSession.errors") for _ in range(2)]

    assert [[error["code"] for error in errors] for errors in codes] == [[], ["NOT_FOUND"]]


async def test_ending_ones_own_session_is_signing_out(portal: Portal) -> None:
    here = await portal.person(PURCHASE)
    (mine,) = [one["id"] for one in await sessions_of(here)]

    answer = await here.asks(REVOKE, id=mine)

    assert answer.at("revokeSession") == {"viewer": None, "errors": []}
    assert not await is_signed_in(here)


async def test_of_twenty_uses_of_an_old_refresh_token_at_once_none_counts_and_the_session_ends(
    each_portal: Portal,
) -> None:
    session = await signs_in(each_portal, PURCHASE)
    refresh = "mutation R($t: String!) { refreshSession(input: { refreshToken: $t }) { accessToken errors { code } } }"
    used = await each_portal.anybody().asks(refresh, t=session["refreshToken"])
    each_portal.clock.move(timedelta(seconds=10))

    answers = await asyncio.gather(*(each_portal.anybody().asks(refresh, t=session["refreshToken"]) for _ in range(20)))

    refused = {"accessToken": None, "errors": [{"code": "SESSION_ENDED"}]}
    assert [answer.at("refreshSession") for answer in answers] == [refused] * 20
    for token in (session["accessToken"], used.at("refreshSession.accessToken")):
        assert not await is_signed_in(holder_of(each_portal, token))
    assert len(await each_portal.audit("session.reuse")) == 1


async def test_all_other_sessions_end_together_and_nobody_elses(each_portal: Portal) -> None:
    here = await each_portal.person(PURCHASE)
    others = [await each_portal.person(PURCHASE) for _ in range(3)]
    colleague = await each_portal.person("planning@helios.example")

    answer = await here.asks(REVOKE_OTHERS)
    await here.asks(REVOKE_OTHERS)

    assert answer.at("revokeOtherSessions") == {"viewer": {"sessions": [{"current": True}]}, "errors": []}
    assert [await is_signed_in(other) for other in others] == [False] * 3
    assert await is_signed_in(colleague)
    (row,) = await each_portal.audit("session.revoke_others")
    assert json.loads(row.after) == {"sessions_ended": "3"}


async def test_fifty_sessions_are_listed_in_one_statement(portal: Portal) -> None:
    here = await portal.person(PURCHASE)
    for _ in range(51):
        await portal.person(PURCHASE)

    with portal.statements() as statements:
        sessions = await sessions_of(here)

    assert len(sessions) == 50
    assert (
        len(
            [statement for statement in statements if "FROM sessions" in statement and "last_seen_at DESC" in statement]
        )
        == 1
    )


async def test_one_chooses_the_organization_to_look_at_first(each_portal: Portal) -> None:
    person = await each_portal.person("two.companies@helios.example")
    lumen = await each_portal.organization_of("two.companies@helios.example", 1)

    answer = await person.asks(DEFAULT, id=lumen)

    assert answer.at("setDefaultOrganization") == {
        "viewer": {"defaultOrganization": {"name": "Lumen Handels AG"}},
        "errors": [],
    }
    again = await (await each_portal.person("two.companies@helios.example")).asks(
        "{ viewer { defaultOrganization { name } } }"
    )
    assert again.at("viewer.defaultOrganization.name") == "Lumen Handels AG"
    assert len(await each_portal.audit("profile.default_organization")) == 1


async def test_an_organization_that_is_not_ones_own_cannot_be_looked_at_first(portal: Portal) -> None:
    person = await portal.person(PURCHASE)
    lumen = await portal.organization_of("administration@lumen.example")

    foreign, unknown = [
        (await person.asks(DEFAULT, id=id)).at("setDefaultOrganization")
        for id in (lumen, "org_00000000000000000000000000")
    ]

    assert foreign == unknown
    assert [(error["code"], error["path"]) for error in foreign["errors"]] == [("NOT_FOUND", ["id"])]
    assert await portal.audit("profile.default_organization") == []


async def test_who_looks_as_a_member_sees_nothing_of_their_account(portal: Portal) -> None:
    person = await portal.person(PURCHASE)
    await person.asks(NEWSLETTER, on=True)
    await person.asks("mutation { requestDataExport(input: {}) { errors { code } } }")
    await person.asks("mutation { requestAccountDeletion(input: {}) { errors { code } } }")
    membership = (await person.asks("{ viewer { memberships { nodes { id } } } }")).at("viewer.memberships.nodes.0.id")
    administrator = await portal.person("administration@helios.example")
    query = """
        { viewer {
            user { displayName } newsletterSubscribed consents { id } sessions { id } dataExports { id } deletionDueAt
        } }
    """

    answer = await administrator.posts(json.dumps({"query": query}).encode(), forecourt_view_as=membership)

    assert answer.at("viewer") == {
        "user": {"displayName": "Jörg Weiß"},
        "newsletterSubscribed": None,
        "consents": [],
        "sessions": [],
        "dataExports": [],
        "deletionDueAt": None,
    }
