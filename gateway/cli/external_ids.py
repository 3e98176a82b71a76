"""``forecourt external-ids``: which id stands for an organization or a person in another back end, for operators."""

import asyncio
import csv
import io
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from connectors.directory.records.external_ids import ExternalIdRecord
from connectors.ids import OrganizationId, UserId
from gateway.cli.command import CommandRefused, ProfileOption, acting
from gateway.server.terminal import say
from gateway.settings_sources import read_settings
from gateway.wiring import utc_now
from permissions.policy import nearest
from resolvers.context import RequestContext
from resolvers.external_ids import Assigned, Assignment, AssignmentsRefused, assign, first_problems
from schema.graph.backends import Backend

external_ids_cli = typer.Typer(
    help="Which ids stand for organizations and people in other back ends.", no_args_is_help=True
)
BackendArgument = Annotated[str, typer.Argument(help="The back end, such as shop.")]
OrganizationOption = Annotated[
    str | None, typer.Option("--organization", help="An organization, by its customer number or id.")
]
PersonOption = Annotated[str | None, typer.Option("--person", help="A person, by their e-mail address or id.")]

COLUMNS = ("backend", "organization", "person", "external_id")
MOST_PROBLEMS = 50
MOST_UNMAPPED = 1_000


@external_ids_cli.command("set")
def set_external_id(
    backend: BackendArgument,
    external_id: Annotated[str, typer.Argument(help="The id that it has there.")],
    organization: OrganizationOption = None,
    person: PersonOption = None,
    profile: ProfileOption = None,
) -> None:
    """Map an id of a back end to an organization or a person, instead of the one that they had there."""
    one = Assignment(backend, _trimmed(organization), _trimmed(person), external_id.strip())

    async def command(context: RequestContext) -> None:
        done = await assign(context, [one], backends=_backends())
        whom = organization or person
        if done.unchanged:
            say(f'Nothing changed: in {backend}, "{one.external_id}" stands for {whom} already.')
        else:
            say(f'In {backend}, "{one.external_id}" stands for {whom} now, from the next request on.')

    _run(profile, command)


@external_ids_cli.command("unset")
def unset_external_id(
    backend: BackendArgument,
    organization: OrganizationOption = None,
    person: PersonOption = None,
    profile: ProfileOption = None,
) -> None:
    """Let the rule count again: the customer number of an organization, the e-mail address of a person."""
    one = Assignment(backend, _trimmed(organization), _trimmed(person), None)

    async def command(context: RequestContext) -> None:
        done = await assign(context, [one], backends=_backends())
        whom = organization or person
        say(
            f"In {backend}, nothing is mapped to {whom} any more."
            if done.removed
            else f"Nothing changed: in {backend}, nothing is mapped to {whom}."
        )

    _run(profile, command)


@external_ids_cli.command("list")
def list_external_ids(
    backend: Annotated[str | None, typer.Option(help="Only those of this back end.")] = None,
    unmapped: Annotated[
        str | None, typer.Option(metavar="BACKEND", help="Instead, the organizations that this back end does not know.")
    ] = None,
    profile: ProfileOption = None,
) -> None:
    """Print what is mapped, as CSV that `import` takes, or which organizations still have to be."""

    async def command(context: RequestContext) -> None:
        if unmapped is not None and unmapped not in _backends():
            raise CommandRefused(f'There is no back end "{unmapped}"{nearest(unmapped, _backends())}.')
        directory = context.backends.directory
        if unmapped is not None:
            ids = await directory.unmapped_organizations(unmapped, limit=MOST_UNMAPPED + 1)
            records = [ExternalIdRecord(unmapped, id, "") for id in ids[:MOST_UNMAPPED]]
            say(await _as_csv(context, records), nl=False)
            if len(ids) > MOST_UNMAPPED:
                say(f"There are more than {MOST_UNMAPPED:,}; map these first.", err=True)
        else:
            found = await directory.external_ids()
            say(await _as_csv(context, [one for one in found if backend in (None, one.backend)]), nl=False)

    _run(profile, command)


@external_ids_cli.command("import")
def import_external_ids(
    file: Annotated[Path, typer.Argument(help=f"A CSV file in UTF-8 with the columns {', '.join(COLUMNS)}.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look for problems, and change nothing.")] = False,
    profile: ProfileOption = None,
) -> None:
    """Map all of a file, or nothing: each line names a back end, an organization or a person, and the id there."""
    assignments = read_assignments(file)

    async def command(context: RequestContext) -> None:
        done = await assign(context, assignments, backends=_backends(), is_dry_run=dry_run)
        say(f"{'Would be' if dry_run else 'Mapped'}: {_counted(done)}.")

    _run(profile, command, f"{file}: ")


def read_assignments(file: Path) -> list[Assignment]:
    """Return what a file says, whose first line names the columns; separated by commas, or by semicolons as Excel does.

    Raises:
        CommandRefused: With all that is wrong with its form, each problem with its line.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise CommandRefused(f"{file} is not in UTF-8. Save it as “CSV UTF-8”; nothing was changed.") from None
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",")
    problems: list[tuple[int | None, str]] = []
    assignments: list[Assignment] = []
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        _check_columns(file, names)
        for cells in reader:
            values = [cell.strip() for cell in cells]
            if not any(values):
                continue
            if len(values) != len(names):
                problems.append(
                    (reader.line_num, f"{len(values)} values, but the first line names {len(names)} columns")
                )
                continue
            row = dict(zip(names, values, strict=True))
            assignments.append(
                Assignment(
                    row["backend"],
                    row.get("organization") or None,
                    row.get("person") or None,
                    row["external_id"],
                    reader.line_num,
                )
            )
    except csv.Error as error:
        problems.append((reader.line_num, f"this is no CSV ({error})"))
    if problems:
        raise _refused(problems, f"{file}: ")
    if not assignments:
        raise CommandRefused(f"{file} maps nothing: there is no line below the names of the columns.")
    return assignments


def _check_columns(file: Path, names: Sequence[str]) -> None:
    for name in names:
        if name not in COLUMNS:
            raise CommandRefused(f'{file}, line 1: there is no column "{name}"{nearest(name, COLUMNS)}.')
        if names.count(name) > 1:
            raise CommandRefused(f'{file}, line 1: the column "{name}" is there twice.')
    missing = [name for name in ("backend", "external_id") if name not in names]
    if not missing and not {"organization", "person"}.intersection(names):
        missing = ["organization or person"]
    if missing:
        raise CommandRefused(
            f"{file}, line 1: the column {' and '.join(missing)} is missing. The first line is "
            "backend,organization,external_id or backend,person,external_id, or has all four columns."
        )


async def _as_csv(context: RequestContext, records: Sequence[ExternalIdRecord]) -> str:
    """Return the mappings as `import` takes them, by customer numbers and e-mail addresses where there are any."""
    directory = context.backends.directory
    ids = list(dict.fromkeys(one.owner_id for one in records))
    organizations = await directory.organizations([OrganizationId(id) for id in ids if id.startswith("org_")])
    people = await directory.users([UserId(id) for id in ids if id.startswith("usr_")])
    names: dict[str, str] = {one.id: one.customer_number or one.id for one in organizations if one is not None}
    names |= {one.id: one.email if one.email_verified else one.id for one in people if one is not None}
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in records:
        name = names.get(one.owner_id, one.owner_id)
        whom = ("", name) if one.owner_id.startswith("usr_") else (name, "")
        writer.writerow((one.backend, *whom, one.external_id))
    return written.getvalue()


def _backends() -> list[str]:
    """Return the names of all back ends; those of extensions are known once the profile is read."""
    return sorted(backend.name.lower() for backend in Backend)


def _trimmed(name: str | None) -> str | None:
    return name.strip() if name is not None else None


def _counted(done: Assigned) -> str:
    return f"{done.made:,} new, {done.changed:,} changed, {done.unchanged:,} as they were"


def _refused(problems: Sequence[tuple[int | None, str]], where: str) -> CommandRefused:
    lines = [f"{where}{line}" for line in first_problems(problems, MOST_PROBLEMS)]
    return CommandRefused("\n".join([*lines, "Nothing was changed."]))


def _run(profile: str | None, command: Callable[[RequestContext], Awaitable[None]], where: str = "") -> None:
    async def run() -> None:
        async with acting(read_settings(profile=profile), utc_now(), "forecourt external-ids") as context:
            try:
                await command(context)
            except AssignmentsRefused as refused:
                raise _refused(refused.problems, where) from None

    asyncio.run(run())
