"""What needs nobody is answered whatever access token comes along; what needs somebody says what is wrong with it."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from graphql import GraphQLSchema

from gateway.demo import DEMO_PASSWORD
from schema.graph.fields import BATCH
from tests.every_mutation.registration import ORGANIZATION, PERSON
from tests.invitations.inviting import ACCEPT, NEW, PREVIEW, account, invited
from tests.portal import Answer, Person, Portal, open_portal
from tests.schemas import shared_core
from tests.sessions.test_sign_in import REFRESH, SIGN_IN, SIGN_OUT, holder_of, signs_in

PURCHASE = "purchase@helios.example"
ME = "{ viewer { user { displayName } } }"
EXPIRED, ENDED, INVALID = "ACCESS_TOKEN_EXPIRED", "SESSION_ENDED", "ACCESS_TOKEN_INVALID"
MESSAGES = {
    EXPIRED: "The access token has expired. Get a new one with refreshSession, sent on its own.",
    ENDED: "Your session has ended. Please sign in again.",
    INVALID: "This is not a valid access token of this portal. Please sign in again.",
}
NOTICE = "The access token was not accepted, so this was answered as if you were not signed in."


async def bad_tokens(portal: Portal) -> dict[str, str]:
    """Access tokens that are not accepted, by what is wrong with them; the portal's clock moves on."""
    old = await portal.person(PURCHASE)
    portal.clock.move(timedelta(minutes=12))
    ended = await portal.person(PURCHASE)
    await ended.asks(SIGN_OUT)
    assert old.token is not None
    assert ended.token is not None
    header = jwt.get_unverified_header(ended.token)
    claims = jwt.decode(ended.token, options={"verify_signature": False})
    forged = jwt.encode(claims, Ed25519PrivateKey.generate(), "EdDSA", {"typ": header["typ"], "kid": header["kid"]})
    return {EXPIRED: old.token, ENDED: ended.token, INVALID: forged}


@pytest.fixture(scope="module")
async def gate() -> AsyncIterator[tuple[Portal, dict[str, str]]]:
    """A gateway whose schema is asked for, with tokens that it does not accept."""
    async with open_portal(max_batch=5) as portal:
        yield portal, await bad_tokens(portal)


def reported(answer: Answer) -> Any:
    """What the answer says of the access token."""
    return answer.body.get("extensions", {}).get("authentication")


def is_refused(answer: Answer, problem: str) -> bool:
    """Whether nothing was executed, and the answer says what is wrong with the token and what helps."""
    error = {"message": MESSAGES[problem], "extensions": {"code": "UNAUTHENTICATED", "reason": problem}}
    challenge = f'Bearer realm="forecourt", error="invalid_token", error_description="{MESSAGES[problem]}"'
    return (answer.status, answer.body, answer.headers["www-authenticate"]) == (401, {"errors": [error]}, challenge)


TOKEN = {"token": "x" * 43}
NEEDS_NOBODY: dict[str, tuple[str, dict[str, Any]]] = {
    "roles": ("{ roles { key } }", {}),
    "permissions": ("{ permissions { code } }", {}),
    "applicationCatalogue": ("{ applicationCatalogue { key } }", {}),
    "invitationPreview": (PREVIEW, TOKEN),
    "mailLinkPreview": (
        "query P($token: String!) { mailLinkPreview(kind: PASSWORD_RESET, token: $token) { maskedEmail } }",
        TOKEN,
    ),
    "registrationStatus": ('{ registrationStatus(reference: "x", email: "a@b.example") { status } }', {}),
    "organizationRegistrationCheck": (
        '{ organizationRegistrationCheck(input: { vatId: "DE123456789" }) { __typename } }',
        {},
    ),
}
"""A query for each field of Query that is open to everybody."""

INPUTS: dict[str, tuple[dict[str, Any], str]] = {
    "signIn": ({"loginName": PURCHASE, "password": DEMO_PASSWORD}, "viewer { user { displayName } }"),
    "refreshSession": ({"refreshToken": "x"}, "viewer { user { displayName } }"),
    "requestPasswordReset": ({"loginIdentifier": PURCHASE}, "accepted"),
    "requestLoginNameReminder": ({"loginIdentifier": PURCHASE}, "accepted"),
    "resetPassword": ({**TOKEN, "newPassword": "drei Dachziegel im Regen"}, "viewer { id }"),
    "confirmEmailChange": (TOKEN, "viewer { id }"),
    "cancelAccountDeletion": (TOKEN, "accepted"),
    "acceptInvitation": (TOKEN, "membership { id }"),
    "declineInvitation": (TOKEN, "invitation { status organization { name } }"),
    "requestNewInvitation": (TOKEN, "accepted"),
    "registerPrivateAccount": (PERSON, "__typename"),
    "registerOrganization": (ORGANIZATION, "registration { id }"),
    "confirmRegistration": ({**TOKEN, "password": "drei Dachziegel im Regen"}, "viewer { id }"),
    "withdrawRegistration": (TOKEN, "__typename"),
}
"""What each mutation takes that somebody may send who is not signed in."""


def mutation_of(name: str) -> str:
    """A document with one mutation."""
    given = f"{name[0].upper()}{name[1:]}Input"
    types = {"acceptInvitation": "AcceptInvitationInput", "requestLoginNameReminder": "RequestPasswordResetInput"}
    given = types.get(name, _input_type(name) or given)
    return f"mutation M($input: {given}!) {{ {name}(input: $input) {{ {INPUTS[name][1]} errors {{ code path }} }} }}"


def _input_type(name: str) -> str | None:
    mutations = SCHEMA.mutation_type
    assert mutations is not None
    return str(mutations.fields[name].args["input"].type).rstrip("!")


SCHEMA: GraphQLSchema = shared_core()

DOCUMENTS = {
    **NEEDS_NOBODY,
    **{name: (mutation_of(name), {"input": given}) for name, (given, _) in INPUTS.items()},
    "nothing but the type": ("{ __typename }", {}),
}


def test_every_field_that_is_open_to_everybody_is_tried_here() -> None:
    answering_by_caller = {"viewer", "node", "nodes"}
    open_fields = {
        name
        for type_ in (SCHEMA.query_type, SCHEMA.mutation_type)
        if type_ is not None
        for name, field in type_.fields.items()
        if not field.extensions[BATCH].bound.rule.signed_in
    }

    assert open_fields == NEEDS_NOBODY.keys() | INPUTS.keys() | answering_by_caller


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_what_needs_nobody_is_answered_as_without_a_token(portal: Portal, name: str) -> None:
    query, variables = DOCUMENTS[name]
    bad = await bad_tokens(portal)

    without = await portal.anybody().asks(query, **variables)
    answers = {  # two, for a mail to somebody may be asked for three times
        problem: await Person(portal.client, bad[problem]).asks(query, **variables) for problem in (EXPIRED, ENDED)
    }

    assert (without.status, without.errors, reported(without)) == (200, [], None)
    for problem, answer in answers.items():
        assert answer.body.pop("extensions") == {"authentication": {"message": NOTICE, "reason": problem}}
        assert (answer.status, answer.body) == (without.status, without.body)


NEEDS_SOMEBODY = {
    "viewer": ME,
    "node": '{ node(id: "usr_x") { id } }',
    "nodes": '{ nodes(ids: ["usr_x"]) { id } }',
    "a guarded query": '{ organization(id: "org_x") { id } }',
    "a guarded mutation": SIGN_OUT,
    "something open beside it": "{ roles { key } viewer { id } }",
    "something open before it": "mutation { requestPasswordReset(input: { loginIdentifier: \"x\" }) { accepted } "
    "signOut(input: {}) { accepted } }",
    "the same under another name": "{ me: viewer { id } }",
    "in a fragment": "query { ...A } fragment A on Query { ... { ...B } } fragment B on Query { viewer { id } }",
    "in a fragment without a type": "{ ... { viewer { id } } }",
    "included": "query Q($is: Boolean = true) { roles { key } viewer @include(if: $is) { id } }",
    "not skipped": "query Q($is: Boolean = false) { roles { key } ... @skip(if: $is) { viewer { id } } }",
    "introspection, which shows what the caller may use": "{ __schema { queryType { name } } }",
    "introspection of one type": '{ __type(name: "Query") { name } }',
    "cancelling a deletion without the mail's token": "mutation { cancelAccountDeletion(input: {}) { accepted } }",
    "with null for it": "mutation { cancelAccountDeletion(input: { token: null }) { accepted } }",
    "withdrawing one's own registration": 'mutation { withdrawRegistration(input: { id: "reg_x" }) { __typename } }',
}  # fmt: skip


@pytest.mark.parametrize("problem", [EXPIRED, ENDED, INVALID])
@pytest.mark.parametrize("name", NEEDS_SOMEBODY)
async def test_what_needs_somebody_says_what_is_wrong_before_anything_is_executed(
    gate: tuple[Portal, dict[str, str]], name: str, problem: str
) -> None:
    portal, bad = gate

    with portal.statements() as statements:
        answer = await Person(portal.client, bad[problem]).asks(NEEDS_SOMEBODY[name])

    assert is_refused(answer, problem)
    assert len(statements) == (1 if problem == ENDED else 0)


async def test_registering_an_organization_as_oneself_needs_oneself(gate: tuple[Portal, dict[str, str]]) -> None:
    portal, bad = gate
    own = {name: value for name, value in ORGANIZATION.items() if not name.startswith("applicant")}

    answer = await Person(portal.client, bad[EXPIRED]).asks(mutation_of("registerOrganization"), input=own)

    assert is_refused(answer, EXPIRED)


@pytest.mark.parametrize(
    "query",
    [
        "query Q($is: Boolean = false) { roles { key } viewer @include(if: $is) { id } }",
        "query Q($is: Boolean = true) { roles { key } ...A @skip(if: $is) } fragment A on Query { viewer { id } }",
    ],
)
async def test_what_is_left_out_needs_nobody(gate: tuple[Portal, dict[str, str]], query: str) -> None:
    portal, bad = gate

    answer = await Person(portal.client, bad[EXPIRED]).asks(query)

    assert (answer.errors, "roles" in answer.data) == ([], True)


async def test_introspection_that_shows_everybody_the_same_needs_nobody() -> None:
    async with open_portal(introspection="on") as portal:
        answer = await Person(portal.client, "x").asks("{ __schema { queryType { name } } }")

    assert answer.at("__schema.queryType.name") == "Query"


async def test_a_session_goes_on_although_its_access_token_is_sent_along(portal: Portal) -> None:
    session = await signs_in(portal, PURCHASE)
    portal.clock.move(timedelta(minutes=12))

    answer = await holder_of(portal, session["accessToken"]).asks(REFRESH, token=session["refreshToken"])

    assert answer.at("refreshSession.errors") == []
    assert "refreshSession" not in json.dumps(answer.body["extensions"])
    renewed = answer.at("refreshSession.accessToken")
    assert (await holder_of(portal, renewed).asks(ME)).at("viewer.user.displayName") == "Jörg Weiß"


async def test_an_operation_that_begins_a_session_has_its_own_caller_from_there_on(portal: Portal) -> None:
    bad = await bad_tokens(portal)
    query = """
        mutation Both($name: String!, $password: String!) {
          signIn(input: { loginName: $name, password: $password }) { errors { code } }
          updateProfile(input: { expectedVersion: 1, firstName: "Jörg-Maria" }) { viewer { user { displayName } } }
        }
    """

    answer = await Person(portal.client, bad[ENDED]).asks(query, name=PURCHASE, password=DEMO_PASSWORD)

    assert answer.at("updateProfile.viewer.user.displayName") == "Jörg-Maria Weiß"


async def test_somebody_invited_joins_although_an_old_session_is_left_in_the_browser(portal: Portal) -> None:
    bad = await bad_tokens(portal)
    _, token = await invited(portal)

    answer = await Person(portal.client, bad[ENDED]).asks(ACCEPT, input={"token": token} | account())

    assert (answer.errors, answer.at("acceptInvitation.errors")) == ([], [])
    assert answer.at("acceptInvitation.membership.user.displayName") == "Nina Neu"
    assert answer.at("acceptInvitation.viewer.user.email") == NEW


async def test_of_a_batch_each_operation_is_answered_by_what_it_needs(gate: tuple[Portal, dict[str, str]]) -> None:
    portal, bad = gate
    person = Person(portal.client, bad[EXPIRED])
    open_one = {"query": SIGN_IN, "variables": {"name": PURCHASE, "password": DEMO_PASSWORD}}

    mixed = await person.posts(json.dumps([{"query": ME}, open_one, {"query": "{ nothing }"}]).encode())
    guarded = await person.posts(json.dumps([{"query": ME}, {"query": SIGN_OUT}]).encode())
    invalid = await person.posts(json.dumps([{"query": "{ nothing }"}]).encode())

    refused, executed, not_valid = mixed.body
    assert mixed.status == 200
    assert refused == {
        "errors": [{"message": MESSAGES[EXPIRED], "extensions": {"code": "UNAUTHENTICATED", "reason": EXPIRED}}]
    }
    assert executed["data"]["signIn"]["viewer"]["user"] == {"displayName": "Jörg Weiß"}
    assert executed["extensions"]["authentication"]["reason"] == EXPIRED
    assert not_valid["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert is_refused(guarded, EXPIRED)
    assert invalid.body == [not_valid]


async def test_looking_as_a_member_needs_somebody_whatever_is_asked(gate: tuple[Portal, dict[str, str]]) -> None:
    portal, bad = gate
    body = json.dumps({"query": "{ roles { key } }"}).encode()

    for problem, token in bad.items():
        answer = await Person(portal.client, token).posts(body, forecourt_view_as="mem_x")
        assert is_refused(answer, problem)


async def test_what_is_no_query_answers_whoever_asks(gate: tuple[Portal, dict[str, str]]) -> None:
    portal, bad = gate
    paths = ["/health/live", "/health/ready", "/.well-known/jwks.json", "/graphiql", "/mailbox"]

    for token in (*bad.values(), ""):
        for path in paths:
            response = await portal.client.get(path, headers={"authorization": f"Bearer {token}"})
            assert (path, response.status_code) == (path, 200)


async def test_a_copy_of_ones_data_says_what_is_wrong_with_the_token(gate: tuple[Portal, dict[str, str]]) -> None:
    portal, bad = gate

    for problem, token in bad.items():
        response = await portal.client.get("/account/export/exp_x", headers={"authorization": f"Bearer {token}"})
        assert is_refused(Answer(response.status_code, dict(response.headers), response.json()), problem)
    nothing = await portal.client.get("/account/export/exp_x", headers={"authorization": ""})
    several = await portal.client.get(
        "/account/export/exp_x", headers=[("authorization", "Bearer a"), ("authorization", "Bearer b")]
    )

    assert (nothing.status_code, nothing.headers["www-authenticate"]) == (401, 'Bearer realm="forecourt"')
    assert (several.status_code, several.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")
