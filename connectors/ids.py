"""Identifiers: every object's id names its kind, so that it can serve as the global id of the graph unchanged.

Ids look like ``org_06f3kq0y9d3tvb2m8x1n5c7w4h``. Clients must treat them as opaque.
"""

import secrets
import time
from typing import NewType

UserId = NewType("UserId", str)
OrganizationId = NewType("OrganizationId", str)
MembershipId = NewType("MembershipId", str)
GrantId = NewType("GrantId", str)
SessionId = NewType("SessionId", str)
OrderId = NewType("OrderId", str)
OrderEventId = NewType("OrderEventId", str)
InvitationId = NewType("InvitationId", str)
AccessRequestId = NewType("AccessRequestId", str)
JoinRequestId = NewType("JoinRequestId", str)
RegistrationId = NewType("RegistrationId", str)
ChangeRequestId = NewType("ChangeRequestId", str)
AddressId = NewType("AddressId", str)
ConsentId = NewType("ConsentId", str)
DataExportId = NewType("DataExportId", str)
AuditEventId = NewType("AuditEventId", str)
OutboxId = NewType("OutboxId", str)

AnyId = NewType("AnyId", str)
"""The id of something, whatever it is."""

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32 in lower case: sorts as the number does, and no letter is mistaken for a digit."""

_last = [0]
"""The number of the id that was made last."""


def new_id(kind: str) -> str:
    """Return a new id of this kind (``usr``, ``org``, …): 48 bits of time, so that ids sort by age, then 80 random.

    Those of one process sort in the order in which they were made, also within a millisecond.
    """
    number = time.time_ns() // 1_000_000 << 80 | secrets.randbits(80)
    if number >> 80 <= _last[0] >> 80:
        number = _last[0] + 1 + secrets.randbits(64)
    _last[0] = number
    return f"{kind}_{base32(number)}"


def base32(number: int) -> str:
    """Return a number below 2**130 as 26 characters that sort as the numbers do."""
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))
