"""In which language and time zone somebody reads: what they chose, their profile, their browser, the portal."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.directory.records.people import DELETED, DELETED_ADDRESS
from gateway.profile_files import InvalidProfile, load_profile, shipped_profiles
from gateway.server.cors import ALLOWED_HEADERS
from resolvers.people import display_name
from tests.directory.people import user
from tests.mail.letters import context_of
from tests.portal import Person, Portal

LABEL = json.dumps({"query": '{ node(id: "role_purchase") { ... on Role { label } } }'}).encode()
MINE = "{ viewer { user { timeZone locale } profileVersion } }"


async def label_for(person: Person, **headers: str) -> str:
    answer = await replace(person, language="").posts(LABEL, **headers)
    label: str = answer.at("node.label")
    return label


async def test_what_was_chosen_for_a_request_wins_over_the_profile_and_that_over_the_browser(solar: Portal) -> None:
    reads_german = await solar.person("purchase@helios.example")

    assert await label_for(reads_german, accept_language="en") == "Einkauf"
    assert await label_for(reads_german, accept_language="en", forecourt_language="fr-CH") == "Achat"
    assert await label_for(reads_german, accept_language="fr", forecourt_language="en") == "Purchase"
    assert await label_for(reads_german, accept_language="fr", forecourt_language="nonsense?") == "Einkauf"
    assert await label_for(solar.anybody(), accept_language="fr", forecourt_language="de") == "Einkauf"


def test_a_page_of_another_origin_may_choose_a_language() -> None:
    assert "forecourt-language" in ALLOWED_HEADERS


UPDATE = """
    mutation Change($version: Int!, $zone: String) {
      updateProfile(input: { expectedVersion: $version, timeZone: $zone }) {
        viewer { user { timeZone } }
        errors { code message path ... on ValidationError { constraint } }
      }
    }
"""


async def test_people_choose_their_time_zone(portal: Portal) -> None:
    person = await portal.person("purchase@helios.example")
    version = (await person.asks(MINE)).at("viewer.profileVersion")

    first = await person.asks(UPDATE, version=version, zone=" europe/zurich ")
    wrong = await person.asks(UPDATE, version=version + 1, zone="CET")
    none = await person.asks(UPDATE, version=version + 1, zone=None)

    assert first.at("updateProfile") == {"viewer": {"user": {"timeZone": "Europe/Zurich"}}, "errors": []}
    assert wrong.at("updateProfile.errors") == [
        {
            "code": "INVALID_INPUT",
            "message": "“CET” is not a time zone; use a name such as Europe/Berlin or America/New_York.",
            "path": ["timeZone"],
            "constraint": "IANA time zone",
        }
    ]
    assert none.at("updateProfile.viewer.user.timeZone") is None


def folder_with(tmp_path: Path, more: str) -> Path:
    for name in ("policy.toml", "applications.toml"):
        (tmp_path / name).write_text((load_profile("solar_terminal").folder / name).read_text("utf-8"), "utf-8")
    (tmp_path / "profile.toml").write_text(f'{more}\n[title]\nen = "Workshop portal"\n', "utf-8")
    return tmp_path


def test_a_profile_says_where_its_people_live_and_where_its_pages_are(tmp_path: Path) -> None:
    written = 'default_locale = "de-AT"\ntime_zone = "europe/vienna"\npages = { members = "/people/{organization}" }'

    profile = load_profile(str(folder_with(tmp_path, written)))

    assert (profile.default_locale, profile.time_zone) == ("de-AT", "Europe/Vienna")
    assert profile.pages["members"] == "/people/{organization}"
    assert profile.pages["sessions"] == "/account/sessions"
    assert {load_profile(name).time_zone for name in shipped_profiles()} == {"Europe/Berlin"}


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        (
            'time_zone = "Europe/Berlim"',
            'time_zone: "Europe/Berlim" is no time zone.*; did you mean "Europe/Berlin"\\?$',
        ),
        ("time_zone = 2", "time_zone: write a text in quotes.$"),
        ('default_locale = "it"', 'default_locale: "it" is none of locales, which are de, en, fr.$'),
        ('default_locale = ["de"]', "default_locale: write a text in quotes.$"),
        ('pages = { membrs = "/x" }', 'there is no page "membrs". Did you mean "members"'),
        ('pages = { members = "x" }', "members = 'x' is no address; write a path such as /organizations"),
        ('pages = { members = "//evil.example/x" }', "is no address"),
        ('pages = { members = "javascript:x" }', "is no address"),
        ('pages = { members = "/x/{id}" }', "members: {id} is not known there. Known are: {organization}"),
        ('pages = { sessions = "/x/{organization}" }', "{organization} is not known there. Known are: none"),
        ('pages = { members = "/x/{organization" }', "has a brace without its other half"),
        ('pages = { members = "/x/{organization.__class__}" }', "is not known there"),
        ('pages = { members = "/x/{organization!r}" }', "has a brace"),
        ("pages = 3", "write a table"),
    ],
)
def test_a_profile_that_cannot_be_used_is_refused_with_what_would_be_right(
    tmp_path: Path, written: str, problem: str
) -> None:
    with pytest.raises(InvalidProfile) as refused:
        load_profile(str(folder_with(tmp_path, written)))

    assert re.search(problem.replace("{", r"\{").replace("}", r"\}"), str(refused.value)), refused.value


async def test_somebody_who_was_deleted_is_called_so_in_the_language_of_the_caller(solar: Portal) -> None:

    nobody = user("gone", DELETED, "", email=DELETED_ADDRESS)

    said = []
    for language in ("de", "en", "fr"):
        context = context_of(solar)
        context.languages = [language]
        said.append(display_name(context, nobody))

    assert said == ["Gelöschtes Benutzerkonto", "Deleted account", "Compte supprimé"]
