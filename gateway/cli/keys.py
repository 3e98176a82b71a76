"""``forecourt keys``: the keys that sign access tokens, a new one instead of an old one, and taking one away."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated

import typer

from connectors.identity.keys import (
    ANNOUNCED_FOR,
    REREAD_EVERY,
    KeySet,
    KeyState,
    SigningKey,
    add_key,
    read_keys,
    remove_key,
)
from connectors.identity.seals import resealed
from connectors.identity.tokens import LEEWAY
from gateway.cli.command import CommandRefused, ProfileOption
from gateway.server.terminal import say
from gateway.settings import Settings
from gateway.settings_sources import read_settings
from gateway.wiring import open_stores, utc_now

keys_cli = typer.Typer(help="The keys that sign access tokens.", no_args_is_help=True)


@keys_cli.command("list")
def list_keys(profile: ProfileOption = None) -> None:
    """List the keys by their ids, in the order in which they sign, and when each may be retired."""
    settings = read_settings(profile=profile)
    keys, now = read_keys(settings.key_file), utc_now()
    for key in keys.keys:
        state = keys.state_of(key, now)
        made = f"made {_said(key.created_at)}" if key.created_at is not None else "made elsewhere"
        say(f"{key.id}  {state:<9}  {made}, {_what_follows(settings, keys, key, state, now)}")


@keys_cli.command()
def rotate(
    now: Annotated[bool, typer.Option("--now", help="Sign with the new key at once: the old one was stolen.")] = False,
    profile: ProfileOption = None,
) -> None:
    """Make a key that is published at once and signs after ten minutes; the old one verifies on."""
    settings = read_settings(profile=profile)
    keys, instant = read_keys(settings.key_file), utc_now().replace(microsecond=0)
    announced = [key for key in keys.keys if keys.state_of(key, instant) is KeyState.ANNOUNCED]
    if announced and not now:
        raise CommandRefused(
            f"{announced[0].id} is announced already and signs from {_said(announced[0].signs_from)}. "
            "Wait until it does, or make one that signs at once with --now."
        )
    signs_from = instant if now else instant + ANNOUNCED_FOR
    key = add_key(settings.key_file, now=instant, signs_from=signs_from)
    say(f"Made {key.id}, in {key.file}.")
    say(
        f"It signs from now on. Processes notice within {REREAD_EVERY:.0f} seconds, or at once by SIGHUP."
        if now
        else f"It is published from now on and signs from {_said(signs_from)}. Nothing else has to be done."
    )


@keys_cli.command(context_settings={"ignore_unknown_options": True})  # the id of a key may begin with a hyphen
def retire(
    id: Annotated[str, typer.Argument(help="Which one, by its id in the list or the beginning of it.")],
    now: Annotated[bool, typer.Option("--now", help="Although tokens that it signed still count.")] = False,
    profile: ProfileOption = None,
) -> None:
    """Take away a key that does not sign any more; what is sealed with it is sealed with the one that signs."""
    settings = read_settings(profile=profile)
    keys, instant = read_keys(settings.key_file), utc_now()
    key = _named(keys.keys, id)
    state = keys.state_of(key, instant)
    if state is KeyState.SIGNING:
        raise CommandRefused(
            f"{key.id} signs. Have another one sign first, with `forecourt keys rotate`"
            " (--now when this one was stolen)."
        )
    until = _retirable_from(settings, keys, key)
    still_counts = state is KeyState.VERIFYING and until is not None and instant < until
    if still_counts and not now:
        raise CommandRefused(
            f"Access tokens that {key.id} signed count until {_said(until)}. Retire it then; with --now they are "
            "refused from now on, and clients have to call refreshSession."
        )
    number = asyncio.run(_resealed(settings, key, keys.signing_at(instant)))
    remove_key(key)
    say(f"Retired {key.id}. Processes notice within {REREAD_EVERY:.0f} seconds, or at once by SIGHUP.")
    if number:
        what = "1 secret" if number == 1 else f"{number} secrets"
        say(f"Sealed with the new key: {what} of the old one.")
    if still_counts:
        say("Lost: access tokens that it signed. Clients call refreshSession; no session ends.")


async def _resealed(settings: Settings, old: SigningKey, new: SigningKey) -> int:
    async with open_stores(settings) as stores:
        return await stores.directory.reseal(partial(resealed, old=old, new=new))


def _named(keys: Sequence[SigningKey], id: str) -> SigningKey:
    found = [key for key in keys if key.id.startswith(id)] if id else []
    if len(found) == 1:
        return found[0]
    raise CommandRefused(
        f"{'Several keys begin' if found else 'No key begins'} with {id!r}. `forecourt keys list` has the ids."
    )


def _retirable_from(settings: Settings, keys: KeySet, key: SigningKey) -> datetime | None:
    """Return from when on no token that the key signed counts; None while no other key signs after it."""
    replaced_at = keys.replaced_at(key)
    if replaced_at is None:
        return None
    return replaced_at + timedelta(minutes=settings.access_token_minutes) + LEEWAY


def _what_follows(settings: Settings, keys: KeySet, key: SigningKey, state: KeyState, now: datetime) -> str:
    if state is KeyState.ANNOUNCED:
        return f"signs from {_said(key.signs_from)}"
    until = _retirable_from(settings, keys, key)
    if until is None:
        return "stays until another one signs"
    return "may be retired" if until <= now else f"may be retired from {_said(until)}"


def _said(instant: datetime | None) -> str:
    assert instant is not None
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
