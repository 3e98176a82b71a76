"""``forecourt profile``: make a profile of one's own, and check one before it goes live."""

import asyncio
import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from graphql import GraphQLError, parse, validate

from connectors.applications.interface import ApplicationRecord
from gateway.cli.command import CommandRefused
from gateway.profile_files import InvalidProfile, Profile, nobodys_host, read_profile, shipped_profiles, unreachable
from gateway.server.terminal import say
from gateway.wiring import profile_problems, read_policy, utc_now
from permissions.access_rules import REVIEW_REGISTRATIONS
from permissions.policy import Policy
from permissions.toml_positions import TomlPositions
from schema.graph.build import build_schema, core_schema

profile_cli = typer.Typer(help="A profile: the files that make a gateway one vendor's portal.", no_args_is_help=True)

_NEW = Path(__file__).parents[1] / "new_profile"
_CONTACT = "service@vendor.example"


@profile_cli.command()
def new(
    folder: Annotated[Path, typer.Argument(help="The folder to make, such as my_portal.")],
    title: Annotated[str | None, typer.Option(help="What the portal is called.")] = None,
    contact: Annotated[str, typer.Option(help="An address or a telephone number at which customers reach you.")] = (
        _CONTACT
    ),
) -> None:
    """Make a folder with a complete profile to change; never writes into one that is there."""
    if folder.exists() or folder.is_symlink():
        raise CommandRefused(f"{folder} is there already, and nothing was changed. Give the name of a new folder.")
    if folder.name in shipped_profiles():
        raise CommandRefused(f"{folder.name} is the name of a shipped profile. Give another one, such as my_portal.")
    called = folder.name.replace("_", " ").replace("-", " ").capitalize() if title is None else title
    for what, said in (("name", folder.name.strip(".")), ("title", called), ("contact", contact)):
        if not said.strip() or not said.isprintable():
            raise CommandRefused(f"Write the {what} in letters that can be seen, on one line.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(_NEW, folder)
    file = folder / "profile.toml"
    text = file.read_text(encoding="utf-8")
    words = {"{TITLE}": called.strip(), "{CONTACT}": contact.strip().rstrip(".")}
    text = re.sub("{TITLE}|{CONTACT}", lambda found: json.dumps(words[found[0]], ensure_ascii=False)[1:-1], text)
    file.write_text(text, encoding="utf-8")
    say(f"Made {folder}, with {sum(it.is_file() for it in folder.rglob('*'))} files; each says what to change in it.")
    shown = folder if folder.is_absolute() else f"./{folder}"
    say(f"  try it         forecourt serve --demo --profile {shown}")
    say(f"  check it       forecourt profile check {shown}")
    say(f"  your staff     forecourt staff invite ADDRESS --all --profile {shown}")


@profile_cli.command()
def check(
    profile: Annotated[str, typer.Argument(help="A shipped profile, or the path of a folder with one.")],
) -> None:
    """Print all that is wrong with a profile, and all that it lacks to go live; exit with 1 when something is wrong."""
    chosen, problems = read_profile(profile)
    problems += asyncio.run(profile_problems(chosen))
    problems += _problems_of_examples(chosen)
    problems += _problems_of_demo(chosen)
    for problem in problems:
        say(problem, err=True)
    if problems:
        raise typer.Exit(1)
    policy, applications = asyncio.run(read_policy(chosen))
    say(f"{chosen.folder} is good: {len(policy.roles)} roles, {len(applications)} applications.")
    missing = [*unreachable(chosen), *_lacking(chosen, policy, applications)]
    if missing:
        say("Before it goes live:")
    for line in missing:
        say(f"  {line}")


def _problems_of_examples(profile: Profile) -> Iterator[str]:
    """Return what the schema does not know of the queries of GraphiQL's tabs."""
    schema = core_schema(build_schema(suggestions=True, additions=profile.additions))
    for file in sorted(profile.folder.glob("examples/*.graphql")):
        try:
            errors = validate(schema, parse(file.read_text(encoding="utf-8")))
        except GraphQLError as not_parsed:
            errors = [not_parsed]
        except (OSError, UnicodeDecodeError):
            continue  # whoever read the profile has said so
        for error in errors:
            line = f", line {error.locations[0].line}" if error.locations else ""
            yield f"{file}{line}: {error.message}"


def _problems_of_demo(profile: Profile) -> list[str]:
    from gateway.demo.demo_data import demo_data  # only where a demo is read

    if not profile.demo_text:
        return []
    try:
        demo_data(profile, now=utc_now())
    except InvalidProfile as error:
        return [str(error)]
    return []


def _lacking(profile: Profile, policy: Policy, applications: Sequence[ApplicationRecord]) -> Iterator[str]:
    """Return what people would miss or be led astray by once the portal is live."""
    if {*REVIEW_REGISTRATIONS.any_of}.isdisjoint(policy.vendor_permissions):
        yield (
            f"{profile.policy_source}: {REVIEW_REGISTRATIONS.needed} does not stand under [vendor], so nobody may "
            "approve a registration."
        )
    positions = TomlPositions(profile.applications_text)
    for application in applications:
        if domain := nobodys_host(application.launch_url):
            line = positions.line_of("applications", application.key, "launch")
            yield (
                f"{profile.applications_source}, line {line}: [applications.{application.key}] leads to {domain}, a "
                "domain that is nobody's."
            )
    yield from _leading_nowhere(profile)
    for where, texts in _texts(profile, policy, applications):
        if missing := [language for language in profile.title if not texts.get(language)]:
            yield f"{where} is missing in {', '.join(missing)}, in which the portal has its title."


def _leading_nowhere(profile: Profile) -> Iterator[str]:
    """Return which addresses in profile.toml are at a domain that is nobody's."""
    portal = profile.portal
    by_language = {key: getattr(portal, key) for key in ("terms_url", "privacy_url", "imprint_url", "help_url")}
    images = {key: {"": getattr(portal, key) or ""} for key in ("logo", "logo_dark", "favicon")}
    pages = {f"pages.{page}": {"": address} for page, address in profile.pages.items()}
    file = profile.folder / "profile.toml"
    positions = TomlPositions(file.read_text(encoding="utf-8"))
    for key, addresses in {**images, **by_language, **pages}.items():
        domains: dict[str, list[str]] = {}
        for language, address in addresses.items():
            if domain := nobodys_host(address):
                domains.setdefault(domain, []).append(language)
        for domain, languages in domains.items():
            line = positions.line_of(*key.split("."), languages[0])
            said = " ".join(filter(None, (key, ", ".join(languages))))
            yield f"{file}, line {line}: {said} leads to {domain}, a domain that is nobody's."


def _texts(
    profile: Profile, policy: Policy, applications: Sequence[ApplicationRecord]
) -> Iterator[tuple[str, Mapping[str, str]]]:
    file, portal = profile.folder / "profile.toml", profile.portal
    yield f"{file}: contact", profile.contact
    of_portal = {
        key: getattr(portal, key) for key in ("terms_url", "privacy_url", "imprint_url", "help_url", "login_name_hint")
    }
    for key, texts in {
        **of_portal,
        "registration.customer_number_hint": portal.registration.customer_number_hint,
    }.items():
        if texts:
            yield f"{file}: {key}", texts
    for role in policy.roles.values():
        yield f"{profile.policy_source}: label of [roles.{role.key}]", role.labels
        yield f"{profile.policy_source}: description of [roles.{role.key}]", role.descriptions
    categories = {application.category.key: application.category for application in applications}
    for category in categories.values():
        yield f"{profile.applications_source}: label of [categories.{category.key}]", category.labels
    for application in applications:
        section = f"{profile.applications_source}: %s of [applications.{application.key}]"
        yield section % "name", application.names
        yield section % "tagline", application.taglines
        yield section % "description", application.descriptions
