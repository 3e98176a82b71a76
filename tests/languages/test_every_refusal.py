"""A German, a French and an English reader are refused, and written to, in their own language alone.

Every message has to be one of the catalogue of its language, so an English text in a German answer fails.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    is_input_object_type,
    is_non_null_type,
)
from sqlalchemy import update

from connectors.directory.tables import users
from resolvers.mail.rendering import FOLDER
from scripts.texts import placeholders, texts_in_code
from tests.every_mutation import ENTRIES
from tests.languages.test_texts import catalogue
from tests.portal import Answer, Person, Portal, open_portal
from tests.schemas import shared_core

LANGUAGES = ("de", "en", "fr")
MUTATIONS = shared_core().mutation_type
assert MUTATIONS is not None

# Nobody, a member without rights, an administrator elsewhere, an administrator here, and vendor staff.
CALLERS = ["", "purchase@helios.example", "administration@lumen.example", "administration@helios.example",
           "review@vendor.example"]  # fmt: skip


@cache
def patterns(language: str) -> tuple[re.Pattern[str], ...]:
    """What a message in a language looks like: its texts, with anything where something is filled in."""
    said = {found.words: found.words for found in texts_in_code() if found.words} if language == "en" else None
    texts = said or {words: text for words, text in catalogue(language).items() if words}
    return tuple(
        re.compile("(?s:.*?)".join(re.escape(part) for part in re.split(r"\{\w+\}", text)))
        for text in texts.values()
        if re.search(r"\w", re.sub(r"\{\w+\}", "", text))  # a frame such as "{refusal} {advice}" would fit anything
    )


def is_in(language: str, message: str) -> bool:
    """Whether a message is a text in this language, or a text and an advice."""
    ends = [found.start() for found in re.finditer(" ", message)]
    parts = [[message], *([message[:end], message[end + 1 :]] for end in ends)]
    return any(all(any(one.fullmatch(part) for one in patterns(language)) for part in given) for given in parts)


def messages_of(answer: Answer) -> Iterator[str]:
    """Every message of an answer, of errors and of payloads."""
    yield from (error["message"] for error in answer.errors)
    for payload in (answer.body.get("data") or {}).values():
        yield from (error["message"] for error in (payload or {}).get("errors", []))


def given_for(type_: Any, name: str, ids: dict[str, str], *, empty: bool, depth: int = 0) -> Any:
    """A value for an input: what exists where ids are asked for, else something that is wrong or useless."""
    if is_non_null_type(type_):
        return given_for(type_.of_type, name, ids, empty=empty, depth=depth)
    if isinstance(type_, GraphQLList):
        return [] if empty else [given_for(type_.of_type, name, ids, empty=empty, depth=depth)] * 2
    if is_input_object_type(type_):
        assert isinstance(type_, GraphQLInputObjectType)
        return {
            key: given_for(field.type, key, ids, empty=empty, depth=depth + 1)
            for key, field in type_.fields.items()
            if isinstance(field.type, GraphQLNonNull) or (not empty and depth < 2)
        }
    if isinstance(type_, GraphQLEnumType):
        return next(iter(type_.values))
    known = {
        "Int": 0 if empty else 1_000,
        "Boolean": False,
        "DateTime": "2020-01-01T00:00:00Z",
        "EmailAddress": "purchase@helios.example",
        "PhoneNumber": "+4915112345678",
        "Locale": "zz",
        "URL": "https://www.company.example",
    }
    if type_.name in known:
        return known[type_.name]
    if type_.name == "ID":
        return ids.get(name, "xyz_unknown")
    return "" if empty else "\x07" if name in ("name", "firstName", "reason", "message") else "x" * 600


@pytest.mark.parametrize(
    "language", [pytest.param(one, marks=[] if one == "de" else pytest.mark.slow) for one in LANGUAGES]
)
async def test_whoever_is_refused_reads_why_in_their_language(language: str) -> None:
    async with open_portal("solar_terminal") as portal:
        heard = await _heard_from_mutations(portal, language)

    assert len(heard) > 40
    assert sorted(message for message in heard if not is_in(language, message)) == []


async def _heard_from_mutations(solar: Portal, language: str) -> set[str]:
    helios = await solar.organization_of("purchase@helios.example")
    answer = await (await solar.person("administration@helios.example")).asks(
        "query Members($id: ID!) { organization(id: $id) { members(first: 20) { nodes { id } } } }", id=helios
    )
    member = answer.at("organization.members.nodes.0.id")
    heard: set[str] = set()
    for login_name in CALLERS:
        person = await _reader(solar, login_name, language)
        for name, field in MUTATIONS.fields.items():  # type: ignore[union-attr]
            if name in ("signOut", "leaveOrganization", "endOtherSessions", "deleteOwnAccount"):
                continue  # what succeeds with anything, and would end this
            type_ = field.args["input"].type
            for ids in ({}, {"organizationId": helios, "membershipId": member, "id": member, "toMembershipId": member}):
                for empty in (True, False):
                    solar.forget_attempts()
                    given = given_for(type_, "input", ids, empty=empty)
                    query = f"mutation($i: {type_}) {{ {name}(input: $i) {{ errors {{ message }} }} }}"
                    said = await person.asks(query, i=given)
                    codes = {error["extensions"]["code"] for error in said.errors}
                    if codes & {"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"} and said.status != 200:
                        continue  # the request itself is none: that is for developers
                    heard |= set(messages_of(said))
    return heard


@pytest.mark.parametrize("language", LANGUAGES)
async def test_fields_that_are_refused_say_why_in_the_language_of_the_reader(solar: Portal, language: str) -> None:
    helios = await solar.organization_of("purchase@helios.example")
    lumen = await solar.organization_of("administration@lumen.example")
    fields = ("members", "invitations", "orders")
    heard: set[str] = set()
    for login_name in CALLERS:
        person = await _reader(solar, login_name, language)
        for id in (helios, lumen):
            for field in fields:
                asked = f"query Some($id: ID!) {{ organization(id: $id) {{ {field}(first: 5000) {{ totalCount }} }} }}"
                heard |= set(messages_of(await person.asks(asked, id=id)))
    bad = replace(solar.anybody(), token="no.token.at-all", language=language)
    heard |= set(messages_of(await bad.asks("{ viewer { id } nodes(ids: []) { id } }")))

    assert len(heard) >= 4
    assert sorted(message for message in heard if not is_in(language, message)) == []


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("mutation", ENTRIES)
async def test_mails_of_every_command_are_in_the_language_of_their_readers(mutation: str, language: str) -> None:
    from tests.audit.test_every_mutation import _call

    entry = ENTRIES[mutation]
    async with open_portal(entry.profile) as portal:
        async with portal.wiring.backends.directory._engine.begin() as connection:  # type: ignore[attr-defined]
            await connection.execute(update(users).values(locale=language))
        names = dict(await entry.prepare(portal)) if entry.prepare is not None else {}
        await _call(portal, mutation, entry, names)
        await portal.deliver()
        mails = await portal.mails()
    for mail in mails:
        if mail.locale != language:
            continue  # to an address that was never anybody's: in the language given for it
        foreign = [line for other in LANGUAGES if other != language for line in _sentences(other) if line in mail.text]
        assert foreign == [], mail.subject


async def _reader(portal: Portal, login_name: str, language: str) -> Person:
    person = await portal.person(login_name) if login_name else portal.anybody()
    return replace(person, language=language)


@cache
def _sentences(language: str) -> tuple[str, ...]:
    """What stands in the mails of one language alone."""
    written = {tag: set(re.findall(r'"([^"{}]{12,})"', _text(tag))) for tag in LANGUAGES}
    others = set().union(*(texts for tag, texts in written.items() if tag != language))
    return tuple(written[language] - others)


def _text(language: str) -> str:
    return (FOLDER / f"{language}.toml").read_text(encoding="utf-8")


def test_the_catalogues_are_kept_apart() -> None:
    """Else the tests above could not fail."""
    assert is_in("de", "Sie sind dazu nicht berechtigt.")
    assert not is_in("en", "Sie sind dazu nicht berechtigt.")
    assert not is_in("fr", "You are not permitted to do this.")
    assert placeholders("{a} and {b}") == {"a", "b"}
