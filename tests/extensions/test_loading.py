"""An extension that cannot be part of the portal says so before anything is served, with what to write instead."""

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import schema.extending
from gateway.extensions import extension_loading as loading
from gateway.extensions.extension_loading import load_extension
from gateway.profile_files import InvalidProfile, load_profile
from gateway.settings_sources import InvalidSettings, missing_extension_settings, read_settings
from permissions.vocabulary import forgetting_permissions
from resolvers.audit.wording import forgetting_actions
from schema.extending import InvalidExtension
from schema.graph.backends import forgetting_backends
from schema.graph.build import InvalidSchema, build_schema
from tests.docs.markdown import ROOT
from tests.extensions.profiles import profile_with

TICKETS = Path(__file__).with_name("tickets")
BEGIN = 'from schema.extending import *\nextension = Extension("parcels", api=1)\n'
TEXTS = '[PARCELS_VIEW]\nlabel = { en = "See" }\ndescription = { en = "Sees." }\n'
FIELD = """
async def parcels_of(context, organizations):
    return [[] for _ in organizations]
"""


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    with forgetting_permissions(), forgetting_backends(), forgetting_actions():
        yield


def refusal_of(folder: Path, text: str, **files: str) -> str:
    """What is said of a file that is to be the extension `parcels`, without the folder's name."""
    profile = profile_with(folder, "parcels", files={"parcels.py": text} | {f"{k}.toml": v for k, v in files.items()})
    with pytest.raises(InvalidProfile) as refused:
        load_profile(str(profile))
    return str(refused.value).replace(f"{profile}/extensions/", "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import gateway.wiring\n", "an extension imports schema.extending and nothing else of Forecourt, which may "
         "change with any release; gateway.wiring is something else."),
        ("from schema.graph import fields\n", "an extension imports schema.extending and nothing else of Forecourt, "
         "which may change with any release; schema.graph is something else."),
        ("from schema.extending import (\n", "SyntaxError: '(' was never closed (parcels.py, line 1)."),
        ("x = 1\nextension = 1 / 0\n", "ZeroDivisionError: division by zero."),
        ('from schema.extending import *\nextension = Extension("parcels", api=2)',
         "parcels is written for api 2, and this Forecourt has api 1."),
        ('from schema.extending import *\nextension = Extension("directory", api=1)',
         '"directory" is what Forecourt calls a part of its own; call the extension otherwise.'),
        ('from schema.extending import *\nextension = Extension("Parcels", api=1)',
         '"Parcels" is no name of an extension; write small letters, digits and _, as plants.'),
        (BEGIN + 'extension.permission("ORDER_VIEW")', 'the permission "ORDER_VIEW" of the extension parcels begins '
         "with PARCELS_; write PARCELS_VIEW, for example."),
        (BEGIN + 'extension.permission("PARCELS_VIEW")',
         "PARCELS_VIEW has no texts; write [PARCELS_VIEW] with label and description in the texts file."),
        (BEGIN + 'extension.http_backend(sign_in="magic")', '"magic" is no way to sign in; there are none, api_key, '
         "basic, client_credentials, signed."),
        (BEGIN + 'extension.http_backend("shop")',
         'the back end "shop" of the extension parcels begins with parcels_.'),
        (BEGIN + 'extension.setting("smtp_url", description="…")', 'the setting "smtp_url" of the extension parcels '
         "begins with parcels_, so that it is in nobody's way."),
        (BEGIN + "extension.extend(Permission, x=1)",
         "Permission cannot be extended; Organization, Viewer, Membership, User, Order, Query can."),
        (BEGIN + "extension.extend(Organization, x=1)", "Organization.x of the extension parcels is no field; declare "
         "it by field, computed, attribute or root."),
        (BEGIN + FIELD + 'extension.extend(Organization, x=field(parcels_of, description="X."))',
         "Organization.x of the extension parcels does not say who may ask for it; write requires=any_of(…), "
         "AUTHENTICATED, or OPEN if that is everybody who sees the object."),
        (BEGIN + FIELD + 'extension.extend(Organization, x=field(parcels_of, description="X.", requires=OPEN))',
         "Organization.x of the extension parcels says nothing of its type; write graphql_type=list[…] | None, for "
         "example."),
    ],
)  # fmt: skip
def test_a_file_that_is_no_extension_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    line = 1 if "import" in text.splitlines()[0] and "extending import *" not in text else text.count("\n") + 1
    line = 2 if "1 / 0" in text or 'Extension("' in text.splitlines()[-1] else line

    refused = refusal_of(tmp_path, text)

    assert refused == f"parcels.py, line {line}: {said}"


def test_a_file_without_an_extension_and_one_of_another_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()

    assert refusal_of(tmp_path / "a", "x = 1\n") == (
        'parcels.py has no extension; write extension = Extension("…", api=1) in it.'
    )
    assert refusal_of(tmp_path / "b", BEGIN.replace("parcels", "plants")) == (
        'parcels.py: its extension is called "plants"; call both the same'
    )


def test_texts_say_what_they_lack_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    text = BEGIN.replace("api=1", 'api=1, texts="texts.toml"') + 'extension.permission("PARCELS_VIEW")\n'

    assert refusal_of(tmp_path / "a", text, texts='[PARCELS_VIEW]\nlabel = "See"\nlable = "See"\n') == (
        "parcels.py, line 2: "
        'texts.toml, line 2: PARCELS_VIEW needs label = { de = "…", en = "…", fr = "…" }, at least in en, the language '
        "of last resort.\n"
        'texts.toml, line 1: PARCELS_VIEW needs description = { de = "…", en = "…", fr = "…" }, at least in en, the '
        "language of last resort.\n"
        'texts.toml, line 3: "lable" of PARCELS_VIEW is not known; known are label, description.'
    )
    assert refusal_of(tmp_path / "b", text, texts=TEXTS).splitlines() == [
        f"texts.toml: PARCELS_VIEW has no {key} in {language}, a language of this portal."
        for key in ("label", "description")
        for language in ("de", "fr")
    ]


def test_an_extension_that_there_is_not_is_refused_with_the_nearest(tmp_path: Path) -> None:
    profile = profile_with(tmp_path, "tikcets", files={"tickets.py": TICKETS / "tickets.py"})

    with pytest.raises(InvalidProfile) as refused:
        load_profile(str(profile))

    assert str(refused.value) == (
        f'There is no extension "tikcets" in {profile / "extensions"}; did you mean "tickets"?'
    )


def test_an_extension_may_come_from_a_package_by_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "forecourt_parcels"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "parts.py").write_text(BEGIN, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    point = EntryPoint("parcels", "forecourt_parcels.parts:extension", loading.GROUP)
    monkeypatch.setattr(loading, "_installed", lambda: (point,))

    assert load_extension(tmp_path, "parcels").name == "parcels"
    (package / "other.py").write_text("import resolvers.context\n", encoding="utf-8")
    with pytest.raises(InvalidExtension, match=r"other\.py, line 1: .*; resolvers\.context is something else"):
        load_extension(tmp_path, "parcels")


def test_a_second_field_of_ours_and_a_type_that_we_have_are_refused(tmp_path: Path) -> None:
    text = (
        BEGIN
        + FIELD
        + "orders = field(parcels_of, description='X.', requires=OPEN, graphql_type=str)\n"
        + "extension.extend(Organization, orders=orders)\n"
    )
    profile = load_profile(str(profile_with(tmp_path, "parcels", files={"parcels.py": text})))

    with pytest.raises(InvalidSchema) as refused:
        build_schema(additions=profile.additions)

    assert str(refused.value) == (
        "Organization.orders is declared more than once, by schema.organizations.types.Organization and by the "
        "extension parcels; rename all but one, in TOML by its key rename."
    )


@pytest.fixture
def with_tickets(tmp_path: Path) -> Path:
    return profile_with(
        tmp_path, "tickets", files={name: TICKETS / name for name in ("tickets.py", "tickets.texts.toml")}
    )


def test_settings_of_an_extension_are_settings_like_ours(with_tickets: Path, tmp_path: Path) -> None:
    file = tmp_path / "forecourt.toml"
    file.write_text(f'profile = "{with_tickets}"\ntickets_url = "http://a.example"\ntickets_secret = "x"\n')

    settings = read_settings({"FORECOURT_CONFIG": str(file), "FORECOURT_TICKETS_URL": "http://b.example"})

    assert settings.of_extensions == {"tickets_url": "http://b.example", "tickets_secret": "x"}
    assert "tickets_secret" not in repr(settings)


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("FORECOURT_TICKETS_URI", "There is no setting FORECOURT_TICKETS_URI. Did you mean FORECOURT_TICKETS_URL?"),
        ("FORECOURT_PROT", "There is no setting FORECOURT_PROT. Did you mean FORECOURT_PORT?"),
    ],
)
def test_a_setting_that_nobody_has_is_refused_with_the_nearest(with_tickets: Path, variable: str, said: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        read_settings({variable: "x", "FORECOURT_PROFILE": str(with_tickets)})

    assert str(refused.value) == said


def test_a_setting_of_an_extension_that_is_not_loaded_says_so(tmp_path: Path) -> None:
    profile = profile_with(tmp_path, files={"parcels.py": BEGIN})

    with pytest.raises(InvalidSettings) as refused:
        read_settings({"FORECOURT_PARCELS_URL": "x", "FORECOURT_PROFILE": str(profile)})

    assert str(refused.value) == (
        "There is no setting FORECOURT_PARCELS_URL: the extension parcels is not loaded by the profile."
    )


def test_what_an_extension_needs_and_is_not_set_is_named(with_tickets: Path) -> None:
    settings = read_settings({"FORECOURT_TICKETS_URL": "http://a.example"}, profile=str(with_tickets))

    assert missing_extension_settings(settings, load_profile(settings.profile)) == [
        "The extension tickets needs FORECOURT_TICKETS_SECRET: The secret by which the back end knows the gateway."
    ]


def test_a_setting_that_would_be_in_the_way_of_ours_is_refused(tmp_path: Path) -> None:
    text = 'from schema.extending import *\nextension = Extension("public", api=1)\nextension.http_backend()\n'
    profile = profile_with(tmp_path, "public", files={"public.py": text})

    with pytest.raises(InvalidProfile) as refused:
        load_profile(str(profile))

    assert str(refused.value).endswith(
        "FORECOURT_PUBLIC_URL is a setting of Forecourt, so the extension needs another name."
    )


@pytest.mark.parametrize("written", ['extensions = "plants"', "extensions = [1]", 'extensions = ["../plants"]'])
def test_what_is_no_list_of_names_is_refused_with_its_line(tmp_path: Path, written: str) -> None:
    profile = profile_with(tmp_path)
    file = profile / "profile.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("extensions = []", written), encoding="utf-8")

    with pytest.raises(InvalidProfile) as refused:
        load_profile(str(profile))

    assert str(refused.value) == (f'{file}, line 1: extensions is a list of names, such as extensions = ["plants"].')


def test_the_facade_has_what_it_says() -> None:
    assert [name for name in schema.extending.__all__ if not hasattr(schema.extending, name)] == []


def test_without_extensions_nothing_of_them_is_loaded() -> None:
    code = (
        "import sys; from gateway.app import create_app; from gateway.settings_sources import read_settings;"
        "create_app(read_settings({})); print([name for name in sys.modules if name.startswith("
        "('gateway.extensions', 'schema.extending', 'connectors.http.client', 'aiohttp'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)

    assert done.stdout == "[]\n"
