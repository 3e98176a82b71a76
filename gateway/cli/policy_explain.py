"""Why somebody may or may not use a part of the schema, from the directory as it stands."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from connectors.directory.records.access import GrantRecord
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.organizations import OrganizationRecord
from connectors.ids import OrganizationId, UserId
from gateway.profile_files import load_profile
from gateway.settings import Settings
from gateway.wiring import Wiring, open_wiring
from permissions.decision import Decision, decide
from permissions.sheet import Part
from resolvers.access.capabilities import Way, ways_to
from resolvers.context import RequestContext
from resolvers.people import display_name


class NothingToExplain(Exception):
    """There is no such person, organization or part of the schema; the message names the nearest."""


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


async def explain(
    settings: Settings, parts: Sequence[Part], *, person: str, organization: str, field: str, at: datetime
) -> Explanation:
    """Return the decision on a part of the schema for a person in an organization, as it would be taken at `at`.

    Grants count as they are stored now; one that was taken back since is not remembered.

    Raises:
        NothingToExplain: There is no such person, organization or part.
    """
    part = _part(parts, field)
    async with open_wiring(settings, load_profile(settings.profile)) as wiring:
        caller = await _caller(wiring, person, at)
        at_organization = await _organization(wiring, caller, organization)
        context = RequestContext(backends=wiring.backends, policy=wiring.policy, now=at, request_id="explain")
        context.become(_as_of(caller, at))
        decision = _decided(context, part, at_organization.id)
        counting = {grant.id for grant in decision.sources}
        sources = tuple(grant for one in caller.standings for grant in one.grants if grant.id in counting)
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
        standings=tuple(
            replace(standing, grants=tuple(grant for grant in standing.grants if grant.granted_at <= at))
            for standing in caller.standings
        ),
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
    raise NothingToExplain(f"The schema has no {field}.{guess} `forecourt policy sheet` lists all there is.")


async def _caller(wiring: Wiring, person: str, now: datetime) -> CallerRecord:
    directory, name = wiring.backends.directory, person.strip()
    user_id = UserId(name) if name.startswith("usr_") else await directory.user_id_of_login_name(name.lower())
    caller = await directory.caller(user_id, None, now) if user_id is not None else None
    if caller is None:
        raise NothingToExplain(f'There is nobody with the login name, e-mail address or id "{name}".')
    return caller


async def _organization(wiring: Wiring, caller: CallerRecord, organization: str) -> OrganizationRecord:
    directory, name = wiring.backends.directory, organization.strip()
    if name.startswith("org_"):
        (found,) = await directory.organizations([OrganizationId(name)])
        if found is not None:
            return found
    own = [one for one in await directory.organizations([one.organization_id for one in caller.standings]) if one]
    for one in own:
        if name.casefold() in (one.name.casefold(), (one.customer_number or "").casefold()):
            return one
    listed = ", ".join(f"{one.name} ({one.customer_number or one.id})" for one in own) or "none"
    raise NothingToExplain(
        f'They belong to no organization called "{name}"; theirs are: {listed}. Name one by its name or customer '
        "number, or any other by its id."
    )


async def _names(context: RequestContext, ids: Sequence[UserId | None]) -> dict[UserId, str]:
    wanted = list(dict.fromkeys(one for one in ids if one is not None))
    users = await context.backends.directory.users(wanted) if wanted else []
    return {user.id: display_name(context, user) for user in users if user is not None}
