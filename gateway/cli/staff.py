"""``forecourt staff``: who of the vendor's staff may do what, for operators."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

import typer

from connectors.directory.records.people import UserRecord
from gateway.cli.command import CommandRefused, ProfileOption, acting
from gateway.server.terminal import say
from gateway.settings_sources import read_settings
from gateway.wiring import utc_now
from permissions.policy import Policy, nearest
from permissions.vocabulary import Permission
from resolvers.context import RequestContext
from resolvers.mail.templates import TEMPLATES, link_to
from resolvers.refusals import NotFound, Refused, RefusedTogether
from resolvers.staff import change_staff, invite_staff, staff

staff_cli = typer.Typer(help="The vendor's staff, and what each may do.", no_args_is_help=True)
PermissionArguments = Annotated[list[str] | None, typer.Argument(help="Permissions of the vendor's, by their codes.")]
AllOption = Annotated[bool, typer.Option("--all", help="All that the policy has.")]


@staff_cli.command("list")
def list_staff(profile: ProfileOption = None) -> None:
    """List who holds which of the vendor's permissions."""

    async def command(context: RequestContext) -> None:
        found = await staff(context)
        if not found:
            say(f"Nobody yet. {_HOW}")
        for user, codes in found:
            name = f"{user.first_name} {user.last_name}".strip()
            say("  ".join(filter(None, (user.email, name, ", ".join(codes), _unknown(context.policy, codes)))))

    _run(profile, command)


@staff_cli.command()
def invite(
    email: Annotated[str, typer.Argument(help="Their e-mail address, with which they will sign in.")],
    permissions: PermissionArguments = None,
    all: AllOption = False,
    first_name: Annotated[str, typer.Option(help="Their first name.")] = "",
    last_name: Annotated[str, typer.Option(help="Their last name.")] = "",
    language: Annotated[str | None, typer.Option(help="The language of the mail: de, en or fr.")] = None,
    link: Annotated[bool, typer.Option("--link", help="Print the link instead of mailing it.")] = False,
    profile: ProfileOption = None,
) -> None:
    """Make an account for one of the vendor's staff, who chooses a password by a link."""

    async def command(context: RequestContext) -> None:
        given = _known(context.policy, permissions or [], all)
        invited = await invite_staff(
            context,
            email,
            given,
            first_name=first_name,
            last_name=last_name,
            language=language,
            is_mailed=not link,
        )
        say(f"{invited.user.email} is staff now, and may: {', '.join(one.value for one in given)}.")
        if link:
            say(link_to(context.backends.portal.page_urls, TEMPLATES["staff_invitation"], invited.token))
            say(f"The link works once, until {invited.expires_at:%Y-%m-%d %H:%M} UTC. Hand it over in private.")
        else:
            say("A mail with a link to choose a password waits for the worker; `forecourt serve` has one.")

    _run(profile, command)


@staff_cli.command()
def grant(
    login_name: Annotated[str, typer.Argument(help="Whom: a login name or an e-mail address.")],
    permissions: PermissionArguments = None,
    all: AllOption = False,
    profile: ProfileOption = None,
) -> None:
    """Let somebody who has an account hold more of the vendor's permissions, from their next request on."""

    async def command(context: RequestContext) -> None:
        _say_change(*await change_staff(context, login_name, grant=_known(context.policy, permissions or [], all)))

    _run(profile, command)


@staff_cli.command()
def revoke(
    login_name: Annotated[str, typer.Argument(help="Whose: a login name or an e-mail address.")],
    permissions: PermissionArguments = None,
    all: Annotated[bool, typer.Option("--all", help="All that the person holds.")] = False,
    profile: ProfileOption = None,
) -> None:
    """Take permissions of the vendor's from somebody, from their next request on; the account stays."""
    codes = list(permissions or [])
    if bool(codes) is all:
        raise CommandRefused("Name the permissions to revoke, or give --all.")

    async def command(context: RequestContext) -> None:
        user, before, after = await change_staff(context, login_name, revoke=codes, revoke_all=all)
        if missing := sorted({*codes} - {*before}):
            say(f"{user.email} did not hold {', '.join(missing)}.", err=True)
        _say_change(user, before, after)

    _run(profile, command)


_HOW = "Let somebody be vendor staff by `forecourt staff invite ADDRESS --all`."


def nobody_is_staff() -> str:
    """Return what an operator reads when nobody could approve a registration."""
    return f"Nobody is vendor staff, so registrations wait for ever. {_HOW}"


def _known(policy: Policy, codes: Sequence[str], all_of_them: bool) -> list[Permission]:
    """Return the permissions with these codes, all of which the policy lets vendor staff hold.

    Raises:
        CommandRefused: None, or one that there is not.
    """
    possible = [permission.value for permission in policy.vendor_permissions]
    if bool(codes) is all_of_them:
        raise CommandRefused(
            f"Name permissions, or give --all. They are {', '.join(possible) or 'none in this policy'}."
        )
    for code in codes:
        if code not in possible:
            raise CommandRefused(f'"{code}" is no permission of the vendor\'s here{nearest(code, possible)}.')
    return [Permission(code) for code in (possible if all_of_them else codes)]


def _unknown(policy: Policy, codes: Sequence[str]) -> str:
    possible = {permission.value for permission in policy.vendor_permissions}
    without = [code for code in codes if code not in possible]
    return f"(not in this policy, so without effect: {', '.join(without)})" if without else ""


def _say_change(user: UserRecord, before: Sequence[str], after: Sequence[str]) -> None:
    if set(before) == set(after):
        say(f"Nothing changed: {user.email} holds {', '.join(after) or 'nothing'}.")
    else:
        say(f"{user.email} holds {', '.join(after) or 'nothing of the vendor any more'}.")


def _option(refusal: Refused) -> str:
    """Return where the value stands on the command line that is refused."""
    name = refusal.path[0] if refusal.path else ""
    return {"email": "ADDRESS", "locale": "--language"}.get(name, f"--{name.replace('_', '-')}")


def _run(profile: str | None, command: Callable[[RequestContext], Awaitable[None]]) -> None:
    async def run() -> None:
        async with acting(read_settings(profile=profile), utc_now(), "forecourt staff") as context:
            try:
                await command(context)
            except NotFound:
                raise CommandRefused(
                    "Nobody has this login name or address. `forecourt staff invite` makes an account for staff."
                ) from None
            except Refused as refused:
                raise CommandRefused(str(refused)) from None
            except RefusedTogether as together:
                raise CommandRefused("\n".join(f"{_option(one)}: {one.message}" for one in together.refusals)) from None

    asyncio.run(run())
