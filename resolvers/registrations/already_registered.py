"""Whether an organization is registered already, said so that nobody can find out who the customers are.

A VAT id stands on every invoice, so whoever has it may learn that the organization is known. A customer number can be
counted up, so it counts together with the name only. A name or a mail domain alone finds nothing. Administrators are
named by their initials, to those who know the organization's name as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from connectors.directory.directory import DirectoryQueries
from connectors.directory.records.organizations import OrganizationRecord, OrganizationStatus
from connectors.directory.records.registrations import Likeness, LikenessReason, Lookalike
from connectors.rate_limits.interface import Limit
from resolvers.contact_data import vat_id
from resolvers.context import RequestContext
from resolvers.organizations.queries import administrators_of
from resolvers.people import masked_name
from resolvers.rate_limiting import Attempts, check_attempts
from resolvers.refusals import InvalidArgument
from resolvers.registrations import guidance
from resolvers.texts import Text
from resolvers.validation import LONGEST_ADDRESS_PART, customer_number, optional_text, together

ATTEMPTS = Attempts("registration-check", from_address=Limit(30, 300), about_account=Limit(10, 300))


class RegistrationCheckOutcome(StrEnum):
    """What is known of an organization."""

    NOT_REGISTERED = "NOT_REGISTERED"
    POSSIBLY_REGISTERED = "POSSIBLY_REGISTERED"
    UNDER_REVIEW = "UNDER_REVIEW"


@dataclass(frozen=True, slots=True)
class OrganizationFacts:
    """What somebody says of an organization, checked."""

    name: str | None = None
    vat_id: str | None = None
    customer_number: str | None = None

    @property
    def likeness(self) -> Likeness:
        """Return what to look for."""
        return Likeness(self.vat_id, self.customer_number, self.name)


@dataclass(frozen=True, slots=True)
class RegistrationCheck:
    """What somebody learns of an organization: `masked_administrators` are initials."""

    outcome: RegistrationCheckOutcome
    masked_administrators: tuple[str, ...] = ()

    @property
    def can_request_to_join(self) -> bool:
        """Return whether it makes sense to ask to join."""
        return self.outcome is RegistrationCheckOutcome.POSSIBLY_REGISTERED


async def check_organization(
    context: RequestContext, *, name: str | None, vat: str | None, number: str | None
) -> RegistrationCheck:
    """Return whether the organization is registered, as far as somebody who knows this much may learn.

    Raises:
        RefusedTogether: Values that are not allowed.
        InvalidArgument: Neither a VAT id nor a customer number with the name.
        TooManyAttempts: From this address, or about this organization.
    """
    with together() as checking:
        facts = OrganizationFacts(
            checking.check(lambda: optional_text(name, ["name"], LONGEST_ADDRESS_PART)),
            checking.check(lambda: vat_id(vat, ["vat_id"])),
            checking.check(lambda: customer_number(number, ["customer_number"])),
        )
    if facts.vat_id is None and (facts.customer_number is None or facts.name is None):
        raise InvalidArgument(
            Text("Enter the VAT number, or the customer number together with the organization's name.")
        )
    await check_attempts(context, ATTEMPTS, facts.vat_id or facts.customer_number or "")
    found = await known_organization(context.backends.directory, facts)
    if found is None:
        return RegistrationCheck(RegistrationCheckOutcome.NOT_REGISTERED)
    if found.organization.status is OrganizationStatus.PENDING_REVIEW:
        return RegistrationCheck(RegistrationCheckOutcome.UNDER_REVIEW)
    return RegistrationCheck(
        RegistrationCheckOutcome.POSSIBLY_REGISTERED, tuple(await _masked_administrators(context, found))
    )


async def guidance_for(context: RequestContext, facts: OrganizationFacts) -> RegistrationCheck:
    """Return what to say to somebody who knows that their organization is registered, whether we know it or not."""
    found = await known_organization(context.backends.directory, facts)
    names = await _masked_administrators(context, found) if found is not None else ()
    return RegistrationCheck(RegistrationCheckOutcome.POSSIBLY_REGISTERED, tuple(names))


async def known_organization(ask: DirectoryQueries, facts: OrganizationFacts) -> Lookalike | None:
    """Return the organization that these facts are enough to learn of, an active one first."""
    (found,) = await ask.lookalikes([facts.likeness])
    disclosed = [
        one
        for one in found
        if one.organization.status in _STANDING
        and (
            LikenessReason.VAT_ID in one.reasons
            or (LikenessReason.CUSTOMER_NUMBER in one.reasons and LikenessReason.NAME in one.reasons)
        )
    ]
    return min(disclosed, key=lambda one: _STANDING.index(one.organization.status), default=None)


async def organization_to_join(ask: DirectoryQueries, facts: OrganizationFacts) -> OrganizationRecord | None:
    """Return the one active organization that all of these facts fit; the person asking must not learn which."""
    (found,) = await ask.lookalikes([facts.likeness])
    wanted = {
        reason
        for reason, fact in (
            (LikenessReason.VAT_ID, facts.vat_id),
            (LikenessReason.CUSTOMER_NUMBER, facts.customer_number),
            (LikenessReason.NAME, facts.name),
        )
        if fact is not None
    }
    fitting = [
        one.organization
        for one in found
        if one.organization.status is OrganizationStatus.ACTIVE and wanted <= set(one.reasons)
    ]
    return fitting[0] if len(fitting) == 1 else None


def guidance_of_check(context: RequestContext, check: RegistrationCheck, *, locale: str | None = None) -> str:
    """Return what to do next, and how to reach the vendor."""
    return guidance.with_contact(context, _GUIDANCE[check.outcome], locale)


async def _masked_administrators(context: RequestContext, found: Lookalike) -> Sequence[str]:
    if LikenessReason.NAME not in found.reasons or found.organization.status is not OrganizationStatus.ACTIVE:
        return ()
    (administrators,) = await administrators_of(context, [found.organization])
    users = await context.backends.directory.users([membership.user_id for membership in administrators])
    return [masked_name(user) for user in users if user is not None]


_STANDING = [OrganizationStatus.ACTIVE, OrganizationStatus.BLOCKED, OrganizationStatus.PENDING_REVIEW]
"""The statuses of organizations that somebody learns of, the most significant first."""

_GUIDANCE = {
    RegistrationCheckOutcome.NOT_REGISTERED: guidance.NOT_REGISTERED,
    RegistrationCheckOutcome.POSSIBLY_REGISTERED: guidance.POSSIBLY_REGISTERED,
    RegistrationCheckOutcome.UNDER_REVIEW: guidance.UNDER_REVIEW,
}
