"""Every problem of a declared extension is one message: the file, the line, the nearest name and what to write."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.extensions.declared import extension_from_toml
from permissions.vocabulary import forgetting_permissions
from resolvers.audit.wording import forgetting_actions
from schema.extending import InvalidExtension
from schema.graph.backends import forgetting_backends
from schema.graph.build import InvalidSchema, build_schema, printed

PLANTS = Path(__file__).with_name("plants.toml").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    with forgetting_permissions(), forgetting_backends(), forgetting_actions():
        yield


def refusals_of(folder: Path, text: str) -> list[str]:
    """What is said of a file, one line each, without the folder."""
    file = folder / "plants.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidExtension) as refused:
        extension_from_toml(file)
    return str(refused.value).replace(f"{folder}/", "").splitlines()


def line_of(text: str, beginning: str) -> int:
    return 1 + next(number for number, line in enumerate(text.splitlines()) if line.startswith(beginning))


@pytest.mark.parametrize(
    ("written", "instead", "at", "said"),
    [
        (
            "api = 1",
            "api = 2",
            "api",
            "plants is written for api 2, and this Forecourt has api 1.",
        ),
        (
            "[types.Plant]",
            "[typs.Plant]",
            "[typs",
            '"typs" is not known in the file; did you mean "types"?',
        ),
        (
            "[permissions.PLANTS_VIEW]",
            "[permissions.ORDER_VIEW]",
            "[permissions",
            'the permission "ORDER_VIEW" of the extension plants begins with PLANTS_; write PLANTS_VIEW, for example.',
        ),
        (
            'en = "See plants", ',
            "",
            "label",
            'PLANTS_VIEW needs label = { de = "…", en = "…", fr = "…" }, at least in en, the language of last resort.',
        ),
        (
            '{ setting = "plants_url" }',
            '"https://plants.example"',
            "url",
            'url of [backend] never stands in the file; write url = { setting = "plants_url" }, which is '
            "FORECOURT_PLANTS_URL.",
        ),
        (
            'secret = { setting = "plants_secret" }',
            'secret = "abc"',
            "sign_in",
            "secret of [backend.sign_in] never stands in the file; write secret = { setting = "
            '"plants_secret" }, which is FORECOURT_PLANTS_SECRET.',
        ),
        (
            '{ setting = "plants_url" }',
            '{ setting = "smtp_url" }',
            "[backend]",
            'the setting "smtp_url" of the extension plants begins with plants_, so that it is in nobody\'s way.',
        ),
        (
            "client_credentials",
            "client_credential",
            "sign_in",
            '"client_credential" is no kind of [backend.sign_in]; did you mean "client_credentials"?',
        ),
        (
            '"2s"',
            "2",
            "timeout",
            'timeout of [backend] must be a duration, such as timeout = "2s" or "500ms", up to 0:00:30.',
        ),
        (
            "at_once  = 8",
            "at_once = true",
            "at_once",
            "at_once of [backend] must be a whole number from 1 to 100.",
        ),
        (
            'stale_on_error = "10m"',
            'stale_on_error = "24h"',
            "cache",
            "for and stale_on_error come to more than a day together.",
        ),
        (
            "at_once  = 8",
            'at_once  = 8\nheaders = { "X-Trace" = "{request_id}" }',
            "[backend]",
            "X-Trace differs from request to request, so nothing would be found in the cache; leave it out, for "
            "X-Request-Id is sent anyway.",
        ),
        (
            'scope = "organization"',
            'scope = "everybody"',
            "cache",
            '"everybody" is no scope of [backend.cache]; known are public, organization, viewer.',
        ),
        (
            'type = "String!"',
            'type = "Strng!"',
            "serial",
            '"Strng" is no type of this file and no scalar; did you mean "String"?',
        ),
        (
            'type = "Float"',
            'type = "[Float"',
            "peak_power",
            '"[Float" is no type; write String, String! or [Plant!], for example.',
        ),
        (
            'from = "specs.kwp",',
            "",
            "peak_power",
            '[types.Plant.fields.peak_power] needs from; write from = "serialNumber".',
        ),
        (
            'description = "In kilowatt."',
            'description = " "',
            "peak_power",
            'description of [types.Plant.fields.peak_power] must be a text, such as description = "Its serial number."',
        ),
        (
            "peak_power",
            '"peak power"',
            '"peak power"',
            '"peak power" is no name of a field; write small letters, digits and _, such as peak_power.',
        ),
        (
            "peak_power",
            "is_type_of",
            "is_type_of",
            '"is_type_of" is no name of a field; write small letters, digits and _, such as peak_power.',
        ),
        (
            "[fields.Organization.plants]",
            "[fields.Organisation.plants]",
            "[fields",
            'Organisation cannot be extended; did you mean "Organization"?',
        ),
        (
            '["PLANTS_VIEW"]',
            '["PLANT_VIEW"]',
            "requires",
            '"PLANT_VIEW" in requires is no permission of members; did you mean "PLANTS_VIEW"?',
        ),
        (
            '["PLANTS_VIEW"]',
            '["APPLICATION_MANAGE"]',
            "requires",
            '"APPLICATION_MANAGE" in requires is no permission of members; did you mean "ORGANIZATION_MANAGE"?',
        ),
        (
            '["PLANTS_VIEW"]',
            "[]",
            "requires",
            'requires must be a list of permissions, such as ["PLANTS_VIEW"], "authenticated" or "open".',
        ),
        (
            'requires    = ["PLANTS_VIEW"]\n',
            "",
            "[fields",
            '[fields.Organization.plants] needs requires; write requires = ["…_VIEW"], or "open".',
        ),
        (
            '"[Plant!]"',
            '"[Plant!]!"',
            "type ",
            "Organization.plants is filled by a back end, so it can be null; leave out the last !.",
        ),
        (
            '"/plants"',
            '"plants"',
            "get",
            'get is a path below the URL of the back end; write "/plants".',
        ),
        (
            '"customer_number"',
            '"customernumber"',
            "batch",
            '"customernumber" is nothing that Organization is known by; did you mean "customer_number"?',
        ),
        (
            'join = ","',
            'join = ",", each = true',
            "batch",
            "[fields.Organization.plants.batch] needs one of join, repeat, body, each, all, and has join "
            'and each; write join = ",", repeat = true, body = "ids", each = true or all = true.',
        ),
        (
            'belongs     = "company"\n',
            "",
            "[fields",
            "[fields.Organization.plants] needs belongs, where each row says whose it is, so that no "
            'organization\'s rows go to another; write belongs = "company".',
        ),
        (
            '"per_key"',
            '"per_call"',
            "limit",
            "what the back end limits per call, one organization's rows would take from another's in a "
            'batch; write each = true in batch, or leave sent_as out and counts = "per_key", and it is '
            "limited here.",
        ),
        (
            "default = 20",
            "default = 200",
            "limit",
            "default of [fields.Organization.plants.limit] must be a whole number from 0 to 100.",
        ),
        (
            "asks ",
            "ask ",
            "ask ",
            '"ask" is not known in [tests.0]; did you mean "asks"?',
        ),
    ],
)
def test_a_problem_is_one_message(tmp_path: Path, written: str, instead: str, at: str, said: str) -> None:
    text = PLANTS.replace(written, instead, 1)
    assert text != PLANTS

    first = refusals_of(tmp_path, text)[0]

    assert first == f"plants.toml, line {line_of(text, at)}: {said}"


def test_all_problems_of_a_file_are_said_at_once(tmp_path: Path) -> None:
    text = (
        PLANTS.replace("api = 1", 'api = 1\nrename = { Plnt = "X" }').replace('"Date"', '"Dat"').replace("/plants", "x")
    )

    assert refusals_of(tmp_path, text) == [
        f'plants.toml, line {line_of(text, "commissioned")}: "Dat" is no type of this file and no scalar; did you mean '
        '"Date"?',
        f'plants.toml, line {line_of(text, "get")}: get is a path below the URL of the back end; write "/x".',
        'plants.toml, line 2: "Plnt" in rename is no type and no field of this file.',
    ]


@pytest.mark.parametrize("header", ["Authorization", "X-Api-Key", "cookie"])
def test_a_header_that_proves_who_we_are_never_stands_in_the_file(tmp_path: Path, header: str) -> None:
    text = PLANTS.replace("at_once", f'headers = {{ {header} = "abc" }}\nat_once', 1)

    assert refusals_of(tmp_path, text) == [
        f"plants.toml, line {line_of(text, 'headers')}: {header} proves who we are, so it never stands in the file; "
        "write sign_in for it."
    ]


def test_what_is_no_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    assert refusals_of(tmp_path, "api = 1\n[types") == [
        "plants.toml, line 2: this is not valid TOML: expected ']' at the end of a table declaration."
    ]


def test_a_type_within_itself_is_refused(tmp_path: Path) -> None:
    text = PLANTS.replace('type = "Float", ', 'type = "[Plant!]", ')

    assert refusals_of(tmp_path, text)[0].startswith(
        f"plants.toml, line {line_of(text, '[types.Plant]')}: Plant stands within itself"
    )


def test_a_name_that_is_taken_is_refused_naming_the_file_and_can_be_renamed(tmp_path: Path) -> None:
    (tmp_path / "plants.toml").write_text(PLANTS.replace("Plant!", "Order!").replace("types.Plant", "types.Order"))
    taken = extension_from_toml(tmp_path / "plants.toml")
    with pytest.raises(InvalidSchema) as refused:
        build_schema(additions=[taken.addition])

    assert str(refused.value) == (
        f"Type Order is declared more than once, by {tmp_path / 'plants.toml'} and by schema.orders.Order; rename all "
        "but one, in TOML by its key rename."
    )

    names = 'api = 1\nrename = { Plant = "SolarPlant", "Organization.plants" = "solar_plants" }'
    (tmp_path / "plants.toml").write_text(PLANTS.replace("api = 1", names))
    shown = printed(build_schema(additions=[extension_from_toml(tmp_path / "plants.toml").addition]))

    assert "type SolarPlant {" in shown
    assert "): [SolarPlant!] @requiresPermission(anyOf: [PLANTS_VIEW]" in " ".join(shown.split())
    assert "  solarPlants(" in shown


@pytest.mark.parametrize(("name", "value"), [("X-Kind", "a\\r\\nX-Api-Key: b"), ("X Kind", "a"), ("X-Kind:", "a")])
def test_a_header_that_cannot_be_sent_is_refused_when_it_is_declared(tmp_path: Path, name: str, value: str) -> None:
    text = PLANTS.replace("[backend]", f'[backend]\nheaders = {{ "{name}" = "{value}" }}', 1)

    (said,) = refusals_of(tmp_path, text)

    assert "is no header: its name is letters, digits and -, and its value one line" in said


def test_a_permission_without_its_table_is_not_taken_for_another_one(tmp_path: Path) -> None:
    lines = PLANTS.splitlines(keepends=True)
    begin, end = (line_of(PLANTS, of) - 1 for of in ("[permissions.PLANTS_VIEW]", "[backend]"))
    without = "".join(lines[:begin] + lines[end:])

    (said,) = refusals_of(tmp_path, without)

    assert said == (
        f'plants.toml, line {line_of(without, "requires")}: "PLANTS_VIEW" in requires is no permission of members; '
        "write its table, [permissions.PLANTS_VIEW], with label and description."
    )
