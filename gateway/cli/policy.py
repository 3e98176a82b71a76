"""``forecourt policy``: check it, see it as a table, explain a decision, print the sheet, compare two of them."""

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from connectors.applications.interface import ApplicationRecord
from connectors.database.migrations import DatabaseNotMigrated, DatabaseTooNew
from connectors.errors import BackendUnavailable
from gateway.cli.command import ProfileOption
from gateway.cli.policy_explain import explain
from gateway.profile_files import Profile, load_profile, shipped_profiles
from gateway.server.terminal import say
from gateway.settings import Settings
from gateway.settings_sources import read_settings
from gateway.wiring import open_stores, read_policy
from permissions.policy import InvalidPolicy, Policy, parse_policy
from permissions.policy_diff import Change, policy_changes, sheet_changes
from permissions.sheet import (
    Part,
    as_csv,
    as_json,
    guarded_as_markdown,
    open_as_markdown,
    read_sheet,
    sheet_of,
)
from permissions.vocabulary import CUSTOMER_CODES, VENDOR_PERMISSIONS, Permission
from resolvers.launcher import opens_for_role
from schema.graph.build import build_schema, core_schema
from schema.graph.coordinates import parts_of

policy_cli = typer.Typer(help="Who may do what.", no_args_is_help=True)
policy_cli.command()(explain)


class SheetFormat(StrEnum):
    """How the sheet is written."""

    MARKDOWN = "markdown"
    CSV = "csv"
    JSON = "json"


@policy_cli.command()
def check(profile: ProfileOption = None) -> None:
    """Check the policy, and that the applications and the schema go with it; print what was found."""
    chosen, policy, applications = _read(profile)
    settings = read_settings(profile=profile)
    parts = _parts(chosen)
    say(f"{chosen.policy_source} is good: {_counted(len(policy.roles), 'role')}, ", nl=False)
    say(f"{_counted(len(policy.direct_permissions), 'direct permission')}.")
    say(f"{chosen.applications_source} is good: {_counted(len(applications), 'application')}.")
    say(f"The schema guards {sum(bool(part.needs) for part in parts)} of its {len(parts)} parts.")
    for line in [*_notes(policy, parts), *asyncio.run(_grants_of_nothing(settings))]:
        say(f"Note: {line}")


@policy_cli.command()
def matrix(profile: ProfileOption = None) -> None:
    """Print which role gives which permission and opens which application."""
    _, policy, applications = _read(profile)
    roles = list(policy.roles.values())
    asked = [permission for permission in Permission if permission not in VENDOR_PERMISSIONS]
    heading = ["PERMISSION", *(role.key for role in roles), "singly"]
    rows = [
        [code, *(_mark(code in role.permissions) for role in roles), _mark(code in policy.direct_permissions)]
        for code in asked
    ]
    say(_table([heading, *rows]))
    heading = ["APPLICATION", *(role.key for role in roles), "otherwise"]
    rows = [
        [one.key, *(_mark(opens_for_role(one, role)) for role in roles), _otherwise(one, policy)]
        for one in applications
    ]
    say("\n" + _table([heading, *rows]))


@policy_cli.command()
def sheet(
    profile: ProfileOption = None,
    format_: Annotated[SheetFormat, typer.Option("--format", help="How to write it.")] = SheetFormat.MARKDOWN,
    shipped: Annotated[bool, typer.Option("--shipped", help="The page of docs: every shipped profile.")] = False,
) -> None:
    """Print every part of the schema against every role and every direct permission."""
    if shipped:
        say(shipped_sheets(), nl=False)
        return
    chosen, policy, _ = _read(profile)
    made = sheet_of(_parts(chosen), policy)
    match format_:
        case SheetFormat.CSV:
            say(as_csv(made), nl=False)
        case SheetFormat.JSON:
            say(as_json(made), nl=False)
        case SheetFormat.MARKDOWN:
            say(f"# {chosen.title['en']}\n\n{guarded_as_markdown(made)}\n{open_as_markdown(made)}", nl=False)


@policy_cli.command()
def diff(
    old: Annotated[Path, typer.Argument(help="A policy.toml, or a sheet in JSON.")],
    new: Annotated[Path, typer.Argument(help="Another of the same kind.")],
    allow_gains: Annotated[bool, typer.Option("--allow-gains", help="Exit with 0 also when somebody gains.")] = False,
    allow_new: Annotated[
        bool, typer.Option("--allow-new", help="Do not count parts of the schema that were not there before.")
    ] = False,
) -> None:
    """Say who gains and who loses what; exit with 1 when somebody gains."""
    changes = _changes(old, new)
    for title, gains in (("Gains", True), ("Losses", False)):
        lines = [str(change) for change in changes if change.gains is gains]
        if lines:
            say("\n".join([f"{title} ({len(lines)})", *lines]))
    if not changes:
        say("Nobody gains and nobody loses anything.")
    if not allow_gains and any(change.gains and not (allow_new and change.is_new) for change in changes):
        raise typer.Exit(1)


def shipped_sheets() -> str:
    """Return the text of docs/permissions-sheet.md, from the code and the shipped profiles."""
    parts = _parts()
    text = _SHEET_INTRODUCTION
    for name in reversed(shipped_profiles()):
        profile = load_profile(name)
        made = sheet_of(parts, parse_policy(profile.policy_text, profile.policy_source))
        text += f"\n## {profile.title['en']} (`{name}`)\n\n{guarded_as_markdown(made)}"
    return f"{text}\n## Open\n\n{_SHEET_OPEN}\n{open_as_markdown(made)}"


_SHEET_INTRODUCTION = """\
# The permissions sheet

Every part of the schema that asks for something, against every role and every direct permission, made from the code by
`make generate`; a test keeps it true. `yes` counts in the organization where the role is held and nowhere else, `own`
on what concerns the person themself; an empty cell is a no. A row of an argument, an input field or a value counts on
top of the row of its field.
"""

_SHEET_OPEN = """\
These ask for nothing of their own. Fields of `Query` and `Mutation` are for everybody; `node` and `nodes` find only
what the caller may see. Everything else is for whoever was given the object it stands on. Enums of which no value is
guarded are left out.
"""


def _parts(profile: Profile | None = None) -> list[Part]:
    """Return all parts of the schema, with what the extensions of a profile add."""
    return parts_of(core_schema(build_schema(additions=profile.additions if profile is not None else ())))


def _read(profile: str | None) -> tuple[Profile, Policy, Sequence[ApplicationRecord]]:
    chosen = load_profile(read_settings(profile=profile).profile)
    policy, applications = asyncio.run(read_policy(chosen))
    return chosen, policy, applications


def _notes(policy: Policy, parts: Sequence[Part]) -> list[str]:
    held = {permission for role in policy.roles.values() for permission in role.permissions}.union(
        policy.direct_permissions
    )
    held_by_vendor = set(policy.vendor_permissions)
    notes = [
        f"{part.coordinate} needs {part.needs}, which nobody can get under this policy."
        for part in parts
        if part.rule.any_of and not part.rule.or_self and (held | held_by_vendor).isdisjoint(part.rule.any_of)
    ]
    asked = {permission for part in parts for permission in part.rule.any_of}
    unused = [permission.value for permission in Permission if permission in held and permission not in asked]
    if unused:
        notes.append(f"No part of the schema asks for {', '.join(unused)} yet.")
    return notes


async def _grants_of_nothing(settings: Settings) -> list[str]:
    """Return what is said of permissions that people were granted and that there are no more, as of an extension."""
    if settings.database_url is None and not (settings.folder / "forecourt.db").exists():
        return []
    try:
        async with open_stores(settings) as stores:
            granted = await stores.directory.direct_permissions()
    except (BackendUnavailable, DatabaseNotMigrated, DatabaseTooNew) as error:
        return [f"What people were granted could not be looked at: {error}"]
    return [
        f"{number} grants give {code}, which is no permission of members, and so they give nothing; load the extension "
        "that it came from, or take them back."
        for code, number in granted.items()
        if code not in CUSTOMER_CODES
    ]


def _changes(old: Path, new: Path) -> list[Change]:
    texts = [path.read_text(encoding="utf-8") for path in (old, new)]
    kinds = {path.suffix for path in (old, new)}
    if kinds == {".json"}:
        return sheet_changes(read_sheet(texts[0], str(old)), read_sheet(texts[1], str(new)))
    if kinds == {".toml"}:
        return policy_changes(parse_policy(texts[0], str(old)), parse_policy(texts[1], str(new)))
    raise InvalidPolicy("Give two policies (.toml) or two sheets (.json), not one of each.")


def _otherwise(application: ApplicationRecord, policy: Policy) -> str:
    ways = [str(kind) for kind in sorted(application.open_to)]
    ways += ["every member"] if application.for_every_member else []
    ways += [code for code in policy.direct_permissions if code in application.permissions]
    return ", ".join(ways)


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _mark(holds: bool) -> str:
    return "yes" if holds else "-"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
