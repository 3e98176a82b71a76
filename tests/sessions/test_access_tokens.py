"""A token proves who somebody is only when we signed it, for us, and it is not over (RFC 8725, RFC 9068)."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.portal import GRAPHQL_JSON, NOW, Answer, Person, Portal, open_portal

ME = "{ viewer { user { displayName } } }"


@pytest.fixture(scope="module")
async def gate() -> AsyncIterator[Portal]:
    """A gateway that is only asked who somebody is."""
    async with open_portal() as opened:
        yield opened


@pytest.fixture(scope="module")
async def genuine(gate: Portal) -> str:
    """A token as the gateway issues it."""
    token = (await gate.person("purchase@helios.example")).token
    assert token is not None
    return token


def parts_of(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header and the claims of a token."""
    return jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})


def signing_key(portal: Portal) -> Ed25519PrivateKey:
    """The gateway's own key."""
    return portal.wiring.tokens.keys.current.signing_at(portal.clock()).private


def signed(portal: Portal, header: dict[str, Any], claims: dict[str, Any], key: Any = None) -> str:
    """A token with this header and these claims, signed with the gateway's own key unless another is given."""
    key = key or signing_key(portal)
    sent = {name: value for name, value in header.items() if name != "alg"}
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, key, "EdDSA", headers=sent)


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: str = "") -> str:
    """A token put together by hand."""
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims)]
    return ".".join([*encoded, signature])


def public_pem(portal: Portal) -> bytes:
    """The public key, as an attacker may take it for an HMAC secret."""
    return signing_key(portal).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def hs256_with_the_public_key(portal: Portal, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """The classic confusion of algorithms, signed by hand because libraries refuse to."""

    body = unsigned(header | {"alg": "HS256"}, claims).rstrip(".")
    digest = hmac.new(public_pem(portal), body.encode(), hashlib.sha256).digest()
    return f"{body}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def with_a_key_of_its_own(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A token that brings the key along with which it is to be verified."""
    key = Ed25519PrivateKey.generate()
    x = base64.urlsafe_b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).rstrip(b"=").decode()
    return jwt.encode(claims, key, "EdDSA", headers=header | {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": x}})


FORGERIES = {
    "another key": lambda p, h, c: signed(p, h, c, Ed25519PrivateKey.generate()),
    "another key by name": lambda p, h, c: signed(p, h | {"kid": "mine"}, c, Ed25519PrivateKey.generate()),
    "no key name": lambda p, h, c: signed(p, {"typ": "at+jwt"}, c),
    "alg none": lambda p, h, c: unsigned(h | {"alg": "none"}, c),
    "alg None": lambda p, h, c: unsigned(h | {"alg": "None"}, c),
    "HS256 with the public key": hs256_with_the_public_key,
    "an ID token": lambda p, h, c: signed(p, h | {"typ": "JWT"}, c),
    "a logout token": lambda p, h, c: signed(p, h | {"typ": "logout+jwt"}, c),
    "no type": lambda p, h, c: signed(p, h | {"typ": None}, c),
    "another audience": lambda p, h, c: signed(p, h, c | {"aud": "somebody-else"}),
    "no audience": lambda p, h, c: signed(p, h, c | {"aud": None}),
    "another issuer": lambda p, h, c: signed(p, h, c | {"iss": "https://evil.example"}),
    "no issuer": lambda p, h, c: signed(p, h, c | {"iss": None}),
    "no end": lambda p, h, c: signed(p, h, c | {"exp": None}),
    "no session": lambda p, h, c: signed(p, h, c | {"sid": None}),
    "no subject": lambda p, h, c: signed(p, h, c | {"sub": None}),
    "an unknown session": lambda p, h, c: signed(p, h, c | {"sid": "ses_nobodys"}),
    "somebody else's session": lambda p, h, c: signed(p, h, c | {"sub": "usr_nobody"}),
    "an embedded key": lambda p, h, c: with_a_key_of_its_own(h, c),
    "expired": lambda p, h, c: signed(p, h, c | {"exp": int((NOW - timedelta(seconds=61)).timestamp())}),
    "changed claims": lambda p, h, c: _with_other_claims(signed(p, h, c), c | {"sub": "usr_other"}),
    "no signature": lambda p, h, c: signed(p, h, c).rpartition(".")[0] + ".",
    "half a signature": lambda p, h, c: signed(p, h, c)[:-40],
    "garbage": lambda p, h, c: "garbage",
    "three dots": lambda p, h, c: "...",
    "not JSON": lambda p, h, c: "e30.e30.e30",
    "five thousand letters": lambda p, h, c: "a" * 5_000,
    "two tokens in one": lambda p, h, c: f"{signed(p, h, c)} {signed(p, h, c)}",
}  # fmt: skip


def _with_other_claims(token: str, claims: dict[str, Any]) -> str:
    header, _, signature = token.split(".")
    return ".".join([header, unsigned({}, claims).split(".")[1], signature])


def assert_refused(answer: Answer) -> None:
    """Fail unless the answer is 401 with a challenge, one clear error and no data."""
    assert answer.status == 401
    assert list(answer.body) == ["errors"]
    assert answer.codes == {"": "UNAUTHENTICATED"}
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith('Bearer realm="forecourt", error="invalid_token", error_description="')
    assert answer.headers["content-type"].startswith(GRAPHQL_JSON)


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_token_that_we_did_not_issue_for_this_is_refused(gate: Portal, genuine: str, forgery: str) -> None:
    token = FORGERIES[forgery](gate, *parts_of(genuine))

    with gate.statements() as statements:
        answer = await Person(gate.client, token).asks(ME)

    assert_refused(answer)
    assert len(statements) == (1 if forgery in ("an unknown session", "somebody else's session") else 0)


async def test_a_token_like_ours_is_accepted(gate: Portal, genuine: str) -> None:
    """What the forgeries are made of is good in itself."""
    header, claims = parts_of(genuine)
    almost_over = claims | {"exp": int((NOW - timedelta(seconds=59)).timestamp())}

    for token in (signed(gate, header, claims), signed(gate, header | {"typ": "application/at+jwt"}, almost_over)):
        answer = await Person(gate.client, token).asks(ME)
        assert answer.at("viewer.user.displayName") == "Jörg Weiß"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", " bearer "])
async def test_the_name_of_the_scheme_may_be_written_in_any_case(gate: Portal, genuine: str, scheme: str) -> None:
    answer = await gate.anybody().posts(json.dumps({"query": ME}).encode(), authorization=f"{scheme} {genuine}")

    assert answer.at("viewer.user.displayName") == "Jörg Weiß"


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Token abc", "abc", ","])
async def test_another_kind_of_authorization_learns_what_to_send(gate: Portal, header: str) -> None:
    """RFC 6750, 3.1: without an error code, for no token was sent that could be wrong."""
    asked, needs_nobody = (json.dumps({"query": query}).encode() for query in (ME, "{ roles { key } }"))

    answer = await gate.anybody().posts(asked, authorization=header)
    open_to_all = await gate.anybody().posts(needs_nobody, authorization=header)

    message = "Please sign in: send the access token as `Authorization: Bearer <token>`."
    assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Bearer realm="forecourt"')
    assert answer.body == {"errors": [{"message": message, "extensions": {"code": "UNAUTHENTICATED"}}]}
    assert (open_to_all.status, open_to_all.errors) == (200, [])


@pytest.mark.parametrize("header", ["", " ", "\t "])
async def test_an_empty_authorization_is_none(gate: Portal, header: str) -> None:
    answer = await gate.anybody().posts(json.dumps({"query": ME}).encode(), authorization=header)

    assert (answer.status, answer.body) == (200, {"data": {"viewer": None}})


@pytest.mark.parametrize("form", ["Bearer  {} ", "\tBearer\t{}\t", "  bearer   {}"])
async def test_blanks_around_a_token_do_not_count(gate: Portal, genuine: str, form: str) -> None:
    body = json.dumps({"query": ME}).encode()

    answer = await gate.anybody().posts(body, authorization=form.format(genuine))

    assert answer.at("viewer.user.displayName") == "Jörg Weiß"


async def test_two_authorization_headers_are_refused_even_when_one_is_good(gate: Portal, genuine: str) -> None:
    """Whatever is asked: a proxy and we could each believe another one. RFC 6750, 3.1: malformed is 400."""
    for query in (ME, "{ roles { key } }"):
        for second in ("Bearer garbage", f"Bearer {genuine}", ""):
            headers = [
                ("content-type", "application/json"),
                ("accept", GRAPHQL_JSON),
                ("authorization", f"Bearer {genuine}"),
                ("authorization", second),
            ]
            response = await gate.client.post("/graphql", content=json.dumps({"query": query}), headers=headers)
            message = "Send one Authorization header, not several."
            assert response.status_code == 400
            assert response.json() == {"errors": [{"message": message, "extensions": {"code": "BAD_REQUEST"}}]}
            assert response.headers["www-authenticate"].startswith('Bearer realm="forecourt", error="invalid_request"')


async def test_a_token_is_only_as_long_as_it_says_by_the_gateways_clock() -> None:
    """Whatever the machine's own clock says: the gateway has one clock for all it decides."""
    async with open_portal() as portal:
        for days in (-2_000, 4_000):
            portal.clock.now = NOW + timedelta(days=days)
            person = await portal.person("planning@helios.example")
            assert (await person.asks(ME)).at("viewer.user.displayName") == "Franziska Löffler"
            portal.clock.move(timedelta(minutes=11))
            assert_refused(await person.asks(ME))


async def test_the_key_with_which_tokens_are_verified_is_published_and_the_private_one_is_not(
    gate: Portal, genuine: str
) -> None:
    response = await gate.client.get("/.well-known/jwks.json")

    (key,) = response.json()["keys"]
    claims = jwt.decode(
        genuine, jwt.PyJWK(key), ["EdDSA"], audience="forecourt", options={"verify_exp": False, "verify_iat": False}
    )
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("OKP", "Ed25519", "EdDSA", "sig")
    assert set(key) == {"kty", "crv", "x", "kid", "use", "alg"}
    assert response.headers["cache-control"] == "public, max-age=300"
    assert {"sub", "sid", "exp", "iat", "iss", "aud", "jti", "client_id"} == set(claims)  # who, never what


async def test_a_token_is_no_longer_good_for_a_gateway_with_another_key(gate: Portal, genuine: str) -> None:
    async with open_portal() as other:
        assert_refused(await Person(other.client, genuine).asks(ME))


async def test_the_private_key_is_made_readable_by_its_owner_only(gate: Portal) -> None:
    file = gate.settings.folder / "signing_key.pem"
    written = signing_key(gate).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    assert (file.stat().st_mode & 0o777, file.read_bytes()) == (0o600, written)


async def test_a_refresh_token_that_nobody_has_issued_begins_no_change(each_portal: Portal) -> None:
    """Changes wait for one another, and anybody may send tokens, fifteen in a request."""
    begun = 0
    change = each_portal.wiring.backends.directory.change

    def counted() -> Any:
        nonlocal begun
        begun += 1
        return change()

    each_portal.wiring.backends.directory.change = counted  # type: ignore[method-assign]
    query = "mutation ($token: String!) { refreshSession(input: { refreshToken: $token }) { errors { code } } }"
    answers = [await each_portal.anybody().asks(query, token=token) for token in ("", "invented", "x" * 10_000)]

    assert [answer.at("refreshSession.errors") for answer in answers] == [[{"code": "SESSION_ENDED"}]] * 3
    assert begun == 0
