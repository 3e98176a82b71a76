"""``forecourt mail``: what waits to be sent and what was given up, and sending it again."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from connectors.directory.directory import Directory
from connectors.directory.records.outbox import OutboxRecord, OutboxState
from connectors.ids import OutboxId
from gateway.cli.command import CommandRefused, ProfileOption
from gateway.server.terminal import say
from gateway.settings import Settings
from gateway.settings_sources import read_settings
from gateway.wiring import open_stores, utc_now

mail_cli = typer.Typer(help="Mails, and whatever else the worker has to do.", no_args_is_help=True)

_AT_ONCE = 1_000


@mail_cli.command("list")
def list_mails(
    state: Annotated[OutboxState, typer.Option(case_sensitive=False, help="Which ones.")] = OutboxState.DEAD,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many at most, the oldest first.")] = 100,
    profile: ProfileOption = None,
) -> None:
    """List what was given up, or with --state what waits (queued) or was done (done)."""
    items, number = asyncio.run(_items(read_settings(profile=profile), state, limit))
    for item in items:
        say(_line(item))
        if item.last_error is not None:
            say(f"    {item.last_error}")
    if not items:
        say(_NOTHING[state])
    elif number > len(items):
        say(f"… and {number - len(items)} more; --limit shows them.")


@mail_cli.command()
def resend(
    id: Annotated[str | None, typer.Argument(help="Which one, by its id in the list.")] = None,
    all: Annotated[bool, typer.Option("--all", help="Everything that was given up.")] = False,
    profile: ProfileOption = None,
) -> None:
    """Have the worker try again what was given up: one item, or everything with --all."""
    if (id is None) is not all:
        raise CommandRefused("Name one id from `forecourt mail list`, or give --all.")
    number = asyncio.run(_revive(read_settings(profile=profile), OutboxId(id) if id is not None else None))
    what = "1 item waits" if number == 1 else f"{number} items wait"
    say(f"{what} again for the worker, which looks every two seconds." if number else _NOTHING[OutboxState.DEAD])


async def _items(settings: Settings, state: OutboxState, limit: int) -> tuple[Sequence[OutboxRecord], int]:
    async with open_stores(settings) as stores:
        counts = await stores.directory.count_outbox([state])
        return await stores.directory.outbox(state, limit=limit), counts[state]


async def _revive(settings: Settings, id: OutboxId | None) -> int:
    async with open_stores(settings) as stores:
        directory = stores.directory
        if id is not None:
            (item,) = await directory.outbox_items([id])
            if item is None:
                raise CommandRefused(f"There is nothing with the id {id}. `forecourt mail list` has the ids.")
            if item.state is not OutboxState.DEAD:
                how = "waits for the worker already" if item.state is OutboxState.QUEUED else "was done"
                raise CommandRefused(f"{id} was not given up: it {how}. Nothing was changed.")
            return await _revive_these(directory, [id])
        number = 0
        while dead := await directory.outbox(OutboxState.DEAD, limit=_AT_ONCE):
            number += await _revive_these(directory, [one.id for one in dead])
        return number


async def _revive_these(directory: Directory, ids: Sequence[OutboxId]) -> int:
    async with directory.change() as change:
        return len(await change.revive(ids, now=utc_now()))


def _line(item: OutboxRecord) -> str:
    what = item.content.get("template", item.kind)
    to = f" to {item.content['to']}" if "to" in item.content else ""
    to = f" of {item.content['user']}" if "user" in item.content else to
    attempts = "1 attempt" if item.attempts == 1 else f"{item.attempts} attempts"
    return f"{item.id}  {what}{to}, of {item.created_at:%Y-%m-%d %H:%M} UTC, {attempts}"


_NOTHING = {
    OutboxState.QUEUED: "Nothing waits.",
    OutboxState.DONE: "Nothing was done in the last thirty days.",
    OutboxState.DEAD: "Nothing was given up.",
}
