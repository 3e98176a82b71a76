"""All that the directory keeps of a person, given to them (GDPR, Articles 15 and 20)."""

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import orjson

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.accounts import DataExportRecord, DataExportStatus
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.outbox import OutboxRecord
from connectors.ids import DataExportId, new_id
from connectors.wanted import reads
from resolvers.context import RequestContext
from resolvers.mail.queue import mail_to, queue_mail
from resolvers.people import display_name
from resolvers.refusals import TooManyAttempts
from resolvers.transactions import Once, Receipt, author, changed, changed_once

DATA_EXPORT = "DATA_EXPORT"
EXPORT_PATH = "/account/export/"
KEPT_FOR = timedelta(days=7)
MOST_OFTEN = timedelta(days=1)
MOST_SHOWN = 20


async def request_data_export(context: RequestContext, key: str | None) -> None:
    """Have an export of the caller's data made, at most one a day; they get a mail when it is ready.

    Raises:
        TooManyAttempts: There was one within a day, with the seconds to wait.
        KeyReused, Invalid: See `changed_once`.
    """
    caller = context.caller
    assert caller is not None  # the guard has asked

    async def request(change: DirectoryChange) -> Receipt:
        await change.lock_user(caller.user.id)
        (earlier,) = await change.ask.data_exports_of([caller.user.id], limit=1)
        if earlier and (wait := earlier[0].requested_at + MOST_OFTEN - context.now) > timedelta(0):
            raise TooManyAttempts(math.ceil(wait.total_seconds()))
        id = DataExportId(new_id("exp"))
        until = context.now + KEPT_FOR
        pending = DataExportRecord(id, caller.user.id, DataExportStatus.PENDING, context.now, until)
        await change.add_data_export(pending)
        await change.enqueue(DATA_EXPORT, {"id": id}, now=context.now)
        await change.record(author(context).entry("data_export.request", id, None), context.now)
        return id

    await changed_once(context, Once(key, "requestDataExport", {}), request)


async def make_data_export(context: RequestContext, item: OutboxRecord) -> None:
    """Collect what is kept of the person and notify them that it is ready; the same item again changes nothing."""
    id = DataExportId(item.content["id"])
    directory = context.backends.directory
    (export,) = await directory.data_exports([id])
    if export is None or export.status is not DataExportStatus.PENDING:
        return
    kept = await directory.kept_of(export.user_id)
    text = orjson.dumps({"made_at": context.now, **kept}, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z)

    async def fill(change: DirectoryChange) -> None:
        user = await change.lock_user(export.user_id)
        until = context.now + KEPT_FOR
        if user is None or not await change.fill_data_export(id, text, expires_at=until):
            return
        if user.email_verified:
            values = {"name": display_name(context, user), "expires_at": until.isoformat()}
            await queue_mail(context, change, mail_to(user, "data_export_ready", values, about={"id": id}))

    await changed(context, fill)


async def expire_data_exports(context: RequestContext) -> None:
    """Erase the content of exports that nobody may fetch any more."""
    await changed(context, lambda change: change.expire_data_exports(context.now))


async def fetched_export(context: RequestContext, id: DataExportId) -> bytes | None:
    """Return the caller's own export as JSON, and put on record that it was fetched.

    None alike for an unknown one, somebody else's, one that is not ready or too old, and to whoever looks as the
    caller.
    """
    caller = context.caller
    if caller is None or context.view_as is not None:
        return None
    directory = context.backends.directory
    (export,) = await directory.data_exports([id])
    if export is None or export.user_id != caller.user.id or not _is_ready(context, export):
        return None
    content = await directory.content_of_data_export(id)
    if content is not None:
        entry = author(context).entry("data_export.fetch", id, None)
        await changed(context, lambda change: change.record(entry, context.now))
    return content


async def data_exports_of(context: RequestContext, callers: Sequence[CallerRecord]) -> Sequence[Sequence[Any]]:
    """Return each caller's exports, the last first, 20 at most; none to somebody who looks as the caller."""
    if context.view_as is not None:
        return [()] * len(callers)
    ids = [caller.user.id for caller in callers]
    return await context.backends.directory.data_exports_of(ids, limit=MOST_SHOWN)


@reads(DataExportRecord, lambda export: (export.status, export.expires_at))
def status_of(context: RequestContext, export: DataExportRecord) -> DataExportStatus:
    """Return where the export stands; one whose time is over is EXPIRED, erased or not yet."""
    return export.status if export.expires_at > context.now else DataExportStatus.EXPIRED


@reads(DataExportRecord, lambda export: (export.id, export.status, export.expires_at))
def download_url(context: RequestContext, export: DataExportRecord) -> str | None:
    """Return where its owner fetches the export, signed in; None for one that is not ready."""
    return f"{EXPORT_PATH}{export.id}" if _is_ready(context, export) else None


def _is_ready(context: RequestContext, export: DataExportRecord) -> bool:
    return status_of(context, export) is DataExportStatus.READY
