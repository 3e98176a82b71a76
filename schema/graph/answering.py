"""Answering a declared field: its guard first, then its function with the parents that are allowed."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any

from connectors.directory.standings import StandingsUnread
from connectors.ids import OrganizationId
from connectors.unmade import Unmade
from connectors.wanted import Wanted
from resolvers.context import RequestContext
from schema.graph.guards import Guard

_UNDECIDED = object()
_LISTS = {list, tuple, Unmade}


@dataclass(slots=True)
class Answering:
    """Answers one field of the schema for any number of parents: guard first, then the function with those allowed.

    One that `is_open` is asked of everybody: neither its guard nor its inputs refuse anything.
    """

    bound: Guard
    answer_all: Callable[..., Any]
    waits: bool
    convert: Callable[[dict[str, Any]], dict[str, Any]] | None = field(default=None)
    wants: Mapping[str, type] = field(default_factory=dict)
    path: str | None = None
    each: Callable[[Any, Any], Any] | None = None
    is_open: bool = False

    def answer(
        self,
        context: RequestContext,
        parents: Sequence[Any],
        arguments: dict[str, Any],
        wanted: Mapping[str, Wanted[Any]] | None = None,
    ) -> Any:
        """Return the answers, or an awaitable of them, parallel to `parents`; `arguments` as graphql-core has them.

        `wanted` is what the operation shows of the records that `wants` names; without it, the function reads whole
        records.
        """
        if arguments and self.convert:
            arguments = self.convert(arguments)
        if wanted:
            arguments = {**arguments, **wanted}
        if self.is_open and context.standings_on_demand is None:
            return self.answer_all(context, parents, **arguments)
        return self.answer_converted(context, parents, arguments)

    def answer_converted(self, context: RequestContext, parents: Sequence[Any], values: dict[str, Any]) -> Any:
        """Return the answers, or an awaitable of them, parallel to `parents`; a refusal stands at a refused index."""
        if context.standings_on_demand is not None:
            return self._answered_in_many(context, parents, values)
        return self._answered(context, parents, values, self.refusals(context, parents, values))

    def refusals(
        self, context: RequestContext, parents: Sequence[Any], values: dict[str, Any]
    ) -> Sequence[Exception | None] | None:
        """Return why each parent's field is refused, None for those that are not; None when none is."""
        return self.bound.refusals(context, parents)

    def _answered_in_many(self, context: RequestContext, parents: Sequence[Any], values: dict[str, Any]) -> Any:
        """Answer for somebody in many organizations: later where it has yet to be read what they hold there."""
        refusals: Any = _UNDECIDED
        try:
            refusals = self.refusals(context, parents, values)
            if not self.waits:
                return self._answered(context, parents, values, refusals)
        except StandingsUnread:
            pass
        return self._answered_later(context, parents, values, refusals)

    async def _answered_later(
        self, context: RequestContext, parents: Sequence[Any], values: dict[str, Any], refusals: Any
    ) -> Any:
        if refusals is _UNDECIDED:  # decided once, for a dry run notes what was decided
            refusals = await self._learnt(context, parents, lambda: self.refusals(context, parents, values))
        return await self._learnt(context, parents, lambda: self._answered(context, parents, values, refusals))

    async def _learnt(self, context: RequestContext, parents: Sequence[Any], ask: Callable[[], Any]) -> Any:
        """Ask, and again once what turned out to be unread is read; the third time with all that there is."""
        for _ in range(2):
            try:
                answer = ask()
                return await answer if isawaitable(answer) else answer
            except StandingsUnread as unread:
                await context.learn(self._with_those_of(parents, unread.organization_id))
        await context.learn(None)
        answer = ask()
        return await answer if isawaitable(answer) else answer

    def _with_those_of(
        self, parents: Sequence[Any], organization_id: OrganizationId | None
    ) -> Collection[OrganizationId] | None:
        """Return the organization with those of the parents, so that one statement is enough for a level."""
        organization_of = self.bound.organization_of
        if organization_id is None or organization_of is None:
            return None if organization_id is None else [organization_id]
        of_parents = {OrganizationId(id) for id in map(organization_of, parents) if id is not None}
        return of_parents | {organization_id}

    def _answered(
        self,
        context: RequestContext,
        parents: Sequence[Any],
        values: dict[str, Any],
        refusals: Sequence[Exception | None] | None,
    ) -> Any:
        if refusals is None:
            return self.answer_all(context, parents, **values)
        allowed = [parent for parent, refusal in zip(parents, refusals, strict=True) if refusal is None]
        if not allowed:
            return refusals
        if self.waits:
            return self._merged_later(context, allowed, values, refusals)
        return _merged(self.answer_all(context, allowed, **values), refusals)

    async def _merged_later(
        self,
        context: RequestContext,
        allowed: Sequence[Any],
        values: dict[str, Any],
        refusals: Sequence[Exception | None],
    ) -> list[Any]:
        # Called here and not before: when this is never begun, nothing is left that nobody awaits.
        answers = self.answer_all(context, allowed, **values)
        return _merged(await answers if isawaitable(answers) else answers, refusals)


def cut(answers: Sequence[Any], most: int) -> Sequence[Any]:
    """Return answers of which no list is longer than this."""
    if _LISTS.issuperset(map(type, answers)) and max(map(len, answers), default=0) <= most:
        return answers
    return [answer[:most] if isinstance(answer, (list, tuple, Unmade)) else answer for answer in answers]


def _merged(answers: Sequence[Any], refusals: Sequence[Exception | None]) -> list[Any]:
    rest = iter(answers)
    return [next(rest) if refusal is None else refusal for refusal in refusals]
