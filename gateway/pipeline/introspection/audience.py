"""For whom a schema is filtered: permissions, never persons, so that everybody who may do the same shares a view."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from permissions.access_rules import AccessRule
from permissions.viewer import Viewer
from permissions.vocabulary import PermissionScope


@dataclass(frozen=True, slots=True)
class Audience:
    """What somebody may use, as far as the schema asks for it.

    `held` has a mask for each organization that counts, none of them contained in another: what needs two permissions
    has to find both in one organization.
    """

    signed_in: bool = False
    vendor: int = 0
    held: frozenset[int] = frozenset()

    def may_use(self, rules: Iterable[AccessRule]) -> bool:
        """Return whether what asks for all of these may be used somewhere; one's own object opens what is or-self."""
        masks = []
        for rule in rules:
            if rule.signed_in and not self.signed_in:
                return False
            if not rule.any_of or rule.or_self:
                continue
            if rule.scope is PermissionScope.ORGANIZATION:
                masks.append(rule.mask)
            elif not self.vendor & rule.mask:
                return False
        return not masks or any(all(held & mask for mask in masks) for held in self.held)


STRANGER = Audience()
"""Somebody who is not signed in."""


def audience_of(viewer: Viewer | None, now: datetime, organization_id: str | None, asked: int) -> Audience:
    """Return the audience that a viewer belongs to in one organization, or in any of theirs (None).

    `asked` is the mask of all that the schema asks for. An organization that is not the viewer's gives nothing,
    whether it exists or not.
    """
    if viewer is None:
        return STRANGER
    if organization_id is None:
        standings = list(viewer.standings.values())
    else:
        standings = [standing for standing in (viewer.standings.get(organization_id),) if standing is not None]
    masks = {standing.held_at(now) & asked for standing in standings} - {0}
    largest = frozenset(mask for mask in masks if not any(mask != other and mask & other == mask for other in masks))
    return Audience(signed_in=True, vendor=viewer.vendor_mask & asked, held=largest)
