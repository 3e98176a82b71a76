"""Tokens by which tools read the whole schema, and nothing else; operators issue them, by command."""

from datetime import datetime, timedelta

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.audit import Author
from resolvers.context import RequestContext
from resolvers.transactions import changed


async def issue_introspection_token(context: RequestContext, lifetime: timedelta) -> tuple[str, datetime]:
    """Return a token that opens introspection until the instant beside it; that it was issued is on record."""
    token, token_id, expires_at = context.backends.tokens.issue_for_introspection(context.now, lifetime)

    async def record(change: DirectoryChange) -> None:
        by = Author(None, context.request_id)
        after = {"expires_at": expires_at.isoformat()}
        await change.record(by.entry("introspection_token.issue", token_id, None, after=after), context.now)

    await changed(context, record)
    return token, expires_at
