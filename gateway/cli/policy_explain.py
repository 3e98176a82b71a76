"""``forecourt policy explain``: why somebody may or may not use a part of the schema."""

import asyncio
import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from connectors.directory.directory import DirectoryQueries
from connectors.directory.records.access import GrantRecord
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.organizations import OrganizationRecord
from connectors.ids import OrganizationId, UserId
from gateway.cli.command import CommandRefused, ProfileOption, acting, user_id_of
from gateway.profile_files import load_profile
from gateway.server.terminal import say
from gateway.settings import Settings
from gateway.settings_sources import read_settings
from permissions.decision import Decision, decide
from permissions.sheet import Part
from resolvers.access.capabilities import Way, ways_to
from resolvers.context import RequestContext
from resolvers.people import display_name
from resolvers.refusals import ADVICE
from schema.graph.build import build_schema, core_schema
from schema.graph.coordinates import parts_of


@dataclass(frozen=True, slots=True)
class NamedWay:
    """A role or direct permission that would help, and the names of the members who may give it."""

    way: Way
    names: tuple[str, ...]

    @property
    def what(self) -> str:
        """Return the role or the right in words."""
        return f"the role {self.way.role_key}" if self.way.role_key is not None else f"the right {self.way.permission}"


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision with everything that it came from.

    `granters` are the names of those who gave the `sources`, parallel to them; None when the portal itself did.
    """

    person: str
    organization: OrganizationRecord
    part: Part
    at: datetime
    decision: Decision
    sources: tuple[GrantRecord, ...]
    granters: tuple[str | None, ...]
    ways: tuple[NamedWay, ...]


def explain(
    person: Annotated[str, typer.Option(help="Whose decision: a login name, an e-mail address or an id.")],
    organization: Annotated[str, typer.Option(help="Where: the name, customer number or id of an organization.")],
    field: Annotated[str, typer.Option(help="What: a part of the schema, such as Organization.orders.")],
    at: Annotated[datetime | None, typer.Option(help="When, in UTC; without it, now.")] = None,
    as_json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    profile: ProfileOption = None,
) -> None:
    """Say whether somebody may use a part of the schema, from which grants, or what is missing and who could help."""
    settings = read_settings(profile=profile)
    parts = parts_of(core_schema(build_schema(additions=load_profile(settings.profile).additions)))
    instant = at.replace(tzinfo=UTC) if at is not None else datetime.now(UTC)
    found = asyncio.run(explained(settings, parts, person=person, organization=organization, field=field, at=instant))
    say(json.dumps(_as_json(found), indent=2, ensure_ascii=False) if as_json_ else _as_text(found))


async def explained(
    settings: Settings, parts: Sequence[Part], *, person: str, organization: str, field: str, at: datetime
) -> Explanation:
    """Return the decision on a part of the schema for a person in an organization, as it would be taken at `at`.

    Grants count as they are stored now; one that was taken back since is not remembered.

    Raises:
        CommandRefused: There is no such person, organization or part.
    """
    part = _part(parts, field)
    async with acting(settings, at, "explain") as context:
        directory = context.backends.directory
        caller = await _caller(directory, person, at)
        at_organization = await _organization(directory, caller, organization)
        context.become(_as_of(caller, at))
        decision = _decided(context, part, at_organization.id)
        counting = {grant.id for grant in decision.sources}
        sources = tuple(grant for one in caller.standings.values() for grant in one.grants if grant.id in counting)
        ways = await ways_to(context, [(at_organization.id, decision.missing)]) if decision.requestable else [()]
        names = await _names(
            context,
            [grant.granted_by_id for grant in sources] + [one.user_id for way in ways[0] for one in way.members],
        )
    return Explanation(
        person=display_name(context, caller.user),
        organization=at_organization,
        part=part,
        at=at,
        decision=decision,
        sources=sources,
        granters=tuple(names.get(grant.granted_by_id) if grant.granted_by_id else None for grant in sources),
        ways=tuple(NamedWay(way, tuple(names[one.user_id] for one in way.members)) for way in ways[0]),
    )


def _as_of(caller: CallerRecord, at: datetime) -> CallerRecord:
    """Return the caller without the grants that were given later than `at`."""
    return replace(
        caller,
        standings={
            id: replace(standing, grants=tuple(grant for grant in standing.grants if grant.granted_at <= at))
            for id, standing in caller.standings.items()
        },
    )


def _decided(context: RequestContext, part: Part, organization_id: OrganizationId) -> Decision:
    if not part.rule.any_of:
        return Decision(True)
    return decide(context.viewer, part.rule, organization_id=organization_id, now=context.now, policy=context.policy)


def _part(parts: Sequence[Part], field: str) -> Part:
    known = {part.coordinate: part for part in parts}
    if field in known:
        return known[field]
    close = difflib.get_close_matches(field, known, n=1) or difflib.get_close_matches(
        field.lower(), {name.lower(): name for name in known}, n=1
    )
    guess = f" Did you mean {next(name for name in known if name.lower() == close[0].lower())}?" if close else ""
    raise CommandRefused(f"The schema has no {field}.{guess} `forecourt policy sheet` lists all there is.")


async def _caller(directory: DirectoryQueries, name: str, now: datetime) -> CallerRecord:
    user_id = await user_id_of(directory, name)
    caller = await directory.caller(user_id, None, now) if user_id is not None else None
    if caller is None:
        raise CommandRefused(f'There is nobody with the login name, e-mail address or id "{name}".')
    return caller


async def _organization(directory: DirectoryQueries, caller: CallerRecord, name: str) -> OrganizationRecord:
    name = name.strip()
    if name.startswith("org_"):
        (found,) = await directory.organizations([OrganizationId(name)])
        if found is not None:
            return found
    own = [one for one in await directory.organizations(list(caller.standings)) if one]
    for one in own:
        if name.casefold() in (one.name.casefold(), (one.customer_number or "").casefold()):
            return one
    listed = ", ".join(f"{one.name} ({one.customer_number or one.id})" for one in own) or "none"
    raise CommandRefused(
        f'They belong to no organization called "{name}"; theirs are: {listed}. Name one by its name or customer '
        "number, or any other by its id."
    )


async def _names(context: RequestContext, ids: Sequence[UserId | None]) -> dict[UserId, str]:
    wanted = list(dict.fromkeys(one for one in ids if one is not None))
    users = await context.backends.directory.users(wanted) if wanted else []
    return {user.id: display_name(context, user) for user in users if user is not None}


def _as_text(found: Explanation) -> str:
    decision, part = found.decision, found.part
    verdict = "may" if decision.allowed else "may not"
    lines = [
        f"{found.person} {verdict} use {part.coordinate} in {found.organization.name} at {found.at:%Y-%m-%dT%H:%M:%SZ}."
    ]
    lines.append(f"  needs      {part.needs or 'nothing'}")
    if decision.reason is not None:
        lines.append(f"  reason     {decision.reason}: {ADVICE[decision.reason]}")
    for source, granter in zip(found.sources, found.granters, strict=True):
        until = f", until {source.valid_until.isoformat()}" if source.valid_until is not None else ""
        lines.append(
            f"  from       {'the role' if source.kind == 'ROLE' else 'the right'} {source.key}, given by "
            f"{granter or 'the portal'} on {source.granted_at.date()}{until}"
        )
    lines += [f"  would help {one.what}, from {', '.join(one.names) or 'nobody at present'}" for one in found.ways]
    if not decision.allowed:
        lines.append(f"  may ask    {'yes' if decision.requestable else 'no, nobody there could grant it'}")
    if not decision.allowed and part.rule.or_self:
        lines.append("  On what concerns themself they may use it.")
    return "\n".join(lines)


def _as_json(found: Explanation) -> dict[str, Any]:
    decision = found.decision
    return {
        "person": found.person,
        "organization": {"id": found.organization.id, "name": found.organization.name},
        "field": found.part.coordinate,
        "at": found.at.isoformat(),
        "needs": found.part.needs,
        "allowed": decision.allowed,
        "reason": decision.reason,
        "missing": list(decision.missing),
        "sources": [
            {
                "kind": source.kind,
                "key": source.key,
                "grantedBy": granter,
                "grantedAt": source.granted_at.isoformat(),
                "until": source.valid_until.isoformat() if source.valid_until else None,
            }
            for source, granter in zip(found.sources, found.granters, strict=True)
        ],
        "requestable": decision.requestable,
        "grantableBy": [
            {"role": one.way.role_key, "permission": one.way.permission, "members": list(one.names)}
            for one in found.ways
        ],
        "allowedOnOwn": found.part.rule.or_self,
    }
