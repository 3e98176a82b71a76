"""Whether what somebody may do is still the same."""

from hashlib import blake2b

from connectors.directory.records.caller import CallerRecord
from resolvers.context import RequestContext
from resolvers.viewer import viewer_of


def access_version(context: RequestContext, caller: CallerRecord) -> int:
    """Return a number that is another one when anything has changed that decides what the caller may do.

    Made of all that a decision about them is made of, so that it changes with a stored change (which counts in
    `access_epoch`), when a grant ends automatically, and when the policy is another. Two numbers are equal or not;
    which one is larger means nothing.
    """
    is_who_asks = caller is context.caller and context.viewer is not None
    viewer = context.viewer if is_who_asks else viewer_of(caller, context.policy)
    assert viewer is not None
    standings = sorted(
        (one.organization_id, one.obstacle or "", one.held_at(context.now), sorted(one.roles_at(context.now)))
        for one in viewer.standings.values()
    )
    parts = repr((caller.user.id, caller.access_epoch, viewer.vendor_mask, standings))
    return int.from_bytes(blake2b(parts.encode(), digest_size=4).digest()) & 0x7FFF_FFFF  # GraphQL's Int is signed
