"""How the tests ask to join an organization, and decide about it."""

from typing import Any

from connectors.directory.records.outbox import OutboxState
from resolvers.context import RequestContext
from resolvers.join_requests.commands import JOIN_REQUEST, notify_of_join_request
from tests.portal import Person, Portal
from tests.registrations.registering import ERRORS, at

JOIN_REQUEST_FIELDS = "id wanted message status createdAt expiresAt decidedAt note user { displayName email }"

MUTATIONS = {
    name: f"""
mutation ($input: {name[:1].upper()}{name[1:]}Input!) {{
  {name}(input: $input) {{ joinRequest {{ {JOIN_REQUEST_FIELDS} organization {{ name }} }} {ERRORS} }}
}}
"""
    for name in ("requestToJoinOrganization", "approveJoinRequest", "declineJoinRequest", "withdrawJoinRequest")
}

LISTED = f"""
query ($id: ID!, $first: Int = 20, $after: String, $status: [RequestStatus!]) {{
  organization(id: $id) {{
    joinRequests(first: $first, after: $after, status: $status) {{
      totalCount pageInfo {{ hasNextPage endCursor }}
      nodes {{ {JOIN_REQUEST_FIELDS} decidedBy {{ displayName }} }}
    }}
  }}
}}
"""


async def joins(person: Person, mutation: str = "requestToJoinOrganization", **given: Any) -> Any:
    """Ask to join, or decide about it, and return the payload."""
    return at(await person.asks(MUTATIONS[mutation], input=given), mutation)


async def notified(portal: Portal) -> None:
    """Do what the worker does with requests to join that wait in the outbox, each twice as after a crash."""
    directory = portal.wiring.backends.directory
    context = RequestContext(
        backends=portal.wiring.backends, policy=portal.wiring.policy, now=portal.clock(), request_id="worker"
    )
    for item in await directory.outbox(OutboxState.QUEUED, limit=1_000):
        if item.kind == JOIN_REQUEST:
            await notify_of_join_request(context, item)
            await notify_of_join_request(context, item)
            async with directory.change() as change:
                await change.finish(item.id, now=portal.clock())
