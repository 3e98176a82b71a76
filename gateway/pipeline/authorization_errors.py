"""What a client learns of the fields that were refused: how much, and where in the answer."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import ExecutionResult, GraphQLError

from connectors.errors import ConnectorError
from gateway.pipeline.error_formatting import cause_of, shown
from gateway.settings import Settings
from permissions.vocabulary import DenialReason
from resolvers.access.capabilities import Way, ways_to
from resolvers.context import RequestContext
from resolvers.people import display_name
from resolvers.refusals import NOT_PERMITTED, Coordinate, NotPermitted, undisclosed
from resolvers.texts import Text

MOST_NAMES = 10
"""So many members are named for each role that somebody could ask for."""

log = logging.getLogger("forecourt.authorization")


@dataclass(frozen=True, slots=True)
class Reported:
    """The errors as the client sees them, what goes into `extensions`, and whether the whole operation is refused."""

    errors: list[dict[str, Any]] = field(default_factory=list)
    extensions: dict[str, Any] = field(default_factory=dict)
    is_rejected: bool = False


NOTHING_REPORTED = Reported()


class AuthorizationReport:
    """Reports refusals as the settings say."""

    def __init__(self, settings: Settings) -> None:
        self._disclosure = settings.discloses
        self._response = settings.authorization_errors_response
        self._rejects = settings.authorization_reject_unauthorized

    async def reported(self, result: ExecutionResult, context: RequestContext, *, is_mutation: bool) -> Reported:
        """Return what the client learns of this result's errors.

        With full disclosure, the directory is asked once per answer who could grant what is missing, and only when a
        member of an organization was refused.
        """
        errors = result.errors or []
        unenforced: list[NotPermitted] = list(context.unenforced or ())
        if context.unenforced:
            context.unenforced.clear()  # the next operation of a batch reports its own
        refused = [cause for error in errors if isinstance(cause := cause_of(error), NotPermitted)]
        if not refused and not unenforced:
            return Reported(shown(errors, context, is_mutation=is_mutation))
        explained = await self._explained(context, list(dict.fromkeys(refused)), unenforced)
        dry_run = {"authorizationDryRun": [explained[one] for one in unenforced]} if unenforced else {}
        reported = shown(
            errors,
            context,
            explained={id(one): words for one, words in explained.items()},
            is_mutation=is_mutation,
        )
        if refused and self._rejects and not (is_mutation and _did_something(result.data)):
            return Reported([error for error in reported if _is_about_access(error)], dry_run, is_rejected=True)
        if self._response == "errors" or not refused:
            return Reported(reported, dry_run)
        kept, taken = _parted(errors, reported)
        return Reported(kept, dry_run | ({"authorizationErrors": taken} if self._response == "extensions" else {}))

    async def _explained(
        self, context: RequestContext, refused: Sequence[NotPermitted], unenforced: Sequence[NotPermitted]
    ) -> Mapping[NotPermitted, dict[str, Any]]:
        everything = [*refused, *unenforced]
        ways = await self._ways(context, everything) if self._disclosure == "full" else {}
        answer = {}
        for number, refusal in enumerate(everything, 1):
            decision_id = f"{context.request_id}-{number}"
            _log(context, refusal, decision_id, enforced=number <= len(refused))
            answer[refusal] = self._words(context, refusal, decision_id, ways.get(refusal))
        return answer

    def _words(
        self, context: RequestContext, refusal: NotPermitted, decision_id: str, ways: list[dict[str, Any]] | None
    ) -> dict[str, Any]:
        """Return the message and the extensions of a refusal, no more than may be disclosed."""
        decision, level = refusal.decision, self._disclosure
        if level == "none":
            return {"message": context.in_words(NOT_PERMITTED), "extensions": {}}
        authorization: dict[str, Any] = {"reason": decision.reason.value if decision.reason else None}
        if level == "code":
            message = context.in_words(undisclosed(decision.reason, with_advice=True))
            return {"message": message, "extensions": {"authorization": authorization}}
        authorization = {
            "coordinate": _coordinate(refusal.coordinate),
            "required": [[permission.value] for permission in refusal.required],
            "missing": [permission.value for permission in decision.missing],
            "organizationId": refusal.organization_id,
            **authorization,
            "requestable": decision.requestable,
        }
        text, hint = refusal.message, refusal.hint(context.policy)
        if level == "full" and hint is not None:
            text = Text("{refusal} {advice}", refusal=text, advice=hint)
        if level == "full":
            authorization |= {"grantableBy": ways or [], "decisionId": decision_id}
        return {"message": context.in_words(text), "extensions": {"authorization": authorization}}

    async def _ways(
        self, context: RequestContext, refusals: Sequence[NotPermitted]
    ) -> dict[NotPermitted, list[dict[str, Any]]]:
        """Return who could grant what, for the refusals of members; nobody when the directory is away or late."""
        members = [
            refusal
            for refusal in refusals
            if refusal.organization_id is not None and refusal.decision.reason is DenialReason.MISSING_PERMISSION
        ]
        if not members:
            return {}
        wanted = [(refusal.organization_id, refusal.decision.missing) for refusal in members]
        try:
            async with asyncio.timeout_at(context.deadline):
                found = await ways_to(context, wanted)  # type: ignore[arg-type]
                named = (one.user_id for ways in found for way in ways for one in way.members[:MOST_NAMES])
                ids = list(dict.fromkeys(named))
                users = dict(zip(ids, await context.backends.directory.users(ids) if ids else [], strict=True))
        except (ConnectorError, TimeoutError) as error:
            log.warning("nobody can be named", extra={"reason": str(error) or "no answer before the deadline"})
            return {}
        names = {user_id: display_name(context, user) for user_id, user in users.items() if user is not None}
        return {refusal: [_way(way, names) for way in ways] for refusal, ways in zip(members, found, strict=True)}


def _coordinate(coordinate: Coordinate) -> dict[str, str]:
    of_field = {"typeName": coordinate.type_name, "fieldName": coordinate.field_name}
    return of_field if coordinate.argument_name is None else of_field | {"argumentName": coordinate.argument_name}


def _way(way: Way, names: Mapping[Any, str]) -> dict[str, Any]:
    given = {"role": way.role_key} if way.role_key is not None else {"permission": way.permission}
    return {**given, "members": [names[one.user_id] for one in way.members[:MOST_NAMES] if one.user_id in names]}


def _log(context: RequestContext, refusal: NotPermitted, decision_id: str, *, enforced: bool) -> None:
    reason = refusal.decision.reason
    log.info(
        "field refused" if enforced else "field shown that would be refused (dry run)",
        extra={
            "decision": decision_id,
            "field": str(refusal.coordinate),
            "organization": refusal.organization_id,
            "person": context.viewer.user_id if context.viewer is not None else None,
            "reason": reason.value if reason is not None else None,
            "missing": [permission.value for permission in refusal.decision.missing],
        },
    )


def _parted(
    errors: Sequence[GraphQLError], reported: Sequence[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    kept: list[dict[str, Any]] = []
    taken: list[dict[str, Any]] = []
    for error, words in zip(errors, reported, strict=True):
        (taken if isinstance(cause_of(error), NotPermitted) else kept).append(words)
    return kept, taken


def _is_about_access(reported: Mapping[str, Any]) -> bool:
    return reported["extensions"]["code"] in ("UNAUTHENTICATED", "UNAUTHORIZED_FIELD_OR_TYPE")


def _did_something(data: Any) -> bool:
    return isinstance(data, dict) and any(value is not None for value in data.values())
