"""A link of each kind, as the portal mails it."""

from collections.abc import Awaitable, Callable

from tests.account import test_deletion as leaving
from tests.account import test_email_changes as moving
from tests.account.own_account import PURCHASE
from tests.invitations.inviting import NEW, invited
from tests.pages.visitor import link_to
from tests.portal import Portal
from tests.registrations.registering import REGISTER, REGISTER_PRIVATE, organization, private

PASSWORD = "seven kites over Basel"
MOVING, NEW_ADDRESS = "planning@helios.example", "joerg.neu@helios.example"
"""Whose address changes: somebody else than who gets a new password, which makes such links void."""
RESET = "mutation R($n: String!) { requestPasswordReset(input: { loginIdentifier: $n }) { accepted } }"


async def invitation(portal: Portal) -> str:
    """The link of an invitation to somebody without an account."""
    await invited(portal, firstName="Nina", lastName="Neu")
    return await link_to(portal, NEW)


async def registration(portal: Portal) -> str:
    """The link by which somebody confirms their own registration."""
    answer = await portal.anybody().asks(REGISTER_PRIVATE, input=private())
    assert answer.at("registerPrivateAccount.errors") == []
    return await link_to(portal, "zoe@privat.example")


async def registration_of_an_organization(portal: Portal) -> str:
    """The link by which somebody confirms the registration of an organization."""
    answer = await portal.anybody().asks(REGISTER, input=organization())
    assert answer.at("registerOrganization.errors") == []
    return await link_to(portal, "zoe@firstblick.example")


async def password_reset(portal: Portal) -> str:
    """The link for a new password."""
    assert (await portal.anybody().asks(RESET, n=PURCHASE)).at("requestPasswordReset.accepted")
    return await link_to(portal, PURCHASE)


async def email_change(portal: Portal) -> str:
    """The link by which a new address is confirmed."""
    await moving.token_for(portal, await portal.person(MOVING), NEW_ADDRESS)
    return await link_to(portal, NEW_ADDRESS)


async def account_deletion(portal: Portal) -> str:
    """The link by which somebody keeps the account that is going to be deleted."""
    assert (await leaving.asks_to_leave(await portal.person(PURCHASE)))["errors"] == []
    return await link_to(portal, PURCHASE)


MAILED: dict[str, Callable[[Portal], Awaitable[str]]] = {
    "invitation": invitation,
    "registration": registration,
    "password-reset": password_reset,
    "email-change": email_change,
    "account-deletion": account_deletion,
}
"""How to get a link, by the path of its page."""

BUTTONS = {
    "invitation": "accept",
    "registration": "confirm",
    "password-reset": "reset",
    "email-change": "confirm",
    "account-deletion": "keep",
}
"""The button that does what a link is for."""

ENTRIES = {
    "invitation": {"password": PASSWORD, "passwordAgain": PASSWORD, "acceptTerms": "yes"},
    "registration": {"password": PASSWORD, "passwordAgain": PASSWORD},
    "password-reset": {"password": PASSWORD, "passwordAgain": PASSWORD},
    "email-change": {},
    "account-deletion": {},
}
"""What is filled in before, names of the invitation apart."""
