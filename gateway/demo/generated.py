"""Invented organizations, as if somebody had written them into ``demo.toml``."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import TypeVar

from connectors.directory.records.memberships import MembershipStatus
from connectors.directory.records.organizations import OrganizationStatus
from gateway.demo.written import Invention, Staff, Words, WrittenDemo, WrittenMember, WrittenOrganization

T = TypeVar("T")

_STATUS = {
    OrganizationStatus.ACTIVE: 44,
    OrganizationStatus.BLOCKED: 3,
    OrganizationStatus.PENDING_REVIEW: 2,
    OrganizationStatus.CLOSED: 1,
}
_MEMBER_STATUS = {
    MembershipStatus.ACTIVE: 34,
    MembershipStatus.INVITED: 2,
    MembershipStatus.SUSPENDED: 2,
    MembershipStatus.REMOVED: 2,
}


def generated_organization(profile_key: str, number: int, demo: WrittenDemo, words: Words) -> WrittenOrganization:
    """Return the invented organization of this number; it depends on nothing but the number."""
    draw = Random(f"{profile_key}/company/{number}")
    invention = demo.invention
    region_key = _weighted(draw, {key: region.weight for key, region in words.regions.items()})
    region = words.regions[region_key]
    country, _, language = region_key.partition("-")
    postal_code, city = draw.choice(region.towns)
    name = draw.choice(invention.names[region_key]).format(name=draw.choice(words.last_names[language]), city=city)
    status = _weighted(draw, _STATUS)
    is_new = status is OrganizationStatus.PENDING_REVIEW
    return WrittenOrganization(
        key=f"company-{number}",
        name=name,
        kind=_weighted(draw, invention.kinds),
        language=language,
        currency=region.currency,
        street=_street(draw, draw.choice(region.streets), language),
        postal_code=postal_code,
        city=city,
        country=country,
        since=(demo.reference - timedelta(days=draw.randint(90, 1500))).date(),
        members=_members(draw, invention, language, f"{_slug(name)}-{number}.example", words),
        orders=0 if is_new else draw.randint(*invention.orders),
        status=status,
        customer_number=None if is_new else str(invention.first_customer_number + 7 * number),
    )


def _members(draw: Random, invention: Invention, language: str, domain: str, words: Words) -> tuple[WrittenMember, ...]:
    members: dict[str, WrittenMember] = {}
    wanted = draw.randint(*invention.members)
    while len(members) < wanted:
        first, last = draw.choice(words.first_names[language]), draw.choice(words.last_names[language])
        staff = _staff(draw, invention.staff) if members else invention.first_member
        status = _weighted(draw, _MEMBER_STATUS) if members else MembershipStatus.ACTIVE
        gone = status is MembershipStatus.REMOVED
        email = f"{_slug(first)}.{_slug(last)}@{domain}"
        members.setdefault(
            email,
            WrittenMember(
                email=email,
                first=first,
                last=last,
                roles=() if gone else staff.roles,
                permissions=() if gone else staff.permissions,
                formerly=(*staff.roles, *staff.permissions) if gone else (),
                status=status,
                job=draw.choice(staff.jobs[language]),
            ),
        )
    return tuple(members.values())


def _staff(draw: Random, staff: Sequence[Staff]) -> Staff:
    return draw.choices(staff, [kind.weight for kind in staff])[0]


def _street(draw: Random, street: str, language: str) -> str:
    number = draw.randint(1, 148)
    return f"{number} {street}" if language == "fr" else f"{street} {number}"


def _weighted(draw: Random, weights: Mapping[T, int]) -> T:
    return draw.choices(list(weights), list(weights.values()))[0]


def _slug(name: str) -> str:
    spelled = name.lower()
    for letter, letters in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"), ("\u0131", "i")):
        spelled = spelled.replace(letter, letters)
    plain = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
