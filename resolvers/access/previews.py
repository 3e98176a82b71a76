"""What a change of access means for a member: permissions and tiles gained and lost, by the decisions that count."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connectors.applications.interface import ApplicationRecord
from connectors.directory.records.access import GrantRecord
from connectors.directory.records.memberships import MembershipRecord
from connectors.ids import new_id
from permissions.vocabulary import Permission, permissions_in
from resolvers.access.plans import AccessPlan, DecisionContext, Warned, decision_context_of, difference
from resolvers.context import RequestContext
from resolvers.launcher import ApplicationAccessState, Tile, holder_with, tiles_with
from resolvers.refusals import Refused


@dataclass(frozen=True, slots=True)
class AccessPreview:
    """What a member gains and loses at once, and the tiles as the member has them afterwards.

    `refusals` are why the change would be refused; the rest is empty then.
    """

    permissions_added: tuple[Permission, ...] = ()
    permissions_removed: tuple[Permission, ...] = ()
    applications_added: tuple[ApplicationRecord, ...] = ()
    applications_removed: tuple[ApplicationRecord, ...] = ()
    tiles: tuple[Tile, ...] = ()
    warnings: tuple[Warned, ...] = ()
    refusals: tuple[Refused, ...] = ()


async def preview_of(
    context: RequestContext, decision_context: DecisionContext, plan: AccessPlan, warnings: Sequence[Warned]
) -> AccessPreview:
    """Return what the plan means for its member."""
    gained, lost = difference(context, decision_context, plan)
    known = await context.backends.applications.catalogue()
    before = _tiles(context, decision_context, plan.member, plan.before, known)
    after = _tiles(context, decision_context, plan.member, plan.after, known)
    opened_before, opened_after = _opened(before), _opened(after)
    return AccessPreview(
        permissions_added=permissions_in(gained),
        permissions_removed=permissions_in(lost),
        applications_added=tuple(opened_after[key] for key in opened_after if key not in opened_before),
        applications_removed=tuple(opened_before[key] for key in opened_before if key not in opened_after),
        tiles=tuple(after),
        warnings=tuple(warnings),
    )


def written(preview: AccessPreview) -> dict[str, Any]:
    """Return the preview as a receipt keeps it; the tiles are read again."""
    return {
        "permissions": [
            [one.value for one in some] for some in (preview.permissions_added, preview.permissions_removed)
        ],
        "applications": [
            [one.key for one in some] for some in (preview.applications_added, preview.applications_removed)
        ],
        "warnings": [[one.permission.value, one.holders, one.recommended] for one in preview.warnings],
    }


async def read(context: RequestContext, text: dict[str, Any], member: MembershipRecord) -> AccessPreview:
    """Return the preview that `written` wrote, with the tiles as the member has them now."""
    directory = context.backends.directory
    (organization,) = await directory.organizations([member.organization_id])
    known = await context.backends.applications.catalogue()
    by_key = {record.key: record for record in known}
    added, removed = ([Permission(code) for code in some] for some in text["permissions"])
    opened, closed = ([by_key[key] for key in some if key in by_key] for some in text["applications"])
    tiles: list[Tile] = []
    if organization is not None and context.viewer is not None:
        decision_context = await decision_context_of(context, directory, organization, context.viewer, [member])
        tiles = _tiles(context, decision_context, member, decision_context.grants[member.id], known)
    return AccessPreview(
        tuple(added), tuple(removed), tuple(opened), tuple(closed), tuple(tiles),
        tuple(Warned(Permission(code), holders, most) for code, holders, most in text["warnings"]),
    )  # fmt: skip


def _tiles(
    context: RequestContext,
    decision_context: DecisionContext,
    member: MembershipRecord,
    grants: Sequence[GrantRecord],
    known: Sequence[ApplicationRecord],
) -> list[Tile]:
    user = decision_context.users.get(member.user_id)
    if user is None:
        return []
    holder = holder_with(context, new_id("pre"), user, decision_context.organization, member, grants)
    return tiles_with(context, holder, known)


def _opened(tiles: Sequence[Tile]) -> dict[str, ApplicationRecord]:
    return {tile.application.key: tile.application for tile in tiles if tile.state is ApplicationAccessState.AVAILABLE}
