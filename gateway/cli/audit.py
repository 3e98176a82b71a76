"""``forecourt audit``: the end of the audit log, for operators."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from connectors.directory.directory import DirectoryQueries
from connectors.directory.records.audit import AuditEventRecord, AuditFilter
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.people import UserRecord
from connectors.ids import OrganizationId, UserId
from gateway.cli.command import CommandRefused, ProfileOption, acting, user_id_of
from gateway.server.terminal import say
from gateway.settings import Settings
from gateway.settings_sources import read_settings
from gateway.wiring import utc_now

MOST = 1_000


@dataclass(frozen=True, slots=True)
class LogReport:
    """Entries of the log, newest first, with those they speak of; `has_more` says that older ones were left out."""

    events: Sequence[AuditEventRecord]
    actors: Mapping[UserId, UserRecord]
    organizations: Mapping[OrganizationId, OrganizationRecord]
    has_more: bool


def audit(
    organization: Annotated[
        str | None, typer.Option(help="Only what belongs to this organization, by its customer number or id.")
    ] = None,
    actor: Annotated[
        str | None, typer.Option(help="Only what this person did, by their login name, e-mail address or id.")
    ] = None,
    action: Annotated[list[str] | None, typer.Option(help="Only this action; may be given several times.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only from this instant on, in UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Only before this instant, in UTC.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="So many entries at most.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one entry a line.")] = False,
    profile: ProfileOption = None,
) -> None:
    """Print what was done and tried, newest first."""
    settings = read_settings(profile=profile)
    where = AuditFilter(tuple(action) if action else None, None, _in_utc(since), _in_utc(until))
    report = asyncio.run(read_log(settings, where, organization=organization, actor=actor, limit=limit))
    for event in report.events:
        say(json.dumps(_as_json(event, report), ensure_ascii=False) if as_json else _line(event, report))
    if report.has_more:
        say(f"There are older entries: raise --limit above {limit}, or ask for less by --until.", err=True)
    elif not report.events:
        say("Nothing like this is on record.", err=True)


async def read_log(
    settings: Settings, where: AuditFilter, *, organization: str | None, actor: str | None, limit: int
) -> LogReport:
    """Return the newest entries that fulfil all conditions, and the people and organizations that they name.

    Raises:
        CommandRefused: There is no such organization or person, or `where` ends before it begins.
    """
    if where.since is not None and where.until is not None and where.since >= where.until:
        raise CommandRefused("--since is not before --until, so nothing could be found. Exchange them.")
    async with acting(settings, utc_now(), "forecourt audit") as context:
        directory = context.backends.directory
        at_organization = await _organization(directory, organization) if organization is not None else None
        person = await _person(directory, actor) if actor is not None else None
        wanted = AuditFilter(where.actions, person, where.since, where.until)
        found = await directory.audit_log(at_organization, wanted, limit=limit + 1)
        events = found[:limit]
        people = sorted({event.actor_id for event in events if event.actor_id is not None})
        organization_ids = sorted({event.organization_id for event in events if event.organization_id is not None})
        return LogReport(
            events,
            {one.id: one for one in await directory.users(people) if one is not None},
            {one.id: one for one in await directory.organizations(organization_ids) if one is not None},
            len(found) > limit,
        )


async def _organization(directory: DirectoryQueries, name: str) -> OrganizationId:
    wanted = name.strip()
    if wanted.startswith("org_"):
        (found,) = await directory.organizations([OrganizationId(wanted)])
    else:
        (found,) = await directory.organizations_with_numbers([wanted])
    if found is None:
        raise CommandRefused(f'There is no organization with the customer number or id "{name}".')
    return found.id


async def _person(directory: DirectoryQueries, name: str) -> UserId:
    found = await user_id_of(directory, name)  # somebody who is gone is on record all the same
    if found is None:
        raise CommandRefused(f'There is nobody with the login name or e-mail address "{name}"; an id would do, too.')
    return found


def _in_utc(instant: datetime | None) -> datetime | None:
    return instant.replace(tzinfo=UTC) if instant is not None else None


def _as_json(event: AuditEventRecord, report: LogReport) -> dict[str, Any]:
    actor = report.actors.get(event.actor_id) if event.actor_id is not None else None
    at_organization = report.organizations.get(event.organization_id) if event.organization_id is not None else None
    return {
        "id": event.id,
        "at": _instant(event),
        "action": event.action,
        "actor": {"id": event.actor_id, "email": actor.email if actor else None} if event.actor_id else None,
        "subject": event.subject_id,
        "organization": (
            {"id": event.organization_id, "name": at_organization.name if at_organization else None}
            if event.organization_id
            else None
        ),
        "before": event.before,
        "after": event.after,
        "reason": event.reason,
        "refusedWith": event.refused_with,
        "ipAddress": event.ip_address,
        "requestId": event.request_id,
    }


def _line(event: AuditEventRecord, report: LogReport) -> str:
    """Return an entry as one line; what people wrote is quoted, so that it cannot look like a line of its own."""
    actor = report.actors.get(event.actor_id) if event.actor_id is not None else None
    at_organization = report.organizations.get(event.organization_id) if event.organization_id is not None else None
    names = list(dict.fromkeys([*event.before, *event.after]))
    changes = [f"{name}: {_shown(event.before.get(name))} -> {_shown(event.after.get(name))}" for name in names]
    parts = [
        _instant(event),
        event.action if event.refused_with is None else f"{event.action} REFUSED {event.refused_with}",
        f"by {(actor.email if actor else event.actor_id) or 'the portal'}",
        f"to {_shown(event.subject_id)[1:-1]}",
        *([f"in {_shown(at_organization.name)}"] if at_organization is not None else []),
        *([f"({', '.join(changes)})"] if changes else []),
        *([f"because {_shown(event.reason)}"] if event.reason is not None else []),
        f"from {event.ip_address or '-'}",
        f"request {event.request_id}",
    ]
    return "  ".join(parts)


def _shown(value: str | None) -> str:
    return "-" if value is None else json.dumps(value, ensure_ascii=False)


def _instant(event: AuditEventRecord) -> str:
    return event.at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
