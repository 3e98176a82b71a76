"""Links by which somebody fetches a file of the portal: for minutes, and by the right that they have."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

import orjson

from connectors.identity.seals import BrokenSeal
from connectors.ids import OrganizationId, SessionId, UserId
from permissions.access_rules import AccessRule
from permissions.decision import may
from permissions.vocabulary import Permission, PermissionScope
from resolvers.context import RequestContext
from resolvers.viewer import viewer_of

FILES_PATH = "/files/"
LONGEST_NAME = 150

_PURPOSE = "file"
_NOT_IN_NAMES = frozenset('/\\:*?"<>|%')


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file by its key, and what it is called and is for whoever fetches it.

    S3 and Azure call it by the end of its key, and have its type from whoever put it there.
    """

    key: str
    name: str
    media_type: str = "application/octet-stream"


def download_link(
    context: RequestContext, file: StoredFile, rule: AccessRule, organization_id: OrganizationId | None = None
) -> str | None:
    """Return where the caller fetches the file within the next minutes; None for somebody whom the rule refuses.

    Nobody gets one who looks as somebody else. A link to S3 or Azure counts for whoever has it until it ends. One to
    Forecourt itself asks again when it is used: the session has to run, and the caller to hold what the rule says.
    A rule without permissions asks only that somebody is signed in.

    Raises:
        ValueError: `key` is none of a file.
    """
    backends, caller = context.backends, context.caller
    if caller is None or context.view_as is not None or (rule.any_of and not context.may(rule, organization_id)):
        return None
    signed = backends.files.link(file.key, valid_for=backends.file_links_for)
    if signed is not None:
        return signed
    sealed = {
        "for": _PURPOSE,
        "file": [file.key, file.name, file.media_type],
        "until": (context.now + backends.file_links_for).isoformat(),
        "caller": [caller.user.id, caller.session_id],
        "rule": [[one.value for one in rule.any_of], rule.scope.value, organization_id],
    }
    return f"{backends.portal.address}{FILES_PATH}{backends.seals.seal(orjson.dumps(sealed).decode())}"


async def file_of_link(context: RequestContext, sealed: str) -> StoredFile | None:
    """Return which file a link of Forecourt's leads to, while whoever got it may still have it; else None.

    Raises:
        BackendUnavailable: The directory does not answer.
    """
    try:
        said: dict[str, Any] = orjson.loads(context.backends.seals.open(sealed))
        if said["for"] != _PURPOSE or datetime.fromisoformat(said["until"]) <= context.now:
            return None
        codes, scope, organization_id = said["rule"]
        rule = AccessRule(any_of=tuple(Permission(code) for code in codes), scope=PermissionScope(scope))
        user_id, session_id = said["caller"]
        file = StoredFile(*said["file"])
    except (BrokenSeal, ValueError, KeyError, TypeError):  # what else is sealed is no link
        return None
    directory = context.backends.directory
    caller = await directory.caller(
        UserId(user_id), SessionId(session_id) if session_id is not None else None, context.now
    )
    if caller is None:
        return None
    if rule.any_of and not may(viewer_of(caller, context.policy), rule, organization_id, context.now):
        return None
    return file


def safe_name(name: str) -> str:
    """Return a name under which every system can keep a file, and that looks like what it is: one line, no path."""
    kept = "".join(
        "_" if sign in _NOT_IN_NAMES else sign for sign in name if not unicodedata.category(sign).startswith("C")
    )
    kept = " ".join(kept.split()).strip(". ")
    suffix = PurePosixPath(kept).suffix[:20]
    if len(kept) > LONGEST_NAME:
        kept = kept[: LONGEST_NAME - len(suffix)].rstrip(". ") + suffix
    return kept or "file"
