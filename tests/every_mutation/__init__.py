"""One successful call of each mutation and what it puts on record: a module for each topic, an entry for each."""

from tests.every_mutation import (
    access,
    account,
    change_requests,
    invitations,
    join_requests,
    organization,
    passwords,
    profile,
    registration,
    sessions,
)
from tests.every_mutation.entry import Entry

ENTRIES: dict[str, Entry] = {
    **sessions.ENTRIES,
    **profile.ENTRIES,
    **organization.ENTRIES,
    **change_requests.ENTRIES,
    **access.ENTRIES,
    **account.ENTRIES,
    **passwords.ENTRIES,
    **invitations.ENTRIES,
    **registration.ENTRIES,
    **join_requests.ENTRIES,
}
"""By name of the mutation."""

UNRECORDED = {
    "refreshSession": "It continues a session that `session.begin` put on record, every quarter of an hour.",
}
"""Mutations that put nothing on record, each with its reason. There should be very few."""
