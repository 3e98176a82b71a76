"""Settings: from the environment and one file, each problem said in one line that names it and what would be right."""

from pathlib import Path
from typing import Any

import pytest

from gateway.pages.mail_links.links import LINKS
from gateway.settings import PageUrls, Settings
from gateway.settings_sources import InvalidSettings, read_settings
from resolvers.mail.templates import TEMPLATES

PRODUCTION = {
    "FORECOURT_ENVIRONMENT": "production",
    "FORECOURT_PUBLIC_URL": "https://portal.example",
    "FORECOURT_SIGNING_KEY_FILE": "signing_key.pem",
    "FORECOURT_SMTP_URL": "smtp://portal:hunter2@mail.example:587",
}


def refusal_of(environment: dict[str, str], **given: Any) -> str:
    """What is said of settings that cannot be used."""
    with pytest.raises(InvalidSettings) as refused:
        read_settings(environment, **given)
    return str(refused.value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the settings file of a test is."""
    return tmp_path / "forecourt.toml"


def test_without_any_setting_a_demo_machine_can_start() -> None:
    settings = read_settings({})

    assert (settings.environment, settings.profile, settings.demo) == ("development", "solar_terminal", False)
    assert settings.address == "http://127.0.0.1:8000"
    assert settings.database == "sqlite+aiosqlite:///data/solar_terminal/forecourt.db"
    assert settings.serves_graphiql


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(file: Path) -> None:
    file.write_text('port = 1\nhost = "file.example"\nprofile = "software_house"\n', encoding="utf-8")
    environment = {"FORECOURT_CONFIG": str(file), "FORECOURT_PORT": "2", "FORECOURT_HOST": "environment.example"}

    settings = read_settings(environment, port=3, host=None)

    assert (settings.port, settings.host, settings.profile) == (3, "environment.example", "software_house")


def test_two_profiles_never_share_a_database() -> None:
    assert read_settings({}, profile="solar_terminal").database != read_settings({}, profile="software_house").database


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("FORECOURT_PROFLE", "FORECOURT_PROFILE"),
        ("FORECOURT_DATABASE", "FORECOURT_DATABASE_URL"),
        ("FORECOURT_PUBLICURL", "FORECOURT_PUBLIC_URL"),
        ("FORECOURT_SIGNING_KEY", "FORECOURT_SIGNING_KEY_FILE"),
    ],
)
def test_an_unknown_setting_in_the_environment_is_named_with_the_nearest(name: str, nearest: str) -> None:
    assert refusal_of({name: "x"}) == f"There is no setting {name}. Did you mean {nearest}?"


def test_a_setting_that_is_like_no_other_is_answered_with_all_of_them() -> None:
    message = refusal_of({"FORECOURT_ZZZ": "x"})

    assert message.startswith("There is no setting FORECOURT_ZZZ. Settings are FORECOURT_ACCESS_TOKEN_MINUTES, ")
    assert all(f"FORECOURT_{name.upper()}" in message for name in Settings.model_fields)


def test_a_name_that_only_begins_like_the_one_of_the_file_is_unknown() -> None:
    assert refusal_of({"FORECOURT_CONFIGURATION": "x"}).startswith("There is no setting FORECOURT_CONFIGURATION.")


def test_what_the_tests_read_is_none_of_the_gateways_business() -> None:
    assert read_settings({"FORECOURT_TEST_REDIS_URL": "x", "OTHER_PORT": "y", "FORECOURT": "z"}) == read_settings({})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prot = 1\n", "There is no setting prot in {file}. Did you mean port?"),
        ("PORT = 1\n", "There is no setting PORT in {file}. Did you mean port?"),
        ("port = = 1\n", "The settings file {file} is not valid TOML: "),
        ('port = "many"\n', "FORECOURT_PORT: Input should be a valid integer"),
        ("port = [1]\n", "FORECOURT_PORT: Input should be a valid integer."),
        ("profile = 7\n", "FORECOURT_PROFILE: Input should be a valid string."),
        ("[server]\nport = 1\n", "There is no setting server in {file}. "),
    ],
)
def test_a_problem_in_the_file_is_named(file: Path, text: str, message: str) -> None:
    file.write_text(text, encoding="utf-8")

    said = refusal_of({"FORECOURT_CONFIG": str(file)})

    assert said.startswith(message.format(file=file)) or (
        said.startswith("There is no setting PORT") and "PORT" in text
    )
    assert "\n" not in said.rstrip("\n") or "TOML" in said


def test_a_file_that_was_named_has_to_be_there(tmp_path: Path) -> None:
    missing, folder, latin = tmp_path / "missing.toml", tmp_path, tmp_path / "latin.toml"
    latin.write_bytes(b'host = "\xe4"')

    said = [refusal_of({"FORECOURT_CONFIG": str(path)}) for path in (missing, folder, latin)]

    assert said[0] == f"The settings file {missing} cannot be read: No such file or directory."
    assert said[1] == f"The settings file {folder} cannot be read: Is a directory."
    assert said[2].startswith(f"The settings file {latin} is not valid TOML: ")


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"FORECOURT_PORT": "65536"}, "FORECOURT_PORT: Input should be less than or equal to 65535."),
        ({"FORECOURT_PORT": "-1"}, "FORECOURT_PORT: Input should be greater than or equal to 0."),
        ({"FORECOURT_DEMO": "perhaps"}, "FORECOURT_DEMO: Input should be a valid boolean, unable to interpret input."),
        (
            {"FORECOURT_ENVIRONMENT": "staging"},
            "FORECOURT_ENVIRONMENT: Input should be 'development' or 'production'.",
        ),
        ({"FORECOURT_PUBLIC_URL": "portal.example"}, "FORECOURT_PUBLIC_URL: it begins with https:// or http://."),
        (
            {"FORECOURT_SHOP": "shopify"},
            "FORECOURT_SHOP: Input should be 'embedded' or 'vendure'.",
        ),
        (
            {"FORECOURT_SHOP": "vendure", "FORECOURT_SHOP_URL": "https://shop.example/admin-api"},
            "FORECOURT_SHOP=vendure needs FORECOURT_SHOP_API_KEY.",
        ),
        (
            {"FORECOURT_SHOP_API_KEY": "k"},
            "FORECOURT_SHOP_API_KEY is about a shop of your own; set FORECOURT_SHOP=vendure, or leave it out.",
        ),
        (
            {"FORECOURT_SHOP": "vendure", "FORECOURT_SHOP_API_KEY": "k", "FORECOURT_SHOP_URL": "https://shop.example/"},
            "FORECOURT_SHOP_URL: it has a path, such as https://shop.example/admin-api.",
        ),
        (
            {
                "FORECOURT_SHOP": "vendure",
                "FORECOURT_SHOP_API_KEY": "a key",
                "FORECOURT_SHOP_URL": "https://s.example/a",
            },
            "FORECOURT_SHOP_API_KEY: it has no blanks and no characters beyond ASCII.",
        ),
        (
            {"FORECOURT_DATABASE_URL": "mysql://root:hunter2@db/portal"},
            "FORECOURT_DATABASE_URL: it begins with postgresql+asyncpg:// or sqlite+aiosqlite:///.",
        ),
        (
            {"FORECOURT_DATABASE_URL": "postgresql+asyncpg://root:hunter2@db:many/portal"},
            "FORECOURT_DATABASE_URL: it is no URL such as postgresql+asyncpg://user:password@host:5432/name.",
        ),
        (
            {"FORECOURT_REDIS_URL": "localhost:6379/hunter2"},
            "FORECOURT_REDIS_URL: it begins with redis://, rediss:// or unix://.",
        ),
        (
            {"FORECOURT_SMTP_URL": "mail.example:587/hunter2"},
            "FORECOURT_SMTP_URL: it begins with smtp:// (STARTTLS), smtps:// (TLS) or smtp+plain:// (no encryption).",
        ),
        (
            {"FORECOURT_SMTP_URL": "smtp://portal:hunter2@mail.example:many"},
            "FORECOURT_SMTP_URL: it is no URL such as smtp://user:password@mail.example:587; in a password, write @ as "
            "%40, / as %2F, # as %23, ? as %3F and : as %3A.",
        ),
        (
            {"FORECOURT_SMTP_URL": "smtp://portal:hunter2#@mail.example"},
            "FORECOURT_SMTP_URL: it is no URL such as smtp://user:password@mail.example:587; in a password, write @ as "
            "%40, / as %2F, # as %23, ? as %3F and : as %3A.",
        ),
        (
            {"FORECOURT_SMTP_URL": "smtp://hunter2@mail.example"},
            "FORECOURT_SMTP_URL: a user name and a password belong together: smtp://user:password@mail.example:587.",
        ),
        (
            {"FORECOURT_SMTP_URL": "smtp+plain://portal:hunter2@mail.example"},
            "FORECOURT_SMTP_URL: smtp+plain:// would send the password for everybody to read; use smtp:// or smtps://.",
        ),
        (
            {"FORECOURT_MAIL_FROM": "Portal <portal@portal.example>"},
            "FORECOURT_MAIL_FROM: it is an e-mail address alone, such as portal@company.example.",
        ),
        (
            {"FORECOURT_ACCESS_TOKEN_MINUTES": "0"},
            "FORECOURT_ACCESS_TOKEN_MINUTES: Input should be greater than or equal to 1.",
        ),
        ({"FORECOURT_LOG_FORMAT": "xml"}, "FORECOURT_LOG_FORMAT: Input should be 'console' or 'json'."),
    ],
)
def test_a_value_that_is_not_allowed_is_named_with_what_is(environment: dict[str, str], message: str) -> None:
    said = refusal_of(environment)

    assert said == message
    assert "hunter2" not in said


def test_several_problems_are_reported_at_once_a_line_each() -> None:
    said = refusal_of({"FORECOURT_PORT": "x", "FORECOURT_PUBLIC_URL": "y", "FORECOURT_LOG_FORMAT": "z"})

    assert [line.partition(":")[0] for line in said.splitlines()] == [
        "FORECOURT_PORT", "FORECOURT_PUBLIC_URL", "FORECOURT_LOG_FORMAT",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("left_out", "added", "beginning"),
    [
        (
            "FORECOURT_SIGNING_KEY_FILE",
            {},
            "Production needs FORECOURT_SIGNING_KEY_FILE, the same key for every process",
        ),
        ("FORECOURT_PUBLIC_URL", {}, "Production needs FORECOURT_PUBLIC_URL, the address as browsers see it."),
        ("FORECOURT_SMTP_URL", {}, "Production needs FORECOURT_SMTP_URL, the mail server that takes invitations"),
        (
            "",
            {"FORECOURT_PUBLIC_URL": "https://[2001:db8::1]"},
            "Mails need FORECOURT_MAIL_FROM, for the host of the public URL is no mail domain.",
        ),
        (
            "",
            {"FORECOURT_DEMO": "true"},
            "The demo's accounts have a public password, so it does not run in production.",
        ),
    ],
)
def test_production_starts_only_with_a_key_an_address_a_mail_server_and_no_demo(
    left_out: str, added: dict[str, str], beginning: str
) -> None:
    environment = {name: value for name, value in PRODUCTION.items() if name != left_out} | added

    assert refusal_of(environment).startswith(beginning)


@pytest.mark.parametrize("allowed", [1_000, 1_250, 2_500])
def test_production_allows_what_it_costs_to_sign_in_and_to_change_a_password(allowed: int) -> None:
    environment = PRODUCTION | {"FORECOURT_MAX_COST": str(allowed)}

    refusal = refusal_of(environment)

    assert f"FORECOURT_MAX_COST={allowed}, nobody could change a password, which costs 2,500" in refusal
    assert "\n" not in refusal
    assert read_settings(environment | {"FORECOURT_COST_MODE": "measure"}).max_cost == allowed
    assert read_settings(PRODUCTION | {"FORECOURT_MAX_COST": "2600"}).max_cost == 2_600


def test_production_shows_no_graphiql_unless_it_is_switched_on() -> None:
    assert not read_settings(PRODUCTION).serves_graphiql
    assert read_settings(PRODUCTION | {"FORECOURT_GRAPHIQL": "true"}).serves_graphiql
    assert not read_settings({"FORECOURT_GRAPHIQL": "false"}).serves_graphiql


def test_secrets_are_never_printed() -> None:
    settings = read_settings(
        {
            "FORECOURT_DATABASE_URL": "postgresql+asyncpg://portal:hunter2@db/portal",
            "FORECOURT_REDIS_URL": "redis://:hunter2@cache:6379/0",
            "FORECOURT_SMTP_URL": "smtp://portal:hunter2@mail.example",
        }
    )

    shown = [repr(settings), str(settings), settings.model_dump_json(), str(settings.model_dump())]
    assert [text for text in shown if "hunter2" in text] == []
    assert settings.database == "postgresql+asyncpg://portal:hunter2@db/portal"


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({"host": "::1", "port": 8010}, "http://[::1]:8010"),
        ({"public_url": "https://portal.example/"}, "https://portal.example"),
        ({"host": "portal.local", "port": 80}, "http://portal.local:80"),
    ],
)
def test_the_address_can_be_opened_in_a_browser(given: dict[str, Any], address: str) -> None:
    assert read_settings({}, **given).address == address


def test_mails_come_from_the_host_of_the_portal_unless_it_is_said_otherwise() -> None:
    assert read_settings({}, public_url="https://portal.example:8443/").sender == "noreply@portal.example"
    assert read_settings({}, mail_from="", public_url="https://portal.example").sender == "noreply@portal.example"
    assert read_settings({}, mail_from="service@vendor.example").sender == "service@vendor.example"


def test_production_may_keep_its_mails_to_itself_if_that_is_said() -> None:
    without = {name: value for name, value in PRODUCTION.items() if name != "FORECOURT_SMTP_URL"}

    settings = read_settings(without, mail_stays_here=True)

    assert settings.smtp_url is None
    assert not settings.shows_mailbox


def test_settings_do_not_change_once_they_are_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        read_settings({}).port = 1  # type: ignore[misc]


OWN_PAGES = {
    f"FORECOURT_PAGE_URLS_{kind}": f"https://www.example/{kind.lower()}"
    for kind in ("INVITATION", "REGISTRATION", "PASSWORD_RESET", "EMAIL_CHANGE", "ACCOUNT_DELETION")
}


def test_links_of_mails_lead_to_the_shipped_pages_unless_a_setting_says_where(file: Path) -> None:
    file.write_text(
        'public_url = "https://portal.example"\n[page_urls]\n'
        'invitation = "https://www.example/join"\npassword_reset = "https://www.example/#/reset?t={token}&from=mail"\n'
        'portal = "https://www.example/"\n',
        encoding="utf-8",
    )

    links = read_settings(
        {"FORECOURT_CONFIG": str(file), "FORECOURT_PAGE_URLS_INVITATION": "https://env.example"}
    ).links

    assert links == {
        "invitation": "https://env.example#token={token}",
        "registration": "https://portal.example/registration?token={token}",
        "password_reset": "https://www.example/#/reset?t={token}&from=mail",
        "email_change": "https://portal.example/email-change?token={token}",
        "account_deletion": "https://portal.example/account-deletion?token={token}",
        "portal": "https://www.example/",
    }


def test_every_link_of_a_mail_can_be_given_a_page_of_ones_own() -> None:
    assert set(PageUrls.model_fields) == {link.kind for link in LINKS} | {"portal"}
    assert {template.page for template in TEMPLATES.values()} == {link.kind for link in LINKS} | {None}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("INVITE", "https://www.example", "Did you mean FORECOURT_PAGE_URLS_INVITATION?"),
        (
            "INVITATION",
            "www.example/join",
            "it is a URL such as https://portal.example/page, of at most",
        ),
        ("INVITATION", "javascript:alert(1)", "it is a URL such as"),
        ("INVITATION", 'https://www.example/"><script>', "it is a URL such as"),
        ("INVITATION", "https://www.example/a b", "it is a URL such as"),
        ("INVITATION", f"https://www.example/{'x' * 500}", "it is a URL such as"),
        ("INVITATION", "https://{token}.example/", "{token} stands in it once, behind the host"),
        ("INVITATION", "https://www.example/{token}/{token}", "{token} stands in it once"),
        ("INVITATION", "https://www.example/{secret}", "no other braces"),
        ("INVITATION", "https://www.example@evil.example/", "no @ before it"),
        ("INVITATION", "https://www.example/#/join", "says where the token goes, such as"),
        ("PORTAL", "https://www.example/{token}", "FORECOURT_PAGE_URLS_PORTAL: the portal's start gets no token."),
    ],
)
def test_an_address_to_which_no_link_can_lead_is_refused(name: str, value: str, said: str) -> None:
    assert said in refusal_of({f"FORECOURT_PAGE_URLS_{name}": value})


def test_an_unknown_page_in_the_file_is_named_with_the_nearest(file: Path) -> None:
    file.write_text('[page_urls]\ninvitations = "https://www.example"\n', encoding="utf-8")

    said = refusal_of({"FORECOURT_CONFIG": str(file)})

    assert said == f"There is no setting page_urls.invitations in {file}. Did you mean invitation?"


def test_the_shipped_pages_are_switched_off_only_when_every_link_leads_elsewhere() -> None:
    missing = {name: url for name, url in OWN_PAGES.items() if name != "FORECOURT_PAGE_URLS_EMAIL_CHANGE"}

    assert refusal_of({"FORECOURT_PAGES": "false", **missing}) == (
        "With FORECOURT_PAGES=false, links of mails lead nowhere; say where: FORECOURT_PAGE_URLS_EMAIL_CHANGE."
    )
    assert not read_settings({"FORECOURT_PAGES": "false", **OWN_PAGES}).pages


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"FILES_URL": "ftp://x/y"}, "it is file:///folder, s3://bucket/prefix or az://container/prefix"),
        ({"FILES_URL": "file://host/folder"}, "it is file:///folder"),
        ({"FILES_URL": "s3://key:secret@bucket"}, "without a password"),
        ({"FILES_URL": "s3://bucket?x=1"}, "it is file:///folder"),
        ({"FILES_URL": "s3://bucket", "FILES_ACCOUNT": "x"}, "need FORECOURT_FILES_SECRET, to sign links."),
        ({"FILES_URL": "az://files"}, "need FORECOURT_FILES_ACCOUNT and FORECOURT_FILES_SECRET, to sign links."),
        ({"FILES_REGION": "x", "FILES_SECRET": "hunter2"}, "_secret, files_region say nothing without files_url"),
        ({"FILES_ENDPOINT": "https://a:b@host"}, "it is a URL such as https://s3.storage.example, without a password"),
        ({"FILES_LINK_MINUTES": "0"}, "FORECOURT_FILES_LINK_MINUTES"),
    ],
)
def test_a_store_of_files_that_cannot_be_used_is_refused_with_what_to_write(given: dict[str, str], said: str) -> None:
    refusal = refusal_of({f"FORECOURT_{name}": value for name, value in given.items()})

    assert said in refusal
    assert "hunter2" not in refusal
