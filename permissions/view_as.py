"""Who may see the portal as a member would, and how much of what the member sees."""

from datetime import datetime

from permissions.access_rules import SEE_MEMBERS
from permissions.policy import Policy
from permissions.viewer import Standing, Viewer
from permissions.vocabulary import VENDOR_PERMISSIONS, Permission, mask_of

SECRETS = mask_of([Permission.ACTIVATION_CODE_VIEW, Permission.SERVICE_CODE_VIEW])
"""What shows something that can be used by whoever has read it: never seen as somebody else."""


def most_seen_as(policy: Policy, viewer: Viewer, organization_id: str, now: datetime) -> int | None:
    """Return the mask of all that somebody may see at most as a member of the organization; None: they may not at all.

    An administrator sees no more than they hold there or could give to a member, and so take themself, on record.
    The vendor's staff sees what the organization does with the vendor, not its people. Nobody sees secrets.
    """
    standing = viewer.standings.get(organization_id)
    if standing is not None:
        held = standing.held_at(now)
        if held & mask_of(policy.view_as_organization):
            return (held | policy.delegable_by(standing, now).mask) & ~SECRETS
    if viewer.vendor_mask & mask_of(policy.view_as_vendor):
        everything = mask_of(permission for permission in Permission if permission not in VENDOR_PERMISSIONS)
        return everything & ~SECRETS & ~SEE_MEMBERS.mask
    return None


def narrowed(standing: Standing, most: int) -> Standing:
    """Return what somebody holds in an organization, no more than `most` of it."""
    return standing._replace(grants=tuple(grant._replace(mask=grant.mask & most) for grant in standing.grants))
