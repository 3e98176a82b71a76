"""The container setup agrees with the code it starts; no Docker needed to see that."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.settings_sources import read_settings

ROOT = Path(__file__).parent.parent
COMPOSE = (ROOT / "compose.yaml").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
ONE_SHOT = {"migrate"}
TOOLS = {name for name, service in SERVICES.items() if "tools" in service.get("profiles", ())}


def test_every_service_has_a_health_check_or_runs_once() -> None:
    checked = {name for name, service in SERVICES.items() if "test" in service.get("healthcheck", {})}
    waited_for_to_end = {
        name
        for service in SERVICES.values()
        for name, wanted in service.get("depends_on", {}).items()
        if wanted["condition"] == "service_completed_successfully"
    }

    assert checked == SERVICES.keys() - ONE_SHOT - TOOLS
    assert waited_for_to_end == ONE_SHOT


def test_a_service_waits_until_those_it_needs_are_healthy() -> None:
    conditions = {
        name: {needed: wanted["condition"] for needed, wanted in service.get("depends_on", {}).items()}
        for name, service in SERVICES.items()
    }

    assert conditions == {
        "migrate": {"postgres": "service_healthy"},
        "keys": {"postgres": "service_healthy"},
        "gateway": {
            "migrate": "service_completed_successfully",
            "postgres": "service_healthy",
            "redis": "service_healthy",
        },
        "postgres": {},
        "redis": {},
    }


def test_only_the_gateway_can_be_reached_and_only_from_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert published == {"gateway": ["127.0.0.1:${FORECOURT_PORT:-8000}:8000"]}


def test_a_missing_secret_is_named_before_anything_starts() -> None:
    required = dict(re.findall(r"\$\{(\w+):\?([^}]*)\}", COMPOSE))
    defaulted = set(re.findall(r"\$\{(\w+):-", COMPOSE))

    assert required.keys() == {
        "POSTGRES_PASSWORD", "FORECOURT_PUBLIC_URL", "FORECOURT_SMTP_URL",
    }  # fmt: skip
    assert all(explanation.startswith("set it to ") for explanation in required.values())
    assert defaulted == {
        "FORECOURT_PROFILE", "FORECOURT_PORT", "FORECOURT_MAIL_FROM", "FORECOURT_TRUSTED_PROXIES", *OF_BACK_ENDS,
    }  # fmt: skip
    assert len(re.findall(r"(?<!\$)\$\{", COMPOSE)) == len(re.findall(r"\$\{\w+:[?-]", COMPOSE))


OF_BACK_ENDS = {
    "FORECOURT_SHOP": "vendure",
    "FORECOURT_SHOP_URL": "https://shop.example/admin-api",
    "FORECOURT_SHOP_API_KEY": "let-me-in",
    "FORECOURT_SHOP_CHANNEL": "germany",
    "FORECOURT_FILES_URL": "s3://documents/portal",
    "FORECOURT_FILES_ACCOUNT": "AKIA",
    "FORECOURT_FILES_SECRET": "secret",
    "FORECOURT_FILES_REGION": "eu-central-1",
    "FORECOURT_FILES_ENDPOINT": "https://s3.storage.example",
}


@pytest.mark.parametrize("given", [{}, OF_BACK_ENDS], ids=["nothing", "all"])
def test_what_is_set_of_a_shop_and_a_store_is_passed_on_and_what_is_not_is_as_without_compose(
    given: dict[str, str],
) -> None:
    passed_on = {name: SERVICES["gateway"]["environment"][name] for name in OF_BACK_ENDS}
    variables = {
        name: re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: given.get(found[1], found[2]), text)
        for name, text in passed_on.items()
    }

    passed, unset = read_settings(variables), read_settings(given)

    assert (passed.shop, passed.shop_url, passed.shop_channel) == (unset.shop, unset.shop_url, unset.shop_channel)
    assert (passed.files_url, passed.files_endpoint) == (unset.files_url, unset.files_endpoint)
    assert variables == (given or dict.fromkeys(OF_BACK_ENDS, "") | {"FORECOURT_SHOP": "embedded"})


PROFILE = "${FORECOURT_PROFILE:-./profile}:/profile:ro"


def test_the_keys_are_a_folder_in_which_only_the_command_for_keys_may_write() -> None:
    """Further keys appear beside the first one, and a mounted file would never change."""
    mounted = {name: service["volumes"] for name, service in SERVICES.items() if service.get("image") == "forecourt"}
    files = {
        service["environment"]["FORECOURT_SIGNING_KEY_FILE"]
        for service in SERVICES.values()
        if service.get("image") == "forecourt"
    }

    assert set(TOOLS) == {"keys"}
    assert mounted == {
        "migrate": ["./keys:/run/keys:ro", PROFILE],
        "gateway": ["./keys:/run/keys:ro", PROFILE],
        "keys": ["./keys:/run/keys"],
    }
    assert files == {"/run/keys/signing_key.pem"}


@pytest.mark.parametrize("text", [COMPOSE, DOCKERFILE], ids=["compose.yaml", "Dockerfile"])
def test_every_setting_is_one_that_the_gateway_knows(text: str) -> None:
    settings = pytest.importorskip("gateway.settings")
    known = {f"FORECOURT_{name.upper()}" for name in settings.Settings.model_fields}

    used = set(re.findall(r"\bFORECOURT_[A-Z_]+", text))

    assert used - known == set()


def test_the_image_gets_every_package_and_the_ignore_file_lets_them_through() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    copied = {path for line in re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.MULTILINE) for path in line.split()}
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    assert set(packages) <= copied
    assert {path.split("/")[0] for path in copied} == let_through


def test_the_image_does_not_run_as_root() -> None:
    assert re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE) == ["10001:10001"]


def test_both_health_checks_ask_whether_the_gateway_lives() -> None:
    assert "'/health/live'" in DOCKERFILE
    assert '"/health/live"' in SERVICES["gateway"]["healthcheck"]["test"][-1]
